package syncproto

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
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

// sealAlgorithm is the first byte of every seal, so that others can join: XChaCha20-Poly1305. The id of the key follows, then the nonce
// of 24 bytes, then what is sealed; purpose, algorithm and key id are the additional data.
const (
	sealAlgorithm = 1
	sealHead      = 2 + chacha20poly1305.NonceSizeX
)

// Sealer seals what devices carry for the server: they can neither read nor forge it. It seals with one key and opens with any
// that it knows, so that keys can change while old cursors are under way.
type Sealer struct {
	keys []sealKey // the first seals
	rand io.Reader
}

type sealKey struct {
	id   byte
	aead cipher.AEAD
}

// NewSealer makes a sealer from a source of nonces, the 32-byte key that seals, and older ones that only open.
func NewSealer(key []byte, rand io.Reader, older ...[]byte) (*Sealer, error) {
	s := &Sealer{rand: rand}
	for _, k := range append([][]byte{key}, older...) {
		aead, err := chacha20poly1305.NewX(k)
		if err != nil {
			return nil, fmt.Errorf("syncproto: %w", err)
		}
		// The id only spares trying every key: the hash of a secret of 32 bytes gives nothing of it away.
		sum := sha256.Sum256(append([]byte("minqing seal key\x00"), k...))
		s.keys = append(s.keys, sealKey{sum[0], aead})
	}
	return s, nil
}

func sealBound(p Purpose, id byte) []byte { return append([]byte(p), 0, sealAlgorithm, id) }

// Seal gives the sealed form of plain as unpadded base64url.
func (s *Sealer) Seal(p Purpose, plain []byte) (string, error) {
	k := s.keys[0]
	out := make([]byte, sealHead, sealHead+len(plain)+chacha20poly1305.Overhead)
	out[0], out[1] = sealAlgorithm, k.id
	nonce := out[2:]
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return "", fmt.Errorf("syncproto: reading randomness: %w", err)
	}
	sealed := base64.RawURLEncoding.EncodeToString(k.aead.Seal(out, nonce, plain, sealBound(p, k.id)))
	if len(sealed) > MaxSeal {
		return "", fmt.Errorf("syncproto: a %s of %d characters, %d are the most", p, len(sealed), MaxSeal)
	}
	return sealed, nil
}

// Open gives back what Seal was given; the error has CodeCursor and tells a forger nothing.
func (s *Sealer) Open(p Purpose, sealed string) ([]byte, error) {
	var raw []byte
	err := fmt.Errorf("%d characters", len(sealed))
	if len(sealed) <= MaxSeal {
		raw, err = base64.RawURLEncoding.Strict().DecodeString(sealed)
	}
	if err == nil && (len(raw) < sealHead || raw[0] != sealAlgorithm) {
		err = fmt.Errorf("%d bytes, algorithm unknown", len(raw))
	}
	if err == nil {
		err = errors.New("no key of that id")
		for _, k := range s.keys {
			if k.id != raw[1] {
				continue
			}
			var plain []byte
			if plain, err = k.aead.Open(nil, raw[2:sealHead], raw[sealHead:], sealBound(p, k.id)); err == nil {
				return plain, nil
			}
		}
	}
	return nil, &Error{Code: CodeCursor, Op: "open " + string(p), Message: Both("这个凭据不是本服务器封的。", "This seal is not of this server."),
		Hint: Both("手机会从头核对一遍，不会丢东西。", "The phone compares everything anew; nothing is lost."), Err: err}
}
