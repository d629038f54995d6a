package console_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"minqing/internal/thumb/wcag"
	"minqing/server/console/consoletest"
)

// widths are the windows into which every page fits, from a small phone to a large desk.
var widths = []int64{360, 390, 768, 1440, 2560}

// TestAccessible holds every screen to WCAG 2.2 AA as axe-core finds it, in both languages, on light and on dark ground; and to fitting windows
// of every width, with nothing cut off and nothing over anything else, also with long names and with a thousand of everything.
func TestAccessible(t *testing.T) {
	rules, err := wcag.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := mustWindow(t)
	for _, x := range []struct {
		state  consoletest.State
		langs  []string
		ruled  bool // long names and more of the same change nothing that the rules are about
		widths []int64
	}{
		{consoletest.Empty, []string{"zh"}, false, []int64{360}},
		{consoletest.Full, []string{"zh", "en"}, true, widths},
		{consoletest.Knots, []string{"zh", "en"}, true, widths},
		{consoletest.Wide, []string{"zh", "en"}, true, widths},
		{consoletest.Long, []string{"zh"}, false, widths},
		{consoletest.Many, []string{"zh"}, false, widths},
		{consoletest.Crowd, []string{"zh"}, false, widths},
	} {
		t.Run(string(x.state), func(t *testing.T) {
			w := &window{Screen: s, t: t}
			w.city, w.base = consoletest.MustOpen(t, consoletest.Options{State: x.state})
			defer func() { w.must(s.Go("about:blank", "body")) }()
			screens := slices.DeleteFunc(slices.Clone(consoletest.Screens), func(c consoletest.Screen) bool { return c.State != x.state })
			slices.SortStableFunc(screens, func(a, b consoletest.Screen) int { return strings.Compare(a.As, b.As) })
			who := "?"
			for _, screen := range screens {
				if screen.As != who {
					w.must(w.city.Enter(s, w.base, screen.As, "zh"))
					who = screen.As
				}
				for _, lang := range x.langs {
					w.must(s.Cookie(w.base, "__Host-mq-lang", lang))
					w.show(screen)
					if x.ruled {
						w.hold(rules, screen.Name+" "+lang)
					}
					if lang == "en" {
						w.fit(screen.Name+" "+lang, x.widths[:1]) // its words are longer: they are tight where the window is narrow
					} else {
						w.fit(screen.Name+" "+lang, x.widths)
					}
				}
			}
		})
	}
}

// aMark is a mark of the picture as HTML.
var aMark = regexp.MustCompile(`<a href="[^"]*\?[nousex](?:[\w-]{4,9}|&amp;)`)

// show opens a screen at a desk.
func (w *window) show(x consoletest.Screen) {
	w.t.Helper()
	w.must(w.Desk(1440, 900))
	w.must(w.Go(w.base+w.city.At(x.Path), "main"))
	if x.Post != "" {
		w.must(w.Send(`form[action="`+w.city.At(x.Post)+`"]`, x.Fields, "main"))
	}
}

// hold holds the page that stands to the rules, and to those of colours on dark ground too.
func (w *window) hold(rules *wcag.Rules, name string) {
	w.t.Helper()
	w.must(rules.Ready(w.Screen))
	for _, ground := range [][2]string{{"light", wcag.All}, {"dark", wcag.Colours}} {
		w.must(w.Prefer("prefers-color-scheme", ground[0], "prefers-reduced-motion", "reduce"))
		against, err := wcag.Against(w.Screen, ground[1])
		w.must(err)
		for _, x := range against {
			// A household's mark in the picture of all is smaller than 24 px where there is a mouse: what it opens is opened as well by its group's
			// line and the filters above, which are as large as they must be (WCAG 2.2, 2.5.8, “Equivalent”).
			if !strings.Contains(x, "(target-size)") || !aMark.MatchString(x) {
				w.t.Errorf("%s %s: %s", name, ground[0], x)
			}
		}
	}
}

// fit holds the page that stands to windows of some widths.
func (w *window) fit(name string, widths []int64) {
	w.t.Helper()
	for _, width := range widths {
		w.must(w.Desk(width, 900))
		wrong, err := wcag.Misfit(w.Screen)
		w.must(err)
		if wrong != "" {
			w.t.Errorf("%s at %d: %s", name, width, wrong)
		}
	}
}
