package merge

import (
	"minqing/schema"
	"minqing/syncproto"
)

// Result is a row as it follows from its versions.
type Result struct {
	// Deleted tells that the deletion stands (an item of kind delete may still be open).
	Deleted bool
	// Cells are the cells of the table in schema order, those nobody wrote included. They are computed for a deleted row too, so
	// that it can be brought back.
	Cells []Cell
	// Items are what a human must decide: at most one for a cell, in schema order, that of the row's existence first. A deleted
	// row has no other item than that.
	Items []Item
	// State is what a store keeps beside the row for Fast.
	State State
}

// Cell is one cell of a Result.
type Cell struct {
	Name  string
	Value schema.Value
	// Heads are the versions nobody has written over, bytewise ascending; Shows those whose value, alone or merged, shows: the heads, or
	// while an item is open the heads of what all of them had seen. For an open cell Shows is never nil: it travels with the row as
	// “open”, and an empty list says that nothing had been seen.
	Heads, Shows []syncproto.Identity
	// Open is the kind of the item that holds the cell, "" when there is none.
	Open syncproto.ItemKind
	// MergedBy is the rule that made the value out of several different heads, "" when no rule was needed or none could.
	MergedBy schema.Rule
	// Effective is the greatest effective time (Unix ms) among Shows, 0 when nobody wrote the cell.
	Effective int64

	winners []syncproto.Identity // heads whose own value shows
}

// Item is what a human must decide about one row.
type Item struct {
	Kind syncproto.ItemKind
	// Cells are the cells held: one, or for a row rule those of its cells that no other item holds, in schema order. The existence
	// of the row is “.”. A decision names all of them in Decides.
	Cells []string
	Rule  string // the row rule broken, for syncproto.ItemRowRule
	// Heads are the versions to choose among, bytewise ascending.
	Heads []syncproto.Identity
	// Against are what the heads stand against: the moves, for a state item (and for a cell item that is also one); the deletions,
	// for a delete item.
	Against []syncproto.Identity
	// Shown are the versions whose value shows meanwhile, bytewise ascending; for a row rule, those of all its cells.
	Shown []syncproto.Identity
}

// Fate is what a Result says of one version.
type Fate struct {
	// Merges are the cells where the version is one of several different heads that a rule merged.
	Merges []CellMerge
	// Items are the indexes in Result.Items of the items that hold the version, as a head or against the heads.
	Items []int
}

// CellMerge tells by which rule a cell was merged, and whether the version's own value shows.
type CellMerge struct {
	Cell  string
	Rule  schema.Rule
	Shows bool
}

// State is what Fast needs to know of a row: small, and kept by the store as JSON.
type State struct {
	// Heads are the head versions with the cells they head.
	Heads []Head `json:"h,omitempty"`
	// Open are the cells held by an item, “.” for the existence.
	Open []string `json:"o,omitempty"`
	// Dead tells that the row is deleted.
	Dead bool `json:"d,omitempty"`
	// Top is the highest rev of the current epoch that a label or a base of any version names.
	Top uint64 `json:"t,omitempty"`
	// Awaits are identities that versions name (in Over, Open or UndoOf) and that are not accepted: were one of them to
	// arrive, it could already have been seen.
	Awaits []syncproto.Identity `json:"a,omitempty"`
}

// Head is one head version in a State.
type Head struct {
	ID     syncproto.Identity `json:"i"`
	Seq    uint64             `json:"s"`
	Labels []syncproto.Label  `json:"l"`
	Cells  []string           `json:"c"`
}
