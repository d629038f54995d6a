package store

import (
	"context"
	"fmt"

	"minqing/internal/sqlitex"
	"minqing/syncproto"
)

// serverCache is the page cache of the writer and of each reader, in KiB: a server has memory to spare where a phone has not.
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
		"wal_autocheckpoint = 4000",
	} {
		if _, err := s.writer.exec(ctx, "PRAGMA "+pragma); err != nil {
			return wrap("open", err)
		}
	}
	return nil
}
