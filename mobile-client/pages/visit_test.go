package pages_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// made are the rows of a change, by table.
func made(ch *syncproto.Change) map[string]int {
	out := map[string]int{}
	for _, e := range ch.Edits {
		out[e.Table+" "+string(e.Op)]++
	}
	return out
}

func TestVisitWithOnePhrase(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit").Want(200)
	p = p.Send("main form", url.Values{"do": {"phrase:家里都好"}}).Want(200)
	if got := p.Texts("textarea"); got[0] != "家里都好。" {
		t.Fatalf("the phrase wrote %q", got)
	}
	p.Has(".phrase.on", "家里都好")
	p = p.Send("main form", url.Values{"do": {"save"}}).Want(200)
	p.Has(".toast", "已存在本机，有网自动上传。")
	p.Has(".story", "家里都好。")
	ch := last(t, b)
	if len(ch.Edits) != 2 || ch.Edits[0].Table != "visit" || ch.Edits[1].Table != "journal" {
		t.Fatalf("written: %v", made(ch))
	}
	if got := shown(t, b, "journal", ch.Edits[1].Row); got["state"] != schema.Text("submitted") || got["text"] != schema.Text("家里都好。") {
		t.Errorf("the journal is %v", got)
	}
	if got := b.Get("/h/{home}/visit").Texts("textarea"); got[0] != "" {
		t.Errorf("the draft stands after it was saved: %q", got)
	}
}

func TestPhraseTappedAgainGoes(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit").Send("main form", url.Values{"text": {"她说腿疼"}, "do": {"phrase:家里都好"}})
	if got := p.Texts("textarea"); got[0] != "她说腿疼。家里都好。" {
		t.Fatalf("written: %q", got)
	}
	if got := p.Send("main form", url.Values{"do": {"phrase:家里都好"}}).Texts("textarea"); got[0] != "她说腿疼。" {
		t.Errorf("taken out: %q", got)
	}
}

// picture is a JPEG with position data as a camera writes it.
func picture(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 400, 300))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7)
	}
	m.Set(1, 1, color.Black)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	gps := "Exif\x00\x00GPSLatitude 28.0000"
	raw := out.Bytes()
	return slices.Concat(raw[:2], []byte{0xff, 0xe1, 0, byte(len(gps) + 2)}, []byte(gps), raw[2:])
}

func TestVisitWithEverythingIsOneChange(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit").Send("main form", url.Values{"do": {"matter"}, "text": {"住院费报销还差一些。"}, "tasks": {"policy", "listen"}}).Want(200)
	p = p.SendFile("main form", "photo", "a.jpg", picture(t), url.Values{"do": {"photo"}}).Want(200)
	if n := len(p.All(".pics img")); n != 1 {
		t.Fatalf("%d pictures on the form", n)
	}
	thumb := b.Get(reader.Attr(p.One(".pics img"), "src")).Want(200)
	if !strings.HasPrefix(thumb.Raw, "\xff\xd8") || strings.Contains(thumb.Raw, "GPS") {
		t.Error("the thumbnail is no picture, or says where it was taken")
	}
	p = p.Send("main form", url.Values{"do": {"save"}, "kind": {"difficulty"}, "title": {"住院费报销差 1,860 元"}, "how": {"urgent"}, "next": {"14"},
		"met": {string(b.Rows["resident"])}, "day": {"2026-11-20"}}).Want(200)
	p.Has(".toast", "已存在本机")
	ch := last(t, b)
	want := map[string]int{"visit c": 1, "journal c": 1, "attachment c": 1, "matter c": 1, "matter_step c": 1}
	if got := made(ch); !maps.Equal(got, want) {
		t.Fatalf("written: %v", got)
	}
	for _, e := range ch.Edits {
		v := shown(t, b, e.Table, e.Row)
		switch e.Table {
		case "visit":
			if v["met"] != schema.Text("王桂芬") || v["day"] != schema.Text("2026-11-20") || v["next_day"] != schema.Text("2026-12-04") || v["tasks"] != schema.Set("listen", "policy") ||
				!v["lon"].IsNull() || !v["lat"].IsNull() {
				t.Errorf("the visit is %v", v)
			}
		case "matter":
			if v["kind"] != schema.Text("difficulty") || v["urgency"] != schema.Int(3) || v["raised_by"] != schema.Text("王桂芬") || !v["state"].IsNull() && v["state"] != schema.Text("recorded") {
				t.Errorf("the matter is %v", v)
			}
		case "matter_step":
			if v["kind"] != schema.Text("record") || v["day"] != schema.Text("2026-11-20") {
				t.Errorf("the step is %v", v)
			}
		}
	}
	// Undo takes all of it back in one change, and what was typed is a draft again.
	p = p.Send(".toast form", nil).Want(200)
	p.Has(".toast", "撤销了")
	if got := p.Texts("textarea"); got[0] != "住院费报销还差一些。" {
		t.Errorf("back in the draft: %q", got)
	}
	if n := len(p.All(".pics img")); n != 1 {
		t.Errorf("%d pictures back on the form", n)
	}
	if got := made(last(t, b)); got["visit d"] != 1 || got["journal d"] != 1 || got["attachment d"] != 1 || got["matter u"] != 1 {
		t.Errorf("taken back: %v", got)
	}
}

