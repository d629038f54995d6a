package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"minqing/internal/sheet"
	"minqing/syncproto"
)

// readAll reads to the end or to an error, which must be a refusal.
func readAll(t *testing.T, content []byte) ([]sheet.Row, error) {
	r, err := open(content)
	var rows []sheet.Row
	for err == nil {
		var row sheet.Row
		if row, err = r.Next(); err == nil {
			rows = append(rows, row)
		}
	}
	var refused *syncproto.Error
	if !errors.Is(err, io.EOF) && (!errors.As(err, &refused) || refused.Hint == "") {
		t.Errorf("error without words for a person: %v", err)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return rows, err
}

// What is read of any file is read the same from what is written of it.
func FuzzCSV(f *testing.F) {
	f.Add([]byte(csvText))
	f.Add([]byte("户号,姓名\n1,\"a\"\"b\"c\r\n\"\n"))
	f.Add([]byte("\xFF\xFE7b"))
	f.Add([]byte("\xbb\xa7\xba\xc5,\xd0\xd5\xc3\xfb\n1,\xbc\xd7"))
	f.Add([]byte("户号;姓名\r1;'=1\r"))
	f.Fuzz(func(t *testing.T, content []byte) {
		rows, err := readAll(t, content)
		if err != nil || len(rows) == 0 {
			return
		}
		var b bytes.Buffer
		w, err := sheet.NewWriter(&b, sheet.CSV, "", titles(rows[0].Titles)...)
		must(t, err)
		for _, row := range rows {
			must(t, w.Row(row.Raw...))
		}
		must(t, w.Close())
		again, err := readAll(t, b.Bytes())
		if err != nil || len(again) != len(rows) {
			t.Fatalf("%d rows, then %d, %v\n%q", len(rows), len(again), err, b.String())
		}
		for i := range rows {
			if !slices.Equal(rows[i].Raw, again[i].Raw) {
				t.Errorf("row %d: %q, then %q", i, rows[i].Raw, again[i].Raw)
			}
		}
	})
}

func titles(titles []string) []sheet.Column {
	var out []sheet.Column
	for _, t := range titles {
		out = append(out, sheet.Column{Title: t})
	}
	return out
}

// The XML of a sheet, whatever stands in it, gives rows or a refusal.
func FuzzSheet(f *testing.F) {
	book := mustBook(f, nil, "表", grid{{"户号", "姓名"}, {"1", "甲"}})
	z, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	must(f, err)
	const part = "xl/worksheets/sheet1.xml"
	r, err := z.Open(part)
	must(f, err)
	seed, err := io.ReadAll(r)
	must(f, err)
	f.Add(seed)
	f.Add([]byte(`<worksheet><sheetData><row><c t="inlineStr"><is><t>户号</t></is></c><c t="inlineStr"><is><r><t>姓</t></r><rPh><t>xing</t></rPh><t>名</t></is></c></row>` +
		`<row r="5"><c r="B5" s="9" t="d"><v>2026-11-23T00:00:00</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="A5:A9"/></mergeCells></worksheet>`))
	f.Fuzz(func(t *testing.T, xml []byte) {
		var b bytes.Buffer
		out := zip.NewWriter(&b)
		for _, file := range z.File {
			if file.Name != part {
				must(t, out.Copy(file))
			}
		}
		w, err := out.CreateHeader(&zip.FileHeader{Name: part, Method: zip.Store})
		must(t, err)
		_, err = w.Write(xml)
		must(t, err)
		must(t, out.Close())
		line := 0
		rows, err := readAll(t, b.Bytes())
		for i, row := range rows {
			if row.Line <= line || row.Index != i+1 {
				t.Errorf("row %d has line %d after %d (%v)", i, row.Line, line, err)
			}
			line = row.Line
		}
	})
}
