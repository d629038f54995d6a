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
		Held: syncproto.Digest{Lo: 1, Hi: 2}, Root: 1<<63 + 3, Nonce: "0102030405060708",
		Streams: []syncproto.StreamAt{{ID: "01935b7e-0000-7000-8000-00000000005a", Seq: 99, Pos: 120, Head: strings.Repeat("ab", 8)}, {ID: "odd id", Seq: 1}},
		Line: []syncproto.EpochLink{{ID: "ffeeddccbbaa99887766554433221100", Streams: []syncproto.StreamAt{{ID: "x", Seq: 4}}},
			{ID: "0feeddccbbaa99887766554433221100", Streams: []syncproto.StreamAt{{ID: "01935b7e-0000-7000-8000-00000000005a", Seq: 5}, {ID: "odd id"}}}, {ID: "1feeddccbbaa99887766554433221100"}},
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
	if len(sealed) > 320 {
		t.Fatalf("%d characters", len(sealed))
	}
	got, err := sealer(t).OpenCursor(sealed)
	if err != nil || got.Streams[0].Head != strings.Repeat("ab", 8) {
		t.Fatalf("%+v %v: want the beginning of the head", got, err)
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
	for i := range sealed {
		for _, c := range []byte("AB_") {
			if changed := sealed[:i] + string(c) + sealed[i+1:]; changed != sealed {
				if _, err := s.OpenHead(changed); err == nil {
					t.Fatalf("opened with character %d changed", i)
				}
			}
		}
	}
}

func TestKeysChangeWhileCursorsAreUnderWay(t *testing.T) {
	old, fresh := []byte(strings.Repeat("o", 32)), []byte(strings.Repeat("n", 32))
	before, err := syncproto.NewSealer(old, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	after, err := syncproto.NewSealer(fresh, rand.Reader, old)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := before.SealResume(syncproto.Resume{Device: "d"})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := after.OpenResume(sealed); err != nil || m.Device != "d" {
		t.Fatalf("%+v %v", m, err)
	}
	if sealed, err = after.SealResume(syncproto.Resume{Device: "e"}); err != nil {
		t.Fatal(err)
	}
	if _, err := before.OpenResume(sealed); err == nil {
		t.Fatal("the old key opened what the new one sealed")
	}
}

// FuzzOpen: what is inside a seal is our own, yet no content makes opening panic or take more than it is long.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, plain []byte) {
		s := sealer(t)
		for _, open := range []func(string) error{
			func(x string) error { _, err := s.OpenCursor(x); return err },
			func(x string) error { _, err := s.OpenResume(x); return err },
			func(x string) error { _, err := s.OpenHead(x); return err },
		} {
			if open(string(plain)) == nil {
				t.Fatal("plain bytes opened as a seal")
			}
		}
		for _, p := range []syncproto.Purpose{syncproto.SealCursor, syncproto.SealResume, syncproto.SealHead} {
			sealed, err := s.Seal(p, plain)
			if err != nil {
				return
			}
			if c, err := s.OpenCursor(sealed); err == nil {
				again, err := s.SealCursor(*c)
				if err != nil {
					t.Fatal(err)
				}
				if d, err := s.OpenCursor(again); err != nil || !reflect.DeepEqual(c, d) {
					t.Fatalf("%+v became %+v, %v", c, d, err)
				}
			}
			_, _ = s.OpenResume(sealed)
			_, _ = s.OpenHead(sealed)
		}
	})
}
