// Package compare shows what differs between two texts, for people: by words where a script has blanks, by characters where it has none,
// numbers whole.
//
// It promises that the parts marked Same and Gone give the old text, those marked Same and New the new one.
package compare

import (
	"strings"
	"unicode"
)

// Kind says where a part stands.
type Kind uint8

// The kinds.
const (
	Same Kind = iota
	Gone
	New
)

// Part is a piece of text.
type Part struct {
	Kind Kind
	Text string
}

// Gone tells whether the part is in the old text alone.
func (p Part) Gone() bool { return p.Kind == Gone }

// New tells whether the part is in the new text alone.
func (p Part) New() bool { return p.Kind == New }

// mostWork bounds tokens of the one times tokens of the other. Beyond it sentences are compared, and when those are too many as well the
// whole is shown as replaced.
const mostWork = 1 << 20

// shortest is how many tokens in common between two differences are worth showing as such: below it, a reader would see confetti.
const shortest = 2

// Texts compares two texts.
func Texts(old, now string) []Part {
	a, b := tokens(old), tokens(now)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	parts := add(nil, Same, a[:head]...)
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(x)*len(y) > mostWork {
		x, y = sentences(x), sentences(y)
	}
	parts = middle(parts, x, y)
	return add(parts, Same, a[len(a)-tail:]...)
}

// Numbers compares two that were shown behind a mask, telephone or ID numbers: what lies between the digits that they begin and end with alike.
func Numbers(old, now string) []Part {
	a, b := []rune(old), []rune(now)
	head, tail := 0, 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	parts := add(nil, Same, digits(a[:head])...)
	parts = add(add(parts, Gone, digits(a[head:len(a)-tail])...), New, digits(b[head:len(b)-tail])...)
	return add(parts, Same, digits(a[len(a)-tail:])...)
}

// digits is a piece of a number as parts take it: none when there is nothing.
func digits(piece []rune) []string {
	if len(piece) == 0 {
		return nil
	}
	return []string{string(piece)}
}

// Edits counts the places where two texts differ.
func Edits(parts []Part) (n int) {
	for i, p := range parts {
		if p.Kind != Same && (i == 0 || parts[i-1].Kind == Same) {
			n++
		}
	}
	return n
}

// middle walks a longest common subsequence.
func middle(parts []Part, a, b []string) []Part {
	if len(a) == 0 || len(b) == 0 || len(a)*len(b) > mostWork {
		return add(add(parts, Gone, a...), New, b...)
	}
	long := make([][]int32, len(a)+1)
	for i := range long {
		long[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if long[i][j] = max(long[i+1][j], long[i][j+1]); a[i] == b[j] {
				long[i][j] = long[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		run := 0
		for i+run < len(a) && j+run < len(b) && a[i+run] == b[j+run] {
			run++
		}
		ends := i+run == len(a) && j+run == len(b)
		switch {
		case run >= shortest || run > 0 && (ends || i == 0 && j == 0):
			parts = add(parts, Same, a[i:i+run]...)
			i, j = i+run, j+run
		case run > 0:
			parts = replaced(parts, a[i:i+run], b[j:j+run])
			i, j = i+run, j+run
		case j == len(b) || i < len(a) && long[i+1][j] >= long[i][j+1]:
			parts = replaced(parts, a[i:i+1], nil)
			i++
		default:
			parts = replaced(parts, nil, b[j:j+1])
			j++
		}
	}
	return parts
}

// replaced adds a difference, what went before what came.
func replaced(parts []Part, gone, came []string) []Part {
	if n := len(parts); n > 0 && parts[n-1].Kind == New && len(gone) > 0 {
		last := parts[n-1]
		parts = add(parts[:n-1], Gone, gone...)
		parts = append(parts, last)
		return add(parts, New, came...)
	}
	return add(add(parts, Gone, gone...), New, came...)
}

func add(parts []Part, k Kind, tokens ...string) []Part {
	for _, t := range tokens {
		if n := len(parts); n > 0 && parts[n-1].Kind == k {
			parts[n-1].Text += t
		} else {
			parts = append(parts, Part{k, t})
		}
	}
	return parts
}

// sentences joins tokens up to the marks that end one.
func sentences(tokens []string) (out []string) {
	open := false
	for _, t := range tokens {
		if open {
			out[len(out)-1] += t
		} else {
			out = append(out, t)
		}
		open = !strings.ContainsAny(t, "。！？；!?;\n")
	}
	return out
}

// tokens cuts a text: Latin words, numbers with their commas and points, runs of blanks; every other character by itself.
func tokens(s string) (out []string) {
	kind := func(r rune) int {
		switch {
		case r < unicode.MaxLatin1 && unicode.IsLetter(r):
			return 1
		case unicode.IsDigit(r) || r == ',' || r == '.':
			return 2
		case unicode.IsSpace(r):
			return 3
		}
		return 0
	}
	last := 0
	for _, r := range s {
		k := kind(r)
		if k != 0 && k == last {
			out[len(out)-1] += string(r)
		} else {
			out = append(out, string(r))
		}
		last = k
	}
	return out
}