func TestVisitsOfOneRound(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit").Send("main form", url.Values{"do": {"homes"}, "text": {"开会讲了医保。"}}).Want(200)
	boxes := p.All("input[name=homes]")
	two := []string{reader.Attr(boxes[0], "value"), reader.Attr(boxes[1], "value")}
	p = p.Send("main form", url.Values{"homes": two}).Want(200)
	p.Has(".last", "连同另外 2 户")
	p = p.Send("main form", url.Values{"do": {"save"}}).Want(200)
	p.Has(".toast", "3 户都已存在本机")
	homes := map[schema.Value]bool{}
	for _, e := range last(t, b).Edits {
		if e.Table == "visit" {
			homes[shown(t, b, "visit", e.Row)["household"]] = true
		}
	}
	if len(homes) != 3 || made(last(t, b))["journal c"] != 3 {
		t.Errorf("written: %v for %d households", made(last(t, b)), len(homes))
	}
}

// TestEachHomeOfARoundHasItsOwn writes the common text once, and for one household of the round whom he met, a matter, a photo and a promise.
func TestEachHomeOfARoundHasItsOwn(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit").Send("main form", url.Values{"do": {"homes"}, "text": {"开会讲了医保。"}, "day": {"2026-11-20"}}).Want(200)
	boxes := p.All("input[name=homes]")
	three := []string{reader.Attr(boxes[0], "value"), reader.Attr(boxes[1], "value"), reader.Attr(boxes[2], "value")}
	p = p.Send("main form", url.Values{"homes": three}).Want(200)
	if n := len(p.All(".well .row")); n != 3 {
		t.Fatalf("%d further homes on the form", n)
	}
	p.Has("#f-met legend", "王桂芬家")
	part := p.Send("main form", url.Values{"do": {"part:" + three[0]}}).Want(200)
	if !strings.HasPrefix(part.Path, "/h/"+three[0]+"/visit?draft=") || len(part.All("textarea, [name=tasks], [name=day]")) != 0 {
		t.Fatalf("%s asks again for what is the same for all", part.Path)
	}
	met := reader.Attr(part.All("input[name=met]")[0], "value")
	part = part.SendFile("#visit", "photo", "1.jpg", photo(t, 60), url.Values{"do": {"photo"}, "met": {met}}).Want(200)
	p = part.Send("#visit", url.Values{"do": {"save"}, "matter": {"1"}, "kind": {"request"}, "how": {"spot"}, "next": {"7"}}).Want(200)
	p.Has(".well .row", "一件事项，1 张照片，约 11月27日再来")
	// Nothing was saved yet, and a kill loses none of it.
	p = b.MustReopen().Get(p.Path).Want(200)
	p.Has(".well .row", "1 张照片")
	p = b.Get(p.Path).Send("main form", url.Values{"do": {"save"}}).Want(422)
	p.Has(".note.stop", "写一句要办什么")
	part = p.Send("main form", url.Values{"do": {"part:" + three[0]}}).Want(200)
	p = part.Send("#visit", url.Values{"do": {"save"}, "title": {"修门口的路"}}).Want(200)
	// Who leaves the round keeps what was typed for it.
	second := p.Send("main form", url.Values{"do": {"part:" + three[2]}}).Want(200)
	nobody := second.Send("#visit", url.Values{"do": {"save"}, "met": {"nobody"}}).Want(200)
	p = nobody.Send("main form", url.Values{"do": {"homes"}}).Want(200).Send("main form", url.Values{"homes": three[:2]}).Want(200)
	if list := b.Get("/journal").All("a[href*='" + three[2] + "/visit?draft=']"); len(list) != 1 {
		t.Errorf("%d drafts of who left the round", len(list))
	}
	p.Send("main form", url.Values{"do": {"save"}}).Want(200)
	changes, err := b.Replica.Entries(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	whole := changes[len(changes)-2].Change // the last is the answer on the spot
	seen := map[string]string{}
	for _, e := range whole.Edits {
		v := shown(t, b, e.Table, e.Row)
		switch e.Table {
		case "visit":
			seen[v["household"].Str()] = v["met"].Str() + "/" + v["next_day"].Str() + "/" + v["day"].Str()
		case "matter":
			if v["household"] != schema.Text(three[0]) || v["title"] != schema.Text("修门口的路") || v["state"] != schema.Text("answered") {
				t.Errorf("the matter is %v", v)
			}
		case "attachment":
			if visit := shown(t, b, "visit", syncproto.RowID(v["visit"].Str())); visit["household"] != schema.Text(three[0]) {
				t.Errorf("the photo went to %v", visit["household"])
			}
		}
	}
	if got := made(whole); got["visit c"] != 3 || got["journal c"] != 3 || got["matter c"] != 1 || got["attachment c"] != 1 {
		t.Errorf("written: %v", got)
	}
	if own := seen[three[0]]; !strings.HasSuffix(own, "/2026-11-27/2026-11-20") || strings.HasPrefix(own, "/") || seen[three[1]] != "//2026-11-20" {
		t.Errorf("the visits are %v", seen)
	}
	if n := pictures(t, b); n != 0 {
		t.Errorf("%d pictures are left beside drafts", n)
	}
}

// TestARoundTakenBack has the parts of a round back as they were.
func TestARoundTakenBack(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit").Send("main form", url.Values{"do": {"homes"}, "text": {"讲了防火。"}}).Want(200)
	other := reader.Attr(p.All("input[name=homes]")[0], "value")
	p = p.Send("main form", url.Values{"homes": {other}}).Want(200)
	p = p.Send("main form", url.Values{"do": {"part:" + other}}).SendFile("#visit", "photo", "1.jpg", photo(t, 60), url.Values{"do": {"photo"}, "next": {"14"}}).Send("#visit", url.Values{"do": {"save"}}).Want(200)
	gone := p.Send("main form", url.Values{"do": {"discard"}}).Want(200)
	if n := pictures(t, b); n != 0 {
		t.Errorf("%d pictures of a discarded round", n)
	}
	p = gone.Send(".toast form", nil).Want(200)
	p.Has(".well .row", "1 张照片")
	p = p.Send("main form", url.Values{"do": {"save"}}).Want(200).Send(".toast form", nil).Want(200)
	p.Has(".toast", "撤销了")
	p.Has(".well .row", "1 张照片，约 12月7日再来")
	if got := made(last(t, b)); got["visit d"] != 2 || got["attachment d"] != 1 {
		t.Errorf("taken back: %v", got)
	}
}

func TestWhatIsWrongStandsAtItsFieldAndWordsStay(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	before := last(t, b).Identity()
	b.Get("/h/{home}/visit").Send("main form", nil).Want(422).Has(".field.bad .err", "写一句")
	p := b.Get("/h/{home}/visit?matter=1").Send("main form", url.Values{"text": {"说了事。"}, "title": {strings.Repeat("长", 45)}, "next": {"date"}, "day": {"2026-11-24"}}).Want(422)
	p.Has("main .err", "不能在今天以后")
	p.Has(".field.bad .err", "超了 5 字")
	p.Has(".field.bad .err", "请选哪一类")
	p.Has(".field.bad .err", "请选哪一天再来")
	if got := p.Texts("textarea"); got[0] != "说了事。" || reader.Attr(p.One("input[name=title]"), "value") != strings.Repeat("长", 45) {
		t.Errorf("typed words went: %q", got)
	}
	if last(t, b).Identity() != before {
		t.Error("something was written")
	}
}

func TestTwoPagesOnOneDraftKeepBoth(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	b.Get("/h/{home}/visit").Send("main form", url.Values{"do": {"keep"}, "text": {"第一句。"}}).Want(200)
	one, two := b.Get("/h/{home}/visit"), b.Get("/h/{home}/visit")
	one.Send("main form", url.Values{"do": {"keep"}, "text": {"第一句。甲写的。"}}).Want(200)
	p := two.Send("main form", url.Values{"do": {"keep"}, "text": {"第一句。乙写的。"}}).Want(200)
	p.Has("#note", "两份都留着")
	var texts []string
	if err := b.Replica.View(context.Background(), func(v *replica.View) error {
		return v.Locals("draft/visit/", func(_ string, value []byte, _ int64) error {
			texts = append(texts, string(value))
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(texts, "\n")
	if len(texts) != 2 || !strings.Contains(all, "甲写的") || !strings.Contains(all, "乙写的") {
		t.Errorf("kept: %q", texts)
	}
}

func TestKeyUnderWayMakesNoSecondVisit(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/visit")
	p.Send("main form", url.Values{"do": {"save"}, "text": {"说完了。"}}).Want(200)
	saved := last(t, b).Identity()
	p.Send("main form", url.Values{"do": {"save"}, "text": {"说完了"}}).Want(200).Has(".toast", "已存在本机")
	if last(t, b).Identity() != saved {
		t.Error("a second tap made a second visit")
	}
	if got := b.Get("/h/{home}/visit").Texts("textarea"); got[0] != "" {
		t.Errorf("a ghost of a draft: %q", got)
	}
}
