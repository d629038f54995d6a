package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"minqing/internal/sheet"
	"minqing/syncproto"
)

// people are the headers of the register in these tests.
var people = []sheet.Header{
	{Key: "code", Names: []string{"户号", "户编号", "code"}, Kind: sheet.Code, Required: true},
	{Key: "name", Names: []string{"姓名", "name"}, Kind: sheet.Name, Required: true},
	{Key: "birth", Names: []string{"出生日期", "出生年月"}, Kind: sheet.Date},
	{Key: "id", Names: []string{"身份证号", "公民身份号码"}, Kind: sheet.Code},
	{Key: "phone", Names: []string{"联系电话", "手机", "电话"}, Kind: sheet.Code},
	{Key: "note", Names: []string{"备注"}, Kind: sheet.Long},
}

type grid [][]any

// mustBook makes a workbook with excelize; each sheet is its name and its cells.
func mustBook(tb testing.TB, edit func(f *excelize.File), sheets ...any) []byte {
	tb.Helper()
	f := excelize.NewFile()
	for i := 0; i < len(sheets); i += 2 {
		name, cells := sheets[i].(string), sheets[i+1].(grid)
		if i == 0 {
			must(tb, f.SetSheetName("Sheet1", name))
		} else if _, err := f.NewSheet(name); err != nil {
			tb.Fatal(err)
		}
		for r, row := range cells {
			at, err := excelize.CoordinatesToCellName(1, r+1)
			must(tb, err)
			must(tb, f.SetSheetRow(name, at, &row))
		}
	}
	if edit != nil {
		edit(f)
	}
	var b bytes.Buffer
	must(tb, f.Write(&b))
	must(tb, f.Close())
	return b.Bytes()
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func open(content []byte) (*sheet.Reader, error) {
	return sheet.Open("test", bytes.NewReader(content), int64(len(content)), people, sheet.Limits{})
}

func mustOpen(tb testing.TB, content []byte) *sheet.Reader {
	tb.Helper()
	r, err := open(content)
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	tb.Cleanup(r.Close)
	return r
}

func mustRows(tb testing.TB, r *sheet.Reader) []sheet.Row {
	tb.Helper()
	var rows []sheet.Row
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			tb.Fatalf("Next after %d rows: %v", len(rows), err)
		}
		rows = append(rows, row)
	}
}

// wantRefusal fails unless err is a refusal with a hint, in both languages, that holds the words.
func wantRefusal(tb testing.TB, err error, words ...string) {
	tb.Helper()
	var e *syncproto.Error
	if !errors.As(err, &e) {
		tb.Fatalf("got %v, want a *syncproto.Error", err)
	}
	if e.Hint == "" || !strings.Contains(e.Message, "\n") || !strings.Contains(e.Hint, "\n") {
		tb.Errorf("message %q, hint %q: both are wanted, in both languages", e.Message, e.Hint)
	}
	for _, w := range words {
		if !strings.Contains(e.Message+e.Hint, w) {
			tb.Errorf("message %q, hint %q: no %q in them", e.Message, e.Hint, w)
		}
	}
}

// rewrite copies a zip archive, changing the content of parts; nil drops one.
func rewrite(tb testing.TB, content []byte, change func(name string, content []byte) []byte) []byte {
	tb.Helper()
	in, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	must(tb, err)
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		r, err := f.Open()
		must(tb, err)
		old, err := io.ReadAll(r)
		must(tb, err)
		changed := change(f.Name, old)
		if changed == nil {
			continue
		}
		w, err := out.Create(f.Name)
		must(tb, err)
		_, err = w.Write(changed)
		must(tb, err)
	}
	must(tb, out.Close())
	return b.Bytes()
}
