package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"minqing/schema"
	"minqing/syncproto"
)

// made is what the row is made with, so that the edits of a cell have something to change: a text, and elements to remove.
func made(cell string) []syncproto.CellEdit {
	switch cell {
	case "note":
		return []syncproto.CellEdit{set1(cell, "甲。\n乙。\n丙。\n")}
	case "tags":
		return []syncproto.CellEdit{{Cell: cell, Add: []string{"x", "y"}}}
	}
	return nil
}

// concurrent gives the row that three or more concurrent edits of one cell make. They arrive in groups of these sizes, those left over one
// by one: after each group the server says what the row is, which must leave no trace in what it says at the end.
func concurrent(tb failer, cell string, names []string, edits []syncproto.CellEdit, times []int64, groups ...int) Result {
	d := &driver{tb: tb, s: newStore(tb, cell, "b")}
	d.s.accept(RowVersion{ID: id("create"), Op: syncproto.OpCreate, Cells: made(cell), Corrected: 1})
	base := d.s.pulled()
	for at := 0; at < len(edits); {
		n := 1
		if len(groups) > 0 {
			n, groups = groups[0], groups[1:]
		}
		for end := at + n; at < end; at++ {
			if v := base.edit(names[at], times[at], edits[at]); at == end-1 {
				d.accept(v)
			} else {
				d.s.accept(v)
			}
		}
	}
	return d.s.row()
}

// TestLawsOfTheRules: every rule is commutative and idempotent, and what three edits make depends neither on the order in which they
// arrive nor on the groups. The rules that always decide are associative: the value of two of three edits, taken as one edit, merges with
// the third to the value of all three, whichever two. A text is merged in the order of identities, so that there it is the first two:
// TestTextsThatDoNotMeetAreAssociative has what holds beyond that.
func TestLawsOfTheRules(t *testing.T) {
	for _, cell := range []string{"a", "last", "most", "least", "count", "tags", "note", "state", "once", "derived"} {
		t.Run(cell, func(t *testing.T) {
			joined := 0
			rapid.Check(t, func(rt *rapid.T) {
				d := &driver{tb: rt, s: newStore(rt), texts: []string{"甲。\n乙。\n丙。\n"}, choose: func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") }}
				names := []string{"n1", "n2", "n3"}
				slices.SortFunc(names, func(a, b string) int { return strings.Compare(string(id(a)), string(id(b))) })
				var edits []syncproto.CellEdit
				var times []int64
				for range names {
					edits = append(edits, d.cellEdit(d.s.book.Cell(testTable, cell)))
					times = append(times, int64(10+d.choose(4)))
				}
				all := concurrent(rt, cell, names, edits, times)
				value := all.Cell(cell).Value
				perms := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
				for _, p := range perms {
					groups := [][]int{{1, 1, 1}, {2, 1}, {1, 2}, {3}}[d.choose(4)]
					r := concurrent(rt, cell, pick(names, p), pick(edits, p), pick(times, p), groups...)
					if plainResult(r) != plainResult(all) {
						rt.Fatalf("order %v in groups of %v: %v, in order: %v", p, groups, r.Cell(cell), all.Cell(cell))
					}
				}
				twice := concurrent(rt, cell, append(names, names...), append(edits, edits...), append(times, times...))
				if twice.Cell(cell).Value != value {
					rt.Fatalf("twice: %v, once: %v", twice.Cell(cell).Value, value)
				}
				for _, p := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 2, 0}} {
					if cell == "note" && p[2] != 2 {
						continue
					}
					names, edits, times := pick(names, p), pick(edits, p), pick(times, p)
					two := concurrent(rt, cell, names[:2], edits[:2], times[:2])
					if two.Cell(cell).Open != "" {
						if cell == "note" && all.Cell(cell).Open == "" {
							rt.Fatalf("the first two overlap, yet with the third they are %v", value)
						}
						continue // nothing decides: there is no value of two
					}
					one, at, by := joinTwo(cell, names, edits, times, two)
					r := concurrent(rt, cell, []string{by, names[2]}, []syncproto.CellEdit{one, edits[2]}, []int64{at, times[2]})
					if r.Cell(cell).Value != value || r.Cell(cell).Open != all.Cell(cell).Open {
						rt.Fatalf("(%d+%d)+%d = %v, 0+1+2 = %v", p[0], p[1], p[2], r.Cell(cell), all.Cell(cell))
					}
					joined++
				}
			})
			if joined == 0 {
				t.Error("no two edits were ever taken as one")
			}
		})
	}
}

