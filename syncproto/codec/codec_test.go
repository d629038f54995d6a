package codec_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
	"minqing/syncproto/codec"
	"minqing/syncproto/internal/vectors"
)

const (
	epoch  = syncproto.EpochID("00112233445566778899aabbccddeeff")
	device = syncproto.DeviceID("01935b7e-0000-7000-8000-0000000000d1")
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func id(i int) string { return fmt.Sprintf("01935b7e-0000-7000-8000-%012x", i) }

func identity(i int) syncproto.Identity { return syncproto.Identity(fmt.Sprintf("%032x", i)) }

// sampleChange uses every field and every form of a cell.
func sampleChange() *syncproto.Change {
	return &syncproto.Change{
		Name: syncproto.Name{Device: device, Number: 7}, First: syncproto.Name{Device: syncproto.DeviceID(id(0xd2)), Number: 3},
		At: 1764000000000, Offset: -42, Cursor: "AQ_sealed-cursor", Mends: identity(9),
		Edits: []syncproto.Edit{
			{Table: "thing", Row: syncproto.RowID(id(1)), Op: syncproto.OpUpdate,
				Base: syncproto.Base{Epoch: epoch, Rev: 5, Over: []syncproto.Identity{identity(1)}, Open: map[string][]syncproto.Identity{"name": {identity(2), identity(3)}}},
				Cells: []syncproto.CellEdit{
					{Cell: "newest", Value: schema.Text("引号\"反斜\\\n\u007f\b😀")},
					{Cell: "high", Value: schema.Int(-5)},
					{Cell: "total", Delta: 3},
					{Cell: "tags", Add: []string{"blue", "red"}, Del: []string{"green"}},
					{Cell: "story", Value: schema.Null},
					{Cell: "position", Value: schema.Tuple(schema.Int(1201234567), schema.Null)},
				},
				Decides: []string{"name"}, UndoOf: identity(4)},
			{Table: "note", Row: syncproto.RowID(id(2)), Op: syncproto.OpDelete, Base: syncproto.Base{Epoch: epoch, Rev: 1}},
		},
		Labels: map[syncproto.RowID][]syncproto.Label{syncproto.RowID(id(1)): {{Epoch: epoch, Rev: 6}}},
	}
}

func request(tb testing.TB) []syncproto.Frame {
	tb.Helper()
	change := sampleChange()
	must(tb, change.Seal())
	plain := sampleChange()
	plain.First, plain.Labels = plain.Name, nil
	must(tb, plain.Seal())
	bucket := syncproto.BucketID{Scope: "household:" + id(1), Period: "2026-11"}
	told := &syncproto.Testimony{Label: syncproto.Label{Epoch: epoch, Rev: 9}, Edit: syncproto.Edit{Table: "thing", Row: syncproto.RowID(id(4)), Op: syncproto.OpCreate,
		Cells: []syncproto.CellEdit{{Cell: "household", Value: schema.Text(id(1))}, {Cell: "total", Delta: 3}}}}
	must(tb, told.Seal())
	return []syncproto.Frame{
		syncproto.Hello{Protocol: 1, Schema: 3, Device: device, Cursor: "cursor", Resume: "mark", Root: syncproto.DigestText("x"), Next: 9,
			Heads: []string{"h1", "h2"}, Offer: epoch, Waiting: 2, Client: "minqing-field 1.0"},
		syncproto.Held{Buckets: []syncproto.BucketID{bucket, {Scope: "a", Period: "-"}}},
		syncproto.Probe{ID: bucket, Prefixes: []string{"", "3f"}},
		syncproto.Probe{ID: bucket, Rows: []syncproto.RowRef{{Table: "thing", ID: syncproto.RowID(id(3))}}},
		syncproto.Probe{ID: bucket, Refill: true},
		told, change, plain,
		&syncproto.Change{Name: plain.Name, First: plain.Name, Sealed: []byte("box")},
		syncproto.End{Frames: 9},
	}
}

func answer() []syncproto.Frame {
	bucket := syncproto.BucketID{Scope: "household:" + id(1), Period: "2026-11"}
	other := syncproto.BucketID{Scope: "household:" + id(2), Period: "-"}
	row := func(n int, b syncproto.BucketID) *syncproto.Row {
		return &syncproto.Row{Table: "thing", ID: syncproto.RowID(id(n)), Bucket: b, Label: syncproto.Label{Epoch: epoch, Rev: uint64(n)},
			Values: []schema.Value{schema.Text("王\"五\"\t"), schema.Int(-12), schema.Set("blue", "red"), schema.Null}}
	}
	strange := row(9, bucket)
	strange.Label.Epoch = "ffeeddccbbaa99887766554433221100"
	strange.Open = map[string][]syncproto.Identity{"name": {identity(5)}, "grade": {identity(6), identity(7)}}
	sums := make([]uint64, 16)
	sums[3] = 1 << 63
	return []syncproto.Frame{
		syncproto.Welcome{Protocol: 1, Schema: 3, Epoch: epoch, Now: 1764000000000, Grace: 1, Lease: 2, Resumed: true},
		syncproto.Head{Epoch: epoch, Seal: "AQsealed"},
		&syncproto.Verdict{Number: 7, Identity: identity(8), Status: syncproto.Conflicted, Late: true, Code: syncproto.CodeState, Message: "不行", Waits: identity(1),
			Items:  []syncproto.ItemNote{{Item: id(5), Table: "thing", Row: syncproto.RowID(id(1)), Cell: "name", Kind: syncproto.ItemCell, Outcome: "kept"}},
			Merges: []syncproto.MergeNote{{Table: "thing", Row: syncproto.RowID(id(1)), Cell: "tags", Rule: schema.RuleSet, Shows: true}},
			Labels: []syncproto.RowLabel{{Row: syncproto.RowID(id(1)), Label: syncproto.Label{Epoch: epoch, Rev: 6}}}, MendedBy: identity(2)},
		syncproto.Columns{Table: "thing", Names: []string{"name", "high", "tags", "tomorrow"}},
		syncproto.Bucket{ID: bucket},
		row(1, bucket), row(2, bucket),
		syncproto.Mark{Resume: "AQmark"},
		syncproto.Bucket{ID: bucket, Continues: true},
		row(3, bucket), row(4, other), strange,
		syncproto.Gone{Table: "thing", ID: syncproto.RowID(id(4))},
		syncproto.Gone{Table: "thing", ID: syncproto.RowID(id(5)), Deleted: true, Label: syncproto.Label{Epoch: epoch, Rev: 3}},
		syncproto.Gone{Table: "thing", ID: syncproto.RowID(id(6)), Deleted: true, Label: syncproto.Label{Epoch: "ffeeddccbbaa99887766554433221100", Rev: 3}},
		syncproto.Forget{Scope: "household:" + id(3)},
		syncproto.Forget{Scope: "household:" + id(1), Period: "2025-10"},
		syncproto.Ranges{ID: bucket, Prefix: "3f", Width: 1, Sums: sums},
		syncproto.Ranges{ID: bucket, Prefix: "", Rows: []syncproto.RowSum{{RowRef: syncproto.RowRef{Table: "thing", ID: syncproto.RowID(id(1))}, Sum: 10}}},
		syncproto.Checkpoint{Cursor: "AQcursor", Root: syncproto.DigestText("r"), Safe: []syncproto.Identity{identity(1)}, More: true,
			Buckets: []syncproto.BucketState{{ID: bucket, Rows: 3, Digests: []syncproto.Digest{{Lo: 5}, {}, {Hi: 1}}}}},
		syncproto.Checkpoint{},
		syncproto.End{Frames: 22}, // one “at” line, and another back to bucket
	}
}

func write(tb testing.TB, frames []syncproto.Frame) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := codec.NewWriter(&out)
	for _, f := range frames {
		must(tb, w.Write(f))
	}
	must(tb, w.Flush())
	return out.Bytes()
}

func read(in io.Reader, book *schema.Book) (frames []syncproto.Frame, err error) {
	r := codec.NewReader(in, book, codec.Limits{})
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return frames, nil
		}
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
	}
}

func TestFramesRoundTrip(t *testing.T) {
	for name, frames := range map[string][]syncproto.Frame{"request": request(t), "answer": answer(),
		"failure": {syncproto.Failure{Code: syncproto.CodeCopied, Message: "拷贝", Hint: "h", RetryAfter: 3, Known: []syncproto.Identity{identity(1)}, Ticket: "AQ"}}} {
		t.Run(name, func(t *testing.T) {
			raw := write(t, frames)
			got, err := read(iotest.OneByteReader(bytes.NewReader(raw)), schematest.Book())
			if err != nil {
				t.Fatalf("%v\n%s", err, raw)
			}
			if len(got) != len(frames) {
				t.Fatalf("%d frames of %d", len(got), len(frames))
			}
			for i, f := range frames {
				if end, ok := f.(syncproto.End); ok {
					end.Frames = got[i].(syncproto.End).Frames
					f = end
				}
				if !reflect.DeepEqual(got[i], f) {
					t.Errorf("frame %d\ngot  %+v\nwant %+v", i, got[i], f)
				}
			}
			if again := write(t, got); !bytes.Equal(again, raw) {
				t.Errorf("written again it differs:\n%s\n%s", raw, again)
			}
		})
	}
}

// A link that breaks anywhere leaves the whole frames before it, and an error that asks to come again.
func TestBrokenOffAtEveryByte(t *testing.T) {
	raw := write(t, answer())
	whole, err := read(bytes.NewReader(raw), schematest.Book())
	must(t, err)
	for cut := range len(raw) {
		got, err := read(bytes.NewReader(raw[:cut]), schematest.Book())
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Code != syncproto.CodeUnavailable || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if len(got) > len(whole) || !reflect.DeepEqual(got, whole[:len(got):len(got)]) && len(got) > 0 {
			t.Fatalf("cut at %d: other frames", cut)
		}
	}
}

