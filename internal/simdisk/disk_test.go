package simdisk_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"minqing/internal/simdisk"
	"minqing/internal/sqlitex"
	"minqing/internal/sqlitex/vfs"
)

// variant is how the database under test is opened.
type variant struct {
	name   string
	key    []byte
	pragma string // sent to the writer after opening, and the writer reads too
}

// In rollback mode FULL does not sync the folder after a journal is deleted, and a power cut may bring the journal back and
// undo the commit; the model shows it. EXTRA syncs.
const inRollback = "journal_mode=DELETE; PRAGMA synchronous=EXTRA"

var (
	plain     = variant{name: "plain"}
	encrypted = variant{name: "encrypted", key: bytes.Repeat([]byte{7}, sqlitex.KeySize)}
	rollback  = variant{"rollback journal", nil, inRollback}
	rollbackX = variant{"encrypted rollback journal", encrypted.key, inRollback}
	unsafeOff = variant{"synchronous off", nil, "synchronous=OFF"}
)

const path = "/phone/replica.db"

func open(d *simdisk.Disk, v variant) (*sqlitex.DB, error) {
	db, err := sqlitex.Open(sqlitex.Options{Path: path, Key: v.key, FS: d.VFS(), Readers: 1, BusyTimeout: time.Millisecond})
	if err != nil {
		return nil, err
	}
	if v.pragma != "" {
		if err := db.Read.Close(); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		db.Read = db.Write
		_, err = db.Write.Exec("PRAGMA " + v.pragma)
	}
	if err == nil {
		// A tiny cache, so that transactions spill to disk before they commit.
		_, err = db.Write.Exec("PRAGMA cache_size=8")
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func mustOpen(tb testing.TB, d *simdisk.Disk, v variant) *sqlitex.DB {
	tb.Helper()
	db, err := open(d, v)
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func mustClose(tb testing.TB, db *sqlitex.DB) {
	tb.Helper()
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
}

// state is what the table holds: id to content.
type state map[int]string

func (s state) String() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%d:%d ", id, len(s[id]))
	}
	return b.String()
}

func read(db *sqlitex.DB) (state, error) {
	rows, err := db.Read.Query("SELECT id, body FROM t")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	s := state{}
	for rows.Next() {
		var id int
		var body string
		if err := rows.Scan(&id, &body); err != nil {
			return nil, err
		}
		s[id] = body
	}
	return s, rows.Err()
}

// worker makes transactions and knows what was acknowledged. After an error, maybe is the state if the failed transaction
// turns out to be there all the same.
type worker struct {
	rng   *rand.Rand
	acked state
	maybe state
	cut   *sql.Tx // begun and not ended
}

func newWorker(seed uint64) *worker {
	return &worker{rng: rand.New(rand.NewPCG(seed, 42)), acked: state{}}
}

// transaction writes, changes and deletes a few rows; with commit false it stops before the end.
func (w *worker) transaction(db *sqlitex.DB, commit bool) error {
	next := maps.Clone(w.acked)
	w.maybe = nil
	tx, err := db.Write.Begin()
	if err != nil {
		return err
	}
	rollback := func(err error) error { return errors.Join(err, tx.Rollback()) }
	for range 1 + w.rng.IntN(12) {
		id := w.rng.IntN(60)
		if w.rng.IntN(5) == 0 {
			delete(next, id)
			if _, err := tx.Exec("DELETE FROM t WHERE id = ?", id); err != nil {
				return rollback(err)
			}
			continue
		}
		next[id] = strings.Repeat(fmt.Sprintf("%d.", w.rng.Uint32()), 1+w.rng.IntN(400))
		if _, err := tx.Exec("INSERT INTO t(id, body) VALUES(?, ?) ON CONFLICT DO UPDATE SET body = excluded.body", id, next[id]); err != nil {
			return rollback(err)
		}
	}
	if !commit {
		w.cut = tx
		return nil
	}
	w.maybe = next
	if err := tx.Commit(); err != nil {
		return err
	}
	w.acked, w.maybe = next, nil
	return nil
}

func (w *worker) create(db *sqlitex.DB) error {
	_, err := db.Write.Exec("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, body TEXT)")
	return err
}

// check wants the acknowledged state, or that of the one transaction whose fate was open, whole.
func (w *worker) check(tb testing.TB, db *sqlitex.DB) error {
	tb.Helper()
	if err := db.IntegrityCheck(tb.Context()); err != nil {
		return err
	}
	got, err := read(db)
	if err != nil {
		return err
	}
	if maps.Equal(got, w.acked) {
		return nil
	}
	if w.maybe != nil && maps.Equal(got, w.maybe) {
		w.acked = w.maybe
		return nil
	}
	return fmt.Errorf("after the power cut the table holds\n%v\nacknowledged was\n%v\nand open\n%v", got, w.acked, w.maybe)
}

// history runs transactions with power cuts among them, some in the middle of a transaction or of a commit.
func history(t *testing.T, seed uint64, v variant) error {
	d, w := simdisk.New(), newWorker(seed)
	for range 3 {
		if err := w.life(t, d, v); err != nil {
			return err
		}
	}
	db, err := open(d, v)
	if err != nil {
		return err
	}
	defer db.Close()
	return w.check(t, db)
}

// life is one program on the disk, from its start to the power cut.
func (w *worker) life(tb testing.TB, d *simdisk.Disk, v variant) error {
	db, err := open(d, v)
	if err != nil {
		return err
	}
	defer db.Close() // what a dead program says does not matter
	if err := w.create(db); err != nil {
		return err
	}
	if err := w.check(tb, db); err != nil {
		return err
	}
	for range w.rng.IntN(15) {
		if err := w.transaction(db, true); err != nil {
			return err
		}
		if w.rng.IntN(12) == 0 {
			if _, err := db.Write.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				return err
			}
		}
	}
	switch w.rng.IntN(3) {
	case 0: // between transactions
	case 1: // within one
		if err := w.transaction(db, false); err != nil {
			return err
		}
	case 2: // within a commit, or wherever else the disk is asked next
		ops := []simdisk.Op{simdisk.OpWrite, simdisk.OpSync, simdisk.OpTruncate, simdisk.OpDelete}
		d.Inject(simdisk.Fault{Op: ops[w.rng.IntN(len(ops))], Skip: w.rng.IntN(6), Code: vfs.IOErr})
		for range 3 {
			if w.transaction(db, true) != nil {
				break
			}
		}
	}
	d.Crash(w.rng)
	d.Heal()
	if w.cut != nil {
		_ = w.cut.Rollback() // gives the connection back, so that it can be closed
		w.cut = nil
	}
	return nil
}

