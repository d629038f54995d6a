package sqlitex

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrWrongKey says that a file does not open with the key given, or with none: the key is another file's, the file is plain
// and a key was given, or it is encrypted and none was. The file is untouched.
var ErrWrongKey = errors.New("the file does not open: the key is not its own " +
	"(an encrypted file needs its key, a plain one none), or it is no database")

var errCorrupt = errors.New("sqlitex: the database file is damaged, restore it from a backup")

// explain turns SQLite's words about a file that does not open into ours.
func (o *Options) explain(err error) error {
	if code(err)&0xff == sqlite3.SQLITE_NOTADB {
		return fmt.Errorf("sqlitex: open %s: %w", o.Path, ErrWrongKey)
	}
	return fmt.Errorf("sqlitex: open %s: %w", o.Path, err)
}

// code is SQLite's extended result code, or 0.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// IsFull says that the disk has no room left. The transaction is rolled back; what was committed before stands.
func IsFull(err error) bool {
	c := code(err)
	return c&0xff == sqlite3.SQLITE_FULL || c == sqlite3.SQLITE_IOERR_SHMSIZE
}

// IsBusy says that another connection or process held a lock for longer than Options.BusyTimeout: try again later.
func IsBusy(err error) bool {
	c := code(err) & 0xff
	return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_LOCKED
}

// IsCorrupt says that the file is damaged, or no database.
func IsCorrupt(err error) bool {
	c := code(err) & 0xff
	return c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB || errors.Is(err, errCorrupt)
}
