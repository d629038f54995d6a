package store

import (
	"slices"
	"strings"
)

// OfEach makes a query about one key a table for FROM that holds its rows for each of several. {key} in the query stands for the key; an order and a
// limit hold for each by itself, so that of an index no more is read than a list of the newest needs. args are the query's own, all those of the
// table. SQLite, which cannot read anew for each row of a list, gets a query for each key; it plans them faster than PostgreSQL would.
func (tx *Tx) OfEach(keys []string, query string, args ...any) (table string, all []any) {
	if tx.ses.dialect == postgresDialect {
		return `(SELECT unnest(?::text[]) COLLATE "C" AS key) k CROSS JOIN LATERAL (` + strings.ReplaceAll(query, "{key}", "k.key") + ") t", append([]any{keys}, args...)
	}
	before, after, _ := strings.Cut(query, "{key}")
	at := strings.Count(before, "?")
	one := "SELECT * FROM (" + before + "?" + after + ")"
	for _, k := range keys {
		all = append(all, slices.Insert(slices.Clone(args), at, any(k))...)
	}
	return "(" + strings.Join(slices.Repeat([]string{one}, len(keys)), " UNION ALL ") + ") t", all
}
