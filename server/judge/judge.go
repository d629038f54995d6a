package judge

import (
	"context"
	"sync/atomic"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// DefaultGrace is how long work that comes late is judged by the authority at its capture.
const DefaultGrace = 30 * 24 * time.Hour

// Opener opens what the server sealed.
type Opener interface {
	OpenCursor(sealed string) (*syncproto.Cursor, error)
}

// Options of a Judge.
type Options struct {
	Seals Opener         // nil: changes of devices carry no cursors (tests of the server alone)
	Zone  *time.Location // nil: schema.CityZone
	Grace time.Duration  // 0: DefaultGrace
}

// Judge judges changes over one store. It keeps no state of its own but caches; any number may work on one database.
type Judge struct {
	store *store.Store
	opt   Options
	zone  *time.Location
	line  lineCache
	usual usual
	grace atomic.Int64 // ms
}

// New makes a Judge.
func New(s *store.Store, opt Options) *Judge {
	if opt.Zone == nil {
		opt.Zone = schema.CityZone
	}
	if opt.Grace == 0 {
		opt.Grace = DefaultGrace
	}
	j := &Judge{store: s, opt: opt, zone: opt.Zone}
	j.SetGrace(opt.Grace)
	return j
}

// SetGrace says how long work that comes late is judged by the authority at its capture, from now on.
func (j *Judge) SetGrace(d time.Duration) { j.grace.Store(d.Milliseconds()) }

// Author is who made the changes of a push, proven by the caller.
type Author struct {
	Device syncproto.DeviceID
	User   syncproto.UserID
	// Server marks changes made on the server itself (see Submit): they carry no cursors and are judged by the rights of now. Without a
	// User they are the server's own.
	Server bool
	// Carried tells that the changes came in a bundle, which its device signed. A device that was revoked may still hand over so what it
	// holds: all of it counts as late.
	Carried bool
	// Offer tells that the push answers a fork: changes may leave gaps and carry labels.
	Offer bool
	// Names tells that the device reads the people of a verdict.
	Names bool
	// Admit, if set, runs in the transaction of the push before anything is taken; its error is the push's.
	Admit func(tx *store.Tx) error
}

// Outcome of a push.
type Outcome struct {
	Verdicts []*syncproto.Verdict // in the order of the changes
	Head     syncproto.ChainHead  // where the chains that this push moved stand now; Line is left to the caller
}

// Stop is the error of a push of which nothing was taken.
type Stop struct {
	Cause *syncproto.Error
	Known []syncproto.Identity // for CodeCopied: the changes that the server holds
}

// Unwrap gives the shared error.
func (s *Stop) Unwrap() error { return s.Cause }

// Error is that of the cause.
func (s *Stop) Error() string { return s.Cause.Error() }

// Push judges the changes of one author, in the order of their numbers, and returns when the verdicts are durable. Nothing is taken
// when the error is not nil; a *Stop says why and what the device should do.
func (j *Judge) Push(ctx context.Context, by Author, changes []*syncproto.Change) (*Outcome, error) {
	var out *Outcome
	err := j.store.Write(ctx, func(tx *store.Tx) error {
		var err error
		out, err = j.PushIn(tx, by, changes)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// PushIn is Push inside a transaction of the caller's.
func (j *Judge) PushIn(tx *store.Tx, by Author, changes []*syncproto.Change) (*Outcome, error) {
	d, err := j.newDesk(tx)
	if err != nil {
		return nil, err
	}
	if err := tx.LockPush(by.Device); err != nil {
		return nil, err
	}
	if !by.Server && !by.Carried { // who carries for another does not pull for him
		tx.By(by.Device)
	}
	if by.Admit != nil {
		if err := by.Admit(tx); err != nil {
			return nil, err
		}
	}
	p, err := d.receive(by, changes)
	if err != nil {
		return nil, err
	}
	if err := d.load(p.fresh); err != nil {
		return nil, err
	}
	for _, h := range p.fresh {
		if err := d.hear(h); err != nil {
			return nil, err
		}
	}
	if err := d.relabel(p.offered); err != nil {
		return nil, err
	}
	return d.finish(p)
}

// finish hears those who waited, looks for what follows between rows, and writes everything.
func (d *desk) finish(p *push) (*Outcome, error) {
	for _, step := range []func() error{d.wake, d.checkOrphans, d.checkTwins, func() error { return d.flush(p) }} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return d.outcome(p)
}

// columnIndex finds a column of a table, -1 when it has none of that name.
func columnIndex(t *schema.Table, name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}
