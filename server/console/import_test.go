package console_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"minqing/internal/register"
	"minqing/internal/testenv"
	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

// looked waits till a file was worked on.
func looked(t *testing.T, b *consoletest.Browser, p *consoletest.Page) *consoletest.Page {
	t.Helper()
	for range 600 {
		if p.Header.Get("Refresh") == "" {
			return p.Want(200)
		}
		time.Sleep(100 * time.Millisecond)
		p = b.Get(p.Path)
	}
	t.Fatalf("%s is not done: %q", p.Path, p.Texts("main"))
	return nil
}

// A register is looked through before anything is written; every bad row is listed, and comes in a file of its own; the others are imported,
// and importing them once more changes nothing.
func TestImport(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			opt := consoletest.Options{State: consoletest.Empty}
			if name == "postgres" {
				opt.DSN = testenv.MustPostgres(t)
			}
			city, base := consoletest.MustOpen(t, opt)
			b := city.NewBrowser(t, base, "admin")
			village, err := register.Generate(4, register.Size{Groups: 3, Households: 30, People: 80, Odd: 1})
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			for _, o := range village.Odd {
				if !o.Kind.Plain() {
					bad++
				}
			}
			var book bytes.Buffer
			if err := village.WriteWorkbook(&book); err != nil {
				t.Fatal(err)
			}
			b.Upload("/at/{place}/import", nil, "file", "none.xlsx", nil).Want(422)
			p := looked(t, b, b.Upload("/at/{place}/import", nil, "file", "石桥村.xlsx", book.Bytes()))
			main := strings.Join(p.Texts("main"), " ")
			if !strings.Contains(main, "户3030") || !strings.Contains(main, "人8080") {
				t.Errorf("the preview says: %s", main)
			}
			if n := len(p.All(".badt tbody tr")); n < bad {
				t.Errorf("%d bad rows are listed of %d", n, bad)
			}
			if got := b.Get("/at/{place}/coverage").Texts("h1, .blank h2"); !strings.Contains(strings.Join(got, " "), "还没有户") {
				t.Errorf("the preview wrote something: %q", got)
			}
			mend := b.Do("GET", p.Path+"/bad", nil).Want(200).Raw
			if !strings.HasPrefix(mend, "PK") {
				t.Fatal("the file of bad rows is no workbook")
			}
			// A session that ends midway: the file is there as it was.
			b.Drop("__Host-mq-session")
			if got := b.Do("POST", p.Path, url.Values{"do": {"go"}}); got.Status != 401 {
				t.Errorf("without a session %d", got.Status)
			}
			b = city.NewBrowser(t, base, "admin")
			p = looked(t, b, b.Post(p.Path, url.Values{"do": {"go"}}))
			main = strings.Join(p.Texts("main"), " ")
			if !strings.Contains(main, "做了什么") || !strings.Contains(main, "户3030") || !strings.Contains(main, "人8080") {
				t.Errorf("the import says: %s", main)
			}
			p = looked(t, b, b.Upload("/at/{place}/import", nil, "file", "再来.xlsx", book.Bytes()))
			if main = strings.Join(p.Texts("main"), " "); !strings.Contains(main, "什么也不会变") {
				t.Errorf("the second preview says: %s", main)
			}
			p = looked(t, b, b.Post(p.Path, url.Values{"do": {"go"}}))
			if main = strings.Join(p.Texts("main"), " "); !strings.Contains(main, "什么也没有变") {
				t.Errorf("the second import says: %s", main)
			}
			// The file of bad rows is one that can be imported; unmended, its rows are bad again.
			p = looked(t, b, b.Upload("/at/{place}/import", nil, "file", "mend.xlsx", []byte(mend)))
			if n := len(p.All(".badt tbody tr")); n < bad-1 { // a repeated ID number is alone there
				t.Errorf("%d of the rows to be mended are bad", n)
			}
			b.Post(p.Path, url.Values{"do": {"drop"}}).Want(200)
			b.Get(p.Path).Want(404)
		})
	}
}

