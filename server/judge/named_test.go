package judge_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// named names two rows as one and gives the item.
func (w *world) named(user, a, b, why string) *judge.Item {
	w.t.Helper()
	id, fresh, err := w.judge.NameTwins(w.t.Context(), w.user(user), w.rowID(a), w.rowID(b), why)
	if err != nil || !fresh {
		w.t.Fatalf("%s and %s: %v %v", a, b, fresh, err)
	}
	it, err := w.judge.ItemByID(w.t.Context(), w.user(user), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return it
}

// Two households of two codes are named by hand: the item is one like any other, and no code opens a second beside it or closes it. It ends with one
// of the two and comes back with it; merged, all beneath goes along, and undone it comes back and is asked about again, on the same word.
func TestNamedHouseholds(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.must("admin", w.create("household", "a", "place", "@v1g", "code", "七"))
		w.must("admin", w.create("household", "b", "place", "@v2g", "code", "八", "head", "乙"))
		w.must("admin", w.create("thing", "t", "household", "@b", "name", "beneath b"))
		w.must("admin", w.create("note", "n", "thing", "@t", "author", "@admin", "text", "x"))
		w.assign("ann", "b")
		gone := func(user string, e syncproto.Edit) {
			t.Helper()
			if v := w.submit(user, e); v.Status == syncproto.Refused {
				t.Fatalf("%+v", v)
			}
		}
		it := w.named("admin", "b", "a", "搬家以后又登了一次")
		if it.Kind != syncproto.ItemTwin || it.Row != w.rowID("a") || it.Other != w.rowID("b") || it.Named == nil || it.Named.User != w.user("admin") || it.Named.Text != "搬家以后又登了一次" {
			t.Fatalf("the item is %+v, named by %+v", it, it.Named)
		}
		if id, fresh, err := w.judge.NameTwins(t.Context(), w.user("admin"), w.rowID("a"), w.rowID("b"), "once more"); err != nil || fresh || id != it.ID {
			t.Errorf("named once more: %s %v %v", id, fresh, err)
		}
		same := func(what string) *judge.Item {
			t.Helper()
			w.sound()
			is := w.oneItem(syncproto.ItemTwin)
			if is.Named == nil || is.Named.Text != "搬家以后又登了一次" {
				t.Errorf("%s: %+v", what, is.Named)
			}
			return is
		}
		for _, code := range []string{"九", "七", "十"} { // another, the same as the other's, and another again
			w.must("admin", w.update("household", "b", "code", code))
			if is := same("with code " + code); is.ID != it.ID {
				t.Errorf("with code %s it is another item", code)
			}
		}
		gone("admin", w.remove("household", "a"))
		w.noItem()
		if _, _, err := w.judge.NameTwins(t.Context(), w.user("admin"), w.rowID("a"), w.rowID("b"), "x"); stops(err) != syncproto.CodeState || !strings.Contains(err.Error(), "删除") {
			t.Errorf("with a deleted one: %v", err)
		}
		w.must("admin", syncproto.Edit{Table: "household", Row: w.rowID("a"), Op: syncproto.OpUpdate, Base: w.base("a"), Decides: []string{syncproto.ExistenceCell}})
		it = same("brought back")
		ann := w.phone("ann")
		late := ann.change(w.update("household", "b", "note", "for b"))
		merged := w.resolve("admin", it.ID, judge.Decision{Winner: w.rowID("a"), Why: "同一户", Values: map[string]schema.Value{"head": schema.Text("乙")}})
		w.noItem()
		w.sound()
		w.shows("household", "a", "head", "乙")
		w.shows("thing", "t", "household", w.id("a"))
		if w.row("b").Alias != w.rowID("a") || w.row("n").Scope != "household:"+w.id("a") {
			t.Errorf("merged: %+v %+v", w.row("b"), w.row("n"))
		}
		if _, _, err := w.judge.NameTwins(t.Context(), w.user("admin"), w.rowID("a"), w.rowID("b"), "x"); stops(err) != syncproto.CodeState || !strings.Contains(err.Error(), "合并") {
			t.Errorf("with a merged one: %v", err)
		}
		w.assign("ann", "a")
		ann.wants(ann.push(late)[0], syncproto.Applied, "")
		w.shows("household", "a", "note", "for b")
		if w.item(it.ID).Last == "" {
			t.Error("a merge cannot be taken back")
		}
		if _, err := w.judge.Undo(t.Context(), w.user("admin"), merged.Verdicts[0].Identity); err != nil {
			t.Fatal(err)
		}
		if _, err := w.tryUndo("admin", it.ID, ""); stops(err) != syncproto.CodeConflict || w.item(it.ID).Last != "" {
			t.Errorf("taken back twice: %v", err)
		}
		w.shows("thing", "t", "household", w.id("b"))
		it = same("undone")
		w.resolve("admin", it.ID, judge.Decision{Why: "还是两户"})
		w.must("admin", w.update("household", "b", "code", "七")) // said to be two
		gone("admin", w.remove("household", "b"))
		w.must("admin", syncproto.Edit{Table: "household", Row: w.rowID("b"), Op: syncproto.OpUpdate, Base: w.base("b"), Decides: []string{syncproto.ExistenceCell}})
		w.noItem()
		w.named("admin", "a", "b", "到底是同一户") // he may think better of it
		w.oneItem(syncproto.ItemTwin)
	})
}

