package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

// peopled lays households into groups until there are n, with contacts and visits such that they stand in every way and no two in a row alike. They go
// straight into the tables that the page reads.
func peopled(tb testing.TB, c *consoletest.City, groups []string, from, n int) {
	tb.Helper()
	surnames, given := []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"), []string{"桂芬", "秀兰", "建国", "小明", "丽华", "志强", "春梅", "海燕"}
	today := c.Now()
	if err := c.Engine.Store.Write(tb.Context(), func(tx *store.Tx) error {
		for i := from; i < n; i++ {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			code := fmt.Sprintf("07%02d-%04d", i%len(groups), i)
			if err := tx.Exec("INSERT INTO household (id, place, code, head, address) VALUES (?, ?, ?, ?, ?)", id, groups[i%len(groups)], code, string(surnames[i%len(surnames)])+given[i%len(given)], fmt.Sprintf("%d组%d号", i%len(groups)+1, i)); err != nil {
				return err
			}
			how := i * 7919 % 13 // in an order that the marks do not repeat
			if how == 0 {
				continue
			}
			as, err := tx.NewID()
			if err == nil {
				err = tx.Exec(`INSERT INTO assignment (id, household, "user", team, since) VALUES (?, ?, ?, 'cadre', '2026-01-05')`, as, id, string(c.Users["cadre"]))
			}
			for back := range 4 {
				if err != nil {
					return err
				}
				visit, e := tx.NewID()
				if err = e; err == nil {
					err = tx.Exec(`INSERT INTO visit (id, household, author, day) VALUES (?, ?, ?, ?)`, visit, id, string(c.Users["cadre"]), today.AddDate(0, 0, -how*9-back*30).Format(time.DateOnly))
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
}

// buildings makes more groups in the village, as a community has buildings.
func buildings(tb testing.TB, c *consoletest.City) (groups []string) {
	tb.Helper()
	for i := range 45 {
		id, err := c.Create(tb.Context(), "admin", "place", consoletest.Vals{"parent": c.Places["village"], "level": "group", "name": fmt.Sprintf("%d号楼", i+10), "code": fmt.Sprintf("9901%04d", i+100)})
		if err != nil {
			tb.Fatal(err)
		}
		groups = append(groups, string(id))
	}
	return groups
}

// TestCoverageWeight holds the picture of the sizes that DOMAIN names, a village and a community, to 100 KB unpacked, and that of the largest place that has
// a picture to 100 KB as sent, each with style and script; whatever the table lists.
func TestCoverageWeight(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full})
	groups, b, had := buildings(t, city), city.NewBrowser(t, base, "secretary"), 7 // those of the story
	for _, n := range []int{859, 1747, 4000} {
		peopled(t, city, groups, had, n)
		had = n
		for _, lang := range []string{"zh", "en"} {
			b.Do("POST", "/settings", url.Values{"lang": {lang}, "to": {"/"}}).Want(303)
			for _, ask := range []string{"", "?show=overdue", "?show=nobody.overdue.unvisited.short.enough&group=" + groups[3]} {
				p := b.Get("/at/{place}/coverage" + ask).Want(200)
				if got := len(p.All(".cells a")); got != n {
					t.Fatalf("%d marks of %d households", got, n)
				}
				sent, plain := p.Weight()
				t.Logf("%d households%s %s: HTML %d bytes unpacked, %d sent; with style and script %d and %d", n, ask, lang, len(p.Raw), p.Sent, plain, sent)
				if n < 4000 && len(p.Raw) > 100<<10 || sent > 100<<10 {
					t.Errorf("%d households%s %s: HTML %d bytes, with style and script %d sent", n, ask, lang, len(p.Raw), sent)
				}
			}
		}
	}
}

// TestMarkSpeaks: a mark says who it is and how he stands when it is come to, does not lie in the way of the mark beneath it, and leads to its row by a press, at a
// desk and on a phone.
func TestMarkSpeaks(t *testing.T) {
	w := &window{Screen: mustWindow(t), t: t}
	w.city, w.base = consoletest.MustOpen(t, consoletest.Options{State: consoletest.Many})
	defer func() { w.must(w.Go("about:blank", "body")) }()
	for _, phone := range []bool{false, true} {
		w.sit("secretary", phone)
		w.see("/at/{place}/coverage", ".cells a")
		const mark, before = ".covg:nth-of-type(2) .cells a:nth-child(5)", ".covg:nth-of-type(2) .cells a:nth-child(4)"
		w.ask(`document.querySelector("` + before + `").focus() || ""`)
		w.must(w.Press("\t"))
		w.await(`document.activeElement === document.querySelector("` + mark + `")`)
		if got := w.ask(`(e => { var r = document.createRange(); r.selectNodeContents(e); var b = r.getBoundingClientRect(), m = e.getBoundingClientRect(), u = document.elementFromPoint(m.left + m.width / 2, m.bottom + m.height / 2);
			return [e.innerText, b.width > 40 && b.height > 10 && b.top >= m.top + m.height - 2, u !== e && u.parentElement === e.parentElement, document.elementFromPoint(m.left + m.width / 2, m.top + m.height / 2) === e].join(" "); })(document.querySelector("` + mark + `"))`); got != "户主0 没去 true true true" {
			t.Errorf("phone %v: a mark that is come to: %s", phone, got)
		}
		w.must(w.Follow(mark, "tr#r"))
		w.says("tr#r", "户主0")
	}
}

// TestMarkLeadsToItsOwn: households whose ids end alike are told apart, also when the second comes after the page; and a mark keeps what else was asked of the table.
func TestMarkLeadsToItsOwn(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full})
	b := city.NewBrowser(t, base, "secretary")
	add := func(id, head string) {
		if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
			return tx.Exec("INSERT INTO household (id, place, code, head) VALUES (?, ?, ?, ?)", id, city.Places["group8"], "0899-"+id[24:30], head)
		}); err != nil {
			t.Fatal(err)
		}
	}
	mark := func(p *consoletest.Page, head string) string {
		t.Helper()
		for _, a := range p.All(".cells a") {
			if strings.HasPrefix(reader.Text(a), head+" ") {
				return strings.TrimSuffix(reader.Attr(a, "href"), "#r")
			}
		}
		t.Fatalf("no mark of %s", head)
		return ""
	}
	const page = "/at/{place}/coverage"
	add("019b8bab-0681-7000-8000-aaaaaa0a1b2c", "甲一")
	early := mark(b.Get(page).Want(200), "甲一")
	add("019b8bab-0681-7000-8000-bbbbbb0a1b2c", "乙二")
	if rows := b.Get(page + early).Want(200).Texts("tr#r"); len(rows) != 0 {
		t.Errorf("a mark that has come to fit two households leads to %q", rows)
	}
	p := b.Get(page + "?show=enough.short&group={group7}").Want(200)
	for _, head := range []string{"甲一", "乙二", "贺长庚"} {
		to := b.Get(page + mark(p, head)).Want(200)
		if rows := to.Texts("tr#r"); len(rows) != 1 || !strings.Contains(rows[0], head) {
			t.Errorf("the mark of %s leads to %q", head, rows)
		}
		want := "本月还差 本月已够"
		if head != "贺长庚" {
			want = "没有人联系 " + want
		}
		if on, only := strings.Join(to.Texts(".covchips a.on span"), " "), strings.Join(to.Texts(".covonly"), ""); on != want || !strings.Contains(only, "8组") {
			t.Errorf("behind the mark of %s the table lists %q, %q", head, on, only)
		}
	}
}

// BenchmarkCoverage is the page of the largest community we know of, by the server's own time.
func BenchmarkCoverage(b *testing.B) {
	city, _ := consoletest.MustOpen(b, consoletest.Options{State: consoletest.Full})
	peopled(b, city, buildings(b, city), 7, 1747)
	token, err := city.Session(b.Context(), "secretary")
	if err != nil {
		b.Fatal(err)
	}
	pages := city.Engine.Handler()
	var took []time.Duration
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, city.At("/at/{place}/coverage"), nil)
		r.AddCookie(&http.Cookie{Name: "__Host-mq-session", Value: token})
		w := httptest.NewRecorder()
		began := time.Now()
		pages.ServeHTTP(w, r)
		if took = append(took, time.Since(began)); w.Code != http.StatusOK {
			b.Fatalf("%d: %s", w.Code, w.Body)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}
