// Package photos takes pictures into the replica, sends them after the rows, and fetches those of others.
//
// It promises:
//
//   - What leaves Prepare is a new JPEG of at most 300 KB made from the pixels alone: upright, without position, camera, or anything else
//     that the file said. Memory is bounded before a pixel is decoded.
//   - A picture is kept in the replica file, in the transaction that writes its row: as durable and as encrypted as the row. It touches no
//     other file, temporary ones included.
//   - Send goes on where it stopped: after a cut, a kill, a restart of either side. It sends only what the server has accepted the row
//     of, never waits for rows nor makes them wait, and on a metered network waits for leave.
//   - A picture that still has to be sent outlives the forgetting of its scope until it is sent; everything else goes with the scope.
//
// The package starts no goroutine and reads no clock. One Sender is for one goroutine at a time; it has a Syncer of its own.
package photos
