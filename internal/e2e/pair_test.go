package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/internal/simdisk"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/server/keys"
	"minqing/server/store"
	"minqing/syncproto"
)

// pair is a server and its phones in one process, with a network between them that tests cut.
type pair struct {
	t    testing.TB
	e    *engine.Engine
	dir  string
	now  int64
	ids  map[string]string
	rand *rand.ChaCha8
	cut  int // bytes of the next answer that pass; -1: all
	book *schema.Book
	disk *simdisk.Disk // where the server's database lies; nil: on the real one
	dsn  string        // of the server's PostgreSQL; "": SQLite
}

func mustPair(t testing.TB) *pair { return mustPairOf(t, schematest.Book()) }

func mustPairOf(t testing.TB, book *schema.Book) *pair { return mustPairOn(t, book, nil, "") }

// mustPairOn makes a pair whose server keeps its database on a disk, or on PostgreSQL.
func mustPairOn(t testing.TB, book *schema.Book, disk *simdisk.Disk, dsn string) *pair {
	t.Helper()
	p := &pair{t: t, disk: disk, dsn: dsn, book: book, dir: t.TempDir(), now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixMilli(), ids: map[string]string{}, rand: rand.NewChaCha8([32]byte{3}), cut: -1}
	p.start()
	t.Cleanup(func() {
		if err := p.e.Close(); err != nil {
			t.Error(err)
		}
	})
	p.do(p.create("place", "city", "level", "city", "name", "市"))
	p.do(p.create("place", "v", "parent", "@city", "level", "village", "name", "村"))
	for _, x := range [][2]string{{"ann", "cadre"}, {"bob", "cadre"}, {"sec", "secretary"}} { // in this order, so that each has the same id in every run
		user, role := x[0], x[1]
		p.do(p.create("user", user, "place", "@v", "login", user, "name", user), p.create("role", user+"-role", "user", "@"+user, "role", role, "place", "@v"))
	}
	for i := range 4 {
		h := fmt.Sprintf("h%d", i)
		p.do(p.create("household", h, "place", "@v", "code", h, "address", "canary-"+h))
		p.do(p.create("thing", h+"-thing", "household", "@"+h, "name", "canary-"+h))
		if i < 3 {
			p.do(p.create("assignment", "ann-"+h, "household", "@"+h, "user", "@ann", "team", "cadre", "since", "2026-01-01"))
		}
	}
	p.do(p.create("assignment", "bob-h0", "household", "@h0", "user", "@bob", "team", "member", "since", "2026-01-01"))
	return p
}

func (p *pair) start() {
	p.t.Helper()
	p.must(p.tryStart())
}

func (p *pair) tryStart() error {
	cfg := engine.Config{Dir: p.dir, DSN: p.dsn, Book: p.book, Now: p.clock, Rand: p.rand}
	if p.disk != nil {
		ring, err := keys.Parse(strings.Repeat("5e", keys.Size))
		if err != nil {
			return err
		}
		cfg.FS, cfg.Keys = p.disk.VFS(), ring
	}
	e, err := engine.Open(context.Background(), cfg)
	if err == nil {
		p.e = e
	}
	return err
}

func (p *pair) clock() int64 { p.now++; return p.now }

func (p *pair) id(name string) string {
	if p.ids[name] == "" {
		p.ids[name] = fmt.Sprintf("01900000-0000-7000-8000-%012x", len(p.ids)+1)
	}
	return p.ids[name]
}

func (p *pair) row(name string) syncproto.RowID { return syncproto.RowID(p.id(name)) }

func (p *pair) create(table, name string, pairs ...string) syncproto.Edit {
	e := syncproto.Edit{Table: table, Row: p.row(name), Op: syncproto.OpCreate}
	for i := 0; i < len(pairs); i += 2 {
		v := pairs[i+1]
		if v[0] == '@' {
			v = p.id(v[1:])
		}
		e.Cells = append(e.Cells, syncproto.CellEdit{Cell: pairs[i], Value: schema.Text(v)})
	}
	return e
}

// do has the server make a change.
func (p *pair) do(edits ...syncproto.Edit) {
	p.t.Helper()
	out, err := p.e.Judge.Submit(context.Background(), "", judge.Draft{Edits: edits})
	if err != nil {
		p.t.Fatal(err)
	}
	if v := out.Verdicts[0]; v.Status == syncproto.Refused {
		p.t.Fatalf("%s: %s %s %s", edits[0].Table, v.Status, v.Code, v.Message)
	}
}

// RoundTrip is the network: the server's handler, called at once.
func (p *pair) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), bytes.NewReader(body))
	in.Header = r.Header.Clone()
	out := httptest.NewRecorder()
	p.e.Handler().ServeHTTP(out, in)
	resp := out.Result()
	if r.URL.Path == "/v1/sync" && p.cut >= 0 {
		whole, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(whole[:min(p.cut, len(whole))]), brokenLink{}))
		p.cut = -1
	}
	return resp, nil
}

type brokenLink struct{}

