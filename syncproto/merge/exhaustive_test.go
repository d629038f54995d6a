package merge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"minqing/schema"
	"minqing/syncproto"
)

// small is one state of the exhaustive search: a row of two cells, two phones, a console.
type small struct {
	s      *store
	phones [2]struct {
		screen
		outbox []RowVersion
	}
	n int
}

func (w *small) clone() *small {
	c := *w
	c.s = w.s.clone()
	for i := range c.phones {
		c.phones[i].laid = slices.Clone(c.phones[i].laid)
		c.phones[i].outbox = slices.Clone(c.phones[i].outbox)
	}
	return &c
}

// values that the search writes, one after the other: so chosen that locks, row rules and merges are met.
var smallEdits = map[string][]syncproto.CellEdit{
	"a": {set1("a", "1"), set1("a", "2"), {Cell: "a"}}, "last": {set1("last", "1"), set1("last", "2")},
	"state": {set1("state", "working"), set1("state", "closed"), set1("state", "rejected")},
	"count": {plus("count", 1), plus("count", 5)}, "note": {set1("note", "甲。乙。"), set1("note", "丙。甲。"), set1("note", "丁。")},
	"tags": {{Cell: "tags", Add: []string{"x"}}, {Cell: "tags", Del: []string{"x"}}},
	"once": {set1("once", "1"), set1("once", "2")}, "most": {num("most", 4), num("most", 2)},
	"low": {num("low", 4), num("low", 1)}, "high": {num("high", 3), num("high", 9)},
}

// move makes one step; false when it changes nothing.
func (w *small) move(op int, cells [2]string) bool {
	w.n++
	edit := func(cell string) syncproto.CellEdit { return smallEdits[cell][w.n%len(smallEdits[cell])] }
	name, at := fmt.Sprintf("n%d", w.n), int64(100-7*w.n) // clocks run backwards
	if op < 8 {
		p := &w.phones[op/4]
		switch op % 4 {
		case 0, 1:
			p.outbox = append(p.outbox, p.lay(name, at, edit(cells[op%4])))
		case 2:
			for _, v := range p.outbox {
				w.s.accept(v)
			}
			done := len(p.outbox) > 0
			p.outbox = nil
			return done
		case 3:
			row := w.s.pulled()
			if p.at == row.at {
				return false
			}
			p.at, p.open = row.at, row.open
			p.laid = slices.Clone(p.outbox)
		}
		return true
	}
	desk := w.s.pulled()
	v := desk.edit(name, at)
	switch op {
	case 8:
		v.Cells = []syncproto.CellEdit{edit(cells[0])}
		v.Roles = testRoles[1:]
	case 9:
		items := w.s.row().Items
		if len(items) == 0 {
			return false
		}
		v.Decides = items[0].Cells
		if items[0].Kind != syncproto.ItemDelete {
			v.Cells = []syncproto.CellEdit{edit(items[0].Cells[0])}
		}
	case 10:
		of := w.s.versions[len(w.s.versions)-1]
		v.UndoOf = of.ID
		v.Cells = Undo(w.s.book, testTable, w.s.versions, w.s.epochs, of.ID)
		if of.Op == syncproto.OpCreate {
			return false
		}
	case 11:
		v.Op = syncproto.OpDelete
	}
	w.s.accept(v)
	return true
}

// TestEveryShortHistory runs every history of five steps of two phones and a console on one row of two cells, for several pairs of
// rules, and holds each to the naive computation.
func TestEveryShortHistory(t *testing.T) {
	for _, cells := range [][2]string{{"a", "last"}, {"a", "state"}, {"count", "state"}, {"note", "once"}, {"tags", "most"}, {"low", "high"}} {
		t.Run(cells[0]+"+"+cells[1], func(t *testing.T) {
			t.Parallel()
			s := newStore(t, cells[:]...)
			create := RowVersion{ID: id("create"), Op: syncproto.OpCreate, Corrected: 5}
			for _, c := range cells {
				if e := smallEdits[c][0]; s.book.Cell(testTable, c).Rule != schema.RuleFlow {
					create.Cells = append(create.Cells, e)
				}
			}
			s.accept(create)
			start := &small{s: s}
			for i := range start.phones {
				start.phones[i].screen = s.pulled()
			}
			n, open := 0, 0
			var search func(w *small, left int, path string)
			search = func(w *small, left int, path string) {
				for op := 0; op < 12 && left > 0; op++ {
					next := w.clone()
					if !next.move(op, cells) {
						continue
					}
					n++
					path := fmt.Sprintf("%s %d", path, op)
					if next.s.seq > w.s.seq { // else the store holds what it held
						r := next.s.row()
						if got, want := plainResult(r), plainResult(newNaive(next.s).row()); got != want {
							t.Fatalf("history%s\nRow:\n%s\nnaive:\n%s", path, got, want)
						}
						open += min(1, len(r.Items))
					}
					search(next, left-1, path)
				}
			}
			search(start, 5, "")
			if n < 40000 || open < n/100 {
				t.Errorf("only %d histories, %d with items", n, open)
			}
			t.Logf("%d histories, %d with items", n, open)
		})
	}
}

// TestConcurrentChangesInAllOrders gives concurrent changes of several phones, chains among them, to a store in every causal order:
// same values, same items.
func TestConcurrentChangesInAllOrders(t *testing.T) {
	items, deliveries := 0, 0
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 1))
		d := newDriver(t, random.IntN)
		for range random.IntN(12) {
			d.step()
		}
		for _, p := range d.phones {
			d.push(p)
			if random.IntN(2) == 0 {
				d.pull(p)
			}
		}
		var list []RowVersion
		for len(list) < 5 {
			p := some(d, d.phones)
			v := p.edit(d.name(), int64(random.IntN(60)), d.cells()...)
			switch random.IntN(8) {
			case 0:
				v.Op, v.Cells = syncproto.OpDelete, nil
			case 1:
				v.Cells = []syncproto.CellEdit{set1("state", "closed")}
			case 2:
				v.UndoOf = some(d, d.s.versions).ID
			case 3:
				v.Cells = []syncproto.CellEdit{num("low", 4), num("high", 4)}[random.IntN(2):][:1]
			}
			p.laid = append(p.laid, v)
			list = append(list, v)
		}
		first := ""
		orders(d.s, list, func(order string, s *store) {
			deliveries++
			r := s.row()
			got := plainResult(r)
			if first == "" {
				first = got
				items += len(r.Items)
			}
			if got != first {
				t.Fatalf("seed %d order%s:\n%s\nanother order:\n%s", seed, order, got, first)
			}
		})
	}
	t.Logf("%d items, %d deliveries", items, deliveries)
	if items < 100 || deliveries < 5000 {
		t.Errorf("%d items in %d deliveries: the histories are too tame", items, deliveries)
	}
}

// TestManySeeds is TestRandomHistories with evenly spread choices.
func TestManySeeds(t *testing.T) {
	for seed := range uint64(2500) {
		random := rand.New(rand.NewPCG(seed, 2))
		d := newDriver(t, random.IntN)
		d.hostile = seed%5 == 0
		for range 4 + random.IntN(30) {
			d.step()
		}
		for _, p := range d.phones {
			d.push(p)
		}
		d.check()
	}
}
