package sim

import (
	"bytes"

	"minqing/mobile-client/replica"
	"minqing/server/judge"
	"minqing/syncproto"
)

// The histories of MERGE.md, by their numbers; 10 is in directedcopy.go, 11 in directedrestore.go. Ann and cid hold the first household, bob
// the second; dora is the secretary of the first one's village.
var (
	ann, bob, cid = cadres[0], cadres[1], cadres[3]
	dora          = secretaries[0]
)

var mergeHistories = []directed{
	{"merge01-own-change-hides-the-row-below", "A set on rev 5; a pull brings rev 7 with A and B; A and B edited together: for A the own change was seen, for B rev 7.", merge01},
	{"merge02-blind-edit-joins-the-item", "A manual cell with two heads; who may not decide edits what he sees: the item stays open with three heads, no word vanishes.", merge02},
	{"merge03-row-rule-shows-the-same", "Two values against a row rule, in both orders: the same value shows meanwhile.", merge03},
	{"merge04-edit-beside-a-closing-move", "An edit beside a move into a state that forbids it, in both orders: one item; in one change: none.", merge04},
	{"merge05-undo-beside-a-later-edit", "c; d writes over c; u undoes c, in all orders: an item, never a decision by time.", merge05},
	{"merge06-sum", "+1, then +5 beside +2 that saw +1: 8, in all orders; replayed: 8.", merge06sum},
	{"merge06-reverted-text", "h1 saw a and reverts it, h2 saw a and keeps it, h3 saw neither: a does not come back by itself.", merge06text},
	{"merge07-delete-beside-a-child", "A row deleted beside a child made under it: an item, the deletion standing; nothing resurrects.", merge07},
	{"merge08-move-with-a-sleeping-child", "A row moves to another scope while its child sleeps: the new holder gets the child, the old one loses it.", merge08},
	{"merge09-refused-and-mended", "n refused, n+1 builds on its state and leaves with it; n mended: both come back; mended twice: the second is a plain edit.", merge09},
	{"merge12-receipt-overtakes-an-answer", "A courier receipt overtakes an answer computed earlier: the author's words never blink out.", merge12},
	{"merge13-latest-under-wrong-clocks", "B over A with B's clock before A's, and C between them, in all orders: one value.", merge13},
	{"merge14-form-rendered-before-a-sync", "A form rendered at rev 5, a sync to 6, then Save: untouched cells are not written, the touched one is concurrent with 6.", merge14},
}

func merge01(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	for s.rev(t) < 5 {
		s.edit(q, t, "total", int(s.rev(t)))
		s.sync(q)
	}
	s.sync(p)
	was := s.form(p, t).Values["name"]
	var n1, name, grade *made
	s.syncWith(p, script{before: func() {
		n1 = s.edit(p, t, "name", "mine")
		name = s.edit(q, t, "name", "theirs")
		grade = s.edit(q, t, "grade", "a")
		s.sync(q)
	}})
	s.want(s.rev(t) == 7, "the row is at rev %d, must be at 7", s.rev(t))
	s.shownOn(p, t, "name", "mine", "grade", "a")
	n2 := s.edit(p, t, "name", "mine again", "grade", "b")
	base := n2.Edits[0].Base
	s.want(base.Rev == 7 && len(base.Over) == 1 && base.Over[0] == n1.id, "the second edit is based on %+v", base)
	s.sync(p)
	s.shows(t, "name", was, "grade", "b")
	s.item(syncproto.ItemCell, t, []string{"name"}, n2.id, name.id)
	s.became(n2, syncproto.Conflicted, "")
	s.became(grade, syncproto.Applied, "")
}

