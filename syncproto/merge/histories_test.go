package merge

import (
	"slices"
	"testing"

	"minqing/schema"
	"minqing/syncproto"
)

// The histories of MERGE.md, by their numbers: TestHistory01 to TestHistory14. Here stands what they say of one row and its versions; what
// they say of phones, scopes, copies, restores and messages, the directed histories of internal/sim hold under the same numbers.

// 1. Phone sets A on rev 5; a pull brings rev 7 (A and B by others); phone edits A and B together: for A it has seen its own change,
// for B rev 7.
func TestHistory01OwnChangeHidesTheRowBelow(t *testing.T) {
	s := created(t, set1("a", "p"), set1("b", "p"))
	phone := s.pulled()
	n1 := phone.lay("n1", 10, set1("a", "mine"))
	s.accept(func() RowVersion { o := s.pulled(); return o.edit("other-a", 11, set1("a", "theirs")) }())
	s.accept(func() RowVersion { o := s.pulled(); return o.edit("other-b", 12, set1("b", "theirs")) }())
	row := s.pulled()
	phone.at, phone.open = row.at, row.open
	n2 := phone.lay("n2", 13, set1("a", "mine again"), set1("b", "mine"))
	s.accept(n1)
	s.accept(n2)
	r := s.row()
	wantCell(t, r, "a", schema.Text("p"), syncproto.ItemCell)
	if got := r.Cell("a").Heads; !slices.Equal(got, ids("n2", "other-a")) {
		t.Errorf("heads of a: %v", got)
	}
	wantCell(t, r, "b", schema.Text("mine"), "")
	wantItems(t, r, 1)
}

// 2. A manual cell with two heads; a phone without inbox rights edits what it sees: the item stays open with three heads, and no
// word vanishes.
func TestHistory02BlindEditJoinsTheItem(t *testing.T) {
	s := created(t, set1("a", "p"))
	one, two := s.pulled(), s.pulled()
	v1, v2 := one.edit("one", 10, set1("a", "1")), two.edit("two", 10, set1("a", "2"))
	s.accept(v1)
	s.accept(v2)
	blind := s.pulled()
	if got := blind.open["a"]; !slices.Equal(got, ids("create")) {
		t.Fatalf("the pulled row says that %v shows", got)
	}
	three := blind.edit("three", 11, set1("a", "3"))
	s.accept(three)
	r := s.row()
	wantCell(t, r, "a", schema.Text("p"), syncproto.ItemCell)
	if got := r.Items[0].Heads; !slices.Equal(got, ids("one", "two", "three")) {
		t.Errorf("heads: %v", got)
	}
	// A decision made before the third came leaves the item open with the third; one made after closes it.
	early := blind.edit("early", 12, set1("a", "1"))
	early.Decides = []string{"a"}
	late := s.pulled()
	s.accept(early)
	r = s.row()
	wantCell(t, r, "a", schema.Text("p"), syncproto.ItemCell)
	if got := r.Items[0].Heads; !slices.Equal(got, ids("early", "three")) {
		t.Errorf("heads after the early decision: %v", got)
	}
	v := late.edit("late", 13, set1("a", "all"))
	v.Decides = []string{"a"}
	s.accept(v)
	if got := s.row().Cell("a").Heads; !slices.Equal(got, ids("early", "late")) {
		t.Errorf("a decision that had not seen the other one: %v", got)
	}
	last := s.pulled()
	v = last.edit("last", 14, set1("a", "all"))
	v.Decides = []string{"a"}
	s.accept(v)
	wantCell(t, s.row(), "a", schema.Text("all"), "")
}

// 3. Two values a, b against a row rule, in both orders: the same value shows meanwhile.
func TestHistory03RowRuleShowsTheSameInBothOrders(t *testing.T) {
	s := created(t, num("low", 3), num("high", 6), set1("a", "p"))
	one, two := s.pulled(), s.pulled()
	r := sameInAllOrders(t, s, one.edit("one", 10, num("low", 5), set1("a", "1")), two.edit("two", 11, num("high", 4)))
	wantItems(t, r, 1)
	item := r.Items[0]
	if item.Kind != syncproto.ItemRowRule || item.Rule != "ordered" || !slices.Equal(item.Cells, []string{"low", "high"}) || !slices.Equal(item.Heads, ids("one", "two")) {
		t.Errorf("item %+v", item)
	}
	wantCell(t, r, "low", schema.Int(3), syncproto.ItemRowRule)
	wantCell(t, r, "high", schema.Int(6), syncproto.ItemRowRule)
	wantCell(t, r, "a", schema.Text("1"), "")
	// Two values of one cell: the later one is taken by its rule, and breaks the rule with what a third wrote.
	three := s.pulled()
	r = sameInAllOrders(t, s, one.edit("one", 10, num("low", 4)), two.edit("two", 11, num("low", 5)), three.edit("three", 12, num("high", 4)))
	wantCell(t, r, "low", schema.Int(3), syncproto.ItemRowRule)
	wantCell(t, r, "high", schema.Int(6), syncproto.ItemRowRule)
}

