package syncproto

import (
	"minqing/schema"
)

// DeviceID, UserID and RowID are UUIDv7 in lower-case canonical text; EpochID is 16 random bytes in lower-case hex.
type (
	DeviceID string
	UserID   string
	RowID    string
	EpochID  string
)

// Identity names a change for ever: the first 16 bytes, in lower-case hex, of SHA-256 over its first name and content (see
// Change.Identity). The zero Identity is "".
type Identity string

// Name is the name of a change: numbers of one device have no gaps and start at 1.
type Name struct {
	Device DeviceID
	Number uint64
}

// Op is what an edit does to a row.
type Op byte

// The operations.
const (
	OpCreate Op = 'c'
	OpUpdate Op = 'u'
	OpDelete Op = 'd'
)

// Label is one (epoch, rev) that a version of a row was given.
type Label struct {
	Epoch EpochID
	Rev   uint64
}

// Base is what the author of an edit was shown of one row: the acknowledged row at (Epoch, Rev), over it and in order the own
// changes then laid over, and for cells with an open inbox item the versions whose value showed. A created row has the
// zero Base.
type Base struct {
	Epoch EpochID
	Rev   uint64
	Over  []Identity
	Open  map[string][]Identity // cell → identities
}

// CellEdit is what an edit does to one cell. Exactly one form applies, by the cell's rule: Delta for sum, Add and Del for
// set, Value for every other.
type CellEdit struct {
	Cell     string
	Value    schema.Value
	Delta    int64
	Add, Del []string
	// Raw is the canonical JSON of a cell that the reader's schema does not know, or whose value does not fit it; nil otherwise.
	Raw []byte
}

// Edit is what a change does to one row.
type Edit struct {
	Table string
	Row   RowID
	Op    Op
	Base  Base
	Cells []CellEdit // in schema order; none for OpDelete
	// Decides names the cells for which this edit decides an open inbox item: of those it has seen every version up to Base.
	// The pseudo-cell "." stands for the existence of the row.
	Decides []string
	// UndoOf is the change whose edit of this row is undone; "" if this is no undo.
	UndoOf Identity
}

// ExistenceCell is the pseudo-cell that holds whether a row was deleted.
const ExistenceCell = "."

// Change is the cell edits of one local transaction: accepted or refused whole.
type Change struct {
	Name   Name
	First  Name   // the name it was made under; differs from Name after a copied file was told apart
	At     int64  // wall clock at capture, Unix ms
	Offset int64  // what the device then believed to be server time minus wall clock, ms
	Cursor string // the highest cursor held at capture, sealed by the server; "" before the first
	Mends  Identity
	Edits  []Edit
	// Labels are sent only after a fork: every (epoch, rev) this change was given for each of its rows, by row id.
	Labels map[RowID][]Label
	// Content is the canonical JSON of all of the above but Name, First and Labels, as its author wrote it: what is hashed, stored and
	// sent on. Set by Seal and by whatever reads a change; never encoded again from the fields.
	Content []byte
	// Sealed stands in for Content where the device keeps a change that it may not read any more (courier.Seal, purpose “escrow”): it
	// can offer it after a fork. The server opens it and reads it by ParseContent.
	Sealed []byte
	// Defect tells what makes the change refused whatever the state (CodeUnknown, CodeInvalid); its Content is kept whole all the
	// same. Set by whatever reads a change, nil for a sound one.
	Defect *Error
}

// Status is what became of a change.
type Status string

// The statuses. Waits is the refusal that heals by itself: the change builds on one that is refused or not there yet.
const (
	Applied    Status = "applied"
	Merged     Status = "merged"
	Conflicted Status = "conflicted"
	Refused    Status = "refused"
)

// Verdict is what became of one change, as it now stands.
type Verdict struct {
	Number   uint64 // the name under which the asking device knows it
	Identity Identity
	Status   Status
	Late     bool
	Code     Code       // why, for Refused
	Message  string     // a sentence a person can act on, Chinese first
	Waits    Identity   // for CodeWaits: what it waits for, "" for a row the server lacks
	Items    []ItemNote // for Conflicted, and afterwards what was decided
	Merges   []MergeNote
	Labels   []RowLabel // none for rows no longer held
	MendedBy Identity
	// People are who else had to do with it. They are of the moment at which the verdict is told, and are kept by no server.
	People []PersonNote `json:",omitempty"`
}

// PersonNote names somebody who had to do with what became of a change, about a row that its author may see.
type PersonNote struct {
	Row  RowID
	Cell string // as in the merge or the item that it is about; of a refusal, the column of the state
	Part PersonPart
	Name string
	Post string      // as people call it; "": see Role
	Role schema.Role // what he is over the row; "" when he is nothing there now
	At   int64       // when he did it, Unix ms; 0: he has not yet
}

// PersonPart is what somebody had to do with a change.
type PersonPart string

// The parts.
const (
	PersonBeside  PersonPart = "beside"  // wrote into the same place, or brought about the state that forbids it
	PersonDecides PersonPart = "decides" // may decide what is open
	PersonDecided PersonPart = "decided" // has decided
)

// RowLabel is the (epoch, rev) that a change has given one row.
type RowLabel struct {
	Row   RowID
	Label Label
}

// MergeNote tells by which rule a cell was merged, and whether the author's value shows.
type MergeNote struct {
	Table string
	Row   RowID
	Cell  string
	Rule  schema.Rule
	Shows bool
}

// ItemNote tells an author of an inbox item that holds his words, and of its outcome.
type ItemNote struct {
	Item  string // id
	Table string
	Row   RowID
	Cell  string
	Kind  ItemKind
	// Outcome is "" while open, "kept" when the author's value was chosen, "outvoted" when another was, "third" when a new one
	// was written.
	Outcome string
}

// ItemKind is why a human must decide.
type ItemKind string

// The kinds of inbox item.
const (
	ItemCell    ItemKind = "cell"    // several heads that no rule can decide
	ItemState   ItemKind = "state"   // an edit beside a concurrent move into a state that forbids it
	ItemRowRule ItemKind = "rowrule" // a merged row that breaks a row rule
	ItemDelete  ItemKind = "delete"  // a delete beside a concurrent edit, or a living child of a dead row
	ItemTwin    ItemKind = "twin"    // two rows for one person or household
	ItemLate    ItemKind = "late"    // work that came after the grace period
)
