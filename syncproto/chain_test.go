package syncproto_test

import (
	"testing"

	"minqing/syncproto"
)

func TestChainTellsEveryAlteration(t *testing.T) {
	head := func(salt, content string, pos uint64, before string) string {
		t.Helper()
		leaf, err := syncproto.ChainLeaf(salt, []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		next, err := syncproto.ChainNext(before, pos, leaf)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	first := head("00ff", "a", 1, "")
	seen := map[string]bool{}
	for _, h := range []string{first, head("00fe", "a", 1, ""), head("00ff", "b", 1, ""), head("00ff", "a", 2, ""), head("00ff", "a", 1, first), head("00", "\xffa", 1, "")} {
		if seen[h] {
			t.Fatal("two different records gave one head")
		}
		seen[h] = true
	}
	if _, err := syncproto.ChainNext("zz", 1, first); err == nil {
		t.Fatal("a head that is no hex passed")
	}
}
