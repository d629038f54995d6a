package crypt

import (
	"bytes"
	"crypto/aes"
	"math/rand/v2"
	"testing"

	ref "golang.org/x/crypto/xts"
)

func TestXTSEqualsReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		key := randomBytes(rng, xtsKeyLen)
		ours, err := newXTS(key)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := ref.NewCipher(aes.NewCipher, key)
		if err != nil {
			t.Fatal(err)
		}
		// A run of blocks that starts and ends anywhere, cut from whole units encrypted by the reference.
		units, firstUnit := 1+rng.IntN(9), rng.Uint64N(1<<40)
		plain := randomBytes(rng, units*unit)
		want := make([]byte, len(plain))
		for u := range units {
			theirs.Encrypt(want[u*unit:(u+1)*unit], plain[u*unit:(u+1)*unit], firstUnit+uint64(u))
		}
		a := rng.IntN(units * perUnit)
		b := a + 1 + rng.IntN(units*perUnit-a)
		first := int64(firstUnit)*perUnit + int64(a)
		got, scratch := make([]byte, (b-a)*block), make([]byte, (b-a)*block)
		ours.encrypt(got, plain[a*block:b*block], scratch, first)
		if !bytes.Equal(got, want[a*block:b*block]) {
			t.Fatalf("blocks %d to %d of %d units differ from the reference", a, b, units)
		}
		ours.decrypt(got, got, scratch, first)
		if !bytes.Equal(got, plain[a*block:b*block]) {
			t.Fatalf("blocks %d to %d do not decrypt to what they were", a, b)
		}
	}
}

func TestEachKindHasItsOwnKey(t *testing.T) {
	v, err := Wrap(nil, make([]byte, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for k, c := range v.(*wrapped).ciphers {
		out, scratch := make([]byte, block), make([]byte, block)
		c.encrypt(out, make([]byte, block), scratch, 0)
		if other, ok := seen[string(out)]; ok {
			t.Fatalf("kinds %d and %d encrypt alike", other, k)
		}
		seen[string(out)] = k
	}
	if _, err := Wrap(nil, make([]byte, 31)); err == nil {
		t.Fatal("a key of 31 bytes was accepted")
	}
}

func BenchmarkPage(b *testing.B) {
	x, err := newXTS(make([]byte, xtsKeyLen))
	if err != nil {
		b.Fatal(err)
	}
	reference, err := ref.NewCipher(aes.NewCipher, make([]byte, xtsKeyLen))
	if err != nil {
		b.Fatal(err)
	}
	page, scratch := make([]byte, 4096), make([]byte, 4096)
	b.Run("encrypt", func(b *testing.B) {
		b.SetBytes(4096)
		for i := range b.N {
			x.encrypt(page, page, scratch, int64(i)*256)
		}
	})
	b.Run("decrypt", func(b *testing.B) {
		b.SetBytes(4096)
		for i := range b.N {
			x.decrypt(page, page, scratch, int64(i)*256)
		}
	})
	b.Run("reference", func(b *testing.B) {
		b.SetBytes(4096)
		for i := range b.N {
			reference.Encrypt(page, page, uint64(i))
		}
	})
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
