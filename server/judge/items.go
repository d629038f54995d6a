package judge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// sides is what an item keeps of those who stand in it; their words are in the history.
type sides struct {
	Heads   []syncproto.Identity `json:"heads,omitempty"`
	Against []syncproto.Identity `json:"against,omitempty"`
	Shown   []syncproto.Identity `json:"shown,omitempty"`
	Gone    []syncproto.Identity `json:"gone,omitempty"` // heads that a decision has seen while later ones kept the item open
	Rule    string               `json:"rule,omitempty"`
	Back    *back                `json:"back,omitempty"`  // it is open again: see held
	Named   *naming              `json:"named,omitempty"` // twins: on whose word they are, nil where a value tells
}

// closing is what an item keeps of its end.
type closing struct {
	Change syncproto.Identity            `json:"change,omitempty"` // that brought it about
	Also   []syncproto.Identity          `json:"also,omitempty"`   // of twins merged in several: those before it
	Values map[string]json.RawMessage    `json:"values,omitempty"` // what shows since
	Fates  map[syncproto.Identity]string `json:"fates,omitempty"`  // kept, outvoted, third
	Word   string                        `json:"word,omitempty"`   // how late work and twins were decided
	// Before are the decisions that this one was made after, oldest first: each counts again when those behind it are taken back. By and At, which of
	// the last stand in the item itself, say who made them and when; nothing was said in them that Said does not hold.
	Before []closing        `json:"before,omitempty"`
	By     syncproto.UserID `json:"by,omitempty"`
	At     int64            `json:"at,omitempty"`
	// Tip is the change by which what was decided shows, where it is not the one that decided: what came after was taken back by it, or late work
	// was taken once more.
	Tip  syncproto.Identity `json:"tip,omitempty"`
	Said []Saying           `json:"said,omitempty"` // why, in the words of who decided; an item that is open again keeps nothing else
	Why  string             `json:"why,omitempty"`  // the same, unhashed, as no released server wrote it: shown to nobody, and found by VerifyChain
}

// What becomes of the words of those who stand in an item.
const (
	fateKept     = "kept"
	fateOutvoted = "outvoted"
	fateThird    = "third"
)

// reckonItems matches the items that follow from a row's versions with those on record: it opens, brings up to date and closes. It gives the
// id of the record of each item of the result. by is the change that brought this about, nil when it was none.
func (d *desk) reckonItems(r *row, result *merge.Result, by *record) ([]string, error) {
	open, err := d.openItems(r)
	if err != nil {
		return nil, err
	}
	held := make([]string, len(result.Items))
	for i := range result.Items {
		it := &result.Items[i]
		at := slices.IndexFunc(open, func(o *store.Item) bool { return sharesCell(o, it.Cells) })
		if at < 0 {
			id, err := d.tx.NewID()
			if err != nil {
				return nil, err
			}
			o := &store.Item{ID: id, Table: r.Table, Row: r.ID, Stream: r.Stream, Opened: d.tx.Now()}
			d.addItem(o)
			held[i] = id
			if err := d.describe(o, r, result, it); err != nil {
				return nil, err
			}
			continue
		}
		held[i] = open[at].ID
		if err := d.describe(open[at], r, result, it); err != nil {
			return nil, err
		}
		open = slices.Delete(open, at, at+1)
	}
	for _, o := range open {
		if stays, err := d.held(o, r, result.Deleted, by); err != nil || stays {
			if err != nil {
				return nil, err
			}
			continue
		}
		if err := d.closeItem(o, r, result, by); err != nil {
			return nil, err
		}
	}
	return held, nil
}

// openItems are the open items about cells and existence of a row; those of twins, late work and orphans follow from other things.
func (d *desk) openItems(r *row) ([]*store.Item, error) {
	if err := d.loadItems(r); err != nil {
		return nil, err
	}
	var out []*store.Item
	for _, it := range d.itemsOf[r.ID] {
		if it.Closed == 0 && it.Other == "" && it.Kind != syncproto.ItemLate && it.Kind != syncproto.ItemTwin {
			out = append(out, it)
		}
	}
	slices.SortFunc(out, func(a, b *store.Item) int { return compareText(a.ID, b.ID) })
	return out, nil
}

// loadItems brings the open items of rows onto the desk.
func (d *desk) loadItems(rows ...*row) error {
	var ask []string
	for _, r := range rows {
		if !r.hasItems && r.wasThere {
			ask = append(ask, string(r.ID))
		}
		r.hasItems = true
	}
	if len(ask) == 0 {
		return nil
	}
	stored, err := d.tx.Items("row_id = ANY(?) AND closed_ms = 0", ask)
	for _, it := range stored {
		d.addItem(it)
	}
	return err
}

// addItem puts an item on the desk, unless it is there already.
func (d *desk) addItem(it *store.Item) {
	if d.items[it.ID] == nil {
		d.items[it.ID] = it
		d.itemsOf[it.Row] = append(d.itemsOf[it.Row], it)
	}
}

func sharesCell(o *store.Item, cells []string) bool {
	return slices.ContainsFunc(strings.Split(o.Cell, ","), func(c string) bool { return slices.Contains(cells, c) })
}

// describe writes what the result says of an item into its record.
func (d *desk) describe(o *store.Item, r *row, result *merge.Result, it *merge.Item) error {
	now := sides{Heads: it.Heads, Against: it.Against, Shown: it.Shown, Rule: it.Rule}
	if len(o.Heads) > 0 {
		was, err := readSides(o)
		if err != nil {
			return err
		}
		for _, id := range append(was.Gone, was.Heads...) {
			if !slices.Contains(now.Heads, id) && !slices.Contains(now.Gone, id) {
				now.Gone = append(now.Gone, id)
			}
		}
	}
	o.Kind, o.Cell, o.Scope = it.Kind, strings.Join(it.Cells, ","), r.Scope
	o.Heads = mustJSON(now)
	base := map[string]json.RawMessage{}
	for _, name := range it.Cells {
		if c := result.Cell(name); c != nil {
			base[name] = c.Value.AppendJSON(nil)
		}
	}
	o.Base = mustJSON(base)
	d.changedItems(o)
	return nil
}

