package judge_test

import (
	"path/filepath"
	"testing"

	"minqing/internal/testenv"
	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

// movers is a world in which ann may move a thing from h1 to h2 and bob from h1 to h3, neither to where the other may look.
func movers(t *testing.T, opt store.Options) (w *world, ann, bob *phone) {
	w = mustWorld(t, opt, schematest.Book())
	w.must("admin", w.create("household", "h3", "place", "@v2g", "code", "h3"))
	w.assign("ann", "h2")
	w.assign("bob", "h3")
	ann, bob = w.phone("ann"), w.phone("bob")
	ann.do(w.create("thing", "t", "household", "@h1", "name", "n", "total", 1))
	ann.do(w.create("note", "k", "thing", "@t", "author", "@ann", "text", "asleep"))
	ann.sync()
	bob.sync()
	return w, ann, bob
}

// TestMovesInAllOrders: two people move one row at once, each to where the other may not look, and each of them writes into it as well. Both
// were entitled where it lay when they did so, so whoever comes first both moves are heads of one item, and all that was written is there.
func TestMovesInAllOrders(t *testing.T) {
	for name, postgres := range map[string]bool{"sqlite": false, "postgres": true} {
		t.Run(name, func(t *testing.T) {
			for _, order := range []string{"aabb", "abab", "abba", "bbaa", "baba", "baab"} {
				opt := store.Options{Path: filepath.Join(t.TempDir(), "s.db")}
				if postgres {
					opt = store.Options{DSN: testenv.MustRelaxedPostgres(t)}
				}
				w, ann, bob := movers(t, opt)
				base := w.base("t")
				queues := map[rune][]*syncproto.Change{}
				for _, by := range "ab" {
					p := map[rune]*phone{'a': ann, 'b': bob}[by]
					move := w.update("thing", "t", "household", map[rune]string{'a': "@h2", 'b': "@h3"}[by])
					write := w.update("thing", "t", "total", map[rune]int{'a': 10, 'b': 100}[by])
					move.Base, write.Base = base, base
					first := p.change(move)
					write.Base.Over = []syncproto.Identity{first.Identity()}
					queues[by] = []*syncproto.Change{first, p.change(write)}
				}
				for _, by := range order {
					p := map[rune]*phone{'a': ann, 'b': bob}[by]
					if v := p.push(queues[by][0])[0]; v.Status == syncproto.Refused {
						t.Errorf("%s: %c's change %d: %s %s", order, by, v.Number, v.Code, v.Message)
					}
					queues[by] = queues[by][1:]
				}
				item := w.oneItem(syncproto.ItemCell)
				if len(item.Sides) != 2 || item.Cells[0] != "household" {
					t.Errorf("%s: the item is %+v", order, item)
				}
				w.shows("thing", "t", "household", w.id("h1"))
				w.shows("thing", "t", "total", 111)
				for _, row := range []string{"t", "k"} {
					if r := w.row(row); r.Scope != "household:"+w.id("h1") {
						t.Errorf("%s: %s lies in %s", order, row, r.Scope)
					}
				}
			}
		})
	}
}

// TestLateAfterAMove: who wrote while the row lay where he may look is late when it lies elsewhere as his words arrive; who captured after
// the move is not let in by where it lay once, nor by what he claims to have been shown.
func TestLateAfterAMove(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.assign("ann", "h2")
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n", "total", 1))
		bob.sync()
		shown := w.base("t")
		write := func(delta int) syncproto.Edit {
			e := w.update("thing", "t", "total", delta)
			e.Base = shown
			return e
		}
		before := bob.change(write(10))
		ann.sync()
		ann.wants(ann.do(w.update("thing", "t", "household", "@h2")), syncproto.Applied, "")
		v := bob.push(before)[0]
		bob.wants(v, syncproto.Applied, "")
		if !v.Late || len(v.Labels) != 0 {
			t.Errorf("bob is answered by %+v", v)
		}
		w.shows("thing", "t", "total", 11)
		bob.sync()
		bob.wants(bob.do(write(100)), syncproto.Refused, syncproto.CodeWaits)
		w.shows("thing", "t", "total", 11)
		// There and back again: what counts is where it lay then.
		ann.sync()
		ann.do(w.update("thing", "t", "household", "@h1"))
		bob.sync()
		back := bob.change(write(1000))
		ann.sync()
		ann.do(w.update("thing", "t", "household", "@h2"))
		bob.wants(bob.push(back)[0], syncproto.Merged, "") // beside what bob himself wrote before
		w.shows("thing", "t", "total", 1011)
	})
}