func (brokenLink) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// phone is one device with its file.
type phone struct {
	*replica.Replica
	sync *syncer.Syncer
	p    *pair
	opt  replica.Options
}

func (p *pair) enrol(user, file string) *phone {
	p.t.Helper()
	code, _, err := p.e.Auth.Invite(context.Background(), syncproto.UserID(p.id(user)))
	p.must(err)
	d, _, err := syncer.Enrol(context.Background(), p, p.rand, syncer.Enrolment{Server: "http://server.invalid", Code: code, Label: user})
	p.must(err)
	ph := p.open(file)
	p.must(ph.Enrol(context.Background(), d))
	return ph
}

// tryEnrol exchanges a code for a device that is kept nowhere.
func (p *pair) tryEnrol(code string) error {
	_, _, err := syncer.Enrol(context.Background(), p, p.rand, syncer.Enrolment{Server: "http://server.invalid", Code: code})
	return err
}

// enrolOn enrols a phone whose file lies on a disk.
func (p *pair) enrolOn(disk *simdisk.Disk, user string) *phone {
	p.t.Helper()
	code, _, err := p.e.Auth.Invite(context.Background(), syncproto.UserID(p.id(user)))
	p.must(err)
	d, _, err := syncer.Enrol(context.Background(), p, p.rand, syncer.Enrolment{Server: "http://server.invalid", Code: code, Label: user})
	p.must(err)
	ph := &phone{p: p, opt: replica.Options{Path: user + ".db", FS: disk.VFS(), Book: p.book, Now: p.clock, Rand: p.rand}}
	ph.reopen()
	p.t.Cleanup(func() { ph.Close() })
	p.must(ph.Enrol(context.Background(), d))
	return ph
}

func (p *pair) open(file string) *phone {
	p.t.Helper()
	ph := &phone{p: p, opt: replica.Options{Path: filepath.Join(p.dir, file), Book: p.book, Now: p.clock, Rand: p.rand}}
	ph.reopen()
	p.t.Cleanup(func() { ph.Close() })
	return ph
}

func (ph *phone) reopen() {
	ph.p.t.Helper()
	r, err := replica.Open(context.Background(), ph.opt)
	ph.p.must(err)
	ph.Replica = r
	ph.sync = syncer.New(syncer.Options{Replica: r, Transport: ph.p, Rand: ph.p.rand, Client: "test 1"})
}

func (p *pair) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// round syncs and proves the replica equal to the server's state restricted to it.
func (ph *phone) round() syncer.Report {
	ph.p.t.Helper()
	rep, err := ph.sync.Sync(context.Background())
	ph.p.must(err)
	ph.equal()
	return rep
}

// equal proves the acknowledged rows equal to the server's.
func (ph *phone) equal() {
	t := ph.p.t
	t.Helper()
	held := 0
	for _, table := range ph.opt.Book.Tables() {
		ids := map[string]replica.Record{}
		ph.p.must(ph.Records(context.Background(), table.Name, func(r replica.Record) error {
			if r.Acked != nil {
				ids[string(r.Row)] = r
			}
			return nil
		}))
		var list []string
		for id := range ids {
			list = append(list, id)
		}
		held += len(list)
		ph.p.must(ph.p.e.Store.Read(context.Background(), func(tx *store.Tx) error {
			values, err := tx.Values(table.Name, list)
			if err != nil {
				return err
			}
			for id, r := range ids {
				if !slices.Equal(values[syncproto.RowID(id)], r.Acked) {
					t.Errorf("%s %s is held as %v, and is %v", table.Name, id, r.Acked, values[syncproto.RowID(id)])
				}
			}
			return nil
		}))
	}
	kept, root, err := ph.Kept(context.Background())
	ph.p.must(err)
	reckoned, err := ph.Digests(context.Background())
	ph.p.must(err)
	if syncproto.DigestRoot(kept) != root || syncproto.DigestRoot(reckoned) != root {
		t.Errorf("digests disagree: kept %+v\nreckoned %+v", kept, reckoned)
	}
	if held == 0 {
		t.Error("nothing is held")
	}
}

func (ph *phone) shown(table, name string) map[string]schema.Value {
	ph.p.t.Helper()
	rec, _, err := ph.Record(context.Background(), table, ph.p.row(name))
	ph.p.must(err)
	if rec.Shown == nil {
		return nil
	}
	out := map[string]schema.Value{}
	for i, c := range ph.opt.Book.Table(table).Columns {
		out[c.Name] = rec.Shown[i]
	}
	return out
}

func (ph *phone) edit(name string, values map[string]schema.Value) *syncproto.Change {
	ph.p.t.Helper()
	f, err := ph.Form(context.Background(), "thing", ph.p.row(name))
	ph.p.must(err)
	ch, err := ph.Write(context.Background(), func(tx *replica.Tx) error { return tx.Update(f, values) })
	ph.p.must(err)
	return ch
}

func text(name, s string) map[string]schema.Value {
	return map[string]schema.Value{name: schema.Text(s)}
}

func readIfThere(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}