// A decision that changes one of the two cells of a broken row rule, having seen both, closes the item.
func TestRowRuleDecided(t *testing.T) {
	s := created(t, num("low", 3), num("high", 6))
	one, two := s.pulled(), s.pulled()
	s.accept(one.edit("one", 10, num("low", 5)))
	s.accept(two.edit("two", 11, num("high", 4)))
	desk := s.pulled()
	v := desk.edit("desk", 12, num("low", 4))
	v.Decides = []string{"low", "high"}
	s.accept(v)
	r := s.row()
	wantItems(t, r, 0)
	wantCell(t, r, "low", schema.Int(4), "")
	wantCell(t, r, "high", schema.Int(4), "")
}

// 4. A:=5 beside a move into closed, in both orders: one item, A not shown; the same move and edit in one change: no item.
func TestHistory04EditBesideAClosingMove(t *testing.T) {
	s := created(t, set1("a", "p"), set1("state", "working"), plus("count", 1))
	one, two := s.pulled(), s.pulled()
	r := sameInAllOrders(t, s, one.edit("edit", 10, set1("a", "5")), two.edit("close", 11, set1("state", "closed")))
	wantItems(t, r, 1)
	wantCell(t, r, "a", schema.Text("p"), syncproto.ItemState)
	wantCell(t, r, "state", schema.Text("closed"), "")
	if item := r.Items[0]; !slices.Equal(item.Heads, ids("edit")) || !slices.Equal(item.Against, ids("close")) {
		t.Errorf("item %+v", item)
	}
	wantItems(t, sameInAllOrders(t, s, one.edit("both", 10, set1("a", "5"), set1("state", "closed"))), 0)
	// Sums are held back too; who the lock excepts is not; the cells that it leaves alone are not.
	r = sameInAllOrders(t, s, one.edit("edit", 10, plus("count", 1), set1("b", "new")), two.edit("close", 11, set1("state", "closed")))
	wantCell(t, r, "count", schema.Int(1), syncproto.ItemState)
	wantCell(t, r, "b", schema.Text("new"), "")
	admin := one.edit("edit", 10, set1("a", "5"))
	admin.Roles = []schema.Role{schema.RoleAdmin}
	r = sameInAllOrders(t, s, admin, two.edit("close", 11, set1("state", "closed")))
	wantItems(t, r, 0)
	wantCell(t, r, "a", schema.Text("5"), "")
}

// A state item stays, whatever is written to the state afterwards, until somebody who saw both decides it.
func TestStateItemGoesByDecisionOnly(t *testing.T) {
	s := created(t, set1("a", "p"), set1("state", "working"))
	one, two := s.pulled(), s.pulled()
	s.accept(one.edit("edit", 10, set1("a", "5")))
	s.accept(two.edit("close", 11, set1("state", "closed")))
	desk := s.pulled()
	s.accept(desk.edit("reopen", 12, set1("state", "working")))
	wantCell(t, s.row(), "a", schema.Text("p"), syncproto.ItemState)
	desk = s.pulled()
	v := desk.edit("decide", 13, set1("a", "5"))
	v.Decides = []string{"a"}
	s.accept(v)
	wantItems(t, s.row(), 0)
	wantCell(t, s.row(), "a", schema.Text("5"), "")
}

