package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"minqing/internal/sheet"
)

// zeros is an endless text of one character.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// mustBomb makes a workbook one part of which ends in a text of the given size.
func mustBomb(tb testing.TB, part, head string, size int64, tail string) []byte {
	tb.Helper()
	good := mustBook(tb, nil, "表", grid{{"户号", "姓名"}, {"1", "甲"}})
	in, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
	must(tb, err)
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		if f.Name != part {
			must(tb, out.Copy(f))
		}
	}
	w, err := out.Create(part)
	must(tb, err)
	_, err = io.Copy(w, io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, size), strings.NewReader(tail)))
	must(tb, err)
	must(tb, out.Close())
	return b.Bytes()
}

// allocated is how many bytes f allocates, all told.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestZipBombsCostAnErrorMessage(t *testing.T) {
	const sheet1 = "xl/worksheets/sheet1.xml"
	const head = `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>`
	lying := mustBomb(t, sheet1, head, 40<<20, `</t></is></c></row></sheetData></worksheet>`)
	for at := bytes.Index(lying, []byte(sheet1)); at >= 0; {
		if i := bytes.LastIndex(lying[:at], []byte("PK\x01\x02")); i >= 0 && at-i == 46 { // its entry in the directory
			copy(lying[i+24:], []byte{0, 16, 0, 0}) // says that it unpacks to 4 KB
		}
		next := bytes.Index(lying[at+1:], []byte(sheet1))
		if next < 0 {
			break
		}
		at += 1 + next
	}
	var many bytes.Buffer
	out := zip.NewWriter(&many)
	for i := range 60000 {
		_, err := out.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("xl/%05d", i)})
		must(t, err)
	}
	must(t, out.Close())
	for _, c := range []struct {
		name    string
		content []byte
		words   []string
	}{
		{"a sheet of 100 MB", mustBomb(t, sheet1, head, 100<<20, `</t></is></c></row></sheetData></worksheet>`), []string{"100 MB"}},
		{"texts of 100 MB", mustBomb(t, "xl/sharedStrings.xml", `<sst><si><t>`, 100<<20, `</t></si></sst>`), []string{"100 MB"}},
		{"a cell of 30 MB", mustBomb(t, sheet1, head, 30<<20, `</t></is></c></row></sheetData></worksheet>`), []string{"坏了"}},
		{"a text of 30 MB", mustBomb(t, "xl/sharedStrings.xml", `<sst><si><t>`, 30<<20, `</t></si></sst>`), []string{"坏了"}},
		{"a tag of 30 MB", mustBomb(t, sheet1, `<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="2`, 30<<20, `"/></sheetData></worksheet>`), []string{"坏了"}},
		{"a size that lies", lying, []string{"坏了"}},
		{"sixty thousand parts", many.Bytes(), []string{"部件太多"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			used := allocated(func() {
				var r *sheet.Reader
				r, err = open(c.content)
				for err == nil {
					_, err = r.Next()
				}
			})
			wantRefusal(t, err, c.words...)
			if used > 32<<20 {
				t.Errorf("%d MB were allocated to find out", used>>20)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	content := mustBook(t, nil, "表", grid{{"户号", "姓名"}, {"1", "甲"}, {"2", "乙"}})
	for _, c := range []struct {
		name   string
		limits sheet.Limits
		words  string
	}{
		{"packed", sheet.Limits{Packed: 100}, "分成几个文件"},
		{"unpacked", sheet.Limits{Unpacked: 100}, "解开后"},
		{"texts", sheet.Limits{Strings: 10}, "文字太多"},
		{"rows", sheet.Limits{Rows: 1}, "超过 1 行"},
		{"columns", sheet.Limits{Columns: 1}, "最多读 1 列"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := sheet.Open("t", bytes.NewReader(content), int64(len(content)), people, c.limits)
			for err == nil {
				_, err = r.Next()
			}
			wantRefusal(t, err, c.words)
		})
	}
}

// Two hundred thousand people, each with texts of their own, in a file that no reader needs to hold.
func TestMemoryStaysFlat(t *testing.T) {
	const rows = 200_000
	for _, format := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		t.Run([]string{"xlsx", "csv"}[format], func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "register")
			file, err := os.Create(name)
			must(t, err)
			w, err := sheet.NewWriter(file, format, "表", sheet.Column{Title: "户号"}, sheet.Column{Title: "姓名"}, sheet.Column{Title: "出生日期"},
				sheet.Column{Title: "身份证号"}, sheet.Column{Title: "手机"}, sheet.Column{Title: "备注"})
			must(t, err)
			for i := range rows {
				must(t, w.Row(fmt.Sprintf("SQ-%06d", i/3), "张三", "1990-03-07", fmt.Sprintf("00010119900307%04d", i%10000), fmt.Sprintf("128%08d", i), fmt.Sprintf("第%d号的备注", i)))
			}
			must(t, w.Close())
			size, err := file.Seek(0, io.SeekCurrent)
			must(t, err)
			r, err := sheet.Open(name, file, size, people, sheet.Limits{})
			must(t, err)
			base := heap()
			for n := 1; ; n++ {
				row, err := r.Next()
				if errors.Is(err, io.EOF) {
					if n-1 != rows {
						t.Errorf("%d rows, want %d", n-1, rows)
					}
					break
				}
				must(t, err)
				if row.Line != n+1 || len(row.Cells) != 6 || len(row.Problems) > 0 {
					t.Fatalf("row %d: %+v", n, row)
				}
				if n%50_000 == 0 {
					if grown := int64(heap()) - int64(base); grown > 4<<20 {
						t.Errorf("after %d rows %d MB more are held than at the start", n, grown>>20)
					}
				}
			}
			must(t, file.Close())
		})
	}
}

// heap is what is held once everything that can go is gone.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
