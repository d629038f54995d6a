package sim

import (
	"bytes"

	"minqing/syncproto"
)

// Rows that died while somebody else moved them. A deletion stands, but where a dead row lies decides who may see what lives beneath it.

var deadHistories = []directed{
	{"deleted-beside-a-move", "A row is deleted by one and moved by another, in both orders: it lies, dead, where the move put it, and so does its living child; " +
		"the old holder loses the child, the new one gets it, and the row comes back there.", deletedBesideMove},
	{"deleted-beside-two-moves", "A row is deleted by one and moved to two places by others, in all orders: nobody's move shows, so it and its child lie where it was.", deletedBesideTwoMoves},
	{"household-deleted-beside-a-move", "A household is deleted by one and moved to another village by another, in both orders: once it lives again, what is in it is that village's.", householdDeletedBesideMove},
	{"group-moved-to-another-village", "A group goes to another village while a secretary's phone holds unsent words: they arrive, his phone keeps nothing of it, the other's gets all, and back again.", groupMoved},
}

// liesIn wants a row to lie beneath another, dead or alive.
func (s *stage) liesIn(r rowRef, parent, scope string, dead bool) {
	row := s.server.storedRows()[r.id]
	s.want(row != nil && (row.Dead != 0) == dead, "the %s %s is %+v, dead must be %v", r.table, r.id, row, dead)
	if string(row.Parent) != parent || row.Scope != scope {
		s.violate(iOrder, "the %s %s lies beneath %s in %s, must lie beneath %s in %s", r.table, r.id, row.Parent, row.Scope, parent, scope)
	}
}

// holdsNoWord wants no file of a phone to hold a word.
func (s *stage) holdsNoWord(p *phone, word string) {
	p.disk.Walk(func(name string, data []byte) {
		if bytes.Contains(data, []byte(word)) {
			s.violate(iConfidentiality, "%s of %s still holds %s", name, p.name, word)
		}
	})
}

// withChild makes a row in the first household with a note beneath it, whose words it gives.
func (s *stage) withChild(p *phone) (r, k rowRef, word string) {
	r, _ = s.create(p, "thing", "household", households[0], "name", "r")
	word = s.word(r.id, syncproto.UserID(p.user), p)
	k, _ = s.create(p, "note", "thing", string(r.id), "author", p.user, "text", word)
	return r, k, word
}

func deletedBesideMove(s *stage) {
	p, old, next := s.phone(ann), s.phone(cid), s.phone(bob)
	r, k, word := s.withChild(p)
	s.sync(p, old, next)
	gone := s.remove(old, r)
	s.edit(p, r, "household", households[1])
	s.each(func() { s.sync(p) }, func() { s.sync(old) })
	s.sync(p, old, next)
	there := "household:" + households[1]
	s.liesIn(r, households[1], there, true)
	s.liesIn(k, string(r.id), there, false)
	s.items(2) // the move beside the deletion, and the child of a dead row
	s.sameEveryTime(r, k)
	s.shownOn(next, k, "text", word)
	s.missingOn(old, k)
	s.holdsNoWord(old, word)
	s.undoAs(adminUser, gone.id)
	s.sync(p, old, next)
	s.shownOn(next, r, "household", households[1])
	s.missingOn(old, r)
}

func deletedBesideTwoMoves(s *stage) {
	p, q, d := s.phone(ann), s.phone(cid), s.phone(dora)
	r, k, word := s.withChild(p)
	s.sync(p, q, d)
	s.edit(p, r, "household", households[1])
	s.edit(q, r, "household", households[3])
	s.remove(d, r)
	s.each(func() { s.sync(p) }, func() { s.sync(q) }, func() { s.sync(d) })
	s.sync(p, q, d)
	s.liesIn(r, households[0], "household:"+households[0], true)
	s.liesIn(k, string(r.id), "household:"+households[0], false)
	s.sameEveryTime(r, k)
	for _, x := range []*phone{p, q, d} {
		s.shownOn(x, k, "text", word)
		s.missingOn(x, r)
	}
}

func householdDeletedBesideMove(s *stage) {
	old, next := s.phone(dora), s.phone(secretaries[1])
	home, t := aHousehold(0), aThing(0)
	word := s.form(old, t).Values["name"].Str()
	s.missingOn(next, t)
	base := syncproto.Base{Epoch: s.server.epoch(), Rev: s.rev(home)} // both have the page open by now
	var gone syncproto.Identity
	s.each(func() {
		gone = s.submitAs(adminUser, syncproto.Edit{Table: home.table, Row: home.id, Op: syncproto.OpDelete, Base: base})
	}, func() {
		s.submitAs(adminUser, syncproto.Edit{Table: home.table, Row: home.id, Op: syncproto.OpUpdate, Base: base, Cells: []syncproto.CellEdit{textEdit("place", groups[1])}})
	})
	s.sync(old, next)
	s.liesIn(home, groups[1], "household:"+households[0], true)
	s.sameEveryTime(home, t)
	for _, x := range []*phone{old, next} { // no village has a dead household
		s.missingOn(x, t)
		s.holdsNoWord(x, word)
	}
	s.undoAs(adminUser, gone)
	s.sync(old, next)
	s.shownOn(next, t, "name", word)
	s.missingOn(old, t)
	s.holdsNoWord(old, word)
}

// groupMoved moves a place, whose households and their rows lie in the same scopes as ever: only who is over them changes.
func groupMoved(s *stage) {
	old, next := s.phone(secretaries[0]), s.phone(secretaries[1])
	t, group := aThing(0), rowRef{"place", syncproto.RowID(groups[0])}
	s.missingOn(next, t)
	word, mine := s.form(old, t).Values["name"].Str(), s.word(t.id, syncproto.UserID(old.user), old)
	s.edit(old, t, "newest", mine)
	moved := s.submitAs(adminUser, syncproto.Edit{Table: group.table, Row: group.id, Op: syncproto.OpUpdate, Base: syncproto.Base{Epoch: s.server.epoch(), Rev: s.rev(group)},
		Cells: []syncproto.CellEdit{textEdit("parent", villages[1])}})
	s.each(func() { s.sync(old) }, func() { s.sync(next) })
	s.sync(old, next)
	s.liesIn(t, households[0], "household:"+households[0], false)
	s.sameEveryTime(t)
	s.shownOn(next, t, "name", word, "newest", mine)
	s.missingOn(old, t)
	for _, w := range []string{word, mine} {
		s.holdsNoWord(old, w)
	}
	s.undoAs(adminUser, moved)
	s.sync(next, old)
	s.shownOn(old, t, "name", word, "newest", mine)
	s.missingOn(next, t)
	s.holdsNoWord(next, mine)
}
