package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"

	"minqing/internal/sqlitex"
	"minqing/schema"
	"minqing/syncproto"
)

// conn is one connection and its prepared statements: preparing costs as much as a point read, and an apply asks thousands of
// times.
type conn struct {
	c     *sql.Conn
	book  *schema.Book
	stmts map[string]*sql.Stmt
	texts map[textKey]string
}

// textKey names a statement made from a table: making its text costs as much as running it.
type textKey struct {
	t    *schema.Table
	kind string
	rows int
}

// text gives the statement of a kind for a table, made once.
func (c *conn) text(t *schema.Table, kind string, rows int, make func() string) string {
	k := textKey{t, kind, rows}
	s, ok := c.texts[k]
	if !ok {
		s = make()
		c.texts[k] = s
	}
	return s
}

// upsert is schema's with its numbered parameters, which stand in order, made plain: the driver looks every numbered one up by name,
// along the whole list of them.
func (c *conn) upsert(t *schema.Table, rows int) string {
	return c.text(t, "upsert", rows, func() string { return numbered.ReplaceAllString(schema.SQLite.Upsert(t, rows), "?") })
}

var numbered = regexp.MustCompile(`\?[0-9]+`)

// maxStmts bounds the statements kept: a book of 60 tables needs about 500, so reaching it means that somebody builds queries from
// data.
const maxStmts = 2000

func newConn(ctx context.Context, db *sql.DB, book *schema.Book) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, wrap("connect", err)
	}
	return &conn{c: c, book: book, stmts: map[string]*sql.Stmt{}, texts: map[textKey]string{}}, nil
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		_ = s.Close() // the connection goes with it
	}
	return c.c.Close()
}

// prepared gives the statement of a query. Statements run without the caller's context: watching it costs a goroutine a
// statement, more than most statements do; the caller looks at it between them.
func (c *conn) prepared(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, wrap(query, err)
	}
	if len(c.stmts) >= maxStmts {
		for q, old := range c.stmts {
			_ = old.Close()
			delete(c.stmts, q)
		}
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) error {
	s, err := c.prepared(query)
	if err != nil {
		return err
	}
	if _, err := s.ExecContext(context.Background(), args...); err != nil {
		return wrap(query, err)
	}
	return nil
}

// count is exec that tells how many rows were touched.
func (c *conn) count(query string, args ...any) (int64, error) {
	s, err := c.prepared(query)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, wrap(query, err)
	}
	n, err := res.RowsAffected()
	return n, wrap(query, err)
}

// insert is exec that tells the rowid of the row made.
func (c *conn) insert(query string, args ...any) (int64, error) {
	s, err := c.prepared(query)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, wrap(query, err)
	}
	id, err := res.LastInsertId()
	return id, wrap(query, err)
}

// each runs a query and calls f for every row; dest goes to Scan before each call.
func (c *conn) each(query string, args []any, dest []any, f func() error) error {
	s, err := c.prepared(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return wrap(query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return wrap(query, err)
		}
		if err := f(); err != nil {
			return err
		}
	}
	return wrap(query, rows.Err())
}

// one scans the first row of a query; found is false when there is none.
func (c *conn) one(query string, args []any, dest ...any) (found bool, err error) {
	s, err := c.prepared(query)
	if err != nil {
		return false, err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return false, wrap(query, err)
	}
	defer rows.Close()
	if !rows.Next() {
		return false, wrap(query, rows.Err())
	}
	if err := rows.Scan(dest...); err != nil {
		return false, wrap(query, err)
	}
	return true, nil
}

// inTx runs fn in a write transaction of the connection.
func (c *conn) inTx(fn func() error) (err error) {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done { // an error, or a panic on its way up
			if rollback := c.exec("ROLLBACK"); rollback != nil && err == nil {
				err = rollback
			}
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if err := c.exec("COMMIT"); err != nil {
		return err
	}
	done = true
	return nil
}

// inRead runs fn over one snapshot.
func (c *conn) inRead(fn func() error) (err error) {
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	defer func() {
		if rollback := c.exec("ROLLBACK"); rollback != nil && err == nil {
			err = rollback
		}
	}()
	return fn()
}

// wrap gives an error of the database its code and words. It leaves nil and errors that have them alone.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *syncproto.Error
	if errors.As(err, &known) {
		return err
	}
	out := &syncproto.Error{Code: syncproto.CodeInternal, Op: "replica: " + op, Err: err,
		Message: syncproto.Both("本机数据文件出错。", "The file on this device gave an error."), Hint: syncproto.Both("请把这句话告诉管理员。", "Tell your administrator.")}
	switch {
	case sqlitex.IsFull(err):
		out.Code, out.Message, out.Hint = syncproto.CodeFull, syncproto.Both("手机存储空间满了。", "The disk is full."), syncproto.Both("请腾出空间再试。", "Make room and try again.")
	case sqlitex.IsBusy(err):
		out.Code, out.Message, out.Hint = syncproto.CodeBusy, syncproto.Both("另一个程序正在写这个文件。", "Another program is writing to this file."), syncproto.Both("请稍后再试。", "Try again shortly.")
	case errors.Is(err, sqlitex.ErrWrongKey):
		out.Code, out.Message, out.Hint = syncproto.CodeInvalid, syncproto.Both("数据文件打不开：密钥不对，或文件不是本程序的数据库。", "The file does not open: the key is not its own, or it is no database."), syncproto.Both("请核对路径和密钥。", "Check the path and the key.")
	}
	return out
}

// invalid is the error for input that breaks a rule.
func invalid(op, zh, en string, args ...any) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "replica." + op, Message: syncproto.Both(fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...))}
}

// broken is the error for a file that does not hold what it must.
func broken(op, format string, args ...any) error {
	return &syncproto.Error{Code: syncproto.CodeInternal, Op: "replica." + op, Err: fmt.Errorf(format, args...),
		Message: syncproto.Both("本机数据文件内部不一致。", "The file on this device contradicts itself."), Hint: syncproto.Both("请把这句话告诉管理员。", "Tell your administrator.")}
}

func codeOf(err error) syncproto.Code {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
