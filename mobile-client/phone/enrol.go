package phone

import (
	"context"
	"errors"
	"time"

	"minqing/mobile-client/lock"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
)

// Enrol exchanges a code for a device of this phone. A replica of the same person goes on under the new device; one of somebody else is
// escrowed and wiped first, and a new one begins under the PIN.
func (p *Phone) Enrol(ctx context.Context, server, code, pin string) (*syncproto.EnrolResponse, error) {
	if p.box.State() == lock.Stuck || p.gated.Load() || p.box.State() == lock.Closed && !p.opened() {
		return nil, &syncproto.Error{Code: syncproto.CodeAuth, Op: "enrol", Message: syncproto.Both("先用口令打开。", "Open it with the PIN first."), Hint: syncproto.Both("本机的数据没有动过。", "The data on this phone is untouched.")}
	}
	if err := lock.CheckNew(pin); err != nil {
		return nil, err
	}
	d, who, err := syncer.Enrol(ctx, p.opt.Transport, p.opt.Rand, syncer.Enrolment{Server: server, Code: code, Platform: p.opt.Platform, Client: p.opt.Client})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil {
		old, err := p.file.Device(ctx)
		if err != nil {
			return nil, err
		}
		if old.User == d.User {
			p.halt()
			if err := p.file.Enrol(ctx, d); err != nil {
				return nil, err
			}
			p.start(p.file)
			return who, nil
		}
		if err := p.give(ctx, old); err != nil {
			return nil, err
		}
	}
	return who, p.begin(ctx, d, pin)
}

func (p *Phone) opened() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.file != nil
}

// give hands over what the old owner had not sent, and wipes. The caller holds the lock.
func (p *Phone) give(ctx context.Context, old replica.Device) error {
	r := p.file
	p.halt()
	if old.ID != "" {
		s := syncer.New(syncer.Options{Replica: r, Transport: p.opt.Transport, Rand: p.opt.Rand, Client: p.opt.Client})
		if _, err := s.Escrow(ctx, p.opt.Now(), p.keep); err != nil {
			p.start(r) // nothing was destroyed: it goes on as it was
			return err
		}
	}
	p.file = nil
	return errors.Join(r.Close(), Wipe(p.opt.File, p.box))
}

// begin makes a new file for a device. The caller holds the lock.
func (p *Phone) begin(ctx context.Context, d replica.Device, pin string) error {
	key, err := p.box.Make(pin)
	if err != nil {
		return err
	}
	if err := p.load(ctx, key); err != nil {
		return err
	}
	if err := p.file.Enrol(ctx, d); err != nil {
		return err
	}
	p.start(p.file)
	return nil
}

// turn is how often wipe looks whether everybody has left the file.
const turn = 10 * time.Millisecond

// wipe is what a revoked phone does: escrow, then wipe. It runs in the engine, which ends with it.
func (p *Phone) wipe(ctx context.Context, r *replica.Replica, s *syncer.Syncer) error {
	if _, err := s.Escrow(ctx, p.opt.Now(), p.keep); err != nil {
		return err
	}
	for !p.mu.TryLock() { // whoever has it may be waiting for this engine to end
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(turn):
		}
	}
	defer p.mu.Unlock()
	p.file = nil
	p.engine.Store(nil) // it ends with this
	if err := errors.Join(r.Close(), Wipe(p.opt.File, p.box)); err != nil {
		return err
	}
	p.gated.Store(false)
	if p.opt.Wiped != nil {
		p.opt.Wiped()
	}
	return nil
}

// keep writes a part of what the server could not take now to a file that only it can read, and returns once it is on the disk.
func (p *Phone) keep(part int, bundle []byte) error { return KeepEscrow(p.opt.File, part, bundle) }
