package console_test

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
	"minqing/server/store"
	"minqing/syncproto"
)

func TestRefusedAndLate(t *testing.T) { both(t, refusing) }

func refusing(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	p := b.Get("/at/{place}/refused").Want(200)
	if n := len(p.All("tbody tr")); n != 4 || strings.Contains(p.Raw, "白立春") {
		t.Fatalf("%d refused changes are listed, want 4 of this village: %q", n, p.Texts("tbody tr"))
	}
	if got := p.Texts("tbody tr"); !strings.Contains(strings.Join(got, "|"), "超过了补交期限，已交管理员处理。等待处理，内容不会丢") || strings.Contains(strings.Join(got, ""), " / ") || strings.Contains(strings.Join(got, ""), "。。") {
		t.Errorf("the reasons are %q", got)
	}
	if n := len(b.Get("/at/{city}/refused").All("tbody tr")); n != 5 {
		t.Errorf("%d refused changes in the city, want 5", n)
	}
	if n := len(city.NewBrowser(t, base, "otheradmin").Get("/at/{other}/refused").All("tbody tr")); n != 1 {
		t.Errorf("%d refused changes in the other village, want 1", n)
	}
	if got := b.Get("/at/{place}/refused?list=late").Want(200).Texts("tbody tr"); len(got) != 1 || !strings.Contains(got[0], "冯颐家") || !strings.Contains(got[0], "赵建国") {
		t.Errorf("late and taken: %q", got)
	}

	// A change is shown whole: each row, each field against what stands, whoever wrote it and when. A value that is none is not let in as it is.
	p = b.Get("/at/{place}/refused/{change}").Want(200)
	text := strings.Join(p.Texts("main"), " ")
	for _, want := range []string{"欧阳诗雅家", "古丽巴哈尔·阿布都克里木家", "陈秀兰", "红米 12C", "11月22日 周日 17:30", "已退给陈秀兰，在手机上改好再传就行"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	if ins := strings.Join(p.Texts("main ins"), "|"); !strings.Contains(ins, "春节回来") || len(p.All("main del")) == 0 {
		t.Errorf("the differences: %q", ins)
	}
	b.Post("/at/{place}/refused/{change}", url.Values{"do": {"take"}}).Want(422)
	if got := columnOf(t, city, "household", "note", string(city.Rows["ou"])); strings.Contains(got, "春节回来") {
		t.Errorf("a refused change took effect: %q", got)
	}
	if got := strings.Join(b.Get("/at/{place}/refused/{change.waits}").Want(200).Texts(".mend"), ""); !strings.Contains(got, "自动重新处理") {
		t.Errorf("what waits says %q", got)
	}

	// What came too late: returned, it does not show and its author is told; taken, it counts in his name, with a record of who took it.
	late := "/at/{place}/refused/{change.toolate}"
	p = b.Get(late).Want(200)
	p.Send(".decide form", nil).Want(422)
	p = p.Send(".decide form", url.Values{"do": {"take"}}).Want(200)
	if got := strings.Join(p.Texts(".said"), ""); !strings.Contains(got, "收下了，仍算陈秀兰写的") {
		t.Errorf("taken, the page says %q", got)
	}
	if got := columnOf(t, city, "household", "note", string(city.Rows["nobody"])); !strings.Contains(got, "摔了一跤") {
		t.Errorf("taken, the note is %q", got)
	}
	wantAuthor(t, city, city.Rows["nobody"], city.Users["cadre"], city.Rows["change.toolate"])
	if n := len(b.Get("/at/{place}/refused").All("tbody tr")); n != 3 {
		t.Errorf("%d are refused still, want 3", n)
	}
	if got := strings.Join(b.Get(late).Want(200).Texts(".note"), ""); !strings.Contains(got, "何婉清看过，收下了，仍算陈秀兰写的") {
		t.Errorf("afterwards the page says %q", got)
	}
	b.Post(late, url.Values{"do": {"return"}}).Want(422)
	if report, err := city.Engine.Judge.VerifyChain(t.Context()); err != nil || len(report.Broken) > 0 {
		t.Errorf("the chain: %+v, %v", report, err)
	}
}

// wantAuthor holds the history of a row to a change in its author's name.
func wantAuthor(t *testing.T, c *consoletest.City, row syncproto.RowID, user syncproto.UserID, change syncproto.RowID) {
	t.Helper()
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		found, err := tx.Versions("row_id = ? AND identity = ?", string(row), string(change))
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0].Author != user {
			t.Errorf("the history holds %d versions of it: %+v", len(found), found)
		}
		told, err := tx.Decisions([]string{string(change)})
		if kinds := told[syncproto.Identity(change)]; len(kinds) != 1 || kinds[0] != "decided taken by "+string(c.Users["admin"]) {
			t.Errorf("on record: %q", kinds)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestLateIsReturned returns what came too late, and has another administrator try once more.
func TestLateIsReturned(t *testing.T) { both(t, returning) }

func returning(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	late := "/at/{place}/refused/{change.toolate}"
	desk := ""
	for _, row := range b.Get("/at/{place}/conflicts").Want(200).All("tbody tr") {
		if strings.Contains(reader.Text(row), "到得太晚") {
			desk = hrefIn(row)
		}
	}
	open := b.Get(late).Want(200)
	if p := open.Send(".decide form", url.Values{"do": {"return"}}).Want(200); !strings.Contains(strings.Join(p.Texts(".said"), ""), "退回给陈秀兰") {
		t.Errorf("returned, the page says %q", p.Texts(".said"))
	}
	if p := open.Send(".decide form", url.Values{"do": {"take"}}).Want(422); !strings.Contains(strings.Join(p.Texts(".note"), ""), "何婉清看过，没有收") {
		t.Errorf("the second is told %q", p.Texts("main"))
	}
	if got := columnOf(t, city, "household", "note", string(city.Rows["nobody"])); strings.Contains(got, "摔了一跤") {
		t.Errorf("returned, the note is %q", got)
	}
	// On the conflict desk it stands as decided, with the same way back.
	if p := b.Get(desk).Want(200); len(p.All("[action$='/undo']")) != 1 || !strings.Contains(strings.Join(p.Texts(".note"), ""), "何婉清已经定了") {
		t.Errorf("the desk says %q", p.Texts("main"))
	}
	if n := len(b.Get("/at/{place}/refused").All("tbody tr")); n != 4 {
		t.Errorf("%d are refused, want 4: what was returned is kept", n)
	}
}

// hrefIn is the address of the first link of an element.
func hrefIn(n *html.Node) string {
	for d := range n.Descendants() {
		if to := reader.Attr(d, "href"); d.Data == "a" && to != "" {
			return to
		}
	}
	return ""
}

// TestRefusedByPages goes through a thousand refused changes page by page: each comes once.
func TestRefusedByPages(t *testing.T) { both(t, paging) }

func paging(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Many, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	seen := map[string]bool{}
	for path, pages := "/at/{place}/refused", 0; path != ""; pages++ {
		if pages > 30 {
			t.Fatal("the list does not end")
		}
		p := b.Get(path).Want(200)
		for _, a := range p.All("tbody a") {
			to := reader.Attr(a, "href")
			if seen[to] {
				t.Fatalf("%s comes twice", to)
			}
			seen[to] = true
		}
		path = ""
		for _, a := range p.All(".more a") {
			path = reader.Attr(a, "href")
		}
	}
	if len(seen) != 1004 {
		t.Errorf("%d changes in all, want 1,004", len(seen))
	}
}
