package sqlitex_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"minqing/internal/simdisk"
	"minqing/internal/sqlitex"
	"minqing/internal/sqlitex/vfs"
)

var (
	key      = bytes.Repeat([]byte{0x5a}, sqlitex.KeySize)
	otherKey = bytes.Repeat([]byte{0xa5}, sqlitex.KeySize)
)

func mustOpen(tb testing.TB, o sqlitex.Options) *sqlitex.DB {
	tb.Helper()
	db, err := sqlitex.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func mustExec(tb testing.TB, db *sqlitex.DB, query string, args ...any) {
	tb.Helper()
	if _, err := db.Write.Exec(query, args...); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
}

func TestOpenKinds(t *testing.T) {
	dir := t.TempDir()
	signs := "民情 50%?#&.db"
	if runtime.GOOS == "windows" {
		signs = "民情 50%#&.db" // no question marks there
	}
	for name, o := range map[string]sqlitex.Options{
		"plain":                    {Path: filepath.Join(dir, "plain.db")},
		"encrypted":                {Path: filepath.Join(dir, "encrypted.db"), Key: key},
		"a name with signs":        {Path: filepath.Join(dir, signs), Key: key},
		"the system through us":    {Path: filepath.Join(dir, "through.db"), FS: vfs.OS()},
		"simulated":                {Path: "replica.db", FS: simdisk.New().VFS()},
		"simulated and encrypted":  {Path: "replica.db", FS: simdisk.New().VFS(), Key: key},
		"what is deleted is wiped": {Path: filepath.Join(dir, "wiped.db"), Key: key, SecureDelete: true},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sqlitex.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, db, "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)")
			mustExec(t, db, "INSERT INTO t(body) VALUES('一'), ('二'), ('三')")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if o.FS == nil {
				if info, err := os.Stat(o.Path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
					t.Fatalf("the file has another name, or others may read it: %v", err)
				}
			}
			o.MustExist = true
			db = mustOpen(t, o)
			var n int
			if err := db.Read.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != 3 {
				t.Fatalf("%d rows, %v", n, err)
			}
			if err := db.IntegrityCheck(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEveryConnectionHasThePragmas(t *testing.T) {
	db := mustOpen(t, sqlitex.Options{Path: filepath.Join(t.TempDir(), "a.db"), Key: key, SecureDelete: true, Readers: 3})
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "0", "busy_timeout": "5000",
		"recursive_triggers": "1", "temp_store": "2", "secure_delete": "1"}
	check := func(pool string, get func(pragma string) (string, error)) {
		for pragma, value := range want {
			if got, err := get(pragma); err != nil || got != value {
				t.Errorf("%s: %s is %q (%v), want %q", pool, pragma, got, err, value)
			}
		}
	}
	check("writer", func(pragma string) (v string, err error) {
		return v, db.Write.QueryRow("PRAGMA " + pragma).Scan(&v)
	})
	for i := range 3 { // held until the end, so that each is another one
		conn, err := db.Read.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		check(fmt.Sprintf("reader %d", i), func(pragma string) (v string, err error) {
			return v, conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&v)
		})
		if _, err := conn.ExecContext(t.Context(), "CREATE TABLE t(a)"); err == nil {
			t.Error("a reader wrote")
		}
	}
}

func TestReadOnlyAndMustExist(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for _, o := range []sqlitex.Options{{Path: path, MustExist: true}, {Path: path, ReadOnly: true}, {Path: path, Key: key, ReadOnly: true}} {
		if db, err := sqlitex.Open(o); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%+v: %v, %v, and the file is not there", o, db, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a failed open left a file: %v", err)
	}
	mustExec(t, mustOpen(t, sqlitex.Options{Path: path, Key: key}), "CREATE TABLE t(a)")
	db := mustOpen(t, sqlitex.Options{Path: path, Key: key, ReadOnly: true})
	if db.Write != nil {
		t.Fatal("a writer on a read-only database")
	}
	if _, err := db.Read.Exec("INSERT INTO t VALUES(1)"); err == nil {
		t.Fatal("a read-only database was written")
	}
	for _, bad := range []sqlitex.Options{{}, {Path: "a\x00b"}, {Path: path, Key: key[:16]}} {
		if db, err := sqlitex.Open(bad); err == nil {
			t.Fatalf("%+v was opened: %v", bad, db.Close())
		}
	}
}

