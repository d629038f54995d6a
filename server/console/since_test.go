package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"minqing/schema"
	"minqing/server/console/consoletest"
	verdict "minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// TestEditsSince: whatever of a record was edited since it was given back, or else handed in, is shown as what was and what is, with who did it and
// when; what nobody edited is quiet, and so is what was changed and changed back.
func TestEditsSince(t *testing.T) { both(t, editsSince) }

// loose is the product's rule book, but for visits, which their authors may write over: of the product's, only the server changes where they lie.
func loose(t *testing.T) *schema.Book {
	t.Helper()
	product := schema.Minqing()
	tables := product.Tables()
	for i, x := range tables {
		if x.Name == "visit" {
			open := *x
			open.Append, open.Change = false, []schema.Permit{{Roles: x.Create[0].Roles, Own: true}}
			tables[i] = &open
		}
	}
	book, err := schema.NewBook(product.Version, tables...)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func editsSince(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn, Book: loose(t)})
	ctx, b := t.Context(), city.NewBrowser(t, base, "secretary")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	later := func() { city.SetNow(city.Now().Add(time.Minute)) }
	journal := city.Rows["journal.urgent"]
	visit := columnOf(t, city, "journal", "visit", string(journal))
	path := "/at/{place}/review/{journal.urgent}"
	if n := len(b.Get(path).Want(200).All("main ins, main del, main .by")); n != 0 {
		t.Fatalf("handed in and untouched since, %d things are marked", n)
	}

	// Before it is given back something is edited as well: the reviewer saw it, and it counts no more. One of two phones had not seen it when it wrote on.
	before, err := city.Base(ctx, journal)
	must(err)
	later()
	must(city.Update(ctx, "cadre", "journal", journal, syncproto.Base{}, consoletest.Vals{"text": "屋顶漏雨，西屋成了危房，夜里不敢住人。堂屋还好。"}))
	must(city.Update(ctx, "cadre", "visit", syncproto.RowID(visit), syncproto.Base{}, consoletest.Vals{"met": "户主和女儿"}))
	p := b.Get(path).Want(200)
	if got := strings.Join(p.Texts(".kv ins"), "|"); got != "和女儿" || !strings.Contains(strings.Join(p.Texts(".kv .by"), "|"), "交上来后改的：陈秀兰 11月23日 周一 10:51") {
		t.Errorf("since it was handed in: %q, %q", got, p.Texts(".kv .by"))
	}
	later()
	p.Send(".verdict", url.Values{"do": {"return"}, "comment": {"哪天去的、见了谁，请核对。"}}).Want(200)
	if p = b.Get(path + "?show=returned").Want(200); len(p.All("main .record ins, main .record del, main .by")) != 0 {
		t.Errorf("given back and untouched since: %q", p.Texts("main .record ins, main .record del, main .by"))
	}
	later()

	// Everything that there is of it, by its author.
	must(city.Update(ctx, "cadre", "visit", syncproto.RowID(visit), syncproto.Base{}, consoletest.Vals{"day": "2026-11-21", "met": "户主和儿子"}))
	seen, err := city.Base(ctx, syncproto.RowID(visit))
	must(err)
	must(city.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		return refusedOr(city.Engine.Judge.SubmitIn(tx, city.Users["cadre"], verdict.Draft{Edits: []syncproto.Edit{{Table: "visit", Row: syncproto.RowID(visit), Op: syncproto.OpUpdate, Base: seen,
			Cells: []syncproto.CellEdit{{Cell: "tasks", Add: []string{"policy"}, Del: []string{"listen"}}}}}}))
	}))
	must(city.Delete(ctx, "cadre", "attachment", city.Rows["photo"]))
	var shots []syncproto.RowID
	for range 3 {
		id, err := city.Create(ctx, "cadre", "attachment", consoletest.Vals{"visit": visit, "author": string(city.Users["cadre"]), "hash": strings.Repeat("ab", 32), "media": "image/jpeg", "bytes": "4"})
		must(err)
		shots = append(shots, id)
	}
	must(city.Delete(ctx, "cadre", "attachment", shots[2]))      // came and went
	must(city.Engine.Store.Write(ctx, func(tx *store.Tx) error { // the content of one has arrived
		return tx.Exec("INSERT INTO mq_file (row_id, hash, user_id, at) VALUES (?, ?, ?, ?)", string(shots[0]), strings.Repeat("ab", 32), string(city.Users["cadre"]), tx.Now())
	}))
	roof := findMatter(t, city, "ding", "屋顶漏雨，危房")
	must(city.Update(ctx, "cadre", "matter", roof, syncproto.Base{}, consoletest.Vals{"title": "西屋屋顶漏雨，危房", "state": "handled"}))
	_, err = city.Create(ctx, "cadre", "matter", consoletest.Vals{"household": string(city.Rows["ding"]), "author": string(city.Users["cadre"]), "kind": "request", "title": "借住一个月"})
	must(err)
	must(city.Update(ctx, "cadre", "journal", journal, before, consoletest.Vals{"text": "周日去的。屋顶漏雨，西屋成了危房，夜里不敢住人。"}))
	must(city.Update(ctx, "cadre", "journal", journal, syncproto.Base{}, consoletest.Vals{"state": "submitted"}))

	for lang, want := range map[string][]string{
		"zh": {"退回后改的：陈秀兰 11月23日 周一 10:53", "11月22日 周日→11月21日 周六", "听民声→送政策", "删去 1 张照片→补了 2 张照片", "已记录→已办结", "退回后记的：陈秀兰 11月23日 周一 10:53"},
		"en": {"since it was given back: 陈秀兰 Mon 23 Nov 10:53", "Sun 22 Nov→Sat 21 Nov", "Listen→Bring policy", "1 photo removed→2 photos added", "Recorded→Handled", "raised since it was given back: 陈秀兰 Mon 23 Nov 10:53"},
	} {
		b.Do("POST", "/settings", url.Values{"lang": {lang}, "to": {"/"}}).Want(303)
		p = b.Get(path).Want(200)
		gone, came := strings.Join(p.Texts("main del"), "|"), strings.Join(p.Texts("main ins"), "|")
		for _, w := range want {
			was, is, ok := strings.Cut(w, "→")
			if !ok && !strings.Contains(strings.Join(p.Texts(".by"), "|"), w) {
				t.Errorf("%s: nothing is signed %q: %q", lang, w, p.Texts(".by"))
			}
			if ok && (!strings.Contains(gone, was) || !strings.Contains(came, is)) {
				t.Errorf("%s: lacks %q: removed %q, added %q", lang, w, gone, came)
			}
		}
		for _, w := range []string{"女儿|", "|周日去的。|", "西屋", "借住一个月"} {
			if !strings.Contains("|"+gone+"|"+came+"|", w) {
				t.Errorf("%s: lacks %q: removed %q, added %q", lang, w, gone, came)
			}
		}
		if strings.Contains(came+gone, "堂屋") || strings.Contains(came+gone, "院墙") {
			t.Errorf("%s: what the reviewer saw, or what is another's, is marked: removed %q, added %q", lang, gone, came)
		}
		if n, m := len(p.All(".shots a")), len(p.All(".shots a.new")); n != 1 || m != 1 {
			t.Errorf("%s: of %d photos %d are marked as added", lang, n, m)
		}
	}
	b.Do("POST", "/settings", url.Values{"lang": {"zh"}, "to": {"/"}}).Want(303)

	// Changed back, it is quiet; the others stay.
	later()
	must(city.Update(ctx, "cadre", "visit", syncproto.RowID(visit), syncproto.Base{}, consoletest.Vals{"met": "户主和女儿", "day": "2026-11-22"}))
	if p = b.Get(path).Want(200); strings.Join(p.Texts(".kv ins, .kv del"), "|") != "送政策|听民声" {
		t.Errorf("changed back: %q", p.Texts(".kv ins, .kv del"))
	}

	// The server moved the visit, as when households are merged.
	must(city.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		return refusedOr(city.Engine.Judge.SubmitIn(tx, "", verdict.Draft{Edits: []syncproto.Edit{{Table: "visit", Row: syncproto.RowID(visit), Op: syncproto.OpUpdate,
			Cells: []syncproto.CellEdit{{Cell: "household", Value: schema.Text(string(city.Rows["he"]))}}}}}))
	}))
	if p = b.Get(path).Want(200); !strings.Contains(strings.Join(p.Texts(".kv del"), "|"), "丁有田家") || !strings.Contains(strings.Join(p.Texts(".kv ins"), "|"), "贺长庚家") || !strings.Contains(strings.Join(p.Texts(".kv .by"), "|"), "服务器") {
		t.Errorf("moved: %q", p.Texts(".kv"))
	}

	// Given back once more, all of it is seen, and it begins anew.
	later()
	p.Send(".verdict", url.Values{"do": {"return"}, "comment": {"再看一遍。"}}).Want(200)
	if p = b.Get(path + "?show=returned").Want(200); len(p.All("main .record ins, main .record del, main .by")) != 0 {
		t.Errorf("given back again: %q", p.Texts("main .record ins, main .record del, main .by"))
	}
}

