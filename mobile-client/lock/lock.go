package lock

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"minqing/internal/sqlitex"
	"minqing/syncproto"
)

// Options are what a Box works with.
type Options struct {
	Path   string       // of the file; that of wrong tries stands beside it
	Secret []byte       // the keystore's; empty: there is none, or it does not open now
	Now    func() int64 // wall clock, Unix ms
	Rand   io.Reader
	Weak   bool // of tests: guesses cost next to nothing
	// Spent is called after a right guess: the memory that it took, many times what the program needs otherwise, should go back to the system
	// (debug.FreeOSMemory), but not before the page that waits for the guess. nil: it goes back at once, as after a wrong one.
	Spent func()
}

// State is how a Box stands.
type State string

// The states.
const (
	Missing State = "missing" // no file: a replica to be made, or a plain one
	Free    State = "free"    // the keystore has opened it: Key gives the key, the PIN gates the pages
	Closed  State = "closed"  // the PIN opens it
	Stuck   State = "stuck"   // the keystore wrapped it and does not open it now
)

// MinPIN is the least length of a PIN that is set through the pages, in characters.
const MinPIN = 6

// Box is the file with the key. It is safe for use by many.
type Box struct {
	opt  Options
	mu   sync.Mutex
	file *boxFile // nil: missing
	open *inside  // of a keystore's box that opened
}

// boxFile is the file as it lies on the disk. Box holds a nonce and what is sealed: under a PIN the bare key, under a keystore an inside.
type boxFile struct {
	Alg    string `json:"alg"`
	Salt   []byte `json:"salt"`
	Time   uint32 `json:"time,omitempty"`   // Argon2id passes
	Memory uint32 `json:"memory,omitempty"` // KiB
	Box    []byte `json:"box"`
}

// inside is what the keystore's secret seals.
type inside struct {
	Key      []byte `json:"key"`
	Salt     []byte `json:"salt"`
	Time     uint32 `json:"time"`
	Memory   uint32 `json:"memory"`
	Verifier []byte `json:"verifier"`
}

const (
	byPIN      = "argon2id xchacha20poly1305"
	byKeystore = "keystore hkdf-sha256 xchacha20poly1305"
	saltSize   = 16
	maxFile    = 64 << 10
	maxMemory  = 1 << 20 // KiB: more was written by nobody
	maxTime    = 64
)

// The cost of a guess: about half a second on a cheap phone (RFC 9106, second recommended option).
const (
	pinTime   = 3
	pinMemory = 64 << 10
)

// Open reads the file.
func Open(opt Options) (*Box, error) {
	b := &Box{opt: opt}
	raw, err := os.ReadFile(opt.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	var f boxFile
	if err := json.Unmarshal(raw, &f); err != nil || len(raw) > maxFile || f.Alg != byPIN && f.Alg != byKeystore || len(f.Box) < chacha20poly1305.NonceSizeX ||
		f.Memory > maxMemory || f.Time > maxTime || f.Alg == byPIN && (f.Time == 0 || f.Memory == 0) {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "open " + opt.Path, Err: err,
			Message: syncproto.Both(fmt.Sprintf("钥匙文件 %s 读不懂。", opt.Path), fmt.Sprintf("The key file %s cannot be read.", opt.Path)), Hint: syncproto.Both("放回原来的钥匙文件。", "Put back the original.")}
	}
	b.file = &f
	if f.Alg == byKeystore && len(opt.Secret) > 0 {
		b.open = f.unseal(opt.Secret)
	}
	return b, nil
}

// State tells how it stands.
func (b *Box) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state()
}

func (b *Box) state() State {
	switch {
	case b.file == nil:
		return Missing
	case b.file.Alg == byPIN:
		return Closed
	case b.open == nil:
		return Stuck
	}
	return Free
}

// Key is the key that the keystore gave; nil in other states than Free.
func (b *Box) Key() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		return nil
	}
	return bytes.Clone(b.open.Key)
}

// Make makes a key for a new replica and wraps it: by the keystore where there is one, else by the PIN. There must be no file yet.
func (b *Box) Make(pin string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeConflict, Op: "lock.Make", Message: syncproto.Both("已经有钥匙文件了。", "There is a key file already."), Hint: syncproto.Both("先换个数据文件。", "Use another data file.")}
	}
	if pin == "" {
		return nil, WantPIN()
	}
	key, err := b.random(sqlitex.KeySize)
	if err != nil {
		return nil, err
	}
	return key, b.wrap(key, pin, len(b.opt.Secret) > 0)
}

// Try tries a PIN. It gives the key, or an error for people: that it is wrong, or how long to wait; Wait tells the latter in numbers.
func (b *Box) Try(pin string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.try(pin)
}

func (b *Box) try(pin string) ([]byte, error) {
	switch b.state() {
	case Missing:
		return nil, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "lock.Try", Message: syncproto.Both("没有钥匙文件。", "There is no key file."), Hint: syncproto.Both("先登记这台设备。", "Enrol this device first.")}
	case Stuck:
		return nil, stuck()
	}
	t, err := b.tries()
	if err != nil {
		return nil, err
	}
	if t.Left > 0 {
		return nil, wait(t.Left)
	}
	if t, err = b.count(t); err != nil { // before it is looked at
		return nil, err
	}
	key := b.check(pin)
	if key != nil && b.opt.Spent != nil {
		b.opt.Spent()
	} else {
		debug.FreeOSMemory()
	}
	if key == nil {
		if t.Left > 0 {
			return nil, errors.Join(wrong(), wait(t.Left))
		}
		return nil, wrong()
	}
	return key, b.forgetTries()
}

