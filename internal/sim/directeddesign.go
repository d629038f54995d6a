package sim

import (
	"bytes"
	"slices"

	"minqing/internal/simdisk"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

// What DESIGN promises and random histories hardly reach: things that take months, or several people at the right moments.

var designHistories = []directed{
	{"late-within-grace", "Work captured while entitled and brought after: taken within the grace period, with a mark beside it.", lateWithin},
	{"late-beyond-grace", "Beyond the grace period it goes to the inbox; somebody takes it after all, or leaves it refused.", lateBeyond},
	{"late-work-mended", "Late work lies in the inbox when its author, entitled again, writes it anew: nobody is asked any more, and it counts once.", lateMended},
	{"late-taken-back", "Late work that was taken is taken back, and taken once more; returned, the return is withdrawn, until its author has mended it.", lateTakenBack},
	{"taken-back-over-what-came-since", "A decision was taken back, and somebody wrote there before another was made: the desk is shown his word, and that one taken back it shows again.", takenBackOverSince},
	{"decisions-taken-back", "A decision made once more by another is taken back, then the first: the item is open again with the same words, whatever phones edit beside.", decisionsTakenBack},
	{"row-rule-over-several-cells", "Three edits beside one another against a rule over two cells, in all orders.", rowRuleThree},
	{"row-rule-over-four-cells", "A grade, a day and an end beside one another, which only together break a rule over four cells, in all orders: one item, and those three step back.", rowRuleFour},
	{"twins-merged-and-undone", "Twins merge into one: edits to the loser are carried over; undone, both live; authors who may not see the twin learn nothing.", twinsMerged},
	{"twins-in-a-narrow-scope", "Two secretaries record one person: only who may see both hears of it.", twinsNarrow},
	{"retention-forgets-months", "Phones keep three months of notes; the server keeps all.", retention},
	{"older-than-the-horizon", "A phone older than the marks has its buckets compared by digest and keeps its outbox.", horizon},
	{"revoked-with-unsent-work", "A revoked phone hands over what it holds, then wipes itself.", revoked},
	{"lawful-erasure", "Erased words are nowhere any more, the chain verifies, and a record tells of it.", erasure},
	{"two-schema-versions-behind", "The edits of a phone two schema versions behind destroy nothing that it does not know.", oldSchema},
	{"boxed-until-withdrawn", "A refused change of a forgotten scope lies in the hand-over box with its author's own words, until he withdraws it.", boxed},
	{"moved-away-while-edited", "A row moves out of a scope while a holder there edits it: what he brings before is taken, what he brings after is kept for him, and told.", movedAway},
}

func lateWithin(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	m := s.edit(p, t, "name", "late")
	if m.Cursor == "" {
		s.violate(iNoLostEdit, "%s is sealed under no cursor: nobody can prove that its author was entitled as he wrote it", describe(m.Change))
	}
	s.unassign(ann, households[0])
	s.tick(29 * day)
	s.sync(p)
	s.want(s.became(m, syncproto.Applied, "").Late, "the work is not marked as late")
	s.shows(t, "name", "late")
	s.missingOn(p, t)
	s.want(s.heard(p, m, replica.Accepted).Verdict.Late, "the author does not hear that it was late")
	var listed []*judge.Told
	s.desk("list what came late", func(j *judge.Judge) (err error) {
		listed, err = j.Late(s.ctx(), "", 10)
		return err
	})
	s.want(len(listed) == 1 && listed[0].Verdict.Identity == m.id, "the late work is listed as %v", listed)
	s.items(0)
	s.sync(q)
	s.shownOn(q, t, "name", "late")
}

func lateBeyond(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	was := s.form(p, t).Values["name"]
	m := s.edit(p, t, "name", "late", "high", 5)
	s.edit(q, t, "high", 9)
	s.unassign(ann, households[0])
	s.tick(31 * day)
	s.sync(p)
	s.became(m, syncproto.Refused, syncproto.CodeLate)
	s.shows(t, "name", was)
	s.heard(p, m, replica.Refused)
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemLate && it.Row == t.id && len(it.Sides) == 1 && it.Sides[0].Change == m.id, "the item is %+v", it)
	keep := s.variant(2) == 0
	s.decide(it, judge.Decision{Keep: keep})
	s.items(0)
	s.sync(p)
	if keep {
		s.want(s.became(m, syncproto.Applied, "").Late, "the work is not marked as late")
		s.shows(t, "name", "late")
		s.heard(p, m, replica.Accepted)
		s.sync(q)
		s.sync(p)
		s.want(s.became(m, syncproto.Merged, "").Late, "the work is not marked as late any more") // what was decided about is not a conflict
		s.shows(t, "high", 9)
		s.heard(p, m, replica.Accepted)
		return
	}
	s.became(m, syncproto.Refused, syncproto.CodeLate)
	s.shows(t, "name", was)
	s.heard(p, m, replica.Refused)
}

