package control

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

// FuzzRequest: nothing that is written to the socket makes the reader panic or take more than it may, and words that it reads are the same
// when they are handed over again.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("{\"Args\":[\"stats\",\"青石村\"]}\n"))
	f.Add([]byte("{\"Args\":[]}\n"))
	f.Add([]byte("null\n"))
	f.Add([]byte("{\"Args\":[\"stats\"]}"))
	f.Add([]byte("{\"Args\":\"stats\"}\n{}\n"))
	f.Add([]byte("[[[[[[[[[[[[[[[[\n"))
	f.Add(append(bytes.Repeat([]byte("a"), mostRequest), '\n'))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := readRequest(bytes.NewReader(in))
		if line, _, ended := bytes.Cut(in, []byte("\n")); err == nil && (!ended || len(line) >= mostRequest) {
			t.Fatalf("%d bytes were taken for a request", len(line))
		}
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		same, err := readRequest(bytes.NewReader(append(again, '\n')))
		if err != nil || !slices.Equal(same.Args, r.Args) {
			t.Fatalf("%q became %q, %v", r.Args, same.Args, err)
		}
	})
}
