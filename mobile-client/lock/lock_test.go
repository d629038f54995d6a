package lock_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minqing/mobile-client/lock"
	"minqing/syncproto"
)

// clock is a wall clock that people set.
type clock struct{ ms int64 }

func (c *clock) add(d time.Duration) { c.ms += d.Milliseconds() }

type phone struct {
	t    *testing.T
	path string
	c    *clock
}

func newPhone(t *testing.T) *phone {
	return &phone{t: t, path: filepath.Join(t.TempDir(), "field.db.key"), c: &clock{ms: 1_700_000_000_000}}
}

// start is the program started anew, with what the keystore gives this time.
func (p *phone) start(secret string) *lock.Box {
	p.t.Helper()
	b, err := lock.Open(lock.Options{Path: p.path, Secret: []byte(secret), Now: func() int64 { return p.c.ms }, Rand: rand.Reader, Weak: true})
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func (p *phone) make(secret, pin string) []byte {
	p.t.Helper()
	key, err := p.start(secret).Make(pin)
	if err != nil {
		p.t.Fatal(err)
	}
	return key
}

func (p *phone) raw() string {
	p.t.Helper()
	raw, err := os.ReadFile(p.path)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(raw)
}

func code(err error) syncproto.Code {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func (p *phone) wantKey(b *lock.Box, pin string, key []byte) {
	p.t.Helper()
	if got, err := b.Try(pin); err != nil || !bytes.Equal(got, key) {
		p.t.Fatalf("Try(%q) gives %x, %v", pin, got, err)
	}
}

func TestPINWrapsWithoutAKeystore(t *testing.T) {
	p := newPhone(t)
	if s := p.start("").State(); s != lock.Missing {
		t.Fatalf("before: %s", s)
	}
	key := p.make("", "246810")
	b := p.start("")
	if b.State() != lock.Closed || b.Key() != nil {
		t.Fatalf("%s, key %x", b.State(), b.Key())
	}
	if _, err := b.Try("246811"); code(err) != syncproto.CodeInvalid {
		t.Errorf("a wrong one: %v", err)
	}
	p.wantKey(b, "246810", key)
	if _, err := b.Make("246810"); code(err) != syncproto.CodeConflict {
		t.Errorf("made twice: %v", err)
	}
	p.wantKey(p.start("a keystore that came later"), "246810", key)
}

func TestKeystoreOpensAndPINGates(t *testing.T) {
	p := newPhone(t)
	key := p.make("the keystore's secret", "246810")
	b := p.start("the keystore's secret")
	if b.State() != lock.Free || !bytes.Equal(b.Key(), key) {
		t.Fatalf("%s, key %x", b.State(), b.Key())
	}
	if _, err := b.Try("135790"); code(err) != syncproto.CodeInvalid {
		t.Errorf("a wrong one: %v", err)
	}
	p.wantKey(b, "246810", key)
	if raw := p.raw(); strings.Contains(raw, "verifier") || strings.Contains(raw, "246810") {
		t.Errorf("the file helps in guessing: %s", raw)
	}
}

// A keystore that gives nothing, or something else, this time: nothing is overwritten, and the next time it opens.
func TestStuckKeystoreLosesNothing(t *testing.T) {
	p := newPhone(t)
	key := p.make("the keystore's secret", "246810")
	before := p.raw()
	for _, secret := range []string{"", "another secret"} {
		b := p.start(secret)
		if b.State() != lock.Stuck || b.Key() != nil {
			t.Fatalf("with %q: %s", secret, b.State())
		}
		if _, err := b.Try("246810"); code(err) != syncproto.CodeUnavailable {
			t.Errorf("with %q: Try gives %v", secret, err)
		}
		if _, err := b.Make("999888"); code(err) != syncproto.CodeConflict {
			t.Errorf("with %q: Make gives %v", secret, err)
		}
		if err := b.Change("246810", "999888"); code(err) != syncproto.CodeUnavailable {
			t.Errorf("with %q: Change gives %v", secret, err)
		}
		if p.raw() != before {
			t.Fatalf("with %q the file changed", secret)
		}
	}
	p.wantKey(p.start("the keystore's secret"), "246810", key)
}

func TestChange(t *testing.T) {
	for _, secret := range []string{"", "the keystore's secret"} {
		p := newPhone(t)
		key := p.make(secret, "246810")
		b := p.start(secret)
		if err := b.Change("000001", "112233"); code(err) != syncproto.CodeInvalid {
			t.Errorf("by a wrong one: %v", err)
		}
		if err := b.Change("246810", "112233"); err != nil {
			t.Fatal(err)
		}
		for _, at := range []*lock.Box{b, p.start(secret)} {
			if _, err := at.Try("246810"); code(err) != syncproto.CodeInvalid {
				t.Errorf("the old one: %v", err)
			}
			p.wantKey(at, "112233", key)
		}
	}
}

// The waits grow, survive a restart and a clock set back, and end; the right PIN is not even looked at meanwhile.
func TestWaits(t *testing.T) {
	p := newPhone(t)
	key := p.make("", "246810")
	for i := range 4 {
		if _, err := p.start("").Try("000000"); code(err) != syncproto.CodeInvalid {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if left, err := p.start("").Wait(); left != 0 || err != nil {
		t.Fatalf("four slips wait %s, %v", left, err)
	}
	last := time.Duration(0)
	for range 10 {
		if _, err := p.start("").Try("000000"); err == nil {
			t.Fatal("a wrong one opened it")
		}
		b := p.start("")
		left, err := b.Wait()
		if err != nil || left < last || left > time.Hour || left == last && left != time.Hour {
			t.Fatalf("waits %s after %s, %v", left, last, err)
		}
		if _, err := b.Try("246810"); code(err) != syncproto.CodeBusy {
			t.Fatalf("within the wait: %v", err)
		}
		p.c.add(-10 * 365 * 24 * time.Hour)
		if now, err := p.start("").Wait(); now != left || err != nil {
			t.Fatalf("a clock set back makes %s of %s, %v", now, left, err)
		}
		p.c.add(left / 2)
		if now, err := p.start("").Wait(); now != left-left/2 || err != nil {
			t.Fatalf("half of %s later it is %s, %v", left, now, err)
		}
		p.c.add(left - left/2)
		last = left
	}
	p.wantKey(p.start(""), "246810", key)
	if _, err := p.start("").Try("000000"); code(err) != syncproto.CodeInvalid {
		t.Errorf("after the right one slips are free again: %v", err)
	}
}

// A try counts before it is looked at, and a spoilt count is no way round it.
func TestTriesCannotBeDodged(t *testing.T) {
	p := newPhone(t)
	p.make("", "246810")
	for range 5 {
		if _, err := p.start("").Try("000000"); err == nil {
			t.Fatal("a wrong one opened it")
		}
	}
	for _, spoilt := range []string{"", "{", `{"count":-1}`, `{"count":1,"left":-5}`} {
		if err := os.WriteFile(p.path+".tries", []byte(spoilt), 0o600); err != nil {
			t.Fatal(err)
		}
		if left, err := p.start("").Wait(); left != 30*time.Second || err != nil {
			t.Errorf("%q: waits %s, %v", spoilt, left, err)
		}
	}
}

func TestRefusesWhatIsNoBox(t *testing.T) {
	p := newPhone(t)
	for _, raw := range []string{"", "{}", "no JSON", `{"alg":"argon2id xchacha20poly1305","box":"AAAA"}`, `{"alg":"argon2id xchacha20poly1305","time":1,"memory":99999999,"box":"` + strings.Repeat("AAAA", 20) + `"}`} {
		if err := os.WriteFile(p.path, []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := lock.Open(lock.Options{Path: p.path, Rand: rand.Reader, Weak: true}); code(err) != syncproto.CodeInvalid {
			t.Errorf("%q: %v", raw, err)
		}
		if got := p.raw(); got != raw {
			t.Errorf("%q became %q", raw, got)
		}
	}
}

func TestCheckNew(t *testing.T) {
	for pin, ok := range map[string]bool{"": false, "12345": false, "111111": false, "246810": true, "口令口令口令": true, strings.Repeat("12", 40): false} {
		if err := lock.CheckNew(pin); (err == nil) != ok {
			t.Errorf("%q: %v", pin, err)
		}
	}
}

func TestRemove(t *testing.T) {
	p := newPhone(t)
	p.make("", "246810")
	b := p.start("")
	if _, err := b.Try("000000"); err == nil {
		t.Fatal("a wrong one opened it")
	}
	for range 2 {
		if err := b.Remove(); err != nil || b.State() != lock.Missing {
			t.Fatalf("%v, %s", err, b.State())
		}
	}
	if left, err := filepath.Glob(p.path + "*"); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
