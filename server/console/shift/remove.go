package shift

import (
	"cmp"
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
	Pieces int       // in how many parts they go
	Bars   []Bar     // why it cannot be: what it is still needed for
	Digest string

	order []*store.Row // as they are deleted: what lies beneath first
}

// piece is a part of a removal: all that lies beneath some rows, with them.
type piece struct {
	tops  []*store.Row
	order []*store.Row
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

// AtOnce is how many rows are deleted in one transaction, for which phones wait; mostRemoved how many one removal takes along, part by part: more are
// no household, and the page says what to do instead.
const (
	AtOnce      = 5000
	mostRemoved = 50000
)

// PreviewRemoval reckons what deleting a row would do.
func PreviewRemoval(tx *store.Tx, table string, id syncproto.RowID) (*Removal, error) {
	r := &Removal{Table: table, Row: id}
	rows, err := tx.Rows([]string{string(id)})
	if err != nil {
		return nil, err
	}
	bars, err := Bars(tx, table, []string{string(id)})
	if r.Bars = bars[string(id)]; err != nil || len(r.Bars) > 0 { // what lies beneath a whole village is not counted for nothing
		return r, err
	}
	if r.order, err = beneath(tx, rows); err != nil {
		return nil, err
	}
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
	r.Pieces = len(r.pieces(AtOnce))
	if err := r.holders(tx); err != nil {
		return nil, err
	}
	r.Digest, err = digestOf(r.order)
	return r, err
}

// beneath are rows with all that lives beneath them, what lies deepest first; not all of it where there is more than a removal takes along.
func beneath(tx *store.Tx, tops []*store.Row) ([]*store.Row, error) {
	order := slices.Clone(tops)
	for level := tops; len(level) > 0 && len(order) <= mostRemoved; {
		ids := make([]string, len(level))
		for i, x := range level {
			ids[i] = string(x.ID)
		}
		children, err := tx.Children(ids)
		if err != nil {
			return nil, err
		}
		level = slices.DeleteFunc(children, func(c *store.Row) bool { return c.Dead != 0 })
		order = append(order, level...)
	}
	slices.Reverse(order)
	return order, nil
}

func digestOf(rows []*store.Row) (string, error) {
	sum := sha256.New()
	for _, x := range rows {
		raw, err := json.Marshal([]any{x.ID, x.Label.Epoch, x.Label.Rev})
		if err != nil {
			return "", err
		}
		sum.Write(raw)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// pieces parts a removal so that none has many more rows than may go at once: what lies beneath one row right beneath the row itself stays together, as
// nothing outside it changes with it. The row itself goes with the last.
func (r *Removal) pieces(atOnce int) (out []piece) {
	if len(r.order) == 0 {
		return nil
	}
	self := r.order[len(r.order)-1]
	if len(r.order) <= atOnce {
		return []piece{{[]*store.Row{self}, r.order}}
	}
	top, size := map[syncproto.RowID]syncproto.RowID{}, map[syncproto.RowID]int{}
	var tops []*store.Row
	for _, x := range slices.Backward(r.order) { // those above first
		if x.Parent == r.Row {
			top[x.ID], tops = x.ID, append(tops, x)
		} else if x != self {
			top[x.ID] = top[x.Parent]
		}
		size[top[x.ID]]++
	}
	of, rows := map[syncproto.RowID]int{}, 0 // to which piece what lies beneath a row belongs
	for _, t := range tops {
		if n := size[t.ID]; len(out) == 0 || rows+n > atOnce {
			out, rows = append(out, piece{}), 0
		}
		of[t.ID], rows = len(out)-1, rows+size[t.ID]
		out[len(out)-1].tops = append(out[len(out)-1].tops, t)
	}
	last := len(out) - 1
	out[last].tops = []*store.Row{self}
	for _, x := range r.order {
		at := last
		if x != self {
			at = of[top[x.ID]]
		}
		out[at].order = append(out[at].order, x)
	}
	return out
}

// stands tells whether what lies beneath the tops of a piece is still what was shown of it.
func (p *piece) stands(tx *store.Tx) (bool, error) {
	ids := make([]string, len(p.tops))
	for i, t := range p.tops {
		ids[i] = string(t.ID)
	}
	tops, err := tx.Rows(ids)
	if err != nil {
		return false, err
	}
	tops = slices.DeleteFunc(tops, func(t *store.Row) bool { return t.Dead != 0 })
	slices.SortFunc(tops, func(a, b *store.Row) int { return cmp.Compare(a.ID, b.ID) })
	now, err := beneath(tx, tops)
	if err != nil {
		return false, err
	}
	is, err := digestOf(now)
	if err != nil {
		return false, err
	}
	was, err := digestOf(p.order)
	return is == was, err
}

// against are the questions that find what rows of a table are still needed for. A place goes only when it is empty, an account only when nobody ever
// worked with it: else it is ended.
var against = map[string][]struct{ what, query string }{
	"place": {{"places", "SELECT parent, COUNT(*) FROM place WHERE parent = ANY(?) GROUP BY parent"}, {"homes", "SELECT place, COUNT(*) FROM household WHERE place = ANY(?) GROUP BY place"},
		{"people", `SELECT place, COUNT(*) FROM "user" WHERE place = ANY(?) GROUP BY place`}, {"roles", "SELECT place, COUNT(*) FROM role WHERE place = ANY(?) GROUP BY place"},
		{"city", "SELECT id, COUNT(*) FROM place WHERE id = ANY(?) AND parent IS NULL GROUP BY id"}},
	"user": {{"work", "SELECT user_id, COUNT(*) FROM mq_change WHERE user_id = ANY(?) GROUP BY user_id"}, {"phones", "SELECT user_id, COUNT(*) FROM mq_device WHERE user_id = ANY(?) GROUP BY user_id"},
		{"contacts", `SELECT "user", COUNT(*) FROM assignment WHERE "user" = ANY(?) GROUP BY "user"`}, {"signedin", "SELECT user_id, COUNT(*) FROM mq_login WHERE user_id = ANY(?) AND password <> '' GROUP BY user_id"},
		{"signedin", "SELECT user_id, COUNT(*) FROM mq_subject WHERE user_id = ANY(?) GROUP BY user_id"}}, // by the provider of identities
}

// Bars finds what speaks against deleting rows of a table, by row.
func Bars(tx *store.Tx, table string, ids []string) (map[string][]Bar, error) {
	out := map[string][]Bar{}
	if len(ids) == 0 {
		return out, nil
	}
	for _, a := range against[table] {
		if err := tx.Each(func(scan func(...any) error) error {
			var id string
			b := Bar{What: a.what}
			err := scan(&id, &b.N)
			if !slices.ContainsFunc(out[id], func(x Bar) bool { return x.What == b.What }) {
				out[id] = append(out[id], b)
			}
			return err
		}, a.query, ids); err != nil {
			return nil, err
		}
	}
	return out, nil
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
