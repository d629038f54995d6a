package oracle

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// Merging is what making one of two twins must do, all in one change.
type Merging struct {
	Into map[syncproto.RowID]syncproto.RowID // of each row that goes, the one that stays for it
	Gone []syncproto.RowID                   // those of them that still lived
	Move map[syncproto.RowID]syncproto.RowID // living rows → what they lie beneath from now on
	Last syncproto.RowID                     // the row that takes over what was chosen of the other
}

// Merging says what merging a twin into another does: the twin goes, and what lives beneath it lies beneath the other. Where the value tells that
// what is above the two is one as well, so it is with those; the twin itself then goes with the row that it lies beneath. Where a value beneath the two
// would tell that they are one, each keeping its own, the one that stays keeps its own alone. ok is false where the
// merge would take a living row away in favour of a dead one: nobody may do that.
func (o *Oracle) Merging(loser, winner syncproto.RowID) (m Merging, ok bool) {
	m = Merging{Into: o.st.twinsOne(loser, winner), Move: map[syncproto.RowID]syncproto.RowID{}, Last: winner}
	for from, to := range m.Into {
		if o.st.rows[from].living() && !o.st.rows[to].living() {
			return m, false
		}
		if from != loser && o.st.rows[loser].table.TwinAbove {
			m.Last = to
		}
		if o.st.rows[from].living() {
			m.Gone = append(m.Gone, from)
		}
		for _, c := range o.st.children(o.st.rows[from]) {
			if _, goes := m.Into[c.id]; c.living() && !goes {
				m.Move[c.id] = to
			}
		}
	}
	slices.Sort(m.Gone)
	return m, true
}

// twinsOne pairs the rows that two twins make one.
func (s *state) twinsOne(loser, winner syncproto.RowID) map[syncproto.RowID]syncproto.RowID {
	out := map[syncproto.RowID]syncproto.RowID{loser: winner}
	a, b := s.rows[loser], s.rows[winner]
	if a.table.TwinAbove && a.parent != b.parent && s.rows[a.parent] != nil && s.rows[b.parent] != nil {
		out[a.parent] = b.parent
	}
	for _, mine := range s.children(b) {
		for _, c := range s.children(a) {
			if _, paired := out[c.id]; mine.table.TwinAbove && mine.table == c.table && mine.living() && c.living() && !paired && !a.table.TwinAbove {
				out[c.id] = mine.id
			}
		}
	}
	return out
}

// redirect carries what comes for a twin that was merged away over to the one that stayed, as written by somebody who saw nothing of it.
func (h *hearing) redirect(e *edit) {
	if h.c.User == "" || e.UndoOf != "" {
		return
	}
	stayed := func(id syncproto.RowID) syncproto.RowID {
		for n := 0; n < 40; n++ {
			r := h.o.st.rows[id]
			if r == nil || r.living() || r.alias == "" || h.o.st.rows[r.alias] == nil {
				break
			}
			id = r.alias
		}
		return id
	}
	if parent, given := e.parent(); given {
		if to := stayed(parent); to != parent {
			other := *e.Edit
			other.Cells = slices.Clone(e.Cells)
			for i := range other.Cells {
				if other.Cells[i].Cell == e.table.Parent {
					other.Cells[i].Value = schema.Text(string(to))
				}
			}
			e.Edit = &other
		}
	}
	if to := stayed(e.Row); to != e.Row && e.op == syncproto.OpUpdate && len(e.Decides) == 0 {
		other := *e.Edit
		other.Row, other.Base = to, syncproto.Base{}
		e.Edit = &other
	}
}

// joinEdits makes one of two edits of rows that became one; false where they contradict each other.
func (h *hearing) joinEdits() bool {
	var out []*edit
	for _, e := range h.edits {
		i := slices.IndexFunc(out, func(o *edit) bool { return o.Row == e.Row })
		if i < 0 {
			out = append(out, e)
			continue
		}
		o := out[i]
		if o.op != syncproto.OpUpdate || e.op != syncproto.OpUpdate || len(o.Decides) > 0 || o.UndoOf != "" {
			return false
		}
		one := *o.Edit
		one.Base, one.Cells = syncproto.Base{}, slices.Clone(o.Cells)
		for _, c := range e.Cells {
			k := slices.IndexFunc(one.Cells, func(x syncproto.CellEdit) bool { return x.Cell == c.Cell })
			if k < 0 {
				one.Cells = append(one.Cells, c)
				continue
			}
			x := &one.Cells[k]
			switch h.cell(e.table, c.Cell).Rule {
			case schema.RuleSum:
				x.Delta += c.Delta
			case schema.RuleSet:
				x.Add, x.Del = slices.Concat(x.Add, c.Add), slices.Concat(x.Del, c.Del)
				slices.Sort(x.Add)
				slices.Sort(x.Del)
				x.Add, x.Del = slices.Compact(x.Add), slices.Compact(x.Del)
				for _, s := range x.Add {
					if slices.Contains(x.Del, s) {
						return false
					}
				}
			default:
				if told := x.Value.String(); told != c.Value.String() {
					return false
				}
			}
			if !soundEdit(h.cell(e.table, c.Cell), x) {
				return false
			}
		}
		o.Edit = &one
	}
	h.edits = out
	return true
}

// Made tells what of a merge is not as it must be in the change that was to make it, "" when all is.
func (m *Merging) Made(book *schema.Book, c *Change, takes map[string]schema.Value) string {
	seen := map[syncproto.RowID]bool{}
	for _, e := range c.Edits {
		seen[e.Row] = true
		to, moves := m.Move[e.Row]
		switch {
		case e.Op == syncproto.OpDelete:
			if !slices.Contains(m.Gone, e.Row) {
				return "it deletes " + string(e.Row)
			}
		case moves:
			if len(e.Cells) != 1 || e.Cells[0].Cell != book.Table(e.Table).Parent || e.Cells[0].Value.Str() != string(to) {
				return "it does not only move " + string(e.Row) + " to " + string(to)
			}
		case e.Row == m.Last:
			for _, cell := range e.Cells {
				if v, chosen := takes[cell.Cell]; !chosen || v != cell.Value {
					return "it writes " + cell.Cell + " of the one that stays"
				}
			}
			if len(e.Cells) != len(takes) {
				return "the one that stays does not take over what was chosen"
			}
		default:
			return "it touches " + string(e.Row)
		}
	}
	for id := range m.Move {
		if !seen[id] {
			return "it leaves " + string(id) + " behind"
		}
	}
	for _, id := range m.Gone {
		if !seen[id] {
			return "it leaves " + string(id)
		}
	}
	if len(takes) > 0 && !seen[m.Last] {
		return "the one that stays takes nothing over"
	}
	return ""
}
