package console_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

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

// TestEveryScreen renders each screen in each state in both languages, and holds it to what every page must keep.
func TestEveryScreen(t *testing.T) {
	for _, state := range consoletest.States {
		t.Run(string(state), func(t *testing.T) {
			var said log
			city, base := consoletest.MustOpen(t, consoletest.Options{State: state, Log: &said})
			browsers := map[string]*consoletest.Browser{}
			for _, s := range consoletest.Screens {
				// What is stored may attack every page that shows it.
				if s.State != state && !(state == consoletest.Hostile && s.State == consoletest.Full) {
					continue
				}
				if browsers[s.As] == nil {
					browsers[s.As] = city.NewBrowser(t, base, s.As)
				}
				for _, lang := range []string{"zh", "en"} {
					browsers[s.As].Do("POST", "/settings", url.Values{"lang": {lang}, "to": {"/"}}).Want(303)
					t.Run(s.Name+" "+lang, func(t *testing.T) { holds(t, browsers[s.As], s, state, lang) })
				}
			}
			if strings.Contains(said.String(), "level=ERROR") {
				t.Errorf("the log has errors:\n%s", said.String())
			}
		})
	}
}

// holds is what every page keeps, whatever is on it.
func holds(t *testing.T, b *consoletest.Browser, s consoletest.Screen, state consoletest.State, lang string) {
	t.Helper()
	p := b.Get(s.Path)
	want := s.Want
	if want == 0 {
		want = 200
	}
	if p.Status != want {
		t.Fatalf("%d, want %d: %q", p.Status, want, p.Texts("main"))
	}
	if got := consoletest.Attr(p.One("html"), "lang"); got != map[string]string{"zh": "zh-CN", "en": "en"}[lang] {
		t.Errorf("the page says it is %q", got)
	}
	if n := len(p.All("main")); n != 1 {
		t.Errorf("%d main parts", n)
	}
	if n := len(p.All("h1")); n != 1 || p.Texts("h1")[0] == "" {
		t.Errorf("%d titles", n)
	}
	nonce := consoletest.Attr(p.One("script"), "nonce")
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
		if id := consoletest.Attr(n, "id"); ids[id] {
			t.Errorf("id %s is there twice", id)
		} else {
			ids[id] = true
		}
	}
	named(t, p)
	for _, n := range p.All("a[href], form[action], link[href], script[src], img[src]") {
		to := consoletest.Attr(n, "href") + consoletest.Attr(n, "action") + consoletest.Attr(n, "src")
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
		names := regexp.MustCompile(`临江市|柳河镇|枫桥镇|石桥村|枫林村|何婉清|周德旺|陈秀兰|赵建国|韩立军|中文|民情通|7组|8组|上湾|下湾`)
		if han := regexp.MustCompile(`\p{Han}+`).FindAllString(names.ReplaceAllString(text, ""), -1); len(han) > 0 {
			t.Errorf("Chinese is left on the English page: %q", han)
		}
	}
	if n := len(p.Raw); state == consoletest.Full && n > 100<<10 {
		t.Errorf("the page has %d bytes", n)
	}
}

// named holds what can be touched to having a name, and fields to having a label.
func named(t *testing.T, p *consoletest.Page) {
	t.Helper()
	for _, n := range p.All("a, button, summary") {
		if consoletest.Text(n) == "" && consoletest.Attr(n, "aria-label") == "" {
			t.Errorf("a <%s> without a name: %q", n.Data, n.Attr)
		}
	}
	for _, n := range p.All("input:not([type=hidden]), textarea, select") {
		labelled := consoletest.Attr(n, "aria-label") != ""
		for up := n.Parent; up != nil; up = up.Parent {
			labelled = labelled || up.Type == html.ElementNode && up.Data == "label"
		}
		if id := consoletest.Attr(n, "id"); id != "" {
			labelled = labelled || len(p.All(`label[for="`+id+`"]`)) == 1
		}
		if !labelled {
			t.Errorf("a field without a label: %q", n.Attr)
		}
	}
}

// TestWordsAndPagesFit holds the catalogue to the pages: every text that a page says is there in both languages with the same arguments,
// and none is there for nothing. Keys made of parts (say("nav." + key)) count by their beginning.
func TestWordsAndPagesFit(t *testing.T) {
	said := map[string]bool{}
	var parts []string
	key := regexp.MustCompile(`"([a-z0-9]+(?:\.[a-z0-9]+)*)(\.?)"`)
	for _, pattern := range []string{"*.go", "html/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(raw)) {
				if strings.Contains(line, "{ZH:") { // the catalogue itself
					continue
				}
				for _, m := range key.FindAllStringSubmatch(line, -1) {
					said[m[1]] = true
					if m[2] != "" {
						parts = append(parts, m[1]+".")
					}
				}
			}
		}
	}
	arg := regexp.MustCompile(`\{\d\}`)
	for k, label := range console.Catalogue() {
		if label.ZH == "" || label.EN == "" {
			t.Errorf("%s lacks a language", k)
		}
		if !said[k] && !slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(k, p) }) {
			t.Errorf("no page says %s", k)
		}
		_, many, _ := strings.Cut(label.EN, "|")
		for _, a := range arg.FindAllString(label.ZH, -1) {
			if !strings.Contains(label.EN, a) || many != "" && !strings.Contains(many, a) {
				t.Errorf("%s: English lacks %s", k, a)
			}
		}
	}
}
