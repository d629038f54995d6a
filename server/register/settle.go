package register

import (
	"fmt"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// settle turns wishes into edits: rows to be made whole, and of rows that are there only the cells that the file says anew.
func settle(tx *store.Tx, wishes []*wish) error {
	var ids []string
	for _, w := range wishes {
		cells := w.edits(tx.Book())
		if len(cells) == 0 {
			continue
		}
		w.edit = &syncproto.Edit{Table: w.entry.table.Name, Row: w.entry.id, Op: syncproto.OpCreate, Cells: cells}
		if !w.create {
			w.edit.Op = syncproto.OpUpdate
			ids = append(ids, string(w.entry.id))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	past, err := loadPast(tx, ids)
	if err != nil {
		return err
	}
	for _, w := range wishes {
		if w.edit == nil || w.create {
			continue
		}
		past.of = past.rows[w.entry.id]
		w.edit.Cells = slices.DeleteFunc(w.edit.Cells, func(c syncproto.CellEdit) bool { return !w.isNews(tx.Book(), past, &c) })
		for i := range w.edit.Cells {
			past.trim(&w.edit.Cells[i])
		}
		w.edit.Cells = slices.DeleteFunc(w.edit.Cells, func(c syncproto.CellEdit) bool { return c.Value.IsNull() && c.Delta == 0 && len(c.Add)+len(c.Del) == 0 })
		if len(w.edit.Cells) == 0 {
			w.edit = nil
			continue
		}
		w.edit.Base = past.base()
	}
	return nil
}

// edits are the cells in which a wish differs from what shows, in schema order.
func (w *wish) edits(b *schema.Book) []syncproto.CellEdit {
	var out []syncproto.CellEdit
	for _, c := range b.Cells(w.entry.table.Name) {
		v, wanted := w.cells[c.Name]
		if !wanted || v.IsNull() {
			continue
		}
		shown := schema.Null
		if !w.create {
			shown = c.Join(w.entry.get)
		}
		if shown == v {
			continue
		}
		e := syncproto.CellEdit{Cell: c.Name, Value: v}
		switch c.Rule {
		case schema.RuleSet:
			e.Value = schema.Null
			e.Add, e.Del = without(v.Elements(), shown.Elements()), without(shown.Elements(), v.Elements())
		case schema.RuleSum:
			e.Value, e.Delta = schema.Null, v.Num()
		}
		out = append(out, e)
	}
	return out
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// past is the history of rows that the file says something new of.
type past struct {
	rows   map[syncproto.RowID][]*store.Version
	office map[syncproto.DeviceID]bool // devices of the server's own: console, commands, imports
	of     []*store.Version            // of the row being looked at
}

func loadPast(tx *store.Tx, ids []string) (*past, error) {
	versions, err := tx.Versions("row_id = ANY(?) ORDER BY row_id, seq, ord", ids)
	if err != nil {
		return nil, err
	}
	out := &past{rows: map[syncproto.RowID][]*store.Version{}, office: map[syncproto.DeviceID]bool{}}
	for _, v := range versions {
		out.rows[v.Row] = append(out.rows[v.Row], v)
	}
	devices, err := tx.Devices("user_id = '' ORDER BY id")
	for _, d := range devices {
		out.office[d.ID] = true
	}
	return out, err
}

// base is what the office was last shown of the row when it wrote to it: what others wrote since, the file cannot have known. A row
// that the office never wrote to was made on a phone; of that the file is taken to know the beginning.
func (h *past) base() syncproto.Base {
	for i := len(h.of) - 1; i >= 0; i-- {
		if v := h.of[i]; h.office[v.Device] || i == 0 {
			return syncproto.Base{Epoch: v.Label.Epoch, Rev: v.Label.Rev}
		}
	}
	return syncproto.Base{}
}

// isNews tells whether the file's word on a cell is a new one. One that the cell had before, and that was written over since, is old: the
// correction stays, and the row is reported. What was undone is as if nobody had said it.
func (w *wish) isNews(b *schema.Book, h *past, c *syncproto.CellEdit) bool {
	if len(c.Add)+len(c.Del) > 0 {
		return true // sets are judged element by element
	}
	if !slices.ContainsFunc(h.said(c.Cell), func(s saying) bool { return s.value == c.Value }) {
		return true
	}
	col := b.Cell(w.entry.table.Name, c.Cell).Columns[0]
	if w.note != nil {
		w.note(fmt.Sprintf("“%s”在系统里后来改过，文件里是旧的，没有改回去。", col.Label.ZH),
			fmt.Sprintf("%s was corrected since; the file has the old word, which was left out.", col.Label.EN))
	}
	return false
}

// saying is a word that a cell had, and whose change gave it.
type saying struct {
	by    syncproto.Identity
	value schema.Value
}

// said are the words that a cell had. An undo takes it back to an earlier one: what was said from then on is unsaid.
func (h *past) said(cell string) (out []saying) {
	for _, v := range h.of {
		for _, e := range v.Cells {
			if e.Cell != cell {
				continue
			}
			at := slices.IndexFunc(out, func(s saying) bool { return s.by == v.UndoOf })
			if v.UndoOf == "" || at < 0 {
				out = append(out, saying{v.Identity, e.Value})
				continue
			}
			before := out[:at]
			for len(before) > 0 && before[len(before)-1].value != e.Value {
				before = before[:len(before)-1]
			}
			if len(before) == 0 && !e.Value.IsNull() { // what it went back to had come of several
				before = slices.Concat(out[:at], []saying{{v.Identity, e.Value}})
			}
			out = before
		}
	}
	return out
}

// trim leaves out of a set's edit what others did: an element that somebody took out is not put back, one that only others put in is
// not taken out.
func (h *past) trim(c *syncproto.CellEdit) {
	c.Add = slices.DeleteFunc(c.Add, func(s string) bool {
		return h.any(func(e *store.CellChange, _ bool) bool { return e.Cell == c.Cell && slices.Contains(e.Del, s) })
	})
	c.Del = slices.DeleteFunc(c.Del, func(s string) bool {
		return !h.any(func(e *store.CellChange, office bool) bool {
			return office && e.Cell == c.Cell && slices.Contains(e.Add, s)
		})
	})
}

// any asks of all that was said of the row's sets; not of what was undone, and of the undoing.
func (h *past) any(f func(e *store.CellChange, office bool) bool) bool {
	undone := map[syncproto.Identity]bool{}
	for _, v := range slices.Backward(h.of) {
		if v.UndoOf != "" && !undone[v.Identity] {
			undone[v.UndoOf], undone[v.Identity] = true, true
		}
	}
	for _, v := range h.of {
		if undone[v.Identity] {
			continue
		}
		for i := range v.Cells {
			if f(&v.Cells[i], h.office[v.Device]) {
				return true
			}
		}
	}
	return false
}
