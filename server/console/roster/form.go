package roster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Form is one row to be edited, or to be made.
type Form struct {
	Table  string
	ID     syncproto.RowID // "" for a row to be made
	Rev    uint64
	By     string // who wrote to it last
	At     int64
	Base   string // of the row, as the form carries it; Number of the row with the ID number
	Number string
	Fields []*Field
	Masked bool    // something is hidden
	Since  []Since // what others wrote since the form was rendered

	whole bool
}

// Field is one cell of a form.
type Field struct {
	Name, Label string
	Kind        string // line, long, one, many
	Value       string // as it stands in the form
	Was         string // as it was rendered
	Options     []Option
	Required    bool
	Hint        string
	Error       string
	Theirs      bool // somebody else wrote to it meanwhile
	Open        bool // it waits on the conflict desk

	cell   *schema.Cell
	column *schema.Column
}

// Option is one of several to choose from.
type Option struct {
	Value, Label string
	On           bool
}

// Since is a cell that somebody wrote to since the form was rendered.
type Since struct{ Label, Who, From, To string }

// Clerk edits rows of a place in the name of a user.
type Clerk struct {
	Tx    *store.Tx
	Lang  schema.Lang
	Zone  *time.Location
	Place string // whatever is chosen must lie in it
}

// numberField is the ID number, which has a row of its own; positionField longitude and latitude together.
const (
	numberField   = "id_number"
	positionField = "position"
)

// editable are the cells that a form has, in its order, by table.
var editable = map[string][]string{
	"household": {"code", "place", "head", "address", "phone", "tags", "low_income", "note", positionField},
	"resident":  {"name", "relation", "sex", "birth", numberField, "phone", "schooling", "work", "away", "party_member", "disability", "insurance", "skills", "life", "household"},
	"place":     {"name", "code", "lagging"},
	"user":      {"name", "post", "phone", "place"},
}

// once are cells that are written when the row is made and never after.
var once = []string{"code"}

// Read makes the form of a row as it stands; whole shows masked values, and whoever asks for it was put on record.
func (c *Clerk) Read(table string, id syncproto.RowID, whole bool) (*Form, error) {
	t := c.Tx.Book().Table(table)
	rows, err := c.Tx.Values(table, []string{string(id)})
	if err != nil {
		return nil, err
	}
	values, lives := rows[id]
	if !lives {
		return nil, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "roster.Read"}
	}
	get := func(column string) schema.Value {
		for i := range t.Columns {
			if t.Columns[i].Name == column {
				return values[i]
			}
		}
		return schema.Null
	}
	f := &Form{Table: table, ID: id, whole: whole}
	open, err := c.label(f, id, &f.Base)
	if err != nil {
		return nil, err
	}
	if err := c.fields(f, get); err != nil {
		return nil, err
	}
	for _, x := range f.Fields {
		x.Open = x.cell != nil && open[x.cell.Name] != nil
	}
	return f, c.written(f)
}

// label reads a row's version into the base that a form carries.
func (c *Clerk) label(f *Form, id syncproto.RowID, into *string) (map[string][]syncproto.Identity, error) {
	rows, err := c.Tx.Rows([]string{string(id)})
	if err != nil || len(rows) != 1 {
		return nil, err
	}
	e, err := c.Tx.Epoch()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(syncproto.Base{Epoch: e.ID, Rev: rows[0].Label.Rev, Open: rows[0].Open})
	if *into = string(raw); id == f.ID {
		f.Rev = rows[0].Label.Rev
	}
	return rows[0].Open, err
}

// written says who wrote to the row last.
func (c *Clerk) written(f *Form) error {
	_, err := c.Tx.One(`SELECT COALESCE(u.name, ''), h.corrected FROM mq_history h LEFT JOIN "user" u ON u.id = h.author WHERE h.row_id = ? ORDER BY h.rev DESC LIMIT 1`, []any{string(f.ID)}, &f.By, &f.At)
	return err
}

// Blank makes the form of a row to be made.
func (c *Clerk) Blank(table string) (*Form, error) {
	f := &Form{Table: table}
	return f, c.fields(f, func(string) schema.Value { return schema.Null })
}