// 5. c; d writes over c; u undoes c, in all orders: an item, never a decision by time.
func TestHistory05UndoBesideALaterEdit(t *testing.T) {
	cells := map[string][3]syncproto.CellEdit{
		"last": {set1("last", "p"), set1("last", "c"), set1("last", "d")}, "a": {set1("a", "p"), set1("a", "c"), set1("a", "d")},
		"most": {num("most", 1), num("most", 2), num("most", 3)}, "note": {set1("note", "一。"), set1("note", "一。二。"), set1("note", "一。二。三。")},
		"state": {set1("state", "open"), set1("state", "working"), set1("state", "closed")}, "once": {set1("once", "p"), set1("once", "c"), set1("once", "d")},
	}
	for cell, e := range cells {
		s := created(t, e[0])
		first := s.pulled()
		c := first.lay("c", 10, e[1])
		d := first.edit("d", 11, e[2])
		u := first.edit("u", 12, e[0])
		u.Base.Over, u.UndoOf = nil, c.ID
		r := sameInAllOrders(t, s, c, d, u)
		wantCell(t, r, cell, e[1].Value, syncproto.ItemCell) // what both had seen is c
		if got := r.Cell(cell).Heads; !slices.Equal(got, ids("d", "u")) {
			t.Errorf("%s: heads %v", cell, got)
		}
	}
	// Alone, an undo takes back; beside the same value it is no conflict.
	s := created(t, set1("last", "p"))
	first := s.pulled()
	c := first.lay("c", 10, set1("last", "c"))
	u := first.edit("u", 9, set1("last", "p"))
	u.UndoOf = c.ID
	wantCell(t, sameInAllOrders(t, s, c, u), "last", schema.Text("p"), "")
	wantCell(t, sameInAllOrders(t, s, c, u, first.edit("d", 12, set1("last", "p"))), "last", schema.Text("p"), "")
}

// 6. sum: +1, then +5 beside +2 that saw +1: 8, in all orders; replayed: 8. text: h1 saw a and reverts it, h2 saw a and keeps it, h3
// saw neither: a does not come back by itself.
func TestHistory06SumAndRevertedText(t *testing.T) {
	s := created(t)
	one, two := s.pulled(), s.pulled()
	v1, v5 := one.lay("+1", 10, plus("count", 1)), two.edit("+5", 11, plus("count", 5))
	v2 := one.lay("+2", 12, plus("count", 2))
	wantCell(t, sameInAllOrders(t, s, v1, v5, v2), "count", schema.Int(8), "")
	orders(s, []RowVersion{v1, v5, v2}, func(_ string, s *store) {
		twice := Row(s.book, testTable, append(slices.Clone(s.versions), s.versions...), s.epochs)
		wantCell(t, twice, "count", schema.Int(8), "")
	})

	s = created(t, set1("note", "甲。\n"))
	blind, aware := s.pulled(), s.pulled()
	a := aware.lay("a", 10, set1("note", "甲。\n乙。\n"))
	s1, s2 := aware, aware
	for _, names := range [][3]string{{"h1", "h2", "h3"}, {"h7", "h8", "h9"}, {"k1", "k2", "k3"}, {"m1", "m2", "m3"}, {"n5", "n6", "n7"}} {
		h1 := s1.edit(names[0], 11, set1("note", "甲。\n"))
		h2 := s2.edit(names[1], 12, set1("note", "甲。\n乙。\n丙。\n"))
		h3 := blind.edit(names[2], 13, set1("note", "零。甲。\n"))
		r := sameInAllOrders(t, s, a, h1, h2, h3)
		wantCell(t, r, "note", schema.Text("零。甲。\n丙。\n"), "")
	}
}

// 7. R deleted beside a child made under it: an item, the deletion standing; nothing resurrects. At this level: the row R, deleted
// beside an edit of it; the child is a row of its own, and whether its parent lives is the store's to ask of R's result.
func TestHistory07DeleteBesideAnEdit(t *testing.T) {
	s := created(t, set1("a", "p"))
	one, two := s.pulled(), s.pulled()
	d := two.edit("delete", 11)
	d.Op = syncproto.OpDelete
	r := sameInAllOrders(t, s, one.edit("edit", 10, set1("a", "1")), d)
	if !r.Deleted {
		t.Error("the deletion must stand")
	}
	wantItems(t, r, 1)
	if item := r.Items[0]; item.Kind != syncproto.ItemDelete || !slices.Equal(item.Heads, ids("edit")) || !slices.Equal(item.Against, ids("delete")) {
		t.Errorf("item %+v", item)
	}
	// Nothing but a decision or an undo of the deletion brings the row back.
	s.accept(one.edit("edit", 10, set1("a", "1")))
	s.accept(d)
	again := one.edit("again", 12, set1("b", "2"))
	s.accept(again)
	if !s.row().Deleted {
		t.Error("an edit resurrected the row")
	}
	for name, want := range map[syncproto.Op]bool{syncproto.OpDelete: true, syncproto.OpUpdate: false} {
		c := s.clone()
		desk := c.pulled()
		v := desk.edit("desk", 13)
		v.Op, v.Decides = name, []string{syncproto.ExistenceCell}
		c.accept(v)
		r := c.row()
		if r.Deleted != want || len(r.Items) != 0 {
			t.Errorf("decided by %c:\n%s", name, plainResult(r))
		}
		wantCell(t, r, "a", schema.Text("1"), "")
	}
	undone := s.clone()
	desk := undone.pulled()
	v := desk.edit("undo", 13)
	v.UndoOf = d.ID
	undone.accept(v)
	if undone.row().Deleted {
		t.Error("the undo of a deletion brings the row back")
	}
	other := two.edit("other delete", 14)
	other.Op = syncproto.OpDelete
	undone.accept(other)
	if r := undone.row(); !r.Deleted || len(r.Items) != 1 || !slices.Contains(r.Items[0].Heads, v.ID) {
		t.Errorf("a deletion beside the undo of another stands, with an item:\n%s", plainResult(r))
	}
}

