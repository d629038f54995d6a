package simdisk_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"testing"

	"minqing/internal/simdisk"
	"minqing/internal/sqlitex"
)

// A disk that keeps connections begins each history with its image, whatever the one before did to the files and to the connections; and it
// says so where it cannot.
func TestRewindBeginsAnew(t *testing.T) {
	ctx := context.Background()
	first := simdisk.New()
	db := mustOpen(t, first, plain)
	exec := func(c interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}, query string, args ...any) {
		t.Helper()
		if _, err := c.ExecContext(ctx, query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec(db.Write, "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT NOT NULL)")
	exec(db.Write, "INSERT INTO t (v) VALUES ('the image')")
	mustClose(t, db)

	kept := func() *simdisk.Disk {
		d := simdisk.New()
		if err := d.Keep(path, first.Clone(path, false)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	// seen is the table by a pool, through a statement that is asked for anew each time.
	seen := func(pool *sql.DB) string {
		t.Helper()
		s, err := pool.PrepareContext(ctx, "SELECT group_concat(id || v, ' ') FROM (SELECT * FROM t ORDER BY id)")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var all sql.NullString
		if err := s.QueryRowContext(ctx).Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all.String
	}
	begins := func(db *sqlitex.DB) {
		t.Helper()
		for name, pool := range map[string]*sql.DB{"reader": db.Read, "writer": db.Write} {
			if all := seen(pool); all != "1the image" {
				t.Fatalf("the %s begins with %q", name, all)
			}
		}
	}
	histories := []struct {
		name string
		run  func(d *simdisk.Disk, db *sqlitex.DB)
		ends bool // it can be rewound
	}{
		{"nothing", func(*simdisk.Disk, *sqlitex.DB) {}, true},
		{"an insert in the log", func(_ *simdisk.Disk, db *sqlitex.DB) {
			exec(db.Write, "INSERT INTO t (v) VALUES (?)", "more")
			if all := seen(db.Read); all != "1the image 2more" {
				t.Fatalf("after the insert there is %q", all)
			}
		}, true},
		{"a log written into the file", func(_ *simdisk.Disk, db *sqlitex.DB) {
			exec(db.Write, "UPDATE t SET v = 'other'")
			exec(db.Write, "PRAGMA wal_checkpoint(TRUNCATE)")
			exec(db.Write, "INSERT INTO t (v) VALUES ('again')")
		}, true},
		{"many pages", func(_ *simdisk.Disk, db *sqlitex.DB) {
			exec(db.Write, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t (v) SELECT 'row ' || i FROM n")
			exec(db.Write, "DELETE FROM t WHERE id % 3 = 0")
		}, true},
		{"a file written anew", func(_ *simdisk.Disk, db *sqlitex.DB) { exec(db.Write, "VACUUM") }, true},
		{"another schema", func(_ *simdisk.Disk, db *sqlitex.DB) { exec(db.Write, "CREATE TABLE u (id INTEGER PRIMARY KEY)") }, true},
		{"a power cut", func(d *simdisk.Disk, db *sqlitex.DB) {
			exec(db.Write, "INSERT INTO t (v) VALUES ('lost')")
			d.Crash(rand.New(rand.NewPCG(1, 1)))
		}, false},
	}
	d := kept()
	for round := range 3 {
		for _, h := range histories {
			db := mustOpen(t, d, plain)
			begins(db)
			h.run(d, db)
			if d.Rewind() {
				t.Fatalf("round %d, %s: rewound beneath a program that runs", round, h.name)
			}
			mustClose(t, db)
			if ends := d.Rewind(); ends != h.ends {
				t.Fatalf("round %d, %s: rewound is %v", round, h.name, ends)
			}
			if !h.ends {
				d.Discard()
				d = kept()
			}
		}
	}
	d.Discard()
	db = mustOpen(t, d, plain) // it goes on as any other disk
	begins(db)
	mustClose(t, db)
}
