package sim

import (
	"maps"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

// Servers that went back to a backup: MERGE's eleventh history.

var restoreHistories = []directed{
	{"merge11-console-makes-the-number-anew", "Restore; the console makes (e, 2) anew while a phone holds another (e, 2) and edits over it: not seen.", restoreAnew},
	{"merge11-link-breaks-after-verdicts", "The link breaks after verdicts and before the cursor, then a restore: the fork is still found.", restoreAfterVerdicts},
	{"merge11-refused-change-survives", "A refused change survives a restore, and can be mended after it.", restoreRefused},
	{"merge11-two-restores-in-a-row", "Two restores in a row: everything comes back, and is counted once.", restoreTwice},
	{"restore-of-a-decision", "A decision that a restore swallowed comes back from the desk's hands only: the words stay open, and are not lost.", restoreDecision},
	{"restore-and-deletion", "A deletion that a restore swallowed comes back from the phone that made it; beside an edit it is an item.", restoreDeletion},
	{"restore-of-the-enrolment-then-copied", "A restore swallowed a phone's enrolment: it enrols anew, and its changes come back; copied afterwards, both files go on.", restoreEnrolment},
	{"restore-number-learnt-late", "After a restore a change comes back by an old bundle, without its number; what was written over it seems not to have seen it, until its phone tells the number.", numberLearntLate},
	{"restore-and-a-change-without-a-cursor", "Two restores swallow a phone's enrolment: what it writes before it hears of it bears no cursor, and has seen what it was based on.", restoreNoCursor},
	{"restore-told-by-two-villages", "Phones of two villages tell, each of its own, what a server was that two restores cut off: what either wrote over it has seen it.", restoreVillages},
	{"restore-of-a-merge", "A restore swallows that one household took over a word of another, which a phone may not see: once it told of that, its file holds the word no more.", restoreMerge},
	{"restore-of-the-refused-beside-the-good", "What a state forbade comes again after a restore, one over the other, and in the same push what it allows: the row is what its history makes of it.", restoreRefusedBeside},
	{"restore-of-an-open-state", "A restore swallows that a closed row was opened again: what its author wrote into the open one is not refused for the state of before.", restoreOpenState},
	{"restore-behind-a-second-word", "The first answer to a push never arrives, and of the second only the verdict, by a sync or a receipt; a restore swallows the change: it comes back.", restoreSecondWord},
	{"restore-amid-a-first-sync", "A first sync breaks off behind a mark, a restore gives the numbers behind it anew: it begins again, and nothing has to be repaired.", restoreAmid},
	{"restore-in-another-order", "What was acknowledged before a restore comes back in any order of the phones: same values, same inbox.", restoreOrders},
}

func (s *stage) backup() { s.doBackup(nil) }

// restore puts the server back to its backup.
func (s *stage) restore() {
	s.want(s.keep != nil && s.keep.phones == len(s.phones), "there is no backup that knows all phones")
	s.doRestore(nil)
}

// finds counts the forks that phones find while f runs.
func (s *stage) finds(n int, f func()) {
	before := s.count[cForks]
	f()
	s.want(s.count[cForks]-before == n, "%d forks were found, must be %d", s.count[cForks]-before, n)
}

func restoreAnew(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	was := s.form(p, t).Values["name"]
	s.backup()
	lost := s.edit(p, t, "name", "lost")
	s.sync(p, q)
	s.shownOn(q, t, "name", "lost")
	rev := s.rev(t)
	over := s.edit(q, t, "name", "over") // has seen “lost”
	s.restore()
	s.shows(t, "name", was)
	console := s.deskEdit(adminUser, t, "name", "console")
	s.want(s.rev(t) == rev && over.Edits[0].Base.Rev == rev, "the console is at rev %d, the phone saw %d, must be the same number", s.rev(t), rev)
	s.finds(2, func() { s.each(func() { s.sync(p) }, func() { s.sync(q) }) })
	s.sync(p, q)
	s.item(syncproto.ItemCell, t, []string{"name"}, console, over.id)
	s.shows(t, "name", was)
	s.want(s.oracle.Change(lost.id) != nil, "what the restore swallowed did not come back")
	s.heard(p, lost, replica.Accepted)
	s.sameEveryTime(t)
}

func restoreAfterVerdicts(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.backup()
	lost := s.edit(p, t, "name", "lost")
	s.syncWith(p, script{cutBefore: []string{"columns", "checkpoint"}[s.variant(2)]})
	s.heard(p, lost, replica.Accepted)
	s.shownOn(p, t, "name", "lost")
	s.restore()
	s.finds(1, func() { s.sync(p) })
	s.became(lost, syncproto.Applied, "")
	s.shows(t, "name", "lost")
	s.shownOn(p, t, "name", "lost")
	s.items(0)
}

func restoreRefused(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.backup()
	bad := s.tool(p, "UPDATE thing SET state = 'doing', grade = 'zz' WHERE id = ?", string(t.id))
	next := s.edit(p, t, "state", "closed")
	s.sync(p)
	s.heard(p, bad, replica.Refused)
	s.restore()
	s.finds(1, func() { s.sync(p) })
	s.became(bad, syncproto.Refused, syncproto.CodeInvalid)
	s.became(next, syncproto.Refused, syncproto.CodeWaits)
	s.heard(p, bad, replica.Refused)
	s.mend(p, bad, "state", "doing", "grade", "c")
	s.sync(p)
	s.shows(t, "state", "closed", "grade", "c")
	s.items(0)
}

func restoreTwice(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.edit(q, t, "total", 1)
	s.sync(q, p)
	s.backup()
	ten := s.edit(p, t, "total", 11)
	s.sync(p, q)
	again := s.variant(3)
	s.restore()
	if again == 1 {
		s.deskEdit(adminUser, t, "total", 101)
	}
	if again == 2 {
		s.sync(p) // comes back, and is swallowed again
		s.shows(t, "total", 11)
	}
	hundred := s.edit(q, t, "total", 111)
	s.restore()
	s.shows(t, "total", 1)
	s.sync(p, q)
	s.shows(t, "total", 111)
	s.became(ten, s.oracle.Change(ten.id).Status, "")
	s.became(hundred, s.oracle.Change(hundred.id).Status, "")
	s.restore() // a third, to the same backup
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	s.sync(p, q)
	s.shows(t, "total", 111)
	s.shownOn(p, t, "total", 111)
	s.items(0)
	s.sameEveryTime(t)
}

func restoreDecision(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	one, two := s.edit(p, t, "name", "one"), s.edit(q, t, "name", "two")
	s.sync(p)
	s.backup()
	s.sync(q)
	it := s.item(syncproto.ItemCell, t, []string{"name"}, one.id, two.id)
	s.decide(it, decisionFor(two))
	s.sync(p, q)
	s.shownOn(p, t, "name", "two")
	s.restore()
	s.sync(p, q)
	s.item(syncproto.ItemCell, t, []string{"name"}, one.id, two.id)
	s.became(two, syncproto.Conflicted, "")
}

func restoreDeletion(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.backup()
	gone := s.remove(p, t)
	s.sync(p, q)
	s.missingOn(q, t)
	s.restore()
	if s.variant(2) == 0 {
		s.sync(p, q)
		s.isDead(t)
		s.missingOn(p, t)
		s.items(0)
		return
	}
	edit := s.deskEdit(adminUser, t, "name", "console")
	s.sync(p, q)
	s.isDead(t)
	it := s.item(syncproto.ItemDelete, t, []string{syncproto.ExistenceCell}, edit)
	s.want(slices.ContainsFunc(it.Sides, func(x side) bool { return x.Change == gone.id && x.Against }), "the deletion is not on record: %+v", it.Sides)
}

func restoreEnrolment(s *stage) {
	t, q := aThing(0), s.phone(cid)
	s.backup()
	p := s.phone(ann)
	s.sync(p, q)
	seen := s.edit(p, t, "name", "seen")
	s.sync(p, q)
	unsent := s.edit(p, t, "total", 4)
	s.doRestore(nil)
	first := s.ids(p)
	s.sync(p)
	s.want(len(s.ids(p)) == 1 && !maps.Equal(first, s.ids(p)), "%s did not enrol anew", p.name)
	c := s.copyOf(p, 1)
	mine, other := s.edit(p, t, "high", 9), s.edit(c, t, "newest", "of the copy")
	s.each(func() { s.sync(p) }, func() { s.sync(c) })
	s.sync(p, c, q)
	for _, m := range []*made{seen, unsent, mine, other} {
		s.became(m, syncproto.Applied, "")
	}
	s.want(len(s.ids(p, c)) == 2, "the copies are still one device")
	s.shows(t, "name", "seen", "total", 4, "high", 9, "newest", "of the copy")
	s.shownOn(q, t, "name", "seen", "total", 4, "high", 9, "newest", "of the copy")
	s.items(0)
	s.sameEveryTime(t)
}

func restoreNoCursor(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.sync(p)
	s.backup()
	s.doRestore(nil)
	q := s.phone(cid)
	s.edit(p, t, "high", 9)
	s.sync(p, q)
	s.doRestore(nil)
	s.syncWith(q, script{}, script{deaf: true}) // it is another device now, and does not know why
	over := s.edit(q, t, "name", "over")
	s.want(over.Cursor == "" && over.Edits[0].Base.Rev == 2, "the change is %+v", over.Change)
	s.sync(p)
	s.sync(q)
	s.became(over, syncproto.Applied, "")
	s.shows(t, "name", "over", "high", 9)
	s.items(0)
}

func restoreVillages(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(bob)
	home := s.farHome()
	s.assign(bob, string(home.id))
	s.sync(p, q)
	far, _ := s.create(q, "thing", "household", string(home.id), "name", "far")
	s.sync(q)
	s.backup()
	s.doRestore(nil)
	s.edit(p, t, "high", 9)
	s.edit(q, far, "high", 9)
	s.sync(p, q)
	one, two := s.edit(p, t, "name", "one"), s.edit(q, far, "name", "two")
	s.doRestore(nil)
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	s.became(one, syncproto.Applied, "")
	s.became(two, syncproto.Applied, "")
	s.items(0)
}

func restoreMerge(s *stage) {
	const word = "赵远方"
	a, p := aHousehold(0), s.phone(ann)
	b := s.deskCreate(adminUser, "household", map[string]string{"place": groups[2], "code": "H9", "head": word})
	s.must(s.name(a.id, b.id), "name twins")
	s.sync(p)
	s.backup()
	s.decide(s.items(1)[0], judge.Decision{Winner: a.id, Values: map[string]schema.Value{"head": schema.Text(word)}})
	s.sync(p)
	s.shownOn(p, a, "head", word)
	s.restore()
	s.finds(1, func() { s.sync(p) })
	s.shownOn(p, a, "head", nil)
	s.holdsNoWord(p, word)
}

func restoreRefusedBeside(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.sync(p)
	s.edit(p, t, "state", "doing")
	s.edit(p, t, "state", "closed")
	s.sync(p)
	s.backup()
	var bad []*made
	for _, grade := range []string{"a", "b", "c"} {
		bad = append(bad, s.tool(p, "UPDATE thing SET grade = ? WHERE id = ?", grade, string(t.id)))
	}
	s.sync(p)
	good := s.edit(p, t, "words", []string{"good"})
	s.sync(p)
	s.restore()
	s.finds(1, func() { s.sync(p) })
	for _, m := range bad {
		s.became(m, syncproto.Refused, syncproto.CodeState)
	}
	s.became(good, syncproto.Applied, "")
	s.items(0)
}

func restoreOpenState(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.sync(p, q)
	s.edit(p, t, "state", "doing")
	closed := s.edit(p, t, "state", "closed")
	s.sync(p)
	s.backup()
	s.undoAs(adminUser, closed.id)
	s.sync(p)
	s.shownOn(p, t, "state", "doing")
	m := s.edit(p, t, "grade", "a")
	s.restore()
	s.edit(q, t, "extra", "beside") // the row goes past the number that was swallowed
	s.sync(q)
	s.finds(1, func() { s.sync(p) })
	s.became(m, syncproto.Applied, "")
	s.shows(t, "grade", "a")
	s.items(0)
}

func restoreSecondWord(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.sync(p, q)
	s.backup()
	lost := s.edit(p, t, "name", "lost")
	if s.variant(2) == 0 {
		s.send(p)
		s.syncWith(p, script{cutBefore: "checkpoint"})
	} else {
		s.carry(p, q)
		s.takeReceipt(p, s.carry(p, q)) // the first receipt is lost
	}
	s.heard(p, lost, replica.Accepted)
	s.restore()
	s.finds(1, func() { s.sync(p) })
	s.became(lost, syncproto.Applied, "")
	s.shows(t, "name", "lost")
}

func restoreAmid(s *stage) {
	t := aThing(0)
	p := s.newPhone(phoneCase{User: ann, Version: s.book.Version}, s.d.Uint64())
	s.backup()
	s.deskEdit(adminUser, t, "name", "lost")
	cut := []script{{cutBefore: "checkpoint"}, {cutBefore: "checkpoint", skip: 1}}[s.variant(2)]
	s.syncWith(p, cut, script{lost: true}, script{lost: true}, script{lost: true})
	s.restore()
	s.deskEdit(adminUser, t, "name", "anew")
	s.sync(p)
	s.shownOn(p, t, "name", "anew")
}

func restoreOrders(s *stage) {
	t, p, q, r := aThing(0), s.phone(ann), s.phone(cid), s.phone(dora)
	s.backup()
	s.edit(p, t, "total", 1, "story", s.form(p, t).Values["story"].Str()+"一。")
	s.sync(p, q)
	s.edit(q, t, "total", 3, "name", "q", "newest", "q")
	s.sync(q, r)
	s.edit(r, t, "total", 6, "name", "r", "newest", "r") // saw all of it
	s.sync(r)
	s.restore()
	s.each(func() { s.sync(p) }, func() { s.sync(q) }, func() { s.sync(r) })
	s.sync(p, q, r)
	s.shows(t, "total", 6, "name", "r", "newest", "r")
	s.items(0)
	s.sameEveryTime(t)
}

func numberLearntLate(s *stage) {
	t, p, q, r := aThing(0), s.phone(ann), s.phone(cid), s.phone(dora)
	s.doBackup(nil)
	c := s.edit(p, t, "name", "c")
	b := s.export(p)
	s.want(b != nil, "%s cannot write a bundle", p.name)
	s.bundles = append(s.bundles, b)
	s.sync(p, q)
	d := s.edit(q, t, "name", "d")
	s.doRestore(nil)
	_, err := r.sync.Carry(s.ctx(), b.file)
	s.must(err, r.name+" hands in")
	s.sync(q)
	s.item(syncproto.ItemCell, t, []string{"name"}, c.id, d.id)
	s.sync(p)
	if open := s.inbox(adminUser); len(open) > 0 { // the oracle takes the server's word for which numbers it learnt
		s.violate(iConflicts, "the inbox holds %d items, and %s had seen what stands beside it", len(open), d.id)
	}
	s.shows(t, "name", "d")
}
