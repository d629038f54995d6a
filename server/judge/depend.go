package judge

import (
	"slices"

	"minqing/syncproto"
)

// findMended decides whether the change stands in for the one it mends: the first accepted mend of a refused change does that is its author's,
// or of somebody who lets it in at the desk on his behalf. Every other mend is an edit like any other.
func (h *hearing) findMended() (*refusal, error) {
	h.mends, h.behalf = nil, ""
	if h.c.Mends == "" {
		return nil, nil
	}
	if err := h.d.loadRecords([]syncproto.Identity{h.c.Mends}); err != nil {
		return nil, err
	}
	rec := h.d.records[h.c.Mends]
	if rec == nil || rec == h.rec || rec.Status != syncproto.Refused || rec.MendedBy != "" && rec.MendedBy != h.rec.Identity {
		return nil, nil
	}
	switch {
	case rec.User == h.rec.User:
		h.mends = rec
	case h.server && h.rec.User != "":
		h.mends, h.behalf = rec, rec.User
	}
	return nil, nil
}

// depend finds the changes that each edit builds on: what made its row, and what reached the state that it moves on from. If one of them is
// refused and not mended, or not there yet, this one waits for it. A row that is not there was found out by place.
func (h *hearing) depend() (*refusal, error) {
	for _, e := range h.edits {
		if len(e.Base.Over) == 0 {
			continue
		}
		if err := h.d.loadRecords(e.Base.Over); err != nil {
			return nil, err
		}
		no, err := h.dependEdit(e)
		if no != nil || err != nil {
			return no, err
		}
	}
	return nil, nil
}

func (h *hearing) dependEdit(e *edit) (*refusal, error) {
	flow := e.table.FlowColumn()
	moves := flow != nil && slices.ContainsFunc(e.Cells, func(c syncproto.CellEdit) bool { return c.Cell == flow.Name })
	for i := len(e.Base.Over) - 1; i >= 0; i-- {
		id := e.Base.Over[i]
		rec := h.d.records[id]
		if rec == nil || rec == h.rec {
			continue // not there: merge waits for it to come; what it wrote is not known
		}
		made, moved, err := h.d.didTo(rec, e.Row, flow != nil)
		if err != nil {
			return nil, err
		}
		if !made && !(moved && moves) {
			continue
		}
		if moved {
			moves = false // the last that moved counts
		}
		e.depends = append(e.depends, id)
		if h.d.missing(rec) && !h.standsBefore(rec) {
			return &refusal{code: syncproto.CodeWaits, waits: id, message: syncproto.Both("依赖的改动尚未生效。", "It builds on a change that was refused."),
				hint: syncproto.Both("先改正那一条。", "Mend that one first.")}, nil
		}
	}
	slices.Reverse(e.depends)
	return nil, nil
}

// didTo tells whether a change made a row, and whether it moved its state.
func (d *desk) didTo(rec *record, id syncproto.RowID, hasFlow bool) (made, moved bool, err error) {
	by, err := d.mendOfErased(rec)
	if err != nil {
		return false, false, err
	}
	if by != nil {
		rec = by
	}
	c, err := d.change(rec)
	if err != nil {
		return false, false, err
	}
	for i := range c.Edits {
		e := &c.Edits[i]
		if e.Row != id {
			continue
		}
		made = e.Op == syncproto.OpCreate
		if t := d.book.Table(e.Table); t != nil && hasFlow {
			column := t.FlowColumn().Name
			moved = slices.ContainsFunc(e.Cells, func(c syncproto.CellEdit) bool { return c.Cell == column })
		}
	}
	return made, moved, nil
}

// missing tells that a change is refused and nothing stands in for it.
func (d *desk) missing(rec *record) bool {
	return rec.Status == syncproto.Refused && rec.MendedBy == ""
}

// standsBefore tells that a refused change waits, if only through others, for the very change that this one mends: a mend never waits for
// what waits for it.
func (h *hearing) standsBefore(rec *record) bool {
	if h.mends == nil {
		return false
	}
	for range maxAbove {
		if rec == nil || rec == h.mends {
			return rec != nil
		}
		if rec.verdict == nil || rec.verdict.Waits == "" {
			return false
		}
		if h.d.loadRecords([]syncproto.Identity{rec.verdict.Waits}) != nil {
			return false
		}
		rec = h.d.records[rec.verdict.Waits]
	}
	return false
}
