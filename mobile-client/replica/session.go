package replica

import (
	"context"
	"encoding/hex"
	"io"

	"minqing/syncproto"
)

// leaseMS is how long a sync may be silent before another process may take its place: longer than a server may take over one
// answer, short enough that a killed process holds nobody up for long.
const leaseMS = 120_000

// busySeconds is when to look again at a file that another process syncs: it is done long before its lease ends.
const busySeconds = 3

// Session is one sync of the file: the device's side of one or several requests. It holds the file's lease.
type Session struct {
	r      *Replica
	holder string
	until  int64
	round  int64
	answer answer
	probes map[syncproto.BucketID]*probing
	// known are short keys, among them those of all that is held, where this session began to fill an empty file: nobody else fills it while
	// the lease is here. A row that is not among them is not held, which spares a first sync a question for each. nil: what is held is not known.
	known map[[shortKey]byte]bool
	// testified are the rows whose testimony went with the request under way.
	testified []string
}

// answer is what is kept in memory of the answer under way.
type answer struct {
	welcome  syncproto.Welcome
	stream   int64
	verdicts []told
	heads    []syncproto.Head
	frames   []syncproto.Frame   // since the last mark
	columns  []syncproto.Columns // headed before those frames
	stager   *stager
	ranges   []syncproto.Ranges
	result   Result
	// How a filling stands (filling.go): here rows of it came before this answer, came ones with it, staged of those stay; of its received
	// bytes, counted are in the filling already.
	filling            filled
	here, came, staged amount
	applied            amount // held since the last checkpoint
	received, counted  int64
}

// Result is what the checkpoints of one answer did.
type Result struct {
	Checkpoints int
	Rows        int // acknowledged rows taken
	Forgot      bool
	Verdicts    int
	Marks       int  // marks behind which a broken answer can go on
	More        bool // the last checkpoint announced another
	Differs     int  // buckets that are not the server's
	Repaired    int  // buckets that are again
	Hopeless    bool // no bucket that differs is worth another request now
	// Unknown tells that all buckets together are not the server's and that it is not known which.
	Unknown bool
}

// Kept tells that something durable came of the answer: another request has a better start than this one had.
func (r Result) Kept() bool { return r.Checkpoints > 0 || r.Verdicts > 0 || r.Marks > 0 }

