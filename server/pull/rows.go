package pull

import (
	"errors"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// parcel is what one scope has for the device: rows as they are now, and what is gone.
type parcel struct {
	gone []syncproto.Gone
	rows []*syncproto.Row
}

// changed collects what happened in one scope and stream after the device's seq: rows as they are now, deaths, departures.
func (c *Course) changed(tx *store.Tx, n store.ScopeSeq) (live []*store.Row, gone []syncproto.Gone, err error) {
	since := max(c.since[n.Stream], c.done[scopeStream{n.Scope, n.Stream}])
	rows, err := tx.ChangedRows(n.Scope, n.Stream, since, n.Seq, maxScopeRows)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		switch {
		case c.book.Table(r.Table) == nil: // a table from after the device's schema
		case r.Dead != 0:
			gone = append(gone, syncproto.Gone{Table: r.Table, ID: r.ID, Deleted: true, Label: r.Label})
		case c.held[bucketOf(r)]:
			live = append(live, r)
		}
	}
	left, err := c.departed(tx, n, since)
	return live, append(gone, left...), err
}

// maxScopeRows bounds one look at a scope and stream. A scope is a household or less, a few thousand rows in a whole life; a scope
// that is read only in part would have no seq to go on from, as a move gives all it moves one seq.
const maxScopeRows = 1 << 20

// departed lists rows that left the scope and did not arrive in a bucket that the device holds: there they travel as rows.
func (c *Course) departed(tx *store.Tx, n store.ScopeSeq, since int64) ([]syncproto.Gone, error) {
	marks, err := tx.LeftRows(n.Scope, n.Stream, since, n.Seq)
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	ids := make([]string, len(marks))
	for i, l := range marks {
		ids[i] = string(l.ID)
	}
	now, err := tx.Rows(ids)
	if err != nil {
		return nil, err
	}
	c.dirtyScope(n.Scope) // a departure does not say which bucket it left
	stays := map[syncproto.RowID]bool{}
	for _, r := range now {
		stays[r.ID] = r.Dead == 0 && c.held[bucketOf(r)] || r.Scope == n.Scope
	}
	var out []syncproto.Gone
	for _, l := range marks {
		if !stays[l.ID] && c.book.Table(l.Table) != nil {
			out = append(out, syncproto.Gone{Table: l.Table, ID: l.ID})
		}
	}
	return out, nil
}

func bucketOf(r *store.Row) syncproto.BucketID {
	return syncproto.BucketID{Scope: r.Scope, Period: r.Period}
}

// values turns rows into frames, a query for each table: tables in schema order, ids ascending within.
func (c *Course) values(tx *store.Tx, rows []*store.Row) ([]*syncproto.Row, error) {
	byTable := map[string][]string{}
	of := make(map[syncproto.RowID]*store.Row, len(rows))
	for _, r := range rows {
		byTable[r.Table] = append(byTable[r.Table], string(r.ID))
		of[r.ID] = r
	}
	out := make([]*syncproto.Row, 0, len(rows))
	for _, t := range c.book.Tables() {
		ids := byTable[t.Name]
		found, err := tx.Values(t.Name, ids)
		if err != nil {
			return nil, err
		}
		pick := positions(tx.Book().Table(t.Name), t)
		slices.Sort(ids)
		for _, id := range ids {
			all, ok := found[syncproto.RowID(id)]
			if !ok {
				return nil, &syncproto.Error{Code: syncproto.CodeInternal, Op: "pull.values " + t.Name + " " + id, Err: errors.New("a living row has no values")}
			}
			r := of[syncproto.RowID(id)]
			out = append(out, &syncproto.Row{Table: t.Name, ID: r.ID, Bucket: bucketOf(r), Label: r.Label, Open: r.Open, Values: choose(all, pick)})
		}
	}
	return out, nil
}

// positions maps the columns that a device knows to those of this server, nil when they are the same.
func positions(server, device *schema.Table) []int {
	if len(server.Columns) == len(device.Columns) {
		return nil
	}
	var out []int
	for i := range server.Columns {
		if device.Column(server.Columns[i].Name) != nil {
			out = append(out, i)
		}
	}
	return out
}

func choose(all []schema.Value, pick []int) []schema.Value {
	if pick == nil {
		return all
	}
	out := make([]schema.Value, len(pick))
	for i, at := range pick {
		out[i] = all[at]
	}
	return out
}

// columnsOf heads the rows of a table as the device knows it.
func columnsOf(t *schema.Table) syncproto.Columns {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return syncproto.Columns{Table: t.Name, Names: names}
}
