package sim

import (
	"strings"
	"testing"
)

// TestDirected runs every history that was written by hand, in all its orders.
func TestDirected(t *testing.T) {
	t.Parallel()
	for _, h := range directedHistories() {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel() // the longest of them would else run alone at the end
			res, orders := h.Run(nil)
			if res.Broken != nil {
				var trace strings.Builder
				h.Run(&trace)
				t.Fatalf("%s\n%v\n%s\n%s", h.Text, res.Broken, res.Stack, tail(trace.String(), 6000))
			}
			t.Logf("%d orders, trace %s", orders, res.Hash)
		})
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
