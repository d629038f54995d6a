package pull

import (
	"maps"
	"slices"
	"strings"

	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// resume goes on behind the device's last mark, when nothing happened to its entitlement since: buckets are filled in one order, so
// the last one tells all before it. Otherwise the answer starts at the cursor, and the device drops what it staged.
func (c *Course) resume() error {
	r := c.req.Resume
	if r == nil || r.Device != c.req.Device || r.Cursor != syncproto.DigestText(c.req.Sealed) {
		return nil
	}
	var p *plan
	ours := false
	err := c.svc.Store.Read(c.ctx, func(tx *store.Tx) error {
		var err error
		if ours, err = stands(tx, r); err != nil || !ours {
			return err
		}
		p, err = c.look(tx)
		return err
	})
	if err != nil || !ours || scopesDigest(p.granted) != r.Scopes || len(p.forget) > 0 {
		return err
	}
	// A bucket that came to be after the mark's look counts as filled: all its rows have seqs behind that look and travel as changes.
	for _, b := range p.pending {
		if compareBuckets(b, r.Last) <= 0 {
			c.held[b] = true
			c.dirty[b] = true
		}
	}
	c.goFrom(r.Streams)
	c.scopes = p.granted
	c.resumed = true
	return nil
}

// stands tells whether the streams of a mark stood there in this database's past. Of a time that a restore cut off, numbers above those of the backup
// are given again, and what bears them now would seem to be filled.
func stands(tx *store.Tx, r *syncproto.Resume) (bool, error) {
	line, err := tx.Epochs()
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(line, func(e store.Epoch) bool { return e.ID == r.Epoch })
	if i < 0 || i+1 == len(line) {
		return i >= 0, nil
	}
	ids := make([]string, len(r.Streams))
	for n, st := range r.Streams {
		ids[n] = st.ID
	}
	began, err := tx.EpochStarts(line, ids)
	return err == nil && !slices.ContainsFunc(r.Streams, func(st syncproto.StreamAt) bool { return int64(st.Seq) > began[st.ID][i+1] }), err
}

// stillGranted looks at entitlement anew, within what was granted when the sync began.
func (c *Course) stillGranted(tx *store.Tx) (map[string]bool, error) {
	now, err := entitle.Stand(tx, c.req.User, c.standing)
	if err != nil || now == c.still {
		return c.granted, err
	}
	c.standing, c.still, c.granted = now, now, within(now.Scopes, c.scopes)
	return c.granted, nil
}

// within is the set of those that are in another one.
func within(scopes []string, among map[string]bool) map[string]bool {
	out := make(map[string]bool, len(scopes))
	for _, s := range scopes {
		if among[s] {
			out[s] = true
		}
	}
	return out
}

func scopesDigest(scopes map[string]bool) syncproto.Digest {
	return syncproto.DigestText(strings.Join(slices.Sorted(maps.Keys(scopes)), "\n"))
}

// mark lets a broken answer go on behind the bucket just sent.
func (c *Course) mark(last syncproto.BucketID) error {
	if c.began == (syncproto.Digest{}) {
		c.began = scopesDigest(c.scopes)
	}
	r := syncproto.Resume{Device: c.req.Device, Cursor: syncproto.DigestText(c.sealed), Last: last, Scopes: c.began, Epoch: c.epoch}
	for _, id := range slices.Sorted(maps.Keys(c.since)) {
		r.Streams = append(r.Streams, syncproto.StreamAt{ID: id, Seq: uint64(c.since[id])})
	}
	sealed, err := c.svc.Sealer.SealResume(r)
	if err != nil {
		return err
	}
	if err := c.out.Write(syncproto.Mark{Resume: sealed}); err != nil {
		return err
	}
	return c.out.Flush()
}
