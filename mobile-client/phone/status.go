package phone

import (
	"bytes"
	"context"

	"minqing/mobile-client/photos"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
	"minqing/mobile-client/syncer"
)

// Status is how the sync stands.
type Status struct {
	Running bool
	Trouble pump.Trouble
	Rows    int64 // taken since the start
	Bytes   int64 // sent and received since the start
	Metered bool  // the network costs the person money
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
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.send
}

// Bundle writes the outbox of the held file as a file that anybody may carry and only the server can read; n is how many changes it has.
func (p *Phone) Bundle(ctx context.Context, r *replica.Replica) (file []byte, n int, err error) {
	s := syncer.New(syncer.Options{Replica: r, Transport: p.opt.Transport, Rand: p.opt.Rand, Client: p.opt.Client})
	if n, err = r.Waiting(ctx); err != nil || n == 0 {
		return nil, 0, err
	}
	var out bytes.Buffer
	n, _, err = s.Bundle(ctx, p.opt.Now(), &out)
	return out.Bytes(), n, err
}
