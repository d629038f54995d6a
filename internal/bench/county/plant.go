package county

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// bed is one transaction of planting: rows of one stream, and all that the server keeps beside them.
type bed struct {
	tx     *store.Tx
	book   *schema.Book
	zone   *time.Location
	dice   io.Reader
	epoch  syncproto.EpochID
	stream string
	state  store.StreamState
	failed error // the system's randomness does not fail; ids are made amid expressions

	rows     map[syncproto.RowID]*plant
	order    []syncproto.RowID
	versions []*store.Version
	changes  []*store.Change
	names    []store.Named
	chain    []store.ChainRecord
	next     map[syncproto.DeviceID]uint64
}

// plant is one row that grows.
type plant struct {
	store.Row
	table  *schema.Table
	values []schema.Value
}

func newBed(tx *store.Tx, zone *time.Location, dice io.Reader, stream string, next map[syncproto.DeviceID]uint64) (*bed, error) {
	e, err := tx.Epoch()
	if err != nil {
		return nil, err
	}
	if err := tx.LockStreams(stream); err != nil {
		return nil, err
	}
	return &bed{tx: tx, book: tx.Book(), zone: zone, dice: dice, epoch: e.ID, stream: stream, state: tx.Stream(stream), rows: map[syncproto.RowID]*plant{}, next: next}, nil
}

// id makes a row's id of a moment.
func (b *bed) id(at int64) syncproto.RowID {
	id, err := syncproto.NewID(at, b.dice)
	if err != nil && b.failed == nil {
		b.failed = err
	}
	return syncproto.RowID(id)
}

// hand is who makes a change, when, and what he is over its rows.
type hand struct {
	user   syncproto.UserID
	device syncproto.DeviceID
	at     int64
	role   schema.Role
}

// edit is an edit of texts by column, with commas between the elements of a set; blank ones are left out.
func (b *bed) edit(table string, id syncproto.RowID, op syncproto.Op, pairs ...string) syncproto.Edit {
	e := syncproto.Edit{Table: table, Row: id, Op: op}
	t := b.book.Table(table)
	for i := 0; i < len(pairs); i += 2 {
		text := pairs[i+1]
		if text == "" {
			continue
		}
		c := syncproto.CellEdit{Cell: pairs[i]}
		switch col := t.Column(pairs[i]); {
		case col == nil:
			panic(table + " has no column " + pairs[i]) // the bench wrote it
		case col.Rule == schema.RuleSet:
			c.Add = strings.Split(text, ",")
		case col.Type.Kind() == schema.KindInt:
			var n int64
			if _, err := fmt.Sscan(text, &n); err != nil {
				panic(err)
			}
			c.Value = schema.Int(n)
		default:
			c.Value = schema.Text(text)
		}
		e.Cells = append(e.Cells, c)
	}
	slices.SortFunc(e.Cells, func(x, y syncproto.CellEdit) int { return position(t, x.Cell) - position(t, y.Cell) }) // schema order
	if op == syncproto.OpUpdate {
		r := b.rows[id]
		e.Base = syncproto.Base{Epoch: b.epoch, Rev: r.Label.Rev}
	}
	return e
}

func position(t *schema.Table, column string) int {
	return slices.IndexFunc(t.Columns, func(c schema.Column) bool { return c.Name == column })
}

// grow puts a change in: its record, its name, its history, its place in the chain, and what it makes of its rows.
func (b *bed) grow(by hand, edits ...syncproto.Edit) error {
	number := max(1, b.next[by.device])
	b.next[by.device] = number + 1
	c := &syncproto.Change{Name: syncproto.Name{Device: by.device, Number: number}, At: by.at, Edits: edits}
	if err := c.Seal(); err != nil {
		return err
	}
	id := c.Identity()
	b.state.Seq++
	verdict := syncproto.Verdict{Identity: id, Status: syncproto.Applied}
	began := len(b.versions)
	for i := range edits {
		r, saw, err := b.touch(id, &edits[i], by.at)
		if err != nil {
			return err
		}
		verdict.Labels = append(verdict.Labels, syncproto.RowLabel{Row: r.ID, Label: r.Label})
		b.record(r, id, &edits[i], saw, int64(i), by)
	}
	told, err := json.Marshal(verdict)
	if err != nil {
		return err
	}
	change := &store.Change{Identity: id, First: c.First, User: by.user, Status: syncproto.Applied, Body: c.Content, At: by.at, Corrected: by.at, Received: by.at, Verdict: told, Stream: b.stream}
	b.changes = append(b.changes, change)
	b.names = append(b.names, store.Named{Name: c.Name, Identity: id})
	return b.link(change, b.versions[began:])
}

