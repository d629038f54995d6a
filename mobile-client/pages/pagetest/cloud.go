package pagetest

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

// cloud is what a server would hold for this phone, by hand: rows, sent down by one answer. Nothing of it is merged.
type cloud struct {
	book  *schema.Book
	ids   func() syncproto.RowID
	rows  map[syncproto.RowID]*syncproto.Row
	list  []*syncproto.Row  // in the order in which they were made
	queue []syncproto.Frame // goes down before the rows
}

const epoch = syncproto.EpochID("0000000000000000000000000000000a")

// vals are the values of a row by column: string, int, []string or a row's id.
type vals map[string]any

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
	panic(fmt.Sprintf("pagetest: a value of no kind: %T", v))
}

// add makes a row and gives its id. Columns that the book does not have are a mistake of the state.
func (c *cloud) add(table string, v vals) syncproto.RowID { return c.put(table, c.ids(), v) }

func (c *cloud) put(table string, id syncproto.RowID, v vals) syncproto.RowID {
	t := c.book.Table(table)
	r := &syncproto.Row{Table: table, ID: id, Label: syncproto.Label{Epoch: epoch, Rev: 1}, Values: make([]schema.Value, len(t.Columns))}
	for name, x := range v {
		at := slices.IndexFunc(t.Columns, func(col schema.Column) bool { return col.Name == name })
		if at < 0 {
			panic("pagetest: no column " + table + "." + name)
		}
		r.Values[at] = value(x)
	}
	c.rows[id] = r
	c.list = append(c.list, r)
	r.Bucket = c.bucket(t, r)
	return id
}

func (c *cloud) get(r *syncproto.Row, column string) schema.Value {
	for i, col := range c.book.Table(r.Table).Columns {
		if col.Name == column {
			return r.Values[i]
		}
	}
	return schema.Null
}

// bucket is where the server would put a row; the month is that of its day.
func (c *cloud) bucket(t *schema.Table, r *syncproto.Row) syncproto.BucketID {
	lookup := func(table, id string) (func(string) schema.Value, bool) {
		row := c.rows[syncproto.RowID(id)]
		return func(column string) schema.Value { return c.get(row, column) }, row != nil
	}
	scope, ok := c.book.ScopeOf(t.Name, string(r.ID), lookup)
	if !ok {
		panic("pagetest: a " + t.Name + " without a scope")
	}
	period := "-"
	switch t.Period {
	case schema.PeriodMonth:
		period = c.get(r, "day").Str()[:len("2026-11")]
	case schema.PeriodParent:
		period = c.rows[syncproto.RowID(c.get(r, t.Parent).Str())].Bucket.Period
	}
	return syncproto.BucketID{Scope: scope, Period: period}
}

// Poison is what Hostile has in its texts: it breaks out of elements, attributes, text areas and addresses where nobody escapes it.
const Poison = `</textarea></title><script>top.owned=1</script><img src=x onerror="top.owned=1">'"onfocus=top.owned=1 autofocus x="javascript:top.owned=1`

// poison puts Poison into every text of every row, as much as fits.
func (c *cloud) poison() {
	for _, r := range c.list {
		for i, col := range c.book.Table(r.Table).Columns {
			if (col.Type == schema.TypeText || col.Type == schema.TypeLong) && !r.Values[i].IsNull() {
				r.Values[i] = schema.Text(Poison)
			}
			if col.Type == schema.TypeTags {
				r.Values[i] = schema.Set(Poison)
			}
		}
	}
}

// states are the digests that go with the checkpoint.
func (c *cloud) states() []syncproto.BucketState {
	by := map[syncproto.BucketID]*syncproto.BucketState{}
	for _, r := range c.list {
		s := by[r.Bucket]
		if s == nil {
			s = &syncproto.BucketState{ID: r.Bucket}
			by[r.Bucket] = s
		}
		s.Rows++
		for i, col := range c.book.Table(r.Table).Columns {
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

// Bring lets a sync bring values for columns of a row, in pairs, and a new rev of the row with them.
func (p *Phone) Bring(ctx context.Context, row syncproto.RowID, pairs ...any) error {
	r := p.cloud.rows[row]
	r.Values = slices.Clone(r.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		at := slices.IndexFunc(p.cloud.book.Table(r.Table).Columns, func(c schema.Column) bool { return c.Name == pairs[i] })
		if at < 0 {
			return fmt.Errorf("pagetest: no column %v", pairs[i])
		}
		r.Values[at] = pairs[i+1].(schema.Value)
	}
	r.Label.Rev++
	return p.cloud.send(ctx, p.Replica, p.Now.UnixMilli())
}

// Guide lets a sync bring guidance of the secretary under a journal, and gives the review.
func (p *Phone) Guide(ctx context.Context, journal syncproto.RowID, comment string) (syncproto.RowID, error) {
	id := p.cloud.add("review", vals{"journal": journal, "author": p.Rows["sun"], "kind": "guide", "comment": comment})
	return id, p.cloud.send(ctx, p.Replica, p.Now.UnixMilli())
}

// Forget lets a sync take a household away: it is assigned to somebody else.
func (p *Phone) Forget(ctx context.Context, home syncproto.RowID) error {
	c, scope := p.cloud, p.cloud.rows[home].Bucket.Scope
	c.list = slices.DeleteFunc(c.list, func(r *syncproto.Row) bool { return r.Bucket.Scope == scope })
	c.queue = append(c.queue, syncproto.Forget{Scope: scope})
	return c.send(ctx, p.Replica, p.Now.UnixMilli())
}

// send brings every row down to a phone, with verdicts on its changes, as one answer.
func (c *cloud) send(ctx context.Context, r *replica.Replica, now int64, verdicts ...*syncproto.Verdict) (err error) {
	frames := []syncproto.Frame{syncproto.Welcome{Protocol: syncproto.ProtocolVersion, Schema: c.book.Version, Epoch: epoch, Now: now}}
	for _, v := range verdicts {
		frames = append(frames, v)
	}
	frames = append(frames, c.queue...)
	c.queue = nil
	for _, t := range c.book.Tables() {
		head := syncproto.Columns{Table: t.Name}
		for _, col := range t.Columns {
			head.Names = append(head.Names, col.Name)
		}
		frames = append(frames, head)
		for _, row := range c.list {
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
		return fmt.Errorf("pagetest: the phone differs from the cloud: %+v", res)
	}
	return nil
}
