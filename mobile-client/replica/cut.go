package replica

import (
	"context"
	"errors"
	"fmt"

	"minqing/schema"
	"minqing/syncproto"
)

// checkpoint applies everything since the last checkpoint in one transaction.
func (s *Session) checkpoint(ctx context.Context, cp syncproto.Checkpoint) error {
	res := s.answer.result
	roomy := s.answer.stager != nil || s.answer.welcome.Resumed
	if err := s.room(ctx, roomy, applyCache); err != nil {
		return err
	}
	if !cp.More {
		s.answered()
	}
	err := s.write(ctx, func() error {
		if err := s.heard(); err != nil {
			return err
		}
		if err := s.appliedRows(cp); err != nil {
			return err
		}
		if cp.Cursor == "" { // nothing is new
			return errors.Join(s.wholeNow(), s.r.settleAbsent(s.round))
		}
		a, err := s.newApply()
		if err != nil {
			return err
		}
		if err := s.replay(a.frame); err != nil {
			return err
		}
		if err := a.finish(); err != nil {
			return err
		}
		if err := s.narrow(a); err != nil {
			return err
		}
		if err := s.forgetMissed(a); err != nil {
			return err
		}
		if err := a.finish(); err != nil { // of what was dropped
			return err
		}
		if err := s.close(a, cp); err != nil {
			return err
		}
		res.Checkpoints++
		res.Rows += a.rows
		res.Forgot = res.Forgot || a.forgot
		res.More = cp.More
		return s.compare(a, cp, &res)
	})
	if err := errors.Join(err, s.room(ctx, roomy, usualCache)); err != nil {
		return err
	}
	s.answer.result = res
	s.answer.forgetFrames()
	return nil
}

// The page cache of the writing connection, in KiB: rows of a large cut come in no order of their ids, and pages that do not fit the
// cache are written and read many times over. Afterwards the memory goes back.
const (
	usualCache = 4096
	applyCache = 16384
)

func (s *Session) room(ctx context.Context, roomy bool, kib int) error {
	if !roomy {
		return nil
	}
	return s.r.locked(ctx, func() error {
		return errors.Join(s.r.w.exec(fmt.Sprintf("PRAGMA cache_size = -%d", kib)), s.r.w.exec("PRAGMA shrink_memory"))
	})
}

// forgetFrames lets go of what a checkpoint took, and keeps the columns: they are headed once an answer.
func (an *answer) forgetFrames() {
	for _, f := range an.frames {
		if c, ok := f.(syncproto.Columns); ok {
			an.columns = append(an.columns, c)
		}
	}
	an.frames, an.stager = nil, nil
}

// close records the cut: cursor, what is safe, what differs.
func (s *Session) close(a *apply, cp syncproto.Checkpoint) error {
	r := s.r
	m := &meta{c: r.w}
	for _, kv := range [][2]string{{"cursor", cp.Cursor}, {"capture", cp.Cursor}, {"resume", ""}} {
		if err := m.set(kv[0], kv[1]); err != nil {
			return err
		}
	}
	// An offer ends when everything was offered: its numbers may have gaps until then.
	for _, q := range []string{`DELETE FROM mq_stage`, `DELETE FROM mq_head`, `DELETE FROM mq_meta WHERE key = 'offer' AND NOT EXISTS (SELECT 1 FROM mq_change WHERE need = 1)`} {
		if err := r.w.exec(q); err != nil {
			return err
		}
	}
	gone, err := r.sweepContents()
	if err != nil {
		return err
	}
	a.deleted = a.deleted || gone
	if err := a.dueScrub(m); err != nil {
		return err
	}
	if err := r.safe(cp.Safe); err != nil {
		return err
	}
	if !cp.More {
		if err := r.reclaim(); err != nil {
			return err
		}
		if err := r.settleAbsent(s.round); err != nil {
			return err
		}
	}
	return r.reconsider(a.l)
}

// compare marks the buckets that are not the server's.
func (s *Session) compare(a *apply, cp syncproto.Checkpoint, res *Result) error {
	c := s.r.w
	for i := range cp.Buckets {
		state := &cp.Buckets[i]
		b, err := a.buckets.find(state.ID)
		if err != nil {
			return err
		}
		if b == nil {
			if state.Rows == 0 {
				continue
			}
			if b, err = a.buckets.hold(state.ID); err != nil {
				return err
			}
		}
		differs := syncproto.DigestBucket(state) != syncproto.DigestBucket(&b.state)
		if err := c.exec(`UPDATE mq_bucket SET differs = ? WHERE id = ? AND differs <> ?`, differs, b.ord, differs); err != nil {
			return err
		}
		if p := s.probes[state.ID]; !differs && p != nil {
			delete(s.probes, state.ID)
			res.Repaired++
			if p.quiet {
				continue
			}
			if err := s.r.notice(Notice{Kind: NoticeRepaired, Text: state.ID.Scope + " " + state.ID.Period}); err != nil {
				return err
			}
		}
	}
	var differing []syncproto.BucketID
	if err := c.bucketIDs(`differs = 1`, func(id syncproto.BucketID) error {
		differing = append(differing, id)
		return nil
	}); err != nil {
		return err
	}
	res.Differs, res.Hopeless = len(differing), s.hopeless(differing)
	if len(differing) == 0 && len(cp.Buckets) > 0 && !cp.More {
		for _, key := range []string{"tampered", "anew", metaWitness} {
			if err := (&meta{c: c}).set(key, ""); err != nil {
				return err
			}
		}
	}
	root, err := (&meta{c: c}).root()
	res.Unknown = err == nil && root != cp.Root && res.Differs == 0
	if err != nil || res.Unknown || cp.More {
		return err
	}
	return s.wholeNow()
}

