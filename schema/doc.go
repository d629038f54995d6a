// Package schema is the rule book of Minqing: what is stored, who may see and change it, how concurrent edits of one
// cell merge, and what people call it. One Table literal says all of that for one table; DDL, capture triggers,
// validation, the permission matrix, import headers, labels and the reference page are derived from it and never written
// again by hand (DESIGN section 3).
//
// The package is pure: no I/O, no clock, no randomness. Everything else in the project imports it; it imports nothing of
// the project.
//
// Where to look: the words of a literal stand in table.go and rule.go, the literals in places.go, register.go, visits.go and
// matters.go. NewBook indexes literals and refuses a book that breaks a law (laws*.go), so a program with a broken rule book
// does not start. Derived are: statements (ddl.go, sql.go), judgement of values (check.go) and reading of what people type
// (normalize.go), rights (permit.go), scope, stream and period (scope.go), words (labels.go, reference*.go), and what a newer
// book may change (evolve.go). Value is one cell's value, with one form for each (value.go, parse.go, cell.go).
//
// # Links
//
// A row may point within its scope or upward, never into another household. Two kinds of row belong to no household, places and
// users, and may be named from anywhere: their tables are directories (Table.Directory). A directory may itself refer to
// directories only, so nothing of a household can be reached through one. To be named is not to be seen: whether a device holds
// the named user's row is for its entitlement to say. Book.Link classifies every reference.
//
// # Adding
//
// A new table is one literal, added to Minqing() in book.go. A new column says since which version it exists, and Version goes up
// with the first of a release. What is there never changes its meaning (CheckEvolution); each version is frozen in
// testdata/books, and `go test ./schema -update` and `./task docs` write anew what is derived into files.
package schema
