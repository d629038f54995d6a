package syncproto

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// AlgEd25519 names the signature algorithm of this build; it travels with every key and signature, so that others can join.
const AlgEd25519 = "ed25519"

// SignatureHeader carries the device's signature of a request: “ed25519 <base64url>”.
const SignatureHeader = "Minqing-Signature"

// EnrolText is what a device signs to prove that it holds the key it enrols.
func EnrolText(code, key string) []byte { return []byte("minqing enrol 1\n" + code + "\n" + key) }

// ChallengeText is what a device signs to get an access token.
func ChallengeText(device DeviceID, challenge string) []byte {
	return []byte("minqing challenge 1\n" + string(device) + "\n" + challenge)
}

// RequestText is what a device signs of a request: method, path with query, the access token and the body as sent (compressed).
// There is no date in it: a phone's clock may be years off, and a request repeated within the token's life changes nothing.
func RequestText(method, path, token string, body []byte) []byte {
	t, b := sha256.Sum256([]byte(token)), sha256.Sum256(body)
	return []byte("minqing request 1\n" + method + "\n" + path + "\n" + hex.EncodeToString(t[:]) + "\n" + hex.EncodeToString(b[:]))
}

// SignRequest gives the value of SignatureHeader.
func SignRequest(key ed25519.PrivateKey, method, path, token string, body []byte) string {
	return SignText(key, RequestText(method, path, token, body))
}

// SignText gives the value of SignatureHeader over a text of this file.
func SignText(key ed25519.PrivateKey, text []byte) string {
	return AlgEd25519 + " " + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, text))
}

// VerifyRequest checks a SignatureHeader against a public key.
func VerifyRequest(key ed25519.PublicKey, header, method, path, token string, body []byte) error {
	return verifyText(key, header, RequestText(method, path, token, body))
}

func verifyText(key ed25519.PublicKey, header string, text []byte) error {
	alg, sig, err := splitSignature(header)
	if err == nil && alg != AlgEd25519 {
		err = fmt.Errorf("algorithm %q", alg)
	}
	if err == nil && !ed25519.Verify(key, text, sig) {
		err = fmt.Errorf("does not verify")
	}
	if err != nil {
		return &Error{Code: CodeAuth, Op: "request signature", Message: Both("请求的签名不对。", "The signature of the request is wrong."), Err: err}
	}
	return nil
}

func splitSignature(header string) (alg string, sig []byte, err error) {
	for i := range len(header) {
		if header[i] == ' ' {
			sig, err = base64.RawURLEncoding.DecodeString(header[i+1:])
			return header[:i], sig, err
		}
	}
	return "", nil, fmt.Errorf("want “<algorithm> <base64url>”")
}
