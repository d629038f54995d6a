package sim

import (
	"context"
	"log/slog"
	"slices"

	"minqing/internal/sim/oracle"
	"minqing/internal/simdisk"
	"minqing/server/engine"
	"minqing/server/keys"
	"minqing/server/store"
	"minqing/syncproto"
)

// server is the server's machine, and the process that runs on it.
type server struct {
	w    *world
	disk *simdisk.Disk
	keys *keys.Ring
	rand *entropy

	eng      *engine.Engine
	up       bool
	dead     []func() // processes that died, to be let go when nothing runs in them any more
	known    map[syncproto.Identity]bool
	newest   int64 // receipt of the newest change that the oracle knows
	requests []*request
	recorded map[syncproto.DeviceID]int64 // disclosures by requests that ended, for those around them
	said     string                       // the worst that the process logged
	failing  bool                         // its disk fails; it will die of that
	blank    bool                         // nothing was ever written to its disk
}

// open starts the process. Every start is a new epoch.
func (s *server) open() {
	eng, err := engine.Open(context.Background(), s.config())
	if err != nil {
		s.w.violate(iAckDurable, "the server does not start again: %v", err)
	}
	s.eng, s.up, s.said = eng, true, ""
	s.survived()
	defer func() { s.blank = false }()
	var line []store.Epoch
	s.w.must(eng.Store.Read(context.Background(), func(tx *store.Tx) (err error) {
		line, err = tx.Epochs()
		return err
	}), "read the epochs")
	newest := line[len(line)-1].ID
	if len(line) == 1 && !s.blank || s.w.oracle.Knows(newest) { // but for a blank disk, the file was made by an earlier process
		s.w.violate(iEpochs, "the server started again within the epoch %s", newest)
	}
	for _, e := range line[:len(line)-1] {
		if !s.w.oracle.Knows(e.ID) {
			s.w.oracle.Begin(e.ID)
		}
	}
	s.settle()
	s.w.oracle.Begin(newest)
	s.w.trace.note("server up, epoch %s", newest)
}

func (s *server) config() engine.Config {
	return engine.Config{Dir: serverDir, FS: s.disk.VFS(), Keys: s.keys, Book: s.w.book, Now: func() int64 { return s.w.now }, Rand: s.rand, Zone: zone, Log: slog.New(&ear{s: s})}
}

// crash cuts the server's power.
func (s *server) crash(d *dice) {
	s.w.count[cCrashes]++
	s.w.trace.note("server crashes")
	s.disk.Crash(d.Rand)
	s.disk.Heal()
	s.drop()
}

// drop abandons the process without a word.
func (s *server) drop() {
	eng := s.eng
	s.dead = append(s.dead, func() {
		_ = eng.Close() // what a dead process says does not matter
	})
	s.up = false
}

// stop ends the process properly.
func (s *server) stop() {
	s.settle()
	s.w.must(s.eng.Close(), "stop the server")
	s.up = false
}

// bury lets dead processes go.
func (s *server) bury() {
	for _, f := range s.dead {
		f()
	}
	s.dead = nil
}

func (s *server) letGo() {
	if s.up {
		s.drop()
	}
	s.bury()
}

// settle tells the oracle of everything that the server took since it was last asked.
func (s *server) settle() {
	var fresh []*store.Change
	s.w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		all, err := tx.Changes("received >= ? ORDER BY received, device, number", s.newest)
		for _, c := range all {
			if !s.known[c.Identity] {
				fresh = append(fresh, c)
			}
		}
		return err
	}), "read what was received")
	for len(fresh) > 0 {
		n := 1
		for n < len(fresh) && fresh[n].Received == fresh[0].Received {
			n++
		}
		s.take(fresh[:n])
		fresh = fresh[n:]
	}
}

// take hands the changes of one transaction to the oracle.
func (s *server) take(group []*store.Change) {
	w := s.w
	s.onRecord(group)
	s.newest = group[0].Received
	for _, c := range group {
		s.known[c.Identity] = true
	}
	if r := s.requestOf(group[0].Identity); r != nil {
		r.settle(s, group)
		return
	}
	if m := w.made[group[0].Identity]; m != nil {
		w.violate(iSound, "the simulator lost sight of the request that brought %s", describe(m.Change))
	}
	p := oracle.Push{User: group[0].User, Device: group[0].First.Device, Server: true, Received: group[0].Received}
	for _, c := range group {
		if len(c.Body) == 0 { // the desk wrote to an erased row, and no word of that was kept
			e := syncproto.Edit{Row: sortedKeys(w.oracle.View().Erased)[0]}
			p.Changes = append(p.Changes, oracle.Taken{Change: &syncproto.Change{First: c.First, Edits: []syncproto.Edit{e}}, ID: c.Identity})
			continue
		}
		ch, err := syncproto.ParseContent(w.book, c.First, c.First, string(c.Body))
		w.must(err, "read a change of the server's own")
		p.Changes = append(p.Changes, oracle.Taken{Change: ch, ID: c.Identity})
		for _, e := range ch.Edits {
			w.born(e.Table, e.Row)
		}
	}
	w.oracle.Push(p)
	w.lookAround()
	for _, t := range p.Changes {
		w.tally(w.oracle.Change(t.ID))
	}
}

func (s *server) requestOf(id syncproto.Identity) *request {
	for _, r := range s.requests {
		if slices.ContainsFunc(r.changes, func(c *syncproto.Change) bool { return c.Identity() == id }) {
			return r
		}
	}
	return nil
}

// epoch is the present one.
func (s *server) epoch() syncproto.EpochID { return s.w.oracle.View().Line[0] }

// ear hears what the server logs. Errors are for programmers: outside of a crash there is no excuse for one.
type ear struct {
	s *server
}

func (e *ear) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelError || e.s.w.trace.echo != nil
}

func (e *ear) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	e.s.w.trace.aside("      the server logs: %s", text)
	if e.s.said == "" && r.Level >= slog.LevelError {
		e.s.said = text
	}
	return nil
}

func (e *ear) WithAttrs([]slog.Attr) slog.Handler { return e }
func (e *ear) WithGroup(string) slog.Handler      { return e }