// Begin takes the lease and seals what other programs wrote. The error has CodeBusy while another process syncs the file.
func (r *Replica) Begin(ctx context.Context) (*Session, error) {
	var token [8]byte
	if _, err := io.ReadFull(r.opt.Rand, token[:]); err != nil {
		return nil, wrap("Begin", err)
	}
	s := &Session{r: r, holder: r.newHolder(hex.EncodeToString(token[:])), probes: map[syncproto.BucketID]*probing{}}
	err := r.write(ctx, func() error {
		var holder string
		var until int64
		now := r.opt.Now()
		held, err := r.w.one(`SELECT holder, until FROM mq_lease`, nil, &holder, &until)
		if err != nil {
			return err
		}
		// A lease that ends further away than leases last was taken before the clock went back.
		if held && until > now && until <= now+leaseMS && !r.gone(holder) {
			return &syncproto.Error{Code: syncproto.CodeBusy, Op: "replica.Begin", RetryAfter: busySeconds,
				Message: syncproto.Both("另一个程序正在同步。", "Another program is syncing this file."), Hint: syncproto.Both("等它做完。", "Wait until it is done.")}
		}
		if err := s.extend(now); err != nil {
			return err
		}
		m := &meta{c: r.w}
		if s.round, err = m.num("round"); err != nil {
			return err
		}
		s.round++
		if err := m.setNum("round", s.round); err != nil {
			return err
		}
		_, err = r.sealForeign()
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Session) extend(now int64) error {
	s.until = now + leaseMS
	return s.r.w.exec(`INSERT INTO mq_lease (one, holder, until) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, until = excluded.until`,
		s.holder, s.until)
}

// write is Replica.write for as long as the lease is held; it renews it. What other programs wrote meanwhile is sealed first: a verdict
// lays rows anew, and what it does not know of would be gone from them, and from the log's now and then, without a trace.
func (s *Session) write(ctx context.Context, fn func() error) error {
	return s.r.write(ctx, func() error {
		var holder string
		if _, err := s.r.w.one(`SELECT holder FROM mq_lease`, nil, &holder); err != nil {
			return err
		}
		if holder != s.holder {
			return &syncproto.Error{Code: syncproto.CodeBusy, Op: "replica.Session", Message: syncproto.Both("另一个程序接手了同步。", "Another program took this sync over."),
				Hint: syncproto.Both("这次不用做什么。", "Nothing to do.")}
		}
		if now := s.r.opt.Now(); s.until < now+leaseMS/2 || s.until > now+leaseMS {
			if err := s.extend(now); err != nil {
				return err
			}
		}
		if _, err := s.r.sealForeign(); err != nil {
			return err
		}
		return fn()
	})
}

// Close gives the lease back, and cleans the file up when something was forgotten. Where it cannot be given back (the disk is full), this
// replica's next sync does not wait for it to run out.
func (s *Session) Close(ctx context.Context) error {
	s.r.over.Store(&s.holder)
	err := s.r.write(ctx, func() error {
		return s.r.w.exec(`DELETE FROM mq_lease WHERE holder = ?`, s.holder)
	})
	if err != nil {
		return err
	}
	return s.r.locked(ctx, s.r.scrub)
}

// Hello is what the device says of itself; Protocol and Client are the caller's.
func (s *Session) Hello(ctx context.Context) (h syncproto.Hello, err error) {
	err = s.r.read(ctx, func(c *conn) error {
		m := &meta{c: c}
		h.Schema = s.r.book.Version
		d, err := device(c)
		if err != nil {
			return err
		}
		h.Device = d.ID
		if h.Cursor, err = m.text("cursor"); err != nil {
			return err
		}
		if h.Resume, err = m.text("resume"); err != nil {
			return err
		}
		offer, err := m.text("offer")
		if err != nil {
			return err
		}
		h.Offer = syncproto.EpochID(offer)
		if h.Root, err = m.root(); err != nil {
			return err
		}
		next, err := m.num("next")
		if err != nil {
			return err
		}
		h.Next = uint64(next)
		var seal string
		return c.each(`SELECT seal FROM mq_head ORDER BY ord DESC LIMIT ?`, []any{syncproto.MaxHeads}, []any{&seal}, func() error {
			h.Heads = append(h.Heads, seal)
			return nil
		})
	})
	return h, err
}

// Held lists the buckets held.
func (s *Session) Held(ctx context.Context) (out []syncproto.BucketID, err error) {
	err = s.r.read(ctx, func(c *conn) error {
		return c.bucketIDs(`TRUE`, func(id syncproto.BucketID) error {
			out = append(out, id)
			return nil
		})
	})
	return out, err
}

// Keeps tells whether the file keeps changes of its own, sent or not: only of such a verdict can come.
func (s *Session) Keeps(ctx context.Context) (yes bool, err error) {
	err = s.r.read(ctx, func(c *conn) error {
		var ord int64
		yes, err = c.one(`SELECT ord FROM mq_change LIMIT 1`, nil, &ord)
		return err
	})
	return yes, err
}

// Outbox gives changes to push, in the order in which they were made, up to a number and a size of their contents, and how many
// stay behind.
func (s *Session) Outbox(ctx context.Context, most, bytes int) (out []*syncproto.Change, waiting int, err error) {
	err = s.r.read(ctx, func(c *conn) error {
		offer, err := (&meta{c: c}).text("offer")
		if err != nil {
			return err
		}
		var ords []int64
		var ord int64
		var size int
		err = c.each(`SELECT ord, length(CAST(content AS BLOB)) FROM mq_change WHERE need = 1 ORDER BY ord`, nil, []any{&ord, &size}, func() error {
			if bytes -= size; len(ords) < most && (bytes >= 0 || len(ords) == 0) && waiting == 0 {
				ords = append(ords, ord)
			} else {
				waiting++
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
			if offer == "" {
				e.Change.Labels = nil
			}
			out = append(out, e.Change)
		}
		return nil
	})
	return out, waiting, err
}

// maxPending bounds the verdicts that wait in memory for their transaction.
const maxPending = 1000

// maxFrames bounds the frames of an answer that wait in memory for a mark or a checkpoint.
const maxFrames = 8192

// Take takes one frame of an answer. Verdicts are durable when the next frame of another kind was taken, rows at the next Mark;
// a Checkpoint is applied at once. A Failure is the caller's to act upon.
func (s *Session) Take(ctx context.Context, f syncproto.Frame) error {
	switch f := f.(type) {
	case syncproto.Head:
		s.answer.heads = append(s.answer.heads, f)
		return nil
	case *syncproto.Verdict:
		s.answer.verdicts = append(s.answer.verdicts, told{Verdict: f, at: s.answer.welcome.Now, absent: s.round})
		s.answer.result.Verdicts++
		if len(s.answer.verdicts) >= maxPending {
			return s.flushVerdicts(ctx)
		}
		return nil
	}
	if err := s.flushVerdicts(ctx); err != nil {
		return err
	}
	switch f := f.(type) {
	case syncproto.Welcome:
		return s.welcome(ctx, f)
	case syncproto.Mark:
		return s.stage(ctx, f.Resume)
	case syncproto.Checkpoint:
		return s.checkpoint(ctx, f)
	case syncproto.Ranges:
		s.answer.ranges = append(s.answer.ranges, f)
	case syncproto.Columns, syncproto.Bucket, *syncproto.Row, syncproto.Gone, syncproto.Forget:
		s.answer.frames = append(s.answer.frames, f)
		if row, is := f.(*syncproto.Row); is {
			s.answer.came.rows++
			if row.Home() {
				s.answer.came.homes++
			}
		}
		if len(s.answer.frames) >= maxFrames {
			return s.stage(ctx, "")
		}
	}
	return nil
}

// Break keeps what came of an answer that broke off.
func (s *Session) Break(ctx context.Context) error {
	err := s.flushVerdicts(ctx)
	s.answer.frames = nil
	return err
}

// Result gives what the answer did so far.
func (s *Session) Result() Result { return s.answer.result }

// welcome begins an answer.
func (s *Session) welcome(ctx context.Context, w syncproto.Welcome) error {
	s.answer = answer{welcome: w}
	return s.write(ctx, func() error {
		c := s.r.w
		if _, _, err := c.epochOf(w.Epoch); err != nil {
			return err
		}
		// A file of an earlier program knows only when it last heard of its server.
		if err := c.exec(`INSERT OR IGNORE INTO mq_meta (key, value) SELECT ?, value FROM mq_meta WHERE key = 'contact'`, metaWhole); err != nil {
			return err
		}
		m := &meta{c: c}
		for _, kv := range []struct {
			key string
			n   int64
		}{{"offset", w.Now - s.r.opt.Now()}, {"contact", w.Now}, {"seen", 0}, {"grace", w.Grace}, {"lease", w.Lease}} {
			if kv.n == 0 && (kv.key == "grace" || kv.key == "lease") {
				continue // as last told
			}
			if err := m.setNum(kv.key, kv.n); err != nil {
				return err
			}
		}
		if _, err := c.one(`SELECT coalesce(max(answer), 0) + 1 FROM mq_stage`, nil, &s.answer.stream); err != nil {
			return err
		}
		if w.Resumed {
			return c.exec(`DELETE FROM mq_stage WHERE whole = 0`)
		}
		if err := m.set("resume", ""); err != nil {
			return err
		}
		return c.exec(`DELETE FROM mq_stage`)
	})
}

// flushVerdicts makes chain heads and verdicts durable.
func (s *Session) flushVerdicts(ctx context.Context) error {
	heads, verdicts := s.answer.heads, s.answer.verdicts
	if len(heads)+len(verdicts) == 0 {
		return nil
	}
	s.answer.heads, s.answer.verdicts = nil, nil
	return s.write(ctx, func() error {
		if err := s.r.takeHeads(heads); err != nil {
			return err
		}
		return s.r.takeVerdicts(newLayer(s.r.w), verdicts)
	})
}

// takeHeads keeps the newest chain head of each epoch: what a server that went back will be found out by.
func (r *Replica) takeHeads(heads []syncproto.Head) error {
	for _, h := range heads {
		if err := r.w.exec(`INSERT INTO mq_head (epoch, seal, ord) SELECT ?, ?, coalesce(max(ord), 0) + 1 FROM mq_head WHERE true
			ON CONFLICT (epoch) DO UPDATE SET seal = excluded.seal, ord = excluded.ord`, string(h.Epoch), h.Seal); err != nil {
			return err
		}
	}
	return nil
}

// Receipt takes verdicts that came another way than by a sync: by courier. now is the server's time when it made the receipt.
func (r *Replica) Receipt(ctx context.Context, now int64, heads []syncproto.Head, verdicts []*syncproto.Verdict) error {
	return r.write(ctx, func() error {
		if _, err := r.sealForeign(); err != nil { // see Session.write
			return err
		}
		round, err := (&meta{c: r.w}).num("round")
		if err != nil {
			return err
		}
		if err := r.takeHeads(heads); err != nil {
			return err
		}
		var all []told
		for _, v := range verdicts {
			all = append(all, told{Verdict: v, at: now, absent: round + 1})
		}
		return r.takeVerdicts(newLayer(r.w), all)
	})
}
