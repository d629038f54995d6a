package schema_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// BenchmarkKeyLayout is why SQLite tables are made as they are (see the comment of DDL): the same statements on both layouts of
// a text key. Rows are of the size of a household's (short) and of a journal's (long).
func BenchmarkKeyLayout(b *testing.B) {
	const rows = 20000
	for _, size := range []int{150, 700, 2500} {
		for _, tail := range []string{"STRICT", "STRICT, WITHOUT ROWID"} {
			b.Run(fmt.Sprintf("bytes=%d/%s", size, strings.ReplaceAll(tail, " ", "_")), func(b *testing.B) { benchLayout(b, rows, size, tail) })
		}
	}
}

func benchLayout(b *testing.B, rows, size int, tail string) {
	ids := make([]string, rows)
	for i := range ids { // as UUIDv7: ascending, with a random end
		ids[i] = fmt.Sprintf("019abcde-%04x-7%03x-8%03x-%012x", i/16, i%16, rand.N(4096), rand.N(uint64(1)<<48))
	}
	parent := func(i int) string { return ids[i/20] }
	text := strings.Repeat("民", size/3)
	open := func(b *testing.B) *sql.DB {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "k.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		db.SetMaxOpenConns(1)
		mustExec(b, db, `CREATE TABLE k (id TEXT PRIMARY KEY, parent TEXT, state TEXT, text TEXT, n INTEGER) `+tail)
		mustExec(b, db, `CREATE INDEX k_parent ON k(parent)`)
		return db
	}
	fill := func(b *testing.B, db *sql.DB) {
		tx, err := db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		st, err := tx.Prepare(`INSERT INTO k VALUES (?,?,?,?,?)`)
		if err != nil {
			b.Fatal(err)
		}
		for i, id := range ids {
			if _, err := st.Exec(id, parent(i), "open", text, i); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("insert", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			db := open(b)
			b.StartTimer()
			fill(b, db)
		}
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	db := open(b)
	fill(b, db)
	each := func(name, query string, arg func(int) any) {
		b.Run(name, func(b *testing.B) {
			st, err := db.Prepare(query)
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			for b.Loop() {
				r, err := st.Query(arg(rand.N(rows)))
				if err != nil {
					b.Fatal(err)
				}
				for r.Next() {
				}
				if err := errors.Join(r.Err(), r.Close()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	each("point", `SELECT * FROM k WHERE id = ?`, func(i int) any { return ids[i] })
	each("children", `SELECT * FROM k WHERE parent = ?`, func(i int) any { return parent(i) })
	each("update", `UPDATE k SET n = n + 1 WHERE id = ?`, func(i int) any { return ids[i] })
	each("scan", `SELECT id, state, n FROM k WHERE n >= ?`, func(int) any { return 0 })
}

func mustExec(tb testing.TB, db *sql.DB, query string) {
	tb.Helper()
	if _, err := db.Exec(query); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
}
