package judge

import (
	"encoding/json"
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
)

// checkOrphans looks, for rows touched that died, came back, moved or came to be, for living rows beneath dead ones. The deletion stands
// meanwhile, and so does the child: nothing comes back and nothing goes by itself.
func (d *desk) checkOrphans() error {
	touched := d.touchedRows()
	if err := d.loadItems(touched...); err != nil {
		return err
	}
	for _, r := range touched {
		// One that was dead already may have got a second deletion, which stands against its children as well.
		if r.wasThere && (r.was.Dead != 0 || r.Dead != 0) {
			children, err := d.childrenOf(r)
			if err != nil {
				return err
			}
			for _, c := range children {
				if err := d.checkOrphan(c, r); err != nil {
					return err
				}
			}
		}
		if r.Parent == "" {
			continue
		}
		if err := d.loadRows([]syncproto.RowID{r.Parent}); err != nil {
			return err
		}
		if parent := d.rows[r.Parent]; parent != nil {
			if err := d.checkOrphan(r, parent); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOrphan opens or closes the item of a row as its parent lives or not. It opens when one of the two came to this just now: later
// edits of a child that somebody let live open nothing.
func (d *desk) checkOrphan(r, parent *row) error {
	open, err := d.openOrphan(r)
	if err != nil {
		return err
	}
	orphan := r.Dead == 0 && parent.Dead != 0
	justNow := (parent.wasThere && parent.was.Dead == 0) || !r.wasThere || r.was.Dead != 0 || r.was.Parent != r.Parent
	switch {
	case open != nil && (!orphan || d.lives[r.ID]):
		return d.closeOrphan(open, r, parent)
	case open != nil && open.Other != parent.ID:
		// It went from beneath one dead row to beneath another: the first question is answered, and there is a new one.
		if err := d.closeOrphan(open, r, parent); err != nil {
			return err
		}
		return d.addOrphan(r, parent)
	case open != nil:
		return d.renewOrphan(open, r, parent)
	case orphan && justNow && !d.lives[r.ID]:
		return d.addOrphan(r, parent)
	}
	return nil
}

// openOrphan is the open item that says that a row lives beneath a dead one, nil when there is none.
func (d *desk) openOrphan(r *row) (*store.Item, error) {
	if err := d.loadItems(r); err != nil {
		return nil, err
	}
	for _, it := range d.itemsOf[r.ID] {
		if it.Kind == syncproto.ItemDelete && it.Other != "" && it.Closed == 0 {
			return it, nil
		}
	}
	return nil, nil
}

func (d *desk) addOrphan(r, parent *row) error {
	id, err := d.tx.NewID()
	if err != nil {
		return err
	}
	s := orphanSides(r, parent)
	it := &store.Item{ID: id, Kind: syncproto.ItemDelete, Table: r.Table, Row: r.ID, Cell: syncproto.ExistenceCell, Other: parent.ID, Scope: r.Scope,
		Stream: r.Stream, Opened: d.tx.Now(), Heads: mustJSON(s), Base: []byte("{}")}
	d.addItem(it)
	d.changedItems(it)
	return d.tellOrphan(it, s)
}

// orphanSides are who made the child, and who deleted what is above it.
func orphanSides(r, parent *row) sides {
	s := sides{Heads: makers(r), Against: makers(parent)}
	slices.Sort(s.Heads)
	slices.Sort(s.Against)
	return s
}

// renewOrphan brings an open item up to who stands in it now: two who delete one row apart stand against its child both, whoever came
// first.
func (d *desk) renewOrphan(it *store.Item, r, parent *row) error {
	was, err := readSides(it)
	if err != nil {
		return err
	}
	s := orphanSides(r, parent)
	for _, id := range append(was.Gone, was.Against...) {
		if !slices.Contains(s.Against, id) && !slices.Contains(s.Gone, id) {
			s.Gone = append(s.Gone, id)
		}
	}
	if slices.Equal(s.Heads, was.Heads) && slices.Equal(s.Against, was.Against) {
		return nil
	}
	it.Heads = mustJSON(s)
	d.changedItems(it)
	return d.tellOrphan(it, s)
}

// tellOrphan tells everybody in an item of it who was not told before.
func (d *desk) tellOrphan(it *store.Item, s sides) error {
	ids := slices.Concat(s.Heads, s.Against)
	if err := d.loadRecords(ids); err != nil {
		return err
	}
	for _, id := range ids {
		rec := d.records[id]
		told := rec == nil || rec.verdict == nil || slices.ContainsFunc(rec.verdict.Items, func(n syncproto.ItemNote) bool { return n.Item == it.ID })
		if !told && rec.Status != syncproto.Refused {
			rec.verdict.Items = append(rec.verdict.Items, syncproto.ItemNote{Item: it.ID, Table: it.Table, Row: it.Row, Cell: it.Cell, Kind: it.Kind})
			rec.news = true
			d.restate(rec)
		}
	}
	return nil
}

// closeOrphan tells both sides how it ended: the child went, its parent came back or it got another one, or somebody let it live.
func (d *desk) closeOrphan(it *store.Item, r, parent *row) error {
	s, err := readSides(it)
	if err != nil {
		return err
	}
	child, deletion := fateKept, fateKept
	if r.Dead != 0 {
		child = fateOutvoted
	} else if parent.ID == it.Other && parent.Dead == 0 {
		deletion = fateOutvoted
	}
	c := closing{Values: map[string]json.RawMessage{}, Fates: map[syncproto.Identity]string{}}
	for _, id := range s.Heads {
		c.Fates[id] = child
	}
	for _, id := range slices.Concat(s.Against, s.Gone) {
		c.Fates[id] = deletion
	}
	it.Closed, it.Outcome = d.tx.Now(), mustJSON(c)
	for _, h := range r.State.Heads {
		if rec := d.records[h.ID]; rec != nil && rec.dirty {
			it.By = rec.User
			break
		}
	}
	d.changedItems(it)
	return d.tellOutcome(it, c.Fates)
}
