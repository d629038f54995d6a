package courier_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"minqing/syncproto"
	"minqing/syncproto/courier"
	"minqing/syncproto/internal/vectors"
)

const device = syncproto.DeviceID("01935b7e-0000-7000-8000-0000000000d1")

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func sample(tb testing.TB) (server []byte, to string, reply []byte, b courier.Bundle) {
	tb.Helper()
	server = bytes.Repeat([]byte{9}, 32)
	to, err := courier.PublicKey(server)
	must(tb, err)
	reply, err = courier.ReplyKey(keyOf(1))
	must(tb, err)
	back, err := courier.PublicKey(reply)
	must(tb, err)
	return server, to, reply, courier.Bundle{Device: device, Made: 1764000000000, Reply: back, Encoding: "zstd", Body: []byte("{\"hello\":…}\nbody\n")}
}

func TestThereAndBack(t *testing.T) {
	server, to, reply, b := sample(t)
	var file bytes.Buffer
	must(t, courier.PackBundle(&file, to, keyOf(1), b))
	if bytes.Contains(file.Bytes(), []byte(device)) || bytes.Contains(file.Bytes(), []byte("\nbody\n")) {
		t.Fatal("a carrier can read it")
	}
	got, verify, err := courier.OpenBundle(bytes.NewReader(file.Bytes()), server)
	must(t, err)
	must(t, verify(public(keyOf(1))))
	if !reflect.DeepEqual(*got, b) {
		t.Fatalf("got %+v\nwant %+v", *got, b)
	}
	if verify(public(keyOf(2))) == nil || verify(nil) == nil {
		t.Fatal("another key verified it")
	}
	file.Reset()
	r := courier.Receipt{Device: device, Of: courier.BodyHash(got.Body), Made: 1764000000001, Body: []byte("{\"welcome\":…}\n")}
	must(t, courier.PackReceipt(&file, got.Reply, keyOf(3), r))
	back, err := courier.OpenReceipt(bytes.NewReader(file.Bytes()), reply, public(keyOf(3)), device)
	must(t, err)
	if !reflect.DeepEqual(*back, r) {
		t.Fatalf("got %+v\nwant %+v", *back, r)
	}
	if _, err := courier.OpenReceipt(bytes.NewReader(file.Bytes()), reply, public(keyOf(4)), device); err == nil {
		t.Fatal("a receipt of another server passed")
	}
	if _, err := courier.OpenReceipt(bytes.NewReader(file.Bytes()), reply, public(keyOf(3)), "01935b7e-0000-7000-8000-0000000000d2"); err == nil {
		t.Fatal("a receipt for another device passed")
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	server, to, _, b := sample(t)
	var file bytes.Buffer
	must(t, courier.PackBundle(&file, to, keyOf(1), b))
	whole := file.Bytes()
	other := bytes.Repeat([]byte{8}, 32)
	for name, c := range map[string]struct {
		raw  []byte
		key  []byte
		code syncproto.Code
	}{
		"empty":          {nil, server, syncproto.CodeInvalid},
		"another server": {whole, other, syncproto.CodeInvalid},
		"cut":            {whole[:len(whole)-1], server, syncproto.CodeInvalid},
		"one bit":        {append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), server, syncproto.CodeInvalid},
		"a receipt":      {bytes.Replace(whole, []byte("bundle"), []byte("receipt"), 1), server, syncproto.CodeInvalid},
		"too large":      {make([]byte, syncproto.MaxBodyBytes+1<<20), server, syncproto.CodeTooLarge},
	} {
		_, _, err := courier.OpenBundle(bytes.NewReader(c.raw), c.key)
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.Body = make([]byte, syncproto.MaxBodyBytes+1)
	if err := courier.PackBundle(&file, to, keyOf(1), b); err == nil {
		t.Error("a body beyond the limit was packed")
	}
	for _, key := range []string{"", "x25519 ", "x448 " + strings.Repeat("A", 43), "x25519 " + strings.Repeat("A", 42), "x25519 " + strings.Repeat("A", 43)} {
		if _, err := courier.Seal(key, courier.Escrow, nil); err == nil {
			t.Errorf("sealed to %q", key)
		}
	}
}

func TestBoxesOfOnePurposeDoNotOpenForAnother(t *testing.T) {
	server, to, _, _ := sample(t)
	box, err := courier.Seal(to, courier.Escrow, []byte("content"))
	must(t, err)
	if plain, err := courier.Open(server, courier.Escrow, box); err != nil || string(plain) != "content" {
		t.Fatalf("%q %v", plain, err)
	}
	if _, err := courier.Open(server, "bundle", box); err == nil {
		t.Fatal("opened for another purpose")
	}
}

// FuzzOpenBundle: whatever stands in a file that is rightly encrypted, opening it neither panics nor believes it without a signature.
func FuzzOpenBundle(f *testing.F) {
	server, to, _, b := sample(f)
	f.Add([]byte(`{"alg":"ed25519","device":"01935b7e-0000-7000-8000-0000000000d1","made":1,"signature":"AA"}` + "\nbody"))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		const magic = "minqing bundle 1 x25519\n"
		box, err := courier.Seal(to, magic, plain)
		must(t, err)
		got, verify, err := courier.OpenBundle(strings.NewReader(magic+string(box)), server)
		if err != nil {
			return
		}
		if verify(public(keyOf(1))) == nil {
			t.Fatalf("believed %q", plain)
		}
		var file bytes.Buffer
		must(t, courier.PackBundle(&file, to, keyOf(1), *got))
		again, _, err := courier.OpenBundle(&file, server)
		must(t, err)
		if string(again.Body) != string(got.Body) || again.Reply != got.Reply || again.Device != got.Device || len(b.Body) == 0 {
			t.Fatalf("%+v became %+v", got, again)
		}
	})
}

