// Package strict reads the JSON of the protocol: every duplicate key, unknown escape, lone surrogate, trailing byte, fraction and
// depth beyond the limit is an error that names its place. It copies nothing that it can share: texts without escapes are
// substrings of the input. It also gives the canonical form of any value (RFC 8785, restricted as PROTOCOL.md says).
//
// The input must be valid UTF-8; callers check that once for the whole line.
package strict

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxInt bounds integers to what every JSON reader keeps exact.
const MaxInt = 1<<53 - 1

// problem is a place in the input and what is wrong there.
type problem struct {
	At   int // byte offset
	What string
}

func (p *problem) Error() string { return fmt.Sprintf("byte %d: %s", p.At, p.What) }

// Scanner reads one JSON value piece by piece.
type Scanner struct {
	in    string
	pos   int
	depth int
	most  int
}

// New makes a scanner over in that refuses values nested deeper than most.
func New(in string, most int) *Scanner { return &Scanner{in: in, most: most} }

// Pos is the offset of the next byte to be read.
func (s *Scanner) Pos() int { return s.pos }

// Fail makes an error at the current place.
func (s *Scanner) Fail(format string, args ...any) error {
	return &problem{At: s.pos, What: fmt.Sprintf(format, args...)}
}

// Peek returns the first byte of the next value, 0 at the end of the input.
func (s *Scanner) Peek() byte {
	s.space()
	if s.pos >= len(s.in) {
		return 0
	}
	return s.in[s.pos]
}

