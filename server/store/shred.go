package store

import (
	"context"
	"database/sql"
	"errors"

	"minqing/syncproto"
)

// metaShred is the key of mq_meta that says that erased words may still lie in free space.
const metaShred = "shred"

// Shred writes the database anew when something was erased since the last time: what a row held stays in free pages and in the log
// until they are used again. It stops all writers meanwhile, on a large database for minutes. What it could not finish, because somebody
// reads all the time or the disk is too full for a second copy, it says, and does at the next opening or erasure. The write-ahead log of
// PostgreSQL, like every backup, keeps what it had until it is dropped.
func (s *Store) Shred(ctx context.Context) error {
	var due string
	err := s.Read(ctx, func(tx *Tx) (err error) {
		due, err = tx.Meta(metaShred)
		return err
	})
	if err != nil || due == "" {
		return err
	}
	if s.Postgres() {
		err = s.shredPostgres(ctx)
	} else {
		err = s.shredSQLite(ctx)
	}
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error { return tx.SetMeta(metaShred, "") })
}

// shredPostgres rewrites every table, with its indexes.
func (s *Store) shredPostgres(ctx context.Context) error {
	var tables []string
	err := s.Read(ctx, func(tx *Tx) error {
		return tx.Each(func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			tables = append(tables, name)
			return err
		}, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename")
	})
	for _, t := range tables {
		if err == nil {
			_, err = s.db.ExecContext(ctx, "VACUUM FULL "+t)
		}
	}
	return wrap("shred", err)
}

// shredSQLite rewrites the file and cuts the log to nothing, with the writer's turn held.
func (s *Store) shredSQLite(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
		s.checkpointing.Lock()
		defer s.checkpointing.Unlock()
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := s.writer.exec(ctx, "VACUUM"); err != nil {
		return wrap("shred", err)
	}
	var busy, log, done int
	if err := s.writer.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return wrap("shred", err)
	}
	if busy != 0 {
		return &syncproto.Error{Code: syncproto.CodeBusy, Op: "store.Shred", RetryAfter: 60,
			Message: syncproto.Both("已经抹除，但旧的页还在文件里：一直有人在读。", "Erased, but old pages are still in the file: somebody reads all the time."),
			Hint:    syncproto.Both("空闲时重启服务，会接着清。", "Restart the server when it is quiet; it goes on then.")}
	}
	return nil
}
