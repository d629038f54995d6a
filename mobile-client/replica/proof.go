package replica

import (
	"context"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// Digests reckons the state of every bucket held anew from the tables, in the order of scope and period: what the sums kept along
// the way must be equal to. What other programs wrote is sealed first: only then do the tables tell what was acknowledged apart from it.
func (r *Replica) Digests(ctx context.Context) (out []syncproto.BucketState, err error) {
	err = r.write(ctx, func() error {
		if _, err := r.sealForeign(); err != nil {
			return err
		}
		out, err = r.w.reckon()
		return err
	})
	return out, err
}

func (c *conn) reckon() ([]syncproto.BucketState, error) {
	bs := newBuckets(c)
	var order []int64
	var ord int64
	var id syncproto.BucketID
	err := c.each(`SELECT id, scope, period FROM mq_bucket ORDER BY scope, period`, nil, []any{&ord, &id.Scope, &id.Period}, func() error {
		order = append(order, ord)
		bs.byOrd[ord] = &bucket{ord: ord, state: syncproto.BucketState{ID: id}}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, t := range c.book.Tables() {
		if err := c.reckonTable(bs, t); err != nil {
			return nil, err
		}
	}
	out := make([]syncproto.BucketState, 0, len(order))
	for _, ord := range order {
		s := bs.byOrd[ord].state
		s.Digests = trimDigests(s.Digests)
		out = append(out, s)
	}
	return out, nil
}

// reckonTable counts the acknowledged rows of a table into their buckets.
func (c *conn) reckonTable(bs *buckets, t *schema.Table) error {
	type at struct {
		id     syncproto.RowID
		bucket int64
	}
	var rows []at
	var key []byte
	var ord int64
	err := c.each(`SELECT r.id, r.bucket FROM mq_row r JOIN mq_table t ON t.id = r.tbl WHERE t.name = ?`, []any{t.Name}, []any{&key, &ord}, func() error {
		rows = append(rows, at{unkey(key), ord})
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		b := bs.byOrd[r.bucket]
		st, err := c.load(t, r.id)
		if err != nil {
			return err
		}
		if b == nil || st.acked == nil {
			return broken("reckon", "the row %s of %s is held without bucket or values", r.id, t.Name)
		}
		bs.add(b, t, r.id, st.acked)
	}
	return nil
}

// Kept gives the state of every bucket held as it was kept along the way, and the digest over all of them.
func (r *Replica) Kept(ctx context.Context) (out []syncproto.BucketState, root syncproto.Digest, err error) {
	err = r.read(ctx, func(c *conn) error {
		var s syncproto.BucketState
		var digests []byte
		err := c.each(`SELECT scope, period, rows, digests FROM mq_bucket`, nil, []any{&s.ID.Scope, &s.ID.Period, &s.Rows, &digests}, func() (err error) {
			if s.Digests, err = parseDigests(digests); err != nil {
				return err
			}
			s.Digests = trimDigests(s.Digests)
			out = append(out, s)
			return nil
		})
		if err != nil {
			return err
		}
		root, err = (&meta{c: c}).root()
		return err
	})
	slices.SortFunc(out, func(a, b syncproto.BucketState) int { return compareBuckets(a.ID, b.ID) })
	return out, root, err
}
