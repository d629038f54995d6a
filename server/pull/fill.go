package pull

import (
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
)

// fill sends whole buckets: all of the next stage, a chunk a snapshot. The closing look that follows brings them to one cut with
// the rest.
func (c *Course) fill(pending []syncproto.BucketID) error {
	for todo := pending[:c.stage(pending)]; len(todo) > 0; {
		n, err := c.fillChunk(todo)
		if err != nil {
			return err
		}
		todo = todo[n:]
	}
	return nil
}

// stage is how many of the buckets to be filled the next checkpoint closes. A device that holds nothing gets one after its first household, so that
// somebody on a slow link can begin there; then come the other households, then the past.
func (c *Course) stage(pending []syncproto.BucketID) int {
	if c.req.Cursor == nil && !c.closed && class(pending[0]) != classPast {
		if i := slices.IndexFunc(pending, syncproto.BucketID.Home); i >= 0 {
			return i + 1
		}
	}
	past := class(pending[0]) == classPast
	if i := slices.IndexFunc(pending, func(b syncproto.BucketID) bool { return (class(b) == classPast) != past }); i >= 0 {
		return i
	}
	return len(pending)
}

// fillChunk sends as many whole buckets as fit a chunk, at least one, and a mark behind them. It gives how many it took.
func (c *Course) fillChunk(todo []syncproto.BucketID) (int, error) {
	var after syncproto.RowID
	for inside := false; ; inside = true {
		piece, err := c.readChunk(todo, after)
		if err != nil {
			return 0, err
		}
		if err := c.sendChunk(piece, inside); err != nil {
			return 0, err
		}
		for _, b := range piece.whole {
			c.held[b] = true
			c.dirty[b] = true
		}
		took := len(piece.whole) + len(piece.lost)
		if piece.partial == "" {
			return took, c.mark(todo[took-1])
		}
		after = piece.partial // one bucket larger than a chunk: go on within it
	}
}

// chunk is what one snapshot gave.
type chunk struct {
	whole   []syncproto.BucketID // sent to their end
	lost    []syncproto.BucketID // no longer granted: skipped
	rows    map[syncproto.BucketID][]*syncproto.Row
	partial syncproto.RowID    // the last row of a bucket that goes on, "" when it ended
	first   syncproto.BucketID // the bucket that goes on
}

func (c *Course) readChunk(todo []syncproto.BucketID, after syncproto.RowID) (*chunk, error) {
	out := &chunk{rows: map[syncproto.BucketID][]*syncproto.Row{}}
	err := c.svc.Store.Read(c.ctx, func(tx *store.Tx) error {
		granted, err := c.stillGranted(tx)
		if err != nil {
			return err
		}
		rows, err := c.listChunk(tx, todo, after, granted, out)
		if err != nil {
			return err
		}
		// One question a table for the whole chunk: most buckets hold a few rows, and asking costs more than they do.
		all, err := c.values(tx, c.knownRows(rows))
		for _, r := range all {
			out.rows[r.Bucket] = append(out.rows[r.Bucket], r)
		}
		return err
	})
	return out, err
}

// listChunk finds out which buckets a chunk takes, and their rows.
func (c *Course) listChunk(tx *store.Tx, todo []syncproto.BucketID, after syncproto.RowID, granted map[string]bool, out *chunk) (all []*store.Row, err error) {
	room := chunkRows
	for i, b := range todo {
		if i > 0 && room <= 0 {
			return all, nil
		}
		if !granted[b.Scope] {
			out.lost = append(out.lost, b)
			continue
		}
		rows, err := tx.BucketRows(b.Scope, b.Period, after, chunkRows)
		if err != nil {
			return nil, err
		}
		if i > 0 && len(rows) > room {
			return all, nil
		}
		all = append(all, rows...)
		room -= len(rows)
		if len(rows) == chunkRows {
			out.first, out.partial = b, lastID(rows)
			return all, nil
		}
		out.whole = append(out.whole, b)
		after = ""
	}
	return all, nil
}

func lastID(rows []*store.Row) syncproto.RowID {
	if len(rows) == 0 {
		return ""
	}
	return rows[len(rows)-1].ID
}

func (c *Course) knownRows(rows []*store.Row) []*store.Row {
	return slices.DeleteFunc(rows, func(r *store.Row) bool { return c.book.Table(r.Table) == nil })
}

func (c *Course) sendChunk(p *chunk, continues bool) error {
	send := p.whole
	if p.partial != "" {
		send = []syncproto.BucketID{p.first}
	}
	for i, b := range send {
		if err := c.out.Write(syncproto.Bucket{ID: b, Continues: continues && i == 0}); err != nil {
			return err
		}
		if err := c.sendRows(p.rows[b]); err != nil {
			return err
		}
	}
	return c.out.Flush()
}
