package judge_test

import (
	"context"
	"slices"
	"testing"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// items lists the open items.
func (w *world) items() []*judge.Item {
	w.t.Helper()
	items, err := w.judge.Inbox(context.Background(), judge.Filter{})
	if err != nil {
		w.t.Fatal(err)
	}
	return items
}

// oneItem wants just one open item, of that kind.
func (w *world) oneItem(kind syncproto.ItemKind) *judge.Item {
	w.t.Helper()
	items := w.items()
	if len(items) != 1 || items[0].Kind != kind {
		w.t.Fatalf("%d items are open, want one of kind %s: %+v", len(items), kind, items)
	}
	return items[0]
}

func (w *world) noItem() {
	w.t.Helper()
	if items := w.items(); len(items) > 0 {
		w.t.Fatalf("%d items are open, want none: %+v", len(items), items[0])
	}
}

func (w *world) resolve(user string, id string, d judge.Decision) *judge.Outcome {
	w.t.Helper()
	out, err := w.judge.Resolve(context.Background(), w.user(user), id, d)
	if err != nil {
		w.t.Fatal(err)
	}
	w.now++
	return out
}

// verdict is what stands of a change now.
func (p *phone) verdict(c *syncproto.Change) *syncproto.Verdict {
	p.w.t.Helper()
	return p.push(c)[0]
}

// heard gives the verdicts that changed since, as a pull would carry them.
func (p *phone) heard(after int64) (out []*syncproto.Verdict) {
	p.w.t.Helper()
	p.w.read(func(tx *store.Tx) error {
		names, err := tx.NewVerdicts(p.id, after)
		if err != nil {
			return err
		}
		out, err = p.w.judge.Verdicts(tx, judge.Author{Device: p.id, User: p.user}, names)
		return err
	})
	return out
}

func TestConflictAndDecision(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.wants(ann.do(w.create("thing", "t", "household", "@h1", "name", "old", "newest", "x", "story", "一句。")), syncproto.Applied, "")
		a := ann.change(w.update("thing", "t", "name", "ann's", "newest", "a", "story", "一句。二句。"))
		b := bob.change(w.update("thing", "t", "name", "bob's", "newest", "b", "story", "零句。一句。"))
		ann.wants(ann.push(a)[0], syncproto.Applied, "")
		vb := bob.push(b)[0]
		bob.wants(vb, syncproto.Conflicted, "")
		if len(vb.Items) != 1 || vb.Items[0].Cell != "name" || len(vb.Merges) != 2 {
			t.Errorf("bob hears %+v %+v", vb.Items, vb.Merges)
		}
		w.shows("thing", "t", "name", "old")
		w.shows("thing", "t", "newest", "b")
		w.shows("thing", "t", "story", "零句。一句。二句。")
		va := ann.heard(0)
		if len(va) != 1 || va[0].Status != syncproto.Conflicted || va[0].Items[0].Item != vb.Items[0].Item {
			t.Errorf("ann hears %+v", va)
		}
		item := w.oneItem(syncproto.ItemCell)
		if len(item.Sides) != 2 || item.Shows["name"] != schema.Text("old") || item.Around == nil {
			t.Errorf("the item is %+v", item)
		}
		for _, s := range item.Sides {
			if s.User != w.user("ann") && s.User != w.user("bob") || len(s.Cells) != 3 || s.Cells[0].From.IsNull() && s.Cells[1].From.IsNull() {
				t.Errorf("a side is %+v", s)
			}
		}
		if _, err := w.judge.Resolve(context.Background(), w.user("bob"), item.ID, judge.Decision{Pick: b.Identity()}); stops(err) != syncproto.CodeNotFound {
			t.Errorf("a cadre decides: %v", err)
		}
		// MERGE 2: a phone without inbox rights edits what it sees: the item stays open with three heads.
		third := ann.change(w.update("thing", "t", "name", "ann's third"))
		ann.wants(ann.push(third)[0], syncproto.Conflicted, "")
		item = w.oneItem(syncproto.ItemCell)
		if len(item.Sides) != 3 {
			t.Errorf("%d sides, want three", len(item.Sides))
		}
		w.shows("thing", "t", "name", "old")
		out := w.resolve("sec", item.ID, judge.Decision{Pick: b.Identity()})
		if out.Verdicts[0].Status != syncproto.Applied {
			t.Errorf("the decision is %+v", out.Verdicts[0])
		}
		w.noItem()
		w.shows("thing", "t", "name", "bob's")
		if v := bob.verdict(b); v.Items[0].Outcome != "kept" {
			t.Errorf("bob hears %+v", v.Items)
		}
		if v := ann.verdict(a); v.Items[0].Outcome != "outvoted" {
			t.Errorf("ann hears %+v", v.Items)
		}
		if _, err := w.judge.Resolve(context.Background(), w.user("sec"), item.ID, judge.Decision{Pick: b.Identity()}); stops(err) != syncproto.CodeConflict {
			t.Errorf("decided twice: %v", err)
		}
		// Finality: replays reopen nothing.
		ann.push(a, third)
		bob.push(b)
		w.noItem()
	})
}