// What comes for a household that was merged into one that was then merged away itself is written into the one that stayed, beside all that it holds.
func TestMergedTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, h := range []string{"a", "b", "c"} {
			w.must("admin", w.create("household", h, "place", "@v1g", "code", h, "head", "户主"+h, "note", "备注"+h))
		}
		w.assign("ann", "a")
		ann := w.phone("ann")
		late, under := ann.change(w.update("household", "a", "phone", "13800000000")), ann.change(w.create("thing", "t", "household", "@a", "name", "n"))
		for _, pair := range [][2]string{{"a", "b"}, {"b", "c"}} {
			w.resolve("admin", w.named("admin", pair[0], pair[1], "同一户").ID, judge.Decision{Winner: w.rowID(pair[1])})
		}
		w.assign("ann", "c")
		for _, v := range ann.push(late, under) {
			ann.wants(v, syncproto.Applied, "")
		}
		w.shows("household", "c", "phone", "13800000000")
		w.shows("household", "c", "head", "户主c")
		w.shows("household", "c", "note", "备注c")
		w.shows("thing", "t", "household", w.id("c"))
	})
}

// What cannot be named: a row twice, rows of two kinds, rows of a kind that is never merged; and of a row that he does not decide about everybody
// hears what he would hear of none.
func TestNamedWrongly(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.must("admin", w.create("household", "a", "place", "@v1g", "code", "七"), w.create("thing", "t", "household", "@a", "name", "n"), w.create("mark", "m", "thing", "@t", "label", "x"),
			w.create("mark", "m2", "thing", "@t", "label", "y"))
		name := func(user, a, b string) error {
			_, fresh, err := w.judge.NameTwins(t.Context(), w.user(user), w.rowID(a), w.rowID(b), "x")
			if fresh {
				t.Errorf("%s names %s and %s", user, a, b)
			}
			return err
		}
		for _, x := range [][3]string{{"admin", "a", "a"}, {"admin", "a", "t"}, {"admin", "m", "m2"}} {
			if err := name(x[0], x[1], x[2]); stops(err) != syncproto.CodeInvalid {
				t.Errorf("%v: %v", x, err)
			}
		}
		w.must("admin", w.create("role", "bob-role2", "user", "@bob", "role", "admin", "place", "@v1"))
		missing := name("bob", "a", "nowhere")
		for _, x := range [][3]string{{"bob", "a", "h2"}, {"bob", "h2", "a"}, {"bob", "h2", "h2"}, {"sec", "h1", "a"}, {"ann", "h1", "a"}, {"ann", "h1", "nowhere"}} {
			if err := name(x[0], x[1], x[2]); stops(err) != syncproto.CodeNotFound || err.Error() != missing.Error() {
				t.Errorf("%v: %v, of what is not there %v", x, err, missing)
			}
		}
		w.noItem()
		if id, fresh, err := w.judge.NameTwins(t.Context(), w.user("bob"), w.rowID("h1"), w.rowID("a"), "x"); err != nil || !fresh || id == "" {
			t.Errorf("in his own village: %v", err)
		}
	})
}

