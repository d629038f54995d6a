package register

import (
	"slices"

	"minqing/schema"
	"minqing/server/store"
)

// StreamOf is the place in whose stream lies what is of a place: the nearest above it that has one, itself included; "" for none.
func StreamOf(tx *store.Tx, place string) (string, error) {
	if place == "" {
		return "", nil
	}
	rows, err := tx.RowsAbove([]string{place})
	if err != nil {
		return "", err
	}
	up, ids := map[string]string{}, []string{}
	for _, r := range rows {
		up[string(r.ID)], ids = string(r.Parent), append(ids, string(r.ID))
	}
	has := map[string]bool{}
	if err := tx.Each(func(scan func(...any) error) error {
		var id, level string
		err := scan(&id, &level)
		has[id] = schema.HasStream(level)
		return err
	}, "SELECT id, COALESCE("+schema.PlaceLevel+", '') FROM place WHERE id = ANY(?)", ids); err != nil {
		return "", err
	}
	var seen []string
	for at := place; at != "" && !slices.Contains(seen, at); at = up[at] {
		if has[at] {
			return at, nil
		}
		seen = append(seen, at)
	}
	return "", nil
}
