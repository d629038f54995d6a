package sim

// Of rows that come from elsewhere.

var peopleHistories = []directed{
	{"row-of-another-village", "A row whose village nobody in the house knew anything of moves in: who holds the house gets it, later edits and all, and loses it again.", otherVillage},
}

func otherVillage(s *stage) {
	p, q := s.phone(ann), s.phone(dora)
	village := s.deskCreate(adminUser, "place", map[string]string{"parent": townships[1], "level": "village", "name": "远村"}) // nobody is from there
	group := s.deskCreate(adminUser, "place", map[string]string{"parent": string(village.id), "level": "group", "name": "远组"})
	home := s.deskCreate(adminUser, "household", map[string]string{"place": string(group.id), "code": "H9"})
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
