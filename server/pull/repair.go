package pull

import (
	"math"
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/repair"
)

// answerProbes serves a device that found a bucket to differ: digests of ranges, single rows, or the whole bucket again. It runs in the
// look that closes the first cut, so that what is compared is the state that the checkpoint names.
func (c *Course) answerProbes(tx *store.Tx, f *closing) error {
	if f.over {
		return nil // the next look answers
	}
	probes := c.req.Probes
	c.req.Probes = nil
	for _, p := range probes {
		if !c.held[p.ID] {
			continue // not granted any more, or not filled yet: the plan sees to it
		}
		c.dirty[p.ID] = true
		if p.Refill {
			delete(c.held, p.ID)
			f.plan.pending = append(f.plan.pending, p.ID)
			continue
		}
		if err := c.answerProbe(tx, f, p); err != nil {
			return err
		}
	}
	slices.SortFunc(f.plan.pending, compareBuckets)
	return nil
}

func (c *Course) answerProbe(tx *store.Tx, f *closing, p syncproto.Probe) error {
	if len(p.Rows) > 0 {
		if err := c.fetch(tx, f, p); err != nil {
			return err
		}
	}
	if len(p.Prefixes) == 0 {
		return nil
	}
	rows, err := tx.BucketRows(p.ID.Scope, p.ID.Period, "", math.MaxInt32)
	if err != nil {
		return err
	}
	full, err := c.values(tx, c.knownRows(rows))
	if err != nil {
		return err
	}
	var hasher syncproto.CellHasher
	sums := make([]syncproto.RowSum, len(full))
	for i, r := range full {
		hasher.Row(r.Table, r.ID)
		sums[i] = syncproto.RowSum{RowRef: syncproto.RowRef{Table: r.Table, ID: r.ID}, Sum: repair.Sum(&hasher, columnsOf(c.book.Table(r.Table)).Names, r.Values)}
	}
	answer, err := repair.New(sums).Answer(p)
	f.ranges = append(f.ranges, answer...)
	return err
}

// fetch sends single rows of a bucket, from wherever the device may hold them now; the others are gone for it.
func (c *Course) fetch(tx *store.Tx, f *closing, p syncproto.Probe) error {
	ids := make([]string, len(p.Rows))
	for i, r := range p.Rows {
		ids[i] = string(r.ID)
	}
	found, err := tx.Rows(ids)
	if err != nil {
		return err
	}
	var live []*store.Row
	here := map[syncproto.RowID]bool{}
	for _, r := range found {
		if r.Dead == 0 && c.held[bucketOf(r)] && c.book.Table(r.Table) != nil {
			here[r.ID] = true
			c.dirty[bucketOf(r)] = true
			live = append(live, r)
		}
	}
	var out parcel
	if out.rows, err = c.values(tx, live); err != nil {
		return err
	}
	for _, r := range p.Rows {
		if !here[r.ID] {
			out.gone = append(out.gone, syncproto.Gone{Table: r.Table, ID: r.ID})
		}
	}
	f.parcels = append(f.parcels, out)
	return nil
}
