package merge

import (
	"slices"
	"testing"

	"minqing/schema"
	"minqing/syncproto"
)

// fastAgrees accepts v, and tells whether Fast answered; where it does it must have said what Row says.
func fastAgrees(t *testing.T, s *store, v RowVersion) bool {
	t.Helper()
	d := &driver{tb: t, s: s}
	d.accept(v)
	return d.fast > 0
}

// TestFastAnswersTheUsual: an edit over the newest row, and one over an older row whose cell nobody has touched since.
func TestFastAnswersTheUsual(t *testing.T) {
	s := newStore(t)
	if !fastAgrees(t, s, RowVersion{ID: id("create"), Op: syncproto.OpCreate, Corrected: 1, Cells: []syncproto.CellEdit{set1("a", "p"), plus("count", 2)}}) {
		t.Error("a creation is usual")
	}
	older := s.pulled()
	newest := s.pulled()
	if !fastAgrees(t, s, newest.edit("newest", 10, set1("b", "1"), plus("count", 3))) {
		t.Error("an edit over the newest row is usual")
	}
	if !fastAgrees(t, s, older.edit("older", 11, set1("last", "1"))) {
		t.Error("an edit of a cell that nobody touched since is usual")
	}
	if fastAgrees(t, s, older.edit("beside", 12, set1("b", "2"))) {
		t.Error("an edit beside another is not")
	}
	s.epoch("e2")
	if !fastAgrees(t, s, older.edit("over a restart", 12, set1("once", "1"))) {
		t.Error("a restart changes nothing")
	}
	end := s.pulled()
	d := end.edit("delete", 13)
	d.Op = syncproto.OpDelete
	if fastAgrees(t, s, d) { // b has an open item that this one's author saw as open
		t.Error("a deletion beside an open item is not usual")
	}
}

// TestFastIsSilentWhenUnsure: what can touch versions that Fast does not know, it leaves to Row.
func TestFastIsSilentWhenUnsure(t *testing.T) {
	// An update that decides the existence writes it.
	s := created(t, set1("a", "p"))
	p := s.pulled()
	v := p.edit("alive", 10, set1("a", "1"))
	v.Decides = []string{syncproto.ExistenceCell}
	if fastAgrees(t, s, v) {
		t.Error("a decision")
	}
	// A mend stands in for what an accepted version was made over.
	s = created(t, set1("a", "p"))
	p = s.pulled()
	n := p.lay("n", 10, set1("a", "bad"))
	s.refuse(n)
	over := p.edit("over", 11, set1("a", "next"))
	over.DependsOn = []syncproto.Identity{n.ID}
	s.accept(over)
	at := s.pulled()
	mend := at.edit("mend", 12, set1("b", "1"))
	mend.Mends = n.ID
	if fastAgrees(t, s, mend) {
		t.Error("a mend")
	}
	// A deletion by somebody who saw every cell, but not that the row was brought back.
	s = created(t, set1("a", "p"))
	p = s.pulled()
	first := p.edit("delete", 10)
	first.Op = syncproto.OpDelete
	s.accept(first)
	between := s.pulled()
	back := between.edit("back", 11)
	back.UndoOf = first.ID
	s.accept(back)
	second := between.edit("delete again", 12)
	second.Op = syncproto.OpDelete
	if fastAgrees(t, s, second) {
		t.Error("a deletion beside the row's return")
	}
	if r := s.row(); !r.Deleted || len(r.Items) != 1 {
		t.Errorf("a deletion beside the row's return is an item:\n%s", plainResult(r))
	}
	// A base that names no open cell though one is open.
	s = created(t, set1("a", "p"))
	one, two := s.pulled(), s.pulled()
	s.accept(one.edit("one", 10, set1("a", "1")))
	s.accept(two.edit("two", 10, set1("a", "2")))
	blind := screen{at: s.pulled().at}
	if fastAgrees(t, s, blind.edit("blind", 11, set1("a", "3"))) {
		t.Error("an edit over an open cell")
	}
}

// TestConfirmedDeletionDecidesTheRow: who deletes a row and decides its existence has decided what was open in it.
func TestConfirmedDeletionDecidesTheRow(t *testing.T) {
	for _, confirmed := range []bool{true, false} {
		s := created(t, set1("a", "p"))
		one, two := s.pulled(), s.pulled()
		s.accept(one.edit("one", 10, set1("a", "1")))
		s.accept(two.edit("two", 10, set1("a", "2")))
		desk := s.pulled()
		d := desk.edit("delete", 11)
		d.Op = syncproto.OpDelete
		if confirmed {
			d.Decides = []string{syncproto.ExistenceCell}
		}
		s.accept(d)
		r := s.row()
		if !r.Deleted || (len(r.Items) == 0) != confirmed {
			t.Errorf("confirmed %v:\n%s", confirmed, plainResult(r))
		}
	}
}

