package oracle

import (
	"slices"

	"minqing/syncproto"
)

// Loose is an item of the inbox that is not about the versions of one row.
type Loose struct {
	Kind  syncproto.ItemKind
	Row   syncproto.RowID
	Cell  string
	Other syncproto.RowID
	About ident // for late work: the change
	Vague bool  // it may as well be one of its row's own
}

// inbox is what somebody has to decide beside what follows from the versions of single rows.
type inbox struct {
	orphans  map[syncproto.RowID]syncproto.RowID // living row → the dead one above it
	let      map[syncproto.RowID]syncproto.RowID // orphans that somebody let live
	twins    map[[2]syncproto.RowID]bool
	distinct map[[2]syncproto.RowID]bool // said to be two
	named    map[[2]syncproto.RowID]bool // said to be one, whatever they hold
	lates    map[ident]lateWork
	held     []*held            // open because a decision was taken back
	stands   map[string][]Stand // decisions by item, see Decided
}

// lateWork is a change that came too late: where it lies in the inbox, which is the twin that stayed if its row had been merged away.
type lateWork struct {
	row  syncproto.RowID
	open bool
}

func newInbox() *inbox {
	return &inbox{orphans: map[syncproto.RowID]syncproto.RowID{}, let: map[syncproto.RowID]syncproto.RowID{}, twins: map[[2]syncproto.RowID]bool{},
		distinct: map[[2]syncproto.RowID]bool{}, named: map[[2]syncproto.RowID]bool{}, lates: map[ident]lateWork{}}
}

// Loose lists what is open now beside the items of rows.
func (o *Oracle) Loose() []Loose {
	var out []Loose
	for _, id := range o.st.order {
		if over, ok := o.st.inbox.orphans[id]; ok {
			out = append(out, Loose{Kind: syncproto.ItemDelete, Row: id, Cell: syncproto.ExistenceCell, Other: over})
		}
	}
	for pair := range o.st.inbox.twins {
		out = append(out, Loose{Kind: syncproto.ItemTwin, Row: pair[0], Other: pair[1]})
	}
	for _, id := range o.st.came {
		if l := o.st.inbox.lates[id]; l.open {
			out = append(out, Loose{Kind: syncproto.ItemLate, Row: l.row, About: id})
		}
	}
	out = append(out, o.looseHeld()...)
	slices.SortFunc(out, func(a, b Loose) int {
		return compare(string(a.Kind)+string(a.Row)+a.Cell+string(a.About), string(b.Kind)+string(b.Row)+b.Cell+string(b.About))
	})
	return out
}

// sort brings the inbox up to what a push made of the rows; accepted are the changes that took effect.
func (o *Oracle) sortInbox(accepted map[ident]bool) {
	o.sortOrphans(accepted)
	o.sortTwins()
	o.restate()
}

// sortOrphans finds living rows beneath dead ones. Somebody who decides that one lives has decided it for as long as it lies there.
func (o *Oracle) sortOrphans(accepted map[ident]bool) {
	in := o.st.inbox
	for _, id := range o.st.order {
		r := o.st.rows[id]
		parent := o.st.rows[r.parent]
		if !r.living() || parent == nil || parent.living() {
			delete(in.orphans, id)
			delete(in.let, id)
			continue
		}
		decided := slices.ContainsFunc(r.versions, func(v *version) bool {
			return accepted[v.id] && v.op == syncproto.OpUpdate && slices.Contains(v.decides, syncproto.ExistenceCell)
		})
		_, open := in.orphans[id]
		switch {
		case decided:
			delete(in.orphans, id)
			in.let[id] = parent.id
		case open || in.let[id] != parent.id:
			in.orphans[id] = parent.id
			for _, by := range append(slices.Clone(r.is.Makers), parent.is.Makers...) {
				if c := o.st.changes[by]; c != nil {
					c.Items[Spot{id, syncproto.ExistenceCell}] = syncproto.ItemDelete
				}
			}
		}
	}
}

// sortTwins finds pairs of living rows that somebody said are one, and of one table with the same value where that makes them one person or
// household, unless somebody said so of what lies above them: nobody is asked twice.
func (o *Oracle) sortTwins() {
	in := o.st.inbox
	clear(in.twins)
	for pair := range in.named {
		if a, b := o.st.rows[pair[0]], o.st.rows[pair[1]]; a != nil && b != nil && a.living() && b.living() {
			in.twins[pair] = true
		}
	}
	for i, a := range o.st.order {
		ra := o.st.rows[a]
		if ra.table.Twin == "" || !ra.living() {
			continue
		}
		for _, b := range o.st.order[i+1:] {
			rb := o.st.rows[b]
			v := ra.get(o.opt.Book, ra.table.Twin)
			if rb.table != ra.table || !rb.living() || v.IsNull() || rb.get(o.opt.Book, ra.table.Twin) != v {
				continue
			}
			pair := [2]syncproto.RowID{min(a, b), max(a, b)}
			above := [2]syncproto.RowID{min(ra.parent, rb.parent), max(ra.parent, rb.parent)}
			if !in.distinct[pair] && !(ra.table.TwinAbove && in.twins[above]) {
				in.twins[pair] = true
			}
		}
	}
}

// Distinct tells that somebody said of two twins that they are two.
func (o *Oracle) Distinct(a, b syncproto.RowID) {
	o.do(func(o *Oracle) {
		pair := [2]syncproto.RowID{min(a, b), max(a, b)}
		o.st.inbox.distinct[pair] = true
		delete(o.st.inbox.named, pair)
		o.sortInbox(nil)
	})
}

// Undistinct tells that it was taken back that two twins are two; named is whether somebody had said that they are one.
func (o *Oracle) Undistinct(a, b syncproto.RowID, named bool) {
	o.do(func(o *Oracle) {
		pair := [2]syncproto.RowID{min(a, b), max(a, b)}
		delete(o.st.inbox.distinct, pair)
		if named {
			o.st.inbox.named[pair] = true
		}
		o.sortInbox(nil)
	})
}

// Named tells that somebody said of two rows that they are one.
func (o *Oracle) Named(a, b syncproto.RowID) {
	o.do(func(o *Oracle) {
		pair := [2]syncproto.RowID{min(a, b), max(a, b)}
		o.st.inbox.named[pair] = true
		delete(o.st.inbox.distinct, pair)
		o.sortInbox(nil)
	})
}

// Merged tells that one of two twins was merged into the other: what comes for rows that went by that goes to those that stayed.
func (o *Oracle) Merged(m Merging) {
	o.do(func(o *Oracle) {
		for _, id := range m.Gone {
			o.st.rows[id].alias = m.Into[id]
		}
		o.st.view = o.look()
	})
}

// asked says whether somebody has to decide about late work, if it ever came late.
func (o *Oracle) asked(of ident, open bool) {
	if l, came := o.st.inbox.lates[of]; came {
		l.open = open
		o.st.inbox.lates[of] = l
	}
}

// Pardon tells that somebody decided about late work: to take it after all, or to leave it refused. What was taken before, and taken back, is not
// heard again: it comes back by a change of the server's own.
func (o *Oracle) Pardon(id syncproto.Identity, keep bool, now int64) {
	o.do(func(o *Oracle) {
		c := o.st.changes[id]
		o.asked(id, false)
		if !keep || c.Status != syncproto.Refused {
			return
		}
		before := o.rightsInputs()
		came, rows := map[ident]bool{}, map[syncproto.RowID]bool{}
		o.hear(&hearing{o: o, c: c, now: now, pardon: true}, came, rows)
		o.finish(now, before, o.wake(now, came, rows))
	})
}
