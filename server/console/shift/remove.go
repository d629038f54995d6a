package shift

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Removal is a row that is deleted, with all that lies beneath it.
type Removal struct {
	Effect
	Table  string
	Row    syncproto.RowID
	Hangs  []Hanging // what lies beneath it, by table
	Rows   int       // the row itself among them
	Bars   []Bar     // why it cannot be: what it is still needed for
	Digest string

	order []*store.Row // as they are deleted: what lies beneath first
}

// Hanging is how many rows of a table lie beneath one.
type Hanging struct {
	Table string
	N     int
}

// Bar is something that speaks against deleting a row, with how many there are of it: children, homes, people, roles of a place; work, phones,
// contacts, items of an account.
type Bar struct {
	What string
	N    int64
}

// mostRemoved is how many rows one removal takes along: more are no household, and the page says what to do instead.
const mostRemoved = 5000

// PreviewRemoval reckons what deleting a row would do.
func PreviewRemoval(tx *store.Tx, table string, id syncproto.RowID) (*Removal, error) {
	r := &Removal{Table: table, Row: id}
	rows, err := tx.Rows([]string{string(id)})
	if err != nil {
		return nil, err
	}
	if err := r.bars(tx); err != nil || len(r.Bars) > 0 { // what lies beneath a whole village is not counted for nothing
		return r, err
	}
	r.order = slices.Clone(rows)
	for level := rows; len(level) > 0 && len(r.order) <= mostRemoved; {
		ids := make([]string, len(level))
		for i, x := range level {
			ids[i] = string(x.ID)
		}
		children, err := tx.Children(ids)
		if err != nil {
			return nil, err
		}
		level = slices.DeleteFunc(children, func(c *store.Row) bool { return c.Dead != 0 })
		r.order = append(r.order, level...)
	}
	slices.Reverse(r.order)
	for _, t := range tx.Book().Tables() {
		n := 0
		for _, x := range r.order {
			if x.Table == t.Name && x.ID != id {
				n++
			}
		}
		if n > 0 {
			r.Hangs = append(r.Hangs, Hanging{t.Name, n})
		}
	}
	if r.Rows = len(r.order); r.Rows > mostRemoved {
		r.Bars = append(r.Bars, Bar{"many", mostRemoved})
	}
	if err := r.holders(tx); err != nil {
		return nil, err
	}
	sum := sha256.New()
	for _, x := range r.order {
		raw, err := json.Marshal([]any{x.ID, x.Label.Epoch, x.Label.Rev})
		if err != nil {
			return nil, err
		}
		sum.Write(raw)
	}
	r.Digest = hex.EncodeToString(sum.Sum(nil))
	return r, nil
}

// bars finds what speaks against it. A place goes only when it is empty, an account only when nobody ever worked with it: else it is ended.
func (r *Removal) bars(tx *store.Tx) error {
	id := string(r.Row)
	asks := map[string][]struct{ what, query string }{
		"place": {{"places", "SELECT COUNT(*) FROM place WHERE parent = ?"}, {"homes", "SELECT COUNT(*) FROM household WHERE place = ?"},
			{"people", `SELECT COUNT(*) FROM "user" WHERE place = ?`}, {"roles", "SELECT COUNT(*) FROM role WHERE place = ?"}, {"city", "SELECT COUNT(*) FROM place WHERE id = ? AND parent IS NULL"}},
		"user": {{"work", "SELECT COUNT(*) FROM mq_change WHERE user_id = ?"}, {"phones", "SELECT COUNT(*) FROM mq_device WHERE user_id = ?"},
			{"contacts", `SELECT COUNT(*) FROM assignment WHERE "user" = ?`}, {"signedin", "SELECT COUNT(*) FROM mq_login WHERE user_id = ? AND password <> ''"}},
	}
	for _, a := range asks[r.Table] {
		var n int64
		if _, err := tx.One(a.query, []any{id}, &n); err != nil {
			return err
		}
		if n > 0 {
			r.Bars = append(r.Bars, Bar{a.what, n})
		}
	}
	return nil
}

// holders are those on whose phones the row lies.
func (r *Removal) holders(tx *store.Tx) error {
	home := ""
	for _, x := range r.order {
		if x.ID == r.Row {
			if kind, of := schema.SplitScope(x.Scope); kind == "household" {
				home = "household:" + of
			}
		}
	}
	if home == "" {
		return nil
	}
	if err := tx.Each(func(scan func(...any) error) error {
		p := &Person{Holds: true}
		err := scan(&p.id, &p.Name, &p.Login)
		if p.Loses.Rows = r.Rows; r.Table == "household" {
			p.Loses.Homes = 1
		}
		r.People = append(r.People, p)
		return err
	}, `SELECT DISTINCT g.user_id, COALESCE(u.name, ''), COALESCE(u.login, '') FROM mq_grant g JOIN "user" u ON u.id = g.user_id
		WHERE g.scope = ? AND g.since_ms <= ? AND g.until_ms > ? ORDER BY 2, 1`, home, tx.Now(), tx.Now()); err != nil {
		return err
	}
	if err := r.phones(tx); err != nil {
		return err
	}
	r.Unsent = 0
	for _, p := range r.People {
		for _, d := range p.Phones {
			r.Unsent += d.Waiting
		}
	}
	return nil
}
