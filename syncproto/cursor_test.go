package syncproto_test

import (
	"crypto/rand"
	"reflect"
	"strings"
	"testing"

	"minqing/syncproto"
)

func sealer(t *testing.T) *syncproto.Sealer {
	t.Helper()
	s, err := syncproto.NewSealer([]byte(strings.Repeat("k", 32)), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCursorRoundTrip(t *testing.T) {
	s := sealer(t)
	c := syncproto.Cursor{
		Device: "01935b7e-0000-7000-8000-0000000000d1", Epoch: "00112233445566778899aabbccddeeff", Now: 1764000000000, Verdicts: 7,
		Held: syncproto.Digest{Lo: 1, Hi: 2}, Root: syncproto.Digest{Lo: 3, Hi: 1 << 63}, Nonce: "0102030405060708",
		Streams: []syncproto.StreamAt{{ID: "01935b7e-0000-7000-8000-00000000005a", Seq: 99, Pos: 120, Head: strings.Repeat("ab", 32)}, {ID: "odd id", Seq: 1}},
		Line:    []syncproto.EpochLink{{ID: "ffeeddccbbaa99887766554433221100", Streams: []syncproto.StreamAt{{ID: "x", Seq: 4}}}},
	}
	sealed, err := s.SealCursor(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.OpenCursor(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*got, c) {
		t.Fatalf("got  %+v\nwant %+v", *got, c)
	}
}

// A cursor is sent both ways in a sync with nothing new, which has 1,200 bytes in all.
func TestCursorOfThreeStreamsIsSmall(t *testing.T) {
	c := syncproto.Cursor{Device: "01935b7e-0000-7000-8000-0000000000d1", Epoch: "00112233445566778899aabbccddeeff", Now: 1764000000000, Nonce: "0102030405060708"}
	for range 3 {
		c.Streams = append(c.Streams, syncproto.StreamAt{ID: "01935b7e-0000-7000-8000-00000000005a", Seq: 1 << 20, Pos: 1 << 20, Head: strings.Repeat("ab", 32)})
	}
	sealed, err := sealer(t).SealCursor(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) > 480 {
		t.Fatalf("%d bytes", len(sealed))
	}
}

func TestSealsOfOnePurposeDoNotOpenAsAnother(t *testing.T) {
	s := sealer(t)
	sealed, err := s.SealHead(syncproto.ChainHead{Epoch: "00"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenCursor(sealed); err == nil {
		t.Fatal("a head opened as a cursor")
	}
	if _, err := s.OpenHead(sealed[:len(sealed)-1] + "A"); err == nil {
		t.Fatal("a changed seal opened")
	}
}
