// Package reader lets tests ask a page what it says, by CSS selectors, as a browser and a screen reader find it.
//
// It promises: what a selector does not find fails the test with the page's address; texts come with their blanks folded; a form's
// fields are those that a browser would send as it stands.
package reader

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"minqing/internal/webpage"
)

// Reader reads one page.
type Reader struct {
	tb   testing.TB
	what string
	root *html.Node
}

// MustRead parses a page; what names it when the test fails.
func MustRead(tb testing.TB, what, raw string) *Reader {
	tb.Helper()
	root, err := html.Parse(strings.NewReader(raw))
	if err != nil {
		tb.Fatalf("%s: %v", what, err)
	}
	return &Reader{tb: tb, what: what, root: root}
}

// All are the elements that a selector finds.
func (r *Reader) All(selector string) []*html.Node {
	r.tb.Helper()
	sel, err := cascadia.ParseGroup(selector)
	if err != nil {
		r.tb.Fatalf("%s: %v", selector, err)
	}
	return cascadia.QueryAll(r.root, sel)
}

// One is the one element that a selector finds; none or several fail the test.
func (r *Reader) One(selector string) *html.Node {
	r.tb.Helper()
	all := r.All(selector)
	if len(all) != 1 {
		r.tb.Fatalf("%s: %d elements %s, want one: %q", r.what, len(all), selector, r.Texts("main"))
	}
	return all[0]
}

// Texts are the texts of what a selector finds.
func (r *Reader) Texts(selector string) (out []string) {
	r.tb.Helper()
	for _, n := range r.All(selector) {
		out = append(out, Text(n))
	}
	return out
}

// Fields are what the form that a selector finds would send as it stands, with what stands elsewhere on the page and names it.
func (r *Reader) Fields(selector string) url.Values {
	r.tb.Helper()
	form := r.One(selector)
	nodes := slices.Collect(form.Descendants())
	if id := Attr(form, "id"); id != "" {
		nodes = append(nodes, r.All(`[form="`+id+`"]`)...)
	}
	out := url.Values{}
	for _, n := range nodes {
		name := Attr(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		switch kind := Attr(n, "type"); {
		case n.Data == "textarea":
			out.Add(name, strings.TrimPrefix(raw(n), "\n"))
		case n.Data == "input" && (kind == "checkbox" || kind == "radio"):
			if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
				out.Add(name, Attr(n, "value"))
			}
		case n.Data == "input":
			out.Add(name, Attr(n, "value"))
		}
	}
	return out
}

// Named holds what can be touched to having a name, and fields to having a label.
func (r *Reader) Named() {
	r.tb.Helper()
	for _, n := range r.All("a, button, summary") {
		if Text(n) == "" && Attr(n, "aria-label") == "" {
			r.tb.Errorf("%s: a <%s> without a name: %q", r.what, n.Data, n.Attr)
		}
	}
	for _, n := range r.All("input:not([type=hidden]), textarea, select") {
		labelled := Attr(n, "aria-label") != ""
		for up := n.Parent; up != nil; up = up.Parent {
			labelled = labelled || up.Type == html.ElementNode && up.Data == "label"
		}
		if id := Attr(n, "id"); id != "" {
			labelled = labelled || len(r.All(`label[for="`+id+`"]`)) == 1
		}
		if !labelled {
			r.tb.Errorf("%s: a field without a label: %q", r.what, n.Attr)
		}
	}
}

// Text is the text of an element, what only screen readers read with it, scripts without.
func Text(n *html.Node) string { return strings.Join(strings.Fields(raw(n)), " ") }

func raw(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.Data != "script" {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// Attr is an attribute of an element, "" when it has none.
func Attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// WordsFit holds a catalogue to the pages of the package under test (*.go and html/*.html in the working folder): every text that a page
// says is there in both languages with the same arguments, and none is there for nothing. Keys made of parts (say("nav." + key)) count by
// their beginning.
func WordsFit(t *testing.T, catalogue webpage.Words) {
	t.Helper()
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
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
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
	for k, label := range catalogue {
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
