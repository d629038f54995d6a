package pages

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"minqing/internal/look"
	"minqing/internal/webpage"
	"minqing/mobile-client/guard"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
)

// Options are what the app works with.
type Options struct {
	Phone    *phone.Phone
	Practice string // the file of practice, made when somebody practises and deleted after; "": there is none
	Version  string // of the program, for who looks after the phones
	Platform string
	// Free tells how many bytes the disk has left; nil where nobody knows.
	Free     func() (int64, error)
	Settings string // the file that language and size of text are kept in; "": they last as long as the process
	Now      func() time.Time
	Zone     *time.Location // of the local dates
	Rand     io.Reader
	Log      *slog.Logger
}

// App serves the pages.
type App struct {
	opt        Options
	drafting   sync.Mutex // one writer of drafts at a time
	practising sync.Mutex // one turn to practice, or back, at a time
	practice   atomic.Pointer[phone.Phone]
	warmed     atomic.Pointer[replica.Replica] // the file of which Today was drawn ahead
	codes      codes
	keeps      []string // the patterns of forms with drafts
	settings   *settings
	pages      *webpage.Templates
	css, js    *look.Asset
	mux        *http.ServeMux
}

// route is one address of the app.
type route struct {
	pattern string // as in net/http: "GET /h/{id}"
	do      func(*request) error
	// open routes work without a replica: while none is there yet, or it is locked.
	open bool
	body int64 // bounds what is posted; 0 is maxBody
	// bare routes open, close or replace the replica, so they do not hold it.
	bare bool
	// entry routes work though the lease has run out: what leads out of it, and drafts.
	entry bool
	// keeps routes save a form of which drafts are kept; its GET has the same path.
	keeps bool
}

// routes lists every address. Each screen brings its own.
func routes() [][]route {
	return [][]route{
		shellRoutes,
		todayRoutes,
		householdsRoutes,
		householdRoutes,
		correctRoutes,
		cardRoutes,
		meRoutes,
		practiceRoutes,
		exportRoutes,
		diagnosticsRoutes,
		visitRoutes,
		keepRoutes,
		lockRoutes,
		enrolRoutes,
		firstRoutes,
		syncRoutes,
		carryRoutes,
		updateRoutes,
		journalRoutes,
		matterRoutes,
	}
}

// New makes the app over an open replica.
func New(opt Options) (*App, error) {
	a := &App{opt: opt, css: look.Phone(), js: look.NewAsset("app.js", script, visitScript), pages: webpage.NewTemplates(pageFiles, funcs), mux: http.NewServeMux()}
	if err := a.sweepPractice(); err != nil {
		return nil, err
	}
	var err error
	if a.settings, err = loadSettings(opt.Settings); err != nil {
		return nil, err
	}
	for _, asset := range []*look.Asset{a.css, a.js} {
		a.mux.Handle("GET "+asset.Path, asset)
	}
	for _, list := range routes() {
		for _, r := range list {
			if r.keeps {
				a.keeps = append(a.keeps, "GET "+r.pattern[len("POST "):])
			}
			a.mux.Handle(r.pattern, a.handle(r))
		}
	}
	a.mux.Handle("/", a.handle(route{do: func(*request) error { return errNotFound }, open: true}))
	return a, nil
}

// Limits of the local server: one person, one browser. A form with the longest text of the schema fits many times over; uploads of
// photos bound themselves.
const (
	maxBody    = 1 << 20
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	endTime    = 5 * time.Second
	maxHeader  = 32 << 10
)

// Serve answers at a listener of the loopback interface until ctx ends. Before the first request is taken, opened is called with the
// address to open, launch secret included, and a function that makes further ones, which lead to a path.
func (a *App) Serve(ctx context.Context, l net.Listener, opened func(link string, more func(to string) (string, error))) error {
	g := guard.New(l.Addr(), a.opt.Rand, a.refuse)
	link, err := g.Link(Start(""))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	srv := &http.Server{Handler: g.Wrap(a), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(a.opt.Log.Handler(), slog.LevelWarn)}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	opened(link, g.Link)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	err = srv.Shutdown(patience)
	if errors.Is(err, context.DeadlineExceeded) { // a browser opens connections ahead of need, and says nothing on them
		err = srv.Close()
	}
	err = errors.Join(err, a.leavePractice())
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// ServeHTTP answers a request that the guard let through.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *App) now() time.Time { return a.opt.Now().In(a.opt.Zone) }
