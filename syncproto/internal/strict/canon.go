package strict

import (
	"sort"
	"strconv"
)

// Canonical appends the canonical form of the next value to b: no white space, keys in ascending order, texts with the fewest
// escapes, numbers as written. Keys must be printable ASCII, so that order by bytes and by UTF-16 units agree. U+0000 is let
// through here: what holds it is kept and refused by name later.
func (s *Scanner) Canonical(b []byte) ([]byte, error) {
	switch c := s.Peek(); c {
	case '{':
		return s.canonicalObject(b)
	case '[':
		b = append(b, '[')
		err := s.Array(func(i int) (err error) {
			if i > 0 {
				b = append(b, ',')
			}
			b, err = s.Canonical(b)
			return err
		})
		return append(b, ']'), err
	case '"':
		t, err := s.text()
		if err != nil {
			return b, err
		}
		return AppendText(b, t), nil
	case 't', 'f', 'n':
		for _, w := range []string{"true", "false", "null"} {
			if s.word(w) {
				return append(b, w...), nil
			}
		}
		return b, s.Fail("want a value")
	case 0:
		return b, s.Fail("want a value, found the end")
	default:
		literal, err := s.number()
		return append(b, literal...), err
	}
}

// member is where one key and its value stand in the output.
type member struct {
	key        string
	start, end int
}

func (s *Scanner) canonicalObject(b []byte) ([]byte, error) {
	b = append(b, '{')
	start := len(b)
	var few [8]member
	members, sorted := few[:0], true
	err := s.Object(func(key string) (err error) {
		for i := range len(key) {
			if key[i] < 0x20 || key[i] > 0x7e {
				return s.Fail("the key %s is not printable ASCII", strconv.Quote(Clip(key)))
			}
		}
		if n := len(members); n > 0 {
			b = append(b, ',')
			sorted = sorted && members[n-1].key < key
		}
		m := member{key: key, start: len(b)}
		b = append(AppendText(b, key), ':')
		b, err = s.Canonical(b)
		m.end = len(b)
		members = append(members, m)
		return err
	})
	if err != nil {
		return b, err
	}
	if !sorted {
		loose := string(b[start:])
		sort.Slice(members, func(i, j int) bool { return members[i].key < members[j].key })
		b = b[:start]
		for i, m := range members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, loose[m.start-start:m.end-start]...)
		}
	}
	return append(b, '}'), nil
}

// AppendText appends a text as canonical JSON: just what RFC 8785 and JSON.stringify write.
func AppendText(b []byte, t string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(t); i++ {
		c := t[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, t[done:i]...)
		done = i + 1
		b = append(b, '\\')
		switch c {
		case '"', '\\':
			b = append(b, c)
		case '\b':
			b = append(b, 'b')
		case '\t':
			b = append(b, 't')
		case '\n':
			b = append(b, 'n')
		case '\f':
			b = append(b, 'f')
		case '\r':
			b = append(b, 'r')
		default:
			const hex = "0123456789abcdef"
			b = append(b, 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, t[done:]...)
	return append(b, '"')
}
