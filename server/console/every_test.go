package console_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/server/console"
	"minqing/server/console/consoletest"
)

// log is what the consoles logged; several requests may write at once.
type log struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestEveryScreen renders each screen in each state in both languages, and those of an ordinary day in every other state in which their address
// names something, and holds it to what every page must keep. In the end every form is sent with nothing in it that makes sense.
func TestEveryScreen(t *testing.T) {
	for _, state := range consoletest.States {
		t.Run(string(state), func(t *testing.T) {
			var said log
			city, base := consoletest.MustOpen(t, consoletest.Options{State: state, Log: &said})
			browsers := map[string]*consoletest.Browser{}
			for _, s := range consoletest.Screens {
				if s.State != state && (s.State != consoletest.Full || state == consoletest.Crowd || state == consoletest.Wide) || strings.Contains(city.At(s.Path+s.Post), "{") {
					continue
				}
				if browsers[s.As] == nil {
					browsers[s.As] = city.NewBrowser(t, base, s.As)
				}
				for _, lang := range []string{"zh", "en"} {
					if lang == "en" && s.State != state && state != consoletest.Hostile {
						continue
					}
					browsers[s.As].Do("POST", "/settings", url.Values{"lang": {lang}, "to": {"/"}}).Want(303)
					t.Run(s.Name+" "+lang, func(t *testing.T) { holds(t, browsers[s.As], s, state, lang) })
				}
			}
			if state == consoletest.Full {
				failed(t, city, base)
			}
			if state == consoletest.Crowd { // of somebody's thousand sessions the page lists fifty, and counts the others
				p := browsers["secretary"].Get("/me").Want(200)
				if text := strings.Join(p.Texts(".box"), ""); len(p.All(".list li")) != 50 || !strings.Contains(text, "951") || len(p.Raw) > 100<<10 {
					t.Errorf("%d sessions are listed, in %d bytes: %s", len(p.All(".list li")), len(p.Raw), text)
				}
			}
			if strings.Contains(said.String(), "level=ERROR") {
				t.Errorf("the log has errors:\n%s", said.String())
			}
		})
	}
}

// failed sends every form of an administrator's pages in which nothing makes sense: what answers with a page keeps what every page keeps.
func failed(t *testing.T, city *consoletest.City, base string) {
	b, pages := city.NewBrowser(t, base, "admin"), 0
	rows := rowsOf(t, city)
	for _, l := range console.Lines() {
		path, post := strings.CutPrefix(l.Pattern, "POST ")
		if !post || !strings.Contains(path, "{place}") {
			continue
		}
		p := b.Do("POST", strings.NewReplacer("{place}", city.Places["village"], "{row}", rows[l.Of]["village"]).Replace(path), url.Values{"do": {"？"}, "pick": {"third"}, "value": {"？"}, "login": {"？"}, "name": {strings.Repeat("长", 300)},
			"over": {"？"}, "on": {"？"}, "base": {"？"}, "kind": {"？"}, "format": {"？"}, "shown": {"？"}})
		if p.Status == 422 || p.Status == 409 {
			pages++
			t.Run("failed "+strings.ReplaceAll(l.Pattern, "/", "⁄"), func(t *testing.T) { keeps(t, p, consoletest.Full, "zh") })
		}
	}
	if pages < 12 {
		t.Errorf("only %d forms were not taken", pages)
	}
}

// TestEveryRouteHasAScreen: a page that no screen shows is rendered by no test.
func TestEveryRouteHasAScreen(t *testing.T) {
	word := regexp.MustCompile(`\\\{[a-z]+\\\}`)
	for _, l := range console.Lines() {
		path, get := strings.CutPrefix(l.Pattern, "GET ")
		if !get || slices.Contains([]string{"/{$}", "/signin/code", "/signin/oidc", "/signin/oidc/back", "/link/{code}", "/at/{place}/photo/{row}", "/at/{place}/import/{row}/bad"}, path) {
			continue // these lead on, give a file, or stand in the flows by a browser
		}
		fits := regexp.MustCompile("^" + word.ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + "$")
		if !slices.ContainsFunc(consoletest.Screens, func(s consoletest.Screen) bool {
			at, _, _ := strings.Cut(s.Path, "?")
			return s.State == consoletest.Full && fits.MatchString(at)
		}) {
			t.Errorf("no screen of an ordinary day shows %s", l.Pattern)
		}
	}
}

