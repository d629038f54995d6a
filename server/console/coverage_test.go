package console_test

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/server/console/branch"
	"minqing/server/console/consoletest"
	"minqing/server/store"
	"minqing/syncproto"

	"github.com/xuri/excelize/v2"
)

// TestCoverage follows the households of a village through two months: how each stands, where its mark leads, and what leaves as a file.
func TestCoverage(t *testing.T) { both(t, coverage) }

// standings reads the chips: how many households stand how.
func standings(p *consoletest.Page) string {
	return strings.Join(p.Texts(".covchips a b"), " ")
}

func coverage(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "secretary")
	p := b.Get("/at/{place}/coverage").Want(200)
	if got := standings(p); got != "1 0 0 2 4" {
		t.Errorf("households stand %s", got)
	}
	if got := strings.Join(p.Texts(".head .sub"), ""); got != "石桥村 2 个组，7 户中 6 户有人联系" {
		t.Errorf("the page says %q", got)
	}
	text := strings.Join(p.Texts("body"), " ")
	if strings.Contains(text, "白立春") || strings.Contains(text, "13500007702") {
		t.Error("the page shows what is foreign, or a phone number")
	}
	if got := p.Texts("tbody td:nth-child(2)"); len(got) != 1 || !strings.Contains(got[0], "冯颐") {
		t.Errorf("the table lists %q, want the household without anybody", got)
	}
	if got := p.Texts("tbody td:nth-child(7)"); got[0] != "没有记录" {
		t.Errorf("its last visit is %q", got)
	}
	if got := p.Texts(".covn"); !slices.Equal(got, []string{"0 / 3", "1 / 4"}) {
		t.Errorf("the groups count %q", got)
	}

	// Every mark leads to its row, also of what the table did not list; the marks keep their order.
	marks := p.All(".cells a")
	if len(marks) != 7 {
		t.Fatalf("%d marks", len(marks))
	}
	for i, want := range []string{"欧阳诗雅", "王桂芬", "丁有田", "蒋大毛", "古丽巴哈尔", "贺长庚", "冯颐"} {
		to := reader.Attr(marks[i], "href")
		row := b.Get("/at/{place}/coverage" + strings.TrimSuffix(to, "#r")).Want(200).Texts("tr#r")
		if !strings.HasSuffix(to, "#r") || len(row) != 1 || !strings.Contains(row[0], want) {
			t.Errorf("mark %d, %q, leads to %q", i, reader.Text(marks[i]), row)
		}
	}

	tooMany(t, city)

	// What a team is owed: the leading cadre has not come, the second has once of twice.
	p = b.Get("/at/{place}/coverage?show=short&group={group7}").Want(200)
	if got := strings.Join(p.Texts("tbody tr"), "|"); !strings.Contains(got, "本月还差 2 次") || !strings.Contains(got, "4 次中 2 次") || !strings.Contains(got, "3 次中 2 次") {
		t.Errorf("what is owed: %s", got)
	}
	if !strings.Contains(reader.Attr(p.All(".covchips a")[0], "href"), "group="+city.Places["group7"]) {
		t.Error("a chip forgets the group")
	}

	// A place sets other quotas, the nearest counts; a new month begins; two months pass.
	for place, visits := range map[string]string{"town": "3", "village": "0"} {
		if _, err := city.Create(t.Context(), "admin", "team_quota", consoletest.Vals{"place": city.Places[place], "team": "member", "visits": visits}); err != nil {
			t.Fatal(err)
		}
	}
	city.SetNow(time.Date(2026, 12, 20, 9, 0, 0, 0, city.Now().Location()))
	b = city.NewBrowser(t, base, "secretary") // a session does not last a month
	if got := standings(b.Get("/at/{place}/coverage").Want(200)); got != "1 0 2 0 4" {
		t.Errorf("a month on, with nothing owed by members, households stand %s", got)
	}
	ended(t, city, "cadre3")
	if got := standings(b.Get("/at/{place}/coverage").Want(200)); got != "2 0 2 0 3" {
		t.Errorf("with a contact gone, households stand %s", got)
	}
	city.SetNow(time.Date(2027, 1, 25, 9, 0, 0, 0, city.Now().Location()))
	b = city.NewBrowser(t, base, "secretary")
	p = b.Get("/at/{place}/coverage").Want(200)
	if got, days := standings(p), strings.Join(p.Texts("tbody .st"), " "); got != "2 5 0 0 0" || !strings.Contains(days, "隔了 64 天") {
		t.Errorf("two months on, households stand %s: %s", got, days)
	}
	takenAway(t, city, b)
	turned(t, city, b)
	nudged(t, city, base, b)
}