// TestEditsSinceByIndex: what stood is found by the rows of one record, however many the city has.
func TestEditsSinceByIndex(t *testing.T) { both(t, editsByIndex) }

func editsByIndex(t *testing.T, dsn string) {
	city, _ := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	for query, index := range map[string]string{
		"SELECT id FROM mq_row WHERE parent = ANY(?) ORDER BY id":                                "mq_row_parent",
		"SELECT cells FROM mq_history WHERE row_id = ANY(?) ORDER BY received, stream, seq, ord": "mq_history_row",
		"SELECT row_id, MIN(received) FROM mq_history WHERE row_id = ANY(?) GROUP BY row_id":     "mq_history_row",
		"SELECT id FROM matter WHERE household = ANY(?)":                                         "matter",
	} {
		var plan []string
		if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
			plan = nil
			explain := "EXPLAIN "
			if dsn == "" {
				explain = "EXPLAIN QUERY PLAN "
			} else if err := tx.Exec("SET LOCAL enable_seqscan = off"); err != nil { // of a city this small all is read, by the planner's choice
				return err
			}
			return tx.Each(func(scan func(...any) error) error {
				var line string
				into := []any{&line}
				if dsn == "" {
					into = []any{new(int), new(int), new(int), &line}
				}
				err := scan(into...)
				plan = append(plan, line)
				return err
			}, explain+query, []string{string(city.Rows["journal.returned"])})
		}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(plan, "\n"); !strings.Contains(got, index) || !strings.Contains(strings.ToLower(got), "index") || strings.Contains(got, "Seq Scan") {
			t.Errorf("%s goes by\n%s", query, got)
		}
	}
}

// refusedOr makes an error of a refusal.
func refusedOr(out *verdict.Outcome, err error) error {
	if err != nil {
		return err
	}
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return fmt.Errorf("refused: %s", v.Message)
		}
	}
	return nil
}

func findMatter(t *testing.T, city *consoletest.City, home, title string) (id syncproto.RowID) {
	t.Helper()
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT id FROM matter WHERE household = ? AND title = ?", []any{string(city.Rows[home]), title}, &id)
		return err
	}); err != nil || id == "" {
		t.Fatalf("no matter %s: %v", title, err)
	}
	return id
}
