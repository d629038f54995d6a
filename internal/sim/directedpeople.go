package sim

import (
	"fmt"
	"slices"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

// Of rows that come from elsewhere, and of two that turn out to be one.

var peopleHistories = []directed{
	{"narrower-than-what-is-gone", "A secretary adds what only secretaries may see to a household that is deleted meanwhile: nobody is named to him beside what no phone holds any more.", narrowerThanGone},
	{"row-of-another-village", "A row whose village nobody in the house knew anything of moves in: who holds the house gets it, later edits and all, and loses it again.", otherVillage},
	{"born-where-its-parent-moved", "A row moves to a house that came from another village, and something is made beneath it in the same sync: it is counted where it now lies.", bornElsewhere},
	{"people-merged-and-undone", "One number tells that two are one: both go into one, with all beneath; edits to the other are carried over; undone, both live.", peopleMerged},
	{"people-merged-and-moved", "One of two with one number is moved out of signal as both become one: the one that stays lies where it was made until somebody decides.", peopleMoved},
	{"people-merged-with-the-deleted", "One of two with one number was deleted: he who is there is never merged into the one who is not.", peopleDead},
	{"refused-let-in", "What an author had no right to, and what he wrote wrongly, is let in at the desk on his behalf: what built on it comes back, and his own mend is an edit.", refusedLetIn},
	{"twins-named-by-hand", "Somebody says of two households of two codes that they are one: what they hold opens and closes nothing, restarts and repeats neither; merged, undone, said to be two.", twinsNamed},
	{"twins-apart-and-back", "That two households are two is taken back: asked again as before, unless one is gone or they differ; then when it is back, or they are alike.", twinsApart},
	{"merged-twice", "A household is merged into one that is merged away itself: what comes for the first is written into the last, beside what it holds.", mergedTwice},
	{"people-named-by-hand", "Somebody says of two, each with a number of his own, that they are one: one number stays; the same number of both is asked about once.", peopleNamed},
	{"one-change-of-two-that-became-one", "One change was made of two rows that are one by the time it comes: nothing of either half is lost, and who contradicts himself is asked.", bothHalves},
	{"mended-in-half", "The mend of refused work leaves a row alone that the work was about too, and that its author wrote on: the row is what its history makes of it.", mendedInHalf},
	{"merged-into-the-unseen", "What comes for one of two that became one is conflicted and merged in the other, in a house that its author may not see: he hears of it as of his own.", mergedUnseen},
	{"refused-work-erased", "Rows that refused work names are erased by law: late, waiting or wrong, it ends, lies in no inbox, and its author hears why.", refusedErased},
}

// farHome makes a household in a village that nobody is from.
func (s *stage) farHome() rowRef {
	village := s.deskCreate(adminUser, "place", map[string]string{"parent": townships[1], "level": "village", "name": "远村"})
	group := s.deskCreate(adminUser, "place", map[string]string{"parent": string(village.id), "level": "group", "name": "远组"})
	return s.deskCreate(adminUser, "household", map[string]string{"place": string(group.id), "code": "H9"})
}

func otherVillage(s *stage) {
	p, q := s.phone(ann), s.phone(dora)
	home := s.farHome()
	s.assign(ann, string(home.id))
	s.sync(p)
	t, _ := s.create(p, "thing", "household", string(home.id), "name", "far away")
	s.sync(p, q)
	s.sync(q) // what it holds is remembered from now on
	s.edit(p, t, "household", households[0], "name", "moved in")
	s.sync(p, q)
	s.shownOn(q, t, "name", "moved in")
	s.edit(p, t, "name", "again")
	s.sync(p, q)
	s.shownOn(q, t, "name", "again")
	s.edit(p, t, "household", string(home.id))
	s.sync(p, q)
	s.missingOn(q, t)
}

func bornElsewhere(s *stage) {
	p, t := s.phone(ann), aThing(1)
	s.sync(p)
	s.deskEdit(adminUser, rowRef{"household", syncproto.RowID(households[0])}, "place", groups[3])
	s.edit(p, t, "household", households[0])
	mark, m := s.create(p, "mark", "thing", string(t.id), "label", "beneath")
	s.sync(p)
	s.became(m, syncproto.Applied, "")
	s.shows(t, "household", households[0])
	s.want(s.server.storedRows()[mark.id].Stream == villages[2], "it is counted in another village")
}

// numbered writes one number down for two things.
func (s *stage) numbered(a, b rowRef) (one, two rowRef) {
	one = s.deskCreate(adminUser, "secret", map[string]string{"thing": string(a.id), "id_number": idNumbers[0]})
	two = s.deskCreate(adminUser, "secret", map[string]string{"thing": string(b.id), "id_number": idNumbers[0]})
	return one, two
}

func peopleMoved(s *stage) {
	s.assign(ann, households[2])
	a, b, p := aThing(0), aThing(1), s.phone(ann)
	_, two := s.numbered(a, b)
	s.sync(p)
	late := s.edit(p, a, "household", households[2])
	s.deskEdit(adminUser, b, "household", households[3])
	s.decide(s.items(1)[0], judge.Decision{Winner: two.id})
	s.sync(p)
	s.heard(p, late, replica.Accepted)
	s.shownOn(p, b, "household", households[1]) // where it was made: of neither move anybody has seen the other
	it := s.items(1)[0]
	s.decide(it, judge.Decision{Pick: late.id})
	s.sync(p)
	s.shownOn(p, b, "household", households[2])
	s.items(0)
}

func peopleMerged(s *stage) {
	a, b, p := aThing(0), aThing(1), s.phone(ann)
	one, two := s.numbered(a, b)
	s.sync(p)
	before, _ := s.create(p, "note", "thing", string(a.id), "author", ann, "text", "before")
	s.sync(p)
	edit := s.edit(p, a, "total", 5)
	under, m := s.create(p, "note", "thing", string(a.id), "author", ann, "text", "meanwhile")
	it := s.items(1)[0]
	s.decide(it, judge.Decision{Winner: two.id})
	merge := s.mergedBy(a)
	s.isDead(a)
	s.isDead(one)
	s.items(0)
	s.sync(p)
	s.heard(p, edit, replica.Accepted)
	s.heard(p, m, replica.Accepted)
	s.shows(b, "total", 5)
	s.shows(before, "thing", string(b.id))
	s.shows(under, "thing", string(b.id))
	s.missingOn(p, a)
	s.shownOn(p, b, "total", 5)
	s.undoAs(adminUser, merge)
	s.sync(p)
	s.shows(before, "thing", string(a.id))
	s.shows(one, "thing", string(a.id))
	s.shownOn(p, a, "state", "open")
	s.edit(p, a, "grade", "a")
	s.sync(p)
	s.shows(a, "grade", "a") // it is its own again
	s.items(1)
}

func bothHalves(s *stage) {
	a, b, p := aThing(0), aThing(1), s.phone(ann)
	_, two := s.numbered(a, b)
	s.sync(p)
	both := func(first, second string) *made { // in one change
		return s.tool(p, fmt.Sprintf("UPDATE thing SET %s WHERE id = '%s'; UPDATE thing SET %s WHERE id = '%s'", first, a.id, second, b.id))
	}
	good := both("high = 5, total = coalesce(total, 0) + 2", "low = '2025-03-04', total = coalesce(total, 0) + 3")
	bad := both("grade = 'a'", "grade = 'b'")
	s.decide(s.items(1)[0], judge.Decision{Winner: two.id})
	s.sync(p)
	s.became(good, syncproto.Applied, "")
	s.shows(b, "high", 5, "low", "2025-03-04", "total", 5)
	s.became(bad, syncproto.Refused, syncproto.CodeInvalid)
	s.shows(b, "grade", nil)
	e := s.heard(p, bad, replica.Refused)
	s.want(len(e.Change.Edits) == 2, "its author's phone no longer holds both halves")
	s.want(strings.Contains(e.Verdict.Message, "grade"), "its author is not told what he said twice: %s", e.Verdict.Message)
	s.want(codeOf(s.letIn(adminUser, bad.id, judge.Letting{})) == syncproto.CodeInvalid, "it is let in, and contradicts itself")
	c := map[string]schema.Value{"grade": schema.Text("c")}
	s.must(s.letIn(adminUser, bad.id, judge.Letting{Write: map[syncproto.RowID]map[string]schema.Value{a.id: c, b.id: c}}), "let in")
	s.shows(b, "grade", "c")
	s.items(0)
}

func peopleDead(s *stage) {
	a, b := aThing(0), aThing(1)
	one, two := s.numbered(a, b)
	note := s.deskCreate(adminUser, "mark", map[string]string{"thing": string(b.id), "label": "beneath"})
	s.submit(adminUser, syncproto.Edit{Table: "thing", Row: b.id, Op: syncproto.OpDelete})
	i := slices.IndexFunc(s.inbox(adminUser), func(it *judge.Item) bool { return it.Kind == syncproto.ItemTwin })
	s.want(i >= 0, "nobody is asked about the twins")
	it := s.inbox(adminUser)[i]
	err := s.resolve(it, judge.Decision{Winner: two.id})
	s.want(codeOf(err) == syncproto.CodeInvalid, "merging the living one into the deleted one ends with %v", err)
	s.shows(a, "state", "open")
	s.decide(it, judge.Decision{Winner: one.id})
	s.isDead(b)
	s.isDead(two)
	s.shows(note, "thing", string(a.id)) // it had lived beneath a dead one
	s.items(0)
	merge := s.mergedBy(two)
	s.undoAs(adminUser, merge)
	s.isDead(b)
	s.shows(note, "thing", string(b.id))
	s.want(s.oracle.View().Rows[b.id].Alias == "", "undone, what comes for the deleted one goes elsewhere")
	s.decide(s.inbox(adminUser)[slices.IndexFunc(s.inbox(adminUser), func(it *judge.Item) bool { return it.Kind == syncproto.ItemTwin })], judge.Decision{})
}

func twinsNamed(s *stage) {
	near, far, p := aHousehold(0), aHousehold(2), s.phone(ann)
	s.must(s.name(near.id, far.id), "name twins")
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemTwin && it.Named != nil && it.Named.User == syncproto.UserID(adminUser), "the item is %+v", it)
	s.must(s.name(far.id, near.id), "name twins once more")
	s.want(s.items(1)[0].ID == it.ID, "named twice, they are asked about twice")
	note := s.edit(p, near, "note", "of near")
	s.sync(p)
	s.want(len(s.heard(p, note, replica.Accepted).Verdict.Items) == 0, "an author hears of a twin that he may not see")
	for _, code := range []string{"H77", "H3", "H78"} { // of its own, perhaps the other's, of its own
		s.deskEdit(adminUser, near, "code", code)
		s.want(s.items(1)[0].ID == it.ID, "its code opens or closes what somebody said")
	}
	s.doRestart(nil)
	s.want(s.items(1)[0].ID == it.ID, "a restart opens or closes what somebody said")
	gone := s.deskDelete(adminUser, far)
	s.want(!slices.ContainsFunc(s.inbox(adminUser), func(it *judge.Item) bool { return it.Kind == syncproto.ItemTwin }), "one is gone, and still it is asked whether they are one")
	s.undoAs(adminUser, gone)
	it = s.items(1)[0]
	under, made := s.create(p, "thing", "household", string(near.id), "name", "under near")
	s.decide(it, judge.Decision{Winner: far.id})
	merge := s.mergedBy(near)
	s.isDead(near)
	s.items(0)
	s.assign(ann, string(far.id))
	s.sync(p)
	s.heard(p, made, replica.Accepted)
	s.shows(under, "household", string(far.id))
	s.shows(aThing(0), "household", string(far.id))
	s.missingOn(p, near)
	s.undoAs(adminUser, merge)
	s.shows(aThing(0), "household", string(near.id))
	s.decide(s.items(1)[0], judge.Decision{})
	code, _ := s.oracle.View().Rows[far.id].Column(s.book, "code")
	s.deskEdit(adminUser, near, "code", code.Str()) // they were said to be two
	s.items(0)
}

