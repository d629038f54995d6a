// Package store keeps everything the server knows, in one SQLite file or one PostgreSQL database: the domain tables exactly as
// the rule book declares them, and beside them the bookkeeping tables mq_* (ddl.go says why each is there).
//
// It promises:
//
//   - Write runs a function in a transaction; when it returns nil, what the function wrote survives a power cut. On SQLite
//     several waiting writers share one commit: one is rolled back without the others noticing, save that they may be run again.
//     On PostgreSQL each is a transaction of its own, run again when the database says that it lost a race. So the function must
//     not change anything outside the transaction save through AfterCommit.
//   - Read runs a function over a snapshot: it sees all of a transaction or nothing, and nothing that commits meanwhile.
//   - The seqs of a stream are given under the stream's lock, held to the commit: a reader that sees seq n of a stream sees
//     every smaller one.
//   - Called from one goroutine it starts none and is deterministic, given Now and Rand (SQLite only).
//   - Times handed out by Now never go back within a process.
//
// It knows rows and columns, not rules: what a change means is decided in judge.
package store
