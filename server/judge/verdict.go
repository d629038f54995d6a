package judge

import (
	"slices"

	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// reckon brings items and verdicts up to what an edit made of its row: those of the change itself and of every author whose words stand
// beside it.
func (d *desk) reckon(h *hearing, e *edit) error {
	if e.result == nil { // the short way: nothing stands beside it, and nothing was open that it touches, save by a decision that was taken back
		if e.op == syncproto.OpDelete {
			return d.closeHeld(e.row, h.rec)
		}
		return nil
	}
	return d.reckonResult(e.row, e.result, h.rec)
}

// reckonResult is reckon for a row computed from its history; by is the change that brought it about, nil when it was none.
func (d *desk) reckonResult(r *row, result *merge.Result, by *record) error {
	held, err := d.reckonItems(r, result, by)
	if err != nil {
		return err
	}
	concerned := map[syncproto.Identity]bool{}
	for i := range result.Cells {
		if result.Cells[i].MergedBy != "" {
			for _, id := range result.Cells[i].Heads {
				concerned[id] = true
			}
		}
	}
	for _, it := range result.Items {
		for _, id := range slices.Concat(it.Heads, it.Against) {
			concerned[id] = true
		}
	}
	ids := make([]syncproto.Identity, 0, len(concerned))
	for id := range concerned {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if err := d.loadRecords(ids); err != nil {
		return err
	}
	for _, id := range ids {
		if rec := d.records[id]; rec != nil {
			d.tell(rec, r, result.Fate(id), held, by)
		}
	}
	return nil
}

// tell writes the fate of a change in one row into its verdict. What was said of a cell stays said when the cell has moved on.
func (d *desk) tell(rec *record, r *row, fate merge.Fate, held []string, by *record) {
	v := rec.verdict
	if v == nil || rec.Status == syncproto.Refused {
		return
	}
	changed := false
	for _, m := range fate.Merges {
		note := syncproto.MergeNote{Table: r.Table, Row: r.ID, Cell: m.Cell, Rule: m.Rule, Shows: m.Shows}
		i := slices.IndexFunc(v.Merges, func(o syncproto.MergeNote) bool { return o.Row == r.ID && o.Cell == m.Cell })
		switch {
		case i < 0:
			v.Merges, changed = append(v.Merges, note), true
		case v.Merges[i] != note:
			v.Merges[i], changed = note, true
		}
	}
	for _, i := range fate.Items {
		it := d.items[held[i]]
		note := syncproto.ItemNote{Item: it.ID, Table: it.Table, Row: it.Row, Cell: it.Cell, Kind: it.Kind}
		k := slices.IndexFunc(v.Items, func(o syncproto.ItemNote) bool { return o.Item == it.ID })
		switch {
		case k < 0:
			v.Items, changed = append(v.Items, note), true
		case v.Items[k] != note:
			v.Items[k], changed = note, true
		}
	}
	if changed {
		d.restate(rec)
		rec.news = rec.news || rec != by || !rec.fresh
	}
}

// restate derives the status from the notes.
func (d *desk) restate(rec *record) {
	rec.dirty = true
	if rec.Status == syncproto.Refused {
		return
	}
	switch {
	case slices.ContainsFunc(rec.verdict.Items, func(n syncproto.ItemNote) bool { return n.Kind != syncproto.ItemLate }): // late is a mark beside what became of it
		rec.Status = syncproto.Conflicted
	case len(rec.verdict.Merges) > 0:
		rec.Status = syncproto.Merged
	default:
		rec.Status = syncproto.Applied
	}
	rec.verdict.Status = rec.Status
}
