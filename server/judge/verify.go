package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Broken is a record of a chain that is not what it was when it was written.
type Broken struct {
	Stream   string
	Pos      int64
	Identity syncproto.Identity
	Why      string
}

// ChainReport is what VerifyChain found.
type ChainReport struct {
	Streams, Records, Erased int
	Broken                   []Broken // the first of each stream
}

// verifyPage bounds how many records are held in memory.
const verifyPage = 500

// VerifyChain reckons every record of the streams' chains anew from what the database holds, and names the first of each stream that
// differs.
func (j *Judge) VerifyChain(ctx context.Context) (*ChainReport, error) {
	return j.VerifyStreams(ctx, nil)
}

// VerifyStreams is VerifyChain of some streams; nil stands for all.
func (j *Judge) VerifyStreams(ctx context.Context, ids []string) (*ChainReport, error) {
	out := &ChainReport{}
	err := j.store.Read(ctx, func(tx *store.Tx) error {
		*out = ChainReport{}
		said := told{}
		streams, err := streamsAsked(tx, ids)
		if err != nil {
			return err
		}
		for _, st := range streams {
			b, err := verifyStream(tx, st, out, said)
			if err != nil {
				return err
			}
			out.Streams++
			if b != nil {
				out.Broken = append(out.Broken, *b)
			}
		}
		stray, err := strayEnds(tx, ids, said)
		for _, b := range stray {
			if !slices.ContainsFunc(out.Broken, func(x Broken) bool { return x.Stream == b.Stream }) {
				out.Broken = append(out.Broken, b)
			}
		}
		return err
	})
	return out, err
}

func streamsAsked(tx *store.Tx, ids []string) ([]store.StreamState, error) {
	if ids == nil {
		return tx.AllStreams()
	}
	return tx.Streams(ids)
}

func verifyStream(tx *store.Tx, st store.StreamState, out *ChainReport, said told) (*Broken, error) {
	head, pos := "", int64(0)
	for {
		page, err := tx.Chain(st.ID, pos, verifyPage)
		if err != nil {
			return nil, err
		}
		contents, err := contentsOf(tx, page)
		if err != nil {
			return nil, err
		}
		for i, r := range page {
			if why := checkRecord(&r, contents[i], head, pos); why != "" {
				return &Broken{Stream: st.ID, Pos: r.Pos, Identity: r.Identity, Why: why}, nil
			}
			head, pos = r.Head, r.Pos
			out.Records++
			said.add(&r)
			if r.Salt == "" {
				out.Erased++
			}
		}
		if len(page) < verifyPage {
			break
		}
	}
	if pos != st.Pos || head != st.Head {
		return &Broken{Stream: st.ID, Pos: pos, Why: "the chain ends elsewhere than its stream says"}, nil
	}
	if id, found, err := tx.StrayVersion(st.ID); err != nil || found {
		return &Broken{Stream: st.ID, Pos: pos, Identity: id, Why: "its history holds what the change did not do"}, err
	}
	return nil, nil
}

func checkRecord(r *store.ChainRecord, content []byte, head string, pos int64) string {
	if r.Pos != pos+1 {
		return "a record is missing before it"
	}
	if r.Salt != "" { // erased by law: the leaf alone is left
		if content == nil {
			return "its change is gone"
		}
		if leaf, err := syncproto.ChainLeaf(r.Salt, content); err != nil || leaf != r.Leaf {
			if _, ok := reasonedAbout(r.Kind); ok {
				return "the reason given with a decision was altered"
			}
			return "its change or history was altered"
		}
	}
	if next, err := syncproto.ChainNext(head, uint64(r.Pos), r.Leaf); err != nil || next != r.Head {
		return "it does not follow the record before"
	}
	return ""
}

// contentsOf makes what records hash from the changes and the history.
func contentsOf(tx *store.Tx, page []store.ChainRecord) ([][]byte, error) {
	ids := make([]string, len(page))
	for i, r := range page {
		ids[i] = string(r.Identity)
	}
	changes, err := tx.Changes("identity = ANY(?)", ids)
	if err != nil {
		return nil, err
	}
	byID := map[syncproto.Identity]*store.Change{}
	for _, c := range changes {
		byID[c.Identity] = c
	}
	versions, err := tx.VersionsOf(ids, "identity, ord, stream, seq")
	if err != nil {
		return nil, err
	}
	of := map[syncproto.Identity][]*store.Version{}
	for _, v := range versions {
		of[v.Identity] = append(of[v.Identity], v)
	}
	reasons, err := sayings(tx, page)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(page))
	for i, r := range page {
		c := byID[r.Identity]
		if c == nil {
			continue
		}
		vs := of[r.Identity]
		if !tellsHistory(r.Kind) {
			vs = nil
		}
		about := []*leafSaying{nil}
		if item, ok := reasonedAbout(r.Kind); ok {
			about = reasons[item].of(item, r.Identity)
		}
		for _, reason := range about {
			if out[i], err = leaf(r.Kind, c, vs, reason); err != nil {
				return nil, err
			}
			if len(about) == 1 {
				break
			}
			if hash, err := syncproto.ChainLeaf(r.Salt, out[i]); err == nil && hash == r.Leaf {
				break
			}
		}
	}
	return out, nil
}

// Difference is one place where the state is not what its history gives.
type Difference struct {
	Where, Is, Should string
}

// Rebuild computes every row and every bucket anew from the history and tells where the state differs: nowhere, if all is well.
func (j *Judge) Rebuild(ctx context.Context) ([]Difference, error) {
	var out []Difference
	err := j.store.Read(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		b := &rebuild{d: d, buckets: map[syncproto.BucketID]*store.Bucket{}}
		if err := b.run(); err != nil {
			return err
		}
		out = b.found
		return nil
	})
	return out, err
}