func pick[T any](list []T, order []int) []T {
	var out []T
	for _, i := range order {
		out = append(out, list[i])
	}
	return out
}

// joinTwo is the merge of two edits as one edit: for a sum both deltas, for a set all additions and removals, else the winner, and of texts
// their merge.
func joinTwo(cell string, names []string, edits []syncproto.CellEdit, times []int64, two Result) (syncproto.CellEdit, int64, string) {
	switch cell {
	case "count":
		return plus(cell, edits[0].Delta+edits[1].Delta), times[0], names[0]
	case "tags":
		return syncproto.CellEdit{Cell: cell, Add: slices.Concat(edits[0].Add, edits[1].Add), Del: slices.Concat(edits[0].Del, edits[1].Del)}, times[0], names[0]
	case "note":
		return syncproto.CellEdit{Cell: cell, Value: two.Cell(cell).Value}, times[0], names[0]
	}
	for i := range 2 {
		if edits[i].Value == two.Cell(cell).Value && two.Cell(cell).Effective == max(times[i], 2) {
			if i == 0 && edits[1].Value == edits[0].Value && times[1] == times[0] && id(names[1]) > id(names[0]) {
				continue
			}
			return edits[i], times[i], names[i]
		}
	}
	return syncproto.CellEdit{Cell: cell, Value: two.Cell(cell).Value}, times[0], names[0]
}

// TestGroupsMergeAsOne: the columns of a group never come from different authors.
func TestGroupsMergeAsOne(t *testing.T) {
	s := created(t)
	one, two := s.pulled(), s.pulled()
	pair := func(x, y schema.Value) syncproto.CellEdit {
		return syncproto.CellEdit{Cell: "pair", Value: schema.Tuple(x, y)}
	}
	r := sameInAllOrders(t, s, one.edit("one", 10, pair(schema.Int(1), schema.Int(9))), two.edit("two", 11, pair(schema.Int(2), schema.Null)))
	wantCell(t, r, "pair", schema.Tuple(schema.Int(2), schema.Null), "")
}

// TestClearedIsAValue: clearing a cell beside a change of it is a conflict under manual, loses under max and min.
func TestClearedIsAValue(t *testing.T) {
	for cell, want := range map[string]syncproto.ItemKind{"a": syncproto.ItemCell, "once": syncproto.ItemCell, "most": "", "least": ""} {
		e := set1(cell, "2026-01-01")
		if cell == "most" {
			e = num(cell, -3)
		}
		s := created(t, e)
		one, two := s.pulled(), s.pulled()
		changed := set1(cell, "2026-02-02")
		if cell == "most" {
			changed = num(cell, -4)
		}
		r := sameInAllOrders(t, s, one.edit("clear", 10, syncproto.CellEdit{Cell: cell}), two.edit("change", 9, changed))
		value := changed.Value
		if want != "" {
			value = e.Value
		}
		wantCell(t, r, cell, value, want)
	}
}

// TestSetAddWins: an addition beside a removal that has not seen it stays; a removal takes what it has seen.
func TestSetAddWins(t *testing.T) {
	tag := func(add, del []string) syncproto.CellEdit {
		return syncproto.CellEdit{Cell: "tags", Add: add, Del: del}
	}
	s := created(t, tag([]string{"x"}, nil))
	one, two := s.pulled(), s.pulled()
	r := sameInAllOrders(t, s, one.edit("again", 10, tag([]string{"x"}, nil)), two.edit("remove", 11, tag(nil, []string{"x"})))
	wantCell(t, r, "tags", schema.Set("x"), "")
	r = sameInAllOrders(t, s, one.edit("add", 10, tag([]string{"y"}, nil)), two.edit("remove", 11, tag(nil, []string{"x"})))
	wantCell(t, r, "tags", schema.Set("y"), "")
}

// TestUndoOfSumAndSet: the inverse, beside whatever came since.
func TestUndoOfSumAndSet(t *testing.T) {
	tag := syncproto.CellEdit{Cell: "tags", Add: []string{"x", "y"}, Del: []string{"z", "w"}}
	s := created(t, plus("count", 1), syncproto.CellEdit{Cell: "tags", Add: []string{"x", "z"}})
	desk, other := s.pulled(), s.pulled()
	c := desk.edit("c", 10, plus("count", 4), tag)
	s.accept(c)
	s.accept(other.edit("other", 11, plus("count", 10), syncproto.CellEdit{Cell: "tags", Add: []string{"y"}}))
	desk = s.pulled()
	u := desk.edit("u", 12, Undo(s.book, testTable, s.versions, s.epochs, c.ID)...)
	u.UndoOf = c.ID
	s.accept(u)
	wantCell(t, s.row(), "count", schema.Int(11), "")
	wantCell(t, s.row(), "tags", schema.Set("x", "y", "z"), "")
}

