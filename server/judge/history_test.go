package judge_test

import (
	"path/filepath"
	"slices"
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// The histories of MERGE.md that live in the server.

// TestHistory7 : R deleted beside a child made under it: an item, the deletion standing; nothing resurrects.
func TestHistory7(t *testing.T) {
	for _, deleteFirst := range []bool{false, true} {
		onBoth(t, func(t *testing.T, w *world) {
			ann, bob := w.phone("ann"), w.phone("bob")
			ann.do(w.create("thing", "r", "household", "@h1", "name", "n"))
			made, gone := ann.change(w.create("note", "k", "thing", "@r", "author", "@ann", "text", "under it")), bob.change(w.remove("thing", "r"))
			if deleteFirst {
				bob.push(gone)
				ann.wants(ann.push(made)[0], syncproto.Conflicted, "")
			} else {
				ann.push(made)
				bob.push(gone)
			}
			item := w.oneItem(syncproto.ItemDelete)
			if item.Row != w.rowID("k") || item.Other != w.rowID("r") {
				t.Errorf("the item is %+v", item)
			}
			w.shows("thing", "r", "name", nil)
			w.shows("note", "k", "text", "under it")
			for p, c := range map[*phone]*syncproto.Change{ann: made, bob: gone} {
				p.wants(p.verdict(c), syncproto.Conflicted, "")
			}
			w.resolve("sec", item.ID, judge.Decision{Keep: true})
			w.noItem()
			w.shows("thing", "r", "name", nil)
			w.shows("note", "k", "text", "under it")
			if v := ann.verdict(made); v.Items[0].Outcome != "kept" {
				t.Errorf("ann hears %+v", v.Items)
			}
		})
	}
}

func TestOrphanGoesOrParentComesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "r", "household", "@h1", "name", "n"))
		ann.do(w.create("note", "k", "thing", "@r", "author", "@ann", "text", "x"), w.create("mark", "m", "thing", "@r", "points", 1))
		gone := ann.change(w.remove("thing", "r"))
		ann.push(gone)
		items := w.items()
		if len(items) != 2 {
			t.Fatalf("%d items, want one for each living child", len(items))
		}
		for _, it := range items {
			if it.Row == w.rowID("m") {
				w.resolve("sec", it.ID, judge.Decision{})
			}
		}
		w.shows("mark", "m", "points", nil)
		w.oneItem(syncproto.ItemDelete)
		if _, err := w.judge.Undo(t.Context(), w.user("admin"), gone.Identity()); err != nil {
			t.Fatal(err)
		}
		w.noItem()
		w.shows("thing", "r", "name", "n")
		w.shows("mark", "m", "points", nil)
	})
}

// Two who delete one row apart stand against its living child both, whoever comes first, and both hear how it ends.
func TestTwoDeletionsStandAgainstOneChild(t *testing.T) {
	for _, bobFirst := range []bool{false, true} {
		onBoth(t, func(t *testing.T, w *world) {
			ann, bob := w.phone("ann"), w.phone("bob")
			ann.do(w.create("thing", "r", "household", "@h1", "name", "n"))
			ann.do(w.create("note", "k", "thing", "@r", "author", "@ann", "text", "x"))
			gone, too := ann.change(w.remove("thing", "r")), bob.change(w.remove("thing", "r"))
			if bobFirst {
				bob.push(too)
				ann.push(gone)
			} else {
				ann.push(gone)
				bob.push(too)
			}
			item := w.oneItem(syncproto.ItemDelete)
			var against []syncproto.Identity
			for _, side := range item.Sides {
				if side.Against {
					against = append(against, side.Change)
				}
			}
			want := []syncproto.Identity{gone.Identity(), too.Identity()}
			slices.Sort(want)
			if slices.Sort(against); !slices.Equal(against, want) {
				t.Errorf("against the child stand %v, want %v", against, want)
			}
			w.resolve("sec", item.ID, judge.Decision{})
			w.noItem()
			for _, v := range []*syncproto.Verdict{ann.verdict(gone), bob.verdict(too)} {
				if v.Status != syncproto.Conflicted || len(v.Items) != 1 || v.Items[0].Outcome != "kept" {
					t.Errorf("the author of a deletion hears %+v", v)
				}
			}
		})
	}
}

