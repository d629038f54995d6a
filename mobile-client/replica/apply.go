package replica

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// apply brings the acknowledged state to a checkpoint, inside one transaction: it takes the frames of the cut in order, then
// finish lays own edits over what changed.
type apply struct {
	r       *Replica
	c       *conn
	l       *layer
	buckets *buckets
	batch   *batch
	columns map[string]*columns
	epochs  map[syncproto.EpochID]int64
	under   map[syncproto.RowID]bool // rows with acknowledged values of their own
	edited  map[syncproto.RowID]bool // rows that own changes edit
	open    map[syncproto.RowID]bool // rows with open items
	known   map[[shortKey]byte]bool  // of the session
	fills   map[syncproto.BucketID]map[syncproto.RowID]*schema.Table
	before  map[int64][]ref // by bucket: what was held when the first bucket came whole; nil before
	forgets []syncproto.Forget
	touched map[syncproto.RowID]*schema.Table // rows whose own edits must be looked at again
	// tampered: rows may have been changed while no trigger looked.
	tampered   bool
	witnessing bool // a fork may take rows of others back
	rows       int
	forgot     bool // rows went that may not be seen any more
	deleted    bool // rows went that were deleted
}

// columns maps the values of a table's Row frames to columns.
type columns struct {
	t     *schema.Table
	place []int // of value i among t.Columns, -1 for one that this program does not know
}

func (s *Session) newApply() (*apply, error) {
	r := s.r
	a := &apply{r: r, c: r.w, l: newLayer(r.w), buckets: newBuckets(r.w), batch: newBatch(r.w), columns: map[string]*columns{}, epochs: map[syncproto.EpochID]int64{},
		under: map[syncproto.RowID]bool{}, edited: map[syncproto.RowID]bool{}, open: map[syncproto.RowID]bool{},
		fills: map[syncproto.BucketID]map[syncproto.RowID]*schema.Table{}, touched: map[syncproto.RowID]*schema.Table{}}
	for query, set := range map[string]map[syncproto.RowID]bool{`SELECT row FROM mq_under`: a.under, `SELECT DISTINCT row FROM mq_edit`: a.edited, `SELECT row FROM mq_open`: a.open} {
		var id syncproto.RowID
		if err := r.w.each(query, nil, []any{&id}, func() error {
			set[id] = true
			return nil
		}); err != nil {
			return nil, err
		}
	}
	tampered, err := (&meta{c: r.w}).text("tampered")
	if err != nil {
		return nil, err
	}
	a.tampered = tampered != ""
	witness, err := (&meta{c: r.w}).text(metaWitness)
	if err != nil {
		return nil, err
	}
	a.witnessing = witness != ""
	some, err := r.w.one(`SELECT 1 FROM mq_held LIMIT 1`, nil, new(int))
	if err != nil {
		return nil, err
	}
	switch {
	case !some:
		s.known = map[[shortKey]byte]bool{}
	case len(s.known) > mostKnown:
		s.known = nil
	}
	a.known = s.known
	return a, nil
}

// frame takes one frame of the cut.
func (a *apply) frame(f syncproto.Frame) error {
	if forget, ok := f.(syncproto.Forget); ok {
		a.forgets = append(a.forgets, forget) // one pass over the rows serves all that come together
		return nil
	}
	if err := a.forgetAll(); err != nil {
		return err
	}
	switch f := f.(type) {
	case *syncproto.Row:
		return a.row(f)
	case syncproto.Columns:
		a.head(f)
	case syncproto.Bucket:
		return a.bucket(f)
	case syncproto.Gone:
		if !f.Deleted { // it may be where this device may not look
			if err := a.c.exec(`DELETE FROM mq_testimony WHERE row = ?`, string(f.ID)); err != nil {
				return err
			}
		}
		return a.gone(f)
	}
	return nil
}

func (a *apply) head(f syncproto.Columns) {
	t := a.r.book.Table(f.Table)
	if t == nil {
		a.columns[f.Table] = nil
		return
	}
	h := &columns{t: t}
	for _, name := range f.Names {
		h.place = append(h.place, columnIndex(t, name))
	}
	a.columns[f.Table] = h
}

// bucket begins a bucket that comes whole: what is held of it and does not come goes at the end of the cut.
func (a *apply) bucket(f syncproto.Bucket) error {
	b, err := a.buckets.hold(f.ID)
	if err != nil || f.Continues || b.state.Rows == 0 {
		return err
	}
	left := map[syncproto.RowID]*schema.Table{}
	a.fills[f.ID] = left
	if a.before == nil { // one pass serves every bucket of the cut: what came or moved since leftOver sees
		if err := a.listAll(); err != nil {
			return err
		}
	}
	for _, l := range a.before[b.ord] {
		left[l.id] = l.t
	}
	return nil
}

