package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/auth"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// world is one server with a village of households, whose clock moves a little with every act.
type world struct {
	t   testing.TB
	e   *engine.Engine
	dsn string
	now int64
	ids map[string]string
}

func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	for name, dsn := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return testenv.MustRelaxedPostgres(t) }} {
		t.Run(name, func(t *testing.T) { test(t, mustWorld(t, dsn())) })
	}
}

func mustWorld(t testing.TB, dsn string) *world {
	t.Helper()
	w := &world{t: t, dsn: dsn, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixMilli(), ids: map[string]string{}}
	e, err := engine.Open(t.Context(), engine.Config{Dir: t.TempDir(), DSN: dsn, Book: schematest.Book(), Now: func() int64 { w.now++; return w.now },
		Rand: rand.NewChaCha8([32]byte{3})})
	if err != nil {
		t.Fatal(err)
	}
	w.e = e
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	w.do(w.create("place", "city", "level", "city", "name", "市"))
	w.do(w.create("place", "v", "parent", "@city", "level", "village", "name", "村"))
	for _, u := range []string{"ann", "bob"} {
		w.do(w.create("user", u, "place", "@v", "login", u, "name", u), w.create("role", u+"-role", "user", "@"+u, "role", "cadre", "place", "@v"))
	}
	for i := range 6 {
		h := fmt.Sprintf("h%d", i)
		w.do(w.create("household", h, "place", "@v", "code", h, "address", "canary-"+h))
		w.do(w.create("thing", h+"-thing", "household", "@"+h, "name", "canary-"+h))
	}
	for _, h := range []string{"h0", "h1", "h2", "h3"} {
		w.assign("ann", h)
	}
	w.assign("bob", "h0")
	return w
}

func (w *world) id(name string) string {
	if w.ids[name] == "" {
		w.ids[name] = fmt.Sprintf("01900000-0000-7000-8000-%012x", len(w.ids)+1)
	}
	return w.ids[name]
}

func (w *world) create(table, name string, pairs ...string) syncproto.Edit {
	e := syncproto.Edit{Table: table, Row: syncproto.RowID(w.id(name)), Op: syncproto.OpCreate}
	e.Cells = w.cells(table, pairs)
	return e
}

func (w *world) update(table, name string, pairs ...string) syncproto.Edit {
	return syncproto.Edit{Table: table, Row: syncproto.RowID(w.id(name)), Op: syncproto.OpUpdate, Cells: w.cells(table, pairs)}
}

func (w *world) cells(table string, pairs []string) (out []syncproto.CellEdit) {
	for i := 0; i < len(pairs); i += 2 {
		v := pairs[i+1]
		if v[0] == '@' {
			v = w.id(v[1:])
		}
		out = append(out, syncproto.CellEdit{Cell: pairs[i], Value: schema.Text(v)})
	}
	return out
}

// do has the server itself make a change.
func (w *world) do(edits ...syncproto.Edit) {
	w.t.Helper()
	out, err := w.e.Judge.Submit(context.Background(), "", judge.Draft{Edits: edits})
	if err != nil {
		w.t.Fatal(err)
	}
	if v := out.Verdicts[0]; v.Status != syncproto.Applied {
		w.t.Fatalf("%s: %s %s %s", edits[0].Table, v.Status, v.Code, v.Message)
	}
}

func (w *world) assign(user, household string) {
	w.do(w.create("assignment", user+household, "household", "@"+household, "user", "@"+user, "team", "cadre", "since", "2026-01-01"))
}

// phone is a client that keeps just enough to check every checkpoint by itself.
type phone struct {
	w       *world
	who     auth.Who
	schema  int // the version of the rule book that it knows
	number  uint64
	cursor  string
	root    syncproto.Digest
	resume  string
	offer   syncproto.EpochID
	rows    map[syncproto.RowID]*syncproto.Row
	staged  []syncproto.Frame
	columns map[string][]string
	got     []syncproto.Frame // of the last answer
}

