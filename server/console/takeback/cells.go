package takeback

import (
	"slices"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// back is what takes a cell back, and which change that undoes; "" where somebody undid something in between, so that it is an edit like any other.
type back struct {
	edit syncproto.CellEdit
	of   syncproto.Identity
}

// cells takes back what the changes wrote to rows that were there before.
func (p *piece) cells(rows []syncproto.RowID, changes []syncproto.Identity) error {
	rows = slices.DeleteFunc(slices.Clone(rows), func(id syncproto.RowID) bool { return p.r.made(p.past[id]) })
	if err := p.loadBefore(rows); err != nil {
		return err
	}
	values, err := p.valuesOf(rows)
	if err != nil {
		return err
	}
	var order []syncproto.Identity
	drafts := map[syncproto.Identity]*judge.Draft{}
	var deeds []deed
	for _, id := range rows {
		row := p.rows[id]
		if row == nil {
			continue
		}
		edits, left := p.backOf(row, values[id], changes)
		if len(left.Cells) > 0 {
			p.done.Tally.of(row.Table).Stand += len(left.Cells)
			p.leave(left)
		}
		for _, b := range edits {
			if b.of == "" {
				deeds = append(deeds, p.taking(judge.Draft{Edits: []syncproto.Edit{{Table: row.Table, Row: id, Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{b.edit}}}}))
				continue
			}
			if drafts[b.of] == nil {
				drafts[b.of], order = &judge.Draft{}, append(order, b.of)
			}
			d := drafts[b.of]
			if n := len(d.Edits); n == 0 || d.Edits[n-1].Row != id {
				d.Edits = append(d.Edits, syncproto.Edit{Table: row.Table, Row: id, Op: syncproto.OpUpdate, UndoOf: b.of})
			}
			e := &d.Edits[len(d.Edits)-1]
			e.Cells = append(e.Cells, b.edit)
		}
	}
	for _, of := range order {
		deeds = append(deeds, p.taking(*drafts[of]))
	}
	return p.act(deeds)
}

// taking is the deed of a draft that takes cells back.
func (p *piece) taking(d judge.Draft) deed {
	return deed{d, func() {
		for _, e := range d.Edits {
			p.done.Tally.of(e.Table).Cells += len(e.Cells)
			p.note("cells", e.Row, names(e))
			column, _ := parentOf(p.tx.Book(), e.Table)
			if slices.Contains(names(e), column) {
				p.done.moved[e.Row] = true
				p.done.going[lies{p.rows[e.Row].Parent, e.Table}]++
			}
		}
	}, func(w Why) {
		for _, e := range d.Edits {
			p.done.Tally.of(e.Table).Stand += len(e.Cells)
			p.leave(Left{Table: e.Table, Row: e.Row, Cells: names(e), Whys: []Why{w}})
		}
	}}
}

func names(e syncproto.Edit) (out []string) {
	for i := range e.Cells {
		out = append(out, e.Cells[i].Cell)
	}
	return out
}

// loadBefore reads where rows lay before the import moved them.
func (p *piece) loadBefore(rows []syncproto.RowID) error {
	var ids []syncproto.RowID
	for _, id := range rows {
		for _, v := range p.past[id] {
			column, _ := parentOf(p.tx.Book(), v.Table)
			if c := at(v, column); c != nil && p.r.own(v) {
				ids = append(ids, syncproto.RowID(c.From.Str()))
			}
		}
	}
	return p.load(ids)
}

func (p *piece) valuesOf(rows []syncproto.RowID) (map[syncproto.RowID][]schema.Value, error) {
	byTable := map[string][]string{}
	for _, id := range rows {
		if p.alive(id) {
			byTable[p.rows[id].Table] = append(byTable[p.rows[id].Table], string(id))
		}
	}
	out := map[syncproto.RowID][]schema.Value{}
	for table, ids := range byTable {
		found, err := p.tx.Values(table, ids)
		if err != nil {
			return nil, err
		}
		for id, v := range found {
			out[id] = v
		}
	}
	return out, nil
}

// backOf finds what takes back the cells of a row that the import wrote last by these changes, and which of them are left.
func (p *piece) backOf(row *store.Row, values []schema.Value, changes []syncproto.Identity) (edits []back, left Left) {
	left = Left{Table: row.Table, Row: row.ID}
	past := p.past[row.ID]
	for _, cell := range p.tx.Book().Cells(row.Table) {
		var ours []int
		for i, v := range past {
			if p.r.own(v) && at(v, cell.Name) != nil {
				ours = append(ours, i)
			}
		}
		if len(ours) == 0 || cell.Rule == schema.RuleServer || !slices.Contains(changes, past[ours[len(ours)-1]].Identity) {
			continue // what the server derives by itself comes back by itself
		}
		stands := standing(past, cell.Name)
		if !stands[ours[len(ours)-1]] {
			continue // somebody took it back by itself
		}
		if w := p.against(row, &cell, values, ours, stands); w != nil {
			left.Cells = append(left.Cells, cell.Name)
			if !slices.ContainsFunc(left.Whys, func(x Why) bool { return x.same(w) }) {
				left.Whys = append(left.Whys, *w)
			}
			continue
		}
		if b, changed := p.inverse(row.Table, &cell, values, past, ours); changed {
			edits = append(edits, b)
		}
	}
	return edits, left
}

// against is what speaks against taking a cell back, nil for nothing. ours are the versions by which the import wrote it.
func (p *piece) against(row *store.Row, cell *schema.Cell, values []schema.Value, ours []int, stands []bool) *Why {
	if row.Dead != 0 {
		return &Why{What: whyGone}
	}
	past := p.past[row.ID]
	first, last := past[ours[0]], past[ours[len(ours)-1]]
	for i, v := range slices.Backward(past) {
		// What came before the import and what its author had not seen was laid beside his words, and may show with them.
		if stands[i] && !p.r.own(v) && (i > ours[0] || v.Label.Rev > first.Base.Rev) {
			return edited(v)
		}
	}
	if _, open := row.Open[cell.Name]; open {
		return &Why{What: whyItem}
	}
	switch wrote := at(last, cell.Name); cell.Rule {
	case schema.RuleSet, schema.RuleSum:
	default:
		if join(p.tx.Book().Table(row.Table), cell, values) != wrote.Value {
			return &Why{What: whyOther}
		}
	}
	if column, _ := parentOf(p.tx.Book(), row.Table); column == cell.Name && !p.alive(syncproto.RowID(at(first, column).From.Str())) {
		return &Why{What: whyAway}
	}
	return nil
}

// inverse takes a cell back to what it was before the first of the import's versions of it.
func (p *piece) inverse(table string, cell *schema.Cell, values []schema.Value, past []*store.Version, ours []int) (b back, changed bool) {
	first, last := ours[0], ours[len(ours)-1]
	before, now := at(past[first], cell.Name).From, join(p.tx.Book().Table(table), cell, values)
	b.edit.Cell = cell.Name
	switch cell.Rule {
	case schema.RuleSum:
		for _, i := range ours {
			b.edit.Delta -= at(past[i], cell.Name).Delta
		}
		changed = b.edit.Delta != 0
	case schema.RuleSet:
		had, has := before.Elements(), now.Elements()
		for _, i := range ours {
			for _, e := range at(past[i], cell.Name).Add {
				if slices.Contains(has, e) && !slices.Contains(had, e) && !slices.Contains(b.edit.Del, e) {
					b.edit.Del = append(b.edit.Del, e)
				}
			}
			for _, e := range at(past[i], cell.Name).Del {
				if slices.Contains(had, e) && !slices.Contains(has, e) && !slices.Contains(b.edit.Add, e) {
					b.edit.Add = append(b.edit.Add, e)
				}
			}
		}
		slices.Sort(b.edit.Add)
		slices.Sort(b.edit.Del)
		changed = len(b.edit.Add)+len(b.edit.Del) > 0
	default:
		b.edit.Value, changed = before, before != now
	}
	if !slices.ContainsFunc(past[last+1:], func(v *store.Version) bool { return at(v, cell.Name) != nil }) {
		b.of = past[last].Identity
	}
	return b, changed
}

// join is what a cell of a row shows.
func join(t *schema.Table, cell *schema.Cell, values []schema.Value) schema.Value {
	return cell.Join(func(column string) schema.Value {
		for i := range t.Columns {
			if t.Columns[i].Name == column && i < len(values) {
				return values[i]
			}
		}
		return schema.Null
	})
}
