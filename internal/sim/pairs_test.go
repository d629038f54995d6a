package sim

import (
	"slices"
	"testing"

	"minqing/server/judge"
	"minqing/syncproto"
)

// TestChoicesHangOnNoClock has the administrator of a pair decide between two words, decide once more, and take that back, whatever the clock of
// a phone said: he must choose the same each time. It is in the name of a change, and by these names the server lists the sides of an item.
func TestChoicesHangOnNoClock(t *testing.T) {
	t.Parallel()
	for chosen := range uint64(2) {
		h := directed{Name: "pairs", run: func(s *stage) {
			s.history.Half = true
			t, p, q := aThing(0), s.phone(ann), s.phone(cid)
			p.clock.offset = int64(s.choose(4)) * hour
			s.edit(p, t, "name", "one")
			s.edit(q, t, "name", "two")
			s.sync(p, q)
			s.doDecide(newDice(chosen, 7))
			s.sameEveryTime(t)
			s.kind = "again"
			s.doAgain(newDice(chosen, 8))
			s.sameEveryTime(t)
			s.kind = "back"
			s.doTakeBack(newDice(chosen, 9))
			s.sameEveryTime(t)
		}}
		res, clocks := h.Run(nil)
		if res.Broken != nil {
			t.Fatalf("choice %d: %v\n%s", chosen, res.Broken, res.Stack)
		}
		if res.Counters[cDecisions] < clocks || res.Counters[cAgain] == 0 || res.Counters[cTakenBack] < clocks {
			t.Errorf("choice %d: of %d clocks %d decisions, %d once more and %d taken back", chosen, clocks, res.Counters[cDecisions], res.Counters[cAgain], res.Counters[cTakenBack])
		}
	}
}

// TestPairsListRowsAsTheyWereMade: the ids of rows begin with the time at which a phone made them, by its clock.
func TestPairsListRowsAsTheyWereMade(t *testing.T) {
	w := &world{history: &history{Half: true}, rows: []rowRef{{"thing", "b"}, {"thing", "c"}, {"thing", "a"}}}
	for _, pair := range [][]syncproto.RowID{{"b", "a"}, {"a", "b"}} {
		if got := w.inOrder(pair[0], pair[1]); got[0] != "b" || got[1] != "a" {
			t.Errorf("%v are chosen among as %v", pair, got)
		}
	}
	var got []string
	for _, it := range w.listed([]*judge.Item{{ID: "3", Row: "a", Opened: 5}, {ID: "4", Row: "b", Opened: 6}, {ID: "2", Row: "c", Opened: 5}, {ID: "1", Row: "b", Opened: 5}}) {
		got = append(got, it.ID)
	}
	if want := []string{"1", "2", "3", "4"}; !slices.Equal(got, want) {
		t.Errorf("items are listed as %v, not as %v", got, want)
	}
}
