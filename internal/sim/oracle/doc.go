// Package oracle says what must come of a history, from its inputs alone: the changes that were made, the order in which the server took
// them, the server's times, and where epochs began. It is what the simulator holds the production code against.
//
// It promises to share no function with the server, the replica or the merge package: it reads the declarations of the rule book
// and the plain types of syncproto, and reckons everything else by itself, in the most literal way: whole histories instead of kept
// states, sets instead of indexes, walking up instead of looking up. Where the two differ, one of them is wrong; which one is for
// DESIGN.md and MERGE.md to say.
//
// It knows: what becomes of each change and why, the value and the heads of every cell, what lies in the inbox, who may hold what
// now, and what a device must hold after a checkpoint. It does not know identifiers that the server makes up (epochs, items), nor
// how anything is stored.
package oracle