func lateMended(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	m := s.edit(p, t, "total", 3)
	s.unassign(ann, households[0])
	s.tick(31 * day)
	s.sync(p)
	s.became(m, syncproto.Refused, syncproto.CodeLate)
	it := s.items(1)[0]
	s.assign(ann, households[0])
	s.sync(p)
	again := s.mend(p, m, "total", 3)
	s.sync(p, q)
	s.became(again, syncproto.Applied, "")
	s.items(0)
	s.desk("take it after all", func(j *judge.Judge) error {
		_, err := j.Resolve(s.ctx(), syncproto.UserID(adminUser), it.ID, judge.Decision{Keep: true})
		s.want(codeOf(err) == syncproto.CodeConflict, "late work that was mended is taken: %v", err)
		return nil
	})
	s.shownOn(q, t, "total", 3)
	s.want(s.itemNow(it.ID).Word == judge.WordMoot, "the item ended as %+v", s.itemNow(it.ID))
}

func takenBackOverSince(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	a, b := s.edit(p, t, "grade", "a"), s.edit(q, t, "grade", "b")
	s.sync(p, q)
	it := s.item(syncproto.ItemCell, t, []string{"grade"}, a.id, b.id)
	s.decide(it, judge.Decision{Pick: a.id})
	s.must(s.takeBack(s.itemNow(it.ID)), "take back")
	s.sync(q)
	s.edit(q, t, "grade", "c")
	s.sync(q)
	s.shows(t, "grade", "c")
	s.want(s.itemNow(it.ID).Shows["grade"] == schema.Text("c"), "the desk is shown %v", s.itemNow(it.ID).Shows)
	s.decide(s.items(1)[0], judge.Decision{Pick: b.id})
	s.shows(t, "grade", "b")
	s.must(s.takeBack(s.itemNow(it.ID)), "take back")
	s.items(1)
	s.shows(t, "grade", "c")
}

func lateTakenBack(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	was := s.form(p, t).Values["name"]
	m := s.edit(p, t, "name", "late")
	s.unassign(ann, households[0])
	s.tick(31 * day)
	s.sync(p)
	it := s.items(1)[0]
	outcome := func(want string) {
		s.sync(p)
		items := s.entries(p, m).Verdict.Items
		s.want(len(items) == 1 && items[0].Outcome == want, "%s hears %+v, must hear %q", p.name, items, want)
	}
	if s.variant(2) == 0 {
		for range 2 {
			s.decide(it, judge.Decision{Keep: true})
			s.items(0)
			outcome("kept")
			s.sync(q)
			s.shownOn(q, t, "name", "late")
			s.must(s.takeBack(s.itemNow(it.ID)), "take it back")
			s.shows(t, "name", was)
			s.want(s.items(1)[0].ID == it.ID, "another item is open")
			outcome("")
			s.sync(q)
			s.shownOn(q, t, "name", was)
		}
		return
	}
	s.decide(it, judge.Decision{})
	outcome("outvoted")
	s.must(s.takeBack(s.itemNow(it.ID)), "withdraw the return")
	outcome("")
	s.became(m, syncproto.Refused, syncproto.CodeLate)
	s.decide(s.items(1)[0], judge.Decision{})
	s.assign(ann, households[0])
	s.sync(p)
	s.sync(p)
	mend, err := p.rep.Mend(s.ctx(), m.id, func(tx *replica.Tx) error {
		f, err := tx.Form(t.table, t.id)
		if err != nil {
			return err
		}
		return tx.Update(f, pairs([]any{"name", "mended"}))
	})
	s.must(err, "mend it")
	p.wrote(mend, nil)
	s.sync(p)
	s.want(codeOf(s.takeBack(s.itemNow(it.ID))) == syncproto.CodeConflict, "the return is withdrawn although it was acted on")
	s.items(0)
	s.shows(t, "name", "mended")
}

