package register

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// TableList brings in rows of any table by nothing but its literal, one row a line: what an exported table has, and what its rows refer to by
// what people call it. All fields but Lines, Within, Preview and Wrote are required.
//
// A line with an id says something of that row. One without is about the row beneath the same parent that has its word in the column by which the
// table knows duplicates (schema.Table.Twin); where there is none, it makes a row. What a line makes has an id that follows from what the line says, so a file that
// comes again makes nothing twice, and brings nothing back that somebody deleted since.
type TableList struct {
	Lines
	Store  *store.Store
	Judge  *judge.Judge
	Zone   *time.Location
	User   syncproto.UserID // who imports
	Table  *schema.Table
	Within Place // where households and places are looked for; the zero Place is the whole city
	// Preview does all that an import does, and takes it back with its transaction.
	Preview bool
	// Wrote hears, inside the transaction of each piece that changes anything, of the changes that it made. May be nil.
	Wrote func(tx *store.Tx, changes []syncproto.Identity) error
}

// ownLists are the tables that lists of their own are about, by what import is to be told of them.
var ownLists = map[string]string{tableHousehold: "register", tableResident: "register", tableIdentity: "register", tablePlace: "places", "user": "users", "role": "users",
	"assignment": "assignments"}

// keyRow is the column of ids.
const keyRow = " id"

// tableRun is one import of a list.
type tableRun struct {
	TableList
	headers []sheet.Header
	lines   map[*Line]*tableLine
	seen    map[syncproto.RowID]sheet.Row // the line that spoke of a row
	places  map[string]bool               // those where the list is of, once a piece asked
	report  Report
}

// tableLine is one line, read.
type tableLine struct {
	*Line
	read   map[string]schema.Value // by column, what the line itself says
	named  map[string]string       // by column, the references, as the line names them
	values map[string]schema.Value // by column, both, once the references are found
	row    syncproto.RowID
	wish   *wish
}

// Run brings a list in. An error stops it; what was taken by then stays, and bringing the file again goes on.
func (t TableList) Run(ctx context.Context, name string, r io.ReaderAt, size int64) (*Report, error) {
	if kind := ownLists[t.Table.Name]; kind != "" {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "import table", Message: syncproto.Both("“"+t.Table.Label.ZH+"”有自己的导入。", t.Table.Label.EN+" has an import of its own."),
			Hint: syncproto.Both("用 --kind "+kind+" 导入。", "Import it with --kind "+kind+".")}
	}
	run := &tableRun{TableList: t, headers: tableHeaders(t.Table), lines: map[*Line]*tableLine{}, seen: map[syncproto.RowID]sheet.Row{}}
	rep, err := t.Lines.Run(ctx, name, r, size, run.headers, chunkRows, run.read, run.take)
	if rep != nil {
		rep.NewRows, rep.ChangedRows, rep.Conflicts = run.report.NewRows, run.report.ChangedRows, run.report.Conflicts
	}
	return rep, err
}

// tableHeaders are the columns that a list of a table may have: its id, and all that is not the server's to say.
func tableHeaders(t *schema.Table) []sheet.Header {
	out := []sheet.Header{{Key: keyRow, Names: []string{idTitle, "id"}, Kind: sheet.Code}}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Rule != schema.RuleServer {
			h := sheet.HeaderOf(c)
			h.Required = c.Required && c.Type != schema.TypeFlow && c.Name != t.Author // the server knows both
			out = append(out, h)
		}
	}
	return out
}

// read judges a line by itself.
func (r *tableRun) read(l *Line) {
	x := &tableLine{Line: l, read: map[string]schema.Value{}, named: map[string]string{}}
	r.lines[l] = x
	for _, h := range r.headers {
		text := l.Text(h.Key)
		c := r.Table.Column(h.Key)
		switch {
		case h.Key == keyRow:
			if x.row = syncproto.RowID(schema.NormalizeCode(text)); x.row != "" && !schema.ValidID(string(x.row)) {
				l.Refuse("“"+idTitle+"”不是系统里的编号；请照导出的表填，新的一行空着。", "The id is none of the system's; copy it from an export, and leave it blank in a new row.")
			}
		case text == "" || c.Privacy == schema.Masked && masked(text):
		case c.Type == schema.TypeRef:
			x.named[h.Key] = text
		default:
			if v, err := r.value(c, text); err != nil {
				l.RefuseFor(err)
			} else if !v.IsNull() {
				x.read[h.Key] = v
			}
		}
	}
}

// value reads a cell, and a time as exports write it: that of the server's zone.
func (r *tableRun) value(c *schema.Column, text string) (schema.Value, error) {
	if c.Type == schema.TypeInstant {
		for _, form := range []string{schema.InstantForm, time.DateTime} {
			if at, err := time.ParseInLocation(form, text, r.Zone); err == nil {
				return schema.Int(at.UnixMilli()), nil
			}
		}
	}
	return c.Normalize(text)
}

// errPreview takes back what a preview did.
var errPreview = errors.New("register: a preview writes nothing")

