package sheet_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

const csvText = "石桥村人口登记表,,,\r\n户号,姓名,备注,电话\r\n1,张\U00020BB7,\"说“好”, \"\"还来\"\"\n下周\",'+86 128\r\n\r\n２,李四,5\" 水管,\r\n"

func TestReadsCSVInItsEncodings(t *testing.T) {
	encode := func(e encoding.Encoding, s string) []byte {
		b, err := e.NewEncoder().Bytes([]byte(s))
		must(t, err)
		return b
	}
	for _, c := range []struct {
		name     string
		content  []byte
		encoding string
	}{
		{"UTF-8", []byte(csvText), "UTF-8"},
		{"UTF-8 with mark", []byte("\uFEFF" + csvText), "UTF-8"},
		{"GB18030", encode(simplifiedchinese.GB18030, csvText), "GB18030"},
		{"UTF-16", encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), csvText), "UTF-16"},
		{"line feeds", []byte(strings.ReplaceAll(csvText, "\r\n", "\n")), "UTF-8"},
		{"carriage returns", []byte(strings.ReplaceAll(csvText, "\r\n", "\r")), "UTF-8"},
		{"no end of line", []byte(strings.TrimSuffix(csvText, "\r\n")), "UTF-8"},
		{"tabs", []byte(strings.NewReplacer(",", "\t", "，", ",").Replace(strings.ReplaceAll(csvText, ", ", "， "))), "UTF-8"},
		{"semicolons", []byte(strings.NewReplacer(",", ";", "，", ",").Replace(strings.ReplaceAll(csvText, ", ", "， "))), "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustOpen(t, c.content)
			rows := mustRows(t, r)
			if info := r.Info(); info.Format != "csv" || info.Encoding != c.encoding {
				t.Errorf("info %+v", info)
			}
			want := []map[string]string{
				{"code": "1", "name": "张\U00020BB7", "note": "说“好”, \"还来\"\n下周", "phone": "+86128"},
				{"code": "2", "name": "李四", "note": "5\" 水管"},
			}
			if len(rows) != 2 || rows[0].Line != 3 || rows[1].Line != 5 || rows[1].Index != 2 {
				t.Fatalf("rows %+v", rows)
			}
			for i := range want {
				if !maps.Equal(rows[i].Cells, want[i]) {
					t.Errorf("row %d: %q, want %q", i, rows[i].Cells, want[i])
				}
			}
		})
	}
}

func TestRefusesFilesThatAreNoTable(t *testing.T) {
	compound := append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), make([]byte, 2048)...)
	locked := append(bytes.Clone(compound), []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")...)
	ods := mustBook(t, nil, "表", grid{{"户号"}})
	ods = rewrite(t, ods, func(name string, b []byte) []byte {
		if strings.HasPrefix(name, "xl/") || strings.HasPrefix(name, "_rels") {
			return nil
		}
		return b
	})
	for _, c := range []struct {
		name, content string
		words         []string
	}{
		{"xls", string(compound), []string{".xls", "另存为 .xlsx"}},
		{"password", string(locked), []string{"密码"}},
		{"no workbook in a zip", string(ods), []string{"没有表格"}},
		{"pdf", "%PDF-1.7\n", []string{"PDF", "另存为 .xlsx"}},
		{"web page", "\uFEFF\n<html><table><tr><td>户号", []string{"网页", "另存为 .xlsx"}},
		{"empty", "", []string{"空的"}},
		{"blanks", " \r\n ", []string{"空的"}},
		{"picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", []string{"不是表格", "另存为 .xlsx"}},
		{"garbled halfway", "户号,姓名\n1,甲\n2,\xff\xfe\n", []string{"第 3 行", "UTF-8"}},
		{"GB18030 cut within a character", "\xbb\xa7\xba\xc5,\xd0\xd5\xc3\xfb\n1,\xbc\n", []string{"第 2 行"}},
		{"missing columns", "户号,名字\n1,甲\n", []string{"“姓名”", "户号、名字"}},
		{"a quote left open", "户号,姓名\n1,\"甲\n" + strings.Repeat("2,乙\n", 40000), []string{"第 2 行", "引号"}},
		{"a quote open at the end", "户号,姓名\n1,甲\n2,\"乙", []string{"第 3 行", "引号"}},
		{"too many columns", "户号,姓名\n1,甲" + strings.Repeat(",", 600) + "x\n", []string{"第 2 行", "512 列"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open([]byte(c.content))
			for err == nil {
				_, err = r.Next()
			}
			wantRefusal(t, err, c.words...)
		})
	}
}

// A CSV that keeps a blank row and a line break within a cell is counted as a spreadsheet program counts it.
func TestManyRowsOfCSV(t *testing.T) {
	var b strings.Builder
	b.WriteString("户号,姓名\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "%d,\"甲\n乙\"\n\n", i)
	}
	rows := mustRows(t, mustOpen(t, []byte(b.String())))
	if len(rows) != 5000 || rows[4999].Line != 2+4999*2 || rows[4999].Cells["name"] != "甲乙" {
		t.Errorf("%d rows, last %+v", len(rows), rows[len(rows)-1])
	}
}
