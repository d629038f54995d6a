package entitle

import (
	"maps"
	"slices"

	"minqing/server/store"
)

// up is the question for the chain above places. Its depth is bounded, as two administrators may between them have made a
// circle; UNION would not end it, the depth being part of the row.
const up = `WITH RECURSIVE up(start, id, depth) AS (
	SELECT id, id, 0 FROM place WHERE id = ANY(?)
	UNION ALL SELECT up.start, (SELECT p.parent FROM place p WHERE p.id = up.id), up.depth + 1 FROM up WHERE up.id IS NOT NULL AND up.depth < 32)
	SELECT start, id FROM up WHERE id IS NOT NULL ORDER BY start, depth`

// chains gives for each place itself and the places above it, nearest first.
func chains(tx *store.Tx, places []string) (map[string][]string, error) {
	out := map[string][]string{}
	if len(places) == 0 {
		return out, nil
	}
	err := tx.Each(func(scan func(...any) error) error {
		var start, id string
		if err := scan(&start, &id); err != nil {
			return err
		}
		if !slices.Contains(out[start], id) {
			out[start] = append(out[start], id)
		}
		return nil
	}, up, unique(places))
	return out, err
}

// down is the question for everything beneath places, themselves included.
const down = `WITH RECURSIVE down(id, depth) AS (
	SELECT id, 0 FROM place WHERE id = ANY(?)
	UNION ALL SELECT p.id, down.depth + 1 FROM down JOIN place p ON p.parent = down.id WHERE down.depth < 32)
	SELECT DISTINCT id FROM down`

func beneath(tx *store.Tx, places []string) ([]string, error) {
	return texts(tx, down, unique(places))
}

// texts runs a query for one column of texts.
func texts(tx *store.Tx, query string, args ...any) ([]string, error) {
	var out []string
	err := tx.Each(func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		out = append(out, s)
		return err
	}, query, args...)
	return out, err
}

// pairs runs a query for two columns of texts.
func pairs(tx *store.Tx, query string, args ...any) (map[string]string, error) {
	out := map[string]string{}
	err := tx.Each(func(scan func(...any) error) error {
		var a, b string
		err := scan(&a, &b)
		out[a] = b
		return err
	}, query, args...)
	return out, err
}

// unique sorts and drops repetitions and empty texts.
func unique(in []string) []string {
	set := map[string]bool{}
	for _, s := range in {
		if s != "" {
			set[s] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
