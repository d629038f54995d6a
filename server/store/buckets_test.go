package store

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"minqing/syncproto"
)

// TestDigestsComeBack: what is written of a bucket's digests reads as it was, and nothing else reads as digests.
func TestDigestsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.Custom(func(t *rapid.T) syncproto.Digest {
			return syncproto.Digest{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		})).Draw(t, "digests")
		out, err := parseDigests(formatDigests(in))
		if err != nil || !slices.Equal(in, out) {
			t.Fatalf("%v came back as %v: %v", in, out, err)
		}
	})
	if got := formatDigests([]syncproto.Digest{{Hi: 1, Lo: 0xab}, {}}); got != "000000000000000100000000000000ab,00000000000000000000000000000000" {
		t.Errorf("the form in databases of today changed: %s", got)
	}
	for _, bad := range []string{",", "1", "000000000000000100000000000000ag", "000000000000000100000000000000ab,", "000000000000000100000000000000abc"} {
		if got, err := parseDigests(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}
