package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"minqing/server/console/takeback"
	"minqing/server/console/work"
	"minqing/server/store"
	"minqing/syncproto"
)

// Back is the taking back of what an import did: what it would do, how far it is, or what it did.
type Back struct {
	By        syncproto.UserID
	ByName    string
	At        int64  // when it was asked for
	From      string // what the file was at before
	Tally     takeback.Tally
	Left      int // how many lines name what is left
	Conflicts int
	Parts     int // of the import
	Done      int // of them
	Digest    string
	Begun     bool // what was shown still held, and it is being done
	Moved     bool // things changed since it was shown, and nothing was done
	Error     string
	Hint      string
}

// changesAtOnce is how many of an import's changes (households, accounts) are taken back in one transaction: so that phones are not kept waiting.
const changesAtOnce = 40

// Busy tells that a process is at the file, or should be.
func (j *Job) Busy() bool {
	return slices.Contains([]string{checking, importing, weighing, taking}, j.State)
}

// Broken tells that importing it broke off, and may be gone on with.
func (j *Job) Broken() bool {
	return j.State == stopped || (j.State == Weighed || j.State == halted && !j.Back.Begun) && j.Back.From == stopped
}

// Halts tells that taking it back broke off, or finding out what that would do.
func (j *Job) Halts() bool { return j.State == halted }

// locked reads a job that nobody else changes meanwhile: whoever comes second waits here, and reads what the first has left.
func locked(tx *store.Tx, place, id string) (*Job, error) {
	if err := tx.Exec("UPDATE mq_work SET state = state WHERE id = ? AND place = ? AND kind = ?", id, place, kindWork); err != nil {
		return nil, err
	}
	return Read(tx, place, id)
}

// put says what a job is at now; a worker takes it at once.
func put(tx *store.Tx, j *Job, by syncproto.UserID, state string) error {
	j.Back.By, j.Back.At, j.Back.Error, j.Back.Hint, j.Back.Moved = by, tx.Now(), "", "", false
	if _, err := tx.One(`SELECT COALESCE(name, '') FROM "user" WHERE id = ?`, []any{string(by)}, &j.Back.ByName); err != nil {
		return err
	}
	raw, err := json.Marshal(j.Body)
	if err != nil {
		return err
	}
	return tx.Exec("UPDATE mq_work SET state = ?, beat_ms = 0, body = ? WHERE id = ?", state, string(raw), j.ID)
}

// Weigh asks what taking an import back would do. It gives whether there is anything to find out.
func Weigh(tx *store.Tx, place, id string, by syncproto.UserID) (bool, error) {
	j, err := locked(tx, place, id)
	if err != nil || j == nil || !slices.Contains([]string{finished, stopped, Weighed, halted}, j.State) || j.State == halted && j.Back.Begun {
		return false, err
	}
	if made, err := Made(tx, id); err != nil || !made {
		return false, err
	}
	from := j.State
	if j.Back != nil {
		from = j.Back.From
	}
	j.Back = &Back{From: from}
	return true, put(tx, j, by, weighing)
}

// Take asks for an import to be taken back, as it was shown under a digest, or to be gone on with. It gives whether that is what is shown now.
func Take(tx *store.Tx, place, id string, by syncproto.UserID, shown string) (bool, error) {
	j, err := locked(tx, place, id)
	if err != nil || j == nil {
		return false, err
	}
	switch {
	case j.State == taking || j.State == Taken: // somebody was faster
		return true, nil
	case j.State == Weighed && j.Back.Digest == shown, j.State == halted && j.Back.Begun:
		return true, put(tx, j, by, taking)
	}
	return false, nil
}

// LeftOf lists what is left, from behind a number.
func LeftOf(tx *store.Tx, id string, after, most int) (out []takeback.Left, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		var raw []byte
		if err := scan(&raw); err != nil {
			return err
		}
		out = append(out, takeback.Left{})
		return json.Unmarshal(raw, &out[len(out)-1])
	}, "SELECT body FROM mq_work_part WHERE work = ? AND kind = ? AND n > ? ORDER BY n LIMIT ?", id, partLeft, int64(after), int64(most))
	return out, err
}

// backing is the work of taking one import back.
type backing struct {
	w     *Worker
	j     *Job
	parts [][]syncproto.Identity // as the import made them
}

