package sim

import (
	"runtime"
	"strings"
	"testing"
)

// ciHistories is how many random histories every run of the tests holds: enough to demand that everything counted was met.
const ciHistories = requiredFrom

// TestRandomHistories is what CI runs of random histories. A failure says how to replay it; the command shrinks it.
func TestRandomHistories(t *testing.T) {
	n := ciHistories
	if testing.Short() {
		n = 40
	}
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	total := runMany(batch{Seeds: seeds, Each: func(h *history, res result) bool {
		if res.Broken != nil {
			t.Error(failure(h, res))
		}
		return true
	}})
	t.Logf("histories=%d operations=%d failures=%d\n%s", total.Histories, total.Counters[cOperations], total.Failures, total.Counters)
	for _, name := range total.Missing() {
		t.Errorf("no history held any of: %s", name)
	}
}

// TestSeedIsAHistory wants the same trace of a seed each time, beside others and alone, on one processor and on several.
func TestSeedIsAHistory(t *testing.T) {
	seeds := []uint64{8, 11, 12, 13, 65} // in the last one a phone sends what only the server may read
	traces := func() map[uint64]string {
		out := map[uint64]string{}
		runMany(batch{Seeds: seeds, Each: func(h *history, res result) bool {
			if res.Broken != nil {
				t.Error(failure(h, res))
			}
			out[res.Seed] = res.Hash
			return true
		}})
		return out
	}
	first := traces()
	before := runtime.GOMAXPROCS(1)
	second := traces()
	runtime.GOMAXPROCS(before)
	for _, seed := range seeds {
		if first[seed] == "" || first[seed] != second[seed] {
			t.Errorf("seed %d gives the trace %s, and %s on one processor", seed, first[seed], second[seed])
		}
		if res := runOne(plan(seed), nil); res.Hash != first[seed] {
			t.Errorf("seed %d gives the trace %s, and %s alone", seed, first[seed], res.Hash)
		}
	}
	if first[8] == first[11] {
		t.Error("two seeds give one trace")
	}
}

// A shrunk history still breaks what it broke, with less; and its replay line says all that it takes to run it.
func TestShrinkKeepsTheFailure(t *testing.T) {
	kinds["test fails"] = kind{run: func(w *world, d *dice) {
		if !w.calm && w.history.Clocks {
			w.violate(iShown, "clocks and faults")
		}
		w.violate(iShown, "anyhow")
	}}
	defer delete(kinds, "test fails")
	h := plan(5)
	h.Ops = h.Ops[:12]
	h.Ops[7].Kind = "test fails"
	res := runOne(h, nil)
	if res.Broken == nil || res.Broken.Invariant != iShown {
		t.Fatalf("the history comes to %v", res.Broken)
	}
	small, came := shrink(h, res)
	const want = "minqing-sim -seed 5 -keep 7 -calm 7 -right-clocks: I18 What was shown: anyhow"
	if got := failure(small, came); got != want {
		t.Errorf("shrunk to\n%s, want\n%s", got, want)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		out  string // what it prints on either
	}{
		{"-seed 11 -keep none", 0, "histories=1 operations=0 failures=0 seconds="},
		{"-seed 11 -keep 0-2 -calm 1 -right-clocks", 0, "trace "},
		{"-n 2 -from 11 -workers 1", 0, "histories=2 "},
		{"-seeds 11,12", 0, "histories=2 "},
		{"-help", 0, "-no-shrink"},
		{"-seed x", 2, `invalid value "x" for flag -seed`},
		{"-wrong", 2, "not defined: -wrong"},
		{"11", 2, `"11" is no flag`},
		{"-n 0", 2, "at least one"},
		{"-seeds 1,b", 2, `"b" is no seed`},
		{"-seeds 1 -n 3", 2, "leave out"},
		{"-seed 1 -from 3", 2, "leave one out"},
		{"-seed 11 -keep 1-b", 2, "no list like"},
		{"-seed 11 -keep 4000", 2, "no operation 4000"},
		{"-seed 11 -calm 4000", 2, "no operation 4000"},
		{"-n 4 -keep 1", 2, "for one history"},
	} {
		var out, errs strings.Builder
		if code := Main(strings.Fields(c.args), &out, &errs); code != c.code || !strings.Contains(out.String()+errs.String(), c.out) {
			t.Errorf("minqing-sim %s exits with %d and prints\n%s%s", c.args, code, out.String(), errs.String())
		}
	}
}

func TestRequiredCountersAreMissed(t *testing.T) {
	few := total{Histories: requiredFrom - 1, Counters: counters{}}
	if missing := few.Missing(); len(missing) > 0 {
		t.Errorf("few histories need not meet %v", missing)
	}
	many := total{Histories: requiredFrom, Counters: counters{}}
	for _, name := range required[1:] {
		many.Counters[name] = 1
	}
	if missing := many.Missing(); len(missing) != 1 || missing[0] != required[0] {
		t.Errorf("missing are %v, want %s", missing, required[0])
	}
}
