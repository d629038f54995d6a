package oracle

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// Cell is one cell of a row as it must be.
type Cell struct {
	Value schema.Value
	Heads []ident
	Shows []ident
	Open  syncproto.ItemKind // of the item that holds the cell, ""
	By    schema.Rule        // that merged several different heads
	Vague bool               // the value is one of several that the rule allows

	winners []ident
}

// Item is what a human must decide about a row.
type Item struct {
	Kind    syncproto.ItemKind
	Cells   []string
	Rule    string
	Heads   []ident
	Against []ident
	Shown   []ident
}

// Reckoned is a row as it follows from its versions.
type Reckoned struct {
	Dead  bool
	Cells map[string]*Cell
	Items []Item
	// Makers are the heads of the row's existence: who made it, brought it back or deleted it.
	Makers []ident
}

// standing is one cell while locks and row rules let it step back.
type standing struct {
	cell    *schema.Cell
	heads   []int
	out     outcome
	kind    syncproto.ItemKind
	against []int
}

func (r *reckoning) row() *Reckoned {
	out := &Reckoned{Cells: map[string]*Cell{}}
	var cells []*standing
	for i := range r.cells {
		c := &r.cells[i]
		all := r.writers(c.Name)
		s := &standing{cell: c, heads: r.heads(all, c.Name), out: r.decide(c, all)}
		if s.out.open {
			s.kind = syncproto.ItemCell
		}
		cells = append(cells, s)
	}
	r.holdLocked(cells)
	ruled := r.holdRules(cells)
	out.Makers = r.ids(r.heads(r.writers(syncproto.ExistenceCell), syncproto.ExistenceCell))
	if item, ok := r.deletion(cells, &out.Dead); ok {
		out.Items = append(out.Items, item)
	}
	for _, s := range cells {
		if out.Dead {
			s.kind = ""
		}
		c := &Cell{Value: s.out.value, Heads: r.ids(s.heads), Shows: r.ids(s.out.shows), Open: s.kind, Vague: s.out.vague}
		if s.kind == "" {
			c.By, c.winners = s.out.by, r.ids(s.out.winners)
		}
		out.Cells[s.cell.Name] = c
		if s.kind == syncproto.ItemCell || s.kind == syncproto.ItemState {
			out.Items = append(out.Items, Item{Kind: s.kind, Cells: []string{s.cell.Name}, Heads: c.Heads, Shown: c.Shows, Against: r.ids(s.against)})
		}
		for _, item := range ruled {
			if s.kind == syncproto.ItemRowRule && item.Cells[0] == s.cell.Name {
				out.Items = append(out.Items, item)
			}
		}
	}
	return out
}

// stepBack lets only versions in s show.
func (r *reckoning) stepBack(s *standing, to set) bool {
	less := s.out.shown.and(to)
	if less.equal(s.out.shown) {
		return false
	}
	vague := s.out.vague
	s.out = r.decide(s.cell, less)
	s.out.vague = s.out.vague || vague
	return true
}

// holdLocked holds back edits beside a concurrent move into a state that forbids them.
func (r *reckoning) holdLocked(cells []*standing) {
	state := r.table.FlowColumn()
	if state == nil {
		return
	}
	moves := r.writers(state.Name).list()
	for _, s := range cells {
		if s.cell.Rule == schema.RuleFlow || s.cell.Rule == schema.RuleServer {
			continue
		}
		for _, lock := range r.table.Locks {
			if lock.Columns != nil && !slices.ContainsFunc(s.cell.Columns, func(c *schema.Column) bool { return slices.Contains(lock.Columns, c.Name) }) {
				continue
			}
			for _, m := range moves {
				if slices.Contains(lock.States, r.vs[m].value(state.Name).Str()) && !slices.Contains(s.against, m) && r.standsAgainst(s, &lock, m, state.Name) {
					s.against = append(s.against, m)
				}
			}
		}
		if len(s.against) == 0 {
			continue
		}
		common := s.out.shown
		for _, i := range append(slices.Clone(s.heads), s.against...) {
			common = common.and(r.upTo(r.vs[i], s.cell.Name))
		}
		r.stepBack(s, common)
		if s.kind == "" {
			s.kind = syncproto.ItemState
		}
	}
}

func (r *reckoning) standsAgainst(s *standing, lock *schema.Lock, move int, state string) bool {
	return slices.ContainsFunc(s.heads, func(i int) bool {
		head := r.vs[i]
		excepted := slices.ContainsFunc(head.roles, func(x schema.Role) bool { return slices.Contains(lock.Except, x) })
		return !excepted && i != move && !r.seen(head, state).has(move) && !r.seen(r.vs[move], s.cell.Name).has(i)
	})
}

