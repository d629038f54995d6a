// Package keys holds the one secret of a server and derives from it every key that the server uses: the seal of cursors, the
// signature of access tokens, the escrow and courier identity, the password pepper. One secret means one thing to back up, and
// all processes on one database that share it understand each other's cursors and tokens.
package keys

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Size is the length of the secret and of every derived key, in bytes.
const Size = 32

// FileName lies beside the database and in every backup; without it cursors, tokens and escrowed outboxes are unreadable.
const FileName = "secret.key"

// Ring derives keys. The zero Ring is not usable: use Open, Parse or New.
type Ring struct{ secret [Size]byte }

// New makes a ring from Size random bytes of r.
func New(r io.Reader) (*Ring, error) {
	var k Ring
	if _, err := io.ReadFull(r, k.secret[:]); err != nil {
		return nil, fmt.Errorf("keys: reading randomness: %w", err)
	}
	return &k, nil
}

// Parse reads the hex form that Text gives.
func Parse(text string) (*Ring, error) {
	raw, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != Size {
		return nil, fmt.Errorf("keys: the secret must be %d hex digits", 2*Size)
	}
	var k Ring
	copy(k.secret[:], raw)
	return &k, nil
}

// Text is the secret in hex, for backups and for handing it to further processes.
func (k *Ring) Text() string { return hex.EncodeToString(k.secret[:]) }

// Open reads the secret of a data folder, making one from r when the folder has none yet. The file is readable by its owner
// only, and made so that two starting processes agree on one secret.
func Open(dir string, r io.Reader) (*Ring, error) {
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if err == nil {
		k, err := Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%w (file %s): put back the file from a backup", err, path)
		}
		return k, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("keys: %w", err)
	}
	k, err := New(r)
	if err != nil {
		return nil, err
	}
	if err := k.Save(dir); errors.Is(err, fs.ErrExist) {
		return Open(dir, r)
	} else if err != nil {
		return nil, err
	}
	return k, nil
}

// Save writes the secret into a data folder that has none; the error is fs.ErrExist when it has.
func (k *Ring) Save(dir string) error {
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	_, err = f.WriteString(k.Text() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keys: writing %s: %w", path, err)
	}
	return nil
}

// Derive gives the key of one purpose. Purposes are short constant names; two of them never give the same key.
func (k *Ring) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.secret[:], nil, "minqing "+purpose, Size)
	if err != nil {
		panic("keys: " + err.Error()) // only an absurd length can fail
	}
	return key
}

// Signer derives an Ed25519 key.
func (k *Ring) Signer(purpose string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(k.Derive(purpose))
}
