package merge

import (
	"encoding/json"
	"strconv"
	"strings"

	"minqing/syncproto"
)

// ParseState reads what encoding/json made of a State. Whoever loads a row reads its state, and most states are plain: few heads, no escapes.
// Those are read here; whatever looks otherwise in the least is left to encoding/json.
func ParseState(text string) (State, error) {
	if s, plain := parsePlain(text); plain {
		return s, nil
	}
	var s State
	err := json.Unmarshal([]byte(text), &s)
	return s, err
}

// Format writes what encoding/json makes of the state: ParseState reads it. Plain states are written here, as they are read.
func (s State) Format() (string, error) {
	if text, plain := s.formatPlain(); plain {
		return text, nil
	}
	text, err := json.Marshal(s)
	return string(text), err
}

func (s *State) formatPlain() (text string, ok bool) {
	if len(s.Open) > 0 || s.Dead || len(s.Awaits) > 0 {
		return "", false
	}
	out := plainWriter{b: make([]byte, 0, 512), ok: true}
	out.b = append(out.b, '{')
	for i := range s.Heads {
		if i == 0 {
			out.b = append(out.b, `"h":[`...)
		} else {
			out.b = append(out.b, ',')
		}
		out.head(&s.Heads[i])
	}
	if len(s.Heads) > 0 {
		out.b = append(out.b, ']')
	}
	if s.Top > 0 {
		if len(s.Heads) > 0 {
			out.b = append(out.b, ',')
		}
		out.b = strconv.AppendUint(append(out.b, `"t":`...), s.Top, 10)
	}
	return string(append(out.b, '}')), out.ok
}

// plainWriter writes texts without escapes; ok is false once one needs them.
type plainWriter struct {
	b  []byte
	ok bool
}

func (out *plainWriter) head(h *Head) {
	out.ok = out.ok && h.Labels != nil && h.Cells != nil // else encoding/json writes null
	out.b = append(out.b, `{"i":`...)
	out.text(string(h.ID))
	out.b = strconv.AppendUint(append(out.b, `,"s":`...), h.Seq, 10)
	out.b = append(out.b, `,"l":[`...)
	for i, l := range h.Labels {
		if i > 0 {
			out.b = append(out.b, ',')
		}
		out.b = append(out.b, `{"Epoch":`...)
		out.text(string(l.Epoch))
		out.b = append(strconv.AppendUint(append(out.b, `,"Rev":`...), l.Rev, 10), '}')
	}
	out.b = append(out.b, `],"c":[`...)
	for i, c := range h.Cells {
		if i > 0 {
			out.b = append(out.b, ',')
		}
		out.text(c)
	}
	out.b = append(out.b, "]}"...)
}

func (out *plainWriter) text(s string) {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			out.ok = false
		}
	}
	out.b = append(append(append(out.b, '"'), s...), '"')
}

func parsePlain(text string) (s State, ok bool) {
	in := plainText{rest: text, ok: true}
	in.want("{")
	if in.has(`"h":[`) {
		for first := true; first || in.has(","); first = false {
			s.Heads = append(s.Heads, in.head())
		}
		in.want("]")
		if in.has(`,"t":`) {
			s.Top = in.number()
		}
	} else if in.has(`"t":`) {
		s.Top = in.number()
	}
	in.want("}")
	return s, in.ok && in.rest == ""
}

// plainText reads a text from its beginning; ok is false once it was not as expected.
type plainText struct {
	rest string
	ok   bool
}

func (in *plainText) has(prefix string) bool {
	rest, has := strings.CutPrefix(in.rest, prefix)
	if has {
		in.rest = rest
	}
	return has
}

func (in *plainText) want(prefix string) {
	in.ok = in.has(prefix) && in.ok
}

func (in *plainText) head() (h Head) {
	in.want(`{"i":`)
	h.ID = syncproto.Identity(in.text())
	in.want(`,"s":`)
	h.Seq = in.number()
	in.want(`,"l":[`)
	for first := true; first || in.has(","); first = false {
		in.want(`{"Epoch":`)
		l := syncproto.Label{Epoch: syncproto.EpochID(in.text())}
		in.want(`,"Rev":`)
		l.Rev = in.number()
		in.want("}")
		h.Labels = append(h.Labels, l)
	}
	in.want(`],"c":[`)
	for first := true; first || in.has(","); first = false {
		h.Cells = append(h.Cells, in.text())
	}
	in.want("]}")
	return h
}

// text reads a text of ASCII without escapes.
func (in *plainText) text() string {
	in.want(`"`)
	for i := range len(in.rest) {
		switch c := in.rest[i]; {
		case c == '"':
			t := in.rest[:i]
			in.rest = in.rest[i+1:]
			return t
		case c < ' ' || c >= 0x7f || c == '\\':
			in.ok = false
			return ""
		}
	}
	in.ok = false
	return ""
}

// number reads a number of at most 18 digits as encoding/json writes it.
func (in *plainText) number() (n uint64) {
	digits := 0
	for digits < len(in.rest) && in.rest[digits] >= '0' && in.rest[digits] <= '9' {
		n = n*10 + uint64(in.rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 18 || digits > 1 && in.rest[0] == '0' {
		in.ok = false
	}
	in.rest = in.rest[digits:]
	return n
}