func TestDecisionSeesOnlyItsBase(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "old"))
		a, b, c := ann.change(w.update("thing", "t", "name", "a")), bob.change(w.update("thing", "t", "name", "b")), bob.change(w.update("thing", "t", "name", "c"))
		c.Edits[0].Base.Over = []syncproto.Identity{} // bob's second phone of the mind: it saw the same as b
		ann.push(a)
		bob.push(b)
		item := w.oneItem(syncproto.ItemCell)
		bob.push(c)
		w.resolve("admin", item.ID, judge.Decision{Base: item.Base, Values: map[string]schema.Value{"name": schema.Text("decided")}})
		left := w.oneItem(syncproto.ItemCell)
		if left.ID != item.ID || len(left.Sides) != 2 {
			t.Errorf("what came later: %+v", left)
		}
		w.resolve("admin", left.ID, judge.Decision{Values: map[string]schema.Value{"name": schema.Text("in the end")}})
		w.noItem()
		w.shows("thing", "t", "name", "in the end")
		if v := ann.verdict(a); v.Items[0].Outcome != "third" && v.Items[0].Outcome != "outvoted" {
			t.Errorf("ann hears %+v", v.Items)
		}
	})
}

func TestEditBesideMoveIntoClosed(t *testing.T) {
	for _, moveFirst := range []bool{false, true} {
		onBoth(t, func(t *testing.T, w *world) {
			ann, bob := w.phone("ann"), w.phone("bob")
			ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
			ann.do(w.update("thing", "t", "state", "doing"))
			edit, move := ann.change(w.update("thing", "t", "name", "edited")), bob.change(w.update("thing", "t", "state", "closed"))
			if moveFirst {
				bob.push(move)
				ann.push(edit)
			} else {
				ann.push(edit)
				bob.push(move)
			}
			item := w.oneItem(syncproto.ItemState)
			w.shows("thing", "t", "name", "n")
			w.shows("thing", "t", "state", "closed")
			w.resolve("admin", item.ID, judge.Decision{Pick: edit.Identity()})
			w.noItem()
			w.shows("thing", "t", "name", "edited")
			if v := ann.verdict(edit); len(v.Items) != 1 || v.Items[0].Outcome != "kept" {
				t.Errorf("ann hears %+v", v.Items)
			}
		})
	}
}

func TestUndo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "one", "total", 1))
		c := ann.change(w.update("thing", "t", "name", "two", "total", 5))
		ann.push(c)
		undo := func() { // by the console
			if _, err := w.judge.Undo(context.Background(), w.user("admin"), c.Identity()); err != nil {
				t.Fatal(err)
			}
			w.now++
		}
		undo()
		w.noItem()
		w.shows("thing", "t", "name", "one")
		w.shows("thing", "t", "total", 1)

		// Beside a different head it is an item, under every rule but sum and set.
		ann.do(w.create("thing", "u", "household", "@h1", "name", "one", "total", 1))
		c = ann.change(w.update("thing", "u", "name", "two", "total", 5))
		ann.push(c)
		bob.do(w.update("thing", "u", "name", "three", "total", 10))
		undo()
		w.shows("thing", "u", "total", 11)
		item := w.oneItem(syncproto.ItemCell)
		w.resolve("admin", item.ID, judge.Decision{Values: map[string]schema.Value{"name": schema.Text("four")}})
		w.noItem()

		// A deletion undone, a creation undone.
		c = ann.change(w.remove("thing", "u"))
		ann.push(c)
		w.shows("thing", "u", "name", nil)
		undo()
		w.shows("thing", "u", "name", "four")
		c = ann.change(w.create("thing", "v", "household", "@h1", "name", "wrong"))
		ann.push(c)
		undo()
		w.shows("thing", "v", "name", nil)
		if w.row("v").Dead == 0 {
			t.Error("a creation undone leaves the row")
		}
		w.noItem()
	})
}

// TestItemFollowsItsCells : an item about a broken rule over two cells becomes one about a single cell as a third edit comes; its record
// says so, and stays the same item.
func TestItemFollowsItsCells(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob, sec := w.phone("ann"), w.phone("bob"), w.phone("sec")
		ann.do(w.create("thing", "r", "household", "@h1", "name", "n", "begins", "2025-03-10", "ends", "2025-06-20"))
		one, two, three := ann.change(w.update("thing", "r", "begins", "2025-06-10")), bob.change(w.update("thing", "r", "ends", "2025-05-01")),
			sec.change(w.update("thing", "r", "begins", "2025-04-01"))
		ann.push(one)
		bob.push(two)
		rule := w.oneItem(syncproto.ItemRowRule)
		if !slices.Equal(rule.Cells, []string{"begins", "ends"}) {
			t.Errorf("the item holds %v", rule.Cells)
		}
		sec.push(three)
		cell := w.oneItem(syncproto.ItemCell)
		if cell.ID != rule.ID || !slices.Equal(cell.Cells, []string{"begins"}) {
			t.Errorf("the item was %s %v, is %s %v", rule.ID, rule.Cells, cell.ID, cell.Cells)
		}
		w.shows("thing", "r", "begins", "2025-03-10")
		w.shows("thing", "r", "ends", "2025-05-01")
		w.resolve("admin", cell.ID, judge.Decision{Pick: three.Identity()})
		w.noItem()
		w.shows("thing", "r", "begins", "2025-04-01")
	})
}
