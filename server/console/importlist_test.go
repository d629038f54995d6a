package console_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"minqing/internal/webpage/reader"
	"minqing/server/admin"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

// listed is a CSV of rows.
func listed(t *testing.T, rows ...[]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// badOf are the reasons why rows are not taken, by the line they stand in.
func badOf(p *consoletest.Page) []string {
	var out []string
	for _, tr := range p.All("#bad tbody tr") {
		out = append(out, reader.Text(tr))
	}
	return out
}

// wantBad wants exactly these rows to be bad, each for what it says.
func wantBad(t *testing.T, p *consoletest.Page, want ...string) {
	t.Helper()
	got := badOf(p)
	if len(got) != len(want) {
		t.Errorf("%d rows are bad, want %d: %q", len(got), len(want), got)
	}
	for i, w := range want {
		if i < len(got) && !strings.Contains(got[i], w) {
			t.Errorf("bad row %d says %q, want %q", i, got[i], w)
		}
	}
}

func TestImportUsers(t *testing.T) { both(t, importUsers) }

// importUsers brings a list of users: nobody is given what the importer has not, every bad row says why, a second import changes nothing, and
// who is new signs in by the link that the workbook lists, once.
func importUsers(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	file := listed(t,
		[]string{"姓名", "登录名", "角色", "范围", "职务", "电话", "鞋码"},
		[]string{"文静", "wenjing", "包户干部", "", "村文书", "13800001111", "38"},
		[]string{"文静", "wenjing", "调解员", "", "", "", ""},
		[]string{"左明", "zuoming", "支部书记", "", "", "", ""},
		[]string{"韩立军", "hanlijun", "包户干部", "", "", "", ""},
		[]string{"文静", "wenjing", "调解员", "", "", "", ""},
		[]string{"文景", "wenjing", "包户干部", "", "", "", ""},
		[]string{"另一个", "chenxiulan", "包户干部", "", "", "", ""},
		[]string{"白河", "baihe", "包户干部", "", "", "", ""},
		[]string{"易天", "yitian", "市长", "", "", "", ""},
		[]string{"易天", "yitian", "系统管理员", "枫林村", "", "", ""},
		[]string{"", "", "包户干部", "", "", "123", ""})
	bad := []string{"同一个角色", "前面的行是文静的", "已经有人用了", "已经有人用了", "没有“市长”这个角色", "这里没有“枫林村”这个地方", "“登录名”没有填"}
	p := looked(t, b, b.Upload("/at/{place}/import", url.Values{"what": {"users"}}, "file", "人员.csv", file))
	wantBad(t, p, bad...)
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "新账号2") || !strings.Contains(got, "没有用到的栏目：鞋码") {
		t.Errorf("the preview says: %s", got)
	}
	if n := countOf(t, city, `SELECT COUNT(*) FROM "user" WHERE login IN ('wenjing', 'zuoming', 'yitian')`); n != 0 {
		t.Fatalf("the preview made %d accounts", n)
	}
	b.Do("POST", p.Path+"/links", nil)
	p = looked(t, b, b.Post(p.Path, url.Values{"do": {"go"}}))
	wantBad(t, p, bad...)
	if n := countOf(t, city, `SELECT COUNT(*) FROM role r JOIN "user" u ON u.id = r."user" WHERE u.login IN ('wenjing', 'zuoming') AND r.place = '`+city.Places["village"]+`'`); n != 3 {
		t.Errorf("%d roles were given", n)
	}
	wantNothingNew(t, city, b, "/at/{place}/import", "users", "人员.csv", file)
	// The links: for those alone who have never signed in; each opens once.
	book, err := excelize.OpenReader(strings.NewReader(b.Do("POST", p.Path+"/links", nil).Want(200).Raw))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows(book.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]string{}
	for _, r := range rows[1:] {
		_, token, _ := strings.Cut(r[4], "/link/")
		links[r[1]] = "/link/" + token
		if strings.Contains(strings.Join(r, " "), "assword") || !strings.Contains(strings.Join(r, " "), "何婉清") && len(r) < 7 {
			t.Errorf("a row is %q", r)
		}
	}
	if links["wenjing"] == "" || links["zuoming"] == "" {
		t.Fatalf("the links are of %v", links)
	}
	newcomer := city.NewBrowser(t, base, "")
	newcomer.Get(links["zuoming"]).Want(200)
	if p := newcomer.Do("POST", links["zuoming"], url.Values{"password": {"wan shan hong bian 46"}}); p.Status != 303 {
		t.Fatalf("the link is answered by %d: %q", p.Status, p.Texts("main"))
	}
	if got := newcomer.Get("/at/{place}/review").Want(200).Texts("h1"); !strings.Contains(strings.Join(got, ""), "走访日志") {
		t.Errorf("the newcomer sees %q", got)
	}
	if got := city.NewBrowser(t, base, "").Get(links["zuoming"]); got.Status == 200 {
		t.Error("a link opens twice")
	}
	// An administrator of one village gives nothing beyond it, nor to those of places above.
	o := city.NewBrowser(t, base, "otheradmin")
	p = looked(t, o, o.Upload("/at/{other}/import", url.Values{"what": {"users"}}, "file", "users.csv", listed(t, []string{"Name", "Login", "Role", "Over"},
		[]string{"易天", "yitian", "admin", city.Places["village"]}, []string{"易天", "yitian", "cadre", ""})))
	wantBad(t, p, "这里没有")
	b.Upload("/at/{city}/import", url.Values{"what": {"register"}}, "file", "x.csv", file).Want(422)
}

