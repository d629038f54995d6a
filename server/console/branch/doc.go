// Package branch answers what a branch secretary asks of the register: which journals wait for his eyes and in what order, one of them
// with the household around it; and which households somebody calls on, and how long ago.
//
// It promises: nothing is answered of places that were not named; numbers are reckoned from the rows at one moment; and what is personal
// and masked leaves the package masked.
package branch

import (
	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// row reads one row of a table by column name.
type row struct {
	t      *schema.Table
	values []schema.Value
}

func (r row) value(column string) schema.Value {
	for i := range r.t.Columns {
		if r.t.Columns[i].Name == column && i < len(r.values) {
			return r.values[i]
		}
	}
	return schema.Null
}

func (r row) text(column string) string { return r.value(column).Str() }

func rowsWhere(tx *store.Tx, table, column string, among ...string) (map[syncproto.RowID]row, error) {
	values, err := tx.ValuesWhere(table, column, among)
	out := make(map[syncproto.RowID]row, len(values))
	for id, v := range values {
		out[id] = row{tx.Book().Table(table), v}
	}
	return out, err
}
