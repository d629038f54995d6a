package console_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"minqing/server/admin"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

func TestHealthAndSettings(t *testing.T) { both(t, running) }

func running(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")

	// Health: the figures of the picture stand in the table, and a backup that is missing is said so until there is one.
	var open int64
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0", nil, &open)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	p := b.Get("/at/{city}/health").Want(200)
	sum := 0
	for _, cell := range p.Texts(".weeks tbody td:last-child") {
		sum += number(t, cell)
	}
	if bars := p.All("svg.bars a"); int64(sum) != open || len(bars) == 0 {
		t.Errorf("the table has %d open, the inbox %d; %d bars", sum, open, len(bars))
	}
	text := strings.Join(p.Texts("main"), " ")
	for _, want := range []string{"从来没有做过", "minqing-field 0.1.0", "/metrics", map[bool]string{true: "PostgreSQL", false: "SQLite"}[dsn != ""]} {
		if !strings.Contains(text, want) {
			t.Errorf("health lacks %q: %s", want, text)
		}
	}
	if err := (&admin.Desk{E: city.Engine}).BackedUp(t.Context(), city.Now().Add(-3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.Get("/at/{city}/health").Want(200).Texts("main"), " "); !strings.Contains(got, "07:50 (3 小时)") || strings.Contains(got, "太久了") {
		t.Errorf("after a backup: %s", got)
	}
	if got := strings.Join(city.NewBrowser(t, base, "otheradmin").Get("/at/{other}/health").Want(200).Texts("main"), " "); strings.Contains(got, "备份") {
		t.Errorf("the server is no matter of a village: %s", got)
	}

	// Settings: a term holds at once, is on record, and cannot be one that loses words; a quota is a row like any other.
	post := func(place string, want int, pairs ...string) string {
		t.Helper()
		f := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return strings.Join(b.Post("/at/"+place+"/settings", f).Want(want).Texts("main, .said"), " ")
	}
	if got := post("{city}", 422, "term", "horizon", "value", "5"); !strings.Contains(got, "60 到 3650") {
		t.Errorf("five days: %s", got)
	}
	if got := post("{city}", 422, "term", "grace", "value", "很久"); !strings.Contains(got, "要写一个整数") {
		t.Errorf("no number: %s", got)
	}
	post("{city}", 200, "term", "horizon", "value", "90")
	if got := post("{city}", 422, "term", "grace", "value", "91"); !strings.Contains(got, "都长") {
		t.Errorf("late work that counts longer than marks are kept: %s", got)
	}
	got := post("{city}", 200, "term", "grace", "value", "45")
	for _, want := range []string{"晚到期限：改成 45 天 了", "何婉清 定的", "30 天", "400 天", "90 天"} {
		if !strings.Contains(strings.ReplaceAll(got, "何婉清定的", "何婉清 定的"), want) {
			t.Errorf("the page lacks %q: %s", want, got)
		}
	}
	b.Post("/at/{place}/settings", url.Values{"term": {"grace"}, "value": {"50"}}).Want(404) // of the city alone
	if got := strings.Join(b.Get("/at/{city}/audit?kind=settings").Want(200).Texts("tbody tr"), "|"); !strings.Contains(got, "晚到期限") || !strings.Contains(got, "30 天改成 45 天") {
		t.Errorf("the audit has %q", got)
	}
	got = post("{place}", 200, "team", "member", "value", "3")
	for _, want := range []string{"走访次数，无职党员分片帮户", "改成 3 次"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q: %s", want, got)
		}
	}
	p = b.Post("/at/{place}/settings", url.Values{"team": {"member"}, "value": {"40"}}).Want(422)
	if got := p.Texts(".err"); len(got) != 1 || !strings.Contains(got[0], "0 到 31") || len(p.All(`#s-member[value="40"]`)) != 1 {
		t.Errorf("a quota that is too high: %q", got)
	}
}

func number(t *testing.T, text string) (n int) {
	t.Helper()
	for _, r := range text {
		if r < '0' || r > '9' {
			t.Fatalf("%q is no number", text)
		}
		n = n*10 + int(r-'0')
	}
	return n
}
