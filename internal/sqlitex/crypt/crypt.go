// Package crypt encrypts what SQLite writes. [Wrap] puts a [vfs.VFS] over another: database, write-ahead log, journals and
// temporary files leave it as AES-256-XTS ciphertext, while locks and shared memory stay those of the file system below, so
// connections and processes share an encrypted file as they share a plain one.
//
// It promises: no byte of a row reaches the disk in clear; a file opened with another key, or a plain file opened with a
// key, is refused (vfs.NotADB) before anything is read from or written to it or its log; and a power cut does no more harm
// than to a plain file. It does not promise to notice a disk that lies: XTS has no authentication. DESIGN.md of the
// package above says why it is built so.
package crypt

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"minqing/internal/sqlitex/vfs"
)

// KeySize is the length of the key a file is opened with. Every kind of file has XTS keys of its own derived from it.
const KeySize = 32

// ErrKeySize says that a key has another length.
var ErrKeySize = errors.New("crypt: the key must be 32 bytes")

// The kinds of file, and the words that set their keys apart. Changing a word makes existing files unreadable.
type kind int

const (
	database kind = iota
	wal
	journal
	temp
	kinds
)

var keyInfo = [kinds]string{"minqing sqlite database 1", "minqing sqlite wal 1", "minqing sqlite journal 1", "minqing sqlite temp 1"}

func kindOf(flags int32) kind {
	switch {
	case flags&sqlite3.SQLITE_OPEN_MAIN_DB != 0:
		return database
	case flags&sqlite3.SQLITE_OPEN_WAL != 0:
		return wal
	case flags&(sqlite3.SQLITE_OPEN_MAIN_JOURNAL|sqlite3.SQLITE_OPEN_SUPER_JOURNAL) != 0:
		return journal
	}
	return temp
}

// Wrap returns base with everything encrypted under key.
func Wrap(base vfs.VFS, key []byte) (vfs.VFS, error) {
	if len(key) != KeySize {
		return nil, ErrKeySize
	}
	w := &wrapped{base: base}
	for k, info := range keyInfo {
		derived, err := hkdf.Expand(sha256.New, key, info, xtsKeyLen)
		if err != nil {
			return nil, err
		}
		if w.ciphers[k], err = newXTS(derived); err != nil {
			return nil, err
		}
	}
	return w, nil
}

type wrapped struct {
	base    vfs.VFS
	ciphers [kinds]*xts
}

// diskName gives log and journal names a plain SQLite does not look for. Opened by mistake with the sqlite3 shell, an
// encrypted file is refused anyway, but on its way out the shell would delete a log or journal that makes no sense to it,
// and with it the last commits of a process that was killed.
func diskName(name string) string {
	for _, suffix := range []string{"wal", "journal"} {
		if base, ok := strings.CutSuffix(name, "-"+suffix); ok {
			return base + "-x" + suffix
		}
	}
	return name
}

func (w *wrapped) Open(tls *vfs.TLS, name string, flags int32) (vfs.File, int32, vfs.Code) {
	k := kindOf(flags)
	if k == wal || k == journal {
		name = diskName(name)
	}
	base, out, rc := w.base.Open(tls, name, flags)
	if rc != vfs.OK {
		return nil, 0, rc
	}
	f := &file{File: base, xts: w.ciphers[k], wal: k == wal}
	if k == database {
		if rc := f.checkKey(tls); rc != vfs.OK {
			f.Close(tls)
			return nil, 0, rc
		}
	}
	return f, out, vfs.OK
}

func (w *wrapped) Delete(tls *vfs.TLS, name string, syncDir bool) vfs.Code {
	return w.base.Delete(tls, diskName(name), syncDir)
}

func (w *wrapped) Access(tls *vfs.TLS, name string, how int32) (bool, vfs.Code) {
	return w.base.Access(tls, diskName(name), how)
}

func (w *wrapped) FullPath(tls *vfs.TLS, name string) (string, vfs.Code) {
	return w.base.FullPath(tls, name)
}
