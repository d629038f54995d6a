package replica_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// benchAnswer is a first sync as the server writes it: rows of things of about 400 bytes, 20 to a household, a mark each 2,000.
func benchAnswer(b testing.TB, rows int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	book := schematest.Book()
	var out bytes.Buffer
	w := codec.NewWriter(&out)
	put := func(f syncproto.Frame) {
		if err := w.Write(f); err != nil {
			b.Fatal(err)
		}
	}
	put(syncproto.Welcome{Protocol: 1, Schema: book.Version, Epoch: epochA, Now: 1700000000000})
	t := book.Table("thing")
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	put(syncproto.Columns{Table: "thing", Names: names})
	c := newCloud(b, book)
	for i := range rows {
		house := fmt.Sprintf("01900000-0000-7000-8000-%012x", i/20)
		bucket := syncproto.BucketID{Scope: "household:" + house, Period: "-"}
		if i%20 == 0 {
			put(syncproto.Bucket{ID: bucket})
		}
		id := syncproto.RowID(fmt.Sprintf("019%05x-%04x-7%03x-8%03x-%012x", r.IntN(1<<20), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), i))
		row := c.set("thing", id, bucket, 1, "household", house, "name", fmt.Sprintf("第 %d 件事", i), "newest", "今天", "high", i%1000, "low", "2026-11-02", "total", i%77,
			"tags", []string{"red", "blue"}, "story", strings.Repeat("村东头的路灯坏了三盏，", 5+i%9), "state", "open", "serial", fmt.Sprint(i), "grade", "b", "lon", i, "lat", -i)
		put(row)
		if i%2000 == 1999 {
			put(syncproto.Mark{Resume: "m"})
		}
	}
	put(c.checkpoint())
	put(syncproto.End{})
	return out.Bytes()
}

func benchPhone(b testing.TB, key []byte, book *schema.Book) *phone {
	p := &phone{tb: b, now: 1700000000000, rand: rand.NewChaCha8([32]byte{1})}
	p.opt = replica.Options{Path: filepath.Join(b.TempDir(), "phone.db"), Key: key, Book: book, Now: func() int64 { p.now++; return p.now }, Rand: p.rand}
	p.open()
	p.must(p.Enrol(ctx(), replica.Device{ID: deviceID, User: userID, Server: "http://server.invalid", Seed: make([]byte, 32)}))
	return p
}

func (p *phone) feed(answer []byte) replica.Result {
	p.tb.Helper()
	s, err := p.Begin(ctx())
	p.must(err)
	in := codec.NewReader(bytes.NewReader(answer), p.opt.Book, codec.Limits{})
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		p.must(err)
		p.must(s.Take(ctx(), f))
	}
	res := s.Result()
	p.must(s.Close(ctx()))
	return res
}

