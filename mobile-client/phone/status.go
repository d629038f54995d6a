package phone

import (
	"context"
	"time"

	"minqing/mobile-client/photos"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
)

// Status is how the sync stands.
type Status struct {
	Running bool
	Trouble pump.Trouble
	Rows    int64 // taken since the start
	Bytes   int64 // sent and received since the start
	Metered bool  // the network costs the person money
	Filling Filling
}

// Filling is how far a first sync has come, or what a new assignment brings.
type Filling struct {
	replica.Filling
	Left time.Duration // about, at the pace of this sync; 0: that cannot be told yet, or nothing comes just now
}

// Percent is how far it has come.
func (f Filling) Percent() int {
	if f.Total == 0 {
		return 0
	}
	return f.Rows * 100 / f.Total
}

// pace is a filling that comes just now, and where it stood when this sync began to bring it.
type pace struct {
	now   replica.Filling
	first int   // rows
	since int64 // the clock at first
}

// The least from which a pace is told: less says nothing about the network.
const (
	paceRows = 20
	paceTime = 2 * time.Second
)

// fills hears from the sync how far its filling has come.
func (p *Phone) fills(f replica.Filling) {
	at := pace{now: f, first: f.Rows, since: p.opt.Now()}
	if before := p.pace.Load(); before != nil {
		at.first, at.since = before.first, before.since
	}
	p.pace.Store(&at)
}

// filling is how a filling stands: of the sync under way, or as the file remembers it.
func (p *Phone) filling(ctx context.Context, r *replica.Replica) (Filling, error) {
	at := p.pace.Load()
	if at == nil {
		f, err := r.Filling(ctx)
		return Filling{Filling: f}, err
	}
	out := Filling{Filling: at.now}
	passed := time.Duration(p.opt.Now()-at.since) * time.Millisecond
	if came := at.now.Rows - at.first; came >= paceRows && passed >= paceTime {
		out.Left = passed / time.Duration(came) * time.Duration(at.now.Total-at.now.Rows)
	}
	return out, nil
}

// StatusOf is Status with how the filling of the held file stands.
func (p *Phone) StatusOf(ctx context.Context, r *replica.Replica) (s Status, err error) {
	s = p.Status()
	s.Filling, err = p.filling(ctx, r)
	return s, err
}

// Status tells how the sync stands.
func (p *Phone) Status() Status {
	net := p.network()
	s := Status{Metered: net == shell.Metered, Bytes: p.used.sinceStart(), Rows: p.rows.Load()}
	if e := p.current(); e != nil {
		at := e.Status()
		s.Running, s.Trouble = at.Running, pump.TroubleOf(at.Err)
	}
	switch net {
	case shell.None:
		s.Trouble = pump.Offline
	case shell.Portal:
		s.Trouble = pump.Portal
	}
	return s
}

// Sync asks for a sync now.
func (p *Phone) Sync() {
	if e := p.current(); e != nil {
		e.Ask()
	}
}

// Saved says that something was written.
func (p *Phone) Saved() {
	if e := p.current(); e != nil {
		e.Saved()
	}
}

// Sender sends and fetches photos; nil while there is no replica.
func (p *Phone) Sender() *photos.Sender {
	if e := p.current(); e != nil {
		return e.send
	}
	return nil
}

// Share offers a file to other apps; false where there is no shell that could.
func (p *Phone) Share(name string, file []byte) (bool, error) {
	if p.opt.Share == nil {
		return false, nil
	}
	return true, p.opt.Share(name, file)
}

// Taken says that the photo from the camera is kept.
func (p *Phone) Taken() {
	if p.opt.Taken != nil {
		p.opt.Taken()
	}
}
