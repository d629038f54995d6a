package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/thumb"
	"minqing/mobile-client/pages/pagetest"
)

// TestTheScriptInABrowser tries in a real browser, under the real policy, what only the script does: results as one types, and a form
// that is sent once however often it is tapped.
func TestTheScriptInABrowser(t *testing.T) {
	w, err := startBrowser(t.Context(), filepath.Join(t.TempDir(), "profile"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p, err := pagetest.Open(t.Context(), t.TempDir(), pagetest.Full)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	link, ended, err := p.Serve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := w.enter(link, options{lang: "zh", scheme: "light"}); err != nil {
		t.Fatal(err)
	}
	text := func(script string) string {
		t.Helper()
		got, err := thumb.Ask[string](w.Screen, script)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	must(w.Go(w.base+"/households", "[name=q]"))
	must(w.Fill("[name=q]", "glbhe"))
	must(w.Wait(`location.search === "?q=glbhe"`))
	if got := text(`document.querySelector("main").innerText`); !strings.Contains(got, "古丽巴哈尔") || strings.Contains(got, "王桂芬") {
		t.Errorf("the results are %q", got)
	}
	if got := text(`location.search + " " + document.querySelector("[data-clear]").hidden + " " + document.activeElement.name`); got != "?q=glbhe false q" {
		t.Errorf("address, clear button and focus are %q", got)
	}

	before, err := p.Replica.Entries(ctx)
	if err != nil {
		t.Fatal(err)
	}
	must(w.Go(w.base+p.At("/h/{home}/add"), "[name=name]"))
	must(w.Fill("[name=name]", "李沐晴"))
	_, err = thumb.Ask[bool](w.Screen, `setTimeout(function() { var b = document.querySelector(".bar button"); b.click(); b.click(); b.click(); }), true`)
	must(err)
	must(w.WaitFor(".toast"))
	after, err := p.Replica.Entries(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before)+1 {
		t.Errorf("three taps made %d changes", len(after)-len(before))
	}
}
