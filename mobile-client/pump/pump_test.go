package pump

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"minqing/syncproto"
)

// zeros is randomness without any: the waits are then their least.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type most struct{}

func (most) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0xff
	}
	return len(b), nil
}

// machine runs a pump on a clock that passes each wait at once, and notes it. Each sync gives the next of results; after the last it ends.
func machine(t *testing.T, rand io.Reader, results []error, before func(p *Pump, sync int)) (waits []time.Duration) {
	t.Helper()
	n := 0
	var p *Pump
	p = New(Options{Rand: rand, After: func(d time.Duration) <-chan time.Time {
		waits = append(waits, d)
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c
	}, Do: func(context.Context, bool) error {
		if n == len(results) {
			return ErrEnded
		}
		n++
		before(p, n)
		return results[n-1]
	}})
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return waits
}

func fail(code syncproto.Code, retry int) error {
	return &syncproto.Error{Code: code, RetryAfter: retry}
}

func TestWaits(t *testing.T) {
	off := fail(syncproto.CodeUnavailable, 0)
	for name, c := range map[string]struct {
		results []error
		want    []time.Duration
	}{
		"nothing to do":       {[]error{nil, nil}, []time.Duration{afterNetwork, between, between}},
		"failures back off":   {[]error{off, off, off, nil}, []time.Duration{afterNetwork, firstRetry, 2 * firstRetry, 4 * firstRetry, between}},
		"as the server asks":  {[]error{fail(syncproto.CodeBusy, 90), nil}, []time.Duration{afterNetwork, 90 * time.Second, between}},
		"a phone not known":   {[]error{fail(syncproto.CodeAuth, 0)}, []time.Duration{afterNetwork, hopelessly}},
		"a program too old":   {[]error{fail(syncproto.CodeUpgrade, 0)}, []time.Duration{afterNetwork, hopelessly}},
		"something else here": {[]error{errors.New("disk")}, []time.Duration{afterNetwork, firstRetry}},
	} {
		if got := machine(t, zeros{}, c.results, func(*Pump, int) {}); !slices.Equal(got, c.want) {
			t.Errorf("%s: waits %v, want %v", name, got, c.want)
		}
	}
	var many []error
	for range 30 {
		many = append(many, off)
	}
	for i, w := range machine(t, most{}, many, func(*Pump, int) {})[1:] {
		if least := min(firstRetry<<i, longestRetry); w < least || w > least+least/2 {
			t.Errorf("wait %d is %s", i, w)
		}
	}
}

// What is saved goes soon; a server in trouble is not hurried by it, but by the person and by a network that comes.
func TestWhatHurries(t *testing.T) {
	saved := machine(t, zeros{}, []error{nil, nil}, func(p *Pump, n int) {
		if n == 1 {
			p.Saved()
		}
	})
	if !slices.Contains(saved, afterSave) {
		t.Errorf("after a save: %v", saved)
	}
	off := fail(syncproto.CodeUnavailable, 0)
	p := New(Options{Rand: zeros{}})
	p.status.Err, p.fails, p.fresh = off, 3, false
	for _, c := range []struct {
		what string
		do   func()
		want time.Duration
	}{
		{"a failure", func() {}, 4 * firstRetry}, {"a save", p.Saved, 4 * firstRetry}, {"no network", func() { p.Network(false) }, -1},
		{"a save without one", p.Saved, -1}, {"a network", func() { p.Network(true) }, afterNetwork}, {"the person", p.Ask, 0},
	} {
		c.do()
		if got, err := p.plan(); got != c.want || err != nil {
			t.Errorf("after %s it waits %s, %v, want %s", c.what, got, err, c.want)
		}
	}
}

func TestStatus(t *testing.T) {
	off := fail(syncproto.CodeUnavailable, 0)
	machine(t, zeros{}, []error{off, nil}, func(p *Pump, n int) {
		if s := p.Status(); !s.Running || s.Tried != (n > 1) || n > 1 && s.Err != nil && !errors.Is(s.Err, off) {
			t.Errorf("during sync %d: %+v", n, s)
		}
	})
}

// The server is listened to while that is wanted and only then; what it says hurries a sync, at once or, where data costs money, after
// others may have gathered; it hurries none after a failure. Links that break are made anew ever later, until one lives.
func TestListening(t *testing.T) {
	type link struct {
		after string
		heard func(string)
		end   chan struct{}
		gone  <-chan struct{}
	}
	links, waits := make(chan link), make(chan time.Duration, 100)
	var p *Pump
	synced := make(chan struct{}, 100)
	var wanted atomic.Bool
	due := make(chan time.Time) // the pump's clock stands: only pauses between links pass
	p = New(Options{Rand: zeros{}, After: func(d time.Duration) <-chan time.Time {
		waits <- d
		if d < afterNetwork { // the pauses of this test are 1 and 2 s
			c := make(chan time.Time, 1)
			c <- time.Time{}
			return c
		}
		return due
	}, Do: func(context.Context, bool) error { synced <- struct{}{}; return nil }, Listen: func(ctx context.Context, after string, heard func(string)) error {
		if !wanted.Load() {
			t.Error("it listens unasked")
		}
		l := link{after, heard, make(chan struct{}), ctx.Done()}
		select {
		case links <- l:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-l.end:
		case <-ctx.Done():
		}
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	next := func(what string) link {
		t.Helper()
		select {
		case l := <-links:
			return l
		case <-time.After(30 * time.Second):
			t.Fatalf("no link: %s", what)
		}
		return link{}
	}
	did := func(what string) {
		t.Helper()
		select {
		case <-synced:
		case <-time.After(30 * time.Second):
			t.Fatalf("no sync: %s", what)
		}
	}
	due <- time.Time{}
	did("the first")
	wanted.Store(true)
	p.Hear(true, false)
	l := next("asked to")
	if l.after != "" {
		t.Errorf("the first link goes on after %q", l.after)
	}
	l.heard("7")
	did("an event") // its wait is 0 with this randomness
	close(l.end)
	if l = next("after one that lived"); l.after != "7" {
		t.Errorf("the next link goes on after %q", l.after)
	}
	close(l.end)
	l = next("after one that died")
	p.Hear(false, false)
	select {
	case <-l.gone:
	case <-time.After(30 * time.Second):
		t.Fatal("a link that nobody wants stays")
	}
	p.Hear(true, true)
	l = next("where data costs money")
	l.heard("8")
	l.heard("9")
	for wait := time.Duration(0); wait != gather; {
		select {
		case wait = <-waits:
		case <-time.After(30 * time.Second):
			t.Fatal("events do not gather")
		}
	}
	due <- time.Time{}
	did("the gathered events")
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	p = New(Options{Rand: zeros{}})
	p.fails, p.fresh, p.status.Err = 3, false, fail(syncproto.CodeUnavailable, 0)
	p.hinted("10")
	if wait, err := p.plan(); wait != 4*firstRetry || err != nil || len(p.wake) != 0 {
		t.Errorf("after a failure an event waits %s, %v", wait, err)
	}
}
