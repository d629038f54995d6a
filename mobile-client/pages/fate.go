package pages

import (
	"errors"
	"html"
	"html/template"
	"slices"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// fatePage is one change whole: the author's words, and what stands now.
type fatePage struct {
	frame
	Fate  fate
	Kind  string
	Whens [][2]string
	Cells []cellLine
}

// cellLine is one cell of a change. Diff shows longer texts as differences.
type cellLine struct {
	Label, Mine, Now string
	Diff             template.HTML
}

// mendPage is a refused change as a form.
type mendPage struct {
	frame
	Sheet  *sheet
	Reason string
}

// entry finds the change that a path names.
func (rq *request) entry(states ...replica.State) (replica.Entry, error) {
	list, err := rq.replica.Entries(rq.Context(), states...)
	if err != nil {
		return replica.Entry{}, err
	}
	for _, e := range list {
		if string(e.Identity) == rq.PathValue("change") {
			return e, nil
		}
	}
	return replica.Entry{}, errNotFound
}

func showFate(rq *request) error {
	e, err := rq.entry()
	if err != nil {
		return err
	}
	p := &fatePage{}
	err = rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		p.Fate, p.Kind, err = rq.fate(v, e)
		return err
	})
	if err != nil {
		return err
	}
	p.frame = frame{Title: p.Fate.Title, Back: syncPath}
	if p.Whens, err = rq.whens(e, p.Kind); err != nil {
		return err
	}
	for _, edit := range e.Change.Edits {
		rec, _, err := rq.replica.Record(rq.Context(), edit.Table, edit.Row)
		if err != nil {
			return err
		}
		for _, c := range edit.Cells {
			p.Cells = append(p.Cells, rq.cellLines(edit, c, rec)...)
		}
	}
	return rq.show("fate", p)
}

func (rq *request) cellLines(edit syncproto.Edit, c syncproto.CellEdit, rec replica.Record) (out []cellLine) {
	t, def := rq.replica.Book().Table(edit.Table), rq.replica.Book().Cell(edit.Table, c.Cell)
	if def == nil || c.Raw != nil || c.Delta != 0 {
		return nil
	}
	lang := schema.Lang(rq.words)
	for i, v := range def.Split(c.Value) {
		col := def.Columns[i]
		if col.Ref != "" {
			continue
		}
		if len(c.Add) > 0 {
			v = schema.Set(c.Add...)
		}
		line := cellLine{Label: col.Label.In(lang), Mine: col.Show(v, lang, nil)}
		if at := slices.IndexFunc(t.Columns, func(x schema.Column) bool { return x.Name == col.Name }); rec.Shown != nil && at >= 0 {
			line.Now = col.Show(rec.Shown[at], lang, nil)
			if col.Type == schema.TypeLong && line.Now != line.Mine && line.Now != "" {
				line.Diff = differences(line.Mine, line.Now)
			}
		}
		out = append(out, line)
	}
	return out
}

// differences writes what changed between two texts.
func differences(old, now string) template.HTML {
	var b strings.Builder
	for _, s := range merge.Diff(old, now) {
		text := html.EscapeString(s.Text)
		switch s.Kind {
		case merge.Added:
			text = "<ins>" + text + "</ins>"
		case merge.Removed:
			text = "<del>" + text + "</del>"
		}
		b.WriteString(text)
	}
	return template.HTML(b.String()) // #nosec G203 -- every piece is escaped
}

func seenFate(rq *request) error {
	e, err := rq.entry()
	if err != nil {
		return err
	}
	kind := ""
	err = rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		_, kind, err = rq.fate(v, e)
		return err
	})
	if err == nil && kind != "" {
		err = rq.replica.PutLocal(rq.Context(), seenKey(e.Identity, kind), []byte{1})
	}
	if err != nil {
		return err
	}
	return rq.see(syncPath)
}

func withdraw(rq *request) error {
	e, err := rq.entry(replica.Refused)
	if err == nil {
		err = rq.replica.Withdraw(rq.Context(), e.Identity)
	}
	if err != nil {
		return err
	}
	rq.toast("sync.withdrawn")
	return rq.see(syncPath)
}

