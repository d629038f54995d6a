package main

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"minqing/internal/sqlitex"
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
	return errors.Join(a.query(db.Write, c.Query), db.Close())
}

// query runs a statement and prints its rows, columns parted by “|” as the sqlite3 shell does.
func (a *app) query(db *sql.DB, query string) error {
	rows, err := db.QueryContext(a.ctx, query)
	if err != nil {
		return err
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
