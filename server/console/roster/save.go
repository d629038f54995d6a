package roster

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Save takes a form as it was posted. When it could not be saved, f says why at its fields, with everything that was typed; when others wrote
// to the same cells meanwhile, f.Since says what.
func (c *Clerk) Save(j *judge.Judge, user syncproto.UserID, table string, id syncproto.RowID, typed url.Values) (f *Form, saved bool, err error) {
	if f, err = c.Read(table, id, false); err != nil {
		return nil, false, err
	}
	now := map[string]string{}
	for _, x := range f.Fields {
		now[x.Name] = x.Value
	}
	current, currentNumber := f.Base, f.Number
	f.Fill(typed)
	touched, ok, err := c.touched(f)
	if err != nil || !ok {
		f.Base, f.Number = typed.Get("base"), typed.Get("base.number")
		return f, false, err
	}
	var base syncproto.Base
	if json.Unmarshal([]byte(typed.Get("base")), &base) != nil || base.Epoch == "" {
		return f, false, wrong("表单没有传完整，请再看一遍。", "The form did not arrive whole; look at it again.")
	}
	if base.Rev != f.Rev || typed.Get("base.number") != currentNumber {
		met, err := c.since(f, base.Rev, touched, now)
		if err != nil {
			return nil, false, err
		}
		if met { // what stands now is what he is shown beside what he typed
			f.Base, f.Number = current, currentNumber
			for _, x := range f.Fields {
				if !slices.Contains(touched, x) {
					x.Value = now[x.Name]
					x.choose()
				}
				x.Was = now[x.Name]
			}
			return f, false, nil
		}
	}
	draft, err := c.edits(f, touched, base, typed.Get("base.number"))
	if err != nil || len(draft.Edits) == 0 {
		return f, err == nil, err
	}
	return f, true, submit(c.Tx, j, user, draft)
}

// Make makes a row with what was typed; under is the row that it lies beneath.
func (c *Clerk) Make(j *judge.Judge, user syncproto.UserID, table string, under syncproto.RowID, typed url.Values) (f *Form, id syncproto.RowID, err error) {
	if f, err = c.Blank(table); err != nil {
		return nil, "", err
	}
	f.Fill(typed)
	touched, ok, err := c.touched(f)
	if err != nil || !ok {
		return f, "", err
	}
	if table == "household" {
		if twin, err := c.twin(f); err != nil || twin {
			return f, "", err
		}
	}
	text, err := c.Tx.NewID()
	if err != nil {
		return nil, "", err
	}
	f.ID = syncproto.RowID(text)
	draft, err := c.edits(f, touched, syncproto.Base{}, "")
	if err != nil {
		return nil, "", err
	}
	for i := range draft.Edits {
		e := &draft.Edits[i]
		if e.Row == f.ID {
			e.Op = syncproto.OpCreate
			if parent := c.Tx.Book().Table(table).Parent; under != "" {
				e.Cells = append([]syncproto.CellEdit{{Cell: parent, Value: schema.Text(string(under))}}, e.Cells...)
			}
		}
	}
	id, f.ID = f.ID, ""
	return f, id, submit(c.Tx, j, user, draft)
}

// twin tells whether the village has a household of that code, which is said at the field.
func (c *Clerk) twin(f *Form) (bool, error) {
	for _, x := range f.Fields {
		if x.Name != "code" {
			continue
		}
		n := int64(0)
		_, err := c.Tx.One(`WITH RECURSIVE down(id) AS (SELECT id FROM place WHERE id = ? UNION SELECT p.id FROM place p JOIN down ON p.parent = down.id)
			SELECT COUNT(*) FROM household WHERE code = ? AND place IN (SELECT id FROM down)`, []any{c.Place, schema.NormalizeCode(x.Value)}, &n)
		if n > 0 {
			x.Error = schema.Label{ZH: "这里已经有这个户号。", EN: "A household here has this code already."}.In(c.Lang)
		}
		return n > 0, err
	}
	return false, nil
}

// touched are the fields in which what was typed differs from what was shown; what is wrong is said at each.
func (c *Clerk) touched(f *Form) (out []*Field, ok bool, err error) {
	ok = true
	for _, x := range f.Fields {
		if strings.TrimSpace(x.Value) == strings.TrimSpace(x.Was) && !(f.ID == "" && x.Required) {
			continue
		}
		v, err := c.read(f, x)
		if err == nil && v.IsNull() && x.Required {
			err = wrong("“"+x.Label+"”要填。", x.Label+" is required.")
		}
		if err != nil {
			text, known := c.sentence(err)
			if !known {
				return nil, false, err
			}
			x.Error, ok = text, false
			continue
		}
		if x.cell != nil && x.Name != positionField && x.column.Type != schema.TypeRef {
			if was, err := x.column.Normalize(x.Was); err == nil && was == v {
				continue // another way to write the same
			}
		}
		out = append(out, x)
	}
	return out, ok, nil
}

// sentence is what a person is told of an error about what he typed.
func (c *Clerk) sentence(err error) (string, bool) {
	var p *schema.Problem
	if errors.As(err, &p) {
		return p.Text.In(c.Lang), true
	}
	var e *syncproto.Error
	if errors.As(err, &e) && e.Message != "" {
		return schema.ReadBoth(e.Message).In(c.Lang), true
	}
	return "", false
}

