// Package phone is the living field app between the pages and what lies beneath them: whether there is a replica and whom it belongs
// to, whether it is locked, and the engine that syncs it.
//
// It promises:
//
//   - Where the keystore opens the replica, locking closes the pages and the sync goes on; where the PIN wraps the key, locking closes the
//     file, and the key leaves memory with it.
//   - A replica leaves the disk only after what it had not sent was handed to the server or sealed in files beside it that reached the
//     disk: escrow, then wipe. Power that fails between the two finds the replica, and does both again; power that fails amid the wipe finds
//     a mark, and finishes it.
//   - A phone passed on starts a new replica under a key of its own.
//   - A colleague's bundle, once taken in, stays until the server has it or said why not; its receipt stays until the person is done with it.
//   - A newer package is handed to the installer whole, as the server's hash says, signed as the one that runs, and when the person asks.
package phone
