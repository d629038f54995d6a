package console

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"minqing/internal/look"
	"minqing/internal/webpage"
	"minqing/schema"
	"minqing/server/console/account"
	"minqing/server/console/assign"
	"minqing/server/console/health"
	"minqing/server/console/idp"
	"minqing/server/console/intake"
	"minqing/server/engine"
)

// Options are what the consoles work with.
type Options struct {
	Engine   *engine.Engine
	Accounts *account.Service
	Provider *idp.Provider  // nil: nobody signs in by an organisation's identity
	Proxies  []netip.Prefix // from whom forwarded headers count
	Picture  int            // how many households one picture shows; 0: twice the largest community we know of
	Rand     io.Reader
	Log      *slog.Logger
}

// App serves the pages.
type App struct {
	opt     Options
	zone    *time.Location
	pages   *webpage.Templates
	css     *look.Asset
	js      *look.Asset
	routes  map[string]*entry
	roles   map[string][]schema.Role // who may, by pattern
	intake  *intake.Worker
	counter *counter
	noted   noted
	fleets  health.Fleets
	face    http.Handler
	mux     *http.ServeMux
}

//go:embed html/*.html
var pageFiles embed.FS

//go:embed static/console.js
var script []byte

// handler answers one route.
type handler func(*request) error

// handlers is what serves each line of the table. Each page brings its own.
func handlers() []map[string]handler {
	return []map[string]handler{signinHandlers, meHandlers, frameHandlers, reviewHandlers, coverageHandlers, conflictHandlers, deviceHandlers, residentHandlers, refusedHandlers, assignHandlers, importHandlers,
		homeHandlers, twinHandlers, userHandlers, treeHandlers, shiftHandlers,
		matterHandlers, numbersHandlers, visitsHandlers, cadresHandlers,
		auditHandlers, healthHandlers, settingsHandlers}
}

// New makes the consoles over an open engine.
func New(opt Options) (*App, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{opt: opt, zone: opt.Engine.Zone, css: look.Desk(), js: look.NewAsset("console.js", script), routes: map[string]*entry{}, roles: map[string][]schema.Role{},
		mux: http.NewServeMux()}
	a.intake = intake.NewWorker(opt.Engine, opt.Log)
	a.counter = newCounter(opt.Engine, a.zone, opt.Log)
	var err error
	a.pages = webpage.NewTemplates(pageFiles, funcs)
	if err = a.pages.Parse(); err != nil {
		return nil, err
	}
	for _, asset := range []*look.Asset{a.css, a.js} {
		a.mux.Handle("GET "+asset.Path, asset)
	}
	if err := a.register(); err != nil {
		return nil, err
	}
	a.mux.Handle("/", a.handle(&entry{access: public}, func(*request) error { return errNotFound }))
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(a.handle(&entry{access: public}, func(*request) error { return errForeign }))
	a.face = guard.Handler(a.mux)
	return a, nil
}

// register binds the table and the handlers to each other: a route of one that the other lacks is an error.
func (a *App) register() error {
	for i := range table {
		e := &table[i]
		if a.routes[e.pattern] != nil {
			return fmt.Errorf("console: %s is in the table twice", e.pattern)
		}
		a.routes[e.pattern] = e
		if e.access == byRight {
			if a.roles[e.pattern] = e.roles(a.opt.Engine.Book); len(a.roles[e.pattern]) == 0 || len(e.needs) == 0 {
				return fmt.Errorf("console: nobody may call %s", e.pattern)
			}
		}
	}
	served := map[string]bool{}
	for _, list := range handlers() {
		for pattern, do := range list {
			e := a.routes[pattern]
			if e == nil || served[pattern] {
				return fmt.Errorf("console: %s is not in the authorization table, or is served twice", pattern)
			}
			served[pattern] = true
			a.mux.Handle(pattern, a.handle(e, do))
		}
	}
	for pattern := range a.routes {
		if !served[pattern] {
			return fmt.Errorf("console: nothing serves %s", pattern)
		}
	}
	return nil
}

// Run does what takes longer than a request, until ctx ends.
func (a *App) Run(ctx context.Context) {
	var counting sync.WaitGroup
	counting.Go(func() { a.counter.run(ctx) })
	a.intake.Run(ctx)
	counting.Wait()
}

// ServeHTTP answers a request, unless it was sent by a page of somebody else's.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.face.ServeHTTP(w, r) }

func (a *App) rand() io.Reader { return a.opt.Rand }

func (a *App) now() time.Time { return time.UnixMilli(a.opt.Engine.Now()).In(a.zone) }

// funcs are what templates can do in a language.
func funcs(lang schema.Lang) template.FuncMap {
	l := tongue(lang)
	return template.FuncMap{
		"ways":    func() []string { return []string{assign.Give, assign.Take, assign.Move} },
		"hows":    func() []string { return []string{assign.Nobody, assign.Near, assign.Groups, assign.List, assign.All} },
		"join":    lang.Join,
		"t":       l.html,
		"date":    l.date,
		"weekday": l.weekday,
		"moment":  l.moment,
		"brief":   l.brief,
		"mon":     l.mon,
		"ago":     l.ago,
		"seconds": func(d time.Duration) int { return int(d.Abs().Seconds()) },
		"span":    l.span,
	}
}

// Route is a line of the authorization table, for whoever measures every page. Of names what {row} stands for.
type Route struct {
	Pattern, Of string
	Public      bool
	Roles       []schema.Role // who may; none for pages about oneself
}

// Routes are all lines of the table, in its order.
func (a *App) Routes() (out []Route) {
	for _, e := range table {
		out = append(out, Route{Pattern: e.pattern, Of: e.of, Public: e.access == public || e.access == halfWay, Roles: a.roles[e.pattern]})
	}
	return out
}