// since finds what others wrote to the row since a version, and whether that meets what was typed.
func (c *Clerk) since(f *Form, rev uint64, touched []*Field, now map[string]string) (met bool, err error) {
	versions, err := c.Tx.Versions("row_id = ? AND rev > ? ORDER BY seq, ord", string(f.ID), int64(rev))
	if err != nil {
		return false, err
	}
	var authors []string
	for _, v := range versions {
		authors = append(authors, string(v.Author))
	}
	names := map[string]string{}
	if err := c.Tx.Each(func(scan func(...any) error) error {
		var id, name string
		err := scan(&id, &name)
		names[id] = name
		return err
	}, `SELECT id, COALESCE(name, '') FROM "user" WHERE id = ANY(?)`, authors); err != nil {
		return false, err
	}
	for _, x := range f.Fields {
		for _, v := range versions {
			i := slices.IndexFunc(v.Cells, func(ce store.CellChange) bool { return writes(x, ce.Cell) })
			if i < 0 {
				continue
			}
			f.Since = append(f.Since, Since{Label: x.Label, Who: names[string(v.Author)], From: c.words(x, x.Was), To: c.words(x, now[x.Name])})
			if mine := slices.Contains(touched, x); mine && now[x.Name] != x.Value {
				x.Theirs, met = true, true
			}
			break
		}
	}
	return met, nil
}

// writes tells whether a cell of the row is what a field shows: the ID number stands in a row of its own, of which the row has the mask.
func writes(x *Field, cell string) bool {
	if x.cell == nil {
		return cell == "id_masked"
	}
	return x.cell.Name == cell
}

// words is a value of a form as people read it.
func (c *Clerk) words(x *Field, value string) string {
	var out []string
	for _, v := range strings.Split(value, "、") {
		for _, o := range x.Options {
			if o.Value == v && v != "" {
				v = o.Label
				break
			}
		}
		out = append(out, v)
	}
	return strings.Join(out, "、")
}

// edits is the change that writes what was touched.
func (c *Clerk) edits(f *Form, touched []*Field, base syncproto.Base, number string) (d judge.Draft, err error) {
	e := syncproto.Edit{Table: f.Table, Row: f.ID, Op: syncproto.OpUpdate, Base: base}
	var more []syncproto.Edit
	for _, x := range touched {
		v, err := c.read(f, x)
		if err != nil {
			return d, err
		}
		if x.cell == nil {
			id, err := c.numberEdit(f, v, number)
			if err != nil {
				return d, err
			}
			more = append(more, id)
			continue
		}
		ce := syncproto.CellEdit{Cell: x.cell.Name, Value: v}
		if x.cell.Rule == schema.RuleSet {
			was, err := x.column.Normalize(x.Was)
			if err != nil {
				return d, err
			}
			less := func(a, b []string) []string {
				return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
			}
			ce = syncproto.CellEdit{Cell: x.cell.Name, Add: less(v.Elements(), was.Elements()), Del: less(was.Elements(), v.Elements())}
		}
		e.Cells = append(e.Cells, ce)
	}
	order := c.Tx.Book().Cells(f.Table) // cells travel in schema order
	at := func(name string) int {
		return slices.IndexFunc(order, func(cell schema.Cell) bool { return cell.Name == name })
	}
	slices.SortFunc(e.Cells, func(a, b syncproto.CellEdit) int { return at(a.Cell) - at(b.Cell) })
	if len(e.Cells) > 0 {
		d.Edits = append(d.Edits, e)
	}
	d.Edits = append(d.Edits, more...)
	return d, nil
}

// numberEdit writes somebody's ID number into its row, or makes that.
func (c *Clerk) numberEdit(f *Form, v schema.Value, number string) (syncproto.Edit, error) {
	var id syncproto.RowID
	found, err := c.Tx.One("SELECT id FROM identity WHERE resident = ? ORDER BY id LIMIT 1", []any{string(f.ID)}, &id)
	if err != nil {
		return syncproto.Edit{}, err
	}
	cell := syncproto.CellEdit{Cell: numberField, Value: v}
	if !found {
		text, err := c.Tx.NewID()
		return syncproto.Edit{Table: "identity", Row: syncproto.RowID(text), Op: syncproto.OpCreate, Cells: []syncproto.CellEdit{{Cell: "resident", Value: schema.Text(string(f.ID))}, cell}}, err
	}
	e := syncproto.Edit{Table: "identity", Row: id, Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{cell}}
	if v.IsNull() { // a number is required where there is a row for it
		e.Op, e.Cells = syncproto.OpDelete, nil
	}
	if number != "" {
		err = json.Unmarshal([]byte(number), &e.Base)
	}
	return e, err
}

// submit makes an error of a change that was refused, so that nothing of it stands.
func submit(tx *store.Tx, j *judge.Judge, user syncproto.UserID, d judge.Draft) error {
	out, err := j.SubmitIn(tx, user, d)
	if err != nil {
		return err
	}
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return &syncproto.Error{Code: v.Code, Op: "roster: submit", Message: v.Message}
		}
	}
	return nil
}
