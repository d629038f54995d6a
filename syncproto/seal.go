package syncproto

import (
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// Purpose separates what is sealed: a seal of one purpose never opens as another.
type Purpose string

// The purposes of seals.
const (
	SealCursor Purpose = "cursor"
	SealResume Purpose = "resume"
	SealHead   Purpose = "head"
)

// sealAlgorithm is the first byte of every seal, so that others can join: XChaCha20-Poly1305, nonce of 24 bytes in front, the purpose
// as additional data.
const sealAlgorithm = 1

// Sealer seals what devices carry for the server: they can neither read nor forge it.
type Sealer struct {
	aead cipher.AEAD
	rand io.Reader
}

// NewSealer makes a sealer from a 32-byte key and a source of nonces.
func NewSealer(key []byte, rand io.Reader) (*Sealer, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("syncproto: %w", err)
	}
	return &Sealer{aead: aead, rand: rand}, nil
}

// Seal gives the sealed form of plain as unpadded base64url.
func (s *Sealer) Seal(p Purpose, plain []byte) (string, error) {
	out := make([]byte, 1+chacha20poly1305.NonceSizeX, 1+chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	out[0] = sealAlgorithm
	nonce := out[1:]
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return "", fmt.Errorf("syncproto: reading randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(out, nonce, plain, []byte(p))), nil
}

// Open gives back what Seal was given; the error has CodeCursor and tells a forger nothing.
func (s *Sealer) Open(p Purpose, sealed string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err == nil && (len(raw) < 1+chacha20poly1305.NonceSizeX || raw[0] != sealAlgorithm) {
		err = fmt.Errorf("%d bytes, algorithm unknown", len(raw))
	}
	var plain []byte
	if err == nil {
		nonce := raw[1 : 1+chacha20poly1305.NonceSizeX]
		plain, err = s.aead.Open(nil, nonce, raw[1+chacha20poly1305.NonceSizeX:], []byte(p))
	}
	if err != nil {
		return nil, &Error{Code: CodeCursor, Op: "open " + string(p), Message: "这个凭据不是本服务器封的。 This seal is not of this server.", Err: err}
	}
	return plain, nil
}