// 8. R moves to another scope while child K sleeps: the new holder gets K, the old one loses it. At this level: K takes no part in the move.
// It keeps its number, and an edit that was made before the move is concurrent with nothing; the move is an edit of one cell of R, and
// leaves those beside it alone.
func TestHistory08MoveWithASleepingChild(t *testing.T) {
	r, k := created(t, set1("a", "household one"), set1("b", "p")), created(t, set1("b", "p"))
	mover, holder, sleeper := r.pulled(), r.pulled(), k.pulled()
	was := k.row()
	got := sameInAllOrders(t, r, mover.edit("move", 10, set1("a", "household two")), holder.edit("edit", 11, set1("b", "mine")))
	wantCell(t, got, "a", schema.Text("household two"), "")
	wantCell(t, got, "b", schema.Text("mine"), "")
	wantItems(t, got, 0)
	if plainResult(k.row()) != plainResult(was) || k.rev != 1 {
		t.Errorf("the child moved by itself:\n%s", plainResult(k.row()))
	}
	k.accept(sleeper.edit("child", 12, set1("b", "child")))
	wantCell(t, k.row(), "b", schema.Text("child"), "")
	wantItems(t, k.row(), 0)
	// Moved to two places at once: somebody decides, and it stays where all had seen it.
	got = sameInAllOrders(t, r, mover.edit("move", 10, set1("a", "household two")), holder.edit("other move", 11, set1("a", "household three")))
	wantCell(t, got, "a", schema.Text("household one"), syncproto.ItemCell)
	wantItems(t, got, 1)
}

// 9. n refused, n+1 made over it: an edit over n's cells takes n's base; with n mended, a dependent has seen the mend. Mended twice: the
// second is a plain edit.
func TestHistory09RefusedAndMended(t *testing.T) {
	s := created(t, set1("a", "p"), set1("b", "p"))
	phone := s.pulled()
	n := phone.lay("n", 10, set1("a", "bad"))
	over := phone.edit("over", 11, set1("a", "next"))
	over.Base.Over = ids("n")
	dependent := phone.edit("dependent", 11, set1("a", "next"))
	dependent.DependsOn = ids("n")
	phone.laid = nil
	mend, second := phone.edit("mend", 12, set1("a", "good")), phone.edit("second mend", 13, set1("a", "other"))
	mend.Mends, second.Mends = n.ID, n.ID

	s.refuse(n)
	s.refuse(dependent) // leaves with it
	wantCell(t, s.row(), "a", schema.Text("p"), "")
	wantItems(t, s.row(), 0)
	plain := s.clone()
	plain.accept(over)
	wantCell(t, plain.row(), "a", schema.Text("next"), "")
	plain.accept(mend) // made over the same base by somebody who had not seen over: a conflict
	wantCell(t, plain.row(), "a", schema.Text("p"), syncproto.ItemCell)
	s.accept(mend)
	s.accept(dependent)
	wantCell(t, s.row(), "a", schema.Text("next"), "")
	s.accept(second)
	r := s.row()
	wantCell(t, r, "a", schema.Text("p"), syncproto.ItemCell)
	if got := r.Cell("a").Heads; !slices.Equal(got, ids("dependent", "second mend")) {
		t.Errorf("heads %v", got)
	}
}

