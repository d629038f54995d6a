package oracle

import (
	"maps"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// held is an item of a row that is open although nothing that was written asks for it: a decision about it was taken back.
type held struct {
	kind  syncproto.ItemKind
	row   syncproto.RowID
	cells []string
	vague bool // what the row asks for is not certain, and so whether the item is one of those
}

// Hold tells that a decision about an item is taken back, of which there may be nothing in the history.
func (o *Oracle) Hold(kind syncproto.ItemKind, row syncproto.RowID, cells []string) {
	o.do(func(o *Oracle) { o.st.inbox.held = append(o.st.inbox.held, &held{kind: kind, row: row, cells: cells}) })
}

// Release tells that such an item, the last that was held, is not open: nothing came of it, or a decision before counts again.
func (o *Oracle) Release(row syncproto.RowID, cells []string) {
	o.do(func(o *Oracle) {
		for _, last := range slices.Backward(o.st.inbox.held) {
			if last.row == row && slices.Equal(last.cells, cells) {
				o.dropHeld(func(h *held) bool { return h == last })
				return
			}
		}
	})
}

// Reopened tells that it is open again whether late work is taken.
func (o *Oracle) Reopened(id syncproto.Identity) {
	o.do(func(o *Oracle) { o.asked(id, true) })
}

// Unmended tells that nothing stands in for a refused change any more: that it was let in was taken back.
func (o *Oracle) Unmended(id syncproto.Identity, now int64) {
	o.do(func(o *Oracle) {
		c := o.st.changes[id]
		if c.MendedBy == "" {
			return
		}
		c.MendedBy = ""
		before := o.rightsInputs()
		rows := map[syncproto.RowID]bool{}
		for i := range c.Edits {
			rows[c.Edits[i].Row] = true
		}
		for _, id := range slices.Sorted(maps.Keys(rows)) {
			r := o.st.rows[id]
			if r == nil {
				continue
			}
			for _, v := range r.versions {
				if v.id == c.ID {
					v.mendedBy = ""
				}
			}
			o.st.streams[r.stream]++
			o.reckon(r)
			o.tell(r)
		}
		o.finish(now, before, nil)
	})
}

func (o *Oracle) dropHeld(f func(h *held) bool) {
	o.st.inbox.held = slices.DeleteFunc(slices.Clone(o.st.inbox.held), f)
}

// sortHeld lets go of what is held open about a row that died or came back, and of what is an item by itself.
func (o *Oracle) sortHeld(r *row) {
	for i, h := range o.st.inbox.held {
		if h.row != r.id {
			continue
		}
		for _, c := range r.is.Cells {
			if c.Vague && !h.vague {
				unsure := *h
				unsure.vague = true
				o.st.inbox.held[i] = &unsure
			}
		}
	}
	o.dropHeld(func(h *held) bool {
		return h.row == r.id && (r.is.Dead != (h.kind == syncproto.ItemDelete) || slices.ContainsFunc(r.is.Items, func(item Item) bool { return shares(item.Cells, h.cells) }))
	})
}

// decideHeld lets go of what an edit decides. To take a decision back decides nothing.
func (o *Oracle) decideHeld(e *edit) {
	if e.UndoOf == "" {
		o.dropHeld(func(h *held) bool { return h.row == e.row.id && shares(e.Decides, h.cells) })
	}
}

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(c string) bool { return slices.Contains(b, c) })
}

// looseHeld are those items as the inbox lists them.
func (o *Oracle) looseHeld() (out []Loose) {
	for _, h := range o.st.inbox.held {
		out = append(out, Loose{Kind: h.kind, Row: h.row, Cell: strings.Join(h.cells, ","), Vague: h.vague})
	}
	return out
}

// Stand is what an item's cells showed after a decision about them, and who made it; before the first, what they showed while it was open.
type Stand struct {
	By    syncproto.UserID
	Shows map[string]schema.Value
	Dead  bool
	label syncproto.Label
}

// Stand is how cells of a row stand now.
func (o *Oracle) Stand(by syncproto.UserID, id syncproto.RowID, cells []string) Stand {
	s := Stand{By: by, Shows: map[string]schema.Value{}}
	if r := o.st.rows[id]; r != nil {
		s.Dead, s.label = r.is.Dead, r.label
		for _, name := range cells {
			if c := r.is.Cells[name]; c != nil {
				s.Shows[name] = c.Value
			}
		}
	}
	return s
}

// Decided tells that an item was decided: what its cells showed before that, and who did. Decisions of one item lie one over the other.
func (o *Oracle) Decided(item string, before Stand, by syncproto.UserID, row syncproto.RowID, cells []string) {
	o.do(func(o *Oracle) {
		have := o.st.inbox.stands[item]
		if len(have) == 0 {
			have = []Stand{before}
		}
		o.setStands(item, append(slices.Clone(have), o.Stand(by, row, cells)))
	})
}

// Forget tells that an item was decided so that nothing is known of what came before.
func (o *Oracle) Forget(item string) { o.do(func(o *Oracle) { o.setStands(item, nil) }) }

// TakenBack tells that the last decision of an item was taken back; it says what must stand now. sure is false when others wrote the row since it was
// decided, or nothing is known of how.
func (o *Oracle) TakenBack(item string, row syncproto.RowID, was syncproto.Label, cells []string) (must Stand, open, sure bool) {
	o.do(func(o *Oracle) {
		have := o.st.inbox.stands[item]
		if len(have) < 2 {
			open, sure = true, false
			o.setStands(item, nil)
			return
		}
		sure = have[len(have)-1].label == was
		must, open = have[len(have)-2], len(have) == 2
		if have = slices.Clone(have[:len(have)-1]); open {
			have = nil
		} else {
			have[len(have)-1].label = syncproto.Label{} // what somebody wrote since stands beside each of those before as well
			if sure {
				have[len(have)-1].label = o.Stand("", row, cells).label
			}
		}
		o.setStands(item, have)
	})
	return must, open, sure
}

func (o *Oracle) setStands(item string, stands []Stand) {
	all := maps.Clone(o.st.inbox.stands)
	if all == nil {
		all = map[string][]Stand{}
	}
	all[item] = stands
	o.st.inbox.stands = all
}
