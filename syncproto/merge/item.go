package merge

import (
	"cmp"
	"slices"

	"minqing/syncproto"
)

// result writes the computation out.
func (r *row) result() Result {
	out := Result{Deleted: r.dead()}
	if out.Deleted {
		if item, ok := r.deletion(); ok {
			out.Items = append(out.Items, item)
		}
	}
	for _, c := range r.cells {
		if out.Deleted {
			c.kind = ""
		}
		out.Cells = append(out.Cells, c.result(c.kind == ""))
	}
	done := map[string]bool{}
	for _, c := range r.cells {
		switch c.kind {
		case syncproto.ItemCell, syncproto.ItemState:
			out.Items = append(out.Items, c.item())
		case syncproto.ItemRowRule:
			for _, rule := range r.h.table.Rules {
				b := r.broken[rule.Name]
				if b != nil && !done[rule.Name] && slices.Contains(b.held, c) {
					done[rule.Name] = true
					out.Items = append(out.Items, b.item())
				}
			}
		}
	}
	out.State = r.state(out.Items)
	return out
}

func (c *cellState) result(closed bool) Cell {
	out := Cell{Name: c.view.name, Value: c.out.value, Heads: c.view.ids(c.heads), Shows: c.view.ids(c.out.shows), Open: c.kind}
	if closed {
		out.MergedBy = c.out.by
		out.winners = c.view.ids(c.out.winners)
	}
	for i, s := range c.out.shows {
		if i == 0 || c.view.eff[s] > out.Effective {
			out.Effective = c.view.eff[s]
		}
	}
	return out
}

func (c *cellState) item() Item {
	item := Item{Kind: c.kind, Cells: []string{c.view.name}, Heads: c.view.ids(c.heads), Shown: c.view.ids(c.out.shows)}
	for _, m := range c.against {
		item.Against = append(item.Against, m.ID)
	}
	return item
}

func (b *brokenRule) item() Item {
	item := Item{Kind: syncproto.ItemRowRule, Rule: b.rule.Name}
	for _, c := range b.held {
		item.Cells = append(item.Cells, c.view.name)
	}
	for _, c := range b.cells {
		item.Heads = append(item.Heads, c.view.ids(c.heads)...)
		item.Shown = append(item.Shown, c.view.ids(c.out.shows)...)
	}
	item.Heads, item.Shown = distinct(item.Heads), distinct(item.Shown)
	return item
}

// distinct sorts identities and drops repetitions.
func distinct(ids []syncproto.Identity) []syncproto.Identity {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// deletion finds what stands beside a deletion without having seen it and without having been seen by it: edits, and attempts
// to bring the row back. Edits that another edit has seen stand behind it.
func (r *row) deletion() (Item, bool) {
	item := Item{Kind: syncproto.ItemDelete, Cells: []string{syncproto.ExistenceCell}}
	headed := map[*RowVersion]bool{}
	for _, c := range r.cells {
		for _, i := range c.heads {
			headed[c.view.w[i].by] = true
		}
	}
	var back, edits, behind []syncproto.Identity
	for _, i := range r.exists {
		d := r.existence.w[i].by
		if d.Op != syncproto.OpDelete {
			back = append(back, d.ID)
			continue
		}
		item.Shown = append(item.Shown, d.ID)
		for _, by := range r.beside(i) {
			item.Against = append(item.Against, d.ID)
			if headed[by] {
				edits = append(edits, by.ID)
			} else {
				behind = append(behind, by.ID)
			}
		}
	}
	if len(edits) == 0 {
		edits = behind
	}
	if len(back) > 0 {
		item.Against = slices.Clone(item.Shown) // every deletion that stands is against bringing the row back
	}
	item.Heads, item.Against, item.Shown = distinct(append(back, edits...)), distinct(item.Against), distinct(item.Shown)
	return item, len(item.Heads) > 0
}

// beside lists the versions of cells that a deletion (by its index in the existence) has not seen and that have not seen it.
func (r *row) beside(deletion int) []*RowVersion {
	d := r.existence.w[deletion].by
	var out []*RowVersion
	for _, c := range r.cells {
		seen := c.view.seenBy(d)
		for k, w := range c.view.w {
			if seen.has(k) {
				continue
			}
			if known := r.existence.seenBy(w.by); !known.has(deletion) {
				out = append(out, w.by)
			}
		}
	}
	return out
}

// state is what Fast goes on from.
func (r *row) state(items []Item) State {
	s := State{Dead: r.dead()}
	for _, item := range items {
		s.Open = append(s.Open, item.Cells...)
	}
	slices.Sort(s.Open)
	cells := map[*RowVersion][]string{}
	for _, i := range r.exists {
		by := r.existence.w[i].by
		cells[by] = append(cells[by], syncproto.ExistenceCell)
	}
	for _, c := range r.cells {
		for _, i := range c.heads {
			by := c.view.w[i].by
			cells[by] = append(cells[by], c.view.name)
		}
	}
	for by, names := range cells {
		// Labels have one order, whatever the order in which they were learnt: a state is compared with one made anew.
		labels := slices.Clone(by.Labels)
		slices.SortFunc(labels, func(a, b syncproto.Label) int {
			return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Rev, b.Rev))
		})
		s.Heads = append(s.Heads, Head{ID: by.ID, Seq: by.Seq, Labels: labels, Cells: names})
	}
	sortHeads(s.Heads)
	for _, v := range r.h.reached() {
		s.Top = max(s.Top, v.Base.Rev)
		for _, label := range v.Labels {
			s.Top = max(s.Top, label.Rev)
		}
		s.Awaits = append(s.Awaits, r.h.awaits(v)...)
	}
	s.Awaits = distinct(s.Awaits)
	if len(s.Awaits) == 0 {
		s.Awaits = nil
	}
	return s
}

