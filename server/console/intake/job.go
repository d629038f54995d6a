package intake

import (
	"encoding/json"
	"fmt"
	"io"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/console/work"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// The states of a file: it is being looked through, waits for a word, is being imported, or is done with. Stopped says that it broke off.
// What taking it back would do is found out, waits for a word, and is done; halted says that this broke off.
const (
	checking  = "checking"
	checked   = "checked"
	importing = "importing"
	finished  = "done"
	stopped   = "stopped"
	weighing  = "weighing"
	Weighed   = "weighed"
	taking    = "taking"
	halted    = "halted"
	Taken     = "taken"
)

const kindWork = "import"

// The kinds of files.
const (
	Register    = "register"
	Places      = "places"
	Users       = "users"
	Assignments = "assignments"
)

// Kinds are those that a console takes; of any other table the command line does (register.TableList), and its imports are listed and taken back alike.
var Kinds = []string{Register, Places, Users, Assignments}

// The kinds of parts.
const (
	partFile = "file"
	partBad  = "bad"
	partNote = "note"
	partMade = "made" // changes that it made, as a list of names
	partLeft = "left" // what is left when it is taken back
)

// MostBytes bounds a file, chunk is how much of it one record holds. keptFor is how long files are kept.
const (
	MostBytes = 64 << 20
	chunk     = 256 << 10
	keptFor   = 7 * 24 * 60 * 60 * 1000
)

// Job is one file.
type Job struct {
	ID, Place string
	By        syncproto.UserID
	ByName    string
	At, Beat  int64
	State     string
	Body
}

// Body is what is known of it beside.
type Body struct {
	Name   string
	What   string // one of the kinds
	Bytes  int64
	Report register.Report // of the run under way, or the last
	Wrote  bool            // the last run imported
	Users  *admin.UsersBrought
	Plan   *assign.Plan // of a list of assignments: what it would do, or did
	Order  string       // id of what was done
	Back   *Back        // of taking it back, or of what that would do
	Moved  bool         // things changed since the preview that was agreed to, and nothing was done
	Error  string       // why it stopped, in both languages; "" when it may just be gone on with
	Hint   string
}

// Line is a row that was not taken, or that is to be looked at.
type Line struct {
	N   int
	Row sheet.Row
	Why []schema.Label
}

// Save keeps a file that was sent, to be looked through. Files older than a week go.
func Save(tx *store.Tx, by syncproto.UserID, place, what, name string, size int64, r io.Reader) (id string, err error) {
	if err := sweep(tx); err != nil {
		return "", err
	}
	if id, err = tx.NewID(); err != nil {
		return "", err
	}
	for n := 0; ; n++ {
		buf := make([]byte, chunk)
		got, err := io.ReadFull(r, buf)
		if got > 0 {
			if err := tx.Exec("INSERT INTO mq_work_part (work, kind, n, body) VALUES (?, ?, ?, ?)", id, partFile, int64(n), buf[:got]); err != nil {
				return "", err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return "", fmt.Errorf("intake: reading the file: %w", err)
		}
	}
	return id, work.Add(tx, kindWork, id, place, by, checking, Body{Name: name, What: what, Bytes: size})
}

// personal are the parts that hold what a file said of people.
var personal = []string{partFile, partBad, partNote}

func sweep(tx *store.Tx) error {
	if err := tx.Exec("DELETE FROM mq_work_part WHERE kind = ANY(?) AND work IN (SELECT id FROM mq_work WHERE kind = ? AND at_ms < ?)", personal, kindWork, tx.Now()-keptFor); err != nil {
		return err
	}
	return tx.Exec("DELETE FROM mq_work WHERE kind = ? AND at_ms < ? AND NOT EXISTS (SELECT 1 FROM mq_work_part p WHERE p.work = mq_work.id AND p.kind = ?)", kindWork, tx.Now()-keptFor, partMade)
}

// Drop forgets a file, whatever state it is in. That something was imported from it stays on the list.
func Drop(tx *store.Tx, id string) error {
	if err := tx.Exec("DELETE FROM mq_work_part WHERE work = ? AND kind = ANY(?)", id, personal); err != nil {
		return err
	}
	if made, err := Made(tx, id); err != nil || made {
		return err
	}
	return tx.Exec("DELETE FROM mq_work WHERE id = ? AND kind = ?", id, kindWork)
}

// Made tells whether an import of the file changed anything that can be taken back.
func Made(tx *store.Tx, id string) (bool, error) {
	return tx.One("SELECT n FROM mq_work_part WHERE work = ? AND kind = ? LIMIT 1", []any{id, partMade}, new(int64))
}

// keepMade keeps which changes an import made, in the transaction that makes them.
func keepMade(tx *store.Tx, id string, changes []syncproto.Identity) error {
	raw, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	n := int64(0)
	if _, err := tx.One("SELECT COALESCE(MAX(n), 0) FROM mq_work_part WHERE work = ? AND kind = ?", []any{id, partMade}, &n); err != nil {
		return err
	}
	return tx.Exec("INSERT INTO mq_work_part (work, kind, n, body) VALUES (?, ?, ?, ?)", id, partMade, n+1, raw)
}

// Record keeps that an import was made from elsewhere, a command: how many changes it made by and by, and what it did at last. The id is its own
// choice; there is no record before anything was changed.
func Record(id, place, what, name string, by syncproto.UserID) func(tx *store.Tx, changes []syncproto.Identity) error {
	return func(tx *store.Tx, changes []syncproto.Identity) error {
		made, err := Made(tx, id)
		if err == nil && !made {
			err = work.Add(tx, kindWork, id, place, by, finished, Body{Name: name, What: what, Wrote: true})
		}
		if err != nil {
			return err
		}
		return keepMade(tx, id, changes)
	}
}

// Recorded keeps with the record of a command's import what it did.
func Recorded(tx *store.Tx, place, id string, rep *register.Report, users *admin.UsersBrought) (bool, error) {
	j, err := Read(tx, place, id)
	if err != nil || j == nil {
		return false, err
	}
	j.Report, j.Users = *rep, users
	raw, err := json.Marshal(j.Body)
	if err != nil {
		return false, err
	}
	return true, tx.Exec("UPDATE mq_work SET body = ? WHERE id = ?", string(raw), id)
}

// Go tells that a file that was looked through is to be imported, or that one that stopped is to be gone on with. It gives whether there is
// anything to do.
func Go(tx *store.Tx, j *Job) (bool, error) {
	next := importing
	if j.State == stopped && !j.Wrote {
		next = checking
	}
	if j.State != checked && !j.Broken() {
		return false, nil
	}
	n, err := tx.Affected("UPDATE mq_work SET state = ?, beat_ms = 0 WHERE id = ? AND state = ?", next, j.ID, j.State)
	return n > 0, err
}

// List lists the files of a place, newest first, those before an id; more tells that there are others.
func List(tx *store.Tx, place, before string) (list []*Job, more bool, err error) {
	return work.Page(tx, kindWork, place, before, job)
}

// Read reads one; nil when there is none of that id in the place.
func Read(tx *store.Tx, place, id string) (*Job, error) {
	return work.Read(tx, kindWork, place, id, job)
}

func job(r work.Record) (*Job, error) {
	j := &Job{ID: r.ID, Place: r.Place, By: r.By, ByName: r.ByName, At: r.At, State: r.State, Beat: r.Beat}
	return j, json.Unmarshal(r.Body, &j.Body)
}

// Bad lists rows that were not taken, from behind a number; Notes those that are to be looked at.
func Bad(tx *store.Tx, id string, after, most int) ([]Line, error) {
	return lines(tx, id, partBad, after, most)
}

// Notes lists the rows that are to be looked at.
func Notes(tx *store.Tx, id string, after, most int) ([]Line, error) {
	return lines(tx, id, partNote, after, most)
}

func lines(tx *store.Tx, id, kind string, after, most int) (out []Line, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		var n int64
		var raw []byte
		if err := scan(&n, &raw); err != nil {
			return err
		}
		l := Line{N: int(n)}
		out = append(out, l)
		return json.Unmarshal(raw, &out[len(out)-1])
	}, "SELECT n, body FROM mq_work_part WHERE work = ? AND kind = ? AND n > ? ORDER BY n LIMIT ?", id, kind, int64(after), int64(most))
	return out, err
}

// badAtOnce is how many rows are held while the file of them is written.
const badAtOnce = 500

// WriteBad writes the workbook of the rows that were not taken, each with why and with a mark of who takes it away, to be mended and
// imported again.
func WriteBad(tx *store.Tx, w io.Writer, id, mark string) (rows int, err error) {
	out := sheet.NewBadRows(w, mark)
	for after := 0; ; {
		list, err := Bad(tx, id, after, badAtOnce)
		if err != nil {
			return rows, err
		}
		for _, l := range list {
			if err := out.Add(l.Row, l.Why...); err != nil {
				return rows, err
			}
			rows, after = rows+1, l.N
		}
		if len(list) < badAtOnce {
			return rows, out.Close()
		}
	}
}
