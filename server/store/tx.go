package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"minqing/schema"
	"minqing/syncproto"
)

// Tx is a transaction of Write, or the snapshot of Read. It is used by one goroutine at a time and is gone when the function
// given to Write or Read returns.
type Tx struct {
	s          *Store
	ses        *session
	ctx        context.Context
	now        int64
	write      bool
	queued     []queued
	defines    bool               // tables are among what is queued
	answers    map[string]*answer // PostgreSQL: of questions that travel ahead
	rehearsing bool               // only noting what will be asked
	aside      chan error         // PostgreSQL: of what travels while the caller works on, nil when nothing does
	sent       bool               // something of it reached the database; on SQLite: something was written, or tried to be
	after      []func()
	touched    map[string]bool
	by         syncproto.DeviceID
	epoch      Epoch
	streams    map[string]*StreamState // locked, with what this transaction added
	moved      map[string]bool
}

// Now is the server time of the transaction, Unix ms: one value from its first statement to its last.
func (tx *Tx) Now() int64 { return tx.now }

// Book is the rule book of the store.
func (tx *Tx) Book() *schema.Book { return tx.s.opt.Book }

// Context is the context that Write or Read was called with.
func (tx *Tx) Context() context.Context { return tx.ctx }

// NewID makes a UUIDv7 from the transaction's time and the store's randomness.
func (tx *Tx) NewID() (string, error) { return tx.s.newID(tx.now) }

// Random fills b from the store's randomness.
func (tx *Tx) Random(b []byte) error { return tx.s.random(b) }

// AfterCommit runs f once the transaction is durable, before Write returns; never after a rollback.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Touch says that a scope has something new: Options.Touched hears of it after the commit.
func (tx *Tx) Touch(scope string) {
	if tx.touched == nil {
		tx.touched = map[string]bool{}
	}
	tx.touched[scope] = true
}

// By says that the transaction is part of a device's sync, which goes on to read what is true after it: Options.Touched hears of it with
// the scopes.
func (tx *Tx) By(device syncproto.DeviceID) { tx.by = device }

// Exec runs a statement written with ? and “= ANY(?)” (see dialect).
func (tx *Tx) Exec(query string, args ...any) error {
	if !tx.write {
		return &syncproto.Error{Code: syncproto.CodeInternal, Op: "store.Exec", Err: errors.New("a read transaction does not write")}
	}
	if tx.ses.dialect == postgresDialect {
		tx.queue(query, args...)
		return nil
	}
	tx.sent = true
	_, err := tx.ses.exec(tx.stmtContext(), query, args...)
	return wrap(query, err)
}

// Affected is Exec that tells how many rows were touched.
func (tx *Tx) Affected(query string, args ...any) (n int64, err error) {
	if tx.ses.dialect == postgresDialect {
		err = tx.ask(query, args, func(results pgx.BatchResults) error {
			tag, err := results.Exec()
			n = tag.RowsAffected()
			return wrap(query, err)
		})
		return n, err
	}
	tx.sent = true
	res, err := tx.ses.exec(tx.stmtContext(), query, args...)
	if err != nil {
		return 0, wrap(query, err)
	}
	n, err = res.RowsAffected()
	return n, wrap(query, err)
}

// Each runs a query and calls f for every row. f asks nothing of the transaction.
func (tx *Tx) Each(f func(scan func(dest ...any) error) error, query string, args ...any) error {
	if tx.rehearsing {
		tx.rehearse(query, args)
		return nil
	}
	if ok, err := tx.replay(f, query, args); ok {
		return err
	}
	if tx.ses.dialect == postgresDialect {
		return tx.ask(query, args, func(results pgx.BatchResults) error {
			rows, err := results.Query()
			if err != nil {
				return wrap(query, err)
			}
			defer rows.Close()
			for rows.Next() {
				if err := f(rows.Scan); err != nil {
					return err
				}
			}
			return wrap(query, rows.Err())
		})
	}
	rows, err := tx.ses.query(tx.stmtContext(), query, args...)
	if err != nil {
		return wrap(query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return wrap(query, rows.Err())
}

var errFirst = errors.New("the first row is enough")

// One scans the first row of a query; found is false when there is none.
func (tx *Tx) One(query string, args []any, dest ...any) (found bool, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		if err := scan(dest...); err != nil {
			return wrap(query, err)
		}
		found = true
		return errFirst
	}, query, args...)
	if errors.Is(err, errFirst) {
		err = nil
	}
	return found && err == nil, err
}

// stmtContext is what statements run under. SQLite gets no cancellation: a watcher goroutine for each statement costs more than
// the statement, and an interrupted writer would take the transactions that share its commit along. PostgreSQL gets the caller's.
func (tx *Tx) stmtContext() context.Context {
	if tx.ses.dialect == sqliteDialect {
		return context.WithoutCancel(tx.ctx)
	}
	return tx.ctx
}

// insertMany inserts rows by one statement shape: several rows to a prepared statement on SQLite, arrays unnested on
// PostgreSQL. types are text, bigint or bytea; conflict is the tail of the statement (“ON CONFLICT …”).
func (tx *Tx) insertMany(table, columns, types, conflict string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	names, kinds := strings.Split(columns, ","), strings.Split(types, ",")
	if len(names) != len(kinds) {
		return fmt.Errorf("store: insert into %s: %d columns, %d types", table, len(names), len(kinds))
	}
	if tx.ses.dialect == sqliteDialect {
		return tx.insertSQLite(insertion{table: table, columns: columns, conflict: conflict}, rows)
	}
	var q strings.Builder
	q.WriteString("INSERT INTO " + table + " (" + columns + ") SELECT * FROM unnest(")
	args := make([]any, len(names))
	for i, kind := range kinds {
		if i > 0 {
			q.WriteString(",")
		}
		q.WriteString("?::" + kind + "[]")
		args[i] = column(kind, i, rows)
	}
	q.WriteString(") " + conflict)
	return tx.Exec(q.String(), args...)
}

// column gathers one column of rows as the array type of its kind. Pointers, which pgx encodes slowly, only where there are nulls.
func column(kind string, i int, rows [][]any) any {
	switch kind {
	case "bigint":
		return gather[int64](i, rows)
	case "bytea":
		out := make([][]byte, len(rows))
		for j, r := range rows {
			out[j] = r[i].([]byte)
		}
		return out
	default:
		return gather[string](i, rows)
	}
}

func gather[T any](i int, rows [][]any) any {
	plain := make([]T, len(rows))
	for j, r := range rows {
		v, ok := r[i].(T)
		if !ok {
			return gatherNulls[T](i, rows)
		}
		plain[j] = v
	}
	return plain
}

func gatherNulls[T any](i int, rows [][]any) any {
	out := make([]*T, len(rows))
	for j, r := range rows {
		if v, ok := r[i].(T); ok {
			out[j] = &v
		}
	}
	return out
}
