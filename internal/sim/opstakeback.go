package sim

import (
	"context"
	"slices"
	"strings"

	"minqing/internal/sim/oracle"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

// decided tells the oracle that an item was decided, if that ended it.
func (w *world) decided(it *judge.Item, before oracle.Stand, by string) {
	if w.itemNow(it.ID).Closed != 0 {
		w.oracle.Decided(it.ID, before, syncproto.UserID(by), it.Row, it.Cells)
	} else {
		w.oracle.Forget(it.ID)
	}
}

// itemNow is an item as the desk shows it now.
func (w *world) itemNow(id string) *judge.Item {
	it, err := w.server.eng.Judge.ItemByID(context.Background(), "", id)
	w.must(err, "read the item "+id)
	return it
}

// decidedItems are those that were decided and can be decided otherwise, newest first.
func (w *world) decidedItems() (items []*judge.Item) {
	w.desk("list what was decided", func(j *judge.Judge) (err error) {
		items, err = j.Inbox(context.Background(), judge.Filter{User: syncproto.UserID(adminUser), Closed: true})
		return err
	})
	return w.listed(slices.DeleteFunc(items, func(it *judge.Item) bool {
		return it.Last == "" || it.Kind == syncproto.ItemTwin && it.Word != judge.WordDistinct
	}))
}

// doTakeBack takes the last decision of an item back.
func (w *world) doTakeBack(d *dice) {
	items := w.decidedItems()
	if len(items) == 0 {
		return
	}
	it := pick(d, items[:min(len(items), 8)])
	if late := slices.IndexFunc(items, func(it *judge.Item) bool { return it.Kind == syncproto.ItemLate }); late >= 0 && d.chance(2) {
		it = items[late] // they are few
	}
	_ = w.takeBack(it) // what the desk may not do it is told
}

// takeBack takes the last decision of an item back, and wants what was there before.
func (w *world) takeBack(it *judge.Item) error {
	cells := it.Kind != syncproto.ItemLate && it.Kind != syncproto.ItemTwin
	if cells {
		w.oracle.Hold(it.Kind, it.Row, it.Cells)
	}
	was := w.oracle.View().Rows[it.Row]
	var failed error
	var now *judge.Item
	w.desk("take back the decision of "+string(it.Kind), func(j *judge.Judge) (err error) {
		now, err = j.UndoDecision(context.Background(), syncproto.UserID(adminUser), it.ID, it.Last)
		failed = err
		return err
	})
	if failed != nil {
		if cells {
			w.oracle.Release(it.Row, it.Cells)
		}
		return failed
	}
	w.count[cTakenBack]++
	if it.Kind == syncproto.ItemTwin {
		w.count[cApartBack]++
		w.oracle.Undistinct(it.Row, it.Other, it.Named != nil)
		if now.Closed != 0 && now.Word != judge.WordMoot {
			w.violate(iConflicts, "that %s and %s are two was taken back, and the item is decided still, as %s", it.Row, it.Other, now.Word)
		}
		return nil
	}
	if !cells {
		if now.Word == judge.WordUndone { // it was let in, or returned, and not for coming late
			w.count[cLetInBack]++
			w.oracle.Unmended(it.Sides[0].Change, w.now)
			return nil
		}
		w.count[cLateBack]++
		if now.Closed != 0 {
			w.violate(iConflicts, "the decision of the late work %s was taken back, and it is decided still", it.ID)
		}
		w.oracle.Reopened(it.Sides[0].Change)
		return nil
	}
	must, open, sure := w.oracle.TakenBack(it.ID, it.Row, was.Label, it.Cells)
	if now.Closed != 0 {
		w.oracle.Release(it.Row, it.Cells)
	}
	if !sure {
		if now.Closed == 0 && !open { // beside what somebody wrote since it is another question
			w.oracle.Forget(it.ID)
		}
		return nil
	}
	if open != (now.Closed == 0) {
		w.violate(iConflicts, "the decision of %s of %s was taken back: open is %v, must be %v", it.ID, it.Row, now.Closed == 0, open)
	}
	if !open && now.By != must.By {
		w.violate(iAudit, "the decision of %s before that counts again as that of %s, it was that of %s", it.ID, now.By, must.By)
	}
	r := w.oracle.View().Rows[it.Row]
	if r.Dead != must.Dead {
		w.violate(iNoResurrection, "the decision of %s was taken back: the row %s is dead %v, was %v", it.ID, it.Row, r.Dead, must.Dead)
	}
	for name, v := range must.Shows {
		if c := r.Cells[name]; !r.Dead && c.Value != v && !c.Vague {
			w.violate(iNoPhantom, "the decision of %s was taken back: %s of %s shows %v, showed %v", it.ID, name, it.Row, c.Value, v)
		}
	}
	return nil
}

// doAgain decides an item about one cell once more, as one of its sides has it or otherwise.
func (w *world) doAgain(d *dice) {
	items := slices.DeleteFunc(w.decidedItems(), func(it *judge.Item) bool {
		r := w.oracle.View().Rows[it.Row]
		return it.Kind != syncproto.ItemCell || len(it.Cells) != 1 || r == nil || r.Dead
	})
	if len(items) == 0 {
		return
	}
	it := pick(d, items[:min(len(items), 8)])
	c := w.book.Cell(it.Table, it.Cells[0])
	if c.Rule == schema.RuleSum || c.Rule == schema.RuleSet {
		return
	}
	values := []schema.Value{it.Shows[c.Name]}
	for _, s := range w.sidesOf(it) {
		for _, x := range s.Cells {
			if x.Cell == c.Name {
				values = append(values, x.Value)
			}
		}
	}
	w.again(it, pick(d, []string{adminUser, secretaries[0]}), pick(d, values))
}

// again decides an item once more.
func (w *world) again(it *judge.Item, by string, v schema.Value) {
	edit := syncproto.Edit{Table: it.Table, Row: it.Row, Op: syncproto.OpUpdate, Base: it.Base, Cells: []syncproto.CellEdit{{Cell: it.Cells[0], Value: v}}}
	edit.Base.Open = w.server.storedRows()[it.Row].Open
	stood := w.oracle.Stand("", it.Row, it.Cells)
	var failed error
	w.desk("decide again", func(j *judge.Judge) error {
		out, err := j.Reconsider(context.Background(), syncproto.UserID(by), it.ID, it.Last, edit, "再看过")
		if failed = err; err == nil && out.Verdicts[0].Status == syncproto.Refused {
			failed = &syncproto.Error{Code: out.Verdicts[0].Code}
		}
		return failed
	})
	if failed != nil {
		return
	}
	w.count[cAgain]++
	now := w.itemNow(it.ID)
	switch {
	case now.Last == it.Last: // beside what somebody wrote it is another item
		w.oracle.Forget(it.ID)
	case now.By != syncproto.UserID(by) || !strings.Contains(now.Said[len(now.Said)-1].Text, "再看过"):
		w.violate(iAudit, "%s was decided once more by %s, and stands as decided by %s", it.ID, by, now.By)
	default:
		w.oracle.Decided(it.ID, stood, syncproto.UserID(by), it.Row, it.Cells)
	}
}
