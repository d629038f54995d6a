package merge

import (
	"encoding/binary"
	"math/bits"
)

// set is a set of version indexes. Versions are numbered in the order of acceptance and nearly everybody has seen a prefix of
// them, so leading words of ones are only counted: the set of a version that saw its 5,000 predecessors takes a few bytes, and
// the union of two such sets a few steps. full words of ones are followed by tail; the last word of tail is not zero, the
// first not all ones, so equal sets have equal forms.
type set struct {
	full int
	tail []uint64
}

const wordBits = 64

func (s *set) has(i int) bool {
	w := i / wordBits
	if w < s.full {
		return true
	}
	w -= s.full
	return w < len(s.tail) && s.tail[w]&(1<<(i%wordBits)) != 0
}

// words is the length of the dense form.
func (s *set) words() int { return s.full + len(s.tail) }

// word is one word of the dense form.
func (s *set) word(i int) uint64 {
	switch {
	case i < s.full:
		return ^uint64(0)
	case i-s.full < len(s.tail):
		return s.tail[i-s.full]
	default:
		return 0
	}
}

func (s *set) add(i int) {
	w := i/wordBits - s.full
	if w < 0 {
		return
	}
	for len(s.tail) <= w {
		s.tail = append(s.tail, 0)
	}
	s.tail[w] |= 1 << (i % wordBits)
	s.absorb()
}

// absorb counts leading words of ones into full.
func (s *set) absorb() {
	for len(s.tail) > 0 && s.tail[0] == ^uint64(0) {
		s.full++
		s.tail = s.tail[1:]
	}
}

// or adds all of t. The tail of s is its own; that of t is only read.
func (s *set) or(t *set) {
	if t.full > s.full {
		s.tail = s.tail[min(t.full-s.full, len(s.tail)):]
		s.full = t.full
	}
	for k, w := range t.tail {
		at := t.full + k - s.full
		if at < 0 {
			continue
		}
		for len(s.tail) <= at {
			s.tail = append(s.tail, 0)
		}
		s.tail[at] |= w
	}
	s.absorb()
}

// clone is a copy whose tail is its own.
func (s *set) clone() set { return set{s.full, append([]uint64(nil), s.tail...)} }

// and is the intersection.
func (s *set) and(t *set) set {
	out := set{full: min(s.full, t.full)}
	for i := out.full; i < min(s.words(), t.words()); i++ {
		out.tail = append(out.tail, s.word(i)&t.word(i))
	}
	for len(out.tail) > 0 && out.tail[len(out.tail)-1] == 0 {
		out.tail = out.tail[:len(out.tail)-1]
	}
	out.absorb()
	return out
}

// equal compares the normal forms.
func (s *set) equal(t *set) bool { return s.key() == t.key() }

// key is the set as a map key.
func (s *set) key() string {
	b := binary.AppendUvarint(nil, uint64(s.full))
	for _, w := range s.tail {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return string(b)
}

// each calls f with every index, ascending.
func (s *set) each(f func(i int)) {
	for w := range s.words() {
		for x := s.word(w); x != 0; x &= x - 1 {
			f(w*wordBits + bits.TrailingZeros64(x))
		}
	}
}

// dense is the set as plain words, for the searches that take elements out of it.
func (s *set) dense() []uint64 {
	out := make([]uint64, s.words())
	for i := range out {
		out[i] = s.word(i)
	}
	return out
}

// firstN is the set of the indexes below n.
func firstN(n int) set {
	s := set{full: n / wordBits}
	if rest := n % wordBits; rest > 0 {
		s.tail = []uint64{1<<rest - 1}
	}
	return s
}
