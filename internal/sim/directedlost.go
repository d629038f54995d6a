package sim

import (
	"slices"
	"strings"

	"minqing/server/admin"
)

// What a restore took away and only lost devices held: DESIGN section 6.

var lostHistories = []directed{
	{"lost-listed-by-name", "A phone is lost, then the server goes back behind its work: the phone is named as silent, what another had seen of its work is listed row by row and comes back on an administrator's word.", lostByName},
}

func lostByName(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.sync(p, q)
	s.backup()
	was := s.form(q, t).Values["name"].Str()
	s.edit(p, t, "name", "seen by another")
	r, _ := s.create(p, "thing", "household", households[0], "name", "made and seen")
	s.sync(p, q)
	s.edit(p, t, "newest", "seen by nobody")
	s.sync(p)
	s.shownOn(q, r, "name", "made and seen")
	id, _ := s.keyOf(p)
	p.retire() // it fell into the river
	s.tick(hour)
	s.restore()
	s.shows(t, "name", was)
	s.finds(1, func() { s.sync(q) })
	s.sync(q)
	desk := &admin.Desk{E: s.server.eng, As: "admin"}
	lost, err := desk.Lost(s.ctx())
	s.must(err, "list what is lost")
	s.want(!lost.Since.IsZero(), "nobody noticed that the database went back")
	var silent []string
	for _, d := range lost.Silent {
		silent = append(silent, string(d.ID))
	}
	s.want(slices.Equal(silent, []string{string(id)}), "silent are %v, must be %s", silent, id)
	s.want(len(lost.Rows) == 2, "lost are %+v, must be two rows", lost.Rows)
	for _, want := range []struct {
		row  rowRef
		told string
	}{{t, "seen by another"}, {r, "made and seen"}} {
		i := slices.IndexFunc(lost.Rows, func(x admin.LostRow) bool { return x.ID == want.row.id })
		s.want(i >= 0 && slices.ContainsFunc(lost.Rows[i].Cells, func(c admin.LostCell) bool { return strings.Contains(c.Told, want.told) }),
			"%q is not told of %s: %+v", want.told, want.row.id, lost.Rows)
		s.want(len(lost.Rows[i].Who) == 1 && lost.Rows[i].Who[0] != "", "%s was held by %v", want.row.id, lost.Rows[i].Who)
	}
	s.server.settle()
	s.tick(1000)
	back, err := desk.Retake(s.ctx(), nil)
	s.must(err, "take it back")
	s.server.settle()
	s.want(back.Accepted == 2 && len(back.Left) == 0, "taken back is %+v", back)
	s.sync(q)
	s.shows(t, "name", "seen by another")
	s.shows(r, "name", "made and seen")
	s.shownOn(q, r, "name", "made and seen")
	if lost, err = desk.Lost(s.ctx()); err != nil || len(lost.Rows) != 0 {
		s.want(false, "still lost are %+v, %v", lost, err)
	}
	s.items(0)
}