func mergedTwice(s *stage) {
	first, second, last, p := aHousehold(0), aHousehold(1), aHousehold(2), s.phone(ann)
	note, _ := s.oracle.View().Rows[last.id].Column(s.book, "note")
	edit := s.edit(p, first, "phone", "13800000000")
	for _, pair := range [][2]rowRef{{first, second}, {second, last}} {
		s.must(s.name(pair[0].id, pair[1].id), "name twins")
		s.decide(s.items(1)[0], judge.Decision{Winner: pair[1].id})
	}
	s.assign(ann, string(last.id))
	s.sync(p)
	s.heard(p, edit, replica.Accepted)
	s.shows(last, "phone", "13800000000", "code", "H3", "note", note.Str())
	s.shows(aThing(0), "household", string(last.id))
}

func peopleNamed(s *stage) {
	a, b, p := aThing(0), aThing(1), s.phone(ann)
	one := s.deskCreate(adminUser, "secret", map[string]string{"thing": string(a.id), "id_number": idNumbers[0]})
	s.sync(p)
	under, made := s.create(p, "note", "thing", string(a.id), "author", ann, "text", "under a")
	s.must(s.name(a.id, b.id), "name twins")
	s.decide(s.items(1)[0], judge.Decision{Winner: b.id})
	s.shows(one, "thing", string(b.id)) // b had no number
	s.sync(p)
	s.heard(p, made, replica.Accepted)
	s.shows(under, "thing", string(b.id))
	s.undoAs(adminUser, s.mergedBy(a))
	s.shows(one, "thing", string(a.id))
	it := s.items(1)[0]
	two := s.deskCreate(adminUser, "secret", map[string]string{"thing": string(b.id), "id_number": idNumbers[0]})
	s.want(s.items(1)[0].ID == it.ID, "what their number tells is asked a second time")
	s.deskEdit(adminUser, two, "id_number", idNumbers[1])
	s.want(s.items(1)[0].ID == it.ID, "their numbers close what somebody said")
	s.decide(it, judge.Decision{Winner: b.id})
	s.isDead(a)
	s.isDead(one)
	s.shows(two, "id_number", idNumbers[1], "thing", string(b.id))
	s.items(0)
	s.undoAs(adminUser, s.mergedBy(a))
	s.shows(one, "id_number", idNumbers[0], "thing", string(a.id))
	s.items(1)
}

