// Package pump syncs by itself: when a network appears, after each save, when the server says that there is something, and every so often,
// so that nobody has to think of it.
//
// It promises: it listens to the server only while it is told to (somebody looks, nothing is locked), and on a network that costs money a
// word of the server waits till others have gathered. Phones that were cut off together do not come back together (every wait has a random part); a server in trouble is left
// in peace, longer after every failure and as long as it asks; what no waiting heals is tried again only every few hours, or when the
// person asks. One sync runs at a time. Clock and randomness are handed in.
package pump

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"minqing/syncproto"
)

// The waits. Each has up to half as much again at random.
const (
	afterSave    = time.Second      // several saves in a row are one sync
	afterNetwork = 3 * time.Second  // a network that flickers is not one yet
	between      = 15 * time.Minute // with nothing to send: what others wrote
	firstRetry   = 5 * time.Second  // doubles
	longestRetry = 10 * time.Minute
	hopelessly   = 6 * time.Hour
)

// Options are what a Pump works with.
type Options struct {
	// Do is one sync. asked tells that the person asked for it. An error that ErrEnded finds ends the pump.
	Do func(ctx context.Context, asked bool) error
	// Listen hears the server's events on one link until it ends. after is the event that a sync came after; heard takes ids, and "" as a
	// sign of life. Nil: the server is not listened to.
	Listen func(ctx context.Context, after string, heard func(event string)) error
	After  func(time.Duration) <-chan time.Time
	Rand   io.Reader
}

// ErrEnded is what Do gives when there is nothing to sync any more.
var ErrEnded = errors.New("pump: ended")

// Status is how things stand.
type Status struct {
	Running bool
	Err     error // of the last sync; nil: it went well, or there was none
	Tried   bool
}

// Pump is the engine. Its methods may be called from anywhere; Run from one goroutine.
type Pump struct {
	opt  Options
	wake chan struct{}

	mu     sync.Mutex
	status Status
	down   bool // the shell says that there is no network
	asked  bool
	saved  bool
	fresh  bool // a network appeared, or the program just began
	fails  int
	ears   ears
}

// New makes a Pump.
func New(opt Options) *Pump {
	return &Pump{opt: opt, wake: make(chan struct{}, 1), fresh: true, ears: ears{changed: make(chan struct{}, 1)}}
}

// Status tells how things stand.
func (p *Pump) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Saved says that there is something to send. A wait after a failure is not cut short by it.
func (p *Pump) Saved() { p.note(func() bool { p.saved = true; return p.fails == 0 }) }

// Ask is for when the person asks: at once.
func (p *Pump) Ask() { p.note(func() bool { p.asked = true; return true }) }

// Network says whether there is a network at all. One that appears forgives earlier failures.
func (p *Pump) Network(up bool) {
	p.note(func() bool {
		appeared := up && p.down
		p.down = !up
		if appeared {
			p.fresh, p.fails = true, 0
		}
		return appeared || !up
	})
}

func (p *Pump) note(f func() bool) {
	p.mu.Lock()
	wake := f()
	p.mu.Unlock()
	if wake {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

// Run syncs until ctx ends or Do says that it is over.
func (p *Pump) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	if p.opt.Listen != nil {
		beside.Go(func() { p.listen(ctx) })
	}
	for {
		wait, err := p.plan()
		if err != nil {
			return err
		}
		var due <-chan time.Time
		if wait >= 0 {
			due = p.opt.After(wait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
			continue
		case <-due:
		}
		if err := p.once(ctx); errors.Is(err, ErrEnded) {
			return nil
		}
	}
}

func (p *Pump) once(ctx context.Context) error {
	p.mu.Lock()
	asked, event := p.asked, p.ears.hint
	p.asked, p.saved, p.fresh, p.ears.hint = false, false, false, ""
	p.status.Running = true
	p.mu.Unlock()
	err := p.opt.Do(ctx, asked)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil { // ended from outside: no failure of its own
		p.status.Running = false
		return err
	}
	p.status = Status{Err: err, Tried: true}
	if p.fails++; err == nil {
		p.fails = 0
		p.ears.done(event)
	}
	return err
}

// plan is how long to wait for the next sync; negative: until something happens.
func (p *Pump) plan() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := between
	switch {
	case p.asked:
		return 0, nil
	case p.down:
		return -1, nil
	case p.fails > 0:
		wait = min(firstRetry<<min(p.fails-1, 20), longestRetry)
		var e *syncproto.Error
		if errors.As(p.status.Err, &e) {
			wait = max(wait, time.Duration(e.RetryAfter)*time.Second)
		}
		if t := TroubleOf(p.status.Err); t == Unknown || t == Old {
			wait = hopelessly
		}
	case p.fresh:
		wait = afterNetwork
	case p.ears.hint != "" && !p.ears.spare:
		return p.jitter(afterEvent) // all who were told at once
	case p.saved:
		wait = afterSave
	case p.ears.hint != "":
		wait = gather
	}
	extra, err := p.jitter(wait / 2)
	return wait + extra, err
}

// jitter is a random time up to most.
func (p *Pump) jitter(most time.Duration) (time.Duration, error) {
	var b [8]byte
	if _, err := io.ReadFull(p.opt.Rand, b[:]); err != nil {
		return 0, err
	}
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(most+1)), nil
}
