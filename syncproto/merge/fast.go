package merge

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// Fast computes what v, accepted into a row with the given state, makes of it, without the history: it answers only when v
// names no own changes and no open cells, undoes, decides and mends nothing, carries only its new label, and has seen every head of
// every cell that could matter to it; then v simply stands over them. Changed are the cells with their new values (values gives
// the present ones). It answers false whenever it cannot be sure; then Row decides. A created row starts from the zero
// State.
//
// Why it agrees with Row: every version of a cell is a head or seen by one, so who has seen the heads has seen all; nobody can have
// seen v, whose rev no base names yet and whose identity no version names; and with all heads seen there is nothing
// concurrent in any cell that v writes, that a lock ties to one of them, or that shares a row rule with one.
func Fast(book *schema.Book, table string, state State, values func(cell string) schema.Value, v RowVersion, epochs Epochs) (changed map[string]schema.Value, next State, ok bool) {
	if book.Table(table) == nil || !plain(&state, &v, epochs) {
		return nil, State{}, false
	}
	written := map[string]bool{syncproto.ExistenceCell: v.Op != syncproto.OpUpdate}
	changed = map[string]schema.Value{}
	for _, e := range v.Cells {
		cell := book.Cell(table, e.Cell)
		if cell == nil || written[e.Cell] {
			return nil, State{}, false
		}
		old := values(e.Cell)
		if cell.Rule == schema.RuleSum && (old.Num() >= schema.MaxInt || old.Num() <= schema.MinInt) {
			return nil, State{}, false // a sum at its bound has forgotten how far beyond it is
		}
		written[e.Cell] = true
		changed[e.Cell] = Apply(cell, old, e)
	}
	matters := related(book, book.Table(table), written, v.Op == syncproto.OpDelete)
	if slices.ContainsFunc(state.Open, func(cell string) bool { return matters[cell] }) {
		return nil, State{}, false
	}
	l := newLineage(epochs)
	for _, h := range state.Heads {
		if !slices.ContainsFunc(h.Cells, func(cell string) bool { return matters[cell] }) {
			continue
		}
		if rev, known := l.rev(v.Base.Epoch, h.Labels, h.Seq); !known || rev > v.Base.Rev {
			return nil, State{}, false
		}
	}
	return changed, advance(book, table, state, written, &v), true
}

// plain tells whether v is of the kind that Fast understands, and cannot have been seen by anybody.
func plain(state *State, v *RowVersion, epochs Epochs) bool {
	if v.Refused || v.UndoOf != "" || v.Mends != "" || len(v.Decides) > 0 || len(v.Base.Over) > 0 || len(v.Base.Open) > 0 {
		return false
	}
	if len(v.Labels) != 1 || v.Labels[0].Epoch != epochs.Current || v.Labels[0].Rev <= max(state.Top, v.Base.Rev) {
		return false
	}
	if slices.Contains(state.Awaits, v.ID) || state.Dead {
		return false
	}
	if v.Op == syncproto.OpCreate {
		return len(state.Heads) == 0 && len(state.Open) == 0
	}
	return len(state.Heads) > 0 && !slices.ContainsFunc(state.Heads, func(h Head) bool { return h.ID == v.ID })
}

// related are the cells whose versions could stand beside those of the written cells.
func related(book *schema.Book, table *schema.Table, written map[string]bool, all bool) map[string]bool {
	matters := map[string]bool{syncproto.ExistenceCell: true}
	for cell := range written {
		matters[cell] = true
	}
	if all {
		for _, cell := range book.Cells(table.Name) {
			matters[cell.Name] = true
		}
		return matters
	}
	if state := table.FlowColumn(); state != nil {
		for i := range table.Locks {
			for _, cell := range book.Cells(table.Name) {
				if lockCovers(book, table, &table.Locks[i], &cell) && (written[cell.Name] || written[state.Name]) {
					matters[cell.Name], matters[state.Name] = true, true
				}
			}
		}
	}
	for i := range table.Rules {
		var cells []string
		touched := false
		for _, column := range table.Rules[i].Columns {
			if cell := book.CellOf(table.Name, column); cell != nil {
				cells = append(cells, cell.Name)
				touched = touched || written[cell.Name]
			}
		}
		for _, cell := range cells {
			matters[cell] = matters[cell] || touched
		}
	}
	return matters
}

// advance puts v at the head of the cells it wrote.
func advance(book *schema.Book, table string, state State, written map[string]bool, v *RowVersion) State {
	next := State{Open: state.Open, Top: max(state.Top, v.Labels[0].Rev), Awaits: state.Awaits, Dead: v.Op == syncproto.OpDelete}
	for _, h := range state.Heads {
		kept := slices.DeleteFunc(slices.Clone(h.Cells), func(cell string) bool { return written[cell] })
		if len(kept) > 0 {
			next.Heads = append(next.Heads, Head{ID: h.ID, Seq: h.Seq, Labels: h.Labels, Cells: kept})
		}
	}
	var cells []string
	if written[syncproto.ExistenceCell] {
		cells = append(cells, syncproto.ExistenceCell)
	}
	for _, cell := range book.Cells(table) {
		if written[cell.Name] {
			cells = append(cells, cell.Name)
		}
	}
	if len(cells) > 0 {
		next.Heads = append(next.Heads, Head{ID: v.ID, Seq: v.Seq, Labels: slices.Clone(v.Labels), Cells: cells})
	}
	sortHeads(next.Heads)
	return next
}

// Undo makes the cell edits that undo what the version id did to the row: the value it replaced, or for sum and set the inverse.
// It is empty for an unknown or refused version, for a creation (undone by an OpDelete) and for a deletion (undone by an OpUpdate
// without cells).
func Undo(book *schema.Book, table string, versions []RowVersion, epochs Epochs, id syncproto.Identity) []syncproto.CellEdit {
	if book.Table(table) == nil {
		return nil
	}
	h := newHistory(book, table, versions, epochs)
	by := h.byID[id]
	if by == nil || by.Refused || by.Op != syncproto.OpUpdate {
		return nil
	}
	var out []syncproto.CellEdit
	for i := range h.cells {
		name := h.cells[i].Name
		at := slices.IndexFunc(by.Cells, func(e syncproto.CellEdit) bool { return e.Cell == name })
		if at < 0 {
			continue
		}
		v := newView(h, name)
		seen := v.seenBy(by)
		out = append(out, inverse(&h.cells[i], v.eval(&seen).value, by.Cells[at]))
	}
	return out
}

// inverse is the edit that takes edit back to before.
func inverse(cell *schema.Cell, before schema.Value, edit syncproto.CellEdit) syncproto.CellEdit {
	switch cell.Rule {
	case schema.RuleSum:
		return syncproto.CellEdit{Cell: cell.Name, Delta: -edit.Delta}
	case schema.RuleSet:
		had := before.Elements()
		out := syncproto.CellEdit{Cell: cell.Name}
		for _, e := range edit.Add {
			if !slices.Contains(had, e) {
				out.Del = append(out.Del, e)
			}
		}
		for _, e := range edit.Del {
			if slices.Contains(had, e) && !slices.Contains(edit.Add, e) {
				out.Add = append(out.Add, e)
			}
		}
		return out
	default:
		return syncproto.CellEdit{Cell: cell.Name, Value: before}
	}
}