func refusedErased(s *stage) {
	t, u, p := aThing(0), aThing(1), s.phone(ann)
	mark, late := s.create(p, "mark", "thing", string(t.id), "label", "beneath")
	waits := s.edit(p, mark, "points", 3) // of which no word names the row above
	s.unassign(ann, households[0])
	s.tick(31 * day)
	s.sync(p)
	s.became(late, syncproto.Refused, syncproto.CodeLate)
	s.became(waits, syncproto.Refused, syncproto.CodeWaits)
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemLate && it.Row == mark.id, "the item is %+v", it)
	bad := s.tool(p, "UPDATE thing SET state = 'doing', grade = 'zz' WHERE id = ?", string(u.id))
	builds := s.edit(p, u, "state", "closed")
	s.sync(p)
	s.became(builds, syncproto.Refused, syncproto.CodeWaits)
	for _, r := range []rowRef{t, u} {
		s.erase(r)
	}
	s.items(0) // nobody can decide about words that are gone
	s.sync(p)
	s.became(waits, syncproto.Refused, syncproto.CodeWaits)
	for _, m := range []*made{late, bad, builds} {
		s.became(m, syncproto.Refused, syncproto.CodeForbidden)
		s.want(s.heard(p, m, replica.Refused).Verdict.Code == syncproto.CodeForbidden, "the author does not hear that it was erased")
	}
}

