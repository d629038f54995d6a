package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"minqing/internal/sqlitex"
	"minqing/syncproto"
)

// wrap gives a database error its code by the driver's number, never by its text. Errors that have a code already stay.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	var have *syncproto.Error
	if errors.As(err, &have) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	out := &syncproto.Error{Code: syncproto.CodeInternal, Op: "store: " + op, Message: syncproto.Both("数据库出错。", "The database failed."), Err: err}
	switch {
	case isFull(err):
		out.Code, out.Message = syncproto.CodeFull, syncproto.Both("磁盘已满，未保存。", "The disk is full; nothing was saved.")
		out.Hint = syncproto.Both("清理磁盘后重试。", "Free some space and try again.")
	case isBusy(err):
		out.Code, out.Message, out.RetryAfter = syncproto.CodeBusy, syncproto.Both("数据库正忙。", "The database is busy."), 1
		out.Hint = syncproto.Both("稍后重试；SQLite 数据库只能由一个服务打开。", "Try again; one server opens an SQLite file.")
	case isGone(err):
		out.Code, out.Message, out.RetryAfter = syncproto.CodeUnavailable, syncproto.Both("数据库连接中断。", "The database is not reachable."), 2
	}
	return out
}

func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func isFull(err error) bool {
	return sqlitex.IsFull(err) || pgCode(err) == "53100"
}

func isBusy(err error) bool {
	return sqlitex.IsBusy(err) || pgCode(err) == "53300" || pgCode(err) == "55P03"
}

func isGone(err error) bool {
	var connect *pgconn.ConnectError
	code := pgCode(err)
	return errors.As(err, &connect) || (len(code) == 5 && (code[:2] == "08" || code[:3] == "57P"))
}

// lostRace tells that a PostgreSQL transaction may be run again: serialization failure, deadlock, or two that made the same row.
func lostRace(err error) bool {
	code := pgCode(err)
	return code == "40001" || code == "40P01" || code == "23505"
}
