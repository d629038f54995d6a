package merge

import (
	"cmp"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// Row computes a row from all its versions, accepted and refused, in any order. Cells that the book does not know are left out.
// Versions given twice count once. It is total: whatever bases a hostile client names, there is a result (versions that
// claim to have seen each other count as concurrent).
func Row(book *schema.Book, table string, versions []RowVersion, epochs Epochs) Result {
	if book.Table(table) == nil {
		return Result{}
	}
	r := newRow(newHistory(book, table, versions, epochs))
	r.locks()
	r.rules()
	return r.result()
}

// View is the row as the author of v was shown it: each cell over what v has seen of it. v need not be one of versions. State
// rules and row rules are judged on it, and history takes the “from” of an edit out of it. An undo has been shown, on the cells it
// writes, what it undoes. Items and State stay empty.
func View(book *schema.Book, table string, versions []RowVersion, epochs Epochs, v RowVersion) Result {
	if book.Table(table) == nil {
		return Result{}
	}
	h := newHistory(book, table, versions, epochs)
	r := row{h: h, existence: newView(h, syncproto.ExistenceCell)}
	seen := r.existence.seenBy(&v)
	r.exists = r.existence.heads(&seen)
	for i := range h.cells {
		c := newView(h, h.cells[i].Name)
		s := c.seenBy(&v)
		o := c.eval(&s)
		r.cells = append(r.cells, &cellState{view: c, heads: o.heads, out: o, shown: o.shown})
	}
	out := Result{Deleted: r.dead()}
	for _, c := range r.cells {
		out.Cells = append(out.Cells, c.result(true))
	}
	return out
}

// row is the computation of one row.
type row struct {
	h         *history
	existence *view
	exists    []int // heads of the existence
	cells     []*cellState
	broken    map[string]*brokenRule
}

// cellState is one cell on the way: shown shrinks as items are found.
type cellState struct {
	view    *view
	heads   []int    // of all versions
	out     *outcome // of shown
	shown   set
	kind    syncproto.ItemKind
	against []*RowVersion // moves into a state that forbids a head
}

// brokenRule is a row rule that the merged row breaks.
type brokenRule struct {
	rule  *schema.RowRule
	cells []*cellState
	held  []*cellState // those that step back for it
}

func newRow(h *history) *row {
	r := &row{h: h, existence: newView(h, syncproto.ExistenceCell), broken: map[string]*brokenRule{}}
	r.exists = r.existence.heads(&r.existence.all)
	for i := range h.cells {
		v := newView(h, h.cells[i].Name)
		o := v.eval(&v.all)
		c := &cellState{view: v, heads: o.heads, out: o, shown: o.shown}
		if o.open {
			c.kind = syncproto.ItemCell
		}
		r.cells = append(r.cells, c)
	}
	return r
}

// dead tells whether the deletion stands: some head of the existence is a deletion. A row that is brought back has a head that saw
// every deletion.
func (r *row) dead() bool {
	return slices.ContainsFunc(r.exists, func(i int) bool { return r.existence.w[i].by.Op == syncproto.OpDelete })
}

// of finds the cell that a column belongs to.
func (r *row) of(column string) *cellState {
	cell := r.h.book.CellOf(r.h.table.Name, column)
	if cell == nil {
		return nil
	}
	for _, c := range r.cells {
		if c.view.name == cell.Name {
			return c
		}
	}
	return nil
}

// stepBack lets only versions in s show.
func (c *cellState) stepBack(s *set) (reduced bool) {
	less := c.shown.and(s)
	if less.equal(&c.shown) {
		return false
	}
	c.out = c.view.eval(&less)
	c.shown = c.out.shown
	return true
}

// locks finds the edits beside a concurrent move into a state that forbids them. A move counts however long ago it was and
// whatever came after: an item, once there, goes only by a decision, never because somebody wrote something else.
func (r *row) locks() {
	column := r.h.table.FlowColumn()
	if column == nil || len(r.h.table.Locks) == 0 {
		return
	}
	state := r.of(column.Name)
	for i := range r.h.table.Locks {
		lock := &r.h.table.Locks[i]
		var moves []*RowVersion
		for _, w := range state.view.w {
			if slices.Contains(lock.States, w.edit.Value.Str()) {
				moves = append(moves, w.by)
			}
		}
		if len(moves) == 0 {
			continue
		}
		for _, c := range r.cells {
			if c != state && lockCovers(r.h.book, r.h.table, lock, c.view.cell) {
				c.lock(lock, state.view, moves)
			}
		}
	}
	for _, c := range r.cells {
		c.stepBehind()
	}
}

// lockCovers tells whether a lock forbids edits of a cell. What the server derives by itself no lock can forbid.
func lockCovers(book *schema.Book, table *schema.Table, lock *schema.Lock, cell *schema.Cell) bool {
	if cell.Rule == schema.RuleServer || cell.Rule == schema.RuleFlow {
		return false
	}
	if lock.Columns == nil {
		return true
	}
	return slices.ContainsFunc(lock.Columns, func(column string) bool {
		of := book.CellOf(table.Name, column)
		return of != nil && of.Name == cell.Name
	})
}

// lock collects the moves that stand against a head of the cell.
func (c *cellState) lock(lock *schema.Lock, state *view, moves []*RowVersion) {
	var bound []int // heads whose authors the lock binds
	var moved []set // what they had seen of the state
	for _, i := range c.heads {
		head := c.view.w[i].by
		if !slices.ContainsFunc(head.Roles, func(role schema.Role) bool { return slices.Contains(lock.Except, role) }) {
			bound = append(bound, i)
			moved = append(moved, state.seenBy(head))
		}
	}
	for _, m := range moves {
		if slices.Contains(c.against, m) {
			continue
		}
		var seen *set
		for k, i := range bound {
			if c.view.w[i].by == m || moved[k].has(state.node[m.ID]) {
				continue
			}
			if seen == nil {
				s := c.view.seenBy(m)
				seen = &s
			}
			if !seen.has(i) {
				c.against = append(c.against, m)
				break
			}
		}
	}
}

// stepBehind shows what all heads and the moves against them had seen.
func (c *cellState) stepBehind() {
	if len(c.against) == 0 {
		return
	}
	common := c.view.all
	for _, i := range c.heads {
		s := c.view.closureBy(c.view.w[i].by)
		common = common.and(&s)
	}
	for _, m := range c.against {
		s := c.view.closureBy(m)
		common = common.and(&s)
	}
	c.stepBack(&common)
	if c.kind == "" {
		c.kind = syncproto.ItemState
	}
	slices.SortFunc(c.against, func(a, b *RowVersion) int { return cmp.Compare(a.ID, b.ID) })
}
