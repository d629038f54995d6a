package branch

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"minqing/server/store"
)

// LookHomes bounds how many households one part of a large place's table looks through.
const LookHomes = 1000

// CoverPart is a part of the table of a place that is too large for one picture: its households place by place, those that stand as asked.
// After is where the next part begins, "" at the end; a part may be short, or empty, though others follow.
func CoverPart(tx *store.Tx, place string, only []Standing, after, day string, n int) (list []*Home, next string, err error) {
	nobody := len(only) == 1 && only[0] == Nobody
	all, held, err := partOf(tx, place, after, LookHomes, nobody, day)
	if err != nil {
		return nil, "", err
	}
	order, ids := map[string]int{}, []string{}
	for i, f := range all {
		if !nobody || !held[f.id] {
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
	case len(all) == LookHomes:
		next = all[LookHomes-1].place + "." + all[LookHomes-1].id
	}
	return list, next, nil
}

type placedHome struct{ place, id string }

// partOf are so many households of a place behind a key, place by place; and, where that is asked, which of them somebody calls on.
func partOf(tx *store.Tx, place, after string, n int, whom bool, day string) (all []placedHome, held map[string]bool, err error) {
	at, home, _ := strings.Cut(after, ".")
	const part = `SELECT a.place, h.id FROM mq_above a CROSS JOIN household h WHERE a.above = ? AND a.place >= ? AND h.place = a.place AND (a.place > ? OR h.id > ?)
		ORDER BY a.place, h.id LIMIT ?`
	args := []any{place, at, at, home, int64(n)}
	if !whom {
		return all, nil, tx.Each(func(scan func(...any) error) error {
			var f placedHome
			err := scan(&f.place, &f.id)
			all = append(all, f)
			return err
		}, part, args...)
	}
	// Few people call on many: whether they still hold an account is asked of each once, not for each household.
	by, users := map[string][]string{}, map[string]bool{}
	if err := tx.Each(func(scan func(...any) error) error {
		var f placedHome
		var user string
		if err := scan(&f.place, &f.id, &user); err != nil {
			return err
		}
		if len(by[f.id]) == 0 {
			all = append(all, f)
		}
		by[f.id], users[user] = append(by[f.id], user), true
		return nil
	}, `WITH part AS MATERIALIZED (`+part+`) SELECT p.place, p.id, COALESCE(s."user", '') FROM part p LEFT JOIN assignment s
		ON s.household = p.id AND COALESCE(s.since, '') <= ? AND (s.until IS NULL OR s.until >= ?)`, append(args, day, day)...); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(all, func(a, b placedHome) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.id, b.id)) })
	here := map[string]bool{}
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		here[id] = true
		return err
	}, `SELECT id FROM "user" WHERE id = ANY(?) AND (ended IS NULL OR ended >= ?)`, slices.Sorted(maps.Keys(users)), day); err != nil {
		return nil, nil, err
	}
	held = map[string]bool{}
	for id, list := range by {
		held[id] = slices.ContainsFunc(list, func(u string) bool { return here[u] })
	}
	return all, held, nil
}