func mergedUnseen(s *stage) {
	a, b, p := aThing(0), aThing(1), s.phone(ann)
	_, two := s.numbered(a, b)
	s.sync(p)
	m := s.edit(p, a, "grade", "b", "newest", "mine")
	s.deskEdit(adminUser, b, "household", households[2])
	s.deskEdit(adminUser, b, "grade", "c")
	s.deskEdit(adminUser, b, "newest", "theirs")
	s.decide(s.items(1)[0], judge.Decision{Winner: two.id})
	hears := func(outcome string) {
		s.sync(p)
		v := s.heard(p, m, replica.Accepted).Verdict
		s.want(len(v.Items) == 1 && v.Items[0].Row == a.id && v.Items[0].Outcome == outcome, "it hears of the items %+v", v.Items)
		s.want(len(v.Merges) == 1 && v.Merges[0].Row == a.id && len(v.Labels)+len(v.People) == 0, "it hears %+v", v)
	}
	hears("")
	s.missingOn(p, b)
	s.decide(s.items(1)[0], judge.Decision{Pick: m.id})
	hears("kept")
	c := aThing(2) // and is told so again when the other was merged away itself
	s.must(s.name(b.id, c.id), "name twins")
	s.decide(s.items(1)[0], judge.Decision{Winner: c.id})
	s.isDead(b)
}