// FuzzOpenReceipt: whatever stands in a receipt that is rightly encrypted, opening it neither panics nor believes it without the server's
// signature; one that the server signs comes back as it was.
func FuzzOpenReceipt(f *testing.F) {
	_, _, reply, b := sample(f)
	f.Add([]byte(`{"alg":"ed25519","device":"01935b7e-0000-7000-8000-0000000000d1","of":"00","made":1,"signature":"AA"}`+"\nbody"), "zstd")
	f.Add([]byte("{}\n"), "")
	f.Fuzz(func(t *testing.T, plain []byte, encoding string) {
		const magic = "minqing receipt 1 x25519\n"
		box, err := courier.Seal(b.Reply, magic, plain)
		must(t, err)
		if got, err := courier.OpenReceipt(strings.NewReader(magic+string(box)), reply, public(keyOf(2)), device); err == nil {
			t.Fatalf("believed %q as %+v", plain, got)
		}
		if !utf8.ValidString(encoding) || strings.ContainsRune(encoding, 0) {
			return // no writer is asked for such
		}
		var file bytes.Buffer
		want := courier.Receipt{Device: device, Of: courier.BodyHash(plain), Made: 1, Encoding: encoding, Body: plain}
		must(t, courier.PackReceipt(&file, b.Reply, keyOf(2), want))
		got, err := courier.OpenReceipt(&file, reply, public(keyOf(2)), device)
		must(t, err)
		if got.Of != want.Of || got.Encoding != want.Encoding || !bytes.Equal(got.Body, want.Body) {
			t.Fatalf("%+v became %+v", want, got)
		}
	})
}

// FuzzOpenContent: whatever stands in the box of a content, opening it neither panics nor gives other bytes than those in it; a content
// that is packed comes back with its row, and what is no box never opens.
func FuzzOpenContent(f *testing.F) {
	server, to, _, _ := sample(f)
	f.Add([]byte("01935b7e-0000-7000-8000-000000000001\nthe bytes of a photo\n"))
	f.Add([]byte("no line"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		const magic = "minqing content 1 x25519\n"
		if _, _, err := courier.OpenContent(append([]byte(magic), plain...), server); err == nil {
			t.Fatal("plain bytes opened as a box")
		}
		box, err := courier.Seal(to, magic, plain)
		must(t, err)
		row, content, err := courier.OpenContent(append([]byte(magic), box...), server)
		var e *syncproto.Error
		if err != nil {
			if !errors.As(err, &e) || e.Code != syncproto.CodeInvalid || e.Hint == "" || bytes.ContainsRune(plain, '\n') {
				t.Fatalf("%q: %v", plain, err)
			}
			return
		}
		if string(row)+"\n"+string(content) != string(plain) {
			t.Fatalf("%q opened as %q and %q", plain, row, content)
		}
		file, err := courier.PackContent(to, row, content)
		must(t, err)
		again, same, err := courier.OpenContent(file, server)
		must(t, err)
		if !courier.IsContent(file) || again != row || !bytes.Equal(same, content) {
			t.Fatalf("%q and %q became %q and %q", row, content, again, same)
		}
	})
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	must(t, err)
	return raw
}

func TestCourierVectors(t *testing.T) {
	for _, v := range vectors.MustRead(t, os.DirFS("../testdata"), "courier.txt") {
		made, err := strconv.ParseInt(v.Get("made"), 10, 64)
		must(t, err)
		file, private := bytes.NewReader(unhex(t, v.Get("file"))), unhex(t, v.Get("private"))
		if v.Get("kind") == "receipt" {
			r, err := courier.OpenReceipt(file, private, unhex(t, v.Get("server-key")), syncproto.DeviceID(v.Get("device")))
			must(t, err)
			want := courier.Receipt{Device: device, Of: v.Get("of"), Made: made, Encoding: v.Get("encoding"), Body: unhex(t, v.Get("body"))}
			if !reflect.DeepEqual(*r, want) {
				t.Errorf("got %+v\nwant %+v", *r, want)
			}
			continue
		}
		key := ed25519.NewKeyFromSeed(unhex(t, v.Get("seed")))
		to, err := courier.PublicKey(private)
		must(t, err)
		v.Want("to", to)
		reply, err := courier.ReplyKey(key)
		must(t, err)
		v.Want("reply-private", hex.EncodeToString(reply))
		b, verify, err := courier.OpenBundle(file, private)
		must(t, err)
		must(t, verify(public(key)))
		want := courier.Bundle{Device: syncproto.DeviceID(v.Get("device")), Made: made, Reply: v.Get("reply"), Encoding: v.Get("encoding"), Body: unhex(t, v.Get("body"))}
		if !reflect.DeepEqual(*b, want) {
			t.Errorf("got %+v\nwant %+v", *b, want)
		}
	}
}
