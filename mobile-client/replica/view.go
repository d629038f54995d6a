package replica

import (
	"context"

	"minqing/syncproto"
)

// View is one snapshot of the file, for questions that go over many rows: the domain tables stand under their schema names and show
// what the user is to see. Statements are prepared once and kept, so queries are constants, and what varies goes in as an argument.
type View struct{ c *conn }

// View runs fn over one snapshot.
func (r *Replica) View(ctx context.Context, fn func(*View) error) error {
	return r.read(ctx, func(c *conn) error { return fn(&View{c}) })
}

// Each runs a query and calls f for every row, after it was scanned into dest.
func (v *View) Each(query string, args, dest []any, f func() error) error {
	return v.c.each(query, args, dest, f)
}

// One scans the first row of a query; found is false when there is none.
func (v *View) One(query string, args []any, dest ...any) (found bool, err error) {
	return v.c.one(query, args, dest...)
}

// Waiting counts the changes that have no verdict yet, those in the hand-over box included: what the user calls not uploaded.
func (v *View) Waiting() (n int, err error) {
	_, err = v.c.one(`SELECT count(*) FROM mq_change WHERE state = 'pending'`, nil, &n)
	return n, err
}

// Where tells where a record has got to.
func (v *View) Where(table string, id syncproto.RowID) (Whereabouts, error) {
	t, err := v.c.table("Where", table)
	if err != nil {
		return Nowhere, err
	}
	return v.c.where(t, id)
}
