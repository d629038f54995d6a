// Package lock keeps the key of an encrypted replica in a file beside it, so that the replica opens for its owner and for nobody else.
//
// It promises:
//
//   - Where the phone's keystore gives a secret, that secret wraps the key: the replica opens and syncs without anybody, and the PIN gates
//     the pages. Its verifier (Argon2id) lies inside the wrapping, so that the file alone is no help in guessing. Without a keystore the
//     PIN itself wraps the key, and nothing opens while nobody has typed it.
//   - A wrong try is on the disk before the PIN is looked at: killing the program buys no guesses. From the fifth on one has to wait, ever
//     longer; the wait survives a restart, and a clock that was set back makes it no shorter. It never becomes a wipe.
//   - The file is written anew beside the old one and then put in its place, only once the key was in hand. A keystore that does not open
//     this time, or a file that cannot be read, changes nothing on the disk.
//
// The wait goes by the wall clock, so somebody who may set the phone's clock forward shortens it: a program has no other clock that
// outlives it. The package reads no clock itself; time and randomness are handed in.
package lock
