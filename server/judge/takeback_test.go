package judge_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

func (w *world) tryUndo(user, item, last string) (*judge.Item, error) {
	w.t.Helper()
	it, err := w.judge.UndoDecision(w.t.Context(), w.user(user), item, last)
	w.now++
	return it, err
}

func (w *world) undoDecision(user, item string) *judge.Item {
	w.t.Helper()
	it, err := w.tryUndo(user, item, "")
	if err != nil {
		w.t.Fatalf("%+v", err)
	}
	return it
}

func (w *world) item(id string) *judge.Item {
	w.t.Helper()
	it, err := w.judge.ItemByID(w.t.Context(), "", id)
	if err != nil {
		w.t.Fatal(err)
	}
	return it
}

func (w *world) again(user, item, last, value string) error {
	w.t.Helper()
	_, err := w.judge.Reconsider(w.t.Context(), w.user(user), item, last, w.update("thing", "t", "name", value), "再定成 "+value)
	w.now++
	return err
}

// told is the records of a change in the chains.
func (w *world) told(id syncproto.Identity) (kinds []string) {
	w.t.Helper()
	w.read(func(tx *store.Tx) error {
		return tx.Each(func(scan func(...any) error) error {
			var kind string
			err := scan(&kind)
			kinds = append(kinds, kind)
			return err
		}, "SELECT kind FROM mq_chain WHERE identity = ? ORDER BY stream, pos", string(id))
	})
	return kinds
}

// quarrel is an item about the name of the thing t: ann's against bob's.
func (w *world) quarrel() (ann, bob *phone, a, b *syncproto.Change, item *judge.Item) {
	w.t.Helper()
	ann, bob = w.phone("ann"), w.phone("bob")
	ann.do(w.create("thing", "t", "household", "@h1", "name", "old"))
	a, b = ann.change(w.update("thing", "t", "name", "ann's")), bob.change(w.update("thing", "t", "name", "bob's"))
	ann.push(a)
	bob.push(b)
	return ann, bob, a, b, w.oneItem(syncproto.ItemCell)
}

// A decision, made again twice by others, is taken back step by step: each time what was decided before counts again, with who and when, and in the
// end the item is open, with the same words in it. Whoever wrote hears each time; and it can be decided anew.
func TestDecisionsAreTakenBackOneByOne(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob, a, b, item := w.quarrel()
		w.resolve("sec", item.ID, judge.Decision{Pick: b.Identity(), Why: "先听村里的"})
		first := w.item(item.ID)
		for _, x := range []struct{ who, value string }{{"admin", "ann's"}, {"sec", "third"}} {
			if err := w.again(x.who, item.ID, "", x.value); err != nil {
				t.Fatal(err)
			}
			it := w.item(item.ID)
			w.shows("thing", "t", "name", x.value)
			if it.By != w.user(x.who) || it.Closed != w.now-1 || it.Earlier == "" {
				t.Errorf("decided once more as %s: by %s at %d, before by %q", x.value, it.By, it.Closed, it.Earlier)
			}
		}
		outcomes := func(what, ofA, ofB string) {
			t.Helper()
			if va, vb := ann.verdict(a).Items[0].Outcome, bob.verdict(b).Items[0].Outcome; va != ofA || vb != ofB {
				t.Errorf("%s: ann hears %q, bob %q, want %q and %q", what, va, vb, ofA, ofB)
			}
		}
		outcomes("decided three times", "third", "third")
		heard := len(ann.heard(0))
		it := w.undoDecision("admin", item.ID)
		w.shows("thing", "t", "name", "ann's")
		if it.Closed == 0 || it.By != w.user("admin") || it.Earlier != w.user("sec") {
			t.Errorf("the last taken back: %+v", it)
		}
		outcomes("the last taken back", "kept", "outvoted")
		w.sound()
		it = w.undoDecision("sec", item.ID)
		w.shows("thing", "t", "name", "bob's")
		if it.Closed != first.Closed || it.By != first.By || it.Earlier != "" || it.Outcome[b.Identity()] != "kept" {
			t.Errorf("the first counts again: %+v, was %+v", it, first)
		}
		outcomes("the first counts again", "outvoted", "kept")
		w.sound()
		it = w.undoDecision("sec", item.ID)
		w.shows("thing", "t", "name", "old")
		open := w.oneItem(syncproto.ItemCell)
		if open.ID != item.ID || it.Closed != 0 || len(open.Sides) != 2 || open.Back != w.user("sec") || open.By != "" || open.Opened != item.Opened {
			t.Errorf("open again: %+v", open)
		}
		outcomes("open again", "", "")
		if len(ann.heard(0)) != heard {
			t.Errorf("ann hears of %d changes, want %d", len(ann.heard(0)), heard)
		}
		if len(w.item(item.ID).Said) != 3 {
			t.Errorf("the reasons are gone: %+v", w.item(item.ID).Said)
		}
		w.sound()
		if _, err := w.tryUndo("sec", item.ID, ""); stops(err) != syncproto.CodeConflict {
			t.Errorf("taken back once too often: %v", err)
		}
		// What is open again stays so when something else of the row is written, and closes by a decision.
		ann.do(w.update("thing", "t", "newest", "x"))
		w.submit("", syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: syncproto.OpUpdate, Cells: w.cells("thing", "total", 3)})
		beside := ann.change(w.update("thing", "t", "newest", "y"))
		bob.do(w.update("thing", "t", "newest", "z"))
		ann.push(beside) // by the long way
		if open := w.oneItem(syncproto.ItemCell); open.ID != item.ID {
			t.Errorf("another item: %+v", open)
		}
		out := w.resolve("admin", item.ID, judge.Decision{Pick: a.Identity()})
		if v := out.Verdicts[0]; v.Status != syncproto.Applied {
			t.Errorf("decided anew: %+v", v)
		}
		w.noItem()
		w.shows("thing", "t", "name", "ann's")
		outcomes("decided anew", "kept", "outvoted")
		if kinds := w.told(out.Verdicts[0].Identity); !slices.Contains(kinds, "resolved") {
			t.Errorf("on record: %q", kinds)
		}
		if len(w.item(item.ID).Said) != 3 {
			t.Errorf("decided anew, the reasons are gone: %+v", w.item(item.ID).Said)
		}
	})
}