func (s *stage) entries(p *phone, m *made) *replica.Entry {
	e := p.entries()[m.id]
	s.want(e != nil && e.Verdict != nil, "%s does not know of %s", p.name, describe(m.Change))
	return e
}

func decisionsTakenBack(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	was := s.form(p, t).Values["serial"]
	a, b := s.edit(p, t, "serial", "one"), s.edit(q, t, "serial", "two")
	s.sync(p, q)
	it := s.item(syncproto.ItemCell, t, []string{"serial"}, a.id, b.id)
	s.decide(it, judge.Decision{Base: it.Base, Pick: a.id})
	s.again(s.itemNow(it.ID), dora, schema.Text("three"))
	s.shows(t, "serial", "three")
	s.sync(p, q)
	back := func() { s.must(s.takeBack(s.itemNow(it.ID)), "take it back") }
	beside := func() { s.edit(q, t, "name", "beside"); s.sync(q) }
	switch s.variant(3) {
	case 0:
		s.inAllOrders(chain{back, back}, chain{beside})
		s.item(syncproto.ItemCell, t, []string{"serial"}, a.id, b.id)
		s.shows(t, "serial", was)
		s.sync(p, q)
		s.shownOn(p, t, "serial", was)
		s.want(s.entries(p, a).Verdict.Items[0].Outcome == "", "%s does not hear that it is open again", p.name)
		s.decide(s.items(1)[0], judge.Decision{Pick: b.id})
		s.items(0)
		s.shows(t, "serial", "two", "name", "beside")
	case 1: // somebody writes the cell since
		since := s.edit(p, t, "serial", "since")
		s.sync(p)
		back()
		now := s.items(1)[0]
		s.want(now.ID == it.ID && len(now.Sides) == 2 && slices.ContainsFunc(now.Sides, func(x side) bool { return x.Change == since.id }), "the item is %+v", now)
		s.decide(now, judge.Decision{Pick: since.id})
		s.shows(t, "serial", "since")
	default: // the row goes while it is open again
		back()
		back()
		s.items(1)
		s.deskDelete(adminUser, t)
		s.items(0)
		s.isDead(t)
	}
}

func rowRuleThree(s *stage) {
	t, p, q, r := aThing(0), s.phone(ann), s.phone(cid), s.phone(dora)
	s.edit(p, t, "begins", "2025-03-10", "ends", "2025-06-20")
	s.sync(p, q, r)
	one, two, three := s.edit(p, t, "begins", "2025-06-10"), s.edit(q, t, "ends", "2025-05-01"), s.edit(r, t, "begins", "2025-04-01")
	s.each(func() { s.sync(p) }, func() { s.sync(q) }, func() { s.sync(r) })
	it := s.item(syncproto.ItemCell, t, []string{"begins"}, one.id, three.id)
	s.shows(t, "begins", "2025-03-10", "ends", "2025-05-01")
	s.became(two, s.oracle.Change(two.id).Status, "")
	s.sameEveryTime(t)
	err := s.resolve(it, judge.Decision{Base: it.Base, Pick: one.id})
	s.want(codeOf(err) == syncproto.CodeInvalid, "a decision that breaks the rule is answered with %v", err)
	s.decide(it, judge.Decision{Base: it.Base, Pick: three.id})
	s.items(0)
	s.shows(t, "begins", "2025-04-01", "ends", "2025-05-01")
}

