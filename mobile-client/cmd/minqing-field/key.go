package main

import (
	"crypto/rand"

	"minqing/mobile-client/lock"
)

// box is the key file of the data file. secret is the keystore's, where a shell gives one.
func (a *app) box(secret []byte) (*lock.Box, error) {
	return lock.Open(lock.Options{Path: a.File + ".key", Secret: secret, Now: nowMS, Rand: rand.Reader})
}

// key gives the key of the data file, nil for a plain one. For a new file it is made, and wrapped by the PIN.
func (a *app) key(fresh, plain bool) ([]byte, error) {
	b, err := a.box(nil)
	switch {
	case err != nil:
		return nil, err
	case b.State() == lock.Missing && fresh && !plain:
		return b.Make(a.PIN)
	case b.State() == lock.Missing:
		return nil, nil // a plain file, or one to be made plain
	case b.State() == lock.Closed && a.PIN == "":
		return nil, lock.WantPIN()
	}
	return b.Try(a.PIN)
}
