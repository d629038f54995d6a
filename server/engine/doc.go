// Package engine puts one server together: a store, the judge over it, recognition of devices, pulls, the exchange and its HTTP
// face. The serve command, every administration command, tests, benches and the simulator open this and nothing else, so what
// they exercise is what runs.
//
// It promises:
//
//   - Open starts no goroutine unless Config.Serve is set; an engine over the simulator's disk touches no file outside it.
//   - One process at a time has a data folder with an SQLite database open: a second one is told so instead of minting an epoch
//     behind the first one's back.
//   - Whoever listens hears of a commit that concerns him, on PostgreSQL of those of other processes too. A hint may come for
//     nothing; it is never the only way to learn of something. A device is not told of what its own sync brought.
package engine
