package syncproto

import (
	"strings"

	"minqing/schema"
)

// The frames of POST /v1/sync, one JSON value a line (PROTOCOL.md, “Frames”). A request is Hello, Held*, Probe*, Testimony*, Change*, End. An
// answer is Welcome, (Head Verdict*)*, then pulls: (Columns | Bucket | Row | Gone | Forget | Mark | Verdict | Ranges)* Checkpoint, as
// often as there are cuts, then End; or at any point Failure, after which nothing follows.

// Frame is one of the frame types of this file.
type Frame interface{ frame() }

// Hello opens a request.
type Hello struct {
	Protocol int      // the protocol version, ProtocolVersion
	Schema   int      // the schema version the device knows
	Device   DeviceID // "" on the wire means the token's; readers fill it in
	Cursor   string   // sealed; "" for a first sync. It carries the lineage nonce and the chain heads of its cut
	Resume   string   // sealed; the last Mark of an answer that broke, "" otherwise
	Root     Digest   // over all buckets held (DigestRoot), reckoned anew; zero before the first checkpoint
	Next     uint64   // number the device's next new change will get: the server tells a copied file from a lost answer by it
	Heads    []string // sealed chain heads received since the cursor's checkpoint (Head frames, receipts)
	Offer    EpochID  // changes carry labels and may leave gaps: the epoch whose CodeFork this answers; "" otherwise
	Waiting  int      // changes that stay behind for the next push, for the fleet page
	Client   string   // program and version; may be left out when the token request named it
}

// Held lists the buckets the device holds; sent when the server answered CodeHeld, or when the device wants the state of every
// bucket in the closing checkpoint. A long list comes as several frames.
type Held struct{ Buckets []BucketID }

// Probe asks, for one bucket that differs, for sums of ranges of its rows (by prefix of their keys, "" for all; see package
// repair), for single rows, or for all of it again.
type Probe struct {
	ID       BucketID
	Prefixes []string
	Rows     []RowRef
	Refill   bool
}

// RowRef names a row.
type RowRef struct {
	Table string
	ID    RowID
}

// Ranges answers one prefix of a Probe, at the cut of the checkpoint that follows: either the sums of its 16^Width sub-ranges in
// order, or, when it holds few rows, each row with its sum.
type Ranges struct {
	ID     BucketID
	Prefix string
	Width  int // nibbles by which the sub-ranges are longer than Prefix: 1 or 2; 0 when Rows are listed
	Sums   []uint64
	Rows   []RowSum
}

// RowSum is a row and the low half of the digest of its cells (package repair).
type RowSum struct {
	RowRef
	Sum uint64
}

// End closes a request or an answer; Frames counts the frames before it.
type End struct{ Frames int }

// Welcome opens an answer.
type Welcome struct {
	Protocol int
	Schema   int
	Epoch    EpochID
	Now      int64 // server time, Unix ms
	Grace    int64 // how long late work is judged by the authority at capture, ms; 0: as last told
	Lease    int64 // how long a replica may be used without contact, ms; 0: as last told
	// Resumed tells that the answer goes on from Hello.Resume; otherwise the device drops what it staged after its last checkpoint.
	Resumed bool
}

// Head is the sealed chain head after a commit; it goes before the verdicts of that commit, so that whoever holds a verdict can
// show what it rests on. A checkpoint's cursor is the head of its cut.
type Head struct {
	Epoch EpochID
	Seal  string
}

// Columns heads the rows of one table: names in the order in which Row carries values. It holds for the rest of the answer.
type Columns struct {
	Table string
	Names []string
}

// BucketID names a bucket: the rows of one scope in one period.
type BucketID struct{ Scope, Period string }

// homeScope begins the scopes of households.
const homeScope = "household:"

// Home tells that the bucket brings a household itself, and not its past or what only some may see.
func (b BucketID) Home() bool {
	return b.Period == schema.NoPeriod && strings.HasPrefix(b.Scope, homeScope)
}

// Home tells that the row is a household.
func (r *Row) Home() bool { return r.Bucket.Home() && r.Bucket.Scope == homeScope+string(r.ID) }

// Bucket says that the rows that follow, up to the next Bucket, Mark or Checkpoint, are all rows of the bucket at the cut: what the
// device holds of it beyond them goes.
type Bucket struct {
	ID BucketID
	// Continues tells that this goes on filling a bucket begun before a Mark.
	Continues bool
}

// Row is one row as acknowledged. On the wire its bucket is that of the Bucket or “at” line before it; writer and reader see to that.
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
// device knows: entry i sums the cells of the columns of since-version i+1; zeros at the end are left out.
type BucketState struct {
	ID      BucketID
	Rows    int
	Digests []Digest
}

// Checkpoint closes a cut: applied in one transaction with everything since the last one. An empty Cursor says that nothing is
// new: the last checkpoint stands, and every other field is empty.
type Checkpoint struct {
	Cursor  string        // sealed; also the chain head of the cut: it stands in for every head named in the Hello
	Buckets []BucketState // those whose content changed since the device's cursor, and those newly filled; all when Held was sent
	Root    Digest        // over all buckets held at this cut (DigestRoot)
	Safe    []Identity    // changes that backups are newly known to reach past: the device may drop them
	More    bool          // further buckets follow after this checkpoint
}

// Failure ends an answer early.
type Failure struct {
	Code       Code
	Message    string
	Hint       string
	RetryAfter int
	// Known lists, for CodeCopied, the pushed changes that the server already holds: they keep their names, all others are renamed.
	Known []Identity
	// Ticket, for CodeCopied, lets the device enrol a new id for itself (POST /v1/enrol).
	Ticket string
}

func (Hello) frame()      {}
func (Held) frame()       {}
func (Probe) frame()      {}
func (Ranges) frame()     {}
func (Head) frame()       {}
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

// RowsHeader goes with an answer that fills buckets: how many rows they have. It is for the person who waits, and clients may pass it over.
const RowsHeader = "Minqing-Rows"

// HomesHeader goes with it: how many households those buckets bring.
const HomesHeader = "Minqing-Homes"

// NamesHeader goes with the request of a device that reads the people of a verdict: without it none are sent, since readers refuse members that
// they do not know.
const NamesHeader = "Minqing-Names"

// ProtocolVersion is the version of the wire protocol of this build.
const ProtocolVersion = 1
