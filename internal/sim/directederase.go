package sim

import (
	"bytes"
	"fmt"
	"slices"

	"minqing/server/judge"
	"minqing/syncproto"
)

// Of rows that are erased by law, and what hung on them.

var eraseHistories = []directed{
	{"erased-while-asked", "Whether a row stays deleted is asked when the row above it is erased by law: nobody is asked about words that are gone.", erasedWhileAsked},
	{"erased-with-its-twins", "Of two that became one the one that stays is erased by law: the other goes with it, words and all, and what comes for either is refused.", erasedWithTwins},
	{"erased-with-late-work", "Work that came too late, for one of two that became one, waits to be decided when the other is erased by law: nobody is asked about it any more.", erasedWithLate},
	{"erased-in-one-push", "A change names a row that was erased by law; what was written over the rest of it comes in the same push, and is judged as if it came later.", erasedInOnePush},
	{"erased-beside-a-mend", "Refused work named a row that is erased, and one that is not: what its author wrote there over the mend stands, as before.", erasedBesideMend},
	{"erased-before-the-mend", "The same, and the mend comes after the erasure.", erasedBeforeMend},
}

// erase erases a row by law.
func (s *stage) erase(r rowRef) (rows []syncproto.RowID) {
	s.desk("erase", func(j *judge.Judge) error {
		out, err := j.Erase(s.ctx(), syncproto.UserID(adminUser), r.id, "at the person's request")
		s.must(err, "erase")
		rows = out.Rows
		s.tellErased(rows)
		return err
	})
	return rows
}

func erasedWhileAsked(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	mark, _ := s.create(p, "mark", "thing", string(t.id), "label", "beneath")
	s.sync(p, q)
	s.edit(q, mark, "label", "edited")
	s.remove(p, mark)
	s.sync(p, q)
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemDelete && it.Row == mark.id, "the item is %+v", it)
	s.erase(t)
	s.items(0)
	s.isDead(mark)
	s.sync(p, q)
	s.missingOn(p, mark)
	s.missingOn(q, mark)
}

func erasedWithTwins(s *stage) {
	a, b, p := aThing(0), aThing(1), s.phone(ann)
	word := s.word(a.id, syncproto.UserID(ann), p)
	s.sync(p)
	s.edit(p, a, "name", word)
	s.sync(p)
	one, two := s.numbered(a, b)
	late := s.edit(p, a, "name", "written before it knew "+s.word(a.id, syncproto.UserID(ann), p))
	s.decide(s.items(1)[0], judge.Decision{Winner: two.id})
	s.isDead(a)
	rows := s.erase(b)
	for _, r := range []rowRef{a, b, one, two} {
		s.want(slices.Contains(rows, r.id), "%s %s is not erased", r.table, r.id)
	}
	s.sync(p)
	s.became(late, syncproto.Refused, syncproto.CodeForbidden)
	s.missingOn(p, a)
	s.missingOn(p, b)
	s.server.disk.Walk(func(name string, data []byte) {
		s.want(!bytes.Contains(data, []byte(word)), "%s of the server still holds what was erased", name)
	})
	s.items(0)
}

func erasedWithLate(s *stage) {
	a, b, p := aThing(0), aThing(1), s.phone(ann)
	_, two := s.numbered(a, b)
	late := s.edit(p, a, "name", "late")
	s.decide(s.items(1)[0], judge.Decision{Winner: two.id})
	s.unassign(ann, households[1])
	s.tick(31 * day)
	s.sync(p)
	s.became(late, syncproto.Refused, syncproto.CodeLate)
	it := s.items(1)[0]
	s.want(it.Kind == syncproto.ItemLate && it.Row == b.id, "the item is %+v", it)
	s.erase(b)
	s.items(0)
	s.sync(p)
	s.became(late, syncproto.Refused, syncproto.CodeForbidden)
}

func erasedInOnePush(s *stage) {
	t, u, p := aThing(0), aThing(1), s.phone(ann)
	s.sync(p)
	bad := s.tool(p, fmt.Sprintf("UPDATE thing SET state = 'doing' WHERE id = '%s'; UPDATE thing SET name = 'of the erased' WHERE id = '%s'", u.id, t.id))
	over := s.edit(p, u, "state", "closed")
	s.erase(t)
	s.sync(p)
	s.became(bad, syncproto.Refused, syncproto.CodeForbidden)
	s.became(over, syncproto.Refused, syncproto.CodeState)
	s.items(0)
}

// refusedOfTwo writes one change about two things that is refused, and something that waits for it.
func (s *stage) refusedOfTwo(p *phone, u, t rowRef) (bad, over *made) {
	s.sync(p)
	bad = s.tool(p, fmt.Sprintf("UPDATE thing SET state = 'doing', grade = 'zz' WHERE id = '%s'; UPDATE thing SET name = 'first' WHERE id = '%s'", u.id, t.id))
	over = s.edit(p, u, "state", "closed")
	s.sync(p)
	s.became(bad, syncproto.Refused, syncproto.CodeInvalid)
	s.became(over, syncproto.Refused, syncproto.CodeWaits)
	return bad, over
}

func erasedBeforeMend(s *stage) {
	t, u, p := aThing(0), aThing(1), s.phone(ann)
	bad, over := s.refusedOfTwo(p, u, t)
	s.erase(t)
	mend := s.mend(p, bad, "state", "doing", "grade", "c")
	s.sync(p)
	s.became(mend, syncproto.Applied, "")
	s.became(over, syncproto.Applied, "")
	s.items(0)
	s.shows(u, "state", "closed", "grade", "c")
	s.shownOn(p, u, "state", "closed", "grade", "c")
}

func erasedBesideMend(s *stage) {
	t, u, p, q := aThing(0), aThing(1), s.phone(ann), s.phone(bob)
	s.sync(q)
	bad, over := s.refusedOfTwo(p, u, t)
	mend := s.mend(p, bad, "state", "doing", "grade", "c")
	s.sync(p)
	s.became(over, syncproto.Applied, "")
	beside := s.edit(q, u, "state", "doing") // of what it saw before
	s.erase(t)
	s.sync(q, p)
	s.became(beside, syncproto.Merged, "")
	s.became(over, syncproto.Merged, "")
	s.became(mend, syncproto.Applied, "") // the same hand wrote over it: nothing stands beside it
	s.items(0)
	s.shows(u, "state", "closed", "grade", "c")
	s.shownOn(p, u, "state", "closed", "grade", "c")
}
