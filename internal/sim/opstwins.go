package sim

import (
	"context"
	"slices"

	"minqing/internal/sim/oracle"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

// doTwins makes a second household of a code that is there.
func (w *world) doTwins(d *dice) {
	homes := w.livingRows("household")
	if len(homes) == 0 || len(homes) > 7 {
		return
	}
	code, _ := pick(d, homes).Column(w.book, "code")
	w.submit(adminUser, w.newAtDesk(d, "household", map[string]string{"place": pick(d, groups), "code": code.Str()}))
	w.count[cTwins]++
}

// doName says of two households that they are one, whatever their codes.
func (w *world) doName(d *dice) {
	homes := w.livingRows("household")
	if len(homes) < 2 {
		return
	}
	i := d.IntN(len(homes))
	a := homes[i]
	_ = w.name(a.ID, pick(d, slices.Delete(homes, i, i+1)).ID) // one about the two may be open already
}

// name says of two rows that they are one, and tells the oracle.
func (w *world) name(a, b syncproto.RowID) (failed error) {
	w.desk("name twins", func(j *judge.Judge) error {
		_, fresh, err := j.NameTwins(context.Background(), syncproto.UserID(adminUser), a, b, "named by hand")
		if failed = err; err == nil && fresh {
			w.oracle.Named(a, b)
			w.count[cNamed]++
		}
		return err
	})
	return failed
}

// doNumbers writes one number down for two things, at the desk: in the product, one ID number for two people.
func (w *world) doNumbers(d *dice) {
	things := w.livingRows("thing")
	if len(things) < 2 {
		return
	}
	number := pick(d, idNumbers)
	for range 2 {
		i := d.IntN(len(things))
		w.submit(adminUser, w.newAtDesk(d, "secret", map[string]string{"thing": string(things[i].ID), "id_number": number}))
		things = slices.Delete(things, i, i+1)
	}
}

// doPeople merges two things of which one number tells that they are one.
func (w *world) doPeople(d *dice) {
	items := slices.DeleteFunc(w.inbox(adminUser), func(it *judge.Item) bool { return it.Kind != syncproto.ItemTwin || it.Table != "secret" })
	if len(items) > 0 {
		it := pick(d, items)
		_ = w.resolve(it, w.merging(d, it)) // not where one of them is dead
	}
}

// merging is the decision that two twins are one; of the other, the one that stays takes over this and that.
func (w *world) merging(d *dice, it *judge.Item) judge.Decision {
	out := judge.Decision{Winner: pick(d, w.inOrder(it.Row, it.Other))}
	m, ok := w.oracle.Merging(loserOf(it, out), out.Winner)
	if !ok || !d.chance(2) {
		return out
	}
	out.Values = map[string]schema.Value{}
	view := w.oracle.View()
	for from, to := range m.Into {
		for _, cell := range []string{"name", "newest", "head", "note"} {
			if of := view.Rows[from].Cells[cell]; to == m.Last && of != nil && !of.Value.IsNull() {
				out.Values[cell] = of.Value
			}
		}
	}
	return out
}

// loserOf is the twin that is to go.
func loserOf(it *judge.Item, decision judge.Decision) syncproto.RowID {
	if decision.Winner == it.Row {
		return it.Other
	}
	return it.Row
}

// checkMerge holds a merge of twins that was made to what it must do. The server makes it of its own, so that nothing else asks whether it left
// something behind.
func (w *world) checkMerge(it *judge.Item, m *oracle.Merging, sound bool, decision judge.Decision) {
	loser := loserOf(it, decision)
	if !sound {
		w.violate(iNoLostEdit, "the twin %s was merged into one that lies beneath a dead row, and a living one is gone for it", loser)
	}
	all := w.oracle.Changes()
	slices.Reverse(all)
	i := slices.IndexFunc(all, func(c *oracle.Change) bool {
		return slices.ContainsFunc(c.Edits, func(e syncproto.Edit) bool { return e.Row == loser && e.Op == syncproto.OpDelete })
	})
	if i < 0 {
		w.violate(iAudit, "merging the twin %s left no change", loser)
	}
	if wrong := m.Made(w.book, all[i], decision.Values); wrong != "" {
		w.violate(iNoLostEdit, "of the twins %s and %s one was merged into the other, and %s", loser, decision.Winner, wrong)
	}
	for _, v := range decision.Values {
		for _, word := range canaries.FindAllString(v.Str(), -1) {
			if t := w.tokens[word]; t != nil {
				t.taken = append(t.taken, m.Last)
			}
		}
	}
	if len(m.Into) > 1 {
		w.count[cPeople]++
	}
}
