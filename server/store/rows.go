package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// Row is what the server knows of a row beside its values: one record of mq_row.
type Row struct {
	ID     syncproto.RowID
	Table  string
	Parent syncproto.RowID // "" for none
	Stream string          // id of the place whose stream it was born in
	Scope  string
	Period string
	Label  syncproto.Label // of its newest accepted change
	Seq    int64           // in Stream, of what last touched it: a change, or a move above it
	Dead   int64           // server time of the deletion, Unix ms; 0: living
	Alias  syncproto.RowID // the twin that it was merged into, "" for none
	// State is what merge needs to take a plain edit without the row's history.
	State merge.State
	// Open names the cells with an open item, and the versions whose value shows meanwhile: it travels with the row.
	Open map[string][]syncproto.Identity
}

const rowColumns = "id, tbl, parent, stream, scope, period, epoch, rev, seq, dead, alias, state, open"

func scanRow(scan func(...any) error) (*Row, error) {
	var r Row
	var rev int64
	var state, open string
	if err := scan(&r.ID, &r.Table, &r.Parent, &r.Stream, &r.Scope, &r.Period, &r.Label.Epoch, &rev, &r.Seq, &r.Dead, &r.Alias, &state, &open); err != nil {
		return nil, wrap("scan mq_row", err)
	}
	r.Label.Rev = uint64(rev)
	var err error
	if r.State, err = merge.ParseState(state); err != nil {
		return nil, fmt.Errorf("store: state of row %s: %w", r.ID, err)
	}
	return &r, r.setOpen(open)
}

func (tx *Tx) rows(where string, args ...any) ([]*Row, error) {
	var out []*Row
	err := tx.Each(func(scan func(...any) error) error {
		r, err := scanRow(scan)
		out = append(out, r)
		return err
	}, "SELECT "+rowColumns+" FROM mq_row WHERE "+where, args...)
	return out, err
}

// shown reads of rows what a device is sent beside their values: all but Parent, Alias and State, which cost as much to read as the rest.
func (tx *Tx) shown(where string, args ...any) ([]*Row, error) {
	var out []*Row
	err := tx.Each(func(scan func(...any) error) error {
		var r Row
		var rev int64
		var open string
		if err := scan(&r.ID, &r.Table, &r.Stream, &r.Scope, &r.Period, &r.Label.Epoch, &rev, &r.Seq, &r.Dead, &open); err != nil {
			return wrap("scan mq_row", err)
		}
		r.Label.Rev = uint64(rev)
		out = append(out, &r)
		return r.setOpen(open)
	}, "SELECT id, tbl, stream, scope, period, epoch, rev, seq, dead, open FROM mq_row WHERE "+where, args...)
	return out, err
}

func (r *Row) setOpen(open string) error {
	if open == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(open), &r.Open); err != nil {
		return fmt.Errorf("store: open cells of row %s: %w", r.ID, err)
	}
	return nil
}

// Rows reads rows by id, dead ones too; those that are not there are missing from the answer.
func (tx *Tx) Rows(ids []string) ([]*Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.rows("id = ANY(?)", ids)
}

// ShownRows is Rows without Parent, Alias and State.
func (tx *Tx) ShownRows(ids []string) ([]*Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.shown("id = ANY(?)", ids)
}

// Children reads the rows right beneath the given ones, dead ones too.
func (tx *Tx) Children(parents []string) ([]*Row, error) {
	if len(parents) == 0 {
		return nil, nil
	}
	return tx.rows("parent = ANY(?) ORDER BY id", parents)
}

// MergedInto reads the dead rows that were merged right into the given ones.
func (tx *Tx) MergedInto(ids []string) ([]*Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.rows("alias = ANY(?) AND alias <> '' AND dead > 0 ORDER BY id", ids)
}

// BucketRows pages through the living rows of a bucket by id, without Parent, Alias and State.
func (tx *Tx) BucketRows(scope, period string, after syncproto.RowID, limit int) ([]*Row, error) {
	return tx.shown("scope = ? AND period = ? AND id > ? AND dead = 0 ORDER BY id LIMIT ?", scope, period, string(after), int64(limit))
}

// ChangedRows reads what a scope has of a stream after a seq and up to another, oldest first, dead rows too, without Parent, Alias and State.
func (tx *Tx) ChangedRows(scope, stream string, after, upTo int64, limit int) ([]*Row, error) {
	return tx.shown("scope = ? AND stream = ? AND seq > ? AND seq <= ? ORDER BY seq, id LIMIT ?", scope, stream, after, upTo, int64(limit))
}