func mendedInHalf(s *stage) {
	t, u, p := aThing(0), aThing(1), s.phone(ann)
	bad := s.tool(p, fmt.Sprintf("UPDATE thing SET grade = 'zz' WHERE id = '%s'; UPDATE thing SET name = 'first' WHERE id = '%s'", u.id, t.id))
	over := s.edit(p, t, "name", "second")
	s.sync(p)
	s.became(over, syncproto.Applied, "")
	mend := s.mend(p, bad, "grade", "c")
	s.sync(p)
	s.became(mend, syncproto.Applied, "")
	s.shows(t, "name", "second")
	s.shows(u, "grade", "c")
	s.items(0)
}

func refusedLetIn(s *stage) {
	t, p := aThing(0), s.phone(ann)
	bad := s.tool(p, "UPDATE thing SET state = 'doing', grade = 'zz' WHERE id = ?", string(t.id))
	builds := s.edit(p, t, "state", "closed")
	s.sync(p)
	s.became(bad, syncproto.Refused, syncproto.CodeInvalid)
	s.became(builds, syncproto.Refused, syncproto.CodeWaits)
	s.want(codeOf(s.letIn(adminUser, builds.id, judge.Letting{})) == syncproto.CodeWaits, "what waits is let in")
	s.want(codeOf(s.letIn(secretaries[1], bad.id, judge.Letting{})) == syncproto.CodeForbidden, "it is let in by somebody from elsewhere")
	s.want(codeOf(s.letIn(adminUser, bad.id, judge.Letting{})) == syncproto.CodeInvalid, "a grade that is none is let in")
	mended := judge.Letting{Why: "seen to", Write: map[syncproto.RowID]map[string]schema.Value{t.id: {"grade": schema.Text("b")}}}
	s.must(s.letIn(secretaries[0], bad.id, mended), "let in")
	s.shows(t, "grade", "b")
	s.shows(t, "state", "closed")
	s.became(builds, syncproto.Applied, "")
	s.sync(p)
	e := s.heard(p, bad, replica.Refused)
	s.want(e.LetIn() && replica.Mended([]replica.Entry{e})[bad.id], "the author does not hear that it was let in: %+v", e.Verdict)
	s.heard(p, builds, replica.Accepted)
	s.shownOn(p, t, "grade", "b")
	s.items(0)
	// Taken back, it is refused as before, and its author's to mend.
	u := aThing(1)
	two := s.tool(p, "UPDATE thing SET grade = 'zz', phone = '12800000001' WHERE id = ?", string(u.id))
	s.sync(p)
	mended.Write = map[syncproto.RowID]map[string]schema.Value{u.id: {"grade": schema.Text("c")}}
	s.must(s.letIn(adminUser, two.id, mended), "let in")
	s.sync(p)
	s.shownOn(p, u, "grade", "c")
	decided := s.decidedItems()
	i := slices.IndexFunc(decided, func(it *judge.Item) bool { return it.Sides[0].Change == two.id })
	s.want(i >= 0, "what was let in is not among what was decided")
	s.must(s.takeBack(decided[i]), "take back")
	s.sync(p)
	s.shownOn(p, u, "grade", nil)
	e = s.heard(p, two, replica.Refused)
	s.want(!e.LetIn() && !replica.Mended([]replica.Entry{e})[two.id] && e.Verdict.MendedBy == "", "the author does not hear that it was taken back: %+v", e.Verdict)
	s.must(s.letIn(adminUser, two.id, mended), "let in again")
	s.sync(p)
	s.shownOn(p, u, "grade", "c")
}