// touch makes or changes one row, as merge.Fast would; saw is what its author saw in the cells of a change.
func (b *bed) touch(id syncproto.Identity, e *syncproto.Edit, at int64) (r *plant, saw map[string]schema.Value, err error) {
	r = b.rows[e.Row]
	saw = map[string]schema.Value{}
	if e.Op == syncproto.OpCreate {
		t := b.book.Table(e.Table)
		r = &plant{table: t, values: make([]schema.Value, len(t.Columns))}
		r.ID, r.Table, r.Stream = e.Row, e.Table, b.stream
		for _, c := range b.book.Cells(e.Table) {
			b.set(r, &c, merge.Unwritten(&c))
		}
		b.rows[e.Row], b.order = r, append(b.order, e.Row)
	}
	if r == nil {
		return nil, nil, fmt.Errorf("county: %s %s is not in the bed", e.Table, e.Row)
	}
	r.Seq = b.state.Seq
	r.Label = syncproto.Label{Epoch: b.epoch, Rev: r.Label.Rev + 1}
	written := map[string]bool{}
	for i := range e.Cells {
		cell := b.book.Cell(e.Table, e.Cells[i].Cell)
		written[cell.Name] = true
		before := cell.Join(r.get)
		if e.Op == syncproto.OpUpdate {
			saw[cell.Name] = before
		}
		b.set(r, cell, merge.Apply(cell, before, e.Cells[i]))
	}
	var heads []merge.Head
	for _, h := range r.State.Heads {
		if h.Cells = slices.DeleteFunc(slices.Clone(h.Cells), func(c string) bool { return written[c] }); len(h.Cells) > 0 {
			heads = append(heads, h)
		}
	}
	mine := merge.Head{ID: id, Seq: uint64(r.Seq), Labels: []syncproto.Label{r.Label}}
	if e.Op == syncproto.OpCreate {
		mine.Cells = append(mine.Cells, syncproto.ExistenceCell)
	}
	for _, c := range b.book.Cells(e.Table) {
		if written[c.Name] {
			mine.Cells = append(mine.Cells, c.Name)
		}
	}
	heads = append(heads, mine)
	r.State.Heads = heads
	slices.SortFunc(r.State.Heads, func(x, y merge.Head) int { return strings.Compare(string(x.ID), string(y.ID)) })
	r.State.Top = r.Label.Rev
	if e.Op == syncproto.OpCreate {
		b.lay(r, at)
	}
	return r, saw, nil
}

func (b *bed) set(r *plant, c *schema.Cell, v schema.Value) {
	for k, part := range c.Split(v) {
		for i := range r.table.Columns {
			if r.table.Columns[i].Name == c.Columns[k].Name {
				r.values[i] = part
			}
		}
	}
}

func (r *plant) get(column string) schema.Value {
	for i := range r.table.Columns {
		if r.table.Columns[i].Name == column {
			return r.values[i]
		}
	}
	return schema.Null
}

// lay finds where a new row lies. What lies above a bed is a place or a user: whatever has a scope of its own.
func (b *bed) lay(r *plant, at int64) {
	above, period := "", schema.NoPeriod
	if r.table.Parent != "" {
		r.Parent = syncproto.RowID(r.get(r.table.Parent).Str())
		if p := b.rows[r.Parent]; p != nil {
			above, period = p.Scope, p.Period
		} else {
			above = r.table.Column(r.table.Parent).Ref + ":" + string(r.Parent)
		}
	}
	r.Scope, r.Period = r.table.ScopeFrom(string(r.ID), above), r.table.PeriodOf(at, b.zone, period)
}

