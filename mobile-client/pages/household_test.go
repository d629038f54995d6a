package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
	"minqing/schema"
	"minqing/syncproto"
)

// TestLateRecordingShows: a visit of another day is marked in the story, and leads to its journal.
func TestLateRecordingShows(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit").Send("#visit", url.Values{"text": {"补记一句。"}, "day": {"2026-11-20"}, "do": {"save"}}).Want(200)
	for _, n := range p.All(".story li") {
		if text := reader.Text(n); strings.Contains(text, "补记一句") && !strings.Contains(text, "11月23日补记") {
			t.Errorf("the story says %q", text)
		}
	}
	p.Has(".story", "11月23日补记")
	b.Get(reader.Attr(p.All(".story a.over")[0], "href")).Want(200).Has("h1", "王桂芬家")
}

// TestMatterFromItsTab chooses the household, records the matter, and takes it back while nobody has taken it up.
func TestMatterFromItsTab(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get(reader.Attr(b.Get("/matters").Want(200).One("a[href='/matters/new']"), "href")).Want(200)
	found := p.Send("main form", url.Values{"q": {"wgf"}}).Want(200).All(".row a.nm")
	if len(found) != 1 || reader.Text(found[0]) != "王桂芬家" {
		t.Fatalf("%d found", len(found))
	}
	b.Get("/matters/new?q=xyz").Want(200).Has("main", "没找到")
	p = b.Get(reader.Attr(found[0], "href")).Send("main form", url.Values{"kind": {"opinion"}, "title": {"记错的一件"}}).Want(200)
	id := strings.TrimPrefix(p.Path, "/m/")
	p = b.Get(p.Path + "/withdraw").Want(200)
	p.Has("main", "不能再恢复")
	p = p.Send("main form", nil).Want(200)
	p.Has(".toast", "撤回了")
	if v := shown(t, b, "matter", syncproto.RowID(id)); v["state"] != schema.Text("withdrawn") || v["title"] != schema.Text("记错的一件") {
		t.Errorf("the matter is %v", v)
	}
	b.Get(p.Path + "/withdraw").Want(http.StatusForbidden)
	b.Get("/m/{matter}/withdraw").Want(http.StatusForbidden) // another's, and handled
	b.Post("/m/{matter}/withdraw", nil).Want(http.StatusForbidden)
}

// TestLookingChangesNothing opens a journal with guidance, as a browser that fetches ahead would; only the button, or the script's post, notes it.
func TestLookingChangesNothing(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Done)
	if _, err := b.Guide(t.Context(), b.Rows["journal"], "下次问问药费"); err != nil {
		t.Fatal(err)
	}
	p := b.Get("/j/{journal}").Want(200)
	b.Get("/today").Has("main", "下次问问药费")
	if len(p.All("form[data-auto]")) != 1 {
		t.Fatal("nothing notes that it was read")
	}
	p = p.Send("form[data-auto]", nil).Want(200)
	if len(p.All("form[data-auto]")) != 0 || strings.Contains(strings.Join(b.Get("/today").Texts("main"), ""), "下次问问药费") {
		t.Error("it is told again")
	}
}

// TestPhotosOfOthers says honestly that a photo is not here, and shows it once it is.
func TestPhotosOfOthers(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/j/{theirs}").Want(200)
	p.Has(".pics .away", "不在本机，点开取")
	b.Get(reader.Attr(p.One(".pics a"), "href")).Want(200).Has("main", "现在没有网")
	b.Get("/photo/{photo}/content").Want(http.StatusServiceUnavailable)
	b.Get("/photo/{home}/whole").Want(http.StatusNotFound)
	content := []byte{0xff, 0xd8, 0xff, 0xd9}
	if err := b.Replica.StoreContent(t.Context(), b.Rows["photo"], strings.Repeat("0a", 32), 4, 0, content, content); err != nil {
		t.Fatal(err)
	}
	p = b.Get("/j/{theirs}").Want(200)
	p = b.Get(reader.Attr(p.One(".pics a"), "href")).Want(200)
	if got := b.Get(reader.Attr(p.One(".whole img"), "src")).Want(200).Raw; got != string(content) {
		t.Errorf("the picture is %q", got)
	}
}
