package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

// What every spreadsheet program holds: a cell is counted in UTF-16 units.
const (
	maxCellUnits  = 32767
	maxSheetName  = 31
	maxSheetLines = 1 << 20
)

// bookWriter writes an .xlsx straight through: cells carry their text themselves (no table of texts to hold until the end), and
// what lists the sheets comes after them, as a zip archive may have it. Nothing in it depends on when it was written.
type bookWriter struct {
	zip      *zip.Writer
	sheet    *bufio.Writer
	buf      bytes.Buffer // the row being written
	names    []string
	name     string // as asked for
	columns  []Column
	sheets   int
	line     int
	lastLine int // where a further sheet begins
}

func newBookWriter(w io.Writer) *bookWriter {
	z := zip.NewWriter(w)
	// A sheet's XML is eight bytes of marks to one of text: even the quickest level takes nearly all of that away.
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, sheetLevel) })
	return &bookWriter{zip: z, lastLine: maxSheetLines}
}

// sheetLevel is how hard sheets are compressed.
const sheetLevel = 3

const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainSpace = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relSpace  = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	pkgSpace  = `http://schemas.openxmlformats.org/package/2006`
	// Style 1 is text, so that what is typed into a cell later stays as typed; style 2 is bold text, for titles.
	stylesXML = `<styleSheet ` + mainSpace + `><fonts count="2"><font><sz val="11"/><name val="宋体"/></font><font><b/><sz val="11"/><name val="宋体"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
)

// begin ends the sheet before, if any, and begins another with its row of titles.
func (b *bookWriter) begin(name string, columns []Column) error {
	if err := b.end(); err != nil {
		return err
	}
	b.sheets++
	b.name, b.columns, b.line = name, columns, 0
	b.names = append(b.names, b.sheetName(name))
	part, err := b.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", b.sheets))
	if err != nil {
		return err
	}
	b.sheet = bufio.NewWriterSize(part, 32<<10)
	var cols strings.Builder
	for i, c := range columns {
		width := c.Width
		if width == 0 {
			width = 4 + 2*utf8.RuneCountInString(c.Title)
		}
		fmt.Fprintf(&cols, `<col min="%d" max="%d" width="%d" style="1" customWidth="1"/>`, i+1, i+1, min(width, 255))
	}
	head := xmlHead + `<worksheet ` + mainSpace + `><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`
	if cols.Len() > 0 {
		head += "<cols>" + cols.String() + "</cols>"
	}
	if _, err := b.sheet.WriteString(head + "<sheetData>"); err != nil {
		return err
	}
	return b.write(titles(columns), "2")
}

// sheetName makes a name that programs accept and no other sheet has.
func (b *bookWriter) sheetName(name string) string {
	name = strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) || r < 0x20 {
			return ' '
		}
		return r
	}, name), " '")
	if name == "" {
		name = "Sheet"
	}
	for n := 1; ; n++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprintf(" (%d)", n)
		}
		try := clipUnits(name, maxSheetName-len(suffix)) + suffix
		if !b.hasSheet(try) {
			return try
		}
	}
}

func (b *bookWriter) hasSheet(name string) bool {
	for _, n := range b.names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func utf16Units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

func clipUnits(s string, most int) string {
	for utf16Units(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// row writes one row, on a further sheet when this one is full.
func (b *bookWriter) row(cells []string) error {
	if b.line >= b.lastLine {
		if err := b.begin(b.name, b.columns); err != nil {
			return err
		}
	}
	return b.write(cells, "1")
}

func (b *bookWriter) write(cells []string, style string) error {
	b.line++
	b.buf.Reset()
	line := strconv.Itoa(b.line)
	b.buf.WriteString(`<row r="` + line + `">`)
	for i, c := range cells {
		if c == "" {
			continue
		}
		if utf16Units(c) > maxCellUnits {
			return tooLong(b.line)
		}
		b.buf.WriteString(`<c r="` + columnName(i) + line + `" s="` + style + `" t="inlineStr"><is><t xml:space="preserve">`)
		escapeText(&b.buf, c)
		b.buf.WriteString(`</t></is></c>`)
	}
	b.buf.WriteString("</row>")
	_, err := b.sheet.Write(b.buf.Bytes())
	return err
}

// escapeText escapes for XML, and by _xHHHH_ what XML cannot hold.
func escapeText(w *bytes.Buffer, s string) {
	for i, r := range s {
		switch {
		case r == '&':
			w.WriteString("&amp;")
		case r == '<':
			w.WriteString("&lt;")
		case r == '>':
			w.WriteString("&gt;")
		case r == '_':
			if _, ok := escapedUnit(s[i:]); ok {
				w.WriteString("_x005F")
			}
			w.WriteByte('_')
		case r < 0x20 && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF:
			fmt.Fprintf(w, "_x%04X_", r)
		default:
			w.WriteRune(r)
		}
	}
}

// end closes the sheet being written.
func (b *bookWriter) end() error {
	if b.sheet == nil {
		return nil
	}
	if _, err := b.sheet.WriteString("</sheetData></worksheet>"); err != nil {
		return err
	}
	err := b.sheet.Flush()
	b.sheet = nil
	return err
}

// close writes what describes the workbook.
func (b *bookWriter) close() error {
	if err := b.end(); err != nil {
		return err
	}
	var types, sheets, links strings.Builder
	for i, name := range b.names {
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`, i+1)
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, attrEscaper.Replace(name), i+1, i+1)
		fmt.Fprintf(&links, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, relSpace, i+1)
	}
	for _, part := range []struct{ name, content string }{
		{"[Content_Types].xml", `<Types xmlns="` + pkgSpace + `/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>` + types.String() + `</Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + pkgSpace + `/relationships"><Relationship Id="rId1" Type="` + relSpace + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook ` + mainSpace + ` xmlns:r="` + relSpace + `"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + pkgSpace + `/relationships">` + links.String() +
			fmt.Sprintf(`<Relationship Id="rId%d" Type="%s/styles" Target="styles.xml"/></Relationships>`, len(b.names)+1, relSpace)},
		{"xl/styles.xml", stylesXML},
	} {
		w, err := b.zip.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, xmlHead+part.content); err != nil {
			return err
		}
	}
	return b.zip.Close()
}

var attrEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
