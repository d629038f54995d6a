package store

// PlacesBeneath lists a place and every place under it, in no order: by id alone, as who asks by them needs no more, and a township has a
// thousand.
func (tx *Tx) PlacesBeneath(place string) (ids []string, err error) {
	query := "SELECT place FROM mq_above WHERE above = ?"
	if !hasOverview(tx.Book()) {
		query = `WITH RECURSIVE down(id, depth) AS (SELECT id, 0 FROM place WHERE id = ?
			UNION ALL SELECT p.id, down.depth + 1 FROM down JOIN place p ON p.parent = down.id WHERE down.depth < 32) SELECT DISTINCT id FROM down`
	}
	err = tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, query, place)
	return ids, err
}
