package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"minqing/syncproto"
)

// metaReady is the key of mq_meta that a store writes to learn whether it can.
const metaReady = "ready_ms"

// How often a store that is asked whether it takes writes finds out by writing, and how long it holds what it met. A full disk lets a small write
// by now and then, in room that it had already, while none that people send gets through: it is not asked again at once.
const (
	probeEvery = 5 * time.Second
	failedFor  = 10 * time.Second
)

// readiness is what a store knows of whether it takes writes.
type readiness struct {
	mu             sync.Mutex
	probed, failed int64 // wall clock, Unix ms
	why            error // nil: nothing failed
}

// Ready tells whether the store takes writes, by a write of a few bytes every five seconds at most, however often it is asked, and by what other
// writes met: where one found the disk full it says so for ten seconds, and then looks again. In between it waits for a turn to write and writes
// nothing, which a database that is gone or held by somebody does not give.
func (s *Store) Ready(ctx context.Context) error {
	now := s.opt.Now()
	due, err := s.ready.due(now)
	if err != nil {
		return err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		if !due {
			return nil
		}
		return tx.SetMeta(metaReady, formatInt(now))
	})
	var coded *syncproto.Error
	if due && errors.As(err, &coded) && coded.Code != syncproto.CodeBusy && coded.Code != syncproto.CodeUnavailable {
		s.ready.met(now, err) // those two pass, and are met anew by whoever asks
	}
	return err
}

// due tells whether it is time to write, or else why the store does not take anything.
func (r *readiness) due(now int64) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why != nil && within(now, r.failed, failedFor) {
		return false, r.why
	}
	if r.why == nil && within(now, r.probed, probeEvery) {
		return false, nil
	}
	r.why, r.probed = nil, now
	return true, nil
}

// met holds why a write failed.
func (r *readiness) met(now int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed, r.why = now, err
}

// within tells whether a moment lies less than d back. A clock that was set back makes it long ago.
func within(now, at int64, d time.Duration) bool { return now >= at && now-at < d.Milliseconds() }
