package sim

import (
	"slices"
	"testing"
)

// TestExhaustive runs every interleaving of four steps of two devices and an administrator on one row of two cells.
func TestExhaustive(t *testing.T) {
	t.Parallel()
	out := exhaustive{Steps: 4}.Run()
	for _, f := range out.Failures {
		t.Error(f)
	}
	if out.Run != 4146 { // another number means that the alphabet, or what a step can change, is another
		t.Errorf("%d interleavings, there are 4146", out.Run)
	}
	t.Logf("%d interleavings: %v", out.Run, out.Counters)
}

// TestKeptConnections wants histories on connections that others used to leave the traces that they leave on new disks, and live steps too.
func TestKeptConnections(t *testing.T) {
	t.Parallel()
	for cells, pair := range smallCells {
		g := newGround(pair)
		kept := &place{g: g}
		defer kept.leave()
		// What the desk deletes makes phones write their files anew.
		for _, path := range [][]int{{0, 4, 2}, {1, 9, 3, 6}, {0, 9, 2, 6, 11}, {0, 4, 7, 2, 8, 3}, {}, {0, 4, 2}} {
			res, live := kept.play(path, nil)
			alone := &place{g: g}
			want, wantLive := alone.play(path, nil)
			alone.leave()
			if res.Broken != nil || want.Broken != nil {
				t.Fatalf("cells %d, history %v: %v, on new disks %v", cells, path, res.Broken, want.Broken)
			}
			if res.Hash != want.Hash || !slices.Equal(live, wantLive) {
				t.Errorf("cells %d, history %v leaves trace %s and steps %v, on new disks %s and %v", cells, path, res.Hash, live, want.Hash, wantLive)
			}
		}
	}
}
