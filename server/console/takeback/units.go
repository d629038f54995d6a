package takeback

import (
	"cmp"
	"maps"
	"slices"

	"minqing/server/console/shift"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// imported are the tables that imports make rows of, beneath one another: whatever else lies beneath a row, somebody wrote there.
var imported = map[string]bool{"place": true, "household": true, "resident": true, "identity": true, "user": true, "role": true}

// unit is a row that the import made, with all that it made beneath it: they go or stay together.
type unit struct {
	top   *store.Row
	ours  []*store.Row   // those above before those beneath
	under map[string]int // what others wrote beneath, by table
	whys  []Why          // why it stays
}

// units takes back the rows that these changes made and that lie beneath none of the import's.
func (p *piece) units(made []syncproto.RowID) error {
	tops, err := p.tops(made)
	if err != nil || len(tops) == 0 {
		return err
	}
	if err := p.fill(tops); err != nil {
		return err
	}
	if err := p.judgeUnits(tops); err != nil {
		return err
	}
	var deeds []deed
	for _, u := range tops {
		if len(u.whys) > 0 {
			p.stay(u, u.whys)
			continue
		}
		slices.Reverse(u.ours)
		for part := range slices.Chunk(u.ours, syncproto.MaxEdits) {
			deeds = append(deeds, p.deleting(u, part))
		}
	}
	return p.act(deeds)
}

// stay leaves a unit.
func (p *piece) stay(u *unit, whys []Why) {
	for _, r := range u.ours {
		p.done.Tally.of(r.Table).Kept++
	}
	p.leave(Left{Table: u.top.Table, Row: u.top.ID, Rows: len(u.ours), Whys: whys})
}

// deleting is the deed that deletes rows of a unit, those beneath first.
func (p *piece) deleting(u *unit, part []*store.Row) deed {
	d := judge.Draft{}
	for _, r := range part {
		d.Edits = append(d.Edits, p.deletion(r))
	}
	return deed{d, func() {
		for _, r := range part {
			p.done.Tally.of(r.Table).Rows++
			p.note("row", r.ID, r.Label.Rev)
		}
		if _, above := parentOf(p.tx.Book(), u.top.Table); above == "place" && part[len(part)-1] == u.top {
			p.done.going[lies{u.top.Parent, u.top.Table}]++
		}
	}, func(w Why) {
		p.stay(&unit{top: u.top, ours: part}, []Why{w})
	}}
}

// deletion is the edit that deletes a row. Where nothing else became of it, it undoes the change that made it; else it is an edit like any other, of
// somebody who has seen all that was undone in between.
func (p *piece) deletion(r *store.Row) syncproto.Edit {
	e := syncproto.Edit{Table: r.Table, Row: r.ID, Op: syncproto.OpDelete}
	past := p.past[r.ID]
	if !slices.ContainsFunc(past, func(v *store.Version) bool { return v.Identity != past[0].Identity }) {
		e.UndoOf = past[0].Identity
	}
	return e
}

// tops finds, among rows that the import made, those that are there and lie beneath no other such row. Of those that are gone it takes note.
func (p *piece) tops(made []syncproto.RowID) (tops []*unit, err error) {
	var parents []syncproto.RowID
	for _, id := range made {
		if r := p.rows[id]; r != nil {
			parents = append(parents, r.Parent)
		}
	}
	if err := p.load(parents); err != nil {
		return nil, err
	}
	for _, id := range made {
		r := p.rows[id]
		if r == nil || r.Table == "place" {
			continue
		}
		if r.Dead != 0 {
			p.done.Tally.of(r.Table).Gone++
			continue
		}
		if _, above := parentOf(p.tx.Book(), r.Table); above == "place" || !p.alive(r.Parent) || !p.r.made(p.past[r.Parent]) {
			tops = append(tops, &unit{top: r, ours: []*store.Row{r}, under: map[string]int{}})
		}
	}
	return tops, nil
}

// fill finds what lies beneath tops.
func (p *piece) fill(tops []*unit) error {
	of, level := map[syncproto.RowID]*unit{}, []string{}
	for _, u := range tops {
		of[u.top.ID], level = u, append(level, string(u.top.ID))
	}
	for len(level) > 0 {
		children, err := p.tx.Children(level)
		if err != nil {
			return err
		}
		children = slices.DeleteFunc(children, func(c *store.Row) bool { return c.Dead != 0 || p.r.moved[c.ID] || p.done.moved[c.ID] })
		var known []syncproto.RowID
		for _, c := range children {
			if imported[c.Table] {
				known = append(known, c.ID)
			}
		}
		if err := p.load(known); err != nil {
			return err
		}
		level = nil
		for _, c := range children {
			u := of[c.Parent]
			if !imported[c.Table] || !p.r.made(p.past[c.ID]) {
				u.under[c.Table]++
				continue
			}
			of[c.ID], level = u, append(level, string(c.ID))
			u.ours = append(u.ours, c)
		}
	}
	return nil
}

// judgeUnits finds what speaks against taking units back.
func (p *piece) judgeUnits(units []*unit) error {
	of, ids, users := map[syncproto.RowID]*unit{}, []string{}, []string{}
	for _, u := range units {
		for _, r := range u.ours {
			of[r.ID], ids = u, append(ids, string(r.ID))
			if r.Table == "user" {
				users = append(users, string(r.ID))
			}
			if v := p.touched(r.ID); v != nil {
				u.whys = append(u.whys, *edited(v))
			}
			if r.Table == "user" && string(r.ID) == string(p.r.by) {
				u.whys = append(u.whys, Why{What: whySelf})
			}
		}
		if r := u.top; r.Table == "role" && string(r.Parent) == string(p.r.by) {
			u.whys = append(u.whys, Why{What: whySelf})
		}
		for _, table := range slices.Sorted(maps.Keys(u.under)) {
			u.whys = append(u.whys, Why{What: whyUnder, Table: table, N: u.under[table]})
		}
	}
	items, err := p.items(ids)
	if err != nil {
		return err
	}
	for id, w := range items {
		of[id].whys = append(of[id].whys, w)
	}
	bars, err := shift.Bars(p.tx, "user", users)
	if err != nil {
		return err
	}
	for _, id := range users {
		for _, b := range bars[id] {
			u := of[syncproto.RowID(id)]
			u.whys = append(u.whys, Why{What: b.What, N: int(b.N)})
		}
	}
	for _, u := range units {
		u.whys = brief(u.whys)
	}
	return nil
}

// whysKept is how many reasons are named of one row: one is enough to leave it, a few help to see why.
const whysKept = 4

// brief brings reasons into an order of their own, each once.
func brief(whys []Why) []Why {
	slices.SortFunc(whys, func(a, b Why) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Table, b.Table), cmp.Compare(b.At, a.At), cmp.Compare(a.By, b.By), cmp.Compare(a.N, b.N))
	})
	var out []Why
	for i := range whys {
		if !slices.ContainsFunc(out, func(x Why) bool { return x.same(&whys[i]) }) && len(out) < whysKept {
			out = append(out, whys[i])
		}
	}
	return out
}

