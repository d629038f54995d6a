package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"minqing/syncproto"
)

// csvEncoding is how the text of a CSV is written; a nil decoder is UTF-8.
type csvEncoding struct {
	name   string
	skip   int64 // bytes of the mark in front
	decode encoding.Encoding
}

// detectEncoding reads the whole text once: a file that is not what it seems halfway is found before its first row is used.
// Text that is UTF-8 throughout is taken for it; Chinese in GB18030 hardly ever is by chance.
func detectEncoding(r io.ReaderAt, size int64) (csvEncoding, error) {
	head := make([]byte, 3)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return csvEncoding{}, err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		e := csvEncoding{"UTF-16", 0, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}
		line, err := firstBad(io.NewSectionReader(r, 0, size), e.decode)
		if err == nil && line > 0 {
			err = garbled(line)
		}
		return e, err
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		line, err := firstBad(io.NewSectionReader(r, 3, size-3), nil)
		if err == nil && line > 0 {
			err = garbled(line)
		}
		return csvEncoding{"UTF-8", 3, nil}, err
	}
	utf8Line, err := firstBad(io.NewSectionReader(r, 0, size), nil)
	if err != nil || utf8Line == 0 {
		return csvEncoding{"UTF-8", 0, nil}, err
	}
	gb := csvEncoding{"GB18030", 0, simplifiedchinese.GB18030}
	gbLine, err := firstBad(io.NewSectionReader(r, 0, size), gb.decode)
	if err == nil && gbLine > 0 {
		err = garbled(max(utf8Line, gbLine)) // the one that went further is the likelier encoding
	}
	return gb, err
}

// firstBad gives the line of the first bytes that are no character of the encoding, 0 if there are none.
func firstBad(r io.Reader, decode encoding.Encoding) (int, error) {
	if decode != nil {
		r = transform.NewReader(r, decode.NewDecoder())
	}
	in := bufio.NewReaderSize(r, 64<<10)
	line := 1
	for {
		c, n, err := in.ReadRune()
		switch {
		case errors.Is(err, io.EOF):
			return 0, nil
		case err != nil:
			return 0, err
		case c == utf8.RuneError && (n == 1 || decode != nil), c == 0:
			return line, nil
		case c == '\n':
			line++
		}
	}
}

func garbled(line int) error {
	return refusal(syncproto.CodeInvalid, "decode csv",
		label(fmt.Sprintf("第 %d 行有认不出的字，这个文件的编码既不是 UTF-8 也不是 GB18030，或者不是表格。", line),
			fmt.Sprintf("Line %d holds bytes that are no characters: the file is neither UTF-8 nor GB18030, or no table.", line)),
		savedAgain)
}

// records reads the records of a CSV, leniently where the meaning is plain: a quote inside a field that did not begin with one is
// itself, a field may hold line breaks within quotes, records may differ in length. encoding/csv would skip blank lines, and rows
// would no longer be counted as spreadsheet programs count them.
type records struct {
	in        *bufio.Reader
	separator rune
	limits    Limits
	line      int // records so far
	cells     []cell
	field     []byte
}

var separators = []rune{',', '\t', ';', '，', '|'}

func openRecords(r io.ReaderAt, size int64, e csvEncoding, separator rune, limits Limits) *records {
	var in io.Reader = io.NewSectionReader(r, e.skip, size-e.skip)
	if e.decode != nil {
		in = transform.NewReader(in, e.decode.NewDecoder())
	}
	return &records{in: bufio.NewReaderSize(in, 64<<10), separator: separator, limits: limits}
}

func (r *records) close() {} // the file belongs to the caller

func (r *records) next() (rawRow, error) {
	r.cells = r.cells[:0]
	r.line++
	for {
		end, err := r.readField()
		if errors.Is(err, io.EOF) && end == endNothing && len(r.cells) == 0 {
			return rawRow{}, io.EOF
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return rawRow{}, err
		}
		if len(r.cells) >= r.limits.Columns {
			if len(bytes.TrimSpace(r.field)) > 0 {
				return rawRow{}, tooManyColumns(r.line, len(r.cells), r.limits.Columns)
			}
		} else {
			r.cells = append(r.cells, cell{text: plainText(string(r.field))})
		}
		if end != endField {
			return rawRow{line: r.line, cells: r.cells}, nil
		}
	}
}

// plainText takes back what Writer adds so that a text is no formula.
func plainText(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && startsFormula(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return s
}

type fieldEnd uint8

const (
	endNothing fieldEnd = iota // the file ended before the field began
	endField
	endRecord
)

// readField reads one field into r.field.
func (r *records) readField() (fieldEnd, error) {
	r.field = r.field[:0]
	quoted, began := false, false
	for {
		c, _, err := r.in.ReadRune()
		if err != nil {
			return r.endOfFile(err, quoted, began)
		}
		switch {
		case quoted && c == '"':
			after, _, err := r.in.ReadRune()
			if err != nil && !errors.Is(err, io.EOF) {
				return endNothing, err
			}
			switch {
			case errors.Is(err, io.EOF):
				return endRecord, nil
			case after == '"':
				r.field = append(r.field, '"')
			case after == r.separator, after == '\n', after == '\r':
				return r.endOf(after)
			default: // a stray quote within quotes
				r.field = utf8.AppendRune(append(r.field, '"'), after)
			}
		case quoted:
			r.field = utf8.AppendRune(r.field, c)
		case c == '"' && len(r.field) == 0:
			quoted = true
		case c == r.separator, c == '\n', c == '\r':
			return r.endOf(c)
		default:
			r.field = utf8.AppendRune(r.field, c)
		}
		began = true
		if len(r.field) > maxCell {
			return endNothing, r.unclosed()
		}
	}
}

func (r *records) endOfFile(err error, quoted, began bool) (fieldEnd, error) {
	switch {
	case !errors.Is(err, io.EOF):
		return endNothing, err
	case quoted:
		return endNothing, r.unclosed()
	case began || len(r.cells) > 0:
		return endRecord, nil
	}
	return endNothing, io.EOF
}

func (r *records) endOf(c rune) (fieldEnd, error) {
	if c == r.separator {
		return endField, nil
	}
	if c == '\r' {
		next, err := r.in.Peek(1)
		if err != nil && !errors.Is(err, io.EOF) {
			return endNothing, err
		}
		if len(next) == 1 && next[0] == '\n' {
			if _, err := r.in.Discard(1); err != nil {
				return endNothing, err
			}
		}
	}
	return endRecord, nil
}

func (r *records) unclosed() error {
	return refusal(syncproto.CodeInvalid, "read csv",
		label(fmt.Sprintf("第 %d 行有一个引号没有配对，后面的行分不开。", r.line), fmt.Sprintf("A quote in row %d is never closed, so the rows after it cannot be told apart.", r.line)),
		label("请在那一行补上或删掉引号，或者另存为 .xlsx，再导入。", "Close or delete the quote, or save the file as .xlsx, and import that."))
}
