package shift

import (
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
}

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

// DoRemoval deletes what was shown under a digest, for a reason that goes on record. When anything has changed since, it does nothing and gives
// the removal as it is now.
func DoRemoval(tx *store.Tx, j *judge.Judge, by syncproto.UserID, root, table string, row syncproto.RowID, name, why, shown string) (id string, now *Removal, err error) {
	r, err := PreviewRemoval(tx, table, row)
	if err != nil || r.Digest != shown || len(r.Bars) > 0 {
		return "", r, err
	}
	var drafts []judge.Draft
	for part := range slices.Chunk(r.order, syncproto.MaxEdits) { // what lies beneath goes first, and comes back last
		d := judge.Draft{}
		for _, x := range part {
			d.Edits = append(d.Edits, syncproto.Edit{Table: x.Table, Row: x.ID, Op: syncproto.OpDelete})
		}
		drafts = append(drafts, d)
	}
	changes, err := submit(tx, j, by, drafts...)
	if err != nil {
		return "", r, err
	}
	stream, err := register.StreamOf(tx, root)
	if err != nil {
		return "", r, err
	}
	record, err := json.Marshal(reason{What: "delete", Table: table, Row: row, Within: root, Rows: r.Rows, Why: why, Stream: stream})
	if err != nil {
		return "", r, err
	}
	if err := tx.Disclose("console "+string(by), "", by, record); err != nil {
		return "", r, err
	}
	id, err = keep(tx, by, root, &Done{Table: table, Row: row, Name: name, Why: why, Rows: r.Rows, Changes: changes})
	return id, r, err
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

// Undo takes back what was done. Pressed twice, it is done once.
func Undo(tx *store.Tx, j *judge.Judge, by syncproto.UserID, d *Done) error {
	n, err := tx.Affected("UPDATE mq_work SET state = ? WHERE id = ? AND state = ?", work.Undone, d.ID, work.Done)
	if err != nil || n == 0 {
		return err
	}
	ids := slices.Clone(d.Changes)
	slices.Reverse(ids) // what lies above comes back before what lies beneath it
	_, err = j.UndoIn(tx, by, ids...)
	return err
}
