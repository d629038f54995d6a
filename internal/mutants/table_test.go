package mutants

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write the table of mutants into the simulator's design note")

// The lines around the table in the note.
const (
	tableBegins = "<!-- mutants: written by go test ./internal/mutants -run TestTable -write -->\n"
	tableEnds   = "<!-- end of mutants -->\n"
)

// invariants is how many DESIGN section 7 has.
const invariants = 18

// table lists, for each invariant, the mutants that stand for it.
func table(list []*mutant) string {
	by := map[string][]string{}
	for _, m := range list {
		by[m.expected[0]] = append(by[m.expected[0]], m.name)
	}
	var out strings.Builder
	out.WriteString("| | mutants that it kills |\n|---|---|\n")
	for n := 1; n <= invariants; n++ {
		names := by[fmt.Sprintf("I%d", n)]
		slices.Sort(names)
		fmt.Fprintf(&out, "| I%d | %s |\n", n, strings.Join(names, ", "))
	}
	return out.String()
}

// TestTable holds the design note of the simulator to the mutants that there are, and wants each invariant to stand against one at least.
func TestTable(t *testing.T) {
	list := MustAll(t)
	stands := map[string]bool{}
	for _, m := range list {
		stands[m.expected[0]] = true
	}
	for n := 1; n <= invariants; n++ {
		if !stands[fmt.Sprintf("I%d", n)] {
			t.Errorf("no mutant stands for I%d: the mutants stand for %v", n, slices.Sorted(maps.Keys(stands)))
		}
	}
	path := filepath.Join(MustRoot(t), "internal", "sim", "DESIGN.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(raw), tableBegins)
	was, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatal("the note has no place for the table")
	}
	want := table(list)
	if *write && was != want {
		if err := os.WriteFile(path, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		was = want
	}
	if was != want {
		t.Errorf("internal/sim/DESIGN.md has another table than the mutants make; run go test ./internal/mutants -run TestTable -write\n%s", want)
	}
}
