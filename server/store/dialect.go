package store

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// dialect is the little in which the two databases differ. Queries are written once, with ? for parameters and
// “= ANY(?)” for a list of texts or integers handed over as one parameter.
type dialect uint8

const (
	sqliteDialect dialect = iota + 1
	postgresDialect
)

var ddlWords = map[dialect]*strings.Replacer{
	sqliteDialect:   strings.NewReplacer("{int}", "INTEGER", "{blob}", "BLOB", "{c}", "", "{key}", "WITHOUT ROWID"),
	postgresDialect: strings.NewReplacer("{int}", "BIGINT", "{blob}", "BYTEA", "{c}", ` COLLATE "C"`, "{key}", ""),
}

func (d dialect) ddl(s string) string { return ddlWords[d].Replace(s) }

// rewritten keeps the database's form of each query: queries are constants or few, and a push asks hundreds of times.
var rewritten sync.Map // dialect + query → string

type rewriteKey struct {
	d     dialect
	query string
}

func (d dialect) rewrite(query string) string {
	key := rewriteKey{d, query}
	if got, ok := rewritten.Load(key); ok {
		return got.(string)
	}
	out := query
	if d == sqliteDialect {
		out = strings.ReplaceAll(out, "= ANY(?)", "IN (SELECT value FROM json_each(?))")
		out = strings.ReplaceAll(out, " FOR UPDATE", "")
	} else {
		out = numbered(indexedBy.ReplaceAllString(out, ""))
	}
	rewritten.Store(key, out)
	return out
}

// indexedBy is how a query tells SQLite by which index to look, where it would rather walk along the key. PostgreSQL knows by what it counted.
var indexedBy = regexp.MustCompile(` INDEXED BY \w+`)

// numbered turns each ? into $1, $2… . The store's queries hold no ? inside a literal.
func numbered(query string) string {
	var b strings.Builder
	n := 0
	for i := 0; i < len(query); i++ {
		if query[i] == '?' {
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			continue
		}
		b.WriteByte(query[i])
	}
	return b.String()
}

// args turns lists into what the database takes: JSON for SQLite's json_each, arrays (as they are) for pgx.
func (d dialect) args(args []any) []any {
	if d == postgresDialect {
		return args
	}
	for i, a := range args {
		switch a.(type) {
		case []string, []int64:
			text, err := json.Marshal(a)
			if err != nil {
				panic(err) // texts and integers always marshal
			}
			out := append([]any(nil), args...)
			out[i] = string(text)
			return d.args(out)
		}
	}
	return args
}