// Taking a decision back is put on record, with who did it; who may not decide may not take back.
func TestTakingBackIsOnRecord(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		_, _, _, b, item := w.quarrel()
		change := w.resolve("sec", item.ID, judge.Decision{Pick: b.Identity()}).Verdicts[0].Identity
		if _, err := w.tryUndo("bob", item.ID, ""); stops(err) != syncproto.CodeNotFound {
			t.Errorf("a cadre takes it back: %v", err)
		}
		w.undoDecision("admin", item.ID)
		if kinds := w.told(change); !slices.Contains(kinds, "decided undone by "+w.id("admin")) {
			t.Errorf("on record: %q", kinds)
		}
		var undo syncproto.UserID
		w.read(func(tx *store.Tx) error {
			_, err := tx.One("SELECT author FROM mq_history WHERE undo_of = ?", []any{string(change)}, &undo)
			return err
		})
		if undo != w.user("admin") {
			t.Errorf("the history tells of %q", undo)
		}
		// A stranger's hand in what stands beside an item that is open again is found, as in one that is closed.
		if err := w.store.Write(t.Context(), func(tx *store.Tx) error {
			return tx.Exec(`UPDATE mq_item SET outcome = '{"said":[{"change":"x","user":"y","at":1,"text":"z"}]}' WHERE id = ?`, item.ID)
		}); err != nil {
			t.Fatal(err)
		}
		if r, err := w.judge.VerifyChain(t.Context()); err != nil || len(r.Broken) != 1 {
			t.Errorf("a reason added to an open item: %+v %v", r, err)
		}
		if err := w.store.Write(t.Context(), func(tx *store.Tx) error { return tx.Exec(`UPDATE mq_item SET outcome = '' WHERE id = ?`, item.ID) }); err != nil {
			t.Fatal(err)
		}
	})
}

// Somebody wrote into the cell since: what takes the decision back stands beside that, in the same item, as every undo.
func TestTakingBackBesideWhatCameSince(t *testing.T) {
	for _, again := range []bool{false, true} {
		onBoth(t, func(t *testing.T, w *world) {
			ann, _, a, b, item := w.quarrel()
			w.resolve("sec", item.ID, judge.Decision{Pick: b.Identity()})
			if again {
				if err := w.again("sec", item.ID, "", "ann's"); err != nil {
					t.Fatal(err)
				}
			}
			since := ann.change(w.update("thing", "t", "name", "since"))
			ann.push(since)
			w.shows("thing", "t", "name", "since")
			w.undoDecision("admin", item.ID)
			open := w.oneItem(syncproto.ItemCell)
			if open.ID != item.ID || len(open.Sides) != 2 || !slices.ContainsFunc(open.Sides, func(s judge.Side) bool { return s.Change == since.Identity() }) {
				t.Errorf("open again: %+v", open)
			}
			if v := ann.verdict(a); v.Items[0].Outcome != "" {
				t.Errorf("ann hears %+v", v.Items)
			}
			w.resolve("admin", item.ID, judge.Decision{Pick: since.Identity()})
			w.noItem()
			w.shows("thing", "t", "name", "since")
		})
	}
}

