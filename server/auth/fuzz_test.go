package auth

import (
	"bytes"
	"crypto/ed25519"
	"testing"
)

// FuzzToken: no token makes the parser panic, and it believes none that the server did not sign; what it signed says what it was asked to.
func FuzzToken(f *testing.F) {
	own := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	const now = 1_764_000_000_000
	const device, key = "01935b7e-0000-7000-8000-0000000000d1", "a key's first 16"
	token, err := mint(own, device, []byte(key), now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("eyJhbGciOiJub25lIn0.eyJhdWQiOiJtaW5xaW5nIn0.")
	f.Add("..")
	public := own.Public().(ed25519.PublicKey)
	f.Fuzz(func(t *testing.T, in string) {
		c, err := parse(public, in, now)
		if (err == nil) != (in == token) {
			t.Fatalf("%q gave %+v, %v", in, c, err)
		}
		if err == nil && (string(c.Holder.Device) != device || string(c.Holder.Key) != key) {
			t.Fatalf("it became %+v", c)
		}
	})
}