func twinsApart(s *stage) {
	apart := func() *judge.Item {
		it := s.items(1)[0]
		s.want(it.Kind == syncproto.ItemTwin, "the item is %+v", it)
		s.decide(it, judge.Decision{})
		s.items(0)
		return s.itemNow(it.ID)
	}
	back := func(it *judge.Item, word string) {
		s.must(s.takeBack(it), "take back")
		now := s.itemNow(it.ID)
		s.want(now.Word == word && now.Last == "" && (now.Closed == 0) == (word == ""), "taken back it is %+v", now)
	}
	// Of two that somebody named: asked again, and where one is gone when that one is back.
	a, b := aHousehold(0), aHousehold(1)
	s.must(s.name(a.id, b.id), "name twins")
	it := apart()
	back(it, "")
	s.want(apart().ID == it.ID, "another item was open")
	gone := s.deskDelete(adminUser, b)
	back(s.itemNow(it.ID), judge.WordMoot)
	s.undoAs(adminUser, gone)
	back(apart(), "")
	apart()
	// Of two of one code: asked again, unless they differ by then. Whoever is asked about the two already is not asked twice.
	a, b = aHousehold(2), aHousehold(3)
	s.deskEdit(adminUser, a, "code", "H4")
	back(apart(), "")
	it = apart()
	s.deskEdit(adminUser, a, "code", "H3")
	back(it, judge.WordMoot)
	s.items(0)
	s.deskEdit(adminUser, a, "code", "H4")
	it = apart()
	s.must(s.name(a.id, b.id), "name twins")
	s.want(codeOf(s.takeBack(it)) == syncproto.CodeConflict, "it is taken back although the two are asked about")
	again := apart()
	s.want(codeOf(s.takeBack(it)) == syncproto.CodeConflict, "the first is taken back before the second")
	back(again, "")
	apart()
}

// narrowerThanGone: the household is still his to see, as far as something in it may live on; what is narrower goes by his post over it, and over
// what is gone nobody has one.
func narrowerThanGone(s *stage) {
	home, t, p := aHousehold(1), aThing(1), s.phone(ann)
	s.deskCreate(adminUser, "role", map[string]string{"user": ann, "role": string(schema.RoleSecretary), "place": villages[1]})
	s.sync(p)
	r, m := s.create(p, "secret", "thing", string(t.id), "id_number", idNumbers[0])
	s.deskDelete(adminUser, t)
	if s.variant(2) == 1 {
		s.deskDelete(adminUser, home)
	}
	s.sync(p)
	v := s.heard(p, m, replica.Accepted).Verdict
	s.want(len(v.Items) == 1 && v.Items[0].Row == r.id, "it hears of the items %+v", v.Items)
	if lives := !s.oracle.View().Rows[home.id].Dead; lives != (len(v.Labels)+len(v.People) > 0) {
		s.violate(iConfidentiality, "the household lives: %v, and it hears %+v", lives, v)
	}
}
