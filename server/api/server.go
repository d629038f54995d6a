package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"minqing/schema"
	"minqing/server/auth"
	"minqing/server/courier"
	"minqing/server/exchange"
	"minqing/server/files"
	"minqing/server/offer"
	"minqing/syncproto"
)

// The bounds of one server process. They are sized for two cores and 1 GB: a request holds its body, what it unpacks to and at most one
// chunk of rows; 256 at once with 160 MiB between them stay under 256 MiB with the garbage that gathers meanwhile (see thrift).
const (
	mostRequests    = 256
	mostBodyMemory  = 160 << 20
	readHeaderLimit = 10 * time.Second
	// idleLimit ends connections that phones forgot; a sync in progress is never idle.
	idleLimit = 2 * time.Minute
	// drainLimit bounds a graceful stop: requests in flight get this long before their links are cut (which loses nothing).
	drainLimit = 20 * time.Second
)

// Config is what a Server needs. Every field but Registry, Files and App is required.
type Config struct {
	Book     *schema.Book
	Auth     *auth.Service
	Exchange *exchange.Service
	Courier  *courier.Service
	Files    *files.Service // nil: there is no place for contents of attachments
	App      *offer.App     // nil: there is no package for phones
	Log      *slog.Logger
	Now      func() int64                // Unix ms
	Rand     io.Reader                   // for the ids of traces
	Ready    func(context.Context) error // can the store be written to
	Registry *prometheus.Registry
	Version  string
}

// Server serves the protocol over HTTP.
type Server struct {
	cfg      Config
	echo     *echo.Echo
	gate     *gate
	fileGate *gate
	hub      *hub
	metrics  *metrics
	closing  chan struct{}
}

// New wires the routes.
func New(cfg Config) *Server {
	if cfg.Registry == nil {
		cfg.Registry = prometheus.NewRegistry()
	}
	s := &Server{cfg: cfg, echo: echo.New(), gate: newGate(mostRequests, mostBodyMemory), fileGate: newGate(mostFiles, mostFileMemory), hub: newHub(), closing: make(chan struct{})}
	s.metrics = newMetrics(cfg.Registry, s.hub, s.gate)
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.handleError
	e.Use(s.trace, s.observe, s.recover)
	e.POST("/v1/enrol", s.handleEnrol)
	e.POST("/v1/challenge", s.handleChallenge)
	e.POST("/v1/token", s.handleToken)
	e.POST("/v1/sync", s.handleSync)
	e.GET("/v1/sync/events", s.handleEvents)
	e.GET("/v1/courier/key", s.handleCourierKey)
	e.POST("/v1/courier", s.handleCourier)
	e.OPTIONS(files.UploadPath, s.file(s.handleDiscovery))
	e.POST(files.UploadPath, s.file(s.handleNewUpload))
	for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete} {
		e.Add(method, files.UploadPath+"/:upload", s.file(s.handleUpload))
	}
	e.GET("/v1/files/:attachment", s.file(s.handleFile))
	e.GET("/v1/app", s.handleApp)
	e.GET("/v1/app/file", s.handleAppFile)
	e.GET("/v1/openapi.json", s.handleOpenAPI)
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.handleReady)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(cfg.Registry, promhttp.HandlerOpts{})))
	return s
}

// protocolPath begins the addresses of the protocol.
const protocolPath = "/v1/"

// Mount gives every address that is not the protocol's to pages. Call it once, before serving.
func (s *Server) Mount(pages http.Handler) {
	serve := echo.WrapHandler(pages)
	s.echo.Any("/*", func(c echo.Context) error {
		if strings.HasPrefix(c.Request().URL.Path, protocolPath) {
			return echo.ErrNotFound // programs ask there, and get a problem document
		}
		return serve(c)
	})
}

// Handler is the whole face as an http.Handler.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// serve answers HEAD as GET is answered (net/http leaves the body out), as monitors and balancers ask so. The protocol has its own.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead && !strings.HasPrefix(r.URL.Path, protocolPath) {
		r = r.WithContext(r.Context()) // a copy: net/http looks at its own for the body
		r.Method = http.MethodGet
	}
	s.echo.ServeHTTP(w, r)
}

// Wake tells the listening devices of users that something is there for them, but for the spared devices, each with its user: they brought
// it themselves.
func (s *Server) Wake(users []syncproto.UserID, spared map[syncproto.DeviceID]syncproto.UserID) {
	s.hub.wake(users, spared)
}

// Heard tells whether anybody listened since the process began. Whoever comes first is told to look for himself.
func (s *Server) Heard() bool { return s.hub.heard() }

// WakeAll tells every listening device to look for itself.
func (s *Server) WakeAll() { s.hub.wakeAll() }

// Run serves on l until ctx ends, then drains: no new requests, those in flight finish within drainLimit.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: readHeaderLimit, IdleTimeout: idleLimit,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn)}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	close(s.closing) // event streams never end by themselves
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	err := srv.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (s *Server) handleReady(c echo.Context) error {
	if err := s.cfg.Ready(c.Request().Context()); err != nil {
		out := &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "readyz", Message: syncproto.Both("数据库现在不能用。", "The store is not available."), RetryAfter: 5, Err: err}
		var met *syncproto.Error
		if errors.As(err, &met) && met.Code == syncproto.CodeFull {
			out.Message, out.Hint = syncproto.Both("磁盘满了，写不进去，还能看。", "The disk is full: nothing can be saved; what is there can be read."), syncproto.Both("清理磁盘，腾出空间后自动恢复。", "Free some space; it is ready again by itself.")
		}
		return out
	}
	return c.String(http.StatusOK, "ready\n")
}

// traceForm is what a client may hand in as the id of a trace; anything else is replaced, so that logs stay clean.
var traceForm = regexp.MustCompile(`^[0-9a-zA-Z-]{8,64}$`)

const traceHeader = "Minqing-Trace"

// trace carries one id from the thumb to the log.
func (s *Server) trace(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(traceHeader)
		if !traceForm.MatchString(id) {
			var b [8]byte
			if _, err := io.ReadFull(s.cfg.Rand, b[:]); err != nil {
				return err
			}
			id = hex.EncodeToString(b[:])
		}
		c.Set(traceHeader, id)
		if c.Request().Header.Get(traceHeader) == id {
			c.Response().Header().Set(traceHeader, id) // unasked, it would only cost bytes: a problem document carries it anyway
		}
		return next(c)
	}
}

func traceOf(c echo.Context) string {
	id, ok := c.Get(traceHeader).(string)
	if !ok {
		return ""
	}
	return id
}

// recover turns a panic into an internal error with its stack in the log: one bad request must not end the others.
func (s *Server) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = &syncproto.Error{Code: syncproto.CodeInternal, Op: "panic", Err: fmt.Errorf("%v\n%s", p, stack())}
			}
		}()
		return next(c)
	}
}
