package syncproto

// Every limit of the protocol, checked before memory is taken. A request that passes one is refused with CodeTooLarge; the client
// sends less at a time.
const (
	// MaxFrameBytes bounds one line. The longest text of the rule book is 20,000 runes, a change may write a few dozen such; a
	// line is held in memory whole.
	MaxFrameBytes = 4 << 20
	// MaxDepth bounds nesting. A change with the value of a group inside a base reaches 8; the rest is room for what a newer schema
	// may send in a cell that this one keeps unread.
	MaxDepth = 16
	// MaxRequestBytes bounds a request after decompression: together with what is decoded from it, it stays under the 256 MiB that a
	// hostile body may cost.
	MaxRequestBytes = 32 << 20
	// MaxBodyBytes bounds a request as sent: the device signs the whole body, so both sides hold it.
	MaxBodyBytes = 8 << 20
	// MaxAnswerBytes bounds an answer after decompression; a device writes it to disk as it comes. A million rows of 700 bytes fit.
	MaxAnswerBytes = 1 << 30
	// MaxFrames bounds the lines of a request or answer: the million rows of the largest replica, with their buckets, twice.
	MaxFrames = 4 << 20
	// MaxChanges bounds one push: at 5,000 one-row changes a second it is one second of the server's writer. The rest goes with the next.
	MaxChanges = 5000
	// MaxTestimony bounds the rows of others that one request offers after a fork; the rest goes with the next.
	MaxTestimony = 500
	// MaxEdits bounds the rows that one change touches: it is one transaction of one person, not an import.
	MaxEdits = 1000
	// MaxOver bounds the own changes laid over one row at capture, and the versions named by a base.
	MaxOver = 10000
	// MaxHeld bounds the buckets of one device: a village of 900 households with 13 months of four scopes each, four times.
	MaxHeld = 200000
	// BucketsPerLine is how many buckets or their states a writer puts into one line: far below MaxFrameBytes.
	BucketsPerLine = 5000
	// MaxPrefixes and MaxProbeRows bound one Probe: past them a device had better ask for the bucket anew.
	MaxPrefixes  = 64
	MaxProbeRows = 512
	// MaxHeads bounds the chain heads of a Hello: one for each answer or receipt that came without its checkpoint.
	MaxHeads = 64
	// MaxSeal bounds a sealed cursor, mark or head as text: a cursor over 300 streams takes 22,000 characters.
	MaxSeal = 64 << 10
	// MaxName bounds the names of tables, columns, scopes and periods, and MaxText what people read in a frame.
	MaxName = 200
	MaxText = 4000
	// LeastHorizon is for how many days any server keeps the marks of rows that died or left a scope: who was away for longer may have
	// missed some.
	LeastHorizon = 60
	// WindowBytes is the zstd window: decoding takes a little more than this, so a hostile stream cannot ask for gigabytes.
	WindowBytes = 1 << 20
)
