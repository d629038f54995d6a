package syncproto

// Digest is a sum mod 2^128 of hashes.
type Digest struct{ Lo, Hi uint64 }