func (c *Clerk) fields(f *Form, get func(string) schema.Value) error {
	t := c.Tx.Book().Table(f.Table)
	for _, name := range editable[f.Table] {
		if f.ID != "" && slices.Contains(once, name) && t.Column(name).Rule == schema.RuleOnce || f.ID == "" && (name == "life" || name == "household") {
			continue
		}
		x := &Field{Name: name, Kind: "line", cell: c.Tx.Book().CellOf(f.Table, name), column: t.Column(name)}
		if name == positionField {
			x.cell = c.Tx.Book().CellOf(f.Table, "lon")
			x.Label = schema.Label{ZH: "经度，纬度", EN: "Longitude, latitude"}.In(c.Lang)
			x.Hint = "113.2644, 23.1291"
			x.Value = degrees(x.cell.Join(get))
		} else if name == numberField && f.Table == "resident" {
			if err := c.number(f, x, get); err != nil {
				return err
			}
		} else if err := c.field(f, x, get); err != nil {
			return err
		}
		x.Was = x.Value
		f.Fields = append(f.Fields, x)
	}
	return nil
}

func (c *Clerk) field(f *Form, x *Field, get func(string) schema.Value) error {
	col := x.column
	v := get(col.Name)
	x.Label, x.Required = col.Label.In(c.Lang), col.Required
	x.Value = col.Show(v, schema.ZH, c.Zone)
	switch {
	case col.Type == schema.TypeRef:
		return c.link(f, x, v.Str())
	case col.Type == schema.TypeLong:
		x.Kind = "long"
	case col.Type == schema.TypeBool:
		x.Kind = "one"
		x.Options = []Option{{Value: "", Label: "—"}, {Value: "是", Label: schema.Label{ZH: "是", EN: "Yes"}.In(c.Lang)}, {Value: "否", Label: schema.Label{ZH: "否", EN: "No"}.In(c.Lang)}}
	case col.Type == schema.TypeFlow:
		x.Kind = "one"
		state := v.Str()
		if state == "" {
			state = col.Flow.Initial
		}
		x.Value = state
		for _, o := range col.Flow.States {
			if o.Value == state || slices.ContainsFunc(col.Flow.Moves, func(m schema.Move) bool { return m.From == state && m.To == o.Value }) {
				x.Options = append(x.Options, Option{Value: o.Value, Label: o.Label.In(c.Lang)})
			}
		}
	case col.Type == schema.TypeTags && len(col.Options) > 0:
		x.Kind, x.Value = "many", strings.Join(v.Elements(), "、")
		for _, o := range col.Options {
			x.Options = append(x.Options, Option{Value: o.Value, Label: o.Label.In(c.Lang)})
		}
	case len(col.Options) > 0:
		x.Kind, x.Value = "one", v.Str()
		x.Options = []Option{{Value: "", Label: "—"}}
		for _, o := range col.Options {
			x.Options = append(x.Options, Option{Value: o.Value, Label: o.Label.In(c.Lang)})
		}
	case col.Type == schema.TypeDate:
		x.Hint = "2026-12-01"
	case col.Privacy == schema.Masked && !f.whole && x.Value != "":
		x.Value, f.Masked = schema.MaskPhone(x.Value), true
	}
	x.choose()
	return nil
}

// choose marks the options that stand.
func (x *Field) choose() {
	chosen := []string{x.Value}
	if x.Kind == "many" {
		chosen = strings.Split(x.Value, "、")
	}
	for i := range x.Options {
		x.Options[i].On = slices.Contains(chosen, x.Options[i].Value)
	}
}

// number is the field of somebody's ID number, masked unless it is asked for whole.
func (c *Clerk) number(f *Form, x *Field, get func(string) schema.Value) error {
	x.cell, x.column = nil, c.Tx.Book().Table("identity").Column("id_number")
	x.Label, x.Value = x.column.Label.In(c.Lang), get("id_masked").Str()
	if f.ID == "" {
		return nil
	}
	var id syncproto.RowID
	var number string
	found, err := c.Tx.One("SELECT id, COALESCE(id_number, '') FROM identity WHERE resident = ? ORDER BY id LIMIT 1", []any{string(f.ID)}, &id, &number)
	if err != nil || !found {
		return err
	}
	if f.whole {
		x.Value = number
	} else if number != "" {
		f.Masked = true
	}
	_, err = c.label(f, id, &f.Number)
	return err
}

// link is a field that names another row: a household's group is chosen, others are named by code.
func (c *Clerk) link(f *Form, x *Field, id string) error {
	switch {
	case f.Table == "household":
		x.Kind, x.Value = "one", id
		village, err := c.villageOf(id)
		if err != nil {
			return err
		}
		places, err := register.Beneath(c.Tx, village)
		if err != nil {
			return err
		}
		slices.SortFunc(places, func(a, b register.Place) int { return register.Natural(a.Name, b.Name) })
		for _, p := range places {
			x.Options = append(x.Options, Option{Value: p.ID, Label: p.Name})
		}
		x.choose()
		return nil
	case x.column.Ref == "household":
		_, err := c.Tx.One("SELECT COALESCE(code, '') FROM household WHERE id = ?", []any{id}, &x.Value)
		x.Label = schema.Label{ZH: "户号", EN: "Household code"}.In(c.Lang)
		return err
	}
	var name, code string
	_, err := c.Tx.One("SELECT COALESCE(name, ''), COALESCE(code, '') FROM place WHERE id = ?", []any{id}, &name, &code)
	if x.Value = code; code == "" {
		x.Value = name
	}
	x.Hint = name
	return err
}

