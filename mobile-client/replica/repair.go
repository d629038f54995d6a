package replica

import (
	"context"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/repair"
)

// Repair of buckets that are not the server's: a probe goes with the next request, the answer's checkpoint closes the cut that it
// speaks of, and compare narrows down from there. What is known of it is lost with the session; the next begins anew.

// maxProbes bounds the buckets asked about in one request, and maxSteps the requests until a bucket is asked for whole. One that
// differs even then is left alone till the next session: asking on would not end.
const (
	maxProbes = 64
	maxSteps  = 6
)

// probing is how far the repair of one bucket has got.
type probing struct {
	next  syncproto.Probe
	steps int
	asked bool // for whole, by the request under way
	over  bool // it was asked for whole, and an answer came to its end
	quiet bool // after an upgrade: no news to anybody
}

// Probes are the questions that go with the next request.
func (s *Session) Probes(ctx context.Context) (out []syncproto.Probe, err error) {
	err = s.r.read(ctx, func(c *conn) error {
		anew, err := (&meta{c: c}).text("anew")
		if err != nil {
			return err
		}
		return c.bucketIDs(`differs = 1`, func(id syncproto.BucketID) error {
			p := s.probes[id]
			if p == nil {
				p = &probing{next: syncproto.Probe{ID: id, Prefixes: []string{""}}}
				if anew != "" { // it lacks columns or tables: nothing to narrow down
					p.next, p.quiet = syncproto.Probe{ID: id, Refill: true}, true
				}
				s.probes[id] = p
			}
			if p.over || len(out) == maxProbes {
				return nil
			}
			if p.steps++; p.steps > maxSteps {
				p.next = syncproto.Probe{ID: id, Refill: true}
			}
			p.asked = p.next.Refill
			out = append(out, p.next)
			return nil
		})
	})
	return out, err
}

// Compares tells that the next request should list what is held, so that every state comes: after an upgrade of this program.
func (s *Session) Compares(ctx context.Context) (yes bool, err error) {
	err = s.r.read(ctx, func(c *conn) error {
		anew, err := (&meta{c: c}).text("anew")
		yes = anew != ""
		return err
	})
	return yes, err
}

// answered notes that the answer under way came to its end, so that what was asked for whole came.
func (s *Session) answered() {
	for _, p := range s.probes {
		p.over = p.over || p.asked
	}
}

// hopeless tells that everything that differs was asked for whole already.
func (s *Session) hopeless(differing []syncproto.BucketID) bool {
	for _, id := range differing {
		if p := s.probes[id]; p == nil || !p.over {
			return false
		}
	}
	return true
}

// narrow holds the ranges that came with a cut against the rows held, inside the transaction that applied it, and lets go of rows
// that the server has not.
func (s *Session) narrow(a *apply) error {
	by := map[syncproto.BucketID][]syncproto.Ranges{}
	var order []syncproto.BucketID
	for _, r := range s.answer.ranges {
		if by[r.ID] == nil {
			order = append(order, r.ID)
		}
		by[r.ID] = append(by[r.ID], r)
	}
	for _, id := range order {
		ranges := by[id]
		b, err := a.buckets.find(id)
		if err != nil || b == nil {
			return err
		}
		rows, err := a.rowSums(b)
		if err != nil {
			return err
		}
		step, err := repair.New(rows).Compare(ranges)
		if err != nil {
			return err
		}
		for _, drop := range step.Drop {
			if t := s.r.book.Table(drop.Table); t != nil {
				st, err := a.look(t, drop.ID)
				if err != nil {
					return err
				}
				if err := a.witness(t, drop.ID, st, nil, syncproto.Label{}); err != nil {
					return err
				}
			}
			if err := a.gone(syncproto.Gone{Table: drop.Table, ID: drop.ID}); err != nil {
				return err
			}
		}
		if p := s.probes[id]; p != nil {
			p.next = step.Probe(id)
			if len(step.Prefixes)+len(step.Fetch) == 0 {
				p.next = syncproto.Probe{ID: id, Refill: true} // the sums agree and the digests do not
			}
		}
	}
	return nil
}

// rowSums lists the rows of a bucket with their sums.
func (a *apply) rowSums(b *bucket) (out []syncproto.RowSum, err error) {
	var rows []listed
	if _, err := a.rowsOf([]int64{b.ord}, func(l listed) error {
		rows = append(rows, l)
		return nil
	}); err != nil {
		return nil, err
	}
	names := map[*schema.Table][]string{}
	for _, r := range rows {
		if names[r.t] == nil {
			for i := range r.t.Columns {
				names[r.t] = append(names[r.t], r.t.Columns[i].Name)
			}
		}
		values, err := a.acked(r.t, r.id)
		if err != nil {
			return nil, err
		}
		a.buckets.hash.Row(r.t.Name, r.id)
		out = append(out, syncproto.RowSum{RowRef: syncproto.RowRef{Table: r.t.Name, ID: r.id}, Sum: repair.Sum(&a.buckets.hash, names[r.t], values)})
	}
	return out, nil
}