func TestDeleteBesideEdit(t *testing.T) {
	for _, deleteFirst := range []bool{false, true} {
		for _, keep := range []bool{false, true} {
			onBoth(t, func(t *testing.T, w *world) {
				ann, bob := w.phone("ann"), w.phone("bob")
				ann.do(w.create("thing", "r", "household", "@h1", "name", "n"))
				edit, gone := ann.change(w.update("thing", "r", "name", "better")), bob.change(w.remove("thing", "r"))
				if deleteFirst {
					bob.push(gone)
					ann.push(edit)
				} else {
					ann.push(edit)
					bob.push(gone)
				}
				item := w.oneItem(syncproto.ItemDelete)
				w.shows("thing", "r", "name", nil)
				w.resolve("admin", item.ID, judge.Decision{Keep: keep})
				w.noItem()
				want, ann1, bob1 := any(nil), "outvoted", "kept"
				if keep {
					want, ann1, bob1 = "better", "kept", "outvoted"
				}
				w.shows("thing", "r", "name", want)
				if a, b := ann.verdict(edit), bob.verdict(gone); a.Items[0].Outcome != ann1 || b.Items[0].Outcome != bob1 {
					t.Errorf("ann hears %+v, bob %+v", a.Items, b.Items)
				}
			})
		}
	}
}

// TestHistory8 : R moves to another scope while child K sleeps: the new holder gets K, the old one loses it.
func TestHistory8(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.assign("ann", "h2")
		ann := w.phone("ann")
		ann.do(w.create("thing", "r", "household", "@h1", "name", "n"))
		ann.do(w.create("note", "k", "thing", "@r", "author", "@ann", "text", "x"))
		before := w.row("k")
		ann.wants(ann.do(w.update("thing", "r", "household", "@h2")), syncproto.Applied, "")
		k, r := w.row("k"), w.row("r")
		if to := "household:" + w.id("h2"); k.Scope != to || r.Scope != to || k.Period != before.Period || k.Label != before.Label || k.Seq <= before.Seq {
			t.Errorf("the child was %+v, is %+v", before, k)
		}
		w.read(func(tx *store.Tx) error {
			left, err := tx.LeftRows("household:"+w.id("h1"), k.Stream, before.Seq, 1<<60)
			if len(left) != 2 {
				t.Errorf("the old scope has marks %+v", left)
			}
			return err
		})
		// An edit by one who holds the old household only is not his to make any more; work captured before is.
		bob := w.phone("bob")
		bob.wants(bob.do(w.update("thing", "r", "total", 1)), syncproto.Refused, syncproto.CodeWaits)
	})
}

// TestHistory9 : n refused, n+1 builds on n's state and leaves with it; n mended: both come back. Mended twice from two copies: the
// second is a plain edit. The mend never waits for what waits for it.
func TestHistory9(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
		base := w.base("t")
		over := func(e syncproto.Edit, cs ...*syncproto.Change) syncproto.Edit {
			e.Base = base
			for _, c := range cs {
				e.Base.Over = append(e.Base.Over, c.Identity())
			}
			return e
		}
		bad := ann.change(w.update("thing", "t", "state", "doing", "grade", "z"))
		next := ann.change(over(w.update("thing", "t", "state", "closed"), bad))
		other := ann.change(over(w.update("thing", "t", "total", 7), bad, next))
		vs := ann.push(bad, next, other)
		ann.wants(vs[0], syncproto.Refused, syncproto.CodeInvalid)
		ann.wants(vs[1], syncproto.Refused, syncproto.CodeWaits)
		if vs[1].Waits != bad.Identity() {
			t.Errorf("n+1 waits for %s", vs[1].Waits)
		}
		ann.wants(vs[2], syncproto.Applied, "")
		w.shows("thing", "t", "state", "open")
		w.shows("thing", "t", "total", 7)
		ann.sync()
		mend := ann.mend(bad, over(w.update("thing", "t", "state", "doing", "grade", "a"), next)) // its base names what waits for it
		ann.wants(ann.push(mend)[0], syncproto.Merged, "")                                        // each has seen the other: the flow decides
		w.noItem()
		w.shows("thing", "t", "state", "closed")
		w.shows("thing", "t", "grade", "a")
		ann.wants(ann.verdict(next), syncproto.Merged, "")
		if v := ann.verdict(bad); v.Status != syncproto.Refused || v.MendedBy != mend.Identity() {
			t.Errorf("the first is now %+v", v)
		}
		heard := ann.heard(0)
		if len(heard) != 2 {
			t.Errorf("ann hears %+v", heard)
		}
		// Mended again from a copy: an edit like any other, concurrent with the first mend.
		copied := w.phone("ann")
		second := copied.mend(bad, over(w.update("thing", "t", "grade", "b")))
		copied.wants(copied.push(second)[0], syncproto.Conflicted, "")
		w.oneItem(syncproto.ItemCell)
	})
}