// Two administrators at once, and a page that is not of now.
func TestTakingBackWhatSomebodyElseChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		_, _, _, b, item := w.quarrel()
		w.resolve("sec", item.ID, judge.Decision{Pick: b.Identity()})
		seen := w.item(item.ID).Last
		if seen == "" {
			t.Fatal("the decision has no name")
		}
		if err := w.again("admin", item.ID, seen, "ann's"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.tryUndo("sec", item.ID, seen); stops(err) != syncproto.CodeConflict {
			t.Errorf("taken back is what the page did not show: %v", err)
		}
		if err := w.again("sec", item.ID, seen, "third"); stops(err) != syncproto.CodeConflict {
			t.Errorf("decided once more over what the page did not show: %v", err)
		}
		w.shows("thing", "t", "name", "ann's")
		seen = w.item(item.ID).Last
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, who := range []string{"sec", "admin"} {
			user := w.user(who)
			both.Go(func() { _, errs[i] = w.judge.UndoDecision(t.Context(), user, item.ID, seen) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || stops(errs[0])+stops(errs[1]) != syncproto.CodeConflict {
			t.Errorf("both at once: %v, %v", errs[0], errs[1])
		}
		w.shows("thing", "t", "name", "bob's")
		// One takes it back while the other decides once more about what was shown as decided.
		w.now++
		seen = w.item(item.ID).Last
		w.undoDecision("sec", item.ID)
		if err := w.again("admin", item.ID, seen, "third"); stops(err) != syncproto.CodeConflict {
			t.Errorf("decided once more what is open: %v", err)
		}
		w.shows("thing", "t", "name", "old")
		w.oneItem(syncproto.ItemCell)
	})
}

// The row died since, or the household has gone elsewhere.
func TestTakingBackWhereTheRowHasGone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, _, _, b, item := w.quarrel()
		w.resolve("sec", item.ID, judge.Decision{Pick: b.Identity()})
		w.must("admin", w.update("household", "h1", "place", "@v2g"))
		if _, err := w.tryUndo("sec", item.ID, ""); stops(err) != syncproto.CodeNotFound {
			t.Errorf("of another village: %v", err)
		}
		w.undoDecision("admin", item.ID)
		w.oneItem(syncproto.ItemCell)
		w.sound() // the item lies where its row lies
		w.must("admin", w.update("household", "h1", "place", "@v1g"))
		w.sound()
		ann.do(w.remove("thing", "t")) // by the short way
		w.noItem()
		w.must("admin", syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: syncproto.OpUpdate, UndoOf: w.last.Verdicts[0].Identity, Base: w.base("t")})

		ann2 := w.phone("ann")
		ann2.do(w.create("thing", "u", "household", "@h1", "name", "old"))
		x, y := ann2.change(w.update("thing", "u", "name", "x")), w.phone("bob").change(w.update("thing", "u", "name", "y"))
		ann2.push(x)
		w.phone("bob").push(y)
		item = w.oneItem(syncproto.ItemCell)
		w.resolve("sec", item.ID, judge.Decision{Pick: x.Identity()})
		ann2.do(w.remove("thing", "u"))
		if _, err := w.tryUndo("sec", item.ID, ""); stops(err) != syncproto.CodeConflict {
			t.Errorf("of a row that is gone: %v", err)
		}
		w.noItem()
	})
}

