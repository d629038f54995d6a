package syncer

import (
	"context"
	"errors"
	"io"
	"net/http"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// Options are what a Syncer works with. Client may be empty.
type Options struct {
	Replica   *replica.Replica
	Transport http.RoundTripper
	Rand      io.Reader // keys of new device ids
	Client    string    // program and version
	// Revoked is called when the server says that the device was revoked, with the sync at an end: escrow, then wipe. Nil: the error
	// is all.
	Revoked func(ctx context.Context) error
	// Filling hears how far a first sync or a new assignment has come, as its rows come. It may be nil.
	Filling func(replica.Filling)
}

// Syncer syncs one replica. It keeps the access token between syncs; it is for one goroutine at a time.
type Syncer struct {
	opt   Options
	token string
	event string // the last event after which a sync completed
	asked bool   // the server was asked for its courier keys
}

// New makes a Syncer.
func New(opt Options) *Syncer { return &Syncer{opt: opt} }

// Report is what one Sync did.
type Report struct {
	Rounds   int
	Pushed   int // changes sent, those sent again included
	Verdicts map[syncproto.Status]int
	Told     []syncproto.Identity // the changes that verdicts came for, in the order in which they came
	Rows     int                  // acknowledged rows taken
	Sent     int                  // bytes of request bodies
	Received int                  // bytes of answer bodies, as they came
	Forgot   bool
	Repaired int // buckets that differed from the server's and do not any more
	Copied   bool
	Forked   bool
	// Testified counts the rows of others that were offered to a server which went back behind them.
	Testified int
	Waiting   int    // changes still to be sent
	Differs   int    // buckets that still are not the server's
	Of        string // of a receipt: the bundle that it answers
}

// The bounds of one Sync: a server that answers nonsense must not hold the phone for ever. Each is far above what a sync that
// goes well needs.
const (
	maxRounds   = 200
	maxRestarts = 3 // of each kind: fork, copy, cursor, token, broken link
	pushChanges = 2000
	pushBytes   = 6 << 20 // of contents: far below MaxRequestBytes with everything around them
	// testimonyBytes bounds the rows of others in one request, on top of that.
	testimonyBytes = 4 << 20
)

// Sync pushes what waits and pulls what is new, until nothing moves any more. What it did before an error stands.
func (s *Syncer) Sync(ctx context.Context) (Report, error) {
	rep := Report{Verdicts: map[syncproto.Status]int{}}
	if !s.asked { // a server without them is synced all the same
		s.asked = true
		if err := s.LearnKeys(ctx); codeOf(err) == syncproto.CodeUnavailable {
			s.asked = false
			return rep, err
		}
	}
	session, err := s.opt.Replica.Begin(ctx)
	if err != nil {
		return rep, err
	}
	run := &run{s: s, session: session, rep: &rep, most: pushChanges, left: map[syncproto.Code]int{}}
	err = run.rounds(ctx)
	if closed := session.Close(context.WithoutCancel(ctx)); err == nil {
		err = closed
	}
	if codeOf(err) == syncproto.CodeRevoked && s.opt.Revoked != nil {
		return rep, errors.Join(err, s.opt.Revoked(ctx))
	}
	return rep, err
}

func codeOf(err error) syncproto.Code {
	if e := errorOf(err); e != nil {
		return e.Code
	}
	return ""
}

func errorOf(err error) *syncproto.Error {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// run is one Sync under way.
type run struct {
	s       *Syncer
	session *replica.Session
	rep     *Report
	most    int // changes a push may carry
	held    bool
	left    map[syncproto.Code]int // how often each kind of obstacle was met
	pushing []*syncproto.Change    // of the request under way
}

// rounds runs requests until nothing is left to do.
func (r *run) rounds(ctx context.Context) error {
	for r.rep.Rounds < maxRounds {
		moved, err := r.round(ctx)
		if err != nil {
			if err = r.overcome(ctx, err); err != nil {
				return err
			}
			continue
		}
		more, err := r.more(ctx, moved)
		if err != nil || !more {
			return err
		}
	}
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "sync", Message: syncproto.Both("同步来回太多次，先停下。", "The sync took too many rounds and stopped."),
		Hint: syncproto.Both("过一会儿再同步；内容都在。", "Sync again later; nothing is lost.")}
}

// more tells whether another round has something to do that this one did not.
func (r *run) more(ctx context.Context, moved bool) (bool, error) {
	_, waiting, err := r.session.Outbox(ctx, 0, 0)
	if err != nil {
		return false, err
	}
	_, untold, err := r.session.Testimony(ctx, 0, 0)
	if err != nil {
		return false, err
	}
	res := r.session.Result()
	r.rep.Waiting, r.rep.Differs = waiting, res.Differs
	if res.Unknown {
		r.left[syncproto.CodeHeld]++
		r.held = r.left[syncproto.CodeHeld] <= maxRestarts
		return r.held, nil
	}
	return untold > 0 || moved && (waiting > 0 || res.Differs > 0 && !res.Hopeless), nil
}

// round sends one request and takes its answer. moved tells that verdicts came or the repair went on: that another round may do more.
func (r *run) round(ctx context.Context) (moved bool, err error) {
	r.rep.Rounds++
	req, pushed, err := r.request(ctx)
	if err != nil {
		return false, err
	}
	before := r.rep.Verdicts
	r.rep.Verdicts = map[syncproto.Status]int{}
	err = r.exchange(ctx, req)
	got := 0
	for status, n := range r.rep.Verdicts {
		before[status] += n
		got += n
	}
	r.rep.Verdicts = before
	res := r.session.Result()
	r.rep.Rows += res.Rows
	r.rep.Repaired += res.Repaired
	r.rep.Forgot = r.rep.Forgot || res.Forgot
	r.rep.Pushed += pushed
	r.held = false
	return pushed > 0 && got > 0 || res.Differs > 0 || res.Repaired > 0, err
}

// overcome does what an error asks for; it gives the error back when there is nothing to do, or it was done too often.
func (r *run) overcome(ctx context.Context, err error) error {
	var e *syncproto.Error
	if !errors.As(err, &e) {
		return err
	}
	if r.left[e.Code]++; r.left[e.Code] > maxRestarts {
		return err
	}
	switch e.Code {
	case syncproto.CodeHeld:
		r.held = true
		return nil
	case syncproto.CodeCursor:
		r.held = true
		return r.session.Restart(ctx)
	case syncproto.CodeFork:
		r.held, r.rep.Forked = true, true
		return r.session.Fork(ctx)
	case syncproto.CodeCopied:
		var f *failure
		if !errors.As(err, &f) || f.ticket == "" {
			return err
		}
		r.rep.Copied = true
		return r.copied(ctx, f)
	case syncproto.CodeAuth:
		if r.s.token == "" {
			return err
		}
		r.s.token = ""
		return nil
	case syncproto.CodeTooLarge:
		r.left[e.Code] = 0 // it ends by itself: at one change
		if len(r.pushing) == 1 {
			return r.session.Refuse(ctx, r.pushing[0].Identity(), e.Code, e.Message)
		}
		if len(r.pushing) == 0 {
			return err
		}
		r.most = max(1, len(r.pushing)/8)
		return nil
	case syncproto.CodeUnavailable:
		if e.RetryAfter == 0 && r.session.Result().Kept() {
			return nil // the link broke, and what came before is a start for the next request
		}
	}
	return err
}

// failure is the error of an answer that ended with a Failure frame.
type failure struct {
	err    *syncproto.Error
	ticket string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }
