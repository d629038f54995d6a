package sheet_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"minqing/internal/sheet"
)

func TestReadsWhatPeopleKeep(t *testing.T) {
	book := mustBook(t, func(f *excelize.File) {
		must(t, f.MergeCell("一组", "A1", "F1"))
		must(t, f.MergeCell("一组", "A5", "A6")) // one household, two people
		must(t, f.MergeCell("一组", "C5", "D5")) // a value that spans columns is the first one's only
		style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		must(t, err)
		must(t, f.SetCellStyle("一组", "C4", "C4", style))
		code, err := f.NewStyle(&excelize.Style{CustomNumFmt: ptr("0000")})
		must(t, err)
		must(t, f.SetCellStyle("一组", "A4", "A4", code))
	}, "一组", grid{
		{"石桥村第一村民小组人口登记表"},
		{"填表日期：2026年11月", nil, nil, nil, nil, nil},
		{"户 号", "姓　名", "出生年月（公历）", "身份证号*", "手机", "备注："},
		{12, "王　桂芬", time.Date(1955, 4, 2, 0, 0, 0, 0, time.UTC), "０００１０１１９５５０４０２００２７", 12800005621, "腿疼\n要复查"},
		{"SQ-0013", "张\U00020BB7", "1990年3月7日"},
		{nil, "李四", "1991.12.1", nil, "128 0000 0001"},
		{},
		{"户号", "姓名", "出生日期", "身份证号", "手机", "备注"}, // the top of the second page
		{"SQ-0014", "Anna Lee", 33000, nil, nil, nil, "没人要的列"},
	})
	r := mustOpen(t, book)
	rows := mustRows(t, r)
	want := []struct {
		line  int
		cells map[string]string
	}{
		{4, map[string]string{"code": "0012", "name": "王桂芬", "birth": "1955-04-02", "id": "000101195504020027", "phone": "12800005621", "note": "腿疼\n要复查"}},
		{5, map[string]string{"code": "SQ-0013", "name": "张\U00020BB7", "birth": "1990-03-07"}},
		{6, map[string]string{"code": "SQ-0013", "name": "李四", "birth": "1991-12-01", "phone": "12800000001"}},
		{9, map[string]string{"code": "SQ-0014", "name": "Anna Lee", "birth": "1990-05-07"}},
	}
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d: %+v", len(rows), len(want), rows)
	}
	for i, w := range want {
		got := rows[i]
		if got.Line != w.line || got.Index != i+1 || got.Sheet != "一组" || !maps.Equal(got.Cells, w.cells) || len(got.Problems) > 0 {
			t.Errorf("row %d: %+v, want line %d, %v", i, got, w.line, w.cells)
		}
	}
	if got := rows[3].Raw; len(got) != 7 || got[6] != "没人要的列" {
		t.Errorf("raw cells %q", got)
	}
	if got := fmt.Sprint(r.Info().Unread); got != "[G 列]" {
		t.Errorf("unread columns %s", got)
	}
}

func ptr[T any](v T) *T { return &v }

func TestReadsEverySheetWithTheHeaders(t *testing.T) {
	book := mustBook(t, func(f *excelize.File) {
		must(t, f.SetSheetVisible("旧表", false))
	}, "填表说明", grid{{"请按组填写"}}, "一组", grid{{"户号", "姓名", "家庭成员"}, {"1", "甲", "丙"}}, "空", grid{},
		"二组", grid{{"说明"}, {"姓名", "户号"}, {"乙", "2"}}, "三组", grid{{"户号", "名字"}, {"3", "丁"}}, "旧表", grid{{"户号", "姓名"}, {"9", "旧"}})
	r := mustOpen(t, book)
	var got []string
	for _, row := range mustRows(t, r) {
		got = append(got, fmt.Sprintf("%s %d %d %s %s", row.Sheet, row.Line, row.Index, row.Cells["code"], row.Cells["name"]))
	}
	if s := strings.Join(got, " "); s != "一组 2 1 1 甲 二组 3 2 2 乙" {
		t.Errorf("rows %s", s)
	}
	info := r.Info()
	if s := fmt.Sprint(info.Format, info.Sheets, info.Unread); s != "xlsx[一组 二组] [一组：家庭成员]" {
		t.Errorf("info %s", s)
	}
	if len(info.Skipped) != 3 || info.Skipped[0].Sheet != "填表说明" || info.Skipped[1].Sheet != "三组" ||
		!strings.Contains(info.Skipped[1].Why.ZH, "姓名") || info.Skipped[2].Sheet != "旧表" {
		t.Errorf("skipped %+v", info.Skipped)
	}
}

func TestReadsTitlesOverTitles(t *testing.T) {
	headers := []sheet.Header{
		{Key: "code", Names: []string{"户号"}, Kind: sheet.Code, Required: true},
		{Key: "head", Names: []string{"户主姓名"}, Required: true},
		{Key: "name", Names: []string{"姓名"}, Required: true},
		{Key: "headphone", Names: []string{"户主电话"}},
		{Key: "phone", Names: []string{"电话"}},
	}
	cells := grid{
		{"石桥村"},
		{"户号", "户主", nil, "家庭成员", nil},
		{nil, "姓名", "电话", "姓名", "电话"},
		{"1", "王", "128", "李", "129"},
	}
	merged := mustBook(t, func(f *excelize.File) {
		for _, m := range [][2]string{{"A1", "E1"}, {"A2", "A3"}, {"B2", "C2"}, {"D2", "E2"}} {
			must(t, f.MergeCell("表", m[0], m[1]))
		}
	}, "表", cells)
	csv := []byte("石桥村,,,,\n户号,户主,,家庭成员,\n,姓名,电话,姓名,电话\n1,王,128,李,129\n")
	for name, content := range map[string][]byte{"merged": merged, "only blank": mustBook(t, nil, "表", cells), "csv": csv} {
		t.Run(name, func(t *testing.T) {
			r, err := sheet.Open(name, bytes.NewReader(content), int64(len(content)), headers, sheet.Limits{})
			must(t, err)
			rows := mustRows(t, r)
			want := map[string]string{"code": "1", "head": "王", "headphone": "128", "name": "李", "phone": "129"}
			if len(rows) != 1 || !maps.Equal(rows[0].Cells, want) || rows[0].Line != 4 {
				t.Errorf("rows %+v, want %v", rows, want)
			}
		})
	}
}

// The names that a header accepts all stand in the upper row, the lower one only details a column nobody asked for.
func TestPassesOverTheLowerRowOfTitles(t *testing.T) {
	book := mustBook(t, func(f *excelize.File) {
		must(t, f.MergeCell("表", "A1", "A2"))
		must(t, f.MergeCell("表", "B1", "B2"))
		must(t, f.MergeCell("表", "C1", "D1"))
	}, "表", grid{{"户号", "姓名", "房屋"}, {nil, nil, "面积", "年份"}, {"1", "甲", 80, 1999}})
	rows := mustRows(t, mustOpen(t, book))
	if len(rows) != 1 || rows[0].Cells["name"] != "甲" || rows[0].Line != 3 {
		t.Errorf("rows %+v", rows)
	}
}

func TestValuesASpreadsheetSpoilt(t *testing.T) {
	book := mustBook(t, func(f *excelize.File) {
		must(t, f.SetCellFormula("表", "B3", "CONCAT(1,2)"))
		must(t, f.SetCellValue("表", "D2", 1.10101199003e17))
	}, "表", grid{
		{"户号", "姓名", "出生日期", "身份证号", "备注"},
		{"1", "甲", "1990-02-30"},
		{"2", nil, "五月", "000101199003070032", 0.1 + 0.2},
		{"3", "丙", "1985.03"},
		{"4", "丁", "03/04/1985", nil, true},
		{"5", "戊", "85-3-4"},
	})
	book = rewrite(t, book, func(name string, content []byte) []byte {
		if name == "xl/worksheets/sheet1.xml" {
			content = bytes.Replace(content, []byte("</row><row r=\"3\""), []byte(`<c r="E2" t="e"><v>#N/A</v></c></row><row r="3"`), 1)
		}
		return content
	})
	rows := mustRows(t, mustOpen(t, book))
	want := [][]string{
		{"“出生日期”日历上没有这一天", "“身份证号”被表格当成了数字", "“备注”是公式算不出来"},
		{"“姓名”是公式", "“出生日期”看不出是哪一天"}, {"“出生日期”只有年月"}, {"“出生日期”分不清"}, {"“出生日期”年份要写四位"},
	}
	if len(rows) != len(want) {
		t.Fatalf("rows %+v", rows)
	}
	for i, words := range want {
		if len(rows[i].Problems) != len(words) {
			t.Errorf("row %d: problems %v, want %v", i, rows[i].Problems, words)
			continue
		}
		for j, w := range words {
			if !strings.HasPrefix(rows[i].Problems[j].Text.ZH, w) {
				t.Errorf("row %d: problem %v, want %s", i, rows[i].Problems[j], w)
			}
		}
	}
	if got := rows[1].Cells["note"]; got != "0.3" {
		t.Errorf("0.1+0.2 shows as %s", got)
	}
	if got := rows[3].Cells["note"]; got != "TRUE" {
		t.Errorf("true shows as %s", got)
	}
}

func TestDatesOfMacintosh(t *testing.T) {
	book := mustBook(t, func(f *excelize.File) {
		must(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: ptr(true)}))
	}, "表", grid{{"户号", "姓名", "出生日期"}, {"1", "甲", 33000 - 1462}})
	rows := mustRows(t, mustOpen(t, book))
	if len(rows) != 1 || rows[0].Cells["birth"] != "1990-05-07" {
		t.Errorf("rows %+v", rows)
	}
}

func TestRefusesWorkbooks(t *testing.T) {
	good := mustBook(t, nil, "表", grid{{"户号", "姓名"}, {"1", "甲"}})
	part := func(part string, edit func([]byte) []byte) []byte {
		return rewrite(t, good, func(name string, content []byte) []byte {
			if name == part {
				return edit(content)
			}
			return content
		})
	}
	const sheet1 = "xl/worksheets/sheet1.xml"
	for _, c := range []struct {
		name    string
		content []byte
		words   []string
	}{
		{"missing columns", mustBook(t, nil, "表", grid{{"说明"}, {"出生日期", "备注", "家住哪里"}, {"1990-01-01", "甲"}}),
			[]string{"“户号”“姓名”", "出生日期、备注、家住哪里"}},
		{"no header", mustBook(t, nil, "表", grid{{"1", "甲"}, {"2", "乙"}}), []string{"前 10 行", "“户号”“姓名”"}},
		{"header too far down", mustBook(t, nil, "表", grid{{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {"户号", "姓名"}}), []string{"前 10 行"}},
		{"two columns of one title", mustBook(t, nil, "表", grid{{"户号", "姓名", "姓名"}, {"1", "甲", "乙"}}), []string{"B 列和 C 列", "姓名"}},
		{"nothing in it", mustBook(t, nil, "表", grid{}), []string{"空的"}},
		{"cut off", good[:len(good)*2/3], []string{"坏了"}},
		{"sheet breaks off", part(sheet1, func(b []byte) []byte { b, _, _ = bytes.Cut(b, []byte("</sheetData>")); return b }), []string{"坏了"}},
		{"row breaks off", part(sheet1, func(b []byte) []byte { return bytes.Replace(b, []byte("</row>"), nil, 1) }), []string{"坏了"}},
		{"no sheet part", part(sheet1, func([]byte) []byte { return nil }), []string{"坏了"}},
		{"text of nobody", part(sheet1, func(b []byte) []byte { return bytes.Replace(b, []byte(`t="s"><v>0`), []byte(`t="s"><v>77`), 1) }), []string{"坏了"}},
		{"rows out of order", part(sheet1, func(b []byte) []byte { return bytes.Replace(b, []byte(`<row r="2"`), []byte(`<row r="1"`), 1) }), []string{"坏了"}},
		{"column beyond", part(sheet1, func(b []byte) []byte { return bytes.Replace(b, []byte(`r="B2"`), []byte(`r="ZZ2"`), 1) }), []string{"ZZ 列", "512 列"}},
		{"an archive of other things", rewrite(t, good, func(name string, b []byte) []byte {
			if strings.HasPrefix(name, "xl/") || strings.HasPrefix(name, "_rels") {
				return nil
			}
			return b
		}), []string{"没有表格"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(c.content)
			for err == nil {
				_, err = r.Next()
			}
			wantRefusal(t, err, c.words...)
		})
	}
}

// What the doc comment says of the iterator that is not used here: it must stay true to be a reason.
func TestDamageIsNotTheEnd(t *testing.T) {
	book := rewrite(t, mustBook(t, nil, "表", grid{{"户号", "姓名"}, {"1", "甲"}, {"2", "乙"}, {"3", "丙"}}), func(name string, b []byte) []byte {
		if name == "xl/worksheets/sheet1.xml" {
			return bytes.Replace(b, []byte(`<row r="4"`), []byte(`<row r="4" <<`), 1)
		}
		return b
	})
	f, err := excelize.OpenReader(bytes.NewReader(book))
	must(t, err)
	rows, err := f.Rows("表")
	must(t, err)
	n := 0
	for rows.Next() {
		n++
	}
	if n != 3 || rows.Error() != nil {
		t.Errorf("excelize now sees the damage (%d rows, %v): mend the doc comment", n, rows.Error())
	}
	r, err := open(book)
	for err == nil {
		_, err = r.Next()
	}
	wantRefusal(t, err, "坏了")
}
