package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func bare() *Server {
	return New(Config{Log: slog.New(slog.DiscardHandler), Now: func() int64 { return 0 }, Rand: rand.Reader, Ready: func(context.Context) error { return nil }})
}

// parameter is a part of a path as the router writes it.
var parameter = regexp.MustCompile(`:([a-z]+)`)

func TestEveryRouteIsDescribedAndNoOther(t *testing.T) {
	described := map[string]bool{}
	for path, item := range document(t).Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+path] = true
		}
	}
	for _, r := range bare().echo.Routes() {
		key := r.Method + " " + parameter.ReplaceAllString(r.Path, "{$1}")
		if !described[key] {
			t.Errorf("%s is served but not described", key)
		}
		delete(described, key)
	}
	for key := range described {
		t.Errorf("%s is described but not served", key)
	}
}

// Whatever needs no store is asked for real, and the answer held to the document.
func TestAnswersAgreeWithTheDocument(t *testing.T) {
	doc := document(t)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	s := bare()
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/healthz", "", http.StatusOK},
		{"GET", "/readyz", "", http.StatusOK},
		{"GET", "/metrics", "", http.StatusOK},
		{"GET", "/v1/openapi.json", "", http.StatusOK},
		{"POST", "/v1/files/uploads", "", http.StatusServiceUnavailable},
		{"GET", "/v1/files/01935b7e-0000-7000-8000-0000000000d1", "", http.StatusServiceUnavailable},
		{"POST", "/v1/enrol", `{"code":`, http.StatusUnprocessableEntity},
		{"POST", "/v1/challenge", `{"device":"x","extra":1}`, http.StatusUnprocessableEntity},
		{"POST", "/v1/token", strings.Repeat(" ", maxSmallBody+1), http.StatusUnprocessableEntity},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			req := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			req.Header.Set("Content-Type", "application/json")
			rec := httptest.NewRecorder()
			s.Handler().ServeHTTP(rec, req)
			if rec.Code != c.status {
				t.Fatalf("status %d, want %d: %s", rec.Code, c.status, rec.Body)
			}
			route, params, err := router.FindRoute(req)
			if err != nil {
				t.Fatal(err)
			}
			in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
			out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: rec.Code, Header: rec.Header()}
			out.SetBodyBytes(rec.Body.Bytes())
			if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestUnknownAddressesGetAProblem(t *testing.T) {
	rec := httptest.NewRecorder()
	bare().Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/nothing/here", nil))
	if rec.Code != http.StatusNotFound || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s %s", rec.Code, rec.Header(), rec.Body)
	}
}

// TestHead: whoever asks by HEAD, as monitors do, hears what GET would have said, and no body; the protocol's own addresses know only what
// the document says.
func TestHead(t *testing.T) {
	s := bare()
	s.Mount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Asked-By", r.Method)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "page")
	}))
	at := httptest.NewServer(s.Handler())
	defer at.Close()
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/some/page": http.StatusAccepted, "/v1/openapi.json": http.StatusNotFound, "/v1/sync/events": http.StatusNotFound} {
		res, err := http.Head(at.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != want || len(body) > 0 || err != nil {
			t.Errorf("%s: %s, %q, %v, want %d", path, res.Status, body, err, want)
		}
		if by := res.Header.Get("Asked-By"); want == http.StatusAccepted && by != http.MethodGet {
			t.Errorf("the page was asked by %q", by)
		}
	}
}

func TestTheGateTurnsAwayBeforeMemoryRunsOut(t *testing.T) {
	g := newGate(2, 100)
	place, err := g.enter(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.enter(t.Context(), 60); err == nil {
		t.Fatal("120 of 100 bytes were let in")
	}
	if err := place.grow(40); err != nil {
		t.Fatal(err)
	}
	if err := place.grow(1); err == nil {
		t.Fatal("101 of 100 bytes were let in")
	}
	place.leave()
	if _, err := g.enter(t.Context(), 60); err != nil {
		t.Fatal(err)
	}
}
