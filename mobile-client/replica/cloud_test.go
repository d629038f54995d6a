package replica_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// cloud is what a server would hold for one phone, by hand: rows that tests set, and answers made from them. It knows nothing of
// merging; verdicts are given word by word.
type cloud struct {
	tb    testing.TB
	book  *schema.Book
	epoch syncproto.EpochID
	now   int64
	cuts  int
	rows  map[syncproto.RowID]*syncproto.Row
	held  map[syncproto.BucketID]bool
	queue []syncproto.Frame // goes down with the next answer
}

const (
	epochA = syncproto.EpochID("0000000000000000000000000000000a")
	epochB = syncproto.EpochID("0000000000000000000000000000000b")
)

var (
	houseBucket = syncproto.BucketID{Scope: "household:" + string(houseID), Period: "-"}
	placeID     = syncproto.RowID("01900000-0000-7000-8000-0000000000e1")
)

func newCloud(tb testing.TB, book *schema.Book) *cloud {
	return &cloud{tb: tb, book: book, epoch: epochA, now: 1700000000000, rows: map[syncproto.RowID]*syncproto.Row{}, held: map[syncproto.BucketID]bool{}}
}

// set makes or changes a row and sends it down with the next answer.
func (c *cloud) set(table string, id syncproto.RowID, b syncproto.BucketID, rev uint64, pairs ...any) *syncproto.Row {
	t := c.book.Table(table)
	r := &syncproto.Row{Table: table, ID: id, Bucket: b, Label: syncproto.Label{Epoch: c.epoch, Rev: rev}, Values: make([]schema.Value, len(t.Columns))}
	if old := c.rows[id]; old != nil {
		copy(r.Values, old.Values)
	}
	for name, v := range values(pairs...) {
		i := slices.IndexFunc(t.Columns, func(col schema.Column) bool { return col.Name == name })
		if i < 0 {
			c.tb.Fatalf("no column %s", name)
		}
		r.Values[i] = v
	}
	c.rows[id] = r
	c.held[b] = true
	c.queue = append(c.queue, r)
	return r
}

// house sends the household that things hang on.
func (c *cloud) house() {
	c.set("household", houseID, houseBucket, 1, "place", placeID, "code", "H1", "head", "王", "address", "东街 1 号")
}

func (c *cloud) gone(id syncproto.RowID, deleted bool, rev uint64) {
	r := c.rows[id]
	delete(c.rows, id)
	g := syncproto.Gone{Table: r.Table, ID: id, Deleted: deleted}
	if deleted {
		g.Label = syncproto.Label{Epoch: c.epoch, Rev: rev}
	}
	c.queue = append(c.queue, g)
}

func (c *cloud) forget(scope string) {
	for id, r := range c.rows {
		if r.Bucket.Scope == scope {
			delete(c.rows, id)
		}
	}
	for b := range c.held {
		if b.Scope == scope {
			delete(c.held, b)
		}
	}
	c.queue = append(c.queue, syncproto.Forget{Scope: scope})
}

