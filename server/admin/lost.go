package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Lost is what a restore took away and nobody has brought back yet: devices that were not heard of since, and rows that others saw.
type Lost struct {
	Since  time.Time // zero: the database never went back
	Silent []Device  // whatever they had handed in after the backup, only they hold
	Rows   []LostRow
}

// LostRow is a row that a device held in a newer version than the database does. Its author's device has not brought it back.
type LostRow struct {
	ID    syncproto.RowID
	What  string
	Who   []string // whose devices held it
	Cells []LostCell
	// Missing are the numbers of the row's changes that nobody brought back; by them alone is known what no testimony tells.
	Missing []uint64
	edit    syncproto.Edit
	told    syncproto.DeviceID // whose version counts
}

// LostCell is a cell that testimony and database know differently.
type LostCell struct{ Cell, Now, Told string }

// Lost lists it, rows in the order of the rule book's tables: parents before what lies beneath them.
func (d *Desk) Lost(ctx context.Context) (*Lost, error) {
	var out *Lost
	err := d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) (err error) {
		out, err = d.lost(tx)
		return err
	})
	return out, err
}

func (d *Desk) lost(tx *store.Tx) (*Lost, error) {
	out := &Lost{}
	since, err := tx.WentBack()
	if err != nil || since == 0 {
		return out, err
	}
	out.Since = d.instant(since)
	devices, err := d.devices(tx, "")
	if err != nil {
		return nil, err
	}
	for _, dev := range devices {
		if dev.Revoked.IsZero() && dev.LastContact.Before(out.Since) {
			out.Silent = append(out.Silent, dev)
		}
	}
	told, err := tx.Testimonies()
	if err != nil {
		return nil, err
	}
	for len(told) > 0 {
		n := 1
		for n < len(told) && told[n].Row == told[0].Row {
			n++
		}
		if err := d.lostRow(tx, out, told[:n]); err != nil {
			return nil, err
		}
		told = told[n:]
	}
	order := map[string]int{}
	for i, t := range tx.Book().Tables() {
		order[t.Name] = i
	}
	slices.SortStableFunc(out.Rows, func(a, b LostRow) int { return order[a.edit.Table] - order[b.edit.Table] })
	return out, nil
}

// lostRow looks whether something of a row is still missing. told is what devices said of it, the newest version first: that counts.
func (d *Desk) lostRow(tx *store.Tx, out *Lost, told []store.Testimony) error {
	first := told[0]
	t := tx.Book().Table(first.Table)
	if t == nil || serversOwn(t) {
		return nil // of a newer program: when this one is brought up to date; or nobody's words
	}
	parsed, err := syncproto.ParseTestimony(tx.Book(), first.Label, string(first.Content))
	if err != nil {
		return fmt.Errorf("admin: testimony of %s: %w", first.Row, err)
	}
	r := LostRow{ID: first.Row, told: first.Device, edit: syncproto.Edit{Table: first.Table, Row: first.Row, Op: syncproto.OpUpdate}}
	stored, err := tx.Rows([]string{string(first.Row)})
	if err != nil {
		return err
	}
	if len(stored) > 0 && stored[0].Dead != 0 {
		return nil // it was deleted by somebody who saw it here
	}
	values, err := rowsOf(tx, first.Table, string(first.Row))
	if err != nil {
		return err
	}
	now, lives := values[first.Row]
	r.Missing, err = missing(tx, stored, first.Label)
	if err != nil {
		return err
	}
	if lives && len(r.Missing) == 0 {
		return nil // all that the device had seen is here
	}
	if !lives {
		r.edit.Op = syncproto.OpCreate
	}
	d.differences(tx, &r, now, &parsed.Edit)
	if lives && len(r.edit.Cells) == 0 {
		return nil
	}
	if r.What, err = d.lostName(tx, &parsed.Edit, lives); err != nil {
		return err
	}
	var users []string
	for _, x := range told {
		users = append(users, string(x.User))
	}
	names, err := userNames(tx, users)
	for _, x := range told {
		if name := names[x.User]; !slices.Contains(r.Who, name) {
			r.Who = append(r.Who, name)
		}
	}
	out.Rows = append(out.Rows, r)
	return err
}

// serversOwn tells the tables whose rows the server itself makes: devices, which are enrolled anew and not brought back.
func serversOwn(t *schema.Table) bool {
	return slices.ContainsFunc(t.Create, func(p schema.Permit) bool { return slices.Contains(p.Roles, schema.RoleServer) })
}

// differences fills in what testimony knows otherwise, and the edit that would bring it back. What was entered since and is not in the
// testimony stays.
func (d *Desk) differences(tx *store.Tx, r *LostRow, now row, told *syncproto.Edit) {
	for i := range told.Cells {
		e := told.Cells[i]
		cell := tx.Book().Cell(told.Table, e.Cell)
		if cell == nil || e.Raw != nil {
			continue
		}
		have, want := schema.Null, e.Value
		if now.values != nil {
			have = cell.Join(now.value)
		}
		switch cell.Rule {
		case schema.RuleSum:
			want = schema.Int(e.Delta)
			e.Delta -= have.Num()
			if e.Delta == 0 {
				continue
			}
		case schema.RuleSet:
			want = schema.Set(e.Add...)
			e.Add = slices.DeleteFunc(slices.Clone(e.Add), func(x string) bool { return slices.Contains(have.Elements(), x) })
			if len(e.Add) == 0 {
				continue
			}
		default:
			if have == want {
				continue
			}
		}
		r.edit.Cells = append(r.edit.Cells, e)
		r.Cells = append(r.Cells, LostCell{Cell: cellLabel(cell), Now: orBlank(d.showCell(cell, have, false)), Told: orBlank(d.showCell(cell, want, false))})
	}
}

