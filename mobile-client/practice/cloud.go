package practice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// Cloud is what a server would hold for a phone, by hand: rows, sent down by one answer. Nothing of it is merged.
type Cloud struct {
	Book  *schema.Book
	IDs   func() syncproto.RowID
	List  []*syncproto.Row  // in the order in which they were made
	Queue []syncproto.Frame // goes down before the rows

	rows map[syncproto.RowID]*syncproto.Row
}

// Epoch is that of every row.
const Epoch = syncproto.EpochID("0000000000000000000000000000000a")

// Vals are the values of a row by column: string, int, []string or a row's id.
type Vals map[string]any

func value(v any) schema.Value {
	switch v := v.(type) {
	case string:
		return schema.Text(v)
	case syncproto.RowID:
		return schema.Text(string(v))
	case syncproto.UserID:
		return schema.Text(string(v))
	case int:
		return schema.Int(int64(v))
	case []string:
		return schema.Set(v...)
	}
	panic(fmt.Sprintf("practice: a value of no kind: %T", v))
}

// Add makes a row and gives its id. Columns that the book does not have are a mistake of the state.
func (c *Cloud) Add(table string, v Vals) syncproto.RowID { return c.Put(table, c.IDs(), v) }

// Put is Add under an id.
func (c *Cloud) Put(table string, id syncproto.RowID, v Vals) syncproto.RowID {
	t := c.Book.Table(table)
	r := &syncproto.Row{Table: table, ID: id, Label: syncproto.Label{Epoch: Epoch, Rev: 1}, Values: make([]schema.Value, len(t.Columns))}
	for name, x := range v {
		at := slices.IndexFunc(t.Columns, func(col schema.Column) bool { return col.Name == name })
		if at < 0 {
			panic("practice: no column " + table + "." + name)
		}
		r.Values[at] = value(x)
	}
	if c.rows == nil {
		c.rows = map[syncproto.RowID]*syncproto.Row{}
	}
	c.rows[id] = r
	c.List = append(c.List, r)
	r.Bucket = c.bucket(t, r)
	return id
}

// Row is a row by its id, nil when there is none.
func (c *Cloud) Row(id syncproto.RowID) *syncproto.Row { return c.rows[id] }

// Get is a value of a row.
func (c *Cloud) Get(r *syncproto.Row, column string) schema.Value {
	for i, col := range c.Book.Table(r.Table).Columns {
		if col.Name == column {
			return r.Values[i]
		}
	}
	return schema.Null
}

// bucket is where the server would put a row; the month is that of its day.
func (c *Cloud) bucket(t *schema.Table, r *syncproto.Row) syncproto.BucketID {
	lookup := func(table, id string) (func(string) schema.Value, bool) {
		row := c.rows[syncproto.RowID(id)]
		return func(column string) schema.Value { return c.Get(row, column) }, row != nil
	}
	scope, ok := c.Book.ScopeOf(t.Name, string(r.ID), lookup)
	if !ok {
		panic("practice: a " + t.Name + " without a scope")
	}
	period := "-"
	switch t.Period {
	case schema.PeriodMonth:
		period = c.Get(r, "day").Str()[:len("2026-11")]
	case schema.PeriodParent:
		period = c.rows[syncproto.RowID(c.Get(r, t.Parent).Str())].Bucket.Period
	}
	return syncproto.BucketID{Scope: scope, Period: period}
}

// states are the digests that go with the checkpoint.
func (c *Cloud) states() []syncproto.BucketState {
	by := map[syncproto.BucketID]*syncproto.BucketState{}
	for _, r := range c.List {
		s := by[r.Bucket]
		if s == nil {
			s = &syncproto.BucketState{ID: r.Bucket}
			by[r.Bucket] = s
		}
		s.Rows++
		for i, col := range c.Book.Table(r.Table).Columns {
			since := max(1, col.Since)
			for len(s.Digests) < since {
				s.Digests = append(s.Digests, syncproto.Digest{})
			}
			s.Digests[since-1] = s.Digests[since-1].Add(syncproto.DigestCell(r.Table, r.ID, col.Name, r.Values[i]))
		}
	}
	var out []syncproto.BucketState
	for _, s := range by {
		for len(s.Digests) > 0 && s.Digests[len(s.Digests)-1] == (syncproto.Digest{}) {
			s.Digests = s.Digests[:len(s.Digests)-1]
		}
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b syncproto.BucketState) int {
		return cmp.Or(cmp.Compare(a.ID.Scope, b.ID.Scope), cmp.Compare(a.ID.Period, b.ID.Period))
	})
	return out
}

// Send brings every row down to a phone, with verdicts on its changes, as one answer.
func (c *Cloud) Send(ctx context.Context, r *replica.Replica, now int64, verdicts ...*syncproto.Verdict) (err error) {
	frames := []syncproto.Frame{syncproto.Welcome{Protocol: syncproto.ProtocolVersion, Schema: c.Book.Version, Epoch: Epoch, Now: now}}
	for _, v := range verdicts {
		frames = append(frames, v)
	}
	frames = append(frames, c.Queue...)
	c.Queue = nil
	for _, t := range c.Book.Tables() {
		head := syncproto.Columns{Table: t.Name}
		for _, col := range t.Columns {
			head.Names = append(head.Names, col.Name)
		}
		frames = append(frames, head)
		for _, row := range c.List {
			if row.Table == t.Name {
				frames = append(frames, row)
			}
		}
	}
	states := c.states()
	frames = append(frames, syncproto.Checkpoint{Cursor: fmt.Sprint("cursor-", len(verdicts)), Buckets: states, Root: syncproto.DigestRoot(states)}, syncproto.End{})
	s, err := r.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }() // every answer brings every row: what is held already does no harm
	for _, f := range frames {
		if err := s.Take(ctx, f); err != nil {
			return err
		}
	}
	if res := s.Result(); res.Differs > 0 || res.Unknown {
		return fmt.Errorf("practice: the phone differs from the cloud: %+v", res)
	}
	return nil
}
