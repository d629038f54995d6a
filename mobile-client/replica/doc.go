// Package replica keeps what one user may hold of the register in one SQLite file, and what he writes until the server has it.
//
// It promises:
//
//   - The domain tables stand under their schema names and show what the user is to see: the acknowledged rows, with his own
//     unacknowledged edits laid over. What is acknowledged stays beside them (mq_under).
//   - Write is the one way in for the program; it ends in a seal that makes the edits one change with the device's next number.
//     Whatever else writes to the tables (the sqlite3 shell, a script) is captured by triggers in pure SQL and sealed by
//     SealForeign, at the latest when the next sync begins.
//   - A sealed change is never rewritten, and leaves the file only when the server says that its backups reach past it.
//   - What a sync brings is applied checkpoint by checkpoint, each in one transaction: nobody sees half a change, and a crash at any
//     point leaves the last checkpoint standing.
//   - An edit leaves the row when the server refused it or decided otherwise, never without a notice to its author.
//   - Forgetting a scope removes its rows from the file, free pages and log included, and tells the server nothing.
//   - Several processes may use one file; one of them syncs at a time.
//
// The package starts no goroutine and reads no clock: time and randomness come with Options. DESIGN.md beside this file explains the
// tables and the trade-offs.
package replica
