package judge

import (
	"context"
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
)

// Erased tells what a lawful erasure took away.
type Erased struct {
	Rows    []syncproto.RowID
	Changes int // whose words were emptied, refused ones included
}

// Erase removes the words of a row, of all rows beneath it, and of the twins that were merged into any of them for good: values, history, changes,
// inbox. The rows are deleted by a change
// first, so that devices drop them; then every word goes, with the salt of each record of the chain that spoke for it. The leaves stay, so
// the chain still verifies, and what was erased, when, on whose word and why stays on record. Backups made before hold it until they
// are dropped.
//
// A change that also touched other rows loses its words as received, not what it did to those: that is in their history.
func (j *Judge) Erase(ctx context.Context, user syncproto.UserID, row syncproto.RowID, reason string) (*Erased, error) {
	if reason == "" {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "erase " + string(row), Message: syncproto.Both("请写明依据。", "Say on what ground."), Hint: syncproto.Both("例如：本人申请。", "For instance: at the person's request.")}
	}
	out := &Erased{}
	err := j.store.Write(ctx, func(tx *store.Tx) error {
		rows, err := lawfully(tx, row)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "erase " + string(row), Message: syncproto.Both("没有这条记录。", "No such row.")}
		}
		asked, err := deletionsAsked(tx, rows)
		if err != nil {
			return err
		}
		var edits []syncproto.Edit
		for _, r := range slices.Backward(rows) {
			out.Rows = append(out.Rows, r.ID)
			if r.Dead == 0 || asked[r.ID] {
				edits = append(edits, syncproto.Edit{Table: r.Table, Row: r.ID, Op: syncproto.OpDelete, Decides: []string{syncproto.ExistenceCell}})
			}
		}
		for piece := range slices.Chunk(edits, syncproto.MaxEdits) {
			o, err := j.SubmitIn(tx, "", Draft{Edits: piece})
			if err != nil {
				return err
			}
			if v := o.Verdicts[0]; v.Status == syncproto.Refused {
				return &syncproto.Error{Code: v.Code, Op: "erase " + string(row), Message: v.Message}
			}
		}
		refused, err := tx.RefusedNaming(rows)
		if err != nil {
			return err
		}
		if err := j.endRefused(tx, user, refused); err != nil {
			return err
		}
		if err := j.endHeld(tx, user, rows); err != nil {
			return err
		}
		out.Changes, err = tx.Erase(rows, refused, user, reason)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, j.store.Shred(ctx)
}

// deletionsAsked tells which rows are deleted while the inbox still asks whether that stands: nothing of them is left to ask about.
func deletionsAsked(tx *store.Tx, rows []*store.Row) (map[syncproto.RowID]bool, error) {
	items, err := tx.Items("closed_ms = 0 AND kind = ? AND row_id = ANY(?)", string(syncproto.ItemDelete), rowIDs(rows))
	out := map[syncproto.RowID]bool{}
	for _, it := range items {
		out[it.Row] = true
	}
	return out, err
}

// endRefused ends refused work that names rows about to be erased. Its words go, all of them, so that it can neither be taken some day nor wait, nor
// lie in the inbox: whoever wrote it is told that the row was erased.
func (j *Judge) endRefused(tx *store.Tx, user syncproto.UserID, ids []syncproto.Identity) error {
	if len(ids) == 0 {
		return nil
	}
	d, err := j.newDesk(tx)
	if err != nil {
		return err
	}
	if err := d.loadRecords(ids); err != nil {
		return err
	}
	for _, id := range ids {
		rec := d.records[id]
		c, err := d.change(rec)
		if err != nil {
			return err
		}
		late, err := d.itemOfRefused(rec)
		if err != nil {
			return err
		}
		told := rec.verdict.Items
		if err := d.refuse(&hearing{d: d, c: c, rec: rec}, refuseGone()); err != nil {
			return err
		}
		if late != nil && late.Closed == 0 {
			rec.verdict.Items = told
			if err := d.endLate(rec, late, user); err != nil {
				return err
			}
		}
	}
	return d.flush(&push{by: Author{Server: true, User: user}})
}

// endHeld closes what is open about rows about to be erased because a decision was taken back: there will be nothing left to decide.
func (j *Judge) endHeld(tx *store.Tx, user syncproto.UserID, rows []*store.Row) error {
	open, err := tx.Items("closed_ms = 0 AND row_id = ANY(?)", rowIDs(rows))
	if err != nil {
		return err
	}
	d, err := j.newDesk(tx)
	if err != nil {
		return err
	}
	for _, it := range open {
		s, err := readSides(it)
		if err != nil {
			return err
		}
		if s.Back == nil {
			continue
		}
		fates := map[syncproto.Identity]string{}
		for _, id := range slices.Concat(s.Heads, s.Against, s.Gone) {
			fates[id] = fateOutvoted
		}
		if err := d.tellOutcome(it, fates); err != nil {
			return err
		}
		it.Closed, it.By, it.Outcome = tx.Now(), user, mustJSON(closing{})
		d.addItem(it)
		d.changedItems(it)
	}
	return d.flush(&push{by: Author{Server: true, User: user}})
}

func rowIDs(rows []*store.Row) []string {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = string(r.ID)
	}
	return ids
}

// endLate closes the item that asks whether late work is to be taken after all.
func (d *desk) endLate(rec *record, it *store.Item, user syncproto.UserID) error {
	was, err := readClosing(it)
	if err != nil {
		return err
	}
	it.Closed, it.By, it.Outcome = d.tx.Now(), user, mustJSON(closing{Fates: map[syncproto.Identity]string{rec.Identity: fateOutvoted}, Word: wordRefused, Said: was.Said})
	d.changedItems(it)
	rec.hears(it, fateOutvoted)
	return nil
}

// lawfully lists what goes with a row when it is erased: the rows beneath it, and their twins that were merged away with what lay beneath those.
// Those above come first.
func lawfully(tx *store.Tx, id syncproto.RowID) ([]*store.Row, error) {
	out, err := tx.Rows([]string{string(id)})
	if err != nil {
		return nil, err
	}
	seen := map[syncproto.RowID]bool{id: true}
	for level := out; len(level) > 0; {
		ids := rowIDs(level)
		children, err := tx.Children(ids)
		if err != nil {
			return nil, err
		}
		merged, err := tx.MergedInto(ids)
		if err != nil {
			return nil, err
		}
		level = nil
		for _, c := range append(children, merged...) {
			if !seen[c.ID] {
				seen[c.ID] = true
				level = append(level, c)
			}
		}
		out = append(out, level...)
	}
	return out, nil
}

// refuseErased refuses work on rows that were erased by law, and keeps none of its words.
func (h *hearing) refuseErased() *refusal {
	for i := range h.c.Edits {
		if !h.d.erased[h.c.Edits[i].Row] {
			continue
		}
		h.rec.Body, h.rec.parsed = []byte{}, nil // what comes in the same push knows no more of it than what comes later
		return refuseGone()
	}
	return nil
}

func refuseGone() *refusal {
	return &refusal{code: syncproto.CodeForbidden, message: syncproto.Both("这条记录已依法删除。", "The row was erased by law."), hint: syncproto.Both("内容没有保留。", "Its words were not kept.")}
}
