package replica

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"minqing/schema"
	"minqing/syncproto"
)

// bucket is one bucket held, while a transaction works on it.
type bucket struct {
	ord   int64
	state syncproto.BucketState
	was   syncproto.Digest // DigestBucket before the transaction
	dirty bool
}

// buckets are those that a transaction works on, read when first asked for.
type buckets struct {
	c     *conn
	byID  map[syncproto.BucketID]*bucket
	byOrd map[int64]*bucket
	hash  syncproto.CellHasher
}

func newBuckets(c *conn) *buckets {
	return &buckets{c: c, byID: map[syncproto.BucketID]*bucket{}, byOrd: map[int64]*bucket{}}
}

// place is a scope as mq_bucket has it: its id as sixteen bytes, where it ends in one, which is text otherwise.
type place string

// placeOf makes the value of the column.
func placeOf(scope string) any {
	kind, id, _ := strings.Cut(scope, ":")
	if !schema.ValidID(id) {
		return scope
	}
	k, err := key(syncproto.RowID(id))
	if err != nil {
		return scope
	}
	return append([]byte(kind+":"), k...)
}

// Scan reads it back.
func (p *place) Scan(value any) error {
	switch v := value.(type) {
	case string:
		*p = place(v)
		return nil
	case []byte:
		if n := len(v) - 16; n > 0 {
			*p = place(string(v[:n]) + uuid.UUID(v[n:]).String())
			return nil
		}
	}
	return broken("bucket", "a place of %T", value)
}

const bucketColumns = `id, place, period, rows, digests`

// ofScope finds the buckets of a scope along the index of its end. Without the plus SQLite would put the scope into the first term too and
// have nothing left to look up.
const ofScope = `substr(place, -3) = substr(?1, -3) AND +place = ?1`

func (bs *buckets) read(where string, arg ...any) (*bucket, error) {
	b := &bucket{}
	var digests []byte
	found, err := bs.c.one(`SELECT `+bucketColumns+` FROM mq_bucket WHERE `+where, arg, &b.ord, (*place)(&b.state.ID.Scope), &b.state.ID.Period, &b.state.Rows, &digests)
	if !found || err != nil {
		return nil, err
	}
	if b.state.Digests, err = parseDigests(digests); err != nil {
		return nil, err
	}
	b.was = syncproto.DigestBucket(&b.state)
	bs.byID[b.state.ID], bs.byOrd[b.ord] = b, b
	return b, nil
}

// find gives a bucket, nil when it is not held.
func (bs *buckets) find(id syncproto.BucketID) (*bucket, error) {
	if b, known := bs.byID[id]; known {
		return b, nil
	}
	b, err := bs.read(ofScope+` AND period = ?2`, placeOf(id.Scope), id.Period)
	if b == nil {
		bs.byID[id] = nil
	}
	return b, err
}

// at gives a bucket by its number.
func (bs *buckets) at(ord int64) (*bucket, error) {
	if b := bs.byOrd[ord]; b != nil {
		return b, nil
	}
	b, err := bs.read(`id = ?`, ord)
	if b == nil && err == nil {
		err = broken("bucket", "no bucket %d", ord)
	}
	return b, err
}

// hold gives a bucket, making it when it is not held yet.
func (bs *buckets) hold(id syncproto.BucketID) (*bucket, error) {
	b, err := bs.find(id)
	if b != nil || err != nil {
		return b, err
	}
	ord, err := bs.c.insert(`INSERT INTO mq_bucket (place, period, rows, digests) VALUES (?, ?, 0, x'')`, placeOf(id.Scope), id.Period)
	if err != nil {
		return nil, err
	}
	b = &bucket{ord: ord, state: syncproto.BucketState{ID: id}}
	bs.byID[id], bs.byOrd[ord] = b, b
	return b, nil
}

