package replica_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// phone is a replica with a clock and randomness of its own.
type phone struct {
	*replica.Replica
	tb   testing.TB
	opt  replica.Options
	now  int64
	rand *rand.ChaCha8
}

const (
	deviceID = syncproto.DeviceID("01900000-0000-7000-8000-00000000000d")
	userID   = syncproto.UserID("01900000-0000-7000-8000-0000000000aa")
	houseID  = syncproto.RowID("01900000-0000-7000-8000-0000000000b1")
)

func mustPhone(tb testing.TB, book *schema.Book) *phone {
	tb.Helper()
	p := &phone{tb: tb, now: 1700000000000, rand: rand.NewChaCha8([32]byte{1})}
	p.opt = replica.Options{Path: filepath.Join(tb.TempDir(), "phone.db"), Book: book, Now: func() int64 { p.now++; return p.now }, Rand: p.rand}
	p.open()
	p.must(p.Enrol(ctx(), replica.Device{ID: deviceID, User: userID, Server: "http://server.invalid", Seed: make([]byte, 32)}))
	tb.Cleanup(func() { p.Close() })
	return p
}

func ctx() context.Context { return context.Background() }

func (p *phone) open() {
	p.tb.Helper()
	r, err := replica.Open(ctx(), p.opt)
	p.must(err)
	p.Replica = r
}

func (p *phone) reopen() {
	p.tb.Helper()
	p.must(p.Close())
	p.open()
}

func (p *phone) must(err error) {
	p.tb.Helper()
	if err != nil {
		p.tb.Fatal(err)
	}
}

// shell runs statements as the sqlite3 shell would: on a connection that knows nothing of the replica.
func (p *phone) shell(statements ...string) {
	p.tb.Helper()
	p.must(p.tryShell(statements...))
}

func (p *phone) tryShell(statements ...string) error {
	db, err := sql.Open("sqlite", "file:"+p.opt.Path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			return err
		}
	}
	return nil
}

func (p *phone) write(fn func(*replica.Tx) error) *syncproto.Change {
	p.tb.Helper()
	ch, err := p.Write(ctx(), fn)
	p.must(err)
	return ch
}

// shown gives what a row shows, by column; nil when it does not show.
func (p *phone) shown(table string, id syncproto.RowID) map[string]schema.Value {
	p.tb.Helper()
	rec, _, err := p.Record(ctx(), table, id)
	p.must(err)
	return columns(p.opt.Book, table, rec.Shown)
}

func (p *phone) acked(table string, id syncproto.RowID) map[string]schema.Value {
	p.tb.Helper()
	rec, _, err := p.Record(ctx(), table, id)
	p.must(err)
	return columns(p.opt.Book, table, rec.Acked)
}

func columns(book *schema.Book, table string, values []schema.Value) map[string]schema.Value {
	if values == nil {
		return nil
	}
	out := map[string]schema.Value{}
	for i, c := range book.Table(table).Columns {
		out[c.Name] = values[i]
	}
	return out
}

func values(pairs ...any) map[string]schema.Value {
	out := map[string]schema.Value{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = value(pairs[i+1])
	}
	return out
}

func value(v any) schema.Value {
	switch v := v.(type) {
	case nil:
		return schema.Null
	case int:
		return schema.Int(int64(v))
	case string:
		return schema.Text(v)
	case syncproto.RowID:
		return schema.Text(string(v))
	case []string:
		return schema.Set(v...)
	default:
		panic("value of no kind")
	}
}

// thing makes a thing and gives its id.
func (p *phone) thing(pairs ...any) syncproto.RowID {
	p.tb.Helper()
	var id syncproto.RowID
	p.write(func(tx *replica.Tx) (err error) {
		if id, err = tx.NewID(); err != nil {
			return err
		}
		return tx.Create("thing", id, values(append([]any{"household", houseID, "name", "甲"}, pairs...)...))
	})
	return id
}

func (p *phone) update(id syncproto.RowID, pairs ...any) *syncproto.Change {
	p.tb.Helper()
	f, err := p.Form(ctx(), "thing", id)
	p.must(err)
	return p.write(func(tx *replica.Tx) error { return tx.Update(f, values(pairs...)) })
}

func wantCells(tb testing.TB, got map[string]schema.Value, pairs ...any) {
	tb.Helper()
	if got == nil {
		tb.Fatal("the row does not show")
	}
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i].(string)
		if want := value(pairs[i+1]); got[name] != want {
			tb.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

var _ = schematest.Book
