package sheet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"minqing/schema"
	"minqing/syncproto"
)

// Reader gives the rows of the tables in one file. It is for one goroutine.
type Reader struct {
	headers  []Header
	limits   Limits
	tables   []table
	info     Info
	base1904 bool
	at       int // index of the table being read
	rows     rowSource
	index    int
	unread   []bool // by column of the table being read: it has content that no header asks for
}

// table is one sheet that has the headers.
type table struct {
	layout
	sheet string
	open  func() (rowSource, error)
}

// Open recognises a file by its content (its name only helps to say what it is) and finds the table in it. The file must not change
// until the Reader is closed. Errors are *syncproto.Error.
func Open(name string, r io.ReaderAt, size int64, headers []Header, limits Limits) (*Reader, error) {
	limits = limits.filled()
	if size > limits.Packed {
		return nil, refusal(syncproto.CodeTooLarge, "open "+name,
			label(fmt.Sprintf("文件有 %d MB，最大 %d MB。", size>>20, limits.Packed>>20), fmt.Sprintf("The file has %d MB; at most %d MB are read.", size>>20, limits.Packed>>20)),
			label("请去掉图片，或者分成几个文件，再导入。", "Take out the pictures, or split it into several files, and import those."))
	}
	d := &Reader{headers: headers, limits: limits, at: -1}
	head := make([]byte, min(size, 4096))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, &syncproto.Error{Code: syncproto.CodeInternal, Op: "sheet: open " + name, Message: syncproto.Both("文件读不出来。", "The file cannot be read."), Err: err}
	}
	var err error
	switch {
	case len(bytes.TrimSpace(head)) == 0 && int64(len(head)) == size:
		err = refusal(syncproto.CodeInvalid, "open "+name, label("文件是空的。", "The file is empty."), label("请核对是不是这个文件。", "Check whether it is the right file."))
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		err = d.openWorkbook(r, size)
	default:
		if err = recognise(head, r, size); err == nil {
			err = d.openCSV(r, size)
		}
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// recognise refuses files that are no text, or text that is no table, by what their first bytes tell.
func recognise(head []byte, r io.ReaderAt, size int64) error {
	start := strings.ToLower(string(bytes.TrimSpace(bytes.TrimPrefix(head[:min(len(head), 512)], []byte("\xEF\xBB\xBF")))))
	switch {
	case bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")): // the compound file of old Office
		return compoundFile(r, size)
	case strings.HasPrefix(start, "%pdf"):
		return unreadable(label("这是 PDF 文件，不是表格。", "This is a PDF file, not a table."))
	case strings.HasPrefix(start, "<"): // many systems export a web page and call it .xls
		return unreadable(label("这个文件是网页格式，只是名字像表格。", "This file is a web page that is merely named like a table."))
	}
	return nil
}

// compoundFile tells a workbook with a password from one of before 2007: both are kept in the same kind of container.
func compoundFile(r io.ReaderAt, size int64) error {
	const enough = 4 << 20 // the directory lies early in small files, at the end of none that people open
	content := make([]byte, min(size, enough))
	if _, err := r.ReadAt(content, 0); err != nil && !errors.Is(err, io.EOF) {
		return damaged("recognise", err)
	}
	var wide []byte // names in it are UTF-16
	for _, c := range []byte("EncryptedPackage") {
		wide = append(wide, c, 0)
	}
	if bytes.Contains(content, wide) {
		return refusal(syncproto.CodeInvalid, "recognise", label("这个文件有打开密码。", "The file is protected by a password."),
			label("请打开它，取消密码后另存为 .xlsx，再导入。", "Open it, save it as .xlsx without the password, and import that."))
	}
	return unreadable(label("这是旧版表格 (.xls)，不能直接导入。", "This is an old workbook (.xls), which cannot be imported."))
}

func (d *Reader) openWorkbook(r io.ReaderAt, size int64) error {
	w, err := openWorkbook(r, size, d.limits)
	if err != nil {
		return err
	}
	d.info.Format, d.base1904 = "xlsx", w.base1904
	var best candidate
	for _, s := range w.sheets {
		if s.hidden {
			d.info.Skipped = append(d.info.Skipped, Skipped{s.name, label("是隐藏的工作表", "it is a hidden sheet")})
			continue
		}
		if s.blank {
			continue
		}
		open := func() (rowSource, error) { return w.rows(s) }
		c, err := d.tryHeader(open)
		if err != nil {
			return err
		}
		if c.found > best.found || best.missing == nil {
			best = c
		}
		if len(c.missing) > 0 {
			d.info.Skipped = append(d.info.Skipped, Skipped{s.name, label("缺少这些列：“"+strings.Join(c.missing, "”“")+"”", "these columns are missing: "+strings.Join(c.missing, ", "))})
			continue
		}
		d.add(s.name, c, open)
	}
	if len(d.tables) > 0 {
		return nil
	}
	if best.missing == nil {
		return refusal(syncproto.CodeInvalid, "open workbook", label("表格是空的。", "The workbook is empty."), label("请核对是不是这个文件。", "Check whether it is the right file."))
	}
	return best.notATable()
}

func (d *Reader) openCSV(r io.ReaderAt, size int64) error {
	e, err := detectEncoding(r, size)
	if err != nil {
		return err
	}
	d.info.Format, d.info.Encoding = "csv", e.name
	var best candidate
	var open func() (rowSource, error)
	var wrong error // by the first separator that could not be: the text is then cut in the wrong places
	for _, separator := range separators {
		try := func() (rowSource, error) { return openRecords(r, size, e, separator, d.limits), nil }
		c, err := d.tryHeader(try)
		if err != nil {
			wrong = cmp.Or(wrong, err)
		} else if open == nil || c.found > best.found {
			best, open = c, try
		}
	}
	if wrong != nil && best.found == 0 {
		return wrong
	}
	if len(best.missing) > 0 {
		return best.notATable()
	}
	d.add("", best, open)
	return nil
}

// tryHeader looks for the header in the first rows.
func (d *Reader) tryHeader(open func() (rowSource, error)) (candidate, error) {
	src, err := open()
	if err != nil {
		return candidate{}, err
	}
	defer src.close()
	var rows [][]cell
	for len(rows) < headerRows {
		row, err := src.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return candidate{}, err
		}
		if !blankRow(row.cells) {
			rows = append(rows, slices.Clone(row.cells))
		}
	}
	c := findHeader(rows, d.headers)
	if len(c.missing) == 0 && c.ambiguous != nil {
		return c, c.ambiguous
	}
	return c, nil
}

