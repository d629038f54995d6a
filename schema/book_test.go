package schema

import "testing"

func TestMinqingHoldsItsLaws(t *testing.T) {
	b := Minqing()
	if got := b.Cell("household", "position"); got == nil || len(got.Columns) != 2 {
		t.Fatalf("group position of household: %+v", got)
	}
}
