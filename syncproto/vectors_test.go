package syncproto_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/internal/vectors"
)

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// value reads canonical JSON as the value that it shows.
func value(t *testing.T, raw string) schema.Value {
	t.Helper()
	kind := schema.KindInt
	switch raw[0] {
	case '"':
		kind = schema.KindText
	case '[':
		kind = schema.KindSet
	}
	v, err := schema.ParseValue(kind, []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestIdentityVectors(t *testing.T) {
	for _, v := range vectors.MustRead(t, os.DirFS("testdata"), "identity.txt") {
		first := syncproto.Name{Device: syncproto.DeviceID(v.Get("device")), Number: number(t, v.Get("number"))}
		other := syncproto.Name{Device: "01935b7e-0000-7000-8000-0000000000ff", Number: 99}
		c, err := syncproto.ParseContent(nil, other, first, v.Get("content"))
		if err != nil {
			t.Fatal(err)
		}
		c.Labels = map[syncproto.RowID][]syncproto.Label{"x": {{Rev: 1}}}
		v.Want("canonical", string(c.Content))
		v.Want("identity", string(c.Identity()))
	}
}

func TestCellVectors(t *testing.T) {
	var sum syncproto.Digest
	for _, v := range vectors.MustRead(t, os.DirFS("testdata"), "cells.txt") {
		if v.Has("sum") {
			v.Want("sum", sum.String())
			continue
		}
		d := syncproto.DigestCell(v.Get("table"), syncproto.RowID(v.Get("id")), v.Get("column"), value(t, v.Get("value")))
		v.Want("digest", d.String())
		sum = sum.Add(d)
	}
	if sum == (syncproto.Digest{}) {
		t.Fatal("no cases")
	}
}

func TestBucketVectors(t *testing.T) {
	for _, v := range vectors.MustRead(t, os.DirFS("testdata"), "buckets.txt") {
		var held []syncproto.BucketID
		var states []syncproto.BucketState
		for _, line := range v.All("bucket") {
			parts := strings.Fields(line)
			s := syncproto.BucketState{ID: syncproto.BucketID{Scope: parts[0], Period: parts[1]}, Rows: int(number(t, parts[2]))}
			for _, text := range parts[3:] {
				d, err := syncproto.ParseDigest(text)
				if err != nil {
					t.Fatal(err)
				}
				s.Digests = append(s.Digests, d)
			}
			held, states = append(held, s.ID), append(states, s)
		}
		v.Want("held", syncproto.DigestHeld(held).String())
		v.Want("root", syncproto.DigestRoot(states).String())
	}
}

func TestSignatureVectors(t *testing.T) {
	for _, v := range vectors.MustRead(t, os.DirFS("testdata"), "signatures.txt") {
		seed, err := hex.DecodeString(v.Get("seed"))
		if err != nil {
			t.Fatal(err)
		}
		key := ed25519.NewKeyFromSeed(seed)
		v.Want("key", base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
		var text []byte
		switch v.Get("kind") {
		case "enrol":
			text = syncproto.EnrolText(v.Get("code"), v.Get("key"))
		case "challenge":
			text = syncproto.ChallengeText(syncproto.DeviceID(v.Get("device")), v.Get("challenge"))
		case "request":
			text = syncproto.RequestText(v.Get("method"), v.Get("path"), v.Get("token"), []byte(v.Get("body")))
			header := syncproto.SignRequest(key, v.Get("method"), v.Get("path"), v.Get("token"), []byte(v.Get("body")))
			v.Want("signature", strings.TrimPrefix(header, "ed25519 "))
			if err := syncproto.VerifyRequest(key.Public().(ed25519.PublicKey), header, v.Get("method"), v.Get("path"), v.Get("token"), []byte(v.Get("body"))); err != nil {
				t.Error(err)
			}
		case "upload":
			u := syncproto.UploadRequest{Method: v.Get("method"), Path: v.Get("path"), Token: v.Get("token"), Body: sha256.Sum256([]byte(v.Get("body"))),
				Offset: v.Get("offset"), Length: v.Get("length"), Metadata: v.Get("metadata")}
			text = u.Text()
			if err := u.Verify(key.Public().(ed25519.PublicKey), syncproto.SignText(key, text)); err != nil {
				t.Error(err)
			}
			if u.Offset += "0"; u.Verify(key.Public().(ed25519.PublicKey), "ed25519 "+v.Get("signature")) == nil {
				t.Error("an upload verifies at another offset")
			}
			if sum, err := syncproto.ParseContentDigest(v.Get("digest")); err != nil || sum != u.Body || v.Get("body") != "" && syncproto.ContentDigest(sum) != v.Get("digest") {
				t.Errorf("the digest reads as %x, %v", sum, err)
			}
		}
		v.Want("text", schema.Text(string(text)).String())
		v.Want("signature", base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, text)))
	}
}

func TestCodeVectors(t *testing.T) {
	for _, v := range vectors.MustRead(t, os.DirFS("testdata"), "codes.txt") {
		got, err := syncproto.ParseCode(v.Get("typed"))
		if v.Has("error") {
			var e *syncproto.Error
			if !errors.As(err, &e) || e.Code != syncproto.CodeInvalid || e.Hint == "" {
				t.Errorf("%q gave %q, %v", v.Get("typed"), got, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", v.Get("typed"), err)
		}
		v.Want("code", got)
	}
}

func TestChainVectors(t *testing.T) {
	for _, v := range vectors.MustRead(t, os.DirFS("testdata"), "chain.txt") {
		leaf, err := syncproto.ChainLeaf(v.Get("salt"), []byte(v.Get("content")))
		if err != nil {
			t.Fatal(err)
		}
		v.Want("leaf", leaf)
		head, err := syncproto.ChainNext(v.Get("before"), number(t, v.Get("position")), leaf)
		if err != nil {
			t.Fatal(err)
		}
		v.Want("head", head)
	}
}

// What Seal writes is canonical, and says the same when it is read again.
func TestSealedContentIsCanonical(t *testing.T) {
	c := &syncproto.Change{Name: syncproto.Name{Device: "01935b7e-0000-7000-8000-0000000000d1", Number: 1}, At: 5,
		Edits: []syncproto.Edit{{Table: "thing", Row: "01935b7e-0000-7000-8000-000000000001", Op: syncproto.OpUpdate,
			Base:  syncproto.Base{Epoch: "00112233445566778899aabbccddeeff", Rev: 1, Open: map[string][]syncproto.Identity{"b": {"00000000000000000000000000000001"}, "a": nil}},
			Cells: []syncproto.CellEdit{{Cell: "words", Add: []string{"b", "a", "b"}}, {Cell: "name", Value: schema.Text("\x7f\b\u2028")}}}}}
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	got, err := syncproto.ParseContent(nil, c.Name, c.First, string(c.Content))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Content, c.Content) || got.Identity() != c.Identity() || !json.Valid(c.Content) {
		t.Fatalf("sealed    %s\ncanonical %s", c.Content, got.Content)
	}
}

func TestSealRefusesWhatCannotTravel(t *testing.T) {
	cell := func(v schema.Value) *syncproto.Change {
		return &syncproto.Change{Edits: []syncproto.Edit{{Table: "thing", Row: "r", Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: "name", Value: v}}}}}
	}
	twice := cell(schema.Int(1))
	twice.Edits[0].Cells = append(twice.Edits[0].Cells, twice.Edits[0].Cells[0])
	odd := cell(schema.Int(1))
	odd.Edits[0].Op = 'x'
	for name, c := range map[string]*syncproto.Change{"not UTF-8": cell(schema.Text("\xff")), "U+0000": cell(schema.Text("a\x00")), "2^53": cell(schema.Int(1 << 53)),
		"no edits": {}, "a cell twice": twice, "no such operation": odd} {
		var e *syncproto.Error
		if err := c.Seal(); !errors.As(err, &e) || e.Code != syncproto.CodeInvalid || e.Hint == "" || c.Content != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzContent: whatever content comes, it is refused whole or kept in a form that is stable under reading it again.
func FuzzContent(f *testing.F) {
	f.Add(`{"at":1,"edits":[{"op":"create","row":"01935b7e-0000-7000-8000-000000000001","table":"household","cells":{"tags":{"add":["a"],"del":[]},"position":[1,2],"head":"x"}}]}`)
	f.Add(`{"edits":[{"base":{"epoch":"","rev":0,"over":[],"open":{}},"op":"delete","row":"01935b7e-0000-7000-8000-000000000001","table":"x"}]}`)
	book := schema.Minqing()
	f.Fuzz(func(t *testing.T, content string) {
		c, err := syncproto.ParseContent(book, syncproto.Name{Number: 1}, syncproto.Name{Number: 1}, content)
		if err != nil {
			return
		}
		again, err := syncproto.ParseContent(book, c.Name, c.First, string(c.Content))
		if err != nil || !bytes.Equal(again.Content, c.Content) || again.Identity() != c.Identity() || (again.Defect == nil) != (c.Defect == nil) {
			t.Fatalf("%q: %q became %q, %v", content, c.Content, again.Content, err)
		}
		if c.Defect != nil {
			return
		}
		// A sound change says the same when it is written anew from its fields.
		fresh := &syncproto.Change{Name: c.Name, At: c.At, Offset: c.Offset, Cursor: c.Cursor, Mends: c.Mends, Edits: c.Edits}
		if err := fresh.Seal(); err != nil {
			t.Fatalf("%q: %v", content, err)
		}
		if third, err := syncproto.ParseContent(book, c.Name, c.First, string(fresh.Content)); err != nil || third.Defect != nil {
			t.Fatalf("%q written anew is %q: %v, %v", content, fresh.Content, err, third.Defect)
		}
	})
}

// FuzzCode: what is accepted has one form, and that form is accepted.
func FuzzCode(f *testing.F) {
	f.Add("60RK-4CSM-6MV3-EE1S-4")
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := syncproto.ParseCode(typed)
		if err != nil {
			return
		}
		if again, err := syncproto.ParseCode(code); err != nil || again != code {
			t.Fatalf("%q gave %q, then %q, %v", typed, code, again, err)
		}
	})
}

// FuzzEnrolLink: as FuzzCode, for what stands in a QR code.
func FuzzEnrolLink(f *testing.F) {
	f.Add(syncproto.EnrolLink("https://example.org", "60RK-4CSM-6MV3-EE1S-4"))
	f.Fuzz(func(t *testing.T, link string) {
		server, code, err := syncproto.ParseEnrolLink(link)
		if err != nil {
			return
		}
		if s, c, err := syncproto.ParseEnrolLink(syncproto.EnrolLink(server, code)); err != nil || s != server || c != code {
			t.Fatalf("%q gave %q %q, then %q %q, %v", link, server, code, s, c, err)
		}
	})
}

// FuzzDigest: the only accepted form of a digest is the one that is written.
func FuzzDigest(f *testing.F) {
	f.Add(syncproto.DigestText("x").String())
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := syncproto.ParseDigest(s); err == nil && d.String() != s {
			t.Fatalf("%q is written %q", s, d)
		}
	})
}
