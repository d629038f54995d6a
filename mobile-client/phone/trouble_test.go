package phone_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"minqing/mobile-client/phone"
	"minqing/mobile-client/pump"
)

// Whatever answers in the place of the server: it has a word of its own, and nothing leaves the outbox for it.
func TestNothingIsDroppedForTrouble(t *testing.T) {
	h, w := newHandset(t), mustWorld(t)
	p, _ := h.start("", nil)
	h.enrol(p, w)
	h.write(p)
	says := func(status int, kind, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", kind)
			rw.WriteHeader(status)
			if _, err := io.WriteString(rw, body); err != nil {
				t.Log(err)
			}
		}
	}
	const page, problem = "text/html; charset=utf-8", "application/problem+json"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   pump.Trouble
	}{
		"a captive portal": {says(200, page, "<html>sign in"), pump.Portal},
		"a portal that redirects": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://portal.invalid/", http.StatusFound)
		}, pump.Portal},
		"a portal by the standard": {says(511, page, "<html>"), pump.Portal},
		"HTML not found":           {says(404, page, "<html>nginx"), pump.Foreign},
		"HTML bad gateway":         {says(502, page, "<html>nginx"), pump.Foreign},
		"401":                      {says(401, problem, `{"code":"auth","title":"不认得。\nUnknown."}`), pump.Unknown},
		"401 of a proxy":           {says(401, "text/plain", "no"), pump.Unknown},
		"403":                      {says(403, problem, `{"code":"forbidden","title":"不行。\nNo."}`), pump.Denied},
		"403 of a proxy":           {says(403, page, "<html>"), pump.Denied},
		"426":                      {says(426, problem, `{"code":"upgrade","title":"太旧。\nOld."}`), pump.Old},
		"429":                      {says(429, problem, `{"code":"busy","title":"忙。\nBusy.","retryAfter":30}`), pump.Busy},
		"500":                      {says(500, problem, `{"code":"internal","title":"坏了。\nBroken."}`), pump.Broken},
		"500 without words":        {says(500, "text/plain", "oops"), pump.Broken},
		"nonsense":                 {says(200, "application/json", `{"challenge":7`), pump.Portal},
	} {
		var asked atomic.Bool
		w.answer.Store(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c.answer(rw, r)
			asked.Store(true)
		}))
		p.Sync()
		until(t, name, func() bool { s := p.Status(); return asked.Load() && !s.Running && s.Trouble == c.want })
		if n := h.waiting(p); n != 1 {
			t.Fatalf("%s: %d changes wait, want 1", name, n)
		}
	}
	w.Close()
	p.Sync()
	until(t, "no server", func() bool { s := p.Status(); return !s.Running && s.Trouble == pump.Offline })
	if n := h.waiting(p); n != 1 {
		t.Fatalf("no server: %d changes wait", n)
	}
}

// A certificate that does not fit is told from a network that is away.
func TestCertificateOfAnother(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	h := newHandset(t)
	p, _ := h.start("", nil)
	_, err := p.Enrol(t.Context(), s.URL, "AAAA-AAAA-AAAA-AAAA-A", pin)
	if got := pump.TroubleOf(err); got != pump.Cert {
		t.Errorf("%s: %v", got, err)
	}
	h.state(p, phone.Fresh)
}

// A server whose certificate is good, for another name: the sync stops there, and nothing leaves the outbox.
func TestCertificateOfAnotherName(t *testing.T) {
	h, w := newHandset(t), mustWorld(t)
	s := httptest.NewTLSServer(w.Config.Handler)
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	h.via = s.Client().Transport // it trusts who made that certificate
	p, _ := h.start("", nil)
	if _, err := p.Enrol(t.Context(), s.URL, "AAAA-AAAA-AAAA-AAAA-A", pin); err != nil {
		t.Fatal(err)
	}
	h.write(p)
	r, _, release, err := p.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Device(t.Context())
	if err == nil {
		d.Server = strings.Replace(s.URL, "127.0.0.1", "localhost", 1) // which the certificate does not name
		err = r.Enrol(t.Context(), d)
	}
	release()
	if err != nil {
		t.Fatal(err)
	}
	p.Sync()
	until(t, "the wrong name is found out", func() bool { s := p.Status(); return !s.Running && s.Trouble == pump.Cert })
	if n := h.waiting(p); n != 1 {
		t.Errorf("%d changes wait, want 1", n)
	}
}

// A phone too old for its server goes on recording, and sends all of it once the server takes it.
func TestTooOldGoesOnRecording(t *testing.T) {
	h, w := newHandset(t), mustWorld(t)
	w.answer.Store(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/problem+json")
		rw.WriteHeader(http.StatusUpgradeRequired)
		if _, err := io.WriteString(rw, `{"code":"upgrade","title":"太旧。\nOld."}`); err != nil {
			t.Error(err)
		}
	}))
	p, stop := h.start("", nil)
	h.enrol(p, w)
	for n := 1; n <= 3; n++ {
		h.write(p)
		p.Saved()
		p.Sync()
		until(t, "it is told to be too old", func() bool { s := p.Status(); return !s.Running && s.Trouble == pump.Old })
		if got := h.waiting(p); got != n {
			t.Fatalf("%d changes wait, want %d", got, n)
		}
	}
	stop()
	p, _ = h.start("", nil)
	if err := p.Unlock(t.Context(), pin); err != nil {
		t.Fatal(err)
	}
	h.write(p)
	if got := h.waiting(p); got != 4 {
		t.Errorf("after a restart %d changes wait, want 4", got)
	}
}