// Left is the mark of a row that left a scope.
type Left struct {
	Scope, Stream string
	Seq           int64
	ID            syncproto.RowID
	Table         string
}

// LeftRows reads the marks of a scope in a stream after a seq and up to another, oldest first.
func (tx *Tx) LeftRows(scope, stream string, after, upTo int64) ([]Left, error) {
	var out []Left
	err := tx.Each(func(scan func(...any) error) error {
		l := Left{Scope: scope, Stream: stream}
		if err := scan(&l.Seq, &l.ID, &l.Table); err != nil {
			return err
		}
		out = append(out, l)
		return nil
	}, "SELECT seq, id, tbl FROM mq_left WHERE scope = ? AND stream = ? AND seq > ? AND seq <= ? ORDER BY seq, id", scope, stream, after, upTo)
	return out, err
}

// Moved says what a row lay beneath until a moment of server time.
type Moved struct {
	ID     syncproto.RowID
	Until  int64
	Parent syncproto.RowID
}

// MovedSince reads what rows lay beneath before they moved, for moves after a moment, oldest first.
func (tx *Tx) MovedSince(ids []string, after int64) ([]Moved, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var out []Moved
	err := tx.Each(func(scan func(...any) error) error {
		var m Moved
		err := scan(&m.ID, &m.Until, &m.Parent)
		out = append(out, m)
		return err
	}, "SELECT row_id, until_ms, parent FROM mq_moved WHERE row_id = ANY(?) AND until_ms > ? ORDER BY row_id, until_ms", ids, after)
	return out, err
}

// SaveMoved writes what rows lay beneath. Of several moves at one moment the first counts: nobody was shown what lay between.
func (tx *Tx) SaveMoved(moves []Moved) error {
	out := make([][]any, len(moves))
	for i, m := range moves {
		out[i] = []any{string(m.ID), m.Until, string(m.Parent)}
	}
	return tx.insertMany("mq_moved", "row_id,until_ms,parent", "text,bigint,text", "ON CONFLICT DO NOTHING", out)
}

// SaveRows writes rows whole.
func (tx *Tx) SaveRows(rows []*Row) error { return tx.writeRows(tx.insertMany, rows) }

// AddRows is SaveRows for rows that are not there yet.
func (tx *Tx) AddRows(rows []*Row) error { return tx.writeRows(tx.insertNew, rows) }

// inserter is insertMany or insertNew.
type inserter func(table, columns, types, conflict string, rows [][]any) error

func (tx *Tx) writeRows(insert inserter, rows []*Row) error {
	out := make([][]any, len(rows))
	for i, r := range rows {
		state, err := r.State.Format()
		if err != nil {
			return err
		}
		open := []byte(nil)
		if len(r.Open) > 0 {
			if open, err = json.Marshal(r.Open); err != nil {
				return err
			}
		}
		out[i] = []any{string(r.ID), r.Table, string(r.Parent), r.Stream, r.Scope, r.Period, string(r.Label.Epoch), int64(r.Label.Rev), r.Seq,
			r.Dead, string(r.Alias), state, string(open)}
	}
	return insert("mq_row", "id,tbl,parent,stream,scope,period,epoch,rev,seq,dead,alias,state,open",
		"text,text,text,text,text,text,text,bigint,bigint,bigint,text,text,text",
		`ON CONFLICT (id) DO UPDATE SET tbl = excluded.tbl, parent = excluded.parent, scope = excluded.scope, period = excluded.period,
		epoch = excluded.epoch, rev = excluded.rev, seq = excluded.seq, dead = excluded.dead, alias = excluded.alias, state = excluded.state, open = excluded.open`, out)
}

// SaveLeft writes marks.
func (tx *Tx) SaveLeft(marks []Left) error {
	out := make([][]any, len(marks))
	for i, l := range marks {
		out[i] = []any{l.Scope, l.Stream, l.Seq, string(l.ID), l.Table}
	}
	return tx.insertMany("mq_left", "scope,stream,seq,id,tbl", "text,text,bigint,text,text", "ON CONFLICT DO NOTHING", out)
}

// Values reads the values of living rows of a table, in schema order, by id.
func (tx *Tx) Values(table string, ids []string) (map[syncproto.RowID][]schema.Value, error) {
	t := tx.Book().Table(table)
	if t == nil || len(ids) == 0 {
		return nil, nil
	}
	return tx.valuesBy(t, "id", ids)
}