func sortHeads(heads []Head) {
	slices.SortFunc(heads, func(a, b Head) int { return cmp.Compare(a.ID, b.ID) })
}

// reached are the accepted versions, and the refused ones that they were made over, or those in turn. Which others are at hand hangs on what else came
// with the last change, and may not show in a state.
func (h *history) reached() []*RowVersion {
	var out []*RowVersion
	at := map[syncproto.Identity]bool{}
	for _, v := range h.all {
		if !v.Refused {
			out = append(out, v)
		}
	}
	for i := 0; i < len(out); i++ {
		for _, id := range out[i].Base.Over {
			if o := h.byID[id]; o != nil && o.Refused && !at[id] {
				at[id] = true
				out = append(out, o)
			}
		}
	}
	return out
}

// awaits are the identities that v names and that are not accepted versions.
func (h *history) awaits(v *RowVersion) []syncproto.Identity {
	var out []syncproto.Identity
	name := func(id syncproto.Identity) {
		if known := h.byID[id]; id != "" && (known == nil || known.Refused) {
			out = append(out, id)
		}
	}
	for _, id := range v.Base.Over {
		name(id)
	}
	for _, ids := range v.Base.Open {
		for _, id := range ids {
			name(id)
		}
	}
	name(v.UndoOf)
	return out
}

// Cell finds a cell by name, nil if the table has none.
func (r Result) Cell(name string) *Cell {
	for i := range r.Cells {
		if r.Cells[i].Name == name {
			return &r.Cells[i]
		}
	}
	return nil
}

// Open gives what a pulled row carries as “open”: for each cell held by an item the versions whose value shows. Nil when nothing
// is open.
func (r Result) Open() map[string][]syncproto.Identity {
	var out map[string][]syncproto.Identity
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Open != "" {
			if out == nil {
				out = map[string][]syncproto.Identity{}
			}
			out[c.Name] = c.Shows
		}
	}
	return out
}

// Fate tells what became of one version in this result.
func (r Result) Fate(id syncproto.Identity) Fate {
	var f Fate
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.MergedBy != "" && slices.Contains(c.Heads, id) {
			f.Merges = append(f.Merges, CellMerge{Cell: c.Name, Rule: c.MergedBy, Shows: slices.Contains(c.winners, id)})
		}
	}
	for i := range r.Items {
		if slices.Contains(r.Items[i].Heads, id) || slices.Contains(r.Items[i].Against, id) {
			f.Items = append(f.Items, i)
		}
	}
	return f
}
