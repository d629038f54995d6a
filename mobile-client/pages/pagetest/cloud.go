package pagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"minqing/mobile-client/practice"
	"minqing/schema"
	"minqing/syncproto"
)

// vals are the values of a row by column.
type vals = practice.Vals

const epoch = practice.Epoch

// Poison is what Hostile has in its texts: it breaks out of elements, attributes, text areas and addresses where nobody escapes it.
const Poison = `</textarea></title><script>top.owned=1</script><img src=x onerror="top.owned=1">'"onfocus=top.owned=1 autofocus x="javascript:top.owned=1`

// poison puts Poison into every text of every row, as much as fits.
func poison(c *practice.Cloud) {
	for _, r := range c.List {
		for i, col := range c.Book.Table(r.Table).Columns {
			if (col.Type == schema.TypeText || col.Type == schema.TypeLong) && !r.Values[i].IsNull() {
				r.Values[i] = schema.Text(Poison)
			}
			if col.Type == schema.TypeTags {
				r.Values[i] = schema.Set(Poison)
			}
		}
	}
}

// Bring lets a sync bring values for columns of a row, in pairs, and a new rev of the row with them.
func (p *Phone) Bring(ctx context.Context, row syncproto.RowID, pairs ...any) error {
	r := p.cloud.Row(row)
	r.Values = slices.Clone(r.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		at := slices.IndexFunc(p.cloud.Book.Table(r.Table).Columns, func(c schema.Column) bool { return c.Name == pairs[i] })
		if at < 0 {
			return fmt.Errorf("pagetest: no column %v", pairs[i])
		}
		r.Values[at] = pairs[i+1].(schema.Value)
	}
	r.Label.Rev++
	return p.cloud.Send(ctx, p.Replica, p.Now.UnixMilli())
}

// Guide lets a sync bring guidance of the secretary under a journal, and gives the review.
func (p *Phone) Guide(ctx context.Context, journal syncproto.RowID, comment string) (syncproto.RowID, error) {
	id := p.cloud.Add("review", vals{"journal": journal, "author": p.Rows["sun"], "kind": "guide", "comment": comment})
	return id, p.cloud.Send(ctx, p.Replica, p.Now.UnixMilli())
}

// Forget lets a sync take a household away: it is assigned to somebody else.
func (p *Phone) Forget(ctx context.Context, home syncproto.RowID) error {
	c, scope := p.cloud, p.cloud.Row(home).Bucket.Scope
	c.List = slices.DeleteFunc(c.List, func(r *syncproto.Row) bool { return r.Bucket.Scope == scope })
	c.Queue = append(c.Queue, syncproto.Forget{Scope: scope})
	return c.Send(ctx, p.Replica, p.Now.UnixMilli())
}

// Copied lets the server find that the file was copied: it becomes another device, and its owner is told.
func (p *Phone) Copied(ctx context.Context) (err error) {
	d, err := p.Replica.Device(ctx)
	if err != nil {
		return err
	}
	s, err := p.Replica.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	d.ID = syncproto.DeviceID(p.id())
	return s.Copied(ctx, d)
}
