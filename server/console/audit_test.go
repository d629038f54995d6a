package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

func TestAudit(t *testing.T) { both(t, auditing) }

func auditing(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")

	// Every change of the village is listed once, newest first, from behind a key; those of the other village are not.
	var want int64
	ask := func(query string, args ...any) (n int64) {
		t.Helper()
		if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.One(query, args, &n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	want = ask("SELECT COUNT(*) FROM mq_change WHERE stream = ?", city.Places["village"])
	var rows []string
	p := b.Get("/at/{place}/audit").Want(200)
	for parts := 1; ; parts++ {
		rows = append(rows, p.Texts("tbody tr")...)
		next := p.All(".more > a")
		if len(next) == 0 {
			break
		}
		if parts > 20 {
			t.Fatal("the list has no end")
		}
		p = b.Get(reader.Attr(next[0], "href")).Want(200)
	}
	text := strings.Join(rows, "|")
	if int64(len(rows)) != want || strings.Contains(text, "枫林村") {
		t.Errorf("%d changes are listed, want %d", len(rows), want)
	}
	for _, word := range []string{"新建 丁有田家 · 走访", "未通过", "等决定", "红米 12C", "石桥村"} {
		if !strings.Contains(text, word) {
			t.Errorf("the list lacks %q", word)
		}
	}
	// By person and by day; whoever is not there is said to be nobody, and a day that is none is not taken.
	for _, row := range b.Get("/at/{place}/audit?who=%E9%99%88%E7%A7%80%E5%85%B0&from=2026-11-20&to=2026-11-22").Want(200).Texts("tbody tr") {
		if !strings.Contains(row, "陈秀兰") || !strings.Contains(row, "11月2") {
			t.Errorf("asked for one person and three days, there is %q", row)
		}
	}
	if got := strings.Join(b.Get("/at/{place}/audit?who=%E8%B0%81").Want(422).Texts(".err"), ""); !strings.Contains(got, "没有叫“谁”的人") {
		t.Errorf("for nobody it says %q", got)
	}
	b.Get("/at/{place}/audit?from=11.20").Want(422)

	// An export is on record with who took what, and says so on every row; so is what the console shows in full.
	city.NewBrowser(t, base, "secretary").Post("/at/{place}/coverage/export", url.Values{"as": {"csv"}}).Want(200)
	file := b.Post("/at/{place}/audit/export", url.Values{"as": {"csv"}, "kind": {"changed"}}).Want(200).Raw
	if lines := strings.Count(strings.TrimSpace(file), "\n"); int64(lines) != want || strings.Count(file, "hewanqing 2026-11-23 10:50") != lines {
		t.Errorf("the file has %d rows, %d marked, want %d", lines, strings.Count(file, "hewanqing 2026-11-23 10:50"), want)
	}
	// Whose people took it away, theirs is the record: that of the secretary is the village's, that of the administrator the city's.
	if got := strings.Join(b.Get("/at/{place}/audit?kind=exported").Want(200).Texts("tbody tr"), "|"); !strings.Contains(got, "周德旺") || !strings.Contains(got, "联系覆盖") || strings.Contains(got, "何婉清") {
		t.Errorf("exported of the village: %q", got)
	}
	if got := strings.Join(b.Get("/at/{city}/audit?kind=exported").Want(200).Texts("tbody tr"), "|"); !strings.Contains(got, "何婉清") || !strings.Contains(got, "导出“操作记录”") {
		t.Errorf("exported of the city: %q", got)
	}
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Disclose("console "+string(city.Users["secretary"]), "", city.Users["secretary"], fmt.Appendf(nil, `{"what":"unmask","table":"household","row":%q,"whole":true,"why":"核对低保"}`, city.Rows["ding"]))
	}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.Get("/at/{place}/audit?kind=unmasked").Want(200).Texts("tbody tr"), "|"); !strings.Contains(got, "丁有田家，号码完整显示，理由：核对低保") {
		t.Errorf("unmasked: %q", got)
	}

	// Verifying finds nothing, and finds what somebody altered past the server.
	if got := strings.Join(b.Post("/at/{city}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "一条没有动过") {
		t.Errorf("verified, it says %q", got)
	}
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Exec("UPDATE mq_history SET cells = REPLACE(cells, '屋顶漏雨', '屋顶很好') WHERE row_id = ?", string(city.Rows["journal.urgent"]))
	}); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"{place}", "{city}"} {
		if got := strings.Join(b.Post("/at/"+place+"/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "有记录被动过") || !strings.Contains(got, "石桥村的改动记录，第 ") {
			t.Errorf("a record was altered, and verifying %s says %q", place, got)
		}
	}
	if got := strings.Join(b.Post("/at/{other}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "一条没有动过") {
		t.Errorf("the other village's are whole, and it says %q", got)
	}
}
