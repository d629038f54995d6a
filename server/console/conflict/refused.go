package conflict

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"minqing/schema"
	"minqing/server/console/compare"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// Refused is a change that the server refused, or that came late, in words. What it wrote about rows that whoever looks may not see is
// left out, and only counted.
type Refused struct {
	ID      syncproto.Identity
	What    string // whose, and which cells
	Author  Side   // who wrote, on what phone, when, and whether its clock can be trusted
	Refused bool   // it does not show: otherwise it came late and was taken
	Late    bool
	Erased  bool // its words are gone, by law
	Code    syncproto.Code
	Message string // why, as its author was told: both languages
	Mended  bool   // its author has mended it
	Waits   syncproto.Identity
	Rows    []RefusedRow
	Hidden  int // rows that are not shown
	// Of work that came too late: the item that waits for a decision. Of any: who decided and how (taken, refused), and what he said.
	Item, By, Word string
	Decided        string // the item, when somebody has decided it
	Last           string // names that decision, for whoever takes it back
	Back           string // who took a decision back, while it waits for another
	Away           bool   // it took effect, and that was taken back
	Said           []string
	LetIn          bool // by somebody else, on its author's behalf
	Returned       bool // to its author, and it is refused still
	Can            Can  // what whoever looks can do about it
	author         syncproto.UserID
	late           string // the item, open or not
	mend           syncproto.Identity
	change         *syncproto.Change
}

// RefusedRow is what a change does to one row: every field, beside what the row holds now.
type RefusedRow struct {
	What  string
	Op    syncproto.Op
	Cells []RefusedCell
	row   syncproto.RowID
}

// RefusedCell is what it writes into a cell, and how a form carries that.
type RefusedCell struct {
	SideCell
	Key      string // by which a form names it
	Field    *Third // to be mended; nil where that cannot be done in a form
	Masked   bool   // it is written anew there, not read
	Error    string // what is wrong with it
	Moved    bool   // others have written since its author looked: Saw is what he had before him, Now what shows
	Saw, Now string
	Leaves   bool // it may stay as it shows
	Left     bool // and was chosen to
}

// RefusedPage is a part of the list.
type RefusedPage struct {
	Lines []*Refused
	Total int
	After syncproto.Identity // the change from which the next page begins; "" when there is none
}

// stays and came are which changes the two lists hold: those that do not show and that nobody mended, and those that came late and do.
const (
	stays = "status = 'refused' AND mended_by = ''"
	came  = "late = 1"
)