func rowRuleFour(s *stage) {
	t, p, q, r := aThing(0), s.phone(ann), s.phone(cid), s.phone(dora)
	s.edit(p, t, "begins", "2025-03-10", "ends", "2025-06-20", "low", "2025-05-15")
	s.sync(p, q, r)
	one, two, three := s.edit(p, t, "grade", "a"), s.edit(q, t, "low", "2025-03-01", "name", "two"), s.edit(r, t, "ends", "2025-05-01")
	s.each(func() { s.sync(p) }, func() { s.sync(q) }, func() { s.sync(r) })
	it := s.item(syncproto.ItemRowRule, t, []string{"low", "grade", "ends"}, append(s.oracle.View().Rows[t.id].Cells["begins"].Heads, one.id, two.id, three.id)...)
	s.want(it.Rule == "graded_between", "the item is about %s", it.Rule)
	s.shows(t, "begins", "2025-03-10", "ends", "2025-06-20", "low", "2025-05-15", "grade", nil, "name", "two")
	s.sameEveryTime(t)
	s.sync(p, q, r)
	for _, x := range []*phone{p, q, r} {
		s.shownOn(x, t, "ends", "2025-06-20", "low", "2025-05-15", "grade", nil, "name", "two")
	}
	s.decide(it, judge.Decision{Base: it.Base, Pick: one.id})
	s.items(0)
	s.shows(t, "begins", "2025-03-10", "ends", "2025-06-20", "low", "2025-05-15", "grade", "a")
}

// mergedBy is the change that deleted a row last: of twins, the merge.
func (s *stage) mergedBy(r rowRef) syncproto.Identity {
	var id syncproto.Identity
	for _, c := range s.oracle.Changes() {
		if slices.ContainsFunc(c.Edits, func(e syncproto.Edit) bool { return e.Row == r.id && e.Op == syncproto.OpDelete }) {
			id = c.ID
		}
	}
	s.want(id != "", "nothing deleted %s", r.id)
	return id
}

func twinsMerged(s *stage) {
	near, p := aHousehold(0), s.phone(ann)
	s.phone(dora)
	far := s.deskCreate(adminUser, "household", map[string]string{"place": groups[2], "code": "H1"})
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemTwin, "the item is %+v", it)
	s.want(len(s.inbox(dora)) == 0, "a secretary hears of a twin in another village")
	small := s.edit(p, near, "head", "头")
	s.sync(p)
	s.want(len(s.heard(p, small, replica.Accepted).Verdict.Items) == 0, "an author hears of a twin that he may not see")
	note := s.edit(p, near, "note", "for near")
	under, made := s.create(p, "thing", "household", string(near.id), "name", "under near")
	s.decide(it, judge.Decision{Winner: far.id})
	merge := s.mergedBy(near)
	s.isDead(near)
	s.items(0)
	s.assign(ann, string(far.id))
	s.sync(p)
	s.want(s.oracle.Change(note.id).Status != syncproto.Refused && s.oracle.Change(made.id).Status != syncproto.Refused, "what came for the loser was refused")
	s.shows(far, "note", "for near")
	s.shows(under, "household", string(far.id))
	s.shows(aThing(0), "household", string(far.id))
	s.missingOn(p, near)
	s.shownOn(p, far, "note", "for near")
	s.undoAs(adminUser, merge)
	s.sync(p)
	s.shows(near, "head", "头", "code", "H1")
	s.shows(aThing(0), "household", string(near.id)) // what the merge moved goes back
	s.shows(under, "household", string(far.id))      // what came after it does not
	it = s.items(1)[0]
	s.want(it.Kind == syncproto.ItemTwin, "undone, the twins are not asked about again: %+v", it)
	s.decide(it, judge.Decision{})
	s.edit(p, near, "note", "touched")
	s.sync(p)
	s.items(0) // they were said to be two
}

