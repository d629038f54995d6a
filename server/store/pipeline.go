package store

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"minqing/syncproto"
)

// On PostgreSQL the way there and back costs more than most statements. So what is written waits, from the beginning of the transaction on,
// for the next question or for the commit, and travels in one go with it. Errors of such statements come late, and end the transaction all
// the same.
//
// Questions of which the answers do not bear on one another can travel together, too: see Ahead.

// queued is a statement that waits.
type queued struct {
	query  string
	args   []any
	answer string // where its rows are kept till somebody asks for them; "": it has none
}

func (tx *Tx) queue(query string, args ...any) {
	tx.queued = append(tx.queued, queued{query: query, args: args})
	tx.outdate(query)
	for _, verb := range [...]string{"CREATE ", "ALTER ", "DROP "} {
		tx.defines = tx.defines || strings.HasPrefix(query, verb)
	}
}

// Ahead names questions that will be asked soon, each as the very call that will ask it, so that PostgreSQL is asked all of them in one go with
// whatever is asked next. During Ahead itself the calls find nothing; asked again, they find what was true when the questions travelled: in a
// Write, what others commit between is not seen, so it is for what locks keep still, or what needs no lock. What the transaction itself writes
// between is seen. SQLite is asked when it is asked.
func (tx *Tx) Ahead(questions ...func() error) error {
	if tx.ses.dialect != postgresDialect {
		return nil
	}
	clear(tx.answers) // nobody came back for them: what he would find is older than he may think
	tx.rehearsing = true
	defer func() { tx.rehearsing = false }()
	for _, ask := range questions {
		if err := ask(); err != nil {
			return err
		}
	}
	return nil
}

// outdate drops the answers that a statement may have made untrue. The tables of the rule book and the grants have triggers, which write elsewhere.
func (tx *Tx) outdate(query string) {
	if len(tx.answers) == 0 || strings.HasPrefix(query, "SELECT pg_") || strings.HasPrefix(query, "SET ") {
		return
	}
	table := writes.FindStringSubmatch(query)
	if table == nil || !strings.HasPrefix(table[1], "mq_") || table[1] == "mq_grant" {
		clear(tx.answers)
		return
	}
	for key := range tx.answers {
		if strings.Contains(key, table[1]) {
			delete(tx.answers, key)
		}
	}
}

var writes = regexp.MustCompile(`^(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)`)

// rehearse queues a question whose rows are kept.
func (tx *Tx) rehearse(query string, args []any) {
	key := answerKey(query, args)
	if _, known := tx.answers[key]; known {
		return
	}
	if tx.answers == nil {
		tx.answers = map[string]*answer{}
	}
	tx.answers[key] = &answer{}
	tx.queued = append(tx.queued, queued{query: query, args: args, answer: key})
}

func answerKey(query string, args []any) string { return query + fmt.Sprintf("%#v", args) }

// answer is the rows of a question that travelled ahead.
type answer struct {
	there  bool
	fields []pgconn.FieldDescription
	rows   [][][]byte
}

func (a *answer) read(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		raw := rows.RawValues()
		row := make([][]byte, len(raw))
		for i := range raw {
			row[i] = slices.Clone(raw[i]) // nil stays nil, which is NULL
			if raw[i] != nil && row[i] == nil {
				row[i] = []byte{}
			}
		}
		a.rows = append(a.rows, row)
	}
	a.there, a.fields = true, slices.Clone(rows.FieldDescriptions())
	return rows.Err()
}

// replay gives the rows of a question that travelled ahead, once; ok is false when it did not.
func (tx *Tx) replay(f func(scan func(dest ...any) error) error, query string, args []any) (ok bool, err error) {
	if len(tx.answers) == 0 {
		return false, nil
	}
	key := answerKey(query, args)
	a := tx.answers[key]
	if a == nil {
		return false, nil
	}
	if !a.there {
		if err := tx.send(); err != nil {
			return true, err
		}
	}
	delete(tx.answers, key)
	return true, tx.onConn(func(c *pgx.Conn) error {
		for _, row := range a.rows {
			if err := f(func(dest ...any) error { return pgx.ScanRow(c.TypeMap(), a.fields, row, dest...) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// Aside lets what waits go while its caller works on. Whatever is asked next, and the commit, waits for it and hears of its errors.
func (tx *Tx) Aside() {
	if tx.aside != nil || tx.defines || len(tx.queued) == 0 || slices.ContainsFunc(tx.queued, func(q queued) bool { return q.answer != "" }) {
		return
	}
	ahead := tx.queued
	tx.queued, tx.sent = nil, true
	aside := make(chan error, 1)
	tx.aside = aside
	go func() { aside <- tx.carry(ahead, "", nil, nil) }()
}

// back waits for what went aside.
func (tx *Tx) back() error {
	if tx.aside == nil {
		return nil
	}
	err := <-tx.aside
	tx.aside = nil
	return err
}

const commit = "COMMIT"

// send lets the queued statements go, in one round trip.
func (tx *Tx) send() error {
	if len(tx.queued) == 0 {
		return tx.back()
	}
	return tx.ask("", nil, nil)
}

// ask sends what is queued and one statement more, whose answer is read by read; "" is none.
func (tx *Tx) ask(query string, args []any, read func(pgx.BatchResults) error) error {
	if err := tx.back(); err != nil {
		return err
	}
	if tx.defines && query != "" { // a statement is parsed before those ahead of it have run
		if err := tx.send(); err != nil {
			return err
		}
	}
	ahead := tx.queued
	tx.queued, tx.sent, tx.defines = nil, true, false
	return tx.carry(ahead, query, args, read)
}

// carry is one way there and back.
func (tx *Tx) carry(ahead []queued, query string, args []any, read func(pgx.BatchResults) error) error {
	batch := &pgx.Batch{}
	for _, q := range ahead {
		batch.Queue(postgresDialect.rewrite(q.query), q.args...)
	}
	if query != "" {
		batch.Queue(postgresDialect.rewrite(query), args...)
	}
	return tx.onConn(func(c *pgx.Conn) error {
		results := c.SendBatch(tx.stmtContext(), batch)
		for _, q := range ahead {
			if err := tx.taken(q, results); err != nil {
				_ = results.Close() // it says the same again
				return wrap(q.query, err)
			}
		}
		if read != nil {
			if err := read(results); err != nil {
				_ = results.Close()
				return err
			}
		}
		return wrap(query, results.Close())
	})
}

// taken reads what became of a queued statement.
func (tx *Tx) taken(q queued, results pgx.BatchResults) error {
	if q.answer != "" {
		a := tx.answers[q.answer]
		if a == nil { // outdated on the way
			a = &answer{}
		}
		return a.read(results)
	}
	tag, err := results.Exec()
	if err == nil && q.query == commit && tag.String() == "ROLLBACK" {
		err = &pgconn.PgError{Code: "25P02", Message: "a statement failed before, and nobody said so"}
	}
	return err
}

func (tx *Tx) onConn(do func(*pgx.Conn) error) error {
	return tx.ses.conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return &syncproto.Error{Code: syncproto.CodeInternal, Op: "store: ask", Err: errors.New("not a connection to PostgreSQL")}
		}
		return do(c.Conn())
	})
}
