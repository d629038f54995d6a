package console_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"minqing/internal/thumb/wcag"
	"minqing/server/console/consoletest"
)

// pageOfPDF finds the pages of what was printed.
var pageOfPDF = regexp.MustCompile(`/Type\s*/Page\b[^s]`)

// An A4 page between its margins, in CSS pixels: upright, and across for tables of many columns.
const (
	paper  = 703
	across = 1032
)

// TestPrint prints what people print: nothing of the page is cut off or wider than the paper, and nothing that one presses is on it. With
// MINQING_PAPER it leaves what it printed in that folder.
func TestPrint(t *testing.T) {
	s := mustWindow(t)
	type opened struct {
		city *consoletest.City
		base string
	}
	cities := map[consoletest.State]opened{}
	defer func() {
		if err := s.Go("about:blank", "body"); err != nil { // it lets go of the servers
			t.Error(err)
		}
	}()
	for _, x := range []struct {
		state             consoletest.State
		as, path          string
		least, most       int // pages
		name, shown, gone string
	}{
		{consoletest.Full, "", "/c/{serial.foreign}", 1, 1, "resident", ".four", ".top .btn"},
		{consoletest.Full, "admin", "/at/{place}/assign/{work}/cards", 1, 2, "cards", ".a6 .qr", ".rail"},
		{consoletest.Full, "secretary", "/at/{place}/numbers?from=2026-01&to=2026-11", 1, 4, "numbers", "svg.chart", ".rail, .acts, form"},
		{consoletest.Full, "secretary", "/at/{place}/coverage?show=nobody.short.enough", 1, 2, "coverage", ".covg", ".rail, .acts"},
		{consoletest.Full, "admin", "/at/{city}/audit", 1, 6, "audit", "tbody", ".rail, .acts, form"},
		{consoletest.Full, "secretary", "/at/{place}/matters/{matter}", 1, 3, "matter", "svg.chart", ".rail, .acts"},
		{consoletest.Full, "admin", "/at/{place}/homes/{wang}/twin?with={he}", 1, 2, "twin", ".twins", ".rail, .acts"},
		{consoletest.Long, "", "/c/{serial.foreign}", 1, 4, "resident-long", ".who2", ".top .btn"},
		{consoletest.Long, "admin", "/at/{place}/assign/{work}/cards", 1, 2, "cards-long", ".a6", ".rail"},
		{consoletest.Long, "secretary", "/at/{place}/numbers", 1, 4, "numbers-long", "svg.chart", ".rail"},
		{consoletest.Long, "secretary", "/at/{place}/coverage?show=nobody.short.enough", 1, 6, "coverage-long", ".covg", ".rail"},
	} {
		if cities[x.state].city == nil {
			city, base := consoletest.MustOpen(t, consoletest.Options{State: x.state})
			cities[x.state] = opened{city, base}
		}
		t.Run(x.name, func(t *testing.T) {
			w := &window{Screen: s, t: t, city: cities[x.state].city, base: cities[x.state].base}
			w.must(w.city.Enter(s, w.base, x.as, "zh"))
			w.must(w.Desk(1440, 900))
			w.see(x.path, x.shown)
			width := int64(paper)
			if strings.HasPrefix(x.name, "coverage") || strings.HasPrefix(x.name, "audit") {
				width = across
			}
			w.must(w.Desk(width, 1000))
			w.must(w.Paper(true))
			wrong, err := wcag.Misfit(s)
			w.must(err)
			if wrong != "" {
				t.Errorf("on paper: %s", wrong)
			}
			if left := w.ask(`[...document.querySelectorAll("` + x.gone + `")].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 120)).join("; ")`); left != "" {
				t.Errorf("printed too: %s", left)
			}
			if left := w.ask(`[...document.querySelectorAll("main button, main input, main .btn:not([href^='tel']):not(.on)")].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 120)).join("; ")`); left != "" {
				t.Errorf("what one presses is printed: %s", left)
			}
			w.must(w.Paper(false))
			pdf, err := s.Print()
			w.must(err)
			if n := len(pageOfPDF.FindAll(pdf, -1)); n < x.least || n > x.most {
				t.Errorf("%d pages, want %d to %d", n, x.least, x.most)
			}
			if dir := os.Getenv("MINQING_PAPER"); dir != "" {
				w.must(os.WriteFile(filepath.Join(dir, x.name+".pdf"), pdf, 0o600))
			}
		})
	}
}
