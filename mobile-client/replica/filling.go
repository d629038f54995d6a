package replica

import (
	"context"
	"encoding/json"

	"minqing/syncproto"
)

// Filling is how far whole buckets have come: those of a first sync, or of a new assignment. It is told to a person, and nothing rests on it.
type Filling struct {
	Rows  int   // that have come
	Total int   // that will come, as the server says; 0: no filling is under way
	Bytes int64 // of the answers that brought them
	Past  bool  // the day's work and the register are here, and the past is on its way: the app can be used
}

// metaFilling is where the file keeps a filling until its last checkpoint came.
const metaFilling = "filling"

// filled is a filling as it is kept.
type filled struct {
	Base   int   `json:"base"` // rows held when it began
	Total  int   `json:"total"`
	Staged int   `json:"staged"` // rows staged behind the last checkpoint
	Bytes  int64 `json:"bytes"`
}

// filling reads what is kept of a filling, zero when there is none, and how many rows are held.
func (c *conn) filling() (f filled, held int, err error) {
	text, err := (&meta{c: c}).text(metaFilling)
	if err != nil || text == "" {
		return f, 0, err
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, 0, wrap("filling", err)
	}
	held, err = c.heldRows()
	return f, held, err
}

func (c *conn) heldRows() (n int, err error) {
	_, err = c.one(`SELECT coalesce(sum(rows), 0) FROM mq_bucket`, nil, &n)
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
		out = Filling{Rows: min(max(0, held+f.Staged-f.Base), f.Total), Total: f.Total, Bytes: f.Bytes, Past: f.Total > 0 && held > 0}
		return err
	})
	return out, err
}

// Expect takes what the server says beside its answer: how many rows of whole buckets it will send, without those that it sent before a link
// broke. It belongs behind the Welcome.
func (s *Session) Expect(ctx context.Context, rows int) error {
	return s.write(ctx, func() error {
		c := s.r.w
		f, held, err := c.filling()
		if err == nil && f.Total == 0 {
			held, err = c.heldRows()
			f.Base = held
		}
		if err != nil {
			return err
		}
		if !s.answer.welcome.Resumed {
			f.Staged = 0
		}
		here := max(0, held+f.Staged-f.Base)
		f.Total = here + rows
		s.answer.filling, s.answer.here, s.answer.past = f, here, held > 0
		return c.keepFilling(f)
	})
}

// Filling tells how far the filling under way has come, rows of the answer that wait in memory included. received is how many bytes of the
// answer came so far.
func (s *Session) Filling(received int) Filling {
	an := &s.answer
	an.received = int64(received)
	return Filling{Rows: min(an.here+an.came, an.filling.Total), Total: an.filling.Total, Bytes: an.filling.Bytes + an.received - an.counted, Past: an.past}
}

// stagedRows notes, inside the transaction that stages them, that all rows so far stay when the link breaks.
func (s *Session) stagedRows() error {
	an := &s.answer
	if an.filling.Total == 0 {
		return nil
	}
	an.filling.Staged += an.came - an.staged
	an.filling.Bytes += an.received - an.counted
	an.staged, an.counted = an.came, an.received
	return s.r.w.keepFilling(an.filling)
}

// appliedRows notes, inside the transaction of a checkpoint, that nothing is staged any more. The last checkpoint ends the filling.
func (s *Session) appliedRows(cp syncproto.Checkpoint) error {
	an := &s.answer
	if cp.More && an.filling.Total > 0 {
		an.filling.Bytes += an.received - an.counted
		an.filling.Staged, an.staged, an.counted, an.past = 0, an.came, an.received, true
		return s.r.w.keepFilling(an.filling)
	}
	if !cp.More {
		return (&meta{c: s.r.w}).set(metaFilling, "")
	}
	return nil
}
