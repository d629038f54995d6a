// Package sqlitex opens SQLite for both sides: plain, encrypted, or on the simulator's disk. It promises that every
// connection of a [DB] has the same settings (pragma.go), that a commit which returned survives a power cut, that there is
// one writer and any number of readers beside it, and that an encrypted file opened with another key gives [ErrWrongKey]
// and is left as it was. Errors of the driver are told apart by code: [IsFull], [IsBusy], [IsCorrupt].
//
// DESIGN.md explains the encryption and its limits.
package sqlitex

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"

	"minqing/internal/sqlitex/crypt"
	"minqing/internal/sqlitex/vfs"
)

// KeySize is the length of Options.Key in bytes.
const KeySize = crypt.KeySize

const (
	defaultReaders     = 4
	defaultBusyTimeout = 5 * time.Second
)

// Options say which file to open, and how. The zero value of everything but Path is what a server wants.
type Options struct {
	Path string
	Key  []byte  // KeySize bytes: the file is encrypted; nil: it is plain
	FS   vfs.VFS // where the file lies; nil: the operating system's file system

	MustExist    bool // fail rather than make a new database
	ReadOnly     bool // no writer (DB.Write is nil); implies MustExist
	SecureDelete bool // what is deleted is overwritten with zeros
	Readers      int  // read connections at most; 0: 4
	// BusyTimeout is how long to wait for a lock another process holds; 0: five seconds. A simulator that runs on one goroutine
	// gives a millisecond: nobody could release the lock meanwhile.
	BusyTimeout time.Duration
}

func (o *Options) busyTimeout() time.Duration {
	if o.BusyTimeout == 0 {
		return defaultBusyTimeout
	}
	return o.BusyTimeout
}

// DB is an open database. Transactions of Write take the write lock when they begin; Read refuses to write.
//
// A process that has a database open must not open its files by other means (to copy them, say): on Unix, closing such a
// handle drops the locks SQLite holds. Copy with VACUUM INTO.
type DB struct {
	Write *sql.DB // one connection
	Read  *sql.DB // several

	gates   []*gate
	release func()
}

// Open opens the database, making it when there is none (and Options allow that).
func Open(o Options) (*DB, error) {
	if o.Path == "" || strings.ContainsRune(o.Path, 0) {
		return nil, fmt.Errorf("sqlitex: open %q: a database needs a file name", o.Path)
	}
	err := o.prepare()
	if err != nil {
		return nil, fmt.Errorf("sqlitex: open %s: %w", o.Path, err)
	}
	name, release, err := o.register()
	if err != nil {
		return nil, fmt.Errorf("sqlitex: open %s: %w", o.Path, err)
	}
	db := &DB{release: release}
	if !o.ReadOnly {
		db.Write, err = db.pool(&o, name, true, 1)
	}
	if err == nil {
		readers := o.Readers
		if readers <= 0 {
			readers = defaultReaders
		}
		db.Read, err = db.pool(&o, name, false, readers)
	}
	if err == nil {
		err = db.touch()
	}
	if err != nil {
		return nil, errors.Join(o.explain(err), db.Close())
	}
	return db, nil
}

// prepare makes a new file that only its owner may read (log and journal take their permissions from it), or says plainly
// that there is none. One that exists is not touched, not even opened.
func (o *Options) prepare() error {
	if o.Key != nil && len(o.Key) != KeySize {
		return crypt.ErrKeySize
	}
	if o.FS != nil {
		return nil
	}
	if o.MustExist || o.ReadOnly {
		_, err := os.Stat(o.Path)
		return err
	}
	f, err := os.OpenFile(o.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// register gives SQLite the file system the options ask for; plain files need none of ours.
func (o *Options) register() (name string, release func(), err error) {
	system := o.FS
	if o.Key != nil {
		if system == nil {
			system = vfs.OS()
		}
		if system, err = crypt.Wrap(system, o.Key); err != nil {
			return "", nil, err
		}
	}
	if system == nil {
		return "", func() {}, nil
	}
	if k, ok := system.(keeper); ok && k.Registered() != "" {
		return k.Registered(), func() {}, nil
	}
	return vfs.Register(system)
}

func (db *DB) pool(o *Options, vfsName string, write bool, conns int) (*sql.DB, error) {
	c, err := sqlite.NewConnector(o.dsn(vfsName, write))
	if err != nil {
		return nil, err
	}
	g := &gate{Connector: c}
	if k, ok := o.FS.(keeper); ok && o.Key == nil {
		g.Connector = keptConnector{c, k, o.dsn("", write)}
	}
	db.gates = append(db.gates, g)
	p := sql.OpenDB(g)
	p.SetMaxOpenConns(conns)
	p.SetMaxIdleConns(conns) // opening one costs a parse of the schema; keep it
	return p, nil
}

// touch opens the first connections and reads the header, the writer before any reader: what is wrong with a file is said
// by Open and not by the first query.
func (db *DB) touch() error {
	for _, p := range []*sql.DB{db.Write, db.Read} {
		if p == nil {
			continue
		}
		var version int
		if err := p.QueryRowContext(context.Background(), "PRAGMA schema_version").Scan(&version); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the readers, then the writer, which folds the log into the database.
func (db *DB) Close() error {
	var errs []error
	for _, p := range []*sql.DB{db.Read, db.Write} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	for _, g := range db.gates {
		g.close()
	}
	db.release()
	return errors.Join(errs...)
}

// IntegrityCheck reads the whole database and returns nil, or an error (see IsCorrupt) that names the first things wrong.
func (db *DB) IntegrityCheck(ctx context.Context) error {
	rows, err := db.Read.QueryContext(ctx, "PRAGMA integrity_check(20)")
	if err != nil {
		return fmt.Errorf("sqlitex: integrity check: %w", err)
	}
	defer rows.Close()
	var wrong []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return fmt.Errorf("sqlitex: integrity check: %w", err)
		}
		if line != "ok" {
			wrong = append(wrong, line)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("sqlitex: integrity check: %w", err)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", errCorrupt, strings.Join(wrong, "; "))
	}
	return nil
}

// Remove deletes the database at path on the operating system's file system, with everything that may lie beside it,
// encrypted or plain. A file that is not there is no error. Nobody may have it open.
func Remove(path string) error {
	var errs []error
	// The database goes first: its log alone is nothing, while a database without its log would be an older state.
	for _, suffix := range []string{"", "-wal", "-xwal", "-journal", "-xjournal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// SyncDir makes names made, renamed or removed beside a file durable. Windows keeps names by its file system's own journal, and folders
// cannot be synced there.
func SyncDir(file string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// keeper is a file system that may hand out connections which an earlier database over it left, as the simulator's disk does. how tells
// which settings they have.
type keeper interface {
	// Registered is the name that SQLite knows the file system by already, "" when it is to be registered.
	Registered() string
	Connect(how string, open func() (driver.Conn, error)) (driver.Conn, error)
}

type keptConnector struct {
	driver.Connector
	keeper keeper
	how    string
}

func (k keptConnector) Connect(ctx context.Context) (driver.Conn, error) {
	return k.keeper.Connect(k.how, func() (driver.Conn, error) { return k.Connector.Connect(ctx) })
}

// gate lets Close wait for connections still being opened: the file system they are about to use must not go before.
type gate struct {
	driver.Connector
	mu     sync.RWMutex
	closed bool
}

func (g *gate) Connect(ctx context.Context) (driver.Conn, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return nil, sql.ErrConnDone
	}
	return g.Connector.Connect(ctx)
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}
