package console_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/internal/sheet"
	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
	"minqing/server/console/intake"
	"minqing/server/store"
	"minqing/syncproto"
)

// workbook is an .xlsx of rows, the first of them the titles.
func workbook(t *testing.T, rows ...[]string) []byte {
	t.Helper()
	var out bytes.Buffer
	var columns []sheet.Column
	for _, title := range rows[0] {
		columns = append(columns, sheet.Column{Title: title})
	}
	w, err := sheet.NewWriter(&out, sheet.XLSX, "花名册", columns...)
	for i := 1; err == nil && i < len(rows); i++ {
		err = w.Row(rows[i]...)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// imported brings a file and imports it.
func imported(t *testing.T, b *consoletest.Browser, what, name string, file []byte) *consoletest.Page {
	t.Helper()
	p := looked(t, b, b.Upload("/at/{place}/import", url.Values{"what": {what}}, "file", name, file))
	return looked(t, b, p.Send("form:has(#go)", url.Values{"do": {"go"}}))
}

// weighed asks what taking the import of a page back would do, taken has it done.
func weighed(t *testing.T, b *consoletest.Browser, p *consoletest.Page) *consoletest.Page {
	t.Helper()
	return looked(t, b, p.Send("#undo", url.Values{"do": {"look"}}))
}

func taken(t *testing.T, b *consoletest.Browser, p *consoletest.Page) *consoletest.Page {
	t.Helper()
	return looked(t, b, p.Send("#undo", url.Values{"do": {"take"}}))
}

// wantSums wants the figures of taking back: by table rows deleted, rows left, cells back, cells left.
func wantSums(t *testing.T, p *consoletest.Page, want ...string) {
	t.Helper()
	var got []string
	for _, tr := range p.All("#back tbody tr") {
		var cells []string
		for c := tr.FirstChild; c != nil; c = c.NextSibling {
			if text := reader.Text(c); text != "" {
				cells = append(cells, text)
			}
		}
		got = append(got, strings.Join(cells, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: the figures are %q, want %q", p.Path, got, want)
	}
}

// wantLeft wants exactly these lines of what is left, each holding some words, parted by |.
func wantLeft(t *testing.T, p *consoletest.Page, want ...string) {
	t.Helper()
	var got []string
	for _, tr := range p.All("#left tbody tr") {
		got = append(got, reader.Text(tr))
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d lines are left, want %d: %q", p.Path, len(got), len(want), got)
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(line string) bool {
			for part := range strings.SplitSeq(w, "|") {
				if !strings.Contains(line, part) {
					return false
				}
			}
			return true
		}) {
			t.Errorf("no line says %q: %q", w, got)
		}
	}
}

func TestTakingBackARegister(t *testing.T) { both(t, takingBackARegister) }

// takingBackARegister imports a register and takes it back: what that would do is shown before, what somebody touched since stays and is named, what
// changes between looking and doing is shown anew, two who press do it once; importing the file again brings everything back.
func takingBackARegister(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	code := func(home string) string { return columnOf(t, city, "household", "code", string(city.Rows[home])) }
	row := func(table, column, value string) (id string) {
		t.Helper()
		if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.One("SELECT id FROM "+table+" WHERE "+column+" = ?", []any{value}, &id)
			return err
		}); err != nil || id == "" {
			t.Fatalf("no %s of %s %s: %v", table, column, value, err)
		}
		return id
	}
	later := func(table, id string, v consoletest.Vals) {
		t.Helper()
		at, err := city.Base(t.Context(), syncproto.RowID(id))
		if err == nil {
			err = city.Update(t.Context(), "admin", table, syncproto.RowID(id), at, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file := workbook(t,
		[]string{"户号", "组", "住址", "户电话", "户标签", "姓名", "与户主关系", "身份证号", "就业"},
		[]string{"0714-301", "21组", "上湾 301", "", "", "简一", "户主", "990101199001011230", "务农"}, // untouched
		[]string{"0714-301", "21组", "", "", "", "简二", "配偶", "", ""},
		[]string{"0714-302", "21组", "上湾 302", "", "", "江一", "户主", "", ""}, // visited
		[]string{"0714-302", "21组", "", "", "", "江二", "子女", "", ""},
		[]string{"0714-303", "22组", "上湾 303", "", "", "项一", "户主", "", ""},   // one of its people is corrected
		[]string{"0714-304", "7组 上湾", "上湾 304", "", "", "申一", "户主", "", ""}, // deleted by hand
		[]string{code("gu"), "", "改过的住址", "13900001111", "残疾", "顾新丁", "孙子", "", ""},
		[]string{code("ding"), "", "丁家新址", "13900002222", "", "", "", "", ""})
	was := func() (out []string) {
		for _, home := range []string{"gu", "ding"} {
			for _, column := range []string{"address", "phone", "tags"} {
				out = append(out, columnOf(t, city, "household", column, string(city.Rows[home])))
			}
		}
		return append(out, fmt.Sprint(countOf(t, city, "SELECT COUNT(*) FROM household"), countOf(t, city, "SELECT COUNT(*) FROM resident"),
			countOf(t, city, "SELECT COUNT(*) FROM identity"), countOf(t, city, "SELECT COUNT(*) FROM place")))
	}
	before, items := was(), countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0")
	p := imported(t, b, "register", "石桥村.xlsx", file)
	if len(p.All("#back tbody tr")) > 0 || len(p.All("#take")) > 0 {
		t.Fatal("it is shown before anybody looked")
	}

	// Untouched it would go whole. Looking writes nothing.
	history := countOf(t, city, "SELECT COUNT(*) FROM mq_history")
	p = weighed(t, b, p)
	wantSums(t, p, "地方 2 0 0 0", "户 4 0 5 0", "人 7 0 0 0", "证件 1 0 0 0")
	wantLeft(t, p)
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_history"); n != history {
		t.Errorf("looking wrote %d versions", n-history)
	}

	// Others go on meanwhile.
	visited := row("household", "code", "0714-302")
	if _, err := city.Create(t.Context(), "secretary", "visit", consoletest.Vals{"household": visited, "author": string(city.Users["secretary"]), "day": "2026-11-23", "tasks": "listen"}); err != nil {
		t.Fatal(err)
	}
	later("resident", row("resident", "name", "项一"), consoletest.Vals{"work": "外出务工"})
	later("household", string(city.Rows["gu"]), consoletest.Vals{"phone": "13900009999"})
	gone := b.Get("/at/{place}/homes/" + row("household", "code", "0714-304") + "/delete").Want(200)
	gone.Send("#remove", url.Values{"why": {"重复登记"}}).Want(200)

	// What was looked at no longer holds: it is shown anew, and nothing is done. A session that ends loses nothing of it.
	p = taken(t, b, p)
	if got := strings.Join(p.Texts("#back"), ""); !strings.Contains(got, "情况变了") || countOf(t, city, "SELECT COUNT(*) FROM resident WHERE name = '简一'") != 1 {
		t.Errorf("what changed is not shown: %s", got)
	}
	sums := []string{"地方 0 2 0 0", "户 1 2 4 1", "人 3 3 0 0", "证件 1 0 0 0"}
	left := []string{"0714-302 江一|共 3 条|下面有走访 1 条", "0714-303 项一|共 2 条|改过", code("gu") + "|电话|改过", "21组|下面有户 1 条", "22组|下面有户 1 条"}
	wantSums(t, p, sums...)
	wantLeft(t, p, left...)
	if got := strings.Join(p.Texts("#back"), ""); !strings.Contains(got, "另有 2 条") {
		t.Errorf("those deleted by hand are not named: %s", got)
	}
	fields := p.Fields("#undo")
	fields.Set("do", "take")
	b.Drop("__Host-mq-session")
	if got := b.Do("POST", p.Path+"/undo", fields); got.Status != 401 || countOf(t, city, "SELECT COUNT(*) FROM resident WHERE name = '简一'") != 1 {
		t.Errorf("without a session %d", got.Status)
	}
	b = city.NewBrowser(t, base, "admin")
	if _, err := city.Create(t.Context(), "admin", "role", consoletest.Vals{"user": string(city.Users["secretary"]), "role": "admin", "place": city.Places["village"]}); err != nil {
		t.Fatal(err)
	}
	other := city.NewBrowser(t, base, "secretary")
	b.Do("POST", p.Path+"/undo", url.Values{"do": {"take"}, "shown": {"something else"}}).Want(422)

	// Two press it.
	b.Do("POST", p.Path+"/undo", fields).Want(303)
	other.Do("POST", p.Path+"/undo", fields).Want(303)
	p = looked(t, b, b.Get(p.Path))
	if got := strings.Join(p.Texts("#back"), ""); !strings.Contains(got, "这次导入撤回了") || !strings.Contains(got, "撤回的") || len(p.All("#undo")) > 0 {
		t.Errorf("it says: %s", got)
	}
	wantSums(t, p, sums...)
	wantLeft(t, p, left...)
	if got := columnOf(t, city, "household", "phone", string(city.Rows["gu"])); got != "13900009999" {
		t.Errorf("what somebody wrote since is %q", got)
	}
	later("household", string(city.Rows["gu"]), consoletest.Vals{"phone": "13500007702"})
	now := was()
	if !slices.Equal(now[:6], before[:6]) {
		t.Errorf("the cells are %q, were %q", now, before)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_row WHERE dead > 0 AND id IN (SELECT row_id FROM mq_history WHERE op = 'c' AND cells LIKE '%0714-301%')"); n != 1 {
		t.Errorf("%d marks stand for the household", n)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0"); n != items {
		t.Errorf("%d more wait for a decision", n-items)
	}
	if got := b.Get("/at/{place}/import").Want(200).Texts(".chip.local"); !slices.Contains(got, "撤回了") {
		t.Errorf("the list says %q", got)
	}

	// The same file once more brings everything back, and is taken back again.
	p = imported(t, b, "register", "再来.xlsx", file)
	if got := columnOf(t, city, "household", "address", string(city.Rows["ding"])); got != "丁家新址" {
		t.Errorf("imported again, the address is %q", got)
	}
	if got := columnOf(t, city, "household", "tags", string(city.Rows["gu"])); !strings.Contains(got, "disabled") {
		t.Errorf("imported again, the tags are %q", got)
	}
	for _, name := range []string{"简一", "简二", "江一", "项一", "申一", "顾新丁"} {
		if n := countOf(t, city, "SELECT COUNT(*) FROM resident WHERE name = '"+name+"'"); n != 1 {
			t.Errorf("imported again, there are %d of %s", n, name)
		}
	}
	p = taken(t, b, weighed(t, b, p))
	wantLeft(t, p)
	if now := was(); !slices.Equal(now[:6], before[:6]) {
		t.Errorf("taken back again, the cells are %q, were %q", now, before)
	}
	// Two imports one upon the other: the second is taken back, then the first, as if it had been alone.
	titles := []string{"户号", "组", "住址", "姓名", "与户主关系"}
	first := imported(t, b, "register", "一.xlsx", workbook(t, titles, []string{"0714-311", "7组 上湾", "一号", "甘一", "户主"}))
	second := imported(t, b, "register", "二.xlsx", workbook(t, titles, []string{"0714-311", "7组 上湾", "二号", "甘一", "户主"}))
	under := weighed(t, b, first)
	wantSums(t, under, "户 0 1 0 0", "人 0 1 0 0")
	wantSums(t, taken(t, b, weighed(t, b, second)), "户 0 0 1 0")
	if got := columnOf(t, city, "household", "address", row("household", "code", "0714-311")); got != "一号" {
		t.Errorf("the second taken back, the address is %q", got)
	}
	under = weighed(t, b, under)
	wantLeft(t, under)
	wantSums(t, taken(t, b, under), "户 1 0 0 0", "人 1 0 0 0")
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0"); n != items {
		t.Errorf("at last %d more wait for a decision", n-items)
	}
	if got := strings.Join(b.Post("/at/{city}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "一条没有动过") {
		t.Errorf("verifying says %q", got)
	}
}

func TestTakingBackUsers(t *testing.T) { both(t, takingBackUsers) }

// takingBackUsers imports users and takes them back: who signed in, has a phone, contacts households or wrote something stays and is named.
func takingBackUsers(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	file := workbook(t,
		[]string{"姓名", "登录名", "角色", "范围", "职务", "电话"},
		[]string{"文静", "wenjing", "包户干部", "", "村文书", "13800001111"},
		[]string{"文静", "wenjing", "调解员", "", "", ""},
		[]string{"左明", "zuoming", "支部书记", "", "", ""},  // signs in
		[]string{"易天", "yitian", "包户干部", "", "", ""},   // is given a household
		[]string{"米兰", "milan", "包户干部", "", "", ""},    // is corrected
		[]string{"佟安", "tongan", "包户干部", "", "", ""},   // signs in by the provider of identities
		[]string{"韩立军", "hanlijun", "调解员", "", "", ""}, // was there
		[]string{"何婉清", "hewanqing", "包户干部", "", "", ""})
	users, roles := countOf(t, city, `SELECT COUNT(*) FROM "user"`), countOf(t, city, "SELECT COUNT(*) FROM role")
	p := weighed(t, b, imported(t, b, "users", "人员.xlsx", file))
	wantSums(t, p, "用户 5 0 0 0", "角色 7 1 0 0")
	wantLeft(t, p, "何婉清|是您自己的")

	// Some begin to work.
	id := func(login string) (id string) {
		t.Helper()
		if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.One(`SELECT id FROM "user" WHERE login = ?`, []any{login}, &id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	code, _, err := city.Accounts.Link(t.Context(), syncproto.UserID(id("zuoming")), city.Users["admin"], false)
	if err != nil {
		t.Fatal(err)
	}
	if p := city.NewBrowser(t, base, "").Do("POST", "/link/"+code, url.Values{"password": {"wan shan hong bian 46"}}); p.Status != 303 {
		t.Fatalf("the link is answered by %d", p.Status)
	}
	if _, err := city.Create(t.Context(), "admin", "assignment", consoletest.Vals{"household": string(city.Rows["nobody"]), "user": id("yitian"), "team": "member", "since": "2026-11-23"}); err != nil {
		t.Fatal(err)
	}
	tongan := id("tongan")
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO mq_subject (issuer, subject, user_id) VALUES (?, ?, ?)", "https://id.example", "tongan", tongan)
	}); err != nil {
		t.Fatal(err)
	}
	milan := syncproto.RowID(id("milan"))
	at, err := city.Base(t.Context(), milan)
	if err == nil {
		err = city.Update(t.Context(), "admin", "user", milan, at, consoletest.Vals{"post": "会计"})
	}
	if err != nil {
		t.Fatal(err)
	}
	p = taken(t, b, weighed(t, b, p))
	wantSums(t, p, "用户 1 4 0 0", "角色 3 5 0 0")
	wantLeft(t, p, "何婉清|是您自己的", "左明|登录过", "佟安|登录过", "易天|在联系 1 户", "米兰|改过")
	if got := countOf(t, city, `SELECT COUNT(*) FROM "user"`); got != users+4 {
		t.Errorf("%d accounts are there, were %d", got, users)
	}
	if got := countOf(t, city, "SELECT COUNT(*) FROM role"); got != roles+5 {
		t.Errorf("%d roles are there, were %d", got, roles)
	}
	if id("wenjing") != "" {
		t.Error("who never worked is there")
	}
	p = imported(t, b, "users", "再来.xlsx", file)
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "新账号1") || id("wenjing") == "" {
		t.Errorf("imported again, it says %s", got)
	}
}

func TestTakingBackGoesOn(t *testing.T) { both(t, takingBackGoesOn) }

// takingBackGoesOn kills the taking back of many households midway: another process goes on where it stopped, and nothing is done twice.
func takingBackGoesOn(t *testing.T, dsn string) {
	city, err := consoletest.Open(context.Background(), consoletest.Options{State: consoletest.Empty, DSN: dsn, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := city.Engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	// The file speaks of one household twice, far apart: so two pieces of the import write to one cell.
	there, err := city.Create(t.Context(), "admin", "household", consoletest.Vals{"place": city.Places["group7"], "code": "K-1", "address": "原址"})
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	file.WriteString("户号,小组,姓名,与户主关系,住址\nK-1,,,,新址\n")
	const homes = 700
	for i := range homes {
		fmt.Fprintf(&file, "K%04d,%d组,人%d,户主,\n", i, i%7+11, i)
	}
	file.WriteString("K-1,,,,更新的址\n")
	w := intake.NewWorker(city.Engine, slog.New(slog.DiscardHandler))
	id, place, by := "", city.Places["village"], city.Users["admin"]
	do := func(f func(tx *store.Tx) error) {
		t.Helper()
		if err := city.Engine.Store.Write(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	job := func() (j *intake.Job) {
		t.Helper()
		do(func(tx *store.Tx) (err error) { j, err = intake.Read(tx, place, id); return err })
		return j
	}
	do(func(tx *store.Tx) (err error) {
		id, err = intake.Save(tx, by, place, intake.Register, "很多户.csv", int64(file.Len()), strings.NewReader(file.String()))
		return err
	})
	w.Drain(t.Context())
	do(func(tx *store.Tx) error {
		j, err := intake.Read(tx, place, id)
		if err == nil {
			_, err = intake.Go(tx, j)
		}
		return err
	})
	w.Drain(t.Context())
	do(func(tx *store.Tx) error { _, err := intake.Weigh(tx, place, id, by); return err })
	w.Drain(t.Context())
	j := job()
	if s := j.Back.Tally["household"]; j.State != intake.Weighed || s == nil || s.Rows != homes || s.Cells != 1 || j.Back.Parts < 10 {
		t.Fatalf("it weighs as %s: %+v of %d parts", j.State, s, j.Back.Parts)
	}
	do(func(tx *store.Tx) error {
		held, err := intake.Take(tx, place, id, by, j.Back.Digest)
		if !held {
			t.Error("what was shown is not held to")
		}
		return err
	})
	// The process dies once it has begun.
	dying, die := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		intake.NewWorker(city.Engine, slog.New(slog.DiscardHandler)).Drain(dying)
	}()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Millisecond) {
		if j = job(); j.Back.Begun && j.Back.Done > 0 || time.Now().After(deadline) {
			break
		}
	}
	die()
	<-over
	j = job()
	n := countOf(t, city, "SELECT COUNT(*) FROM household WHERE code <> 'K-1'")
	if s := j.Back.Tally["household"]; j.State == intake.Taken || s == nil || int64(homes-s.Rows) != n || n == homes || n == 0 {
		t.Fatalf("killed midway it is %s, and %d households are there: %+v", j.State, n, s)
	}
	w.Drain(t.Context()) // nobody takes it over before it has not stirred for a while
	if got := job(); got.Back.Done != j.Back.Done {
		t.Error("another process works on it too")
	}
	city.SetNow(city.Now().Add(2 * time.Minute))
	w.Drain(t.Context())
	j = job()
	if s := j.Back.Tally; j.State != intake.Taken || s["household"].Rows != homes || s["resident"].Rows != homes || s["place"].Rows != 7 {
		t.Errorf("gone on with it is %s: %+v %+v %+v", j.State, s["household"], s["resident"], s["place"])
	}
	for table, want := range map[string]int64{"household": 1, "resident": 0, "mq_item": 0} {
		if n := countOf(t, city, "SELECT COUNT(*) FROM "+table); n != want {
			t.Errorf("%d rows are left of %s", n, table)
		}
	}
	if got := columnOf(t, city, "household", "address", string(there)); got != "原址" || j.Back.Tally["household"].Cells != 1 {
		t.Errorf("the address is %q, %d cells went back", got, j.Back.Tally["household"].Cells)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM (SELECT row_id FROM mq_history WHERE op = 'd' GROUP BY row_id HAVING COUNT(*) > 1) x"); n != 0 {
		t.Errorf("%d rows were deleted twice", n)
	}
}

// The list of files goes on behind those that the first page shows.
func TestImportListPages(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty})
	b := city.NewBrowser(t, base, "admin")
	for i := range 45 {
		city.SetNow(city.Now().Add(time.Second))
		if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
			_, err := intake.Save(tx, city.Users["admin"], city.Places["village"], intake.Register, fmt.Sprintf("花名册 %d.csv", i), 1, strings.NewReader("x"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	p := b.Get("/at/{place}/import").Want(200)
	for pages := 1; ; pages++ {
		names = append(names, p.Texts(".list a")...)
		next := p.All(`.more a[href*="before="]`)
		if len(next) == 0 {
			if pages != 3 || len(p.All(".more a")) != 1 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		p = b.Get(reader.Attr(next[0], "href")).Want(200)
	}
	if len(names) != 45 || names[0] != "花名册 44.csv" || names[44] != "花名册 0.csv" {
		t.Errorf("%d files: %q", len(names), names)
	}
}
