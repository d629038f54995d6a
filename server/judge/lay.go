package judge

import (
	"maps"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// ground is where an edit needs rights: a scope (“”: none) and the places above it.
type ground struct {
	scope string
	above []string
}

// groundsAt are the grounds of an edit as everything lay at a moment: where the row lay, and where it goes to. Of two people who move one row
// at once, each to where the other may not look, both did so by right, whoever's move arrives first.
func (h *hearing) groundsAt(e *edit, at int64) ([]ground, error) {
	line, same, err := h.lineAt(e.row, at)
	if err != nil {
		return nil, err
	}
	out := []ground{groundOf(line)}
	if e.op == syncproto.OpCreate && e.table.Scope == schema.ScopeOwn {
		out[0].scope = groundOf(line[1:]).scope
	}
	parent, given := e.parentOf()
	if e.op == syncproto.OpCreate || !given || parent == "" || len(line) > 1 && line[1].ID == parent {
		if same {
			return e.grounds, nil
		}
		return out, nil
	}
	to, sameThere, err := h.lineAt(h.row(parent), at)
	if err != nil {
		return nil, err
	}
	if same && sameThere {
		return e.grounds, nil
	}
	there := groundOf(to)
	if scope := e.table.ScopeFrom(string(e.row.ID), there.scope); scope != out[0].scope {
		out = append(out, ground{scope, there.above})
	} else if e.table.Scope == schema.ScopeOwn {
		out = append(out, there)
	}
	return out, nil
}

// groundOf is the scope of the first row of a line, and the places in the line.
func groundOf(line []*row) (g ground) {
	for _, r := range slices.Backward(line) {
		g.scope = r.table.ScopeFrom(string(r.ID), g.scope)
	}
	for _, r := range line {
		if r.table.Place {
			g.above = append(g.above, string(r.ID))
		}
	}
	return g
}

// lineAt is a row with those above it as they lay at a moment of server time; same tells that they lie so still. A row that was made later lay
// where it was made.
func (h *hearing) lineAt(r *row, at int64) (line []*row, same bool, err error) {
	same = true
	for r != nil && len(line) < maxAbove {
		line = append(line, r)
		parent := r.Parent
		if h.made[r.ID] != r {
			past, err := h.d.pastOf(r.ID)
			if err != nil {
				return nil, false, err
			}
			if i := slices.IndexFunc(past, func(m store.Moved) bool { return m.Until > at }); i >= 0 {
				parent, same = past[i].Parent, false
			}
		}
		if r = h.row(parent); r == nil && parent != "" {
			if r, err = h.d.formerRow(parent); err != nil {
				return nil, false, err
			}
		}
	}
	return line, same, nil
}

// loadPast reads at once what the rows on the desk lay beneath before they moved, as far as hearings may ask for it.
func (d *desk) loadPast(hearings []*hearing) error {
	if !d.asksPast(hearings) {
		return nil
	}
	return d.askPast(slices.Collect(maps.Keys(d.rows)))
}

func (d *desk) asksPast(hearings []*hearing) bool {
	return slices.ContainsFunc(hearings, func(h *hearing) bool { return h.rec.User != "" && h.rec.Captured > 0 })
}

func (d *desk) pastOf(id syncproto.RowID) ([]store.Moved, error) {
	err := d.askPast([]syncproto.RowID{id})
	return d.past[id], err
}

// unknownPast lists rows of which the moves are not known yet.
func (d *desk) unknownPast(ids []syncproto.RowID) (ask []string) {
	for _, id := range ids {
		if _, known := d.past[id]; !known {
			ask = append(ask, string(id))
		}
	}
	slices.Sort(ask)
	return ask
}

// askPast reads the moves of rows of which they are not known yet.
func (d *desk) askPast(ids []syncproto.RowID) error {
	ask := d.unknownPast(ids)
	for _, id := range ids {
		if _, known := d.past[id]; !known {
			d.past[id] = nil
		}
	}
	moves, err := d.tx.MovedSince(ask, 0)
	for _, m := range moves {
		d.past[m.ID] = append(d.past[m.ID], m)
	}
	return err
}

// noteMove keeps what a row lies beneath, as it is about to move.
func (d *desk) noteMove(r *row) error {
	past, err := d.pastOf(r.ID)
	if err != nil {
		return err
	}
	m := store.Moved{ID: r.ID, Until: d.tx.Now(), Parent: r.Parent}
	if n := len(past); n > 0 && past[n-1].Until >= m.Until {
		return nil
	}
	d.past[r.ID] = append(past, m)
	d.moved = append(d.moved, m)
	return nil
}

// formerRow reads a row that lies above none on the desk any more, and those above it, for the sake of where they are.
func (d *desk) formerRow(id syncproto.RowID) (*row, error) {
	if r, known := d.former[id]; known {
		return r, nil
	}
	d.former[id] = nil
	found, err := d.tx.RowsAbove([]string{string(id)})
	for _, r := range found {
		if t := d.book.Table(r.Table); t != nil {
			d.former[r.ID] = &row{Row: *r, table: t, was: *r, wasThere: true}
		}
	}
	return d.former[id], err
}
