package pull

import (
	"maps"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// settle sends what a look found and, when it is final, closes the cut. Everything that must be on record is committed before
// the first byte leaves.
func (c *Course) settle(f *closing, final, pushed bool) error {
	quiet := c.quiet(f)
	c.expect(f.plan)
	if c.scopes == nil {
		c.scopes = f.plan.granted
	}
	if quiet && final && len(f.plan.pending) == 0 && !pushed && !c.closed {
		c.remember(f)
		return c.finish(syncproto.Checkpoint{}) // nothing is new
	}
	var point *syncproto.Checkpoint
	err := c.svc.Store.Write(c.ctx, func(tx *store.Tx) error {
		if final {
			if err := tx.Ahead(c.willSettle(tx, f)...); err != nil {
				return err
			}
		}
		if err := c.record(tx, f); err != nil {
			return err
		}
		if !final {
			return nil
		}
		var err error
		point, err = c.checkpoint(tx, f)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.send(f); err != nil {
		return err
	}
	if !final {
		return c.out.Flush()
	}
	c.closed, c.sealed = true, point.Cursor
	c.remember(f)
	maps.Copy(c.since, f.plan.seqs)
	clear(c.done)
	clear(c.dirty)
	c.verdicts = f.newest
	return c.finish(*point)
}

// willSettle are the questions that a checkpoint comes to. Of the device and of its chain of disclosures, which are locked, each is asked in its turn.
func (c *Course) willSettle(tx *store.Tx, f *closing) []func() error {
	streams := slices.Sorted(maps.Keys(f.plan.seqs))
	out := []func() error{
		func() error { _, err := tx.Streams(streams); return err },
		func() error { _, err := tx.Epochs(); return err },
		func() error { _, err := tx.EpochStarts(nil, streams); return err },
	}
	if c.quick != nil {
		out = append(out, func() error { _, err := tx.HasHeld(c.quick.list.String()); return err })
	}
	if c.nonce == "" {
		out = append(out, func() error { _, _, err := tx.LockDevice(c.req.Device); return err })
	}
	return out
}

// expect tells a sink that wants to know how many rows the buckets to be filled have, and how many households, once an answer: all of them granted to this user, and
// to be sent to him.
func (c *Course) expect(p *plan) {
	out, wants := c.out.(interface{ Expect(rows, homes int) })
	if !wants || c.expected || len(p.pending) == 0 {
		return
	}
	c.expected = true
	rows, homes := 0, 0
	for _, b := range p.pending {
		rows += p.states[b].Rows
		if b.Home() {
			homes++
		}
	}
	out.Expect(rows, homes)
}

// quiet tells whether a look found nothing to send.
func (c *Course) quiet(f *closing) bool {
	return len(f.parcels) == 0 && len(f.plan.forget) == 0 && len(f.verdicts) == 0 && len(c.dirty) == 0 && len(f.ranges) == 0 && !c.req.AllStates && c.req.Cursor != nil
}

func (c *Course) finish(point syncproto.Checkpoint) error {
	if err := c.out.Write(point); err != nil {
		return err
	}
	return c.out.Flush()
}

// send writes forgets before departures before rows, so that a device that must forget never needs room for both.
func (c *Course) send(f *closing) error {
	for _, g := range f.plan.forget {
		if err := c.out.Write(g); err != nil {
			return err
		}
	}
	for _, p := range f.parcels {
		for _, g := range p.gone {
			if err := c.out.Write(g); err != nil {
				return err
			}
		}
	}
	for _, p := range f.parcels {
		if err := c.sendRows(p.rows); err != nil {
			return err
		}
	}
	for _, r := range f.ranges {
		if err := c.out.Write(r); err != nil {
			return err
		}
	}
	for _, v := range f.verdicts {
		if err := c.out.Write(v); err != nil {
			return err
		}
	}
	return nil
}

func (c *Course) sendRows(rows []*syncproto.Row) error {
	for _, r := range rows {
		if !c.headed[r.Table] {
			c.headed[r.Table] = true
			if err := c.out.Write(columnsOf(c.book.Table(r.Table))); err != nil {
				return err
			}
		}
		if err := c.out.Write(r); err != nil {
			return err
		}
	}
	return nil
}

// disclosed is the record of one sync: which device was shown what. Rows are named by bucket, as an entitlement is.
type disclosed struct {
	Fill    []string `json:"fill,omitempty"`    // buckets that travel whole
	Changed []string `json:"changed,omitempty"` // scopes of which changes travel
	Rows    int      `json:"rows"`              // changed rows in the first look; buckets bring theirs
	Stream  string   `json:"stream,omitempty"`  // in which what it showed of people lies, by which a place finds it; where that is several:
	Streams []string `json:"streams,omitempty"`
}

// record puts the disclosure on record, once a sync and before anything is sent.
func (c *Course) record(tx *store.Tx, f *closing) error {
	if c.recorded || (len(f.parcels) == 0 && len(f.plan.pending) == 0) {
		return nil
	}
	var d disclosed
	for _, b := range f.plan.pending {
		d.Fill = append(d.Fill, b.Scope+" "+b.Period)
	}
	scopes := map[string]bool{}
	for _, p := range f.parcels {
		d.Rows += len(p.rows)
		for _, r := range p.rows {
			scopes[r.Bucket.Scope] = true
		}
	}
	d.Changed = slices.Sorted(maps.Keys(scopes))
	for _, b := range f.plan.pending {
		scopes[b.Scope] = true
	}
	d.lies(tx.Book(), f.plan, scopes)
	if err := recordDisclosure(tx, c.req.Device, c.req.User, d); err != nil {
		return err
	}
	tx.AfterCommit(func() { c.recorded = true })
	return nil
}

// lies says in which streams the scopes shown lie, of those that are about people in the register: places, colleagues and what is the user's own
// are shown to whoever works there.
func (d *disclosed) lies(b *schema.Book, p *plan, scopes map[string]bool) {
	in := map[string]bool{}
	for _, n := range p.news {
		kind, _ := schema.SplitScope(n.Scope)
		t := b.Table(kind)
		if !scopes[n.Scope] || t == nil || t.Directory || t.Scope == schema.ScopeNarrow && b.Table(t.Column(t.Parent).Ref).Directory {
			continue
		}
		in[n.Stream] = true
	}
	if d.Streams = slices.Sorted(maps.Keys(in)); len(d.Streams) == 1 {
		d.Stream, d.Streams = d.Streams[0], nil
	}
}

// checkpoint makes the cursor of a cut and remembers what the device needs to be known by: the list of its buckets and its
// lineage nonce.
func (c *Course) checkpoint(tx *store.Tx, f *closing) (*syncproto.Checkpoint, error) {
	heldDigest, travel, err := c.holdings(tx, f)
	if err != nil {
		return nil, err
	}
	nonce, err := c.renewedNonce(tx)
	if err != nil {
		return nil, err
	}
	cursor := syncproto.Cursor{Device: c.req.Device, Now: f.now, Verdicts: uint64(f.newest), Held: heldDigest, Root: f.root.Hi, Nonce: nonce}
	heads, err := tx.Streams(slices.Sorted(maps.Keys(f.plan.seqs)))
	if err != nil {
		return nil, err
	}
	for _, h := range heads {
		// The seq of the cut, not of this later transaction: what came between is sent by the next sync.
		cursor.Streams = append(cursor.Streams, syncproto.StreamAt{ID: h.ID, Seq: uint64(f.plan.seqs[h.ID]), Pos: uint64(h.Pos), Head: h.Head})
	}
	if cursor.Line, err = line(tx, cursor.Streams); err != nil {
		return nil, err
	}
	epoch, err := tx.Epoch() // the newest of the line
	if err != nil {
		return nil, err
	}
	cursor.Epoch = epoch.ID
	sealed, err := c.svc.Sealer.SealCursor(cursor)
	if err != nil {
		return nil, err
	}
	return &syncproto.Checkpoint{Cursor: sealed, Buckets: travel, Root: f.root, More: len(f.plan.pending) > 0}, nil
}

// holdings sets the root of all that the device holds now, keeps the list of it, and gives the states that are to travel.
func (c *Course) holdings(tx *store.Tx, f *closing) (list syncproto.Digest, travel []syncproto.BucketState, err error) {
	if c.quick != nil {
		f.root = c.quick.rootWith(f.plan.states)
		for _, b := range slices.SortedFunc(maps.Keys(c.dirty), compareBuckets) {
			if s, ok := f.plan.states[b]; ok {
				travel = append(travel, s)
			}
		}
		return c.quick.list, travel, c.quick.keepList(tx)
	}
	states := make([]syncproto.BucketState, 0, len(c.held))
	held := make([]syncproto.BucketID, 0, len(c.held))
	for _, b := range slices.SortedFunc(maps.Keys(c.held), compareBuckets) {
		s := f.plan.states[b]
		states, held = append(states, s), append(held, b)
		if c.dirty[b] || c.req.AllStates {
			travel = append(travel, s)
		}
	}
	f.root = syncproto.DigestRoot(states)
	list, err = saveHeld(tx, held)
	return list, travel, err
}

// renewedNonce is one for all checkpoints of an answer: the device may get any of them before the link breaks.
func (c *Course) renewedNonce(tx *store.Tx) (string, error) {
	if c.nonce != "" {
		return c.nonce, nil
	}
	nonce, err := renewNonce(tx, c.req)
	if err == nil {
		tx.AfterCommit(func() { c.nonce = nonce })
	}
	return nonce, err
}
