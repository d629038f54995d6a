package store

import (
	"context"
	"database/sql"
	"net/url"

	_ "modernc.org/sqlite" // the SQLite driver
)

// openSQLite opens the one writer and the readers. Pragmas stand in the DSN: sent through a pool they would reach one connection.
func (s *Store) openSQLite(ctx context.Context) error {
	s.dialect = sqliteDialect
	dsn := func(extra ...string) string {
		q := url.Values{"_pragma": append([]string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(0)", "cache_size(-65536)",
			"temp_store(MEMORY)"}, extra...)}
		if s.opt.VFS != "" {
			q.Set("vfs", s.opt.VFS)
		}
		return "file:" + (&url.URL{Path: s.opt.Path}).EscapedPath() + "?" + q.Encode()
	}
	var err error
	if s.writeDB, err = sql.Open("sqlite", dsn()); err != nil {
		return wrap("open", err)
	}
	s.writeDB.SetMaxOpenConns(1)
	if s.db, err = sql.Open("sqlite", dsn("query_only(1)")); err != nil {
		return wrap("open", err)
	}
	s.db.SetMaxOpenConns(s.opt.Readers)
	s.db.SetMaxIdleConns(s.opt.Readers)
	s.pool = newPool(s.db, s.dialect, s.opt.Readers)
	s.writer, err = newSession(ctx, s.writeDB, s.dialect)
	return err
}
