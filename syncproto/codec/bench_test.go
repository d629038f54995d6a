package codec_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// visits writes an answer with n rows of twelve columns, about 500 bytes each.
func visits(tb testing.TB, n int) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := codec.NewWriter(&out)
	names := []string{"household", "newest", "high", "low", "total", "tags", "story", "state", "serial", "name", "phone", "begins"}
	must(tb, w.Write(syncproto.Welcome{Protocol: 1, Schema: 3, Epoch: epoch, Now: 1}))
	must(tb, w.Write(syncproto.Columns{Table: "thing", Names: names}))
	for i := range n {
		if i%10 == 0 {
			must(tb, w.Write(syncproto.Bucket{ID: syncproto.BucketID{Scope: fmt.Sprintf("household:%s", id(i)), Period: "-"}}))
		}
		must(tb, w.Write(&syncproto.Row{Table: "thing", ID: syncproto.RowID(id(i)), Label: syncproto.Label{Epoch: epoch, Rev: 3},
			Bucket: syncproto.BucketID{Scope: fmt.Sprintf("household:%s", id(i/10*10)), Period: "-"},
			Values: []schema.Value{schema.Text(id(i / 10)), schema.Text("到户走访，了解近况"), schema.Int(int64(i % 1000)), schema.Text("2026-11-02"),
				schema.Int(12), schema.Set("red", "blue"), schema.Text("家里老人身体还好，屋顶有一处漏水，答应下周带人来看。孩子在外地上学，春节回来。\n低保的材料还差一张照片。"),
				schema.Text("open"), schema.Null, schema.Text("王建国"), schema.Text("13900000000"), schema.Text("2026-11-01")}}))
	}
	must(tb, w.Write(syncproto.Checkpoint{Cursor: "c"}))
	must(tb, w.Write(syncproto.End{}))
	return out.Bytes()
}

func BenchmarkReadRows(b *testing.B) {
	const n = 10000
	in, book := visits(b, n), schematest.Book()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		r := codec.NewReader(bytes.NewReader(in), book, codec.Limits{})
		rows := 0
		for {
			f, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(b, err)
			if _, ok := f.(*syncproto.Row); ok {
				rows++
			}
		}
		if rows != n {
			b.Fatalf("%d rows", rows)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkWriteRows(b *testing.B) {
	for b.Loop() {
		visits(b, 10000)
	}
	b.ReportMetric(float64(10000*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkReadChanges(b *testing.B) {
	var in bytes.Buffer
	w := codec.NewWriter(&in)
	must(b, w.Write(syncproto.Hello{Protocol: 1, Schema: 3, Device: device, Next: 1001}))
	for i := range 1000 {
		c := sampleChange()
		c.Name.Number = uint64(i + 1)
		c.First = syncproto.Name{}
		must(b, c.Seal())
		must(b, w.Write(c))
	}
	must(b, w.Write(syncproto.End{}))
	book := schematest.Book()
	for b.Loop() {
		r := codec.NewReader(bytes.NewReader(in.Bytes()), book, codec.Limits{})
		for {
			f, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(b, err)
			if c, ok := f.(*syncproto.Change); ok && (c.Defect != nil || c.Identity() == "") {
				b.Fatal(c.Defect)
			}
		}
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "changes/s")
}