// listAll lists every row that is held.
func (a *apply) listAll() error {
	a.before = map[int64][]ref{}
	var ords []int64
	var ord int64
	if err := a.c.each(`SELECT id FROM mq_bucket`, nil, []any{&ord}, func() error {
		ords = append(ords, ord)
		return nil
	}); err != nil {
		return err
	}
	left, err := a.rowsOf(ords, func(l listed) error {
		a.before[l.bucket] = append(a.before[l.bucket], l.ref)
		return nil
	})
	if err == nil {
		err = a.letLost(left)
	}
	if codeOf(err) == syncproto.CodeUpgrade { // what only a newer program knows is no news to a bucket that comes whole
		return nil
	}
	return err
}

// letLost lets go of marks without rows, and reckons their buckets anew. The rows went while nobody looked, or lie in tables that only a newer
// program knows, which must then be the one to do it.
func (a *apply) letLost(left []mark) error {
	if len(left) == 0 {
		return nil
	}
	known, err := (&meta{c: a.c}).num("book")
	if err != nil {
		return err
	}
	if known > int64(a.r.book.Version) {
		return newer("let")
	}
	anew := map[int64]bool{}
	for _, m := range left {
		if err := a.c.exec(`DELETE FROM mq_held WHERE id = ?`, m.key); err != nil {
			return err
		}
		anew[m.bucket] = true
	}
	for ord := range anew {
		b, err := a.buckets.at(ord)
		if err != nil {
			return err
		}
		b.state.Rows, b.state.Digests, b.dirty = 0, nil, true
		for _, l := range a.before[ord] {
			values, err := a.acked(l.t, l.id)
			if err != nil {
				return err
			}
			a.buckets.add(b, l.t, l.id, values)
		}
	}
	return nil
}

// rowsOf is conn's, with what waits to be written.
func (a *apply) rowsOf(ords []int64, f func(listed) error) (left []mark, err error) {
	if err := a.batch.flush(); err != nil {
		return nil, err
	}
	return a.c.rowsOf(ords, f)
}

// row takes one acknowledged row.
func (a *apply) row(f *syncproto.Row) error {
	h := a.columns[f.Table]
	if h == nil {
		return nil // of a table from tomorrow
	}
	values := make([]schema.Value, len(h.t.Columns))
	for i, v := range f.Values {
		if i < len(h.place) && h.place[i] >= 0 {
			values[h.place[i]] = v
		}
	}
	k, err := key(f.ID)
	if err != nil {
		return err
	}
	b, err := a.buckets.hold(f.Bucket)
	if err != nil {
		return err
	}
	if left := a.fills[f.Bucket]; left != nil {
		delete(left, f.ID)
	}
	st, err := a.stand(h.t, f.ID, k)
	if err != nil {
		return err
	}
	if err := a.witness(h.t, f.ID, st, values, f.Label); err != nil {
		return err
	}
	if err := a.takeOut(h.t, f.ID, st); err != nil {
		return err
	}
	a.buckets.add(b, h.t, f.ID, values)
	if err := a.uncaptured(h.t, f, st, values); err != nil {
		return err
	}
	if a.edited[f.ID] {
		a.touched[f.ID] = h.t
		if err := a.c.exec(`DELETE FROM mq_buried WHERE row = ?`, string(f.ID)); err != nil {
			return err
		}
	}
	a.rows++
	epoch, err := a.epoch(f.Label.Epoch)
	if err != nil {
		return err
	}
	if a.under[f.ID] {
		if err := a.c.setUnder(h.t, f.ID, values); err != nil {
			return err
		}
		values = nil
	}
	if err := a.batch.add(h.t, f.ID, values, short(k), st.key, b.ord, epoch, int64(f.Label.Rev)); err != nil {
		return err
	}
	return a.setOpen(f.ID, f.Open)
}

func (a *apply) epoch(name syncproto.EpochID) (int64, error) {
	if id, ok := a.epochs[name]; ok {
		return id, nil
	}
	id, _, err := a.c.epochOf(name)
	a.epochs[name] = id
	return id, err
}

// takeOut counts a row that is held out of its bucket.
func (a *apply) takeOut(t *schema.Table, id syncproto.RowID, st stand) error {
	if !st.held {
		return nil
	}
	b, err := a.buckets.at(st.bucket)
	if err != nil {
		return err
	}
	a.buckets.remove(b, t, id, st.acked)
	return nil
}

// acked reads the acknowledged values of a row for which there is a key; nil when it is another's.
func (a *apply) acked(t *schema.Table, id syncproto.RowID) ([]schema.Value, error) {
	if !a.under[id] {
		return a.c.domain(t, id)
	}
	var vals *string
	if _, err := a.c.one(`SELECT vals FROM mq_under WHERE row = ?`, []any{string(id)}, &vals); err != nil || vals == nil {
		return nil, err
	}
	return parseValues(t, *vals)
}

func (a *apply) setOpen(id syncproto.RowID, open map[string][]syncproto.Identity) error {
	if len(open) == 0 {
		if !a.open[id] {
			return nil
		}
		delete(a.open, id)
		return a.c.exec(`DELETE FROM mq_open WHERE row = ?`, string(id))
	}
	text, err := json.Marshal(open)
	if err != nil {
		return wrap("open", err)
	}
	a.open[id] = true
	return a.c.exec(`INSERT INTO mq_open (row, cells) VALUES (?, ?) ON CONFLICT (row) DO UPDATE SET cells = excluded.cells`, string(id), string(text))
}

