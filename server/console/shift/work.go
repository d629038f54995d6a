package shift

import (
	"context"
	"encoding/json"
	"slices"

	"minqing/schema"
	"minqing/server/console/work"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// kindWork is the kind of our records of work.
const kindWork = "shift"

// Done is what was done.
type Done struct {
	work.Record `json:"-"`

	Table   string
	Row     syncproto.RowID
	Name    string // of the row
	From    string // of a move: where it lay, by name; "" for a deletion
	FromID  string
	To      string
	Why     string // of a deletion
	Rows    int
	Changes []syncproto.Identity // in the order in which they were made
	// TakenBack is how many of its changes were taken back, the last first.
	TakenBack int `json:",omitempty"`
}

// Partly tells that it broke off: part of what was to be deleted is there still.
func (d *Done) Partly() bool { return d.State == work.Partly }

// Moved tells a move from a deletion.
func (d *Done) Moved() bool { return d.FromID != "" }

// DoMove does what was shown under a digest. When anything has changed since, it does nothing and gives the move as it is now.
func DoMove(tx *store.Tx, j *judge.Judge, by syncproto.UserID, root, place, to, shown string) (id string, now *Move, err error) {
	m, err := PreviewMove(tx, root, place, to)
	if err != nil || m.Digest != shown {
		return "", m, err
	}
	changes, err := submit(tx, j, by, judge.Draft{Edits: []syncproto.Edit{{Table: "place", Row: syncproto.RowID(place), Op: syncproto.OpUpdate,
		Cells: []syncproto.CellEdit{{Cell: "parent", Value: schema.Text(m.To.ID)}}}}})
	if err != nil {
		return "", m, err
	}
	id, err = keep(tx, by, root, &Done{Table: "place", Row: syncproto.RowID(place), Name: m.Place.Name, From: m.From.Name, FromID: m.From.ID, To: m.To.Name, Changes: changes})
	return id, m, err
}

// Order is a removal that somebody agreed to.
type Order struct {
	By    syncproto.UserID
	Root  string // the place from which it is done
	Table string
	Row   syncproto.RowID
	Name  string // of the row
	Why   string // it goes on record
	Shown string // the digest of what he was shown
}

// Remove deletes what was shown, for a reason that goes on record, in pieces of about so many rows, each in a transaction of its own and as it was
// shown. When anything has changed since, it does nothing, and id is ""; when it changes between two pieces, whole is false: what is left is shown anew,
// and whoever agrees to that goes on with the same record.
func Remove(ctx context.Context, s *store.Store, j *judge.Judge, o Order, atOnce int) (id string, whole bool, err error) {
	var left []piece
	for first := true; first || len(left) > 0; first = false {
		now, next := id, []piece(nil)
		if err := s.Write(ctx, func(tx *store.Tx) (err error) {
			whole = false
			if now, next = id, left; first {
				now, next, err = begin(tx, j, o, atOnce)
				return err
			}
			if stands, err := left[0].stands(tx); err != nil || !stands {
				next = nil
				return err
			}
			whole, next = len(left) == 1, left[1:]
			return o.remove(tx, j, now, left[0], whole)
		}); err != nil {
			return id, false, err
		}
		if first {
			whole = now != "" && len(next) == 0
		}
		id, left = now, next
	}
	return id, whole, nil
}

// begin deletes the first piece, if what was shown stands, and gives those that are left.
func begin(tx *store.Tx, j *judge.Judge, o Order, atOnce int) (id string, left []piece, err error) {
	r, err := PreviewRemoval(tx, o.Table, o.Row)
	if err != nil || r.Digest != o.Shown || len(r.Bars) > 0 {
		return "", nil, err
	}
	stream, err := register.StreamOf(tx, o.Root)
	if err != nil {
		return "", nil, err
	}
	record, err := json.Marshal(reason{What: "delete", Table: o.Table, Row: o.Row, Within: o.Root, Rows: r.Rows, Why: o.Why, Stream: stream})
	if err != nil {
		return "", nil, err
	}
	if err := tx.Disclose("console "+string(o.By), "", o.By, record); err != nil {
		return "", nil, err
	}
	pieces := r.pieces(atOnce)
	if id, err = o.recorded(tx); err != nil {
		return "", nil, err
	}
	return id, pieces[1:], o.remove(tx, j, id, pieces[0], len(pieces) == 1)
}

// recorded gives the record of the removal: that of one that broke off, else a new one.
func (o *Order) recorded(tx *store.Tx) (id string, err error) {
	open, err := work.Find(tx, done, "w.place = ? AND w.kind = ? AND w.state = ?", o.Root, kindWork, work.Partly)
	for _, d := range open {
		if d.Row == o.Row && err == nil {
			return d.ID, nil
		}
	}
	if err == nil {
		id, err = tx.NewID()
	}
	if err != nil {
		return "", err
	}
	return id, work.Add(tx, kindWork, id, o.Root, o.By, work.Partly, &Done{Table: o.Table, Row: o.Row, Name: o.Name, Why: o.Why})
}

// remove deletes a piece and adds it to the record.
func (o *Order) remove(tx *store.Tx, j *judge.Judge, id string, p piece, whole bool) error {
	// Whoever takes it back meanwhile waits here, or has come first.
	n, err := tx.Affected("UPDATE mq_work SET state = state WHERE id = ? AND state = ?", id, work.Partly)
	if err != nil {
		return err
	}
	if n == 0 {
		return &syncproto.Error{Code: syncproto.CodeConflict, Op: "shift: remove", Message: syncproto.Both("这次删除已经有人撤回了。", "Somebody has taken this deletion back."),
			Hint: syncproto.Both("请先看看现在还有什么。", "See what is there now.")}
	}
	d, err := Read(tx, o.Root, id)
	if err != nil {
		return err
	}
	var drafts []judge.Draft
	for part := range slices.Chunk(p.order, syncproto.MaxEdits) { // what lies beneath goes first, and comes back last
		x := judge.Draft{}
		for _, r := range part {
			x.Edits = append(x.Edits, syncproto.Edit{Table: r.Table, Row: r.ID, Op: syncproto.OpDelete})
		}
		drafts = append(drafts, x)
	}
	changes, err := submit(tx, j, o.By, drafts...)
	if err != nil {
		return err
	}
	d.Changes = append(d.Changes[:len(d.Changes)-d.TakenBack], changes...)
	d.TakenBack, d.Rows = 0, d.Rows+len(p.order)
	state := work.Partly
	if whole {
		state = work.Done
	}
	return d.save(tx, state)
}

// RemoveIn is Remove of what goes at once, inside a transaction of the caller's.
func RemoveIn(tx *store.Tx, j *judge.Judge, o Order) (id string, err error) {
	id, _, err = begin(tx, j, o, mostRemoved)
	return id, err
}

func (d *Done) save(tx *store.Tx, state string) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return tx.Exec("UPDATE mq_work SET state = ?, body = ? WHERE id = ?", state, string(body), d.ID)
}

