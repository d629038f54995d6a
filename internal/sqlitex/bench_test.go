package sqlitex_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"minqing/internal/sqlitex"
)

// benchVisits is a table as wide as the ones replicas hold: twelve columns, about 700 bytes a row.
const benchVisits = `CREATE TABLE visits(id TEXT PRIMARY KEY, household TEXT, author TEXT, at INTEGER, kind TEXT, mood TEXT,
	topic TEXT, summary TEXT, wishes TEXT, follow TEXT, state TEXT, rev INTEGER) WITHOUT ROWID`

func benchID(i int) string { return fmt.Sprintf("01930000-%04x-7000-8000-%012x", i%65536, i) }

func benchRow(i int) []any {
	id := benchID(i)
	text := fmt.Sprintf("%d 走访时了解到家中老人近期身体状况稳定，希望社区协助申请高龄津贴，并反映楼道照明损坏。", i)
	return []any{id, id[:18], "cadre-" + id[30:], 1_700_000_000_000 + i, "routine", "calm", "care", text, text, "待跟进", "done", i}
}

func insertRows(tb testing.TB, db *sqlitex.DB, from, n int) {
	tb.Helper()
	tx, err := db.Write.Begin()
	if err != nil {
		tb.Fatal(err)
	}
	st, err := tx.Prepare("INSERT INTO visits VALUES(?,?,?,?,?,?,?,?,?,?,?,?)")
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		if _, err := st.Exec(benchRow(from + i)...); err != nil {
			tb.Fatal(err)
		}
	}
	if err := st.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		tb.Fatal(err)
	}
}

// Each figure of the encrypted file stands beside the plain one's: rows (or reads, or commits) a second.
func BenchmarkEncryption(b *testing.B) {
	for _, c := range []struct {
		name string
		key  []byte
	}{{"plain", nil}, {"encrypted", key}} {
		b.Run("bulk-insert/"+c.name, func(b *testing.B) {
			db := mustOpen(b, sqlitex.Options{Path: filepath.Join(b.TempDir(), "a.db"), Key: c.key})
			mustExec(b, db, benchVisits)
			const batch = 10_000
			n := 0
			for b.Loop() {
				insertRows(b, db, n, batch)
				n += batch
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run("commit/"+c.name, func(b *testing.B) {
			db := mustOpen(b, sqlitex.Options{Path: filepath.Join(b.TempDir(), "a.db"), Key: c.key})
			mustExec(b, db, benchVisits)
			n := 0
			for b.Loop() {
				insertRows(b, db, n, 1)
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "commits/s")
		})
		b.Run("point-read/"+c.name, func(b *testing.B) {
			db := mustOpen(b, sqlitex.Options{Path: filepath.Join(b.TempDir(), "a.db"), Key: c.key})
			mustExec(b, db, benchVisits)
			const rows = 50_000 // a replica of full size: 40 MB, ten times the cache
			for i := 0; i < rows; i += 10_000 {
				insertRows(b, db, i, 10_000)
			}
			mustExec(b, db, "PRAGMA wal_checkpoint(TRUNCATE)")
			st, err := db.Read.Prepare("SELECT summary FROM visits WHERE id = ?")
			if err != nil {
				b.Fatal(err)
			}
			rng, n := rand.New(rand.NewPCG(1, 1)), 0
			for b.Loop() {
				var s string
				if err := st.QueryRow(benchID(rng.IntN(rows))).Scan(&s); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "reads/s")
		})
	}
}
