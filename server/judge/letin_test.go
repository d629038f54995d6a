package judge_test

import (
	"slices"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

func (w *world) letIn(user string, c *syncproto.Change, how judge.Letting) error {
	w.t.Helper()
	_, err := w.judge.LetIn(w.t.Context(), w.user(user), c.Identity(), how)
	w.now++
	return err
}

func (w *world) weigh(user string, c *syncproto.Change) *judge.Weighed {
	w.t.Helper()
	out, err := w.judge.Weigh(w.t.Context(), w.user(user), c.Identity(), judge.Letting{})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// hinders wants the same word against letting a change in from looking at it and from doing it.
func (w *world) hinders(user string, c *syncproto.Change, code syncproto.Code, words string) {
	w.t.Helper()
	no := w.weigh(user, c).No
	if no == nil || no.Code != code || !strings.Contains(no.Message, words) {
		w.t.Errorf("weighed, it says %+v, want %s “%s”", no, code, words)
	}
	if err := w.letIn(user, c, judge.Letting{}); stops(err) != code || !strings.Contains(err.Error()+no.Message, words) {
		w.t.Errorf("letting it in ends with %v, want %s", err, code)
	}
}

// decided wants what the chain says of who decided about a change.
func (w *world) decided(c *syncproto.Change, want ...string) {
	w.t.Helper()
	w.read(func(tx *store.Tx) error {
		told, err := tx.Decisions([]string{string(c.Identity())})
		got := told[c.Identity()]
		if len(got) != len(want) {
			w.t.Errorf("on record is %q, want %q", got, want)
			return err
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				w.t.Errorf("on record is %q, want %q", got, want)
			}
		}
		return err
	})
}

// TestLetInForbidden: what its author had no right to is let in by somebody who has, in his own name and on the author's behalf; on the author's
// phone and in the inbox it lies open no more, and what waited for it is heard.
func TestLetInForbidden(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		c := ann.change(w.update("household", "h1", "code", "h1b"))
		ann.wants(ann.push(c)[0], syncproto.Refused, syncproto.CodeForbidden)
		if no := w.weigh("admin", c).No; no != nil {
			t.Fatalf("the administrator cannot let it in: %+v", no)
		}
		w.hinders("bob", c, syncproto.CodeForbidden, "不是您管的地方")
		if err := w.letIn("admin", c, judge.Letting{Why: "属实"}); err != nil {
			t.Fatal(err)
		}
		w.shows("household", "h1", "code", "h1b")
		v := ann.verdict(c)
		if v.Status != syncproto.Refused || v.MendedBy == "" || len(v.Items) != 1 || v.Items[0].Outcome != "kept" {
			t.Errorf("ann hears %+v", v)
		}
		w.decided(c, "decided taken by "+w.id("admin"))
		w.read(func(tx *store.Tx) error {
			found, err := tx.Versions("identity = ?", string(v.MendedBy))
			if len(found) != 1 || found[0].Author != w.user("admin") {
				t.Errorf("the history holds %+v", found)
			}
			behalf, e := tx.OnBehalf([]string{string(v.MendedBy)})
			if e != nil || behalf[v.MendedBy] != w.user("ann") {
				t.Errorf("on whose behalf it was: %v %v", behalf, e)
			}
			return err
		})
		w.hinders("admin", c, syncproto.CodeConflict, "已经有人收下")
		if err := w.judge.Return(t.Context(), w.user("admin"), c.Identity(), "x"); stops(err) != syncproto.CodeConflict {
			t.Errorf("returning what was let in: %v", err)
		}
		w.noItem()
		w.sound()
	})
}

