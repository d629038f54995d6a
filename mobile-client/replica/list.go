package replica

import (
	"context"
	"encoding/json"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

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
	Identity syncproto.Identity
	Change   *syncproto.Change
	State    State
	Boxed    bool // it touches a scope that was forgotten: held in the hand-over box till accepted or withdrawn, sealed afterwards
	Outside  bool // captured from another program
	Verdict  *syncproto.Verdict

	ord  int64 // its place in the file
	told int64 // the server's time when the verdict was said
}

// LetIn tells that a refused change was let in on its author's behalf, by somebody who decides about such: what stands in for it is not of
// this device.
func (e *Entry) LetIn() bool {
	return e.State == Refused && e.Verdict != nil && e.Verdict.MendedBy != "" && slices.ContainsFunc(e.Verdict.Items, func(n syncproto.ItemNote) bool {
		return n.Kind == syncproto.ItemLate && n.Outcome == "kept"
	})
}

// Mended are the changes of a list for which another stands in that waits or was taken: of this device, or as the server says.
func Mended(list []Entry) map[syncproto.Identity]bool {
	out := map[syncproto.Identity]bool{}
	for i := range list {
		e := &list[i]
		if e.Verdict != nil && e.Verdict.MendedBy != "" {
			out[e.Identity] = true
		}
		if e.Change.Mends != "" && (e.State == Pending || e.State == Accepted) {
			out[e.Change.Mends] = true
		}
	}
	return out
}

// Entries lists the changes of this device in the order in which they were made, those in one of states; all when none is named.
func (r *Replica) Entries(ctx context.Context, states ...State) (out []Entry, err error) {
	err = r.read(ctx, func(c *conn) error {
		var ords []int64
		var ord int64
		var state State
		err := c.each(`SELECT ord, state FROM mq_change ORDER BY ord`, nil, []any{&ord, &state}, func() error {
			if len(states) == 0 || slices.Contains(states, state) {
				ords = append(ords, ord)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, ord := range ords {
			e, err := c.entry(ord)
			if err != nil {
				return err
			}
			out = append(out, *e)
		}
		return nil
	})
	return out, err
}

// Waiting counts the changes that the server has not: those without a verdict, and one more for what other programs wrote and nothing has
// sealed yet.
func (r *Replica) Waiting(ctx context.Context) (n int, err error) {
	err = r.read(ctx, func(c *conn) error {
		_, err := c.one(`SELECT (SELECT COUNT(*) FROM mq_change WHERE state = ?) + (SELECT EXISTS (SELECT 1 FROM mq_log))`, []any{string(Pending)}, &n)
		return err
	})
	return n, err
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
	return r.read(ctx, func(c *conn) error {
		t, err := c.table("Records", table)
		if err != nil {
			return err
		}
		ids, err := c.ids(t)
		if err != nil {
			return err
		}
		for _, id := range ids {
			rec, err := c.record(t, id)
			if err != nil {
				return err
			}
			if err := f(rec); err != nil {
				return err
			}
		}
		return nil
	})
}

// Record is one row of Records; ok is false when the file knows nothing of it.
func (r *Replica) Record(ctx context.Context, table string, id syncproto.RowID) (rec Record, ok bool, err error) {
	err = r.read(ctx, func(c *conn) error {
		t, err := c.table("Record", table)
		if err != nil {
			return err
		}
		rec, err = c.record(t, id)
		return err
	})
	return rec, rec.Acked != nil || rec.Shown != nil, err
}

// ids lists the rows of a table that show or are acknowledged.
func (c *conn) ids(t *schema.Table) (out []syncproto.RowID, err error) {
	var id syncproto.RowID
	add := func() error {
		out = append(out, id)
		return nil
	}
	if err := c.each("SELECT id FROM "+schema.Quote(t.Name), nil, []any{&id}, add); err != nil {
		return nil, err
	}
	if err := c.each("SELECT row FROM mq_under WHERE tbl = ?", []any{t.Name}, []any{&id}, add); err != nil {
		return nil, err
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (c *conn) record(t *schema.Table, id syncproto.RowID) (Record, error) {
	r, err := c.load(t, id)
	if err != nil {
		return Record{}, err
	}
	rec := Record{Table: t.Name, Row: id, Acked: r.acked, Shown: r.shown}
	if !r.held {
		return rec, nil
	}
	rec.Label.Rev = r.rev
	if rec.Label.Epoch, err = c.epochName(r.epoch); err != nil {
		return rec, err
	}
	if rec.Open, err = c.open(id); err != nil {
		return rec, err
	}
	if _, err := c.one(`SELECT place, period FROM mq_bucket WHERE id = ?`, []any{r.bucket}, (*place)(&rec.Bucket.Scope), &rec.Bucket.Period); err != nil {
		return rec, err
	}
	return rec, nil
}

// open reads the cells of a row that an inbox item holds.
func (c *conn) open(id syncproto.RowID) (cells map[string][]syncproto.Identity, err error) {
	var text string
	found, err := c.one(`SELECT cells FROM mq_open WHERE row = ?`, []any{string(id)}, &text)
	if !found || err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), &cells); err != nil {
		return nil, broken("open", "%w", err)
	}
	return cells, nil
}