func (d *Reader) add(sheet string, c candidate, open func() (rowSource, error)) {
	d.tables = append(d.tables, table{layout: c.layout, sheet: sheet, open: open})
	if sheet != "" {
		d.info.Sheets = append(d.info.Sheets, sheet)
	}
}

// Info tells what was found. Unread columns are known of the rows that were read.
func (d *Reader) Info() Info {
	info := d.info
	info.Unread = slices.Clone(info.Unread)
	if d.at >= 0 && d.at < len(d.tables) {
		info.Unread = append(info.Unread, d.unreadNames()...)
	}
	return info
}

func (d *Reader) unreadNames() []string {
	t := &d.tables[d.at]
	var out []string
	for i, seen := range d.unread {
		if !seen {
			continue
		}
		name := columnName(i) + " 列"
		if i < len(t.titles) && t.titles[i] != "" {
			name = t.titles[i]
		}
		if len(d.tables) > 1 {
			name = t.sheet + "：" + name
		}
		out = append(out, name)
	}
	return out
}

// Close lets the file go; it may be called at any time, and more than once.
func (d *Reader) Close() {
	if d.rows != nil {
		d.rows.close()
		d.rows = nil
	}
}

// Next gives the next row, and io.EOF after the last. Other errors are *syncproto.Error and final.
func (d *Reader) Next() (Row, error) {
	for {
		if d.rows == nil {
			if err := d.nextTable(); err != nil {
				return Row{}, err
			}
		}
		raw, err := d.rows.next()
		if errors.Is(err, io.EOF) {
			d.info.Unread = append(d.info.Unread, d.unreadNames()...)
			d.unread = nil
			d.Close()
			continue
		}
		if err != nil {
			return Row{}, err
		}
		t := &d.tables[d.at]
		if blankRow(raw.cells) || t.repeats(raw.cells) {
			continue
		}
		if d.index++; d.index > d.limits.Rows {
			return Row{}, refusal(syncproto.CodeTooLarge, "read rows", label(fmt.Sprintf("表里超过 %d 行。", d.limits.Rows), fmt.Sprintf("The table has more than %d rows.", d.limits.Rows)),
				label("请分成几个文件，一个一个导入。", "Split it into several files and import them one by one."))
		}
		return d.row(t, raw), nil
	}
}

