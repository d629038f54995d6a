package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

// A sheet ends at a million rows; the export goes on in the next one.
func TestWriterGoesOnInAFurtherSheet(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, XLSX, "走访", Column{Title: "户号"})
	if err != nil {
		t.Fatal(err)
	}
	w.book.lastLine = 3
	for i := range 5 {
		if err := w.Row(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open("t", bytes.NewReader(b.Bytes()), int64(b.Len()), []Header{{Key: "code", Names: []string{"户号"}}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got += fmt.Sprintf("%s!%d=%s ", row.Sheet, row.Line, row.Cells["code"])
	}
	if got != "走访!2=0 走访!3=1 走访 (2)!2=2 走访 (2)!3=3 走访 (3)!2=4 " {
		t.Errorf("rows %s", got)
	}
}

func TestColumnNames(t *testing.T) {
	for index, name := range map[int]string{0: "A", 25: "Z", 26: "AA", 701: "ZZ", 702: "AAA", 16383: "XFD"} {
		if got := columnName(index); got != name {
			t.Errorf("column %d is %s, want %s", index, got, name)
		}
		if column, line, ok := cellAt(name + "12"); !ok || column != index || line != 12 {
			t.Errorf("cell %s12 is %d, %d, %v", name, column, line, ok)
		}
	}
	for _, name := range []string{"", "A", "12", "A0", "XFE1", "AAAA1", "A1048577", "A-1", "A1B"} {
		if column, line, ok := cellAt(name); ok {
			t.Errorf("%q is taken for the cell %d, %d", name, column, line)
		}
	}
}