func TestImportPlaces(t *testing.T) { both(t, importPlaces) }

// importPlaces brings a list of places: rows in any order, every bad row says why and comes in a file of its own, mended it is taken, a second import
// changes nothing, and it is taken back from within, save where somebody made something since. What is not beneath the page's place is not there.
func importPlaces(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	file := listed(t,
		[]string{"级别", "名称", "代码", "上级", "面积"},
		[]string{"村民小组", "21组", "", "柳河镇/新塘村", "1"},
		[]string{"村(社区)", "新塘村", "990301", "", "2"},
		[]string{"组", "22组", "", "990301", "3"},
		[]string{"自然村", "石上", "", "石桥村", "4"},
		[]string{"村", "枫叶村", "", "枫桥镇", "5"},
		[]string{"区", "东区", "", "", "6"},
		[]string{"组", "23组", "", "", "7"},
		[]string{"村", "新塘村", "", "柳河镇", "8"},
		[]string{"组", "7组 上湾", "990105", "石桥村", "9"})
	bad := []string{"这里没有“枫桥镇”这个地方", "没有“区”这个级别", "“柳河镇”是乡镇(街道)，下面不能直接建村民小组", "和第 3 行是同一个地方"}
	places := countOf(t, city, "SELECT COUNT(*) FROM place")
	p := looked(t, b, b.Upload("/at/{town}/import", url.Values{"what": {"places"}}, "file", "地方.csv", file))
	wantBad(t, p, bad...)
	if got := badOf(p); len(got) == 4 && !strings.Contains(got[1], "东区") {
		t.Errorf("a bad row does not say whose it is: %q", got[1])
	}
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "新的地方4补上代码0") || !strings.Contains(got, "没有用到的栏目：面积") {
		t.Errorf("the preview says: %s", got)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM place"); n != places {
		t.Fatalf("the preview made %d places", n-places)
	}
	p = looked(t, b, b.Post(p.Path, url.Values{"do": {"go"}}))
	wantBad(t, p, bad...)
	if n := countOf(t, city, "SELECT COUNT(*) FROM place v JOIN place g ON g.parent = v.id WHERE v.name = '新塘村' AND v.parent = '"+city.Places["town"]+"'"); n != 2 {
		t.Errorf("%d groups are in the new village", n)
	}
	wantNothingNew(t, city, b, "/at/{town}/import", "places", "地方.csv", file)
	// Just the bad rows, mended where they stand.
	book, err := excelize.OpenReader(strings.NewReader(b.Get(p.Path + "/bad").Want(200).Raw))
	if err != nil {
		t.Fatal(err)
	}
	sheet := book.GetSheetName(0)
	rows, err := book.GetRows(sheet)
	if err != nil || len(rows) != 5 {
		t.Fatalf("the file of bad rows has %q, %v", rows, err)
	}
	mend := [][]string{rows[0]}
	for _, r := range rows[1:] {
		switch at := slices.Index(r, "23组"); {
		case at >= 0:
			mend = append(mend, append(append(slices.Clone(r[:at+1]), "", "990301"), r[at+3:]...))
		case slices.Contains(r, "东区"):
			r[slices.Index(r, "区")] = "管理区"
			mend = append(mend, r)
		}
	}
	mended := looked(t, b, b.Upload("/at/{town}/import", url.Values{"what": {"places"}}, "file", "mend.csv", listed(t, mend...)))
	wantBad(t, mended)
	mended = looked(t, b, b.Post(mended.Path, url.Values{"do": {"go"}}))
	if n := countOf(t, city, "SELECT COUNT(*) FROM place"); n != places+6 {
		t.Errorf("mended there are %d places more: %s", n-places, strings.Join(mended.Texts("main"), ""))
	}
	// Back: the village has a group of the second import in it.
	p = weighed(t, b, p)
	wantSums(t, p, "地方 3 1 0 0")
	wantLeft(t, p, "新塘村|下面有地方 1 条")
	mended = taken(t, b, weighed(t, b, mended))
	wantSums(t, mended, "地方 2 0 0 0")
	p = taken(t, b, weighed(t, b, p)) // shown anew: it is another matter now
	wantSums(t, p, "地方 4 0 0 0")
	if n := countOf(t, city, "SELECT COUNT(*) FROM place"); n != places {
		t.Errorf("taken back there are %d places more", n-places)
	}
	// Within a group nothing lies; an administrator of another town makes nothing here.
	b.Upload("/at/{group7}/import", url.Values{"what": {"places"}}, "file", "地方.csv", file).Want(422)
	city.NewBrowser(t, base, "otheradmin").Upload("/at/{town}/import", url.Values{"what": {"places"}}, "file", "地方.csv", file).Want(404)
	o := city.NewBrowser(t, base, "otheradmin")
	o.Do("POST", "/settings", url.Values{"lang": {"en"}, "to": {"/"}}).Want(303)
	p = looked(t, o, o.Upload("/at/{other}/import", url.Values{"what": {"places"}}, "file", "places.csv", listed(t, []string{"Level", "Name", "Parent"},
		[]string{"Group", "2组", ""}, []string{"Group", "3组", "石桥村"}, []string{"Hamlet", "庙后", ""})))
	wantBad(t, p, "There is no place “石桥村” here, nor in the file", "There is no level “Hamlet”; write one of Township")
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "New places1") {
		t.Errorf("in English the preview says: %s", got)
	}
}

