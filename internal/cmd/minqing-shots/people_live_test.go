package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/thumb"
)

// TestAssignAndImportInABrowser previews an assignment, does it and takes it back, and brings a register with bad rows, as an administrator
// does it in a real browser.
func TestAssignAndImportInABrowser(t *testing.T) {
	s, city, base := mustDesk(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	says := func(selector string, want ...string) {
		t.Helper()
		got, err := s.Text(selector)
		must(err)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s does not say %q: %s", selector, w, got)
			}
		}
	}
	must(s.Desk(deskWidth, deskHeight))
	must(enterAs(s, city, base, "admin", options{lang: "zh", scheme: "light"}))
	must(s.Go(base+city.At("/at/{place}/assign"), ".order"))
	must(s.Send(".order", map[string][]string{"way": {"move"}, "from": {"chenxiulan"}, "to": {"hanlijun"}, "team": {"member"}, "how": {"all"}}, "#plan"))
	says("#plan", "把陈秀兰的 4 户换给韩立军", "红米 12C", "3 条没交")
	must(s.Follow("#go", "#undo"))
	says("h1", "陈秀兰的 4 户换给韩立军")
	must(s.Follow("#undo", ".said"))
	says(".head", "撤回了")

	file := filepath.Join(t.TempDir(), "register.csv")
	must(os.WriteFile(file, []byte("户号,姓名,与户主关系\r\n0714-060,滕秋菊,户主\r\n0714-061,,户主\r\n"), 0o600))
	must(s.Go(base+city.At("/at/{place}/import"), "#file"))
	must(s.Choose("#file", file))
	must(s.Send("main form", nil, "h1"))
	must(s.Wait(`!!document.querySelector("#go")`)) // the page follows by itself
	says("main", "1 行不能导入", "第 3 行", "“姓名”没有填")
	must(s.Follow("#go", "h1"))
	must(s.Wait(`document.querySelector("main").innerText.includes("做了什么")`))
	// On a phone nothing is wider than the screen.
	must(s.Desk(360, 800))
	for _, path := range []string{"/at/{place}/assign", "/at/{place}/assign/{work}", "/at/{place}/assign/{work}/cards", "/at/{place}/import", "/at/{place}/import/{file}", "/at/{place}/homes", "/at/{place}/homes/{wang}", "/at/{place}/users/{user}", "/at/{place}/tree", "/at/{place}/teams"} {
		must(s.Go(base+city.At(path), "main"))
		got, err := thumb.Ask[string](s, `String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`)
		must(err)
		if got != "0" {
			t.Errorf("%s is %s pixels too wide", path, got)
		}
	}
}
