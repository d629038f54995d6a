package judge

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// flush writes the desk: a few statements, however many changes there were. While rows are written, the chain is hashed beside: whoever writes
// holds up all others, and a processor that waits for him is better put to that. PostgreSQL has them written while history and records are put
// into words, so buckets, whose question waits for it, come after those.
func (d *desk) flush(p *push) error {
	rows := d.touchedRows()
	hashed := make(chan error, 1)
	go func() { hashed <- d.hashChain() }()
	err := d.flushRows(rows)
	d.tx.Aside()
	if err := errors.Join(err, <-hashed); err != nil {
		return err
	}
	for _, step := range []func() error{
		d.flushHistory,
		func() error { return d.flushRecords() },
		func() error { return d.flushBuckets(rows) },
		d.flushItems,
		func() error { return d.flushGrants(rows) },
		d.tx.SaveStreams,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if p.next != p.device.Next || p.cursor != p.device.CursorMS {
		return d.tx.AdvanceDevice(p.by.Device, p.next, p.cursor)
	}
	return nil
}

func (d *desk) touchedRows() []*row {
	var out []*row
	for _, r := range d.rows {
		if r != nil && r.touched {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *row) int { return compareText(a.ID, b.ID) })
	return out
}

func (d *desk) flushRows(rows []*row) error {
	var save, add []*store.Row
	values, fresh := map[string]map[syncproto.RowID][]schema.Value{}, map[string]map[syncproto.RowID][]schema.Value{}
	drop := map[string][]string{}
	for _, r := range rows {
		into := values
		if r.wasThere {
			save = append(save, &r.Row)
		} else {
			add, into = append(add, &r.Row), fresh
		}
		switch {
		case r.Dead != 0 && r.was.Dead == 0 && r.wasThere:
			drop[r.Table] = append(drop[r.Table], string(r.ID))
		case r.Dead == 0 && !slices.Equal(r.values, r.wasValues):
			if into[r.Table] == nil {
				into[r.Table] = map[syncproto.RowID][]schema.Value{}
			}
			into[r.Table][r.ID] = r.values
		}
		if r.wasThere && r.was.Scope != r.Scope {
			d.left = append(d.left, store.Left{Scope: r.was.Scope, Stream: r.Stream, Seq: r.Seq, ID: r.ID, Table: r.Table})
		}
	}
	if err := d.tx.SaveRows(save); err != nil {
		return err
	}
	if err := d.tx.AddRows(add); err != nil {
		return err
	}
	for _, table := range slices.Sorted(maps.Keys(fresh)) {
		if err := d.tx.AddValues(table, fresh[table]); err != nil {
			return err
		}
	}
	for _, table := range slices.Sorted(maps.Keys(values)) {
		if err := d.tx.SaveValues(table, values[table]); err != nil {
			return err
		}
	}
	for _, table := range slices.Sorted(maps.Keys(drop)) {
		if err := d.tx.DropValues(table, drop[table]); err != nil {
			return err
		}
	}
	if err := d.tx.SaveMoved(d.moved); err != nil {
		return err
	}
	return d.tx.SaveLeft(d.left)
}

// flushBuckets moves digests, counts and newest seqs of the scopes that rows left, joined or changed in.
func (d *desk) flushBuckets(rows []*row) error {
	seqs := map[store.ScopeSeq]int64{}
	deltas := map[syncproto.BucketID]*store.Bucket{}
	of := func(r *store.Row) *store.Bucket {
		id := syncproto.BucketID{Scope: r.Scope, Period: r.Period}
		if deltas[id] == nil {
			deltas[id] = &store.Bucket{ID: id}
		}
		return deltas[id]
	}
	var hash syncproto.CellHasher
	for _, r := range rows {
		for _, scope := range []string{r.Scope, r.was.Scope} {
			if scope != "" {
				key := store.ScopeSeq{Scope: scope, Stream: r.Stream}
				seqs[key] = max(seqs[key], r.Seq)
			}
		}
		same := r.wasThere && r.was.Scope == r.Scope && r.was.Period == r.Period && (r.was.Dead == 0) == (r.Dead == 0)
		if same && slices.Equal(r.values, r.wasValues) {
			continue
		}
		if r.wasThere && r.was.Dead == 0 {
			b := of(&r.was)
			b.Rows--
			addDigests(b, &hash, r, r.wasValues, true)
		}
		if r.Dead == 0 {
			b := of(&r.Row)
			b.Rows++
			addDigests(b, &hash, r, r.values, false)
		}
	}
	var news []store.ScopeSeq
	for key, seq := range seqs {
		key.Seq = seq
		news = append(news, key)
	}
	if err := d.tx.SaveScopeSeqs(news); err != nil {
		return err
	}
	return d.addBuckets(deltas)
}

// addDigests adds the digests of a row's values to a bucket, or takes them away: entry i is over the columns of since-version i+1.
func addDigests(b *store.Bucket, hash *syncproto.CellHasher, r *row, values []schema.Value, away bool) {
	hash.Row(r.Table, r.ID)
	for i, v := range values {
		if v.IsNull() {
			continue
		}
		at := max(1, r.table.Columns[i].Since) - 1
		for len(b.Digests) <= at {
			b.Digests = append(b.Digests, syncproto.Digest{})
		}
		cell := hash.Cell(r.table.Columns[i].Name, v)
		if away {
			b.Digests[at] = b.Digests[at].Sub(cell)
		} else {
			b.Digests[at] = b.Digests[at].Add(cell)
		}
	}
}

func (d *desk) addBuckets(deltas map[syncproto.BucketID]*store.Bucket) error {
	scopes := map[string]bool{}
	for id := range deltas {
		scopes[id.Scope] = true
	}
	have, err := d.tx.Buckets(slices.Sorted(maps.Keys(scopes)))
	if err != nil {
		return err
	}
	for i := range have {
		b := deltas[have[i].ID]
		if b == nil {
			continue
		}
		b.Rows += have[i].Rows
		for k, sum := range have[i].Digests {
			for len(b.Digests) <= k {
				b.Digests = append(b.Digests, syncproto.Digest{})
			}
			b.Digests[k] = b.Digests[k].Add(sum)
		}
	}
	out := make([]store.Bucket, 0, len(deltas))
	for _, b := range deltas {
		out = append(out, *b)
	}
	return d.tx.SaveBuckets(out)
}

func (d *desk) flushHistory() error {
	if err := d.tx.AddVersions(d.versions); err != nil {
		return err
	}
	if err := d.tx.SaveLabels(d.labels); err != nil {
		return err
	}
	if err := d.tx.SaveWaits(d.waits); err != nil {
		return err
	}
	return d.flushChain()
}

// flushRecords writes changes and names, and counts up the verdicts that devices have still to hear of. What is answered to the pushing
// device right now is no news to it.
func (d *desk) flushRecords() error {
	var save, add []*store.Change
	var news []string
	for _, id := range slices.Sorted(maps.Keys(d.records)) {
		rec := d.records[id]
		if rec == nil || !rec.dirty {
			continue
		}
		text, err := json.Marshal(rec.verdict)
		if err != nil {
			return err
		}
		rec.Verdict = text
		if rec.fresh {
			add = append(add, &rec.Change)
			continue
		}
		save = append(save, &rec.Change)
		if rec.news {
			news = append(news, string(id))
		}
	}
	if err := d.tx.SaveChanges(save); err != nil {
		return err
	}
	if err := d.tx.AddChanges(add); err != nil {
		return err
	}
	names, err := d.tx.NamesOf(news)
	if err != nil {
		return err
	}
	devices := map[syncproto.DeviceID]bool{}
	for _, n := range names {
		devices[n.Name.Device] = true
	}
	vseqs, err := d.tx.NextVSeqs(devices)
	if err != nil {
		return err
	}
	for i := range names {
		names[i].VSeq = vseqs[names[i].Name.Device]
	}
	for _, id := range news {
		d.tx.Touch("user:" + string(d.records[syncproto.Identity(id)].User))
	}
	if err := d.tx.SaveNames(names); err != nil {
		return err
	}
	return d.tx.AddNames(d.names)
}

func (d *desk) flushItems() error {
	var save []*store.Item
	for _, id := range slices.Sorted(maps.Keys(d.dirtyItems)) {
		save = append(save, d.items[id])
	}
	return d.tx.SaveItems(save)
}

// flushGrants lets rights follow from the rows that they rest on.
func (d *desk) flushGrants(rows []*row) error {
	var touches []entitle.Touch
	for _, r := range rows {
		if !entitle.Concerns(r.Table) {
			continue
		}
		t := entitle.Touch{Table: r.Table, ID: r.ID}
		if r.wasThere && r.was.Dead == 0 {
			t.Before = r.wasValues
		}
		if r.Dead == 0 {
			t.After = r.values
		}
		touches = append(touches, t)
	}
	users, err := entitle.Touched(d.tx, d.j.zone, touches)
	for _, u := range users {
		delete(d.rights, u) // what was read before the push tells nothing of the household that its author made
	}
	return err
}
