package tidy

import (
	"strings"
	"testing"
)

// checks are the rules that hold from the first commit on.
var checks = map[string]func(*house) []problem{
	"imports":   checkImports,
	"length":    checkLength,
	"patterns":  checkPatterns,
	"functions": checkFunctions,
	"clock":     checkClock,
	"promises":  checkPromises,
	"words":     checkWords,
}

// programs are all the commands of the project. An exported name is dead only when no program needs it, so the rule
// about dead names begins to hold when the last of them is there.
var programs = []string{
	"server/cmd/minqing", "mobile-client/cmd/minqing-field", "internal/cmd/minqing-sim", "internal/cmd/minqing-demo",
	"internal/cmd/minqing-bench",
}

func TestHouseIsTidy(t *testing.T) {
	h, problems := newHouse(mustIndex(t))
	for _, check := range checks {
		problems = append(problems, check(h)...)
	}
	dead := checkDead(h)
	if missing := missingPrograms(h); len(missing) > 0 {
		t.Logf("%d exported names have no user yet (-v lists them); they count once all of %s exist", len(dead),
			strings.Join(missing, ", "))
		for _, p := range dead {
			if testing.Verbose() {
				t.Log(p)
			}
		}
	} else {
		problems = append(problems, dead...)
	}
	for _, p := range excuse(h, problems, allowances) {
		t.Error(p)
	}
	if t.Failed() {
		t.Log("these tests read what is staged: after mending, git add; exceptions: internal/tidy/allow_test.go")
	}
}

func missingPrograms(h *house) []string {
	var missing []string
	for _, dir := range programs {
		found := false
		for _, f := range h.files {
			found = found || f.isMain() && f.dir() == dir
		}
		if !found {
			missing = append(missing, dir)
		}
	}
	return missing
}

// excuse drops the problems that an allowance covers, and reports allowances that cover nothing. One for a file that
// does not exist yet is left alone: it may be on its way.
func excuse(h *house, problems []problem, allowed []allowance) []problem {
	var out []problem
	used := make([]bool, len(allowed))
	for _, p := range problems {
		excused := false
		for i, a := range allowed {
			if a.rule == p.rule && a.covers(p.path) {
				used[i], excused = true, true
			}
		}
		if !excused {
			out = append(out, p)
		}
	}
	for i, a := range allowed {
		exists := false
		for _, f := range h.files {
			exists = exists || a.covers(f.path)
		}
		if exists && !used[i] {
			out = append(out, problem{a.rule, a.path, 1, "is allowed to break this rule and does not; delete the " +
				"allowance in internal/tidy/allow_test.go"})
		}
	}
	return out
}

func (a allowance) covers(name string) bool {
	return a.path == name || strings.HasSuffix(a.path, "/") && strings.HasPrefix(name, a.path)
}
