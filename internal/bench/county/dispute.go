package county

import (
	"context"
	"fmt"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// disputes has two phones write the same household apart, till as many conflicts are open as were asked for, and has some changes refused. All of
// this goes through the judge: nobody else can say what a conflict is.
func (f *farmer) disputes(ctx context.Context) error {
	disputed, err := f.disputed(ctx)
	if err != nil {
		return err
	}
	if len(disputed) == 0 {
		return fmt.Errorf("county: no household has two contacts")
	}
	for n := 0; n < f.size.Conflicts; n++ {
		d := disputed[n%len(disputed)]
		cell := [...]string{"low_income", "head", "address", "phone"}[n/len(disputed)%4]
		texts := map[string][2]string{"low_income": {"granted", "ended"}, "head": {"丁有田", "丁有天"}, "address": {"5组3号", "5组8号"}, "phone": {"13900000001", "13900000002"}}[cell]
		base, err := f.base(ctx, d.home)
		if err != nil {
			return err
		}
		for k, by := range d.by {
			if _, err := f.push(ctx, by, f.now-int64(n%200)*3_600_000, syncproto.Edit{Table: "household", Row: d.home, Op: syncproto.OpUpdate, Base: base,
				Cells: []syncproto.CellEdit{{Cell: cell, Value: schema.Text(texts[k])}}}); err != nil {
				return err
			}
		}
	}
	for n := range f.size.Refused {
		d := disputed[n%len(disputed)]
		// A visit that names somebody else as its author.
		id, err := syncproto.NewID(f.now, f.dice)
		if err != nil {
			return err
		}
		if _, err := f.push(ctx, d.by[0], f.now, syncproto.Edit{Table: "visit", Row: syncproto.RowID(id), Op: syncproto.OpCreate, Cells: []syncproto.CellEdit{
			{Cell: "household", Value: schema.Text(string(d.home))}, {Cell: "author", Value: schema.Text(string(d.by[1].user))}, {Cell: "day", Value: schema.Text("2026-11-01")}}}); err != nil {
			return err
		}
	}
	return nil
}

// disputed finds households with two contacts, each with his phone.
func (f *farmer) disputed(ctx context.Context) (out []dispute, err error) {
	err = f.e.Store.Read(ctx, func(tx *store.Tx) error {
		out = nil
		return tx.Each(func(scan func(...any) error) error {
			d := dispute{}
			d.by[0].role, d.by[1].role = schema.RoleCadre, schema.RoleCadre
			err := scan(&d.home, &d.by[0].user, &d.by[0].device, &d.by[1].user, &d.by[1].device)
			out = append(out, d)
			return err
		}, `SELECT a.household, a."user", x.id, b."user", y.id FROM assignment a JOIN assignment b ON b.household = a.household AND b.team = 'member'
			JOIN device x ON x."user" = a."user" JOIN device y ON y."user" = b."user" WHERE a.team = 'cadre' ORDER BY a.household LIMIT ?`, int64(max(f.size.Conflicts, 1)))
	})
	return out, err
}

// base is what somebody who looks at a row now is shown, before what is in question.
func (f *farmer) base(ctx context.Context, id syncproto.RowID) (b syncproto.Base, err error) {
	err = f.e.Store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Rows([]string{string(id)})
		if err == nil && len(rows) == 1 {
			b = syncproto.Base{Epoch: rows[0].Label.Epoch, Rev: rows[0].Label.Rev}
		}
		return err
	})
	return b, err
}

func (f *farmer) push(ctx context.Context, by hand, at int64, edit syncproto.Edit) (*syncproto.Verdict, error) {
	number := max(1, f.next[by.device])
	f.next[by.device] = number + 1
	c := &syncproto.Change{Name: syncproto.Name{Device: by.device, Number: number}, At: at, Edits: []syncproto.Edit{edit}}
	if err := c.Seal(); err != nil {
		return nil, err
	}
	out, err := f.e.Judge.Push(ctx, judge.Author{Device: by.device, User: by.user}, []*syncproto.Change{c})
	if err != nil {
		return nil, err
	}
	return out.Verdicts[0], nil
}
