package pages_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/mobile-client/pages/pagetest"
)

// TestRefusedIsMended opens a refused change, mends it and finds it waiting again; the old words are still a tap away.
func TestRefusedIsMended(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Failed)
	p := b.Get("/sync").Want(200)
	p.Has(".fate", "身份证号最后一位对不上，服务器没有接受。改好再传就行，您写的都在。")
	mend := pagetest.Attr(p.One(".fate .btn.soft"), "href")
	whole := strings.TrimSuffix(mend, "/mend")
	b.Get(whole).Want(200).Has("dd", "李沐辰")
	form := b.Get(mend).Want(200)
	if got := pagetest.Attr(form.One("[name=name]"), "value"); got != "李沐辰" {
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
	whole := strings.TrimSuffix(pagetest.Attr(p.One(".fate .btn.soft"), "href"), "/mend")
	p.Send(".fate form", url.Values{}).Want(200).Has(".toast", "撤回了")
	b.Get(whole).Want(200).Has("dd", "李沐辰")
	b.Get(whole + "/mend").Want(404)
}

// TestToldUntilNoted: a fate stays until the author has noted it; one that waits for a decision stays until it is decided.
func TestToldUntilNoted(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Failed)
	told := func() (out []string) {
		for _, n := range b.Get("/sync").All(".row .nm.sm") {
			out = append(out, pagetest.Attr(n, "href"))
		}
		return out
	}
	all := told()
	if len(all) != 3 {
		t.Fatalf("%d are told", len(all))
	}
	noted := 0
	for _, path := range all {
		if p := b.Get(path).Want(200); len(p.All("main form")) == 1 {
			p.Send("main form", url.Values{}).Want(200)
			noted++
		}
	}
	if left := told(); noted != 2 || len(left) != 1 {
		t.Errorf("noted %d, left %v", noted, left)
	}
}
