package sheet

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// Format is a form of file to write.
type Format uint8

// The formats. CSV is UTF-8 with a mark in front and ends lines with CR LF, as spreadsheet programs want it.
const (
	XLSX Format = iota
	CSV
)

// Column is a column to write.
type Column struct {
	Title string
	Width int // characters, 0 for what fits the title
}

// Writer writes tables row by row and holds none. All cells are text.
type Writer struct {
	book *bookWriter   // XLSX
	text *bufio.Writer // CSV
}

// NewWriter begins a file with one sheet and its row of titles. Nothing is whole before Close.
func NewWriter(w io.Writer, format Format, sheet string, columns ...Column) (*Writer, error) {
	if format == CSV {
		out := &Writer{text: bufio.NewWriter(w)}
		if _, err := out.text.WriteString("\uFEFF"); err != nil {
			return nil, err
		}
		return out, out.Row(titles(columns)...)
	}
	book := newBookWriter(w)
	return &Writer{book: book}, book.begin(sheet, columns)
}

func titles(columns []Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Title
	}
	return out
}

// Row writes one row.
func (w *Writer) Row(cells ...string) error {
	if w.book != nil {
		return w.book.row(cells)
	}
	for i, c := range cells {
		if i > 0 {
			if err := w.text.WriteByte(','); err != nil {
				return err
			}
		}
		if _, err := w.text.WriteString(csvField(c, len(cells) == 1)); err != nil {
			return err
		}
	}
	_, err := w.text.WriteString("\r\n")
	return err
}

// Close ends the file. It does not close what is written to.
func (w *Writer) Close() error {
	if w.book != nil {
		return w.book.close()
	}
	return w.text.Flush()
}

// csvField quotes a field where it must be, and takes the power from what a spreadsheet program would run as a formula. A blank
// field alone in its row is quoted, or the row would be a blank line.
func csvField(s string, alone bool) string {
	if startsFormula(strings.TrimLeft(s, "'")) && !plainNumber(s) { // a mark that was there gets another, so that both come back
		s = "'" + s
	}
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' || s == "" && !alone {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// startsFormula tells whether a spreadsheet program could take the text of a CSV field for a formula. Those set to Chinese or
// Japanese take the full-width signs too; tabs and line ends before a sign are passed over by some.
func startsFormula(s string) bool {
	s = strings.TrimLeft(s, "\t\r\n ")
	for _, sign := range []string{"=", "+", "-", "@", "＝", "＋", "－", "＠", "|"} {
		if strings.HasPrefix(s, sign) {
			return true
		}
	}
	return false
}

// plainNumber tells signed numbers and phone numbers from formulas.
func plainNumber(s string) bool {
	rest := strings.TrimLeft(s, "+-")
	return len(s)-len(rest) == 1 && rest != "" && strings.Trim(rest, "0123456789.") == ""
}

// BadRows writes the rows that an import could not take into a workbook of the same sheets and columns, with the reasons and the
// original row numbers in two columns in front, and in a third who took it away and when, where that is said: to be mended there and imported
// again.
type BadRows struct {
	book  *bookWriter
	sheet string
	mark  string
}

// The titles of the columns that BadRows adds. No import asks for them.
var (
	titleReason = label("原因", "Reason")
	titleLine   = label("原来的行号", "Original row")
	titleMark   = label("导出", "Exported")
)

// NewBadRows begins the workbook. It is a valid one, without rows, if none are added. mark, unless it is "", stands in every row.
func NewBadRows(w io.Writer, mark string) *BadRows {
	return &BadRows{book: newBookWriter(w), mark: mark}
}

// Add writes a row and why it was not taken.
func (b *BadRows) Add(row Row, reasons ...schema.Label) error {
	if b.book.sheets == 0 || b.sheet != row.Sheet {
		columns := []Column{{Title: titleReason.ZH + " " + titleReason.EN, Width: 60}, {Title: titleLine.ZH + " " + titleLine.EN}}
		if b.mark != "" {
			columns = append(columns, Column{Title: titleMark.ZH + " " + titleMark.EN, Width: 30})
		}
		for _, title := range row.Titles {
			columns = append(columns, Column{Title: title})
		}
		if err := b.book.begin(row.Sheet, columns); err != nil {
			return err
		}
		b.sheet = row.Sheet
	}
	var why []string
	for _, r := range reasons {
		why = append(why, schema.OneLine(r.Both()))
	}
	cells := []string{strings.Join(why, "\n"), fmt.Sprint(row.Line)}
	if b.mark != "" {
		cells = append(cells, b.mark)
	}
	return b.book.row(append(cells, row.Raw...))
}

// Close ends the workbook.
func (b *BadRows) Close() error {
	if b.book.sheets == 0 {
		if err := b.book.begin("", []Column{{Title: titleReason.ZH + " " + titleReason.EN}}); err != nil {
			return err
		}
	}
	return b.book.close()
}

// tooLong is the refusal of a cell that no workbook can hold.
func tooLong(line int) error {
	return refusal(syncproto.CodeTooLarge, "write row",
		label(fmt.Sprintf("第 %d 行有一格超过 %d 个字，工作簿放不下。", line, maxCellUnits), fmt.Sprintf("A cell of row %d has more than the %d characters that a workbook holds.", line, maxCellUnits)),
		label("请改为导出 CSV。", "Export CSV instead."))
}