// bucketIDs names the buckets for which a condition holds, in the order of scope and period.
func (c *conn) bucketIDs(where string, f func(syncproto.BucketID) error) error {
	var all []syncproto.BucketID
	var id syncproto.BucketID
	if err := c.each(`SELECT place, period FROM mq_bucket WHERE `+where, nil, []any{(*place)(&id.Scope), &id.Period}, func() error {
		all = append(all, id)
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(all, compareBuckets)
	for _, id := range all {
		if err := f(id); err != nil {
			return err
		}
	}
	return nil
}

// add counts a row into a bucket, or out of it.
func (bs *buckets) add(b *bucket, t *schema.Table, id syncproto.RowID, values []schema.Value) {
	b.state.Rows++
	b.dirty = true
	bs.sum(t, id, values, func(since int, d syncproto.Digest) {
		for len(b.state.Digests) < since {
			b.state.Digests = append(b.state.Digests, syncproto.Digest{})
		}
		b.state.Digests[since-1] = b.state.Digests[since-1].Add(d)
	})
}

func (bs *buckets) remove(b *bucket, t *schema.Table, id syncproto.RowID, values []schema.Value) {
	b.state.Rows--
	b.dirty = true
	bs.sum(t, id, values, func(since int, d syncproto.Digest) {
		for len(b.state.Digests) < since {
			b.state.Digests = append(b.state.Digests, syncproto.Digest{})
		}
		b.state.Digests[since-1] = b.state.Digests[since-1].Sub(d)
	})
}

// sum hashes the cells of a row by the schema version that brought their column.
func (bs *buckets) sum(t *schema.Table, id syncproto.RowID, values []schema.Value, f func(since int, d syncproto.Digest)) {
	bs.hash.Row(t.Name, id)
	for i, v := range values {
		if !v.IsNull() {
			f(max(1, t.Columns[i].Since), bs.hash.Cell(t.Columns[i].Name, v))
		}
	}
}

// drop lets go of a bucket whose rows are gone already.
func (bs *buckets) drop(b *bucket) error {
	b.state.Rows, b.state.Digests = 0, nil
	if err := bs.c.exec(`DELETE FROM mq_bucket WHERE id = ?`, b.ord); err != nil {
		return err
	}
	if err := bs.root(b); err != nil {
		return err
	}
	delete(bs.byOrd, b.ord)
	bs.byID[b.state.ID] = nil
	return nil
}

// save writes the buckets that changed.
func (bs *buckets) save() error {
	for _, ord := range slices.Sorted(maps.Keys(bs.byOrd)) { // in one order: a file must come out the same for the same input
		b := bs.byOrd[ord]
		if !b.dirty {
			continue
		}
		if err := bs.c.exec(`UPDATE mq_bucket SET rows = ?, digests = ? WHERE id = ?`, b.state.Rows, formatDigests(b.state.Digests), b.ord); err != nil {
			return err
		}
		if err := bs.root(b); err != nil {
			return err
		}
		b.dirty = false
	}
	return nil
}

// root takes what became of a bucket into the digest over all buckets.
func (bs *buckets) root(b *bucket) error {
	is := syncproto.DigestBucket(&b.state)
	if is == b.was {
		return nil
	}
	m := &meta{c: bs.c}
	root, err := m.root()
	if err != nil {
		return err
	}
	root = root.Sub(b.was).Add(is)
	b.was = is
	return m.set("root", root.String())
}

func (m *meta) root() (syncproto.Digest, error) {
	text, err := m.text("root")
	if err != nil || text == "" {
		return syncproto.Digest{}, err
	}
	return syncproto.ParseDigest(text)
}

// digestBytes is the size of a digest as mq_bucket has it: most significant byte first.
const digestBytes = 16

func formatDigests(digests []syncproto.Digest) []byte {
	raw := make([]byte, 0, digestBytes*len(digests)) // never nil: that is null
	for _, d := range digests {
		raw = binary.BigEndian.AppendUint64(raw, d.Hi)
		raw = binary.BigEndian.AppendUint64(raw, d.Lo)
	}
	return raw
}

func parseDigests(raw []byte) (out []syncproto.Digest, err error) {
	if len(raw)%digestBytes != 0 {
		return nil, broken("bucket", "digests of %d bytes", len(raw))
	}
	for ; len(raw) > 0; raw = raw[digestBytes:] {
		out = append(out, syncproto.Digest{Hi: binary.BigEndian.Uint64(raw), Lo: binary.BigEndian.Uint64(raw[8:])})
	}
	return out, nil
}

// trimDigests leaves out the zeros at the end.
func trimDigests(digests []syncproto.Digest) []syncproto.Digest {
	for len(digests) > 0 && digests[len(digests)-1] == (syncproto.Digest{}) {
		digests = digests[:len(digests)-1]
	}
	return digests
}
