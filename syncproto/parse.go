package syncproto

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"minqing/schema"
	"minqing/syncproto/internal/strict"
)

// ParseContent reads the content of a change and puts it into its canonical form. An error means that it is not JSON such as the
// protocol takes, and that nothing can be kept of it. Whatever else is wrong (a table that the book does not know, a value of
// another kind, a number that is not whole) is the change's Defect: it is refused by itself and blocks no other.
func ParseContent(book *schema.Book, name, first Name, content string) (*Change, error) {
	if len(content) > MaxFrameBytes {
		return nil, &Error{Code: CodeTooLarge, Op: "content", Message: Both("一处改动太大。", "One change is too large."), Hint: Both("分成几次保存。", "Save it in parts.")}
	}
	bad := func(err error) error {
		return &Error{Code: CodeInvalid, Op: "content", Message: Both(fmt.Sprintf("改动的内容不是合规的 JSON：%s。", err), fmt.Sprintf("The content of a change is not JSON as the protocol takes it: %s.", err)),
			Hint: Both("这是程序的问题，请升级客户端或报告。", "This is a fault of the program: upgrade it, or report it."), Err: err}
	}
	if !utf8.ValidString(content) {
		return nil, bad(errors.New("not UTF-8"))
	}
	s := strict.New(content, MaxDepth)
	if s.Peek() != '{' {
		return nil, bad(s.Fail("want an object"))
	}
	canonical, err := s.Canonical(make([]byte, 0, len(content)))
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return nil, bad(err)
	}
	c := &Change{Name: name, First: first, Content: canonical}
	p := contentParser{Scanner: strict.New(string(canonical), MaxDepth), text: string(canonical), book: book, change: c}
	if err := p.content(); err != nil {
		p.defect(CodeInvalid, "改动写得不合规。", "The change breaks a rule.", err)
	} else if len(c.Edits) == 0 {
		p.defect(CodeInvalid, "改动里什么也没有。", "The change edits nothing.", nil)
	}
	return c, nil
}

// contentParser reads canonical content into a Change.
type contentParser struct {
	*strict.Scanner
	text   string
	book   *schema.Book
	change *Change
}

// defect notes the first thing wrong; an unknown table or column goes before all else, for it heals by upgrading the server.
func (p *contentParser) defect(code Code, zh, en string, err error) {
	if have := p.change.Defect; have != nil && (code != CodeUnknown || have.Code == CodeUnknown) {
		return
	}
	hint := Both("改正后重新提交。", "Correct it and submit again.")
	if code == CodeUnknown {
		hint = Both("请管理员升级服务器；这处改动会留着。", "Ask the administrator to upgrade the server; the change is kept.")
	}
	p.change.Defect = &Error{Code: code, Op: fmt.Sprintf("change %d", p.change.Name.Number), Message: Both(zh, en), Hint: hint, Err: err}
}

func (p *contentParser) content() error {
	c := p.change
	return p.Object(func(key string) (err error) {
		switch key {
		case "at":
			c.At, err = p.Int()
		case "offset":
			c.Offset, err = p.Int()
		case "cursor":
			c.Cursor, err = p.bounded(MaxSeal)
		case "mends":
			c.Mends, err = p.identity()
		case "edits":
			err = p.Array(func(i int) error {
				if i >= MaxEdits {
					return p.Fail("more than %d rows in one change", MaxEdits)
				}
				e, err := p.edit()
				c.Edits = append(c.Edits, e)
				return err
			})
		default:
			err = p.Fail("no key %q in the content of a change", strict.Clip(key))
		}
		return err
	})
}

func (p *contentParser) edit() (Edit, error) {
	var e Edit
	cellsAt := -1
	err := p.Object(func(key string) (err error) {
		switch key {
		case "base":
			e.Base, err = p.base()
		case "cells":
			// Cells come before the table in canonical order: they are read when the table is known.
			cellsAt = p.Pos()
			_, err = p.Canonical(nil)
		case "decides":
			e.Decides, err = readTexts[string](p)
		case "op":
			e.Op, err = p.op()
		case "row":
			var id string
			if id, err = p.Text(); err == nil && !schema.ValidID(id) {
				err = p.Fail("%q is no id of a row", strict.Clip(id))
			}
			e.Row = RowID(id)
		case "table":
			e.Table, err = p.bounded(MaxName)
		case "undo":
			e.UndoOf, err = p.identity()
		default:
			err = p.Fail("no key %q in an edit", strict.Clip(key))
		}
		return err
	})
	if err != nil {
		return e, err
	}
	if e.Op == 0 || e.Row == "" || e.Table == "" {
		return e, p.Fail("an edit needs op, row and table")
	}
	if p.book != nil && p.book.Table(e.Table) == nil {
		p.defect(CodeUnknown, fmt.Sprintf("服务器还没有表“%s”。", strict.Clip(e.Table)), fmt.Sprintf("The server has no table %q yet.", strict.Clip(e.Table)), nil)
	}
	if cellsAt >= 0 {
		e.Cells, err = p.cells(cellsAt, e.Table)
	}
	if e.Op == OpDelete && len(e.Cells) > 0 {
		return e, p.Fail("a deletion of %s writes cells", e.Table)
	}
	return e, err
}

func (p *contentParser) op() (Op, error) {
	word, err := p.Text()
	if err != nil {
		return 0, err
	}
	for op, w := range opWords {
		if w == word {
			return op, nil
		}
	}
	return 0, p.Fail("no operation %q", strict.Clip(word))
}

