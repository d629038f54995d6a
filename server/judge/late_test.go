package judge_test

import (
	"context"
	"slices"
	"testing"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

func (w *world) scopes(user string) (out []string) {
	w.t.Helper()
	w.read(func(tx *store.Tx) error {
		var err error
		out, err = entitle.Scopes(tx, w.user(user))
		return err
	})
	return out
}

func (w *world) holds(user, scope string) bool { return slices.Contains(w.scopes(user), scope) }

func TestScopesFollowAssignmentsAndRoles(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		h1, h2 := "household:"+w.id("h1"), "household:"+w.id("h2")
		want := func(user string, is bool, scopes ...string) {
			t.Helper()
			for _, s := range scopes {
				if w.holds(user, s) != is {
					t.Errorf("%s holds %s: %v, want %v", user, s, !is, is)
				}
			}
		}
		want("ann", true, h1, "user:"+w.id("ann"), "user:"+w.id("bob"), "user:"+w.id("sec"), "device:"+w.id("ann"), "place:"+w.id("v1g"), "place:"+w.id("v1"), "place:"+w.id("city"))
		want("ann", false, h2, "secret:"+w.id("h1"), "device:"+w.id("bob"), "place:"+w.id("v2"))
		want("sec", true, h1, "secret:"+w.id("h1"), "user:"+w.id("ann"))
		want("sec", false, h2, "secret:"+w.id("h2"))
		// A household that moves into the village, one made there, one that leaves it.
		w.must("admin", w.update("household", "h2", "place", "@v1g"))
		want("sec", true, h2, "secret:"+w.id("h2"))
		w.must("admin", w.update("household", "h2", "place", "@v2g"))
		want("sec", false, h2)
		w.must("sec", w.create("household", "h3", "place", "@v1g", "code", "h3"))
		want("sec", true, "household:"+w.id("h3"))
		// A village that gets another township above it moves nothing; a group that moves to the other village does.
		w.must("admin", w.update("place", "v2g", "parent", "@v1"))
		want("sec", true, h2)
		// A new secretary sees all; one whose role ends, nothing, from the day after.
		w.must("admin", w.create("role", "ann-sec", "user", "@ann", "role", "secretary", "place", "@v1"))
		want("ann", true, h1, h2, "secret:"+w.id("h1"))
		w.must("admin", w.update("role", "ann-sec", "until", "2026-11-02"))
		want("ann", true, h2)
		w.now += day
		want("ann", false, h2, "secret:"+w.id("h1"))
		want("ann", true, h1)
		// An assignment that begins tomorrow, one that ended, an account that ends.
		w.must("admin", w.create("assignment", "a2", "household", "@h2", "user", "@bob", "team", "cadre", "since", "2026-11-04"))
		want("bob", false, h2)
		w.now += day
		want("bob", true, h2)
		w.must("admin", w.update("assignment", "bob-h1", "until", "2026-11-03"))
		want("bob", false, h1)
		w.must("admin", w.update("user", "bob", "ended", "2026-11-04"))
		w.now += day
		want("bob", false, h2)
		w.must("admin", w.remove("assignment", "ann-h1"))
		want("ann", false, h1)
		w.must("admin", w.update("place", "v2g", "parent", "@v2"))
		want("sec", false, h2)
	})
}

func TestLateWork(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n", "total", 1))
		ann.sync()
		lateOne := ann.change(w.update("thing", "t", "total", 2))
		ann.number++ // the next is made now, and pushed after the grace period
		tooLate := ann.change(w.update("thing", "t", "name", "too late"))
		tooLate.Name.Number = 3
		w.must("admin", w.update("assignment", "ann-h1", "until", "2026-11-01"))
		if w.holds("ann", "household:"+w.id("h1")) {
			t.Fatal("ann still holds the household")
		}
		v := ann.push(lateOne)[0]
		ann.wants(v, syncproto.Applied, "")
		if !v.Late || len(v.Labels) != 0 {
			t.Errorf("late work is answered by %+v", v)
		}
		w.shows("thing", "t", "total", 3)
		// Captured after the assignment ended: not his.
		after := *ann
		after.number = 3
		after.sync()
		w.now += 31 * day
		tooLate.First = tooLate.Name
		v = ann.push(tooLate)[0]
		ann.wants(v, syncproto.Refused, syncproto.CodeLate)
		item := w.oneItem(syncproto.ItemLate)
		if len(item.Sides) != 1 || item.Sides[0].Cells[0].Value != schema.Text("too late") {
			t.Errorf("the item is %+v", item)
		}
		w.shows("thing", "t", "name", "n")
		w.resolve("admin", item.ID, judge.Decision{Keep: true})
		w.noItem()
		w.shows("thing", "t", "name", "too late")
		v = ann.verdict(tooLate)
		if v.Status == syncproto.Refused || v.Items[0].Outcome != "kept" || len(ann.heard(0)) != 1 {
			t.Errorf("ann hears %+v", v)
		}
		after.number = 4
		ann.wants(after.do(w.update("thing", "t", "total", 9)), syncproto.Refused, syncproto.CodeWaits)
		w.shows("thing", "t", "total", 3)
	})
}

func TestLateWorkLeftRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
		ann.sync()
		c := ann.change(w.update("thing", "t", "name", "too late"))
		w.must("admin", w.update("assignment", "ann-h1", "until", "2026-11-01"))
		w.now += 31 * day
		ann.push(c)
		item := w.oneItem(syncproto.ItemLate)
		w.resolve("admin", item.ID, judge.Decision{})
		w.noItem()
		v := ann.verdict(c)
		ann.wants(v, syncproto.Refused, syncproto.CodeLate)
		if v.Items[0].Outcome != "outvoted" {
			t.Errorf("ann hears %+v", v.Items)
		}
		w.shows("thing", "t", "name", "n")
	})
}

// TestCorrectedTimeIsHeld: however wild a clock, the corrected time lies between the cursor and the receipt.
func TestCorrectedTimeIsHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		cursor := w.now
		for i, wild := range []int64{-10 * 365 * day, 10 * 365 * day, -(1<<53 - 1), 1<<53 - 1} {
			c := ann.change(w.create("thing", string(rune('a'+i)), "household", "@h1", "name", "n"))
			c.At = wild
			if err := c.Seal(); err != nil {
				t.Fatal(err)
			}
			ann.push(c)
		}
		w.read(func(tx *store.Tx) error {
			changes, err := tx.Changes("device = ?", string(ann.id))
			for _, c := range changes {
				if c.Corrected < cursor-1000 || c.Corrected > w.now {
					t.Errorf("corrected time %d lies outside %d..%d", c.Corrected, cursor, w.now)
				}
			}
			return err
		})
	})
}

// TestMonthIsTheReceipts: a row lies in the month in which the server first received what makes it, whatever the phone's clock says, and
// however much later that takes effect.
func TestMonthIsTheReceipts(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		w.must("admin", w.create("thing", "t", "household", "@h1", "name", "n"))
		lies := func(note, month string) {
			t.Helper()
			if is := w.row(note).Period; is != month {
				t.Errorf("the note %s lies in %s, want %s", note, is, month)
			}
		}
		w.now += 30 * day // it synced in November, and it is December
		for i, off := range []int64{0, -10 * day, -10 * 365 * day, 10 * 365 * day} {
			note := string(rune('a' + i))
			c := ann.change(w.create("note", note, "thing", "@t", "author", "@ann", "text", "x"))
			c.At += off
			if err := c.Seal(); err != nil {
				t.Fatal(err)
			}
			ann.wants(ann.push(c)[0], syncproto.Applied, "")
			lies(note, "2026-12")
		}
		bad := ann.change(w.create("thing", "u", "household", "@h1", "name", "n", "grade", "zz"))
		under := ann.change(w.create("note", "late", "thing", "@u", "author", "@ann", "text", "x"))
		ann.wants(ann.push(bad, under)[1], syncproto.Refused, syncproto.CodeWaits)
		w.now += 31 * day
		ann.sync()
		ann.wants(ann.push(ann.mend(bad, w.create("thing", "u", "household", "@h1", "name", "n")))[0], syncproto.Applied, "")
		lies("late", "2026-12")
	})
}

func TestPushesAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var phones []*phone
		for range 8 {
			phones = append(phones, w.phone("ann"))
		}
		phones[0].do(w.create("thing", "t", "household", "@h1", "name", "n"))
		base := w.base("t")
		errs := make(chan error, len(phones))
		for _, p := range phones {
			var changes []*syncproto.Change
			for range 5 {
				changes = append(changes, p.change(syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: syncproto.OpUpdate, Base: base, Cells: w.cells("thing", "total", 1)}))
			}
			go func() {
				for _, c := range changes {
					if _, err := w.judge.Push(context.Background(), judge.Author{Device: p.id, User: p.user}, []*syncproto.Change{c}); err != nil {
						errs <- err
						return
					}
				}
				errs <- nil
			}()
		}
		for range phones {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		w.shows("thing", "t", "total", 40)
	})
}
