package schematest_test

import (
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
)

func TestEveryRuleIsMet(t *testing.T) {
	met := map[schema.Rule]bool{}
	for _, cell := range schematest.Book().Cells("thing") {
		met[cell.Rule] = true
	}
	for _, r := range []schema.Rule{schema.RuleLatest, schema.RuleMax, schema.RuleMin, schema.RuleSum, schema.RuleSet, schema.RuleText,
		schema.RuleFlow, schema.RuleOnce, schema.RuleManual, schema.RuleServer} {
		if !met[r] {
			t.Errorf("thing has no cell of rule %s", r)
		}
	}
}

func TestOlderVersionsKnowLess(t *testing.T) {
	for version, want := range map[int][3]bool{1: {false, false, false}, 2: {true, false, false}, 3: {true, true, true}} {
		b := schematest.BookAt(version)
		got := [3]bool{b.Cell("thing", "extra") != nil, b.Cell("thing", "remark") != nil, b.Table("mark") != nil}
		if got != want {
			t.Errorf("version %d knows extra, remark, mark: %v, want %v", version, got, want)
		}
	}
}
