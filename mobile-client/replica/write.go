package replica

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// Form is what a form must carry from its rendering to its saving: what the author was shown of one row. It marshals to JSON.
type Form struct {
	Table  string
	Row    syncproto.RowID
	Base   syncproto.Base
	Values map[string]schema.Value // by column, as shown
}

// formJSON is a Form as pages carry it.
type formJSON struct {
	Table  string                     `json:"table"`
	Row    syncproto.RowID            `json:"row"`
	Base   syncproto.Base             `json:"base"`
	Values map[string]json.RawMessage `json:"values"`
}

// MarshalJSON writes the form as pages carry it.
func (f Form) MarshalJSON() ([]byte, error) {
	out := formJSON{Table: f.Table, Row: f.Row, Base: f.Base, Values: map[string]json.RawMessage{}}
	for column, v := range f.Values {
		if !v.IsNull() {
			out.Values[column] = v.AppendJSON(nil)
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads it back. The JSON of a value tells its kind; a page that forged one is refused when the form is saved.
func (f *Form) UnmarshalJSON(raw []byte) error {
	var in formJSON
	if err := json.Unmarshal(raw, &in); err != nil {
		return invalid("Form", "表单内容不对：%v。", "The form is damaged: %v.", err)
	}
	*f = Form{Table: in.Table, Row: in.Row, Base: in.Base, Values: map[string]schema.Value{}}
	for column, value := range in.Values {
		kind := schema.KindInt
		switch {
		case len(value) > 0 && value[0] == '"':
			kind = schema.KindText
		case len(value) > 0 && value[0] == '[':
			kind = schema.KindSet
		}
		v, err := schema.ParseValue(kind, value)
		if err != nil {
			return invalid("Form", "表单内容不对：%v。", "The form is damaged: %v.", err)
		}
		f.Values[column] = v
	}
	return nil
}

// Form renders a row for editing; the error has CodeNotFound when it is not shown.
func (r *Replica) Form(ctx context.Context, table string, id syncproto.RowID) (f Form, err error) {
	err = r.read(ctx, func(c *conn) error {
		f, err = c.form(table, id)
		return err
	})
	return f, err
}

func (c *conn) form(table string, id syncproto.RowID) (Form, error) {
	t, err := c.table("Form", table)
	if err != nil {
		return Form{}, err
	}
	r, err := c.load(t, id)
	if err != nil {
		return Form{}, err
	}
	if r.shown == nil {
		return Form{}, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "replica.Form " + table, Message: syncproto.Both("本机没有这条记录。", "No such record on this device."),
			Hint: syncproto.Both("同步后再看。", "Sync and look again.")}
	}
	base, err := c.base(r)
	return Form{Table: table, Row: id, Base: base, Values: byColumn(t, r.shown)}, err
}

// base is what somebody who looks at a row now is shown of it.
func (c *conn) base(r *row) (b syncproto.Base, err error) {
	if r.held {
		if b.Epoch, err = c.epochName(r.epoch); err != nil {
			return b, err
		}
		b.Rev = r.rev
		if b.Open, err = c.open(r.id); err != nil {
			return b, err
		}
	}
	var id string
	err = c.each(`SELECT c.identity FROM mq_edit e JOIN mq_change c ON c.ord = e.change WHERE e.row = ? AND e.laid = 1 ORDER BY c.ord`,
		[]any{string(r.id)}, []any{&id}, func() error {
			b.Over = append(b.Over, syncproto.Identity(id))
			return nil
		})
	return b, err
}

// Tx is the transaction of one Write.
type Tx struct {
	c     *conn
	r     *Replica
	edits []*draft
}

// draft is what the transaction did to one row so far.
type draft struct {
	t *schema.Table
	syncproto.Edit
}

// Write runs fn and seals what it wrote as one change; nil when nothing was written. An error of fn undoes everything. What other
// programs wrote before is sealed first, as a change of its own.
func (r *Replica) Write(ctx context.Context, fn func(*Tx) error) (*syncproto.Change, error) {
	return r.writeChange(ctx, "", fn)
}

func (r *Replica) writeChange(ctx context.Context, mends syncproto.Identity, fn func(*Tx) error) (ch *syncproto.Change, err error) {
	err = r.write(ctx, func() error {
		if _, err := r.sealForeign(); err != nil {
			return err
		}
		tx := &Tx{c: r.w, r: r}
		if err := fn(tx); err != nil {
			return err
		}
		if ch, err = r.seal(tx.sealable(), seal{at: r.opt.Now(), mends: mends}); err != nil {
			return err
		}
		return tx.relaySilent()
	})
	if err != nil {
		return nil, err
	}
	return ch, nil
}

// sealable lists the edits that say something.
func (tx *Tx) sealable() []syncproto.Edit {
	var out []syncproto.Edit
	for _, d := range tx.edits {
		if !d.silent() {
			out = append(out, d.Edit)
		}
	}
	return out
}

// silent tells whether a draft came to nothing.
func (d *draft) silent() bool {
	return d.Op == syncproto.OpUpdate && len(d.Cells) == 0 && len(d.Decides) == 0
}

// relaySilent puts rows back whose drafts came to nothing: with nothing laid over them, what the server sends later must show.
func (tx *Tx) relaySilent() error {
	l := newLayer(tx.c)
	for _, d := range tx.edits {
		if d.silent() {
			if err := l.relay(d.t, d.Row); err != nil {
				return err
			}
		}
	}
	return nil
}

// NewID makes the id of a row to create.
func (tx *Tx) NewID() (syncproto.RowID, error) { return tx.r.newID() }

// Form renders a row as it stands in the transaction.
func (tx *Tx) Form(table string, id syncproto.RowID) (Form, error) { return tx.c.form(table, id) }

// Create makes a row. Values are by column; columns left out are null.
func (tx *Tx) Create(table string, id syncproto.RowID, values map[string]schema.Value) error {
	t, err := tx.c.table("Create", table)
	if err != nil {
		return err
	}
	r, err := tx.c.load(t, id)
	if err != nil {
		return err
	}
	if r.shown != nil || r.held {
		return invalid("Create", "这条记录已经有了：%s。", "There is such a row already: %s.", id)
	}
	shown := blank(tx.c.book, t)
	cells, err := cellEdits(tx.c.book, t, getter(t, shown), values)
	if err != nil {
		return err
	}
	e := syncproto.Edit{Table: table, Row: id, Op: syncproto.OpCreate, Cells: cells}
	next := overlay(tx.c.book, t, nil, &e)
	if err := check(t, next, nil); err != nil {
		return err
	}
	if tx.draft(id) != nil {
		return invalid("Create", "同一次保存里删了又建同一条记录。", "A row cannot be deleted and made again in one change.")
	}
	return tx.apply(r, &draft{t: t, Edit: e}, next)
}

// Update saves those of values that differ from what the form showed.
func (tx *Tx) Update(f Form, values map[string]schema.Value) error { return tx.Decide(f, values) }

// Decide is Update that also decides the open inbox items of the named cells (“.” for the existence of the row).
func (tx *Tx) Decide(f Form, values map[string]schema.Value, cells ...string) error {
	t, err := tx.c.table("Update", f.Table)
	if err != nil {
		return err
	}
	r, err := tx.c.load(t, f.Row)
	if err != nil {
		return err
	}
	if r.shown == nil && !slices.Contains(cells, syncproto.ExistenceCell) {
		return gone(f)
	}
	edits, err := cellEdits(tx.c.book, t, func(column string) schema.Value { return f.Values[column] }, values)
	if err != nil {
		return err
	}
	e := syncproto.Edit{Table: f.Table, Row: f.Row, Op: syncproto.OpUpdate, Base: f.Base, Cells: edits, Decides: cells}
	next := overlay(tx.c.book, t, slices.Clone(r.shown), &e)
	if next != nil {
		if err := check(t, next, edits); err != nil {
			return err
		}
	}
	return tx.apply(r, &draft{t: t, Edit: e}, next)
}

// Delete deletes the row that the form showed.
func (tx *Tx) Delete(f Form) error {
	t, err := tx.c.table("Delete", f.Table)
	if err != nil {
		return err
	}
	r, err := tx.c.load(t, f.Row)
	if err != nil {
		return err
	}
	if r.shown == nil {
		return gone(f)
	}
	return tx.apply(r, &draft{t: t, Edit: syncproto.Edit{Table: f.Table, Row: f.Row, Op: syncproto.OpDelete, Base: f.Base}}, nil)
}

func gone(f Form) error {
	return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "replica.Update " + f.Table, Message: syncproto.Both("这条记录已不在本机。", "The record is not on this device any more."),
		Hint: syncproto.Both("您写的没有保存，请另存。", "What you wrote was not saved; keep it elsewhere.")}
}

func (tx *Tx) draft(id syncproto.RowID) *draft {
	for _, d := range tx.edits {
		if d.Row == id {
			return d
		}
	}
	return nil
}

// apply shows the row as it is after d and folds d into what the transaction did to it before: a change holds one edit a row.
func (tx *Tx) apply(r *row, d *draft, next []schema.Value) error {
	if !r.under {
		if err := tx.c.setUnder(d.t, d.Row, r.acked); err != nil {
			return err
		}
	}
	if !same(next, r.shown) {
		if err := tx.c.show(d.t, d.Row, next); err != nil {
			return err
		}
	}
	before := tx.draft(d.Row)
	switch {
	case before == nil:
		tx.edits = append(tx.edits, d)
	case d.Op == syncproto.OpDelete && before.Op == syncproto.OpCreate:
		tx.edits = slices.DeleteFunc(tx.edits, func(x *draft) bool { return x == before })
		return tx.c.exec(`DELETE FROM mq_under WHERE row = ?`, string(d.Row))
	case d.Op == syncproto.OpDelete:
		before.Op, before.Cells = syncproto.OpDelete, nil
	default:
		before.Cells = foldCells(tx.c.book, d.t, before.Cells, d.Cells)
		before.Decides = append(before.Decides, d.Decides...)
	}
	return nil
}

// newID makes a row id.
func (r *Replica) newID() (syncproto.RowID, error) {
	id, err := syncproto.NewID(r.opt.Now(), r.opt.Rand)
	return syncproto.RowID(id), wrap("NewID", err)
}

// check judges a row before it is saved: its values (of an update only those written, since what others wrote is not the author's
// to mend, and of a sum only what he adds) and its row rules.
func check(t *schema.Table, values []schema.Value, written []syncproto.CellEdit) error {
	get := getter(t, values)
	wrote := func(columns ...string) bool {
		return written == nil || slices.ContainsFunc(columns, func(column string) bool {
			c := t.Column(column)
			return c != nil && c.Rule != schema.RuleSum && slices.ContainsFunc(written, func(e syncproto.CellEdit) bool { return e.Cell == column || (c.Group != "" && e.Cell == c.Group) })
		})
	}
	for _, p := range append(t.CheckRow(get), t.CheckRules(get)...) {
		if wrote(p.Columns...) && !othersElements(t, p, get, written) {
			return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "replica.check " + t.Name, Message: p.Text.Both(), Err: p}
		}
	}
	return nil
}

// othersElements tells that a set breaks a rule by elements alone that stood in it before: a later version's options, say, which its
// author was shown and left there.
func othersElements(t *schema.Table, p *schema.Problem, get func(string) schema.Value, written []syncproto.CellEdit) bool {
	if len(p.Columns) != 1 {
		return false
	}
	c := t.Column(p.Columns[0])
	if c == nil || c.Rule != schema.RuleSet || get(c.Name).IsNull() || len(get(c.Name).Elements()) > schema.MaxElements {
		return false
	}
	for _, e := range written {
		if e.Cell == c.Name {
			return len(e.Add) == 0 || c.Check(schema.Set(e.Add...)) == nil
		}
	}
	return false
}

// ProblemOf gives the problem with a value or a row that an error is about, nil for other errors: forms lead the author to its
// columns.
func ProblemOf(err error) *schema.Problem {
	var p *schema.Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}
