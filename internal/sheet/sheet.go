package sheet

import (
	"minqing/schema"
	"minqing/syncproto"
)

// Kind tells how the text of a column's cells is to be tidied.
type Kind uint8

// The kinds of column.
const (
	Text Kind = iota // one line
	Long             // several lines, kept
	Name             // of a person or place: blanks between characters go
	Code             // numbers and codes: width and blanks go
	Date             // in any of the forms people write, given as YYYY-MM-DD
)

// Header is a column that is looked for.
type Header struct {
	Key      string   // the cell's name in Row.Cells
	Names    []string // what the column may be called; messages use the first. Case, blanks, width and notes in brackets do not matter
	Kind     Kind
	Required bool // a table without the column is not one
}

// HeaderOf is the header of a schema column, under the column's name. Whether a cell may stay blank is judged by the schema; a
// required column must be there at all.
func HeaderOf(c *schema.Column) Header {
	h := Header{Key: c.Name, Names: c.AllHeaders(), Required: c.Required}
	switch c.Type {
	case schema.TypeDate:
		h.Kind = Date
	case schema.TypePhone, schema.TypeIDNumber, schema.TypeInt:
		h.Kind = Code
	case schema.TypeLong:
		h.Kind = Long
	}
	return h
}

// Limits bound what a file may cost. Zero fields stand for the defaults.
type Limits struct {
	Packed   int64 // bytes of the file
	Unpacked int64 // bytes of the XML of a workbook; it is streamed, so this bounds time rather than memory
	Strings  int64 // bytes of the distinct texts of a workbook, held in memory
	Rows     int   // rows of a table with content
	Columns  int   // columns with content
}

// The default limits. A register of 200,000 people in 20 columns is 20 MB packed, 250 MB unpacked, 25 MB of texts.
const (
	defaultPacked   = 64 << 20
	defaultUnpacked = 1 << 30
	defaultStrings  = 96 << 20
	defaultRows     = 1 << 20
	defaultColumns  = 512
)

func (l Limits) filled() Limits {
	if l.Packed == 0 {
		l.Packed = defaultPacked
	}
	if l.Unpacked == 0 {
		l.Unpacked = defaultUnpacked
	}
	if l.Strings == 0 {
		l.Strings = defaultStrings
	}
	if l.Rows == 0 {
		l.Rows = defaultRows
	}
	if l.Columns == 0 {
		l.Columns = defaultColumns
	}
	return l
}

// maxCell bounds one cell of a CSV in bytes: 32,767 characters, what Excel holds, of four bytes each.
const maxCell = 32767 * 4

// Row is one row of the table that has any content of its own.
type Row struct {
	Sheet string // "" in a CSV
	Line  int    // as the spreadsheet program counts, 1 is the first
	Index int    // its number among the rows of all sheets, from 1: where a broken import goes on
	// Cells has the tidied text of the cells that are not blank, by Header.Key. A cell merged over several rows counts for each.
	Cells map[string]string
	// Problems are of cells whose value cannot be trusted or read, Columns naming the key; their text stays in Cells as it was.
	Problems []*schema.Problem
	Titles   []string // of the sheet's columns, shared by its rows
	Raw      []string // every cell as it is shown in the file, whether a header asks for it or not; it may be longer than Titles
}

// Info tells what was found.
type Info struct {
	Format   string // xlsx or csv
	Encoding string // of a CSV: UTF-8, GB18030, UTF-16
	Sheets   []string
	Unread   []string  // columns with content that no header asks for
	Skipped  []Skipped // sheets with content that were not read
}

// Skipped is a sheet that was not read, and why.
type Skipped struct {
	Sheet string
	Why   schema.Label
}

// refusal is the error for a file that cannot be read: what is wrong, what to do.
func refusal(code syncproto.Code, op string, wrong, do schema.Label) *syncproto.Error {
	return &syncproto.Error{Code: code, Op: "sheet: " + op, Message: wrong.Both(), Hint: do.Both()}
}

func label(zh, en string) schema.Label { return schema.Label{ZH: zh, EN: en} }

// columnName is what spreadsheet programs call the column of an index: A, B … Z, AA.
func columnName(index int) string {
	name := ""
	for index >= 0 {
		name = string(rune('A'+index%26)) + name
		index = index/26 - 1
	}
	return name
}