// villageOf is the village that a place lies in, or the place of the page.
func (c *Clerk) villageOf(place string) (string, error) {
	for at := place; at != ""; {
		var level, up string
		found, err := c.Tx.One("SELECT COALESCE(level, ''), COALESCE(parent, '') FROM place WHERE id = ?", []any{at}, &level, &up)
		if err != nil || !found {
			return c.Place, err
		}
		if level == "village" {
			return at, nil
		}
		at = up
	}
	return c.Place, nil
}

func degrees(v schema.Value) string {
	parts := v.Parts()
	if len(parts) != 2 || parts[0].IsNull() {
		return ""
	}
	one := func(n int64) string { return strconv.FormatFloat(float64(n)/1e7, 'f', -1, 64) }
	return one(parts[0].Num()) + ", " + one(parts[1].Num())
}

// Fill puts what was typed into a form.
func (f *Form) Fill(typed url.Values) {
	for _, x := range f.Fields {
		x.Value = strings.Join(typed[x.Name], "、")
		if _, sent := typed["was."+x.Name]; sent {
			x.Was = typed.Get("was." + x.Name)
		}
		x.choose()
	}
}

// read gives the value that was typed.
func (c *Clerk) read(f *Form, x *Field) (schema.Value, error) {
	text := x.Value
	switch {
	case x.Name == positionField:
		return readDegrees(x.cell, text)
	case x.column.Type == schema.TypeRef && f.Table == "household":
		if !slices.ContainsFunc(x.Options, func(o Option) bool { return o.Value == text }) {
			return schema.Null, wrong("请选一个组。", "Choose a group.")
		}
		return schema.Text(text), nil
	case x.column.Type == schema.TypeRef && x.column.Ref == "household":
		ids, err := register.FindHouseholds(c.Tx, c.Place, []string{text})
		if err != nil || len(ids) != 1 {
			return schema.Null, errors.Join(err, wrong("请写户号。", "Write the code."))
		}
		return schema.Text(string(ids[0])), nil
	case x.column.Type == schema.TypeRef:
		p, err := c.FindPlace(text)
		return schema.Text(p.ID), err
	}
	return x.column.Normalize(text)
}

// FindPlace finds a place of the clerk's by code or name: others look as if they were not there.
func (c *Clerk) FindPlace(text string) (register.Place, error) {
	p, err := register.FindPlace(c.Tx, text)
	var e *syncproto.Error
	if err != nil && (!errors.As(err, &e) || e.Code == syncproto.CodeInternal) {
		return p, err
	}
	if err == nil {
		above, err := c.Tx.RowsAbove([]string{p.ID})
		if err != nil {
			return p, err
		}
		if slices.ContainsFunc(above, func(r *store.Row) bool { return string(r.ID) == c.Place }) {
			return p, nil
		}
	}
	return register.Place{}, wrong("这里没有“"+text+"”；请写代码。", "There is no “"+text+"” here; write its code.")
}

func readDegrees(cell *schema.Cell, text string) (schema.Value, error) {
	if strings.TrimSpace(text) == "" {
		return schema.Null, nil
	}
	fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",，、 ", r) })
	if len(fields) != 2 {
		return schema.Null, wrong("经度和纬度要一起填，写成 113.2644, 23.1291 这样的度数。", "Longitude and latitude go together, in degrees like 113.2644, 23.1291.")
	}
	var parts []schema.Value
	for _, s := range fields {
		d, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return schema.Null, wrong("经度和纬度要一起填，写成 113.2644, 23.1291 这样的度数。", "Longitude and latitude go together, in degrees like 113.2644, 23.1291.")
		}
		n, err := strconv.ParseInt(fmt.Sprintf("%.0f", d*1e7), 10, 64)
		if err != nil {
			return schema.Null, err
		}
		parts = append(parts, schema.Int(n))
	}
	v := schema.Tuple(parts...)
	return v, cell.Check(v)
}

func wrong(zh, en string) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "roster", Message: syncproto.Both(zh, en)}
}
