package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxParams is how many parameters one statement may have on every dialect (SQLite's default; PostgreSQL allows twice as many).
const MaxParams = 32766

// Param is the n-th placeholder of a statement, counted from 1.
func (d Dialect) Param(n int) string {
	if d == Postgres {
		return "$" + strconv.Itoa(n)
	}
	return "?" + strconv.Itoa(n)
}

// Names lists id and all columns of a table in schema order, quoted: the order of Upsert's parameters and of what Select and
// Scanner read.
func Names(t *Table) string {
	var b strings.Builder
	b.WriteString(Quote("id"))
	for i := range t.Columns {
		b.WriteString(", " + Quote(t.Columns[i].Name))
	}
	return b.String()
}

// Upsert is the statement that writes whole rows; its parameters are, for each row, the id and every column in schema order.
func (d Dialect) Upsert(t *Table, rows int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + Quote(t.Name) + " (" + Names(t) + ") VALUES ")
	width := len(t.Columns) + 1
	for n := range rows * width {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString(d.Param(n + 1))
	}
	b.WriteString(")")
	b.WriteString(" ON CONFLICT (" + Quote("id") + ") DO UPDATE SET ")
	for i := range t.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		name := Quote(t.Columns[i].Name)
		b.WriteString(name + " = excluded." + name)
	}
	return b.String()
}

// Update is the statement that writes some columns of one row; its parameters are their values and then the id.
func (d Dialect) Update(t *Table, columns ...string) string {
	sets := make([]string, len(columns))
	for i, c := range columns {
		sets[i] = Quote(c) + " = " + d.Param(i+1)
	}
	return "UPDATE " + Quote(t.Name) + " SET " + strings.Join(sets, ", ") + " WHERE " + Quote("id") + " = " + d.Param(len(columns)+1)
}

// Select is the query for the rows whose column (id, the parent, any) is among values; its one parameter is made by Among, so
// that one prepared statement serves any number of them. Rows come in no order.
func (d Dialect) Select(t *Table, column string) string {
	return "SELECT " + Names(t) + " FROM " + Quote(t.Name) + " WHERE " + d.among(column)
}

// Delete is the statement that removes the rows whose id is among those of its one parameter (see Among).
func (d Dialect) Delete(t *Table) string {
	return "DELETE FROM " + Quote(t.Name) + " WHERE " + d.among("id")
}

// Page is the query for the rows after an id, in bytewise order of their ids; its parameters are the id and the greatest number
// of rows.
func (d Dialect) Page(t *Table) string {
	id := Quote("id")
	return "SELECT " + Names(t) + " FROM " + Quote(t.Name) + " WHERE " + id + " > " + d.Param(1) + " ORDER BY " + id + " LIMIT " + d.Param(2)
}

func (d Dialect) among(column string) string {
	if d == Postgres {
		return Quote(column) + " = ANY(" + d.Param(1) + "::text[])"
	}
	return Quote(column) + " IN (SELECT value FROM json_each(" + d.Param(1) + "))"
}

// Among makes the parameter of Select and Delete.
func (d Dialect) Among(values []string) any {
	if d == Postgres {
		return values
	}
	return string(marshal(values))
}

// Arg is the form of a value that drivers take: nil, int64 or string (a set is its canonical JSON). A group has one column for
// each part; Cell.Split gives them.
func Arg(v Value) any {
	switch v.kind {
	case KindNull:
		return nil
	case KindInt:
		return v.num
	default:
		return v.text
	}
}

// Args is the id and the values of one row as Upsert takes them.
func Args(id string, values []Value) []any {
	out := make([]any, 0, len(values)+1)
	out = append(out, id)
	for _, v := range values {
		out = append(out, Arg(v))
	}
	return out
}

// FromDriver reads what a driver gave for a column. A set need not be canonical: tools write to plain replicas.
func (c *Column) FromDriver(src any) (Value, error) {
	switch x := src.(type) {
	case nil:
		return Null, nil
	case []byte:
		return c.FromDriver(string(x))
	case int64:
		if c.Type.Kind() == KindInt && x >= MinInt && x <= MaxInt {
			return Int(x), nil
		}
	case string:
		switch c.Type.Kind() {
		case KindText:
			return Text(x), nil
		case KindSet:
			v, err := ParseValue(KindSet, []byte(x))
			if err != nil {
				return Null, fmt.Errorf("column %s: %w", c.Name, err)
			}
			return v, nil
		}
	}
	return Null, fmt.Errorf("column %s cannot hold %T %v", c.Name, src, src)
}

// Scanner reads the rows of Select and Page without an allocation a cell: Dest goes to Scan, ID and Values hold the row until
// the next Scan.
type Scanner struct {
	ID     string
	Values []Value // in schema order
	dest   []any
}

type cellScan struct {
	column *Column
	into   *Value
}

// Scan implements the interface that database/sql looks for.
func (s *cellScan) Scan(src any) (err error) {
	*s.into, err = s.column.FromDriver(src)
	return err
}

// NewScanner makes a scanner for the rows of a table.
func NewScanner(t *Table) *Scanner {
	s := &Scanner{Values: make([]Value, len(t.Columns))}
	s.dest = append(s.dest, &s.ID)
	for i := range t.Columns {
		s.dest = append(s.dest, &cellScan{&t.Columns[i], &s.Values[i]})
	}
	return s
}

// Dest is what to pass to Scan.
func (s *Scanner) Dest() []any { return s.dest }

// Get gives the value of a column of the row held, Null when the table has no such column.
func (s *Scanner) Get(column string) Value {
	for i, d := range s.dest[1:] {
		if d.(*cellScan).column.Name == column {
			return s.Values[i]
		}
	}
	return Null
}
