package sheet

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"minqing/syncproto"
)

const (
	// maxMerges bounds the merged ranges of a sheet: every household of a million people, at 32 bytes each.
	maxMerges = 1 << 20
	// lastLine and lastColumn are the bounds of a sheet in every program.
	lastLine, lastColumn = 1 << 20, 1 << 14
	// titleLines is how far down merged ranges are read from left to right, as the titles of several columns.
	titleLines = 40
)

// merge is a merged range; lines from 1, columns from 0, both ends included.
type merge struct{ top, left, bottom, right int32 }

// scan reads the sheet to its end by bytes, a tenth of what parsing costs: the checksum is verified, merged ranges are collected.
func (s *worksheet) scan(p *parts) error {
	part, err := p.open(s.part)
	if err != nil {
		return err
	}
	defer shut(part)
	in := bufio.NewReaderSize(part, 64<<10)
	s.blank = true
	ended := false
	for {
		tag, err := in.ReadSlice('<')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return damaged("scan "+s.part, err)
		}
		switch name, closes := tagName(tag); {
		case closes:
			ended = ended || name == "worksheet"
		case name == "mergeCell":
			if err := s.addMerge(tag); err != nil {
				return err
			}
		case name == "v", name == "t":
			s.blank = false
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	if !ended {
		return damaged("scan "+s.part, errors.New("the sheet breaks off"))
	}
	slices.SortFunc(s.merges, func(a, b merge) int { return int(a.top - b.top) })
	return nil
}

// tagName gives the local name of the tag that a piece of XML, cut behind its “<”, begins with.
func tagName(tag []byte) (name string, closes bool) {
	tag, closes = bytes.CutPrefix(tag, []byte("/"))
	if end := bytes.IndexAny(tag, " />\t\r\n<"); end >= 0 {
		tag = tag[:end]
	}
	if prefix := bytes.IndexByte(tag, ':'); prefix >= 0 {
		tag = tag[prefix+1:]
	}
	if len(tag) > len("worksheet") {
		return "", closes // text of a long cell; no name that matters is longer
	}
	return string(tag), closes
}

func (s *worksheet) addMerge(tag []byte) error {
	_, rest, _ := bytes.Cut(tag, []byte(`ref="`))
	ref, _, _ := strings.Cut(string(rest), `"`)
	from, to, ok := strings.Cut(ref, ":")
	left, top, ok1 := cellAt(from)
	right, bottom, ok2 := cellAt(to)
	if !ok || !ok1 || !ok2 || right < left || bottom < top {
		return nil // a merge that no program understands merges nothing
	}
	if len(s.merges) >= maxMerges {
		return refusal(syncproto.CodeTooLarge, "merges", label("合并的单元格太多。", "There are too many merged cells."),
			label("请取消合并单元格，再导入。", "Unmerge the cells and import the file again."))
	}
	s.merges = append(s.merges, merge{int32(top), int32(left), int32(bottom), int32(right)})
	return nil
}

// cellAt reads the name of a cell: B12 is column 1, line 12.
func cellAt(name string) (column, line int, ok bool) {
	i := 0
	for ; i < len(name) && i < 4; i++ {
		c := name[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			break
		}
		column = column*26 + int(c-'A') + 1
	}
	line, err := strconv.Atoi(name[i:])
	return column - 1, line, err == nil && column > 0 && column <= lastColumn && line > 0 && line <= lastLine
}

// sheetRows reads the rows of a sheet.
type sheetRows struct {
	book    *workbook
	sheet   *worksheet
	xml     *tokens
	line    int
	cells   []cell
	merges  []merge // not reached yet
	filling []fill  // reached, at most one for each first column
	ended   bool
}

// fill is a merged range whose first line was read.
type fill struct {
	left, right, bottom int
	value               cell
}

func (w *workbook) rows(s *worksheet) (rowSource, error) {
	x, err := w.parts.tokens(s.part)
	if err != nil {
		return nil, err
	}
	return &sheetRows{book: w, sheet: s, xml: x, merges: s.merges}, nil
}

func (r *sheetRows) close() { r.xml.close() }

func (r *sheetRows) next() (rawRow, error) {
	for !r.ended {
		tok, err := r.xml.next()
		if errors.Is(err, io.EOF) {
			return rawRow{}, damaged("read "+r.sheet.name, errors.New("the rows break off"))
		}
		if err != nil {
			return rawRow{}, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if tok.Name.Local != "row" {
				continue
			}
			if err := r.readRow(tok); err != nil {
				return rawRow{}, err
			}
			r.applyMerges()
			return rawRow{line: r.line, cells: r.cells}, nil
		case xml.EndElement:
			r.ended = tok.Name.Local == "sheetData"
		}
	}
	return rawRow{}, io.EOF
}

// readRow reads to the end of a row. Rows and cells may leave their places out: they follow the one before.
func (r *sheetRows) readRow(start xml.StartElement) error {
	line := r.line + 1
	if at := attr(start, "r"); at != "" {
		n, err := strconv.Atoi(at)
		if err != nil || n < line || n > lastLine {
			return damaged("read "+r.sheet.name, fmt.Errorf("row %q follows row %d", at, r.line))
		}
		line = n
	}
	r.line, r.cells = line, r.cells[:0]
	column := -1
	for {
		tok, err := r.xml.next()
		if errors.Is(err, io.EOF) {
			return damaged("read "+r.sheet.name, fmt.Errorf("row %d breaks off", line))
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if tok.Name.Local != "c" {
				continue
			}
			at := column + 1
			if name := attr(tok, "r"); name != "" {
				var ok bool
				if at, _, ok = cellAt(name); !ok || at <= column {
					return damaged("read "+r.sheet.name, fmt.Errorf("cell %q in row %d", name, line))
				}
			}
			column = at
			c, err := r.readCell(tok)
			if err != nil {
				return err
			}
			if err := r.put(column, c); err != nil {
				return err
			}
		case xml.EndElement:
			if tok.Name.Local == "row" {
				return nil
			}
		}
	}
}

func (r *sheetRows) put(column int, c cell) error {
	if c.text == "" && c.fault == faultNone {
		return nil
	}
	if column >= r.book.parts.limits.Columns {
		return tooManyColumns(r.line, column, r.book.parts.limits.Columns)
	}
	for len(r.cells) <= column {
		r.cells = append(r.cells, cell{})
	}
	r.cells[column] = c
	return nil
}

func tooManyColumns(line, column, most int) error {
	return refusal(syncproto.CodeTooLarge, "read row",
		label(fmt.Sprintf("第 %d 行一直写到了 %s 列，最多读 %d 列。", line, columnName(column), most), fmt.Sprintf("Row %d reaches column %s; at most %d columns are read.", line, columnName(column), most)),
		label("请删掉右边多余的列，再导入。", "Delete the surplus columns at the right and import the file again."))
}

// readCell reads to the end of a cell.
func (r *sheetRows) readCell(start xml.StartElement) (cell, error) {
	kind := attr(start, "t")
	styled, err := strconv.Atoi(attr(start, "s"))
	if err != nil {
		styled = -1 // without a style: General
	}
	var value []byte
	var in textState
	inValue, formula, valued := false, false, false
	for {
		tok, err := r.xml.next()
		if errors.Is(err, io.EOF) {
			return cell{}, damaged("read "+r.sheet.name, fmt.Errorf("a cell of row %d breaks off", r.line))
		}
		if err != nil {
			return cell{}, err
		}
		in.see(tok)
		switch tok := tok.(type) {
		case xml.StartElement:
			inValue = tok.Name.Local == "v"
			valued = valued || inValue
			formula = formula || tok.Name.Local == "f"
		case xml.CharData:
			if inValue || in.text {
				value = append(value, tok...)
			}
		case xml.EndElement:
			inValue = false
			if tok.Name.Local == "c" {
				if formula && len(value) == 0 && (kind != "str" || !valued) { // a formula may well give the empty text
					return cell{fault: faultFormula}, nil
				}
				return r.cellOf(kind, styled, string(value))
			}
		}
		if len(value) > maxToken {
			return cell{}, damaged("read "+r.sheet.name, fmt.Errorf("a cell of row %d is too long", r.line))
		}
	}
}

// cellOf gives what a person sees of a cell.
func (r *sheetRows) cellOf(kind string, styled int, value string) (cell, error) {
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(value))
		text, ok := r.book.strings.get(i)
		if (err != nil || !ok) && value != "" {
			return cell{}, damaged("read "+r.sheet.name, fmt.Errorf("row %d names text %q of %d", r.line, value, len(r.book.strings.ends)))
		}
		return cell{text: text}, nil
	case "str", "inlineStr":
		return cell{text: unescape(value)}, nil
	case "e":
		return cell{text: value, fault: faultError}, nil
	case "b":
		return cell{text: map[string]string{"1": "TRUE", "0": "FALSE"}[value]}, nil
	case "d": // ISO 8601, as strict workbooks have it
		return cell{text: strings.TrimSuffix(strings.Replace(value, "T", " ", 1), " 00:00:00")}, nil
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return cell{}, nil
	}
	var s style
	if styled >= 0 && styled < len(r.book.styles) {
		s = r.book.styles[styled]
	}
	text, lost := showNumber(value, s, r.book.base1904)
	if lost {
		return cell{text: text, fault: faultDigits}, nil
	}
	return cell{text: text}, nil
}