func merge02(s *stage) {
	t, p, q, blind := aThing(0), s.phone(ann), s.phone(cid), s.phone(ann)
	was := s.form(p, t).Values["name"]
	one, two := s.edit(p, t, "name", "one"), s.edit(q, t, "name", "two")
	s.sync(p, q, blind)
	s.want(len(s.inbox(ann)) == 0, "a cadre may decide")
	s.shownOn(blind, t, "name", was)
	three := s.edit(blind, t, "name", "three")
	s.sync(blind)
	it := s.item(syncproto.ItemCell, t, []string{"name"}, one.id, two.id, three.id)
	words := map[string]bool{}
	for _, side := range it.Sides {
		words[side.Cells[0].Value.Str()] = true
	}
	s.want(words["one"] && words["two"] && words["three"], "the item holds the words %v", words)
	s.shows(t, "name", was)
	s.sync(p, q, blind)
	for _, x := range []*phone{p, q, blind} {
		s.shownOn(x, t, "name", was)
	}
	s.decide(it, judge.Decision{Base: it.Base, Pick: three.id})
	s.items(0)
	s.sync(p, q, blind)
	s.shownOn(p, t, "name", "three")
	s.heard(p, one, replica.Accepted)
}

func merge03(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.edit(p, t, "begins", "2025-03-10", "ends", "2025-06-20")
	s.sync(p, q)
	one := s.edit(p, t, "begins", "2025-06-10", "name", "one")
	two := s.edit(q, t, "ends", "2025-05-01")
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	s.item(syncproto.ItemRowRule, t, []string{"begins", "ends"}, one.id, two.id)
	s.shows(t, "begins", "2025-03-10", "ends", "2025-06-20", "name", "one")
	s.sameEveryTime(t)
	s.sync(p, q)
	s.shownOn(q, t, "begins", "2025-03-10", "ends", "2025-06-20", "name", "one")
}

func merge04(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.edit(p, t, "state", "doing")
	s.sync(p, q)
	was := s.form(p, t).Values["name"]
	if s.variant(2) == 1 {
		both := s.edit(p, t, "name", "5", "state", "closed")
		s.sync(p)
		s.items(0)
		s.became(both, syncproto.Applied, "")
		s.shows(t, "name", "5", "state", "closed")
		return
	}
	edit := s.edit(p, t, "name", "5", "total", 3)
	s.edit(q, t, "state", "closed")
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	s.item(syncproto.ItemState, t, []string{"name"}, edit.id)
	s.shows(t, "name", was, "state", "closed", "total", 3)
	s.sameEveryTime(t)
	s.sync(p, q)
	s.shownOn(p, t, "name", was, "state", "closed")
}

func merge05(s *stage) {
	cells := [][4]any{{"newest", "p", "c", "d"}, {"high", 1, 2, 3}, {"low", "2025-03-03", "2025-03-02", "2025-03-01"}, {"name", "p", "c", "d"},
		{"story", "一。", "一。二。", "一。二。三。"}, {"state", nil, "doing", "closed"}, {"total", 1, 3, 6}, {"tags", []string{"red"}, []string{"blue", "red"}, []string{"blue", "green", "red"}}}
	cell := cells[s.variant(len(cells))]
	name := cell[0].(string)
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	if name != "state" {
		s.edit(p, t, name, cell[1])
	}
	s.sync(p)
	c := s.edit(p, t, name, cell[2])
	s.sync(p, q)
	d := s.edit(q, t, name, cell[3])
	var u syncproto.Identity
	s.each(func() { s.sync(q) }, func() { u = s.undoAs(adminUser, c.id) })
	switch name {
	case "total":
		s.items(0)
		s.shows(t, name, 4)
	case "tags":
		s.items(0)
		s.shows(t, name, []string{"green", "red"})
	default:
		s.item(syncproto.ItemCell, t, []string{name}, d.id, u)
		s.shows(t, name, cell[2]) // what both had seen is c
	}
	s.sameEveryTime(t)
}

func merge06sum(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	twice := s.variant(2) == 1
	send := func(x *phone) {
		if twice {
			s.syncWith(x, script{twice: true, deaf: true})
			return
		}
		s.send(x)
	}
	s.edit(q, t, "total", 5)
	s.inAllOrders(chain{
		func() { s.edit(p, t, "total", 1); send(p) },
		func() { s.edit(p, t, "total", 3); send(p) }, // +2, having seen +1
	}, chain{func() { send(q) }})
	s.shows(t, "total", 8)
	s.items(0)
	s.sameEveryTime(t)
	s.sync(p, q)
	s.shownOn(p, t, "total", 8)
	s.shownOn(q, t, "total", 8)
}

