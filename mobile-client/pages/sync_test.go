package pages_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
)

// TestRefusedIsMended opens a refused change, mends it and finds it waiting again; the old words are still a tap away.
func TestRefusedIsMended(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Failed)
	p := b.Get("/sync").Want(200)
	p.Has(".fate", "身份证号最后一位对不上，服务器没有接受。改好再传就行，您写的都在。")
	mend := reader.Attr(p.One(".fate .btn.soft"), "href")
	whole := strings.TrimSuffix(mend, "/mend")
	b.Get(whole).Want(200).Has("dd", "李沐辰")
	form := b.Get(mend).Want(200)
	if got := reader.Attr(form.One("[name=name]"), "value"); got != "李沐辰" {
		t.Errorf("the form has %q", got)
	}
	form.Send("main form", url.Values{"name": {""}}).Want(422)
	p = b.Get(mend).Send("main form", url.Values{"name": {"李沐晨"}}).Want(200)
	p.Has(".toast", "改好了，有网自动上传。")
	if n := len(p.All(".fate .btn.soft")); n != 0 {
		t.Errorf("%d changes still ask to be mended", n)
	}
	b.Get("/h/{home}").Has(".row", "李沐晨")
	b.Get(whole).Want(200).Has("dd", "李沐辰")
}

func TestRefusedIsWithdrawn(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Failed)
	p := b.Get("/sync")
	whole := strings.TrimSuffix(reader.Attr(p.One(".fate .btn.soft"), "href"), "/mend")
	p.Send(".fate form", url.Values{}).Want(200).Has(".toast", "撤回了")
	b.Get(whole).Want(200).Has("dd", "李沐辰")
	b.Get(whole + "/mend").Want(404)
}

// TestToldUntilNoted: a fate stays until the author has noted it; one that waits for a decision stays until it is decided.
func TestToldUntilNoted(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Failed)
	told := func() (out []string) {
		for _, n := range b.Get("/sync").All(".row .nm.sm") {
			out = append(out, reader.Attr(n, "href"))
		}
		return out
	}
	all := told()
	if len(all) != 8 {
		t.Fatalf("%d are told", len(all))
	}
	noted := 0
	for _, path := range all {
		if p := b.Get(path).Want(200); len(p.All("main form")) == 1 {
			p.Send("main form", url.Values{}).Want(200)
			noted++
		}
	}
	if left := told(); noted != 6 || len(left) != 2 {
		t.Errorf("noted %d, left %v", noted, left)
	}
}

// TestFatesAreToldInWords reads what became of one's own words: whose stand, when, and what is still to be done.
func TestFatesAreToldInWords(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Failed)
	p := b.Get("/sync").Want(200)
	for _, told := range []string{"电话这一项采用了孙志强写的，您写的留着，点开能看。", "您和赵建国写得不一样，先按原来的用。何婉清（镇管理员）来定，定了告诉您。",
		"您和刘敏都补了内容，两人的话都留着，不用做什么。", "何婉清（镇管理员）于11月23日决定：采用赵建国写的，您写的留着。", "这户已不归您联系。", "看决定", "没有通过的这条，何婉清（镇管理员）于11月23日看过，替您收下了，不用再改。",
		"收下过，管理员又撤回了，现在不算数，等着再定。您写的都在。", "到得太晚，管理员看过，没有收，不算数。您写的都在。"} {
		p.Has(".row .why", told)
	}
	for name, facts := range map[string][]string{
		"decided": {"别人也写了赵建国（柳河镇农业办），11月21日 08:42", "谁定的何婉清（镇管理员），今天 09:42", "决定到本机"}, "hidden": {"孙志强（村支部书记），昨天 04:42"},
		"letin": nil, "left": nil, "away": {"谁来定何婉清（镇管理员）"}, "conflicted": {"谁来定何婉清（镇管理员）。定了会告诉您。", "赵建国（柳河镇农业办），昨天 13:42"}, "merged": {"刘敏（市水利局副局长），昨天 08:42"}, "late": nil, "refused": nil} {
		whole := b.Get("/sync/c/{" + name + "}").Want(200)
		whole.Has(".facts", "您写的时间今天 10:42")
		for _, f := range facts {
			whole.Has(".facts", f)
		}
	}
	in := b.Get("/sync/c/{letin}").Want(200)
	in.Has(".facts", "谁定的何婉清（镇管理员），今天 08:42")
	in.Has(".chip", "已收下")
	b.Get("/sync/c/{hidden}").Has(".both", "12800005622")
	b.Get("/sync/c/{decided}").Has(".both", "现在是")
	b.Get("/me").Send("form:has([value=en])", url.Values{"lang": {"en"}})
	b.Get("/sync").Has(".row .why", "何婉清 (Administrator) decided on 23 Nov: what 赵建国 wrote stands; yours is kept.")
	// The hand-over box names no household that left the phone.
	box := p.All("section")
	for _, n := range box {
		if text := reader.Text(n); strings.Contains(text, "移交箱") && (strings.Contains(text, "李犇") || !strings.Contains(text, "1 条")) {
			t.Errorf("the box says %q", text)
		}
	}
	p.Has("main", "移交箱")
}

