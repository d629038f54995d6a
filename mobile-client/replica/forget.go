package replica

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/courier"
)

// forgetAll lets go of every scope and bucket that was named since the last other frame.
func (a *apply) forgetAll() error {
	if len(a.forgets) == 0 {
		return nil
	}
	forgets := a.forgets
	a.forgets = nil
	var ords []int64
	scopes := map[string]bool{}
	for _, f := range forgets {
		scopes[f.Scope] = scopes[f.Scope] || f.Period == ""
		if err := a.forgetBuried(`scope = ?1 AND (period = ?2 OR ?2 = '')`, f.Scope, f.Period); err != nil {
			return err
		}
		found, err := a.named(f)
		if err != nil {
			return err
		}
		ords = append(ords, found...)
	}
	if err := a.forgetOwn(scopes); err != nil {
		return err
	}
	gone := map[syncproto.RowID]listed{}
	left, err := a.rowsOf(ords, func(l listed) error {
		gone[l.id] = l
		return nil
	})
	if err == nil {
		err = a.letLost(left)
	}
	if err != nil {
		return err
	}
	for scope, whole := range scopes {
		if whole {
			if err := a.c.exec(`DELETE FROM mq_testimony WHERE scope = ?`, scope); err != nil {
				return err
			}
		}
	}
	ids := slices.Sorted(maps.Keys(gone))
	for _, id := range ids {
		if err := a.let(gone[id].t, id, stand{mark: gone[id].mark, held: true}, true); err != nil {
			return err
		}
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return wrap("forget", err)
	}
	if err := a.c.exec(`UPDATE mq_notice SET text = '' WHERE kind = ? AND row IN (SELECT value FROM json_each(?))`, string(NoticeUnreadable), string(list)); err != nil {
		return err
	}
	for _, ord := range ords {
		b, err := a.buckets.at(ord)
		if err != nil {
			return err
		}
		if err := a.buckets.drop(b); err != nil {
			return err
		}
	}
	a.forgot = a.forgot || len(gone) > 0
	return nil
}

// named lists the buckets that a Forget names.
func (a *apply) named(f syncproto.Forget) (ords []int64, err error) {
	var ord int64
	err = a.c.each(`SELECT id FROM mq_bucket WHERE `+ofScope+` AND (period = ?2 OR ?2 = '')`, []any{placeOf(f.Scope), f.Period}, []any{&ord}, func() error {
		ords = append(ords, ord)
		return nil
	})
	return ords, err
}

// forgetBuried puts what was written of rows that were deleted out of reach, when the bucket where they lay goes: no row of it is left
// to say so.
func (a *apply) forgetBuried(where string, args ...any) error {
	buried := map[syncproto.RowID]*schema.Table{}
	var id, tbl string
	err := a.c.each(`SELECT row, tbl FROM mq_buried WHERE `+where, args, []any{&id, &tbl}, func() error {
		buried[syncproto.RowID(id)] = a.r.book.Table(tbl)
		return nil
	})
	if err != nil {
		return err
	}
	for _, row := range sortedRows(buried) {
		if err := a.settleGone(row, true); err != nil {
			return err
		}
		if t := buried[row]; t != nil {
			a.touched[row] = t
		}
		a.forgot = true
	}
	return a.c.exec(`DELETE FROM mq_buried WHERE `+where, args...)
}

// metaWhole is when everything held was last known to be as the server has it, by the server's clock.
const metaWhole = "whole"

// leastHorizon is how long any server keeps its marks, in ms.
const leastHorizon = syncproto.LeastHorizon * 24 * 60 * 60 * 1000

// forgetMissed puts what was written of rows that were deleted out of reach when the device was away for longer than marks may be kept: that
// a dead row went on to where the device may not look is told by a mark alone, since digests know nothing of the dead.
func (s *Session) forgetMissed(a *apply) error {
	whole, err := (&meta{c: a.c}).num(metaWhole)
	if err != nil || s.answer.welcome.Now-whole <= leastHorizon {
		return err
	}
	return a.forgetBuried(`true`)
}

// wholeNow notes that everything held is as the server has it, unless a bucket still differs: rows that it lets go of, nobody told why.
func (s *Session) wholeNow() error {
	differs, err := s.r.w.one(`SELECT 1 FROM mq_bucket WHERE differs = 1 LIMIT 1`, nil, new(int))
	if differs || err != nil {
		return err
	}
	return (&meta{c: s.r.w}).setNum(metaWhole, s.answer.welcome.Now)
}