func (w *world) phone(user string) *phone {
	w.t.Helper()
	p := &phone{w: w, who: auth.Who{Device: syncproto.DeviceID(w.id(fmt.Sprintf("%s phone %d", user, len(w.ids)))), User: syncproto.UserID(w.id(user))},
		schema: schematest.Version, number: 1, rows: map[syncproto.RowID]*syncproto.Row{}, columns: map[string][]string{}}
	if err := w.e.Store.Write(context.Background(), func(tx *store.Tx) error {
		return tx.SaveDevice(store.Device{ID: p.who.Device, User: p.who.User, Next: 1})
	}); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// frames is a request as a Source.
type frames []syncproto.Frame

func (f *frames) Next() (syncproto.Frame, error) {
	if len(*f) == 0 {
		return nil, io.EOF
	}
	out := (*f)[0]
	*f = (*f)[1:]
	return out, nil
}

var errCut = errors.New("the link broke")

// wire takes frames until it is cut.
type wire struct {
	p    *phone
	left int
}

func (l *wire) Write(f syncproto.Frame) error {
	if l.left == 0 {
		return errCut
	}
	l.left--
	l.p.got = append(l.p.got, f)
	l.p.take(f)
	return nil
}

func (l *wire) Flush() error { return nil }

// sync runs one sync; most is after how many frames of the answer the link breaks, -1 for never.
func (p *phone) sync(most int, request ...syncproto.Frame) error {
	p.w.t.Helper()
	hello := syncproto.Hello{Protocol: syncproto.ProtocolVersion, Schema: p.schema, Cursor: p.cursor, Root: p.root, Resume: p.resume, Next: p.number, Offer: p.offer}
	in := append(frames{hello}, append(request, syncproto.End{})...)
	p.got = nil
	err := p.w.e.Exchange.Sync(context.Background(), p.who, true, &in, &wire{p, most})
	if most < 0 && err == nil {
		p.check()
	}
	return err
}

func (p *phone) must(request ...syncproto.Frame) {
	p.w.t.Helper()
	if err := p.sync(-1, request...); err != nil {
		p.w.t.Fatal(err)
	}
}

// take stages frames; a checkpoint applies them.
func (p *phone) take(f syncproto.Frame) {
	switch f := f.(type) {
	case syncproto.Welcome:
		if !f.Resumed {
			p.staged, p.resume = nil, ""
		}
	case syncproto.Mark:
		p.resume = f.Resume
		p.staged = append(p.staged, f)
	case syncproto.Checkpoint:
		if f.Cursor == "" {
			return
		}
		for _, s := range p.staged {
			p.apply(s)
		}
		p.staged, p.resume, p.cursor, p.root = nil, "", f.Cursor, f.Root
	default:
		p.staged = append(p.staged, f)
	}
}

// cut drops what was staged behind the last mark, as a device does when a link broke.
func (p *phone) cutStage() {
	for len(p.staged) > 0 {
		if _, mark := p.staged[len(p.staged)-1].(syncproto.Mark); mark {
			return
		}
		p.staged = p.staged[:len(p.staged)-1]
	}
}

func (p *phone) apply(f syncproto.Frame) {
	switch f := f.(type) {
	case syncproto.Columns:
		p.columns[f.Table] = f.Names
	case syncproto.Bucket:
		if f.Continues {
			return
		}
		for id, r := range p.rows {
			if r.Bucket == f.ID {
				delete(p.rows, id)
			}
		}
	case *syncproto.Row:
		p.rows[f.ID] = f
	case syncproto.Gone:
		delete(p.rows, f.ID)
	case syncproto.Forget:
		for id, r := range p.rows {
			if r.Bucket.Scope == f.Scope && (f.Period == "" || r.Bucket.Period == f.Period) {
				delete(p.rows, id)
			}
		}
	}
}

// check reckons the root digest anew from the rows held.
func (p *phone) check() {
	p.w.t.Helper()
	states := map[syncproto.BucketID]*syncproto.BucketState{}
	for _, r := range p.rows {
		s := states[r.Bucket]
		if s == nil {
			s = &syncproto.BucketState{ID: r.Bucket, Digests: make([]syncproto.Digest, schematest.Version)}
			states[r.Bucket] = s
		}
		s.Rows++
		t := p.w.e.Book.Table(r.Table)
		for i, name := range p.columns[r.Table] {
			since := max(1, t.Column(name).Since) - 1
			s.Digests[since] = s.Digests[since].Add(syncproto.DigestCell(r.Table, r.ID, name, r.Values[i]))
		}
	}
	var list []syncproto.BucketState
	for _, s := range states {
		list = append(list, *s)
	}
	if got := syncproto.DigestRoot(list); got != p.root {
		p.w.t.Errorf("%s holds %d rows with root %s, the checkpoint says %s", p.who.Device, len(p.rows), got, p.root)
	}
}

// holds tells whether the phone holds a row.
func (p *phone) holds(name string) bool { return p.rows[syncproto.RowID(p.w.id(name))] != nil }

func count[T syncproto.Frame](list []syncproto.Frame) (n int) {
	for _, f := range list {
		if _, ok := f.(T); ok {
			n++
		}
	}
	return n
}

// change seals a change of the phone.
func (p *phone) change(edits ...syncproto.Edit) *syncproto.Change {
	p.w.t.Helper()
	name := syncproto.Name{Device: p.who.Device, Number: p.number}
	p.number++
	c := &syncproto.Change{Name: name, First: name, At: p.w.now, Cursor: p.cursor, Edits: edits}
	if err := c.Seal(); err != nil {
		p.w.t.Fatal(err)
	}
	return c
}
