package replica

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"minqing/internal/sqlitex"
	"minqing/internal/sqlitex/vfs"
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/courier"
)

// Options say which file to open and what the outside world is.
type Options struct {
	Path        string
	Key         []byte        // 32 bytes: the file is encrypted; nil: plain, for tools on a laptop
	FS          vfs.VFS       // where the file lies; nil: the operating system's file system
	BusyTimeout time.Duration // how long to wait for another process that writes; 0: five seconds
	Book        *schema.Book  // what this program knows
	Now         func() int64  // wall clock, Unix ms: may be wrong, jump or stand still
	Rand        io.Reader
	// What the app asks of the file beside the schema; both may be nil. Indexes are CREATE INDEX IF NOT EXISTS statements whose names
	// begin with mq_, run at each opening.
	Indexes []string
	Search  *Search
	// Process names the process that runs, and Ended tells whether that of a name has surely ended. Empty: by the operating system's process
	// ids. The simulator has processes of its own.
	Process string
	Ended   func(process string) bool
}

// Replica is an open file. Its methods may be called from several goroutines; writes wait for each other.
type Replica struct {
	opt   Options
	book  *schema.Book
	db    *sqlitex.DB
	w     *conn
	turn  chan struct{} // holds a token while somebody uses w
	idle  chan *conn    // readers that wait, with their statements prepared
	close sync.Once
	over  atomic.Pointer[string] // the holder of the newest sync here that ended, whether or not the file says so
}

// maxReaders bounds the readers at once, keptReaders those that stay open between: a phone has one person, and each holds the schema, its
// statements and a page cache of its own, some megabytes.
const (
	maxReaders  = 4
	keptReaders = 2
)

const defaultPatience = 5 * time.Second

