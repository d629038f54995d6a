package merge

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// rules finds the row rules that the merged row breaks, and lets their cells step back to what all their heads had seen. A rule
// is held against a merge only: where one author had seen all the rest, the combination is his, and was judged when it was
// accepted. What steps back for one rule may break another, so the rules are gone through until none changes anything; each step
// shows fewer versions, so it ends.
func (r *row) rules() {
	for changed := true; changed; {
		changed = false
		for i := range r.h.table.Rules {
			rule := &r.h.table.Rules[i]
			cells := r.cellsOf(rule)
			b, known := r.broken[rule.Name]
			if r.holds(rule) || r.authored(cells, !known) {
				continue
			}
			if !known {
				b = &brokenRule{rule: rule, cells: cells}
				r.broken[rule.Name] = b
			}
			common := r.seenByAll(cells, !known)
			for k, c := range cells {
				if c.stepBack(&common[k]) {
					changed = true
					if !slices.Contains(b.held, c) {
						b.held = append(b.held, c)
					}
				}
			}
		}
	}
	r.holdBroken()
}

// holdBroken marks the cells that the items of broken rules hold: those that stepped back, or all where none could.
func (r *row) holdBroken() {
	for i := range r.h.table.Rules {
		b := r.broken[r.h.table.Rules[i].Name]
		if b == nil {
			continue
		}
		stepped := b.held
		if len(stepped) == 0 {
			stepped = b.cells
		}
		b.held = nil
		for _, c := range b.cells {
			if slices.Contains(stepped, c) && c.kind == "" {
				c.kind = syncproto.ItemRowRule
				b.held = append(b.held, c)
			}
		}
	}
}

// cellsOf are the cells of a rule, in schema order.
func (r *row) cellsOf(rule *schema.RowRule) []*cellState {
	var cells []*cellState
	for _, c := range r.cells {
		if slices.ContainsFunc(rule.Columns, func(column string) bool { return r.of(column) == c }) {
			cells = append(cells, c)
		}
	}
	return cells
}

func (r *row) holds(rule *schema.RowRule) bool {
	return rule.Holds(func(column string) schema.Value {
		c := r.of(column)
		if c == nil {
			return schema.Null
		}
		at := slices.IndexFunc(c.view.cell.Columns, func(o *schema.Column) bool { return o.Name == column })
		return c.view.cell.Split(c.out.value)[at]
	})
}

// standing are the heads that count for a cell in a rule: at first all, after the cell stepped back those that show.
func (c *cellState) standing(first bool) []int {
	if first {
		return c.heads
	}
	return c.out.shows
}

// authored tells whether one of the heads has seen all others.
func (r *row) authored(cells []*cellState, first bool) bool {
	heads := 0
	for _, c := range cells {
		heads += len(c.standing(first))
	}
	if heads == 0 {
		return true
	}
	for _, c := range cells {
		for _, i := range c.standing(first) {
			by := c.view.w[i].by
			all := true
			for _, other := range cells {
				seen := other.view.closureBy(by)
				all = all && !slices.ContainsFunc(other.standing(first), func(k int) bool { return !seen.has(k) })
			}
			if all {
				return true
			}
		}
	}
	return false
}

// seenByAll is, for each cell, what the heads of all the cells had seen of it.
func (r *row) seenByAll(cells []*cellState, first bool) []set {
	common := make([]set, len(cells))
	for k, c := range cells {
		common[k] = c.view.all
		for _, of := range cells {
			for _, i := range of.standing(first) {
				seen := c.view.closureBy(of.view.w[i].by)
				common[k] = common[k].and(&seen)
			}
		}
	}
	return common
}
