package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// MustPostgres returns the DSN of a fresh, empty database on a real PostgreSQL, dropped when the test ends. Commits are
// durable (fsync and synchronous_commit on), so that a test may kill things. The server listens on a Unix socket only;
// the DSN works for this user and for programs it starts.
func MustPostgres(tb testing.TB) (dsn string) {
	tb.Helper()
	return mustDatabase(tb, true)
}

// MustRelaxedPostgres is MustPostgres for tests that write much and never crash the server: commits return before they
// are on disk. Atomicity and isolation are as ever; a crash of the server may lose the last commits.
func MustRelaxedPostgres(tb testing.TB) (dsn string) {
	tb.Helper()
	return mustDatabase(tb, false)
}

// One cluster for the process: starting one takes about two seconds, creating a database about fifty milliseconds.
var (
	theCluster = sync.OnceValues(startCluster)
	databases  atomic.Int64
)

func mustDatabase(tb testing.TB, durable bool) string {
	tb.Helper()
	dsn, drop, err := database(durable)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := drop(); err != nil {
			tb.Error(err)
		}
	})
	return dsn
}

// Postgres is MustPostgres for a program that is no test: the bench. drop removes the database again.
func Postgres() (dsn string, drop func() error, err error) { return database(true) }

// PostgresIn is a PostgreSQL whose files last in a folder, with one database, for a program that fills it once and measures it often. It runs as
// long as the process, or until stop. The folder's path must be short (a socket lies in it) and open to the user that the server runs as.
func PostgresIn(dir string) (dsn string, stop func() error, err error) {
	bin, err := findPostgres(exec.LookPath, debianInitdb)
	if err != nil {
		return "", nil, err
	}
	c, err := launch(bin, dir)
	if err != nil {
		return "", nil, fmt.Errorf("PostgreSQL in %s: %w", dir, err)
	}
	return c.dsn("postgres"), func() error { return errors.Join(c.alive.Close(), c.ended()) }, nil
}

func database(durable bool) (dsn string, drop func() error, err error) {
	c, err := theCluster()
	if err != nil {
		return "", nil, fmt.Errorf("PostgreSQL for tests: %w", err)
	}
	name := "t" + strconv.FormatInt(databases.Add(1), 10)
	statements := []string{"CREATE DATABASE " + name}
	if !durable {
		statements = append(statements, "ALTER DATABASE "+name+" SET synchronous_commit = off")
	}
	if err := c.exec(statements...); err != nil {
		return "", nil, fmt.Errorf("PostgreSQL for tests: %w", err)
	}
	return c.dsn(name), func() error {
		// FORCE, because a test that failed may have left connections open.
		if err := c.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			return fmt.Errorf("PostgreSQL for tests: %w", err)
		}
		return nil
	}, nil
}

// cluster is a running server, known by the directory that holds its files and its socket.
type cluster struct {
	dir string
	// alive is the pipe that keeps the server running. It is kept here for the life of the process, or the garbage
	// collector would close it and stop the server.
	alive *os.File
	ended func() error // waits until the server is stopped, once alive is closed
}

func (c *cluster) dsn(database string) string {
	q := url.Values{"host": {c.dir}, "port": {"5432"}}
	return "postgres://postgres@/" + database + "?" + q.Encode()
}

func (c *cluster) exec(statements ...string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// findPostgres returns the directory of PostgreSQL's programs. Debian keeps them out of PATH, one directory a version
// matching debian; the newest is taken.
func findPostgres(lookPath func(string) (string, error), debian string) (string, error) {
	if initdb, err := lookPath("initdb"); err == nil {
		target, err := filepath.EvalSymlinks(initdb)
		if err != nil {
			return "", fmt.Errorf("following %s: %w", initdb, err)
		}
		return filepath.Dir(target), nil
	}
	found, err := filepath.Glob(debian)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", debian, err)
	}
	if len(found) == 0 {
		return "", errors.New("initdb is not installed; on Debian, as root: apt-get install postgresql (or run ./task setup)")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return majorOf(a) - majorOf(b) })
	return filepath.Dir(newest), nil
}

// majorOf reads the version out of …/15/bin/initdb; what is no number counts as the oldest.
func majorOf(initdb string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	if err != nil {
		return 0
	}
	return n
}

// debianInitdb is where Debian's packages put the programs of each version.
const debianInitdb = "/usr/lib/postgresql/*/bin/initdb"

func startCluster() (*cluster, error) {
	bin, err := findPostgres(exec.LookPath, debianInitdb)
	if err != nil {
		return nil, err
	}
	return launch(bin, "")
}

// awaitReady reads what the script says until it says ready. Anything else, and a server that takes too long, is an
// error that carries the script's words.
func awaitReady(out *os.File) error {
	// initdb and the start take two seconds on an idle machine; this allows for one that runs everything at once.
	if err := out.SetReadDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		return err
	}
	var said strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if strings.HasSuffix(said.String(), "ready\n") {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the server did not start (%w); it said:\n%s", err, said.String())
		}
	}
}
