package strict_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"minqing/syncproto/internal/strict"
	"minqing/syncproto/internal/vectors"
)

func canonical(in string) (string, error) {
	s := strict.New(in, 16)
	out, err := s.Canonical(nil)
	if err == nil {
		err = s.End()
	}
	return string(out), err
}

func TestCanonicalVectors(t *testing.T) {
	for _, c := range vectors.MustRead(t, os.DirFS("../../testdata"), "canonical.txt") {
		got, err := canonical(c.Get("in"))
		if c.Has("error") {
			if err == nil || !strings.Contains(err.Error(), c.Get("error")) {
				t.Errorf("%s: gave %s, %v; want an error of %q", c.Get("in"), got, err, c.Get("error"))
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.Get("in"), err)
			continue
		}
		c.Want("out", got)
		if again, err := canonical(got); err != nil || again != got {
			t.Errorf("%s becomes %s, %v", got, again, err)
		}
	}
}

func TestRawFindsTheEnd(t *testing.T) {
	for _, v := range []string{`{"a":"}\"]","b":[1,{}]}`, `[[]]`, `"x\\"`, `{}`} {
		s := strict.New("  "+v+" ,rest", 16)
		if got, err := s.Raw(); err != nil || got != v {
			t.Errorf("%s gave %s, %v", v, got, err)
		}
	}
	for _, v := range []string{``, `5}`, `{"a`, `["\`, `"\`, `}`, `[`} {
		if got, err := strict.New(v, 16).Raw(); err == nil {
			t.Errorf("%q gave %q", v, got)
		}
	}
}

// FuzzCanonical: what is accepted is JSON, its canonical form means the same to another reader, and is its own canonical form.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":[null,true,"\u00e9\n"]}`, `-0`, `1e400`, `{"a":{"c":1,"b":2},"A":0}`, `"\ud83d\ude00"`, `[1,]`, `{"a":1,"a":2}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if !utf8.ValidString(in) {
			return // callers check that
		}
		if raw, err := strict.New(in, 16).Raw(); err == nil && !strings.Contains(in, raw) {
			t.Fatalf("raw %q is not of the input", raw)
		}
		out, err := canonical(in)
		if err != nil {
			return
		}
		if again, err := canonical(out); err != nil || again != out {
			t.Fatalf("%q became %q, then %q, %v", in, out, again, err)
		}
		if !json.Valid([]byte(in)) {
			t.Fatalf("accepted %q", in)
		}
		if a, b := plain(t, in), plain(t, out); !reflect.DeepEqual(a, b) {
			t.Fatalf("%q means %v, %q means %v", in, a, out, b)
		}
	})
}

func plain(t *testing.T, in string) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(in)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
