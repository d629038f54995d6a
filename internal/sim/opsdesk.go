package sim

import (
	"context"
	"slices"

	"minqing/internal/sim/oracle"
	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// desk lets somebody at the console do something, and tells the oracle what came of it.
func (w *world) desk(what string, f func(j *judge.Judge) error) {
	if !w.server.up {
		w.server.open()
	}
	w.server.settle()
	w.tick(50)
	err := f(w.server.eng.Judge)
	if err != nil && !w.server.failing {
		switch codeOf(err) {
		case syncproto.CodeInternal, "error":
			w.violate(iSound, "%s at the desk: %v", what, err)
		}
	}
	w.trace.note("desk: %s: %s", what, codeOf(err))
	w.server.settle()
}

// submit makes one change at the desk.
func (w *world) submit(user string, edits ...syncproto.Edit) {
	w.desk("submit", func(j *judge.Judge) error {
		_, err := j.Submit(context.Background(), syncproto.UserID(user), judge.Draft{Edits: edits})
		return err
	})
}

// livingRows are the rows of a table that the server must hold now.
func (w *world) livingRows(table string) []*oracle.Row {
	var out []*oracle.Row
	v := w.oracle.View()
	for _, id := range v.Order {
		if r := v.Rows[id]; r.Table.Name == table && !r.Dead {
			out = append(out, r)
		}
	}
	return out
}

func (w *world) shownAt(r *oracle.Row) func(string) schema.Value {
	return func(column string) schema.Value {
		v, _ := r.Column(w.book, column)
		return v
	}
}

func textEdit(cell, value string) syncproto.CellEdit {
	return syncproto.CellEdit{Cell: cell, Value: schema.Text(value)}
}

// doAssign gives a household to somebody, or takes one away.
func (w *world) doAssign(d *dice) {
	rows := w.livingRows("assignment")
	if len(rows) > 0 && d.chance(2) {
		r := pick(d, rows)
		if d.chance(3) {
			w.submit(adminUser, syncproto.Edit{Table: "assignment", Row: r.ID, Op: syncproto.OpDelete})
			return
		}
		until := date(w.now + pick(d, []int64{-1, 0, 0, 3, 40})*day)
		w.submit(pick(d, []string{adminUser, townUser}), syncproto.Edit{Table: "assignment", Row: r.ID, Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{textEdit("until", until)}})
		return
	}
	homes := w.livingRows("household")
	if len(homes) == 0 {
		return
	}
	since := date(w.now + pick(d, []int64{-30, 0, 0, 0, 2})*day)
	w.submit(pick(d, []string{adminUser, townUser}), w.newAtDesk(d, "assignment", map[string]string{"household": string(pick(d, homes).ID), "user": pick(d, cadres),
		"team": "cadre", "since": since}))
}

// newAtDesk is the edit that makes a row of given texts.
func (w *world) newAtDesk(d *dice, table string, texts map[string]string) syncproto.Edit {
	e := syncproto.Edit{Table: table, Row: w.deskID(d), Op: syncproto.OpCreate}
	for _, c := range w.book.Cells(table) {
		if s := texts[c.Name]; s != "" {
			e.Cells = append(e.Cells, textEdit(c.Name, s))
		}
	}
	return e
}

// deskID makes the id of a row made at the desk.
func (w *world) deskID(d *dice) syncproto.RowID {
	return syncproto.RowID(newID(w.now, d))
}

// doRole makes somebody a secretary, ends somebody's role, or stops an account.
func (w *world) doRole(d *dice) {
	switch d.IntN(4) {
	case 0:
		w.submit(adminUser, w.newAtDesk(d, "role", map[string]string{"user": pick(d, cadres), "role": string(schema.RoleSecretary), "place": pick(d, villages)}))
	case 1:
		if rows := w.livingRows("role"); len(rows) > 2 {
			r := pick(d, rows[2:]) // the administrator and the township stay
			w.submit(adminUser, syncproto.Edit{Table: "role", Row: r.ID, Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{textEdit("until", date(w.now+pick(d, []int64{-1, 0, 5})*day))}})
		}
	case 2:
		if rows := w.livingRows("role"); len(rows) > 2 {
			w.submit(adminUser, syncproto.Edit{Table: "role", Row: pick(d, rows[2:]).ID, Op: syncproto.OpDelete})
		}
	case 3:
		w.submit(adminUser, syncproto.Edit{Table: "user", Row: syncproto.RowID(pick(d, cadres)), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{textEdit("ended", date(w.now+pick(d, []int64{0, 20})*day))}})
	}
}

// doRehouse moves a household to another place.
func (w *world) doRehouse(d *dice) {
	if homes := w.livingRows("household"); len(homes) > 0 {
		w.submit(adminUser, syncproto.Edit{Table: "household", Row: pick(d, homes).ID, Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{textEdit("place", pick(d, groups))}})
	}
}

// doDeskEdit changes a row at the desk, from what it shows there.
func (w *world) doDeskEdit(d *dice) {
	rows := w.livingRows(pick(d, []string{"thing", "thing", "household", "mark"}))
	if len(rows) == 0 {
		return
	}
	r := pick(d, rows)
	values := w.someValues(d, r.Table, w.shownAt(r), r.ID, author{user: syncproto.UserID(adminUser)})
	delete(values, "code")
	cells := toEdits(w.book, r.Table.Name, w.shownAt(r), values)
	if len(cells) > 0 {
		w.submit(adminUser, syncproto.Edit{Table: r.Table.Name, Row: r.ID, Op: syncproto.OpUpdate, Cells: cells})
	}
}

func (w *world) doDeskDelete(d *dice) {
	rows := w.livingRows(pick(d, []string{"thing", "thing", "note", "mark", "household"}))
	if len(rows) > 0 {
		r := pick(d, rows)
		w.submit(adminUser, syncproto.Edit{Table: r.Table.Name, Row: r.ID, Op: syncproto.OpDelete})
	}
}

// inbox is what somebody sees of it at the console.
func (w *world) inbox(user string) (items []*judge.Item) {
	w.desk("list the inbox", func(j *judge.Judge) (err error) {
		items, err = j.Inbox(context.Background(), judge.Filter{User: syncproto.UserID(user)})
		return err
	})
	return w.listed(items)
}

// doDecide decides what lies in the inbox.
func (w *world) doDecide(d *dice) {
	items := w.inbox(adminUser)
	if len(items) == 0 {
		return
	}
	it := pick(d, items)
	decision := judge.Decision{Keep: d.chance(2)}
	switch it.Kind {
	case syncproto.ItemTwin:
		if d.chance(2) {
			decision = w.merging(d, it)
		}
	case syncproto.ItemLate:
	default:
		if len(it.Sides) > 0 {
			decision.Pick = pick(d, w.sidesOf(it)).Change
		}
	}
	_ = w.resolve(it, decision) // what the desk may not do it is told
}

// resolve decides an item at the desk, and tells the oracle what is not a change of a row.
func (w *world) resolve(it *judge.Item, decision judge.Decision) error {
	before, stood := w.oracle.Mark(), w.oracle.Stand("", it.Row, it.Cells)
	var merge oracle.Merging
	sound := true
	if it.Kind == syncproto.ItemTwin && decision.Winner != "" {
		merge, sound = w.oracle.Merging(loserOf(it, decision), decision.Winner)
	}
	var failed error
	w.desk("decide "+string(it.Kind), func(j *judge.Judge) error {
		_, err := j.Resolve(context.Background(), syncproto.UserID(adminUser), it.ID, decision)
		failed = err
		return err
	})
	if failed != nil {
		return failed
	}
	w.count[cDecisions]++
	switch it.Kind {
	case syncproto.ItemLate:
		i := slices.IndexFunc(w.oracle.Loose(), func(l oracle.Loose) bool {
			return l.Kind == it.Kind && l.Row == it.Row && len(it.Sides) == 1 && l.About == it.Sides[0].Change
		})
		if i >= 0 {
			w.oracle.Pardon(w.oracle.Loose()[i].About, decision.Keep, w.now)
			w.lookAround()
		}
	case syncproto.ItemTwin:
		if decision.Winner == "" {
			w.oracle.Distinct(it.Row, it.Other)
			break
		}
		w.checkMerge(it, &merge, sound, decision)
		w.oracle.Merged(merge)
	default:
		if w.oracle.Mark() == before {
			w.violate(iAudit, "a decision about %s left no change", it.ID)
		}
		w.decided(it, stood, adminUser)
	}
	return nil
}

// doUndo takes something back that somebody did.
func (w *world) doUndo(d *dice) {
	var did []*oracle.Change
	for _, c := range w.oracle.Changes() {
		if c.Status != syncproto.Refused && c.Received > dawn+120_000 && c.Edits[0].Table != "device" {
			did = append(did, c)
		}
	}
	if len(did) == 0 {
		return
	}
	c := did[len(did)-1-d.IntN(min(len(did), 15))]
	w.desk("undo "+string(c.ID[:8]), func(j *judge.Judge) error {
		_, err := j.Undo(context.Background(), syncproto.UserID(adminUser), c.ID)
		if err == nil {
			w.count[cUndos]++
		}
		return err
	})
}

// doRevoke stops a phone: its next contact is its last.
func (w *world) doRevoke(d *dice) {
	rows := w.livingRows("device")
	if len(rows) < 3 || !d.chance(2) {
		return
	}
	w.revoke(syncproto.DeviceID(pick(d, rows).ID))
}

// revoke stops a device as the command does: the row that says so is for people, what stops it is the server's record of devices.
func (w *world) revoke(id syncproto.DeviceID) {
	w.desk("revoke", func(*judge.Judge) error {
		_, err := (&admin.Desk{E: w.server.eng, As: "admin"}).Revoke(context.Background(), string(id))
		return err
	})
	w.must(w.server.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		d, found, err := tx.Device(id)
		if found && d.Revoked > 0 {
			w.oracle.Revoked(id, d.Revoked)
		}
		return err
	}), "read a device")
}
