package pages_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
	"minqing/mobile-client/replica"
	"minqing/schema"
)

// forms are all that keep drafts beside the visit, each with something typed.
func forms(b *pagetest.Browser) []struct {
	path, name, typed string
	rest              url.Values
} {
	refused := reader.Attr(b.Get("/sync").Want(200).All("a[href$='/mend']")[0], "href")
	return []struct {
		path, name, typed string
		rest              url.Values
	}{
		{"/h/{home}/edit", "note", "腿好些了，能走到村口。", nil},
		{"/r/{resident}/edit", "work", "在家带孙子", nil},
		{"/h/{home}/add", "name", "李沐宸", nil},
		{"/h/{home}/matter", "title", "门口路灯不亮", url.Values{"kind": {"request"}}},
		{"/m/{matter}/edit", "detail", "一下大雨，水就漫进院子，深到脚踝。", nil},
		{"/m/{matter}/answer", "text", "水渠改好了，当面说了。", nil},
		{"/j/{returned}/edit", "text", "住院费报销还差 1,200 元。", nil},
		{refused, "name", "李沐宸", nil},
	}
}

// TestEveryFormKeepsADraft types into each form, kills the program, and finds it again; saving ends the draft, in the same moment.
func TestEveryFormKeepsADraft(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Failed)
	for _, f := range forms(b) {
		fields := url.Values{f.name: {f.typed}}
		for name, list := range f.rest {
			fields[name] = list
		}
		if said := b.Get(f.path).Want(200).Type(fields).Want(200).Raw; !strings.Contains(said, "草稿已存") {
			t.Errorf("%s: %s", f.path, said)
		}
	}
	killed := b.MustReopen()
	list := killed.Get("/journal").Want(200)
	if n := len(list.All("a[href*='?draft=']")); n != len(forms(b)) {
		t.Errorf("%d drafts are listed: %q", n, list.Texts("main"))
	}
	for _, f := range forms(b) {
		p := killed.Get(f.path).Want(200)
		p.Has("#said", "草稿已存")
		if field := p.One("main [name=" + f.name + "]"); strings.TrimSpace(reader.Text(field)+reader.Attr(field, "value")) != strings.Join(strings.Fields(f.typed), " ") {
			t.Errorf("%s has %q, want %q", f.path, reader.Text(field)+reader.Attr(field, "value"), f.typed)
		}
		p.Send("main form", nil).Want(200)
		made := len(entries(t, killed))
		p.Send("main form", nil).Want(200).Has(".toast", "已存在本机") // from a page that outlived a kill, or by a browser that sends it anew
		if n := len(entries(t, killed)); n != made {
			t.Errorf("%s, sent again, made %d more changes", f.path, n-made)
		}
		saved := killed.MustReopen()
		for _, row := range saved.Get("/journal").All("a[href^='" + killed.At(f.path) + "?draft=']") {
			t.Errorf("%s was saved, and its draft is there still: %s", f.path, reader.Text(row))
		}
		if late := p.Type(url.Values{f.name: {f.typed}}).Want(200).Raw; !strings.Contains(late, "已存在本机") {
			t.Errorf("%s: a key that came after the saving made %s", f.path, late)
		}
	}
	if n := len(killed.Get("/journal").All("a[href*='?draft=']")); n != 0 {
		t.Errorf("%d drafts are left", n)
	}
}

