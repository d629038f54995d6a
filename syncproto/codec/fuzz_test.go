package codec_test

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"minqing/schema/schematest"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// What reading may allocate, all told: so much for a reader, and so many bytes for one of the input (the worst seen took 15). No number that
// stands in the input buys more.
const readerTakes, byteTakes = 64 << 10, 64

// FuzzFrames: no input makes the reader panic or allocate beyond a multiple of its length, and what it accepts it writes so that reading it
// again gives the same lines.
func FuzzFrames(f *testing.F) {
	f.Add(write(f, request(f)))
	f.Add(write(f, answer()))
	f.Add([]byte(welcome + columns + rowHead + "[\"a\",1],{\"open\":{}}]\n"))
	f.Add([]byte(welcome + columns + strings.Repeat(rowHead+"[\"a\",1]]\n", 50)))
	f.Add([]byte(hello + "{\"change\":" + strings.Repeat("[", 500) + strings.Repeat("1,", 500)))
	f.Add([]byte("{\"failure\":{\"code\":\"busy\",\"retry\":3}}\n"))
	book := schematest.Book()
	f.Fuzz(func(t *testing.T, in []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		frames, err := read(bytes.NewReader(in), book)
		runtime.ReadMemStats(&after)
		if taken, most := after.TotalAlloc-before.TotalAlloc, uint64(readerTakes+byteTakes*len(in)); taken > most {
			t.Fatalf("%d bytes taken for %d, want %d at most", taken, len(in), most)
		}
		if len(frames) == 0 {
			return
		}
		first := write(t, frames)
		again, err2 := read(bytes.NewReader(first), book)
		if err == nil && err2 != nil {
			t.Fatalf("accepted once, then %v\n%s", err2, first)
		}
		if len(again) != len(frames) {
			t.Fatalf("%d frames became %d\n%s", len(frames), len(again), first)
		}
		if second := write(t, again); !bytes.Equal(first, second) {
			t.Fatalf("written twice it differs:\n%s\n%s", first, second)
		}
		for i, fr := range frames {
			if c, ok := fr.(*syncproto.Change); ok && c.Content != nil && c.Identity() != again[i].(*syncproto.Change).Identity() {
				t.Fatal("the identity changed")
			}
		}
	})
}

// FuzzDecompress: no compressed input makes the decoder panic or give more than was allowed.
func FuzzDecompress(f *testing.F) {
	for _, encoding := range []string{codec.EncodingZstd, codec.EncodingGzip} {
		var out bytes.Buffer
		w, err := codec.Compress(encoding, &out)
		must(f, err)
		_, err = w.Write(bytes.Repeat([]byte("abc"), 1000))
		must(f, err)
		must(f, w.Close())
		f.Add(encoding == codec.EncodingZstd, out.Bytes())
	}
	f.Add(false, []byte("\x1f\x8b\bA000000")) // a header that breaks off
	f.Fuzz(func(t *testing.T, zst bool, in []byte) {
		encoding := codec.EncodingGzip
		if zst {
			encoding = codec.EncodingZstd
		}
		r, err := codec.Decompress(encoding, bytes.NewReader(in), 1<<16)
		if err != nil {
			return
		}
		if n, _ := io.Copy(io.Discard, r); n > 1<<16 {
			t.Fatalf("%d bytes", n)
		}
		must(t, r.Close())
	})
}
