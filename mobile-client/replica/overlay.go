package replica

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// What a domain row shows is the acknowledged row with the laid edits applied in the order in which they were made: nothing else,
// and always all of it, so that relaying a row is safe at any time.

// layer lays edits over rows; it remembers the changes it has read, and the numbers of epochs.
type layer struct {
	c       *conn
	changes map[int64]*syncproto.Change
	epochs  map[syncproto.EpochID]int64
}

func newLayer(c *conn) *layer {
	return &layer{c: c, changes: map[int64]*syncproto.Change{}, epochs: map[syncproto.EpochID]int64{}}
}

// change reads a change by its place in the file.
func (l *layer) change(ord int64) (*syncproto.Change, error) {
	if ch := l.changes[ord]; ch != nil {
		return ch, nil
	}
	ch, err := l.c.change(ord)
	if err != nil {
		return nil, err
	}
	l.changes[ord] = ch
	return ch, nil
}

// edit finds what a change does to a row.
func editOf(ch *syncproto.Change, id syncproto.RowID) *syncproto.Edit {
	for i := range ch.Edits {
		if ch.Edits[i].Row == id {
			return &ch.Edits[i]
		}
	}
	return nil
}

// laid lists the changes laid over a row, in order.
func (c *conn) laid(id syncproto.RowID) (ords []int64, err error) {
	var ord int64
	err = c.each(`SELECT change FROM mq_edit WHERE row = ? AND laid = 1 ORDER BY change`, []any{string(id)}, []any{&ord}, func() error {
		ords = append(ords, ord)
		return nil
	})
	return ords, err
}

// relay makes the domain row show what it must, given the acknowledged row.
func (l *layer) relay(t *schema.Table, id syncproto.RowID) error {
	r, err := l.c.load(t, id)
	if err != nil {
		return err
	}
	ords, err := l.c.laid(id)
	if err != nil {
		return err
	}
	return l.lay(r, ords)
}

// lay is relay for a row that was loaded, and the changes that are laid over it, in order.
func (l *layer) lay(r *row, ords []int64) error {
	if len(ords) == 0 && !r.under {
		return nil
	}
	values := slices.Clone(r.acked)
	var edits []*syncproto.Edit
	for _, ord := range ords {
		ch, err := l.change(ord)
		if err != nil {
			return err
		}
		if e := editOf(ch, r.id); e != nil {
			edits = append(edits, e)
		}
	}
	// The mend of a refused creation was made after the edits that build on it, and stands in for it.
	slices.SortStableFunc(edits, func(a, b *syncproto.Edit) int {
		return boolOrder(a.Op != syncproto.OpCreate) - boolOrder(b.Op != syncproto.OpCreate)
	})
	for _, e := range edits {
		values = overlay(l.c.book, r.t, values, e)
	}
	if !same(values, r.shown) {
		if err := l.c.show(r.t, r.id, values); err != nil {
			return err
		}
		r.shown = values
	}
	if len(ords) == 0 {
		r.under = false
		return l.c.exec(`DELETE FROM mq_under WHERE row = ?`, string(r.id))
	}
	if r.under {
		return nil
	}
	r.under = true
	return l.c.setUnder(r.t, r.id, r.acked)
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

// same tells whether two rows show the same.
func same(a, b []schema.Value) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

// overlay gives what a row shows after an edit; nil for no row. An edit of a row that is not there shows nothing.
func overlay(book *schema.Book, t *schema.Table, values []schema.Value, e *syncproto.Edit) []schema.Value {
	switch {
	case e.Op == syncproto.OpDelete:
		return nil
	case e.Op == syncproto.OpCreate && values == nil:
		values = blank(book, t)
	case values == nil:
		return nil
	}
	for i := range e.Cells {
		cell := book.Cell(t.Name, e.Cells[i].Cell)
		if cell == nil || e.Cells[i].Raw != nil {
			continue // written by a newer program on this file; the server knows it
		}
		old := cell.Join(getter(t, values))
		for j, part := range cell.Split(merge.Apply(cell, old, e.Cells[i])) {
			values[columnIndex(t, cell.Columns[j].Name)] = part
		}
	}
	return values
}

// blank is a row nobody has written a cell of.
func blank(book *schema.Book, t *schema.Table) []schema.Value {
	values := make([]schema.Value, len(t.Columns))
	for _, cell := range book.Cells(t.Name) {
		if v := merge.Unwritten(&cell); !v.IsNull() {
			values[columnIndex(t, cell.Columns[0].Name)] = v
		}
	}
	return values
}

func columnIndex(t *schema.Table, name string) int {
	return slices.IndexFunc(t.Columns, func(c schema.Column) bool { return c.Name == name })
}