func (s *Scanner) space() {
	for s.pos < len(s.in) {
		switch s.in[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// End refuses anything but white space after the value.
func (s *Scanner) End() error {
	if s.Peek() != 0 || s.pos < len(s.in) {
		return s.Fail("something follows the end of the value")
	}
	return nil
}

func (s *Scanner) enter() error {
	s.depth++
	if s.depth > s.most {
		return s.Fail("nested deeper than %d", s.most)
	}
	s.pos++
	return nil
}

// Object reads an object: each is called with the scanner before the value of key and must read that value. A key that comes twice
// is an error.
func (s *Scanner) Object(each func(key string) error) error {
	if s.Peek() != '{' {
		return s.Fail("want an object")
	}
	if err := s.enter(); err != nil {
		return err
	}
	var seen keys
	for first := true; ; first = false {
		c := s.Peek()
		if c == '}' && first {
			break
		}
		if !first {
			if c == '}' {
				break
			}
			if c != ',' {
				return s.Fail("want a comma or the end of the object")
			}
			s.pos++
			s.space()
		}
		at := s.pos
		key, err := s.Text()
		if err != nil {
			return err
		}
		if !seen.add(key) {
			return &problem{At: at, What: fmt.Sprintf("the key %s comes twice", strconv.Quote(Clip(key)))}
		}
		if s.Peek() != ':' {
			return s.Fail("want a colon")
		}
		s.pos++
		if err := each(key); err != nil {
			return err
		}
	}
	s.pos++
	s.depth--
	return nil
}

// keys remembers the keys of one object: few in a slice, many in a map.
type keys struct {
	few  [8]string
	n    int
	many map[string]bool
}

func (k *keys) add(key string) bool {
	if k.many != nil {
		if k.many[key] {
			return false
		}
		k.many[key] = true
		return true
	}
	for _, have := range k.few[:k.n] {
		if have == key {
			return false
		}
	}
	if k.n < len(k.few) {
		k.few[k.n] = key
		k.n++
		return true
	}
	k.many = map[string]bool{key: true}
	for _, have := range k.few {
		k.many[have] = true
	}
	return true
}

// Array reads an array: each is called with the scanner before the element and must read it.
func (s *Scanner) Array(each func(i int) error) error {
	if s.Peek() != '[' {
		return s.Fail("want an array")
	}
	if err := s.enter(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		c := s.Peek()
		if c == ']' {
			break
		}
		if i > 0 {
			if c != ',' {
				return s.Fail("want a comma or the end of the array")
			}
			s.pos++
			if s.Peek() == ']' {
				return s.Fail("an element is missing after the comma")
			}
		}
		if err := each(i); err != nil {
			return err
		}
	}
	s.pos++
	s.depth--
	return nil
}

// Text reads a string that holds no U+0000, which PostgreSQL cannot store.
func (s *Scanner) Text() (string, error) {
	at := s.pos
	t, err := s.text()
	if err != nil {
		return "", err
	}
	if strings.IndexByte(t, 0) >= 0 {
		return "", &problem{At: at, What: "a text may not hold the character U+0000"}
	}
	return t, nil
}

func (s *Scanner) text() (string, error) {
	if s.Peek() != '"' {
		return "", s.Fail("want a text")
	}
	start := s.pos + 1
	for i := start; i < len(s.in); i++ {
		switch c := s.in[i]; {
		case c == '"':
			s.pos = i + 1
			return s.in[start:i], nil
		case c == '\\':
			return s.escaped(start, i)
		case c < 0x20:
			s.pos = i
			return "", s.Fail("a control character inside a text must be escaped")
		}
	}
	return "", s.Fail("the text has no end")
}

// escaped goes on reading a text whose first escape stands at i.
func (s *Scanner) escaped(start, i int) (string, error) {
	var b strings.Builder
	b.WriteString(s.in[start:i])
	for i < len(s.in) {
		c := s.in[i]
		switch {
		case c == '"':
			s.pos = i + 1
			return b.String(), nil
		case c < 0x20:
			s.pos = i
			return "", s.Fail("a control character inside a text must be escaped")
		case c != '\\':
			b.WriteByte(c)
			i++
			continue
		}
		s.pos = i
		r, n := s.escape(s.in[i:])
		if n == 0 {
			return "", s.Fail("an escape that JSON does not have, or half of a surrogate pair")
		}
		b.WriteRune(r)
		i += n
	}
	return "", s.Fail("the text has no end")
}

// escape reads the escape at the start of in and tells its length, 0 for a wrong one.
func (s *Scanner) escape(in string) (rune, int) {
	if len(in) < 2 {
		return 0, 0
	}
	switch in[1] {
	case '"', '\\', '/':
		return rune(in[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, ok := hex4(in[2:])
		if !ok {
			return 0, 0
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(in) < 12 || in[6] != '\\' || in[7] != 'u' {
			return 0, 0
		}
		low, ok := hex4(in[8:])
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return 0, 0
		}
		return r, 12
	}
	return 0, 0
}

func hex4(in string) (rune, bool) {
	if len(in) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := in[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Int reads a whole number within ±(2^53-1), without fraction, exponent or negative zero.
func (s *Scanner) Int() (int64, error) {
	s.space()
	at := s.pos
	literal, err := s.number()
	if err != nil {
		return 0, err
	}
	n, ok := parseInt(literal)
	if !ok {
		return 0, &problem{At: at, What: "want a whole number between -(2^53-1) and 2^53-1, got " + Clip(literal)}
	}
	return n, nil
}

// parseInt reads the literal of a JSON number that is a whole number within ±(2^53-1).
func parseInt(literal string) (int64, bool) {
	if literal == "-0" || len(literal) > 17 {
		return 0, false
	}
	n, err := strconv.ParseInt(literal, 10, 64)
	return n, err == nil && n <= MaxInt && n >= -MaxInt
}

// number reads any JSON number and returns it as written.
func (s *Scanner) number() (string, error) {
	start, i := s.pos, s.pos
	if i < len(s.in) && s.in[i] == '-' {
		i++
	}
	whole := digits(s.in, i)
	if whole == i || (s.in[i] == '0' && whole > i+1) {
		return "", s.Fail("want a number")
	}
	i = whole
	if i < len(s.in) && s.in[i] == '.' {
		part := digits(s.in, i+1)
		if part == i+1 {
			return "", s.Fail("want digits after the point")
		}
		i = part
	}
	if i < len(s.in) && (s.in[i] == 'e' || s.in[i] == 'E') {
		i++
		if i < len(s.in) && (s.in[i] == '+' || s.in[i] == '-') {
			i++
		}
		part := digits(s.in, i)
		if part == i {
			return "", s.Fail("want digits in the exponent")
		}
		i = part
	}
	s.pos = i
	return s.in[start:i], nil
}

func digits(in string, i int) int {
	for i < len(in) && in[i] >= '0' && in[i] <= '9' {
		i++
	}
	return i
}

// Bool reads true or false.
func (s *Scanner) Bool() (bool, error) {
	s.space()
	switch {
	case s.word("true"):
		return true, nil
	case s.word("false"):
		return false, nil
	}
	return false, s.Fail("want true or false")
}

// Null reads null if it comes next.
func (s *Scanner) Null() bool {
	s.space()
	return s.word("null")
}

func (s *Scanner) word(w string) bool {
	if strings.HasPrefix(s.in[s.pos:], w) {
		s.pos += len(w)
		return true
	}
	return false
}

// Clip shortens a piece of input for a message.
func Clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// Raw passes over the next value and returns it as written. Only brackets and texts are looked at: whoever reads the value then checks it.
func (s *Scanner) Raw() (string, error) {
	s.space()
	start, depth := s.pos, 0
	for i := s.pos; i < len(s.in); i++ {
		switch s.in[i] {
		case '"':
			for i++; i < len(s.in) && s.in[i] != '"'; i++ {
				if s.in[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			continue
		}
		if depth == 0 && i < len(s.in) {
			s.pos = i + 1
			return s.in[start:s.pos], nil
		}
		if depth < 0 {
			break
		}
	}
	return "", s.Fail("want an object, an array or a text that ends")
}
