package judge

import (
	"context"

	"minqing/server/store"
	"minqing/syncproto"
)

// Told is what became of one change, with the change itself: for the pages and commands that show refused, late and past work.
type Told struct {
	Verdict  *syncproto.Verdict
	First    syncproto.Name
	User     syncproto.UserID
	At       int64
	Received int64
	Change   *syncproto.Change // nil after lawful erasure
}

// History lists what was accepted of a row, oldest first: every cell, over what it was written, by whom and when.
func (j *Judge) History(ctx context.Context, row syncproto.RowID) ([]*store.Version, error) {
	var out []*store.Version
	err := j.store.Read(ctx, func(tx *store.Tx) error {
		var err error
		out, err = tx.Versions("row_id = ? ORDER BY seq, ord", string(row))
		return err
	})
	return out, err
}

// Refused lists refused changes, newest first: those of a user, or all; Late lists work that came late and was taken.
func (j *Judge) Refused(ctx context.Context, user syncproto.UserID, limit int) ([]*Told, error) {
	return j.told(ctx, "status = 'refused'", user, limit)
}

// Late lists work that was captured while its author was entitled, came after, and was taken.
func (j *Judge) Late(ctx context.Context, user syncproto.UserID, limit int) ([]*Told, error) {
	return j.told(ctx, "late = 1", user, limit)
}

func (j *Judge) told(ctx context.Context, where string, user syncproto.UserID, limit int) ([]*Told, error) {
	args := []any{int64(limit)}
	if user != "" {
		where += " AND user_id = ?"
		args = []any{string(user), int64(limit)}
	}
	var out []*Told
	err := j.store.Read(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		found, err := tx.Changes(where+" ORDER BY received DESC, identity LIMIT ?", args...)
		if err != nil {
			return err
		}
		var ids []syncproto.Identity
		for _, c := range found {
			ids = append(ids, c.Identity)
		}
		if err := d.loadRecords(ids); err != nil {
			return err
		}
		for _, id := range ids {
			rec := d.records[id]
			t := &Told{Verdict: rec.verdict, First: rec.First, User: rec.User, At: rec.At, Received: rec.Received}
			t.Verdict.Number, t.Verdict.MendedBy = rec.First.Number, rec.MendedBy
			if len(rec.Body) > 0 {
				if t.Change, err = d.change(rec); err != nil {
					return err
				}
			}
			out = append(out, t)
		}
		return nil
	})
	return out, err
}

// retryBatch bounds the changes heard again in one transaction.
const retryBatch = 200

// Retry hears the changes again that named tables or columns this server did not know: after an upgrade they may be taken. It tells how
// many were.
func (j *Judge) Retry(ctx context.Context) (taken int, err error) {
	for after := ""; ; {
		var page []*store.Change
		err := j.store.Write(ctx, func(tx *store.Tx) error {
			d, err := j.newDesk(tx)
			if err != nil {
				return err
			}
			// By the index of the refused, whose identities are in no index: along that of all identities, SQLite would go through every change there is.
			page, err = tx.Changes("status = 'refused' AND code = ? AND (identity || '') > ? ORDER BY (identity || '') LIMIT ?", string(syncproto.CodeUnknown), after, int64(retryBatch))
			if err != nil || len(page) == 0 {
				return err
			}
			var hearings []*hearing
			for _, c := range page {
				if err := d.loadRecords([]syncproto.Identity{c.Identity}); err != nil {
					return err
				}
				rec := d.records[c.Identity]
				if len(rec.Body) == 0 || rec.MendedBy != "" {
					continue
				}
				change, err := d.change(rec)
				if err != nil {
					return err
				}
				if change.Defect == nil {
					hearings = append(hearings, &hearing{d: d, c: change, rec: rec})
				}
			}
			if err := d.load(hearings); err != nil {
				return err
			}
			for _, h := range hearings {
				if err := d.hear(h); err != nil {
					return err
				}
				if h.rec.Status != syncproto.Refused {
					taken++
				}
			}
			_, err = d.finish(&push{})
			return err
		})
		if err != nil || len(page) < retryBatch {
			return taken, err
		}
		after = string(page[len(page)-1].Identity)
	}
}