// ValuesWhere reads the living rows of a table whose column is among the given texts.
func (tx *Tx) ValuesWhere(table, column string, among []string) (map[syncproto.RowID][]schema.Value, error) {
	t := tx.Book().Table(table)
	if t == nil || len(among) == 0 {
		return nil, nil
	}
	return tx.valuesBy(t, column, among)
}

func (tx *Tx) valuesBy(t *schema.Table, column string, among []string) (map[syncproto.RowID][]schema.Value, error) {
	out := make(map[syncproto.RowID][]schema.Value, len(among))
	sc := schema.NewScanner(t)
	err := tx.Each(func(scan func(...any) error) error {
		if err := scan(sc.Dest()...); err != nil {
			return wrap("scan "+t.Name, err)
		}
		out[syncproto.RowID(sc.ID)] = slices.Clone(sc.Values)
		return nil
	}, "SELECT "+schema.Names(t)+" FROM "+schema.Quote(t.Name)+" WHERE "+schema.Quote(column)+" = ANY(?)", among)
	return out, err
}

// SaveValues writes whole rows of a table; values are in schema order.
func (tx *Tx) SaveValues(table string, rows map[syncproto.RowID][]schema.Value) error {
	return tx.writeValues(tx.insertMany, table, rows)
}

// AddValues is SaveValues for rows that are not there yet.
func (tx *Tx) AddValues(table string, rows map[syncproto.RowID][]schema.Value) error {
	return tx.writeValues(tx.insertNew, table, rows)
}

func (tx *Tx) writeValues(insert inserter, table string, rows map[syncproto.RowID][]schema.Value) error {
	t := tx.Book().Table(table)
	columns, types, sets := []string{schema.Quote("id")}, []string{"text"}, []string(nil)
	for i := range t.Columns {
		name := schema.Quote(t.Columns[i].Name)
		columns = append(columns, name)
		sets = append(sets, name+" = excluded."+name)
		if t.Columns[i].Type.Kind() == schema.KindInt {
			types = append(types, "bigint")
		} else {
			types = append(types, "text")
		}
	}
	ids := make([]string, 0, len(rows))
	for id := range rows {
		ids = append(ids, string(id))
	}
	slices.Sort(ids)
	out := make([][]any, len(ids))
	for i, id := range ids {
		out[i] = schema.Args(id, rows[syncproto.RowID(id)])
	}
	return insert(schema.Quote(t.Name), strings.Join(columns, ","), strings.Join(types, ","),
		"ON CONFLICT (id) DO UPDATE SET "+strings.Join(sets, ", "), out)
}

// DropValues removes rows of a table: dead ones, whose mark and history stay.
func (tx *Tx) DropValues(table string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return tx.Exec("DELETE FROM "+schema.Quote(table)+" WHERE id = ANY(?)", ids)
}

// upRows asks for rows and everything above them. Each step is a look-up by key, whatever the planner thinks of the number of rows; on SQLite,
// CROSS JOIN says so. There it walks up from the rows that are there only: of what a push names most is still to be made.
var upRows = map[dialect]string{
	sqliteDialect: `id IN (WITH RECURSIVE up(id, parent) AS (SELECT r.id, r.parent FROM json_each(?) j CROSS JOIN mq_row r ON r.id = j.value
		UNION SELECT r.id, r.parent FROM up CROSS JOIN mq_row r ON r.id = up.parent) SELECT id FROM up)`,
	postgresDialect: `id = ANY(ARRAY(WITH RECURSIVE up(id) AS (SELECT unnest(?::text[]) COLLATE "C"
		UNION SELECT (SELECT r.parent FROM mq_row r WHERE r.id = up.id) FROM up WHERE up.id <> '') SELECT id FROM up))`,
}

// RowsAbove reads rows by id, and all rows above them, dead ones too.
func (tx *Tx) RowsAbove(ids []string) ([]*Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.rows(upRows[tx.s.dialect], ids)
}

// RowsWhere reads rows by a condition over mq_row.
func (tx *Tx) RowsWhere(where string, args ...any) ([]*Row, error) { return tx.rows(where, args...) }

// SetAlias says that a dead row was merged into another.
func (tx *Tx) SetAlias(row, into syncproto.RowID) error {
	return tx.Exec("UPDATE mq_row SET alias = ? WHERE id = ?", string(into), string(row))
}
