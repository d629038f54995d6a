// Package auth says who is speaking: a phone is enrolled once by a one-time code, proves its Ed25519 key on a challenge, gets a
// short access token bound to that key, and signs every request with it (DESIGN section 8). Foreign, missing and revoked
// look alike to whoever cannot prove a key.
package auth