func twinsNarrow(s *stage) {
	p, q := s.phone(dora), s.phone(secretaries[1])
	one, m := s.create(p, "secret", "thing", string(aThing(0).id), "id_number", idNumbers[0])
	_, n := s.create(q, "secret", "thing", string(aThing(1).id), "id_number", idNumbers[0])
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	s.sync(p, q)
	for m, x := range map[*made]*phone{m: p, n: q} {
		s.want(len(s.heard(x, m, replica.Accepted).Verdict.Items) == 0, "%s hears of a twin that he may not see", x.name)
		list, err := x.rep.Notices(s.ctx(), true)
		s.must(err, "notices of "+x.name)
		s.want(len(list) == 0, "%s is told %+v", x.name, list)
	}
	s.want(len(s.inbox(dora))+len(s.inbox(secretaries[1])) == 0, "a secretary hears of a twin in another village")
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemTwin && (it.Row == one.id || it.Other == one.id), "the item is %+v", it)
}

func retention(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	word := s.word(t.id, syncproto.UserID(ann), p)
	old, _ := s.create(p, "note", "thing", string(t.id), "author", ann, "text", word)
	s.sync(p, q)
	s.shownOn(q, old, "text", word)
	s.tick(75 * day) // two months on, the third is still kept
	recent, _ := s.create(p, "note", "thing", string(t.id), "author", ann, "text", "recent")
	s.sync(p, q)
	s.shownOn(q, old, "text", word)
	s.tick(31 * day)
	s.edit(p, t, "total", 1)
	s.sync(p, q)
	for _, x := range []*phone{p, q} {
		s.missingOn(x, old)
		s.shownOn(x, recent, "text", "recent")
	}
	q.disk.Walk(func(name string, data []byte) {
		s.want(!bytes.Contains(data, []byte(word)), "%s of %s still holds what it was to forget", name, q.name)
	})
	s.shows(old, "text", word) // forgetting is not deleting
	s.items(0)
}

func horizon(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	r, _ := s.create(q, "thing", "household", households[0], "name", "r")
	s.sync(q, p)
	s.shownOn(p, r, "name", "r")
	m := s.edit(p, t, "name", "from long ago")
	s.remove(q, r)
	s.sync(q)
	s.tick(401 * day)
	s.must(s.server.eng.Sweep(s.ctx()), "sweep")
	s.swept, p.rotten = true, true // the digests tell the phone of what no mark does any more
	s.want(s.server.storedRows()[r.id] == nil, "the mark of the deletion is still there")
	s.sync(p)
	s.missingOn(p, r)
	s.became(m, syncproto.Applied, "")
	s.shows(t, "name", "from long ago")
	s.shownOn(p, t, "name", "from long ago")
	s.items(0)
	history := 0
	s.desk("read the history", func(j *judge.Judge) error {
		list, err := j.History(s.ctx(), r.id)
		history = len(list)
		return err
	})
	s.want(history == 2, "the history of the deleted row holds %d changes, must hold 2", history)
}

func revoked(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	m := s.edit(p, t, "name", "unsent")
	out := s.revokedNow(p)
	s.want(p.gone && out.Changes == 1 && out.Handed == 1 && out.Files == 0, "it handed over %+v", out)
	s.want(s.became(m, syncproto.Applied, "").Late, "its work is not marked as late")
	s.shows(t, "name", "unsent")
}

// revokedNow revokes a phone, and lets it hear of it: it hands over what it holds.
func (s *stage) revokedNow(p *phone) syncer.Escrowed {
	d, err := p.rep.Device(s.ctx())
	s.must(err, "read the device")
	s.revoke(d.ID)
	s.tick(1000)
	s.must(p.session(s.d, false), "the last sync of a revoked phone")
	return p.left
}

