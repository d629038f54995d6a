package syncproto

import "minqing/schema"

// The frames of POST /v1/sync, one JSON value a line (PROTOCOL.md, “Frames”). A request is Hello, Held?, Change*, End; an answer is
// Welcome, (Verdict)*, then pulls: (Columns | Bucket | Row | Gone | Forget | Mark)* Checkpoint, as often as there are cuts, then
// End; or at any point Failure, after which nothing follows.

// Frame is one of the frame types of this file.
type Frame interface{ frame() }

// Hello opens a request.
type Hello struct {
	Protocol int      // the protocol version, ProtocolVersion
	Schema   int      // the schema version the device knows
	Device   DeviceID // must match the token
	Cursor   string   // sealed; "" for a first sync
	Resume   string   // sealed; the last Mark of an answer that broke, "" otherwise
	Held     string   // digest of the list of buckets held (DigestHeld); "" before the first checkpoint
	Root     string   // digest over all buckets held (see Checkpoint.Root)
	Nonce    string   // lineage nonce of the last checkpoint applied
	Next     uint64   // number the device's next new change will get: the server tells a copied file from a lost answer by it
	Heads    []string // newest sealed chain head of each epoch, newest epoch first
	Offer    bool     // changes carry labels and may leave gaps: an answer to a fork
	Waiting  int      // changes that stay behind for the next push, for the fleet page
	Client   string   // program and version
}

// Held lists the buckets the device holds; sent when the server answered CodeHeld.
type Held struct{ Buckets []BucketID }

// End closes a request or an answer; Frames counts the frames before it.
type End struct{ Frames int }

// Welcome opens an answer.
type Welcome struct {
	Protocol int
	Schema   int
	Epoch    EpochID
	Now      int64 // server time, Unix ms
	Grace    int64 // how long late work is judged by the authority at capture, ms
	Lease    int64 // how long a replica may be used without contact, ms
	// Resumed tells that the answer goes on from Hello.Resume; otherwise the device drops what it staged after its last checkpoint.
	Resumed bool
}

// Columns heads the rows of one table: names in the order in which Row carries values. It holds for the rest of the answer.
type Columns struct {
	Table string
	Names []string
}

// BucketID names a bucket: the rows of one scope in one period.
type BucketID struct{ Scope, Period string }

// Bucket says that the rows that follow, up to the next Bucket, Mark or Checkpoint, are all rows of the bucket at the cut: what the
// device holds of it beyond them goes.
type Bucket struct {
	ID BucketID
	// Continues tells that this goes on filling a bucket begun before a Mark.
	Continues bool
}

// Row is one row as acknowledged.
type Row struct {
	Table  string
	ID     RowID
	Bucket BucketID
	Label  Label
	Open   map[string][]Identity // cells with an open item: the versions whose value shows
	Values []schema.Value        // in the order of Columns
}

// Gone says that a row is not in the device's buckets any more: deleted, or moved to where the device may not look (Deleted tells
// the first only to who may still see the scope).
type Gone struct {
	Table   string
	ID      RowID
	Deleted bool
	Label   Label // of the deletion, zero when not deleted
}

// Forget says that a scope is no longer granted, or a bucket no longer kept (Period "" is the whole scope).
type Forget struct {
	Scope  string
	Period string
}

// Mark is where an answer can be resumed when the link breaks after it.
type Mark struct{ Resume string }

// BucketState is the count and digest of one bucket at a cut. Digests has one entry for each since-version of columns that the
// device knows, ascending: sums over the columns of just that since-version.
type BucketState struct {
	ID      BucketID
	Rows    int
	Digests []Digest
}

// Checkpoint closes a cut: applied in one transaction with everything since the last one.
type Checkpoint struct {
	Cursor  string
	Nonce   string
	Heads   string        // the sealed chain head of the cut
	Buckets []BucketState // those whose content changed since the device's cursor, and those newly filled
	Root    string        // digest over all buckets held at this cut, hex
	Safe    []Identity    // unused unless backups are known to reach past these changes: the device may drop them
	More    bool          // further buckets follow after this checkpoint
}

// Failure ends an answer early.
type Failure struct {
	Code       Code
	Message    string
	Hint       string
	RetryAfter int
	// Known lists, for CodeCopied, the numbers of pushed changes the server already holds under other names.
	Known []Name
}

func (Hello) frame()      {}
func (Held) frame()       {}
func (*Change) frame()    {}
func (End) frame()        {}
func (Welcome) frame()    {}
func (*Verdict) frame()   {}
func (Columns) frame()    {}
func (Bucket) frame()     {}
func (*Row) frame()       {}
func (Gone) frame()       {}
func (Forget) frame()     {}
func (Mark) frame()       {}
func (Checkpoint) frame() {}
func (Failure) frame()    {}

// ProtocolVersion is the version of the wire protocol of this build.
const ProtocolVersion = 1

// Digest is a sum mod 2^128 of cell hashes, little-endian limbs.
type Digest struct{ Lo, Hi uint64 }