// check gives the key when the PIN is right.
func (b *Box) check(pin string) []byte {
	if in := b.open; in != nil {
		if subtle.ConstantTimeCompare(slowly(pin, in.Salt, in.Time, in.Memory, sha256.Size), in.Verifier) == 1 {
			return bytes.Clone(in.Key)
		}
		return nil
	}
	return unsealed(slowly(pin, b.file.Salt, b.file.Time, b.file.Memory, chacha20poly1305.KeySize), b.file.Box, byPIN)
}

// slowly makes a key of a PIN.
func slowly(pin string, salt []byte, time, memory, size uint32) []byte {
	return argon2.IDKey([]byte(pin), salt, time, memory, 1, size)
}

// Change puts another PIN in the place of the old one, which must be right. The key stays, and what wraps it.
func (b *Box) Change(old, pin string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	key, err := b.try(old)
	if err != nil {
		return err
	}
	return b.wrap(key, pin, b.open != nil)
}

// Remove takes the file away, with the count of wrong tries: the replica that it opened is gone.
func (b *Box) Remove() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := os.Remove(b.opt.Path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		b.file, b.open = nil, nil
	}
	half := os.Remove(b.opt.Path + halfWritten) // of a write that was cut
	if errors.Is(half, fs.ErrNotExist) {
		half = nil
	}
	return errors.Join(err, half, b.forgetTries())
}

// CheckNew tells what is wrong with a PIN to be set: nil when nothing is.
func CheckNew(pin string) error {
	if n := utf8.RuneCountInString(pin); n >= MinPIN && n <= 64 && !allSame(pin) {
		return nil
	}
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "pin", Message: syncproto.Both(fmt.Sprintf("口令要 %d 位以上，不能每位都一样。", MinPIN), fmt.Sprintf("A PIN has %d characters or more, not all alike.", MinPIN)),
		Hint: syncproto.Both("换一个好记的。", "Choose another that you can remember.")}
}

func allSame(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	for _, r := range s {
		if r != first {
			return false
		}
	}
	return true
}

// wrap seals a key and writes the file: the new one whole on the disk, then in the place of the old one.
func (b *Box) wrap(key []byte, pin string, keystore bool) error {
	time, memory := uint32(pinTime), uint32(pinMemory)
	if b.opt.Weak {
		time, memory = 1, 8
	}
	salt, err := b.random(saltSize)
	if err != nil {
		return err
	}
	nonce, err := b.random(chacha20poly1305.NonceSizeX)
	if err != nil {
		return err
	}
	f, in := &boxFile{Alg: byPIN, Salt: salt, Time: time, Memory: memory}, (*inside)(nil)
	var wrapping []byte
	plain := key
	if keystore {
		own, err := b.random(saltSize)
		if err != nil {
			return err
		}
		in = &inside{Key: bytes.Clone(key), Salt: own, Time: time, Memory: memory, Verifier: slowly(pin, own, time, memory, sha256.Size)}
		if plain, err = json.Marshal(in); err != nil {
			return err
		}
		f = &boxFile{Alg: byKeystore, Salt: salt}
		wrapping, err = stretch(b.opt.Secret, salt)
		if err != nil {
			return err
		}
	} else {
		wrapping = slowly(pin, salt, time, memory, chacha20poly1305.KeySize)
	}
	debug.FreeOSMemory()
	aead, err := chacha20poly1305.NewX(wrapping)
	if err != nil {
		return err
	}
	f.Box = aead.Seal(bytes.Clone(nonce), nonce, plain, []byte(f.Alg))
	if err := writeWhole(b.opt.Path, f); err != nil {
		return err
	}
	b.file, b.open = f, in
	return nil
}

func stretch(secret, salt []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, salt, byKeystore, chacha20poly1305.KeySize)
}

// unseal opens a keystore's box; nil when the secret is not the one that sealed it.
func (f *boxFile) unseal(secret []byte) *inside {
	wrapping, err := stretch(secret, f.Salt)
	if err != nil {
		return nil
	}
	var in inside
	if raw := unsealed(wrapping, f.Box, byKeystore); raw == nil || json.Unmarshal(raw, &in) != nil || len(in.Key) != sqlitex.KeySize || in.Time == 0 || in.Memory == 0 {
		return nil
	}
	return &in
}

// unsealed opens what is sealed; nil when the key is another.
func unsealed(key, box []byte, alg string) []byte {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil || len(box) < aead.NonceSize() {
		return nil
	}
	out, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], []byte(alg))
	if err != nil {
		return nil
	}
	return out
}

func (b *Box) random(n int) ([]byte, error) {
	out := make([]byte, n)
	_, err := io.ReadFull(b.opt.Rand, out)
	return out, err
}

// halfWritten is behind the name of a file that is being written.
const halfWritten = ".new"

// writeWhole writes a value as JSON so that a crash leaves either the old file or the new one.
func writeWhole(path string, v any) (err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	half := path + halfWritten
	f, err := os.OpenFile(half, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(half, path); err != nil {
		return err
	}
	return sqlitex.SyncDir(path)
}
