package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

// patience bounds every wait, far above what it takes on a busy machine.
const patience = time.Minute

var opened atomic.Int32 // each store its own randomness, as two epochs must differ

func mustOpen(t *testing.T, opt store.Options, book *schema.Book) *store.Store {
	t.Helper()
	opt.Book, opt.Now, opt.Rand = book, func() int64 { return time.Now().UnixMilli() }, rand.NewChaCha8([32]byte{byte(opened.Add(1))})
	s, err := store.Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func noGap(t *testing.T, sub subject) {
	open := sub.open
	s := open(schematest.Book())
	ctx, streams := context.Background(), []string{"a", "b", "c"}
	var stop atomic.Bool
	var readers, writers sync.WaitGroup
	for r := range 3 {
		readers.Go(func() {
			for !stop.Load() {
				if err := s.Read(ctx, func(tx *store.Tx) error { return checkNoGap(tx, streams) }); err != nil {
					t.Errorf("reader %d: %v", r, err)
					return
				}
			}
		})
	}
	const each, many = 40, 8
	for w := range many {
		writers.Go(func() {
			for i := range each {
				pick := []string{streams[(w+i)%3], streams[i%3]}
				err := s.Write(ctx, func(tx *store.Tx) error {
					if i%10 == 9 { // one that fails must leave neither gap nor trace, whoever shared its commit
						if err := takeSeq(tx, pick...); err != nil {
							return err
						}
						return errOnPurpose
					}
					return takeSeq(tx, pick...)
				})
				if err != nil && !errors.Is(err, errOnPurpose) {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	writers.Wait()
	stop.Store(true)
	readers.Wait()
	var total int64
	if err := s.Read(ctx, func(tx *store.Tx) error {
		all, err := tx.AllStreams()
		for _, st := range all {
			total += st.Seq
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := int64(0)
	for w := range many {
		for i := range each {
			if i%10 == 9 {
				continue
			}
			want++
			if (w+i)%3 != i%3 {
				want++
			}
		}
	}
	if total != want {
		t.Errorf("streams stand at %d in all, want %d", total, want)
	}
}

var errOnPurpose = errors.New("fails on purpose")

func takeSeq(tx *store.Tx, streams ...string) error {
	if err := tx.LockStreams(streams...); err != nil {
		return err
	}
	done := map[string]bool{}
	for _, id := range streams {
		if done[id] {
			continue
		}
		done[id] = true
		st := tx.Stream(id)
		st.Seq++
		st.Pos++
		st.Head = fmt.Sprint(st.Pos)
		tx.SetStream(st)
		if err := tx.AddChain([]store.ChainRecord{{Stream: id, Pos: st.Pos, Kind: "applied", Identity: "i", Head: st.Head, At: tx.Now()}}); err != nil {
			return err
		}
	}
	return tx.SaveStreams()
}

// checkNoGap tells a reader that sees seq n of a stream, and not all before it.
func checkNoGap(tx *store.Tx, streams []string) error {
	for _, id := range streams {
		states, err := tx.Streams([]string{id})
		if err != nil {
			return err
		}
		chain, err := tx.Chain(id, 0, 1<<20)
		if err != nil {
			return err
		}
		for i, r := range chain {
			if r.Pos != int64(i+1) {
				return fmt.Errorf("stream %s: record %d at place %d", id, r.Pos, i+1)
			}
		}
		if len(states) == 1 && states[0].Seq != int64(len(chain)) {
			return fmt.Errorf("stream %s stands at %d with %d records", id, states[0].Seq, len(chain))
		}
	}
	return nil
}

func rowsComeBack(t *testing.T, sub subject) {
	open := sub.open
	s, ctx := open(schematest.Book()), context.Background()
	row := &store.Row{ID: "r1", Table: "thing", Parent: "h", Stream: "v", Scope: "household:h", Period: "-",
		Label: syncproto.Label{Epoch: "e", Rev: 3}, Seq: 7, Open: map[string][]syncproto.Identity{"name": {"x", "y"}, "grade": {}}}
	thing := schematest.Book().Table("thing")
	values := make([]schema.Value, len(thing.Columns))
	values[0], values[4], values[5] = schema.Text("h"), schema.Int(-5), schema.Set("red", "蓝")
	if err := s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SaveRows([]*store.Row{row}); err != nil {
			return err
		}
		return tx.SaveValues("thing", map[syncproto.RowID][]schema.Value{"r1": values})
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Rows([]string{"r1", "r2"})
		if err != nil {
			return err
		}
		if len(rows) != 1 || rows[0].Label != row.Label || rows[0].Seq != 7 || len(rows[0].Open["name"]) != 2 || rows[0].Open["grade"] == nil {
			t.Errorf("row came back as %+v", rows)
		}
		got, err := tx.Values("thing", []string{"r1"})
		for i, v := range got["r1"] {
			if v != values[i] {
				t.Errorf("column %s: %v, want %v", thing.Columns[i].Name, v, values[i])
			}
		}
		if len(got) != 1 {
			t.Errorf("%d rows of values", len(got))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