func TestWaitsForRow(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		bad := ann.change(w.create("thing", "t", "household", "@h1", "name", "n", "grade", "z"))
		child := ann.change(w.create("note", "k", "thing", "@t", "author", "@ann", "text", "x"))
		edit := ann.change(syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: syncproto.OpUpdate,
			Base: syncproto.Base{Epoch: w.base("h1").Epoch, Over: []syncproto.Identity{bad.Identity()}}, Cells: w.cells("thing", "total", 1)})
		vs := ann.push(bad, child, edit)
		ann.wants(vs[1], syncproto.Refused, syncproto.CodeWaits)
		ann.wants(vs[2], syncproto.Refused, syncproto.CodeWaits)
		if vs[1].Waits != bad.Identity() || vs[2].Waits != bad.Identity() {
			t.Errorf("they wait for %q and %q", vs[1].Waits, vs[2].Waits)
		}
		// Another's edit of the row waits for the row, and is not told whose change would make it.
		stranger := bob.change(syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: syncproto.OpUpdate, Base: w.base("h1"), Cells: w.cells("thing", "total", 10)})
		stranger.Edits[0].Base.Rev = 0
		if err := stranger.Seal(); err != nil {
			t.Fatal(err)
		}
		v := bob.push(stranger)[0]
		bob.wants(v, syncproto.Refused, syncproto.CodeWaits)
		if v.Waits != "" {
			t.Errorf("bob hears of %s", v.Waits)
		}
		ann.wants(ann.push(ann.mend(bad, w.create("thing", "t", "household", "@h1", "name", "n", "grade", "a")))[0], syncproto.Applied, "")
		w.shows("note", "k", "text", "x")
		w.shows("thing", "t", "total", 11)
		bob.wants(bob.verdict(stranger), syncproto.Merged, "") // beside ann's +1, by sum
	})
}

// TestHistory11 : restore; the console makes (e, 2) anew while a phone holds another (e, 2) and edits over it: not seen. A refused change
// survives a restore. Two restores in a row.
func TestHistory11(t *testing.T) {
	onBoth(t, restoreHistory)
}

func restoreHistory(t *testing.T, w *world) {
	ann := w.phone("ann")
	ann.do(w.create("thing", "t", "household", "@h1", "name", "one", "total", 1))
	w.backup()
	lost := ann.change(w.update("thing", "t", "name", "two", "total", 10))
	lostVerdict := ann.push(lost)[0]
	refused := ann.change(w.update("thing", "t", "grade", "z"))
	ann.wants(ann.push(refused)[0], syncproto.Refused, syncproto.CodeInvalid)
	ann.sync()
	over := ann.change(w.update("thing", "t", "name", "three", "total", 100))
	for range 2 {
		w.restore()
		w.shows("thing", "t", "name", "one")
		w.must("admin", w.update("thing", "t", "name", "console"))
	}
	if _, err := ann.tryPush(over); stops(err) != syncproto.CodeFork {
		t.Fatalf("a push ahead of the server: %v", err)
	}
	lost.Labels = map[syncproto.RowID][]syncproto.Label{w.rowID("t"): {lostVerdict.Labels[0].Label}}
	out, err := w.judge.Push(t.Context(), judge.Author{Device: ann.id, User: ann.user, Offer: true}, []*syncproto.Change{lost, refused, over})
	if err != nil {
		t.Fatal(err)
	}
	if out.Verdicts[1].Status != syncproto.Refused {
		t.Errorf("the refused change is %+v", out.Verdicts[1])
	}
	// “three” has seen “two”, not the console's word: two heads.
	item := w.oneItem(syncproto.ItemCell)
	if len(item.Sides) != 2 {
		t.Errorf("the item is %+v", item)
	}
	w.shows("thing", "t", "total", 111)
	// Offered once more: nothing changes.
	again, err := w.judge.Push(t.Context(), judge.Author{Device: ann.id, User: ann.user, Offer: true}, []*syncproto.Change{lost, refused, over})
	if err != nil || again.Verdicts[2].Status != out.Verdicts[2].Status {
		t.Errorf("offered again: %+v %v", again, err)
	}
	w.shows("thing", "t", "total", 111)
	w.resolve("admin", item.ID, judge.Decision{Values: map[string]schema.Value{"name": schema.Text("four")}})
	w.noItem()
}

