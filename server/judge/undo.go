package judge

import (
	"context"
	"errors"
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// Undo takes back what a change did, row by row, by a change of its own. It is based on the change it undoes: beside what others wrote since,
// it is an item for the inbox, under every rule but sum and set. Where one act took several changes, also are the others, in the order in which
// they were made: those before id. All are taken back, or none, the last first.
func (j *Judge) Undo(ctx context.Context, user syncproto.UserID, id syncproto.Identity, also ...syncproto.Identity) (*Outcome, error) {
	var out *Outcome
	err := j.store.Write(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		out, err = d.undo(user, id, also...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// undo is Undo inside a transaction of the caller's.
func (d *desk) undo(user syncproto.UserID, id syncproto.Identity, also ...syncproto.Identity) (*Outcome, error) {
	ids := append(slices.Clone(also), id)
	slices.Reverse(ids)
	var drafts []Draft
	for _, id := range ids {
		edits, err := d.undoing(id)
		if err != nil {
			return nil, err
		}
		if len(edits) > 0 || len(ids) == 1 {
			drafts = append(drafts, Draft{Edits: edits})
		}
	}
	out, err := d.submitUndo(user, ids, drafts)
	if err != nil {
		return nil, err
	}
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return nil, &syncproto.Error{Code: v.Code, Op: "undo " + string(id), Message: v.Message}
		}
	}
	return out, nil
}

// UndoIn takes back what several changes did, all of which somebody made, inside a transaction of the caller's: a change of its own for
// each. One that is refused is an error.
func (j *Judge) UndoIn(tx *store.Tx, user syncproto.UserID, ids ...syncproto.Identity) (*Outcome, error) {
	d, err := j.newDesk(tx)
	if err != nil {
		return nil, err
	}
	var drafts []Draft
	for _, id := range ids {
		edits, err := d.undoing(id)
		if err != nil {
			return nil, err
		}
		if d.records[id].User == "" {
			return nil, &syncproto.Error{Code: syncproto.CodeForbidden, Op: "undo " + string(id), Message: syncproto.Both("这是服务器自己做的，要一件一件撤。", "The server did this; take it back by itself.")}
		}
		if len(edits) > 0 {
			drafts = append(drafts, Draft{Edits: edits})
		}
	}
	out, err := j.SubmitIn(tx, user, drafts...)
	if err != nil {
		return nil, err
	}
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return nil, &syncproto.Error{Code: v.Code, Op: "undo", Message: v.Message}
		}
	}
	return out, nil
}

// submitUndo submits it as the user's change. What the server did for somebody (merging twins) only the server can take back; then who asked
// for it is recorded beside.
func (d *desk) submitUndo(user syncproto.UserID, ids []syncproto.Identity, drafts []Draft) (*Outcome, error) {
	if user == "" || slices.ContainsFunc(ids, func(id syncproto.Identity) bool { return d.records[id].User != "" }) {
		return d.j.SubmitIn(d.tx, user, drafts...)
	}
	stream := d.records[ids[0]].Stream
	for _, draft := range drafts {
		for _, e := range draft.Edits {
			if may, err := d.mayDecide(user, &store.Item{Row: e.Row, Stream: stream}); err != nil || !may {
				return nil, errors.Join(err, &syncproto.Error{Code: syncproto.CodeForbidden, Op: "undo " + string(ids[0]), Message: syncproto.Both("您没有这项权限。", "You have no right to do this.")})
			}
		}
	}
	for _, id := range ids {
		of := d.records[id].Stream
		if err := d.tx.LockStreams(of); err != nil {
			return nil, err
		}
		if err := d.recordDecision(of, user, WordUndone, id, nil); err != nil {
			return nil, err
		}
	}
	if err := d.flush(&push{}); err != nil {
		return nil, err
	}
	return d.j.SubmitIn(d.tx, "", drafts...)
}

// undoing makes the edits that undo a change: rows that it made go last, rows that it removed come back first.
func (d *desk) undoing(id syncproto.Identity) ([]syncproto.Edit, error) {
	if err := d.loadRecords([]syncproto.Identity{id}); err != nil {
		return nil, err
	}
	rec := d.records[id]
	if rec == nil || rec.Status == syncproto.Refused {
		return nil, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "undo " + string(id), Message: syncproto.Both("没有这条已生效的改动。", "No such change took effect.")}
	}
	done, err := d.tx.VersionsOf([]string{string(id)}, "ord, row_id")
	if err != nil {
		return nil, err
	}
	rows := make([]syncproto.RowID, len(done))
	for i, v := range done {
		rows[i] = v.Row
	}
	if err := d.loadRows(rows); err != nil { // at once: a change may touch a thousand
		return nil, err
	}
	var back, cells, gone []syncproto.Edit
	for _, v := range done {
		if err := d.need(v.Row); err != nil {
			return nil, err
		}
		r := d.rows[v.Row]
		if r == nil {
			continue
		}
		e := syncproto.Edit{Table: v.Table, Row: v.Row, Op: syncproto.OpUpdate, UndoOf: id,
			Base: syncproto.Base{Epoch: r.Label.Epoch, Rev: r.Label.Rev, Open: r.Open}}
		switch {
		case v.Op == syncproto.OpDelete:
			back = append(back, e)
		case v.Op == syncproto.OpCreate:
			e.Op = syncproto.OpDelete
			gone = append(gone, e)
		case v.UndoOf != "" && len(v.Cells) == 0: // it brought the row back, and saw nothing of what came to it since
			e.Op, e.Base = syncproto.OpDelete, syncproto.Base{Epoch: v.Label.Epoch, Rev: v.Label.Rev}
			gone = append(gone, e)
		default:
			if e.Cells, err = d.inverse(r, id); err != nil {
				return nil, err
			}
			if len(e.Cells) > 0 {
				cells = append(cells, e)
			}
		}
	}
	slices.Reverse(gone)
	return slices.Concat(back, cells, gone), nil
}

// inverse is what takes the cells of a row back; what the server derives by itself comes back by itself.
func (d *desk) inverse(r *row, id syncproto.Identity) ([]syncproto.CellEdit, error) {
	if err := d.loadHistory(r); err != nil {
		return nil, err
	}
	if err := d.loadRefused(r, &merge.RowVersion{}); err != nil {
		return nil, err
	}
	epochs, err := d.lineOf(r.Stream)
	if err != nil {
		return nil, err
	}
	edits := merge.Undo(d.book, r.Table, r.versions, epochs, id)
	return slices.DeleteFunc(edits, func(e syncproto.CellEdit) bool { return d.derived(r.Table, e.Cell) }), nil
}

// derived tells whether the server writes a cell by itself.
func (d *desk) derived(table, cell string) bool {
	return slices.ContainsFunc(derivations, func(dv derivation) bool {
		t := d.book.Table(dv.table)
		return t != nil && dv.target == cell && t.Column(t.Parent).Ref == table
	})
}
