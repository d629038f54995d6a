package store

import (
	"slices"

	"minqing/syncproto"
)

// Erase empties what the database holds of rows' words: their history, the changes that touched them, inbox items, salts of the chain's
// records; and the refused changes that RefusedNaming found for them. It tells how many changes were emptied. The rows must be dead already;
// Shred, once it is committed, clears the free space.
func (tx *Tx) Erase(rows []*Row, refused []syncproto.Identity, by syncproto.UserID, reason string) (int, error) {
	ids := idsOf(rows)
	var marks [][]any
	for _, r := range rows {
		marks = append(marks, []any{string(r.ID), r.Table, tx.now, string(by), reason})
	}
	list := make([]string, len(refused))
	for i, id := range refused {
		list[i] = string(id)
	}
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		list = append(list, id)
		return err
	}, "SELECT DISTINCT identity FROM mq_history WHERE row_id = ANY(?)", ids); err != nil {
		return 0, err
	}
	slices.Sort(list)
	list = slices.Compact(list)
	for _, q := range []struct {
		query string
		among []string
	}{
		{"UPDATE mq_history SET cells = '' WHERE row_id = ANY(?)", ids},
		{"UPDATE mq_item SET heads = '{}', base = '{}' WHERE row_id = ANY(?)", ids},
		{"UPDATE mq_item SET outcome = '{}' WHERE outcome <> '' AND row_id = ANY(?)", ids},
		// Of twins either may be meant by what was said.
		{"UPDATE mq_item SET heads = '{}', base = '{}' WHERE kind = 'twin' AND other = ANY(?)", ids},
		{"UPDATE mq_item SET outcome = '{}' WHERE kind = 'twin' AND outcome <> '' AND other = ANY(?)", ids},
		{"UPDATE mq_change SET body = " + tx.emptyBody() + " WHERE identity = ANY(?)", list},
		{"DELETE FROM mq_testimony WHERE row_id = ANY(?)", ids},
		{"UPDATE mq_chain SET salt = '' WHERE identity = ANY(?)", list},
	} {
		if err := tx.Exec(q.query, q.among); err != nil {
			return 0, err
		}
	}
	// The reasons of decisions about the rows went with the outcomes; records tell of them under the items' ids.
	if err := tx.Exec(`UPDATE mq_chain SET salt = '' WHERE kind >= 'decided ' AND kind < 'decided!' AND substr(kind, 1, 17) = 'decided reasoned '
		AND substr(kind, 18, 36) IN (SELECT id FROM mq_item WHERE row_id = ANY(?) OR kind = 'twin' AND other = ANY(?))`, ids, ids); err != nil {
		return 0, err
	}
	if err := tx.SetMeta(metaShred, "due"); err != nil {
		return 0, err
	}
	return len(list), tx.insertMany("mq_erased", "row_id,tbl,at,by_user,reason", "text,text,bigint,text,text", "ON CONFLICT DO NOTHING", marks)
}

// RefusedNaming lists the refused changes that name one of some rows, wherever in their words: they are in no history.
func (tx *Tx) RefusedNaming(rows []*Row) ([]syncproto.Identity, error) {
	var out []syncproto.Identity
	for _, id := range idsOf(rows) {
		if err := tx.Each(func(scan func(...any) error) error {
			var of syncproto.Identity
			err := scan(&of)
			out = append(out, of)
			return err
		}, "SELECT identity FROM mq_change WHERE status = 'refused' AND "+tx.bodyText()+" LIKE ?", "%"+id+"%"); err != nil {
			return nil, err
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func idsOf(rows []*Row) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = string(r.ID)
	}
	return out
}

func (tx *Tx) bodyText() string {
	if tx.ses.dialect == postgresDialect {
		return "convert_from(body, 'UTF8')"
	}
	return "CAST(body AS TEXT)"
}

func (tx *Tx) emptyBody() string {
	if tx.ses.dialect == postgresDialect {
		return "''::bytea"
	}
	return "x''"
}

// Erased tells which of some rows were erased by law.
func (tx *Tx) Erased(ids []string) (map[syncproto.RowID]bool, error) {
	out := map[syncproto.RowID]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.RowID
		err := scan(&id)
		out[id] = true
		return err
	}, "SELECT row_id FROM mq_erased WHERE row_id = ANY(?)", ids)
	return out, err
}

// metaHorizon is the key of mq_meta that says up to when marks were swept.
const metaHorizon = "horizon_ms"

// Sweep drops the marks of rows that died or left a scope before a moment of server time; their history stays. Who has not synced since
// must have its buckets compared by digest (see Horizon). A mark stays while something hangs on it: a row beneath, which may live on and
// lies where it lies by way of the dead one; an open item, which somebody may decide so that the row lives again.
func (tx *Tx) Sweep(before int64) (rows, marks int64, err error) {
	for dropped := int64(1); dropped > 0; rows += dropped { // from below: a mark falls free when those beneath are gone
		if dropped, err = tx.Affected(`DELETE FROM mq_row WHERE dead > 0 AND dead < ? AND NOT EXISTS (SELECT 1 FROM mq_row c WHERE c.parent = mq_row.id)
			AND NOT EXISTS (SELECT 1 FROM mq_item i WHERE i.row_id = mq_row.id AND i.closed_ms = 0)`, before); err != nil {
			return 0, 0, err
		}
	}
	// A mark has no time of its own; the history knows when a seq was given.
	marks, err = tx.Affected(`DELETE FROM mq_left WHERE seq <= (SELECT COALESCE(MAX(h.seq), 0) FROM mq_history h
		WHERE h.stream = mq_left.stream AND h.received < ?)`, before)
	if err != nil {
		return 0, 0, err
	}
	if err := tx.Exec("DELETE FROM mq_moved WHERE until_ms < ?", before); err != nil {
		return 0, 0, err
	}
	for _, fold := range []func() error{tx.foldRights, tx.foldOverview} {
		if err := fold(); err != nil {
			return 0, 0, err
		}
	}
	have, err := tx.metaInt(metaHorizon)
	if err != nil {
		return 0, 0, err
	}
	return rows, marks, tx.SetMeta(metaHorizon, formatInt(max(int64(have), before)))
}

// Horizon is the moment before which marks may be missing, 0 while none were dropped.
func (tx *Tx) Horizon() (int64, error) {
	n, err := tx.metaInt(metaHorizon)
	return int64(n), err
}