// reason is the record of why something was deleted.
type reason struct {
	What   string          `json:"what"`
	Table  string          `json:"table"`
	Row    syncproto.RowID `json:"row"`
	Within string          `json:"within"`
	Rows   int             `json:"rows"`
	Why    string          `json:"why"`
	Stream string          `json:"stream"` // that of the place
}

// submit submits changes; one refused is an error in its words, so that nothing of it stands.
func submit(tx *store.Tx, j *judge.Judge, by syncproto.UserID, drafts ...judge.Draft) (ids []syncproto.Identity, err error) {
	out, err := j.SubmitIn(tx, by, drafts...)
	if err != nil {
		return nil, err
	}
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return nil, &syncproto.Error{Code: v.Code, Op: "shift: submit", Message: v.Message}
		}
		ids = append(ids, v.Identity)
	}
	return ids, nil
}

func keep(tx *store.Tx, by syncproto.UserID, root string, d *Done) (id string, err error) {
	if id, err = tx.NewID(); err != nil {
		return "", err
	}
	return id, work.Add(tx, kindWork, id, root, by, work.Done, d)
}

// Last lists what was done last in a place, newest first.
func Last(tx *store.Tx, place string) ([]*Done, error) {
	return work.Last(tx, kindWork, place, done)
}

// Read reads one; nil when there is none of that id in the place.
func Read(tx *store.Tx, place, id string) (*Done, error) {
	return work.Read(tx, kindWork, place, id, done)
}

func done(r work.Record) (*Done, error) {
	d := &Done{Record: r}
	return d, json.Unmarshal(r.Body, d)
}

// undoneAtOnce is how many changes are taken back in one transaction: as many rows as are deleted in one.
const undoneAtOnce = AtOnce / syncproto.MaxEdits

// Undo takes back what was done at a place, part by part, the last first, each in a transaction of its own: one that breaks off goes on where it
// stopped. Pressed twice, it is done once. found is false when there is no such record.
func Undo(ctx context.Context, s *store.Store, j *judge.Judge, by syncproto.UserID, place, id string) (found bool, err error) {
	for more := true; more; {
		if err := s.Write(ctx, func(tx *store.Tx) error {
			more = false
			// Whoever comes second waits here, and reads what the first has left.
			n, err := tx.Affected("UPDATE mq_work SET state = state WHERE id = ? AND kind = ? AND state IN (?, ?)", id, kindWork, work.Done, work.Partly)
			if err != nil {
				return err
			}
			d, err := Read(tx, place, id)
			if found = d != nil; err != nil || !found || n == 0 {
				return err
			}
			left := d.Changes[:len(d.Changes)-d.TakenBack]
			part := slices.Clone(left[max(0, len(left)-undoneAtOnce):])
			slices.Reverse(part) // what lies above comes back before what lies beneath it
			if _, err := j.UndoIn(tx, by, part...); err != nil {
				return err
			}
			d.TakenBack += len(part)
			if more = len(part) < len(left); more {
				return d.save(tx, d.State)
			}
			return d.save(tx, work.Undone)
		}); err != nil {
			return found, err
		}
	}
	return found, nil
}
