package schema

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Kind tells what a Value holds.
type Kind uint8

// The kinds of value. A tuple is the value of a group: the values of its columns in schema order.
const (
	KindNull Kind = iota
	KindInt
	KindText
	KindSet
	KindTuple
)

// MaxInt bounds integers to what every JSON reader keeps exact (2^53 - 1); MinInt is its mirror.
const (
	MaxInt = 1<<53 - 1
	MinInt = -MaxInt
)

// Value is the value of one cell: null, an integer, a text, a set of texts or the tuple of a group. Values are immutable and
// comparable with ==: a set or tuple is kept as its canonical JSON, so equal values are equal Go values and map keys.
type Value struct {
	kind Kind
	num  int64
	text string
}

// Null is the absent value; it is also the zero Value.
var Null = Value{}

// Int makes an integer value. The caller keeps it within MinInt..MaxInt (ParseValue and Column.Check enforce it on input).
func Int(n int64) Value { return Value{kind: KindInt, num: n} }

// Text makes a text value; it is to be valid UTF-8. The empty text is Null: a cleared field and one never filled are the same
// thing to people, so they have one form.
func Text(s string) Value {
	if s == "" {
		return Null
	}
	return Value{kind: KindText, text: s}
}

// Set makes a set value; the order and repetition of elements do not matter. A set without elements is Null, so that
// “nothing there” has one form.
func Set(elements ...string) Value {
	if len(elements) == 0 {
		return Null
	}
	sorted := slices.Clone(elements)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	return Value{kind: KindSet, text: string(marshal(sorted))}
}

// Tuple makes the value of a group. A tuple of nulls only is Null.
func Tuple(values ...Value) Value {
	allNull := true
	for _, v := range values {
		allNull = allNull && v.kind == KindNull
	}
	if allNull {
		return Null
	}
	var b []byte
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.AppendJSON(b)
	}
	return Value{kind: KindTuple, text: string(append(b, ']'))}
}

// Kind tells which accessor applies.
func (v Value) Kind() Kind { return v.kind }

// IsNull tells whether v is absent.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Num returns the integer of a KindInt value, else 0.
func (v Value) Num() int64 { return v.num }

// Str returns the text of a KindText value, else "".
func (v Value) Str() string {
	if v.kind != KindText {
		return ""
	}
	return v.text
}

// Elements returns the elements of a set in bytewise order, nil for other kinds.
func (v Value) Elements() []string {
	if v.kind != KindSet {
		return nil
	}
	if !strings.Contains(v.text, `\`) { // then quotation marks stand around elements only
		return strings.Split(v.text[2:len(v.text)-2], `","`)
	}
	var out []string
	if err := json.Unmarshal([]byte(v.text), &out); err != nil {
		panic("schema: a set that is not canonical JSON: " + v.text) // only Set and ParseValue make sets
	}
	return out
}

// Parts returns the values of a tuple in schema order, nil for other kinds (a tuple of nulls is Null, see Cell.Split).
func (v Value) Parts() []Value {
	if v.kind != KindTuple {
		return nil
	}
	parts, err := parseParts([]byte(v.text))
	if err != nil {
		panic("schema: a tuple that is not canonical JSON: " + v.text) // only Tuple makes tuples
	}
	return parts
}

// AppendJSON appends the canonical JSON of v: null, an integer without exponent, a string as RFC 8785 and JSON.stringify write it, or
// an array.
// It is the form hashed by digests and identities and sent on the wire.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case KindInt:
		return strconv.AppendInt(b, v.num, 10)
	case KindText:
		return appendString(b, v.text)
	case KindSet, KindTuple:
		return append(b, v.text...)
	default:
		return append(b, "null"...)
	}
}

// String is the canonical JSON, for messages and tests.
func (v Value) String() string { return string(v.AppendJSON(nil)) }

func appendString(b []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func marshal(elements []string) []byte {
	b := []byte{'['}
	for i, e := range elements {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, e)
	}
	return append(b, ']')
}
