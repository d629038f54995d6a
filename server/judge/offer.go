package judge

import (
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// relabel adds the numbers that changes were given by a server before a fork, as their author's device tells. A number learnt late lets
// bases of that epoch see the version, so the row is computed anew and travels again.
func (d *desk) relabel(offered []*syncproto.Change) error {
	learnt := map[syncproto.RowID]bool{}
	for _, c := range offered {
		id := c.Identity()
		rec := d.records[id]
		switch {
		case rec == nil:
			continue
		case rec.Status == syncproto.Refused: // they count when it takes effect after all
			for _, e := range c.Edits {
				for _, l := range c.Labels[e.Row] {
					d.labels = append(d.labels, store.RowLabel{Row: e.Row, Identity: id, Label: l})
				}
			}
			continue
		case rec.fresh:
			continue // it brought its labels along
		}
		for _, e := range c.Edits {
			for _, l := range c.Labels[e.Row] {
				added, err := d.addLabel(id, e.Row, l)
				if err != nil {
					return err
				}
				learnt[e.Row] = learnt[e.Row] || added
			}
		}
	}
	var ids []syncproto.RowID
	for id, some := range learnt {
		if some {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if err := d.need(ids...); err != nil {
		return err
	}
	for _, id := range ids {
		if r := d.rows[id]; r != nil {
			if err := d.recompute(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// addLabel notes a label unless it is known.
func (d *desk) addLabel(id syncproto.Identity, row syncproto.RowID, l syncproto.Label) (bool, error) {
	have, err := d.labelsOf(row)
	if err != nil || slices.Contains(have[id], l) {
		return false, err
	}
	for _, e := range d.versions {
		if e.Identity == id && e.Row == row && e.Label == l {
			return false, nil
		}
	}
	stored, err := d.tx.Versions("row_id = ? AND identity = ?", string(row), string(id))
	if err != nil || len(stored) == 0 || stored[0].Label == l {
		return false, err
	}
	d.labels = append(d.labels, store.RowLabel{Row: row, Identity: id, Label: l})
	if r := d.rows[row]; r != nil {
		r.hasVerses, r.versions = false, nil
	}
	return true, nil
}

// rowAsItStands computes a row from all its versions.
func (d *desk) rowAsItStands(r *row) (result merge.Result, err error) {
	if err := d.loadHistory(r); err != nil {
		return result, err
	}
	if err := d.loadRefused(r, &merge.RowVersion{}); err != nil {
		return result, err
	}
	epochs, err := d.lineOf(r.Stream)
	if err != nil {
		return result, err
	}
	return merge.Row(d.book, r.Table, r.versions, epochs), nil
}

// recompute makes a row anew from its versions; what shows and what is open follow, and the row travels again.
func (d *desk) recompute(r *row) error {
	result, err := d.rowAsItStands(r)
	if err != nil {
		return err
	}
	d.seqs = map[string]int64{}
	before := r.State
	r.Seq, r.State = d.seqFor(r.Stream), result.State
	d.touch(r)
	e := &edit{result: &result}
	d.applyResult(r, e, before)
	if err := d.follow(r, e); err != nil {
		return err
	}
	return d.reckonResult(r, &result, nil)
}