// goBack finds out what taking an import back would do, or does it.
func (w *Worker) goBack(ctx context.Context, j *Job) error {
	b := &backing{w: w, j: j}
	err := b.all(ctx)
	if err == nil || errors.Is(err, errGone) || ctx.Err() != nil {
		return nil //nolint:nilerr // done, taken over, or gone on with by the next process
	}
	back := *j.Back
	var e *syncproto.Error
	if errors.As(err, &e) && e.Message != "" && e.Code != syncproto.CodeInternal {
		back.Error, back.Hint, err = e.Message, e.Hint, nil
	}
	return errors.Join(err, b.save(ctx, halted, back))
}

func (b *backing) all(ctx context.Context) error {
	if err := b.read(ctx); err != nil {
		return err
	}
	if !b.j.Back.Begun {
		digest, err := b.through(ctx, true)
		if err != nil {
			return err
		}
		back := *b.j.Back
		if b.j.State == weighing || digest != back.Digest { // it waits for a word
			back.Moved, back.Digest = b.j.State == taking, digest
			return b.save(ctx, Weighed, back)
		}
		back.Begun = true
		if err := b.anew(ctx, back); err != nil {
			return err
		}
	}
	if _, err := b.through(ctx, false); err != nil {
		return err
	}
	return b.save(ctx, Taken, *b.j.Back)
}

// read reads what the import wrote.
func (b *backing) read(ctx context.Context) error {
	return b.w.e.Store.Read(ctx, func(tx *store.Tx) error {
		b.parts = nil
		return tx.Each(func(scan func(...any) error) error {
			var raw []byte
			var part []syncproto.Identity
			if err := scan(&raw); err != nil {
				return err
			}
			if err := json.Unmarshal(raw, &part); err != nil {
				return fmt.Errorf("intake: what %s wrote: %w", b.j.ID, err)
			}
			b.parts = slices.AppendSeq(b.parts, slices.Chunk(part, changesAtOnce))
			return nil
		}, "SELECT body FROM mq_work_part WHERE work = ? AND kind = ? ORDER BY n", b.j.ID, partMade)
	})
}

// anew begins from the last part, with nothing done or named yet.
func (b *backing) anew(ctx context.Context, back Back) error {
	back.Tally, back.Left, back.Conflicts, back.Parts, back.Done = takeback.Tally{}, 0, 0, len(b.parts), 0
	return b.write(ctx, func(tx *store.Tx) (Back, []takeback.Left, error) {
		return back, nil, tx.Exec("DELETE FROM mq_work_part WHERE work = ? AND kind = ?", b.j.ID, partLeft)
	})
}

// through goes through what the import wrote, the last part first, and gives the digest of what was decided in a preview.
func (b *backing) through(ctx context.Context, preview bool) (string, error) {
	run := takeback.New(b.w.e.Judge, b.j.Back.By, preview)
	for _, p := range b.parts {
		run.Own(p)
	}
	if preview {
		if err := b.anew(ctx, *b.j.Back); err != nil {
			return "", err
		}
	}
	for b.j.Back.Done < len(b.parts) {
		part := b.parts[len(b.parts)-1-b.j.Back.Done]
		var done *takeback.Done
		piece := func(tx *store.Tx) (err error) {
			done, err = run.Piece(tx, part)
			return err
		}
		if preview { // nobody who writes waits for it
			if err := b.w.e.Store.Read(ctx, piece); err != nil {
				return "", err
			}
		}
		if err := b.write(ctx, func(tx *store.Tx) (Back, []takeback.Left, error) {
			if !preview {
				if err := piece(tx); err != nil {
					return Back{}, nil, err
				}
			}
			next := *b.j.Back
			next.Tally = takeback.Tally{}
			next.Tally.Add(b.j.Back.Tally)
			next.Tally.Add(done.Tally)
			next.Conflicts, next.Done = next.Conflicts+done.Conflicts, next.Done+1
			return next, done.Left, nil
		}); err != nil {
			return "", err
		}
		run.Keep(done)
	}
	return run.Digest(), nil
}

// save says how far it is.
func (b *backing) save(ctx context.Context, state string, back Back) error {
	return b.stateTo(ctx, state, func(*store.Tx) (Back, []takeback.Left, error) { return back, nil, nil })
}

