// Package sim runs whole histories of Minqing in one goroutine: a server, several phones, the console and everything that can go wrong
// between them, from one seed. What runs is the production code: the engine of the server with its HTTP face over SQLite, the
// replica and the syncer of the device. Simulated are the clock, randomness, the network and the disks.
//
// It promises: the same seed gives the same history and the same trace hash; a history fails when one of the invariants of DESIGN
// section 7 is broken, each by its name; a failure prints the line that replays it, and shrinks itself. What must have come of
// a history is reckoned by package oracle, which shares no function with what is tested.
//
// DESIGN.md says what is simulated and what is not, and how to read a failure.
package sim