func merge06text(s *stage) {
	t, p, q, blind := aThing(0), s.phone(ann), s.phone(cid), s.phone(dora)
	first := s.form(p, t).Values["story"].Str()
	s.edit(p, t, "story", first+"乙。")
	s.sync(p, q)
	s.edit(p, t, "story", first)
	s.edit(q, t, "story", first+"乙。丙。")
	s.edit(blind, t, "story", "零。"+first)
	s.each(func() { s.send(p) }, func() { s.send(q) }, func() { s.send(blind) })
	s.shows(t, "story", "零。"+first+"丙。")
	s.items(0)
	s.sameEveryTime(t)
}

func merge07(s *stage) {
	p, q := s.phone(ann), s.phone(cid)
	r, _ := s.create(p, "thing", "household", households[0], "name", "r")
	s.sync(p, q)
	k, made := s.create(p, "note", "thing", string(r.id), "author", ann, "text", "under it")
	gone := s.remove(q, r)
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemDelete && it.Row == k.id && it.Other == r.id, "the item is %+v", it)
	s.isDead(r)
	s.shows(k, "text", "under it")
	s.sameEveryTime(r, k)
	s.became(made, syncproto.Conflicted, "")
	s.sync(p, q)
	s.missingOn(p, r)
	keep := s.variant(2) == 0
	s.decide(it, judge.Decision{Keep: keep})
	s.items(0)
	s.isDead(r) // nothing resurrects
	s.sync(p, q)
	if !keep {
		s.isDead(k)
		s.missingOn(p, k)
		return
	}
	s.shownOn(p, k, "text", "under it")
	s.missingOn(p, r)
	s.undoAs(adminUser, gone.id) // which saw the deletion: so the row may live again
	s.sync(p, q)
	s.shownOn(q, r, "name", "r")
}

func merge08(s *stage) {
	p, old, next := s.phone(ann), s.phone(cid), s.phone(bob)
	r, _ := s.create(p, "thing", "household", households[0], "name", "r")
	word := s.word(r.id, syncproto.UserID(ann), p)
	k, _ := s.create(p, "note", "thing", string(r.id), "author", ann, "text", word)
	s.sync(p, old, next)
	s.shownOn(old, k, "text", word)
	s.missingOn(next, k)
	before := s.server.storedRows()[k.id]
	s.edit(p, r, "household", households[1])
	s.sync(p)
	unheard, late := s.create(old, "note", "thing", string(r.id), "author", cid, "text", "before he heard")
	s.sync(old, next)
	after := s.server.storedRows()[k.id]
	s.want(after.Label == before.Label && after.Scope == "household:"+households[1] && after.Stream == before.Stream, "the child was %+v, is %+v", before, after)
	s.shownOn(next, r, "name", "r")
	s.shownOn(next, k, "text", word)
	s.missingOn(old, r)
	s.missingOn(old, k)
	old.disk.Walk(func(name string, data []byte) {
		s.want(!bytes.Contains(data, []byte(word)), "%s of %s still holds the child", name, old.name)
	})
	// What the old holder wrote before he heard of it was his to write, and goes with the row.
	s.want(s.became(late, syncproto.Applied, "").Late, "what the old holder wrote without having heard is not late")
	s.shownOn(next, unheard, "text", "before he heard")
	s.missingOn(old, unheard)
	// What he writes under it now is not his to write any more, and he is told of it as of a row that is not there.
	_, now := s.create(old, "note", "thing", string(r.id), "author", cid, "text", "having heard")
	s.sync(old)
	no := s.became(now, syncproto.Refused, syncproto.CodeWaits)
	s.want(!no.Late, "what the old holder wrote having heard is taken for late")
	s.heard(old, now, replica.Refused)
	s.items(0)
}

