package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/thumb"
)

// held waits until the program holds what was typed: the page, asked for anew, has it.
func (a *app) held(text string) {
	a.w.t.Helper()
	_, err := thumb.Ask[bool](a.Screen, `(async function() {
		while (!(await (await fetch(location.href)).text()).includes(`+"`"+text+"`"+`)) await new Promise(r => setTimeout(r, 100));
		return true;
	})()`)
	must(a.w.t, err)
}

// kept: a round with a photo and words for one of its homes, a correction of the register, a new person and a matter are being typed, and nothing is
// saved, when the program is killed. Then everything typed is there, each form on its own page; and the back button after a save writes
// nothing twice.
func (l *life) kept(t *testing.T) {
	a := l.a
	home := a.home("户主3")
	a.see(home+"/visit", "form[data-draft]")
	a.fill("#f-text", "开会说了水渠")
	a.held("开会说了水渠")
	camera := filepath.Join(l.w.dir, "meeting.jpg")
	must(t, os.WriteFile(camera, shot(t, 2), 0o600))
	must(t, a.Choose("#f-photo", camera))
	a.wait(`document.querySelector(".pics img")?.naturalWidth > 0`)
	a.follow("button[value=homes]", "#round")
	for _, n := range []string{"1", "2"} {
		a.tap("#round .pick:nth-of-type(" + n + ")")
	}
	a.follow(".bar .btn.main", "#visit")
	a.follow("button[value^='part:']", "#visit [name=of]")
	part, err := thumb.Ask[string](a.Screen, `location.pathname + location.search`)
	must(t, err)
	a.tap("main button[value=matter]")
	a.wait(`document.querySelector("#f-title")`)
	a.tap("[name=kind][value=opinion]")
	a.fill("#f-title", "他家要通自来水")
	a.held("他家要通自来水")
	for _, f := range []struct{ path, field, text string }{{"/edit", "#f-address", "旁边的新房"}, {"/add", "#f-name", "户主三的孙子"}, {"/matter", "#f-title", "院墙要倒"}} {
		a.see(home+f.path, f.field)
		a.fill(f.field, f.text)
		a.held(f.text)
	}

	a.kill()
	a.begin("#f-pin")
	a.fill("#f-pin", a.pin)
	a.follow("main .btn.main", "nav.tabs")
	has := func(path, script, want string) {
		t.Helper()
		a.see(path, "main form")
		if got, err := thumb.Ask[string](a.Screen, script); err != nil || !strings.Contains(got, want) {
			t.Errorf("after the kill %s has %q, %v, want %q", path, got, err, want)
		}
	}
	has(home+"/visit", `[document.querySelector("#f-text").value, document.querySelectorAll(".pics img").length, document.querySelectorAll("[value^='part:']").length].join()`, "开会说了水渠,1,2")
	has(part, `document.querySelector("[name=kind]:checked").value + document.querySelector("#f-title").value`, "opinion他家要通自来水")
	has(home+"/edit", `document.querySelector("#f-address").value`, "旁边的新房")
	has(home+"/add", `document.querySelector("#f-name").value`, "户主三的孙子")
	has(home+"/matter", `document.querySelector("#f-title").value`, "院墙要倒")
	for _, path := range []string{"/edit", "/add", "/matter"} {
		a.see(home+path, ".drop button")
		a.follow(".drop button", ".toast")
	}

	// Saved, gone back, saved again from the page that the browser had kept: three homes have one visit each.
	a.see(home+"/visit", "#visit")
	a.follow(".bar .btn.main", ".toast")
	must(t, a.Back("main"))
	a.wait(`performance.getEntriesByType("navigation")[0].type !== "navigate"`) // a page that was put aside and is shown again begins anew: not to be tapped before
	if again, err := thumb.Ask[bool](a.Screen, `!!document.querySelector("#visit") && document.querySelector("#f-text").value.includes("开会说了水渠")`); err != nil {
		t.Fatal(err)
	} else if again {
		a.follow(".bar .btn.main", "#story")
	}
	a.sync()
	l.bob.sync()
	l.bob.holds(t, "3", "SELECT count(*) FROM journal WHERE text = '开会说了水渠'")
	l.bob.holds(t, "他家要通自来水", "SELECT title FROM matter WHERE title LIKE '他家%'")
}