func erasure(s *stage) {
	p, q := s.phone(ann), s.phone(cid)
	r, _ := s.create(p, "thing", "household", households[0], "name", "r")
	word := s.word(r.id, syncproto.UserID(ann), p)
	s.sync(p)
	s.edit(p, r, "name", word)
	k, _ := s.create(p, "note", "thing", string(r.id), "author", ann, "text", "beneath "+word)
	s.sync(p, q)
	s.shownOn(q, k, "text", "beneath "+word)
	rows := s.erase(r)
	s.want(len(rows) == 2 && rows[0] == k.id, "erased are %v", rows)
	s.sync(p, q)
	s.isDead(r)
	s.isDead(k)
	for _, x := range []*phone{p, q} {
		s.missingOn(x, r)
		s.missingOn(x, k)
	}
	for _, of := range []struct {
		name string
		disk *simdisk.Disk
	}{{q.name, q.disk}, {"the server", s.server.disk}} {
		of.disk.Walk(func(name string, data []byte) {
			s.want(!bytes.Contains(data, []byte(word)), "%s of %s still holds what was erased", name, of.name)
		})
	}
	s.items(0)
}

func oldSchema(s *stage) {
	t, q, p := aThing(0), s.phone(cid), s.phoneAt(ann, 1)
	s.edit(q, t, "extra", "kept", "extra_count", 4, "remark", "批。")
	mark, _ := s.create(q, "mark", "thing", string(t.id), "points", 3, "label", "kept")
	s.sync(q, p)
	s.edit(p, t, "name", "by the old one", "story", "旧。")
	s.sync(p, q)
	s.shows(t, "name", "by the old one", "story", "旧。", "extra", "kept", "extra_count", 4, "remark", "批。")
	s.edit(p, t, "household", households[1]) // with what lies beneath
	s.sync(p, q)
	s.shows(mark, "points", 3, "label", "kept")
	s.want(s.server.storedRows()[mark.id].Scope == "household:"+households[1], "the mark stayed behind")
	s.edit(p, t, "household", households[0])
	s.sync(p, q)
	s.shownOn(q, t, "extra", "kept", "name", "by the old one")
	for p.kind.version < s.book.Version {
		s.must(p.rep.Close(), "close "+p.name)
		p.kind.version++
		p.sure, p.rotten = false, true // it lacks what the older program did not know
		p.open()
		s.sync(p)
	}
	s.shownOn(p, t, "extra", "kept", "extra_count", 4, "remark", "批。")
	s.shownOn(p, mark, "points", 3, "label", "kept")
	s.items(0)
}

func boxed(s *stage) {
	t, p := aThing(0), s.phone(ann)
	word := s.word(t.id, syncproto.UserID(ann), p)
	theirs := s.form(p, t).Values["name"].Str()
	m := s.tool(p, "UPDATE thing SET grade = 'zz', newest = ? WHERE id = ?", word, string(t.id))
	s.sync(p)
	s.became(m, syncproto.Refused, syncproto.CodeInvalid)
	s.unassign(ann, households[0])
	s.sync(p)
	s.missingOn(p, t)
	s.want(s.heard(p, m, replica.Refused).Boxed, "the change is not in the hand-over box")
	p.disk.Walk(func(name string, data []byte) {
		s.want(!bytes.Contains(data, []byte(theirs)), "%s of %s holds others' words of a forgotten row", name, p.name)
	})
	s.tick(1000)
	s.must(p.rep.Withdraw(s.ctx(), m.id), "withdraw")
	s.sync(p)
	s.heard(p, m, replica.Withdrawn)
	s.became(m, syncproto.Refused, syncproto.CodeInvalid) // on record
	s.items(0)
}

func movedAway(s *stage) {
	t, p, old, next := aThing(0), s.phone(ann), s.phone(cid), s.phone(bob)
	edit := s.edit(old, t, "grade", "b")
	s.edit(p, t, "household", households[1])
	s.each(func() { s.sync(p) }, func() { s.sync(old) })
	s.sync(p, old, next)
	s.shows(t, "household", households[1])
	s.missingOn(old, t)
	if s.oracle.Change(edit.id).Status != syncproto.Refused {
		s.shows(t, "grade", "b")
		s.shownOn(next, t, "grade", "b")
		s.heard(old, edit, replica.Accepted)
	} else {
		s.shows(t, "grade", nil)
		s.became(edit, syncproto.Refused, syncproto.CodeWaits)
		s.want(s.heard(old, edit, replica.Refused).Boxed, "the words of the old holder are not in his hand-over box")
	}
	s.items(0)
}