// take writes a piece of the list in one transaction: a change for each row, so that one that is refused leaves the others.
func (r *tableRun) take(ctx context.Context, list []*Line) error {
	var did Report
	err := r.Store.Write(ctx, func(tx *store.Tx) error {
		Again(list)
		did, r.places = Report{}, nil
		if err := tx.LockPush(syncproto.DeviceID("import " + r.Table.Name)); err != nil {
			return err
		}
		piece, err := r.plan(tx, list)
		if err == nil {
			did, err = r.submit(tx, piece)
		}
		if err == nil && r.Preview {
			err = errPreview
		}
		return err
	})
	if err != nil && !errors.Is(err, errPreview) {
		return err
	}
	r.report.NewRows, r.report.ChangedRows, r.report.Conflicts = r.report.NewRows+did.NewRows, r.report.ChangedRows+did.ChangedRows, r.report.Conflicts+did.Conflicts
	for _, l := range list {
		if x := r.lines[l]; x.row != "" {
			r.seen[x.row] = l.Row
		}
		delete(r.lines, l)
	}
	return nil
}

// plan finds out what the lines of a piece change: those whose wish has an edit.
func (r *tableRun) plan(tx *store.Tx, list []*Line) ([]*tableLine, error) {
	var good []*tableLine
	for _, l := range list {
		if x := r.lines[l]; l.Good() {
			x.wish, x.values = nil, maps.Clone(x.read)
			good = append(good, x)
		}
	}
	there, err := r.there(tx, good)
	if err != nil {
		return nil, err
	}
	if err := r.refer(tx, good, there); err != nil {
		return nil, err
	}
	if err := r.known(tx, good, there); err != nil {
		return nil, err
	}
	var wishes []*wish
	said := map[syncproto.RowID]*tableLine{}
	for _, x := range good {
		if !x.Good() || x.row == "" {
			continue
		}
		if first, again := r.seen[x.row]; again {
			x.repeats(first)
			continue
		} else if before := said[x.row]; before != nil {
			x.repeats(before.Row)
			continue
		}
		said[x.row] = x
		if x.wish = r.wish(tx.Book(), x, there[x.row]); x.Good() {
			wishes = append(wishes, x.wish)
		}
	}
	if err := settle(tx, wishes); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(good, func(x *tableLine) bool { return !x.Good() || x.wish == nil || x.wish.edit == nil }), nil
}

func (x *tableLine) repeats(first sheet.Row) {
	at := LineWords(first, first.Sheet != x.Row.Sheet)
	x.Refuse("和"+at.ZH+"说的是同一条，只用了前一行；如果是两条，请写出它们的不同。", "It speaks of the same row as "+at.EN+", which was taken; if they are two, write down what tells them apart.")
}

// there reads the rows that lines name by their ids.
func (r *tableRun) there(tx *store.Tx, lines []*tableLine) (map[syncproto.RowID]*entry, error) {
	var ids []string
	for _, x := range lines {
		if x.row = syncproto.RowID(schema.NormalizeCode(x.Text(keyRow))); x.row != "" {
			ids = append(ids, string(x.row))
		}
	}
	out := map[syncproto.RowID]*entry{}
	values, err := tx.Values(r.Table.Name, ids)
	for id, v := range values {
		out[id] = &entry{id, r.Table, v}
	}
	for _, x := range lines {
		if x.row != "" && out[x.row] == nil {
			x.Refuse("没有这个编号的"+r.Table.Label.ZH+"，或者已经删了；新的一行请把编号空着。", "There is no such row of "+r.Table.Label.EN+", or it was deleted; leave the id blank in a new row.")
		}
	}
	return out, err
}

// known finds the rows that lines without an id are about, and names those that they make.
func (r *tableRun) known(tx *store.Tx, lines []*tableLine, there map[syncproto.RowID]*entry) error {
	var words, ids []string
	for _, x := range lines {
		if v := x.values[r.Table.Twin]; x.Good() && x.row == "" && r.Table.Twin != "" && !v.IsNull() {
			words = append(words, v.Str())
		}
	}
	slices.Sort(words)
	alike, err := tx.ValuesWhere(r.Table.Name, r.Table.Twin, slices.Compact(words))
	if err != nil {
		return err
	}
	byWord := map[string][]*entry{}
	for id, v := range alike {
		e := &entry{id, r.Table, v}
		word := e.get(r.Table.Twin).Str()
		byWord[word] = append(byWord[word], e)
	}
	for _, x := range lines {
		if !x.Good() || x.row != "" {
			continue
		}
		has := slices.DeleteFunc(slices.Clone(byWord[x.values[r.Table.Twin].Str()]), func(e *entry) bool {
			return r.Table.Parent != "" && e.get(r.Table.Parent) != x.values[r.Table.Parent] // alike beneath something else is another
		})
		switch {
		case len(has) == 1:
			x.row, there[has[0].id] = has[0].id, has[0]
		case len(has) > 1:
			c := r.Table.Column(r.Table.Twin)
			x.Refuse(fmt.Sprintf("有 %d 条%s的“%s”都是这个，不知道是哪一条；请填编号。", len(has), r.Table.Label.ZH, c.Label.ZH), fmt.Sprintf("%d rows have this in %s; fill in the id.", len(has), c.Label.EN))
		default:
			x.row = r.idOf(x)
			ids = append(ids, string(x.row))
		}
	}
	made, err := tx.RowsWhere("id = ANY(?)", ids)
	if err != nil {
		return err
	}
	dead := map[syncproto.RowID]bool{}
	for _, row := range made {
		dead[row.ID] = row.Dead != 0
	}
	values, err := tx.Values(r.Table.Name, ids)
	for id, v := range values {
		there[id] = &entry{id, r.Table, v}
	}
	for _, x := range lines {
		if x.row != "" && dead[x.row] {
			x.Note("以前导入过，后来有人删了，没有再建。", "It was imported before and deleted since, so it was not made again.")
			x.row = ""
		}
	}
	return err
}

