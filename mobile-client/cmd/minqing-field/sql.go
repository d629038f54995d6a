package main

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"minqing/internal/sqlitex"
	"minqing/syncproto"
)

// sqlCmd is the sqlite3 shell of an encrypted file. It writes like any other program: the capture triggers note what it does, and the
// next sync seals it as one change.
type sqlCmd struct {
	Query string `arg:"" help:"一条 SQL / one statement"`
}

func (c *sqlCmd) Run(a *app) error {
	r, err := a.open(false, false) // heals capture triggers before anything is written past them
	if err != nil {
		return err
	}
	if err := r.Close(); err != nil {
		return err
	}
	key, err := a.key(false, false)
	if err != nil {
		return err
	}
	db, err := sqlitex.Open(sqlitex.Options{Path: a.File, Key: key, MustExist: true, SecureDelete: true})
	if err != nil {
		return err
	}
	use, err := c.connection(db)
	if err == nil {
		err = a.query(use, c.Query)
	}
	return errors.Join(err, db.Close())
}

var (
	// writes are the statements that change rows; all others only read.
	writes = regexp.MustCompile(`(?i)^\s*(?:insert|update|delete|replace|with)\b`)
	// ownTables finds a statement that would change the tables in which the program keeps its books.
	ownTables = regexp.MustCompile(`(?i)\b(?:update(?:\s+or\s+\w+)?|into|delete\s+from)\s+(?:main\s*\.\s*)?["'\[` + "`" + `]?(?:mq_|sqlite_)`)
)

// connection gives the one that a statement may use. What changes rows is captured and syncs; what changes tables, or the program's own
// books, would only break the file.
func (c *sqlCmd) connection(db *sqlitex.DB) (*sql.DB, error) {
	if ownTables.MatchString(c.Query) || moreThanOne(c.Query) {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "sql", Message: syncproto.Both("一次一条，只能改业务表里的行，不能改 mq_ 开头的表。", "One statement at a time, on rows of the domain tables and none that begin with mq_."),
			Hint: syncproto.Both("拆成几条；mq_ 开头的表可以看。", "Split it up; tables that begin with mq_ can be read.")}
	}
	if writes.MatchString(c.Query) {
		return db.Write, nil
	}
	return db.Read, nil
}

// moreThanOne tells whether something but comments follows the first statement.
func moreThanOne(query string) bool {
	ended := false
	for i := 0; i < len(query); i++ {
		skip := func(end string) {
			if n := strings.Index(query[i+1:], end); n >= 0 {
				i += n + len(end)
			} else {
				i = len(query)
			}
		}
		switch c := query[i]; {
		case strings.HasPrefix(query[i:], "--"):
			skip("\n")
		case strings.HasPrefix(query[i:], "/*"):
			skip("*/")
		case c == ';':
			ended = true
		case strings.ContainsRune(" \t\r\n", rune(c)):
		case ended:
			return true
		case c == '[':
			skip("]")
		case c == '\'', c == '"', c == '`':
			skip(string(c))
		}
	}
	return false
}

// query runs a statement and prints its rows, columns parted by “|” as the sqlite3 shell does.
func (a *app) query(db *sql.DB, query string) error {
	rows, err := db.QueryContext(a.ctx, query)
	if err != nil {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "sql", Message: syncproto.Both("这条 SQL 没有执行："+err.Error()+"。", "The statement was not run."),
			Hint: syncproto.Both("表和栏见 docs/SCHEMA.md；建表、删表不行。", "docs/SCHEMA.md tells tables and columns; tables are not made or dropped."), Err: err}
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	cells := make([]sql.NullString, len(names))
	dest := make([]any, len(names))
	for i := range cells {
		dest[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		line := make([]string, len(cells))
		for i, c := range cells {
			line[i] = c.String
		}
		fmt.Fprintln(a.out, strings.Join(line, "|"))
	}
	return rows.Err()
}
