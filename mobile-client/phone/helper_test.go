package phone_test

import (
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"minqing/syncproto/courier"
)

// keysOf are keys of a server as it hands them out.
func keysOf(t *testing.T) string {
	t.Helper()
	private, err := courier.ReplyKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := courier.PublicKey(private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(courier.Keys{Recipient: recipient, Receipts: "ed25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
