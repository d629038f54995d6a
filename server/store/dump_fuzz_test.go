package store

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"minqing/schema/schematest"
)

// FuzzLoadDump: nothing that is called a backup makes the loader panic, and what it loads it writes as a dump that loads as the same.
func FuzzLoadDump(f *testing.F) {
	s, err := Open(context.Background(), Options{Path: filepath.Join(f.TempDir(), "s.db"), Book: schematest.Book(), Now: func() int64 { return 1_764_000_000_000 },
		Rand: rand.NewChaCha8([32]byte{1})})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	rolledBack := errors.New("rolled back")
	// load tries a dump and gives what the database then held, without leaving a trace.
	load := func(t testing.TB, in []byte) (out []byte, err error) {
		var held bytes.Buffer
		if got := s.Write(context.Background(), func(tx *Tx) error {
			if err = tx.load(bytes.NewReader(in)); err == nil {
				if err := tx.dump(&held); err != nil {
					t.Fatalf("what was loaded cannot be dumped: %v", err)
				}
			}
			return rolledBack
		}); !errors.Is(got, rolledBack) {
			t.Fatal(got)
		}
		return held.Bytes(), err
	}
	var whole bytes.Buffer
	if _, err := s.Dump(context.Background(), &whole); err != nil {
		f.Fatal(err)
	}
	if _, err := load(f, whole.Bytes()); err != nil {
		f.Fatalf("the dump of an empty database: %v", err)
	}
	const head = `{"format":"minqing dump 1","schema":1,"store":1}` + "\n"
	f.Add(whole.Bytes())
	for _, seed := range []string{
		"", head, "{}\n", head + `{"table":"place","columns":["id","name"]}` + "\n" + `["01935b7e-0000-7000-8000-000000000001","村"]` + "\n",
		head + `{"table":"place","columns":[]}` + "\n[]\n", head + `{"table":"nowhere","columns":["id"]}` + "\n", head + `["x"]` + "\n",
		head + `{"table":"mq_meta","columns":["key","value"],"blobs":[1,-7,9]}` + "\n" + `["a","!"]` + "\n" + `[null,{}]` + "\n",
		head + `{"table":"mq_change","columns":["identity",` + strings.Repeat(`"identity",`, 2000) + `"x"]}` + "\n", strings.Replace(head, `"schema":1`, `"schema":99`, 1),
		head + `{"table":"place","columns":["id\"; DROP TABLE place; --"]}` + "\n" + `["x"]` + "\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		first, err := load(t, in)
		if err != nil {
			return
		}
		second, err := load(t, first)
		if err != nil {
			t.Fatalf("what it wrote itself it does not load: %v", err)
		}
		if !bytes.Equal(first, second) {
			t.Fatalf("loaded and dumped it became\n%s\nnot\n%s", second, first)
		}
	})
}
