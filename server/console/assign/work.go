package assign

import (
	"context"
	"encoding/json"
	"slices"

	"minqing/server/admin"
	"minqing/server/console/work"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// kindWork is the kind of our records of work.
const kindWork = "assign"

// Done is what was done on an order.
type Done struct {
	work.Record `json:"-"`

	Order Order
	From  string // name
	To    string
	Homes []syncproto.RowID
	What  admin.Reassigned
	// TakenBack is how many of its changes were taken back, the last first.
	TakenBack int
}

// Do does what was shown under a digest. When anything has changed since, it does nothing and gives the plan as it is now.
func Do(tx *store.Tx, desk *admin.Desk, by syncproto.UserID, place, today string, o Order, shown string) (id string, now *Plan, err error) {
	plan, err := Preview(tx, place, today, o)
	if err != nil {
		return "", plan, err
	}
	if plan.Digest != shown {
		return "", plan, nil
	}
	d := Done{Order: o, From: plan.from.name, To: plan.to.name}
	for _, h := range plan.Homes {
		d.Homes = append(d.Homes, h.ID)
	}
	what, err := desk.Reassign(tx, by, admin.Reassignment{Households: d.Homes, From: plan.from.id, To: plan.to.id, Team: o.Team, Since: o.Since})
	if err != nil {
		return "", plan, err
	}
	d.What = *what
	if id, err = tx.NewID(); err != nil {
		return "", plan, err
	}
	return id, plan, work.Add(tx, kindWork, id, place, by, work.Done, d)
}

// Last lists what was done last in a place, newest first.
func Last(tx *store.Tx, place string) ([]*Done, error) {
	return work.Last(tx, kindWork, place, done)
}

// Newest is the newest import of a list at a place that stands; nil when there is none.
func Newest(tx *store.Tx, place string) (*Done, error) {
	return work.Newest(tx, kindWork, place, done, func(d *Done) (bool, error) { return d.Listed() && !d.Undone(), nil })
}

// Read reads one; nil when there is none of that id in the place.
func Read(tx *store.Tx, place, id string) (*Done, error) {
	return work.Read(tx, kindWork, place, id, done)
}

func done(r work.Record) (*Done, error) {
	d := &Done{Record: r}
	return d, json.Unmarshal(r.Body, d)
}

// Back is what taking an order back would do.
type Back struct {
	*Plan
	Touched int // assignments that somebody changed since: theirs stand beside it, and wait for a decision where they differ
}

// PreviewBack reckons what taking an order back would do.
func PreviewBack(tx *store.Tx, today string, d *Done) (*Back, error) {
	p, err := plannerOf(tx, d.Place, today, texts(d.Homes))
	if err != nil {
		return nil, err
	}
	out := &Back{Plan: &Plan{Order: d.Order}}
	values, err := tx.Values("assignment", texts(append(slices.Clone(d.What.Made), d.What.Ended...)))
	if err != nil {
		return nil, err
	}
	t := tx.Book().Table("assignment")
	get := func(id syncproto.RowID, column string) string {
		for i := range t.Columns {
			if t.Columns[i].Name == column && values[id] != nil {
				return values[id][i].Str()
			}
		}
		return ""
	}
	s := step{}
	for _, id := range d.What.Made {
		if h := p.byID[syncproto.RowID(get(id, "household"))]; h != nil {
			if i := slices.IndexFunc(h.running, func(r running) bool { return r.id == id }); i >= 0 {
				s.ends = append(s.ends, change{h, h.running[i]})
			}
		}
	}
	for _, id := range d.What.Ended {
		if h := p.byID[syncproto.RowID(get(id, "household"))]; h != nil {
			r := running{id: id, user: get(id, "user"), team: get(id, "team")}
			if slices.ContainsFunc(h.running, func(x running) bool { return x.id == id }) { // ends on a day to come
				continue
			}
			s.begins = append(s.begins, change{h, r})
		}
	}
	for _, c := range append(slices.Clone(s.ends), s.begins...) {
		if !slices.Contains(out.Homes, c.home) {
			out.Homes = append(out.Homes, c.home)
		}
	}
	out.Digest = digest(&d.Order, out.Homes)
	if out.Touched, err = touched(tx, d); err != nil {
		return nil, err
	}
	return out, p.effects(out.Plan, s)
}

// touched counts the assignments of an order that another change wrote to since.
func touched(tx *store.Tx, d *Done) (int, error) {
	versions, err := tx.Versions("row_id = ANY(?) ORDER BY row_id, seq, ord", texts(append(slices.Clone(d.What.Made), d.What.Ended...)))
	if err != nil {
		return 0, err
	}
	ours, behind := map[syncproto.RowID]bool{}, map[syncproto.RowID]bool{}
	for _, v := range versions {
		if slices.Contains(d.What.Changes, v.Identity) {
			ours[v.Row] = true
		} else if ours[v.Row] {
			behind[v.Row] = true
		}
	}
	return len(behind), nil
}

func texts(ids []syncproto.RowID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

// Listed tells whether it was a list that was brought in.
func (d *Done) Listed() bool { return d.Order.Way == listed }

// UndoAll takes an order of a place back whole, part by part, each in a transaction of its own: one that breaks off goes on where it stopped. When
// what was shown under a digest does not hold any more it does nothing, and done is false; found is false when there is no such order.
func UndoAll(ctx context.Context, s *store.Store, j *judge.Judge, by syncproto.UserID, today, place, id, shown string) (done, found bool, err error) {
	for more, further := true, false; more; further = true {
		if err := s.Write(ctx, func(tx *store.Tx) error {
			d, err := Read(tx, place, id)
			if found = d != nil; !found || err != nil {
				more = false
				return err
			}
			done, more, err = undo(tx, j, by, today, d, shown, further)
			return err
		}); err != nil {
			return false, found, err
		}
	}
	return done, found, nil
}

// undoneAtOnce is how many changes are taken back in one transaction: so that phones are not kept waiting.
const undoneAtOnce = 1000

// undo takes back a part of what was done, the last of it first, when what was shown under a digest still holds; else it does nothing, and done is
// false. more says that there is more of it: call again with further. Contact cards stay: what they open is who contacts the household then.
func undo(tx *store.Tx, j *judge.Judge, by syncproto.UserID, today string, d *Done, shown string, further bool) (done, more bool, err error) {
	// Whoever comes second waits here, and reads what the first has left.
	n, err := tx.Affected("UPDATE mq_work SET state = ? WHERE id = ? AND state = ?", work.Done, d.ID, work.Done)
	if err != nil || n == 0 {
		return true, false, err
	}
	if d, err = Read(tx, d.Place, d.ID); err != nil {
		return false, false, err
	}
	if !further {
		back, err := PreviewBack(tx, today, d)
		if err != nil || back.Digest != shown {
			return false, false, err
		}
	}
	left := d.What.Changes[:max(0, len(d.What.Changes)-d.TakenBack)]
	part := left[max(0, len(left)-undoneAtOnce):]
	if _, err := j.UndoIn(tx, by, part...); err != nil {
		return false, false, err
	}
	d.TakenBack += len(part)
	state := work.Done
	if more = len(part) < len(left); !more {
		state = work.Undone
	}
	body, err := json.Marshal(d)
	if err != nil {
		return false, false, err
	}
	return true, more, tx.Exec("UPDATE mq_work SET state = ?, body = ? WHERE id = ?", state, string(body), d.ID)
}