// Of an edit that met a state which forbids it, of a rule over two cells, and of a deletion beside an edit: what showed while it was open shows again.
func TestTakingBackOfEveryKind(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob, sec := w.phone("ann"), w.phone("bob"), w.phone("sec")
		ann.do(w.create("thing", "s", "household", "@h1", "name", "n"))
		ann.do(w.update("thing", "s", "state", "doing"))
		edit, move := ann.change(w.update("thing", "s", "name", "edited")), bob.change(w.update("thing", "s", "state", "closed"))
		ann.push(edit)
		bob.push(move)
		state := w.oneItem(syncproto.ItemState)
		w.resolve("admin", state.ID, judge.Decision{Pick: edit.Identity()})
		w.shows("thing", "s", "name", "edited")
		w.undoDecision("admin", state.ID)
		w.shows("thing", "s", "name", "n")
		w.shows("thing", "s", "state", "closed")
		if open := w.oneItem(syncproto.ItemState); open.ID != state.ID || len(open.Sides) != 2 {
			t.Errorf("of a state: %+v", open)
		}
		w.sound()
		w.resolve("admin", state.ID, judge.Decision{Pick: edit.Identity()})
		w.noItem()
		w.shows("thing", "s", "name", "edited")

		ann.do(w.create("thing", "r", "household", "@h1", "name", "n", "begins", "2025-03-10", "ends", "2025-06-20"))
		one, two := ann.change(w.update("thing", "r", "begins", "2025-06-10")), bob.change(w.update("thing", "r", "ends", "2025-05-01"))
		ann.push(one)
		bob.push(two)
		rule := w.oneItem(syncproto.ItemRowRule)
		w.resolve("admin", rule.ID, judge.Decision{Pick: one.Identity()})
		w.shows("thing", "r", "begins", "2025-06-10")
		w.undoDecision("admin", rule.ID)
		w.shows("thing", "r", "begins", "2025-03-10")
		w.shows("thing", "r", "ends", "2025-06-20")
		w.oneItem(syncproto.ItemRowRule)
		w.sound()
		// A third writes one of the cells beside what took it back: the item follows, and stays the same.
		w.resolve("admin", rule.ID, judge.Decision{Pick: two.Identity()})
		w.shows("thing", "r", "ends", "2025-05-01")
		w.noItem()

		// What is gathered goes back by as much as the decision let in.
		ann.do(w.create("thing", "q", "household", "@h1", "name", "n", "tags", []string{"red"}))
		ann.do(w.update("thing", "q", "state", "doing"))
		more, shut := ann.change(w.update("thing", "q", "tags", []string{"green"})), bob.change(w.update("thing", "q", "state", "closed"))
		ann.push(more)
		bob.push(shut)
		for range 2 {
			set := w.oneItem(syncproto.ItemState)
			w.resolve("admin", set.ID, judge.Decision{Pick: more.Identity()})
			w.shows("thing", "q", "tags", schema.Set("green", "red"))
			w.undoDecision("admin", set.ID)
			w.shows("thing", "q", "tags", schema.Set("red"))
			w.sound()
		}
		w.resolve("admin", w.oneItem(syncproto.ItemState).ID, judge.Decision{Pick: shut.Identity()})
		w.noItem()
		w.shows("thing", "q", "tags", schema.Set("red"))

		for _, keep := range []bool{false, true} {
			id := fmt.Sprint("d", keep)
			ann.do(w.create("thing", id, "household", "@h1", "name", "n"))
			edit, gone := ann.change(w.update("thing", id, "name", "edited")), sec.change(w.remove("thing", id))
			ann.push(edit)
			sec.push(gone)
			item := w.oneItem(syncproto.ItemDelete)
			if v := w.resolve("admin", item.ID, judge.Decision{Keep: keep}).Verdicts[0]; v.Status != syncproto.Applied {
				t.Fatalf("kept %v: %+v", keep, v)
			}
			w.noItem()
			w.undoDecision("admin", item.ID)
			if open := w.oneItem(syncproto.ItemDelete); open.ID != item.ID || w.row(id).Dead == 0 || open.Back != w.user("admin") {
				t.Errorf("kept %v, taken back: %+v, dead %d", keep, open, w.row(id).Dead)
			}
			w.sound()
			w.resolve("admin", item.ID, judge.Decision{Keep: true})
			w.noItem()
			w.shows("thing", id, "name", "edited")
			w.sound()
			if v := ann.verdict(edit); v.Items[0].Outcome != "kept" {
				t.Errorf("ann hears %+v", v.Items)
			}
		}
	})
}

// tooLate is a change of two things that came after the grace period.
func (w *world) tooLate() (ann *phone, c *syncproto.Change, item *judge.Item) {
	w.t.Helper()
	ann = w.phone("ann")
	ann.do(w.create("thing", "t", "household", "@h1", "name", "n", "total", 1))
	ann.sync()
	c = ann.change(w.update("thing", "t", "name", "too late", "total", 4), w.create("thing", "made", "household", "@h1", "name", "made"))
	w.must("admin", w.update("assignment", "ann-h1", "until", "2026-11-01"))
	w.now += 31 * day
	ann.wants(ann.push(c)[0], syncproto.Refused, syncproto.CodeLate)
	return ann, c, w.oneItem(syncproto.ItemLate)
}

