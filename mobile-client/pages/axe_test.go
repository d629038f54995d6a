package pages_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/thumb"
	"minqing/internal/thumb/wcag"
	"minqing/mobile-client/pages/pagetest"
)

// looks are the choices of a person in which every screen is looked at, each on light and on dark ground; of the ones that are enlarged, text at
// twice its size is looked at too.
var looks = []struct {
	lang, size string
	enlarged   bool
}{{"zh", "", true}, {"en", "", false}, {"zh", "big", false}, {"en", "big", true}}

// TestAccessible holds every screen to WCAG 2.2 AA as axe-core finds it, in both languages and both sizes, on light and on dark ground; and with text
// at twice its size, to fitting its width, to cutting nothing off, and to every button being reached.
func TestAccessible(t *testing.T) {
	rules, err := wcag.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	browser, err := thumb.Open(t.Context(), filepath.Join(t.TempDir(), "profile"))
	if err != nil {
		t.Fatal(err)
	}
	defer browser.Close()
	for _, state := range pagetest.States {
		t.Run(string(state), func(t *testing.T) {
			s, err := browser.Tab()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r := &room{t: t, Screen: s, rules: rules}
			defer r.open(state)()
			for _, l := range looks {
				r.choose(l.lang, l.size)
				for _, screen := range pagetest.Screens {
					if screen.State != state {
						continue
					}
					r.show(screen)
					r.look(screen.Name + " " + l.lang + " " + l.size)
					if l.enlarged {
						r.enlarge(screen.Name + " " + l.lang + " " + l.size)
					}
				}
				if state == pagetest.Many {
					break // more of the same
				}
			}
		})
	}
}