// TestFlowMoves: compatible concurrent moves end in the state the others lead to; incompatible ones are an item.
func TestFlowMoves(t *testing.T) {
	for _, c := range []struct {
		states []string
		want   string
		open   syncproto.ItemKind
	}{
		{[]string{"working", "paused"}, "paused", ""}, {[]string{"working", "closed", "paused"}, "closed", ""},
		{[]string{"closed", "rejected"}, "open", syncproto.ItemCell}, {[]string{"rejected", "rejected"}, "rejected", ""},
	} {
		s := created(t)
		var list []RowVersion
		for i, state := range c.states {
			p := s.pulled()
			list = append(list, p.edit(fmt.Sprint("move", i), int64(20-i), set1("state", state)))
		}
		wantCell(t, sameInAllOrders(t, s, list...), "state", schema.Text(c.want), c.open)
	}
}

// TestViewIsWhatWasShown: the state an author saw is that of his base, whatever came since.
func TestViewIsWhatWasShown(t *testing.T) {
	s := created(t, set1("state", "working"), set1("a", "p"))
	phone := s.pulled()
	desk := s.pulled()
	s.accept(desk.edit("close", 10, set1("state", "closed")))
	phone.lay("mine", 11, set1("a", "mine"))
	v := phone.edit("next", 12, set1("b", "x"))
	s.accept(phone.laid[0])
	view := View(s.book, testTable, s.versions, s.epochs, v)
	wantCell(t, view, "state", schema.Text("working"), "")
	wantCell(t, view, "a", schema.Text("mine"), "")
	if view.Deleted || !s.row().Cell("a").Value.IsNull() && s.row().Cell("a").Value != schema.Text("p") {
		t.Error("the view must not be the row")
	}
	late := s.pulled()
	wantCell(t, View(s.book, testTable, s.versions, s.epochs, late.edit("late", 13)), "state", schema.Text("closed"), "")
}

// TestFate: each author learns by which rule, and whether his word shows.
func TestFate(t *testing.T) {
	s := created(t, set1("a", "p"))
	one, two := s.pulled(), s.pulled()
	s.accept(one.edit("one", 10, set1("last", "1"), set1("a", "1"), plus("count", 1)))
	s.accept(two.edit("two", 11, set1("last", "2"), set1("a", "2"), plus("count", 1)))
	r := s.row()
	want := Fate{Merges: []CellMerge{{"last", schema.RuleLatest, false}, {"count", schema.RuleSum, true}}, Items: []int{0}}
	if got := r.Fate(id("one")); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	want.Merges[0].Shows = true
	if got := r.Fate(id("two")); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := r.Fate(id("create")); !reflect.DeepEqual(got, Fate{}) {
		t.Errorf("an applied version has no fate to tell: %+v", got)
	}
}

// TestRowIsTotal: nothing a caller can pass makes the package panic.
func TestRowIsTotal(t *testing.T) {
	s := created(t)
	if r := Row(s.book, "no such table", s.versions, s.epochs); len(r.Cells) != 0 || r.Cell("a") != nil {
		t.Error("cells of a table that is not there")
	}
	if r := View(s.book, "no such table", s.versions, s.epochs, s.versions[0]); len(r.Cells) != 0 {
		t.Error("cells of a table that is not there")
	}
	if e := Undo(s.book, "no such table", s.versions, s.epochs, s.versions[0].ID); e != nil {
		t.Error("an undo in a table that is not there")
	}
	if _, _, ok := Fast(s.book, "no such table", State{}, nil, s.versions[0], s.epochs); ok {
		t.Error("the fast path knows no such table")
	}
	if r := Row(s.book, testTable, nil, Epochs{}); r.Deleted || len(r.Items) != 0 || len(r.Cells) != len(s.book.Cells(testTable)) {
		t.Errorf("a row without versions: %+v", r)
	}
	circle := Epochs{Current: "x", All: map[syncproto.EpochID]Epoch{"x": {Parent: "y"}, "y": {Parent: "x"}, "v": {Parent: "w"}, "w": {Parent: "v"}}}
	v := RowVersion{ID: id("odd"), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{set1("tomorrow", "x"), set1("a", "1"), set1("a", "2")},
		Base: syncproto.Base{Epoch: "v", Rev: 9, Over: ids("nobody")}, UndoOf: id("odd"), MendedBy: id("odd"), Mends: id("odd")}
	wantCell(t, Row(s.book, testTable, []RowVersion{v}, circle), "a", schema.Text("1"), "")
	v.UndoOf = ""
	v.Labels = []syncproto.Label{{Epoch: "x", Rev: 3}}
	w := v
	w.ID, w.Base.Epoch = id("even"), "y"
	wantCell(t, Row(s.book, testTable, []RowVersion{v, w}, circle), "a", schema.Text("1"), "")
	// Refused versions that name each other as mends.
	v.Refused, w.Refused, v.MendedBy, w.MendedBy = true, true, w.ID, v.ID
	over := w
	over.ID, over.Refused, over.Base.Over, over.DependsOn = id("over"), false, []syncproto.Identity{v.ID}, []syncproto.Identity{v.ID}
	wantCell(t, Row(s.book, testTable, []RowVersion{v, w, over}, circle), "a", schema.Text("1"), "")
}