// applyMerges gives the blank cells of merged ranges the value of the first one: a household code that stands once beside all its
// people counts for each of them.
func (r *sheetRows) applyMerges() {
	for len(r.merges) > 0 && int(r.merges[0].top) <= r.line {
		m := r.merges[0]
		r.merges = r.merges[1:]
		if int(m.top) < r.line || int(m.left) >= len(r.cells) || r.cells[m.left].text == "" {
			continue // the line is not there, or the first cell is blank: nothing to give
		}
		f := fill{left: int(m.left), right: int(m.right), bottom: int(m.bottom), value: r.cells[m.left]}
		r.filling = append(slices.DeleteFunc(r.filling, func(g fill) bool { return g.left == f.left }), f)
	}
	r.filling = slices.DeleteFunc(r.filling, func(f fill) bool { return f.bottom < r.line })
	for _, f := range r.filling {
		right := f.left
		if r.line <= titleLines {
			right = min(f.right, r.book.parts.limits.Columns-1)
		}
		for at := f.left; at <= right; at++ {
			for len(r.cells) <= at {
				r.cells = append(r.cells, cell{})
			}
			if c := &r.cells[at]; c.text == "" && c.fault == faultNone {
				*c = f.value
				c.filled, c.across = true, at > f.left
			}
		}
	}
}
