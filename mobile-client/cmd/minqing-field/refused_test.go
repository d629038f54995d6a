package main

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// TestMendKeepsWhatWasAdded: a refused change that added to a set and to a sum, and took something from the set, is written anew upon what shows
// now: nothing that was there goes, and nothing that was added is dropped.
func TestMendKeepsWhatWasAdded(t *testing.T) {
	const household, thing = syncproto.RowID("01900000-0000-7000-8000-0000000000b1"), syncproto.RowID("01900000-0000-7000-8000-0000000000c1")
	book, now := schematest.Book(), int64(1700000000000)
	r, err := replica.Open(t.Context(), replica.Options{Path: filepath.Join(t.TempDir(), "phone.db"), Book: book, Now: func() int64 { now++; return now },
		Rand: rand.NewChaCha8([32]byte{1})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := r.Enrol(t.Context(), replica.Device{ID: "01900000-0000-7000-8000-00000000000d", User: "01900000-0000-7000-8000-0000000000aa",
		Server: "http://server.invalid", Seed: make([]byte, 32)}); err != nil {
		t.Fatal(err)
	}
	do := func(fn func(tx *replica.Tx) error) {
		t.Helper()
		if _, err := r.Write(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	do(func(tx *replica.Tx) error {
		return tx.Create("thing", thing, map[string]schema.Value{"household": schema.Text(string(household)), "name": schema.Text("甲"),
			"total": schema.Int(5), "tags": schema.Set("red", "green")})
	})
	refused := &syncproto.Change{Edits: []syncproto.Edit{{Table: "thing", Row: thing, Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{
		{Cell: "total", Delta: 3}, {Cell: "tags", Add: []string{"blue"}, Del: []string{"red"}}, {Cell: "name", Value: schema.Text("乙")}}}}}
	mend := refusedMend{Set: []string{"name=丙"}}
	do(func(tx *replica.Tx) error { return mend.rewrite(r, tx, refused) })
	f, err := r.Form(t.Context(), "thing", thing)
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string]schema.Value{"total": schema.Int(8), "tags": schema.Set("green", "blue"), "name": schema.Text("丙")} {
		if f.Values[column] != want {
			t.Errorf("%s is %s, want %s", column, f.Values[column], want)
		}
	}
	pending, err := r.Entries(t.Context(), replica.Pending)
	if err != nil || len(pending) != 2 {
		t.Fatalf("%d changes are pending (%v)", len(pending), err)
	}
	for _, c := range pending[1].Change.Edits[0].Cells {
		switch c.Cell {
		case "total":
			if c.Delta != 3 {
				t.Errorf("the mend adds %d", c.Delta)
			}
		case "tags":
			if !slices.Equal(c.Add, []string{"blue"}) || !slices.Equal(c.Del, []string{"red"}) {
				t.Errorf("the mend edits the set by +%v -%v", c.Add, c.Del)
			}
		}
	}
}