// states reckons every bucket naively.
func (c *cloud) states() []syncproto.BucketState {
	by := map[syncproto.BucketID]*syncproto.BucketState{}
	for b := range c.held {
		by[b] = &syncproto.BucketState{ID: b}
	}
	for _, r := range c.rows {
		s := by[r.Bucket]
		s.Rows++
		for i, col := range c.book.Table(r.Table).Columns {
			since := max(1, col.Since)
			for len(s.Digests) < since {
				s.Digests = append(s.Digests, syncproto.Digest{})
			}
			s.Digests[since-1] = s.Digests[since-1].Add(syncproto.DigestCell(r.Table, r.ID, col.Name, r.Values[i]))
		}
	}
	out := make([]syncproto.BucketState, 0, len(by))
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

// frames are what the next answer brings down, its checkpoint included.
func (c *cloud) frames() []syncproto.Frame {
	var out []syncproto.Frame
	headed := map[string]bool{}
	for _, f := range c.queue {
		if r, ok := f.(*syncproto.Row); ok && !headed[r.Table] {
			headed[r.Table] = true
			h := syncproto.Columns{Table: r.Table}
			for _, col := range c.book.Table(r.Table).Columns {
				h.Names = append(h.Names, col.Name)
			}
			out = append(out, h)
		}
		out = append(out, f)
	}
	c.queue = nil
	return append(out, c.checkpoint())
}

func (c *cloud) checkpoint() syncproto.Checkpoint {
	c.cuts++
	states := c.states()
	return syncproto.Checkpoint{Cursor: fmt.Sprintf("cursor-%d", c.cuts), Buckets: states, Root: syncproto.DigestRoot(states)}
}

func (c *cloud) welcome() syncproto.Welcome {
	c.now += 1000
	return syncproto.Welcome{Protocol: 1, Schema: c.book.Version, Epoch: c.epoch, Now: c.now}
}

// take hands frames to a session as one answer, and proves the replica equal to the cloud.
func (p *phone) take(c *cloud, frames ...syncproto.Frame) replica.Result {
	p.tb.Helper()
	s, err := p.Begin(ctx())
	p.must(err)
	p.must(s.Take(ctx(), c.welcome()))
	for _, f := range frames {
		p.must(s.Take(ctx(), f))
	}
	p.must(s.Take(ctx(), syncproto.End{}))
	res := s.Result()
	p.must(s.Close(ctx()))
	return res
}

// pull brings down everything the cloud has for the phone, behind verdicts.
func (p *phone) pull(c *cloud, verdicts ...*syncproto.Verdict) {
	p.tb.Helper()
	var frames []syncproto.Frame
	for _, v := range verdicts {
		frames = append(frames, v)
	}
	res := p.take(c, append(frames, c.frames()...)...)
	if res.Differs > 0 || res.Unknown {
		p.tb.Errorf("after the checkpoint: %+v", res)
	}
	p.equal(c)
}

// equal proves the acknowledged state equal to the cloud, row by row and digest by digest.
func (p *phone) equal(c *cloud) {
	p.tb.Helper()
	seen := map[syncproto.RowID]bool{}
	for _, t := range c.book.Tables() {
		p.must(p.Records(ctx(), t.Name, func(rec replica.Record) error {
			if rec.Acked == nil {
				return nil
			}
			seen[rec.Row] = true
			r := c.rows[rec.Row]
			if r == nil {
				p.tb.Errorf("%s %s is held and should not be", t.Name, rec.Row)
				return nil
			}
			if !slices.Equal(rec.Acked, r.Values) || rec.Label != r.Label || rec.Bucket != r.Bucket || !maps.EqualFunc(rec.Open, r.Open, slices.Equal) {
				p.tb.Errorf("%s %s is held as %+v, want %+v", t.Name, rec.Row, rec, *r)
			}
			return nil
		}))
	}
	for id, r := range c.rows {
		if !seen[id] {
			p.tb.Errorf("%s %s is missing", r.Table, id)
		}
	}
	naive := c.states()
	kept, root, err := p.Kept(ctx())
	p.must(err)
	reckoned, err := p.Digests(ctx())
	p.must(err)
	for name, got := range map[string][]syncproto.BucketState{"kept": kept, "reckoned": reckoned} {
		if !slices.EqualFunc(got, naive, func(a, b syncproto.BucketState) bool {
			return a.ID == b.ID && a.Rows == b.Rows && slices.Equal(a.Digests, b.Digests)
		}) {
			p.tb.Errorf("digests %s %+v\nwant %+v", name, got, naive)
		}
	}
	if want := syncproto.DigestRoot(naive); root != want {
		p.tb.Errorf("root %v, want %v", root, want)
	}
}

// accept is the verdict on a change that gave its rows a rev each.
func (c *cloud) accept(ch *syncproto.Change, revs ...uint64) *syncproto.Verdict {
	v := &syncproto.Verdict{Number: ch.Name.Number, Identity: ch.Identity(), Status: syncproto.Applied}
	for i, rev := range revs {
		v.Labels = append(v.Labels, syncproto.RowLabel{Row: ch.Edits[i].Row, Label: syncproto.Label{Epoch: c.epoch, Rev: rev}})
	}
	return v
}

func refuse(ch *syncproto.Change, code syncproto.Code) *syncproto.Verdict {
	return &syncproto.Verdict{Number: ch.Name.Number, Identity: ch.Identity(), Status: syncproto.Refused, Code: code, Message: syncproto.Both("不可以。", "No.")}
}
