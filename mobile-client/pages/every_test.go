package pages_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
)

// TestEveryScreen renders each screen in each state in both languages, and holds it to what every page must keep.
func TestEveryScreen(t *testing.T) {
	for _, state := range pagetest.States {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			b := pagetest.MustOpen(t, state)
			for _, lang := range []string{"zh", "en"} {
				size := map[string]string{"zh": "", "en": "big"}[lang]
				b.Post("/me/settings", url.Values{"lang": {lang}, "size": {size}}).Want(200)
				b.Get("/me") // takes the toast away
				for _, s := range pagetest.Screens {
					if s.State == state {
						t.Run(s.Name+" "+lang, func(t *testing.T) { holds(t, b, s, lang) })
					}
				}
			}
			if log := b.Log.String(); strings.Contains(log, "level=ERROR") {
				t.Errorf("the log has errors:\n%s", log)
			}
		})
	}
}

// TestEveryPageWithLongNames opens each page of an ordinary day on a phone whose names, addresses, titles and texts are as long as they may be.
func TestEveryPageWithLongNames(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Long)
	seen := map[string]bool{}
	for _, s := range pagetest.Screens {
		if s.State != pagetest.Full || s.Post != nil || s.Want != 0 || seen[s.Path] {
			continue
		}
		seen[s.Path] = true
		if at := b.At(s.Path); strings.Contains(at, "{") {
			t.Errorf("%s: the phone with long names has no such row", s.Path)
			continue
		}
		t.Run(s.Name, func(t *testing.T) { holds(t, b, s, "zh") })
	}
}

// holds is what every page keeps, whatever is on it.
func holds(t *testing.T, b *pagetest.Browser, s pagetest.Screen, lang string) {
	t.Helper()
	p := b.Open(s)
	want := s.Want
	if want == 0 {
		want = 200
	}
	if p.Status != want {
		t.Fatalf("%d, want %d: %q", p.Status, want, p.Texts("main"))
	}
	tag := map[string]string{"zh": "zh-CN", "en": "en"}[lang]
	if got := reader.Attr(p.One("html"), "lang"); got != tag {
		t.Errorf("the page says it is %q", got)
	}
	if n := len(p.All("main")); n != 1 {
		t.Errorf("%d main parts", n)
	}
	if titles := p.Texts("h1, main .blank h2"); len(titles) == 0 || titles[0] == "" {
		t.Error("no title")
	}
	if bad := p.All("[style], [onclick], [onload], [onsubmit], main script, script:not([src]), iframe, object, embed, base"); len(bad) > 0 {
		t.Errorf("the policy forbids <%s>", bad[0].Data)
	}
	ids := map[string]bool{}
	for _, n := range p.All("[id]") {
		id := reader.Attr(n, "id")
		if ids[id] {
			t.Errorf("id %s is there twice", id)
		}
		ids[id] = true
	}
	p.Named()
	for _, n := range p.All("a[href], form[action], link[href], script[src]") {
		target := reader.Attr(n, "href") + reader.Attr(n, "action") + reader.Attr(n, "src")
		if !strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "#") && !strings.HasPrefix(target, "tel:") || strings.HasPrefix(target, "//") {
			t.Errorf("%s leads out of the app", target)
		}
		if after, ok := strings.CutPrefix(target, "#"); ok && !ids[after] {
			t.Errorf("%s leads nowhere", target)
		}
	}
	text := strings.Join(p.Texts("body"), " ")
	for _, word := range []string{"错误", "失败", "非法", "没收", "Error", "error", "failed", "invalid", "<no value>", "%!", "{0}", "ZgotmplZ"} {
		if strings.Contains(text, word) || strings.Contains(p.Raw, "ZgotmplZ") {
			t.Errorf("the page says %q", word)
		}
	}
	if lang == "en" && s.State == pagetest.Empty {
		if han := regexp.MustCompile(`\p{Han}+`).FindAllString(text, -1); len(slices.DeleteFunc(han, func(w string) bool { return w == "中文" })) > 0 {
			t.Errorf("Chinese is left on the English page: %q", han)
		}
	}
}
