package judge_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"minqing/internal/testenv"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// BenchmarkPush measures durable one-row changes from 64 devices (DESIGN section 9: 5,000/s on SQLite, 2,000/s on PostgreSQL), by how
// many changes a push carries. ns/op is per change.
func BenchmarkPush(b *testing.B) {
	for _, each := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("sqlite/%d", each), func(b *testing.B) {
			benchPush(b, store.Options{Path: filepath.Join(b.TempDir(), "s.db")}, each)
		})
		b.Run(fmt.Sprintf("postgres/%d", each), func(b *testing.B) {
			benchPush(b, store.Options{DSN: testenv.MustPostgres(b)}, each)
		})
	}
}

const benchDevices = 64

func benchPush(b *testing.B, opt store.Options, each int) {
	w := mustWorld(b, opt, schematest.Book())
	phones := make([]*phone, benchDevices)
	for i := range phones {
		phones[i] = w.phone([]string{"ann", "bob"}[i%2])
		phones[i].do(w.create("thing", fmt.Sprint("t", i), "household", "@h1", "name", "n"))
	}
	pushes := make([][][]*syncproto.Change, len(phones))
	for i, p := range phones {
		for n := range (b.N + len(phones) - 1) / len(phones) {
			c := p.change(w.create("note", fmt.Sprintf("n%d-%d", i, n), "thing", fmt.Sprint("@t", i), "author", "@"+[]string{"ann", "bob"}[i%2],
				"text", "今天走访了这一户,反映门前道路积水,希望尽快修好。"))
			if n%each == 0 {
				pushes[i] = append(pushes[i], nil)
			}
			last := len(pushes[i]) - 1
			pushes[i][last] = append(pushes[i][last], c)
		}
	}
	b.ResetTimer()
	var failed atomic.Int64
	var all sync.WaitGroup
	for i, p := range phones {
		all.Go(func() {
			for _, changes := range pushes[i] {
				out, err := w.judge.Push(context.Background(), judge.Author{Device: p.id, User: p.user}, changes)
				if err != nil || out.Verdicts[0].Status != syncproto.Applied {
					failed.Add(1)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	if failed.Load() > 0 {
		b.Errorf("%d phones failed", failed.Load())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}

// BenchmarkReassign measures the server's part of giving 500 households to somebody else (DESIGN section 9: 200 ms), whose rows do not
// matter to it. Each iteration reassigns them all once more.
func BenchmarkReassign(b *testing.B) {
	for _, name := range []string{"sqlite", "postgres"} {
		b.Run(name, func(b *testing.B) {
			opt := store.Options{Path: filepath.Join(b.TempDir(), "s.db")}
			if name == "postgres" {
				opt = store.Options{DSN: testenv.MustPostgres(b)}
			}
			w := mustWorld(b, opt, schematest.Book())
			w.closed = true
			defer func() {
				if err := w.store.Close(); err != nil {
					b.Error(err)
				}
			}()
			var drafts []judge.Draft
			for i := range benchHouseholds {
				h := fmt.Sprint("house", i)
				drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{w.create("household", h, "place", "@v1g", "code", h),
					w.create("assignment", fmt.Sprint("a0-", i), "household", "@"+h, "user", "@ann", "team", "cadre", "since", "2026-01-01")}})
			}
			submitAll(b, w, drafts)
			users := []string{"bob", "ann"}
			b.ResetTimer()
			for n := range b.N {
				b.StopTimer()
				drafts = drafts[:0]
				for i := range benchHouseholds {
					drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{
						{Table: "assignment", Row: w.rowID(fmt.Sprint("a", n, "-", i)), Op: syncproto.OpUpdate, Cells: w.cells("assignment", "until", "2026-10-30")},
						w.create("assignment", fmt.Sprint("a", n+1, "-", i), "household", "@"+fmt.Sprint("house", i), "user", "@"+users[n%2], "team", "cadre", "since", "2026-01-01")}})
				}
				b.StartTimer()
				submitAll(b, w, drafts)
			}
		})
	}
}

const benchHouseholds = 500

func submitAll(b *testing.B, w *world, drafts []judge.Draft) {
	b.Helper()
	out, err := w.judge.Submit(context.Background(), w.user("admin"), drafts...)
	if err != nil {
		b.Fatal(err)
	}
	for _, v := range out.Verdicts {
		if v.Status != syncproto.Applied {
			b.Fatalf("%+v", v)
		}
	}
}