func TestLongListsAreSplit(t *testing.T) {
	var states []syncproto.BucketState
	var held []syncproto.BucketID
	for i := range 2*syncproto.BucketsPerLine + 1 {
		b := syncproto.BucketID{Scope: "s:" + id(i), Period: "-"}
		states = append(states, syncproto.BucketState{ID: b, Rows: 1, Digests: []syncproto.Digest{{Lo: uint64(i)}}})
		held = append(held, b)
	}
	got, err := read(bytes.NewReader(write(t, []syncproto.Frame{syncproto.Welcome{Protocol: 1, Epoch: epoch}, syncproto.Checkpoint{Cursor: "c", Buckets: states}, syncproto.End{}})), nil)
	must(t, err)
	if c := got[1].(syncproto.Checkpoint); !reflect.DeepEqual(c.Buckets, states) {
		t.Fatalf("%d states of %d", len(c.Buckets), len(states))
	}
	got, err = read(bytes.NewReader(write(t, []syncproto.Frame{syncproto.Hello{Protocol: 1}, syncproto.Held{Buckets: held}, syncproto.End{}})), nil)
	must(t, err)
	var all []syncproto.BucketID
	for _, f := range got {
		if h, ok := f.(syncproto.Held); ok {
			all = append(all, h.Buckets...)
		}
	}
	if !reflect.DeepEqual(all, held) || len(got) != 5 {
		t.Fatalf("%d buckets of %d in %d frames", len(all), len(held), len(got))
	}
}

// What the server's schema does not have yet is kept as it came and named; nothing of the change is lost.
func TestChangeFromTomorrowIsKeptWhole(t *testing.T) {
	c := sampleChange()
	c.Edits = append(c.Edits, syncproto.Edit{Table: "mark", Row: syncproto.RowID(id(3)), Op: syncproto.OpCreate,
		Cells: []syncproto.CellEdit{{Cell: "points", Raw: []byte(`{"delta":2}`)}, {Cell: "shape", Raw: []byte(`{"a":[1.5,true,{"b":null}]}`)}}})
	must(t, c.Seal())
	raw := write(t, []syncproto.Frame{syncproto.Hello{Protocol: 1, Device: device}, c, syncproto.End{}})
	for _, book := range []*schema.Book{schematest.BookAt(1), schematest.BookAt(3), nil} {
		got, err := read(bytes.NewReader(raw), book)
		must(t, err)
		change := got[1].(*syncproto.Change)
		if change.Identity() != c.Identity() || !bytes.Equal(change.Content, c.Content) {
			t.Fatalf("content changed:\n%s\n%s", change.Content, c.Content)
		}
		if book != nil && (change.Defect == nil || change.Defect.Code != syncproto.CodeUnknown) {
			t.Fatalf("defect %v", change.Defect)
		}
		if again := write(t, got); !bytes.Equal(again, raw) {
			t.Fatalf("sent on it differs:\n%s\n%s", raw, again)
		}
	}
}

func TestCompression(t *testing.T) {
	raw := bytes.Repeat(write(t, answer()), 50)
	for _, encoding := range []string{codec.EncodingZstd, codec.EncodingGzip, codec.EncodingPlain, ""} {
		for range 2 { // the second time with a used encoder and decoder
			var out bytes.Buffer
			w, err := codec.Compress(encoding, &out)
			must(t, err)
			_, err = w.Write(raw)
			must(t, err)
			must(t, w.Flush())
			must(t, w.Close())
			r, err := codec.Decompress(encoding, iotest.HalfReader(&out), int64(len(raw)))
			must(t, err)
			got, err := io.ReadAll(r)
			must(t, err)
			must(t, r.Close())
			if !bytes.Equal(got, raw) {
				t.Fatalf("%q: %d bytes of %d", encoding, len(got), len(raw))
			}
		}
	}
	if _, err := codec.Decompress("br", nil, 1); !strings.Contains(fmt.Sprint(err), "zstd") && err == nil {
		t.Fatal(err)
	}
}

func TestFrameVectors(t *testing.T) {
	for _, v := range vectors.MustRead(t, os.DirFS("../testdata"), "frames.txt") {
		want := strings.Join(v.All("line"), "\n") + "\n"
		frames, err := read(strings.NewReader(want), schematest.Book())
		if err != nil {
			t.Fatalf("%v\n%s", err, want)
		}
		if got := string(write(t, frames)); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

// A sync with nothing new has 1,200 bytes in all: about 570 of headers out, 110 back, the rest is here (cursor of three streams).
func TestNothingNewIsSmall(t *testing.T) {
	out := write(t, []syncproto.Frame{syncproto.Hello{Protocol: 1, Schema: 12, Cursor: strings.Repeat("c", 320), Root: syncproto.DigestText("x"), Next: 12345}, syncproto.End{}})
	back := write(t, []syncproto.Frame{syncproto.Welcome{Protocol: 1, Schema: 12, Epoch: epoch, Now: 1764000000000}, syncproto.Checkpoint{}, syncproto.End{}})
	if len(out) > 450 || len(back) > 150 {
		t.Fatalf("%d bytes out, %d back\n%s%s", len(out), len(back), out, back)
	}
}