// nudged reminds contacts of households that wait: of one, of a group, of all of one cadre; whoever was reminded within a day is not again. All of
// it is on record, and reaches who it is for.
func nudged(t *testing.T, c *consoletest.City, base string, b *consoletest.Browser) {
	t.Helper()
	told := func() (n int64) {
		t.Helper()
		if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.One("SELECT COUNT(*) FROM reminder", nil, &n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	p := b.Get("/at/{place}/coverage?show=overdue").Want(200)
	if ticks := len(p.All("input[name=home]")); ticks != 5 || !strings.Contains(strings.Join(p.Texts(".remind"), ""), "表里 5 户等人去的，都提醒") {
		t.Errorf("%d households can be ticked: %q", ticks, p.Texts(".remind"))
	}
	// What is missing is said, and what was typed and ticked stays.
	again := p.Send("#remind", url.Values{"text": {"本月务必去一次"}}).Want(422)
	if got := strings.Join(again.Texts(".remind .err"), ""); !strings.Contains(got, "先勾选") || again.Fields("#remind").Get("text") != "本月务必去一次" {
		t.Errorf("nothing ticked: %q, typed %q", got, again.Fields("#remind"))
	}
	again = b.Post("/at/{place}/coverage/remind", url.Values{"show": {"overdue"}, "text": {strings.Repeat("长", 201)}, "home": {string(c.Rows["wang"])}}).Want(422)
	if len(again.All(".remind .err")) != 1 || len(again.All("input[name=home][checked]")) != 1 || again.Fields("#remind").Get("text") != strings.Repeat("长", 201) || told() != 0 {
		t.Errorf("too long: %q", again.Texts(".remind"))
	}
	// One household: each contact who owes it a visit is told, and the row says so.
	one := url.Values{"show": {"overdue"}, "text": {"本月务必去一次"}, "home": {string(c.Rows["wang"]), string(c.Rows["foreign"]), "x"}}
	p = b.Post("/at/{place}/coverage/remind", one).Want(200)
	if got := strings.Join(p.Texts(".said"), ""); !strings.Contains(got, "提醒了 1 户的联系人") {
		t.Errorf("it says %q", got)
	}
	first := told()
	if row := strings.Join(p.Texts("tbody tr"), "|"); first == 0 || strings.Count(row, "周德旺 1月25日 周一 09:00提醒过赵建国") != 1 {
		t.Errorf("%d reminders; the table says %s", first, row)
	}
	// Within a day nobody is reminded twice of one household; of the others he is.
	if got := strings.Join(b.Post("/at/{place}/coverage/remind", one).Want(422).Texts(".remind .err"), ""); !strings.Contains(got, "周德旺 1月25日 周一 09:00已经提醒过赵建国") || told() != first {
		t.Errorf("a second time: %q, %d", got, told())
	}
	all := url.Values{"show": {"overdue"}, "text": {"年底前都走一遍"}, "all": {"1"}, "group": {c.Places["group8"]}}
	if got := strings.Join(b.Post("/at/{place}/coverage/remind", all).Want(200).Texts(".said"), ""); !strings.Contains(got, "提醒了 ") || !strings.Contains(got, " 户的联系人") {
		t.Errorf("of a group: %q", got)
	}
	all.Del("group")
	all.Set("cadre", string(c.Users["cadre"]))
	had := told()
	if got := strings.Join(b.Post("/at/{place}/coverage/remind", all).Want(200).Texts(".said"), ""); told() <= had || !strings.Contains(got, "另外 ") {
		t.Errorf("of a cadre: %q, %d after %d", got, told(), had)
	}
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		var others, twice, recorded int64
		_, err := tx.One(`SELECT COUNT(*) FROM reminder WHERE text = '年底前都走一遍' AND "user" <> ? AND household NOT IN (SELECT id FROM household WHERE place = ?)`, []any{string(c.Users["cadre"]), c.Places["group8"]}, &others)
		if err == nil {
			_, err = tx.One(`SELECT COUNT(*) FROM (SELECT 1 FROM reminder GROUP BY household, "user" HAVING COUNT(*) > 1) x`, nil, &twice)
		}
		if err == nil {
			_, err = tx.One("SELECT COUNT(*) FROM mq_history WHERE tbl = 'reminder' AND author = ?", []any{string(c.Users["secretary"])}, &recorded)
		}
		if others != 0 || twice != 0 || recorded != told() {
			t.Errorf("%d went to others than the cadre, %d twice, %d are on record", others, twice, recorded)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// The next day it can be said again; who may not review reminds nobody of anything (the authorization test has every role).
	c.SetNow(c.Now().Add(25 * time.Hour))
	n := told()
	b2 := c.NewBrowser(t, base, "township")
	if got := strings.Join(b2.Post("/at/{town}/coverage/remind", one).Want(200).Texts(".said"), ""); told() <= n || !strings.Contains(got, "提醒了 1 户") {
		t.Errorf("the next day: %q", got)
	}
}

// tooMany asks for more than one picture holds: nothing is read, and the places below are to choose from.
func tooMany(t *testing.T, c *consoletest.City) {
	t.Helper()
	var got *branch.Coverage
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		got, err = branch.ReadCoverage(tx, []string{c.Places["village"], c.Places["town"], c.Places["city"]}, "2026-11-23", 6)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !got.TooMany || got.Total != 0 || len(got.Groups) != 0 {
		t.Errorf("of seven households with room for six: %+v", got)
	}
	// Its table is read place by place, in parts.
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		list, next, err := branch.CoverPart(tx, c.Places["town"], []branch.Standing{branch.Nobody}, "", "2026-11-23", 50)
		if err != nil || len(list) != 1 || list[0].ID != c.Rows["nobody"] || next != "" || list[0].Group.Name != "石桥村 8组 下湾" {
			t.Errorf("households without anybody: %d, next %q, %v", len(list), next, err)
		}
		seen, after := map[syncproto.RowID]branch.Standing{}, ""
		for range 4 {
			var err error
			if list, after, err = branch.CoverPart(tx, c.Places["village"], branch.Standings, after, "2026-11-23", 2); err != nil {
				return err
			}
			for _, h := range list {
				seen[h.ID] = h.Standing
			}
		}
		if len(seen) != 7 || after != "" || seen[c.Rows["nobody"]] != branch.Nobody || seen[c.Rows["he"]] == branch.Nobody {
			t.Errorf("in parts of two: %v, then %q", seen, after)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// ended stops an account as of the day before.
func ended(t *testing.T, c *consoletest.City, who string) {
	t.Helper()
	at, err := c.Base(t.Context(), syncproto.RowID(c.Users[who]))
	if err == nil {
		err = c.Update(t.Context(), "admin", "user", syncproto.RowID(c.Users[who]), at, consoletest.Vals{"ended": c.Now().AddDate(0, 0, -1).Format(time.DateOnly)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// takenAway exports the table: harmless to spreadsheet programs, marked with who and when, and on record.
func takenAway(t *testing.T, c *consoletest.City, b *consoletest.Browser) {
	t.Helper()
	if err := c.Update(t.Context(), "admin", "household", c.Rows["nobody"], syncproto.Base{}, consoletest.Vals{"address": "=HYPERLINK(1)"}); err != nil {
		t.Fatal(err)
	}
	p := b.Do("POST", "/at/{place}/coverage/export", url.Values{"show": {"nobody"}, "as": {"csv"}}).Want(200)
	lines := strings.Split(strings.TrimSpace(p.Raw), "\r\n")
	if len(lines) != 3 || !strings.Contains(p.Raw, ",'=HYPERLINK(1),") {
		t.Errorf("the file has %d lines: %s", len(lines), p.Raw)
	}
	for _, l := range lines[1:] {
		if !strings.HasSuffix(l, "周德旺 zhoudewang 2027-01-25 09:00") {
			t.Errorf("a row does not say who took it and when: %s", l)
		}
	}
	if p := b.Do("POST", "/at/{place}/coverage/export", url.Values{"as": {"xlsx"}}).Want(200); !strings.HasPrefix(p.Raw, "PK") || !strings.Contains(p.Header.Get("Content-Disposition"), "coverage-2027-01-25.xlsx") {
		t.Errorf("no workbook: %q", p.Header)
	}
	chain := "console " + string(c.Users["secretary"])
	var said []string
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		said = nil
		records, err := tx.Disclosures(chain, 0, 100)
		for _, r := range records {
			if strings.Contains(r.Value, `"what":"export"`) {
				said = append(said, r.Value)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, rows := range []int{2, 7} {
		want = append(want, fmt.Sprintf(`{"what":"export","table":"coverage","within":%q,"rows":%d,"stream":%q}`, c.Places["village"], rows, c.Places["village"]))
	}
	if !slices.Equal(said, want) {
		t.Errorf("on record: %q, want %q", said, want)
	}
}

// turned goes through the parts of a long table while households come to stand elsewhere: none is missed, none comes twice.
func turned(t *testing.T, c *consoletest.City, b *consoletest.Browser) {
	t.Helper()
	for i := range 60 {
		id, err := c.Create(t.Context(), "admin", "household", consoletest.Vals{"place": c.Places["group8"], "code": fmt.Sprintf("0814-%d", 100+i), "head": fmt.Sprint("新户", i)})
		if err != nil {
			t.Fatal(err)
		}
		c.Rows[fmt.Sprint("new.", i)] = id
	}
	seen := map[string]int{}
	var first []string
	p := b.Get("/at/{place}/coverage").Want(200)
	for turn := 0; ; turn++ {
		if turn == 0 {
			first = p.Texts("tbody td:nth-child(2) small")
		}
		for _, name := range p.Texts("tbody td:nth-child(2)") {
			seen[name]++
		}
		next := p.All("p.more > a")
		if len(next) == 0 {
			break
		}
		if turn == 0 { // the first household of the table, already read, is given a contact and goes to the end
			if _, err := c.Create(t.Context(), "admin", "assignment", consoletest.Vals{"household": string(c.Rows["new.3"]), "user": string(c.Users["cadre"]), "team": "cadre", "since": "2027-01-20"}); err != nil {
				t.Fatal(err)
			}
		}
		p = b.Get(strings.TrimSuffix(reader.Attr(next[0], "href"), "#rows")).Want(200)
	}
	if len(first) != 50 || first[0] != "0814-031" || first[1] != "0814-100" || first[49] != "0814-148" {
		t.Errorf("the table begins with %q", first)
	}
	if len(seen) != 67 {
		t.Errorf("%d households were listed, want 67", len(seen))
	}
	for name, n := range seen {
		if n != 1 && !strings.Contains(name, "新户3 ") { // it stands in two places, one after the other
			t.Errorf("%s was listed %d times", name, n)
		}
	}
}

func TestWideCoverage(t *testing.T) { both(t, wideCoverage) }

// wideCoverage is a place with more households than a picture shows: a row a village with a mark a group, counted in the background, each opening
// its own picture; and its table as a file, whole, written part by part.
func wideCoverage(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn, Picture: 6})
	b := city.NewBrowser(t, base, "township")
	page := "/at/{town}/coverage"
	var p *consoletest.Page
	for range 1200 { // a minute at least
		if p = b.Get(page).Want(200); len(p.All(`.cov a[href*="?x"]`)) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(p.All(`.cov a[href*="?x"]`)) > 0 {
		t.Fatalf("never counted: %q", p.Texts("main"))
	}
	total := countOf(t, city, "SELECT COUNT(*) FROM household h JOIN mq_above a ON a.place = h.place WHERE a.above = '"+city.Places["village"]+"'")
	text := strings.Join(p.Texts(".cov"), " ")
	if !strings.Contains(text, "石桥村") || !strings.Contains(text, "/ "+strconv.FormatInt(total, 10)) {
		t.Errorf("of %d households the picture says: %s", total, text)
	}
	group, group7 := "", city.Places["group7"]
	for _, a := range p.All(".covg .cells a") {
		if to := b.Get(page + reader.Attr(a, "href")).Want(200).Path; strings.Contains(to, group7) {
			group = to
		}
	}
	if group != "/at/"+group7+"/coverage" {
		t.Errorf("the mark of %s leads to %q", group7, group)
	}
	above, err := hex.DecodeString(city.Places["city"][24:])
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{base64.RawURLEncoding.EncodeToString(above), "________"} { // elsewhere, and nowhere
		b.Get(page + "?e" + mark).Want(404)
	}
	if n := len(b.Get(group).Want(200).All(".covg .cells a")); int64(n) != countOf(t, city, "SELECT COUNT(*) FROM household WHERE place = '"+city.Places["group7"]+"'") {
		t.Errorf("%q opens a picture of %d households", group, n)
	}
	if p := b.Get("/at/{place}/coverage").Want(200); len(p.All(".covg")) != 1 || len(p.All(".covg .cells a")) < 2 {
		t.Errorf("a village that is too large itself: %q", p.Texts(".cov"))
	}
	// The file: every household that stands as asked, each once.
	all := []string{"enough", "short", "unvisited", "overdue", "nobody"}
	for _, as := range []string{"csv", "xlsx"} {
		got := b.Do("POST", "/at/{town}/coverage/export", url.Values{"as": {as}, "show": {strings.Join(all, ".")}}).Want(200).Raw
		var rows [][]string
		var err error
		if as == "csv" {
			rows, err = csv.NewReader(strings.NewReader(strings.TrimPrefix(got, "\ufeff"))).ReadAll()
		} else {
			var book *excelize.File
			if book, err = excelize.OpenReader(strings.NewReader(got)); err == nil {
				rows, err = book.GetRows(book.GetSheetName(0))
			}
		}
		seen := map[string]bool{}
		for _, r := range rows[min(1, len(rows)):] {
			seen[r[2]] = true
		}
		if want := countOf(t, city, "SELECT COUNT(*) FROM household h JOIN mq_above a ON a.place = h.place WHERE a.above = '"+city.Places["town"]+"'"); err != nil || int64(len(rows)) != want+1 || int64(len(seen)) != want {
			t.Errorf("%s has %d rows of %d households: %v", as, len(rows), want, err)
		}
	}
	want := fmt.Sprintf(`%%"what":"export","table":"coverage"%%"rows":%d,"sent":true%%`, countOf(t, city, "SELECT COUNT(*) FROM household h JOIN mq_above a ON a.place = h.place WHERE a.above = '"+city.Places["town"]+"'"))
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_disclosure WHERE value LIKE '"+want+"'"); n != 2 {
		t.Errorf("of two files the rows of %d are on record", n)
	}
	// Whoever is late in all of it is reminded, some at a press: of each household that waits once, of no other.
	waits := map[string]bool{}
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		c, err := branch.ReadCoverage(tx, []string{city.Places["town"], city.Places["city"]}, "2026-11-23", 4000)
		for _, h := range c.List([]branch.Standing{branch.Overdue, branch.Unvisited, branch.Short}, "") {
			if len(h.Late("")) > 0 {
				waits[string(h.ID)] = true
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	p = b.Get(page + "?show=overdue.unvisited.short").Want(200)
	if got := strings.Join(p.Texts(".remind"), ""); !strings.Contains(got, "表里等人去的都提醒，大约 ") || !strings.Contains(got, "一次提醒 1 户") {
		t.Errorf("of a place this large it says %q", got)
	}
	p = p.Send("#remind", url.Values{"all": {"1"}, "text": {"年底前走一遍"}}).Want(200)
	// This page is the form's answer, at another address: its marks lead on all the same.
	href := reader.Attr(p.All(".covg .cells a")[0], "href")
	if to := b.Get(href).Want(200).Path; !strings.HasSuffix(to, "/coverage") || to == "/at/"+city.Places["town"]+"/coverage" {
		t.Errorf("the mark %q of the form's answer leads to %q", href, to)
	}
	presses := 1
	for ; len(p.All(".remind .far")) == 1 && presses < 100; presses++ {
		if !strings.Contains(strings.Join(p.Texts(".remind"), ""), fmt.Sprintf("已提醒 %d 户的联系人，后面还有", presses)) || p.Fields("#remind").Get("text") != "年底前走一遍" {
			t.Fatalf("after %d presses: %q", presses, p.Texts(".remind"))
		}
		p = p.Send("#remind", nil).Want(200)
	}
	if got, n := strings.Join(p.Texts(".said"), ""), countOf(t, city, "SELECT COUNT(DISTINCT household) FROM reminder WHERE text = '年底前走一遍'"); int(n) != len(waits) || len(waits) < 2 || presses < len(waits) || !strings.Contains(got, fmt.Sprintf("提醒了 %d 户的联系人", n)) {
		t.Errorf("%d households of %d that wait, by %d presses; it says %q", n, len(waits), presses, got)
	}
	for home := range waits {
		if n := countOf(t, city, `SELECT COUNT(*) - COUNT(DISTINCT "user") FROM reminder WHERE household = '`+home+"'"); n != 0 {
			t.Errorf("somebody was reminded of %s %d times more than once", home, n)
		}
	}
	// What happens since is counted within the hour; a day later it is counted anew.
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_cover WHERE village = '"+city.Places["village"]+"' AND day = '2026-11-23'"); n < 2 {
		t.Errorf("%d counts are kept", n)
	}
}
