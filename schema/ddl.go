package schema

import (
	"slices"
	"strings"
)

// Dialect is a database that holds the tables of a book.
type Dialect string

// The dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DDL gives the statements that make one table and its indexes, the same for a server and a device on SQLite.
//
// Only the id is unique and nothing is NOT NULL: replicas must be able to hold what a merge brought, and a column required
// later is empty in older rows. Check judges values before they are stored. Indexed are the parent, up and down which scopes
// are walked, and the twin column, by which duplicates are found.
//
// On SQLite the id is the primary key of a rowid table. WITHOUT ROWID was measured beside it (BenchmarkKeyLayout, modernc): the
// same to 8 % faster for inserts of rows under 700 bytes, but a fifth slower for a parent's children, and three times as slow
// for everything but updates once rows reach the 2,500 bytes of a journal.
//
// On PostgreSQL texts collate as bytes ("C"), as SQLite's do, so that both page through ids in one order.
//
// Columns come by the version they came with, so that a fresh table and one that grew by Evolve are the same.
func DDL(d Dialect, t *Table) []string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + Quote(t.Name) + " (\n  " + Quote("id") + " " + d.text() + " PRIMARY KEY")
	for _, c := range byAge(t) {
		b.WriteString(",\n  " + d.column(c))
	}
	b.WriteString("\n)")
	if d == SQLite {
		b.WriteString(" STRICT")
	}
	return append([]string{b.String()}, indexes(t)...)
}

// Evolve gives the statements that bring the tables of one book to a newer one that CheckEvolution allows: they add columns,
// tables and indexes, and nothing else.
func Evolve(d Dialect, from, to *Book) []string {
	var out []string
	for _, t := range to.Tables() {
		old := from.Table(t.Name)
		if old == nil {
			out = append(out, DDL(d, t)...)
			continue
		}
		for _, c := range byAge(t) {
			if old.Column(c.Name) == nil {
				out = append(out, "ALTER TABLE "+Quote(t.Name)+" ADD COLUMN "+d.column(c))
			}
		}
		had := indexes(old)
		for _, ix := range indexes(t) {
			if !slices.Contains(had, ix) {
				out = append(out, ix)
			}
		}
	}
	return out
}

func indexes(t *Table) []string {
	var out []string
	for _, column := range []string{t.Parent, t.Twin} {
		if column != "" {
			out = append(out, "CREATE INDEX "+Quote("ix_"+t.Name+"_"+column)+" ON "+Quote(t.Name)+" ("+Quote(column)+")")
		}
	}
	return out
}

// byAge lists the columns by the schema version they came with, else as in the literal.
func byAge(t *Table) []*Column {
	out := make([]*Column, len(t.Columns))
	for i := range t.Columns {
		out[i] = &t.Columns[i]
	}
	slices.SortStableFunc(out, func(a, b *Column) int { return max(1, a.Since) - max(1, b.Since) })
	return out
}

func (d Dialect) column(c *Column) string {
	if c.Type.Kind() != KindInt {
		return Quote(c.Name) + " " + d.text()
	}
	if d == Postgres {
		return Quote(c.Name) + " BIGINT"
	}
	return Quote(c.Name) + " INTEGER"
}

func (d Dialect) text() string {
	if d == Postgres {
		return `TEXT COLLATE "C"`
	}
	return "TEXT"
}

// Quote makes an identifier that is taken as it stands, even where it is a reserved word (user is, on PostgreSQL). Names of a
// book hold no quotation marks (a law).
func Quote(name string) string { return `"` + name + `"` }
