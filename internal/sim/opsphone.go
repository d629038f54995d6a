package sim

import (
	"context"
	"errors"
	"maps"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// anyPhone chooses a phone that is in use, nil when there is none.
func (w *world) anyPhone(d *dice) *phone {
	var live []*phone
	for _, p := range w.phones {
		if !p.gone {
			live = append(live, p)
		}
	}
	if len(live) == 0 {
		return nil
	}
	return pick(d, live)
}

// formOf renders a row that the phone shows, out of some tables; ok is false when a few tries found none.
func (p *phone) formOf(d *dice, tables ...string) (f replica.Form, ok bool) {
	var ids []rowRef
	for _, r := range p.w.rows {
		if slices.Contains(tables, r.table) && p.rep.Book().Table(r.table) != nil {
			ids = append(ids, r)
		}
	}
	for range 6 {
		if len(ids) == 0 {
			return f, false
		}
		r := pick(d, ids)
		f, err := p.rep.Form(context.Background(), r.table, r.id)
		if err == nil {
			p.checkForm(f)
			return f, true
		}
		if codeOf(err) != syncproto.CodeNotFound {
			p.w.must(err, "render a form on "+p.name)
		}
	}
	return f, false
}

// write runs a transaction on a phone and notes the change; errors that tell the person what is wrong are part of life.
func (p *phone) write(fn func(*replica.Tx) error) *made {
	c, err := p.rep.Write(context.Background(), fn)
	return p.wrote(c, err)
}

func (p *phone) wrote(c *syncproto.Change, err error) *made {
	p.collect()
	if err != nil {
		switch codeOf(err) {
		case syncproto.CodeInvalid, syncproto.CodeState, syncproto.CodeNotFound:
			p.w.trace.note("%s: not saved: %s", p.name, codeOf(err))
			return nil
		}
		if errors.Is(err, errNothing) {
			return nil
		}
		p.w.violate(iSound, "%s cannot write: %v", p.name, err)
	}
	if c == nil {
		return nil
	}
	return p.w.keepMade(p, c)
}

var errNothing = errors.New("sim: nothing to do")

func (p *phone) by() author { return author{p.userID(), p} }

func shownIn(f replica.Form) func(string) schema.Value {
	return func(column string) schema.Value { return f.Values[column] }
}

// save saves values over a form and holds the change to what the form showed.
func (p *phone) save(f replica.Form, values map[string]schema.Value) *made {
	m := p.write(func(tx *replica.Tx) error { return tx.Update(f, values) })
	if m != nil {
		p.checkSaved(m, f, values)
	}
	return m
}

// checkSaved holds a change that was saved from one form: it says no more than what the person entered, over what he was shown.
func (p *phone) checkSaved(m *made, f replica.Form, values map[string]schema.Value) {
	if len(m.Edits) != 1 || m.Edits[0].Row != f.Row {
		p.w.violate(iShown, "%s saved one form of %s %s, and sealed %s", p.name, f.Table, f.Row, describe(m.Change))
	}
	e := m.Edits[0]
	if e.Base.Epoch != f.Base.Epoch || e.Base.Rev != f.Base.Rev || !slices.Equal(e.Base.Over, f.Base.Over) || !maps.EqualFunc(e.Base.Open, f.Base.Open, slices.Equal[[]syncproto.Identity]) {
		p.w.violate(iShown, "%s saved a form over %v, and sealed it over %v", p.name, f.Base, e.Base)
	}
	for _, c := range e.Cells {
		cell := p.rep.Book().Cell(f.Table, c.Cell)
		old := cell.Join(shownIn(f))
		now := cell.Join(func(column string) schema.Value { return entered(values, shownIn(f), column) })
		if old == now {
			p.w.violate(iShown, "%s saved a form of %s %s without touching %s, and sealed %s", p.name, f.Table, f.Row, c.Cell, describe(m.Change))
		}
	}
}

var editable = []string{"thing", "thing", "thing", "thing", "mark", "household", "secret"}

func (w *world) doEdit(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	f, ok := p.formOf(d, pick(d, editable))
	if !ok {
		return
	}
	t := p.rep.Book().Table(f.Table)
	values := w.someValues(d, t, shownIn(f), f.Row, p.by())
	if f.Table == "household" {
		delete(values, "code")
	}
	p.save(f, values)
}

func (w *world) doCreate(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	p.write(func(tx *replica.Tx) error {
		return w.createOn(d, p, tx, pick(d, []string{"thing", "thing", "note", "note", "mark", "secret", "household"}))
	})
}

// createOn makes a row under one that the phone shows.
func (w *world) createOn(d *dice, p *phone, tx *replica.Tx, table string) error {
	t := p.rep.Book().Table(table)
	if t == nil {
		return errNothing
	}
	over := map[string]string{"thing": "household", "note": "thing", "mark": "thing", "secret": "thing", "household": "place"}[table]
	f, ok := p.formOf(d, over)
	if !ok {
		return errNothing
	}
	id, err := tx.NewID()
	if err != nil {
		return err
	}
	return tx.Create(table, id, w.newRow(d, t, id, string(f.Row), p.by()))
}

// newRow makes the values of a new row.
func (w *world) newRow(d *dice, t *schema.Table, id syncproto.RowID, parent string, by author) map[string]schema.Value {
	values := w.someValues(d, t, func(string) schema.Value { return schema.Null }, id, by)
	delete(values, "state")
	for i := range t.Columns {
		c := &t.Columns[i]
		switch {
		case c.Name == t.Parent:
			values[c.Name] = schema.Text(parent)
		case c.Name == t.Author:
			values[c.Name] = schema.Text(string(by.user))
		case c.Name == "code":
			values[c.Name] = schema.Text(pick(d, []string{"H1", "T1", "T2", "T3"}))
		case c.Required && values[c.Name].IsNull():
			values[c.Name] = w.newValue(d, c, schema.Null, id, by)
		}
	}
	return values
}

func (w *world) doSync(d *dice) {
	if p := w.anyPhone(d); p != nil {
		w.syncPhone(d, p, d.chance(2))
	}
}

// syncPhone syncs, and holds the phone to what came of it.
func (w *world) syncPhone(d *dice, p *phone, rough bool) {
	err := p.session(d, rough)
	if err == nil && !p.gone && p.sure && (w.history.Thorough || d.chance(3)) {
		p.check()
	}
	if w.depth == 0 && (w.history.Thorough || d.chance(6)) && w.server.up {
		w.compareServer()
	}
}

func (w *world) doAllSync(d *dice) {
	for _, p := range slices.Clone(w.phones) {
		if !p.gone {
			w.syncPhone(d, p, false)
		}
	}
}

func (w *world) doDelete(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	if f, ok := p.formOf(d, "thing", "note", "note", "mark", "secret"); ok {
		p.write(func(tx *replica.Tx) error { return tx.Delete(f) })
	}
}

func (w *world) doMove(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	f, ok := p.formOf(d, "thing")
	to, there := p.formOf(d, "household")
	if ok && there {
		p.save(f, map[string]schema.Value{"household": schema.Text(string(to.Row))})
	}
}

func (w *world) doFlow(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	f, ok := p.formOf(d, "thing")
	if !ok {
		return
	}
	values := map[string]schema.Value{"state": newState(d, p.rep.Book().Table("thing").Column("state").Flow, f.Values["state"])}
	if d.chance(4) {
		maps.Copy(values, w.someValues(d, p.rep.Book().Table("thing"), shownIn(f), f.Row, p.by()))
	}
	p.save(f, values)
}

// doRender opens a form; doSave saves it, perhaps many operations later.
func (w *world) doRender(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	if f, ok := p.formOf(d, "thing", "thing", "mark", "household"); ok {
		p.forms = append(p.forms, form{f, p.boot})
	}
}

func (w *world) doSave(d *dice) {
	p := w.anyPhone(d)
	if p == nil || len(p.forms) == 0 {
		return
	}
	i := d.IntN(len(p.forms))
	f := p.forms[i]
	p.forms = slices.Delete(p.forms, i, i+1)
	values := w.someValues(d, p.rep.Book().Table(f.Table), shownIn(f.Form), f.Row, p.by())
	delete(values, "code")
	if p.save(f.Form, values) != nil {
		w.count[cForms]++
	}
}

// doSeveral writes several rows in one transaction: an edit, and a row with a child.
func (w *world) doSeveral(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	p.write(func(tx *replica.Tx) error {
		for range 1 + d.IntN(2) {
			f, ok := p.formOf(d, "thing")
			if !ok {
				return errNothing
			}
			f, err := tx.Form(f.Table, f.Row)
			if err != nil {
				return err
			}
			if err := tx.Update(f, w.someValues(d, p.rep.Book().Table("thing"), shownIn(f), f.Row, p.by())); err != nil {
				return err
			}
		}
		home, ok := p.formOf(d, "household")
		if !ok {
			return errNothing
		}
		parent, err := tx.NewID()
		if err != nil {
			return err
		}
		child, err := tx.NewID()
		if err != nil {
			return err
		}
		if err := tx.Create("thing", parent, w.newRow(d, p.rep.Book().Table("thing"), parent, string(home.Row), p.by())); err != nil {
			return err
		}
		return tx.Create("note", child, w.newRow(d, p.rep.Book().Table("note"), child, string(parent), p.by()))
	})
}

// refusedOn chooses a change of a phone that the server refused.
func (p *phone) refusedOn(d *dice) *replica.Entry {
	list, err := p.rep.Entries(context.Background(), replica.Refused)
	p.w.must(err, "entries of "+p.name)
	if len(list) == 0 {
		return nil
	}
	return &list[d.IntN(len(list))]
}

// doMend writes a refused change anew, so that it can be accepted.
func (w *world) doMend(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	e := p.refusedOn(d)
	if e == nil || len(e.Change.Edits) == 0 {
		return
	}
	edit := e.Change.Edits[0]
	t := p.rep.Book().Table(edit.Table)
	if t == nil {
		return
	}
	c, err := p.rep.Mend(context.Background(), e.Identity, func(tx *replica.Tx) error {
		if edit.Op == syncproto.OpCreate {
			over, ok := p.formOf(d, t.Column(t.Parent).Ref)
			if !ok {
				return errNothing
			}
			return tx.Create(t.Name, edit.Row, w.newRow(d, t, edit.Row, string(over.Row), p.by()))
		}
		f, err := tx.Form(edit.Table, edit.Row)
		if err != nil {
			return err
		}
		return tx.Update(f, w.someValues(d, t, shownIn(f), f.Row, p.by()))
	})
	p.wrote(c, err)
}

func (w *world) doWithdraw(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	if e := p.refusedOn(d); e != nil {
		w.must(p.rep.Withdraw(context.Background(), e.Identity), "withdraw on "+p.name)
	}
}

// doForbidden writes what the phone lets through and the server must refuse.
func (w *world) doForbidden(d *dice) {
	p := w.anyPhone(d)
	if p == nil {
		return
	}
	switch d.IntN(4) {
	case 0: // the place and the code of a household are the office's
		if f, ok := p.formOf(d, "household"); ok {
			p.save(f, map[string]schema.Value{"place": schema.Text(pick(d, groups))})
		}
	case 1: // who visits whom is not for those who visit
		if f, ok := p.formOf(d, "assignment"); ok {
			p.save(f, map[string]schema.Value{"until": schema.Text(date(w.now + 100*day))})
		}
	case 2: // a note by somebody else
		p.write(func(tx *replica.Tx) error {
			f, ok := p.formOf(d, "thing")
			if !ok {
				return errNothing
			}
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			return tx.Create("note", id, map[string]schema.Value{"thing": schema.Text(string(f.Row)), "author": schema.Text(pick(d, cadres)),
				"text": schema.Text(w.word(id, p.userID(), p))})
		})
	case 3: // with what follows built on it
		var id syncproto.RowID
		m := p.write(func(tx *replica.Tx) error {
			f, ok := p.formOf(d, "thing")
			if !ok {
				return errNothing
			}
			var err error
			if id, err = tx.NewID(); err != nil {
				return err
			}
			return tx.Create("secret", id, map[string]schema.Value{"thing": schema.Text(string(f.Row)), "id_number": schema.Text(pick(d, idNumbers))})
		})
		if m != nil {
			f, err := p.rep.Form(context.Background(), "secret", id)
			w.must(err, "render what was just made on "+p.name)
			p.save(f, map[string]schema.Value{"id_number": schema.Text(pick(d, idNumbers))})
		}
	}
}