// TestNoticesWithoutAChange are told until they were noted.
func TestNoticesWithoutAChange(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	if err := b.Copied(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := b.Get("/sync").Want(200)
	p.Has("main", "换了设备编号")
	p = p.Send("form[action='/sync/notices']", nil).Want(200)
	if n := len(p.All("form[action='/sync/notices']")); n != 0 {
		t.Error("it is told again")
	}
}

// TestLowSpaceWarnsEarlyAndRefusesNothing runs out of room step by step.
func TestLowSpaceWarnsEarlyAndRefusesNothing(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	for _, c := range []struct {
		free int64
		want string
	}{{2 << 30, ""}, {210e6, "手机快满了，还剩 210.0 MB。文字照常记，大约还能拍 580 张照片。"}, {1 << 20, "手机满了"}} {
		b.Free = c.free
		for _, path := range []string{"/today", "/sync", "/h/{home}/visit"} {
			p := b.Get(path).Want(200)
			if c.want == "" {
				if strings.Contains(strings.Join(p.Texts("main"), ""), "手机") {
					t.Errorf("%s warns of %d bytes", path, c.free)
				}
				continue
			}
			p.Has("main .note", c.want)
		}
		b.Get("/h/{home}/visit").Send("#visit", url.Values{"text": {"家里都好。"}, "do": {"save"}}).Want(200).Has(".toast", "已存在本机")
	}
}

// TestFillingIsShown: how far a first sync has come when its link broke, on both pages, in figures that fit each other.
func TestFillingIsShown(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Filling)
	for _, path := range []string{"/enrol/first", "/sync"} {
		p := b.Get(path).Want(200)
		bar := p.One("progress")
		rows, total := reader.Attr(bar, "value"), reader.Attr(bar, "max")
		n, err := strconv.Atoi(rows)
		if err != nil {
			t.Fatal(err)
		}
		all, err := strconv.Atoi(total)
		if err != nil || n == 0 || n >= all {
			t.Fatalf("%s: %s of %s", path, rows, total)
		}
		p.Has(".sum", fmt.Sprintf("%d%% %d 条中已到 %d 条", n*100/all, all, n))
		p.Has("main", "已收到 20 户，共 20 户")
		p.Has("main", "已用流量")
	}
	b.Get("/enrol/first").Has("main .row", "到齐，20 户")
	b.Get("/enrol/first").Has(".bar", "先用起来")
	b.Get("/households").Has("main", "王桂芬")
	pagetest.MustOpen(t, pagetest.Full).Get("/enrol/first").Has(".bar", "开始用")
}