func (p *contentParser) base() (Base, error) {
	var b Base
	err := p.Object(func(key string) (err error) {
		switch key {
		case "epoch":
			var s string
			if s, err = p.Text(); err == nil && s != "" && !validHex16(s) {
				err = p.Fail("%q is no epoch", strict.Clip(s))
			}
			b.Epoch = EpochID(s)
		case "rev":
			var n int64
			if n, err = p.Int(); err == nil && n < 0 {
				err = p.Fail("a negative rev")
			}
			b.Rev = uint64(max(n, 0))
		case "over":
			b.Over, err = p.identities()
		case "open":
			b.Open = map[string][]Identity{}
			err = p.Object(func(cell string) (err error) {
				b.Open[cell], err = p.identities()
				return err
			})
		default:
			err = p.Fail("no key %q in a base", strict.Clip(key))
		}
		return err
	})
	return b, err
}

// cells reads the cells that begin at an offset of the content, and puts them into schema order; those that the book does not
// know stand last, in order of their names.
func (p *contentParser) cells(at int, table string) ([]CellEdit, error) {
	q := contentParser{Scanner: strict.New(p.text[at:], MaxDepth), text: p.text[at:], book: p.book, change: p.change}
	var out []CellEdit
	var raw []byte // of one cell after the other: most need it only for as long as they are read
	err := q.Object(func(name string) (err error) {
		e := CellEdit{Cell: name}
		start := q.Pos()
		if raw, err = q.Canonical(raw[:0]); err != nil {
			return err
		}
		var cell *schema.Cell
		if q.book != nil {
			cell = q.book.Cell(table, name)
		}
		if cell == nil {
			e.Raw = bytes.Clone(raw)
			if q.book != nil && q.book.Table(table) != nil {
				q.defect(CodeUnknown, fmt.Sprintf("服务器还没有栏目“%s.%s”。", table, strict.Clip(name)), fmt.Sprintf("The server has no column %s.%s yet.", table, strict.Clip(name)), nil)
			}
		} else if err := q.form(cell, &e, q.text[start:q.Pos()], raw); err != nil {
			e = CellEdit{Cell: name, Raw: bytes.Clone(raw)}
			q.defect(CodeInvalid, fmt.Sprintf("“%s”写得不合规。", cell.Columns[0].Label.ZH), fmt.Sprintf("The value of %s.%s breaks a rule.", table, name), err)
		}
		out = append(out, e)
		return nil
	})
	if p.book != nil {
		order := p.book.Cells(table)
		place := func(e CellEdit) int {
			if i := slices.IndexFunc(order, func(c schema.Cell) bool { return c.Name == e.Cell }); i >= 0 {
				return i
			}
			return len(order)
		}
		slices.SortStableFunc(out, func(a, b CellEdit) int { return place(a) - place(b) })
	}
	return out, err
}

// form reads the value of a known cell in the form of its rule.
func (p *contentParser) form(cell *schema.Cell, e *CellEdit, text string, raw []byte) (err error) {
	if text == "null" {
		return nil
	}
	s := strict.New(text, MaxDepth)
	switch {
	case cell.Rule == schema.RuleSum:
		return s.Object(func(key string) (err error) {
			if key != "delta" {
				return s.Fail("want {\"delta\": n}")
			}
			e.Delta, err = s.Int()
			return err
		})
	case cell.Rule == schema.RuleSet:
		q := contentParser{Scanner: s}
		return s.Object(func(key string) (err error) {
			switch key {
			case "add":
				e.Add, err = readTexts[string](&q)
			case "del":
				e.Del, err = readTexts[string](&q)
			default:
				err = s.Fail("want {\"add\": […], \"del\": […]}")
			}
			return err
		})
	case cell.Kind() == schema.KindInt:
		n, err := s.Int()
		e.Value = schema.Int(n)
		return err
	case cell.Kind() == schema.KindText:
		t, err := s.Text()
		e.Value = schema.Text(t)
		return err
	}
	e.Value, err = cell.Parse(bytes.Clone(raw))
	return err
}

func (p *contentParser) bounded(most int) (string, error) {
	s, err := p.Text()
	if err == nil && len(s) > most {
		err = p.Fail("a text of %d bytes where %d are the most", len(s), most)
	}
	return s, err
}

func (p *contentParser) identity() (Identity, error) {
	s, err := p.Text()
	if err == nil && !ValidIdentity(s) {
		err = p.Fail("%q is no identity of a change", strict.Clip(s))
	}
	return Identity(s), err
}

func (p *contentParser) identities() ([]Identity, error) {
	var out []Identity
	err := p.Array(func(i int) error {
		if i >= MaxOver {
			return p.Fail("more than %d identities", MaxOver)
		}
		id, err := p.identity()
		out = append(out, id)
		return err
	})
	return out, err
}

func readTexts[T ~string](p *contentParser) ([]T, error) {
	var out []T
	err := p.Array(func(i int) error {
		if i >= MaxOver {
			return p.Fail("more than %d elements", MaxOver)
		}
		s, err := p.Text()
		out = append(out, T(s))
		return err
	})
	return out, err
}

// ValidIdentity tells whether s can be an identity: 32 lower-case hex digits.
func ValidIdentity(s string) bool { return validHex16(s) }

func validHex16(s string) bool { return len(s) == 32 && lowerHex(s) }
