package merge

import (
	"strings"
	"unicode/utf8"
)

// A text is merged in units: a sentence with its mark, or what a line holds behind the last mark; each newline is a unit of its
// own, so that two people who each append a line to a text without a final newline both only insert. Joining the units of a
// text gives the text.

// mark tells whether a character ends a sentence.
func mark(r rune) bool {
	switch r {
	case '。', '！', '？', '；':
		return true
	}
	return false
}

// closer tells whether a character that follows a mark still belongs to the sentence.
func closer(r rune) bool {
	switch r {
	case '”', '’', '」', '』', '）', '》', '】', '〕', '〉':
		return true
	}
	return mark(r)
}

// units splits a text.
func units(s string) []string {
	var out []string
	start := 0
	for at := 0; at < len(s); {
		if n := newline(s[at:]); n > 0 {
			if start < at {
				out = append(out, s[start:at])
			}
			out = append(out, s[at:at+n])
			at += n
			start = at
			continue
		}
		r, size := utf8.DecodeRuneInString(s[at:])
		at += size
		if !mark(r) {
			continue
		}
		for at < len(s) {
			r, size := utf8.DecodeRuneInString(s[at:])
			if !closer(r) {
				break
			}
			at += size
		}
		out = append(out, s[start:at])
		start = at
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// newline is the length of the line end that s begins with, 0 if it begins with none.
func newline(s string) int {
	switch {
	case strings.HasPrefix(s, "\n"):
		return 1
	case strings.HasPrefix(s, "\r\n"):
		return 2
	default:
		return 0
	}
}

// stand tells whether units in this order are still the units of their text: none runs into the next. Only a text for which
// this holds is a merge of sentences that somebody wrote.
func stand(list []string) bool {
	split := units(strings.Join(list, ""))
	if len(split) != len(list) {
		return false
	}
	for i := range list {
		if split[i] != list[i] {
			return false
		}
	}
	return true
}
