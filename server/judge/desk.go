package judge

import (
	"cmp"
	"maps"
	"slices"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// desk is one transaction of judging: everything loaded, and everything to be written.
type desk struct {
	j     *Judge
	tx    *store.Tx
	book  *schema.Book
	epoch store.Epoch

	rows    map[syncproto.RowID]*row // nil: known not to be there
	levels  map[string]string        // level of each place loaded
	records map[syncproto.Identity]*record
	unmade  map[syncproto.RowID][]syncproto.Identity // in the order in which they came
	erased  map[syncproto.RowID]bool
	swept   map[syncproto.RowID]bool // of the unmade: was once, and nothing is left of it but its history
	rights  map[syncproto.UserID]*entitle.Rights
	cursors map[string]*syncproto.Cursor
	revoked map[syncproto.DeviceID]int64 // when devices asked for were revoked, 0: not
	lines   map[string]merge.Epochs
	lost    int64 // see Tx.LostEpochs

	items      map[string]*store.Item // loaded or opened, by id
	itemsOf    map[syncproto.RowID][]*store.Item
	dirtyItems map[string]bool
	retaken    map[syncproto.RowID][]syncproto.Label   // rows brought back by testimony, as they were seen; nil: not asked yet
	words      map[syncproto.Identity][]*store.Version // of changes that stand in items, where a list was read at once
	lives      map[syncproto.RowID]bool                // rows of which somebody said just now that they live

	seqs     map[string]int64 // the seqs of the change that takes effect just now, by stream
	versions []*store.Version
	began    int // where the versions of the change that takes effect just now begin
	labels   []store.RowLabel
	chain    []*link
	heads    map[string]string // of the streams with records in chain: what these go on from, and once they are hashed, end with
	left     []store.Left
	past     map[syncproto.RowID][]store.Moved // what rows lay beneath before they moved, oldest first; see lay.go
	former   map[syncproto.RowID]*row          // rows that only the past needs: read without their streams' locks
	moved    []store.Moved
	waits    []store.Wait
	names    []store.Named
	came     []syncproto.Identity // changes that took effect, and those they stand in for: somebody may wait for them
	cameRows []syncproto.RowID    // rows that came to be
}

// row is one row on the desk.
type row struct {
	store.Row
	table  *schema.Table
	values []schema.Value // in schema order; nil while it is dead, or not loaded
	loaded bool           // values are

	touched   bool // to be written
	was       store.Row
	wasValues []schema.Value
	wasThere  bool

	versions  []merge.RowVersion // the history, when it had to be asked
	hasVerses bool
	hasItems  bool // its inbox items are among desk.items
}

// get reads a column as it shows.
func (r *row) get(column string) schema.Value {
	if i := columnIndex(r.table, column); i >= 0 && r.values != nil {
		return r.values[i]
	}
	return schema.Null
}

// cell reads a cell as it shows.
func (r *row) cell(b *schema.Book, name string) schema.Value {
	c := b.Cell(r.table.Name, name)
	if c == nil {
		return schema.Null
	}
	v := c.Join(r.get)
	if v.IsNull() {
		return merge.Unwritten(c)
	}
	return v
}

// record is one change on the desk.
type record struct {
	store.Change
	verdict *syncproto.Verdict
	parsed  *syncproto.Change // read from the body when first needed
	fresh   bool              // not in the database yet
	dirty   bool
	news    bool // its author's devices have to hear of the verdict
}

func (j *Judge) newDesk(tx *store.Tx) (*desk, error) {
	epoch, err := tx.Epoch()
	return &desk{j: j, tx: tx, book: tx.Book(), epoch: epoch,
		rows: map[syncproto.RowID]*row{}, levels: map[string]string{}, records: map[syncproto.Identity]*record{},
		unmade: map[syncproto.RowID][]syncproto.Identity{}, rights: map[syncproto.UserID]*entitle.Rights{},
		cursors: map[string]*syncproto.Cursor{}, items: map[string]*store.Item{}, itemsOf: map[syncproto.RowID][]*store.Item{}, lives: map[syncproto.RowID]bool{},
		past: map[syncproto.RowID][]store.Moved{}, former: map[syncproto.RowID]*row{},
		revoked: map[syncproto.DeviceID]int64{}, heads: map[string]string{}}, err
}

// load brings everything that hearings need onto the desk: the rows they touch and refer to, all rows above those, and the locks of
// the streams concerned.
func (d *desk) load(hearings []*hearing) error {
	var ids []syncproto.RowID
	for _, h := range hearings {
		ids = append(ids, h.mentions(d.book)...)
	}
	if err := d.loadLocked(hearings, ids); err != nil {
		return err
	}
	var err error
	if d.epoch, err = d.tx.Epoch(); err != nil { // a lock may have found that the database went back
		return err
	}
	stayed := slices.Clone(ids)
	for _, id := range ids {
		// The one that it was merged into may have been merged away itself.
		for r, n := d.rows[id], 0; r != nil && r.Alias != "" && n < maxAbove; r, n = d.rows[r.Alias], n+1 {
			stayed = append(stayed, r.Alias)
		}
	}
	if err := d.tx.Ahead(d.willAsk(hearings, ids, stayed)...); err != nil {
		return err
	}
	if err := d.loadUnmade(ids); err != nil {
		return err
	}
	if err := d.loadPast(hearings); err != nil {
		return err
	}
	return d.loadValues(stayed)
}

// loadLocked reads rows, and locks the streams concerned. On PostgreSQL what was read before the locks is read again under them, unless they were
// guessed.
func (d *desk) loadLocked(hearings []*hearing, ids []syncproto.RowID) error {
	if !d.j.store.Postgres() {
		if err := d.loadRows(ids); err != nil {
			return err
		}
		return d.tx.LockStreams(d.streamsOf(hearings)...)
	}
	if err := d.tx.LockStreams(d.j.usual.guess(hearings)...); err != nil {
		return err
	}
	had := maps.Clone(d.rows)
	if err := d.loadRows(ids); err != nil {
		return err
	}
	streams := d.streamsOf(hearings)
	d.j.usual.learn(hearings, streams)
	if d.tx.Locked(streams...) {
		return nil
	}
	if err := d.tx.LockStreams(streams...); err != nil {
		return err
	}
	if len(d.rows) == len(had) {
		return nil
	}
	d.rows = had
	if err := d.loadRows(ids); err != nil {
		return err
	}
	// What moved meanwhile may need more locks; they may come out of order, then PostgreSQL finds the deadlock and the push runs again.
	return d.tx.LockStreams(d.streamsOf(hearings)...)
}

// willAsk are the questions that every push comes to once its rows and locks are there: none bears on another, nor on what is judged meanwhile.
func (d *desk) willAsk(hearings []*hearing, ids, stayed []syncproto.RowID) []func() error {
	missing, dead := d.absent(ids)
	out := []func() error{
		func() error { _, err := d.tx.Erased(dead); return err },
		func() error { _, err := d.tx.Unmade(missing); return err },
		func() error { _, err := d.tx.AnyWaits(); return err },
		func() error { _, err := d.tx.LostEpochs(); return err },
	}
	if d.asksPast(hearings) {
		past := d.unknownPast(slices.Collect(maps.Keys(d.rows)))
		out = append(out, func() error { _, err := d.tx.MovedSince(past, 0); return err })
	}
	byTable := d.unloaded(stayed)
	for _, table := range slices.Sorted(maps.Keys(byTable)) {
		out = append(out, func() error { _, err := d.tx.Values(table, byTable[table]); return err })
	}
	users := map[syncproto.UserID]bool{}
	for _, h := range hearings {
		if user := h.rec.User; user != "" && d.rights[user] == nil && !users[user] {
			users[user] = true
			out = append(out, func() error { _, err := entitle.For(d.tx, user); return err })
		}
	}
	return out
}

// absent tells which rows are not there, and which are dead or not there.
func (d *desk) absent(ids []syncproto.RowID) (missing, dead []string) {
	for _, id := range ids {
		r := d.rows[id]
		if r == nil {
			missing = append(missing, string(id))
		}
		if r == nil || r.Dead != 0 {
			dead = append(dead, string(id))
		}
	}
	return missing, dead
}

// loadUnmade finds out which of the rows that are not there a refused change would have made.
func (d *desk) loadUnmade(ids []syncproto.RowID) error {
	missing, dead := d.absent(ids)
	var err error
	if d.erased, err = d.tx.Erased(dead); err != nil {
		return err
	}
	makers, err := d.tx.Unmade(missing)
	if err != nil {
		return err
	}
	if len(makers) == 0 {
		return nil
	}
	var changes []syncproto.Identity
	var rows []string
	for row, ids := range makers {
		rows = append(rows, string(row))
		changes = append(changes, ids...)
	}
	versions, err := d.tx.Versions("row_id = ANY(?)", rows)
	if err != nil {
		return err
	}
	if len(versions) > 0 && d.swept == nil {
		d.swept = map[syncproto.RowID]bool{}
	}
	for _, v := range versions { // it was let in, and taken back, and its mark was dropped
		d.swept[v.Row] = true
	}
	if err := d.loadRecords(changes); err != nil {
		return err
	}
	for row, ids := range makers {
		d.unmade[row] = slices.DeleteFunc(ids, func(id syncproto.Identity) bool { return d.records[id] == nil })
		slices.SortStableFunc(d.unmade[row], func(a, b syncproto.Identity) int {
			of, with := d.records[a], d.records[b]
			return cmp.Or(cmp.Compare(of.Received, with.Received), cmp.Compare(of.First.Number, with.First.Number))
		})
	}
	return nil
}

// loadRows loads rows by id, with all rows above them. Those already on the desk stay as they are.
func (d *desk) loadRows(ids []syncproto.RowID) error {
	var ask []string
	for _, id := range ids {
		if _, have := d.rows[id]; !have && id != "" {
			d.rows[id] = nil
			ask = append(ask, string(id))
		}
	}
	if len(ask) == 0 {
		return nil
	}
	slices.Sort(ask)
	found, err := d.tx.RowsAbove(ask)
	if err != nil {
		return err
	}
	var places, roots []string
	for _, r := range found {
		if d.rows[r.ID] != nil {
			continue
		}
		t := d.book.Table(r.Table)
		if t == nil {
			delete(d.rows, r.ID) // a table of a newer server: nobody here can touch it
			continue
		}
		d.rows[r.ID] = &row{Row: *r, table: t, was: *r, wasThere: true}
		if t.Place {
			places = append(places, string(r.ID))
		}
		if _, root := schema.SplitScope(r.Scope); root != "" {
			roots = append(roots, root)
		}
		if r.Alias != "" {
			roots = append(roots, string(r.Alias)) // what comes for it goes to the row it was merged into
		}
	}
	if err := d.loadLevels(places); err != nil {
		return err
	}
	// The root of a scope lies above its rows, save where a narrow scope is named after another table's row.
	var more []syncproto.RowID
	for _, id := range roots {
		more = append(more, syncproto.RowID(id))
	}
	return d.loadRows(more)
}

// loadLevels reads the levels of places that are not known yet: a level is written once.
func (d *desk) loadLevels(places []string) error {
	if places = slices.DeleteFunc(places, func(id string) bool { return d.levels[id] != "" }); len(places) == 0 {
		return nil
	}
	return d.tx.Each(func(scan func(...any) error) error {
		var id, level string
		err := scan(&id, &level)
		d.levels[id] = level
		return err
	}, "SELECT id, COALESCE("+schema.PlaceLevel+", '') FROM place WHERE id = ANY(?)", places)
}

// unloaded lists living rows on the desk, by table, whose values are not there yet.
func (d *desk) unloaded(ids []syncproto.RowID) map[string][]string {
	byTable, seen := map[string][]string{}, map[syncproto.RowID]bool{}
	for _, id := range ids {
		if r := d.rows[id]; r != nil && !r.loaded && r.Dead == 0 && !seen[id] {
			seen[id] = true
			byTable[r.Table] = append(byTable[r.Table], string(id))
		}
	}
	return byTable
}

// loadValues loads the values of living rows on the desk.
func (d *desk) loadValues(ids []syncproto.RowID) error {
	byTable := d.unloaded(ids)
	for _, id := range ids {
		if r := d.rows[id]; r != nil {
			r.loaded = true
		}
	}
	for _, table := range slices.Sorted(maps.Keys(byTable)) {
		values, err := d.tx.Values(table, byTable[table])
		if err != nil {
			return err
		}
		for id, v := range values {
			d.rows[id].values, d.rows[id].wasValues = v, v
		}
	}
	return nil
}

// need loads single rows that turn up later, with their values, and locks their streams.
func (d *desk) need(ids ...syncproto.RowID) error {
	if err := d.loadRows(ids); err != nil {
		return err
	}
	var streams []string
	for _, id := range ids {
		if r := d.rows[id]; r != nil {
			streams = append(streams, r.Stream, d.rootStream(r.Scope))
		}
	}
	if err := d.tx.LockStreams(streams...); err != nil {
		return err
	}
	return d.loadValues(ids)
}

// rootStream is the stream of the row that a scope is named after. Everything in a scope is serialised by its lock: the count and digests
// of its buckets, and its newest seqs.
func (d *desk) rootStream(scope string) string {
	_, id := schema.SplitScope(scope)
	if r := d.rows[syncproto.RowID(id)]; r != nil {
		return r.Stream
	}
	return ""
}

// placesAbove are the places that a row lies in, nearest first, itself included if it is one.
func (d *desk) placesAbove(r *row, lookup func(syncproto.RowID) *row) []string {
	var out []string
	for range maxAbove {
		if r == nil {
			break
		}
		if r.table.Place {
			out = append(out, string(r.ID))
		}
		if r.Parent == "" {
			break
		}
		r = lookup(r.Parent)
	}
	return out
}

// maxAbove bounds walks up the parents (see schema): a circle of places must not hang the server.
const maxAbove = 40

func (d *desk) row(id syncproto.RowID) *row { return d.rows[id] }

// rightsOf reads the rights of a user, once.
func (d *desk) rightsOf(user syncproto.UserID) (*entitle.Rights, error) {
	if r := d.rights[user]; r != nil {
		return r, nil
	}
	r, err := entitle.For(d.tx, user)
	d.rights[user] = r
	return r, err
}

// touch marks a row for writing.
func (d *desk) touch(r *row) { r.touched = true }