// Late work that was taken is taken back: each row is as it was, the item open, its author told; taken once more it counts once more, and so on.
func TestLateWorkTakenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, c, item := w.tooLate()
		for range 2 {
			w.resolve("sec", item.ID, judge.Decision{Keep: true, Why: "看过了"})
			w.noItem()
			w.shows("thing", "t", "name", "too late")
			w.shows("thing", "t", "total", 5)
			w.shows("thing", "made", "name", "made")
			if v := ann.verdict(c); v.Status == syncproto.Refused || v.Items[0].Outcome != "kept" {
				t.Errorf("taken, ann hears %+v", v)
			}
			w.sound()
			it := w.undoDecision("sec", item.ID)
			w.shows("thing", "t", "name", "n")
			w.shows("thing", "t", "total", 1)
			if w.row("made").Dead == 0 {
				t.Error("what it made is there still")
			}
			if open := w.oneItem(syncproto.ItemLate); open.ID != item.ID || it.Closed != 0 || open.Back != w.user("sec") || len(open.Sides[0].Cells) != 2 {
				t.Errorf("open again: %+v", open)
			}
			if v := ann.verdict(c); v.Items[0].Outcome != "" || len(v.Items) != 1 {
				t.Errorf("taken back, ann hears %+v", v.Items)
			}
			if kinds := w.told(c.Identity()); !slices.Contains(kinds, "decided undone by "+w.id("sec")) {
				t.Errorf("on record: %q", kinds)
			}
			w.sound()
		}
		// Left refused after all, and that taken back too.
		w.resolve("admin", item.ID, judge.Decision{})
		w.noItem()
		w.shows("thing", "t", "name", "n")
		if v := ann.verdict(c); v.Items[0].Outcome != "outvoted" {
			t.Errorf("ann hears %+v", v.Items)
		}
		w.sound()
		w.undoDecision("admin", item.ID)
		w.resolve("admin", item.ID, judge.Decision{Keep: true})
		w.shows("thing", "t", "name", "too late")
		w.shows("thing", "t", "total", 5)
	})
}

// Where somebody wrote since, taking it back is an item as every undo; a row that is gone stays gone.
func TestLateWorkTakenBackBesideWhatCameSince(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		_, _, item := w.tooLate()
		w.resolve("sec", item.ID, judge.Decision{Keep: true})
		w.must("admin", w.update("thing", "t", "name", "since"))
		w.must("admin", w.remove("thing", "made"))
		w.undoDecision("sec", item.ID)
		w.shows("thing", "t", "total", 1)
		items := w.items()
		if len(items) != 2 || !slices.ContainsFunc(items, func(it *judge.Item) bool { return it.ID == item.ID }) ||
			!slices.ContainsFunc(items, func(it *judge.Item) bool { return it.Kind == syncproto.ItemCell && len(it.Sides) == 2 }) {
			t.Errorf("%d items are open", len(items))
		}
		if w.row("made").Dead == 0 {
			t.Error("what was deleted is back")
		}
	})
}

// What was returned to its author is withdrawn from him, unless he has acted on it.
func TestReturnedLateWorkTakenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, c, item := w.tooLate()
		w.resolve("sec", item.ID, judge.Decision{})
		w.noItem()
		seen := w.item(item.ID).Last
		w.undoDecision("admin", item.ID)
		if open := w.oneItem(syncproto.ItemLate); open.ID != item.ID {
			t.Errorf("another item: %+v", open)
		}
		v := ann.verdict(c)
		ann.wants(v, syncproto.Refused, syncproto.CodeLate)
		if v.Items[0].Outcome != "" || len(ann.heard(0)) != 1 {
			t.Errorf("ann hears %+v", v.Items)
		}
		if kinds := w.told(c.Identity()); !slices.Contains(kinds, "decided undone by "+w.id("admin")) {
			t.Errorf("on record: %q", kinds)
		}
		w.sound()
		if _, err := w.tryUndo("sec", item.ID, seen); stops(err) != syncproto.CodeConflict {
			t.Errorf("taken back twice: %v", err)
		}
		w.resolve("sec", item.ID, judge.Decision{})
		// He is in charge again, and has sent it once more.
		w.must("admin", w.update("assignment", "ann-h1", "until", "2027-11-01"))
		ann.sync()
		ann.wants(ann.push(ann.mend(c, w.update("thing", "t", "name", "mended")))[0], syncproto.Applied, "")
		if _, err := w.tryUndo("sec", item.ID, ""); stops(err) != syncproto.CodeConflict || !strings.Contains(err.Error(), "mended") {
			t.Errorf("taken back although he has mended it: %v", err)
		}
		w.noItem()
		w.shows("thing", "t", "name", "mended")
	})
}
