package sqlitex_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"minqing/internal/sqlitex"
)

// The test binary is its own second process: with childEnv set it opens the file named there and writes.
const (
	childEnv    = "MINQING_TEST_DATABASE"
	childPrefix = "MINQING_TEST_PREFIX"
	childRows   = "MINQING_TEST_ROWS"
	canary      = "canary-李四-330000"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// patience is for how long one of two processes waits for the other, which leaves the lock for a few microseconds at a time: on a slow disk the
// usual five seconds may go by without one of them falling on a try.
const patience = 2 * time.Minute

// body is what a row of that number must hold, so that a reader can tell a torn one.
func body(prefix string, n int) string {
	return strings.Repeat(fmt.Sprintf("%s %s %d;", canary, prefix, n), 1+n%37)
}

// child inserts rows in transactions of one to five and prints the number of the last one each time a commit returns.
func child(path string) error {
	db, err := sqlitex.Open(sqlitex.Options{Path: path, Key: key, BusyTimeout: patience})
	if err != nil {
		return err
	}
	prefix := os.Getenv(childPrefix)
	rows, err := strconv.Atoi(os.Getenv(childRows))
	if err != nil {
		return err
	}
	n := 0
	if err := db.Read.QueryRow("SELECT coalesce(max(n), 0) FROM t WHERE prefix = ?", prefix).Scan(&n); err != nil {
		return err
	}
	for end := n + rows; n < end; {
		tx, err := db.Write.Begin()
		if err != nil {
			return err
		}
		for range 1 + n%5 {
			n++
			if _, err := tx.Exec("INSERT INTO t(prefix, n, body) VALUES(?, ?, ?)", prefix, n, body(prefix, n)); err != nil {
				return err
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		fmt.Println(n)
	}
	return db.Close()
}

func startChild(tb testing.TB, path, prefix string, rows int) (*exec.Cmd, *bufio.Scanner) {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path, childPrefix+"="+prefix, childRows+"="+strconv.Itoa(rows))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

const schema = "CREATE TABLE t(prefix TEXT, n INTEGER, body TEXT, PRIMARY KEY(prefix, n))"

// verify reads every row, wants the numbers of prefix from 1 to at least acked without a gap, and returns how many there are.
func verify(tb testing.TB, db *sqlitex.DB, prefix string, acked int) int {
	tb.Helper()
	rows, err := db.Read.Query("SELECT n, body FROM t WHERE prefix = ? ORDER BY n", prefix)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	next := 1
	for ; rows.Next(); next++ {
		var n int
		var got string
		if err := rows.Scan(&n, &got); err != nil {
			tb.Fatal(err)
		}
		if n != next || got != body(prefix, n) {
			tb.Fatalf("row %d of %s: number %d, %d bytes", next, prefix, n, len(got))
		}
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	if next-1 < acked {
		tb.Fatalf("%d rows of %s were acknowledged, %d are there", acked, prefix, next-1)
	}
	return next - 1
}

func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	db, err := sqlitex.Open(sqlitex.Options{Path: path, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, schema)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 25))
	acked := 0
	for round := range 25 {
		cmd, lines := startChild(t, path, "child", 1<<30)
		// Some die early, some after the log was folded in a few times; none when a commit has just returned.
		for want := acked + 1 + rng.IntN(2000); acked < want && lines.Scan(); {
			if acked, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it still said before it died; a line cut short is no promise, but none is
			if acked, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait() // "killed" is what it should say
		noCanary(t, dir, canary)
		db, err := sqlitex.Open(sqlitex.Options{Path: path, Key: key, MustExist: true})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := db.IntegrityCheck(t.Context()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		verify(t, db, "child", acked)
		if err := db.Close(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		noCanary(t, dir, canary)
	}
	if acked < 5000 {
		t.Fatalf("only %d rows in 25 rounds: nothing was tried", acked)
	}
}

func TestTwoProcessesOnOneEncryptedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := mustOpen(t, sqlitex.Options{Path: path, Key: key, BusyTimeout: patience})
	mustExec(t, db, schema)
	const rows = 2000
	cmd, lines := startChild(t, path, "child", rows)
	acked, mine := 0, 0
	for lines.Scan() {
		var err error
		if acked, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		mine++
		mustExec(t, db, "INSERT INTO t(prefix, n, body) VALUES('parent', ?, ?)", mine, body("parent", mine))
		if mine%50 == 0 { // the other process goes on appending to the log being read
			verify(t, db, "child", acked)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := verify(t, db, "child", acked); n < rows {
		t.Fatalf("%d rows of the child, want %d", n, rows)
	}
	verify(t, db, "parent", mine)
	if err := db.IntegrityCheck(t.Context()); err != nil {
		t.Fatal(err)
	}
}
