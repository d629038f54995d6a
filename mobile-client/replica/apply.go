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
	tables  map[string]int64
	under   map[syncproto.RowID]bool // rows with acknowledged values of their own
	edited  map[syncproto.RowID]bool // rows that own changes edit
	open    map[syncproto.RowID]bool // rows with open items
	empty   bool                     // nothing is held yet: no row can be there before
	fresh   map[[16]byte]bool        // while empty: rows that came
	fills   map[syncproto.BucketID]map[syncproto.RowID]*schema.Table
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
	ord   int64
	place []int // of value i among t.Columns, -1 for one that this program does not know
}

func (r *Replica) newApply() (*apply, error) {
	a := &apply{r: r, c: r.w, l: newLayer(r.w), buckets: newBuckets(r.w), batch: newBatch(r.w), columns: map[string]*columns{}, epochs: map[syncproto.EpochID]int64{},
		tables: map[string]int64{}, under: map[syncproto.RowID]bool{}, edited: map[syncproto.RowID]bool{}, open: map[syncproto.RowID]bool{},
		fresh: map[[16]byte]bool{}, fills: map[syncproto.BucketID]map[syncproto.RowID]*schema.Table{}, touched: map[syncproto.RowID]*schema.Table{}}
	var name string
	var n int64
	if err := r.w.each(`SELECT name, id FROM mq_table`, nil, []any{&name, &n}, func() error {
		a.tables[name] = n
		return nil
	}); err != nil {
		return nil, err
	}
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
	some, err := r.w.one(`SELECT 1 FROM mq_row LIMIT 1`, nil, new(int))
	a.empty = !some
	return a, err
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
	h := &columns{t: t, ord: a.tables[t.Name]}
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
	return a.rowsOf([]int64{b.ord}, func(id syncproto.RowID, t *schema.Table, _ int64) error {
		left[id] = t
		return nil
	})
}

// rowsOf lists the rows of buckets: one pass over all rows, which an index by bucket would save at the price of a quarter of the
// bookkeeping.
func (a *apply) rowsOf(ords []int64, f func(id syncproto.RowID, t *schema.Table, bucket int64) error) error {
	list, err := json.Marshal(ords)
	if err == nil {
		err = a.batch.flush()
	}
	if err != nil {
		return wrap("rows", err)
	}
	var key []byte
	var tbl, bucket int64
	byOrd := map[int64]*schema.Table{}
	for name, ord := range a.tables {
		byOrd[ord] = a.r.book.Table(name)
	}
	return a.c.each(`SELECT id, tbl, bucket FROM mq_row WHERE bucket IN (SELECT value FROM json_each(?))`, []any{string(list)}, []any{&key, &tbl, &bucket}, func() error {
		t := byOrd[tbl]
		if t == nil {
			return broken("rows", "no table %d", tbl)
		}
		return f(unkey(key), t, bucket)
	})
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
	if err := a.witness(h.t, f.ID, values, f.Label); err != nil {
		return err
	}
	if err := a.takeOut(h.t, f.ID, k); err != nil {
		return err
	}
	a.buckets.add(b, h.t, f.ID, values)
	if err := a.uncaptured(h.t, f, k, values); err != nil {
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
	if err := a.batch.add(h.t, f.ID, values, k, h.ord, b.ord, epoch, int64(f.Label.Rev)); err != nil {
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

// takeOut counts a row that was held before out of its bucket.
func (a *apply) takeOut(t *schema.Table, id syncproto.RowID, k []byte) error {
	if a.empty {
		if !a.fresh[[16]byte(k)] {
			a.fresh[[16]byte(k)] = true
			return nil
		}
	}
	if err := a.batch.settled(k); err != nil {
		return err
	}
	var ord int64
	held, err := a.c.one(`SELECT bucket FROM mq_row WHERE id = ?`, []any{k}, &ord)
	if !held || err != nil {
		return err
	}
	b, err := a.buckets.at(ord)
	if err != nil {
		return err
	}
	values, err := a.acked(t, id)
	if err != nil {
		return err
	}
	a.buckets.remove(b, t, id, values)
	return nil
}

// acked reads the acknowledged values of a row that is held.
func (a *apply) acked(t *schema.Table, id syncproto.RowID) ([]schema.Value, error) {
	if !a.under[id] {
		values, err := a.c.domain(t, id)
		if err == nil && values == nil {
			err = broken("apply", "the row %s of %s is held and not there", id, t.Name)
		}
		return values, err
	}
	var vals *string
	if _, err := a.c.one(`SELECT vals FROM mq_under WHERE row = ?`, []any{string(id)}, &vals); err != nil {
		return nil, err
	}
	if vals == nil {
		return nil, broken("apply", "the row %s of %s is held and has no values", id, t.Name)
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
	k, err := key(f.ID)
	if err != nil {
		return err
	}
	if err := a.takeOut(t, f.ID, k); err != nil {
		return err
	}
	a.forgot = a.forgot || !f.Deleted
	a.deleted = a.deleted || f.Deleted
	return a.let(t, f.ID, !f.Deleted)
}

// let lets go of a row: acknowledged edits of it are settled, pending ones go to the hand-over box when it was moved out of sight
// and otherwise wait for their verdict.
func (a *apply) let(t *schema.Table, id syncproto.RowID, away bool) error {
	k, err := key(id)
	if err == nil {
		err = a.batch.settled(k)
	}
	if err != nil {
		return err
	}
	if a.edited[id] && !away {
		if err := a.c.exec(`INSERT INTO mq_buried (row, tbl, scope, period) SELECT ?, ?, b.scope, b.period FROM mq_row r JOIN mq_bucket b ON b.id = r.bucket WHERE r.id = ?
			ON CONFLICT (row) DO UPDATE SET scope = excluded.scope, period = excluded.period`, string(id), t.Name, k); err != nil {
			return err
		}
	}
	if err := a.c.exec(`DELETE FROM mq_row WHERE id = ?`, k); err != nil {
		return err
	}
	if a.empty {
		delete(a.fresh, [16]byte(k))
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
	a.fills = map[syncproto.BucketID]map[syncproto.RowID]*schema.Table{}
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
	for _, id := range sortedRows(a.touched) {
		// A row that came is where its author may look again.
		if err := a.c.exec(`UPDATE mq_edit SET away = 0 WHERE row = ? AND away = 1 AND EXISTS (SELECT 1 FROM mq_row WHERE id = unhex(?, '-'))`, string(id), string(id)); err != nil {
			return err
		}
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

// leftOver lets go of a row that a whole bucket did not bring, unless it came with another bucket.
func (a *apply) leftOver(b *bucket, t *schema.Table, id syncproto.RowID) error {
	k, err := key(id)
	if err != nil {
		return err
	}
	var ord int64
	held, err := a.c.one(`SELECT bucket FROM mq_row WHERE id = ?`, []any{k}, &ord)
	if !held || ord != b.ord || err != nil {
		return err
	}
	if err := a.witness(t, id, nil, syncproto.Label{}); err != nil {
		return err
	}
	if err := a.takeOut(t, id, k); err != nil {
		return err
	}
	a.deleted = true
	return a.let(t, id, false)
}

func sortedRows(m map[syncproto.RowID]*schema.Table) []syncproto.RowID {
	return slices.Sorted(maps.Keys(m))
}

func compareBuckets(a, b syncproto.BucketID) int {
	return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Period, b.Period))
}
