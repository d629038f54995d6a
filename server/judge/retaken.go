package judge

import (
	"slices"

	"minqing/syncproto"
)

// refuseRetaken refuses what an administrator brought back already, as others had seen it, when the author's own device turns up with it
// after all: its words stand in the row, and counted twice they would be wrong. The change is kept whole, as every refused one.
func (h *hearing) refuseRetaken() (*refusal, error) {
	if !h.offered || len(h.c.Edits) == 0 {
		return nil, nil
	}
	d := h.d
	if d.retaken == nil {
		var err error
		if d.retaken, err = d.tx.Retaken(); err != nil {
			return nil, err
		}
	}
	for i := range h.c.Edits {
		e := &h.c.Edits[i]
		r := h.row(e.Row)
		if len(d.retaken[e.Row]) == 0 || r == nil {
			return nil, nil
		}
		epochs, err := d.lineOf(r.Stream)
		if err != nil {
			return nil, err
		}
		// What was seen at a rev holds every change of the row numbered up to it, along its own line of epochs.
		covered := slices.ContainsFunc(d.retaken[e.Row], func(seen syncproto.Label) bool {
			line := map[syncproto.EpochID]bool{}
			for at := seen.Epoch; at != "" && !line[at]; at = epochs.All[at].Parent {
				line[at] = true
			}
			return slices.ContainsFunc(h.c.Labels[e.Row], func(l syncproto.Label) bool { return line[l.Epoch] && l.Rev <= seen.Rev })
		})
		if !covered {
			return nil, nil
		}
	}
	return &refusal{code: syncproto.CodeConflict, message: syncproto.Both("服务器恢复时，这条已按别人手机里见过的补回，不再重复计入。", "Brought back already as others had seen it; it is not counted twice."),
		hint: syncproto.Both("内容都在，撤回这条就行。", "The words are there; withdraw this one.")}, nil
}
