package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"minqing/internal/sqlitex"
	"minqing/syncproto"
)

// serverCache is the writer's page cache, in KiB: a server has memory to spare where a phone has not. Readers keep the small one: in WAL mode each
// commit by another connection empties it.
const serverCache = 32 << 10

// openSQLite opens the one writer and the readers.
func (s *Store) openSQLite(ctx context.Context) error {
	s.dialect = sqliteDialect
	file, err := sqlitex.Open(sqlitex.Options{Path: s.opt.Path, FS: s.opt.FS, Readers: s.opt.Readers, BusyTimeout: s.opt.BusyTimeout})
	if err != nil {
		if sqlitex.IsBusy(err) {
			return wrap("open", err)
		}
		return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: fmt.Sprintf("store.Open %s", s.opt.Path), Message: syncproto.Both("数据库打不开。", "The database does not open."),
			Hint: syncproto.Both("检查路径与权限。", "Check the path and its permissions."), Err: err}
	}
	s.file, s.writeDB, s.db = file, file.Write, file.Read
	s.pool = newPool(s.db, s.dialect, s.opt.Readers)
	if s.writer, err = newSession(ctx, s.writeDB, s.dialect); err != nil {
		return err
	}
	for _, pragma := range []string{
		fmt.Sprintf("cache_size = -%d", serverCache),
		"temp_store = MEMORY",
		"wal_autocheckpoint = 0", // see leave
	} {
		if _, err := s.writer.exec(ctx, "PRAGMA "+pragma); err != nil {
			return wrap("open", err)
		}
	}
	return nil
}

// longLog is from how many pages on the log is written into the file: 16 MB.
const longLog = 4000

// leave gives the writer's turn back. When the log has grown long, what it holds goes into the file. SQLite would do so by itself within
// the commit that made it long, and whoever waits for that commit would wait for all that others wrote since the last time, too.
func (s *Store) leave() {
	long, err := s.logIsLong()
	if err != nil {
		s.opt.Log.Warn("how long the log of the database is cannot be told", "error", err)
	}
	if s.opt.FS != nil { // the simulator's disk, where there is one goroutine
		if long {
			s.shortenLog(s.writer)
		}
		<-s.turn
		return
	}
	<-s.turn
	if long && s.shortening.CompareAndSwap(false, true) {
		s.tidying.Go(func() {
			defer s.shortening.Store(false)
			s.shortenBeside()
			// What came meanwhile is little. Once all is in the file, the log begins anew, so nobody must write now.
			s.turn <- struct{}{}
			s.shortenLog(s.writer)
			<-s.turn
		})
	}
}

func (s *Store) logIsLong() (bool, error) {
	log, done, err := checkpoint(s.writer, "NOOP")
	return log >= longLog && done < log, err
}

// shortenBeside is shortenLog while others write.
func (s *Store) shortenBeside() {
	s.checkpointing.Lock()
	defer s.checkpointing.Unlock()
	ses, err := s.pool.get(context.Background())
	if err != nil {
		s.opt.Log.Warn("the log of the database stays long", "error", err)
		return
	}
	s.pool.put(ses, !s.shortenLog(ses))
}

// shortenLog writes into the file what no reader needs in the log any more. What is left, or failed, is for the next time: the log has it all.
func (s *Store) shortenLog(ses *session) bool {
	_, _, err := checkpoint(ses, "PASSIVE")
	if err != nil {
		s.opt.Log.Warn("the log of the database stays long", "error", err)
	}
	return err == nil
}

// checkpoint runs one of SQLite's and tells how many pages the log has, and how many of them are in the file.
func checkpoint(ses *session, mode string) (log, done int64, err error) {
	rows, err := ses.query(context.Background(), "PRAGMA wal_checkpoint("+mode+")")
	if err != nil {
		return 0, 0, wrap("checkpoint", err)
	}
	defer rows.Close()
	if !rows.Next() {
		return 0, 0, wrap("checkpoint", errors.Join(rows.Err(), sql.ErrNoRows))
	}
	var busy bool // somebody else was at it
	err = rows.Scan(&busy, &log, &done)
	return log, done, wrap("checkpoint", err)
}
