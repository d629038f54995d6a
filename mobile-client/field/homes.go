package field

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// Line is a household in the list of all.
type Line struct {
	Home
	Last string // the day of its last visit, by whoever; "" if there was none
	Did  int    // days of this month on which the user was there
	Lack int    // visits still to be made this month
}

// List is a part of the households on this phone: those that the user contacts, and a secretary's village.
type List struct {
	All   int
	Found int // of them, what the query finds
	Lines []Line
}

// Homes lists the households on this phone that a query finds (all of them for ""), by place and code, from one on and at most so many.
func Homes(v *replica.View, me syncproto.UserID, day, query string, from, most int) (*List, error) {
	p, err := loadPlaces(v)
	if err != nil {
		return nil, err
	}
	out := &List{}
	if _, err := v.One(`SELECT count(*) FROM mq_find`, nil, &out.All); err != nil {
		return nil, err
	}
	found, err := matching(v, query)
	if err != nil {
		return nil, err
	}
	out.Found = len(found)
	out.Lines, err = lines(v, p, string(me), day, p.part(found, nil, from, most))
	return out, err
}

// part puts households in the order in which people live, by how urgent each is where that is told, and gives those from one on, at most so many.
// A group with something more urgent than the quota comes before those without. Only the groups that it reaches into are put in order: a letter
// finds everybody, and a page shows sixty.
func (p places) part(found []entry, why func(entry) Reason, from, most int) (out []entry) {
	if why == nil {
		why = func(entry) Reason { return Quota }
	}
	type member struct {
		entry
		why Reason
	}
	groups, calm := map[string][]member{}, map[string]int{}
	for _, e := range found {
		m := member{e, why(e)}
		list := groups[e.group]
		if len(list) == 0 || m.why < Quota {
			calm[e.group] = cmp.Compare(m.why, Quota)
		}
		groups[e.group] = append(list, m)
	}
	rank := p.ranks()
	skip := max(0, from)
	for _, g := range slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(calm[a], calm[b]), cmp.Compare(rank[a], rank[b]), cmp.Compare(a, b))
	}) {
		list := groups[g]
		if skip >= len(list) {
			skip -= len(list)
			continue
		}
		slices.SortFunc(list, func(a, b member) int {
			return cmp.Or(cmp.Compare(a.why, b.why), cmp.Compare(a.order, b.order), cmp.Compare(a.row, b.row))
		})
		for _, m := range list[skip:] {
			if len(out) == most {
				return out
			}
			out = append(out, m.entry)
		}
		skip = 0
	}
	return out
}

// Neighbours are the households on this phone other than one, to be chosen from: those of its own group first, then the others as people live; at
// most so many, and in any case those that are to be kept.
func Neighbours(v *replica.View, of syncproto.RowID, keep []string, most int) (out []Home, err error) {
	p, err := loadPlaces(v)
	if err != nil {
		return nil, err
	}
	all, err := matching(v, "")
	if err != nil {
		return nil, err
	}
	group := ""
	for _, e := range all {
		if e.row == string(of) {
			group = e.group
		}
	}
	var near, far, kept []entry
	for _, e := range all {
		switch {
		case e.row == string(of):
		case e.group == group:
			near = append(near, e)
		default:
			far = append(far, e)
		}
	}
	list := p.part(near, nil, 0, most)
	list = append(list, p.part(far, nil, 0, most-len(list))...)
	for _, e := range all {
		if slices.Contains(keep, e.row) && !slices.Contains(list, e) {
			kept = append(kept, e)
		}
	}
	ids := make([]string, 0, len(list)+len(kept))
	for _, e := range append(list, kept...) {
		ids = append(ids, e.row)
	}
	raw, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	var h Home
	err = v.Each(`SELECT h.id, coalesce(h.head, ''), coalesce(h.code, ''), coalesce(h.place, '') FROM json_each(?) j CROSS JOIN household h ON h.id = j.value ORDER BY j.key`,
		[]any{string(raw)}, []any{&h.ID, &h.Head, &h.Code, &h.place}, func() error {
			h.Group = p.group(h.place)
			out = append(out, h)
			return nil
		})
	return out, err
}

// ranks number the places in their order; what is no place comes first.
func (p places) ranks() map[string]int {
	ids := make([]string, 0, len(p))
	for id := range p {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, p.byPlace)
	out := make(map[string]int, len(ids))
	for i, id := range ids {
		out[id] = i + 1
	}
	return out
}

// lines are households as lists show them, in the order given.
func lines(v *replica.View, p places, me, day string, list []entry) ([]Line, error) {
	quota, err := loadQuota(v, p)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.row
	}
	raw, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	var out []Line
	var l Line
	var address string
	err = v.Each(`SELECT h.id, coalesce(h.head, ''), coalesce(h.code, ''), coalesce(h.address, ''), coalesce(h.place, ''),
		coalesce((SELECT min(a.team) FROM assignment a WHERE a."user" = ?2 AND a.household = h.id AND coalesce(a.since, '') <= ?3 AND (a.until IS NULL OR a.until >= ?3)), ''),
		coalesce((SELECT max(day) FROM visit WHERE household = h.id AND day <= ?3), ''),
		(SELECT count(DISTINCT day) FROM visit WHERE household = h.id AND day BETWEEN ?4 AND ?3 AND author = ?2)
		FROM json_each(?1) j CROSS JOIN household h ON h.id = j.value ORDER BY j.key`,
		[]any{string(raw), me, day, day[:8] + "01"}, []any{&l.ID, &l.Head, &l.Code, &address, &l.place, &l.team, &l.Last, &l.Did}, func() error {
			l.Group, l.Door = p.group(l.place), p.door(l.place, address)
			l.Lack = max(0, quota.of(l.team, l.place)-l.Did)
			out = append(out, l)
			return nil
		})
	return out, err
}
