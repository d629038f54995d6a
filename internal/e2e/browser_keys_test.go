package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"minqing/internal/thumb"
)

// at tells what has the focus, and whether one sees that.
type at struct {
	Is   string // the first of these that fits: #id, [name], text
	Ring bool   // the focus is drawn
	Seen bool   // and nothing covers it
}

const focused = `(function(el) {
	var shown = [el, el.nextElementSibling, el.previousElementSibling, el.parentElement].filter(Boolean).some(function(x) {
		return ["", "::after"].some(function(part) { var s = getComputedStyle(x, part); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; });
	});
	var r = (el.closest("label") || el).getBoundingClientRect(), hit = document.elementFromPoint(r.left + r.width / 2, r.top + Math.min(r.height / 2, 20));
	return {Is: el.id ? "#" + el.id : el.name ? "[" + el.name + "]" + (el.value ? "=" + el.value : "") : el === document.body ? "" : el.ariaLabel || el.innerText.trim(), Ring: shown,
		Seen: !!hit && (el === hit || el.contains(hit) || hit.contains(el) || (el.closest("label") || el).contains(hit))};
})(document.activeElement)`

// walk presses Tab until something has the focus, and wants each stop on the way to be seen.
func (a *app) walk(t *testing.T, to ...string) {
	t.Helper()
	var way []string
	for range 60 {
		must(t, a.Press(kb.Tab))
		f, err := thumb.Ask[at](a.Screen, focused)
		must(t, err)
		way = append(way, f.Is)
		if f.Is != "" && (!f.Ring || !f.Seen) {
			t.Errorf("the focus on %s: drawn %v, in sight %v", f.Is, f.Ring, f.Seen)
		}
		if slices.ContainsFunc(to, func(p string) bool { return strings.HasPrefix(f.Is, p) }) {
			return
		}
	}
	t.Fatalf("Tab never comes to %q; it goes %q", to, way)
}

// keyboard records a visit, searches and syncs without a pointer; every stop of the focus is seen.
func (l *life) keyboard(t *testing.T) {
	a := l.a
	a.see("/today", "nav.tabs")
	a.walk(t, "走访")
	must(t, a.Enter(kb.Enter, "form[data-draft]"))
	a.walk(t, "#f-text")
	must(t, a.Type("只用键盘"))
	a.walk(t, "[next]")
	a.walk(t, "[do]=save")
	must(t, a.Enter(kb.Enter, ".toast"))
	a.says("#story", "只用键盘")

	a.see("/households", "[name=q]")
	a.walk(t, "[q]")
	must(t, a.Type("户主1"))
	a.wait(`location.search && document.querySelectorAll("main a.nm").length === 11`)
	a.walk(t, "户主1")
	must(t, a.Enter(kb.Enter, "#story"))

	a.see("/sync", ".state")
	a.until("/sync", `document.querySelector("main form button.main")`)
	a.walk(t, "现在同步", "再试一次")
	must(t, a.Enter(kb.Enter, ".state"))
	a.until("/sync", `document.querySelector(".state h2").textContent === "都已上传。"`)
}
