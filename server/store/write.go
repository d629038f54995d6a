package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// maxGroup bounds how many transactions share one commit, and groupMS for how long others still join it: the first must not wait for ever.
// The time matters as much as the number: while a group is written, those whose commit is done are answered, and read and send on, beside
// it. A group of everybody would have all of them wait for one processor, and then that one for them.
const (
	maxGroup = 64
	groupMS  = 40
)

// maxRetries bounds how often a PostgreSQL transaction that lost a race is run again.
const maxRetries = 8

// job is one function waiting for its turn on SQLite.
type job struct {
	ctx   context.Context
	fn    func(*Tx) error
	state atomic.Int32 // jobWaiting → jobTaken by the leader, or → jobGone by its owner
	tx    *Tx
	err   error
	panic any
	done  chan struct{}
}

const (
	jobWaiting = iota
	jobTaken
	jobGone
)

// Write runs fn in a write transaction and returns when what it wrote is durable. The error of fn is returned as it is, and
// rolls back what fn wrote, only that.
func (s *Store) Write(ctx context.Context, fn func(*Tx) error) (err error) {
	if s.dialect == postgresDialect {
		err = s.writePostgres(ctx, fn)
	} else {
		err = s.writeSQLite(ctx, fn)
	}
	if err != nil && isFull(err) {
		s.ready.met(s.opt.Now(), err)
	}
	return err
}

// writeSQLite queues fn; whoever holds the turn runs everything that waits by then and commits once.
func (s *Store) writeSQLite(ctx context.Context, fn func(*Tx) error) error {
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	s.queueMu.Lock()
	s.queue = append(s.queue, j)
	s.queueMu.Unlock()
	select {
	case <-j.done:
	case s.turn <- struct{}{}:
		s.runGroups(j)
		s.leave()
	case <-ctx.Done():
		if j.state.CompareAndSwap(jobWaiting, jobGone) {
			return ctx.Err()
		}
		<-j.done
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return j.err
}

// runGroups runs groups of waiting jobs, oldest first, until the caller's own has run. It is called with the turn held.
func (s *Store) runGroups(own *job) {
	for {
		select {
		case <-own.done: // perhaps by the leader before
			return
		default:
		}
		if first := s.take(); first != nil {
			s.commitGroup(first)
		}
	}
}

// take takes the oldest job that still waits out of the queue, nil when there is none.
func (s *Store) take() *job {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	for len(s.queue) > 0 {
		j := s.queue[0]
		s.queue[0], s.queue = nil, s.queue[1:]
		if j.state.CompareAndSwap(jobWaiting, jobTaken) {
			return j
		}
	}
	return nil
}

// commitGroup runs a job, and those that join it, in one SQLite transaction and tells each when it is durable.
func (s *Store) commitGroup(first *job) {
	group, err := s.runTogether(first)
	for _, j := range group {
		if err != nil && j.err == nil && j.panic == nil {
			j.err = err
		}
		if j.err == nil && j.panic == nil {
			s.committed(j.tx)
		}
		s.ended(j.tx)
		close(j.done)
	}
}

// runTogether runs a group in one transaction and gives the error that undid all of it; errors of single jobs stay with the jobs.
//
// Nobody gets a savepoint at first: with one, SQLite copies each page aside before a job first changes it, which made every push dearer for
// the sake of the few that fail after they wrote (a push is refused before it writes anything). Where one does, and is not alone, everything
// is rolled back and run anew with a savepoint each.
func (s *Store) runTogether(first *job) (group []*job, err error) {
	until := s.opt.Now() + groupMS
	group, err = s.runGroup([]*job{first}, false, func(have int) *job {
		if have >= maxGroup || s.opt.Now() >= until {
			return nil
		}
		return s.take()
	})
	if !errors.Is(err, errSpoiled) {
		return group, err
	}
	for _, j := range group {
		s.ended(j.tx)
		j.tx, j.err, j.panic = nil, nil, nil
	}
	return s.runGroup(group, true, func(int) *job { return nil })
}

// errSpoiled tells that a job failed whose writes cannot be told from those of the others.
var errSpoiled = errors.New("a transaction that others share failed amid its writes")

// runGroup runs the jobs of a group, and after the last of them each that joins, in one transaction; it gives all of them.
func (s *Store) runGroup(group []*job, savepoints bool, join func(have int) *job) ([]*job, error) {
	ctx := context.Background()
	if _, err := s.writer.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return group, wrap("begin", err)
	}
	alive := 0
	for i := 0; i < len(group); i++ {
		stood, err := s.runMember(group[i], savepoints)
		if err != nil {
			return group, s.abandon(err)
		}
		switch {
		case stood:
			alive++
		case !savepoints && group[i].tx != nil && group[i].tx.sent:
			if len(group) > 1 {
				return group, errors.Join(errSpoiled, s.abandon(nil))
			}
			return group, s.abandon(nil) // nobody joins what it left half done
		}
		if i == len(group)-1 {
			if j := join(len(group)); j != nil {
				group = append(group, j)
			}
		}
	}
	if alive == 0 {
		return group, s.abandon(nil)
	}
	if _, err := s.writer.exec(ctx, "COMMIT"); err != nil {
		return group, s.abandon(err)
	}
	return group, nil
}

// runMember runs one job of a group and tells whether what it did is to stand; an error undoes the whole group.
func (s *Store) runMember(j *job, savepoints bool) (stands bool, err error) {
	if j.err = j.ctx.Err(); j.err != nil {
		return false, nil //nolint:nilerr // it is told to the job's own caller
	}
	if !savepoints {
		s.runJob(j)
		return j.err == nil && j.panic == nil, nil
	}
	ctx := context.Background()
	if _, err := s.writer.exec(ctx, "SAVEPOINT job"); err != nil {
		return false, err
	}
	s.runJob(j)
	stands = j.err == nil && j.panic == nil
	if !stands {
		if _, err := s.writer.exec(ctx, "ROLLBACK TO job"); err != nil {
			return false, errors.Join(err, j.err)
		}
	}
	_, err = s.writer.exec(ctx, "RELEASE job")
	return stands, err
}

