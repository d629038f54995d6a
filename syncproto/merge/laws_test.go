package merge

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"minqing/schema"
	"minqing/syncproto"
)

// concurrent gives the row that three or more concurrent edits of one cell make.
func concurrent(tb failer, cell string, names []string, edits []syncproto.CellEdit, times []int64) Result {
	s := newStore(tb, cell, "b")
	s.accept(RowVersion{ID: id("create"), Op: syncproto.OpCreate, Corrected: 1})
	base := s.pulled()
	for i, e := range edits {
		s.accept(base.edit(names[i], times[i], e))
	}
	return s.row()
}

// TestLawsOfTheRules: every rule is commutative and idempotent, and the rules that always decide are associative: the value of two of
// three edits, taken as one edit, merges with the third to the value of all three.
func TestLawsOfTheRules(t *testing.T) {
	names := []string{"n1", "n2", "n3"}
	for _, cell := range []string{"a", "last", "most", "least", "count", "tags", "note", "state", "once", "derived"} {
		t.Run(cell, rapid.MakeCheck(func(rt *rapid.T) {
			d := &driver{tb: rt, s: newStore(rt), texts: []string{"甲。\n乙。\n丙。\n"}, choose: func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") }}
			var edits []syncproto.CellEdit
			var times []int64
			for range names {
				edits = append(edits, d.cellEdit(d.s.book.Cell(testTable, cell)))
				times = append(times, int64(10+d.choose(4)))
			}
			all := concurrent(rt, cell, names, edits, times)
			value := all.Cell(cell).Value
			for _, p := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
				r := concurrent(rt, cell, pick(names, p), pick(edits, p), pick(times, p))
				if plainResult(r) != plainResult(all) {
					rt.Fatalf("order %v: %v, in order: %v", p, r.Cell(cell), all.Cell(cell))
				}
			}
			twice := concurrent(rt, cell, append(names, names...), append(edits, edits...), append(times, times...))
			if twice.Cell(cell).Value != value {
				rt.Fatalf("twice: %v, once: %v", twice.Cell(cell).Value, value)
			}
			two := concurrent(rt, cell, names[:2], edits[:2], times[:2])
			if two.Cell(cell).Open != "" || slices.Contains([]string{"tags", "note"}, cell) {
				return // a set's removals and a text's base are not in the value of two
			}
			joined, at, by := joinTwo(cell, names, edits, times, two)
			r := concurrent(rt, cell, []string{by, "n3"}, []syncproto.CellEdit{joined, edits[2]}, []int64{at, times[2]})
			if r.Cell(cell).Value != value || r.Cell(cell).Open != all.Cell(cell).Open {
				rt.Fatalf("(1+2)+3 = %v, 1+2+3 = %v", r.Cell(cell), all.Cell(cell))
			}
		}))
	}
}

func pick[T any](list []T, order []int) []T {
	var out []T
	for _, i := range order {
		out = append(out, list[i])
	}
	return out
}

// joinTwo is the merge of two edits as one edit: for a sum both deltas, else the winner.
func joinTwo(cell string, names []string, edits []syncproto.CellEdit, times []int64, two Result) (syncproto.CellEdit, int64, string) {
	if cell == "count" {
		return plus(cell, edits[0].Delta+edits[1].Delta), times[0], names[0]
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

// TestRowIsTotal: nothing a caller can pass makes Row panic.
func TestRowIsTotal(t *testing.T) {
	s := created(t)
	if r := Row(s.book, "no such table", s.versions, s.epochs); len(r.Cells) != 0 {
		t.Error("cells of a table that is not there")
	}
	if r := Row(s.book, testTable, nil, Epochs{}); r.Deleted || len(r.Items) != 0 || len(r.Cells) != len(s.book.Cells(testTable)) {
		t.Errorf("a row without versions: %+v", r)
	}
	v := RowVersion{ID: id("odd"), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{set1("tomorrow", "x"), set1("a", "1"), set1("a", "2")},
		Base: syncproto.Base{Epoch: "never", Rev: 9, Over: ids("odd", "nobody")}, UndoOf: id("odd"), MendedBy: id("odd"), Mends: id("odd")}
	wantCell(t, Row(s.book, testTable, []RowVersion{v}, Epochs{Current: "x", All: map[syncproto.EpochID]Epoch{"x": {Parent: "y"}, "y": {Parent: "x"}}}), "a", schema.Text("1"), "")
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
