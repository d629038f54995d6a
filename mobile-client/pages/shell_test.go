package pages_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
)

func TestSettingsHold(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/me").Want(200)
	p = p.Send("main form", url.Values{"lang": {"en"}, "size": {"big"}, "scheme": {"dark"}}).Want(200)
	p.Has(".toast", "Done.")
	if got := reader.Attr(p.One("html"), "class"); got != "dark big" {
		t.Errorf("the page is %q", got)
	}
	p = b.Get("/today").Want(200)
	p.Has("h1", "Today")
	p.Has(".where", "3 not sent")
	for _, bad := range []url.Values{{"lang": {"de"}}, {"lang": {"zh"}, "scheme": {"red"}}, {}} {
		b.Post("/me/settings", bad).Want(404)
	}
	b.Get("/today").Has("h1", "Today")
	raw, err := os.ReadFile(b.Path + ".settings")
	if err != nil || strings.Contains(string(raw), string(b.Me)) {
		t.Errorf("the settings' file: %q %v", raw, err)
	}
}

func TestACutSettingsFileIsNoObstacle(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "field.db.settings"), []byte(`{"lang":"e`), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := pagetest.Open(t.Context(), dir, pagetest.Empty)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestLiveSearchGetsTheMainPartAlone(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	whole := b.Get("/households?q=wgf").Want(200)
	part := b.Part("/households?q=wgf").Want(200)
	if strings.Contains(part.Raw, "<html") || strings.Contains(part.Raw, "class=\"tabs\"") || !strings.Contains(whole.Raw, strings.TrimSpace(part.Raw)) {
		t.Errorf("the part is %q", part.Raw)
	}
}

func TestContactCard(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/card").Want(200)
	want := []string{"陈秀兰", "赵建国", "刘敏"}
	rows := p.Texts(".row")
	for i, name := range want {
		if i >= len(rows) || !strings.Contains(rows[i], name) {
			t.Errorf("row %d is not %s: %q", i, name, rows)
		}
	}
	p.Has(".row", "128 0000 2206")
	p.Has(".row", "0500-633 4410")
	p.Has(".n", "编号 7K4M-2Q9X")
	if got := reader.Attr(p.All(".row a[href^='tel:']")[0], "href"); got != "tel:12800002206" {
		t.Errorf("it dials %s", got)
	}
	if d := reader.Attr(p.One("svg.qr path.ink"), "d"); len(d) < 1000 || reader.Attr(p.One("svg.qr"), "role") != "img" {
		t.Errorf("the code is %q", d)
	}
}

func TestWhatIsNotThereSaysSo(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	for _, path := range []string{"/nowhere", "/h/1", "/h/{matter}", "/h/{matter}/card", "/h/{matter}/edit", "/r/{home}/edit", "/h/{home}/nothing"} {
		p := b.Get(path).Want(404)
		p.Has(".blank h2", "这里没有内容了")
	}
	b.Post("/today", nil).Want(404)
	b.Post("/h/{home}/edit", url.Values{"note": {strings.Repeat("长", 1<<20)}}).Want(http.StatusRequestEntityTooLarge).Has(".blank h2", "内容太长")
}

func TestABrokenFileIsASentenceAndALogLine(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	if err := b.Replica.Close(); err != nil {
		t.Fatal(err)
	}
	p := b.Get("/today").Want(500)
	p.Has(".blank h2", "这一步没做成")
	for _, inside := range []string{"sql", "SELECT", "replica", "goroutine"} {
		if strings.Contains(p.Raw, inside) {
			t.Errorf("the page shows its inside: %s", inside)
		}
	}
	if log := b.Log.String(); !strings.Contains(log, "level=ERROR") || strings.Contains(log, "王桂芬") {
		t.Errorf("the log says %q", log)
	}
}
