package syncproto

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"minqing/schema"
	"minqing/syncproto/internal/strict"
)

// Identity names the change for ever: the first 16 bytes of SHA-256 over the canonical JSON of [device, number, content], where
// device and number are the first name. The current name and the labels play no part. Content must be set (Seal).
func (c *Change) Identity() Identity {
	b := make([]byte, 0, len(c.Content)+64)
	b = append(b, '[')
	b = strict.AppendText(b, string(c.First.Device))
	b = append(b, ',')
	b = strconv.AppendUint(b, c.First.Number, 10)
	b = append(b, ',')
	b = append(b, c.Content...)
	sum := sha256.Sum256(append(b, ']'))
	return Identity(hex.EncodeToString(sum[:16]))
}

// Seal writes Content from the fields, and First from Name when there is none: the last act of the author. It refuses what cannot
// travel: a text that is not UTF-8 or holds U+0000, a number beyond ±(2^53-1), a change without edits.
func (c *Change) Seal() error {
	if c.First == (Name{}) {
		c.First = c.Name
	}
	w := contentWriter{b: make([]byte, 0, 512)}
	w.content(c)
	if w.err == nil && !utf8.Valid(w.b) {
		w.err = fmt.Errorf("a text is not UTF-8")
	}
	if w.err == nil && len(c.Edits) == 0 {
		w.err = fmt.Errorf("a change without edits")
	}
	if w.err != nil {
		return &Error{Code: CodeInvalid, Op: fmt.Sprintf("seal change %d", c.Name.Number), Message: Both("这处改动写得不对，没法上传。", "This change cannot travel as it is."),
			Hint: Both("把写坏的内容改正后再存一次。", "Correct the value and save again."), Err: w.err}
	}
	c.Content = w.b
	return nil
}

// contentWriter writes canonical JSON: the keys of every object stand in ascending order in this code.
type contentWriter struct {
	b   []byte
	err error
}

func (w *contentWriter) raw(s string) { w.b = append(w.b, s...) }

func (w *contentWriter) text(s string) {
	for i := range len(s) {
		if s[i] == 0 {
			w.fail("the text %q holds U+0000", clip(s))
		}
	}
	w.b = strict.AppendText(w.b, s)
}

func (w *contentWriter) int(n int64) {
	if n > strict.MaxInt || n < -strict.MaxInt {
		w.fail("%d is beyond ±(2^53-1)", n)
	}
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *contentWriter) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *contentWriter) content(c *Change) {
	w.raw(`{"at":`)
	w.int(c.At)
	if c.Cursor != "" {
		w.raw(`,"cursor":`)
		w.text(c.Cursor)
	}
	w.raw(`,"edits":[`)
	for i := range c.Edits {
		if i > 0 {
			w.raw(",")
		}
		w.edit(&c.Edits[i])
	}
	w.raw("]")
	if c.Mends != "" {
		w.raw(`,"mends":`)
		w.text(string(c.Mends))
	}
	if c.Offset != 0 {
		w.raw(`,"offset":`)
		w.int(c.Offset)
	}
	w.raw("}")
}

func (w *contentWriter) edit(e *Edit) {
	w.raw("{")
	if base := &e.Base; base.Epoch != "" || base.Rev != 0 || len(base.Over) > 0 || len(base.Open) > 0 {
		w.raw(`"base":`)
		w.base(base)
		w.raw(",")
	}
	if len(e.Cells) > 0 {
		w.raw(`"cells":{`)
		cells := slices.Clone(e.Cells)
		slices.SortFunc(cells, func(a, b CellEdit) int { return compareText(a.Cell, b.Cell) })
		for i := range cells {
			if i > 0 {
				w.raw(",")
				if cells[i].Cell == cells[i-1].Cell {
					w.fail("the cell %s.%s is written twice", e.Table, cells[i].Cell)
				}
			}
			w.text(cells[i].Cell)
			w.raw(":")
			w.cell(&cells[i])
		}
		w.raw("},")
	}
	if len(e.Decides) > 0 {
		w.raw(`"decides":`)
		w.texts(e.Decides)
		w.raw(",")
	}
	word, ok := opWords[e.Op]
	if !ok {
		w.fail("no operation %q", e.Op)
	}
	w.raw(`"op":"` + word + `","row":`)
	w.text(string(e.Row))
	w.raw(`,"table":`)
	w.text(e.Table)
	if e.UndoOf != "" {
		w.raw(`,"undo":`)
		w.text(string(e.UndoOf))
	}
	w.raw("}")
}

func (w *contentWriter) base(base *Base) {
	w.raw(`{"epoch":`)
	w.text(string(base.Epoch))
	if len(base.Open) > 0 {
		w.raw(`,"open":{`)
		cells := make([]string, 0, len(base.Open))
		for cell := range base.Open {
			cells = append(cells, cell)
		}
		slices.Sort(cells)
		for i, cell := range cells {
			if i > 0 {
				w.raw(",")
			}
			w.text(cell)
			w.raw(":")
			writeTexts(w, base.Open[cell])
		}
		w.raw("}")
	}
	if len(base.Over) > 0 {
		w.raw(`,"over":`)
		writeTexts(w, base.Over)
	}
	w.raw(`,"rev":`)
	if base.Rev > strict.MaxInt {
		w.fail("rev %d is beyond 2^53-1", base.Rev)
	}
	w.b = strconv.AppendUint(w.b, base.Rev, 10)
	w.raw("}")
}

func (w *contentWriter) cell(e *CellEdit) {
	switch {
	case e.Raw != nil:
		w.b = append(w.b, e.Raw...)
	case len(e.Add) > 0 || len(e.Del) > 0:
		w.raw("{")
		if len(e.Add) > 0 {
			w.raw(`"add":`)
			w.texts(sorted(e.Add))
		}
		if len(e.Del) > 0 {
			if len(e.Add) > 0 {
				w.raw(",")
			}
			w.raw(`"del":`)
			w.texts(sorted(e.Del))
		}
		w.raw("}")
	case e.Delta != 0:
		w.raw(`{"delta":`)
		w.int(e.Delta)
		w.raw("}")
	case e.Value.Kind() == schema.KindInt:
		w.int(e.Value.Num())
	case e.Value.Kind() == schema.KindText:
		w.text(e.Value.Str())
	default:
		w.b = e.Value.AppendJSON(w.b)
	}
}

func (w *contentWriter) texts(list []string) { writeTexts(w, list) }

func writeTexts[T ~string](w *contentWriter, list []T) {
	w.raw("[")
	for i, s := range list {
		if i > 0 {
			w.raw(",")
		}
		w.text(string(s))
	}
	w.raw("]")
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// opWords are the operations as they travel.
var opWords = map[Op]string{OpCreate: "create", OpUpdate: "update", OpDelete: "delete"}