// forgetOwn takes rows that only this device knows out of sight when their scope goes: what was written of them waits in the
// hand-over box. It must run while their parents are still there.
func (a *apply) forgetOwn(scopes map[string]bool) error {
	own := map[syncproto.RowID]*schema.Table{}
	var id, tbl string
	err := a.c.each(`SELECT row, tbl FROM mq_under WHERE vals IS NULL`, nil, []any{&id, &tbl}, func() error {
		if t := a.r.book.Table(tbl); t != nil {
			own[syncproto.RowID(id)] = t
		}
		return nil
	})
	if err != nil {
		return err
	}
	var lost error
	lookup := func(table, id string) (func(string) schema.Value, bool) {
		t := a.r.book.Table(table)
		if t == nil || !schema.ValidID(id) {
			return nil, false
		}
		values, err := a.c.domain(t, syncproto.RowID(id))
		if err != nil {
			lost = err
		}
		return getter(t, values), values != nil
	}
	var out []syncproto.RowID
	for _, row := range sortedRows(own) {
		scope, ok := a.r.book.ScopeOf(own[row].Name, string(row), lookup)
		if ok && scopes[scope] {
			out = append(out, row)
		}
	}
	if lost != nil {
		return lost
	}
	for _, row := range out {
		if err := a.settleGone(row, true); err != nil {
			return err
		}
		a.touched[row] = own[row]
		a.forgot = true
	}
	return nil
}

// stow puts the content of an accepted change out of this phone's reach: its scope was forgotten, and the server may still want it
// after a restore. Without the server's key nothing is kept.
func (r *Replica) stow(l *layer, ord int64) error {
	var content string
	found, err := r.w.one(`SELECT content FROM mq_change WHERE ord = ? AND state = 'accepted' AND content <> ''`, []any{ord}, &content)
	if !found || err != nil {
		return err
	}
	recipient, err := (&meta{c: r.w}).text("recipient")
	if err != nil {
		return err
	}
	var box []byte
	if recipient != "" {
		if box, err = courier.Seal(recipient, courier.Escrow, []byte(content)); err != nil {
			return err
		}
	}
	delete(l.changes, ord)
	if err := r.w.exec(`UPDATE mq_change SET content = '', sealed = ? WHERE ord = ?`, box, ord); err != nil {
		return err
	}
	// It is often the verdict that brings this about, long after the forget wrote the file anew; the words may be those of others too.
	return (&meta{c: r.w}).set("scrub", scrubDue)
}

// scrubDue is what the meta row "scrub" says while a scrub is owed.
const scrubDue = "file"

// dueScrub notes what the cut makes due.
func (a *apply) dueScrub(m *meta) error {
	if !a.forgot && !a.deleted {
		return nil
	}
	return m.set("scrub", scrubDue)
}

// scrub takes what went out of the file for good. What this program deletes is overwritten as it goes, but the log keeps the pages as they
// were, pages that were split or merged may keep stale copies of rows that lived on elsewhere, and another program's deletions overwrite
// nothing: so the file is written anew and the log cut to nothing. That is done for deleted rows as for forgotten ones: a device is not told
// which of them were erased by law, and there are few. While somebody else reads the file that has to wait for the next session; so has a
// disk without room for it.
func (r *Replica) scrub() error {
	m := &meta{c: r.w}
	due, err := m.text("scrub")
	if err != nil || due == "" {
		return err
	}
	patience := r.opt.BusyTimeout
	// A reader in the way is waited for only a moment: the person waits too.
	if err := r.w.exec(fmt.Sprintf("PRAGMA busy_timeout = %d", min(patience, 100*time.Millisecond).Milliseconds())); err != nil {
		return err
	}
	return errors.Join(r.rewrite(m), r.w.exec(fmt.Sprintf("PRAGMA busy_timeout = %d", patience.Milliseconds())))
}

func (r *Replica) rewrite(m *meta) error {
	if err := r.w.exec("VACUUM"); err != nil {
		if code := codeOf(err); code == syncproto.CodeBusy || code == syncproto.CodeFull {
			return nil
		}
		return err
	}
	var busy, log, done int
	if _, err := r.w.one("PRAGMA wal_checkpoint(TRUNCATE)", nil, &busy, &log, &done); err != nil || busy != 0 {
		return err
	}
	return m.set("scrub", "")
}