// TestLetInMended: a value that is none is mended by whoever lets it in; the row that it makes is its author's, and what built on it comes along.
func TestLetInMended(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		bad := ann.change(w.create("thing", "t", "household", "@h1", "name", "n", "grade", "zz"), w.create("note", "n", "thing", "@t", "author", "@ann", "text", "hers"))
		under := ann.change(w.create("mark", "m", "thing", "@t", "label", "beneath"))
		out := ann.push(bad, under)
		ann.wants(out[0], syncproto.Refused, syncproto.CodeInvalid)
		ann.wants(out[1], syncproto.Refused, syncproto.CodeWaits)
		if g := w.weigh("admin", bad); g.No == nil || !g.Mending || g.Return != nil {
			t.Errorf("weighed: %+v", g)
		}
		w.hinders("admin", bad, syncproto.CodeInvalid, "")
		w.hinders("admin", under, syncproto.CodeWaits, "先定那一条")
		mend := judge.Letting{Write: map[syncproto.RowID]map[string]schema.Value{w.rowID("t"): {"grade": schema.Text("b")}}}
		if err := w.letIn("admin", bad, mend); err != nil {
			t.Fatal(err)
		}
		w.shows("thing", "t", "grade", "b")
		w.shows("note", "n", "author", schema.Text(w.id("ann")))
		w.shows("mark", "m", "label", "beneath")
		if v := ann.verdict(under); v.Status != syncproto.Applied {
			t.Errorf("what waited is %+v", v)
		}
		w.read(func(tx *store.Tx) error { // what she wrote stays whole
			found, err := tx.Changes("identity = ?", string(bad.Identity()))
			if len(found) != 1 || !strings.Contains(string(found[0].Body), `"zz"`) {
				t.Error("what the author wrote is not on record")
			}
			return err
		})
		// Her own mend comes after: an edit like any other.
		m := ann.mend(bad, w.create("thing", "t", "household", "@h1", "name", "n", "grade", "c"))
		if v := ann.push(m)[0]; v.Status == syncproto.Refused {
			t.Errorf("her own mend: %+v", v)
		}
		w.sound()
	})
}

// TestLetInState: what the state forbade its author is let in by whoever may, at the state of now; whoever may not either is told so.
func TestLetInState(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
		c := ann.change(w.update("thing", "t", "state", "closed"))
		ann.wants(ann.push(c)[0], syncproto.Refused, syncproto.CodeState)
		w.hinders("admin", c, syncproto.CodeState, "您也改不了")
		w.must("admin", w.update("thing", "t", "state", "doing"))
		if err := w.letIn("admin", c, judge.Letting{}); err != nil {
			t.Fatal(err)
		}
		w.shows("thing", "t", "state", "closed")
		w.sound()
	})
}

// TestLetInWhatMovedOn: a row that moved on since it was looked at is looked at again; a cell may stay as it shows; sums add up.
func TestLetInWhatMovedOn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n", "total", 1))
		c := ann.change(w.update("thing", "t", "name", "written", "total", 5, "grade", "zz"))
		ann.push(c)
		seen := w.weigh("admin", c).Seen
		w.must("admin", w.update("thing", "t", "name", "meanwhile", "total", 10))
		how := judge.Letting{Seen: seen, Write: map[syncproto.RowID]map[string]schema.Value{w.rowID("t"): {"grade": schema.Text("a")}}}
		if err := w.letIn("admin", c, how); stops(err) != syncproto.CodeConflict {
			t.Fatalf("a row that moved on: %v", err)
		}
		w.shows("thing", "t", "name", "meanwhile")
		how.Seen, how.Leave = nil, map[syncproto.RowID][]string{w.rowID("t"): {"name"}}
		if err := w.letIn("admin", c, how); err != nil {
			t.Fatal(err)
		}
		w.shows("thing", "t", "name", "meanwhile")
		w.shows("thing", "t", "total", 16)
		w.shows("thing", "t", "grade", "a")
		w.noItem()
	})
}

// TestNotLetIn: rows that were deleted, that are not there, tables of tomorrow and late work that somebody left refused.
func TestNotLetIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
		gone := ann.change(w.update("thing", "t", "grade", "zz"))
		nowhere := ann.change(w.update("thing", "u", "name", "x"))
		unknown := ann.change(syncproto.Edit{Table: "tomorrow", Row: w.rowID("x"), Op: syncproto.OpCreate, Cells: []syncproto.CellEdit{{Cell: "a", Value: schema.Text("b")}}})
		foreign := ann.change(w.update("household", "h2", "code", "x"))
		ann.push(gone, nowhere, unknown, foreign)
		w.must("admin", w.remove("thing", "t"))
		w.hinders("admin", gone, syncproto.CodeState, "已经删了")
		w.hinders("admin", nowhere, syncproto.CodeWaits, "还没有")
		w.hinders("admin", unknown, syncproto.CodeUnknown, "不认识")
		w.hinders("sec", foreign, syncproto.CodeForbidden, "不是您管的地方")
		// It waits for a row that is there, and not its author's: whoever decides there may.
		if err := w.letIn("admin", foreign, judge.Letting{}); err != nil {
			t.Errorf("a foreign row: %v", err)
		}
		w.shows("household", "h2", "code", "x")
		w.submit("admin", w.create("thing", "u", "household", "@h1", "name", "n"))
		if v := ann.verdict(nowhere); v.Status == syncproto.Refused {
			t.Errorf("what waited for a row is %+v", v)
		}
		w.sound()
	})
}