// entries are the changes of a phone.
func entries(t *testing.T, b *pagetest.Browser) []replica.Entry {
	t.Helper()
	list, err := b.Replica.Entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestSavedTwiceWithOtherWords: from a page that was saved already (gone back to without its script) other words are saved as well.
func TestSavedTwiceWithOtherWords(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/add").Want(200)
	for _, name := range []string{"李沐宸", "李沐霖", "李沐霖"} {
		p.Send("main form", url.Values{"name": {name}}).Want(200)
	}
	text := strings.Join(b.Get("/h/{home}").Want(200).Texts("main"), " ")
	if strings.Count(text, "李沐宸") != 1 || strings.Count(text, "李沐霖") != 1 {
		t.Errorf("the household has %s", text)
	}
}

// TestADraftIsNotLaidOverNews has another change the very value that somebody is typing over: both stand on the form.
func TestADraftIsNotLaidOverNews(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Done)
	b.Get("/h/{home}/edit").Type(url.Values{"phone": {"12800001111"}, "note": {"腿疼。"}, "tags": {}}).Want(200)
	if err := b.Bring(t.Context(), b.Rows["home"], "phone", schema.Text("12800002222")); err != nil {
		t.Fatal(err)
	}
	p := b.Get("/h/{home}/edit").Want(200)
	p.Has(".field .note.act", "12800002222")
	if got := reader.Attr(p.One("main [name=phone]"), "value"); got != "12800001111" || len(p.All(".field .note.act")) != 1 {
		t.Errorf("the form has %q, %q", got, p.Texts(".field .note.act"))
	}
	if n := len(p.All("main [name=tags][checked]")); n != 0 {
		t.Errorf("%d ticks came back", n)
	}
	p.Send("main form", nil).Want(200)
	f, err := b.Replica.Form(t.Context(), "household", b.Rows["home"])
	if err != nil {
		t.Fatal(err)
	}
	if f.Values["phone"] != schema.Text("12800001111") || f.Values["note"] != schema.Text("腿疼。") || len(f.Values["tags"].Elements()) != 0 {
		t.Errorf("saved %v", f.Values)
	}
}

// TestADraftOutlivesItsForm closes the matter that somebody was writing about: his words stay within reach.
func TestADraftOutlivesItsForm(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	b.Get("/m/{matter}/edit").Type(url.Values{"detail": {"还没写完的话"}}).Want(200)
	b.Get("/m/{matter}/answer").Send("main form", url.Values{"text": {"说了。"}}).Want(200)
	b.Get("/m/{matter}/edit").Want(200).Has("main", "还没写完的话")
	b.Get("/j/{journal}/edit").Want(http.StatusForbidden)
}

// TestTwoPagesOfOneForm keeps what both wrote.
func TestTwoPagesOfOneForm(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	one, two := b.Get("/h/{home}/add"), b.Get("/h/{home}/add")
	one.Type(url.Values{"name": {"甲"}}).Want(200)
	again := b.Get("/h/{home}/add")
	one.Type(url.Values{"name": {"甲乙"}}).Want(200)
	if raw := again.Type(url.Values{"name": {"丙丁"}}).Want(200).Raw; !strings.Contains(raw, "两份都留着") {
		t.Errorf("the second page was told %s", raw)
	}
	two.Type(url.Values{"name": {"戊己"}}).Want(200)
	text := strings.Join(b.Get("/journal").Texts("main"), " ")
	for _, name := range []string{"甲乙", "丙丁", "戊己"} {
		if !strings.Contains(text, name) {
			t.Errorf("%s is lost: %s", name, text)
		}
	}
	p := b.Get("/h/{home}/add")
	dropped := b.Post("/draft/drop", url.Values{"draft": {reader.Attr(p.One("main [name=draft]"), "value")}}).Want(200)
	if len(dropped.All(".toast form")) != 1 {
		t.Fatal("a discarded draft cannot be had back")
	}
	dropped.Send(".toast form", nil).Want(200).Has("#said", "草稿已存")
}

