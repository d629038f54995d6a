package bench

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestAppBenchRuns measures the field app at tiny size. Times mean nothing there and are not looked at; how many taps a visit takes is
// no matter of time, and what was saved is looked for by the bench itself.
func TestAppBenchRuns(t *testing.T) {
	var out bytes.Buffer
	if err := RunApp(t.Context(), Options{Out: &out, Quick: true}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
	for name, most := range map[string]int{"visit": visitTaps, "visit+matter": visitTaps + 2} {
		m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` taps=(\d+) keys=(\d+) seconds=\d+\.\d budget=\S+ met=(yes|no)$`).FindStringSubmatch(out.String())
		if m == nil {
			t.Errorf("no line %s", name)
			continue
		}
		taps, err := strconv.Atoi(m[1])
		if err != nil || taps > most || m[2] != map[string]string{"visit": "0", "visit+matter": "20"}[name] {
			t.Errorf("%s takes %s taps and %s keys", name, m[1], m[2])
		}
	}
	for _, name := range []string{"first-sync-written", "first-sync-random", "delta-written", "delta-random", "first-usable", "first-page", "first-today", "save", "page today", "page visit", "pages",
		"search", "weight-uncached", "weight-cached", "resident", "plain-first-page", "plain-pages"} {
		if !regexp.MustCompile(`(?m)^` + name + ` .* budget=\S+ met=(yes|no)$`).MatchString(out.String()) {
			t.Errorf("no line %s", name)
		}
	}
	for _, l := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if !strings.HasPrefix(l, "# ") && !strings.Contains(l, " budget=") {
			t.Errorf("a line that says no budget: %q", l)
		}
	}
}