type rebuild struct {
	d       *desk
	found   []Difference
	buckets map[syncproto.BucketID]*store.Bucket
	hash    syncproto.CellHasher
}

func (b *rebuild) differ(where string, is, should any) {
	b.found = append(b.found, Difference{where, fmt.Sprint(is), fmt.Sprint(should)})
}

func (b *rebuild) run() error {
	for after := ""; ; {
		page, err := b.d.tx.RowsWhere("id > ? ORDER BY id LIMIT ?", after, int64(verifyPage))
		if err != nil {
			return err
		}
		clear(b.d.rows)
		clear(b.d.records)
		var ids []syncproto.RowID
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		if err := b.d.loadRows(ids); err != nil {
			return err
		}
		if err := b.d.loadValues(ids); err != nil {
			return err
		}
		erased, err := b.d.tx.Erased(asTexts(ids))
		if err != nil {
			return err
		}
		for _, id := range ids {
			if r := b.d.rows[id]; r != nil && !erased[id] {
				if err := b.row(r); err != nil {
					return err
				}
			}
		}
		if len(page) < verifyPage {
			return errors.Join(b.compareBuckets(), b.compareItems())
		}
		after = string(page[len(page)-1].ID)
	}
}

// row computes one row from its versions and compares.
func (b *rebuild) row(r *row) error {
	d := b.d
	result, err := d.rowAsItStands(r)
	if err != nil {
		return err
	}
	where := r.Table + " " + string(r.ID)
	if result.Deleted != (r.Dead != 0) {
		b.differ(where, r.Dead, result.Deleted)
		return nil
	}
	if r.Dead == 0 {
		should := make([]schema.Value, len(r.table.Columns))
		for i := range result.Cells {
			d.setCell(r.table, should, result.Cells[i].Name, result.Cells[i].Value)
		}
		for i, v := range should {
			if r.values == nil || r.values[i] != v {
				b.differ(where+"."+r.table.Columns[i].Name, r.get(r.table.Columns[i].Name), v)
			}
		}
		b.count(r, should)
	}
	is, err := json.Marshal([]any{r.State, r.Open})
	if err != nil {
		return err
	}
	should, err := json.Marshal([]any{result.State, result.Open()})
	if err != nil {
		return err
	}
	if !bytes.Equal(is, should) {
		b.differ(where+" state", string(is), string(should))
	}
	if c := result.Cell(r.table.Parent); c != nil && syncproto.RowID(c.Value.Str()) != r.Parent {
		b.differ(where+" lies beneath", r.Parent, c.Value.Str())
	}
	return b.situation(r, where)
}

// situation compares where a row lies with what follows from the rows above it.
func (b *rebuild) situation(r *row, where string) error {
	var above *row
	if r.Parent != "" {
		above = b.d.rows[r.Parent]
	}
	if r.Parent != "" && above == nil {
		return nil
	}
	scope, period := situation(b.d, r, above, 0)
	if r.table.Period == schema.PeriodMonth {
		period = r.Period
	}
	if scope != r.Scope || period != r.Period {
		b.differ(where+" lies in", r.Scope+" "+r.Period, scope+" "+period)
	}
	return nil
}

// compareItems compares where open items are said to lie with where their rows do: it decides who is shown them.
func (b *rebuild) compareItems() error {
	return b.d.tx.Each(func(scan func(...any) error) error {
		var id, is, should string
		err := scan(&id, &is, &should)
		b.differ("item "+id+" lies in", is, should)
		return err
	}, "SELECT i.id, i.scope, r.scope FROM mq_item i JOIN mq_row r ON r.id = i.row_id WHERE i.closed_ms = 0 AND i.scope <> r.scope ORDER BY i.id")
}

func (b *rebuild) count(r *row, values []schema.Value) {
	id := syncproto.BucketID{Scope: r.Scope, Period: r.Period}
	if b.buckets[id] == nil {
		b.buckets[id] = &store.Bucket{ID: id}
	}
	b.buckets[id].Rows++
	addDigests(b.buckets[id], &b.hash, r, values, false)
}

func (b *rebuild) compareBuckets() error {
	var stored []store.Bucket
	err := b.d.tx.Each(func(scan func(...any) error) error {
		var scope string
		if err := scan(&scope); err != nil {
			return err
		}
		stored = append(stored, store.Bucket{ID: syncproto.BucketID{Scope: scope}})
		return nil
	}, "SELECT DISTINCT scope FROM mq_bucket ORDER BY scope")
	if err != nil {
		return err
	}
	var scopes []string
	for _, s := range stored {
		scopes = append(scopes, s.ID.Scope)
	}
	if stored, err = b.d.tx.Buckets(scopes); err != nil {
		return err
	}
	for _, s := range stored {
		should := b.buckets[s.ID]
		if should == nil {
			should = &store.Bucket{ID: s.ID}
		}
		if s.Rows != should.Rows || !slices.Equal(trim(s.Digests), trim(should.Digests)) {
			b.differ("bucket "+s.ID.Scope+" "+s.ID.Period, fmt.Sprint(s.Rows, s.Digests), fmt.Sprint(should.Rows, should.Digests))
		}
		delete(b.buckets, s.ID)
	}
	for id := range b.buckets {
		b.differ("bucket "+id.Scope+" "+id.Period, "missing", "there")
	}
	return nil
}

func trim(d []syncproto.Digest) []syncproto.Digest {
	for len(d) > 0 && d[len(d)-1] == (syncproto.Digest{}) {
		d = d[:len(d)-1]
	}
	return d
}
