package judge_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// TestPlacesStayATree: of two moves made apart that together would make a circle the later one is refused, whichever it is, and kept with its
// words; nor does an undo make one. What cannot be undone for that can be once the other place lies elsewhere.
func TestPlacesStayATree(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		one, two := w.phone("admin"), w.phone("admin")
		down, up := w.update("place", "v1g", "parent", "@v2g"), w.update("place", "v2g", "parent", "@v1g")
		one.wants(one.do(down), syncproto.Applied, "")
		crossed := two.change(up)
		v := two.push(crossed)[0]
		two.wants(v, syncproto.Refused, syncproto.CodeInvalid)
		if v.Message == "" {
			t.Error("the later of two moves is refused without a word")
		}
		w.shows("place", "v2g", "parent", w.id("v2"))
		if r := w.row("v1g"); r.Parent != w.rowID("v2g") {
			t.Errorf("v1g lies beneath %s", r.Parent)
		}
		// Out again, then the other way round: to take back the first “out again” would close the circle.
		out := one.change(w.update("place", "v1g", "parent", "@v1"))
		one.push(out)
		two.wants(two.do(w.update("place", "v2g", "parent", "@v1g")), syncproto.Applied, "")
		if _, err := w.judge.Undo(context.Background(), w.user("admin"), out.Identity()); stops(err) != syncproto.CodeInvalid {
			t.Errorf("an undo that makes a circle: %v", err)
		}
		w.must("admin", w.update("place", "v2g", "parent", "@v2"))
		if _, err := w.judge.Undo(context.Background(), w.user("admin"), out.Identity()); err != nil {
			t.Errorf("an undo that makes none any more: %v", err)
		}
		if r := w.row("v1g"); r.Parent != w.rowID("v2g") {
			t.Errorf("undone, v1g lies beneath %s", r.Parent)
		}
	})
}

// linked is the synthetic book and two tables with links that are no parents: one to a row of the same household, one from a narrower scope to a
// row of the household above.
func linked() *schema.Book {
	said := schema.Label{ZH: "测试", EN: "test"}
	by := []schema.Permit{{Roles: []schema.Role{schema.RoleCadre, schema.RoleAdmin}}}
	ref := func(name, to string, rule schema.Rule) schema.Column {
		return schema.Column{Name: name, Label: schema.Label{ZH: "测试 " + name, EN: name}, Type: schema.TypeRef, Ref: to, Required: true, Rule: rule, Since: schematest.Version}
	}
	return schematest.With(
		&schema.Table{Name: "pair", Label: said, Since: schematest.Version, Parent: "household", Scope: schema.ScopeParent, Create: by, Change: by, Delete: by,
			Columns: []schema.Column{ref("household", "household", schema.RuleOnce), ref("thing", "thing", schema.RuleManual)}},
		&schema.Table{Name: "clue", Label: said, Since: schematest.Version, Parent: "thing", Scope: schema.ScopeNarrow,
			Readers: []schema.Role{schema.RoleCadre, schema.RoleAdmin}, Create: by, Change: by, Delete: by,
			Columns: []schema.Column{ref("thing", "thing", schema.RuleOnce), ref("about", "thing", schema.RuleManual)}})
}

