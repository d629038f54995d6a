// Package pull decides what travels down to a device: rows changed since its cursor, all rows of buckets newly granted, and
// what it must forget, closed by a checkpoint that brings every bucket held to one cut (DESIGN section 4, “Pull”).
//
// It promises:
//
//   - No row, mark, id or count of a scope outside the user's entitlement is put on the wire; in the snapshot each row is read in,
//     entitlement is read anew, or nothing that it rests on was touched since it was read (the version of rights, package store, tells)
//     and no interval of it began or ended.
//   - No snapshot outlives a network write: rows are read in short transactions, a chunk at a time, then sent. What changed
//     meanwhile in what was sent already is sent again before the checkpoint, from the snapshot that closes the cut.
//   - What was disclosed is on record before the first byte of it leaves.
//   - Only current rows travel, never history.
//   - A sync with nothing new reads a few rows and writes none.
//   - A sync of a device that this process served last reads what changed since, however much the device holds (ledger.go).
package pull