func merge09(s *stage) {
	t, p := aThing(0), s.phone(ann)
	n := s.tool(p, "UPDATE thing SET state = 'doing', grade = 'zz' WHERE id = ?", string(t.id))
	next := s.edit(p, t, "state", "closed")
	free := s.edit(p, t, "total", 7)
	s.sync(p)
	s.became(n, syncproto.Refused, syncproto.CodeInvalid)
	s.became(next, syncproto.Refused, syncproto.CodeWaits)
	waits := s.heard(p, next, replica.Refused).Verdict.Waits
	s.want(waits == n.id, "n+1 waits for %q", waits)
	s.became(free, syncproto.Applied, "")
	s.shows(t, "state", "open", "grade", nil, "total", 7)
	s.shownOn(p, t, "state", "open", "grade", nil, "total", 7)
	twin := s.copyOf(p, s.d.Uint64())
	mend := s.mend(p, n, "state", "doing", "grade", "a")
	second := s.mend(twin, n, "grade", "b")
	s.sync(p)
	s.shows(t, "state", "closed", "grade", "a", "total", 7)
	s.want(s.became(n, syncproto.Refused, syncproto.CodeInvalid).MendedBy == mend.id, "n is not mended by the first mend")
	s.want(s.oracle.Change(next.id).Status != syncproto.Refused, "n+1 did not come back")
	s.items(0)
	s.shownOn(p, t, "state", "closed", "grade", "a")
	s.sync(twin)
	s.became(second, syncproto.Conflicted, "")
	s.item(syncproto.ItemCell, t, []string{"grade"}, mend.id, second.id)
}

func merge12(s *stage) {
	t, p, q, carrier := aThing(0), s.phone(ann), s.phone(cid), s.phone(bob)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	s.edit(q, t, "grade", "b")
	s.sync(q)
	s.assign(ann, households[2]) // the answer has much to bring
	s.syncWith(p, script{cutBefore: "checkpoint"})
	mine := s.edit(p, t, "name", "mine")
	receipt := s.carry(p, carrier)
	s.became(mine, syncproto.Applied, "")
	shown := func() { s.shownOn(p, t, "name", "mine") }
	shown()
	if s.variant(2) == 0 {
		s.takeReceipt(p, receipt)
		shown()
		s.heard(p, mine, replica.Accepted)
		s.syncWith(p, script{cutBefore: "checkpoint", coming: shown})
	} else { // the receipt comes while an answer is on its way
		s.syncWith(p, script{coming: func() { s.takeReceipt(p, receipt); shown() }, cutBefore: "checkpoint"})
	}
	shown()
	s.sync(p)
	shown()
	s.shownOn(p, t, "grade", "b")
	s.shows(t, "name", "mine")
}

func merge13(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.tick(10 * hour)
	s.inAllOrders(chain{
		func() { s.edit(p, t, "newest", "A"); s.send(p) },
		func() { p.clock.offset = -5 * hour; s.edit(p, t, "newest", "B"); p.clock.offset = 0; s.send(p) },
	}, chain{func() { q.clock.offset = -2 * hour; s.edit(q, t, "newest", "C"); q.clock.offset = 0; s.send(q) }})
	s.shows(t, "newest", "B")
	s.items(0)
	s.sameEveryTime(t)
	s.sync(p, q)
	s.shownOn(q, t, "newest", "B")
}

func merge14(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	for s.rev(t) < 5 {
		s.edit(q, t, "total", int(s.rev(t)))
		s.sync(q)
	}
	s.sync(p)
	f := s.form(p, t)
	theirs := s.edit(q, t, "name", "theirs", "grade", "a")
	s.sync(q, p)
	s.shownOn(p, t, "name", "theirs", "grade", "a")
	mine := s.saveForm(p, f, "name", "mine", "grade", f.Values["grade"])
	e := mine.Edits[0]
	s.want(e.Base.Rev == 5 && len(e.Cells) == 1 && e.Cells[0].Cell == "name", "saved was %s", describe(mine.Change))
	s.sync(p, q)
	s.shows(t, "name", f.Values["name"], "grade", "a")
	s.item(syncproto.ItemCell, t, []string{"name"}, mine.id, theirs.id)
	s.shownOn(p, t, "name", f.Values["name"], "grade", "a")
}
