package merge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a piece of a Diff.
type Span struct {
	Kind SpanKind
	Text string
}

// SpanKind tells where the text of a Span stands.
type SpanKind byte

// The kinds of span: in both texts, only in the new one, only in the old one.
const (
	Same    SpanKind = '='
	Added   SpanKind = '+'
	Removed SpanKind = '-'
)

// Diff shows what changed between two texts, by word (by character for Chinese). The same and the removed spans are the old text,
// the same and the added the new one; what was removed stands before what took its place.
func Diff(old, new string) []Span {
	a, b := words(old), words(new)
	var out []Span
	add := func(kind SpanKind, list []string) {
		if len(list) > 0 {
			out = append(out, Span{kind, strings.Join(list, "")})
		}
	}
	at := 0
	for _, h := range legible(a, hunks(a, b)) {
		add(Same, a[at:h.a0])
		add(Removed, a[h.a0:h.a1])
		add(Added, b[h.b0:h.b1])
		at = h.a1
	}
	add(Same, a[at:])
	return out
}

// legible joins differences with a single character between them: islands of one character read worse than one longer
// difference.
func legible(a []string, list []hunk) []hunk {
	var out []hunk
	for _, h := range list {
		if n := len(out); n > 0 && rewrites(out[n-1]) && rewrites(h) && utf8.RuneCountInString(strings.Join(a[out[n-1].a1:h.a0], "")) <= 1 {
			out[n-1].a1, out[n-1].b1 = h.a1, h.b1
			continue
		}
		out = append(out, h)
	}
	return out
}

// words splits a text into runs of Latin letters and digits, runs of blanks, and single other characters.
func words(s string) []string {
	var out []string
	for start := 0; start < len(s); {
		r, size := utf8.DecodeRuneInString(s[start:])
		end, class := start+size, wordClass(r)
		for class != 0 && end < len(s) {
			r, size := utf8.DecodeRuneInString(s[end:])
			if wordClass(r) != class {
				break
			}
			end += size
		}
		out = append(out, s[start:end])
		start = end
	}
	return out
}

// wordClass is 0 for characters that are words of their own.
func wordClass(r rune) int {
	switch {
	case r == ' ' || r == '\t':
		return 1
	case unicode.IsDigit(r) || unicode.IsLetter(r) && !unicode.Is(unicode.Han, r):
		return 2
	default:
		return 0
	}
}
