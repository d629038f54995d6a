package oracle

import "math/bits"

// set is a set of versions of one row, by their index.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s set) addAll(t set) {
	for i := range t {
		s[i] |= t[i]
	}
}

func (s set) clone() set { return append(set(nil), s...) }

func (s set) and(t set) set {
	out := s.clone()
	for i := range out {
		out[i] &= t[i]
	}
	return out
}

func (s set) equal(t set) bool {
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

// list gives the members in ascending order.
func (s set) list() []int {
	var out []int
	for w, x := range s {
		for ; x != 0; x &= x - 1 {
			out = append(out, w*64+bits.TrailingZeros64(x))
		}
	}
	return out
}
