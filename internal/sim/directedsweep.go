package sim

import (
	"minqing/mobile-client/replica"
	"minqing/server/judge"
	"minqing/syncproto"
)

// Old marks that were dropped, and what still hangs on the rows that they stood for.

var sweepHistories = []directed{
	{"swept-parent-of-a-living-child", "A child was decided to live beneath a deleted row; the row's mark is dropped: the child still lies where it lay, can be changed, and lives on.", sweptParent},
	{"swept-beside-an-open-item", "An edit beside a deletion lies in the inbox for longer than the horizon: decided for the edit, the row lives again.", sweptItem},
	{"swept-and-let-in-again", "A household was let in, and that was taken back; when its mark is gone it is not let in again: it would bear its old numbers.", sweptLetIn},
	{"swept-beside-a-move", "A row is deleted by one and moved by another, and the marks are dropped before a third phone hears of the move, the row's own too " +
		"or not: what its user wrote there, others' words in it, is out of its reach, and comes back where it is granted.", sweptMove},
}

func sweptParent(s *stage) {
	p, q := s.phone(ann), s.phone(cid)
	r, _ := s.create(p, "thing", "household", households[0], "name", "r")
	s.sync(p, q)
	k, _ := s.create(p, "mark", "thing", string(r.id), "points", 1, "label", "beneath")
	s.remove(q, r)
	s.sync(p)
	s.sync(q)
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemDelete && it.Row == k.id && it.Other == r.id, "the item is %+v", it)
	s.decide(it, judge.Decision{Keep: true})
	s.sync(p, q)
	s.tick(401 * day)
	s.sweep()
	s.edit(p, k, "points", 4, "label", "changed")
	s.sync(p, q)
	s.shows(k, "points", 4, "label", "changed")
	s.shownOn(q, k, "points", 4, "label", "changed")
	s.items(0)
}

func sweptItem(s *stage) {
	p, q := s.phone(ann), s.phone(cid)
	r, _ := s.create(p, "thing", "household", households[0], "name", "r")
	s.sync(p, q)
	edit := s.edit(p, r, "name", "kept after all")
	s.remove(q, r)
	s.sync(q)
	s.sync(p)
	s.isDead(r)
	it := s.item(syncproto.ItemDelete, r, []string{syncproto.ExistenceCell}, edit.id)
	s.tick(401 * day)
	s.sweep()
	s.decide(it, judge.Decision{Keep: true})
	s.sync(p, q)
	s.shows(r, "name", "kept after all")
	s.shownOn(q, r, "name", "kept after all")
	s.items(0)
}

func sweptLetIn(s *stage) {
	p, q := s.phone(ann), s.phone(dora)
	home, bad := s.create(p, "household", "place", villages[0], "code", "T1")
	s.sync(p, q)
	s.became(bad, syncproto.Refused, syncproto.CodeForbidden)
	s.must(s.letIn(adminUser, bad.id, judge.Letting{}), "let in")
	s.sync(p)
	s.must(s.takeBack(s.itemNow(s.heard(p, bad, replica.Refused).Verdict.Items[0].Item)), "take back")
	s.isDead(home)
	s.tick(401 * day)
	s.sweep()
	s.want(s.server.storedRows()[home.id] == nil, "its mark is there")
	s.want(codeOf(s.letIn(adminUser, bad.id, judge.Letting{})) == syncproto.CodeInvalid, "it is let in again")
	s.sync(q)
	s.missingOn(q, home)
}

// sweptMove has two change what a third deletes, one of them its household. The other hears of the deletion and not of the move: no digest tells
// of the dead, so that the phone must let go of its own.
func sweptMove(s *stage) {
	t, p, q, d := aThing(0), s.phone(ann), s.phone(dora), s.phone(cid)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	story := s.form(p, t).Values["story"].Str()
	word := canaries.FindString(story)
	edit := s.edit(p, t, "story", story+"又。")
	s.edit(d, t, "household", households[3])
	s.remove(q, t)
	s.sync(q, p, q, d)
	it := s.items(1)[0]
	s.liesIn(t, households[3], "household:"+households[3], true)
	lives := s.variant(2) == 0
	if !lives {
		s.decide(it, judge.Decision{})
	}
	s.tick(401 * day)
	s.sweep()
	s.want((s.server.storedRows()[t.id] != nil) == lives, "the mark of the row is there: %v, must be %v", !lives, lives)
	s.sync(p)
	s.missingOn(p, t)
	s.holdsNoWord(p, word)
	s.became(edit, syncproto.Conflicted, "")
	if !lives {
		return
	}
	s.decide(it, judge.Decision{Keep: true})
	s.sync(p, d)
	s.missingOn(p, t)
	s.holdsNoWord(p, word)
	s.shownOn(d, t, "story", story+"又。")
	s.assign(ann, households[3])
	s.sync(p)
	s.shownOn(p, t, "story", story+"又。")
}