func TestNumberLearntLate(t *testing.T) {
	onBoth(t, learnLate)
}

func learnLate(t *testing.T, w *world) {
	ann, bob := w.phone("ann"), w.phone("bob")
	ann.do(w.create("thing", "t", "household", "@h1", "name", "one"))
	w.backup()
	lost := ann.change(w.update("thing", "t", "name", "two"))
	label := ann.push(lost)[0].Labels[0].Label
	bob.sync()
	over := bob.change(w.update("thing", "t", "name", "three")) // has seen “two” by its number
	w.restore()
	offer := func(p *phone, c *syncproto.Change) {
		t.Helper()
		if _, err := w.judge.Push(t.Context(), judge.Author{Device: p.id, User: p.user, Offer: true}, []*syncproto.Change{c}); err != nil {
			t.Fatal(err)
		}
	}
	offer(ann, lost) // without its label: the answer that brought it was lost
	offer(bob, over)
	w.oneItem(syncproto.ItemCell)
	seq := w.row("t").Seq
	lost.Labels = map[syncproto.RowID][]syncproto.Label{w.rowID("t"): {label}}
	offer(ann, lost)
	w.noItem()
	w.shows("thing", "t", "name", "three")
	if w.row("t").Seq <= seq {
		t.Error("the row does not travel again")
	}
}

// A number that came with a change which had to wait for its row counts once the row is there: whoever saw the change by it is no rival.
func TestNumberOfOneThatWaited(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		sec, ann, bob := w.phone("sec"), w.phone("ann"), w.phone("bob")
		w.backup()
		made := sec.change(w.create("thing", "t", "household", "@h1", "name", "one"))
		madeLabel := sec.push(made)[0].Labels[0].Label
		ann.sync()
		lost := ann.change(w.update("thing", "t", "name", "two"))
		label := ann.push(lost)[0].Labels[0].Label
		bob.sync()
		over := bob.change(w.update("thing", "t", "name", "three")) // has seen “two” by its number
		w.restore()
		for _, o := range []struct {
			p     *phone
			c     *syncproto.Change
			label *syncproto.Label
		}{{ann, lost, &label}, {sec, made, &madeLabel}, {bob, over, nil}} {
			if o.label != nil {
				o.c.Labels = map[syncproto.RowID][]syncproto.Label{w.rowID("t"): {*o.label}}
			}
			if _, err := w.judge.Push(t.Context(), judge.Author{Device: o.p.id, User: o.p.user, Offer: true}, []*syncproto.Change{o.c}); err != nil {
				t.Fatal(err)
			}
		}
		w.noItem()
		w.shows("thing", "t", "name", "three")
	})
}

