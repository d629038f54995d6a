package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"minqing/internal/sqlitex"
	"minqing/syncproto"
)

// lockBox is the file beside an encrypted replica: its key, wrapped by the PIN. On a phone the keystore wraps it instead.
type lockBox struct {
	Alg    string `json:"alg"` // lockAlg
	Salt   []byte `json:"salt"`
	Time   uint32 `json:"time"`   // Argon2id passes
	Memory uint32 `json:"memory"` // KiB
	Box    []byte `json:"box"`    // nonce and sealed key
}

const lockAlg = "argon2id xchacha20poly1305"

// The cost of a guess: about half a second on a cheap phone (RFC 9106, second recommended option).
const (
	lockTime   = 3
	lockMemory = 64 << 10
)

func (a *app) lockPath() string { return a.File + ".key" }

// key gives the key of the data file, nil for a plain one. For a new file it is made, and wrapped by the PIN.
func (a *app) key(fresh, plain bool) ([]byte, error) {
	raw, err := os.ReadFile(a.lockPath())
	switch {
	case errors.Is(err, fs.ErrNotExist) && fresh && !plain:
		return a.newKey()
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil // a plain file, or one to be made plain
	case err != nil:
		return nil, err
	}
	var box lockBox
	if err := json.Unmarshal(raw, &box); err != nil || box.Alg != lockAlg || len(box.Box) < chacha20poly1305.NonceSizeX || box.Memory > 1<<20 {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "open " + a.lockPath(), Err: err,
			Message: fmt.Sprintf("钥匙文件 %s 读不懂。 The key file %s cannot be read.", a.lockPath(), a.lockPath()), Hint: "放回原来的钥匙文件。 Put back the original."}
	}
	if a.PIN == "" {
		return nil, a.wantPIN()
	}
	aead, err := box.aead(a.PIN)
	if err != nil {
		return nil, err
	}
	key, err := aead.Open(nil, box.Box[:aead.NonceSize()], box.Box[aead.NonceSize():], []byte(lockAlg))
	if err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "pin", Message: "口令不对。 The PIN is wrong.", Hint: "再试一次；数据都在。 Try again; the data is safe.", Err: err}
	}
	return key, nil
}

func (a *app) wantPIN() error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "pin", Message: "数据文件是加密的，要口令。 The data file is encrypted and needs its PIN.",
		Hint: "用 --pin，或设 MINQING_FIELD_PIN；新文件也可用 --plain 不加密。 Give --pin or set MINQING_FIELD_PIN; a new file may be --plain."}
}

func (a *app) newKey() ([]byte, error) {
	if a.PIN == "" {
		return nil, a.wantPIN()
	}
	box := lockBox{Alg: lockAlg, Salt: make([]byte, 16), Time: lockTime, Memory: lockMemory}
	key := make([]byte, sqlitex.KeySize)
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	for _, b := range [][]byte{box.Salt, key, nonce} {
		if _, err := io.ReadFull(rand.Reader, b); err != nil {
			return nil, err
		}
	}
	aead, err := box.aead(a.PIN)
	if err != nil {
		return nil, err
	}
	box.Box = aead.Seal(bytes.Clone(nonce), nonce, key, []byte(lockAlg))
	raw, err := json.Marshal(box)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(a.lockPath(), raw, 0o600)
}

func (b *lockBox) aead(pin string) (interface {
	NonceSize() int
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}, error) {
	return chacha20poly1305.NewX(argon2.IDKey([]byte(pin), b.Salt, b.Time, b.Memory, 1, chacha20poly1305.KeySize))
}