func (b *bed) record(r *plant, id syncproto.Identity, e *syncproto.Edit, saw map[string]schema.Value, ord int64, by hand) {
	v := &store.Version{Stream: b.stream, Seq: r.Seq, Ord: ord, Identity: id, Table: e.Table, Row: e.Row, Op: e.Op, Base: e.Base, Roles: []schema.Role{by.role}, Label: r.Label,
		Author: by.user, Device: by.device, At: by.at, Corrected: by.at, Received: by.at}
	for _, c := range e.Cells {
		v.Cells = append(v.Cells, store.CellChange{CellEdit: c, From: saw[c.Cell], Rule: b.book.Cell(e.Table, c.Cell).Rule})
	}
	b.versions = append(b.versions, v)
}

func (b *bed) link(c *store.Change, versions []*store.Version) error {
	kind := string(syncproto.Applied)
	content, err := judge.Leaf(kind, c, versions)
	if err != nil {
		return err
	}
	var salt [16]byte
	if _, err := io.ReadFull(b.dice, salt[:]); err != nil {
		return err
	}
	k := store.ChainRecord{Stream: b.stream, Pos: b.state.Pos + 1, Kind: kind, Identity: c.Identity, Salt: hex.EncodeToString(salt[:]), At: c.Received}
	if k.Leaf, err = syncproto.ChainLeaf(k.Salt, content); err != nil {
		return err
	}
	if k.Head, err = syncproto.ChainNext(b.state.Head, uint64(k.Pos), k.Leaf); err != nil {
		return err
	}
	b.state.Pos, b.state.Head = k.Pos, k.Head
	b.chain = append(b.chain, k)
	return nil
}

// save writes everything.
func (b *bed) save() error {
	if b.failed != nil {
		return b.failed
	}
	rows := make([]*store.Row, len(b.order))
	values := map[string]map[syncproto.RowID][]schema.Value{}
	buckets := map[syncproto.BucketID]*store.Bucket{}
	seqs := map[string]int64{}
	var touches []entitle.Touch
	var hash syncproto.CellHasher
	for i, id := range b.order {
		r := b.rows[id]
		rows[i] = &r.Row
		if values[r.Table] == nil {
			values[r.Table] = map[syncproto.RowID][]schema.Value{}
		}
		values[r.Table][id] = r.values
		seqs[r.Scope] = max(seqs[r.Scope], r.Seq)
		at := syncproto.BucketID{Scope: r.Scope, Period: r.Period}
		if buckets[at] == nil {
			buckets[at] = &store.Bucket{ID: at}
		}
		count(buckets[at], &hash, r)
		if entitle.Concerns(r.Table) {
			touches = append(touches, entitle.Touch{Table: r.Table, ID: id, After: r.values})
		}
	}
	if err := b.tx.SaveRows(rows); err != nil {
		return err
	}
	for _, t := range b.book.Tables() {
		if len(values[t.Name]) > 0 {
			if err := b.tx.SaveValues(t.Name, values[t.Name]); err != nil {
				return err
			}
		}
	}
	var all []store.Bucket
	for _, one := range buckets {
		all = append(all, *one)
	}
	var news []store.ScopeSeq
	for scope, seq := range seqs {
		news = append(news, store.ScopeSeq{Scope: scope, Stream: b.stream, Seq: seq})
	}
	b.tx.SetStream(b.state)
	for _, step := range []func() error{
		func() error { return b.tx.SaveBuckets(all) },
		func() error { return b.tx.SaveScopeSeqs(news) },
		func() error { return b.tx.AddVersions(b.versions) },
		func() error { return b.tx.AddChain(b.chain) },
		func() error { return b.tx.SaveChanges(b.changes) },
		func() error { return b.tx.SaveNames(b.names) },
		func() error { _, err := entitle.Touched(b.tx, b.zone, touches); return err },
		b.tx.SaveStreams,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// count adds a row to its bucket.
func count(b *store.Bucket, hash *syncproto.CellHasher, r *plant) {
	b.Rows++
	hash.Row(r.Table, r.ID)
	for i, v := range r.values {
		if v.IsNull() {
			continue
		}
		at := max(1, r.table.Columns[i].Since) - 1
		for len(b.Digests) <= at {
			b.Digests = append(b.Digests, syncproto.Digest{})
		}
		b.Digests[at] = b.Digests[at].Add(hash.Cell(r.table.Columns[i].Name, v))
	}
}