// TestBaseBelowItsEpoch: a base of an epoch at a rev below the one at which the epoch took the row over (no store hands that out)
// has seen of the past only what lies below that rev.
func TestBaseBelowItsEpoch(t *testing.T) {
	s := created(t, set1("a", "p"))
	p := s.pulled()
	s.accept(p.edit("two", 10, set1("a", "2")))
	q := s.pulled()
	s.accept(q.edit("three", 11, set1("a", "3")))
	s.epoch("e2")
	for rev, want := range map[uint64]syncproto.ItemKind{3: "", 2: syncproto.ItemCell, 1: syncproto.ItemCell} {
		c := s.clone()
		low := screen{at: syncproto.Label{Epoch: "e2", Rev: rev}}
		c.accept(low.edit("low", 12, set1("a", "low")))
		lower := screen{at: syncproto.Label{Epoch: "e2", Rev: rev}}
		c.accept(lower.edit("lower", 12, set1("a", "low")))
		if got := c.row().Cell("a").Open; got != want {
			t.Errorf("rev %d: open %q, want %q", rev, got, want)
		}
		if got, want := plainResult(c.row()), plainResult(newNaive(c).row()); got != want {
			t.Errorf("rev %d:\n%s\nnaive:\n%s", rev, got, want)
		}
	}
}

// TestTwoRowRules: stepping back for one rule breaks another, whose cells step back in turn.
func TestTwoRowRules(t *testing.T) {
	s := created(t, num("low", 1), num("high", 9), num("cap", 9))
	one, two, three := s.pulled(), s.pulled(), s.pulled()
	r := sameInAllOrders(t, s, one.edit("low", 10, num("low", 5)), two.edit("high", 11, num("high", 4)), three.edit("cap", 12, num("cap", 6)))
	for cell, value := range map[string]int64{"low": 1, "high": 9, "cap": 9} {
		wantCell(t, r, cell, schema.Int(value), syncproto.ItemRowRule)
	}
	wantItems(t, r, 2)
	s.accept(one.edit("low", 10, num("low", 5)))
	s.accept(two.edit("high", 11, num("high", 4)))
	s.accept(three.edit("cap", 12, num("cap", 6)))
	desk := s.pulled()
	v := desk.edit("desk", 13, num("low", 4))
	v.Decides = []string{"low", "high", "cap"}
	s.accept(v)
	r = s.row()
	wantItems(t, r, 0)
	wantCell(t, r, "cap", schema.Int(6), "")
	wantCell(t, r, "high", schema.Int(4), "")
}

// TestRowRuleStepsBackTwice: what all heads had seen breaks the rule by a merge too, so what showed before that shows.
func TestRowRuleStepsBackTwice(t *testing.T) {
	s := created(t, num("low", 3), num("high", 6))
	one, two := s.pulled(), s.pulled()
	s.accept(one.edit("one", 10, num("low", 5)))
	s.accept(two.edit("two", 11, num("high", 4)))
	blind := screen{at: s.pulled().at} // claims to have seen both, and no item
	r := sameInAllOrders(t, s, blind.edit("three", 12, num("low", 9)), blind.edit("four", 13, num("high", 8)))
	wantCell(t, r, "low", schema.Int(3), syncproto.ItemRowRule)
	wantCell(t, r, "high", schema.Int(6), syncproto.ItemRowRule)
	wantItems(t, r, 1)
}

// TestStateKnowsWhatWasBuiltOn: refused versions count as far as an accepted one was made over them, and through each other. Those that only came
// with the same change, and what they name, leave no trace; nor does a mend that touched another row.
func TestStateKnowsWhatWasBuiltOn(t *testing.T) {
	s := created(t, set1("a", "p"))
	p := s.pulled()
	far, near := p.lay("far", 10, set1("a", "bad")), p.lay("near", 11, set1("a", "worse"))
	far.MendedBy = "of another row"
	s.refuse(far)
	s.refuse(near)
	state := func(versions ...RowVersion) State {
		return Row(s.book, testTable, append(slices.Clone(s.versions), versions...), s.epochs).State
	}
	before := state()
	if len(before.Awaits) > 0 {
		t.Errorf("built on by nobody, they are awaited: %v", before.Awaits)
	}
	over := p.edit("over", 12, set1("b", "1"))
	want := slices.Sorted(slices.Values([]syncproto.Identity{far.ID, near.ID}))
	if got := state(over).Awaits; !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("it was made over %v; awaited are %v", over.Base.Over, got)
	}
}
