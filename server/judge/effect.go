package judge

import (
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// accept lets a change take effect on the desk. Nothing is refused any more from here on.
func (d *desk) accept(h *hearing) error {
	rec := h.rec
	again := rec.verdict != nil
	d.seqs, d.began = map[string]int64{}, len(d.versions)
	rec.Late, rec.Code, rec.dirty, rec.news = h.late, "", true, rec.news || again
	for i, e := range h.edits {
		if err := d.apply(h, e, int64(i)); err != nil {
			return err
		}
	}
	rec.verdict = &syncproto.Verdict{Identity: rec.Identity, Status: syncproto.Applied, Late: h.late}
	rec.Status = syncproto.Applied
	for _, e := range h.edits {
		if !e.server {
			rec.verdict.Labels = append(rec.verdict.Labels, syncproto.RowLabel{Row: e.Row, Label: e.row.Label})
		}
	}
	for _, e := range h.edits {
		if err := d.reckon(h, e); err != nil {
			return err
		}
	}
	d.came = append(d.came, rec.Identity)
	if h.mends != nil {
		m := h.mends
		m.MendedBy, m.verdict.MendedBy = rec.Identity, rec.Identity
		m.dirty, m.news = true, true
		d.standIn(m.Identity, rec.Identity)
		d.came = append(d.came, m.Identity)
		if err := d.needless(m); err != nil {
			return err
		}
	}
	if again {
		if err := d.settle(rec.Identity); err != nil {
			return err
		}
	}
	return d.record(h, h.kind())
}

// needless closes the item of late work for which something stands in now: whoever took the late work after all would have it twice.
func (d *desk) needless(refused *record) error {
	it, err := d.itemOfRefused(refused)
	if it == nil || it.Closed != 0 || err != nil {
		return err
	}
	return d.moot(it)
}

// standIn lets the histories on the desk know of a mend.
func (d *desk) standIn(refused, mend syncproto.Identity) {
	for _, r := range d.rows {
		if r == nil {
			continue
		}
		for i := range r.versions {
			if r.versions[i].ID == refused {
				r.versions[i].MendedBy = mend
			}
		}
	}
}

// settle forgets what a refused change waited for and would have made.
func (d *desk) settle(id syncproto.Identity) error {
	d.waits = slices.DeleteFunc(d.waits, func(w store.Wait) bool { return w.Identity == id })
	if err := d.tx.DropWaits([]string{string(id)}); err != nil {
		return err
	}
	for row := range d.unmade {
		d.unmade[row] = slices.DeleteFunc(d.unmade[row], func(by syncproto.Identity) bool { return by == id })
	}
	return d.tx.SaveUnmade(id, nil)
}

// kind is what the chain calls an accepted change.
func (h *hearing) kind() string {
	if slices.ContainsFunc(h.edits, func(e *edit) bool { return len(e.Decides) > 0 }) {
		return kindResolved
	}
	return string(h.rec.Status)
}

// apply gives a row the state, the values and the label that the edit brings.
func (d *desk) apply(h *hearing, e *edit, ord int64) error {
	r := e.row
	if h.made[r.ID] == r && d.rows[r.ID] != r {
		d.rows[r.ID] = r
		d.cameRows = append(d.cameRows, r.ID)
		if r.table.Place {
			d.levels[string(r.ID)] = e.value(schema.PlaceLevel).Str()
		}
	}
	if len(e.Decides) > 0 && e.UndoOf == "" {
		if err := d.keepShown(r, e.Decides); err != nil {
			return err
		}
	}
	r.Seq = d.seqFor(r.Stream)
	r.Label = syncproto.Label{Epoch: d.epoch.ID, Rev: r.Label.Rev + 1}
	before := r.State
	r.State = e.next
	d.touch(r)
	if e.result != nil {
		d.applyResult(r, e, before)
	} else {
		d.applyChanged(r, e)
	}
	if e.op == syncproto.OpUpdate && slices.Contains(e.Decides, syncproto.ExistenceCell) {
		d.lives[r.ID] = true
	}
	d.addVersion(h, e, ord)
	return d.follow(r, e)
}

func (d *desk) applyResult(r *row, e *edit, before merge.State) {
	r.State = d.keepUnknown(r.Table, before, r.State)
	r.Open = e.result.Open()
	if e.result.Deleted {
		d.die(r)
		return
	}
	values := make([]schema.Value, len(r.table.Columns))
	for i := range e.result.Cells {
		d.setCell(r.table, values, e.result.Cells[i].Name, e.result.Cells[i].Value)
	}
	if r.Dead != 0 {
		r.Dead, r.Alias = 0, "" // back, and its own again
	}
	r.values = values
}

func (d *desk) applyChanged(r *row, e *edit) {
	if e.op == syncproto.OpDelete {
		d.die(r)
		return
	}
	values := make([]schema.Value, len(r.table.Columns))
	copy(values, r.values)
	if e.op == syncproto.OpCreate { // a cell that nobody wrote shows what merge says: a flow its initial state
		for _, c := range d.book.Cells(r.table.Name) {
			d.setCell(r.table, values, c.Name, unwritten(&c))
		}
	}
	for cell, v := range e.changed {
		d.setCell(r.table, values, cell, v)
	}
	r.values = values
}

// keepUnknown carries over the heads of cells that the book does not know: while an upgrade rolls, a newer server writes beside this one, and
// its cells must not look as if nobody had written them.
func (d *desk) keepUnknown(table string, before, after merge.State) merge.State {
	for _, h := range before.Heads {
		unknown := slices.DeleteFunc(slices.Clone(h.Cells), func(cell string) bool {
			return cell == syncproto.ExistenceCell || d.book.Cell(table, cell) != nil
		})
		if len(unknown) == 0 {
			continue
		}
		after.Top = max(after.Top, before.Top)
		if i := slices.IndexFunc(after.Heads, func(o merge.Head) bool { return o.ID == h.ID }); i >= 0 {
			after.Heads[i].Cells = append(after.Heads[i].Cells, unknown...)
			continue
		}
		after.Heads = append(after.Heads, merge.Head{ID: h.ID, Seq: h.Seq, Labels: h.Labels, Cells: unknown})
		slices.SortFunc(after.Heads, func(a, b merge.Head) int { return compareText(a.ID, b.ID) })
	}
	return after
}

func (d *desk) die(r *row) {
	if r.Dead == 0 {
		r.Dead = d.tx.Now()
	}
	r.values = nil
}

// setCell writes a cell's value into its columns.
func (d *desk) setCell(t *schema.Table, values []schema.Value, cell string, v schema.Value) {
	c := d.book.Cell(t.Name, cell)
	if c == nil {
		return
	}
	for k, col := range c.Columns {
		values[columnIndex(t, col.Name)] = c.Part(v, k)
	}
}

// seqFor is the seq of the change that takes effect just now, in a stream.
func (d *desk) seqFor(stream string) int64 {
	if seq, have := d.seqs[stream]; have {
		return seq
	}
	st := d.tx.Stream(stream)
	st.Seq++
	d.tx.SetStream(st)
	d.seqs[stream] = st.Seq
	return st.Seq
}

func (d *desk) addVersion(h *hearing, e *edit, ord int64) {
	r, rec := e.row, h.rec
	v := &store.Version{Stream: r.Stream, Seq: r.Seq, Ord: ord, Identity: rec.Identity, Table: r.Table, Row: r.ID, Op: e.op, Base: e.Base, Decides: e.Decides,
		UndoOf: e.UndoOf, Roles: e.version.Roles, Depends: e.depends, Label: r.Label, Author: rec.User, Device: rec.First.Device,
		At: rec.At, Corrected: rec.Corrected, Received: rec.Received}
	v.Cells = make([]store.CellChange, 0, len(e.Cells))
	for _, c := range e.Cells {
		v.Cells = append(v.Cells, store.CellChange{CellEdit: c, From: e.from[c.Cell], Rule: d.book.Cell(r.Table, c.Cell).Rule})
	}
	d.versions = append(d.versions, v)
	for _, l := range h.c.Labels[r.ID] {
		d.labels = append(d.labels, store.RowLabel{Row: r.ID, Identity: rec.Identity, Label: l})
	}
	if r.hasVerses {
		e.version.Seq = uint64(r.Seq)
		r.versions = slices.DeleteFunc(r.versions, func(o merge.RowVersion) bool { return o.ID == rec.Identity }) // it was a refused one till now
		r.versions = append(r.versions, e.version)
	}
}

// follow lets a row whose parent changed take its place there, with everything beneath it. A dead row goes too: of a deletion and a move beside
// it one comes first by chance, and where the row's living children lie, and who may see them, must not hang on that.
func (d *desk) follow(r *row, e *edit) error {
	parent := d.parentShown(r, e)
	if parent == r.Parent {
		return nil
	}
	if err := d.need(parent); err != nil {
		return err
	}
	if err := d.noteMove(r); err != nil {
		return err
	}
	r.Parent = parent
	var moved []*row
	if err := d.resituate(r, &moved); err != nil {
		return err
	}
	return d.itemsFollow(moved)
}

// itemsFollow lets the open items of rows that lie in another scope now lie there too: an item's scope says who may be shown it, and nothing
// else brings it up to date where only a row above has moved.
func (d *desk) itemsFollow(rows []*row) error {
	if err := d.loadItems(rows...); err != nil {
		return err
	}
	for _, r := range rows {
		for _, it := range d.itemsOf[r.ID] {
			if it.Closed == 0 && it.Scope != r.Scope {
				it.Scope = r.Scope
				d.changedItems(it)
			}
		}
	}
	return nil
}

// parentShown is the parent that a row's history gives it after an edit. A dead row keeps no values, but where it lies; what merging makes of
// the cell moves it on, and by the short way no deletion does.
func (d *desk) parentShown(r *row, e *edit) syncproto.RowID {
	switch {
	case r.table.Parent == "":
		return r.Parent
	case r.Dead == 0:
		return syncproto.RowID(r.get(r.table.Parent).Str())
	case e.result == nil:
		return r.Parent
	}
	return syncproto.RowID(e.shown(d.book, r.table.Parent).Str())
}

// resituate derives scope and period of a row anew; where they changed, those of all rows beneath it. moved gains the rows whose scope is
// another now.
func (d *desk) resituate(r *row, moved *[]*row) error {
	var above *row
	if r.Parent != "" {
		if above = d.rows[r.Parent]; above == nil {
			return nil // its parent is gone altogether (past the horizon): it stays where it is
		}
	}
	scope, period := situation(d, r, above, 0)
	if r.table.Period == schema.PeriodMonth {
		period = r.Period
	}
	if scope == r.Scope && period == r.Period {
		return nil
	}
	if scope != r.Scope {
		*moved = append(*moved, r)
	}
	r.Scope, r.Period = scope, period
	d.touch(r)
	r.Seq = d.seqFor(r.Stream)
	children, err := d.childrenOf(r)
	if err != nil {
		return err
	}
	for _, c := range children {
		if c.table.Scope == schema.ScopeOwn && c.table.Period != schema.PeriodParent {
			continue
		}
		if err := d.resituate(c, moved); err != nil {
			return err
		}
	}
	return nil
}

// childrenOf are the rows right beneath a row, dead ones too, with their values.
func (d *desk) childrenOf(r *row) ([]*row, error) {
	stored, err := d.tx.Children([]string{string(r.ID)})
	if err != nil {
		return nil, err
	}
	ids := make([]syncproto.RowID, 0, len(stored))
	for _, c := range stored {
		ids = append(ids, c.ID)
	}
	if err := d.need(ids...); err != nil {
		return nil, err
	}
	var out []*row
	for _, c := range d.rows {
		if c != nil && c.Parent == r.ID {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *row) int { return compareText(a.ID, b.ID) })
	return out, nil
}

func compareText[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