// The rows to be mended leave with who took them and when, for whoever brought them alone, and come back mended.
func TestBadRowsAreOfWhoBroughtThem(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full})
	b := city.NewBrowser(t, base, "admin")
	p := b.Get("/at/{place}/import/{file}").Want(200)
	was := len(p.All(".badt tbody tr"))
	book, err := excelize.OpenReader(strings.NewReader(b.Get(reader.Attr(p.One(`#bad a[href$="/bad"]`), "href")).Want(200).Raw))
	if err != nil {
		t.Fatal(err)
	}
	sheet := book.GetSheetName(0)
	rows, err := book.GetRows(sheet)
	if err != nil || len(rows) != was+1 || was == 0 {
		t.Fatalf("%d rows of %d, %v", len(rows)-1, was, err)
	}
	at, name := slices.Index(rows[0], "导出 Exported"), slices.Index(rows[0], "姓名")
	for i, r := range rows[1:] {
		if want := "何婉清 hewanqing " + city.Now().Format("2006-01-02 15:04"); r[at] != want {
			t.Errorf("the mark is %q, not %q", r[at], want)
		}
		if r[name] == "" {
			cell, err := excelize.CoordinatesToCellName(name+1, i+2)
			if err != nil {
				t.Fatal(err)
			}
			if err := book.SetCellValue(sheet, cell, "苗向阳"); err != nil {
				t.Fatal(err)
			}
		}
	}
	var mended bytes.Buffer
	if err := book.Write(&mended); err != nil {
		t.Fatal(err)
	}
	p = looked(t, b, b.Upload("/at/{place}/import", nil, "file", "mend.xlsx", mended.Bytes()))
	if got := strings.Join(p.Texts("main"), " "); len(p.All(".badt tbody tr")) != was-1 || !strings.Contains(got, "没有用到的栏目：原因 Reason、原来的行号 Original row、导出 Exported") {
		t.Errorf("of %d bad rows %d are left: %s", was, len(p.All(".badt tbody tr")), got)
	}

	// Who administers the place too sees which rows and why, and cannot have them.
	their := city.NewBrowser(t, base, "otheradmin")
	p = looked(t, their, their.Upload("/at/{other}/import", nil, "file", "枫林村.csv", []byte("户号,姓名,与户主关系,身份证号\n0101-010,,户主,990102199001011237\n")))
	their.Do("GET", p.Path+"/bad", nil).Want(200)
	p = b.Get(p.Path).Want(200)
	if len(p.All(".badt tbody tr")) == 0 || len(p.All(`a[href$="/bad"]`)) != 0 || !strings.Contains(strings.Join(p.Texts("#bad"), ""), "能取") {
		t.Errorf("another's file: %q", p.Texts("#bad"))
	}
	b.Get(p.Path + "/bad").Want(404)
}

// A register far larger than any village's goes through the console in the background, in pieces, and is taken back: 4,000 rows in every run,
// 200,000 when MINQING_FAULTS=full. The log says how long looking through, importing, finding out what taking it back would do and taking it back
// took, how long a writer beside it waited at most, and how much memory the process held at most.
func TestImportManyRows(t *testing.T) {
	rows := 4000
	if os.Getenv("MINQING_FAULTS") == "full" {
		rows = 200_000
	}
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty})
	b := city.NewBrowser(t, base, "admin")
	var file strings.Builder
	file.WriteString("户号,小组,户主,姓名,与户主关系,性别,出生日期\n")
	for i := range rows {
		name := fmt.Sprint("人", i)
		if i%1000 == 999 {
			name = ""
		}
		fmt.Fprintf(&file, "K%06d,%d组,户主%d,%s,%s,%s,19%02d-%02d-%02d\n", i/3, i/3%40+1, i/3, name, []string{"户主", "配偶", "子女"}[i%3], []string{"男", "女"}[i%2], i%60+40, i%12+1, i%28+1)
	}
	peak, over := make(chan uint64, 1), make(chan struct{})
	go func() {
		most := uint64(0)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-over:
				peak <- most
				return
			case <-time.After(200 * time.Millisecond):
				city.SetNow(city.Now().Add(200 * time.Millisecond)) // as clocks do
			}
		}
	}()
	wait := func(p *consoletest.Page) *consoletest.Page {
		for deadline := time.Now().Add(40 * time.Minute); p.Header.Get("Refresh") != ""; p = b.Get(p.Path) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is not done: %q", p.Path, p.Texts("main"))
			}
			time.Sleep(100 * time.Millisecond)
		}
		return p.Want(200)
	}
	began := time.Now()
	p := wait(b.Upload("/at/{place}/import", nil, "file", "大村.csv", []byte(file.String())))
	looked := time.Since(began)
	bad := rows / 1000
	if got := strings.Join(p.Texts("main"), " "); !strings.Contains(got, fmt.Sprintf("%d 行不能导入", bad)) || countOf(t, city, "SELECT COUNT(*) FROM resident") != 0 {
		t.Errorf("the preview says: %.400s", got)
	}
	began = time.Now()
	p = wait(b.Post(p.Path, url.Values{"do": {"go"}}))
	took := time.Since(began)
	if n := countOf(t, city, "SELECT COUNT(*) FROM resident"); n != int64(rows-bad) {
		t.Errorf("%d people of %d rows: %.400q", n, rows, p.Texts("main"))
	}
	began = time.Now()
	p = wait(p.Send("#undo", url.Values{"do": {"look"}}))
	weighed := time.Since(began)
	writing, waited := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		most := time.Duration(0)
		for {
			at := time.Now()
			if err := city.Engine.Store.Write(context.Background(), func(tx *store.Tx) error { return tx.SetMeta("beside", at.String()) }); err != nil {
				t.Error(err)
			}
			most = max(most, time.Since(at))
			select {
			case <-writing:
				waited <- most
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	began = time.Now()
	p = wait(p.Send("#undo", url.Values{"do": {"take"}}))
	back := time.Since(began)
	close(writing)
	if n := countOf(t, city, "SELECT COUNT(*) FROM resident") + countOf(t, city, "SELECT COUNT(*) FROM household"); n != 0 || !strings.Contains(strings.Join(p.Texts("#back"), ""), "这次导入撤回了") {
		t.Errorf("taken back, %d rows are there: %.400q", n, p.Texts("#back"))
	}
	close(over)
	t.Logf("rows=%d looked-through=%.1fs imported=%.1fs weighed=%.1fs taken-back=%.1fs writer-waited=%dms heap-at-most=%dMiB", rows, looked.Seconds(), took.Seconds(), weighed.Seconds(), back.Seconds(), (<-waited).Milliseconds(), <-peak>>20)
}