// onBothNow runs a test with the product's rule book on both databases.
func onBothNow(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, mustWorld(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")}, schema.Minqing()))
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, mustWorld(t, store.Options{DSN: testenv.MustRelaxedPostgres(t)}, schema.Minqing()))
	})
}

// Two people are named by hand. The ID number of the one who goes goes along where the other has none; where both have one, one stays, and may be the
// other's. A number that tells the same later is asked about once. Undone, each has his own again, masked form and all.
func TestNamedPeople(t *testing.T) {
	const one, two = "110000190001010012", "110000190001010020"
	mask := func(s string) any { return schema.MaskIDNumber(s) }
	onBothNow(t, func(t *testing.T, w *world) {
		w.must("sec", w.create("resident", "p", "household", "@h1", "name", "张三"), w.create("resident", "q", "household", "@h1", "name", "张叁", "work", "木匠"))
		w.must("sec", w.create("identity", "qi", "resident", "@q", "id_number", one))
		it := w.named("admin", "p", "q", "音同字不同")
		if it.Table != "resident" {
			t.Fatalf("%+v", it)
		}
		merged := w.resolve("admin", it.ID, judge.Decision{Winner: w.rowID("p"), Values: map[string]schema.Value{"work": schema.Text("木匠")}})
		w.shows("identity", "qi", "resident", w.id("p"))
		w.shows("resident", "p", "id_masked", mask(one))
		w.shows("resident", "p", "work", "木匠")
		w.sound()
		undo := func(o *judge.Outcome) {
			t.Helper()
			if _, err := w.judge.Undo(t.Context(), w.user("admin"), o.Verdicts[0].Identity); err != nil {
				t.Fatal(err)
			}
			w.sound()
		}
		undo(merged)
		w.shows("identity", "qi", "resident", w.id("q"))
		w.shows("resident", "p", "id_masked", nil)
		w.shows("resident", "q", "id_masked", mask(one))
		w.shows("resident", "p", "work", nil)
		it = w.oneItem(syncproto.ItemTwin)
		// The same number of both: nobody is asked twice.
		w.must("sec", w.create("identity", "pi", "resident", "@p", "id_number", one))
		if is := w.oneItem(syncproto.ItemTwin); is.ID != it.ID {
			t.Errorf("asked once more: %+v", is)
		}
		// One of them goes, and his number stays as it was: what it tells is asked now.
		if v := w.submit("sec", w.remove("resident", "p")); v.Status == syncproto.Refused {
			t.Fatalf("%+v", v)
		}
		open := w.items()
		if n := len(open); n == 0 || !strings.Contains(tablesOf(open), "identity") || strings.Contains(tablesOf(open), "resident twin") {
			t.Errorf("with one of them gone: %s", tablesOf(open))
		}
		w.must("admin", syncproto.Edit{Table: "resident", Row: w.rowID("p"), Op: syncproto.OpUpdate, Base: w.base("p"), Decides: []string{syncproto.ExistenceCell}})
		it = w.oneItem(syncproto.ItemTwin)
		if id, fresh, err := w.judge.NameTwins(t.Context(), w.user("admin"), w.rowID("p"), w.rowID("q"), "x"); err != nil || fresh || id != it.ID || it.Table != "identity" {
			t.Errorf("there is one already: %s %v %v, %+v", id, fresh, err, it)
		}
		// Two numbers: the question of the numbers is moot, that of the people is not.
		w.must("sec", w.update("identity", "pi", "id_number", two))
		w.noItem()
		it = w.named("admin", "p", "q", "号码抄错了")
		merged = w.resolve("admin", it.ID, judge.Decision{Winner: w.rowID("q"), Values: map[string]schema.Value{"id_number": schema.Text(two)}})
		w.shows("identity", "qi", "id_number", two)
		w.shows("resident", "q", "id_masked", mask(two))
		if w.row("pi").Alias != w.rowID("qi") || w.row("pi").Dead == 0 || w.row("p").Alias != w.rowID("q") {
			t.Errorf("merged: %+v %+v", w.row("pi"), w.row("p"))
		}
		w.noItem()
		undo(merged)
		w.shows("identity", "qi", "id_number", one)
		w.shows("identity", "pi", "id_number", two)
		w.shows("resident", "q", "id_masked", mask(one))
		w.shows("resident", "p", "id_masked", mask(two))
		w.oneItem(syncproto.ItemTwin)
	})
}

