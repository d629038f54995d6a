package store

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"minqing/syncproto"
)

// On PostgreSQL the way there and back costs more than most statements. So what is written waits, from the beginning of the transaction on,
// for the next question or for the commit, and travels in one go with it. Errors of such statements come late, and end the transaction all
// the same.

// queued is a statement that waits.
type queued struct {
	query string
	args  []any
}

func (tx *Tx) queue(query string, args ...any) {
	tx.queued = append(tx.queued, queued{query, args})
	for _, verb := range [...]string{"CREATE ", "ALTER ", "DROP "} {
		tx.defines = tx.defines || strings.HasPrefix(query, verb)
	}
}

// send lets the queued statements go, in one round trip.
func (tx *Tx) send() error {
	if len(tx.queued) == 0 {
		return nil
	}
	last := tx.queued[len(tx.queued)-1]
	tx.queued = tx.queued[:len(tx.queued)-1]
	tx.defines = false
	return tx.ask(last.query, last.args, func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		if err == nil && last.query == commit && tag.String() == "ROLLBACK" {
			err = &pgconn.PgError{Code: "25P02", Message: "a statement failed before, and nobody said so"}
		}
		return wrap(last.query, err)
	})
}

const commit = "COMMIT"

// ask sends what is queued and one statement more, whose answer is read by read.
func (tx *Tx) ask(query string, args []any, read func(pgx.BatchResults) error) error {
	if tx.defines { // a statement is parsed before those ahead of it have run
		if err := tx.send(); err != nil {
			return err
		}
	}
	batch := &pgx.Batch{}
	for _, q := range tx.queued {
		batch.Queue(postgresDialect.rewrite(q.query), q.args...)
	}
	batch.Queue(postgresDialect.rewrite(query), args...)
	ahead := tx.queued
	tx.queued, tx.sent = nil, true
	return tx.ses.conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return &syncproto.Error{Code: syncproto.CodeInternal, Op: "store: ask", Err: errors.New("not a connection to PostgreSQL")}
		}
		results := c.Conn().SendBatch(tx.stmtContext(), batch)
		for _, q := range ahead {
			if _, err := results.Exec(); err != nil {
				_ = results.Close() // it says the same again
				return wrap(q.query, err)
			}
		}
		if err := read(results); err != nil {
			_ = results.Close()
			return err
		}
		return wrap(query, results.Close())
	})
}