// room is one state in a tab of the browser.
type room struct {
	*thumb.Screen
	t     *testing.T
	rules *wcag.Rules
	phone *pagetest.Phone
	base  string
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// open serves a phone in a state and opens its link; what it gives ends that.
func (r *room) open(state pagetest.State) func() {
	r.t.Helper()
	var err error
	r.phone, err = pagetest.Open(context.Background(), r.t.TempDir(), state)
	r.must(err)
	ctx, stop := context.WithCancel(context.Background())
	link, ended, err := r.phone.Serve(ctx)
	if err != nil {
		stop()
		r.t.Fatal(err)
	}
	r.base, _, _ = strings.Cut(link, "/enter")
	r.must(r.Go(link, "main"))
	return func() {
		stop()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
		if err := r.phone.Close(); err != nil {
			r.t.Error(err)
		}
	}
}

func (r *room) choose(lang, size string) {
	r.t.Helper()
	r.must(r.Go(r.base+"/me", "main form"))
	r.must(r.Send("main form", map[string][]string{"lang": {lang}, "size": {size}}, ".toast"))
}

// show opens a screen.
func (r *room) show(s pagetest.Screen) {
	r.t.Helper()
	r.must(r.Go(r.base+r.phone.At(s.Path), "main"))
	if s.Post != nil {
		r.must(r.Send("main form", s.Post, "main"))
	}
}

// look holds the page that stands to the rules on each ground.
func (r *room) look(name string) {
	r.t.Helper()
	r.must(r.rules.Ready(r.Screen))
	for _, scheme := range []string{"light", "dark"} {
		r.must(r.Prefer("prefers-color-scheme", scheme, "prefers-reduced-motion", "reduce"))
		only := wcag.All
		if scheme == "dark" { // nothing else is different there
			only = wcag.Colours
		}
		list := r.violations(only)
		if len(list) > 0 { // what lies half behind the bar at the bottom is reached by scrolling: look at the page as a whole
			tall, err := thumb.Ask[int64](r.Screen, "document.documentElement.scrollHeight")
			r.must(err)
			r.must(r.Turn(thumb.Width, max(tall, thumb.Height)))
			list = r.violations(only)
			r.must(r.Turn(thumb.Width, thumb.Height))
		}
		for _, x := range list {
			r.t.Errorf("%s %s: %s", name, scheme, x)
		}
	}
}

// enlarged finds what goes wrong on a page whose text is twice as large: what is too wide, what is cut off, and what no scrolling brings to where a thumb
// can touch it.
const enlarged = `(function() {
	var out = [], name = e => e.outerHTML.slice(0, 150);
	var all = [...document.querySelectorAll("body *")].filter(e => !e.closest("svg") && e.checkVisibility());
	if (document.documentElement.scrollWidth > innerWidth) out.push("too wide: " + (all.filter(e => e.getBoundingClientRect().right > innerWidth + 1 &&
		getComputedStyle(e).position !== "fixed").slice(0, 3).map(name).join("; ") || "?"));
	for (const e of all) {
		var s = getComputedStyle(e);
		if (s.clipPath !== "none" || s.clip !== "auto" || e.clientHeight < 2 || e.matches("input, textarea, progress, meter")) continue;
		var down = /hidden|clip/.test(s.overflowY) && e.scrollHeight > e.clientHeight + 2, across = /hidden|clip/.test(s.overflowX) && e.scrollWidth > e.clientWidth + 2;
		if (down || across) out.push("cut off: " + name(e));
	}
	for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), textarea, summary, label")) {
		if (!e.checkVisibility()) continue;
		var el = getComputedStyle(e).opacity === "0" || e.getBoundingClientRect().width < 2 ? e.closest("label") : e;
		if (!el || getComputedStyle(el).clipPath !== "none" || el.matches(".skip")) continue;
		el.scrollIntoView({block: "center", behavior: "instant"});
		var r = [...el.getClientRects()].find(c => c.top >= 0 && c.top + Math.min(c.height / 2, 24) < innerHeight) || el.getBoundingClientRect();
		var x = r.left + r.width / 2, y = Math.min(Math.max(r.top + Math.min(r.height / 2, 24), 8), Math.max(innerHeight - 8, 8)), hit = document.elementFromPoint(x, y);
		if (!hit || !(el.contains(hit) || hit.contains(el) && hit.closest("label, a, button, summary"))) out.push("out of reach: " + name(el) + " behind " + (hit ? name(hit) : "nothing"));
	}
	var bars = [...document.querySelectorAll(".bar, nav.tabs, header")].filter(e => /fixed|sticky/.test(getComputedStyle(e).position)).reduce((n, e) => n + e.getBoundingClientRect().height, 0);
	if (bars > innerHeight / 2) out.push("bars of " + bars + " px leave no room");
	scrollTo({top: 0, behavior: "instant"});
	return out.join("\n");
})()`

// enlarge looks at the page that stands with text at twice its size.
func (r *room) enlarge(name string) {
	r.t.Helper()
	r.must(r.Enlarge(2))
	wrong, err := thumb.Ask[string](r.Screen, enlarged)
	r.must(err)
	if wrong != "" {
		r.t.Errorf("%s with text at twice its size: %s", name, wrong)
	}
	r.must(r.Enlarge(1))
}

func (r *room) violations(only string) []string {
	r.t.Helper()
	list, err := wcag.Against(r.Screen, only)
	r.must(err)
	return list
}

// TestPreferencesOfThePhone: dark where the phone is dark, and nothing moves where the person wants no motion.
func TestPreferencesOfThePhone(t *testing.T) {
	s, err := thumb.Open(t.Context(), filepath.Join(t.TempDir(), "profile"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := &room{t: t, Screen: s}
	defer r.open(pagetest.Full)()
	for _, path := range []string{"/today", "/h/{home}/visit", "/sync"} {
		for _, c := range []struct{ scheme, motion, ground, moves string }{{"light", "no-preference", "rgb(243, 244, 241)", "true"}, {"dark", "reduce", "rgb(16, 19, 22)", "false"}} {
			r.must(r.Prefer("prefers-color-scheme", c.scheme, "prefers-reduced-motion", c.motion))
			r.must(r.Go(r.base+r.phone.At(path), "main"))
			got, err := thumb.Ask[string](r.Screen, `getComputedStyle(document.documentElement).backgroundColor + " " + [...document.querySelectorAll("*")].some(function(e) {
				var c = getComputedStyle(e);
				return [c.transitionDuration, c.animationDuration].some(d => d.split(", ").some(x => parseFloat(x) > 0));
			})`)
			r.must(err)
			if want := c.ground + " " + c.moves; got != want {
				t.Errorf("%s: ground and motion are %s, want %s", path, got, want)
			}
		}
	}
}