// lostName names a row that the database may not have, by what was told of it and by what it lies beneath.
func (d *Desk) lostName(tx *store.Tx, told *syncproto.Edit, lives bool) (string, error) {
	if lives {
		return d.rowName(tx, told.Table, told.Row)
	}
	t := tx.Book().Table(told.Table)
	parts := []string{t.Label.ZH}
	parent := ""
	for _, e := range told.Cells {
		cell := tx.Book().Cell(told.Table, e.Cell)
		if cell == nil {
			continue
		}
		if e.Cell == t.Parent {
			parent = e.Value.Str()
		}
		if slices.Contains(nameColumns[told.Table], e.Cell) {
			parts = append(parts, clip(d.showCell(cell, e.Value, false)))
		}
	}
	if len(parts) == 1 {
		parts = append(parts, string(told.Row))
	}
	name := strings.Join(parts, " ")
	if parent == "" {
		return name, nil
	}
	above, err := d.rowName(tx, t.Column(t.Parent).Ref, syncproto.RowID(parent))
	return name + "（" + above + "）", err
}

// missing are the numbers up to a label's for which the row has no change: along the label's own line of epochs.
func missing(tx *store.Tx, stored []*store.Row, label syncproto.Label) ([]uint64, error) {
	known := map[uint64]bool{}
	if len(stored) > 0 {
		epochs, err := tx.LineOf(stored[0].Stream)
		if err != nil {
			return nil, err
		}
		line := map[syncproto.EpochID]bool{}
		for at := label.Epoch; at != "" && !line[at]; at = epochs.All[at].Parent {
			line[at] = true
		}
		versions, err := tx.Versions("row_id = ?", string(stored[0].ID))
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			if line[v.Label.Epoch] {
				known[v.Label.Rev] = true
			}
		}
		labels, err := tx.LabelsOf([]string{string(stored[0].ID)})
		if err != nil {
			return nil, err
		}
		for _, l := range labels {
			if line[l.Label.Epoch] {
				known[l.Label.Rev] = true
			}
		}
	}
	const most = 1000 // of one row: more says nothing more
	var out []uint64
	for n := uint64(1); n <= label.Rev && len(out) < most; n++ {
		if !known[n] {
			out = append(out, n)
		}
	}
	return out, nil
}

// Retaken is what came of accepting testimony.
type Retaken struct {
	Accepted int
	Left     []LostRow // could not be brought back
	Why      []string  // the reason of each
}

// retakeAtOnce bounds the rows of one transaction: others wait no longer behind it than behind a push.
const retakeAtOnce = 200

// Retake accepts what devices testified to, of some rows (their ids may be cut short) or of all: the server brings each back as a change of
// its own, on the word of the administrator who is noted with it. One that cannot be brought back holds up no other.
func (d *Desk) Retake(ctx context.Context, ids []string) (*Retaken, error) {
	out := &Retaken{}
	var todo []LostRow
	err := d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) error {
		lost, err := d.lost(tx)
		if err == nil {
			todo, err = chosen(lost.Rows, ids)
		}
		return err
	})
	for len(todo) > 0 && err == nil {
		n := min(retakeAtOnce, len(todo))
		err = d.retake(ctx, todo[:n], out)
		todo = todo[n:]
	}
	return out, err
}

func (d *Desk) retake(ctx context.Context, rows []LostRow, out *Retaken) error {
	var once Retaken
	err := d.E.Store.Write(ctx, func(tx *store.Tx) error {
		once = Retaken{}
		by, err := d.admin(tx)
		if err != nil {
			return err
		}
		var told []judge.Seen
		for _, r := range rows {
			told = append(told, judge.Seen{By: r.told, Edit: r.edit})
		}
		o, err := d.E.Judge.Retake(tx, by, told)
		if err != nil {
			return err
		}
		for i, v := range o.Verdicts {
			if v.Status == syncproto.Refused {
				once.Left, once.Why = append(once.Left, rows[i]), append(once.Why, v.Message)
				continue
			}
			if err := tx.CloseTestimony(rows[i].ID, by, store.TestimonyAccepted); err != nil {
				return err
			}
			once.Accepted++
		}
		return nil
	})
	if err == nil {
		out.Accepted += once.Accepted
		out.Left, out.Why = append(out.Left, once.Left...), append(out.Why, once.Why...)
	}
	return err
}

// Dismiss puts testimony of some rows, or of all, aside.
func (d *Desk) Dismiss(ctx context.Context, ids []string) (n int, err error) {
	err = d.E.Store.Write(ctx, func(tx *store.Tx) error {
		by, err := d.admin(tx)
		if err != nil {
			return err
		}
		lost, err := d.lost(tx)
		if err != nil {
			return err
		}
		rows, err := chosen(lost.Rows, ids)
		n = len(rows)
		for _, r := range rows {
			if err == nil {
				err = tx.CloseTestimony(r.ID, by, store.TestimonyDismissed)
			}
		}
		return err
	})
	return n, err
}

// chosen are the rows that begin with the ids, all without any.
func chosen(rows []LostRow, ids []string) ([]LostRow, error) {
	if len(ids) == 0 {
		return rows, nil
	}
	var out []LostRow
	for _, id := range ids {
		var found []LostRow
		for _, r := range rows {
			if id != "" && strings.HasPrefix(string(r.ID), id) {
				found = append(found, r)
			}
		}
		if len(found) != 1 {
			return nil, notFound("lost "+id, "没有唯一的记录以“"+id+"”开头。", "No single row begins with that.", syncproto.Both("用 minqing lost list 看看。", "See minqing lost list."))
		}
		out = append(out, found[0])
	}
	return out, nil
}
