package sim

import (
	"context"

	"minqing/mobile-client/syncer"
	"minqing/server/store"
	"minqing/syncproto"
)

// The checks here hold what the others rest on: that what was seen to be committed survives, that what is on record of a change is what
// was received, that nothing is mended that should not have broken.

// survived holds the file after a start to what was committed before: it was acknowledged, or may have been.
func (s *server) survived() {
	s.w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		all, err := tx.Changes("received >= ?", int64(0))
		have := map[syncproto.Identity]bool{}
		for _, c := range all {
			have[c.Identity] = true
		}
		for _, id := range sortedKeys(s.known) {
			if !have[id] && err == nil {
				s.w.violate(iAckDurable, "the server had change %s, and lost it", id)
			}
		}
		return err
	}), "read what survived")
}

// onRecord holds the records of changes that the server took to how they came: whole, and dated within what can be proven.
func (s *server) onRecord(group []*store.Change) {
	w := s.w
	w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		for _, c := range group {
			if c.Corrected < c.Captured || c.Corrected > c.Received {
				w.violate(iClocks, "change %s counts as of %d, and was captured at %d at the soonest and received at %d", c.Identity, c.Corrected, c.Captured, c.Received)
			}
			if c.Status == syncproto.Refused || w.made[c.Identity] == nil {
				continue
			}
			versions, err := tx.Versions("identity = ?", string(c.Identity))
			if err != nil {
				return err
			}
			// What comes for a twin that was merged away is an edit of the one that stayed, and one with what comes for that.
			rows := map[syncproto.RowID]bool{}
			for _, e := range w.made[c.Identity].Edits {
				rows[w.stayed(e.Row)] = true
			}
			if len(versions) < len(rows) {
				w.violate(iAtomicity, "of edits of %d rows, change %s, only %d took effect", len(rows), c.Identity, len(versions))
			}
		}
		return nil
	}), "read the records of changes")
}

// disclosures counts what is on record of what a device was shown.
func (s *server) disclosures(id syncproto.DeviceID) (n int64) {
	s.w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT count(*) FROM mq_disclosure WHERE chain = ?", []any{string(id)}, &n)
		return err
	}), "read the disclosures")
	return n
}

// recording begins to count the records of what one request shows a device. What it gives tells how many there are: less those of an old
// request of the same device that the network brought meanwhile.
func (s *server) recording(id syncproto.DeviceID, sync bool) func() int64 {
	if !sync {
		return func() int64 { return 0 }
	}
	if s.recorded == nil {
		s.recorded = map[syncproto.DeviceID]int64{}
	}
	before, within := s.disclosures(id), s.recorded[id]
	return func() int64 {
		all := s.disclosures(id) - before
		own := all - (s.recorded[id] - within)
		s.recorded[id] = within + all
		return own
	}
}

// repaired holds a sync to repair nothing but what something else had damaged, or what a fork or a twin of the file left differing: a
// repair that is needed because of what was synced before hides a defect. Likewise nobody is told apart from a twin that there is not.
func (p *phone) repaired(rep syncer.Report, err error) {
	if rep.Copied && !p.twinned {
		p.w.violate(iSound, "%s was renamed, though its file has no twin", p.name)
	}
	if rep.Repaired > 0 && !p.rotten {
		p.w.violate(iConvergence, "%s had to repair %d buckets that nothing had damaged", p.name, rep.Repaired)
	}
	if err == nil && rep.Differs == 0 {
		p.rotten = false
	}
}

// compareBuckets holds the sums that the server keeps of its buckets to the rows that lie in them.
func (w *world) compareBuckets(rows map[syncproto.RowID]*storedRow) {
	want := map[syncproto.BucketID]*syncproto.BucketState{}
	var scopes []string
	for _, id := range sortedKeys(rows) {
		r := rows[id]
		bucket := syncproto.BucketID{Scope: r.Scope, Period: r.Period}
		if r.Dead != 0 {
			continue
		}
		b := want[bucket]
		if b == nil {
			b = &syncproto.BucketState{ID: bucket}
			want[bucket] = b
		}
		scopes = append(scopes, r.Scope)
		b.Rows++
		t := w.book.Table(r.Table)
		for i, v := range r.values {
			at := max(1, t.Columns[i].Since)
			for len(b.Digests) < at {
				b.Digests = append(b.Digests, syncproto.Digest{})
			}
			b.Digests[at-1] = b.Digests[at-1].Add(syncproto.DigestCell(r.Table, id, t.Columns[i].Name, v))
		}
	}
	var kept []store.Bucket
	w.must(w.server.eng.Store.Read(context.Background(), func(tx *store.Tx) (err error) {
		kept, err = tx.Buckets(scopes)
		return err
	}), "read the buckets")
	for i := range kept {
		is := &syncproto.BucketState{ID: kept[i].ID, Rows: int(kept[i].Rows), Digests: kept[i].Digests}
		must := want[kept[i].ID]
		delete(want, kept[i].ID)
		if must == nil {
			must = &syncproto.BucketState{ID: is.ID}
		}
		if syncproto.DigestBucket(is) != syncproto.DigestBucket(must) {
			w.violate(iConvergence, "the server counts %d rows in %v that come to %v, and has %d that come to %v", is.Rows, is.ID, is.Digests, must.Rows, must.Digests)
		}
	}
	for id := range want {
		w.violate(iConvergence, "the server has rows in %v, and counts none", id)
	}
}

// stayed is the row into which one was merged, itself where it was not.
func (w *world) stayed(id syncproto.RowID) syncproto.RowID {
	rows := w.oracle.View().Rows
	for r := rows[id]; r != nil && r.Dead && r.Alias != ""; r = rows[id] {
		id = r.Alias
	}
	return id
}