// items finds what waits for a decision about rows, and what somebody decided about two that were taken for one. Twins that nobody decided about
// yet are no more once one of them is gone.
func (p *piece) items(ids []string) (map[syncproto.RowID]Why, error) {
	out := map[syncproto.RowID]Why{}
	if len(ids) == 0 {
		return out, nil
	}
	mine := map[syncproto.RowID]bool{}
	for _, id := range ids {
		mine[syncproto.RowID(id)] = true
	}
	for _, where := range []string{"row_id = ANY(?)", "kind = 'twin' AND other = ANY(?)"} {
		found, err := p.tx.Items(where+" ORDER BY id", ids)
		if err != nil {
			return nil, err
		}
		for _, it := range found {
			for _, id := range []syncproto.RowID{it.Row, it.Other} {
				switch twin := it.Kind == syncproto.ItemTwin; {
				case !mine[id] || id == it.Other && !twin:
				case !twin && it.Closed == 0:
					out[id] = Why{What: whyItem}
				case twin && it.By != "":
					out[id] = Why{What: whyTwin, By: it.By, At: it.Closed}
				}
			}
		}
	}
	return out, nil
}

// places takes back the places that these changes made and that nothing lies in any more.
func (p *piece) places(made []syncproto.RowID) error {
	var ids []string
	for _, id := range made {
		r := p.rows[id]
		switch {
		case r == nil || r.Table != "place":
		case r.Dead != 0:
			p.done.Tally.of("place").Gone++
		default:
			ids = append(ids, string(id))
		}
	}
	for _, level := range p.levels(ids) {
		if err := p.emptied(level); err != nil {
			return err
		}
	}
	return nil
}

