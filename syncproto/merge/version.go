package merge

import (
	"minqing/schema"
	"minqing/syncproto"
)

// RowVersion is what one change did to one row. Refused changes are versions too: they show nowhere, but later edits made over
// them take their base.
type RowVersion struct {
	ID    syncproto.Identity
	Op    syncproto.Op
	Cells []syncproto.CellEdit // none for OpDelete
	Base  syncproto.Base
	// Corrected is the corrected time of the change, Unix ms, fixed at first receipt.
	Corrected int64
	// Labels are all the (epoch, rev) this version was given, those a phone offered after a fork included; none while refused.
	Labels []syncproto.Label
	// Seq is the seq of the row's stream under which this store accepted the version; after a restore, that of the new acceptance.
	Seq uint64
	// Decides names the cells whose open item this version decides; “.” (syncproto.ExistenceCell) decides whether the row lives:
	// an OpDelete confirms the deletion, an OpUpdate brings the row back.
	Decides []string
	// UndoOf is the change that this version undoes on the cells that both wrote. An OpUpdate that undoes a deletion brings the
	// row back.
	UndoOf syncproto.Identity
	// Roles are what the author was, over this row, at capture: Lock.Except is judged by them. They must be stored with the
	// version, since the result may not change when somebody loses a role.
	Roles   []schema.Role
	Refused bool
	// MendedBy is, for a refused version, its first accepted mend, "" while there is none.
	MendedBy syncproto.Identity
	// Mends is the refused version that this one mends.
	Mends syncproto.Identity
	// DependsOn are the changes this one depends on (it was made by them, or moved from a state they reached): only a dependent
	// takes a mend for the version it was made over.
	DependsOn []syncproto.Identity
}

// Epoch is one entry of the ancestry.
type Epoch struct {
	Parent syncproto.EpochID // "" for the first
	// Began is the last seq of the row's stream that existed when the epoch began: versions with Seq <= Began were there.
	Began uint64
}

// Epochs is the ancestry of the store's present epoch, and what cursors told of epochs that a restore cut off.
type Epochs struct {
	Current syncproto.EpochID
	All     map[syncproto.EpochID]Epoch
}