// holds is what every page keeps, whatever is on it.
func holds(t *testing.T, b *consoletest.Browser, s consoletest.Screen, state consoletest.State, lang string) {
	t.Helper()
	p := b.Get(s.Path)
	if s.Post != "" {
		p.Want(200)
		p = b.Post(s.Post, s.Fields)
	}
	want := s.Want
	if want == 0 {
		want = 200
	}
	if p.Status != want {
		t.Fatalf("%d, want %d: %q", p.Status, want, p.Texts("main"))
	}
	keeps(t, p, state, lang)
}

// keeps is what holds of a page that came.
func keeps(t *testing.T, p *consoletest.Page, state consoletest.State, lang string) {
	t.Helper()
	if got := reader.Attr(p.One("html"), "lang"); got != map[string]string{"zh": "zh-CN", "en": "en"}[lang] {
		t.Errorf("the page says it is %q", got)
	}
	if n := len(p.All("main")); n != 1 {
		t.Errorf("%d main parts", n)
	}
	if n := len(p.All("h1")); n != 1 || p.Texts("h1")[0] == "" {
		t.Errorf("%d titles", n)
	}
	nonce := reader.Attr(p.One("script"), "nonce")
	if csp := p.Header.Get("Content-Security-Policy"); nonce == "" || !strings.Contains(csp, "script-src 'nonce-"+nonce+"'") || strings.Contains(csp, "unsafe") {
		t.Errorf("the policy %q, the script's nonce %q", csp, nonce)
	}
	for _, n := range p.All("*") {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" || strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") && (a.Key == "href" || a.Key == "action" || a.Key == "src") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
	if bad := p.All("script:not([src]), main script, iframe, object, embed, base, img[onerror]"); len(bad) > 0 {
		t.Errorf("the page holds <%s>", bad[0].Data)
	}
	ids := map[string]bool{}
	for _, n := range p.All("[id]") {
		if id := reader.Attr(n, "id"); ids[id] {
			t.Errorf("id %s is there twice", id)
		} else {
			ids[id] = true
		}
	}
	p.Named()
	for _, n := range p.All("a[href], form[action], link[href], script[src], img[src]") {
		to := reader.Attr(n, "href") + reader.Attr(n, "action") + reader.Attr(n, "src")
		if !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "#") && !strings.HasPrefix(to, "?") && !strings.HasPrefix(to, "tel:") || strings.HasPrefix(to, "//") {
			t.Errorf("%s leads out", to)
		}
	}
	text := strings.Join(p.Texts("body"), " ")
	for _, word := range []string{"错误", "失败", "非法", "没收", "<no value>", "%!", "{0}", "ZgotmplZ"} {
		if strings.Contains(text, word) {
			t.Errorf("the page says %q", word)
		}
	}
	if lang == "en" && state == consoletest.Empty {
		names := regexp.MustCompile(`临江市|柳河镇|枫桥镇|石桥村|枫林村|何婉清|周德旺|陈秀兰|赵建国|韩立军|中文|民情通|7组|8组|上湾|下湾|农业办|村妇联主席|村委委员`)
		if han := regexp.MustCompile(`\p{Han}+`).FindAllString(names.ReplaceAllString(text, ""), -1); len(han) > 0 {
			t.Errorf("Chinese is left on the English page: %q", han)
		}
	}
	// What is sent for a page weighs 100 KB at most, with its style and script, in every state. Unpacked, so does the page itself, save where it shows the
	// whole of one thing that has a thousand parts, or texts as long as they may be: a matter, a household, a village's groups.
	sent, plain := p.Weight()
	whole := (state == consoletest.Crowd || state == consoletest.Long) && regexp.MustCompile(`/(matters|homes)/[^/?]+$|/tree$`).MatchString(p.Path)
	if sent > 100<<10 || len(p.Raw) > 100<<10 && !whole {
		t.Errorf("%s has %d bytes; with its style and script %d are sent, %d unpacked", p.Path, len(p.Raw), sent, plain)
	}
}

// Every text is there in both languages, and none for nothing.
func TestWordsAndPagesFit(t *testing.T) { reader.WordsFit(t, console.Catalogue()) }