// holdRules lets the cells of a row rule that the merged row breaks step back, round after round, and gives the items.
func (r *reckoning) holdRules(cells []*standing) []Item {
	type broken struct {
		item    Item
		cells   []*standing
		stepped map[*standing]bool
	}
	found := map[string]*broken{}
	for changed := true; changed; {
		changed = false
		for i := range r.table.Rules {
			rule := &r.table.Rules[i]
			var mine []*standing
			for _, s := range cells {
				if slices.ContainsFunc(s.cell.Columns, func(c *schema.Column) bool { return slices.Contains(rule.Columns, c.Name) }) {
					mine = append(mine, s)
				}
			}
			b := found[rule.Name]
			if rule.Holds(shownColumns(cells)) || r.oneAuthor(mine, b == nil) {
				continue
			}
			common := r.seenByAll(mine, b == nil)
			if b == nil {
				b = &broken{item: Item{Kind: syncproto.ItemRowRule, Rule: rule.Name}, cells: mine, stepped: map[*standing]bool{}}
				found[rule.Name] = b
			}
			for k, s := range mine {
				if r.stepBack(s, common[k]) {
					changed, b.stepped[s] = true, true
				}
			}
		}
	}
	var out []Item
	for i := range r.table.Rules {
		b := found[r.table.Rules[i].Name]
		if b == nil {
			continue
		}
		for _, s := range b.cells {
			b.item.Heads = append(b.item.Heads, r.ids(s.heads)...)
			b.item.Shown = append(b.item.Shown, r.ids(s.out.shows)...)
			if (len(b.stepped) == 0 || b.stepped[s]) && s.kind == "" {
				s.kind = syncproto.ItemRowRule
				b.item.Cells = append(b.item.Cells, s.cell.Name)
			}
		}
		b.item.Heads, b.item.Shown = distinct(b.item.Heads), distinct(b.item.Shown)
		if len(b.item.Cells) > 0 {
			out = append(out, b.item)
		}
	}
	return out
}

func distinct(ids []ident) []ident {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func shownColumns(cells []*standing) func(string) schema.Value {
	return func(column string) schema.Value {
		for _, s := range cells {
			for k, c := range s.cell.Columns {
				if c.Name == column {
					return part(s.cell, s.out.value, k)
				}
			}
		}
		return schema.Null
	}
}

// part is the value of one column of a cell.
func part(c *schema.Cell, v schema.Value, k int) schema.Value {
	if c.Columns[0].Group == "" {
		return v
	}
	if parts := v.Parts(); len(parts) == len(c.Columns) {
		return parts[k]
	}
	return schema.Null
}

func (s *standing) counts(first bool) []int {
	if first {
		return s.heads
	}
	return s.out.shows
}

// oneAuthor tells whether one of those who wrote what stands had seen all the rest: then the combination is his.
func (r *reckoning) oneAuthor(cells []*standing, first bool) bool {
	any := false
	for _, s := range cells {
		for _, i := range s.counts(first) {
			any = true
			all := true
			for _, o := range cells {
				up := r.upTo(r.vs[i], o.cell.Name)
				all = all && !slices.ContainsFunc(o.counts(first), func(k int) bool { return !up.has(k) })
			}
			if all {
				return true
			}
		}
	}
	return !any
}

// seenByAll is, cell by cell, what everybody who wrote what stands had seen of it.
func (r *reckoning) seenByAll(cells []*standing, first bool) []set {
	out := make([]set, len(cells))
	for k, s := range cells {
		out[k] = r.writers(s.cell.Name)
		for _, o := range cells {
			for _, i := range o.counts(first) {
				out[k] = out[k].and(r.upTo(r.vs[i], s.cell.Name))
			}
		}
	}
	return out
}

// deletion tells whether the row is dead, and what stands beside that.
func (r *reckoning) deletion(cells []*standing, dead *bool) (Item, bool) {
	const dot = syncproto.ExistenceCell
	item := Item{Kind: syncproto.ItemDelete, Cells: []string{dot}}
	var back, heading, behind []ident
	for _, h := range r.heads(r.writers(dot), dot) {
		d := r.vs[h]
		if d.op != syncproto.OpDelete {
			back = append(back, d.id)
			continue
		}
		*dead = true
		item.Shown = append(item.Shown, d.id)
		for i, v := range r.vs {
			if v.refused || r.seen(v, dot).has(h) {
				continue
			}
			unseen, heads := false, false
			for _, s := range cells {
				unseen = unseen || v.edit(s.cell.Name) != nil && !r.seen(d, s.cell.Name).has(i)
				heads = heads || slices.Contains(s.heads, i)
			}
			switch {
			case !unseen:
				continue
			case heads:
				heading = append(heading, v.id)
			default:
				behind = append(behind, v.id)
			}
			item.Against = append(item.Against, d.id)
		}
	}
	if len(heading) == 0 {
		heading = behind
	}
	if len(back) > 0 {
		item.Against = slices.Clone(item.Shown)
	}
	item.Heads, item.Against, item.Shown = distinct(append(back, heading...)), distinct(item.Against), distinct(item.Shown)
	return item, *dead && len(item.Heads) > 0
}
