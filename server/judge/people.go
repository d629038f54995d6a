package judge

import (
	"cmp"
	"slices"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// maxPeople bounds those named in one part about one cell: a person reads two or three names, and with more of them their post says more.
const maxPeople = 3

// people adds to a verdict who else had to do with it: whose words stand beside the author's, who may decide or has decided, who brought about
// the state that forbade an edit. Only about rows that the author sees now: of what left him he learns his own words and their outcome. Users are
// known by name all over the city, so a name beside a row that he sees tells him of no household that he does not. Who decided about a row that left
// him is over the place where it lies now: his name, or that there is none, would tell where it went.
func (d *desk) people(v *syncproto.Verdict, rec *record, holds func(*row) bool) error {
	for _, n := range v.Items {
		if err := d.itemPeople(v, rec, n, holds); err != nil {
			return err
		}
	}
	for _, m := range rec.verdict.Merges {
		r, err := d.seenRow(m.Row, holds)
		if r == nil || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := d.besides(v, rec, r, m.Cell, func(epochs merge.Epochs) []syncproto.Identity {
			return merge.Beside(d.book, r.Table, r.versions, epochs, m.Cell, rec.Identity)
		}); err != nil {
			return err
		}
	}
	if rec.Status == syncproto.Refused && rec.Code == syncproto.CodeState && len(rec.Body) > 0 {
		return d.movers(v, rec, holds)
	}
	return nil
}

func (d *desk) seenRow(id syncproto.RowID, holds func(*row) bool) (*row, error) {
	if err := d.loadRows([]syncproto.RowID{id}); err != nil {
		return nil, err
	}
	if r := d.rows[id]; r != nil && holds(r) {
		return r, nil
	}
	return nil, nil
}

// itemPeople names those in an inbox item.
func (d *desk) itemPeople(v *syncproto.Verdict, rec *record, n syncproto.ItemNote, holds func(*row) bool) error {
	r, err := d.seenRow(n.Row, holds)
	if r == nil || err != nil {
		return err
	}
	it := d.items[n.Item]
	if it == nil {
		stored, err := d.tx.Items("id = ?", n.Item)
		if err != nil || len(stored) == 0 {
			return err
		}
		it = stored[0]
	}
	for _, id := range []syncproto.RowID{it.Row, it.Other} {
		if id == "" || id == n.Row {
			continue
		}
		if other, err := d.seenRow(id, holds); other == nil || err != nil {
			return err // of a twin that he may not see he learns nothing, of who decides about it neither
		}
	}
	s, err := readSides(it)
	if err != nil {
		return err
	}
	if err := d.besides(v, rec, r, n.Cell, func(merge.Epochs) []syncproto.Identity { return slices.Concat(s.Heads, s.Against, s.Gone) }); err != nil {
		return err
	}
	if it.Closed != 0 {
		return d.addPerson(v, r, syncproto.PersonNote{Row: n.Row, Cell: n.Cell, Part: syncproto.PersonDecided, At: it.Closed}, it.By)
	}
	return d.deciders(v, rec, r, it, n)
}

// besides names the authors of the given versions of a row, the newest first, its own author left out.
func (d *desk) besides(v *syncproto.Verdict, rec *record, r *row, cell string, versions func(merge.Epochs) []syncproto.Identity) error {
	if err := d.loadHistory(r); err != nil {
		return err
	}
	if err := d.loadRefused(r, &merge.RowVersion{}); err != nil {
		return err
	}
	epochs, err := d.lineOf(r.Stream)
	if err != nil {
		return err
	}
	ids := versions(epochs)
	if err := d.loadRecords(ids); err != nil {
		return err
	}
	latest := map[syncproto.UserID]int64{}
	for _, id := range ids {
		if o := d.records[id]; o != nil && o.User != "" && o.User != rec.User {
			latest[o.User] = max(latest[o.User], o.Corrected)
		}
	}
	users := make([]syncproto.UserID, 0, len(latest))
	for u := range latest {
		users = append(users, u)
	}
	slices.SortFunc(users, func(a, b syncproto.UserID) int { return cmp.Or(cmp.Compare(latest[b], latest[a]), cmp.Compare(a, b)) })
	for _, u := range users[:min(len(users), maxPeople)] {
		if err := d.addPerson(v, r, syncproto.PersonNote{Row: r.ID, Cell: cell, Part: syncproto.PersonBeside, At: latest[u]}, u); err != nil {
			return err
		}
	}
	return nil
}

// movers names who brought rows into the states in which an edit of them was refused.
func (d *desk) movers(v *syncproto.Verdict, rec *record, holds func(*row) bool) error {
	c, err := d.change(rec)
	if err != nil {
		return err
	}
	for i := range c.Edits {
		r, err := d.seenRow(c.Edits[i].Row, holds)
		if err != nil {
			return err
		}
		if r == nil || r.table.FlowColumn() == nil {
			continue
		}
		flow := r.table.FlowColumn().Name
		if err := d.besides(v, rec, r, flow, func(merge.Epochs) []syncproto.Identity {
			for _, w := range slices.Backward(r.versions) {
				if !w.Refused && slices.ContainsFunc(w.Cells, func(e syncproto.CellEdit) bool { return e.Cell == flow }) {
					return []syncproto.Identity{w.ID}
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// deciders names who may decide an open item: those of the nearest place that has any, unless they are too many to name.
func (d *desk) deciders(v *syncproto.Verdict, rec *record, r *row, it *store.Item, n syncproto.ItemNote) error {
	for _, place := range d.placesAbove(r, d.row) {
		users, err := entitle.Officers(d.tx, place, decides)
		if err != nil {
			return err
		}
		var may []syncproto.UserID
		for _, u := range users {
			ok, err := d.mayDecide(u, it)
			if err != nil {
				return err
			}
			if ok && u != rec.User {
				may = append(may, u)
			}
		}
		if len(may) > maxPeople {
			return nil
		}
		for _, u := range may {
			if err := d.addPerson(v, r, syncproto.PersonNote{Row: n.Row, Cell: n.Cell, Part: syncproto.PersonDecides}, u); err != nil {
				return err
			}
		}
		if len(may) > 0 {
			return nil
		}
	}
	return nil
}

// addPerson names a user; one that is gone has no name, and is left out.
func (d *desk) addPerson(v *syncproto.Verdict, r *row, n syncproto.PersonNote, user syncproto.UserID) error {
	id := syncproto.RowID(user)
	if user == "" {
		return nil
	}
	if err := d.loadRows([]syncproto.RowID{id}); err != nil {
		return err
	}
	if err := d.loadValues([]syncproto.RowID{id}); err != nil {
		return err
	}
	who := d.rows[id]
	if who == nil || who.values == nil {
		return nil
	}
	rights, err := d.rightsOf(user)
	if err != nil {
		return err
	}
	n.Name, n.Post, n.Role = who.get("name").Str(), who.get("post").Str(), leading(rights.Roles(d.tx.Now(), d.placesAbove(r, d.row)))
	if n.Name != "" && len(v.People) < syncproto.MaxOver {
		v.People = append(v.People, n)
	}
	return nil
}

// leading is the role by which somebody is best known: one that decides before others.
func leading(roles []schema.Role) schema.Role {
	for _, r := range roles {
		if decides(r) {
			return r
		}
	}
	if len(roles) == 0 {
		return ""
	}
	return roles[0]
}