func TestAcknowledgedSurvivesPowerCuts(t *testing.T) {
	for _, c := range []struct {
		variant
		seeds uint64
	}{{plain, 500}, {encrypted, 500}, {rollback, 150}, {rollbackX, 150}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range c.seeds {
				if err := history(t, seed, c.variant); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

// The same histories lose data, or the whole database, when SQLite does not sync: the model of a power cut bites.
func TestWithoutSyncDataIsLost(t *testing.T) {
	lost := 0
	const seeds = 60
	for seed := range uint64(seeds) {
		if history(t, seed, unsafeOff) != nil {
			lost++
		}
	}
	if lost < seeds/2 {
		t.Fatalf("only %d of %d histories lost anything", lost, seeds)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	defer vfs.SeedRandom(0)
	run := func(seed uint64) (simdisk.Image, simdisk.Stats) {
		vfs.SeedRandom(uint32(seed) + 1)
		d, w := simdisk.New(), newWorker(seed)
		for range 3 {
			db := mustOpen(t, d, encrypted)
			if err := w.create(db); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				if err := w.transaction(db, true); err != nil {
					t.Fatal(err)
				}
			}
			d.Crash(w.rng)
			_ = db.Close()
		}
		return d.Clone(path, false), d.Stats()
	}
	images := map[string]uint64{}
	for seed := range uint64(10) {
		one, stats := run(seed)
		two, again := run(seed)
		if !maps.EqualFunc(one, two, bytes.Equal) || stats != again {
			t.Fatalf("seed %d gave two histories: %+v and %+v", seed, stats, again)
		}
		if other, ok := images[string(one["-xwal"])]; ok {
			t.Fatalf("seeds %d and %d gave the same log", other, seed)
		}
		images[string(one["-xwal"])] = seed
	}
}

func TestManyReadersBesideAWriter(t *testing.T) {
	for _, v := range []variant{plain, encrypted} {
		t.Run(v.name, func(t *testing.T) {
			d, w := simdisk.New(), newWorker(1)
			one := mustOpen(t, d, v)
			defer mustClose(t, one)
			if _, err := one.Write.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)"); err != nil {
				t.Fatal(err)
			}
			two := mustOpen(t, d, v) // as another process would
			defer mustClose(t, two)
			var readers sync.WaitGroup
			stop := make(chan struct{})
			for _, db := range []*sqlitex.DB{one, two, two} {
				readers.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						if _, err := read(db); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			for range 150 {
				if err := w.transaction(one, true); err != nil {
					t.Fatal(err)
				}
			}
			close(stop)
			readers.Wait()
			if err := w.check(t, two); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestTheDisksClockIsSQLites(t *testing.T) {
	d := simdisk.New()
	now := int64(1234567890123)
	d.Now = func() int64 { return now }
	db := mustOpen(t, d, plain)
	defer mustClose(t, db)
	var got int64
	if err := db.Read.QueryRow("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)").Scan(&got); err != nil || got != now {
		t.Errorf("SQLite says %d (%v), want %d", got, err, now)
	}
}
