package replica

import (
	"context"
	"encoding/json"

	"minqing/schema"
	"minqing/syncproto"
)

// Filling is how far whole buckets have come: those of a first sync, or of a new assignment. It is told to a person, and nothing rests on it.
type Filling struct {
	Rows  int   // that have come
	Total int   // that will come, as the server says; 0: no filling is under way
	Bytes int64 // of the answers that brought them
	// Homes are the households among them, of all that will come; 0 where the server does not say.
	Homes, AllHomes int
	Ready           bool // a first checkpoint came: the app can be used with what is here
	Past            bool // all households are here, and the past is on its way
}

// metaFilling is where the file keeps a filling until its last checkpoint came.
const metaFilling = "filling"

// filled is a filling as it is kept.
type filled struct {
	Base   int   `json:"base"` // rows held when it began
	Total  int   `json:"total"`
	Staged int   `json:"staged"` // rows staged behind the last checkpoint
	Bytes  int64 `json:"bytes"`
	// The same of households: held when it began, in all, staged behind the last checkpoint.
	BaseHomes   int `json:"baseHomes"`
	TotalHomes  int `json:"totalHomes"`
	StagedHomes int `json:"stagedHomes"`
}

// amount is rows, and the households among them.
type amount struct{ rows, homes int }

// shown is the filling with so much of it here, of which applied is more than staged.
func (f filled) shown(here, applied amount, bytes int64) Filling {
	return Filling{Rows: min(max(0, here.rows), f.Total), Total: f.Total, Bytes: bytes, Homes: min(max(0, here.homes), f.TotalHomes), AllHomes: f.TotalHomes,
		Ready: f.Total > 0 && applied.rows > 0, Past: f.Total > 0 && applied.rows > 0 && applied.homes-f.BaseHomes >= f.TotalHomes}
}

// filling reads what is kept of a filling, zero when there is none, and how many rows are held.
func (c *conn) filling() (f filled, held amount, err error) {
	text, err := (&meta{c: c}).text(metaFilling)
	if err != nil || text == "" {
		return f, held, err
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, held, wrap("filling", err)
	}
	held, err = c.held()
	return f, held, err
}

func (c *conn) held() (n amount, err error) {
	if _, err = c.one(`SELECT coalesce(sum(rows), 0) FROM mq_bucket`, nil, &n.rows); err != nil {
		return n, err
	}
	err = c.bucketIDs(`rows > 0 AND period = '`+schema.NoPeriod+`'`, func(id syncproto.BucketID) error {
		if id.Home() {
			n.homes++
		}
		return nil
	})
	return n, err
}

func (c *conn) keepFilling(f filled) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return wrap("filling", err)
	}
	return (&meta{c: c}).set(metaFilling, string(raw))
}

// Filling tells how far a filling has come that no session of this process is taking just now.
func (r *Replica) Filling(ctx context.Context) (out Filling, err error) {
	err = r.read(ctx, func(c *conn) error {
		f, held, err := c.filling()
		out = f.shown(amount{held.rows + f.Staged - f.Base, held.homes + f.StagedHomes - f.BaseHomes}, held, f.Bytes)
		return err
	})
	return out, err
}

// Expect takes what the server says beside its answer: how many rows of whole buckets it will send, and how many households with them, without
// those that it sent before a link broke. It belongs behind the Welcome.
func (s *Session) Expect(ctx context.Context, rows, homes int) error {
	return s.write(ctx, func() error {
		c := s.r.w
		f, held, err := c.filling()
		if err == nil && f.Total == 0 {
			held, err = c.held()
			f.Base, f.BaseHomes = held.rows, held.homes
		}
		if err != nil {
			return err
		}
		if !s.answer.welcome.Resumed {
			f.Staged, f.StagedHomes = 0, 0
		}
		here := amount{max(0, held.rows+f.Staged-f.Base), max(0, held.homes+f.StagedHomes-f.BaseHomes)}
		f.Total, f.TotalHomes = here.rows+rows, here.homes+homes
		s.answer.filling, s.answer.here, s.answer.applied = f, here, held
		return c.keepFilling(f)
	})
}

// Filling tells how far the filling under way has come, rows of the answer that wait in memory included. received is how many bytes of the
// answer came so far.
func (s *Session) Filling(received int) Filling {
	an := &s.answer
	an.received = int64(received)
	here := amount{an.here.rows + an.came.rows, an.here.homes + an.came.homes}
	return an.filling.shown(here, an.applied, an.filling.Bytes+an.received-an.counted)
}

// stagedRows notes, inside the transaction that stages them, that all rows so far stay when the link breaks.
func (s *Session) stagedRows() error {
	an := &s.answer
	if an.filling.Total == 0 {
		return nil
	}
	an.filling.Staged += an.came.rows - an.staged.rows
	an.filling.StagedHomes += an.came.homes - an.staged.homes
	an.filling.Bytes += an.received - an.counted
	an.staged, an.counted = an.came, an.received
	return s.r.w.keepFilling(an.filling)
}

// appliedRows notes, inside the transaction of a checkpoint, that nothing is staged any more. The last checkpoint ends the filling.
func (s *Session) appliedRows(cp syncproto.Checkpoint) error {
	an := &s.answer
	if cp.More && an.filling.Total > 0 {
		an.filling.Bytes += an.received - an.counted
		an.filling.Staged, an.filling.StagedHomes, an.staged, an.counted = 0, 0, an.came, an.received
		an.applied = amount{an.filling.Base + an.here.rows + an.came.rows, an.filling.BaseHomes + an.here.homes + an.came.homes}
		return s.r.w.keepFilling(an.filling)
	}
	if !cp.More {
		return (&meta{c: s.r.w}).set(metaFilling, "")
	}
	return nil
}
