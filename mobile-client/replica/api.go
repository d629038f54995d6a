package replica

import (
	"context"
	"io"

	"minqing/schema"
	"minqing/syncproto"
)

// Options say which file to open and what the outside world is.
type Options struct {
	Path string
	Key  []byte       // 32 bytes: the file is encrypted; nil: plain, for tools on a laptop
	Book *schema.Book // what this program knows
	Now  func() int64 // wall clock, Unix ms: may be wrong, jump or stand still
	Rand io.Reader
}

// Replica is an open file. Its methods may be called from several goroutines; writes wait for each other.
type Replica struct{ opt Options }

// Open opens the file, making it when there is none, upgrades it to the book, and heals capture triggers that somebody dropped.
func Open(ctx context.Context, opt Options) (*Replica, error) { panic("published ahead of its body") }

// Close closes the file.
func (r *Replica) Close() error { panic("published ahead of its body") }

// Device is who this file belongs to.
type Device struct {
	ID     syncproto.DeviceID
	User   syncproto.UserID
	Server string // base URL
	Seed   []byte // of the Ed25519 key, 32 bytes
}

// Enrol writes who the file belongs to. A file that is enrolled keeps its user.
func (r *Replica) Enrol(ctx context.Context, d Device) error { panic("published ahead of its body") }

// Device reads who the file belongs to; the zero Device before Enrol.
func (r *Replica) Device(ctx context.Context) (Device, error) { panic("published ahead of its body") }

// Form is what a form must carry from its rendering to its saving: what the author was shown of one row. It marshals to JSON.
type Form struct {
	Table  string
	Row    syncproto.RowID
	Base   syncproto.Base
	Values map[string]schema.Value // by column, as shown
}

// Form renders a row for editing; the error has CodeNotFound when it is not shown.
func (r *Replica) Form(ctx context.Context, table string, row syncproto.RowID) (Form, error) {
	panic("published ahead of its body")
}

// Write runs fn and seals what it wrote as one change. The number is 0 when nothing was written. An error of fn undoes everything.
func (r *Replica) Write(ctx context.Context, fn func(*Tx) error) (number uint64, err error) {
	panic("published ahead of its body")
}

// Mend is Write for a change that mends the refused change of that number.
func (r *Replica) Mend(ctx context.Context, number uint64, fn func(*Tx) error) (uint64, error) {
	panic("published ahead of its body")
}

// Withdraw gives a refused change up: it stays refused at the server, and leaves the list of refused changes here.
func (r *Replica) Withdraw(ctx context.Context, number uint64) error {
	panic("published ahead of its body")
}

// Tx is the transaction of one Write.
type Tx struct{}

// NewID makes the id of a row to create.
func (tx *Tx) NewID() (syncproto.RowID, error) { panic("published ahead of its body") }

// Form renders a row as it stands in the transaction.
func (tx *Tx) Form(table string, row syncproto.RowID) (Form, error) {
	panic("published ahead of its body")
}

// Create makes a row. Values are by column; columns left out are null.
func (tx *Tx) Create(table string, row syncproto.RowID, values map[string]schema.Value) error {
	panic("published ahead of its body")
}

// Update saves those of values that differ from what the form showed.
func (tx *Tx) Update(f Form, values map[string]schema.Value) error {
	panic("published ahead of its body")
}

// Decide is Update that decides the open inbox items of the named cells (“.” for the existence of the row).
func (tx *Tx) Decide(f Form, values map[string]schema.Value, cells ...string) error {
	panic("published ahead of its body")
}

// Delete deletes the row that the form showed.
func (tx *Tx) Delete(f Form) error { panic("published ahead of its body") }

// SealForeign seals what other programs wrote to the tables; the number is 0 when there was nothing.
func (r *Replica) SealForeign(ctx context.Context) (number uint64, err error) {
	panic("published ahead of its body")
}

// State is where a change of this device stands.
type State string

// The states. Pending changes are laid over their rows and wait for a verdict.
const (
	Pending   State = "pending"
	Accepted  State = "accepted" // applied, merged or conflicted
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
)

// Entry is one change of this device as it now stands.
type Entry struct {
	Change  *syncproto.Change
	State   State
	Boxed   bool // it touches a scope that was forgotten: held in the hand-over box till accepted or withdrawn
	Foreign bool // captured from another program
	Verdict *syncproto.Verdict
}

// Entries lists the changes of this device in the order of their numbers, those in one of states; all when none is named.
func (r *Replica) Entries(ctx context.Context, states ...State) ([]Entry, error) {
	panic("published ahead of its body")
}

// Record is one row: what is acknowledged, and what shows.
type Record struct {
	Table  string
	Row    syncproto.RowID
	Bucket syncproto.BucketID // zero when the server has not sent the row
	Label  syncproto.Label
	Open   map[string][]syncproto.Identity
	Acked  []schema.Value // in schema order; nil when the server has not sent the row
	Shown  []schema.Value // nil when the row does not show (an own deletion)
}

// Records gives every row of a table in the order of ids, from one snapshot.
func (r *Replica) Records(ctx context.Context, table string, f func(Record) error) error {
	panic("published ahead of its body")
}

// Digests reckons the state of every bucket held anew from the tables, in the order of scope and period.
func (r *Replica) Digests(ctx context.Context) ([]syncproto.BucketState, error) {
	panic("published ahead of its body")
}