func tablesOf(items []*judge.Item) string {
	var out []string
	for _, it := range items {
		out = append(out, it.Table+" "+string(it.Kind))
	}
	return strings.Join(out, ", ")
}

// On whose word two were asked about, and why, is held against the chain, and goes with an erasure of either.
func TestVerifyFindsAnAlteredNaming(t *testing.T) {
	const canary = "不可留下的缘由"
	onBoth(t, func(t *testing.T, w *world) {
		for _, h := range []string{"a", "b", "c"} {
			w.must("admin", w.create("household", h, "place", "@v1g", "code", h))
		}
		item, found := w.named("admin", "a", "b", canary), ""
		w.named("admin", "a", "c", "另一件")
		w.must("admin", w.create("household", "d", "place", "@v1g", "code", "h1"))
		exec := func(query string, args ...any) {
			t.Helper()
			if err := w.store.Write(t.Context(), func(tx *store.Tx) error { return tx.Exec(query, args...) }); err != nil {
				t.Fatal(err)
			}
		}
		heads := func(id string) (s string) {
			w.read(func(tx *store.Tx) error {
				_, err := tx.One("SELECT heads FROM mq_item WHERE id = ?", []any{id}, &s)
				return err
			})
			return s
		}
		w.read(func(tx *store.Tx) error {
			_, err := tx.One("SELECT id FROM mq_item WHERE other = ?", []any{w.id("d")}, &found)
			return err
		})
		was := heads(item.ID)
		before, after, _ := strings.Cut(was, `,"named":`)
		for what, alter := range map[string][3]string{
			"other words":                      {item.ID, was, strings.Replace(was, canary, "别的", 1)},
			"somebody else":                    {item.ID, was, strings.Replace(was, string(w.user("admin")), string(w.user("sec")), 1)},
			"none":                             {item.ID, was, before + "}"},
			"where a code tells, a word added": {found, heads(found), strings.TrimSuffix(heads(found), "}") + `,"named":` + after},
		} {
			exec("UPDATE mq_item SET heads = ? WHERE id = ?", alter[2], alter[0])
			r, err := w.judge.VerifyChain(t.Context())
			if err != nil || len(r.Broken) != 1 || !strings.Contains(r.Broken[0].Why, "reason") {
				t.Errorf("%s: %+v %v", what, r.Broken, err)
			}
			exec("UPDATE mq_item SET heads = ? WHERE id = ?", alter[1], alter[0])
		}
		w.sound()
		w.resolve("admin", item.ID, judge.Decision{Why: canary + "，两户"})
		w.sound()
		if _, err := w.judge.Erase(t.Context(), w.user("admin"), w.rowID("b"), "本人申请"); err != nil {
			t.Fatal(err)
		}
		var dump bytes.Buffer
		if _, err := w.store.Dump(t.Context(), &dump); err != nil || strings.Contains(dump.String(), canary) {
			t.Errorf("what was said of the erased outlives it: %v", err)
		}
		w.sound()
	})
}