// TestSumStaysExact: sums beyond the exact integers of JSON stay at the bound, on both paths, and come back from there.
func TestSumStaysExact(t *testing.T) {
	for sign, bound := range map[int64]int64{1: schema.MaxInt, -1: schema.MinInt} {
		s := created(t, plus("count", bound))
		p := s.pulled()
		s.accept(p.edit("more", 10, plus("count", sign*7)))
		for i := range 20 {
			s.accept(p.edit(fmt.Sprint("n", i), 10, plus("count", bound)))
		}
		wantCell(t, s.row(), "count", schema.Int(bound), "")
		at := s.pulled()
		back := at.edit("back", 11, plus("count", -sign*5))
		s.accept(back)
		before := s.clone()
		before.versions = before.versions[:len(before.versions)-1]
		state := before.row()
		if _, _, ok := Fast(s.book, testTable, state.State, func(c string) schema.Value { return state.Cell(c).Value }, *s.find(back.ID), s.epochs); ok {
			t.Error("at the bound the fast path cannot know the sum")
		}
		for i := range 20 {
			s.accept(p.edit(fmt.Sprint("m", i), 10, plus("count", -bound)))
		}
		wantCell(t, s.row(), "count", schema.Int(bound), "")
		s.accept(p.edit("last", 10, plus("count", -bound)))
		wantCell(t, s.row(), "count", schema.Int(sign*2), "")
	}
}

// TestMendOfAMend: the mend was refused too, and mended: a dependent of the first has seen the mend that was accepted.
func TestMendOfAMend(t *testing.T) {
	s := created(t, set1("a", "p"))
	p := s.pulled()
	n, mend := p.edit("n", 10, set1("a", "bad")), p.edit("mend", 11, set1("a", "bad too"))
	n.MendedBy, mend.MendedBy, mend.Mends = mend.ID, id("second"), n.ID
	dependent := p.edit("dependent", 12, set1("a", "next"))
	dependent.Base.Over, dependent.DependsOn = ids("n"), ids("n")
	s.refuse(n)
	s.refuse(mend)
	second := p.edit("second", 13, set1("a", "good"))
	s.accept(second)
	s.accept(dependent)
	if got := s.row().Cell("a").Heads; !slices.Equal(got, ids("dependent")) {
		t.Errorf("heads %v", got)
	}
}

// TestMendMadeOverItsDependent: a mend was taken back when something had been built on it, and another stands in, made over that: it shows.
func TestMendMadeOverItsDependent(t *testing.T) {
	s := created(t, set1("a", "p"))
	p := s.pulled()
	n, dependent := p.edit("n", 10, set1("a", "bad")), p.edit("dependent", 12, set1("a", "next"))
	dependent.Base.Over, dependent.DependsOn = ids("n"), ids("n")
	s.refuse(n)
	first := p.edit("first", 11, set1("a", "good"))
	first.Mends = n.ID
	s.accept(first)
	s.accept(dependent)
	wantCell(t, s.row(), "a", schema.Text("next"), "")
	s.find(n.ID).MendedBy = ""
	desk := s.pulled()
	decision := desk.edit("decision", 13, set1("a", "p"))
	decision.Decides = []string{"a"}
	s.accept(decision)
	desk = s.pulled()
	again := desk.edit("again", 14, set1("a", "good"))
	again.Mends = n.ID
	s.accept(again)
	r := s.row()
	wantCell(t, r, "a", schema.Text("good"), "")
	wantItems(t, r, 0)
	if got, want := plainResult(r), plainResult(newNaive(s).row()); got != want {
		t.Errorf("Row:\n%s\nnaive:\n%s", got, want)
	}
}

