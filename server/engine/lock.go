package engine

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the lock is an SQLite one

	"minqing/syncproto"
)

// lockName lies in the data folder as long as the folder exists; only who holds it matters, never that it is there.
const lockName = "minqing.lock"

// folderLock keeps a second process out of a data folder. It is the exclusive lock of an empty SQLite database: that works on every
// system, and the system itself drops it when its holder dies.
type folderLock struct {
	db   *sql.DB
	conn *sql.Conn
}

// How long an opening waits for the folder: a command that is just ending lets the next one in.
const (
	lockTries = 100
	lockPause = 100 * time.Millisecond
)

func lockFolder(ctx context.Context, dir string) (*folderLock, error) {
	q := url.Values{"_pragma": {"busy_timeout(0)", "journal_mode(DELETE)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(filepath.Join(dir, lockName))}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, folderTaken(dir, err)
	}
	db.SetMaxOpenConns(1)
	for try := 1; ; try++ {
		conn, err := beginExclusive(ctx, db)
		if err == nil {
			return &folderLock{db, conn}, nil
		}
		if try == lockTries || !pause(ctx) {
			return nil, errors.Join(folderTaken(dir, err), db.Close())
		}
	}
}

func beginExclusive(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// pause waits for the next try; it gives false when ctx ends meanwhile.
func pause(ctx context.Context) bool {
	t := time.NewTimer(lockPause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func folderTaken(dir string, cause error) error {
	return &syncproto.Error{Code: syncproto.CodeBusy, Op: "lock " + dir, Message: syncproto.Both("这个数据文件夹正被另一个民情通程序使用："+dir+"。", "Another program of Minqing has this data folder open."),
		Hint: syncproto.Both("等它结束，或者换一个 --data 文件夹。", "Wait until it ends, or use another --data folder."), RetryAfter: 1, Err: cause}
}

func (l *folderLock) release() error {
	return errors.Join(l.conn.Close(), l.db.Close())
}
