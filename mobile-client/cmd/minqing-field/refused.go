package main

import (
	"fmt"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

type refusedCmd struct {
	List     refusedList     `cmd:"" default:"1" help:"列出 / list them"`
	Mend     refusedMend     `cmd:"" help:"改好再传 / mend one and send it again"`
	Withdraw refusedWithdraw `cmd:"" help:"撤回 / withdraw one"`
}

type refusedList struct{}

func (refusedList) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		list, err := a.refusals(r)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			a.say("没有未通过的改动。", "No change was refused.")
		}
		for _, e := range list {
			a.refused(r, e)
		}
		return nil
	})
}

// refusals are the refused changes that want a look: not those for which another stands in.
func (a *app) refusals(r *replica.Replica) ([]replica.Entry, error) {
	list, err := r.Entries(a.ctx)
	mended := replica.Mended(list)
	return slices.DeleteFunc(list, func(e replica.Entry) bool { return e.State != replica.Refused || mended[e.Identity] }), err
}

// refused prints one refused change whole: nothing that a person wrote is hidden from him.
func (a *app) refused(r *replica.Replica, e replica.Entry) {
	reason := ""
	if e.Verdict != nil {
		reason = a.label(schema.ReadBoth(e.Verdict.Message)) + a.movers(e.Verdict)
	}
	a.say("第 %d 条未通过：%s", "Change %d was refused: %s", e.Change.Name.Number, reason)
	for _, edit := range e.Change.Edits {
		t := r.Book().Table(edit.Table)
		if t == nil {
			continue
		}
		fmt.Fprintf(a.out, "  %s %s\n", a.label(t.Label), edit.Row)
		for _, c := range edit.Cells {
			fmt.Fprintf(a.out, "    %s = %s\n", c.Cell, cellText(c))
		}
	}
}

func cellText(c syncproto.CellEdit) string {
	switch {
	case c.Raw != nil:
		return string(c.Raw)
	case c.Delta != 0:
		return fmt.Sprintf("%+d", c.Delta)
	case len(c.Add)+len(c.Del) > 0:
		return fmt.Sprintf("+%v -%v", c.Add, c.Del)
	default:
		return c.Value.String()
	}
}

// entry finds a refused change by its number.
func (a *app) entry(r *replica.Replica, number uint64) (replica.Entry, error) {
	list, err := r.Entries(a.ctx, replica.Refused)
	if err != nil {
		return replica.Entry{}, err
	}
	for _, e := range list {
		if e.Change.Name.Number == number {
			return e, nil
		}
	}
	return replica.Entry{}, &syncproto.Error{Code: syncproto.CodeNotFound, Op: fmt.Sprintf("refused %d", number),
		Message: syncproto.Both(fmt.Sprintf("第 %d 条没有被退回。", number), fmt.Sprintf("Change %d is not among the refused.", number)), Hint: syncproto.Both("用 refused 看一看。", "List them with refused.")}
}

type refusedMend struct {
	Number uint64   `arg:"" help:"第几条 / its number"`
	Set    []string `arg:"" help:"列=值 / column=value"`
}

// Run writes the refused change anew, based on what shows now, with the given columns mended.
func (c *refusedMend) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		e, err := a.entry(r, c.Number)
		if err != nil {
			return err
		}
		return a.saved(r.Mend(a.ctx, e.Identity, func(tx *replica.Tx) error { return c.rewrite(r, tx, e.Change) }))
	})
}

func (c *refusedMend) rewrite(r *replica.Replica, tx *replica.Tx, old *syncproto.Change) error {
	for i, edit := range old.Edits {
		f := replica.Form{Table: edit.Table, Row: edit.Row}
		if edit.Op != syncproto.OpCreate {
			var err error
			if f, err = tx.Form(edit.Table, edit.Row); err != nil {
				return err
			}
		}
		v := values{}
		for _, cell := range edit.Cells {
			def := r.Book().Cell(edit.Table, cell.Cell)
			if def == nil || cell.Raw != nil {
				continue
			}
			// What was added to a set or a sum is added to what shows now.
			for j, part := range def.Split(merge.Apply(def, def.Join(func(column string) schema.Value { return f.Values[column] }), cell)) {
				v[def.Columns[j].Name] = part
			}
		}
		if i == 0 {
			mended, err := parseSets(r.Book(), edit.Table, f, c.Set)
			if err != nil {
				return err
			}
			for name, value := range mended {
				v[name] = value
			}
		}
		if err := again(tx, edit, f, v); err != nil {
			return err
		}
	}
	return nil
}

func again(tx *replica.Tx, edit syncproto.Edit, f replica.Form, v values) error {
	switch edit.Op {
	case syncproto.OpCreate:
		return tx.Create(edit.Table, edit.Row, v)
	case syncproto.OpDelete:
		return tx.Delete(f)
	default:
		return tx.Update(f, v)
	}
}

type refusedWithdraw struct {
	Number uint64 `arg:"" help:"第几条 / its number"`
}

func (c *refusedWithdraw) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		e, err := a.entry(r, c.Number)
		if err != nil {
			return err
		}
		if err := r.Withdraw(a.ctx, e.Identity); err != nil {
			return err
		}
		a.say("第 %d 条撤回了。", "Change %d was withdrawn.", c.Number)
		return nil
	})
}