// idOf is the id of the row that a line makes: of two with one word by which the table knows duplicates, it is the same row.
func (r *tableRun) idOf(x *tableLine) syncproto.RowID {
	h := sha256.New()
	fmt.Fprintf(h, "minqing import\x00%s", r.Table.Name)
	known := !x.values[r.Table.Twin].IsNull()
	for i := range r.Table.Columns {
		name := r.Table.Columns[i].Name
		if v, given := x.values[name]; given && (!known || name == r.Table.Twin || name == r.Table.Parent) {
			fmt.Fprintf(h, "\x00%s\x00%s", name, v)
		}
	}
	var id uuid.UUID
	copy(id[:], h.Sum(nil))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8, whose bits are the maker's own, variant of RFC 9562
	return syncproto.RowID(id.String())
}

// wish is what a line wants of its row; e is nil for one that is to be made.
func (r *tableRun) wish(b *schema.Book, x *tableLine, e *entry) *wish {
	w := &wish{entry: e, cells: map[string]schema.Value{}, note: x.Note}
	if e == nil {
		w.entry, w.create = &entry{id: x.row, table: r.Table}, true
		if _, given := x.values[r.Table.Author]; !given && r.Table.Author != "" {
			x.values[r.Table.Author] = schema.Text(string(r.User))
		}
	}
	get := func(column string) schema.Value {
		if v, given := x.values[column]; given {
			return v
		}
		return w.entry.get(column)
	}
	for _, c := range b.Cells(r.Table.Name) {
		if !slices.ContainsFunc(c.Columns, func(c *schema.Column) bool { return r.says(x, c, w.entry) }) {
			continue
		}
		v := c.Join(get)
		if c.Rule == schema.RuleSum && !w.create {
			if v != c.Join(w.entry.get) {
				label := c.Columns[0].Label
				x.Note("“"+label.ZH+"”是加出来的数，只在新的一行里用；这一行的没有动。", label.EN+" is a sum, which a file may give only to a new row; it was left.")
			}
			continue
		}
		w.cells[c.Name] = v
	}
	if w.create {
		for _, h := range r.headers[1:] {
			if c := r.Table.Column(h.Key); h.Required && get(h.Key).IsNull() {
				x.Refuse("“"+c.Label.ZH+"”没有填，请补上。", c.Label.EN+" is missing; fill it in.")
			}
		}
	}
	return w
}

// says tells whether a line says anything of a column: a time to the minute is that of the row as an export wrote it.
func (r *tableRun) says(x *tableLine, c *schema.Column, e *entry) bool {
	v, given := x.values[c.Name]
	return given && (c.Type != schema.TypeInstant || c.Show(v, schema.ZH, r.Zone) != c.Show(e.get(c.Name), schema.ZH, r.Zone))
}

// submit hands the changes to the judge, and tells the lines of those that it refuses.
func (r *tableRun) submit(tx *store.Tx, piece []*tableLine) (did Report, err error) {
	if len(piece) == 0 {
		return did, nil
	}
	drafts := make([]judge.Draft, len(piece))
	for i, x := range piece {
		drafts[i].Edits = []syncproto.Edit{*x.wish.edit}
	}
	out, err := r.Judge.SubmitIn(tx, r.User, drafts...)
	if err != nil {
		return did, err
	}
	var wrote []syncproto.Identity
	for i, v := range out.Verdicts {
		switch v.Status {
		case syncproto.Refused:
			why := schema.ReadBoth(v.Message)
			piece[i].Refuse("系统没有接受："+why.ZH, "The server did not take it: "+cmp.Or(why.EN, why.ZH))
			continue
		case syncproto.Conflicted:
			did.Conflicts++
		}
		if piece[i].wish.create {
			did.NewRows++
		} else {
			did.ChangedRows++
		}
		wrote = append(wrote, v.Identity)
	}
	if r.Wrote == nil || len(wrote) == 0 || r.Preview {
		return did, nil
	}
	return did, r.Wrote(tx, wrote)
}
