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
	var ord int64
	var id syncproto.BucketID
	err := c.each(`SELECT id, place, period FROM mq_bucket`, nil, []any{&ord, (*place)(&id.Scope), &id.Period}, func() error {
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
	out := make([]syncproto.BucketState, 0, len(bs.byOrd))
	for _, b := range bs.byOrd {
		b.state.Digests = trimDigests(b.state.Digests)
		out = append(out, b.state)
	}
	sortStates(out)
	return out, nil
}

// reckonTable counts the acknowledged rows of a table into their buckets.
func (c *conn) reckonTable(bs *buckets, t *schema.Table) error {
	ids, err := c.ids(t)
	if err != nil {
		return err
	}
	for _, id := range ids {
		st, err := c.load(t, id)
		if err != nil {
			return err
		}
		if !st.held {
			continue
		}
		b := bs.byOrd[st.bucket]
		if b == nil || st.acked == nil {
			return broken("reckon", "the row %s of %s is held without bucket or values", id, t.Name)
		}
		bs.add(b, t, id, st.acked)
	}
	return nil
}

// Kept gives the state of every bucket held as it was kept along the way, and the digest over all of them.
func (r *Replica) Kept(ctx context.Context) (out []syncproto.BucketState, root syncproto.Digest, err error) {
	err = r.read(ctx, func(c *conn) error {
		var s syncproto.BucketState
		var digests []byte
		err := c.each(`SELECT place, period, rows, digests FROM mq_bucket`, nil, []any{(*place)(&s.ID.Scope), &s.ID.Period, &s.Rows, &digests}, func() (err error) {
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
	sortStates(out)
	return out, root, err
}

func sortStates(states []syncproto.BucketState) {
	slices.SortFunc(states, func(a, b syncproto.BucketState) int { return compareBuckets(a.ID, b.ID) })
}