// TestReturnedWithWords: what somebody returns stays refused; its author hears what he said, and it can still be let in.
func TestReturnedWithWords(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		c := ann.change(w.update("household", "h1", "code", "h1b"))
		ann.push(c)
		back := func(why string) error {
			w.now++
			return w.judge.Return(t.Context(), w.user("admin"), c.Identity(), why)
		}
		if err := back("户号不能改"); err != nil {
			t.Fatal(err)
		}
		if err := back("again"); stops(err) != syncproto.CodeConflict || w.weigh("admin", c).Return == nil {
			t.Errorf("returned twice: %v", err)
		}
		v := ann.heard(0)
		if len(v) != 1 || v[0].Status != syncproto.Refused || v[0].MendedBy != "" || !strings.Contains(v[0].Message, "户号不能改") || v[0].Items[0].Outcome != "outvoted" {
			t.Errorf("ann hears %+v", v)
		}
		w.decided(c, "decided refused by "+w.id("admin"), "decided reasoned ")
		w.shows("household", "h1", "code", "h1")
		if err := w.letIn("admin", c, judge.Letting{Why: "查实了"}); err != nil {
			t.Fatal(err)
		}
		w.shows("household", "h1", "code", "h1b")
		if v := ann.verdict(c); strings.Contains(v.Message, "户号不能改") || v.MendedBy == "" {
			t.Errorf("ann hears %+v", v)
		}
		w.sound()
	})
}

// TestLateIsLetIn: late work goes by the same two ways.
func TestLateIsLetIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"), w.create("thing", "u", "household", "@h1", "name", "n"))
		ann.sync()
		one, two := ann.change(w.update("thing", "t", "name", "one")), ann.change(w.update("thing", "u", "name", "two"))
		w.must("admin", w.update("assignment", "ann-h1", "until", "2026-11-01"))
		w.now += 31 * day
		ann.push(one, two)
		if g := w.weigh("admin", one); g.Item == "" || g.No != nil || g.Return != nil {
			t.Errorf("weighed: %+v", g)
		}
		if err := w.letIn("admin", one, judge.Letting{Why: "属实"}); err != nil {
			t.Fatal(err)
		}
		if err := w.judge.Return(t.Context(), w.user("admin"), two.Identity(), "太晚了"); err != nil {
			t.Fatal(err)
		}
		w.shows("thing", "t", "name", "one")
		w.shows("thing", "u", "name", "n")
		if v := ann.verdict(two); v.Code != syncproto.CodeLate || !strings.Contains(v.Message, "太晚了") {
			t.Errorf("ann hears %+v", v)
		}
		w.hinders("admin", two, syncproto.CodeConflict, "没有收")
		w.noItem()
		w.sound()
	})
}