// TestTextBeyondItsBounds: a merge longer than the column, or a history that merges more than the budget, is an item; cleared texts merge
// to null.
func TestTextBeyondItsBounds(t *testing.T) {
	long := strings.Repeat("长", 11000) + "。"
	s := created(t, set1("note", "甲。"))
	one, two := s.pulled(), s.pulled()
	r := sameInAllOrders(t, s, one.edit("one", 10, set1("note", "甲。"+long)), two.edit("two", 11, set1("note", "甲。乙。"+long)))
	wantCell(t, r, "note", schema.Text("甲。"), syncproto.ItemCell)

	s = created(t, set1("note", "甲。乙。"))
	one, two = s.pulled(), s.pulled()
	r = sameInAllOrders(t, s, one.edit("one", 10, syncproto.CellEdit{Cell: "note"}), two.edit("two", 11, set1("note", "甲。")))
	wantCell(t, r, "note", schema.Null, "")

	// Two rewrite the same note day after day, one its first sentence and one its last, and no day has a single head.
	note := func(first, last int) syncproto.CellEdit {
		return set1("note", fmt.Sprintf("第%d天。%s第%d天。", first, strings.Repeat("长", 19000)+"。", last))
	}
	s = created(t, note(0, 0))
	for day := range textBudget/(3*3*19000) + 10 {
		p := screen{at: syncproto.Label{Epoch: "e1", Rev: s.rev}}
		s.accept(p.edit(fmt.Sprint("a", day), 10, note(day+1, day)))
		s.accept(p.edit(fmt.Sprint("b", day), 10, note(day, day+1)))
		if day == 5 {
			wantCell(t, s.row(), "note", note(6, 6).Value, "")
		}
	}
	if c := s.row().Cell("note"); c.Open == "" {
		t.Error("a history beyond the budget must be an item")
	}
}

// TestLockOfAllColumns: a lock that names no columns covers all but the state and what the server derives.
func TestLockOfAllColumns(t *testing.T) {
	s := newStore(t)
	table := s.book.Table(testTable)
	table.Locks[0].Columns = nil
	covered := map[string]bool{}
	for _, cell := range s.book.Cells(testTable) {
		covered[cell.Name] = lockCovers(s.book, table, &table.Locks[0], &cell)
	}
	for name, is := range covered {
		if want := name != "state" && name != "derived"; is != want {
			t.Errorf("%s is covered: %v", name, is)
		}
	}
}

// FuzzRow lets the fuzzer choose a history.
func FuzzRow(f *testing.F) {
	f.Add([]byte("minqing"))
	f.Add([]byte{1, 0, 0, 3, 2, 5, 9, 12, 200, 31, 8, 7, 6, 11, 15, 3, 1, 10, 10, 2, 250, 99, 4, 14, 15, 13, 0, 1, 5, 5})
	f.Fuzz(func(t *testing.T, choices []byte) {
		at := 0
		d := newDriver(t, func(n int) int {
			if at++; at > len(choices) {
				return 0
			}
			return int(choices[at-1]) % n
		})
		d.hostile = d.choose(2) == 0
		for at < len(choices) && d.n < 40 {
			d.step()
		}
		d.check()
	})
}

// TestWhatMustBeThereShowsBesideWhoSawNothing: an edit that has seen nothing of the row, as one carried over from a merged twin, stands beside what the
// row was made with and beside what was written since. Nothing is in common; a cell that must hold something shows what it was made with, any other nothing.
func TestWhatMustBeThereShowsBesideWhoSawNothing(t *testing.T) {
	for _, later := range []bool{false, true} {
		s := created(t, set1("a", "made"), set1("b", "made"))
		blind := RowVersion{ID: id("blind"), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{set1("a", "blind"), set1("b", "blind")}, Corrected: 20}
		if later {
			seen := s.pulled()
			s.accept(seen.edit("later", 10, set1("a", "later"), set1("b", "later")))
		}
		s.accept(blind)
		r := s.row()
		wantCell(t, r, "a", schema.Null, syncproto.ItemCell)
		wantCell(t, r, "b", schema.Text("made"), syncproto.ItemCell)
		wantItems(t, r, 2)
	}
}
