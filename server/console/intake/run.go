package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/console/work"
	"minqing/server/engine"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Worker works on files, one at a time.
type Worker struct {
	e    *engine.Engine
	log  *slog.Logger
	wake chan struct{}
}

// NewWorker makes one; Run lets it work.
func NewWorker(e *engine.Engine, log *slog.Logger) *Worker {
	return &Worker{e: e, log: log, wake: make(chan struct{}, 1)}
}

// Wake tells that there is something to do.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// looked is how often a worker looks for files that another process left behind, left how long one must not have stirred for that.
const (
	looked = 30 * time.Second
	left   = 60 * 1000
)

// Run works until ctx ends. What it is at then stays as it is, and is gone on with by the next.
func (w *Worker) Run(ctx context.Context) {
	every := time.NewTicker(looked)
	defer every.Stop()
	for {
		w.Drain(ctx)
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-every.C:
		}
	}
}

// Drain works on all files that wait.
func (w *Worker) Drain(ctx context.Context) {
	for w.one(ctx) {
	}
}

// one takes a file that waits and works on it; false when there is none.
func (w *Worker) one(ctx context.Context) bool {
	j, err := w.take(ctx, "")
	if err == nil && j != nil {
		err = w.work(ctx, j)
	}
	if err != nil && ctx.Err() == nil {
		w.log.ErrorContext(ctx, "import stopped", "error", err.Error())
	}
	return j != nil && ctx.Err() == nil
}

// take claims a file: nobody else works on it as long as it stirs. With an id it is that one.
func (w *Worker) take(ctx context.Context, id string) (j *Job, err error) {
	err = w.e.Store.Write(ctx, func(tx *store.Tx) error {
		j = nil
		where, args := "w.kind = ? AND w.state = ANY(?) AND w.beat_ms < ?", []any{kindWork, []string{checking, importing, weighing, taking}, tx.Now() - left}
		if id != "" {
			where, args = where+" AND w.id = ?", append(args, id)
		}
		found, err := work.Find(tx, job, where+" ORDER BY w.id LIMIT 1", args...)
		if err != nil || len(found) == 0 {
			return err
		}
		n, err := tx.Affected("UPDATE mq_work SET beat_ms = ? WHERE id = ? AND beat_ms = ?", tx.Now(), found[0].ID, found[0].Beat)
		if err != nil || n == 0 {
			return err
		}
		if found[0].State == checking || found[0].State == importing { // of a run that broke off
			if err := tx.Exec("DELETE FROM mq_work_part WHERE work = ? AND kind = ANY(?)", found[0].ID, []string{partBad, partNote}); err != nil {
				return err
			}
		}
		j = found[0]
		j.Beat = tx.Now()
		return nil
	})
	return j, err
}

// run is one going-through of a file.
type run struct {
	w     *Worker
	j     *Job
	bad   []Line
	notes []Line
	badN  int
	noteN int
}

// errGone says that somebody dropped the file meanwhile.
var errGone = errors.New("intake: the file was dropped")

func (w *Worker) work(ctx context.Context, j *Job) error {
	if j.State == weighing || j.State == taking {
		return w.goBack(ctx, j)
	}
	r := &run{w: w, j: j}
	j.Error, j.Hint, j.Moved, j.Wrote, j.Report, j.Users, j.Back = "", "", false, j.State == importing, register.Report{}, nil, nil
	rep, err := r.through(ctx)
	if errors.Is(err, errGone) || ctx.Err() != nil {
		return nil //nolint:nilerr // dropped, or gone on with by the next process
	}
	state := checked
	if j.Wrote {
		state = finished
	}
	if errors.Is(err, assign.ErrChanged) { // what it would do now waits for a word
		state, err, j.Wrote, j.Moved = checked, nil, false, true
	}
	if rep != nil {
		j.Report = *rep
	}
	if err != nil {
		state = stopped
		var e *syncproto.Error
		if errors.As(err, &e) && e.Message != "" && e.Code != syncproto.CodeInternal {
			j.Error, j.Hint, err = e.Message, e.Hint, nil
		}
	}
	return errors.Join(err, r.save(ctx, state))
}