// TestLetInIsTakenBack: what was let in goes, and the change is refused as before, open to its author and to whoever decides; so is what was returned.
func TestLetInIsTakenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n", "total", 1))
		c := ann.change(w.update("thing", "t", "total", 5, "grade", "zz"))
		ann.push(c)
		mend := judge.Letting{Why: "属实", Write: map[syncproto.RowID]map[string]schema.Value{w.rowID("t"): {"grade": schema.Text("a")}}}
		back := func() {
			t.Helper()
			closed, err := w.judge.Inbox(t.Context(), judge.Filter{User: w.user("admin"), Closed: true})
			if err != nil || len(closed) == 0 || closed[0].Last == "" {
				t.Fatalf("nothing was decided: %+v %v", closed, err)
			}
			w.now++
			it, err := w.judge.UndoDecision(t.Context(), w.user("admin"), closed[0].ID, closed[0].Last)
			if err != nil || it.Closed == 0 || it.Last != "" {
				t.Fatalf("taken back: %+v %v", it, err)
			}
			w.now++
		}
		for range 2 { // and once more
			if err := w.letIn("admin", c, mend); err != nil {
				t.Fatal(err)
			}
			w.shows("thing", "t", "total", 6)
			back()
			w.shows("thing", "t", "total", 1)
			w.shows("thing", "t", "grade", nil)
			if v := ann.verdict(c); v.Status != syncproto.Refused || v.MendedBy != "" || len(v.Items) != 0 {
				t.Errorf("ann hears %+v", v)
			}
			w.noItem()
			w.sound()
			if err := w.judge.Return(t.Context(), w.user("admin"), c.Identity(), "不对"); err != nil {
				t.Fatal(err)
			}
			back()
			if v := ann.verdict(c); strings.Contains(v.Message, "不对") || len(v.Items) != 0 {
				t.Errorf("ann hears %+v", v)
			}
			w.sound()
		}
		ann.sync()
		ann.wants(ann.push(ann.mend(c, w.update("thing", "t", "total", 5, "grade", "b")))[0], syncproto.Applied, "")
		w.shows("thing", "t", "total", 6)
		w.hinders("admin", c, syncproto.CodeConflict, "已经改好")
	})
}

// TestLetInAgainOverWhatBuiltOnIt: what waited came in with the change, and stays when that is taken back, beside it in an item. Once that is decided,
// the change let in again stands over it: whoever does so has it before him.
func TestLetInAgainOverWhatBuiltOnIt(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"), w.create("thing", "u", "household", "@h1", "name", "n"))
		ann.sync()
		c := ann.change(w.update("thing", "t", "state", "doing"), w.update("thing", "u", "grade", "zz"))
		e := w.update("thing", "t", "state", "closed")
		e.Base.Over = []syncproto.Identity{c.Identity()}
		next := ann.change(e)
		ann.push(c, next)
		mend := judge.Letting{Write: map[syncproto.RowID]map[string]schema.Value{w.rowID("u"): {"grade": schema.Text("a")}}}
		if err := w.letIn("admin", c, mend); err != nil {
			t.Fatal(err)
		}
		w.shows("thing", "t", "state", "closed")
		if v := ann.verdict(next); v.Status == syncproto.Refused {
			t.Fatalf("what waited is %+v", v)
		}
		closed, err := w.judge.Inbox(t.Context(), judge.Filter{User: w.user("admin"), Closed: true})
		if err != nil || len(closed) != 1 {
			t.Fatalf("decided is %+v %v", closed, err)
		}
		w.now++
		w.undoDecision("admin", closed[0].ID)
		w.shows("thing", "t", "state", "open")
		item := w.oneItem(syncproto.ItemCell)
		i := slices.IndexFunc(item.Sides, func(s judge.Side) bool { return s.Change != next.Identity() })
		w.resolve("admin", item.ID, judge.Decision{Pick: item.Sides[i].Change})
		w.noItem()
		w.now++
		if err := w.letIn("admin", c, mend); err != nil {
			t.Fatal(err)
		}
		w.shows("thing", "t", "state", "doing")
		w.shows("thing", "u", "grade", "a")
		w.noItem()
		w.sound()
	})
}

// TestTwoLetItIn: of two who let one change in at once, or of whom one returns it, one is told that the other was faster.
func TestTwoLetItIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n", "total", 1))
		c := ann.change(w.update("thing", "t", "total", 5, "grade", "zz"))
		ann.push(c)
		mend := judge.Letting{Write: map[syncproto.RowID]map[string]schema.Value{w.rowID("t"): {"grade": schema.Text("a")}}}
		done := make(chan error)
		for _, user := range []string{"admin", "sec", "admin", "sec"} {
			id := w.user(user)
			go func() {
				_, err := w.judge.LetIn(t.Context(), id, c.Identity(), mend)
				done <- err
			}()
		}
		in := 0
		for range 4 {
			switch err := <-done; {
			case err == nil:
				in++
			case stops(err) != syncproto.CodeConflict:
				t.Errorf("the slower one is told %v", err)
			}
		}
		if in != 1 {
			t.Errorf("%d of four let it in", in)
		}
		w.shows("thing", "t", "total", 6)
		w.now++
		w.sound()
	})
}
