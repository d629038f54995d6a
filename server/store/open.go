package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"minqing/internal/sqlitex"
	"minqing/internal/sqlitex/vfs"
	"minqing/schema"
	"minqing/syncproto"
)

// Options say where the data lies and what the store may not find out by itself.
type Options struct {
	Path string       // the SQLite file, when DSN is empty
	DSN  string       // postgres://… : PostgreSQL instead of SQLite
	Book *schema.Book // the rule book of this build
	Now  func() int64 // the wall clock, Unix ms
	Rand io.Reader    // identifiers and salts come from it
	Log  *slog.Logger // nil: nothing is logged
	FS   vfs.VFS      // where an SQLite file lies (the simulator's disk); nil: the operating system's file system
	// BusyTimeout is how long to wait for a lock on an SQLite file; 0: five seconds.
	BusyTimeout time.Duration
	// Touched hears, after each commit, of scopes with something new, and whose sync brought it (see Tx.By; "": nobody's); on PostgreSQL of
	// those of other processes too. It must not block.
	Touched func(scopes []string, by syncproto.DeviceID)
	// Readers bounds the read transactions open at once, Writers the write transactions on PostgreSQL (SQLite has one); 0 means 16
	// and 8.
	Readers, Writers int
}

// Store is an open database.
type Store struct {
	opt     Options
	dialect dialect
	db      *sql.DB // PostgreSQL: everything; SQLite: the readers
	pool    *pool
	writers *pool // PostgreSQL

	file *sqlitex.DB // SQLite
	// SQLite: the one writer, those who wait for it, and the turn to use it.
	writeDB *sql.DB
	writer  *session
	queueMu sync.Mutex
	queue   []*job
	turn    chan struct{}
	// Whoever writes the log into the file beside the writer: at most one, and not while Shred empties the log.
	tidying       sync.WaitGroup
	shortening    atomic.Bool
	checkpointing sync.Mutex

	mu       sync.Mutex
	lastNow  int64
	pending  map[*Tx]int64 // times given out by Later in transactions not yet committed
	epoch    Epoch
	known    map[string]StreamState // the newest head this process committed, stream by stream
	randMu   sync.Mutex
	stopNews func()
	closed   sync.Once
	ready    readiness
}

// Open opens or makes the database, brings its tables to the rule book's version, and on SQLite mints an epoch.
func Open(ctx context.Context, opt Options) (*Store, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Readers == 0 {
		opt.Readers = 16
	}
	if opt.Writers == 0 {
		opt.Writers = 8
	}
	s := &Store{opt: opt, turn: make(chan struct{}, 1), known: map[string]StreamState{},
		pending: map[*Tx]int64{}}
	var err error
	if opt.DSN != "" {
		err = s.openPostgres(ctx)
	} else {
		err = s.openSQLite(ctx)
	}
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) openPostgres(ctx context.Context) error {
	if !strings.HasPrefix(s.opt.DSN, "postgres://") && !strings.HasPrefix(s.opt.DSN, "postgresql://") {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "store.Open",
			Message: syncproto.Both("数据库地址无效。", "Not a database address."), Hint: syncproto.Both("写成 postgres://user@host:port/database 的样子。", "Write it like postgres://user@host:port/database.")}
	}
	cfg, err := pgx.ParseConfig(s.opt.DSN)
	if err != nil {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "store.Open", Message: syncproto.Both("数据库地址无效。", "Not a database address."), Err: err}
	}
	cfg.RuntimeParams["jit"] = "off" // our questions are small; compiling one costs more than answering it
	// They are look-ups by key, too. A plan that was made while a table was small reads it from end to end, and a connection keeps it while
	// the table grows.
	cfg.RuntimeParams["enable_seqscan"] = "off"
	cfg.RuntimeParams["plan_cache_mode"] = planKept
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(s.opt.Readers + s.opt.Writers + 1)
	db.SetMaxIdleConns(s.opt.Readers + s.opt.Writers + 1)
	s.db, s.dialect = db, postgresDialect
	s.pool, s.writers = newPool(db, s.dialect, s.opt.Readers), newPool(db, s.dialect, s.opt.Writers)
	return wrap("connect", db.PingContext(ctx))
}

// prepare brings an open database to what the rest of the store expects.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.Write(ctx, s.openEpoch); err != nil {
		return err
	}
	if err := s.Shred(ctx); err != nil {
		s.opt.Log.Warn("erased words may still lie in free space", "error", err)
	}
	return s.listen(ctx)
}

// Close closes the database; transactions under way should have ended. Closing twice is closing once.
func (s *Store) Close() error {
	var err error
	s.closed.Do(func() { err = s.close() })
	return err
}

func (s *Store) close() error {
	var errs []error
	if s.stopNews != nil {
		s.stopNews()
	}
	s.tidying.Wait()
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	for _, p := range []*pool{s.pool, s.writers} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	switch {
	case s.file != nil:
		errs = append(errs, s.file.Close())
	case s.db != nil:
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// Book is the rule book the store was opened with.
func (s *Store) Book() *schema.Book { return s.opt.Book }

// Postgres tells which of the two databases this is.
func (s *Store) Postgres() bool { return s.dialect == postgresDialect }

// Now is the server's time in Unix ms: the wall clock, but never earlier than a time already handed out or written.
func (s *Store) Now() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastNow = max(s.lastNow, s.opt.Now())
	return s.lastNow
}

// readNow is the time of a snapshot: before whatever a transaction under way will have made true by Later, which the snapshot may
// not show.
func (s *Store) readNow() int64 {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.pending {
		now = min(now, at-1)
	}
	return now
}

// Later is a moment after every time handed out so far in this process: from it on, what the transaction changes holds. Whoever holds
// an earlier time was shown the state before.
func (tx *Tx) Later() int64 {
	tx.s.mu.Lock()
	defer tx.s.mu.Unlock()
	tx.s.lastNow = max(tx.s.lastNow, tx.s.opt.Now(), tx.now) + 1
	tx.now = tx.s.lastNow
	if _, have := tx.s.pending[tx]; !have {
		tx.s.pending[tx] = tx.now
	}
	return tx.now
}

// ended forgets what Later promised.
func (s *Store) ended(tx *Tx) {
	if tx == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, tx)
}

// notBefore keeps Now from going back behind what another process wrote.
func (s *Store) notBefore(ms int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastNow = max(s.lastNow, ms)
}

// newID makes a UUIDv7 of a server time and the store's randomness.
func (s *Store) newID(ms int64) (string, error) {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	id, err := syncproto.NewID(ms, s.opt.Rand)
	return id, wrap("new id", err)
}

func (s *Store) random(b []byte) error {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	_, err := io.ReadFull(s.opt.Rand, b)
	return wrap("random", err)
}
