package sheet_test

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"minqing/internal/sheet"
	"minqing/schema"
)

var columns = []sheet.Column{{Title: "户号"}, {Title: "姓名", Width: 12}, {Title: "备注"}}

// hostile are texts that formats have trouble with.
var hostile = []string{"=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1", "\t=1", "'=1", "'", "a,b", "say \"x\"", "line\nbreak", "_x0041_", "<&>\"'",
	"张\U00020BB7", " blanks ", "-12.5", "+8612800005621", "000101199003070032", "\x01", "1e5", "，"}

func TestWorkbooksOpenInExcelize(t *testing.T) {
	var b bytes.Buffer
	w, err := sheet.NewWriter(&b, sheet.XLSX, "一组/二组:三组[四组]五组六组七组八组九组十组十一组十二组十三组", columns...)
	must(t, err)
	for _, text := range hostile {
		must(t, w.Row("1", text))
	}
	must(t, w.Row("", "", "末"))
	must(t, w.Close())
	f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	must(t, err)
	names := f.GetSheetList()
	if len(names) != 1 || utf8.RuneCountInString(names[0]) > 31 || !strings.HasPrefix(names[0], "一组 二组 三组 四组") {
		t.Fatalf("sheets %q", names)
	}
	rows, err := f.GetRows(names[0])
	must(t, err)
	if len(rows) != len(hostile)+2 || !slices.Equal(rows[0], []string{"户号", "姓名", "备注"}) {
		t.Fatalf("%d rows, first %q", len(rows), rows[0])
	}
	for i, text := range hostile {
		if got := rows[i+1][1]; got != text {
			t.Errorf("row %d: %q, want %q", i, got, text)
		}
		if formula, err := f.GetCellFormula(names[0], "B"+strconv.Itoa(i+2)); err != nil || formula != "" {
			t.Errorf("row %d holds the formula %q (%v)", i, formula, err)
		}
	}
	if got := rows[len(rows)-1]; len(got) != 3 || got[2] != "末" {
		t.Errorf("last row %q", got)
	}
}

// What is written is read again by this package as it was, in both formats, save what tidying does to it.
func TestWrittenIsRead(t *testing.T) {
	for _, format := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		var b bytes.Buffer
		w, err := sheet.NewWriter(&b, format, "表", columns...)
		must(t, err)
		for _, text := range hostile {
			must(t, w.Row("1", "甲", text))
		}
		must(t, w.Close())
		rows := mustRows(t, mustOpen(t, b.Bytes()))
		if len(rows) != len(hostile) {
			t.Fatalf("format %d: %d rows, want %d", format, len(rows), len(hostile))
		}
		for i, text := range hostile {
			if got := rows[i].Cells["note"]; got != strings.TrimSpace(text) {
				t.Errorf("format %d, row %d: %q, want %q", format, i, got, text)
			}
		}
	}
}

func TestCSVHoldsNoFormula(t *testing.T) {
	var b bytes.Buffer
	w, err := sheet.NewWriter(&b, sheet.CSV, "", sheet.Column{Title: "备注"})
	must(t, err)
	for _, text := range append(hostile, "") {
		must(t, w.Row(text))
	}
	must(t, w.Close())
	if !strings.HasPrefix(b.String(), "\uFEFF备注\r\n") {
		t.Errorf("begins with %q", b.String()[:20])
	}
	for _, line := range strings.Split(strings.TrimSuffix(b.String(), "\r\n"), "\r\n")[1:] {
		field := strings.TrimLeft(strings.TrimPrefix(line, `"`), "\t ")
		if field != "" && strings.ContainsRune("=@＝＋－＠", []rune(field)[0]) || strings.HasPrefix(field, "+cmd") || strings.HasPrefix(field, "-2+") {
			t.Errorf("line %q could run", line)
		}
		if line == "" {
			t.Error("a blank field alone in its row made a blank line")
		}
	}
	if !strings.Contains(b.String(), "\r\n-12.5\r\n") || !strings.Contains(b.String(), "\r\n+8612800005621\r\n") {
		t.Error("a number was marked as if it were a formula")
	}
}

