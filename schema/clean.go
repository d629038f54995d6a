package schema

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// NormalizeText brings one line of text from outside (a spreadsheet, a form) into the one form in which it is stored and compared:
// composed (NFC), every run of blanks and line ends one space and none at the ends, nothing invisible in it. Full-width forms stay:
// they are how Chinese is punctuated. Rare characters stay exactly as written, beyond the BMP, in private use areas and with
// variation selectors too: they are how a person's name is written. Invalid UTF-8 is left for Column.Check to name.
func NormalizeText(s string) string {
	if plainLine(s) || !utf8.ValidString(s) {
		return s
	}
	// Composing comes last: what is dropped before may have stood between a letter and its accent.
	return compose(strings.Join(strings.Fields(strings.Map(visible, s)), " "))
}

// NormalizeName is NormalizeText for names: the spaces that line up two-character names with three-character ones go (张　三), and
// the dot within names of other peoples takes its one form (买买提·艾力).
func NormalizeName(s string) string {
	if !utf8.ValidString(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch r {
		case '•', '・', '‧', '∙', '⋅', '●':
			return '·'
		}
		return r
	}, NormalizeText(s))
	runes := []rune(s)
	out := runes[:0]
	for i, r := range runes {
		if r == ' ' && i > 0 && i+1 < len(runes) && nameRune(runes[i-1]) && nameRune(runes[i+1]) {
			continue
		}
		out = append(out, r)
	}
	return string(out)
}

// NormalizeCode is NormalizeText for codes and numbers, where neither width nor spaces mean anything: full-width letters, digits
// and signs become plain, spaces go.
func NormalizeCode(s string) string {
	if !utf8.ValidString(s) {
		return s
	}
	return NormalizeText(strings.Map(func(r rune) rune {
		if r = visible(narrow(r)); r == ' ' {
			return -1
		}
		return r
	}, s))
}

// plainLine spares texts in their one form already, nearly all, the work.
func plainLine(s string) bool {
	space := true // as if one stood before the text
	for _, r := range s {
		switch {
		case r == ' ':
			if space {
				return false
			}
			space = true
			continue
		case r < 0x20 || r >= 0x7f && r < 0x4e00 || r > 0x9fff:
			return false
		}
		space = false
	}
	return !space || s == ""
}

func nameRune(r rune) bool {
	return unicode.Is(unicode.Han, r) || r == '·' || unicode.Is(unicode.Co, r)
}

// compose is NFC for all but the characters that keep their form.
func compose(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	run := 0 // start of what was not written yet
	for i, r := range s {
		if keepsForm(r) {
			b.WriteString(norm.NFC.String(s[run:i]))
			b.WriteRune(r)
			run = i + utf8.RuneLen(r)
		}
	}
	b.WriteString(norm.NFC.String(s[run:]))
	return b.String()
}

// keepsForm tells characters that NFC would replace although people tell them apart: compatibility ideographs, glyph variants that
// stand in names on documents.
func keepsForm(r rune) bool {
	return r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F
}

// visible drops what cannot be seen (controls, zero-width characters, marks of direction), makes every blank a space, and turns
// the Kangxi radicals that come with text copied out of PDF files into the characters they look like.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r):
		return -1
	case r >= 0x2F00 && r <= 0x2FD5:
		plain := []rune(norm.NFKC.String(string(r)))
		return plain[0]
	}
	return r
}
