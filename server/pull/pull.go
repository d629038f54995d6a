package pull

import (
	"context"
	"maps"
	"slices"
	"time"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// Service answers pulls. All fields are required.
type Service struct {
	Store  *store.Store
	Sealer Sealer
	Zone   *time.Location // of the city: months are local
	// Verdicts gives the verdicts that a device has to hear of after a verdict seq, as it may hear them, with who had to do with them if it reads
	// names, and the newest verdict seq.
	Verdicts func(tx *store.Tx, device syncproto.DeviceID, user syncproto.UserID, names bool, after int64) ([]*syncproto.Verdict, int64, error)

	memory memory
}

// Sealer seals what a device carries for the server without being able to read it.
type Sealer interface {
	SealCursor(syncproto.Cursor) (string, error)
	SealResume(syncproto.Resume) (string, error)
}

// Sink takes the frames of an answer; Flush sends what was taken. An error of either ends the pull: the device comes back with
// the last mark it got.
type Sink interface {
	Write(syncproto.Frame) error
	Flush() error
}

// Request is what the device said, opened and checked.
type Request struct {
	Device syncproto.DeviceID
	User   syncproto.UserID
	Book   *schema.Book         // as the device knows it
	Cursor *syncproto.Cursor    // nil for a first sync
	Sealed string               // Cursor as the device sent it
	Held   []syncproto.BucketID // the buckets the device holds, unless Ledger says so
	Ledger *Ledger              // what the server remembers of the device, nil for nothing
	Offer  int64                // the number of the epoch to which the device offers what a restore took away, 0: it does not
	Resume *syncproto.Resume    // where a broken answer can go on, nil otherwise
	Probes []syncproto.Probe    // what the device asks about buckets that differ
	// AllStates tells that the state of every bucket is to travel, because what the device holds is not what its cursor says.
	AllStates bool
	// Differs tells the same of the whole: its digest of all buckets is another than its cursor's.
	Differs bool
	// Newer tells that the device knows more than this server. As long as the database does not, all is well.
	Newer bool
	// Names tells that the device reads the people of a verdict.
	Names bool
	// Client and Waiting are what the device says of itself, for the fleet page: program and version, and how many changes stay behind.
	Client  string
	Waiting int
}

// The sizes of one look into the store. A chunk is held in memory while it is sent; 2,000 rows are about 1 MB.
const (
	chunkRows = 2000
	// maxCutRows bounds what the closing look may send; what is above goes out in open looks first.
	maxCutRows = 8000
)

// Course is one pull under way.
type Course struct {
	ctx  context.Context
	svc  *Service
	req  *Request
	out  Sink
	book *schema.Book

	sealed   string                      // the newest cursor that the device has
	scopes   map[string]bool             // granted when the sync began; nil before the first look
	held     map[syncproto.BucketID]bool // what the device holds, with what this answer sent whole
	since    map[string]int64            // stream → seq up to which everything held was sent
	done     map[scopeStream]int64       // further than since, where one look was not enough
	dirty    map[syncproto.BucketID]bool // changed or filled since the last checkpoint
	headed   map[string]bool             // tables whose Columns were sent
	verdicts int64                       // verdict seq up to which the device knows
	recorded bool                        // the disclosure is on record
	closed   bool                        // a checkpoint was sent
	expected bool                        // the sink was told how many rows are to come
	resumed  bool
	nonce    string // of all checkpoints of this answer

	standing *entitle.Standing // the newest read
	still    *entitle.Standing // the one of which granted is what was granted when the sync began, too
	granted  map[string]bool
	began    syncproto.Digest  // of scopes, once it was asked for
	epoch    syncproto.EpochID // at the last look: marks tell of which time they are
	quick    *Ledger           // held is only what changed of this; nil: held is all
}

type scopeStream struct{ scope, stream string }

// Begin looks where the pull starts: at the device's cursor, or behind the last mark it got. Nothing is sent yet.
func (s *Service) Begin(ctx context.Context, req *Request) (*Course, error) {
	c := &Course{ctx: ctx, svc: s, req: req, book: req.Book, sealed: req.Sealed, held: map[syncproto.BucketID]bool{}, since: map[string]int64{},
		done: map[scopeStream]int64{}, dirty: map[syncproto.BucketID]bool{}, headed: map[string]bool{}}
	for _, b := range req.Held {
		c.held[b] = true
	}
	if req.Cursor != nil {
		c.goFrom(req.Cursor.Streams)
		c.verdicts = int64(req.Cursor.Verdicts)
	}
	if c.quick = req.Ledger; c.quick != nil && (req.Cursor == nil || req.Resume != nil || req.AllStates || len(req.Probes) > 0) {
		c.unfold()
	}
	return c, c.resume()
}

// Resumed tells whether the answer goes on from the device's mark.
func (c *Course) Resumed() bool { return c.resumed }

func (c *Course) goFrom(streams []syncproto.StreamAt) {
	for _, st := range streams {
		c.since[st.ID] = int64(st.Seq)
	}
}

// Send sends everything from where the course stands to now. pushed tells that the server took something in this sync: the
// answer then always renews cursor and nonce.
func (c *Course) Send(out Sink, pushed bool) error {
	c.out = out
	for {
		pending, err := c.close(pushed)
		if err != nil {
			return err
		}
		if len(pending) == 0 {
			return nil
		}
		if err := c.fill(pending); err != nil {
			return err
		}
	}
}

// closing is what one look found to send.
type closing struct {
	plan     *plan
	parcels  []parcel
	ranges   []syncproto.Ranges
	verdicts []*syncproto.Verdict
	newest   int64 // verdict seq
	now      int64
	epoch    syncproto.EpochID
	over     bool             // more changed than one look may send
	root     syncproto.Digest // of all that is held, once a checkpoint was made
}

// close brings everything held to one cut: what changed since the last look, then a checkpoint. It gives the buckets that are
// still to be filled.
func (c *Course) close(pushed bool) ([]syncproto.BucketID, error) {
	for {
		look, err := c.lookAll()
		if err != nil {
			return nil, err
		}
		fresh := c.req.Cursor == nil && len(c.held) == 0 && len(look.plan.pending) > 0
		final := !look.over && !fresh
		if err := c.settle(look, final, pushed); err != nil {
			return nil, err
		}
		if fresh {
			maps.Copy(c.since, look.plan.seqs) // all that the fill below reads is at least as new
		}
		if final || fresh {
			return look.plan.pending, nil
		}
	}
}

// lookAll is one snapshot: the plan, everything that changed in what is held, the verdicts that changed.
func (c *Course) lookAll() (*closing, error) {
	var found *closing
	err := c.svc.Store.Read(c.ctx, func(tx *store.Tx) error {
		if err := tx.Ahead(c.willAsk(tx)...); err != nil {
			return err
		}
		epoch, err := tx.Epoch()
		if err != nil {
			return err
		}
		found = &closing{now: tx.Now(), epoch: epoch.ID}
		if c.req.Newer {
			if err := tx.Behind(); err != nil {
				return err
			}
		}
		p, err := c.lookQuick(tx)
		if err == nil && p == nil {
			c.unfold()
			p, err = c.look(tx)
		}
		if err != nil {
			return err
		}
		found.plan = p
		if err := c.gather(tx, found); err != nil {
			return err
		}
		if err := c.answerProbes(tx, found); err != nil {
			return err
		}
		found.verdicts, found.newest, err = c.svc.Verdicts(tx, c.req.Device, c.req.User, c.req.Names, c.verdicts)
		return err
	})
	return found, err
}

// willAsk are the questions that a look comes to whatever it finds.
func (c *Course) willAsk(tx *store.Tx) []func() error {
	out := []func() error{
		func() error { _, err := tx.RightsVersion(); return err },
		func() error { _, _, err := tx.Device(c.req.Device); return err },
	}
	if l := c.quick; l != nil && few(l.standing.Scopes) {
		out = append(out, func() error { _, err := tx.ScopeSeqs(l.standing.Scopes); return err },
			func() error { _, err := tx.Streams(slices.Sorted(maps.Keys(l.streams))); return err })
	}
	return out
}

// gather reads what changed in the held scopes, up to maxCutRows; what it leaves is for the next look.
func (c *Course) gather(tx *store.Tx, f *closing) error {
	for b := range c.held {
		if _, ok := f.plan.states[b]; !ok {
			delete(c.held, b)
			delete(c.dirty, b)
		}
	}
	heldScopes := map[string]bool{}
	for b := range c.held {
		heldScopes[b.Scope] = true
	}
	budget := maxCutRows
	for _, n := range f.plan.news {
		at := scopeStream{n.Scope, n.Stream}
		if !heldScopes[n.Scope] || n.Seq <= max(c.since[n.Stream], c.done[at]) {
			continue
		}
		live, gone, err := c.changed(tx, n)
		if err != nil {
			return err
		}
		for _, r := range live {
			c.dirty[bucketOf(r)] = true
		}
		if len(gone) > 0 {
			c.dirtyScope(n.Scope)
		}
		rows, err := c.values(tx, live)
		if err != nil {
			return err
		}
		f.parcels = append(f.parcels, parcel{gone: gone, rows: rows})
		c.done[at] = n.Seq
		if budget -= len(rows) + len(gone); budget < 0 {
			f.over = true
			return nil
		}
	}
	return nil
}

// dirtyScope marks every held bucket of a scope.
func (c *Course) dirtyScope(scope string) {
	for b := range c.held {
		if b.Scope == scope {
			c.dirty[b] = true
		}
	}
}
