package merge

import (
	"slices"
	"strings"
)

// mergeTexts merges two texts made from one base, by line and sentence. First and second are the sides in canonical order; ok is
// false when they overlap, and then merged is "".
//
// What only one side changed is taken; what both changed alike is taken once; sentences that either side deleted go. Where both
// inserted at one point both insertions stay, first before second, unless an unfinished sentence would run into the next one: then
// the other way round, and if that does not help either it counts as overlap. Everything else that both touched is overlap.
func mergeTexts(base, first, second string) (merged string, ok bool) {
	switch {
	case first == second || second == base:
		return first, true
	case first == base:
		return second, true
	}
	m := threeWay{base: units(base), sides: [2][]string{units(first), units(second)}}
	for i, side := range m.sides {
		m.hunks[i] = join(m.base, slide(m.base, side, hunks(m.base, side)))
	}
	if !m.merge() || !stand(m.out) {
		return "", false
	}
	return strings.Join(m.out, ""), true
}

// slide moves insertions and deletions that could stand in several places (one of two equal lines) down as far as they go, so
// that both sides put the same change in the same place.
func slide(a, b []string, list []hunk) []hunk {
	var out []hunk
	for i := len(list) - 1; i >= 0; i-- {
		h := list[i]
		end := hunk{len(a), len(a), len(b), len(b)}
		if len(out) > 0 {
			end = out[len(out)-1]
		}
		for h.a1 < end.a0 && (h.a0 == h.a1 && b[h.b0] == a[h.a1] || h.b0 == h.b1 && a[h.a0] == a[h.a1]) {
			h = hunk{h.a0 + 1, h.a1 + 1, h.b0 + 1, h.b1 + 1}
		}
		if len(out) > 0 && h.a1 == end.a0 {
			out[len(out)-1].a0, out[len(out)-1].b0 = h.a0, h.b0
			continue
		}
		out = append(out, h)
	}
	slices.Reverse(out)
	return out
}

// join makes one difference of two rewritten lines with nothing but newlines between: who rewrote a paragraph line by line rewrote
// the paragraph, and nothing of somebody else's is to land in its middle.
func join(a []string, list []hunk) []hunk {
	var out []hunk
	for _, h := range list {
		if n := len(out); n > 0 && rewrites(out[n-1]) && rewrites(h) && blank(a[out[n-1].a1:h.a0]) {
			out[n-1].a1, out[n-1].b1 = h.a1, h.b1
			continue
		}
		out = append(out, h)
	}
	return out
}

func rewrites(h hunk) bool { return h.a0 < h.a1 && h.b0 < h.b1 }

func blank(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return newline(s) == 0 })
}

// threeWay is one merge on the way.
type threeWay struct {
	base  []string
	sides [2][]string
	hunks [2][]hunk // not yet merged
	at    int       // units of the base done
	out   []string
}

func (m *threeWay) merge() bool {
	for len(m.hunks[0])+len(m.hunks[1]) > 0 {
		lo, hi, taken := m.cluster()
		m.out = append(m.out, m.base[m.at:lo]...)
		m.at = hi
		if !m.resolve(lo, hi, taken) {
			return false
		}
	}
	m.out = append(m.out, m.base[m.at:]...)
	return true
}

// cluster takes the next differences that touch each other, of both sides, and the stretch of the base they cover.
func (m *threeWay) cluster() (lo, hi int, taken [2][]hunk) {
	from := 0
	if len(m.hunks[0]) == 0 || len(m.hunks[1]) > 0 && before(m.hunks[1][0], m.hunks[0][0]) {
		from = 1
	}
	lo, hi = m.hunks[from][0].a0, m.hunks[from][0].a1
	for grown := true; grown; {
		grown = false
		for side := range m.hunks {
			for len(m.hunks[side]) > 0 && (touches(m.hunks[side][0], lo, hi) || side == from && len(taken[side]) == 0) {
				h := m.hunks[side][0]
				m.hunks[side] = m.hunks[side][1:]
				taken[side] = append(taken[side], h)
				lo, hi, grown = min(lo, h.a0), max(hi, h.a1), true
			}
		}
	}
	return lo, hi, taken
}

// before orders differences by where they begin, an insertion before what it stands in front of.
func before(h, o hunk) bool {
	if h.a0 != o.a0 {
		return h.a0 < o.a0
	}
	return h.a0 == h.a1 && o.a0 < o.a1
}

// touches tells whether a difference overlaps a stretch of the base: they share a unit, or are insertions at one point, or one
// inserts strictly inside the other. Neighbours do not touch.
func touches(h hunk, lo, hi int) bool {
	switch {
	case h.a0 == h.a1 && lo == hi:
		return h.a0 == lo
	case h.a0 == h.a1:
		return lo < h.a0 && h.a0 < hi
	case lo == hi:
		return h.a0 < lo && lo < h.a1
	default:
		return max(lo, h.a0) < min(hi, h.a1)
	}
}

// text is what a side made of base[lo:hi].
func (m *threeWay) text(side, lo, hi int, taken []hunk) []string {
	var out []string
	at := lo
	for _, h := range taken {
		out = append(out, m.base[at:h.a0]...)
		out = append(out, m.sides[side][h.b0:h.b1]...)
		at = h.a1
	}
	return append(out, m.base[at:hi]...)
}

func (m *threeWay) resolve(lo, hi int, taken [2][]hunk) bool {
	first, second := m.text(0, lo, hi, taken[0]), m.text(1, lo, hi, taken[1])
	switch {
	case len(taken[1]) == 0 || slices.Equal(first, second):
		m.out = append(m.out, first...)
	case len(taken[0]) == 0:
		m.out = append(m.out, second...)
	case lo == hi:
		return m.both(first, second)
	default:
		// Deletions that overlap take all they cover; anything else is overlap.
		return deletes(taken[0]) && deletes(taken[1])
	}
	return true
}

func deletes(list []hunk) bool {
	return !slices.ContainsFunc(list, func(h hunk) bool { return h.b0 < h.b1 })
}

// both keeps two insertions at one point. What both begin with they inserted alike.
func (m *threeWay) both(first, second []string) bool {
	alike := 0
	for alike < min(len(first), len(second)) && first[alike] == second[alike] {
		alike++
	}
	if alike < min(len(first), len(second)) {
		for alike > 0 && newline(first[alike-1]) > 0 {
			alike-- // a newline in front belongs to the line behind it, and each line keeps its own
		}
	}
	m.out = append(m.out, first[:alike]...)
	first, second = first[alike:], second[alike:]
	next := m.base[m.at:min(m.at+1, len(m.base))]
	last := m.out[max(0, len(m.out)-1):]
	for _, order := range [][]string{slices.Concat(first, second), slices.Concat(second, first)} {
		if stand(slices.Concat(last, order, next)) {
			m.out = append(m.out, order...)
			return true
		}
	}
	return false
}
