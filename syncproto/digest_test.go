package syncproto_test

import (
	"strings"
	"testing"

	"minqing/schema"
	"minqing/syncproto"
)

func TestDigestAddsAndSubtracts(t *testing.T) {
	a, b := syncproto.DigestText("a"), syncproto.Digest{Lo: ^uint64(0), Hi: ^uint64(0)}
	if got := a.Add(b).Sub(b); got != a {
		t.Fatalf("%s", got)
	}
	if got := b.Add(syncproto.Digest{Lo: 1}); got != (syncproto.Digest{}) {
		t.Fatalf("does not wrap: %s", got)
	}
	if got, err := syncproto.ParseDigest(a.String()); err != nil || got != a {
		t.Fatalf("%s %v", got, err)
	}
	for _, bad := range []string{"", "s:", "t:" + a.String()[2:], strings.ToUpper(a.String()), a.String() + "0", "s:" + strings.Repeat("g", 32)} {
		if _, err := syncproto.ParseDigest(bad); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
}

func TestEmptyBucketsDoNotCount(t *testing.T) {
	full := syncproto.BucketState{ID: syncproto.BucketID{Scope: "a", Period: "-"}, Rows: 1, Digests: []syncproto.Digest{{Lo: 1}}}
	empty := syncproto.BucketState{ID: syncproto.BucketID{Scope: "b", Period: "-"}}
	if syncproto.DigestRoot([]syncproto.BucketState{full, empty}) != syncproto.DigestRoot([]syncproto.BucketState{full}) {
		t.Fatal("an empty bucket counts")
	}
	if syncproto.DigestRoot([]syncproto.BucketState{full}) == (syncproto.Digest{}) {
		t.Fatal("a full one does not")
	}
}

func BenchmarkCellHasher(b *testing.B) {
	var h syncproto.CellHasher
	var sum syncproto.Digest
	v := schema.Text("前进路12号院3单元")
	b.ReportAllocs()
	h.Row("resident", "01935b7e-0000-7000-8000-0000000000d1")
	for b.Loop() {
		sum = sum.Add(h.Cell("address", v))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cells/s")
	if sum == (syncproto.Digest{}) {
		b.Fatal("zero")
	}
}
