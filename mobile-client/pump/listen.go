package pump

import (
	"context"
	"time"
)

// The waits of listening (PROTOCOL.md, section 16).
const (
	afterEvent   = 2 * time.Second // at most, at random: everybody who was told comes
	gather       = time.Minute     // where data costs money
	firstPause   = time.Second     // before a link is made anew; doubles, with up to as much again at random
	longestPause = time.Minute
)

// ears are what the pump hears of the server.
type ears struct {
	open    bool // the server is to be listened to
	spare   bool // the network costs money
	hint    string
	event   string // the last event after which a sync went well
	shut    context.CancelFunc
	changed chan struct{}
}

// done notes that a sync went well that began after an event.
func (e *ears) done(event string) {
	if event != "" {
		e.event = event
	}
}

// Hear says whether the server is to be listened to, and whether data costs money.
func (p *Pump) Hear(open, spare bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ears.open == open && p.ears.spare == spare {
		return
	}
	p.ears.open, p.ears.spare = open, spare
	if p.ears.shut != nil {
		p.ears.shut() // a link of another network is dead, and nobody may have told it so
	}
	select {
	case p.ears.changed <- struct{}{}:
	default:
	}
}

// listen makes one link after another while the ears are open.
func (p *Pump) listen(ctx context.Context) {
	pause := firstPause
	for {
		linked, after, ok := p.listening(ctx)
		if !ok {
			return
		}
		alive := false
		_ = p.opt.Listen(linked, after, func(event string) { // the sync that runs beside it says what is wrong
			alive = true
			if event != "" {
				p.hinted(event)
			}
		})
		if alive {
			pause = firstPause
		}
		extra, err := p.jitter(pause)
		if err != nil {
			return // Run meets the same, and says so
		}
		select {
		case <-ctx.Done():
			return
		case <-p.ears.changed:
			pause = firstPause
		case <-p.opt.After(pause + extra):
			pause = min(2*pause, longestPause)
		}
	}
}

// listening waits until the ears are open; the context ends when they are shut.
func (p *Pump) listening(ctx context.Context) (linked context.Context, after string, ok bool) {
	for {
		p.mu.Lock()
		if p.ears.open {
			linked, p.ears.shut = context.WithCancel(ctx)
			after = p.ears.event
		}
		p.mu.Unlock()
		if linked != nil {
			return linked, after, true
		}
		select {
		case <-ctx.Done():
			return nil, "", false
		case <-p.ears.changed:
		}
	}
}

// hinted takes an event. Further ones do not put off the sync that it asks for.
func (p *Pump) hinted(event string) {
	p.note(func() bool {
		first := p.ears.hint == ""
		p.ears.hint = event
		return first && p.fails == 0
	})
}