// Open opens the file, making it when there is none, upgrades it to the book, and heals capture triggers that somebody dropped.
func Open(ctx context.Context, opt Options) (*Replica, error) {
	// What is deleted is overwritten: a scope that was forgotten must not be found in the file.
	if opt.BusyTimeout == 0 {
		opt.BusyTimeout = defaultPatience
	}
	db, err := sqlitex.Open(sqlitex.Options{Path: opt.Path, Key: opt.Key, FS: opt.FS, BusyTimeout: opt.BusyTimeout, SecureDelete: true, Readers: maxReaders})
	if err != nil {
		return nil, wrap("open", err)
	}
	r := &Replica{opt: opt, book: opt.Book, db: db, turn: make(chan struct{}, 1), idle: make(chan *conn, keptReaders)}
	db.Read.SetMaxIdleConns(0) // those that are kept are in idle
	if r.w, err = newConn(ctx, db.Write, r.book); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	// Journals of statements stay in memory: they hold what rows held, and an apply makes one for every statement.
	if err := r.w.exec("PRAGMA temp_store = MEMORY"); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.w.inTx(r.prepare); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.locked(ctx, r.scrub); err != nil { // what a crash or a busy reader left
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Book is what this program knows of the register.
func (r *Replica) Book() *schema.Book { return r.book }

// Close closes the file.
func (r *Replica) Close() error {
	err := error(nil)
	r.close.Do(func() {
		for len(r.idle) > 0 {
			err = errors.Join(err, (<-r.idle).close())
		}
		if r.w != nil {
			err = errors.Join(err, r.w.close())
		}
		err = errors.Join(err, r.db.Close())
	})
	return wrap("close", err)
}

// prepare makes or upgrades the tables and looks after the triggers.
func (r *Replica) prepare() error {
	if err := r.w.exec(bookkeeping[0]); err != nil {
		return err
	}
	m := &meta{c: r.w}
	version, err := m.num("file")
	if err != nil {
		return err
	}
	if version > fileVersion {
		return newer("Open")
	}
	if err := r.upgrade(int(version)); err != nil {
		return err
	}
	for _, q := range bookkeeping {
		if err := r.w.exec(q); err != nil {
			return err
		}
	}
	if version != fileVersion { // written anew, even as it was, it would cost the opening a sync of the disk
		if err := m.setNum("file", fileVersion); err != nil {
			return err
		}
	}
	known, err := m.num("book")
	if err != nil {
		return err
	}
	if known < int64(r.book.Version) {
		if err := r.evolve(m, int(known)); err != nil {
			return err
		}
	}
	mended, err := audit(r.w, r.book)
	if err != nil {
		return err
	}
	if err := r.prepareSearch(m); err != nil {
		return err
	}
	if len(mended) == 0 || known != int64(r.book.Version) {
		return nil
	}
	if version == fileVersion { // those of an older program are no news, whatever became of them
		if err := r.notice(Notice{Kind: NoticeTriggers, Text: strings.Join(mended, " ")}); err != nil {
			return err
		}
	}
	return r.quietly(r.heal)
}

// newer is the error for a file that only a newer program understands.
func newer(op string) *syncproto.Error {
	return &syncproto.Error{Code: syncproto.CodeUpgrade, Op: "replica." + op, Message: syncproto.Both("这个数据文件由更新版本的程序写成。", "A newer version of this program wrote the file."),
		Hint: syncproto.Both("请更新程序。", "Update the program.")}
}

// evolve brings the domain tables from a book version to this program's.
func (r *Replica) evolve(m *meta, from int) error {
	var statements []string
	if from == 0 {
		for _, t := range r.book.Tables() {
			statements = append(statements, schema.DDL(schema.SQLite, t)...)
		}
	} else {
		old, err := r.book.At(from)
		if err != nil {
			return fmt.Errorf("replica: the book of version %d: %w", from, err)
		}
		statements = schema.Evolve(schema.SQLite, old, r.book)
		// The rows held may lack what the older book did not know: buckets that differ by it are asked for whole.
		if err := errors.Join(m.set("anew", "1"), m.set("resume", ""), r.w.exec(`DELETE FROM mq_stage`)); err != nil {
			return err
		}
	}
	for _, q := range statements {
		if err := r.w.exec(q); err != nil {
			return err
		}
	}
	return m.setNum("book", int64(r.book.Version))
}

// locked runs fn with the writing connection.
func (r *Replica) locked(ctx context.Context, fn func() error) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
		return fn()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write runs fn in a write transaction during which triggers are silent.
func (r *Replica) write(ctx context.Context, fn func() error) error {
	return r.locked(ctx, func() error {
		return r.w.orNewer(r.w.inTx(func() error {
			return r.quietly(func() error {
				if err := fn(); err != nil {
					return err
				}
				return r.reindex()
			})
		}))
	})
}

// orNewer says of an error what it came of, when a newer program has taken the file on meanwhile: its tables are no longer those that this one knows.
func (c *conn) orNewer(err error) error {
	if codeOf(err) != syncproto.CodeInternal {
		return err
	}
	if version, failed := (&meta{c: c}).num("file"); failed == nil && version > fileVersion {
		told := newer("file")
		told.Err = err
		return told
	}
	return err
}

// quietly runs fn while triggers are silent. What fails is rolled back by the transaction around it, and the guard with it.
func (r *Replica) quietly(fn func() error) error {
	if err := r.w.exec(`DELETE FROM mq_guard`); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	return r.w.exec(`INSERT INTO mq_guard VALUES (1)`)
}

// read runs fn over one snapshot, on a connection of its own: readers do not wait for writers.
func (r *Replica) read(ctx context.Context, fn func(c *conn) error) error {
	var c *conn
	select {
	case c = <-r.idle:
	default:
		var err error
		if c, err = newConn(ctx, r.db.Read, r.book); err != nil {
			return err
		}
	}
	whole := false
	defer func() {
		if whole {
			select {
			case r.idle <- c:
				return
			default:
			}
		}
		_ = c.close() // there are enough, or its caller panics
	}()
	err := c.orNewer(c.inRead(func() error { return fn(c) }))
	whole = true
	return err
}

// meta reads and writes the single values of the file.
type meta struct{ c *conn }

func (m *meta) text(key string) (string, error) {
	var v string
	_, err := m.c.one(`SELECT value FROM mq_meta WHERE key = ?`, []any{key}, &v)
	return v, err
}

func (m *meta) num(key string) (int64, error) {
	v, err := m.text(key)
	if err != nil || v == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, broken("meta", "%s is %q", key, v)
	}
	return n, nil
}

func (m *meta) set(key, value string) error {
	if value == "" {
		return m.c.exec(`DELETE FROM mq_meta WHERE key = ?`, key)
	}
	return m.c.exec(`INSERT INTO mq_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
}

func (m *meta) setNum(key string, n int64) error { return m.set(key, strconv.FormatInt(n, 10)) }

// Device is who a file belongs to.
type Device struct {
	ID     syncproto.DeviceID
	User   syncproto.UserID
	Server string // base URL
	Seed   []byte // of the Ed25519 key, 32 bytes
	Keys   courier.Keys
	Since  int64 // when this device was enrolled, Unix ms by its clock; 0 when the file is older than this was noted
}

// Enrol writes who the file belongs to. One file serves one user: a phone passed on starts a new one.
func (r *Replica) Enrol(ctx context.Context, d Device) error {
	return r.write(ctx, func() error {
		m := &meta{c: r.w}
		user, err := m.text("user")
		if err != nil {
			return err
		}
		if user != "" && user != string(d.User) {
			return invalid("Enrol", "这个文件属于另一位用户，请新建一个。", "The file belongs to another user; start a new one.")
		}
		// The server lost the device (it went back to a time before the enrolment): under the new id everything is pushed again.
		if was, err := m.text("device"); err != nil {
			return err
		} else if was != "" && was != string(d.ID) {
			if _, err := r.sealForeign(); err != nil {
				return err
			}
			if err := r.rename(d); err != nil {
				return err
			}
		}
		if was, err := m.text("device"); err != nil {
			return err
		} else if was != string(d.ID) {
			if err := m.setNum("since", r.opt.Now()); err != nil {
				return err
			}
		}
		next, err := m.num("next")
		if err != nil {
			return err
		}
		if next == 0 {
			next = 1
		}
		return errors.Join(m.set("device", string(d.ID)), m.set("user", string(d.User)), m.set("server", d.Server),
			m.set("seed", base64.StdEncoding.EncodeToString(d.Seed)), m.setNum("next", next), setKeys(m, d.Keys))
	})
}

// LearnKeys keeps the server's keys for what is carried by hand and for what only the server may read.
func (r *Replica) LearnKeys(ctx context.Context, k courier.Keys) error {
	return r.write(ctx, func() error { return setKeys(&meta{c: r.w}, k) })
}

func setKeys(m *meta, k courier.Keys) error {
	if k == (courier.Keys{}) {
		return nil // as last told
	}
	names := ""
	if k.Names {
		names = "1"
	}
	return errors.Join(m.set("recipient", k.Recipient), m.set("receipts", k.Receipts), m.set("names", names))
}

// Device reads who the file belongs to; the zero Device before Enrol.
func (r *Replica) Device(ctx context.Context) (d Device, err error) {
	err = r.read(ctx, func(c *conn) error {
		d, err = device(c)
		return err
	})
	return d, err
}

func device(c *conn) (d Device, err error) {
	m := &meta{c: c}
	get := func(key string) string {
		v, e := m.text(key)
		err = errors.Join(err, e)
		return v
	}
	d.ID, d.User, d.Server = syncproto.DeviceID(get("device")), syncproto.UserID(get("user")), get("server")
	d.Keys = courier.Keys{Recipient: get("recipient"), Receipts: get("receipts"), Names: get("names") != ""}
	seed, e := base64.StdEncoding.DecodeString(get("seed"))
	d.Seed = seed
	err = errors.Join(err, e)
	d.Since, e = m.num("since")
	return d, errors.Join(err, e)
}