// safe drops changes that the server's backups reach past.
func (r *Replica) safe(ids []syncproto.Identity) error {
	m := &meta{c: r.w}
	newest, err := m.num(metaSafe)
	if err != nil {
		return err
	}
	for _, id := range ids {
		var ord int64
		found, err := r.w.one(`SELECT ord FROM mq_change WHERE identity = ? AND state IN ('accepted', 'withdrawn') AND need = 0
			AND NOT EXISTS (SELECT 1 FROM mq_edit WHERE change = ord AND laid = 1)`, []any{string(id)}, &ord)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if ord > newest {
			newest = ord
			if err := m.setNum(metaSafe, newest); err != nil {
				return err
			}
			if err := r.w.exec(`DELETE FROM mq_parting WHERE mark < ?`, newest); err != nil {
				return err
			}
		}
		for _, q := range []string{`DELETE FROM mq_edit WHERE change = ?`, `DELETE FROM mq_change WHERE ord = ?`} {
			if err := r.w.exec(q, ord); err != nil {
				return err
			}
		}
	}
	return nil
}

// settleAbsent settles what was accepted and did not come with a final checkpoint: the row is no longer held, or the author no
// longer hears of it (the verdict had no label).
func (r *Replica) settleAbsent(round int64) error {
	absent := map[syncproto.RowID]*schema.Table{}
	var id, tbl string
	err := r.w.each(`SELECT e.row, e.tbl FROM mq_edit e JOIN mq_change c ON c.ord = e.change WHERE e.settled = 0 AND c.state = 'accepted' AND c.absent <= ?
		AND (e.rev IS NULL OR NOT `+r.w.holds("e.row")+`)`, []any{round}, []any{&id, &tbl}, func() error {
		if t := r.book.Table(tbl); t != nil {
			absent[syncproto.RowID(id)] = t
		}
		return nil
	})
	if err != nil {
		return err
	}
	l := newLayer(r.w)
	for _, id := range sortedRows(absent) {
		if err := r.w.exec(`UPDATE mq_edit SET settled = 1, laid = 0 WHERE row = ? AND settled = 0 AND change IN
			(SELECT ord FROM mq_change WHERE state = 'accepted' AND absent <= ?)
			AND (rev IS NULL OR NOT `+r.w.holds("mq_edit.row")+`)`, string(id), round); err != nil {
			return err
		}
		if err := l.relay(absent[id], id); err != nil {
			return err
		}
	}
	return nil
}

// reclaim takes rows out of the hand-over box whose parent is in sight again: their scope was granted anew.
func (r *Replica) reclaim() error {
	type boxed struct {
		t   *schema.Table
		row syncproto.RowID
		ord int64
	}
	var all []boxed
	var b boxed
	var tbl string
	err := r.w.each(`SELECT e.row, e.tbl, e.change FROM mq_edit e JOIN mq_change c ON c.ord = e.change WHERE e.away = 1 AND e.settled = 0 AND c.state = 'pending'
		ORDER BY e.change`, nil, []any{&b.row, &tbl, &b.ord}, func() error {
		if b.t = r.book.Table(tbl); b.t != nil {
			all = append(all, b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	l := newLayer(r.w)
	for _, b := range all {
		ch, err := l.change(b.ord)
		if err != nil {
			return err
		}
		e := editOf(ch, b.row)
		if e == nil || e.Op != syncproto.OpCreate || b.t.Parent == "" {
			continue
		}
		parent := getter(b.t, overlay(r.book, b.t, nil, e))(b.t.Parent).Str()
		if !schema.ValidID(parent) {
			continue
		}
		above, err := r.w.domain(r.book.Table(b.t.Column(b.t.Parent).Ref), syncproto.RowID(parent))
		if err != nil {
			return err
		}
		if above == nil {
			continue
		}
		if err := r.w.exec(`UPDATE mq_edit SET away = 0 WHERE row = ? AND change = ?`, string(b.row), b.ord); err != nil {
			return err
		}
	}
	return nil
}
