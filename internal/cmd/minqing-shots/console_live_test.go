package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/thumb"
	"minqing/server/console/consoletest"
)

// TestTheDeskByKeyboard works at the consoles in a real browser, under the real policy, by keys alone: a secretary reviews, an administrator
// decides. The session's cookie is one that browsers keep without TLS on this machine only.
func TestTheDeskByKeyboard(t *testing.T) {
	s, city, base := mustDesk(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	title := func(want string) {
		t.Helper()
		must(s.Wait(`document.querySelector("h1")?.innerText.startsWith("` + want + `")`))
	}
	ask := func(script string) string {
		t.Helper()
		got, err := thumb.Ask[string](s, script)
		must(err)
		return got
	}
	// Control and Enter, as a keyboard sends them to the field that has the focus.
	send := `(function() { setTimeout(function() { document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, bubbles: true, cancelable: true})); }); return ""; })()`

	// The driver hands the letter of a key in apart from the key, also when the page has taken the key.
	clear := `document.activeElement.value = ""`

	must(s.Desk(deskWidth, deskHeight))
	o := options{lang: "zh", scheme: "light"}
	must(enterAs(s, city, base, "secretary", o))
	must(s.Go(base+city.At("/at/{place}/review"), ".verdict"))
	title("欧阳诗雅家")
	s.Keys = 0
	must(s.Enter("a", ".verdict"))
	title("丁有田家")
	if s.Keys != 1 {
		t.Errorf("accepting a journal took %d keys", s.Keys)
	}
	must(s.Press("r")) // the reason is asked for
	must(s.Wait(`document.activeElement.id === "comment"`))
	ask(clear)
	must(s.Type("漏雨的屋顶有多大？"))
	ask(send)
	title("蒋大毛家")
	must(s.Enter("j", ".verdict"))
	title("古丽巴哈尔")
	must(s.Enter("k", ".verdict"))
	title("蒋大毛家")
	must(s.Press("g"))
	must(s.Wait(`document.activeElement.id === "comment"`))
	ask(clear)
	must(s.Type("agk 多去看看。")) // keys typed into a field are letters
	ask(send)
	title("古丽巴哈尔")
	if got := ask(`document.querySelector(".said").innerText`); !strings.Contains(got, "蒋大毛家：通过了，意见会到手机上") {
		t.Errorf("the page says %q", got)
	}

	must(enterAs(s, city, base, "admin", o))
	must(s.Go(base+city.At("/at/{place}/conflicts/{item.low_income}"), ".ways"))
	s.Keys = 0
	must(s.Enter("2", ".confirm"))
	must(s.Enter("\r", ".said"))
	if s.Keys != 2 {
		t.Errorf("an open item took %d keys to decide", s.Keys)
	}
	if got := ask(`document.querySelector(".said").innerText`); !strings.Contains(got, "王桂芬家 · 低保，采用乙") {
		t.Errorf("the page says %q", got)
	}
	must(s.Enter("z", ".said"))
	if got := ask(`document.querySelector(".said").innerText`); !strings.Contains(got, "撤回了") {
		t.Errorf("the page says %q", got)
	}
	// On a phone nothing is wider than the screen.
	for _, width := range []int64{360, paperWidth, 2560} {
		must(s.Desk(width, paperHeight))
		for _, path := range []string{"/at/{place}/review", "/at/{place}/conflicts", "/at/{place}/conflicts/{item.note}?pick=both", "/at/{place}/devices/{device}", "/me"} {
			must(s.Go(base+city.At(path), "main"))
			if got := ask(`String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`); got != "0" {
				t.Errorf("%s at %d is %s pixels too wide", path, width, got)
			}
		}
	}
}

// mustDesk is the full city behind its consoles, and a browser before them.
func mustDesk(t *testing.T) (s *thumb.Screen, city *consoletest.City, base string) {
	t.Helper()
	s, err := thumb.Open(t.Context(), filepath.Join(t.TempDir(), "profile"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	city, err = consoletest.Open(t.Context(), consoletest.Options{State: consoletest.Full, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	base, ended, err := city.Serve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := city.Engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, city, base
}
