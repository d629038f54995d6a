// Package courier carries a device's outbox by hand: a bundle is a request of POST /v1/sync, signed by the device and encrypted to
// the server, in a file that any other device, a stick or a console can bring in; the receipt is the answer, signed by the server
// and encrypted to the device. It promises that a carrier can neither read nor change nor answer a bundle, and that verdicts are
// the same by both routes.
//
// Its boxes also hold what a phone keeps for the server alone: acknowledged changes of scopes that it has forgotten.
package courier

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"minqing/syncproto"
)

// boxAlgorithm names the encryption of a box and begins every key: HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256),
// HKDF-SHA256 and ChaCha20-Poly1305.
const boxAlgorithm = "x25519"

// PublicKey gives the public form of a 32-byte private key: “x25519 <base64url>”.
func PublicKey(private []byte) (string, error) {
	k, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil {
		return "", fmt.Errorf("courier: %w", err)
	}
	return boxAlgorithm + " " + base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes()), nil
}

// ReplyKey derives the private key to which receipts for a device are encrypted from the key that signs for it, so that there is
// nothing more to keep.
func ReplyKey(device ed25519.PrivateKey) ([]byte, error) {
	return hkdf.Key(sha256.New, device.Seed(), nil, "minqing courier reply 1", 32)
}

// Seal encrypts plain to a public key for one purpose; only the private key opens it, and for that purpose only.
func Seal(to, purpose string, plain []byte) ([]byte, error) {
	alg, text, _ := strings.Cut(to, " ")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err == nil && alg != boxAlgorithm {
		err = fmt.Errorf("key algorithm %q, want %s", strings.ToValidUTF8(alg, ""), boxAlgorithm)
	}
	var public *ecdh.PublicKey
	if err == nil {
		public, err = ecdh.X25519().NewPublicKey(raw)
	}
	var key hpke.PublicKey
	if err == nil {
		key, err = hpke.NewDHKEMPublicKey(public)
	}
	if err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "seal to a key", Message: syncproto.Both("服务器的公钥写得不对。", "The public key is wrong."),
			Hint: syncproto.Both("联网后重新取一次公钥。", "Fetch the key again when online."), Err: err}
	}
	box, err := hpke.Seal(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info(purpose), plain)
	if err != nil {
		return nil, fmt.Errorf("courier: %w", err)
	}
	return box, nil
}

// Open decrypts a box; the error does not tell why it does not open.
func Open(private []byte, purpose string, box []byte) ([]byte, error) {
	own, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("courier: %w", err)
	}
	key, err := hpke.NewDHKEMPrivateKey(own)
	if err != nil {
		return nil, fmt.Errorf("courier: %w", err)
	}
	plain, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info(purpose), box)
	if err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "open a box", Message: syncproto.Both("这份内容打不开：不是给这里的，或者坏了。", "This cannot be opened: it is for somebody else, or damaged."),
			Hint: syncproto.Both("请带到它所属的服务器或手机。", "Bring it to where it belongs."), Err: errors.New("hpke: does not open")}
	}
	return plain, nil
}

func info(purpose string) []byte { return []byte("minqing courier 1\x00" + purpose) }
