package merge

import (
	"minqing/schema"
	"minqing/syncproto"
)

// Row computes a row from all its versions, accepted and refused, in any order. Cells that the book does not know are left out.
// Versions given twice count once. It is total: whatever bases a hostile client names, there is a result (versions that
// claim to have seen each other count as concurrent).
func Row(book *schema.Book, table string, versions []RowVersion, epochs Epochs) Result {
	panic("published ahead of its body")
}

// View is the row as the author of v was shown it: each cell over what v has seen of it. v need not be one of versions. State
// rules and row rules are judged on it, and history takes the “from” of an edit out of it. Items and State stay empty.
func View(book *schema.Book, table string, versions []RowVersion, epochs Epochs, v RowVersion) Result {
	panic("published ahead of its body")
}

// Fast computes what v, accepted into a row with the given state, makes of it, without the history: it answers only when v
// names no own changes and no open cells, undoes, decides and mends nothing, carries only its new label, and has seen every head of
// every cell that could matter to it; then v simply stands over them. Changed are the cells with their new values (values gives
// the present ones). It answers false whenever it cannot be sure; then Row decides. A created row starts from the zero
// State.
func Fast(book *schema.Book, table string, state State, values func(cell string) schema.Value, v RowVersion, epochs Epochs) (changed map[string]schema.Value, next State, ok bool) {
	panic("published ahead of its body")
}

// Apply is the value of a cell after an edit by somebody who saw old: the overlay of a device, and the step of Fast.
func Apply(cell *schema.Cell, old schema.Value, edit syncproto.CellEdit) schema.Value {
	panic("published ahead of its body")
}

// Unwritten is the value of a cell that nobody wrote: null, or the initial state of a flow.
func Unwritten(cell *schema.Cell) schema.Value { panic("published ahead of its body") }

// Undo makes the cell edits that undo what the version id did to the row: the value it replaced, or for sum and set the inverse.
// It is empty for an unknown or refused version, and for a deletion (which is undone by an OpUpdate without cells).
func Undo(book *schema.Book, table string, versions []RowVersion, epochs Epochs, id syncproto.Identity) []syncproto.CellEdit {
	panic("published ahead of its body")
}

// Fate tells what became of one version in this result.
func (r *Result) Fate(id syncproto.Identity) Fate { panic("published ahead of its body") }

// Cell finds a cell by name, nil if the table has none.
func (r *Result) Cell(name string) *Cell { panic("published ahead of its body") }

// Open gives what a pulled row carries as “open”: for each cell held by an item the versions whose value shows. Nil when nothing
// is open.
func (r *Result) Open() map[string][]syncproto.Identity { panic("published ahead of its body") }

// Text merges two texts made from one base, by line and sentence. First and second are the sides in canonical order; ok is false when
// they overlap, and then merged is "".
func Text(base, first, second string) (merged string, ok bool) { panic("published ahead of its body") }

// Diff shows what changed between two texts, by word (by character for Chinese).
func Diff(old, new string) []Span { panic("published ahead of its body") }
