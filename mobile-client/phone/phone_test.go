package phone_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"minqing/mobile-client/phone"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
	"minqing/schema"
	"minqing/syncproto"
)

const pin = "246810"

// world is a server that enrols whoever comes, and answers everything else as the test wants.
type world struct {
	*httptest.Server
	user   atomic.Value // syncproto.UserID that the next code is for
	answer atomic.Value // http.HandlerFunc
}

func mustWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	w.user.Store(id(t))
	w.answer.Store(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) }))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/enrol", func(rw http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(rw).Encode(syncproto.EnrolResponse{Device: syncproto.DeviceID(id(t)), User: syncproto.UserID(w.user.Load().(string)), Name: "陈秀兰"}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) { w.answer.Load().(http.HandlerFunc)(rw, r) })
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Close)
	return w
}

func id(t *testing.T) string {
	t.Helper()
	s, err := syncproto.NewID(time.Now().UnixMilli(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type handset struct {
	t    *testing.T
	file string
	now  atomic.Int64
	via  http.RoundTripper // nil: the usual one
}

func newHandset(t *testing.T) *handset {
	h := &handset{t: t, file: filepath.Join(t.TempDir(), "minqing.db")}
	h.now.Store(time.Now().UnixMilli())
	return h
}

// start starts the program; it ends with the test or with stop.
func (h *handset) start(secret string, wiped func()) (p *phone.Phone, stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if h.via == nil {
		h.via = http.DefaultTransport
	}
	p, err := phone.New(ctx, phone.Options{File: h.file, Secret: []byte(secret), Transport: h.via, Now: h.now.Load, Rand: rand.Reader, Weak: true, Wiped: wiped,
		After: func(d time.Duration) <-chan time.Time { // nothing by itself: tests ask
			c := make(chan time.Time, 1)
			if d == 0 {
				c <- time.Time{}
			}
			return c
		},
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		h.t.Fatal(err)
	}
	done := false
	stop = func() {
		if done {
			return
		}
		done = true
		cancel()
		if err := p.Close(); err != nil {
			h.t.Error(err)
		}
	}
	h.t.Cleanup(stop)
	return p, stop
}

func (h *handset) enrol(p *phone.Phone, w *world) {
	h.t.Helper()
	if _, err := p.Enrol(h.t.Context(), w.URL, "AAAA-AAAA-AAAA-AAAA-A", pin); err != nil {
		h.t.Fatal(err)
	}
}

func (h *handset) state(p *phone.Phone, want phone.State) {
	h.t.Helper()
	_, s, release, err := p.Hold(h.t.Context())
	release()
	if err != nil || s != want {
		h.t.Fatalf("the phone is %s, %v, want %s", s, err, want)
	}
}

// write records something; waiting counts what is not sent.
func (h *handset) write(p *phone.Phone) {
	h.t.Helper()
	r, _, release, err := p.Hold(h.t.Context())
	defer release()
	if err == nil {
		_, err = r.Write(h.t.Context(), func(tx *replica.Tx) error {
			row, err := tx.NewID()
			if err != nil {
				return err
			}
			return tx.Create("visit", row, map[string]schema.Value{"household": schema.Text(id(h.t)), "author": schema.Text(id(h.t)), "day": schema.Text("2026-11-23")})
		})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *handset) waiting(p *phone.Phone) int {
	h.t.Helper()
	r, _, release, err := p.Hold(h.t.Context())
	defer release()
	if err != nil || r == nil {
		h.t.Fatalf("no file: %v", err)
	}
	n, err := r.Waiting(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

func TestPINClosesTheFileWithoutAKeystore(t *testing.T) {
	h, w := newHandset(t), mustWorld(t)
	p, stop := h.start("", nil)
	h.state(p, phone.Fresh)
	h.enrol(p, w)
	h.state(p, phone.Ready)
	h.write(p)
	if err := p.Lock(); err != nil {
		t.Fatal(err)
	}
	h.state(p, phone.Locked)
	if r, _, release, _ := p.Hold(t.Context()); r != nil {
		t.Error("the file is still open")
		release()
	} else {
		release()
	}
	if err := p.Unlock(t.Context(), "000001"); err == nil {
		t.Error("a wrong PIN opened it")
	}
	h.state(p, phone.Locked)
	stop()
	p, _ = h.start("", nil)
	h.state(p, phone.Locked)
	if err := p.Unlock(t.Context(), pin); err != nil {
		t.Fatal(err)
	}
	if n := h.waiting(p); n != 1 {
		t.Errorf("%d changes", n)
	}
}

func TestKeystoreKeepsTheFileOpenBehindTheGate(t *testing.T) {
	h, w := newHandset(t), mustWorld(t)
	p, stop := h.start("the keystore's secret", nil)
	h.enrol(p, w)
	h.write(p)
	p.Looked(false)
	h.now.Add(4 * time.Minute.Milliseconds())
	h.state(p, phone.Ready)
	h.now.Add(2 * time.Minute.Milliseconds())
	p.Looked(true) // too late: it locks all the same
	h.state(p, phone.Locked)
	if n := h.waiting(p); n != 1 {
		t.Errorf("%d changes behind the gate", n)
	}
	stop()
	p, stop = h.start("", nil)
	h.state(p, phone.Stuck)
	if _, err := p.Enrol(t.Context(), w.URL, "AAAA-AAAA-AAAA-AAAA-A", pin); err == nil {
		t.Error("a phone whose keystore is stuck was enrolled anew")
	}
	stop()
	p, _ = h.start("the keystore's secret", nil)
	h.state(p, phone.Locked)
	if err := p.Unlock(t.Context(), pin); err != nil {
		t.Fatal(err)
	}
	if n := h.waiting(p); n != 1 {
		t.Errorf("%d changes", n)
	}
}

// A revoked phone cannot be wiped while what it had not sent is in no safety: the server takes nothing and the disk takes nothing. Once
// the disk does, the sealed files are there when the data is gone.
func TestEscrowComesBeforeTheWipe(t *testing.T) {
	h, w := newHandset(t), mustWorld(t)
	wiped := make(chan struct{}, 1)
	p, _ := h.start("", func() { wiped <- struct{}{} })
	h.enrol(p, w)
	h.write(p)
	revoked := func(keys bool) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/courier/key" && keys {
				if _, err := io.WriteString(rw, keysOf(t)); err != nil {
					t.Error(err)
				}
				return
			}
			rw.Header().Set("Content-Type", "application/problem+json")
			code, status := "revoked", 401
			if r.URL.Path == "/v1/courier" || r.URL.Path == "/v1/courier/key" {
				code, status = "unavailable", 503
				if r.URL.Path == "/v1/courier/key" {
					code, status = "forbidden", 403
				}
			}
			rw.WriteHeader(status)
			if _, err := io.WriteString(rw, `{"code":"`+code+`","title":"停用。\nRevoked."}`); err != nil {
				t.Error(err)
			}
		}
	}
	w.answer.Store(revoked(false))
	p.Sync()
	until(t, "the escrow without a key", func() bool { s := p.Status(); return !s.Running && s.Trouble != pump.Fine })
	if n := h.waiting(p); n != 1 {
		t.Fatalf("%d changes wait", n)
	}
	h.state(p, phone.Ready)
	w.answer.Store(revoked(true))
	p.Sync()
	select {
	case <-wiped:
	case <-time.After(30 * time.Second):
		t.Fatalf("never wiped: %+v", p.Status())
	}
	h.state(p, phone.Fresh)
	if _, err := os.Stat(h.file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data is still there: %v", err)
	}
	left, err := filepath.Glob(h.file + "*")
	if err != nil || len(left) != 1 || !strings.HasSuffix(left[0], ".escrow-1") {
		t.Errorf("left: %v, %v", left, err)
	}
}

// A wipe that was cut is finished at the next start, wherever it was cut, without a PIN; a phone without its mark is not touched.
func TestCutWipeIsFinished(t *testing.T) {
	for name, left := range map[string][]string{
		"before anything went": {"", "-wal", ".key", ".came-1", ".update-1"}, "amid the data": {"-wal", ".key"}, "before the key": {".key"}, "amid the key": {".key.new"}, "before the mark": nil,
	} {
		for _, secret := range []string{"", "the keystore's secret"} {
			if secret != "" && name != "before the key" {
				continue
			}
			h, w := newHandset(t), mustWorld(t)
			p, stop := h.start(secret, nil)
			h.enrol(p, w)
			h.write(p)
			stop()
			for _, suffix := range []string{"", "-wal", ".key"} {
				if slices.Contains(left, suffix) {
					continue
				}
				if err := os.Remove(h.file + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			for _, suffix := range append(left, ".wipe") {
				f, err := os.OpenFile(h.file+suffix, os.O_CREATE|os.O_WRONLY, 0o600)
				if err == nil {
					err = f.Close()
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			told := 0
			p, stop = h.start(secret, func() { told++ })
			h.state(p, phone.Fresh)
			if rest, err := filepath.Glob(h.file + "*"); err != nil || len(rest) > 0 || told != 1 {
				t.Errorf("cut %s, keystore %t: %v is left, %v; told %d times", name, secret != "", rest, err, told)
			}
			if secret == "" {
				continue
			}
			h.enrol(p, w)
			stop()
			p, _ = h.start(secret, func() { t.Error("a phone in use was wiped") })
			h.state(p, phone.Locked)
		}
	}
}

// What goes over the network is counted by month, the metered part of it beside it, and outlives the program.
func TestDataUsedIsCounted(t *testing.T) {
	h, w := newHandset(t), mustWorld(t)
	w.answer.Store(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusServiceUnavailable)
		if _, err := io.WriteString(rw, strings.Repeat("x", 1000)); err != nil {
			t.Error(err)
		}
	}))
	p, stop := h.start("", nil)
	h.enrol(p, w)
	used := func() (u phone.Used) {
		t.Helper()
		r, _, release, err := p.Hold(t.Context())
		defer release()
		if err == nil {
			err = r.View(t.Context(), func(v *replica.View) (err error) { u, err = p.Used(v); return err })
		}
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	enrolled := used()
	sync := func(want string, ok func(phone.Used) bool) {
		t.Helper()
		p.Sync()
		until(t, want, func() bool { return !p.Status().Running && ok(used()) })
	}
	sync("a sync is counted", func(u phone.Used) bool { return u.Free >= enrolled.Free+1000 && u.Metered == 0 })
	p.Network(shell.Metered)
	sync("a metered one is told apart", func(u phone.Used) bool { return u.Metered >= 1000 })
	before := used()
	stop()
	p, _ = h.start("", nil)
	if err := p.Unlock(t.Context(), pin); err != nil {
		t.Fatal(err)
	}
	if got := used(); got.Free < before.Free || got.Metered < before.Metered || got.Total() < 2000 { // it listens all the while
		t.Errorf("after a restart %+v, before %+v", got, before)
	}
	before = used()
	h.now.Add(40 * 24 * time.Hour.Milliseconds())
	if got := used(); got.Metered != 0 || got.Free >= before.Free {
		t.Errorf("another month begins with %+v, the last ended with %+v", got, before)
	}
}

// Passed on: the new person finds nothing of the old one's, whose unsent work is sealed beside the file.
func TestPassedOn(t *testing.T) {
	h, w := newHandset(t), mustWorld(t)
	w.answer.Store(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/courier/key" {
			if _, err := io.WriteString(rw, keysOf(t)); err != nil {
				t.Error(err)
			}
			return
		}
		rw.WriteHeader(http.StatusServiceUnavailable)
	}))
	p, _ := h.start("", nil)
	h.enrol(p, w)
	h.write(p)
	h.enrol(p, w) // the same person again: all stays
	if n := h.waiting(p); n != 1 {
		t.Fatalf("enrolled again: %d changes wait", n)
	}
	w.user.Store(id(t))
	h.enrol(p, w)
	h.state(p, phone.Ready)
	if n := h.waiting(p); n != 0 {
		t.Errorf("the new person has %d changes of the old one's", n)
	}
	if left, err := filepath.Glob(h.file + ".escrow-*"); err != nil || len(left) != 1 {
		t.Errorf("sealed: %v, %v", left, err)
	}
}
