package syncproto_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"minqing/syncproto"
)

func sealer(t testing.TB) *syncproto.Sealer {
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

// FuzzOpen: what is inside a seal is our own, yet no content makes opening panic or take more than a multiple of its length, and what opens
// is the same after it was sealed anew.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add([]byte("\t00\x02A000000000000000000Q00000000000000000000\x0000\x00\x00")) // a head longer than a seal keeps
	f.Add([]byte("\x00\x00\xff\xff\x03" + strings.Repeat("\xff", 1<<10)))           // many streams announced, none there
	streams := []syncproto.StreamAt{{ID: "01935b7e-0000-7000-8000-00000000005a", Seq: 99, Pos: 120, Head: "abababab"}, {ID: "odd id", Seq: 1}}
	line := []syncproto.EpochLink{{ID: "ffeeddccbbaa99887766554433221100", Streams: []syncproto.StreamAt{{ID: "x", Seq: 4}}}, {ID: "1feeddccbbaa99887766554433221100"}}
	s := sealer(f)
	for p, seal := range map[syncproto.Purpose]func() (string, error){
		syncproto.SealCursor: func() (string, error) {
			return s.SealCursor(syncproto.Cursor{Device: "d", Epoch: "0011", Now: 1, Verdicts: 7, Root: 3, Nonce: "01", Streams: streams, Line: line})
		},
		syncproto.SealResume: func() (string, error) {
			return s.SealResume(syncproto.Resume{Device: "d", Last: syncproto.BucketID{Scope: "household:x", Period: "2026-11"}, Streams: streams})
		},
		syncproto.SealHead: func() (string, error) {
			return s.SealHead(syncproto.ChainHead{Epoch: "0011", Streams: streams, Line: line})
		},
	} {
		sealed, err := seal()
		if err != nil {
			f.Fatal(err)
		}
		plain, err := s.Open(p, sealed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		openAndSealAnew(t, s, plain, syncproto.SealCursor, s.OpenCursor, s.SealCursor, func(c *syncproto.Cursor) { cutHeads(c.Streams, c.Line...) })
		openAndSealAnew(t, s, plain, syncproto.SealResume, s.OpenResume, s.SealResume, func(r *syncproto.Resume) { cutHeads(r.Streams) })
		openAndSealAnew(t, s, plain, syncproto.SealHead, s.OpenHead, s.SealHead, func(h *syncproto.ChainHead) { cutHeads(h.Streams, h.Line...) })
	})
}

// cutHeads leaves of each head what a seal keeps of it.
func cutHeads(streams []syncproto.StreamAt, line ...syncproto.EpochLink) {
	for i, at := range streams {
		streams[i].Head = at.Head[:min(len(at.Head), 16)]
	}
	for _, e := range line {
		cutHeads(e.Streams)
	}
}

func openAndSealAnew[T any](t *testing.T, s *syncproto.Sealer, plain []byte, p syncproto.Purpose, open func(string) (*T, error), seal func(T) (string, error), kept func(*T)) {
	t.Helper()
	if _, err := open(string(plain)); err == nil {
		t.Fatal("plain bytes opened as a seal")
	}
	sealed, err := s.Seal(p, plain)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := open(sealed)
	runtime.ReadMemStats(&after)
	if taken, most := after.TotalAlloc-before.TotalAlloc, uint64(32<<10+256*len(plain)); taken > most {
		t.Fatalf("%s of %d bytes: %d bytes taken, want %d at most", p, len(plain), taken, most)
	}
	if err != nil {
		return
	}
	again, err := seal(*got)
	if err != nil {
		t.Fatal(err)
	}
	kept(got)
	if other, err := open(again); err != nil || !reflect.DeepEqual(got, other) {
		t.Fatalf("%s: %+v became %+v, %v", p, got, other, err)
	}
}

// FuzzContentDigest: what is accepted is the digest of something, and written anew it is the same; and every digest comes back.
func FuzzContentDigest(f *testing.F) {
	f.Add("")
	f.Add("sha-256=::")
	f.Add(syncproto.ContentDigest(sha256.Sum256([]byte("content"))))
	f.Add("sha-512=:" + strings.Repeat("A", 86) + "==:")
	f.Fuzz(func(t *testing.T, header string) {
		sum := sha256.Sum256([]byte(header))
		if got, err := syncproto.ParseContentDigest(syncproto.ContentDigest(sum)); err != nil || got != sum {
			t.Fatalf("%x became %x, %v", sum, got, err)
		}
		sum, err := syncproto.ParseContentDigest(header)
		var e *syncproto.Error
		if err != nil && (!errors.As(err, &e) || e.Code != syncproto.CodeInvalid || e.Hint == "") {
			t.Fatalf("%q: %v", header, err)
		}
		if err != nil {
			return
		}
		if got, err := syncproto.ParseContentDigest(syncproto.ContentDigest(sum)); err != nil || got != sum {
			t.Fatalf("%q is %x, and became %x, %v", header, sum, got, err)
		}
	})
}
