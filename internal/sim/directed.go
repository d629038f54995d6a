package sim

import (
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
)

// directed is a history written by hand: what random ones hardly reach, told step by step, with its exact outcome. Where it says that
// things happen in any order, it is run in every one of them.
type directed struct {
	Name string // “merge01 …”: the number is that of MERGE.md
	Text string // what happens and what must come of it
	run  func(s *stage)
}

// directedHistories are all of them, in the order in which they are listed.
func directedHistories() []directed {
	return slices.Concat(mergeHistories, copyHistories, restoreHistories, lostHistories, sweepHistories, deadHistories, designHistories, guardHistories, strangerHistories, peopleHistories, eraseHistories)
}

// Run runs a directed history in all its orders, each held to the invariants at its end; echo, unless nil, gets the traces. It stops at the
// first order that fails.
func (h directed) Run(echo io.Writer) (res result, orders int) {
	same := map[string]string{} // by variant: what must come of it in every order
	res.Counters = counters{}
	var turns, sizes []int
	for {
		s := &stage{turns: turns, same: same}
		one := s.play(h, echo)
		orders++
		res.Counters.Add(one.Counters)
		res.Hash, res.Broken, res.Stack = one.Hash, one.Broken, one.Stack
		if one.Broken != nil {
			one.Broken.Text += fmt.Sprintf(" (%s, choices %v)", h.Name, s.turns)
			return res, orders
		}
		turns, sizes = s.turns, s.sizes
		for len(turns) > 0 && turns[len(turns)-1]+1 == sizes[len(turns)-1] {
			turns = turns[:len(turns)-1]
		}
		if len(turns) == 0 {
			return res, orders
		}
		turns[len(turns)-1]++
	}
}

// stage is a world in which a directed history runs once.
type stage struct {
	*world
	d     *dice
	turns []int             // the choices: those given, then the first of each
	sizes []int             // out of how many each was made
	taken int               // choices made so far
	kind  string            // the variants taken
	same  map[string]string // by kind: what came of it in the orders run before
}

// play runs the history once, and lets everything settle at its end.
func (s *stage) play(h directed, echo io.Writer) (res result) {
	w := newWorld(&history{Seed: 1, Skip: map[int]bool{}, Calm: map[int]bool{}}, echo)
	s.world, s.d = w, newDice(1, 12)
	defer func() {
		if p := recover(); p != nil {
			if w.broken == nil {
				w.broken = &violation{iSound, fmt.Sprintf("panic: %v", p)}
			}
			res.Stack = string(debug.Stack())
		}
		res.Hash, res.Counters, res.Broken = w.trace.sum(), w.count, w.broken
		w.end()
	}()
	w.calm = true
	w.begin()
	w.trace.note("directed: %s", h.Name)
	s.told(h)
	w.settle()
	return res
}

// told runs the steps of a history. What ends otherwise than it must mostly breaks an invariant too, which shows once everything settles:
// then that is what the failure is called by.
func (s *stage) told(h directed) {
	w := s.world
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		outcome := w.broken
		if outcome == nil || outcome.Invariant != iOutcome {
			panic(p)
		}
		defer func() {
			if recover() != nil && w.broken != nil && strings.HasPrefix(w.broken.Invariant, "I") {
				w.broken.Text += "; " + outcome.Text
				panic(w.broken)
			}
			w.broken = outcome
			panic(outcome)
		}()
		w.broken = nil
		w.settle()
	}()
	h.run(s)
}

// choose takes one of n ways; the history is run again for each.
func (s *stage) choose(n int) int {
	if s.taken == len(s.turns) {
		s.turns, s.sizes = append(s.turns, 0), append(s.sizes, n)
	}
	for len(s.sizes) < len(s.turns) {
		s.sizes = append(s.sizes, 0)
	}
	s.sizes[s.taken] = n
	s.taken++
	return s.turns[s.taken-1]
}

// variant is choose for variants that come to different ends.
func (s *stage) variant(n int) int {
	i := s.choose(n)
	s.kind += fmt.Sprint(" ", i)
	return i
}

// chain is what happens in this order.
type chain []func()

// inAllOrders runs chains of steps, interleaved in every way.
func (s *stage) inAllOrders(chains ...chain) {
	for {
		chains = slices.DeleteFunc(chains, func(c chain) bool { return len(c) == 0 })
		switch len(chains) {
		case 0:
			return
		case 1:
			chains[0][0]()
			chains[0] = chains[0][1:]
		default:
			i := s.choose(len(chains))
			chains[i][0]()
			chains[i] = chains[i][1:]
		}
	}
}

// each runs steps in every order.
func (s *stage) each(steps ...func()) {
	var chains []chain
	for _, f := range steps {
		chains = append(chains, chain{f})
	}
	s.inAllOrders(chains...)
}

// sameEveryTime wants rows and the items about them to come to the same in every order of the variant.
func (s *stage) sameEveryTime(rows ...rowRef) {
	var out strings.Builder
	view := s.oracle.View() // the server was held to it
	s.compareServer()
	for _, ref := range rows {
		r := view.Rows[ref.id]
		fmt.Fprintf(&out, "%s %s dead=%v in %s %s", ref.table, ref.id, r.Dead, r.Scope, r.Period)
		for _, name := range slices.Sorted(maps.Keys(r.Cells)) {
			c := r.Cells[name]
			fmt.Fprintf(&out, " %s=%v/%s/%d", name, c.Value, c.Open, len(c.Heads))
		}
		for _, item := range r.Items {
			fmt.Fprintf(&out, " [%s %v %d against %d]", item.Kind, item.Cells, len(item.Heads), len(item.Against))
		}
		out.WriteByte('\n')
	}
	was, ran := s.same[s.kind]
	if ran && was != out.String() {
		s.violate(iOrder, "in this order:\n%sin another:\n%s", out.String(), was)
	}
	s.same[s.kind] = out.String()
}
