package simdisk_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"minqing/internal/simdisk"
	"minqing/internal/sqlitex"
	"minqing/internal/sqlitex/vfs"
)

// fill makes a database and 12 transactions, and stops at the first error.
func fill(d *simdisk.Disk, w *worker, v variant) (*sqlitex.DB, error) {
	db, err := open(d, v)
	if err != nil {
		return nil, err
	}
	if err := w.create(db); err != nil {
		return db, err
	}
	for range 12 {
		if err := w.transaction(db, true); err != nil {
			return db, err
		}
	}
	return db, nil
}

// Each write in turn finds the disk full. What was acknowledged is there, the file is sound; with room again the same
// handles go on; and a power cut at that very moment does no harm either.
func TestDiskFullAtEachWrite(t *testing.T) {
	for _, v := range []variant{plain, encrypted, rollback, rollbackX} {
		t.Run(v.name, func(t *testing.T) {
			d, w := simdisk.New(), newWorker(3)
			db, err := fill(d, w, v)
			if err != nil {
				t.Fatal(err)
			}
			writes := d.Stats().Writes
			mustClose(t, db)
			if writes < 50 {
				t.Fatalf("only %d writes: too little to fail", writes)
			}
			for n := range writes {
				fullAt(t, v, n, n%2 == 0)
			}
		})
	}
}

func fullAt(t *testing.T, v variant, n int, cut bool) {
	t.Helper()
	d, w := simdisk.New(), newWorker(3)
	d.FailWritesAfter(n)
	db, err := fill(d, w, v)
	if !sqlitex.IsFull(err) {
		t.Fatalf("write %d: want a full disk, got %v", n, err)
	}
	d.Heal()
	if cut {
		d.Crash(rand.New(rand.NewPCG(uint64(n), 5)))
	}
	if db != nil && !cut {
		if err := w.create(db); err != nil {
			t.Fatalf("write %d: with room again: %v", n, err)
		}
		if err := w.check(t, db); err != nil {
			t.Fatalf("write %d: %v", n, err)
		}
		if err := w.transaction(db, true); err != nil {
			t.Fatalf("write %d: with room again: %v", n, err)
		}
	}
	if db != nil {
		if err := db.Close(); err != nil && !cut {
			t.Fatalf("write %d: close: %v", n, err)
		}
	}
	db = mustOpen(t, d, v)
	defer mustClose(t, db)
	if err := w.create(db); err != nil {
		t.Fatalf("write %d: %v", n, err)
	}
	if err := w.check(t, db); err != nil {
		t.Fatalf("write %d: %v", n, err)
	}
}

// One call of each kind fails once, each in turn; nothing acknowledged is lost.
func TestErrorAtEachCall(t *testing.T) {
	for _, v := range []variant{plain, encrypted, rollbackX} {
		for _, op := range []simdisk.Op{simdisk.OpRead, simdisk.OpTruncate, simdisk.OpSync, simdisk.OpOpen, simdisk.OpDelete} {
			t.Run(fmt.Sprintf("%s/%d", v.name, op), func(t *testing.T) {
				hits := 0
				for n := range 60 {
					d, w := simdisk.New(), newWorker(4)
					d.Inject(simdisk.Fault{Op: op, Skip: n, Times: 1, Code: vfs.IOErr})
					db, err := fill(d, w, v)
					if err != nil {
						hits++
					}
					d.Heal()
					if db != nil {
						_ = db.Close()
					}
					db = mustOpen(t, d, v)
					if err := w.create(db); err != nil {
						t.Fatalf("call %d: %v", n, err)
					}
					if err := w.check(t, db); err != nil {
						t.Fatalf("call %d: %v", n, err)
					}
					mustClose(t, db)
				}
				// SQLite shrugs off a failed truncation of a log, and WAL mode deletes nothing but the first journal.
				if hits == 0 && op != simdisk.OpTruncate && op != simdisk.OpDelete {
					t.Fatal("no fault was felt")
				}
			})
		}
	}
}

func TestCloneIsACopiedPhone(t *testing.T) {
	phone, w := simdisk.New(), newWorker(8)
	db, err := fill(phone, w, encrypted)
	if err != nil {
		t.Fatal(err)
	}
	live, yesterday := phone.Clone(path, false), w.acked
	if err := w.transaction(db, true); err != nil {
		t.Fatal(err)
	}
	safe, today := phone.Clone(path, true), w.acked
	mustClose(t, db)
	if maps.Equal(yesterday, today) {
		t.Fatal("the last transaction changed nothing")
	}
	for name, c := range map[string]struct {
		image simdisk.Image
		want  state
	}{"as seen": {live, yesterday}, "as durable": {safe, today}} {
		twin := simdisk.New()
		if twin.Restore(path, c.image); len(c.image) < 2 {
			t.Fatalf("%s: %d files, want the log too", name, len(c.image))
		}
		copied := mustOpen(t, twin, encrypted)
		got, err := read(copied)
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%s: the copy holds %v (%v), want %v", name, got, err, c.want)
		}
		mustClose(t, copied)
	}
	// Yesterday's backup over today's file, log included.
	phone.Restore(path, live)
	db = mustOpen(t, phone, encrypted)
	defer mustClose(t, db)
	if got, err := read(db); err != nil || !maps.Equal(got, yesterday) {
		t.Errorf("restored: %v (%v), want %v", got, err, yesterday)
	}
}

func TestHandlesFromBeforeAPowerCutAreDead(t *testing.T) {
	d, w := simdisk.New(), newWorker(9)
	old, err := fill(d, w, plain)
	if err != nil {
		t.Fatal(err)
	}
	d.Crash(rand.New(rand.NewPCG(1, 1)))
	db := mustOpen(t, d, plain)
	defer mustClose(t, db)
	stale := &worker{rng: w.rng, acked: w.acked}
	if err := stale.transaction(old, true); err == nil {
		t.Fatal("a program switched off went on writing")
	}
	_ = old.Close()
	if err := w.check(t, db); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkSingleRowTransaction(b *testing.B) {
	for _, v := range []variant{plain, encrypted} {
		b.Run(v.name, func(b *testing.B) {
			d := simdisk.New()
			db := mustOpen(b, d, v)
			defer mustClose(b, db)
			if err := newWorker(1).create(db); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := db.Write.Exec("INSERT INTO t(body) VALUES('a visit')"); err != nil {
					b.Fatal(err)
				}
			}
			s := d.Stats()
			b.ReportMetric(float64(s.Writes+s.Syncs+s.Reads)/b.Elapsed().Seconds(), "diskops/s")
		})
	}
}
