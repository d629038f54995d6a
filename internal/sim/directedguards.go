package sim

import (
	"fmt"

	"minqing/mobile-client/replica"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// What guards the invariants where random histories hardly go: answers that break within a change, rights that change within a first sync,
// somebody else at the door, a phone that is told of what it could not know. Most were written for a fault of internal/mutants that lived.

var guardHistories = []directed{
	{"orders-on-copies", "Edits beside one another under every rule, a row made, one deleted, a move: delivered in many orders to copies of the server, all come to the same.", ordersOnCopies},
	{"answer-breaks-within-a-change", "An answer breaks off between the rows of one change, or before its checkpoint: nobody sees half of it.", breaksWithin},
	{"acknowledged-and-not-here-yet", "The link breaks behind the verdict, for good: the author's words stand over the row until it comes with them.", acknowledgedNotHere},
	{"household-made-and-not-here-yet", "A secretary makes a household; the link breaks behind the verdict, once or after it went to another village: he sees it until he hears of that.", householdNotHere},
	{"forgotten-and-not-deleted", "A household is taken from somebody: his phone lets it go, and tells nobody that anything was deleted.", forgottenNotDeleted},
	{"first-sync-resumed-with-other-rights", "A first sync breaks off behind a mark; what was granted changes; it goes on with what is granted now.", resumedWithOtherRights},
	{"decided-then-sent-again", "What stood in an item comes again after the item was decided, from each phone: the decision stands.", decidedThenAgain},
	{"boxes-open-after-a-restore", "Work of a forgotten scope, which its phone cannot read any more, comes back after a restore.", boxesAfterRestore},
	{"news-of-an-old-change", "A change is outvoted long after its verdict: its author's phone hears of it, and an old receipt does not make it forget.", newsOfOldChange},
	{"news-for-copies", "A file was copied, and told apart from its twin: both hear what became of what was written before.", newsForCopies},
	{"revoked-after-a-restore", "The server went back; a phone that was revoked meanwhile hands its work over all the same.", revokedAfterRestore},
	{"one-row-of-many-rots", "One of three hundred rows rots: it is found by narrowing down, and mended.", oneOfMany},
	{"asked-for-whole-and-not-answered", "A phone with a newer program asks for buckets whole, and the answer is lost: it asks again, in the same sync.", askedNotAnswered},
	{"two-cells-rot-alike", "Two cells of a row swap their values: the sum tells them apart.", swappedCells},
	{"marks-last-till-the-horizon", "A phone that was away for months hears of a deletion by its mark.", marksLast},
	{"seen-before-a-restore", "An edit over words that a restore took back has seen them still when both have come back.", seenBeforeRestore},
	{"clocks-ten-years-off", "A phone's clock is ten years ahead, then ten years behind: its words count as of when it can have been.", clocksOff},
	{"months-are-the-servers", "What is made lies in the month of the server in which it came, however far back a phone's clock is.", monthsOfTheServer},
	{"power-cuts", "The power fails on the phone as soon as it said that words are safe, and on the server as soon as it answered.", powerCuts},
	{"two-texts-over-one-sentence", "Two people write one sentence anew: nobody's stands before somebody decides.", textsOverOneSentence},
	{"number-taken-after-a-restore", "A copy's number came, was lost in a restore, and was given by its twin: neither word takes the other's name.", numberTakenAgain},
	{"token-runs-out", "A phone whose token ran out signs in again by itself.", tokenRunsOut},
}

func ordersOnCopies(s *stage) {
	t, p, q, r := aThing(0), s.phone(ann), s.phone(cid), s.phone(dora)
	first := s.form(p, t).Values["story"].Str()
	s.edit(p, t, "total", 1, "tags", []string{"red"})
	u, _ := s.create(p, "thing", "household", households[0], "name", "u")
	s.edit(p, u, "state", "doing")
	old, _ := s.create(p, "thing", "household", households[0], "name", "old")
	moved, _ := s.create(p, "thing", "household", households[0], "name", "moved")
	s.sync(p, q, r)
	s.edit(p, t, "tags", []string{})
	s.edit(p, t, "newest", "p", "high", 3, "low", "2025-03-02", "total", 4, "tags", []string{"blue", "red"}, "story", first+"丙。", "serial", "p")
	s.edit(q, t, "newest", "q", "high", 7, "low", "2025-03-01", "total", 4, "tags", []string{"green"}, "story", "甲。"+first, "serial", "q")
	s.edit(r, t, "newest", "r", "grade", "a")
	s.edit(r, u, "state", "closed")
	s.edit(q, u, "newest", "q", "state", "dropped")
	s.edit(p, u, "name", "u2")
	s.edit(p, t, "name", "p")
	s.edit(q, t, "name", "q")
	s.remove(r, old)
	s.create(q, "note", "thing", string(old.id), "author", cid, "text", "under it")
	s.remove(r, moved)
	s.edit(p, moved, "household", households[1])
	s.tick(1000)
	for range 4 {
		s.doOrders(s.d)
	}
	s.sync(p, q, r)
}

func breaksWithin(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	u, _ := s.create(q, "thing", "household", households[0], "name", "u")
	s.sync(q, p)
	at := [][2]any{{"row", 1}, {"checkpoint", 0}, {"row", 0}}[s.variant(3)]
	s.tick(1000)
	s.want(q.write(func(tx *replica.Tx) error {
		for _, r := range []rowRef{t, u} {
			f, err := tx.Form(r.table, r.id)
			if err != nil {
				return err
			}
			if err := tx.Update(f, pairs([]any{"grade", "b", "total", 5})); err != nil {
				return err
			}
		}
		return nil
	}) != nil, "two rows were not saved")
	s.sync(q)
	s.syncWith(p, script{cutBefore: at[0].(string), skip: at[1].(int)})
	s.shownOn(p, t, "grade", nil)
	s.shownOn(p, u, "grade", nil)
	s.sync(p)
	s.shownOn(p, t, "grade", "b")
	s.shownOn(p, u, "grade", "b", "total", 5)
}

func acknowledgedNotHere(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.backup()
	s.edit(q, t, "grade", "a")
	s.sync(q)
	s.edit(p, t, "name", "before")
	m := s.edit(p, t, "name", "mine", "total", 2)
	s.syncWith(p, script{cutBefore: "checkpoint"}, script{lost: true}, script{lost: true}, script{lost: true})
	s.heard(p, m, replica.Accepted)
	s.shownOn(p, t, "name", "mine", "total", 2, "grade", nil)
	if s.variant(2) == 1 { // no cursor tells of it
		s.restore()
		s.finds(2, func() {
			for _, x := range []*phone{p, q} {
				s.tick(1000)
				s.must(x.session(s.d, false), "sync of "+x.name)
			}
			s.became(m, syncproto.Applied, "")
		})
	}
	s.sync(p)
	s.shownOn(p, t, "name", "mine", "total", 2, "grade", "a")
}

func householdNotHere(s *stage) {
	p := s.phone(secretaries[0])
	h, m := s.create(p, "household", "place", villages[0], "code", "H9", "note", "mine")
	labels := 1
	cut := []script{{cutBefore: "checkpoint"}, {cutBefore: "checkpoint", skip: 1}}[s.variant(2)]
	if s.variant(2) == 1 {
		s.send(p)
		s.deskEdit(adminUser, h, "place", villages[1])
		labels, cut.skip = 0, 0
	}
	s.syncWith(p, cut, script{lost: true}, script{lost: true}, script{lost: true})
	e := s.heard(p, m, replica.Accepted)
	s.want(len(e.Verdict.Labels) == labels, "the verdict names %v, must name %d numbers", e.Verdict.Labels, labels)
	s.shownOn(p, h, "code", "H9", "note", "mine")
	s.sync(p)
	if labels == 0 {
		s.missingOn(p, h)
		return
	}
	s.shownOn(p, h, "code", "H9", "note", "mine")
}

func forgottenNotDeleted(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.unassign(ann, households[0])
	for range 2 {
		s.tick(1000)
		s.must(p.session(s.d, false), "sync of "+p.name)
	}
	s.missingOn(p, t)
	s.sync(p, q)
	s.shownOn(q, t, "state", "open")
}

func resumedWithOtherRights(s *stage) {
	q := s.phone(cid)
	s.create(q, "note", "thing", string(aThing(0).id), "author", cid, "text", "of this month")
	s.sync(q)
	p := s.newPhone(phoneCase{User: ann, Version: s.book.Version}, s.d.Uint64())
	cut := []script{{cutBefore: "checkpoint"}, {cutBefore: "checkpoint", skip: 1}}[s.variant(2)]
	s.syncWith(p, cut, script{lost: true}, script{lost: true}, script{lost: true})
	switch s.variant(3) {
	case 0:
		s.unassign(ann, households[0])
	case 1:
		s.assign(ann, households[2])
	case 2:
		s.unassign(ann, households[0])
		s.assign(ann, households[3])
	}
	s.sync(p)
	s.edit(p, aThing(1), "grade", "a")
	s.sync(p)
}

func decidedThenAgain(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	one := s.edit(p, t, "name", "one", "grade", "a")
	s.edit(q, t, "name", "two", "grade", "b")
	s.sync(p, q)
	for _, it := range s.items(2) {
		s.decide(it, decisionFor(one))
	}
	s.items(0)
	s.sync(q)
	s.replay()
	s.items(0)
}

func boxesAfterRestore(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.phone(cid)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	s.backup()
	theirs := s.form(p, t).Values["story"].Str()
	m := s.edit(p, t, "name", "boxed", "story", theirs+"又。")
	s.sync(p)
	s.became(m, syncproto.Applied, "")
	s.unassign(ann, households[0])
	s.sync(p)
	s.missingOn(p, t)
	s.restore()
	s.finds(1, func() { s.sync(p) })
	s.became(m, syncproto.Applied, "")
	s.shows(t, "name", "boxed")
	s.shownOn(p, t, "name", "boxed")
}

func newsOfOldChange(s *stage) {
	t, p, q, carrier := aThing(0), s.phone(ann), s.phone(cid), s.phone(bob)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	way := s.variant(3)
	mine := s.edit(p, t, "name", "mine")
	theirs := s.edit(q, t, "name", "theirs")
	var receipt []byte
	if way == 0 {
		s.sync(p)
	} else {
		receipt = s.carry(p, carrier)
	}
	if way == 2 {
		s.takeReceipt(p, receipt)
	}
	s.became(mine, syncproto.Applied, "")
	s.tick(day)
	s.sync(q)
	it := s.item(syncproto.ItemCell, t, []string{"name"}, mine.id, theirs.id)
	s.sync(p)
	s.want(s.heard(p, mine, replica.Accepted).Verdict.Status == syncproto.Conflicted, "%s does not hear that its word lies in the inbox", p.name)
	if way == 1 {
		s.takeReceipt(p, receipt)
		s.want(s.heard(p, mine, replica.Accepted).Verdict.Status == syncproto.Conflicted, "an old receipt makes %s forget what it heard", p.name)
	}
	s.decide(it, decisionFor(theirs))
	s.sync(p)
	v := s.heard(p, mine, replica.Accepted).Verdict
	if len(v.Items) != 1 || v.Items[0].Outcome != "outvoted" {
		s.violate(iConflicts, "%s hears of its word in the inbox only %+v, after it was outvoted", p.name, v.Items)
	}
}

func newsForCopies(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	theirs := s.edit(q, t, "name", "theirs")
	mine := s.edit(p, t, "name", "mine")
	s.sync(p)
	c := s.copyOf(p, 1)
	for _, x := range []*phone{p, c, p} {
		s.edit(x, t, "total", int(s.form(x, t).Values["total"].Num())+1)
		s.sync(x)
	}
	s.want(len(s.ids(p, c)) == 2, "the copies are still one device")
	s.sync(q)
	s.item(syncproto.ItemCell, t, []string{"name"}, mine.id, theirs.id)
	s.sync(p, c)
	for _, x := range []*phone{p, c} {
		s.want(s.heard(x, mine, replica.Accepted).Verdict.Status == syncproto.Conflicted, "%s does not hear that its word lies in the inbox", x.name)
	}
}

func revokedAfterRestore(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	s.backup()
	s.edit(p, t, "grade", "a")
	s.sync(p)
	one, two := s.edit(p, t, "name", "unsent"), s.edit(p, t, "total", 3)
	s.restore()
	s.revokedNow(p)
	s.became(one, syncproto.Applied, "")
	s.became(two, syncproto.Applied, "")
	s.shows(t, "name", "unsent", "total", 3)
}

func oneOfMany(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	var ids []syncproto.RowID
	s.tick(1000)
	s.want(p.write(func(tx *replica.Tx) error {
		for i := range 300 {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			ids = append(ids, id)
			if err := tx.Create("mark", id, pairs([]any{"thing", string(t.id), "points", i})); err != nil {
				return err
			}
		}
		return nil
	}) != nil, "three hundred rows were not saved")
	s.sync(p, q)
	s.rot(q, "UPDATE mark SET points = points + 1 WHERE id = '"+string(ids[150])+"'")
	s.sync(q)
	s.shownOn(q, rowRef{"mark", ids[150]}, "points", 150)
}

func askedNotAnswered(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phoneAt(cid, schematest.Version-1)
	r, _ := s.create(p, "mark", "thing", string(t.id), "points", 5)
	s.sync(p, q)
	q.update()
	s.syncWith(q, script{}, script{deaf: true})
	q.check()
	s.shownOn(q, r, "points", 5)
}

func swappedCells(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.edit(p, t, "begins", "2025-03-10", "ends", "2025-06-20", "lon", 5, "lat", 6)
	s.sync(p, q)
	s.rot(q, "UPDATE thing SET lon = lat, lat = lon WHERE id = '"+string(t.id)+"'")
	s.sync(q)
	s.shownOn(q, t, "lon", 5, "lat", 6)
}

func marksLast(s *stage) {
	p, q := s.phone(ann), s.phone(cid)
	r, _ := s.create(q, "thing", "household", households[0], "name", "r")
	s.sync(q, p)
	s.remove(q, r)
	s.sync(q)
	s.tick(25 * day)
	s.must(s.server.eng.Sweep(s.ctx()), "sweep")
	s.sync(p)
	s.missingOn(p, r)
}

// seenBeforeRestore: q's edit is based on a number of an epoch that the restored server never had. It has seen p's words all the same.
func seenBeforeRestore(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.backup()
	s.doRestart(nil) // into an epoch that the restore cuts off
	s.edit(p, t, "name", "one", "newest", "one", "grade", "a")
	s.sync(p, q)
	over := s.edit(q, t, "name", "two", "newest", "two", "grade", "b")
	s.restore()
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	s.sync(p, q)
	if open := s.server.openItems(); len(open) > 0 {
		s.violate(iConflicts, "what %s had seen counts as concurrent after a restore: %d items", q.name, len(open))
	}
	s.became(over, s.oracle.Change(over.id).Status, "")
	s.shows(t, "name", "two", "newest", "two", "grade", "b")
	s.sameEveryTime(t)
}

func clocksOff(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	decade := 3652 * day
	s.tick(hour)
	for i, off := range []int64{decade, -decade, 0} {
		p.clock.offset = off
		s.edit(p, t, "newest", fmt.Sprint("p", i), "total", i+1)
		s.edit(q, t, "newest", fmt.Sprint("q", i))
		s.sync(p, q)
		s.sync(p)
		s.shownOn(p, t, "newest", s.form(q, t).Values["newest"], "total", i+1)
		s.tick(hour)
	}
}

func monthsOfTheServer(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.tick(30 * day) // both last heard of the server in the month before
	p.clock.offset = -3 * day
	slow, _ := s.create(p, "note", "thing", string(t.id), "author", ann, "text", "by a slow clock")
	right, _ := s.create(q, "note", "thing", string(t.id), "author", cid, "text", "by a right one")
	s.sync(p, q, p)
	month := date(s.now)[:len("2025-04")]
	for _, k := range []rowRef{slow, right} {
		if is := s.server.storedRows()[k.id].Period; is != month {
			s.violate(iClocks, "a note that came in %s lies in %s", month, is)
		}
		s.shownOn(p, k)
		s.shownOn(q, k)
	}
}

func powerCuts(s *stage) {
	t, p := aThing(0), s.phone(ann)
	for i := range 5 {
		m := s.edit(p, t, "name", string(rune('a'+i)), "total", i)
		p.crash(s.d)
		s.sync(p)
		s.became(m, syncproto.Applied, "")
		s.doPowerCut(s.d)
		s.became(m, syncproto.Applied, "")
	}
	s.shows(t, "name", "e", "total", 4)
}

func textsOverOneSentence(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.edit(p, t, "story", "一。二。三。")
	s.sync(p, q)
	one, two := s.edit(p, t, "story", "一。甲。三。"), s.edit(q, t, "story", "一。乙。三。四。")
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	s.item(syncproto.ItemCell, t, []string{"story"}, one.id, two.id)
	s.shows(t, "story", "一。二。三。")
	s.sameEveryTime(t)
	s.sync(p, q)
	s.shownOn(p, t, "story", "一。二。三。")
}

func numberTakenAgain(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	c := s.copyOf(p, 1)
	s.backup()
	theirs := s.edit(c, t, "grade", "b")
	s.sync(c)
	s.restore()
	mine := s.edit(p, t, "name", "mine")
	s.want(mine.First == theirs.First, "the copy named its change %v, the original %v", theirs.First, mine.First)
	s.sync(p, c)
	s.shows(t, "grade", "b", "name", "mine")
	beside := s.edit(s.copyOf(q, 2), t, "grade", "c") // concurrent with both
	s.want(beside != nil, "nothing was written")
	for _, x := range s.phones {
		s.sync(x)
	}
	s.sync(p, c)
	s.want(len(s.ids(p, c)) == 2, "the copies are still one device")
}

func tokenRunsOut(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.edit(p, t, "name", "one")
	s.tick(3 * day)
	if err := p.session(s.d, false); err != nil {
		s.violate(iLiveness, "%s cannot sync after three days: %v", p.name, err)
	}
	s.shows(t, "name", "one")
}
