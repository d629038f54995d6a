package replica

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// cellEdits says what somebody who was shown one row and entered values did to its cells: only those that differ. A column that
// was not entered is as it was shown.
func cellEdits(book *schema.Book, t *schema.Table, shown func(string) schema.Value, entered map[string]schema.Value) ([]syncproto.CellEdit, error) {
	for name := range entered {
		if t.Column(name) == nil {
			return nil, invalid("save", "表 %s 没有这一列：%s。", "Table %s has no column %s.", t.Name, name)
		}
	}
	var out []syncproto.CellEdit
	for _, cell := range book.Cells(t.Name) {
		now := cell.Join(func(column string) schema.Value {
			if v, ok := entered[column]; ok {
				return v
			}
			return shown(column)
		})
		old := cell.Join(shown)
		if means(&cell, now, old) {
			continue
		}
		if cell.Rule == schema.RuleServer {
			return nil, invalid("save", "“%s”由服务器填写。", "%s is filled in by the server.", cell.Columns[0].Label.ZH+" "+cell.Columns[0].Name)
		}
		e, err := cellEdit(&cell, old, now)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// means tells whether two values of a cell mean the same: a row made without a state is in the initial one, and to a sum that
// nobody added to, nothing was added.
func means(cell *schema.Cell, a, b schema.Value) bool {
	switch cell.Rule {
	case schema.RuleFlow:
		f := cell.Columns[0].Flow
		return f.State(a) == f.State(b)
	case schema.RuleSum:
		return a.Num() == b.Num()
	default:
		return a == b
	}
}

// cellEdit is the edit that takes a cell from old to now.
func cellEdit(cell *schema.Cell, old, now schema.Value) (syncproto.CellEdit, error) {
	e := syncproto.CellEdit{Cell: cell.Name}
	switch cell.Rule {
	case schema.RuleSum:
		e.Delta = now.Num() - old.Num()
		if err := cell.Columns[0].CheckDelta(e.Delta); err != nil {
			return e, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "replica.save", Message: schema.Words(err), Err: err}
		}
	case schema.RuleSet:
		was, is := old.Elements(), now.Elements()
		for _, x := range is {
			if !slices.Contains(was, x) {
				e.Add = append(e.Add, x)
			}
		}
		for _, x := range was {
			if !slices.Contains(is, x) {
				e.Del = append(e.Del, x)
			}
		}
	case schema.RuleFlow:
		f := cell.Columns[0].Flow
		if from, to := f.State(old), f.State(now); !f.Allows(from, to) {
			return e, &syncproto.Error{Code: syncproto.CodeState, Op: "replica.save",
				Message: syncproto.Both(cell.Columns[0].Label.ZH+"：不能从 "+from+" 到 "+to+"。", "No way from "+from+" to "+to+"."), Hint: syncproto.Both("请选允许的下一步。", "Choose a step that is allowed.")}
		}
		e.Value = now
	default:
		e.Value = now
	}
	return e, nil
}

// foldCells joins two edits of one row in one change into one, the later over the earlier, in schema order.
func foldCells(book *schema.Book, t *schema.Table, first, then []syncproto.CellEdit) []syncproto.CellEdit {
	var out []syncproto.CellEdit
	for _, cell := range book.Cells(t.Name) {
		find := func(in []syncproto.CellEdit) *syncproto.CellEdit {
			for i := range in {
				if in[i].Cell == cell.Name {
					return &in[i]
				}
			}
			return nil
		}
		a, b := find(first), find(then)
		switch {
		case a == nil && b == nil:
		case a == nil:
			out = append(out, *b)
		case b == nil:
			out = append(out, *a)
		default:
			e := *b
			e.Delta += a.Delta
			if cell.Rule == schema.RuleSet {
				// What the second put in is no longer taken out, and the other way round.
				e.Add = union(without(a.Add, b.Del), b.Add)
				e.Del = union(without(a.Del, b.Add), b.Del)
			}
			if cell.Rule == schema.RuleSum && e.Delta == 0 || cell.Rule == schema.RuleSet && len(e.Add)+len(e.Del) == 0 {
				continue
			}
			out = append(out, e)
		}
	}
	return out
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return slices.Contains(b, x) })
}

func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
