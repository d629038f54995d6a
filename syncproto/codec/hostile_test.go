package codec_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"minqing/schema/schematest"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

const (
	welcome = `{"welcome":{"protocol":1,"schema":1,"epoch":"00112233445566778899aabbccddeeff"}}` + "\n"
	hello   = `{"hello":{"protocol":1,"schema":1,"device":"01935b7e-0000-7000-8000-0000000000d1"}}` + "\n"
	columns = `{"columns":{"table":"thing","names":["name","high"]}}` + "\n" + `{"bucket":{"scope":"s","period":"-"}}` + "\n"
	rowHead = `["thing","01935b7e-0000-7000-8000-000000000001",3,`
)

func TestHostileLines(t *testing.T) {
	content := func(cells string) string {
		return hello + `{"change":{"number":1,"content":{"at":1,"edits":[{"op":"update","row":"01935b7e-0000-7000-8000-000000000001","table":"thing","cells":{` + cells + `}}]}}}` + "\n"
	}
	for _, c := range []struct {
		name, in string
		code     syncproto.Code
		says     string
	}{
		{"duplicate key", `{"hello":{"protocol":1,"protocol":2}}` + "\n", syncproto.CodeInvalid, "twice"},
		{"duplicate key by escape", `{"hello":{"protocol":1,"p\u0072otocol":2}}` + "\n", syncproto.CodeInvalid, "twice"},
		{"duplicate key in content", content(`"name":"a","name":"b"`), syncproto.CodeInvalid, "twice"},
		{"unknown key", `{"hello":{"protocol":1,"colour":2}}` + "\n", syncproto.CodeInvalid, "colour"},
		{"unknown kind", hello + `{"greeting":{}}` + "\n", syncproto.CodeInvalid, "greeting"},
		{"two kinds", hello + `{"end":{"frames":1},"held":[]}` + "\n", syncproto.CodeInvalid, "one key"},
		{"no kind", hello + `{}` + "\n", syncproto.CodeInvalid, "without a kind"},
		{"answer in a request", hello + `{"mark":{"resume":"a"}}` + "\n", syncproto.CodeInvalid, "may stand here"},
		{"no hello", `{"end":{"frames":0}}` + "\n", syncproto.CodeInvalid, "may stand here"},
		{"two hellos", hello + hello, syncproto.CodeInvalid, "may stand here"},
		{"trailing data on the line", `{"hello":{"protocol":1}} x` + "\n", syncproto.CodeInvalid, "follows"},
		{"trailing frame", hello + `{"end":{"frames":1}}` + "\n" + hello, syncproto.CodeInvalid, "follows the last"},
		{"trailing white space", hello + `{"end":{"frames":1}}` + "\n\n", syncproto.CodeInvalid, "follows the last"},
		{"wrong count", hello + `{"end":{"frames":7}}` + "\n", syncproto.CodeInvalid, "counts 7"},
		{"empty line", hello + "\n", syncproto.CodeInvalid, "want an object"},
		{"not UTF-8", "{\"hello\":{\"protocol\":1,\"client\":\"\xff\"}}\n", syncproto.CodeInvalid, "UTF-8"},
		{"half a surrogate", `{"hello":{"protocol":1,"client":"\ud800"}}` + "\n", syncproto.CodeInvalid, "surrogate"},
		{"half a surrogate in content", content(`"name":"\udc00"`), syncproto.CodeInvalid, "surrogate"},
		{"U+0000", `{"hello":{"protocol":1,"client":"a\u0000"}}` + "\n", syncproto.CodeInvalid, "U+0000"},
		{"raw control", "{\"hello\":{\"protocol\":1,\"client\":\"a\tb\"}}\n", syncproto.CodeInvalid, "escaped"},
		{"2^53", `{"hello":{"protocol":1,"next":9007199254740992}}` + "\n", syncproto.CodeInvalid, "2^53"},
		{"1e3", `{"hello":{"protocol":1,"next":1e3}}` + "\n", syncproto.CodeInvalid, "whole number"},
		{"1.0", `{"hello":{"protocol":1,"next":1.0}}` + "\n", syncproto.CodeInvalid, "whole number"},
		{"-0", welcome + columns + rowHead + `["a",-0]]` + "\n", syncproto.CodeInvalid, "whole number"},
		{"007", `{"hello":{"protocol":1,"next":007}}` + "\n", syncproto.CodeInvalid, "want a number"},
		{"NaN", `{"hello":{"protocol":1,"next":NaN}}` + "\n", syncproto.CodeInvalid, "number"},
		{"NaN in content", content(`"high":NaN`), syncproto.CodeInvalid, "number"},
		{"negative count", `{"hello":{"protocol":1,"next":-1}}` + "\n", syncproto.CodeInvalid, "count"},
		{"deep content", content(`"name":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)), syncproto.CodeInvalid, "deeper"},
		{"deep line", strings.Repeat(`{"hello":`, 5000) + "\n", syncproto.CodeInvalid, "no key"},
		{"content is no object", hello + `{"change":{"number":1,"content":[1]}}` + "\n", syncproto.CodeInvalid, "object"},
		{"change without number", hello + `{"change":{"content":{}}}` + "\n", syncproto.CodeInvalid, "number"},
		{"device is no id", `{"hello":{"protocol":1,"device":"x"}}` + "\n", syncproto.CodeInvalid, "no id"},
		{"row before columns", welcome + `{"at":{"scope":"s","period":"-"}}` + "\n" + rowHead + `[]]` + "\n", syncproto.CodeInvalid, "before its columns"},
		{"row before bucket", welcome + `{"columns":{"table":"thing","names":["name","high"]}}` + "\n" + rowHead + `["a",1]]` + "\n", syncproto.CodeInvalid, "before any bucket"},
		{"row in a request", hello + rowHead + `[]]` + "\n", syncproto.CodeInvalid, "only in an answer"},
		{"too few values", welcome + columns + rowHead + `["a"]]` + "\n", syncproto.CodeInvalid, "1 values for 2"},
		{"too many values", welcome + columns + rowHead + `["a",1,2]]` + "\n", syncproto.CodeInvalid, "more values"},
		{"value of another kind", welcome + columns + rowHead + `["a","1"]]` + "\n", syncproto.CodeInvalid, "another kind"},
		{"six parts", welcome + columns + rowHead + `["a",1],{},1]` + "\n", syncproto.CodeInvalid, "five parts"},
		{"columns twice", welcome + columns + columns, syncproto.CodeInvalid, "second time"},
		{"long line", `{"hello":{"client":"` + strings.Repeat("a", syncproto.MaxFrameBytes) + `"}}` + "\n", syncproto.CodeTooLarge, "too long"},
		{"many heads", `{"hello":{"protocol":1,"heads":["a"` + strings.Repeat(`,"a"`, 64) + `]}}` + "\n", syncproto.CodeTooLarge, "too long"},
		{"wrong sums", welcome + `{"ranges":{"scope":"s","period":"-","width":2,"sums":"AAAAAAAAAAE"}}` + "\n", syncproto.CodeInvalid, "width"},
		{"wide sums", welcome + `{"ranges":{"scope":"s","period":"-","width":63,"sums":"AAAAAAAAAAE"}}` + "\n", syncproto.CodeInvalid, "width"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(strings.NewReader(c.in), schematest.Book())
			var e *syncproto.Error
			if !errors.As(err, &e) {
				t.Fatalf("no error of ours: %v", err)
			}
			if e.Code != c.code || !strings.Contains(e.Error(), c.says) || e.Hint == "" || !strings.Contains(e.Op, "frame") {
				t.Fatalf("code %s, %q, hint %q", e.Code, e, e.Hint)
			}
		})
	}
}

// What is wrong inside one change refuses that change and no other.
func TestDefectsBlockNoOtherChange(t *testing.T) {
	const row = `"op":"update","row":"01935b7e-0000-7000-8000-000000000001","table":"thing"`
	for _, c := range []struct {
		name, content string
		code          syncproto.Code
	}{
		{"2^53 in a cell", `{"at":1,"edits":[{"cells":{"high":9007199254740992},` + row + `}]}`, syncproto.CodeInvalid},
		{"fraction in a cell", `{"at":1,"edits":[{"cells":{"high":1.5},` + row + `}]}`, syncproto.CodeInvalid},
		{"-0 in a cell", `{"at":1,"edits":[{"cells":{"high":-0},` + row + `}]}`, syncproto.CodeInvalid},
		{"U+0000 in a cell", `{"at":1,"edits":[{"cells":{"name":"a\u0000b"},` + row + `}]}`, syncproto.CodeInvalid},
		{"text for a number", `{"at":1,"edits":[{"cells":{"high":"x"},` + row + `}]}`, syncproto.CodeInvalid},
		{"value for a sum", `{"at":1,"edits":[{"cells":{"total":5},` + row + `}]}`, syncproto.CodeInvalid},
		{"half a group", `{"at":1,"edits":[{"cells":{"position":[1]},` + row + `}]}`, syncproto.CodeInvalid},
		{"no edits", `{"at":1,"edits":[]}`, syncproto.CodeInvalid},
		{"unknown key", `{"at":1,"mood":"good","edits":[{` + row + `}]}`, syncproto.CodeInvalid},
		{"row is no id", `{"at":1,"edits":[{"op":"create","row":"1","table":"thing"}]}`, syncproto.CodeInvalid},
		{"no such operation", `{"at":1,"edits":[{"op":"upsert","row":"01935b7e-0000-7000-8000-000000000001","table":"thing"}]}`, syncproto.CodeInvalid},
		{"delete with cells", `{"at":1,"edits":[{"cells":{"high":1},"op":"delete","row":"01935b7e-0000-7000-8000-000000000001","table":"thing"}]}`, syncproto.CodeInvalid},
		{"unknown column", `{"at":1,"edits":[{"cells":{"weight":{"kg":1.5}},` + row + `}]}`, syncproto.CodeUnknown},
		{"unknown table and a bad value", `{"at":1,"edits":[{"cells":{"high":"x"},` + row + `},{"op":"create","row":"01935b7e-0000-7000-8000-000000000002","table":"future"}]}`, syncproto.CodeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := hello + `{"change":{"number":1,"content":` + c.content + "}}\n" +
				`{"change":{"number":2,"content":{"at":1,"edits":[{"cells":{"high":4},` + row + `}]}}}` + "\n" + `{"end":{"frames":3}}` + "\n"
			got, err := read(strings.NewReader(in), schematest.Book())
			must(t, err)
			bad, good := got[1].(*syncproto.Change), got[2].(*syncproto.Change)
			if bad.Defect == nil || bad.Defect.Code != c.code || bad.Defect.Hint == "" {
				t.Fatalf("defect %v", bad.Defect)
			}
			if good.Defect != nil || good.Edits[0].Cells[0].Value.Num() != 4 {
				t.Fatalf("the sound change: %+v", good)
			}
			if !bytes.Contains(write(t, got), bad.Content) {
				t.Fatal("the content was not kept")
			}
		})
	}
}

func TestTooManyChangesAndFrames(t *testing.T) {
	change := `{"change":{"number":1,"content":{}}}` + "\n"
	for _, limits := range []codec.Limits{{Changes: 2}, {Frames: 3}} {
		r := codec.NewReader(strings.NewReader(hello+strings.Repeat(change, 3)), nil, limits)
		var err error
		n := 0
		for ; err == nil; n++ {
			_, err = r.Next()
		}
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Code != syncproto.CodeTooLarge || n != 4 {
			t.Fatalf("%+v: after %d: %v", limits, n, err)
		}
	}
}

// A bomb is stopped at the limit, and the memory it takes stays far below 256 MiB.
func TestBombs(t *testing.T) {
	zeros := func(w io.Writer) {
		chunk := make([]byte, 1<<20)
		for range 512 {
			if _, err := w.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
	}
	var zst, gz, wide bytes.Buffer
	zw, err := zstd.NewWriter(&zst)
	must(t, err)
	zeros(zw)
	must(t, zw.Close())
	gw := gzip.NewWriter(&gz)
	zeros(gw)
	must(t, gw.Close())
	ww, err := zstd.NewWriter(&wide, zstd.WithWindowSize(512<<20), zstd.WithSingleSegment(false))
	must(t, err)
	zeros(ww)
	must(t, ww.Close())
	for name, c := range map[string]struct {
		encoding string
		body     []byte
	}{"zstd": {codec.EncodingZstd, zst.Bytes()}, "gzip": {codec.EncodingGzip, gz.Bytes()}, "wide window": {codec.EncodingZstd, wide.Bytes()}} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			r, err := codec.Decompress(c.encoding, bytes.NewReader(c.body), syncproto.MaxRequestBytes)
			must(t, err)
			n, err := io.Copy(io.Discard, r)
			runtime.ReadMemStats(&after)
			var e *syncproto.Error
			if !errors.As(err, &e) || e.Code != syncproto.CodeTooLarge || n > syncproto.MaxRequestBytes {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
				t.Fatalf("%d MiB taken for it", taken>>20)
			}
			must(t, r.Close())
		})
	}
}

func TestGarbledIsToldFromBroken(t *testing.T) {
	for _, encoding := range []string{codec.EncodingZstd, codec.EncodingGzip} {
		var out bytes.Buffer
		w, err := codec.Compress(encoding, &out)
		must(t, err)
		_, err = w.Write(write(t, answer()))
		must(t, err)
		must(t, w.Close())
		whole := out.Bytes()
		all := func(in io.Reader) error {
			r, err := codec.Decompress(encoding, in, 1<<20)
			if err == nil {
				_, err = io.ReadAll(r)
			}
			return err
		}
		if err := all(bytes.NewReader(whole[:len(whole)/2])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s cut: %v", encoding, err)
		}
		link := errors.New("link down")
		if err := all(io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), brokenLink{link})); !errors.Is(err, link) {
			t.Errorf("%s link: %v", encoding, err)
		}
		garbled := bytes.Clone(whole)
		copy(garbled[len(garbled)/2:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
		err = all(bytes.NewReader(garbled))
		var e *syncproto.Error
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && (!errors.As(err, &e) || e.Code != syncproto.CodeInvalid) {
			t.Errorf("%s garbled: %v", encoding, err)
		}
		if err = all(strings.NewReader("this is neither")); !errors.As(err, &e) || e.Code != syncproto.CodeInvalid {
			t.Errorf("%s neither: %v", encoding, err)
		}
	}
}

type brokenLink struct{ err error }

func (b brokenLink) Read([]byte) (int, error) { return 0, b.err }