func (s *Store) runJob(j *job) {
	defer func() { j.panic = recover() }()
	j.tx = &Tx{s: s, ses: s.writer, ctx: j.ctx, now: s.Now(), write: true}
	j.err = j.fn(j.tx)
}

// abandon rolls everything back. SQLite may have done so by itself (a full disk), then its error says nothing new.
func (s *Store) abandon(cause error) error {
	_, _ = s.writer.exec(context.Background(), "ROLLBACK")
	return wrap("commit", cause)
}

// committed runs what waits for durability.
func (s *Store) committed(tx *Tx) {
	for _, f := range tx.after {
		f()
	}
	s.announce(tx)
}

func (s *Store) writePostgres(ctx context.Context, fn func(*Tx) error) error {
	for try := 0; ; try++ {
		err := s.tryPostgres(ctx, fn)
		if err == nil || !lostRace(err) || try == maxRetries || ctx.Err() != nil {
			return err
		}
	}
}

func (s *Store) tryPostgres(ctx context.Context, fn func(*Tx) error) (err error) {
	ses, err := s.writers.get(ctx)
	if err != nil {
		return err
	}
	broken := true // until proven otherwise: a panic must not give back a connection amid a transaction
	defer func() { s.writers.put(ses, broken) }()
	tx := &Tx{s: s, ses: ses, ctx: ctx, now: s.Now(), write: true}
	tx.queue("BEGIN")
	tx.plan()
	defer s.ended(tx)
	err = fn(tx)
	if err == nil {
		err = tx.notify()
	}
	if err != nil {
		broken = tx.undo() != nil
		return err
	}
	tx.queue(commit)
	if err := tx.send(); err != nil {
		broken = tx.undo() != nil
		if pgCode(err) != "" {
			return err // PostgreSQL itself says that it did not stand
		}
		return wrap("commit", fmt.Errorf("not known whether it stood: %w", err))
	}
	broken = false
	s.committed(tx)
	return nil
}

// undo ends a transaction on PostgreSQL that is not to stand, unless it never began.
func (tx *Tx) undo() error {
	if !tx.sent {
		return nil
	}
	_ = tx.back() // it is to stand no more than the rest
	_, err := tx.ses.exec(context.WithoutCancel(tx.ctx), "ROLLBACK")
	return err
}

// How PostgreSQL plans the questions of a transaction. Of itself it plans each anew as long as that promises to be cheaper than a plan for any
// parameters, which of a look-up by a list of keys it never finds: of the processor time of a push, a fifth went to planning.
const (
	planKept   = "force_generic_plan" // a connection begins so
	planAnew   = "force_custom_plan"
	planEither = "auto"
)

type plansKey struct{}

// Planned has PostgreSQL plan each question of a Read for what it asks. A connection else keeps one plan for all that is asked in the same
// words: of a group with its twenty households and of the city with all of them, which from either end is the wrong way for the other.
func Planned(ctx context.Context) context.Context {
	return context.WithValue(ctx, plansKey{}, planAnew)
}

// Keyed has PostgreSQL keep the plans of what is asked: for look-ups by keys, of which there is one good way whatever the keys, and very many.
// It does not find an index that is partial by the value of a parameter: such a query says the value itself.
func Keyed(ctx context.Context) context.Context { return context.WithValue(ctx, plansKey{}, planKept) }

// plan queues how questions are planned, unless as the connection does anyway.
func (tx *Tx) plan() {
	mode, said := tx.ctx.Value(plansKey{}).(string)
	if !said {
		mode = planEither
	}
	if mode != planKept {
		tx.queue("SET LOCAL plan_cache_mode = " + mode)
	}
}

// Ask is Read for a single question: PostgreSQL is spared the beginning and the end of a transaction.
func (s *Store) Ask(ctx context.Context, fn func(*Tx) error) error {
	if s.dialect != postgresDialect {
		return s.Read(ctx, fn)
	}
	ses, err := s.pool.get(ctx)
	if err != nil {
		return err
	}
	broken := true
	defer func() { s.pool.put(ses, broken) }()
	err = fn(&Tx{s: s, ses: ses, ctx: ctx, now: s.readNow()})
	broken = err != nil // a refused statement leaves no transaction behind, but who knows whether it was that
	return err
}

// Read runs fn over a snapshot.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) error {
	p := s.pool
	ses, err := p.get(ctx)
	if err != nil {
		return err
	}
	broken := true
	defer func() { p.put(ses, broken) }()
	now := s.readNow() // before the snapshot: what it does not show came later
	tx := &Tx{s: s, ses: ses, ctx: ctx, now: now}
	if s.dialect == postgresDialect {
		// The snapshot is that of the first question, with which this travels.
		tx.queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
		tx.plan()
		err = fn(tx)
		broken = tx.undo() != nil
		return err
	}
	if _, err := ses.exec(ctx, "BEGIN"); err != nil {
		return wrap("begin", err)
	}
	// SQLite takes its snapshot at the first statement that reads, so let that be now.
	if _, err = tx.One("SELECT 1 FROM mq_meta", nil, new(int)); err == nil {
		err = fn(tx)
	}
	_, rollback := ses.exec(context.WithoutCancel(ctx), "ROLLBACK")
	broken = rollback != nil
	return err
}