// gone takes away a row that was deleted, or moved to where the device may not look.
func (a *apply) gone(f syncproto.Gone) error {
	t := a.r.book.Table(f.Table)
	if t == nil {
		return nil
	}
	st, err := a.look(t, f.ID)
	if err != nil {
		return err
	}
	if err := a.takeOut(t, f.ID, st); err != nil {
		return err
	}
	a.forgot = a.forgot || !f.Deleted
	a.deleted = a.deleted || f.Deleted
	return a.let(t, f.ID, st, !f.Deleted)
}

// let lets go of a row: acknowledged edits of it are settled, pending ones go to the hand-over box when it was moved out of sight
// and otherwise wait for their verdict.
func (a *apply) let(t *schema.Table, id syncproto.RowID, st stand, away bool) error {
	if st.held {
		if a.edited[id] && !away {
			b, err := a.buckets.at(st.bucket)
			if err != nil {
				return err
			}
			if err := a.c.exec(`INSERT INTO mq_buried (row, tbl, scope, period) VALUES (?, ?, ?, ?) ON CONFLICT (row) DO UPDATE SET scope = excluded.scope, period = excluded.period`,
				string(id), t.Name, b.state.ID.Scope, b.state.ID.Period); err != nil {
				return err
			}
		}
		if err := a.c.exec(`DELETE FROM mq_held WHERE id = ?`, st.key); err != nil {
			return err
		}
	}
	if err := a.setOpen(id, nil); err != nil {
		return err
	}
	if a.edited[id] {
		if err := a.settleGone(id, away); err != nil {
			return err
		}
		a.touched[id] = t
	}
	if a.under[id] {
		return a.c.setUnder(t, id, nil)
	}
	return a.c.show(t, id, nil)
}

func (a *apply) settleGone(id syncproto.RowID, away bool) error {
	if err := a.c.exec(`UPDATE mq_edit SET settled = 1, laid = 0 WHERE row = ? AND change IN (SELECT ord FROM mq_change WHERE state = 'accepted')`, string(id)); err != nil {
		return err
	}
	if !away {
		return nil
	}
	if err := a.c.exec(`UPDATE mq_edit SET away = 1, laid = 0 WHERE row = ?`, string(id)); err != nil {
		return err
	}
	var ords []int64
	var ord int64
	if err := a.c.each(`SELECT change FROM mq_edit WHERE row = ?`, []any{string(id)}, []any{&ord}, func() error {
		ords = append(ords, ord)
		return nil
	}); err != nil {
		return err
	}
	for _, ord := range ords {
		if err := a.r.stow(a.l, ord); err != nil {
			return err
		}
	}
	return nil
}

// finish closes the cut.
func (a *apply) finish() error {
	if err := a.forgetAll(); err != nil {
		return err
	}
	if err := a.batch.flush(); err != nil {
		return err
	}
	fills := a.fills
	a.fills, a.before = map[syncproto.BucketID]map[syncproto.RowID]*schema.Table{}, nil
	for _, id := range slices.SortedFunc(maps.Keys(fills), compareBuckets) {
		left := fills[id]
		b, err := a.buckets.hold(id)
		if err != nil {
			return err
		}
		for _, row := range sortedRows(left) {
			if err := a.leftOver(b, left[row], row); err != nil {
				return err
			}
		}
	}
	if err := a.buckets.save(); err != nil {
		return err
	}
	touched := sortedRows(a.touched)
	if err := a.comeBack(touched); err != nil {
		return err
	}
	for _, id := range touched {
		if err := a.r.settleRow(a.l, a.touched[id], id); err != nil {
			return err
		}
		under, err := a.c.one(`SELECT 1 FROM mq_under WHERE row = ?`, []any{string(id)}, new(int))
		if err != nil {
			return err
		}
		a.under[id] = under // the repair that follows reads on
	}
	clear(a.touched)
	return nil
}

// comeBack takes the own edits of rows that came out of the hand-over box: their author may look there again.
func (a *apply) comeBack(rows []syncproto.RowID) error {
	if len(rows) == 0 {
		return nil
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return wrap("rows", err)
	}
	return a.c.exec(`UPDATE mq_edit SET away = 0 WHERE row IN (SELECT value FROM json_each(?)) AND away = 1 AND `+a.c.holds("mq_edit.row"), string(list))
}

// leftOver lets go of a row that a whole bucket did not bring, unless it came with another bucket.
func (a *apply) leftOver(b *bucket, t *schema.Table, id syncproto.RowID) error {
	st, err := a.look(t, id)
	if !st.held || st.bucket != b.ord || err != nil {
		return err
	}
	if err := a.witness(t, id, st, nil, syncproto.Label{}); err != nil {
		return err
	}
	if err := a.takeOut(t, id, st); err != nil {
		return err
	}
	a.deleted = true
	return a.let(t, id, st, false)
}

func sortedRows(m map[syncproto.RowID]*schema.Table) []syncproto.RowID {
	return slices.Sorted(maps.Keys(m))
}

func compareBuckets(a, b syncproto.BucketID) int {
	return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Period, b.Period))
}
