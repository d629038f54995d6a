package sim

import (
	"minqing/mobile-client/replica"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// Phones whose files were copied or put back: MERGE's tenth history.

var copyHistories = []directed{
	{"merge10-copies-rename-one-unsent-change", "Copies of one file rename the same unsent +1, in all orders: counted once.", copiesRename},
	{"merge10-a-copy-took-the-number", "A copy took number n: the original's next change does not resolve to the copy's.", copyTookNumber},
	{"merge10-copies-take-turns", "Copies that take turns are found out, and neither loses a word.", copiesTakeTurns},
	{"copies-told-apart-one-by-one", "Telling one copy apart tells the next one apart, late: all files of the person come to know each other.", copiesOneByOne},
	{"old-copy-put-back", "A phone goes back to an old copy of its file: it is seen, told apart from its twin, and healed.", oldCopy},
}

// ids are the device ids of phones.
func (s *stage) ids(phones ...*phone) map[syncproto.DeviceID]bool {
	out := map[syncproto.DeviceID]bool{}
	for _, p := range phones {
		d, err := p.rep.Device(s.ctx())
		s.must(err, "read the device of "+p.name)
		out[d.ID] = true
	}
	return out
}

func copiesRename(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	one := s.edit(p, t, "total", 1)
	a, b := s.copyOf(p, 1), s.copyOf(p, 2)
	s.each(func() { s.sync(p) }, func() { s.sync(a) }, func() { s.sync(b) })
	s.edit(q, t, "high", 3) // so far it might have been one file whose answers were lost: now each uses what it was given
	s.sync(q, p, a, b)
	s.shows(t, "total", 1)
	s.became(one, syncproto.Applied, "")
	s.items(0)
	s.want(len(s.ids(p, a, b)) == 3, "three files are %d devices", len(s.ids(p, a, b)))
	s.want(s.count[cCopies] >= 2, "only %d copies were found out", s.count[cCopies])
	for _, x := range []*phone{p, a, b} {
		s.heard(x, one, replica.Accepted)
		s.shownOn(x, t, "total", 1)
		s.edit(x, t, "total", 2) // +1 each
	}
	s.sync(p, a, b)
	s.shows(t, "total", 4)
	s.sameEveryTime(t)
}

func copyTookNumber(s *stage) {
	t, p := aThing(0), s.phone(ann)
	c := s.copyOf(p, 1)
	theirs, mine := s.edit(c, t, "grade", "b"), s.edit(p, t, "name", "mine")
	s.want(theirs.First == mine.First, "the copy named its change %v, the original %v", theirs.First, mine.First)
	s.each(func() { s.sync(c) }, func() { s.sync(p) })
	s.sync(p, c)
	s.shows(t, "grade", "b", "name", "mine")
	s.items(0)
	for m, x := range map[*made]*phone{theirs: c, mine: p} {
		s.became(m, syncproto.Applied, "")
		e := s.heard(x, m, replica.Accepted)
		s.want(e.Verdict.Identity == m.id && e.Identity == m.id, "the verdict on %s is one on %s", m.id, e.Verdict.Identity)
		s.want(len(x.entries()) == 1, "%s holds %d changes, made one", x.name, len(x.entries()))
	}
	s.want(len(s.ids(p, c)) == 2, "the copies are still one device")
	s.sameEveryTime(t)
}

func copiesTakeTurns(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	c := s.copyOf(p, 1)
	write := s.variant(2) == 1
	turn := func(x *phone) func() {
		by := q // who only reads is found out once there is something to read
		if write {
			by = x
		}
		return func() {
			s.edit(by, t, "total", int(s.form(by, t).Values["total"].Num())+1)
			s.sync(by, x)
		}
	}
	s.inAllOrders(chain{turn(p), turn(p)}, chain{turn(c), turn(c)})
	s.want(len(s.ids(p, c)) == 2, "the copies are still one device")
	s.sync(p, c)
	s.shows(t, "total", 4)
	s.shownOn(p, t, "total", 4)
	s.shownOn(c, t, "total", 4)
	s.items(0)
}

// copiesOneByOne has two phones of one person copied before they ever synced. So far nothing came that one of a pair has and the other has
// not, save for the first, whose twin is therefore told apart in the second round; that brings the second phone something that its own twin
// has not got, which is told apart in the third.
func copiesOneByOne(s *stage) {
	fresh := phoneCase{User: ann, Version: schematest.Version}
	p := s.newPhone(fresh, s.d.Uint64())
	w := s.phone(cid)
	q := s.newPhone(fresh, s.d.Uint64())
	b, a := s.copyOf(q, 1), s.copyOf(p, 2)
	s.edit(w, aThing(0), "total", 1) // it reaches the server after the first phone, and before all the others
	if s.variant(2) == 1 {
		return // the rounds that end every history must do
	}
	for _, files := range []int{2, 3, 4} {
		s.sync(p, w, q, b, a)
		s.want(len(s.ids(p, q, a, b)) == files, "four files are %d devices, must be %d", len(s.ids(p, q, a, b)), files)
	}
}

func oldCopy(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	unsent := s.edit(p, t, "total", 1)
	im := imageOf(p)
	after := s.edit(p, t, "name", "after")
	s.sync(p, q)
	if s.variant(2) == 1 { // the newer nonce was used
		s.edit(q, t, "high", 3)
		s.sync(q, p)
	}
	before := s.ids(p)
	s.putBack(im)
	grade := s.edit(p, t, "grade", "a")
	s.sync(p)
	s.shows(t, "total", 1, "name", "after", "grade", "a")
	for _, m := range []*made{unsent, after, grade} {
		s.became(m, syncproto.Applied, "")
	}
	for id := range s.ids(p) {
		s.want(!before[id], "the old copy goes on as %s", id)
	}
	s.shownOn(p, t, "total", 1, "name", "after", "grade", "a")
	s.items(0)
}