// nextTable opens the next sheet and passes over its header.
func (d *Reader) nextTable() error {
	if d.at+1 >= len(d.tables) {
		d.at = len(d.tables)
		return io.EOF
	}
	d.at++
	rows, err := d.tables[d.at].open()
	if err != nil {
		return err
	}
	d.rows = rows
	for skipped := 0; skipped < d.tables[d.at].skip; {
		raw, err := rows.next()
		if err != nil {
			return err // the header was there when the file was opened, so not the end
		}
		if !blankRow(raw.cells) {
			skipped++
		}
	}
	return nil
}

// blankRow tells whether no cell of a row has content of its own.
func blankRow(cells []cell) bool {
	for _, c := range cells {
		if !c.filled && (c.fault != faultNone || strings.TrimSpace(c.text) != "") {
			return false
		}
	}
	return true
}

func (d *Reader) row(t *table, raw rawRow) Row {
	row := Row{Sheet: t.sheet, Line: raw.line, Index: d.index, Titles: t.titles, Cells: make(map[string]string, len(d.headers)), Raw: make([]string, len(raw.cells))}
	for i, c := range raw.cells {
		if c.across {
			continue
		}
		row.Raw[i] = c.text
		if i >= len(t.header) || t.header[i] < 0 {
			d.noteUnread(i, c)
			continue
		}
		h := &d.headers[t.header[i]]
		text, wrong := tidy(c, h.Kind, d.base1904)
		if text != "" {
			row.Cells[h.Key] = text
		}
		if wrong != (schema.Label{}) {
			row.Problems = append(row.Problems, &schema.Problem{Columns: []string{h.Key},
				Text: label("“"+h.Names[0]+"”"+wrong.ZH, h.Names[0]+": "+wrong.EN)})
		}
	}
	return row
}

func (d *Reader) noteUnread(column int, c cell) {
	if c.filled || c.text == "" {
		return
	}
	for len(d.unread) <= column {
		d.unread = append(d.unread, false)
	}
	d.unread[column] = true
}

// tidy gives the text of a cell as its kind wants it, and what is wrong with it.
func tidy(c cell, kind Kind, base1904 bool) (string, schema.Label) {
	switch c.fault {
	case faultDigits:
		return c.text, label("被表格当成了数字，后几位已经丢了，请把这一列设为文本再重新填。", "the spreadsheet took it for a number and lost its last digits; format the column as text and enter it anew.")
	case faultFormula:
		return "", label("是公式，文件里没有算出来的值，请用 Excel 打开、保存一次，或者改成文字。", "it is a formula without its value; open and save the file in Excel once, or replace it by text.")
	case faultError:
		return c.text, label("是公式算不出来的结果，请改成正确的内容。", "it is the result of a formula that went wrong; replace it by what is right.")
	}
	if !utf8.ValidString(c.text) {
		return "", label("里有读不出的字符，请重新填。", "it holds characters that cannot be read; enter it anew.")
	}
	switch kind {
	case Name:
		return schema.NormalizeName(c.text), schema.Label{}
	case Code:
		return schema.NormalizeCode(c.text), schema.Label{}
	case Long:
		return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(c.text)), schema.Label{}
	case Date:
		text := schema.NormalizeText(c.text)
		if text == "" {
			return "", schema.Label{}
		}
		day, wrong := parseDate(text, base1904)
		if wrong != (schema.Label{}) {
			day = text
		}
		return day, wrong
	}
	return schema.NormalizeText(c.text), schema.Label{}
}