// 10. Two copies of one file rename the same unsent +1: counted once. A copy took number n: the original's next change does not resolve to
// the copy's. That copies which take turns are found out is the exchange's.
func TestHistory10CopiesOfOneFile(t *testing.T) {
	sealed := func(device syncproto.DeviceID, number uint64, delta int64, at int64) *syncproto.Change {
		c := &syncproto.Change{Name: syncproto.Name{Device: device, Number: number}, At: at, Edits: []syncproto.Edit{{Table: testTable, Row: "row",
			Op: syncproto.OpUpdate, Base: syncproto.Base{Epoch: "e1", Rev: 1}, Cells: []syncproto.CellEdit{plus("count", delta)}}}}
		if err := c.Seal(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	version := func(c *syncproto.Change) RowVersion {
		e := c.Edits[0]
		return RowVersion{ID: c.Identity(), Op: e.Op, Cells: e.Cells, Base: e.Base, Corrected: c.At}
	}
	unsent := sealed("original", 7, 1, 10)
	one, two := *unsent, *unsent
	one.Name, two.Name = syncproto.Name{Device: "copy one", Number: 1}, syncproto.Name{Device: "copy two", Number: 1}
	if one.Identity() != unsent.Identity() || two.Identity() != unsent.Identity() {
		t.Fatal("a new name makes another change of it")
	}
	s := created(t)
	s.accept(version(unsent))
	s.accept(version(&one))
	s.accept(version(&two))
	wantCell(t, s.row(), "count", schema.Int(1), "")
	twice := Row(s.book, testTable, append(slices.Clone(s.versions), version(&one)), s.epochs)
	wantCell(t, twice, "count", schema.Int(1), "")

	// The same name, made apart: even a +1 that looks the same is another one, as it was made at another moment.
	theirs, mine := sealed("original", 8, 1, 20), sealed("original", 8, 1, 21)
	if theirs.Name != mine.Name || theirs.Identity() == mine.Identity() {
		t.Fatal("the original's change resolves to the copy's")
	}
	r := sameInAllOrders(t, s, version(theirs), version(mine))
	wantCell(t, r, "count", schema.Int(3), "")
	wantItems(t, r, 0)
}

// 11. Restore; the console makes (e, 2) anew while a phone holds another (e, 2) and edits over it: not seen. Offered again, a version keeps
// its old label, and who was based on that has seen it. Two restores in a row.
func TestHistory11Restore(t *testing.T) {
	s := created(t, set1("a", "p"))
	backup := s.clone()
	writer := s.pulled()
	lost := writer.edit("lost", 10, set1("a", "lost"))
	s.accept(lost)
	lost = *s.find(lost.ID)
	reader := s.pulled() // (e1, 2), of the store that is gone
	over := reader.edit("over", 12, set1("a", "over"))

	backup.epoch("e2")
	console := backup.pulled()
	backup.accept(console.edit("console", 11, set1("a", "console"))) // (e2, 2)
	backup.accept(over)
	r := backup.row()
	wantCell(t, r, "a", schema.Text("p"), syncproto.ItemCell)
	if got := r.Cell("a").Heads; !slices.Equal(got, ids("console", "over")) {
		t.Errorf("the new rev 2 counts as seen: %v", got)
	}
	backup.accept(lost)
	if got := backup.row().Cell("a").Heads; !slices.Equal(got, ids("console", "over")) {
		t.Errorf("the old rev 2 counts as not seen: %v", got)
	}
	before := backup.clone()
	backup.epoch("e3")
	desk := backup.pulled()
	decide := desk.edit("decide", 13, set1("a", "over"))
	decide.Decides = []string{"a"}
	if decide.Base.Epoch != "e3" {
		t.Fatal("the base must be of the new epoch")
	}
	backup.accept(decide)
	wantCell(t, backup.row(), "a", schema.Text("over"), "") // what stood where e3 began, it has seen
	// A second restore, to before e3: its decision comes back from a phone, and its base, of an epoch cut off, still reaches what
	// the store held where e3 began.
	decide = *backup.find(decide.ID)
	before.epochs.All["e3"] = backup.epochs.All["e3"]
	before.epoch("e4")
	fresh := before.pulled()
	before.accept(decide)
	wantCell(t, before.row(), "a", schema.Text("over"), "")
	before.accept(fresh.edit("fresh", 14, set1("b", "x")))
	wantItems(t, before.row(), 0)
}

// What a lost store accepted after the backup and before the epoch that was cut off began is known by label only: it counts as
// concurrent, never as seen.
func TestRestoreNeverAssumesSeen(t *testing.T) {
	s := created(t, set1("a", "p"))
	backup := s.clone()
	w := s.pulled()
	lost := w.edit("lost", 10, set1("a", "lost"))
	s.accept(lost) // (e1, 2), seq 2
	lost = *s.find(lost.ID)
	s.epoch("e1b") // a restart
	r := s.pulled()
	over := r.edit("over", 11, set1("a", "over"))
	backup.epochs.All["e1b"] = s.epochs.All["e1b"] // learnt from a cursor
	backup.epoch("e2")
	backup.accept(lost)
	backup.accept(over)
	if got := backup.row().Cell("a").Heads; !slices.Equal(got, ids("lost", "over")) {
		t.Errorf("heads %v", got)
	}
}

// 12. A courier receipt overtakes an answer computed earlier: the author's words never blink out. A change stays laid over while its label in
// the row's epoch is absent or above the row's rev; whatever is pulled meanwhile, the next edit has seen it, and nobody's item comes of it.
func TestHistory12ReceiptOvertakesAnAnswer(t *testing.T) {
	s := created(t, set1("a", "p"), set1("b", "p"))
	phone, other := s.pulled(), s.pulled()
	s.accept(other.edit("other", 10, set1("b", "theirs")))
	answer := s.pulled() // computed now, on its way
	mine := phone.lay("mine", 11, set1("a", "mine"))
	s.accept(mine)
	mine = *s.find(mine.ID) // the receipt: the label
	phone.laid[0] = mine
	laidOver := func(v RowVersion, at syncproto.Label) bool {
		i := slices.IndexFunc(v.Labels, func(l syncproto.Label) bool { return l.Epoch == at.Epoch })
		return i < 0 || v.Labels[i].Rev > at.Rev
	}
	shows := func() schema.Value { // what the phone shows of a: the row, and what is laid over it
		at := slices.DeleteFunc(slices.Clone(s.versions), func(v RowVersion) bool { return v.Labels[0].Rev > phone.at.Rev })
		shown := Row(s.book, testTable, at, s.epochs).Cell("a").Value
		for _, v := range phone.laid {
			if laidOver(v, phone.at) {
				shown = v.Cells[0].Value
			}
		}
		return shown
	}
	for _, row := range []screen{phone, answer, s.pulled()} { // before the answer, behind it, after the next one
		phone.at, phone.open = row.at, row.open
		if got := shows(); got != schema.Text("mine") {
			t.Errorf("at rev %d the phone shows %v", row.at.Rev, got)
		}
		over := phone
		over.laid = slices.DeleteFunc(slices.Clone(phone.laid), func(v RowVersion) bool { return !laidOver(v, phone.at) })
		next := s.clone()
		next.accept(over.edit("next", 12, set1("a", "next")))
		wantCell(t, next.row(), "a", schema.Text("next"), "")
		wantItems(t, next.row(), 0)
	}
}

// 13. Base under clocks: latest B over A with B's clock before A's, and C between them, in all orders: one value.
func TestHistory13LatestUnderWrongClocks(t *testing.T) {
	s := created(t)
	one, two := s.pulled(), s.pulled()
	a := one.lay("A", 100, set1("last", "a"))
	b := one.edit("B", 50, set1("last", "b"))
	c := two.edit("C", 75, set1("last", "c"))
	r := sameInAllOrders(t, s, a, b, c)
	wantCell(t, r, "last", schema.Text("b"), "")
	if got := r.Cell("last"); got.Effective != 101 || got.MergedBy != schema.RuleLatest {
		t.Errorf("%+v", got)
	}
}

// 14. A form rendered at rev 5, a sync to 6, then Save: the untouched cells are not written, the touched one is concurrent with 6.
func TestHistory14FormRenderedBeforeASync(t *testing.T) {
	s := created(t, set1("a", "p"), set1("b", "p"))
	form := s.pulled()
	other := s.pulled()
	s.accept(other.edit("other", 10, set1("a", "theirs"), set1("b", "theirs")))
	s.accept(form.edit("save", 11, set1("a", "mine")))
	r := s.row()
	wantCell(t, r, "a", schema.Text("p"), syncproto.ItemCell)
	wantCell(t, r, "b", schema.Text("theirs"), "")
}