// through imports the file, or in a preview finds out what that would do.
func (r *run) through(ctx context.Context) (*register.Report, error) {
	e := r.w.e
	var file []byte
	var place register.Place
	login := ""
	err := e.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if place, err = register.FindPlace(tx, r.j.Place); err != nil {
			return err
		}
		if _, err := tx.One(`SELECT COALESCE(login, '') FROM "user" WHERE id = ?`, []any{string(r.j.By)}, &login); err != nil {
			return err
		}
		file = file[:0]
		return tx.Each(func(scan func(...any) error) error {
			var part []byte
			err := scan(&part)
			file = append(file, part...)
			return err
		}, "SELECT body FROM mq_work_part WHERE work = ? AND kind = ? ORDER BY n", r.j.ID, partFile)
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	lines := register.Lines{Limits: sheet.Limits{Packed: MostBytes},
		Bad: func(row sheet.Row, why []schema.Label) error {
			r.badN++
			r.bad = append(r.bad, lineOf(r.badN, row, why))
			return nil
		},
		Note: func(row sheet.Row, why []schema.Label) error {
			r.noteN++
			r.notes = append(r.notes, lineOf(r.noteN, row, why))
			return nil
		},
		Progress: func(rep register.Report) { // after each piece; what it finds stands from then on
			r.j.Report = rep
			if err := r.save(ctx, r.j.State); err != nil {
				stop(err)
			}
		}}
	wrote := func(tx *store.Tx, changes []syncproto.Identity) error { return keepMade(tx, r.j.ID, changes) }
	in, size := bytes.NewReader(file), int64(len(file))
	var rep *register.Report
	switch r.j.What {
	case Places:
		rep, err = admin.PlaceList{Lines: lines, E: e, By: r.j.By, Place: place.ID, Preview: !r.j.Wrote, Wrote: wrote}.Run(ctx, r.j.Name, in, size)
	case Users:
		rep, r.j.Users, err = admin.UserList{Lines: lines, E: e, By: r.j.By, Place: place.ID, Preview: !r.j.Wrote, Wrote: wrote}.Run(ctx, r.j.Name, in, size)
	case Assignments:
		rep, err = r.assign(ctx, assign.Listing{Lines: lines, E: e, By: r.j.By, As: login, Place: place.ID, ID: assign.IDFor(r.j.ID), Preview: !r.j.Wrote}, in, size)
	default:
		rep, err = register.Import{Store: e.Store, Judge: e.Judge, Zone: e.Zone, User: r.j.By, Village: place, Preview: !r.j.Wrote, Limits: lines.Limits, Bad: lines.Bad, Note: lines.Note, Progress: lines.Progress, Wrote: wrote}.
			Run(ctx, r.j.Name, in, size)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return rep, err
}

// assign takes a list of assignments. What it would do is shown, and done only if that still is what it would do.
func (r *run) assign(ctx context.Context, l assign.Listing, in *bytes.Reader, size int64) (*register.Report, error) {
	if r.j.Plan != nil {
		l.Shown = r.j.Plan.Digest
	}
	rep, plan, err := l.Run(ctx, r.j.Name, in, size)
	changed := errors.Is(err, assign.ErrChanged)
	if plan != nil && (l.Preview || changed) {
		r.j.Plan = plan.Short()
	}
	if r.j.Order = ""; !l.Preview && !changed && plan != nil && plan.Count > 0 {
		r.j.Order = l.ID
	}
	return rep, err
}

// lineOf keeps of a row what the file of bad rows needs.
func lineOf(n int, row sheet.Row, why []schema.Label) Line {
	row.Cells, row.Problems = nil, nil
	return Line{N: n, Row: row, Why: append([]schema.Label(nil), why...)}
}

// save says how far it is, and keeps the rows found since.
func (r *run) save(ctx context.Context, state string) error {
	body, err := json.Marshal(r.j.Body)
	if err != nil {
		return err
	}
	err = r.w.e.Store.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Affected("UPDATE mq_work SET state = ?, beat_ms = ?, body = ? WHERE id = ? AND state = ?", state, tx.Now(), string(body), r.j.ID, r.j.State)
		if err == nil && n == 0 {
			err = errGone
		}
		if err != nil {
			return err
		}
		if state == finished { // what it said stands in the register
			if err := tx.Exec("DELETE FROM mq_work_part WHERE work = ? AND kind = ?", r.j.ID, partFile); err != nil {
				return err
			}
		}
		for kind, list := range map[string][]Line{partBad: r.bad, partNote: r.notes} {
			for _, l := range list {
				raw, err := json.Marshal(l)
				if err != nil {
					return err
				}
				if err := tx.Exec("INSERT INTO mq_work_part (work, kind, n, body) VALUES (?, ?, ?, ?)", r.j.ID, kind, int64(l.N), raw); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		r.bad, r.notes = nil, nil
	}
	return err
}
