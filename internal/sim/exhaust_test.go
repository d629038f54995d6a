package sim

import "testing"

// TestExhaustive runs every interleaving of four steps of two devices and an administrator on one row of two cells.
func TestExhaustive(t *testing.T) {
	t.Parallel()
	out := exhaustive{Steps: 4}.Run()
	for _, f := range out.Failures {
		t.Error(f)
	}
	if out.Run != 2094 { // another number means that the alphabet, or what a step can change, is another
		t.Errorf("%d interleavings, there are 2094", out.Run)
	}
	t.Logf("%d interleavings: %v", out.Run, out.Counters)
}
