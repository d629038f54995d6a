// Package syncproto defines the words that a device and the server exchange: identities, changes, bases, verdicts and the
// frames of one sync, with their limits. PROTOCOL.md beside this file is the specification; where the two differ, the
// document is right and the code is mended.
//
// The package and those below it are pure: no I/O, no clock, no randomness; readers and writers are handed in.
package syncproto
