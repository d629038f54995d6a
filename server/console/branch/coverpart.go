package branch

import (
	"slices"
	"strings"

	"minqing/server/store"
)

// LookHomes bounds how many households one part of a large place's table looks through: so many whose standing is reckoned, or, where only
// those that nobody calls on are asked for, so many of whom that is asked.
const (
	LookHomes  = 1000
	lookNobody = 1500
)

// CoverPart is a part of the table of a place that is too large for one picture: its households place by place, those that stand as asked.
// After is where the next part begins, "" at the end; a part may be short, or empty, though others follow.
func CoverPart(tx *store.Tx, place string, only []Standing, after, day string, n int) (list []*Home, next string, err error) {
	at, home, _ := strings.Cut(after, ".")
	look, nobody := LookHomes, len(only) == 1 && only[0] == Nobody
	if nobody {
		look = lookNobody
	}
	type found struct {
		place, id string
		held      int64
	}
	var all []found
	if err := tx.Each(func(scan func(...any) error) error {
		var f found
		err := scan(&f.place, &f.id, &f.held)
		all = append(all, f)
		return err
	}, `SELECT a.place, h.id, COALESCE((SELECT 1 FROM assignment s JOIN "user" u ON u.id = s."user" WHERE s.household = h.id AND COALESCE(s.since, '') <= ? AND (s.until IS NULL OR s.until >= ?)
			AND (u.ended IS NULL OR u.ended >= ?) LIMIT 1), 0)
		FROM mq_above a CROSS JOIN household h WHERE a.above = ? AND a.place >= ? AND h.place = a.place AND (a.place > ? OR h.id > ?) ORDER BY a.place, h.id LIMIT ?`,
		day, day, day, place, at, at, home, int64(look)); err != nil {
		return nil, "", err
	}
	order, ids := map[string]int{}, []string{}
	for i, f := range all {
		if !nobody || f.held == 0 {
			order[f.id], ids = i, append(ids, f.id)
		}
	}
	r, err := standings(tx, "h.id", ids, day)
	if err != nil {
		return nil, "", err
	}
	c, err := covered(tx, r, place)
	if err != nil {
		return nil, "", err
	}
	list = c.List(only, "")
	slices.SortFunc(list, func(a, b *Home) int { return order[string(a.ID)] - order[string(b.ID)] })
	switch {
	case len(list) > n:
		list = list[:n]
		last := all[order[string(list[n-1].ID)]]
		next = last.place + "." + last.id
	case len(all) == look:
		next = all[look-1].place + "." + all[look-1].id
	}
	return list, next, nil
}
