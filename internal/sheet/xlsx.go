package sheet

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"minqing/syncproto"
)

// cell is one cell as a person sees it.
type cell struct {
	text   string
	fault  fault
	filled bool // blank itself, it lies under the first cell of a merged range and has its value
	across bool // filled from the left: what titles do, not values
}

// fault is what a spreadsheet did to a value.
type fault uint8

const (
	faultNone    fault = iota
	faultDigits        // a number of more than fifteen digits: the others are gone
	faultFormula       // a formula without a value
	faultError         // #N/A and the like
)

// rawRow is one row as it stands in the file; the cells are valid until the next row.
type rawRow struct {
	line  int
	cells []cell
}

// rowSource gives the rows of one sheet that have cells, and io.EOF after the last.
type rowSource interface {
	next() (rawRow, error)
	close()
}

// worksheet is one sheet of a workbook.
type worksheet struct {
	name   string
	part   string
	hidden bool
	merges []merge // by first row
	blank  bool    // no cell has content
}

// workbook is an opened .xlsx file.
type workbook struct {
	parts    *parts
	sheets   []*worksheet
	styles   []style
	strings  stringTable
	base1904 bool
}

// openWorkbook reads what describes the workbook, then reads every sheet through once without looking at its cells: damage is
// found before the first row is handed out, and merged ranges, which stand behind the rows, are known in front of them.
func openWorkbook(r io.ReaderAt, size int64, limits Limits) (*workbook, error) {
	p, err := openParts(r, size, limits)
	if err != nil {
		return nil, err
	}
	main, err := p.mainPart()
	if err != nil {
		return nil, err
	}
	links, err := p.relations(main)
	if err != nil {
		return nil, err
	}
	w := &workbook{parts: p}
	if err := w.listSheets(main, links); err != nil {
		return nil, err
	}
	for _, link := range links {
		switch link.kind {
		case "styles":
			if w.styles, err = p.styles(link.target); err != nil {
				return nil, err
			}
		case "sharedStrings":
			if err := w.strings.read(p, link.target); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range w.sheets {
		if s.hidden {
			continue
		}
		if err := s.scan(p); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// mainPart finds the workbook in the package, or says what the package is instead.
func (p *parts) mainPart() (string, error) {
	links, err := p.relations("")
	if err != nil {
		return "", err
	}
	main := "xl/workbook.xml"
	for _, link := range links {
		if link.kind == "officeDocument" {
			main = link.target
		}
	}
	switch {
	case strings.HasSuffix(main, ".bin"):
		return "", unreadable(label("这是二进制表格 (.xlsb)，不能直接导入。", "This is a binary workbook (.xlsb), which cannot be imported."))
	case p.has(main) && !strings.HasPrefix(strings.ToLower(main), "word/") && !strings.HasPrefix(strings.ToLower(main), "ppt/"):
		return main, nil
	case p.has("mimetype") && p.has("content.xml"):
		return "", unreadable(label("这是 OpenDocument 文件 (.ods)，不能直接导入。", "This is an OpenDocument file (.ods), which cannot be imported."))
	}
	return "", unreadable(label("这个文件里没有表格。", "There is no workbook in this file."))
}

// listSheets lists the sheets with cells, in the order of their tabs.
func (w *workbook) listSheets(main string, links map[string]relation) error {
	seen := map[string]bool{}
	total := uint64(0)
	err := w.parts.each(main, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			v := attr(e, "date1904")
			w.base1904 = v == "1" || v == "true"
		case "sheet":
			link, ok := links[attr(e, "id")]
			if !ok || link.kind != "worksheet" {
				return nil // a chart or a macro sheet has no cells
			}
			if seen[link.target] || !w.parts.has(link.target) {
				return damaged("list sheets", errors.New("a sheet is missing or stands there twice: "+link.target))
			}
			seen[link.target] = true
			state := attr(e, "state")
			w.sheets = append(w.sheets, &worksheet{name: attr(e, "name"), part: link.target, hidden: state == "hidden" || state == "veryHidden"})
			total += w.parts.size(link.target)
		}
		return nil
	})
	if err == nil && total > uint64(w.parts.limits.Unpacked) {
		return bomb("list sheets", total)
	}
	return err
}

// stringTable holds the distinct texts of a workbook in one piece of memory: a Go string each would double it.
type stringTable struct {
	blob []byte
	ends []uint32
}

func (t *stringTable) get(i int) (string, bool) {
	if i < 0 || i >= len(t.ends) {
		return "", false
	}
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return string(t.blob[start:t.ends[i]]), true
}

func (t *stringTable) read(p *parts, name string) error {
	most := min(p.limits.Strings, 1<<31)
	if p.size(name) > uint64(p.limits.Unpacked) {
		return bomb("read texts", p.size(name))
	}
	x, err := p.tokens(name)
	if err != nil {
		return err
	}
	defer x.close()
	var in textState
	for {
		tok, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		in.see(tok)
		switch tok := tok.(type) {
		case xml.CharData:
			if in.text {
				t.blob = append(t.blob, tok...)
			}
		case xml.EndElement:
			if tok.Name.Local == "si" {
				t.unescape()
				t.ends = append(t.ends, uint32(len(t.blob)))
			}
		}
		if int64(len(t.blob))+4*int64(len(t.ends)) > most {
			return refusal(syncproto.CodeTooLarge, "read texts", label("这个表格里的文字太多。", "The workbook holds too much text."),
				label("请按小组分成几个文件，一个一个导入。", "Split it into several files, by group say, and import them one by one."))
		}
	}
}

// unescape mends the last text if it holds escapes.
func (t *stringTable) unescape() {
	start := uint32(0)
	if n := len(t.ends); n > 0 {
		start = t.ends[n-1]
	}
	if s := string(t.blob[start:]); strings.Contains(s, "_x") {
		t.blob = append(t.blob[:start], unescape(s)...)
	}
}

// textState follows the tags of a text: its runs count, the readings above Chinese characters (rPh) do not.
type textState struct {
	text    bool
	reading bool
}

func (s *textState) see(tok xml.Token) {
	switch tok := tok.(type) {
	case xml.StartElement:
		switch tok.Name.Local {
		case "t":
			s.text = !s.reading
		case "rPh":
			s.reading = true
		}
	case xml.EndElement:
		switch tok.Name.Local {
		case "t":
			s.text = false
		case "rPh":
			s.reading = false
		}
	}
}

// unescape reads _xHHHH_, by which workbooks write what XML cannot hold: UTF-16 units, so a rare character is two of them.
func unescape(s string) string {
	var b strings.Builder
	for {
		at := strings.Index(s, "_x")
		if at < 0 || at+7 > len(s) {
			b.WriteString(s)
			return b.String()
		}
		unit, ok := escapedUnit(s[at:])
		if !ok {
			b.WriteString(s[:at+2])
			s = s[at+2:]
			continue
		}
		b.WriteString(s[:at])
		s = s[at+7:]
		if utf16.IsSurrogate(unit) {
			if low, ok := escapedUnit(s); ok && utf16.DecodeRune(unit, low) != '\uFFFD' {
				unit = utf16.DecodeRune(unit, low)
				s = s[7:]
			}
		}
		b.WriteRune(unit)
	}
}

func escapedUnit(s string) (rune, bool) {
	if len(s) < 7 || s[:2] != "_x" || s[6] != '_' {
		return 0, false
	}
	unit, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(unit), err == nil
}