// TestSecretaryOfWhereItLay: a household that goes to another village takes the roles over it along; the work of those who had them before
// is judged by them.
func TestSecretaryOfWhereItLay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		sec := w.phone("sec")
		sec.do(w.create("thing", "t", "household", "@h1", "name", "n", "total", 1))
		sec.sync()
		edit := sec.change(w.update("thing", "t", "total", 2))
		child := sec.change(w.create("secret", "s", "thing", "@t", "id_number", "11010519491231002X"))
		w.must("admin", w.update("household", "h1", "place", "@v2g"))
		for _, v := range sec.push(edit, child) {
			sec.wants(v, syncproto.Applied, "")
			if !v.Late {
				t.Errorf("change %d is not late", v.Number)
			}
		}
		w.shows("thing", "t", "total", 3)
		w.shows("secret", "s", "id_number", "11010519491231002X")
		sec.sync()
		sec.wants(sec.do(w.update("thing", "t", "total", 2)), syncproto.Refused, syncproto.CodeWaits)
	})
}

// TestDeletedBesideAMove: of a deletion and a move beside it the one that comes second finds the row dead or moved. Either way it lies, dead,
// where the move put it, and its living child with it.
func TestDeletedBesideAMove(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.assign("ann", "h2")
		ann, bob := w.phone("ann"), w.phone("bob")
		for i, row := range []string{"moved first", "deleted first"} {
			child := "child of the " + row
			ann.do(w.create("thing", row, "household", "@h1", "name", "n"))
			ann.do(w.create("note", child, "thing", "@"+row, "author", "@ann", "text", "asleep"))
			bob.sync()
			move, gone := ann.change(w.update("thing", row, "household", "@h2")), bob.change(w.remove("thing", row))
			if i == 0 {
				ann.push(move)
				bob.push(gone)
			} else {
				bob.push(gone)
				ann.push(move)
			}
			for _, name := range []string{row, child} {
				if r := w.row(name); r.Scope != "household:"+w.id("h2") || (r.Dead != 0) != (name == row) {
					t.Errorf("%s lies in %s, dead at %d", name, r.Scope, r.Dead)
				}
			}
			if r := w.row(row); string(r.Parent) != w.id("h2") {
				t.Errorf("%s lies beneath %s", row, r.Parent)
			}
			ann.sync()
		}
	})
}

// TestItemsFollow: an item of a row lies where the row does, whichever row above moved: at once, not only when somebody writes to it again.
func TestItemsFollow(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.assign("ann", "h2")
		sec := w.phone("sec")
		sec.do(w.create("thing", "t", "household", "@h1", "name", "n", "grade", "c"))
		sec.do(w.create("secret", "s", "thing", "@t", "id_number", "11010519491231002X"))
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.sync()
		bob.sync()
		one, two := ann.change(w.update("thing", "t", "grade", "a")), bob.change(w.update("thing", "t", "grade", "b"))
		ann.push(one)
		bob.push(two)
		w.must("admin", w.create("thing", "u", "household", "@h2", "name", "u"))
		w.must("admin", w.create("secret", "twin", "thing", "@u", "id_number", "11010519491231002X"))
		lies := func(home string) {
			t.Helper()
			w.sound() // the items of the rows beneath among it
			w.read(func(tx *store.Tx) error {
				items, err := tx.Items("closed_ms = 0 AND row_id = ANY(?)", []string{w.id("t"), w.id("s")})
				of := map[string]string{}
				for _, it := range items {
					of[it.Table] = it.Scope
				}
				if len(items) < 1 || of["thing"] != "household:"+w.id(home) {
					t.Errorf("with t beneath %s the items lie in %v", home, of)
				}
				return err
			})
		}
		lies("h1")
		ann.sync()
		ann.wants(ann.do(w.update("thing", "t", "household", "@h2")), syncproto.Applied, "")
		lies("h2")
		w.submit("admin", w.remove("thing", "t")) // dead, it is moved all the same
		w.submit("admin", w.update("thing", "t", "household", "@h1"))
		lies("h1")
	})
}

// TestBornUnderWhatMoved: in one push a row moves to a house that came from another village, and something is made beneath it. That is counted in
// the village where it lies by then, of which nothing in the push speaks.
func TestBornUnderWhatMoved(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.must("admin", w.create("household", "came", "place", "@v1g", "code", "came"))
		w.assign("ann", "came")
		w.must("admin", w.update("household", "came", "place", "@v2g"))
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
		move := ann.change(w.update("thing", "t", "household", "@came"))
		for _, v := range ann.push(move, ann.change(w.create("note", "k", "thing", "@t", "author", "@ann", "text", "beneath"))) {
			ann.wants(v, syncproto.Applied, "")
		}
		if got := w.row("k").Stream; got != w.id("v2") {
			t.Errorf("it is counted in %s, want %s", got, w.id("v2"))
		}
		w.sound()
	})
}