// TestDraftOfAForgottenHome holds what stays of a household that left the phone to the author's own words.
func TestDraftOfAForgottenHome(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Done)
	b.Get("/h/{home}/edit").Type(url.Values{"note": {"我自己写的话"}}).Want(200)
	b.Get("/r/{resident}/edit").Type(url.Values{"work": {"我记的工作"}}).Want(200)
	if err := b.Forget(t.Context(), b.Rows["home"]); err != nil {
		t.Fatal(err)
	}
	p := b.Get("/journal").Want(200)
	p.Has("main", "已不在本机的户")
	p.Has("main", "我自己写的话")
	b.Get(reader.Attr(p.All("a[href^='/draft/']")[0], "href")).Want(200).Has("main", "我")
	if err := b.Replica.View(t.Context(), func(v *replica.View) error {
		return v.Locals("draft/", func(key string, value []byte, _ int64) error {
			for _, theirs := range []string{"王桂芬", "12800005621", "老供销社", "1955-03-02"} {
				if bytes.Contains(value, []byte(theirs)) {
					t.Errorf("%s still has %s", key, theirs)
				}
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
}

// TestWithoutScriptNothingIsLost sends forms that cannot be saved, for a slip and for a lease that ran out.
func TestWithoutScriptNothingIsLost(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Done)
	b.Get("/h/{home}/edit").Send("main form", url.Values{"phone": {"12"}, "note": {"手写的话"}}).Want(http.StatusUnprocessableEntity)
	b.MustReopen().Get("/h/{home}/edit").Has("[name=note]", "手写的话")
	p := b.Get("/j/{returned}/edit")
	b.Now = b.Now.Add(40 * 24 * time.Hour)
	if p.Status == http.StatusOK {
		p.Send("main form", url.Values{"text": {"锁上以后写的"}}).Want(http.StatusForbidden)
	}
	b.Get("/h/{home}/edit").Want(http.StatusForbidden).Has("main", "一条不少")
}

// photo is a picture as a camera makes one.
func photo(t *testing.T, shade uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = shade
	}
	m.SetGray(1, 1, color.Gray{Y: shade + 40})
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pictures counts the photos that lie beside drafts.
func pictures(t *testing.T, b *pagetest.Browser) (n int) {
	t.Helper()
	if err := b.Replica.View(t.Context(), func(v *replica.View) error {
		return v.Locals("draft/photo/", func(string, []byte, int64) error {
			n++
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPhotosGoWithTheirDraft counts the bytes that stay when a photo, or its draft, is removed; and has both back by undo.
func TestPhotosGoWithTheirDraft(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit").SendFile("#visit", "photo", "1.jpg", photo(t, 10), url.Values{"do": {"photo"}, "text": {"看了房子"}}).Want(200)
	p = p.SendFile("#visit", "photo", "2.jpg", photo(t, 90), url.Values{"do": {"photo"}}).Want(200)
	if n := pictures(t, b); n != 2 {
		t.Fatalf("%d pictures, want 2", n)
	}
	drop := reader.Attr(p.All("figure button")[0], "value")
	p = p.Send("#visit", url.Values{"do": {drop}}).Want(200)
	if n := pictures(t, b); n != 1 {
		t.Errorf("%d pictures after one was removed", n)
	}
	gone := p.Send("#visit", url.Values{"do": {"discard"}}).Want(200)
	if n := pictures(t, b); n != 0 {
		t.Errorf("%d pictures of a discarded draft", n)
	}
	back := gone.Send(".toast form", nil).Want(200)
	if !strings.Contains(back.Path, "/visit?draft=") || len(back.All("figure img")) != 1 {
		t.Fatalf("undo led to %s with %d pictures", back.Path, len(back.All("figure img")))
	}
	back.Send("#visit", url.Values{"do": {"save"}}).Want(200).Has(".story", "看了房子")
	if n := pictures(t, b); n != 0 {
		t.Errorf("%d pictures beside a draft that was saved", n)
	}
	// A kill between the photo and its draft leaves a picture that nobody has: it goes after a while.
	if err := b.Replica.PutLocal(t.Context(), "draft/photo/0123456789abcdef/00", []byte{0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	b.Get("/journal")
	if n := pictures(t, b); n != 1 {
		t.Errorf("a young picture is gone: %d", n)
	}
	b.Now = b.Now.Add(2 * time.Hour)
	b.Get("/journal")
	if n := pictures(t, b); n != 0 {
		t.Errorf("a stray picture stays: %d", n)
	}
	if _, err := os.Stat(b.Path); err != nil {
		t.Fatal(err)
	}
}
