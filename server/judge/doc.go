// Package judge decides what becomes of changes: the one path by which domain data is written on the server. Devices push through it,
// the console, imports and commands go through it with a device of the server's own as author.
//
// It promises, for each change:
//
//   - It is accepted or refused whole, and its verdict is durable before it is told. A refused change is kept whole, with a reason that
//     a person can act on.
//   - A change known already, under whatever name, gets its verdict as it now stands, and changes nothing.
//   - Rights are read inside the transaction that writes. Work captured while its author was entitled, where the row then lay, is judged by
//     that, for a grace period; after it, it waits in the inbox.
//   - What cells show, and what lies in the inbox, is what syncproto/merge makes of the row's versions; the short way that leaves the
//     history unread gives the same.
//   - History, chain, digests of buckets, seqs of scopes, marks of rows that left and grants move in the same transaction.
//
// How a push runs: names and numbers first (number.go); then everything that the changes touch is loaded in a few bulk queries (desk.go);
// each change is heard (hearing.go) and either takes effect in memory (effect.go) or is refused (refuse.go), and wakes those that waited
// for it (revive.go); in the end all is written by few statements (flush.go).
package judge
