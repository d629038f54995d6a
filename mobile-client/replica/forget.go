package replica

import (
	"minqing/schema"
	"minqing/syncproto"
)

// forgetAll lets go of every scope and bucket that was named since the last other frame.
func (a *apply) forgetAll() error {
	if len(a.forgets) == 0 {
		return nil
	}
	forgets := a.forgets
	a.forgets = nil
	var ords []int64
	scopes := map[string]bool{}
	for _, f := range forgets {
		scopes[f.Scope] = scopes[f.Scope] || f.Period == ""
		found, err := a.named(f)
		if err != nil {
			return err
		}
		ords = append(ords, found...)
	}
	if err := a.forgetOwn(scopes); err != nil {
		return err
	}
	gone := map[syncproto.RowID]*schema.Table{}
	err := a.rowsOf(ords, func(id syncproto.RowID, t *schema.Table, _ int64) error {
		gone[id] = t
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range sortedRows(gone) {
		if err := a.let(gone[id], id, true); err != nil {
			return err
		}
	}
	for _, ord := range ords {
		b, err := a.buckets.at(ord)
		if err != nil {
			return err
		}
		if err := a.buckets.drop(b); err != nil {
			return err
		}
	}
	a.forgot = a.forgot || len(gone) > 0
	return nil
}

// named lists the buckets that a Forget names.
func (a *apply) named(f syncproto.Forget) (ords []int64, err error) {
	var ord int64
	err = a.c.each(`SELECT id FROM mq_bucket WHERE scope = ? AND (period = ? OR ? = '')`, []any{f.Scope, f.Period, f.Period}, []any{&ord}, func() error {
		ords = append(ords, ord)
		return nil
	})
	return ords, err
}

// forgetOwn takes rows that only this device knows out of sight when their scope goes: what was written of them waits in the
// hand-over box. It must run while their parents are still there.
func (a *apply) forgetOwn(scopes map[string]bool) error {
	own := map[syncproto.RowID]*schema.Table{}
	var id, tbl string
	err := a.c.each(`SELECT row, tbl FROM mq_under WHERE vals IS NULL`, nil, []any{&id, &tbl}, func() error {
		if t := a.r.book.Table(tbl); t != nil {
			own[syncproto.RowID(id)] = t
		}
		return nil
	})
	if err != nil {
		return err
	}
	var lost error
	lookup := func(table, id string) (func(string) schema.Value, bool) {
		t := a.r.book.Table(table)
		if t == nil || !schema.ValidID(id) {
			return nil, false
		}
		values, err := a.c.domain(t, syncproto.RowID(id))
		if err != nil {
			lost = err
		}
		return getter(t, values), values != nil
	}
	var out []syncproto.RowID
	for _, row := range sortedRows(own) {
		scope, ok := a.r.book.ScopeOf(own[row].Name, string(row), lookup)
		if ok && scopes[scope] {
			out = append(out, row)
		}
	}
	if lost != nil {
		return lost
	}
	for _, row := range out {
		if err := a.settleGone(row, true); err != nil {
			return err
		}
		a.touched[row] = own[row]
		a.forgot = true
	}
	return nil
}
