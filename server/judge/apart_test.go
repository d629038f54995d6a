package judge_test

import (
	"slices"
	"testing"

	"minqing/server/judge"
	"minqing/syncproto"
)

// That two households are two is taken back like any decision: they are asked about as before, on the same word and with the same reasons beside, and
// who took it back is on record. Where nothing asks any more, nobody is asked, until they come to be alike, or the one that is gone comes back.
func TestTwinsSaidToBeTwoAreAskedAboutAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.must("admin", w.create("household", "a", "place", "@v1g", "code", "七"), w.create("household", "b", "place", "@v1g", "code", "八"))
		apart := func(id, why string) *judge.Item {
			t.Helper()
			w.resolve("admin", id, judge.Decision{Why: why})
			w.noItem()
			w.sound()
			return w.item(id)
		}
		back := func(id, word string) *judge.Item {
			t.Helper()
			it := w.undoDecision("admin", id)
			if it.Word != word || it.Last != "" || (it.Closed == 0) != (word == "") || it.By != "" {
				t.Errorf("taken back it is %+v", it)
			}
			w.sound()
			return it
		}
		clash := func(what, id, last string) {
			t.Helper()
			if _, err := w.tryUndo("admin", id, last); stops(err) != syncproto.CodeConflict {
				t.Errorf("%s: %v", what, err)
			}
			w.sound()
		}
		item := w.named("admin", "a", "b", "搬家").ID
		it := apart(item, "两户各住")
		if it.Last == "" || it.Said[0].Back {
			t.Errorf("decided it is %+v", it)
		}
		if _, err := w.tryUndo("bob", item, ""); stops(err) != syncproto.CodeNotFound {
			t.Errorf("a cadre takes it back: %v", err)
		}
		it = back(item, "")
		if open := w.oneItem(syncproto.ItemTwin); open.ID != item || it.Named == nil || it.Back != w.user("admin") || len(it.Said) != 1 || !it.Said[0].Back {
			t.Errorf("open again it is %+v", it)
		}
		if told := w.told(it.Named.Change); !slices.Contains(told, "decided undone by "+w.id("admin")) {
			t.Errorf("on record: %q", told)
		}
		clash("what is open", item, "")
		it = apart(item, "确是两户")
		if len(it.Said) != 2 || !it.Said[0].Back || it.Said[1].Back {
			t.Errorf("decided once more its reasons are %+v", it.Said)
		}
		clash("another decision than he saw", item, "x")

		// One is gone, and comes back.
		w.must("admin", w.remove("household", "b"))
		it = back(item, judge.WordMoot)
		if len(it.Said) != 2 || !it.Said[0].Back || !it.Said[1].Back {
			t.Errorf("nobody need decide, and its reasons are %+v", it.Said)
		}
		w.noItem()
		w.must("admin", syncproto.Edit{Table: "household", Row: w.rowID("b"), Op: syncproto.OpUpdate, Base: w.base("b"), Decides: []string{syncproto.ExistenceCell}})
		again := w.oneItem(syncproto.ItemTwin)
		if again.Named == nil || again.Named.Text != "搬家" {
			t.Errorf("one came back, and it is asked %+v", again)
		}
		apart(again.ID, "")
		clash("what was taken back", item, "")

		// Of two of one code their codes tell.
		w.must("admin", w.create("household", "c", "place", "@v1g", "code", "九"), w.create("household", "d", "place", "@v1g", "code", "九"))
		item = w.oneItem(syncproto.ItemTwin).ID
		apart(item, "")
		back(item, "")
		apart(item, "")
		w.must("admin", w.update("household", "d", "code", "十"))
		back(item, judge.WordMoot)
		w.noItem()
		w.must("admin", w.update("household", "d", "code", "九"))
		item = w.oneItem(syncproto.ItemTwin).ID
		apart(item, "")
		named := w.named("admin", "c", "d", "到底是同一户").ID
		clash("while they are asked about", item, "")
		apart(named, "")
		clash("before the later one", item, "")
		back(named, "")
		w.resolve("admin", named, judge.Decision{Winner: w.rowID("c"), Why: "同一户"})
		w.noItem()
		w.sound()
		if it = w.item(named); len(it.Said) != 1 || it.Said[0].Back {
			t.Errorf("merged after all, its reasons are %+v", it.Said)
		}
	})
}
