package judge

import (
	"cmp"
	"slices"

	"minqing/syncproto"
)

// maxRounds bounds how often those who wait wake others in one push: each round takes effect whole, the rest is woken by a later push.
const maxRounds = 100

// wake hears those again who waited for what took effect, and those who waited for them.
func (d *desk) wake() error {
	for range maxRounds {
		waiting, err := d.waiting()
		if err != nil || len(waiting) == 0 {
			return err
		}
		var hearings []*hearing
		for _, rec := range waiting {
			c, err := d.labelled(rec)
			if err != nil {
				return err
			}
			hearings = append(hearings, &hearing{d: d, c: c, rec: rec})
		}
		if err := d.load(hearings); err != nil {
			return err
		}
		for _, h := range hearings {
			if err := d.hear(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// labelled is a refused change with the numbers that servers before a fork gave it: bases of their epochs see it by them, when it takes
// effect after all.
func (d *desk) labelled(rec *record) (*syncproto.Change, error) {
	c, err := d.change(rec)
	if err != nil {
		return nil, err
	}
	for i := range c.Edits {
		have, err := d.labelsOf(c.Edits[i].Row)
		if err != nil {
			return nil, err
		}
		if l := have[rec.Identity]; len(l) > 0 {
			if c.Labels == nil {
				c.Labels = map[syncproto.RowID][]syncproto.Label{}
			}
			c.Labels[c.Edits[i].Row] = l
		}
	}
	return c, nil
}

// waiting finds the refused changes that wait for what came, in the order in which they were received and numbered.
func (d *desk) waiting() ([]*record, error) {
	if len(d.came) == 0 && len(d.cameRows) == 0 {
		return nil, nil
	}
	ids, err := d.waitersOf(d.came, d.cameRows)
	if err != nil {
		return nil, err
	}
	d.came, d.cameRows = nil, nil
	if err := d.loadRecords(ids); err != nil {
		return nil, err
	}
	var out []*record
	for _, id := range ids {
		if rec := d.records[id]; rec != nil && rec.Status == syncproto.Refused && rec.MendedBy == "" && !slices.Contains(out, rec) {
			out = append(out, rec)
		}
	}
	slices.SortFunc(out, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.Received, b.Received), cmp.Compare(a.First.Device, b.First.Device), cmp.Compare(a.First.Number, b.First.Number))
	})
	return out, nil
}

func (d *desk) waitersOf(changes []syncproto.Identity, rows []syncproto.RowID) ([]syncproto.Identity, error) {
	var out []syncproto.Identity
	for _, w := range d.waits {
		if slices.Contains(changes, w.On) || slices.Contains(rows, w.Row) {
			out = append(out, w.Identity)
		}
	}
	if some, err := d.tx.AnyWaits(); !some || err != nil {
		return out, err
	}
	on, row := asTexts(changes), asTexts(rows)
	stored, err := d.tx.Waits("(on_identity = ANY(?) AND on_identity <> '') OR (on_row = ANY(?) AND on_row <> '')", on, row)
	for _, w := range stored {
		out = append(out, w.Identity)
	}
	return out, err
}

func asTexts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}
