package bench

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestEveryBenchRuns runs everything at tiny size on both databases. Times mean nothing there, and nothing is asserted of them; the
// benches themselves fail when an edit was lost, a change refused or a row missing.
func TestEveryBenchRuns(t *testing.T) {
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out, DB: "both", Quick: true}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
	lines := map[string]bool{}
	for _, l := range strings.Split(out.String(), "\n") {
		if l == "" || strings.HasPrefix(l, "# ") {
			continue
		}
		f := strings.Fields(l)
		if len(f) < 8 || f[0] != "bench" || !strings.HasPrefix(f[4], "floor=") || !strings.HasPrefix(f[5], "ratio=") || !strings.HasPrefix(f[6], "budget=") || !strings.HasPrefix(f[7], "met=") {
			t.Errorf("not a line of the form that DESIGN asks for: %q", l)
			continue
		}
		lines[f[1]] = true
	}
	want := []string{"apply-plain", "apply-encrypted", "capture-single", "capture-insert", "capture-update", "room"}
	for _, db := range []string{"sqlite", "postgres"} {
		for _, name := range []string{"push", "push-p99", "push-single", "push-phones", "quiet-rounds", "quiet-bytes", "quiet-server", "one-row-server-visitor-200", "one-row-apply-holder-200",
			"one-row-flat-server", "one-row-flat-apply", "first-bytes", "first-together", "reassign-server", "reassign-phones", "notify"} {
			want = append(want, name+"-"+db)
		}
		if runtime.GOOS == "linux" { // elsewhere nothing says what a process holds resident
			want = append(want, "listeners-50-"+db)
		}
	}
	if !strings.Contains(out.String(), "# to update a row a bare file takes ") {
		t.Error("nothing says whether two bare files cost the same where a captured one is held against a bare one")
	}
	for _, name := range want {
		if !lines[name] {
			t.Errorf("no line %s", name)
		}
	}
}

// TestSlowMachinesPushAtTheRateOfTheBudget: the open loop is never slower than DESIGN section 9 has it.
func TestSlowMachinesPushAtTheRateOfTheBudget(t *testing.T) {
	for _, c := range []struct {
		on             database
		measured, want float64
	}{{sqlite, 800, 2500}, {sqlite, 6000, 3000}, {postgres, 800, 1000}, {postgres, 6000, 3000}} {
		if got := steadyRate(c.measured, c.on); got != c.want {
			t.Errorf("%s, where %.0f were measured: pushes at %.0f, want %.0f", c.on, c.measured, got, c.want)
		}
	}
}

func TestLinesSayWhetherTheBudgetIsMet(t *testing.T) {
	for _, c := range []struct {
		l    line
		want string
	}{
		{line{name: "a", value: 9, unit: "ms", floor: 3, budget: reach(10)}, "bench a 9.00 ms floor=3.00 ratio=3.00 budget=10.0 met=yes\n"},
		{line{name: "b", value: 5200, unit: "rows/s", floor: 10400, sense: more, budget: reach(6000)}, "bench b 5200 rows/s floor=10400 ratio=2.00 budget=6000 met=no\n"},
		{line{name: "c", value: 130, unit: "us", floor: 100, budget: timesFloor(1.2)}, "bench c 130 us floor=100 ratio=1.30 budget=1.20x met=no\n"},
		{line{name: "d", value: 0.5, unit: "s", floor: 0, cpu: 1500}, "bench d 0.500 s floor=0 ratio=1.00 budget=- met=- cpu=1.50us\n"},
	} {
		var out bytes.Buffer
		if err := c.l.print(&out); err != nil || out.String() != c.want {
			t.Errorf("%q, %v; want %q", out.String(), err, c.want)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var hundred []float64
	for i := range 100 {
		hundred = append(hundred, float64(100-i))
	}
	got := fmt.Sprint(median(hundred), quantile(hundred, 0.95), quantile(hundred, 0.99), quantile(hundred, 1), quantile(hundred[:1], 0.95), quantile(nil, 0.5))
	if got != "50 95 99 100 100 0" {
		t.Error(got)
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	for _, opt := range []Options{{Only: "warp"}, {DB: "oracle"}} {
		opt.Out = &bytes.Buffer{}
		if err := Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "there is no") {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}

// TestConsoleBenchRuns plants and measures at tiny size on both databases, and finds what was planted again.
func TestConsoleBenchRuns(t *testing.T) {
	dir, err := os.MkdirTemp("", "mq-bench-") // not t.TempDir, which is closed to the user that PostgreSQL runs as
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	opt := ConsoleOptions{Options: Options{DB: "both", Quick: true}, Cache: dir}
	for _, planted := range []bool{true, false} {
		var out bytes.Buffer
		opt.Out = &out
		if err := RunConsole(t.Context(), opt); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		if got := strings.Contains(out.String(), "planting took"); got != planted {
			t.Errorf("planted: %v, want %v", got, planted)
		}
		for _, want := range []string{`(?m)^page /at/\{place\}/review village p50=\d+\.\d p95=\d+\.\d bytes=\d+ `, `(?m)^page /at/\{place\}/audit city p50`, `(?m)^page /at/\{place\}/audit\?kind=all&row=\{household\} village p50`, `(?m)^page /at/\{place\}/audit\?kind=all&row=\{resident\} city p50`, `(?m)^page /c/\{serial\} p50`, `(?m)^export audit rows=\d\d+ `,
			`(?m)^at-work secretaries=4 .* refused=0 statuses=map\[200:\d+\] `,
			`(?m)^page /at/\{place\}/photo/\{row\} village p50=\d+\.\d p95=\d+\.\d bytes=180000 `, `(?m)^page /at/\{place\}/shifts/\{row\} village p50`,
			`(?m)^list /at/\{place\}/audit city parts=3\+ first p50=\d+\.\d last p50=`} {
			if n := len(regexp.MustCompile(want).FindAllString(out.String(), -1)); n != 2 {
				t.Errorf("%d lines like %s, want one for each database:\n%s", n, want, out.String())
			}
		}
	}
	// A page that nobody can be shown is no page that was measured.
	kept := leadOn
	leadOn = nil
	defer func() { leadOn = kept }()
	opt.DB, opt.Only, opt.Out = "sqlite", "page /link", &bytes.Buffer{}
	if err := RunConsole(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "/link/{code}") {
		t.Errorf("a route that shows nothing: %v", err)
	}
}

func TestListEnds(t *testing.T) {
	const span = `<p class="more"><span>12 <a href="/x">first</a></span>`
	for _, c := range []struct{ end, next, last string }{
		{span + `<a href="/x?after=1&amp;kind=2#rows">on</a></p>`, "/x?after=1&kind=2", ""},
		{span + `</p>`, "", ""},
		{"", "", ""},
		{span + `<nav class="turns" aria-label="parts"><a href="/x">first</a><a href="/x?b" data-key="k">back</a><a href="/x?c" data-key="j">on</a><a href="/x?end=1">last</a></nav></p>`, "/x?c", "/x?end=1"},
		{span + `<nav class="turns" aria-label="parts"><a href="/x">first</a><a href="/x?b" data-key="k">back</a></nav></p>`, "", ""},
	} {
		s := &sink{}
		s.body.WriteString("<main>" + c.end + "</main>")
		if next, last := nextOf(s); next != c.next || last != c.last {
			t.Errorf("%s leads to %q and %q", c.end, next, last)
		}
	}
}
