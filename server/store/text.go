package store

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"minqing/schema"
)

// AppendText appends a text just as encoding/json writes it, and much faster as long as there is little to escape in it. Chains are made over
// what encoding/json wrote.
func AppendText(b []byte, text string) []byte {
	n := len(b)
	b = append(b, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			b = append(append(b, text[from:i]...), '\\', c)
			i++
			from = i
		case c < ' ' || c == '<' || c == '>' || c == '&':
			return appendMarshalled(b[:n], text)
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
				return appendMarshalled(b[:n], text)
			}
			i += size
		}
	}
	return append(append(b, text[from:]...), '"')
}

func appendMarshalled(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, and structs of nothing else, always marshal
	}
	return append(b, text...)
}

// AppendTexts appends a list of texts.
func AppendTexts[T ~string](b []byte, texts []T) []byte {
	b = append(b, '[')
	for i, t := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(b, string(t))
	}
	return append(b, ']')
}

// escapedInHTML is what encoding/json writes otherwise than canonical JSON; the last begins the two line ends of Unicode.
var escapedInHTML = [][]byte{{'<'}, {'>'}, {'&'}, {0xe2, 0x80}}

// appendValue appends a value as encoding/json does its canonical JSON.
func appendValue(b []byte, v schema.Value) []byte {
	n := len(b)
	b = v.AppendJSON(b)
	raw := b[n:]
	for _, some := range escapedInHTML {
		if bytes.Contains(raw, some) {
			var safe bytes.Buffer
			json.HTMLEscape(&safe, raw)
			return append(b[:n], safe.Bytes()...)
		}
	}
	return b
}

// BaseText is the base as the history keeps it and the chain hashes it. From the first call on it stays as it is.
func (v *Version) BaseText() string {
	if v.baseText != "" {
		return v.baseText
	}
	if v.Base.Over != nil || v.Base.Open != nil {
		v.baseText = string(appendMarshalled(nil, v.Base))
		return v.baseText
	}
	b := AppendText([]byte(`{"Epoch":`), string(v.Base.Epoch))
	b = strconv.AppendUint(append(b, `,"Rev":`...), v.Base.Rev, 10)
	v.baseText = string(append(b, `,"Over":null,"Open":null}`...))
	return v.baseText
}
