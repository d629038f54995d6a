package api

import (
	"runtime/debug"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what operators watch; names follow the Prometheus conventions (base units, _total for counters).
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	sent     *prometheus.CounterVec
	verdicts *prometheus.CounterVec
	rows     prometheus.Counter
	// fileBytes counts the contents of attachments, whole requests only.
	fileBytes *prometheus.CounterVec
}

func newMetrics(r *prometheus.Registry, h *hub, g *gate) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "minqing_requests_total", Help: "Requests by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "minqing_request_seconds", Help: "Time to the last byte, by route.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 15, 60}}, []string{"route"}),
		sent:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "minqing_sent_bytes_total", Help: "Bytes of answers, by route."}, []string{"route"}),
		verdicts:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "minqing_verdicts_total", Help: "Verdicts given, by status."}, []string{"status"}),
		rows:      prometheus.NewCounter(prometheus.CounterOpts{Name: "minqing_pulled_rows_total", Help: "Rows sent to devices."}),
		fileBytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "minqing_file_bytes_total", Help: "Bytes of attachments' contents, by direction."}, []string{"direction"}),
	}
	listeners := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "minqing_event_listeners", Help: "Devices listening for events."},
		func() float64 { return float64(h.listeners()) })
	syncs := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "minqing_syncs_in_progress", Help: "Syncs and bundles being taken in."},
		func() float64 { return float64(g.inside()) })
	r.MustRegister(m.requests, m.seconds, m.sent, m.verdicts, m.rows, m.fileBytes, listeners, syncs, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe counts every request by its route pattern, never by its path: paths could hold ids.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err) // writes the problem document, so that the status below is the one sent
		}
		route := c.Path()
		s.metrics.requests.WithLabelValues(route, strconv.Itoa(c.Response().Status)).Inc()
		s.metrics.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
		s.metrics.sent.WithLabelValues(route).Add(float64(c.Response().Size))
		return nil
	}
}

func stack() []byte { return debug.Stack() }

// Load tells how many syncs are being taken in, and how many devices listen for events, in this process.
func (s *Server) Load() (syncs, listeners int) { return s.gate.inside(), s.hub.listeners() }
