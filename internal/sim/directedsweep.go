package sim

import (
	"minqing/server/judge"
	"minqing/syncproto"
)

// Old marks that were dropped, and what still hangs on the rows that they stood for.

var sweepHistories = []directed{
	{"swept-parent-of-a-living-child", "A child was decided to live beneath a deleted row; the row's mark is dropped: the child still lies where it lay, can be changed, and lives on.", sweptParent},
	{"swept-beside-an-open-item", "An edit beside a deletion lies in the inbox for longer than the horizon: decided for the edit, the row lives again.", sweptItem},
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