// BenchmarkApply is a first sync from the lines of the answer to the commit: the budgets are 30,000 rows/s plain and 12,000
// encrypted.
func BenchmarkApply(b *testing.B) {
	const rows = 20000
	answer := benchAnswer(b, rows)
	for _, c := range []struct {
		name string
		key  []byte
	}{{"plain", nil}, {"encrypted", bytes.Repeat([]byte{5}, 32)}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				p := benchPhone(b, c.key, schematest.Book())
				b.StartTimer()
				if res := p.feed(answer); res.Rows != rows || res.Differs > 0 || res.Unknown {
					b.Fatalf("%+v", res)
				}
				b.StopTimer()
				p.must(p.Close())
				b.StartTimer()
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkOneRow is one changed row in a replica of that many: 3 ms to apply is the budget, whatever the size.
func BenchmarkOneRow(b *testing.B) {
	for _, rows := range []int{1000, 20000} {
		b.Run(fmt.Sprintf("of=%d", rows), func(b *testing.B) {
			p := benchPhone(b, nil, schematest.Book())
			p.feed(benchAnswer(b, rows))
			c := newCloud(b, schematest.Book())
			c.house()
			n := uint64(1)
			for b.Loop() {
				n++
				c.set("thing", otherID, houseBucket, n, "household", houseID, "name", "x", "total", int(n), "state", "open")
				p.take(c, c.frames()...)
			}
			p.must(p.Close())
		})
	}
}

// BenchmarkCapture is the price of the capture triggers: the same statements on the bare table and on the replica's. The budgets are
// 1.2 for single rows and 3 for batches.
func BenchmarkCapture(b *testing.B) {
	bare := func(b *testing.B) string {
		path := filepath.Join(b.TempDir(), "bare.db")
		db := mustShell(b, path)
		for _, q := range append([]string{"PRAGMA journal_mode = WAL"}, schema.DDL(schema.SQLite, schematest.Book().Table("thing"))...) {
			if _, err := db.Exec(q); err != nil {
				b.Fatal(err)
			}
		}
		return path
	}
	captured := func(b *testing.B) string {
		p := benchPhone(b, nil, schematest.Book())
		p.must(p.Close())
		return p.opt.Path
	}
	for _, kind := range []struct {
		name string
		make func(*testing.B) string
	}{{"bare", bare}, {"captured", captured}} {
		b.Run("single/"+kind.name, func(b *testing.B) {
			db := mustShell(b, kind.make(b))
			insertThings(b, db, 0, 2000)
			n := 0
			for b.Loop() {
				n++
				if _, err := db.Exec(`UPDATE thing SET newest = ?, total = total + 1 WHERE id = ?`, fmt.Sprint(n), benchID(n%2000)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("insert/"+kind.name, func(b *testing.B) {
			db := mustShell(b, kind.make(b))
			n := 0
			for b.Loop() {
				insertThings(b, db, n, n+10000)
				n += 10000
			}
		})
		b.Run("update/"+kind.name, func(b *testing.B) {
			db := mustShell(b, kind.make(b))
			insertThings(b, db, 0, 10000)
			for b.Loop() {
				updateThings(b, db, 10000)
			}
		})
	}
}

func benchID(i int) string { return fmt.Sprintf("01900000-0000-7%03x-8000-%012x", i%4096, i) }

func mustShell(b *testing.B, path string) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(full)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { db.Close() })
	return db
}

func insertThings(b *testing.B, db *sql.DB, from, to int) {
	b.Helper()
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	st, err := tx.Prepare(`INSERT INTO thing (id, household, name, newest, total, story) VALUES (?, ?, ?, ?, ?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	for i := from; i < to; i++ {
		if _, err := st.Exec(benchID(i), string(houseID), "名", "x", i, strings.Repeat("村东头的路灯坏了三盏，", 10)); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

func updateThings(b *testing.B, db *sql.DB, n int) {
	b.Helper()
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	st, err := tx.Prepare(`UPDATE thing SET newest = newest || 'x', total = total + 1 WHERE id = ?`)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		if _, err := st.Exec(benchID(i)); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// TestBookkeepingIsATenthOfTheFile holds the budget of DESIGN section 9.
func TestBookkeepingIsATenthOfTheFile(t *testing.T) {
	p := benchPhone(t, nil, schematest.Book())
	p.feed(benchAnswer(t, 10000))
	p.must(p.Close())
	if _, err := os.Stat(p.opt.Path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+p.opt.Path)
	p.must(err)
	defer db.Close()
	var books, all int64
	p.must(db.QueryRow(`SELECT sum(pgsize) FILTER (WHERE name GLOB 'mq_*' OR name GLOB 'sqlite_autoindex_mq_*'), sum(pgsize) FROM dbstat WHERE name <> 'mq_stage'`).Scan(&books, &all))
	t.Logf("bookkeeping %d of %d bytes: %.1f %%", books, all, 100*float64(books)/float64(all))
	if books*10 > all {
		t.Errorf("bookkeeping takes %d of %d bytes", books, all)
	}
}
