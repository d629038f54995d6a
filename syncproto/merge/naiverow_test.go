package merge

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// row is the naive Row.
func (n *naive) row() Result {
	cells := n.book.Cells(testTable)
	state := map[string]naiveCell{}
	kind := map[string]syncproto.ItemKind{}
	against := map[string]idSet{}
	for i := range cells {
		name := cells[i].Name
		state[name] = n.eval(&cells[i], n.written(name))
		if state[name].open {
			kind[name] = syncproto.ItemCell
		}
		against[name] = n.movesAgainst(&cells[i])
		if len(against[name]) > 0 {
			n.stepBehind(&cells[i], state, against[name])
			if kind[name] == "" {
				kind[name] = syncproto.ItemState
			}
		}
	}
	broken := n.rowRule(state, kind)

	var out Result
	item, beside := n.deletion(&out)
	if beside {
		out.Items = append(out.Items, item)
	}
	done := map[string]bool{}
	for i := range cells {
		name := cells[i].Name
		c := state[name]
		if out.Deleted {
			kind[name] = ""
		}
		r := Cell{Name: name, Value: c.value, Heads: n.heads(n.written(name), name), Shows: c.shows, Open: kind[name], MergedBy: c.by}
		if r.Open != "" {
			r.MergedBy = ""
		}
		for k, id := range c.shows {
			if e := n.effective(id, name); k == 0 || e > r.Effective {
				r.Effective = e
			}
		}
		out.Cells = append(out.Cells, r)
		switch r.Open {
		case syncproto.ItemCell, syncproto.ItemState:
			out.Items = append(out.Items, Item{Kind: r.Open, Cells: []string{name}, Heads: r.Heads, Against: against[name].sorted(), Shown: c.shows})
		case syncproto.ItemRowRule:
			for _, rule := range n.book.Table(testTable).Rules {
				if item := broken[rule.Name]; slices.Contains(item.Cells, name) && !done[rule.Name] {
					done[rule.Name] = true
					shown := idSet{}
					for _, column := range rule.Columns {
						shown = with(shown, state[column].shows...)
					}
					item.Shown = shown.sorted()
					out.Items = append(out.Items, item)
				}
			}
		}
	}
	return out
}

// movesAgainst are the moves into a state that forbids a head of the cell, neither having seen the other.
func (n *naive) movesAgainst(cell *schema.Cell) idSet {
	out := idSet{}
	for _, lock := range n.book.Table(testTable).Locks {
		if !slices.Contains(lock.Columns, cell.Name) {
			continue
		}
		for _, h := range n.heads(n.written(cell.Name), cell.Name) {
			v := n.versions[h]
			free := false
			for _, role := range v.Roles {
				free = free || slices.Contains(lock.Except, role)
			}
			for m := range n.written("state") {
				move := n.versions[m]
				if !free && m != h && slices.Contains(lock.States, n.edit(m, "state").Value.Str()) && !n.seen(v, "state")[m] && !n.seen(move, cell.Name)[h] {
					out[m] = true
				}
			}
		}
	}
	return out
}

// up is what v has seen of a cell and v itself.
func (n *naive) up(id syncproto.Identity, cell string) idSet {
	s := n.seen(n.versions[id], cell)
	if n.wrote(n.versions[id], cell) {
		s = with(s, id)
	}
	return s
}

func (n *naive) stepBehind(cell *schema.Cell, state map[string]naiveCell, moves idSet) {
	common := state[cell.Name].shown
	for _, h := range append(n.heads(n.written(cell.Name), cell.Name), moves.sorted()...) {
		common = both(common, n.up(h, cell.Name))
	}
	state[cell.Name] = n.eval(cell, common)
}

// rowRule holds the row against its rules, over and over, until nothing steps back any more. It gives the items by rule.
func (n *naive) rowRule(state map[string]naiveCell, kind map[string]syncproto.ItemKind) map[string]Item {
	items := map[string]Item{}
	stepped := map[string]idSet{}
	for changed := true; changed; {
		changed = false
		for _, rule := range n.book.Table(testTable).Rules {
			standing := map[string][]syncproto.Identity{}
			heads := idSet{}
			for _, c := range rule.Columns {
				standing[c] = n.heads(n.written(c), c)
				if stepped[rule.Name] != nil {
					standing[c] = state[c].shows
				}
				heads = with(heads, standing[c]...)
			}
			if rule.Holds(func(c string) schema.Value { return state[c].value }) || n.authored(rule, standing, heads) {
				continue
			}
			if stepped[rule.Name] == nil {
				stepped[rule.Name] = idSet{}
				items[rule.Name] = Item{Kind: syncproto.ItemRowRule, Rule: rule.Name, Heads: heads.sorted()}
			}
			for _, c := range rule.Columns {
				common := state[c].shown
				for h := range heads {
					common = both(common, n.up(h, c))
				}
				if len(common) != len(state[c].shown) {
					changed = true
					stepped[rule.Name][syncproto.Identity(c)] = true
					state[c] = n.eval(n.book.Cell(testTable, c), common)
				}
			}
		}
	}
	for _, rule := range n.book.Table(testTable).Rules {
		item, found := items[rule.Name]
		for _, c := range rule.Columns {
			if found && kind[c] == "" && (len(stepped[rule.Name]) == 0 || stepped[rule.Name][syncproto.Identity(c)]) {
				kind[c] = syncproto.ItemRowRule
				item.Cells = append(item.Cells, c)
			}
		}
		items[rule.Name] = item
	}
	return items
}

// authored tells whether one of the heads has seen all others.
func (n *naive) authored(rule schema.RowRule, standing map[string][]syncproto.Identity, heads idSet) bool {
	for h := range heads {
		all := true
		for _, c := range rule.Columns {
			for _, o := range standing[c] {
				all = all && n.up(h, c)[o]
			}
		}
		if all {
			return true
		}
	}
	return len(heads) == 0
}

// deletion tells whether the row is deleted, and what stands beside.
func (n *naive) deletion(out *Result) (Item, bool) {
	const dot = syncproto.ExistenceCell
	item := Item{Kind: syncproto.ItemDelete, Cells: []string{dot}}
	shown, against, back, edits, behind := idSet{}, idSet{}, idSet{}, idSet{}, idSet{}
	for _, h := range n.heads(n.written(dot), dot) {
		d := n.versions[h]
		if d.Op != syncproto.OpDelete {
			back[h] = true
			continue
		}
		shown[h] = true
		for id, v := range n.versions {
			for _, c := range n.book.Cells(testTable) {
				if v.Refused || !n.wrote(v, c.Name) || n.seen(d, c.Name)[id] || n.seen(v, dot)[h] {
					continue
				}
				against[h] = true
				headed := false
				for _, o := range n.book.Cells(testTable) {
					headed = headed || slices.Contains(n.heads(n.written(o.Name), o.Name), id)
				}
				if headed {
					edits[id] = true
				} else {
					behind[id] = true
				}
			}
		}
	}
	out.Deleted = len(shown) > 0
	if len(edits) == 0 {
		edits = behind
	}
	if len(back) > 0 {
		against = shown
	}
	item.Heads, item.Against, item.Shown = with(back, edits.sorted()...).sorted(), against.sorted(), shown.sorted()
	return item, out.Deleted && len(item.Heads) > 0
}