func TestWritesTheSameBytesTwice(t *testing.T) {
	write := func() []byte {
		var b bytes.Buffer
		w, err := sheet.NewWriter(&b, sheet.XLSX, "表", columns...)
		must(t, err)
		must(t, w.Row("1", "甲", "一"))
		must(t, w.Close())
		return b.Bytes()
	}
	if !bytes.Equal(write(), write()) {
		t.Error("two workbooks of the same rows differ")
	}
}

func TestRefusesACellNoWorkbookHolds(t *testing.T) {
	var b bytes.Buffer
	w, err := sheet.NewWriter(&b, sheet.XLSX, "表", columns...)
	must(t, err)
	must(t, w.Row(strings.Repeat("字", 32767)))
	wantRefusal(t, w.Row(strings.Repeat("\U00020BB7", 16384)), "第 3 行", "CSV")
}

func TestBadRowsCanBeMendedAndImportedAgain(t *testing.T) {
	in := mustBook(t, nil, "一组", grid{{"石桥村"}, {"户号", "姓名", "出生日期", "家住"}, {"1", "甲", "五月", "东头"}, {"2", "乙", "1990-01-01"}},
		"二组", grid{{"姓名", "户号"}, {"丙", "3"}, {"丁", nil, nil, "无题的列"}})
	r := mustOpen(t, in)
	var b bytes.Buffer
	bad := sheet.NewBadRows(&b, "")
	for _, row := range mustRows(t, r) {
		switch {
		case len(row.Problems) > 0:
			must(t, bad.Add(row, row.Problems[0].Text))
		case row.Cells["code"] == "":
			must(t, bad.Add(row, schema.Label{ZH: "没有户号。", EN: "There is no code."}, schema.Label{ZH: "没有生日。", EN: "There is no birth date."}))
		}
	}
	must(t, bad.Close())
	f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	must(t, err)
	if reason, err := f.GetCellValue("二组", "A2"); err != nil || reason != "没有户号。 There is no code.\n没有生日。 There is no birth date." {
		t.Errorf("reason %q, %v", reason, err)
	}
	if line, err := f.GetCellValue("一组", "B2"); err != nil || line != "3" {
		t.Errorf("line %q, %v", line, err)
	}
	rows := mustRows(t, mustOpen(t, b.Bytes()))
	if len(rows) != 2 {
		t.Fatalf("rows %+v", rows)
	}
	if want := map[string]string{"code": "1", "name": "甲", "birth": "五月"}; rows[0].Sheet != "一组" || !maps.Equal(rows[0].Cells, want) {
		t.Errorf("first row %+v, want %v", rows[0], want)
	}
	if want := map[string]string{"name": "丁"}; rows[1].Sheet != "二组" || !maps.Equal(rows[1].Cells, want) || !slices.Contains(rows[1].Raw, "无题的列") {
		t.Errorf("second row %+v, want %v", rows[1], want)
	}
}

func TestNoBadRows(t *testing.T) {
	var b bytes.Buffer
	must(t, sheet.NewBadRows(&b, "").Close())
	f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	must(t, err)
	if rows, err := f.GetRows(f.GetSheetName(0)); err != nil || len(rows) != 1 {
		t.Errorf("rows %q, %v", rows, err)
	}
}

func TestHeadersOfTheSchema(t *testing.T) {
	resident := schema.Minqing().Table("resident")
	var headers []sheet.Header
	for _, name := range []string{"name", "birth", "phone"} {
		headers = append(headers, sheet.HeaderOf(resident.Column(name)))
	}
	content := "姓名,出生年月,Phone\n王　桂芬,1955年4月2日,１２８ 0000 5621\n"
	r, err := sheet.Open("t", strings.NewReader(content), int64(len(content)), headers, sheet.Limits{})
	must(t, err)
	rows := mustRows(t, r)
	if len(rows) != 1 || rows[0].Cells["birth"] != "1955-04-02" || rows[0].Cells["phone"] != "12800005621" || !headers[0].Required {
		t.Errorf("rows %+v", rows)
	}
}
