package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseValue reads a JSON value, canonical or not, as one of the given kind. Null is accepted for every kind. Numbers with a
// fraction, an exponent, a negative zero or beyond ±(2^53-1) are refused, as are texts that are not UTF-8, hold half a
// surrogate pair or U+0000, and sets with an empty element. Tuples are read by Cell.Parse, which knows their length.
func ParseValue(kind Kind, raw []byte) (Value, error) {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		return Null, nil
	}
	if len(raw) == 0 {
		return Null, fmt.Errorf("empty value")
	}
	switch kind {
	case KindInt:
		return parseInt(raw)
	case KindText:
		s, err := parseString(raw)
		return Text(s), err
	case KindSet:
		return parseSet(raw)
	}
	return Null, fmt.Errorf("values of kind %d are read through their group", kind)
}

// parseSet takes a canonical set as it stands: nearly every set comes from a database or a peer that wrote it so.
func parseSet(raw []byte) (Value, error) {
	if canonicalSet(raw) {
		return Value{kind: KindSet, text: string(raw)}, nil
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return Null, fmt.Errorf("want an array of texts, got %s", clip(raw))
	}
	elements := make([]string, 0, len(parts))
	for _, p := range parts {
		s, err := parseString(p)
		if err != nil {
			return Null, err
		}
		if s == "" {
			return Null, fmt.Errorf("a set may not hold an empty text")
		}
		elements = append(elements, s)
	}
	return Set(elements...), nil
}

// canonicalSet tells whether raw is the canonical JSON of a set whose elements need no escapes; false says nothing.
func canonicalSet(raw []byte) bool {
	if len(raw) < 5 || raw[0] != '[' || raw[len(raw)-1] != ']' {
		return false
	}
	var last []byte
	for rest := raw[1 : len(raw)-1]; ; {
		if len(rest) < 3 || rest[0] != '"' {
			return false
		}
		end := bytes.IndexByte(rest[1:], '"') + 2
		if end < 3 || !plain(rest[1:end-1]) || bytes.Compare(rest[1:end-1], last) <= 0 {
			return false
		}
		last = rest[1 : end-1]
		if end == len(rest) {
			return true
		}
		if rest[end] != ',' {
			return false
		}
		rest = rest[end+1:]
	}
}

// plain tells whether what stands between the quotation marks of a JSON text is the text itself.
func plain(inner []byte) bool {
	for _, c := range inner {
		if c < 0x20 || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.Valid(inner)
}

// parseParts reads an array of nulls, integers and texts; the JSON itself tells the kinds apart.
func parseParts(raw []byte) ([]Value, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, fmt.Errorf("want an array of values, got %s", clip(raw))
	}
	out := make([]Value, len(parts))
	for i, p := range parts {
		kind := KindInt
		if p[0] == '"' {
			kind = KindText
		}
		var err error
		if out[i], err = ParseValue(kind, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseInt(raw []byte) (Value, error) {
	digits := strings.TrimPrefix(string(raw), "-")
	n, err := strconv.ParseInt(string(raw), 10, 64)
	padded := len(digits) > 1 && digits[0] == '0' // JSON has no 007
	if err != nil || padded || raw[0] == '+' || string(raw) == "-0" || n > MaxInt || n < MinInt {
		return Null, fmt.Errorf("want a whole number between -(2^53-1) and 2^53-1, got %s", clip(raw))
	}
	return Int(n), nil
}

// parseString refuses what encoding/json would mend silently: a mended text would hash differently here and at its author's.
func parseString(raw []byte) (string, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", fmt.Errorf("want a text, got %s", clip(raw))
	}
	if inner := raw[1 : len(raw)-1]; raw[len(raw)-1] == '"' && plain(inner) {
		return string(inner), nil
	}
	if !utf8.Valid(raw) {
		return "", fmt.Errorf("a text is not UTF-8: %q", clip(raw))
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("want a text, got %s", clip(raw))
	}
	if strings.ContainsRune(s, utf8.RuneError) && strings.Count(s, "\uFFFD") != strings.Count(string(raw), "\uFFFD")+escapedFFFD(raw) {
		return "", fmt.Errorf("a text holds half a surrogate pair: %s", clip(raw))
	}
	if strings.ContainsRune(s, '\u0000') {
		return "", fmt.Errorf("a text may not hold the character U+0000") // PostgreSQL cannot store it
	}
	return s, nil
}

// escapedFFFD counts the escapes that stand for U+FFFD itself; every further U+FFFD in the decoded text was a lone surrogate.
func escapedFFFD(raw []byte) int {
	n := 0
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] == 'u' && i+6 <= len(raw) && strings.EqualFold(string(raw[i+2:i+6]), "fffd") {
			n++
		}
		i++ // whatever is escaped, a second backslash included, is no escape itself
	}
	return n
}

func clip(raw []byte) string {
	const most = 40
	if len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}
