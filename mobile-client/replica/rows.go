package replica

import (
	"encoding/json"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// row is one row of a domain table with what the file knows beside it.
type row struct {
	t  *schema.Table
	id syncproto.RowID
	// held tells that the server sent the row; the mark is then what it said.
	held bool
	mark
	// under tells that the domain row shows something else than acked.
	under bool
	acked []schema.Value // in schema order; nil when the server never sent the row
	shown []schema.Value // nil when the row does not show
}

// domain reads the row of a domain table, nil when there is none. Values that tools left in a form of their own and that cannot
// be read are null: SealForeign looks at them itself.
func (c *conn) domain(t *schema.Table, id syncproto.RowID) (values []schema.Value, err error) {
	raw, err := c.raw(t, id)
	if raw == nil || err != nil {
		return nil, err
	}
	values = make([]schema.Value, len(raw))
	for i, v := range raw {
		values[i], _ = t.Columns[i].FromDriver(v)
	}
	return values, nil
}

// raw reads the row of a domain table as the driver gives it, nil when there is none.
func (c *conn) raw(t *schema.Table, id syncproto.RowID) ([]any, error) {
	values := make([]any, len(t.Columns))
	dest := make([]any, len(t.Columns))
	for i := range values {
		dest[i] = &values[i]
	}
	found, err := c.one(c.selectOne(t), []any{string(id)}, dest...)
	if !found || err != nil {
		return nil, err
	}
	return values, nil
}

func (c *conn) selectOne(t *schema.Table) string {
	return c.text(t, "select", 1, func() string {
		return "SELECT " + strings.TrimPrefix(schema.Names(t), `"id", `) + " FROM " + schema.Quote(t.Name) + ` WHERE "id" = ?`
	})
}

// load reads a row and what is known beside it.
func (c *conn) load(t *schema.Table, id syncproto.RowID) (*row, error) {
	k, err := key(id)
	if err != nil {
		return nil, err
	}
	r := &row{t: t, id: id}
	if r.mark, err = c.mark(k); err != nil {
		return nil, err
	}
	if r.shown, err = c.domain(t, id); err != nil {
		return nil, err
	}
	var vals *string
	if r.under, err = c.one(`SELECT vals FROM mq_under WHERE row = ?`, []any{string(id)}, &vals); err != nil {
		return nil, err
	}
	switch {
	case r.under && vals != nil:
		r.acked, err = parseValues(t, *vals)
	case !r.under && r.found():
		r.acked = r.shown
	}
	r.held = r.whole() || r.found() && r.acked != nil
	return r, err
}

// show writes what the domain table shows of a row; nil removes it.
func (c *conn) show(t *schema.Table, id syncproto.RowID, values []schema.Value) error {
	if values == nil {
		return c.exec("DELETE FROM "+schema.Quote(t.Name)+` WHERE "id" = ?`, string(id))
	}
	return c.exec(c.upsert(t, 1), schema.Args(string(id), values)...)
}

// setUnder keeps the acknowledged values of a row whose domain row shows something else.
func (c *conn) setUnder(t *schema.Table, id syncproto.RowID, acked []schema.Value) error {
	var vals any
	if acked != nil {
		vals = formatValues(t, acked)
	}
	return c.exec(`INSERT INTO mq_under (row, tbl, vals) VALUES (?, ?, ?) ON CONFLICT (row) DO UPDATE SET vals = excluded.vals`, string(id), t.Name, vals)
}

// formatValues writes values by column as JSON, nulls left out: columns that come later do not disturb it.
func formatValues(t *schema.Table, values []schema.Value) string {
	b := []byte{'{'}
	for i, v := range values {
		if v.IsNull() {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, t.Columns[i].Name...)
		b = append(b, '"', ':')
		b = v.AppendJSON(b)
	}
	return string(append(b, '}'))
}

func parseValues(t *schema.Table, text string) ([]schema.Value, error) {
	var by map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &by); err != nil {
		return nil, broken("under", "%w", err)
	}
	values := make([]schema.Value, len(t.Columns))
	for i := range t.Columns {
		raw, ok := by[t.Columns[i].Name]
		if !ok {
			continue
		}
		v, err := schema.ParseValue(t.Columns[i].Type.Kind(), raw)
		if err != nil {
			return nil, broken("under", "%s.%s: %w", t.Name, t.Columns[i].Name, err)
		}
		values[i] = v
	}
	return values, nil
}

// epochName gives the name of an epoch by its number.
func (c *conn) epochName(id int64) (syncproto.EpochID, error) {
	var name string
	found, err := c.one(`SELECT name FROM mq_epoch WHERE id = ?`, []any{id}, &name)
	if err == nil && !found {
		err = broken("epoch", "no epoch %d", id)
	}
	return syncproto.EpochID(name), err
}

// epochOf gives the number of an epoch, a new one when it was never heard of, and its generation.
func (c *conn) epochOf(name syncproto.EpochID) (id, gen int64, err error) {
	found, err := c.one(`SELECT id, gen FROM mq_epoch WHERE name = ?`, []any{string(name)}, &id, &gen)
	if found || err != nil {
		return id, gen, err
	}
	if gen, err = (&meta{c: c}).num("forks"); err != nil {
		return 0, 0, err
	}
	id, err = c.insert(`INSERT INTO mq_epoch (name, gen) VALUES (?, ?)`, string(name), gen)
	return id, gen, err
}

// table finds a table of the book.
func (c *conn) table(op, name string) (*schema.Table, error) {
	t := c.book.Table(name)
	if t == nil {
		return nil, invalid(op, "没有这张表：%s。", "No such table: %s.", name)
	}
	return t, nil
}

// getter gives the values of a row by column name.
func getter(t *schema.Table, values []schema.Value) func(string) schema.Value {
	return func(column string) schema.Value {
		for i := range t.Columns {
			if t.Columns[i].Name == column && values != nil {
				return values[i]
			}
		}
		return schema.Null
	}
}

// byColumn is getter as a map.
func byColumn(t *schema.Table, values []schema.Value) map[string]schema.Value {
	out := make(map[string]schema.Value, len(values))
	for i, v := range values {
		out[t.Columns[i].Name] = v
	}
	return out
}
