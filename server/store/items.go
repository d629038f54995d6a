package store

import "minqing/syncproto"

// Item is one record of the inbox.
type Item struct {
	ID      string
	Kind    syncproto.ItemKind
	Table   string
	Row     syncproto.RowID
	Cell    string          // "" for twins and late work
	Other   syncproto.RowID // the second row of a twin, the dead parent of a living child
	Scope   string
	Stream  string
	Opened  int64
	Closed  int64  // 0: open
	Heads   []byte // JSON, as judge writes it: the heads with values, authors and times
	Base    []byte // JSON: the value that all heads had seen
	By      syncproto.UserID
	Outcome []byte // JSON, as judge writes it; empty while open
}

// Items reads inbox items by a condition over mq_item (“closed_ms = 0 AND scope = ANY(?) ORDER BY opened_ms, id”).
func (tx *Tx) Items(where string, args ...any) ([]*Item, error) {
	var out []*Item
	err := tx.Each(func(scan func(...any) error) error {
		var it Item
		var heads, base, outcome string
		if err := scan(&it.ID, &it.Kind, &it.Table, &it.Row, &it.Cell, &it.Other, &it.Scope, &it.Stream, &it.Opened, &it.Closed, &heads, &base,
			&it.By, &outcome); err != nil {
			return wrap("scan mq_item", err)
		}
		it.Heads, it.Base, it.Outcome = []byte(heads), []byte(base), []byte(outcome)
		out = append(out, &it)
		return nil
	}, "SELECT id, kind, tbl, row_id, cell, other, scope, stream, opened_ms, closed_ms, heads, base, decided_by, outcome FROM mq_item WHERE "+where, args...)
	return out, err
}

// SaveItems writes items whole.
func (tx *Tx) SaveItems(items []*Item) error {
	out := make([][]any, len(items))
	for i, it := range items {
		out[i] = []any{it.ID, string(it.Kind), it.Table, string(it.Row), it.Cell, string(it.Other), it.Scope, it.Stream, it.Opened, it.Closed,
			string(it.Heads), string(it.Base), string(it.By), string(it.Outcome)}
	}
	return tx.insertMany("mq_item", "id,kind,tbl,row_id,cell,other,scope,stream,opened_ms,closed_ms,heads,base,decided_by,outcome",
		"text,text,text,text,text,text,text,text,bigint,bigint,text,text,text,text",
		`ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, cell = excluded.cell, other = excluded.other, scope = excluded.scope, closed_ms = excluded.closed_ms, heads = excluded.heads,
		base = excluded.base, decided_by = excluded.decided_by, outcome = excluded.outcome`, out)
}

// Grant is one interval of server time in which a user could see a household scope, by one assignment or role row.
type Grant struct {
	User   syncproto.UserID
	Scope  string
	Source syncproto.RowID
	Since  int64 // Unix ms, inclusive
	Until  int64 // exclusive; Forever while no end is known
}

// Forever is the end of a grant that has none.
const Forever = int64(1) << 62

// Grants reads grants by a condition over mq_grant (“source = ANY(?)”).
func (tx *Tx) Grants(where string, args ...any) ([]Grant, error) {
	var out []Grant
	err := tx.Each(func(scan func(...any) error) error {
		var g Grant
		if err := scan(&g.User, &g.Scope, &g.Source, &g.Since, &g.Until); err != nil {
			return wrap("scan mq_grant", err)
		}
		out = append(out, g)
		return nil
	}, "SELECT user_id, scope, source, since_ms, until_ms FROM mq_grant WHERE "+where, args...)
	return out, err
}

// SaveGrants writes grants; one that ends where it begins, or before, is removed.
func (tx *Tx) SaveGrants(grants []Grant) error {
	var keep [][]any
	for _, g := range grants {
		if g.Until <= g.Since {
			if err := tx.Exec("DELETE FROM mq_grant WHERE user_id = ? AND scope = ? AND source = ? AND since_ms = ?",
				string(g.User), g.Scope, string(g.Source), g.Since); err != nil {
				return err
			}
			continue
		}
		keep = append(keep, []any{string(g.User), g.Scope, string(g.Source), g.Since, g.Until})
	}
	return tx.insertMany("mq_grant", "user_id,scope,source,since_ms,until_ms", "text,text,text,bigint,bigint",
		"ON CONFLICT (user_id, scope, source, since_ms) DO UPDATE SET until_ms = excluded.until_ms", keep)
}