func TestTwins(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		sec, ann := w.phone("sec"), w.phone("ann")
		sec.do(w.create("household", "a", "place", "@v1g", "code", "七"))
		sec.do(w.create("household", "b", "place", "@v1g", "code", "七"))
		item := w.oneItem(syncproto.ItemTwin)
		if v := sec.verdict(sec.change(w.create("household", "c", "place", "@v1g", "code", "八"))); v.Status != syncproto.Applied {
			t.Errorf("%+v", v)
		}
		w.resolve("sec", item.ID, judge.Decision{})
		w.noItem()
		sec.do(w.update("household", "b", "note", "touched")) // said to be two: not asked again
		w.noItem()
		sec.wants(sec.do(w.create("household", "d", "place", "@v1g", "code", "八")), syncproto.Applied, "")
		item = w.oneItem(syncproto.ItemTwin)
		sec.do(w.create("thing", "t", "household", "@d", "name", "beneath d"))
		sec.do(w.create("note", "n", "thing", "@t", "author", "@sec", "text", "x"))
		w.assign("ann", "d")
		ann.sync()
		toLoser := ann.change(w.update("household", "d", "note", "for d"))
		underLoser := ann.change(w.create("thing", "t2", "household", "@d", "name", "also"))
		merged := w.resolve("admin", item.ID, judge.Decision{Winner: w.rowID("c")})
		w.noItem()
		if r := w.row("n"); r.Scope != "household:"+w.id("c") || w.row("d").Alias != w.rowID("c") || w.row("d").Dead == 0 {
			t.Errorf("after merging: %+v, %+v", r, w.row("d"))
		}
		w.assign("ann", "c")
		vs := ann.push(toLoser, underLoser)
		ann.wants(vs[0], syncproto.Applied, "")
		ann.wants(vs[1], syncproto.Applied, "")
		w.shows("household", "c", "note", "for d")
		w.shows("thing", "t2", "household", w.id("c"))
		if _, err := w.judge.Undo(t.Context(), w.user("admin"), merged.Verdicts[0].Identity); err != nil {
			t.Fatal(err)
		}
		if w.row("d").Alias != "" || w.row("d").Dead != 0 || w.row("n").Scope != "household:"+w.id("d") {
			t.Errorf("after undoing: %+v %+v", w.row("d"), w.row("n"))
		}
		w.oneItem(syncproto.ItemTwin)
	})
}

// A twin that stayed may lie in another village: what comes for the one merged into it counts in the stream there.
func TestTwinsInTwoVillages(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.must("admin", w.create("household", "near", "place", "@v1g", "code", "九"))
		w.must("admin", w.create("household", "far", "place", "@v2g", "code", "九"))
		w.must("admin", w.create("thing", "t", "household", "@far", "name", "there already"))
		w.assign("ann", "near")
		ann := w.phone("ann")
		toLoser := ann.change(w.update("household", "near", "note", "for near"))
		underLoser := ann.change(w.create("thing", "t2", "household", "@near", "name", "also"))
		w.resolve("admin", w.oneItem(syncproto.ItemTwin).ID, judge.Decision{Winner: w.rowID("far")})
		w.assign("ann", "far")
		for _, v := range ann.push(toLoser, underLoser) {
			ann.wants(v, syncproto.Applied, "")
		}
		w.shows("thing", "t2", "household", w.id("far"))
		if got, want := w.row("t2").Stream, w.id("v2"); got != want {
			t.Errorf("born in stream %s, want %s", got, want)
		}
	})
}

func TestMaskedNumberFollows(t *testing.T) {
	w := mustWorld(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")}, schema.Minqing())
	w.must("sec", w.create("resident", "p", "household", "@h1", "name", "张三"), w.create("identity", "i", "resident", "@p", "id_number", "110000190001010012"))
	w.shows("resident", "p", "id_masked", schema.MaskIDNumber("110000190001010012"))
	w.must("sec", w.update("resident", "p", "phone", "13000000000"))
	w.must("admin", w.remove("identity", "i"))
	w.shows("resident", "p", "id_masked", nil)
	w.must("sec", w.create("identity", "j", "resident", "@p", "id_number", "110000190001010012"))
	w.shows("resident", "p", "id_masked", schema.MaskIDNumber("110000190001010012"))
	w.noItem()
}

// TestDeleterIsNotToldOfWhatHeNeverSaw : beneath the row that a cadre deletes lies one that only secretaries see.
func TestDeleterIsNotToldOfWhatHeNeverSaw(t *testing.T) {
	w := mustWorld(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")}, schematest.Book())
	ann, sec := w.phone("ann"), w.phone("sec")
	ann.do(w.create("thing", "r", "household", "@h1", "name", "n"))
	made := sec.change(w.create("secret", "s", "thing", "@r", "id_number", "110000190001010012"))
	sec.push(made)
	v := ann.do(w.remove("thing", "r"))
	if len(v.Items) != 0 {
		t.Errorf("ann hears %+v", v.Items)
	}
	w.oneItem(syncproto.ItemDelete)
	if v := sec.verdict(made); len(v.Items) != 1 {
		t.Errorf("the secretary hears %+v", v)
	}
}