// The database is copied from under a living writer, so that most rows are in the log only: exactly when a stray opener
// could do harm. Whoever comes with a wrong key, or none, is refused and changes no byte.
func TestWrongKeyIsRefusedAndHarmless(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	live := mustOpen(t, sqlitex.Options{Path: filepath.Join(from, "a.db"), Key: key})
	mustExec(t, live, "CREATE TABLE t(id INTEGER PRIMARY KEY)")
	mustExec(t, live, "INSERT INTO t VALUES(1), (2), (3)")
	for _, name := range []string{"a.db", "a.db-xwal"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(to, "a.db")
	before := contents(t, to)
	for _, k := range [][]byte{otherKey, nil} {
		for _, readOnly := range []bool{false, true} {
			db, err := sqlitex.Open(sqlitex.Options{Path: path, Key: k, ReadOnly: readOnly})
			if err == nil {
				t.Fatalf("key %x opened it: %v", k, db.Close())
			}
			if !errors.Is(err, sqlitex.ErrWrongKey) || !strings.Contains(err.Error(), path) {
				t.Fatalf("key %x: %v", k, err)
			}
			after := contents(t, to)
			for name, b := range before {
				if !bytes.Equal(after[name], b) {
					t.Fatalf("key %x changed %s", k, name)
				}
			}
		}
	}
	var n int
	db := mustOpen(t, sqlitex.Options{Path: path, Key: key})
	if err := db.Read.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != 3 {
		t.Fatalf("with the right key %d rows, %v", n, err)
	}

	plain := filepath.Join(to, "plain.db")
	mustExec(t, mustOpen(t, sqlitex.Options{Path: plain}), "CREATE TABLE t(a)")
	if db, err := sqlitex.Open(sqlitex.Options{Path: plain, Key: key}); !errors.Is(err, sqlitex.ErrWrongKey) {
		t.Fatalf("a plain file with a key: %v, %v", db, err)
	}
}

func TestVacuumIntoStaysEncrypted(t *testing.T) {
	dir := t.TempDir()
	db, err := sqlitex.Open(sqlitex.Options{Path: filepath.Join(dir, "a.db"), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, "CREATE TABLE t(body TEXT)")
	mustExec(t, db, "INSERT INTO t VALUES('canary-in-clear')")
	mustExec(t, db, "VACUUM INTO ?", filepath.Join(dir, "copy.db"))
	mustExec(t, db, "VACUUM")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	noCanary(t, dir, "canary-in-clear")
	var body string
	copied := mustOpen(t, sqlitex.Options{Path: filepath.Join(dir, "copy.db"), Key: key})
	if err := copied.Read.QueryRow("SELECT body FROM t").Scan(&body); err != nil || body != "canary-in-clear" {
		t.Fatalf("%q, %v", body, err)
	}
}

// Temporary files are switched on for this one: they work through the encryption too (that they are encrypted is tested there).
func TestTemporaryFilesWork(t *testing.T) {
	d := simdisk.New()
	db := mustOpen(t, sqlitex.Options{Path: "a.db", Key: key, FS: d.VFS()})
	writes := d.Stats().Writes
	mustExec(t, db, "PRAGMA temp_store=FILE")
	mustExec(t, db, "PRAGMA temp.cache_size=10")
	mustExec(t, db, "CREATE TEMP TABLE big(body TEXT)")
	mustExec(t, db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) INSERT INTO big SELECT 'row '||i FROM n")
	if d.Stats().Writes < writes+50 {
		t.Fatalf("%d writes: nothing was spilled", d.Stats().Writes-writes)
	}
	var n, distinct int
	if err := db.Write.QueryRow("SELECT count(*), count(DISTINCT body) FROM big").Scan(&n, &distinct); err != nil || n != 20000 || distinct != n {
		t.Fatalf("%d rows, %d distinct, %v", n, distinct, err)
	}
}

func TestErrorsAreToldApart(t *testing.T) {
	d := simdisk.New()
	o := sqlitex.Options{Path: "a.db", FS: d.VFS(), BusyTimeout: time.Millisecond}
	db, err := sqlitex.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)")
	mustExec(t, db, "CREATE INDEX ti ON t(body)")
	mustExec(t, db, "INSERT INTO t(body) VALUES('a'), ('b')")

	other := mustOpen(t, o)
	tx, err := other.Write.Begin() // takes the lock at once
	if err != nil {
		t.Fatal(err)
	}
	_, busy := db.Write.Exec("INSERT INTO t(body) VALUES('c')")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	d.FailWritesAfter(0)
	_, full := db.Write.Exec("INSERT INTO t(body) VALUES('c')")
	d.Heal()
	if err := errors.Join(db.Close(), other.Close()); err != nil {
		t.Fatal(err)
	}
	img := d.Clone("a.db", false)
	copy(img[""][2*4096:], bytes.Repeat([]byte{0xff}, 4096)) // the table's page, perhaps the index's
	d.Restore("a.db", img)
	damaged := mustOpen(t, o)
	corrupt := damaged.IntegrityCheck(t.Context())
	_, constraint := mustOpen(t, sqlitex.Options{Path: "b.db", FS: d.VFS()}).Write.Exec("SELECT nothing")

	for name, c := range map[string]struct {
		err                 error
		full, busy, corrupt bool
	}{
		"busy":      {busy, false, true, false},
		"full":      {full, true, false, false},
		"corrupt":   {corrupt, false, false, true},
		"no column": {constraint, false, false, false},
		"wrapped":   {fmt.Errorf("store: %w", full), true, false, false},
		"foreign":   {context.Canceled, false, false, false},
		"none":      {nil, false, false, false},
	} {
		if name != "none" && c.err == nil {
			t.Errorf("%s: no error", name)
		}
		if sqlitex.IsFull(c.err) != c.full || sqlitex.IsBusy(c.err) != c.busy || sqlitex.IsCorrupt(c.err) != c.corrupt {
			t.Errorf("%s: %v is taken for something else", name, c.err)
		}
	}
}

// A transaction still open when the pools are closed must not pull the file system away from under itself.
func TestCloseWithATransactionOpen(t *testing.T) {
	for range 20 {
		db, err := sqlitex.Open(sqlitex.Options{Path: "a.db", Key: key, FS: simdisk.New().VFS()})
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, db, "CREATE TABLE t(a)")
		tx, err := db.Write.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("INSERT INTO t VALUES(1)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRemoveLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	for _, suffix := range []string{"", "-wal", "-xwal", "-shm", "-journal", "-xjournal"} {
		if err := os.WriteFile(path+suffix, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := sqlitex.Remove(path); err != nil {
			t.Fatal(err)
		}
		if left := contents(t, dir); len(left) != 0 {
			t.Fatalf("left behind: %d files", len(left))
		}
	}
}

func contents(tb testing.TB, dir string) map[string][]byte {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string][]byte{}
	for _, e := range entries {
		if all[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}

// noCanary looks for a word in every byte of every file, and for SQLite's own words.
func noCanary(tb testing.TB, dir, canary string) {
	tb.Helper()
	for name, b := range contents(tb, dir) {
		for _, word := range []string{canary, "SQLite format", "CREATE TABLE"} {
			if bytes.Contains(b, []byte(word)) {
				tb.Errorf("%s holds %q in clear", name, word)
			}
		}
	}
}
