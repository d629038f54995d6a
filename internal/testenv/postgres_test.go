package testenv_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"minqing/internal/testenv"
)

func mustConnect(tb testing.TB, dsn string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	return conn
}

func mustQuery[T any](tb testing.TB, conn *pgx.Conn, query string, args ...any) (v T) {
	tb.Helper()
	if err := conn.QueryRow(tb.Context(), query, args...).Scan(&v); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return v
}

func mustExec(tb testing.TB, conn *pgx.Conn, statement string) {
	tb.Helper()
	if _, err := conn.Exec(tb.Context(), statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

func mustClose(tb testing.TB, conn *pgx.Conn) {
	tb.Helper()
	if err := conn.Close(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func TestDatabaseKeepsWhatIsWritten(t *testing.T) {
	dsn := testenv.MustPostgres(t)
	conn := mustConnect(t, dsn)
	mustExec(t, conn, `CREATE TABLE household (code text PRIMARY KEY, head text)`)
	mustExec(t, conn, `INSERT INTO household VALUES ('0301', '张三𠮷')`)
	mustClose(t, conn)

	conn = mustConnect(t, dsn)
	defer mustClose(t, conn)
	if got := mustQuery[string](t, conn, `SELECT head FROM household WHERE code = $1`, "0301"); got != "张三𠮷" {
		t.Errorf("after reconnecting, the row holds %q", got)
	}
	other := mustConnect(t, testenv.MustPostgres(t))
	defer mustClose(t, other)
	if n := mustQuery[int](t, other, `SELECT count(*) FROM pg_tables WHERE tablename = 'household'`); n != 0 {
		t.Error("a second call handed out a database that holds the first one's table")
	}
}

func TestDurabilityIsAsNamed(t *testing.T) {
	for _, c := range []struct {
		dsn  string
		want string
	}{
		{testenv.MustPostgres(t), "on"},
		{testenv.MustRelaxedPostgres(t), "off"},
	} {
		conn := mustConnect(t, c.dsn)
		if got := mustQuery[string](t, conn, `SHOW fsync`); got != "on" {
			t.Errorf("fsync is %s", got)
		}
		if got := mustQuery[string](t, conn, `SHOW synchronous_commit`); got != c.want {
			t.Errorf("synchronous_commit is %s, not %s", got, c.want)
		}
		mustClose(t, conn)
	}
}

func TestDatabaseIsDroppedEvenWhileConnected(t *testing.T) {
	conn := mustConnect(t, testenv.MustPostgres(t))
	defer mustClose(t, conn)
	const count = `SELECT count(*) FROM pg_database WHERE datname = $1`
	var name string
	t.Run("user", func(t *testing.T) {
		// Left open on purpose, as by a test that failed half way.
		left := mustConnect(t, testenv.MustPostgres(t))
		name = mustQuery[string](t, left, `SELECT current_database()`)
		if n := mustQuery[int](t, conn, count, name); n != 1 {
			t.Fatalf("%d databases named %s while in use", n, name)
		}
	})
	if n := mustQuery[int](t, conn, count, name); n != 0 {
		t.Errorf("database %s outlived its test", name)
	}
}

// childMark asks this test binary, started again, to hold a database open and wait to be killed.
const childMark = "MINQING_TESTENV_CHILD"

func TestClusterEndsWithAKilledProcess(t *testing.T) {
	if os.Getenv(childMark) != "" {
		fmt.Println(testenv.MustPostgres(t))
		time.Sleep(time.Hour)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestClusterEndsWithAKilledProcess$")
	child.Env = append(os.Environ(), childMark+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	dsn, err := url.Parse(line[:len(line)-1])
	if err != nil {
		t.Fatal(err)
	}
	dir := dsn.Query().Get("host")
	if _, err := os.Stat(dir + "/data/postmaster.pid"); err != nil {
		t.Fatalf("the child's server does not run: %v", err)
	}

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the child ended by itself: %v", err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a minute after the process was killed, %s is still there", dir)
		}
	}
}