// countOf asks the database for a number.
func countOf(t *testing.T, c *consoletest.City, query string) (n int64) {
	t.Helper()
	if err := c.Engine.Store.Read(context.Background(), func(tx *store.Tx) error {
		_, err := tx.One(query, nil, &n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestImportAssignments(t *testing.T) { both(t, importAssignments) }

// importAssignments brings a list of who contacts whom: what each phone gains and loses is shown before it is done, what changed meanwhile is
// shown anew, doing it twice changes nothing, and it is taken back as any order is.
func importAssignments(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	const today = "2026-11-23"
	code := func(home string) string { return columnOf(t, city, "household", "code", string(city.Rows[home])) }
	address := columnOf(t, city, "household", "address", string(city.Rows["nobody"]))
	was := map[string][]string{}
	for _, home := range []string{"gu", "ding", "nobody"} {
		was[home] = contactsOf(t, city, home, today)
	}
	file := listed(t,
		[]string{"户号", "住址", "登录名", "联系人", "队伍"},
		[]string{code("ding"), "", "hanlijun", "", "无职党员分片帮户"},
		[]string{code("gu"), "", "", "韩立军", "member"},
		[]string{"", address, "hanlijun", "", "cadre"},
		[]string{code("ding"), "", "hanlijun", "", "member"},
		[]string{code("ding"), "", "chenxiulan", "", "member"},
		[]string{"9999-1", "", "hanlijun", "", "member"},
		[]string{code("foreign"), "", "hanlijun", "", "member"},
		[]string{code("he"), "", "baihe", "", "member"},
		[]string{code("he"), "", "nobody", "", "member"},
		[]string{code("he"), "", "hanlijun", "", "亲戚"},
		[]string{"", "", "", "", ""},
		[]string{"", "", "hanlijun", "", "cadre"})
	bad := []string{"是同一件事", "一户在一支队伍里只有一个联系人", "这里没有户号“9999-1”", "这里没有户号“" + code("foreign") + "”", "这里没有“baihe”这个人", "这里没有“nobody”这个人", "“队伍”看不懂", "户号和住址都没有填"}
	p := looked(t, b, b.Upload("/at/{place}/import", url.Values{"what": {"assignments"}}, "file", "分派.csv", file))
	wantBad(t, p, bad...)
	text := strings.Join(p.Texts("main"), " ")
	for _, want := range []string{"按表格派 3 户", "陈秀兰", "韩立军", "3 条没交"} {
		if !strings.Contains(text, want) {
			t.Errorf("the preview does not say %q: %s", want, text)
		}
	}
	if got := contactsOf(t, city, "ding", today); !slices.Equal(got, was["ding"]) {
		t.Fatalf("the preview did something: %v", got)
	}
	// Somebody else assigns meanwhile.
	if _, err := (&admin.Desk{E: city.Engine}).EndAssignment(context.Background(), admin.Assignment{User: "chenxiulan", Team: "member", Village: city.Places["village"], Households: []string{code("ding")}}); err != nil {
		t.Fatal(err)
	}
	was["ding"] = contactsOf(t, city, "ding", today)
	p = looked(t, b, b.Post(p.Path, url.Values{"do": {"go"}}))
	if got := strings.Join(p.Texts("main"), " "); !strings.Contains(got, "情况变了") || len(contactsOf(t, city, "ding", today)) != len(was["ding"]) {
		t.Errorf("what changed is not shown: %s", got)
	}
	p = looked(t, b, b.Post(p.Path, url.Values{"do": {"go"}}))
	wantBad(t, p, bad...)
	if got := contactsOf(t, city, "ding", today); !slices.Equal(got, []string{"hanlijun member"}) {
		t.Errorf("ding is contacted by %v", got)
	}
	if got := contactsOf(t, city, "gu", today); !slices.Contains(got, "hanlijun member") || slices.Contains(got, "chenxiulan member") {
		t.Errorf("gu is contacted by %v", got)
	}
	again := looked(t, b, b.Upload("/at/{place}/import", url.Values{"what": {"assignments"}}, "file", "分派.csv", file))
	if got := strings.Join(again.Texts("main"), ""); !strings.Contains(got, "什么也不会变") {
		t.Errorf("the second preview says: %s", got)
	}
	before := countOf(t, city, "SELECT COUNT(*) FROM mq_history")
	looked(t, b, b.Post(again.Path, url.Values{"do": {"go"}}))
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_history"); n != before {
		t.Errorf("the second import wrote %d versions", n-before)
	}
	// Back, by the page of the order.
	href := ""
	for _, a := range p.All(`a.btn[href*="/assign/"]`) {
		href = reader.Attr(a, "href")
	}
	p = b.Get(href).Want(200)
	if got := strings.Join(p.Texts("h1"), ""); got != "按表格派 3 户" {
		t.Errorf("the order is called %q", got)
	}
	b.Get(href + "/cards").Want(200)
	p = p.Send("form[action$=undo]", nil).Want(200)
	for home, who := range was {
		if got := contactsOf(t, city, home, today); !slices.Equal(got, who) {
			t.Errorf("taken back, %s is contacted by %v, was by %v", home, got, who)
		}
	}
	if !strings.Contains(strings.Join(p.Texts(".head"), " "), "撤回了") {
		t.Errorf("the order is not marked: %v", p.Texts(".head"))
	}
}

// wantNothingNew brings a file that was imported once more: neither the preview nor the import changes anything.
func wantNothingNew(t *testing.T, city *consoletest.City, b *consoletest.Browser, at, what, name string, file []byte) {
	t.Helper()
	p := looked(t, b, b.Upload(at, url.Values{"what": {what}}, "file", name, file))
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "什么也不会变") {
		t.Errorf("the second preview says: %s", got)
	}
	before := countOf(t, city, "SELECT COUNT(*) FROM mq_history")
	p = looked(t, b, b.Post(p.Path, url.Values{"do": {"go"}}))
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_history"); n != before || !strings.Contains(strings.Join(p.Texts("main"), ""), "什么也没有变") {
		t.Errorf("the second import wrote %d versions", n-before)
	}
}
