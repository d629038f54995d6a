// Package syncer carries one replica's changes to the server and brings back what the server holds for it: the client side of
// POST /v1/sync, over an http.RoundTripper that is handed in.
//
// It promises: Sync never drops an entry of the outbox; it ends by itself, when nothing moves any more or the server asks to come
// back later; it goes on from the last whole mark after a broken link; what it cannot heal it reports with a sentence for the
// person. Sync starts no goroutine and reads no clock. Watch waits for the server's hints and syncs at each.
package syncer