// TestALinkAndAMoveMadeApart: a row that a link points to moves to another household while the link is made on a phone. Both were right where the
// rows lay then, so both stand, whichever comes first; who makes the link after he saw the move is refused.
func TestALinkAndAMoveMadeApart(t *testing.T) {
	for name, opt := range map[string]func() store.Options{
		"sqlite":   func() store.Options { return store.Options{Path: filepath.Join(t.TempDir(), "s.db")} },
		"postgres": func() store.Options { return store.Options{DSN: testenv.MustRelaxedPostgres(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			for _, moveFirst := range []bool{true, false} {
				w := mustWorld(t, opt(), linked())
				w.assign("ann", "h2")
				ann, bob := w.phone("ann"), w.phone("bob")
				ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
				ann.do(w.create("thing", "o", "household", "@h1", "name", "o"))
				ann.sync()
				bob.sync()
				move := ann.change(w.update("thing", "t", "household", "@h2"))
				links := []*syncproto.Change{bob.change(w.create("pair", "p", "household", "@h1", "thing", "@t")),
					bob.change(w.create("clue", "c", "thing", "@o", "about", "@t"))}
				if moveFirst {
					ann.push(move)
				}
				for _, v := range bob.push(links...) {
					bob.wants(v, syncproto.Applied, "")
				}
				if !moveFirst {
					ann.push(move)
				}
				w.shows("pair", "p", "thing", w.id("t"))
				w.shows("clue", "c", "about", w.id("t"))
				w.shows("thing", "t", "household", w.id("h2"))
				bob.sync()
				bob.wants(bob.do(w.create("pair", "later", "household", "@h1", "thing", "@t")), syncproto.Refused, syncproto.CodeWaits)
			}
		})
	}
}

// TestAnOrphanThatMoves: a living row beneath a dead one moves beneath another dead one. The question about the first is answered, and asked of
// the second, whose deletion now stands against it.
func TestAnOrphanThatMoves(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, h := range []string{"h3", "h4"} {
			w.must("admin", w.create("household", h, "place", "@v1g", "code", h))
		}
		w.must("admin", w.create("thing", "t", "household", "@h3", "name", "n"))
		move := w.update("thing", "t", "household", "@h4")
		do := func(e syncproto.Edit) syncproto.Identity {
			v := w.submit("admin", e)
			if v.Status == syncproto.Refused {
				t.Fatal(v.Message)
			}
			return v.Identity
		}
		do(w.remove("household", "h3"))
		first := w.oneItem(syncproto.ItemDelete)
		if first.Other != w.rowID("h3") {
			t.Fatalf("the item names %s", first.Other)
		}
		gone := do(w.remove("household", "h4"))
		do(move)
		second := w.oneItem(syncproto.ItemDelete)
		if second.ID == first.ID || second.Other != w.rowID("h4") || !slices.ContainsFunc(second.Sides, func(s judge.Side) bool { return s.Against && s.Change == gone }) {
			t.Errorf("the item is %+v", second)
		}
		closed, err := w.judge.Inbox(context.Background(), judge.Filter{Closed: true})
		if err != nil || len(closed) != 1 || closed[0].ID != first.ID {
			t.Errorf("%d items are closed (%v)", len(closed), err)
		}
		w.resolve("admin", second.ID, judge.Decision{})
		w.noItem()
	})
}

// TestRevokingIsNoCell: the cell that tells of a revocation is written by revoking alone.
func TestRevokingIsNoCell(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, admin := w.phone("ann"), w.phone("admin")
		name := "ann's phone"
		w.ids[name] = string(ann.id)
		w.must("", w.create("device", name, "user", "@ann", "key", "ed25519 x"))
		edit := w.update("device", name, "revoked", int(w.now))
		for _, v := range []*syncproto.Verdict{w.submit("admin", edit), admin.do(edit)} {
			if v.Status != syncproto.Refused || v.Code != syncproto.CodeInvalid || !strings.Contains(v.Message, "minqing device revoke") {
				t.Errorf("revoking by a cell: %+v", v)
			}
		}
		ann.wants(ann.do(w.update("household", "h1", "address", "still here")), syncproto.Applied, "")
		if err := w.store.Write(context.Background(), func(tx *store.Tx) error {
			d, _, err := tx.Device(ann.id)
			if err != nil {
				return err
			}
			d.Revoked = w.now
			return tx.SaveDevice(d)
		}); err != nil {
			t.Fatal(err)
		}
		revoke := w.update("device", name, "revoked", int(w.now))
		v := w.submit("admin", revoke)
		if v.Status != syncproto.Applied {
			t.Fatalf("what revoking writes is %+v", v)
		}
		if _, err := w.judge.Undo(context.Background(), w.user("admin"), v.Identity); stops(err) != syncproto.CodeInvalid {
			t.Errorf("a revocation is undone: %v", err)
		}
	})
}
