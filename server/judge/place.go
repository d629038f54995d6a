package judge

import (
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// place finds the row of each edit, or makes it, with its stream, scope and period; rows above come before those beneath them, in
// whatever order the change names them.
func (h *hearing) place() (*refusal, error) {
	for _, e := range h.edits {
		h.redirect(e)
	}
	if no := h.fold(); no != nil {
		return no, nil
	}
	todo := slices.Clone(h.edits)
	for len(todo) > 0 {
		var later []*edit
		var first *refusal
		for _, e := range todo {
			if no := h.placeEdit(e); no != nil {
				later = append(later, e)
				if first == nil {
					first = no
				}
			}
		}
		if len(later) == len(todo) {
			return first, nil
		}
		todo = later
	}
	return nil, h.lockUnforeseen()
}

// lockUnforeseen locks the streams of rows that this change makes under what another of the same push moved: where that was to lie nobody could tell
// when the others were locked. It may come out of order: then PostgreSQL finds the deadlock, and the push runs again.
func (h *hearing) lockUnforeseen() error {
	var streams []string
	for _, e := range h.edits {
		if !h.d.tx.Locked(e.row.Stream) {
			streams = append(streams, e.row.Stream)
		}
	}
	return h.d.tx.LockStreams(streams...)
}

func (h *hearing) placeEdit(e *edit) *refusal {
	e.row = h.d.rows[e.Row]
	if e.row != nil && e.row.table != e.table {
		return refuseAbsent(e.Row)
	}
	if e.row == nil && e.op != syncproto.OpCreate {
		return h.absent(e.Row)
	}
	if e.row == nil {
		return h.makeRow(e)
	}
	if e.op == syncproto.OpCreate {
		if h.c.Mends == "" {
			e.twice = true // told only to who may see the row
		}
		e.op = syncproto.OpUpdate // a second mend is an edit like any other
	}
	e.grounds = []ground{{e.row.Scope, h.d.placesAbove(e.row, h.row)}}
	return h.placeMove(e)
}

// redirect carries what comes for a twin that was merged away over to the one that stayed, as the edit of somebody who has seen nothing of
// it; what comes for its children finds the new parent.
func (h *hearing) redirect(e *edit) {
	if h.rec.User == "" || e.UndoOf != "" { // merging and its undoing mean the rows that they name
		return
	}
	if parent, given := e.parentOf(); given {
		if to := h.d.mergedInto(parent); to != parent {
			clone := *e.Edit
			clone.Cells = slices.Clone(e.Cells)
			for i := range clone.Cells {
				if clone.Cells[i].Cell == e.table.Parent {
					clone.Cells[i].Value = schema.Text(string(to))
				}
			}
			e.Edit = &clone
		}
	}
	if e.op != syncproto.OpUpdate || len(e.Decides) > 0 {
		return
	}
	if to := h.d.mergedInto(e.Row); to != e.Row {
		clone := *e.Edit
		clone.Row, clone.Base = to, syncproto.Base{}
		e.Edit = &clone
	}
}

// fold makes one edit of those that come to one row, because rows of which their author knew as two were merged: a change is one version of a row.
// It is then the edit of somebody who saw nothing of the row. Which of two words he means for one cell he must say himself.
func (h *hearing) fold() *refusal {
	first, kept := map[syncproto.RowID]*edit{}, make([]*edit, 0, len(h.edits))
	for _, e := range h.edits {
		into := first[e.Row]
		if into == nil {
			first[e.Row], kept = e, append(kept, e)
			continue
		}
		cells, differs := foldCells(h.d.book.Cells(e.table.Name), into.Cells, e.Cells)
		if differs != nil || into.op != syncproto.OpUpdate || e.op != syncproto.OpUpdate || into.UndoOf != "" || len(into.Decides) > 0 {
			return refuseInvalid(saidTwice(differs))
		}
		one := *into.Edit
		one.Base, one.Cells = syncproto.Base{}, cells
		into.Edit = &one
	}
	h.edits = kept
	return nil
}

// saidTwice tells that a change contradicts itself about two rows that became one, in a cell, or nil where it changes the one and deletes the other.
func saidTwice(c *schema.Cell) (zh, en string) {
	zh, en = "改动里的两条记录已经并成一条，", "Two rows of the change have become one, and it says different things of "
	if c == nil {
		return zh + "两处写得不一样。", en + "them."
	}
	return zh + "两处的“" + c.Columns[0].Label.ZH + "”写得不一样。", en + "its " + c.Columns[0].Label.EN + "."
}

// foldCells writes into the cells of a row what two edits write, in schema order; differs is the first into which they write different things.
func foldCells(cells []schema.Cell, a, b []syncproto.CellEdit) (out []syncproto.CellEdit, differs *schema.Cell) {
	written := func(list []syncproto.CellEdit, cell string) *syncproto.CellEdit {
		if i := slices.IndexFunc(list, func(c syncproto.CellEdit) bool { return c.Cell == cell }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	for _, c := range cells {
		x, y := written(a, c.Name), written(b, c.Name)
		switch {
		case x == nil && y == nil:
		case y == nil:
			out = append(out, *x)
		case x == nil:
			out = append(out, *y)
		default:
			both := *x
			switch c.Rule {
			case schema.RuleSum:
				both.Delta += y.Delta
			case schema.RuleSet:
				both.Add, both.Del = union(x.Add, y.Add), union(x.Del, y.Del)
				if slices.ContainsFunc(both.Add, func(s string) bool { return slices.Contains(both.Del, s) }) {
					return nil, &c
				}
			default:
				if x.Value.String() != y.Value.String() {
					return nil, &c
				}
			}
			if checkCell(&c, &both) != nil {
				return nil, &c
			}
			out = append(out, both)
		}
	}
	return out, nil
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// mergedInto follows aliases from a dead row to the one that stayed.
func (d *desk) mergedInto(id syncproto.RowID) syncproto.RowID {
	for range maxAbove {
		r := d.rows[id]
		if r == nil || r.Dead == 0 || r.Alias == "" || d.rows[r.Alias] == nil {
			return id
		}
		id = r.Alias
	}
	return id
}

// absent is the refusal for a row that is not there: it waits for the row, and when an own refused change would have made it, says so. Of several,
// as of one and of the mend of it that was refused too, the last is the one to mend.
func (h *hearing) absent(id syncproto.RowID) *refusal {
	no := refuseAbsent(id)
	for _, maker := range h.d.unmade[id] {
		if rec := h.d.records[maker]; rec == h.rec || rec.User != h.rec.User {
			continue
		}
		no.waits = maker
		no.message, no.hint = syncproto.Both("依赖的改动尚未生效。", "It builds on a change that was refused."), syncproto.Both("先改正那一条。", "Mend that one first.")
	}
	return no
}

// parentOf is the parent that an edit gives its row, "" when it gives none.
func (e *edit) parentOf() (id syncproto.RowID, given bool) {
	if e.table.Parent == "" {
		return "", false
	}
	for i := range e.Cells {
		if e.Cells[i].Cell == e.table.Parent {
			return syncproto.RowID(e.Cells[i].Value.Str()), true
		}
	}
	return "", false
}

func (h *hearing) makeRow(e *edit) *refusal {
	if h.d.swept[e.Row] { // made anew it would bear numbers that it bore before
		return refuseInvalid("这条记录早就删了，不能再建。要的话另写一条。", "The row was deleted long ago and cannot be made again. Write another one instead.")
	}
	r := &row{table: e.table, loaded: true, touched: true}
	r.ID, r.Table = e.Row, e.table.Name
	r.values = make([]schema.Value, len(e.table.Columns))
	var above *row
	if parent, given := e.parentOf(); given && parent != "" {
		if above = h.row(parent); above == nil {
			return h.absent(parent)
		}
		if above.table.Name != e.table.Column(e.table.Parent).Ref {
			return h.absent(parent)
		}
		r.Parent = parent
	} else if e.table.Parent != "" && e.table.Column(e.table.Parent).Required {
		return refuseInvalid("没有写明所属的上级记录。", "The row names no parent.")
	}
	r.Scope, r.Period = situation(h.d, r, above, h.rec.Received)
	if e.table.Place {
		r.Stream = string(r.ID)
		if level := e.value(schema.PlaceLevel); !schema.HasStream(level.Str()) {
			r.Stream = h.birthStream(above)
		}
	} else {
		r.Stream = h.birthStream(above)
	}
	if r.Stream == "" {
		return refuseInvalid("上面没有村、乡镇或市。", "No village, township or city lies above the row.")
	}
	h.made[r.ID] = r
	e.row = r
	e.grounds = []ground{{r.Scope, h.d.placesAbove(r, h.row)}}
	if e.table.Scope == schema.ScopeOwn { // its scope is new; who may look at the row above may be let in by the permits
		e.grounds[0].scope = ""
		if above != nil {
			e.grounds[0].scope = above.Scope
		}
	}
	return nil
}

// situation is the scope and period that follow for a row from the row above it.
func situation(d *desk, r *row, above *row, firstReceipt int64) (scope, period string) {
	var up store.Row
	if above != nil {
		up = above.Row
	}
	return r.table.ScopeFrom(string(r.ID), up.Scope), r.table.PeriodOf(firstReceipt, d.j.zone, up.Period)
}

// birthStream is the nearest place with a stream, from a row upward.
func (h *hearing) birthStream(above *row) string {
	for _, id := range h.d.placesAbove(above, h.row) {
		if schema.HasStream(h.level(id)) {
			return id
		}
	}
	return ""
}

// level is the level of a place, those made by this change included.
func (h *hearing) level(place string) string {
	for _, e := range h.edits {
		if e.table.Place && string(e.Row) == place && e.op == syncproto.OpCreate {
			return e.value(schema.PlaceLevel).Str()
		}
	}
	return h.d.levels[place]
}

// value is what the edit writes into a column that is a cell of its own.
func (e *edit) value(column string) schema.Value {
	for i := range e.Cells {
		if e.Cells[i].Cell == column {
			return e.Cells[i].Value
		}
	}
	return schema.Null
}

// placeMove holds an edit that gives its row another parent to what it may reach there.
func (h *hearing) placeMove(e *edit) *refusal {
	parent, given := e.parentOf()
	if !given || parent == e.row.Parent {
		return nil
	}
	if parent == "" {
		if e.table.Column(e.table.Parent).Required {
			return refuseInvalid("没有写明所属的上级记录。", "The row names no parent.")
		}
		return nil
	}
	above := h.row(parent)
	if above == nil {
		return h.absent(parent)
	}
	if above.table.Name != e.table.Column(e.table.Parent).Ref {
		return h.absent(parent)
	}
	if scope, _ := situation(h.d, e.row, above, 0); scope != e.row.Scope {
		e.grounds = append(e.grounds, ground{scope, h.d.placesAbove(above, h.row)})
	} else if e.table.Scope == schema.ScopeOwn {
		e.grounds = append(e.grounds, ground{above.Scope, h.d.placesAbove(above, h.row)})
	}
	return nil
}

// keepTree refuses what would lay a place beneath itself: a move, or an undo or a decision that lets an earlier one show again. It is judged as
// the places lie on arrival, unlike rights (see lay.go): of two moves that only together make a circle one has to give way, and the author of
// the one that came later can see why, and mend or withdraw it.
func (h *hearing) keepTree(e *edit) (*refusal, error) {
	if e.table.Parent == "" || e.table.Column(e.table.Parent).Ref != e.table.Name || e.op == syncproto.OpDelete {
		return nil, nil
	}
	parent := syncproto.RowID(e.shown(h.d.book, e.table.Parent).Str())
	if parent == e.row.Parent && e.op != syncproto.OpCreate {
		return nil, nil
	}
	if err := h.d.loadRows([]syncproto.RowID{parent}); err != nil {
		return nil, err
	}
	if slices.Contains(h.d.placesAbove(h.row(parent), h.row), string(e.Row)) {
		return refuseInvalid("不能移到自己下面。", "A row cannot lie beneath itself."), nil
	}
	return nil, nil
}

// streamsOf are the streams that hearings need locked: of every row they name, and of the rows that their scopes are named after.
func (d *desk) streamsOf(hearings []*hearing) []string {
	set := map[string]bool{}
	add := func(r *row) {
		if r != nil {
			set[r.Stream] = true
			set[d.rootStream(r.Scope)] = true
		}
	}
	for _, h := range hearings {
		for _, id := range h.mentions(d.book) {
			add(d.rows[id])
			add(d.rows[d.mergedInto(id)]) // what comes for a twin merged away goes to the one that stayed, in whatever village that is
		}
		for _, s := range h.streamsMade() {
			set[s] = true
		}
	}
	delete(set, "")
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	return out
}

// streamsMade are the streams that the rows made by a change will lie in: those of the villages, townships or cities above their parents, and
// the new places themselves. What a change in front of it makes is not on the desk yet; its stream is locked for that one.
func (h *hearing) streamsMade() []string {
	var out []string
	for i := range h.c.Edits {
		e := &edit{Edit: &h.c.Edits[i], table: h.d.book.Table(h.c.Edits[i].Table)}
		if e.Op != syncproto.OpCreate || e.table == nil {
			continue
		}
		if e.table.Place && schema.HasStream(e.value(schema.PlaceLevel).Str()) {
			out = append(out, string(e.Row))
		}
		if parent, given := e.parentOf(); given {
			for _, id := range []syncproto.RowID{parent, h.d.mergedInto(parent)} {
				if s := h.birthStream(h.d.rows[id]); s != "" {
					out = append(out, s)
				}
			}
		}
	}
	return out
}