func (d *desk) changedItems(o *store.Item) {
	if d.dirtyItems == nil {
		d.dirtyItems = map[string]bool{}
	}
	d.dirtyItems[o.ID] = true
}

// closeItem closes an item and tells everybody in it what became of his words.
func (d *desk) closeItem(o *store.Item, r *row, result *merge.Result, by *record) error {
	s, err := readSides(o)
	if err != nil {
		return err
	}
	was, err := readClosing(o) // of an item that was open again
	if err != nil {
		return err
	}
	o.Closed = d.tx.Now()
	var change syncproto.Identity
	if by != nil {
		o.By, change = by.User, by.Identity
	}
	c := endOf(o, result, change)
	c.Said = was.Said
	d.fates(&c, o, s, r, result, strings.Split(o.Cell, ","))
	o.Outcome = mustJSON(c)
	d.changedItems(o)
	return d.tellOutcome(o, c.Fates)
}

// endOf is what an item ends with that a change brought about: the values that show since.
func endOf(o *store.Item, result *merge.Result, change syncproto.Identity) closing {
	c := closing{Change: change, Values: map[string]json.RawMessage{}, Fates: map[syncproto.Identity]string{}}
	for name := range strings.SplitSeq(o.Cell, ",") {
		if cell := result.Cell(name); cell != nil {
			c.Values[name] = cell.Value.AppendJSON(nil)
		}
	}
	return c
}

func readSides(o *store.Item) (sides, error) {
	var s sides
	if err := json.Unmarshal(o.Heads, &s); err != nil {
		return s, fmt.Errorf("judge: sides of item %s: %w", o.ID, err)
	}
	return s, nil
}

// fates decides, for each version in an item, whether what it said is what shows.
func (d *desk) fates(c *closing, o *store.Item, s sides, r *row, result *merge.Result, cells []string) {
	if o.Kind == syncproto.ItemDelete {
		heads, against := fateOutvoted, fateKept
		if !result.Deleted {
			heads, against = fateKept, fateOutvoted
		}
		for _, id := range s.Heads {
			c.Fates[id] = heads
		}
		for _, id := range s.Against {
			c.Fates[id] = against
		}
		return
	}
	some := false
	heads := append(slices.Clone(s.Heads), s.Gone...)
	for _, id := range heads {
		if d.says(r, result, id, cells) && !result.Deleted {
			c.Fates[id], some = fateKept, true
		}
	}
	for _, id := range heads {
		if c.Fates[id] == "" {
			c.Fates[id] = fateThird
			if some || result.Deleted {
				c.Fates[id] = fateOutvoted
			}
		}
	}
	flow := r.table.FlowColumn()
	for _, id := range s.Against {
		c.Fates[id] = fateOutvoted
		if flow != nil && d.says(r, result, id, []string{flow.Name}) {
			c.Fates[id] = fateKept
		}
	}
}

// says tells whether what a version wrote into the cells is what they show.
func (d *desk) says(r *row, result *merge.Result, id syncproto.Identity, cells []string) bool {
	i := slices.IndexFunc(r.versions, func(v merge.RowVersion) bool { return v.ID == id })
	if i < 0 {
		return false
	}
	wrote := false
	for _, e := range r.versions[i].Cells {
		if !slices.Contains(cells, e.Cell) {
			continue
		}
		c := result.Cell(e.Cell)
		if c == nil || c.Value != e.Value {
			return false
		}
		wrote = true
	}
	return wrote
}

// tellOutcome writes the outcome into the verdicts of those in an item.
func (d *desk) tellOutcome(o *store.Item, fates map[syncproto.Identity]string) error {
	ids := make([]syncproto.Identity, 0, len(fates))
	for id := range fates {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if err := d.loadRecords(ids); err != nil {
		return err
	}
	for _, id := range ids {
		rec := d.records[id]
		if rec == nil || rec.verdict == nil {
			continue
		}
		for i := range rec.verdict.Items {
			if n := &rec.verdict.Items[i]; n.Item == o.ID && n.Outcome != fates[id] {
				n.Outcome = fates[id]
				rec.dirty, rec.news = true, true
			}
		}
	}
	return nil
}

// openLate puts work that came after the grace period into the inbox; the change itself stays refused until somebody decides.
func (d *desk) openLate(h *hearing) (syncproto.ItemNote, error) {
	e := h.edits[0]
	note := syncproto.ItemNote{Table: e.Table, Row: h.c.Edits[0].Row, Kind: syncproto.ItemLate} // of the twin that it was merged into he may know nothing
	id, err := d.tx.NewID()
	if err != nil {
		return note, err
	}
	note.Item = id
	it := &store.Item{ID: id, Kind: syncproto.ItemLate, Table: e.Table, Row: e.Row, Scope: e.row.Scope, Stream: e.row.Stream, Opened: d.tx.Now(),
		Heads: mustJSON(sides{Heads: []syncproto.Identity{h.rec.Identity}}), Base: []byte("{}")}
	d.addItem(it)
	d.changedItems(it)
	return note, nil
}

// mustJSON marshals what cannot fail: our own records, of texts and canonical values.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("judge: " + err.Error())
	}
	return b
}

// unwritten is the value of a cell that nobody wrote.
func unwritten(c *schema.Cell) schema.Value { return merge.Unwritten(c) }