// Find reads a change that was refused or came late; nil when there is none.
func Find(tx *store.Tx, id string) (*store.Change, error) {
	found, err := tx.Changes("identity = ? AND (status = 'refused' OR late = 1)", id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// ListRefused lists, newest first and from behind a change, what was refused in the place, or what came late and was taken.
func (d *Desk) ListRefused(ctx context.Context, late bool, after string) (*RefusedPage, error) {
	return d.listRefused(ctx, late, after, pageSize)
}

// NextRefused is the change behind one in its list, "" at the end, and how many the list has.
func (d *Desk) NextRefused(ctx context.Context, late bool, after string) (next syncproto.Identity, total int, err error) {
	p, err := d.listRefused(ctx, late, after, 1)
	if err != nil {
		return "", 0, err
	}
	if len(p.Lines) > 0 && string(p.Lines[0].ID) != after {
		next = p.Lines[0].ID
	}
	return next, p.Total, nil
}

func (d *Desk) listRefused(ctx context.Context, late bool, after string, size int) (*RefusedPage, error) {
	p := &RefusedPage{}
	err := d.Store.Read(ctx, func(tx *store.Tx) error {
		*p = RefusedPage{}
		streams, err := d.streams(tx)
		if err != nil {
			return err
		}
		where := stays
		if late {
			where = came
		}
		var total int64
		var args []any
		if !d.Whole {
			where, args = where+" AND (stream || '') = ANY(?)", append(args, streams) // of the few refused; by stream it would walk all
		}
		if _, err := tx.One("SELECT COUNT(*) FROM mq_change WHERE "+where, args, &total); err != nil {
			return err
		}
		p.Total = int(total)
		if last, err := tx.Changes("identity = ?", after); err != nil {
			return err
		} else if len(last) == 1 {
			at := last[0].Received
			where, args = where+" AND received <= ? AND (received < ? OR identity > ?)", append(args, at, at, after)
		}
		found, err := tx.Changes(where+" ORDER BY received DESC, identity LIMIT ?", append(args, int64(size+1))...)
		if err != nil {
			return err
		}
		if len(found) > size {
			found = found[:size]
			p.After = found[size-1].Identity
		}
		if p.Lines, err = d.readRefused(tx, found, false); err != nil {
			return err
		}
		return readAway(tx, p.Lines...)
	})
	return p, err
}

// readAway notes of changes that took effect whether they were taken as late work, and that was taken back.
func readAway(tx *store.Tx, list ...*Refused) error {
	var ids []string
	for _, r := range list {
		if !r.Refused && r.late != "" {
			ids = append(ids, r.late)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	items, err := tx.Items("id = ANY(?)", ids)
	if err != nil {
		return err
	}
	away := map[string]bool{}
	for _, it := range items {
		var end struct {
			Word string `json:"word"`
		}
		if len(it.Outcome) > 0 {
			if err := json.Unmarshal(it.Outcome, &end); err != nil {
				return fmt.Errorf("console: outcome of item %s: %w", it.ID, err)
			}
		}
		away[it.ID] = it.Closed == 0 || end.Word == "refused"
	}
	for _, r := range list {
		r.Away = !r.Refused && away[r.late]
	}
	return nil
}

// OpenRefused reads one change whole; the error has CodeNotFound when there is none.
func (d *Desk) OpenRefused(ctx context.Context, id string) (*Refused, error) {
	var r *Refused
	err := d.Store.Read(ctx, func(tx *store.Tx) error {
		c, err := Find(tx, id)
		if err != nil {
			return err
		}
		if c == nil {
			return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "refused change " + id}
		}
		read, err := d.readRefused(tx, []*store.Change{c}, true)
		if err != nil {
			return err
		}
		r = read[0]
		if r.LetIn, err = letIn(tx, r); err != nil {
			return err
		}
		return errors.Join(d.readWaits(tx, r), readAway(tx, r))
	})
	if err == nil && r.Refused && !r.Mended {
		err = d.weigh(ctx, r)
	}
	if err != nil || r.late == "" {
		return r, err
	}
	it, err := d.Judge.ItemByID(ctx, d.User, r.late)
	var e *syncproto.Error
	switch {
	case errors.As(err, &e) && e.Code == syncproto.CodeNotFound: // not his to decide
		return r, nil
	case err != nil:
		return nil, err
	case it.Closed == 0:
		r.Item = it.ID
		if !r.Refused { // it was taken once, and that was taken back
			r.Can = Can{Return: true, Take: true}
		}
	}
	if it.Closed != 0 && it.Last != "" {
		r.Decided = it.ID
	}
	r.Word, r.Last = it.Word, it.Last
	for _, s := range it.Said {
		r.Said = append(r.Said, s.Text)
	}
	err = d.Store.Read(ctx, func(tx *store.Tx) error {
		names, _, err := people(tx, []string{string(it.By), string(it.Back)}, nil)
		r.By, r.Back = names[it.By].name, names[it.Back].name
		return err
	})
	return r, err
}

// streams are those of the place and of what lies below it, nil for all.
func (d *Desk) streams(tx *store.Tx) (out []string, err error) {
	if d.Whole {
		return nil, nil
	}
	if d.beneath == nil {
		d.beneath = []string{} // no stream at all is not every stream
		err = tx.Each(func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			d.beneath = append(d.beneath, id)
			return err
		}, "SELECT s.id FROM mq_above a CROSS JOIN mq_stream s WHERE a.above = ? AND s.id = a.place", d.Place)
	}
	return d.beneath, err
}

// readWaits keeps the change that this one waits for only where it lies in the place and is refused still.
func (d *Desk) readWaits(tx *store.Tx, r *Refused) error {
	if r.Waits == "" {
		return nil
	}
	c, err := Find(tx, string(r.Waits))
	if err != nil {
		return err
	}
	streams, err := d.streams(tx)
	if c == nil || c.Status != syncproto.Refused || !d.Whole && !slices.Contains(streams, c.Stream) {
		r.Waits = ""
	}
	return err
}

// mostListed bounds the rows of a change that the list looks at: it names the first that may be seen.
const mostListed = 4

// readRefused puts changes into words; what they wrote only when they are read whole.
func (d *Desk) readRefused(tx *store.Tx, changes []*store.Change, whole bool) ([]*Refused, error) {
	var users, devices, ids []string
	edits, bodies := make([][]syncproto.Edit, len(changes)), make([]*syncproto.Change, len(changes))
	for i, c := range changes {
		users, devices = append(users, string(c.User)), append(devices, string(c.First.Device))
		if len(c.Body) == 0 {
			continue
		}
		parsed, err := syncproto.ParseContent(tx.Book(), c.First, c.First, string(c.Body))
		if err != nil {
			return nil, fmt.Errorf("console: body of change %s: %w", c.Identity, err)
		}
		edits[i], bodies[i] = parsed.Edits, parsed
		if !whole {
			edits[i] = parsed.Edits[:min(mostListed, len(parsed.Edits))]
		}
		for k := range edits[i] {
			ids = append(ids, namedIn(tx.Book(), &edits[i][k])...)
		}
	}
	names, labels, err := people(tx, users, devices)
	if err != nil {
		return nil, err
	}
	k, err := d.kinOf(tx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*Refused, len(changes))
	for i, c := range changes {
		var v syncproto.Verdict
		if err := json.Unmarshal(c.Verdict, &v); err != nil {
			return nil, fmt.Errorf("console: verdict of %s: %w", c.Identity, err)
		}
		r := &Refused{ID: c.Identity, change: bodies[i], Refused: c.Status == syncproto.Refused, Late: c.Late, Erased: len(c.Body) == 0, Code: c.Code, Message: v.Message, Waits: v.Waits,
			Mended: c.MendedBy != "", mend: c.MendedBy, author: c.User, Author: d.signed(names[c.User], c.First.Device, labels, c.At, c.Corrected, c.Received)}
		for _, n := range v.Items {
			if n.Kind == syncproto.ItemLate {
				r.late, r.Returned = n.Item, r.Refused && !r.Mended && n.Outcome == "outvoted"
			}
		}
		for n := range edits[i] {
			e := &edits[i][n]
			if !k.shows(e) {
				r.Hidden++
				continue
			}
			row, err := d.refusedRow(tx, k, e, whole)
			if err != nil {
				return nil, err
			}
			r.Rows = append(r.Rows, row)
		}
		if len(r.Rows) > 0 {
			r.What = r.Rows[0].What
		}
		out[i] = r
	}
	return out, nil
}

// namedIn are the rows that an edit names: its own, and those it refers to.
func namedIn(b *schema.Book, e *syncproto.Edit) []string {
	ids := []string{string(e.Row)}
	for i := range e.Cells {
		if c := b.Cell(e.Table, e.Cells[i].Cell); c != nil && c.Columns[0].Type == schema.TypeRef && e.Cells[i].Value.Kind() == schema.KindText {
			ids = append(ids, e.Cells[i].Value.Str())
		}
	}
	return ids
}

// refusedRow is what an edit does to its row.
func (d *Desk) refusedRow(tx *store.Tx, k *kin, e *syncproto.Edit, whole bool) (RefusedRow, error) {
	out := RefusedRow{What: k.name(e), Op: e.Op, row: e.Row}
	if !whole { // the list says no more
		return out, nil
	}
	t := tx.Book().Table(e.Table)
	var now []schema.Value
	if r := k.rows[e.Row]; t != nil && r != nil && r.Dead == 0 && e.Op == syncproto.OpUpdate {
		values, err := tx.Values(e.Table, []string{string(e.Row)})
		if err != nil {
			return out, err
		}
		now = values[e.Row]
	}
	for i := range e.Cells {
		x := &e.Cells[i]
		c := tx.Book().Cell(e.Table, x.Cell)
		if c == nil {
			out.Cells = append(out.Cells, RefusedCell{SideCell: SideCell{Label: x.Cell, Text: d.text("这一版程序还不认识这一栏，写的原样留着", "this version does not know the column; what was written is kept"), name: x.Cell}})
			continue
		}
		if x.Raw != nil { // a value that does not fit: as it was written
			out.Cells = append(out.Cells, RefusedCell{SideCell: SideCell{Label: d.label(c), Text: unfit(c, x.Raw), name: c.Name}})
			continue
		}
		cell := RefusedCell{SideCell: SideCell{Label: d.label(c), Text: d.edit(c, x), name: c.Name}}
		switch {
		case c.Columns[0].Type == schema.TypeRef:
			name, err := k.refers(tx, c.Columns[0], x.Value)
			if err != nil {
				return out, err
			}
			cell.Text = name
		case now != nil && c.Rule != schema.RuleSet && c.Rule != schema.RuleSum:
			if cell.Now = d.stands(t, c, now); cell.Now != cell.Text {
				cell.Parts = compare.Texts(cell.Now, cell.Text)
			}
		}
		out.Cells = append(out.Cells, cell)
	}
	return out, nil
}

// unfit is a value that the schema does not take, as it was written, behind its mask.
func unfit(c *schema.Cell, raw []byte) string {
	if slices.ContainsFunc(c.Columns, func(col *schema.Column) bool { return col.Privacy == schema.Masked }) {
		return schema.MaskPhone(string(raw))
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// stands is what a cell of a row shows.
func (d *Desk) stands(t *schema.Table, c *schema.Cell, row []schema.Value) (s string) {
	for i := range t.Columns {
		if !slices.ContainsFunc(c.Columns, func(col *schema.Column) bool { return col.Name == t.Columns[i].Name }) {
			continue
		}
		if text := d.show(&schema.Cell{Name: t.Columns[i].Name, Columns: []*schema.Column{&t.Columns[i]}, Rule: c.Rule}, row[i]); text != "" {
			if s != "" {
				s += "，"
			}
			s += text
		}
	}
	return s
}

// kin are the rows that changes name, with all above them and what people call them.
type kin struct {
	d      *Desk
	book   *schema.Book
	now    int64
	rights *entitle.Rights
	rows   map[syncproto.RowID]*store.Row
	names  map[syncproto.RowID]string // of households and people
}

func (d *Desk) kinOf(tx *store.Tx, ids []string) (*kin, error) {
	k := &kin{d: d, book: tx.Book(), now: tx.Now(), rows: map[syncproto.RowID]*store.Row{}, names: map[syncproto.RowID]string{}}
	var err error
	if k.rights, err = entitle.For(tx, d.User); err != nil {
		return nil, err
	}
	rows, err := tx.RowsAbove(ids)
	if err != nil {
		return nil, err
	}
	of := map[string][]string{}
	for _, r := range rows {
		k.rows[r.ID] = r
		of[r.Table] = append(of[r.Table], string(r.ID))
	}
	for table, query := range map[string]string{"household": "SELECT id, COALESCE(NULLIF(head, ''), code, '') FROM household WHERE id = ANY(?)", "resident": "SELECT id, COALESCE(name, '') FROM resident WHERE id = ANY(?)",
		"user": `SELECT id, COALESCE(name, '') FROM "user" WHERE id = ANY(?)`, "place": "SELECT id, COALESCE(name, '') FROM place WHERE id = ANY(?)"} {
		if err := tx.Each(func(scan func(...any) error) error {
			var id syncproto.RowID
			var name string
			err := scan(&id, &name)
			k.names[id] = name
			return err
		}, query, of[table]); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// sees tells whether a row that is there lies in the place, and whoever looks may see it.
func (k *kin) sees(id syncproto.RowID) bool {
	r := k.rows[id]
	if r == nil {
		return false
	}
	var above []string
	for at := r; at != nil; at = k.rows[at.Parent] {
		above = append(above, string(at.ID))
	}
	return slices.Contains(above, k.d.Place) && k.rights.Sees(k.book, r.Scope, k.now, above)
}

// shows tells whether an edit may be shown: its row may be seen, or is none yet, and its author's words are all there is.
func (k *kin) shows(e *syncproto.Edit) bool { return k.rows[e.Row] == nil || k.sees(e.Row) }

// under is the row of an edit, or of a row to be made what it would lie under.
func (k *kin) under(e *syncproto.Edit) syncproto.RowID {
	at, t := e.Row, k.book.Table(e.Table)
	if k.rows[at] == nil && t != nil {
		for i := range e.Cells {
			if e.Cells[i].Cell == t.Parent && e.Cells[i].Value.Kind() == schema.KindText {
				at = syncproto.RowID(e.Cells[i].Value.Str())
			}
		}
	}
	return at
}

// homeOf is the household that a row which may be seen lies in, "" when there is none.
func (k *kin) homeOf(at syncproto.RowID) (home syncproto.RowID) {
	if k.sees(at) {
		for r := k.rows[at]; r != nil; r = k.rows[r.Parent] {
			if r.Table == "household" {
				home = r.ID
			}
		}
	}
	return home
}

// name is what people call the row of an edit, with the home it belongs to.
func (k *kin) name(e *syncproto.Edit) string {
	at, t := k.under(e), k.book.Table(e.Table)
	home := ""
	if id := k.homeOf(at); id != "" {
		home = k.names[id] + k.d.text("家", "'s home")
	}
	what := k.names[e.Row]
	if e.Table == "household" && home != "" {
		return home
	}
	if what == "" {
		what = e.Table
		if t != nil {
			what = t.Label.In(k.d.Lang)
		}
	}
	if home == "" {
		return what
	}
	return home + " · " + what
}

// refers is what people call a row that a cell refers to. One that may not be seen and one that is not there look alike.
func (k *kin) refers(tx *store.Tx, c *schema.Column, v schema.Value) (string, error) {
	if v.Kind() != schema.KindText {
		return "", nil
	}
	id := syncproto.RowID(v.Str())
	t := k.book.Table(c.Ref)
	if k.sees(id) || t.Directory && k.rows[id] != nil && k.rows[id].Table == c.Ref {
		if name, err := nameOf(tx, c.Ref, v.Str()); name != "" || err != nil {
			return name, err
		}
		return t.Label.In(k.d.Lang), nil
	}
	return k.d.text("这里没有的记录", "a row that is not here"), nil
}
