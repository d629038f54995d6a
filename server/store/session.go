package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
)

// session is one connection and its prepared statements. SQLite profits from statements kept (a prepare costs as much as a
// point read); pgx keeps its own per connection.
type session struct {
	conn    *sql.Conn
	dialect dialect
	stmts   map[string]*sql.Stmt
	// The texts of inserts, and which columns those of a kind share; SQLite only.
	inserts  map[insertion]string
	sharings map[insertion][]uint64
}

// maxStmts bounds the statements a session keeps: there are about two hundred in all, so reaching it means that somebody builds
// queries from data.
const maxStmts = 1000

func newSession(ctx context.Context, db *sql.DB, d dialect) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, wrap("connect", err)
	}
	return &session{conn: conn, dialect: d, stmts: map[string]*sql.Stmt{}, inserts: map[insertion]string{}, sharings: map[insertion][]uint64{}}, nil
}

// discard ends the connection itself. Closing it would only give it back to database/sql, perhaps amid a transaction, whose locks it would
// hold until somebody happened to be given it again. Its statements go first: to finalize one of a connection that is gone is a fault in
// the driver.
func (s *session) discard() {
	s.forget()
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // that is what it is for
	_ = s.conn.Close()                                           // it is gone already
}

// forget lets the statements go, unless the connection went before them.
func (s *session) forget() {
	if s.conn.Raw(func(any) error { return nil }) == nil {
		for _, st := range s.stmts {
			_ = st.Close() // what a broken connection says of it does not matter
		}
	}
	clear(s.stmts)
}

func (s *session) close() error {
	s.forget()
	return s.conn.Close()
}

// statement gives the prepared form of a rewritten query, nil where the driver prepares by itself.
func (s *session) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if s.dialect != sqliteDialect {
		return nil, nil
	}
	if st := s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(s.stmts) >= maxStmts {
		for q, old := range s.stmts {
			_ = old.Close()
			delete(s.stmts, q)
		}
	}
	s.stmts[query] = st
	return st, nil
}

func (s *session) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	q := s.dialect.rewrite(query)
	args = s.dialect.args(args)
	st, err := s.statement(ctx, q)
	if err != nil {
		return nil, err
	}
	if st != nil {
		return st.ExecContext(ctx, args...)
	}
	return s.conn.ExecContext(ctx, q, args...)
}

func (s *session) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	q := s.dialect.rewrite(query)
	args = s.dialect.args(args)
	st, err := s.statement(ctx, q)
	if err != nil {
		return nil, err
	}
	if st != nil {
		return st.QueryContext(ctx, args...)
	}
	return s.conn.QueryContext(ctx, q, args...)
}

// pool hands out sessions; it keeps those given back, so that their statements live on.
type pool struct {
	db      *sql.DB
	dialect dialect
	mu      sync.Mutex
	idle    []*session
	slots   chan struct{}
}

func newPool(db *sql.DB, d dialect, size int) *pool {
	return &pool{db: db, dialect: d, slots: make(chan struct{}, size)}
}

func (p *pool) get(ctx context.Context) (*session, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	s, err := newSession(ctx, p.db, p.dialect)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return s, nil
}

// put gives a session back; broken ones are closed.
func (p *pool) put(s *session, broken bool) {
	if broken {
		s.discard()
	} else {
		p.mu.Lock()
		p.idle = append(p.idle, s)
		p.mu.Unlock()
	}
	<-p.slots
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var first error
	for _, s := range p.idle {
		if err := s.close(); err != nil && first == nil {
			first = err
		}
	}
	p.idle = nil
	return first
}