// refusedSheet is the first edit of a refused change that has something to type.
func (rq *request) refusedSheet(e replica.Entry) (form replica.Form, columns []string) {
	for _, edit := range e.Change.Edits {
		t := rq.replica.Book().Table(edit.Table)
		if t == nil {
			continue
		}
		form = replica.Form{Table: edit.Table, Row: edit.Row, Base: edit.Base, Values: rq.edited(edit, nil)}
		for _, c := range t.Columns {
			if _, in := form.Values[c.Name]; in && c.Ref == "" && kinds[c.Type] != "" {
				columns = append(columns, c.Name)
			}
		}
		if len(columns) > 0 {
			return form, columns
		}
	}
	return form, nil
}

// edited are the values that an edit writes, by column; sets are laid over what shows.
func (rq *request) edited(edit syncproto.Edit, shown map[string]schema.Value) map[string]schema.Value {
	out := map[string]schema.Value{}
	for _, c := range edit.Cells {
		def := rq.replica.Book().Cell(edit.Table, c.Cell)
		if def == nil || c.Raw != nil {
			continue
		}
		for i, v := range def.Split(c.Value) {
			name := def.Columns[i].Name
			switch {
			case len(c.Add)+len(c.Del) > 0:
				have := slices.DeleteFunc(shown[name].Elements(), func(s string) bool { return slices.Contains(c.Del, s) })
				v = schema.Set(append(have, c.Add...)...)
			case c.Delta != 0:
				v = schema.Int(shown[name].Num() + c.Delta)
			}
			out[name] = v
		}
	}
	return out
}

func showMend(rq *request) error {
	e, err := rq.entry(replica.Refused)
	if err != nil {
		return err
	}
	form, columns := rq.refusedSheet(e)
	p := rq.mendPage(e, rq.sheet(rq.URL.Path, form, columns...))
	if _, err := rq.resume(&p.frame, p.Sheet); err != nil {
		return err
	}
	return rq.show("mend", p)
}

func (rq *request) mendPage(e replica.Entry, s *sheet) *mendPage {
	p := &mendPage{frame: frame{Title: rq.words.say("sync.mend"), Back: syncPath, Shut: true, Form: true}, Sheet: s}
	if e.Verdict != nil {
		p.Reason = rq.words.of(e.Verdict.Message)
	}
	return p
}

func saveMend(rq *request) error {
	e, err := rq.entry(replica.Refused)
	if err != nil {
		return err
	}
	form, columns := rq.refusedSheet(e)
	s, values, ok, err := rq.posted(rq.URL.Path, form.Table, form.Row, columns...)
	if err != nil {
		return err
	}
	if !ok {
		return rq.again("mend", rq.mendPage(e, s))
	}
	spend, err := rq.spending()
	if err != nil {
		return err
	}
	rq.app.drafting.Lock()
	_, err = rq.replica.Mend(rq.Context(), e.Identity, func(tx *replica.Tx) error {
		for _, edit := range e.Change.Edits {
			if err := rq.rewrite(tx, edit, form.Row, values); err != nil {
				return err
			}
		}
		return spend(tx.PutLocal)
	})
	rq.app.drafting.Unlock()
	var problem *syncproto.Error
	if s.blame(err) || errors.As(err, &problem) && problem.Code == syncproto.CodeInvalid {
		return rq.again("mend", rq.mendPage(e, s))
	}
	if err != nil {
		return err
	}
	rq.toast("sync.mended")
	return rq.see(syncPath)
}

// rewrite writes one edit of a refused change anew, over what shows now.
func (rq *request) rewrite(tx *replica.Tx, edit syncproto.Edit, mended syncproto.RowID, values map[string]schema.Value) error {
	form := replica.Form{Table: edit.Table, Row: edit.Row}
	if edit.Op != syncproto.OpCreate {
		var err error
		if form, err = tx.Form(edit.Table, edit.Row); err != nil {
			return err
		}
	}
	all := rq.edited(edit, form.Values)
	if edit.Row == mended {
		for name, v := range values {
			all[name] = v
		}
	}
	switch edit.Op {
	case syncproto.OpCreate:
		return tx.Create(edit.Table, edit.Row, all)
	case syncproto.OpDelete:
		return tx.Delete(form)
	}
	return tx.Update(form, all)
}