// write does a step and keeps what came of it, both or neither.
func (b *backing) write(ctx context.Context, step func(tx *store.Tx) (Back, []takeback.Left, error)) error {
	return b.stateTo(ctx, b.j.State, step)
}

func (b *backing) stateTo(ctx context.Context, state string, step func(tx *store.Tx) (Back, []takeback.Left, error)) error {
	var back Back
	beat := int64(0)
	if err := b.w.e.Store.Write(ctx, func(tx *store.Tx) error {
		beat = tx.Now()
		// Whoever took the work over meanwhile has said so here.
		n, err := tx.Affected("UPDATE mq_work SET beat_ms = ? WHERE id = ? AND state = ? AND beat_ms = ?", beat, b.j.ID, b.j.State, b.j.Beat)
		if err == nil && n == 0 {
			err = errGone
		}
		if err != nil {
			return err
		}
		var left []takeback.Left
		if back, left, err = step(tx); err != nil {
			return err
		}
		for _, l := range left {
			raw, err := json.Marshal(l)
			if err != nil {
				return err
			}
			back.Left++
			if err := tx.Exec("INSERT INTO mq_work_part (work, kind, n, body) VALUES (?, ?, ?, ?)", b.j.ID, partLeft, int64(back.Left), raw); err != nil {
				return err
			}
		}
		body := b.j.Body
		body.Back = &back
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE mq_work SET state = ?, body = ? WHERE id = ?", state, string(raw), b.j.ID)
	}); err != nil {
		return err
	}
	b.j.Back, b.j.Beat, b.j.State = &back, beat, state
	return nil
}

// TakeBack finds out, in this process, what taking an import of a place back would do, and does it unless that is all that is asked. nil is an import
// that is not there, or that changed nothing.
func (w *Worker) TakeBack(ctx context.Context, place, id string, by syncproto.UserID, preview bool) (*Job, error) {
	j, err := w.stand(ctx, place, id)
	if err != nil || j == nil || j.State == Taken {
		return j, err
	}
	if j.Back == nil || !j.Back.Begun {
		if j, err = w.attend(ctx, place, id, func(tx *store.Tx) (bool, error) { return Weigh(tx, place, id, by) }); err != nil || j == nil || preview {
			return j, err
		}
	}
	shown := j.Back.Digest
	return w.attend(ctx, place, id, func(tx *store.Tx) (bool, error) { return Take(tx, place, id, by, shown) })
}

func (w *Worker) stand(ctx context.Context, place, id string) (j *Job, err error) {
	err = w.e.Store.Read(ctx, func(tx *store.Tx) error {
		if j, err = Read(tx, place, id); err != nil || j == nil {
			return err
		}
		made, err := Made(tx, id)
		if !made {
			j = nil
		}
		return err
	})
	return j, err
}

// attend asks for something and does it, unless another process is at it.
func (w *Worker) attend(ctx context.Context, place, id string, ask func(tx *store.Tx) (bool, error)) (*Job, error) {
	if err := w.e.Store.Write(ctx, func(tx *store.Tx) error { _, err := ask(tx); return err }); err != nil {
		return nil, err
	}
	j, err := w.take(ctx, id)
	if err == nil && j == nil {
		if j, err = w.stand(ctx, place, id); err == nil && j != nil && !j.Busy() {
			return j, nil
		}
		err = errors.Join(err, &syncproto.Error{Code: syncproto.CodeBusy, Op: "import: undo", Message: syncproto.Both("这次导入正有人在看或者在撤回。", "Somebody is looking at this import or taking it back just now."),
			Hint: syncproto.Both("过一会儿再执行一次。", "Run it again in a while.")})
	}
	if err != nil {
		return nil, err
	}
	if err := w.work(ctx, j); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if j, err = w.stand(ctx, place, id); err == nil && j != nil && j.State == halted {
		err = &syncproto.Error{Code: syncproto.CodeInvalid, Op: "import: undo", Message: j.Back.Error, Hint: j.Back.Hint}
	}
	return j, err
}

// Newest is the newest import of a kind at a place that can be taken back; nil when there is none.
func Newest(tx *store.Tx, place, what string) (*Job, error) {
	return work.Newest(tx, kindWork, place, job, func(j *Job) (bool, error) {
		if j.What != what || j.State == Taken {
			return false, nil
		}
		return Made(tx, j.ID)
	})
}
