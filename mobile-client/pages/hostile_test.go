package pages_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
)

// TestStoredScriptsAreInert opens every screen of an ordinary phone with markup and script in every text of every row.
func TestStoredScriptsAreInert(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Hostile)
	shown := 0
	for _, s := range pagetest.Screens {
		if s.State != pagetest.Full {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			p := b.Open(s)
			if p.Status >= 500 {
				t.Fatalf("%d", p.Status)
			}
			inert(t, p)
			if strings.Contains(p.Raw, html.EscapeString("<script>")) || strings.Contains(p.Raw, "&lt;script&gt;") {
				shown++
			}
		})
	}
	if shown < 5 {
		t.Errorf("only %d screens showed any of it", shown)
	}
}

// inert holds a page to having no element and no attribute but its own.
func inert(t *testing.T, p *pagetest.Page) {
	t.Helper()
	if n := len(p.All("script")); n != 1 || reader.Attr(p.One("script"), "src") == "" {
		t.Errorf("%d scripts", n)
	}
	if bad := p.All("main img[src=x], title img, title script, [onfocus], [onerror], [autofocus], [href^='javascript:'], [action^='javascript:']"); len(bad) > 0 {
		t.Errorf("a text became <%s>", bad[0].Data)
	}
	if strings.Contains(p.Raw, "<script>") || strings.Contains(p.Raw, "<img src=x") {
		t.Error("markup of a text stands in the page")
	}
}

// TestTypedScriptsAreInert types it into every field of every form, which is then shown again.
func TestTypedScriptsAreInert(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	for _, path := range []string{"/h/{home}/edit", "/r/{resident}/edit", "/h/{home}/add"} {
		fields := url.Values{}
		for _, n := range b.Get(path).Want(200).All("main form [name]") {
			if name := reader.Attr(n, "name"); name != "base" {
				fields[name] = []string{pagetest.Poison}
			}
		}
		p := b.Get(path).Send("main form", fields)
		inert(t, p)
		if p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: a birth date of that kind gave %d", path, p.Status)
		}
		delete(fields, "base")
		for name := range fields {
			inert(t, b.Get(path).Send("main form", url.Values{name: fields[name]}))
		}
		inert(t, b.Get("/h/{home}"))
	}
	inert(t, b.Get("/households?q="+url.QueryEscape(pagetest.Poison)))
	inert(t, b.Get("/households?from="+url.QueryEscape(pagetest.Poison)))
	inert(t, b.Get("/h/"+url.PathEscape(pagetest.Poison)))
	if log := b.Log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log has errors:\n%s", log)
	}
}

// TestNobodyElseGetsIn asks the app itself what the guard's own tests ask the guard.
func TestNobodyElseGetsIn(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	stranger := &http.Client{}
	for _, c := range []struct {
		method, path, host, origin string
	}{
		{"GET", "/today", "", ""}, {"GET", b.At("/h/{home}"), "", ""}, {"GET", "/enter?k=guess", "", ""}, {"GET", "/today", "evil.example", ""},
		{"POST", b.At("/h/{home}/edit"), "", "http://evil.example"}, {"POST", "/me/settings", "", ""}, {"GET", "/nowhere", "", ""},
	} {
		req, err := http.NewRequest(c.method, b.Base()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.host != "" {
			req.Host = c.host
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		resp, err := stranger.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s %s from %q%q gave %d", c.method, c.path, c.host, c.origin, resp.StatusCode)
		}
		if kind := resp.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" || resp.Header.Get("Content-Language") == "" {
			t.Errorf("%s %s: the refusal is of the type %q", c.method, c.path, kind)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stranger.CloseIdleConnections()
	// A form of another site, sent by the owner's own browser.
	for _, origin := range []string{"http://evil.example", "null", "http://127.0.0.1:1"} {
		p := b.PostFrom(origin, "/h/{home}/edit", url.Values{"head": {"赵"}})
		p.Want(http.StatusForbidden).Has("main", "没有做任何改动")
	}
	b.Get("/h/{home}").Has("h1", "王桂芬家")
	if log := b.Log.String(); strings.Contains(log, "superfluous") {
		t.Errorf("an answer began twice:\n%s", log)
	}
}