// levels parts places, those that lie in others of them first.
func (p *piece) levels(ids []string) (out [][]string) {
	for len(ids) > 0 {
		holds := map[string]bool{}
		for _, id := range ids {
			holds[string(p.rows[syncproto.RowID(id)].Parent)] = true
		}
		var level, rest []string
		for _, id := range ids {
			if holds[id] {
				rest = append(rest, id)
			} else {
				level = append(level, id)
			}
		}
		if len(level) == 0 { // never: places lie in no circle
			return append(out, rest)
		}
		out, ids = append(out, level), rest
	}
	return out
}

// emptied takes back those places that nothing lies in.
func (p *piece) emptied(ids []string) error {
	in, err := p.inPlaces(ids)
	if err != nil {
		return err
	}
	items, err := p.items(ids)
	if err != nil {
		return err
	}
	var deeds []deed
	for _, id := range ids {
		u := &unit{top: p.rows[syncproto.RowID(id)], ours: []*store.Row{p.rows[syncproto.RowID(id)]}}
		for _, table := range slices.Sorted(maps.Keys(in[u.top.ID])) {
			if n := in[u.top.ID][table]; n > 0 {
				u.whys = append(u.whys, Why{What: whyUnder, Table: table, N: n})
			}
		}
		if v := p.touched(u.top.ID); v != nil {
			u.whys = append(u.whys, *edited(v))
		}
		if w, there := items[u.top.ID]; there {
			u.whys = append(u.whys, w)
		}
		if u.whys = brief(u.whys); len(u.whys) > 0 {
			p.stay(u, u.whys)
			continue
		}
		deeds = append(deeds, p.deleting(u, u.ours))
	}
	return p.act(deeds)
}

// inPlaces counts by table what lies in places, roles over them included; in a preview what still would.
func (p *piece) inPlaces(ids []string) (map[syncproto.RowID]map[string]int, error) {
	out := map[syncproto.RowID]map[string]int{}
	for _, id := range ids {
		out[syncproto.RowID(id)] = map[string]int{}
	}
	count := func(query string) error {
		return p.tx.Each(func(scan func(...any) error) error {
			var id, table string
			var n int64
			if err := scan(&id, &table, &n); err != nil {
				return err
			}
			out[syncproto.RowID(id)][table] += int(n)
			return nil
		}, query, ids)
	}
	if err := count("SELECT parent, tbl, COUNT(*) FROM mq_row WHERE parent = ANY(?) AND dead = 0 GROUP BY parent, tbl"); err != nil {
		return nil, err
	}
	if err := count("SELECT place, 'role', COUNT(*) FROM role WHERE place = ANY(?) GROUP BY place"); err != nil {
		return nil, err
	}
	if p.r.preview {
		for _, going := range []map[lies]int{p.r.going, p.done.going} {
			for at, n := range going {
				if out[at.place] != nil {
					out[at.place][at.table] -= n
				}
			}
		}
	}
	return out, nil
}
