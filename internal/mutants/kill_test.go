package mutants

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// planted are the mutants that every run of the tests plants: one for each room, high enough in the house that little is built anew.
var planted = []string{"skip-scope-check", "forget-as-delete", "one-refused-blocks-all"}

// TestMutantsAreKilled plants a few mutants; ./task mutants plants them all.
func TestMutantsAreKilled(t *testing.T) {
	var out bytes.Buffer
	err := Run(t.Context(), Options{Out: &out, Only: planted, From: 1, Most: 60, Now: time.Now})
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	list := MustAll(t)
	for _, name := range planted {
		m := list[slices.IndexFunc(list, func(m *mutant) bool { return m.name == name })]
		by := ""
		for line := range strings.SplitSeq(out.String(), "\n") {
			if killed, ok := strings.CutPrefix(line, "mutant "+name+" killed by "); ok {
				by, _, _ = strings.Cut(killed, " ")
			}
		}
		if !slices.Contains(m.expected, by) {
			t.Errorf("%s is killed by %q, want one of %v", name, by, m.expected)
		}
	}
	if !strings.Contains(out.String(), "\nmutants=3 killed=3 ") || !strings.Contains(out.String(), "unmutated histories=20: all green\n") {
		t.Error("the sum is not what it must be")
	}
}

// TestAnUnknownMutantIsAnError: a name that is none must not look like a run in which all were killed.
func TestAnUnknownMutantIsAnError(t *testing.T) {
	if err := Run(t.Context(), Options{Out: &bytes.Buffer{}, Only: []string{"nobody"}, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("%v", err)
	}
}
