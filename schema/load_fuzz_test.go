package schema_test

import (
	"bytes"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
)

// FuzzLoad: no frozen book makes the reader panic, and one that it accepts is written and read again as the same.
func FuzzLoad(f *testing.F) {
	for v := 1; v <= schematest.Version; v++ {
		dump, err := schematest.BookAt(v).Dump()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(dump)
	}
	f.Add([]byte(strings.Repeat("[", 1000)))
	f.Add([]byte(`{"Version":1,"Tables":[null]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		book, err := schema.Load(in)
		if err != nil {
			return
		}
		first, err := book.Dump()
		if err != nil {
			t.Fatal(err)
		}
		again, err := schema.Load(first)
		if err != nil {
			t.Fatalf("accepted once, then %v\n%s", err, first)
		}
		second, err := again.Dump()
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("written twice it differs (%v):\n%s\n%s", err, first, second)
		}
	})
}
