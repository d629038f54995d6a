package judge_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

func TestErase(t *testing.T) {
	const canary = "不可留下的名字"
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.do(w.create("thing", "t", "household", "@h1", "name", canary+"一", "total", 3), w.create("thing", "other", "household", "@h1", "name", "stays"))
		ann.do(w.create("note", "n", "thing", "@t", "author", "@ann", "text", canary+"二"))
		a, b := ann.change(w.update("thing", "t", "name", canary+"三")), bob.change(w.update("thing", "t", "name", canary+"四"))
		ann.push(a)
		bob.push(b)
		refused := ann.change(w.update("thing", "t", "name", canary+"五", "grade", "z"))
		ann.push(refused)
		w.oneItem(syncproto.ItemCell)
		if _, err := w.judge.Erase(t.Context(), w.user("admin"), w.rowID("t"), ""); stops(err) != syncproto.CodeInvalid {
			t.Errorf("erased without a ground: %v", err)
		}
		out, err := w.judge.Erase(t.Context(), w.user("admin"), w.rowID("t"), "本人申请")
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Rows) != 2 || out.Changes < 5 {
			t.Errorf("erased %+v", out)
		}
		var dump bytes.Buffer
		if _, err := w.store.Dump(t.Context(), &dump); err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(dump.String(), canary); i >= 0 {
			t.Errorf("something is left: %s", dump.String()[max(0, i-300):i+60])
		}
		if w.opt.Path != "" {
			for _, name := range []string{w.opt.Path, w.opt.Path + "-wal"} {
				raw, err := os.ReadFile(name)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				if bytes.Contains(raw, []byte(canary)) {
					t.Errorf("free space of %s still holds what was erased", filepath.Base(name))
				}
			}
		}
		w.shows("thing", "other", "name", "stays")
		w.noItem()
		// What comes for it later is not kept.
		late := bob.change(syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: syncproto.OpUpdate, Base: w.base("t"), Cells: w.cells("thing", "name", canary+"六")})
		bob.wants(bob.push(late)[0], syncproto.Refused, syncproto.CodeForbidden)
		bob.wants(bob.verdict(late), syncproto.Refused, syncproto.CodeForbidden)
		// What was made beneath it before its author heard stands beside the deletion, whose own words went with the others.
		bob.wants(bob.push(bob.change(w.create("note", "k", "thing", "@t", "author", "@bob", "text", "beneath")))[0], syncproto.Conflicted, "")
		w.oneItem(syncproto.ItemDelete)
		w.shows("note", "k", "text", "beneath")
		report, err := w.judge.VerifyChain(t.Context())
		if err != nil || report.Erased < 5 || len(report.Broken) > 0 {
			t.Errorf("the chain: %+v %v", report, err)
		}
	})
}

// TestEraseTakesWhatWasMerged: whoever was registered twice is erased twice.
func TestEraseTakesWhatWasMerged(t *testing.T) {
	const canary = "不可留下的名字"
	onBoth(t, func(t *testing.T, w *world) {
		for _, h := range []string{"a", "b", "c"} {
			w.must("admin", w.create("household", h, "place", "@v1g", "code", h, "note", canary+h))
		}
		for _, pair := range [][2]string{{"a", "b"}, {"b", "c"}} {
			item := w.named("admin", pair[0], pair[1], "同一户")
			w.resolve("admin", item.ID, judge.Decision{Winner: w.rowID(pair[1])})
		}
		out, err := w.judge.Erase(t.Context(), w.user("admin"), w.rowID("c"), "本人申请")
		if err != nil || len(out.Rows) != 3 {
			t.Fatalf("erased %+v %v", out, err)
		}
		var dump bytes.Buffer
		if _, err := w.store.Dump(t.Context(), &dump); err != nil || strings.Contains(dump.String(), canary) {
			t.Errorf("words of one that was merged away outlive it: %v", err)
		}
		w.noItem()
		w.sound()
	})
}

func TestVerifyNamesTheFirstAlteredRecord(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
		c := ann.change(w.update("thing", "t", "name", "true"))
		ann.push(c)
		ann.do(w.update("thing", "t", "name", "later"))
		tamper := func(from, to string) {
			if err := w.store.Write(t.Context(), func(tx *store.Tx) error {
				return tx.Exec("UPDATE mq_history SET cells = REPLACE(cells, ?, ?)", from, to)
			}); err != nil {
				t.Fatal(err)
			}
		}
		tamper(`"true"`, `"false"`)
		report, err := w.judge.VerifyChain(t.Context())
		if err != nil || len(report.Broken) != 1 || report.Broken[0].Identity != c.Identity() {
			t.Errorf("the chain: %+v %v", report, err)
		}
		tamper(`"false"`, `"true"`)
		// A version that is put in beside those of its change is not passed over because it says that it came at another time.
		put := func(query string) {
			if err := w.store.Write(t.Context(), func(tx *store.Tx) error { return tx.Exec(query, string(c.Identity())) }); err != nil {
				t.Fatal(err)
			}
		}
		for _, later := range []string{"0", "1"} {
			put(`INSERT INTO mq_history SELECT stream, seq, ord + 9, identity, tbl, row_id, op, cells, base, decides, undo_of, roles, depends, epoch, rev, author, device, at,
				corrected, received + ` + later + ` FROM mq_history WHERE identity = ?`)
			report, err := w.judge.VerifyChain(t.Context())
			if err != nil || len(report.Broken) != 1 || report.Broken[0].Identity != c.Identity() {
				t.Errorf("received %s ms later: %+v %v", later, report, err)
			}
			put("DELETE FROM mq_history WHERE identity = ? AND ord >= 9")
		}
		if report, err := w.judge.VerifyChain(t.Context()); err != nil || len(report.Broken) > 0 {
			t.Errorf("what was put in is gone again: %+v %v", report, err)
		}
	})
}

func TestUnknownIsTakenAfterAnUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	w := mustWorld(t, store.Options{Path: path}, schematest.BookAt(2))
	ann := w.phone("ann")
	newer := *w
	newer.opt.Book = schematest.Book()
	newer.t = t
	ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
	edit := newer.update("thing", "t", "remark", "from tomorrow", "total", 2)
	content := ann.change(edit).Content
	c, err := syncproto.ParseContent(w.opt.Book, syncproto.Name{Device: ann.id, Number: 2}, syncproto.Name{Device: ann.id, Number: 2}, string(content))
	if err != nil {
		t.Fatal(err)
	}
	ann.wants(ann.push(c)[0], syncproto.Refused, syncproto.CodeUnknown)
	w.shows("thing", "t", "total", nil)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.opt.Book = schematest.Book()
	w.open()
	if taken, err := w.judge.Retry(t.Context()); err != nil || taken != 1 {
		t.Fatalf("%d taken, %v", taken, err)
	}
	w.shows("thing", "t", "remark", "from tomorrow")
	w.shows("thing", "t", "total", 2)
	ann.wants(ann.verdict(c), syncproto.Applied, "")
	if taken, err := w.judge.Retry(t.Context()); err != nil || taken != 0 {
		t.Errorf("again %d taken, %v", taken, err)
	}
}

// TestTwoVersionsSideBySide: while an upgrade rolls, an older server writes to rows whose newer cells it does not know, and does not lose
// who wrote them.
func TestTwoVersionsSideBySide(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n", "remark", "零。"))
		stale := w.update("thing", "t", "remark", "零。二。")
		ann.do(w.update("thing", "t", "remark", "一。零。"))
		opt := w.opt
		opt.Book = schematest.BookAt(2)
		older, err := store.Open(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		old := judge.New(older, judge.Options{Seals: w.seals})
		// Concurrent edits, so that the older one takes the long way too.
		for i, name := range []string{"a", "b"} {
			e := syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: syncproto.OpUpdate, Base: stale.Base, Cells: w.cells("thing", "name", name)}
			p := []*phone{ann, bob}[i]
			if _, err := old.Push(t.Context(), judge.Author{Device: p.id, User: p.user}, []*syncproto.Change{p.change(e)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := older.Close(); err != nil {
			t.Fatal(err)
		}
		if !w.store.Postgres() { // one process opens a file: the older server had it in between
			if err := w.store.Close(); err != nil {
				t.Fatal(err)
			}
			w.open()
		}
		w.shows("thing", "t", "remark", "一。零。")
		bob.wants(bob.do(stale), syncproto.Merged, "")
		w.shows("thing", "t", "remark", "一。零。二。")
		w.resolve("admin", w.oneItem(syncproto.ItemCell).ID, judge.Decision{Values: map[string]schema.Value{"name": schema.Text("both")}})
	})
}

func TestSweepKeepsHistory(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"), w.create("thing", "u", "household", "@h1", "name", "n"))
		w.assign("ann", "h2")
		ann.do(w.remove("thing", "t"))
		ann.do(w.update("thing", "u", "household", "@h2"))
		w.now += 400 * day
		w.must("admin", w.create("thing", "v", "household", "@h1", "name", "new"))
		if err := w.store.Write(t.Context(), func(tx *store.Tx) error {
			rows, marks, err := tx.Sweep(w.now - 100*day)
			if rows != 1 || marks != 1 {
				t.Errorf("swept %d rows and %d marks", rows, marks)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if w.row("t") != nil {
			t.Error("the mark is there still")
		}
		history, err := w.judge.History(t.Context(), w.rowID("t"))
		if err != nil || len(history) != 2 {
			t.Errorf("%d versions are left, %v", len(history), err)
		}
		w.read(func(tx *store.Tx) error {
			at, err := tx.Horizon()
			if at != w.now-100*day {
				t.Errorf("the horizon is %d", at)
			}
			return err
		})
	})
}

func TestPostgresThatWentBackGetsAnEpoch(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		if !w.store.Postgres() {
			return // an SQLite store gets one whenever it is opened
		}
		ann := w.phone("ann")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "n"))
		epoch := w.row("t").Label.Epoch
		// A fail-over to a standby that lagged: the newest commits are gone under the running process.
		if err := w.store.Write(t.Context(), func(tx *store.Tx) error {
			r := w.row("h1")
			for _, q := range []string{"DELETE FROM mq_chain WHERE stream = ? AND pos = (SELECT pos FROM mq_stream WHERE id = '" + r.Stream + "')",
				"UPDATE mq_stream SET pos = pos - 1, seq = seq - 1, head = (SELECT head FROM mq_chain c WHERE c.stream = mq_stream.id AND c.pos = mq_stream.pos - 1) WHERE id = ?",
				"DELETE FROM mq_history WHERE row_id = '" + w.id("t") + "' AND stream = ?", "DELETE FROM mq_row WHERE id = '" + w.id("t") + "' AND stream = ?"} {
				if err := tx.Exec(q, r.Stream); err != nil {
					return err
				}
			}
			return tx.Exec("DELETE FROM thing WHERE id = ?", w.id("t"))
		}); err != nil {
			t.Fatal(err)
		}
		w.must("admin", w.create("thing", "u", "household", "@h1", "name", "n"))
		if now := w.row("u").Label.Epoch; now == epoch {
			t.Error("the process did not miss its own chain head")
		}
		w.closed = true // what was torn out by hand leaves buckets that do not add up
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
}
