package e2e_test

import (
	"bufio"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"minqing/internal/testenv"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/admin"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/syncproto"
)

// serveBookEnv makes this test binary a server of an older or newer rule book: version, data folder and DSN, blanks between.
const serveBookEnv = "MINQING_E2E_SERVE"

// serveBook serves until its standard input ends, and prints its address.
func serveBook() int {
	part := strings.Fields(os.Getenv(serveBookEnv))
	version, err := strconv.Atoi(part[0])
	if err == nil {
		err = serveVersion(version, part[1], part[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func wallClock() int64 { return time.Now().UnixMilli() }

func versionConfig(version int, dir, dsn string) engine.Config {
	return engine.Config{Dir: dir, DSN: dsn, Book: schematest.BookAt(version), Now: wallClock, Rand: crand.Reader, Serve: true}
}

func serveVersion(version int, dir, dsn string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	e, err := engine.Open(ctx, versionConfig(version, dir, dsn))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, e.Close())
	}
	fmt.Println("http://" + l.Addr().String())
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that it says
	}()
	return errors.Join(e.Run(ctx, l), e.Close())
}

// versionServer is a server process of a schema version.
type versionServer struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	host string
	gone bool
}

func mustServeVersion(t testing.TB, version int, dir, dsn string) *versionServer {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	s := &versionServer{t: t, cmd: exec.Command(self)}
	s.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s", serveBookEnv, version, dir, dsn))
	s.cmd.Stderr = os.Stderr
	s.in, err = s.cmd.StdinPipe()
	must(t, err)
	out, err := s.cmd.StdoutPipe()
	must(t, err)
	must(t, s.cmd.Start())
	t.Cleanup(s.stop)
	line := make(chan string, 1)
	go func() {
		text, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			text = ""
		}
		line <- text
	}()
	select {
	case text := <-line:
		if s.host = strings.TrimPrefix(strings.TrimSpace(text), "http://"); s.host == "" {
			t.Fatalf("a server of version %d did not start", version)
		}
	case <-time.After(patience):
		t.Fatalf("a server of version %d did not say where it listens", version)
	}
	return s
}

// stop ends the server as an operator does; it must end well.
func (s *versionServer) stop() {
	if s.gone {
		return
	}
	s.gone = true
	if err := errors.Join(s.in.Close(), s.cmd.Wait()); err != nil {
		s.t.Errorf("a server ended with %v", err)
	}
}

// RoundTrip sends a request to this server, whatever address the device was told when it enrolled.
func (s *versionServer) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Host, out.Host = s.host, s.host
	return http.DefaultTransport.RoundTrip(out)
}

// roller is a device of a schema version that meets servers of two.
type roller struct {
	*replica.Replica
	t    testing.TB
	opt  replica.Options
	name string
}

func (r *roller) open() {
	r.t.Helper()
	got, err := replica.Open(context.Background(), r.opt)
	must(r.t, err)
	r.Replica = got
}

// upgrade puts a newer program on the device.
func (r *roller) upgrade(version int) {
	r.t.Helper()
	must(r.t, r.Close())
	r.opt.Book = schematest.BookAt(version)
	r.open()
}

func (r *roller) sync(via *versionServer) syncer.Report {
	r.t.Helper()
	s := syncer.New(syncer.Options{Replica: r.Replica, Transport: via, Rand: crand.Reader, Client: "roll"})
	rep, err := s.Sync(context.Background())
	if err != nil {
		r.t.Fatalf("%s: %v", r.name, err)
	}
	if rep.Differs > 0 || rep.Copied || rep.Forked || rep.Waiting > 0 {
		r.t.Fatalf("%s: %+v", r.name, rep)
	}
	return rep
}

func (r *roller) edit(row string, values map[string]schema.Value) {
	r.t.Helper()
	f, err := r.Form(context.Background(), "thing", syncproto.RowID(row))
	must(r.t, err)
	_, err = r.Write(context.Background(), func(tx *replica.Tx) error { return tx.Update(f, values) })
	must(r.t, err)
}

func (r *roller) shows(row, column string, want schema.Value) {
	r.t.Helper()
	rec, found, err := r.Record(context.Background(), "thing", syncproto.RowID(row))
	must(r.t, err)
	for i, c := range r.opt.Book.Table("thing").Columns {
		if found && c.Name == column {
			if rec.Shown[i] != want || rec.Acked[i] != want {
				r.t.Errorf("%s shows %s as %v and holds %v, want %v", r.name, column, rec.Shown[i], rec.Acked[i], want)
			}
			return
		}
	}
	r.t.Errorf("%s has no %s of %s", r.name, column, row)
}

// rolling is a city on one PostgreSQL whose servers are upgraded one by one.
type rolling struct {
	t        testing.TB
	dir, dsn string // servers that share a database share the secret in their folder
	desk     *engine.Engine
	ids      map[string]string
}

func mustRolling(t testing.TB, version int) *rolling {
	t.Helper()
	w := &rolling{t: t, dir: t.TempDir(), dsn: testenv.MustRelaxedPostgres(t), ids: map[string]string{}}
	cfg := versionConfig(version, w.dir, w.dsn)
	cfg.Serve = false
	desk, err := engine.Open(context.Background(), cfg)
	must(t, err)
	w.desk = desk
	t.Cleanup(func() { must(t, desk.Close()) })
	w.do("place", "city", "level", "city", "name", "市")
	w.do("place", "v", "parent", "@city", "level", "village", "name", "村")
	for _, user := range []string{"ann", "bob", "cat"} {
		w.do("user", user, "place", "@v", "login", user, "name", user)
		w.do("role", user+"-role", "user", "@"+user, "role", "cadre", "place", "@v")
	}
	w.do("user", "root", "place", "@city", "login", "root", "name", "root")
	w.do("role", "root-role", "user", "@root", "role", "admin", "place", "@city")
	w.do("household", "h", "place", "@v", "code", "h")
	w.do("thing", "t", "household", "@h", "name", "件")
	for _, user := range []string{"ann", "bob", "cat"} {
		w.do("assignment", user+"-h", "household", "@h", "user", "@"+user, "team", "cadre", "since", "2026-01-01")
	}
	return w
}

func (w *rolling) id(name string) string {
	if w.ids[name] == "" {
		w.ids[name] = fmt.Sprintf("01900000-0000-7000-8000-%012x", len(w.ids)+1)
	}
	return w.ids[name]
}

// do has the server create a row.
func (w *rolling) do(table, name string, pairs ...string) {
	w.t.Helper()
	e := syncproto.Edit{Table: table, Row: syncproto.RowID(w.id(name)), Op: syncproto.OpCreate}
	for i := 0; i < len(pairs); i += 2 {
		v := pairs[i+1]
		if v[0] == '@' {
			v = w.id(v[1:])
		}
		e.Cells = append(e.Cells, syncproto.CellEdit{Cell: pairs[i], Value: schema.Text(v)})
	}
	out, err := w.desk.Judge.Submit(context.Background(), "", judge.Draft{Edits: []syncproto.Edit{e}})
	must(w.t, err)
	if v := out.Verdicts[0]; v.Status != syncproto.Applied {
		w.t.Fatalf("%s: %+v", table, v)
	}
}

func (w *rolling) enrol(user string, version int, via *versionServer) *roller {
	w.t.Helper()
	r := &roller{t: w.t, name: user, opt: replica.Options{Path: filepath.Join(w.t.TempDir(), user+".db"), Book: schematest.BookAt(version), Now: wallClock, Rand: crand.Reader}}
	r.open()
	w.t.Cleanup(func() { r.Close() })
	code, _, err := w.desk.Auth.Invite(context.Background(), syncproto.UserID(w.id(user)))
	must(w.t, err)
	d, _, err := syncer.Enrol(context.Background(), via, crand.Reader, syncer.Enrolment{Server: "http://" + via.host, Code: code, Label: user})
	must(w.t, err)
	must(w.t, r.Enrol(context.Background(), d))
	return r
}

// Servers of two neighbouring schema versions work on one PostgreSQL while an upgrade rolls, with devices older and newer than each, one
// of them at work all the time: whatever either server took shows everywhere, what the older one did not know is kept and taken by
// the newer, and the history verifies.
func TestTwoServerVersionsOnOnePostgres(t *testing.T) {
	w := mustRolling(t, 2)
	old := mustServeVersion(t, 2, w.dir, w.dsn)
	ann, bob, cat := w.enrol("ann", 2, old), w.enrol("bob", 3, old), w.enrol("cat", 1, old)
	thing := w.id("t")
	for _, r := range []*roller{ann, bob, cat} {
		r.sync(old)
	}
	// A newer phone than any server: the column from tomorrow is refused, kept whole, and heard again after the upgrade.
	bob.edit(thing, map[string]schema.Value{"remark": schema.Text("明天的一栏。"), "total": schema.Int(1)})
	if rep := bob.sync(old); rep.Verdicts[syncproto.Refused] != 1 {
		t.Fatalf("a column from tomorrow: %+v", rep.Verdicts)
	}

	// The oldest phone goes on counting while the newer server starts and alters the tables.
	var counted atomic.Int64
	stop, working := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(working)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n := counted.Add(1)
			f, err := cat.Form(context.Background(), "thing", syncproto.RowID(thing))
			if err == nil {
				_, err = cat.Write(context.Background(), func(tx *replica.Tx) error {
					return tx.Update(f, map[string]schema.Value{"high": schema.Int(n)})
				})
			}
			if err == nil {
				_, err = syncer.New(syncer.Options{Replica: cat.Replica, Transport: old, Rand: crand.Reader, Client: "roll"}).Sync(context.Background())
			}
			if err != nil {
				t.Errorf("while the upgrade rolled, sync %d: %v", n, err)
				return
			}
		}
	}()
	young := mustServeVersion(t, 3, w.dir, w.dsn)
	for before := counted.Load(); counted.Load() < before+5; time.Sleep(10 * time.Millisecond) {
		select {
		case <-working:
			t.Fatal("the oldest phone gave up")
		default:
		}
	}
	close(stop)
	<-working

	// What was refused lives now, for the older phone's neighbour too, whichever server it asks.
	if rep := bob.sync(young); rep.Verdicts[syncproto.Applied]+rep.Verdicts[syncproto.Merged] != 1 {
		t.Errorf("after the upgrade: %+v", rep.Verdicts)
	}
	bob.shows(thing, "remark", schema.Text("明天的一栏。"))
	// Concurrent edits of one text, one taken by each server.
	ann.sync(young)
	ann.edit(thing, map[string]schema.Value{"story": schema.Text("甲。"), "total": schema.Int(11)})
	bob.edit(thing, map[string]schema.Value{"story": schema.Text("乙。"), "total": schema.Int(101), "remark": schema.Text("明天的一栏。又一句。")})
	ann.sync(old)
	bob.sync(young)
	// The older server writes over a row whose newest cells it does not know.
	ann.sync(old)
	ann.edit(thing, map[string]schema.Value{"name": schema.Text("改名")})
	ann.sync(old)
	// It could not show them to the phone that knows them, so it sends that one elsewhere.
	bob.edit(thing, map[string]schema.Value{"total": schema.Int(1111)})
	_, err := syncer.New(syncer.Options{Replica: bob.Replica, Transport: old, Rand: crand.Reader, Client: "roll"}).Sync(t.Context())
	var e *syncproto.Error
	if !errors.As(err, &e) || e.Code != syncproto.CodeUnavailable || e.RetryAfter == 0 {
		t.Fatalf("an older server answered a newer phone with %v", err)
	}
	if rep := bob.sync(young); rep.Verdicts[syncproto.Applied] != 1 {
		t.Errorf("after it was sent elsewhere: %+v", rep.Verdicts)
	}
	bob.shows(thing, "remark", schema.Text("明天的一栏。又一句。"))
	old.stop()
	again := mustServeVersion(t, 3, w.dir, w.dsn)

	for _, r := range []*roller{ann, cat} {
		r.upgrade(3)
	}
	for range 2 {
		for i, r := range []*roller{ann, bob, cat} {
			r.sync([]*versionServer{young, again}[i%2])
		}
	}
	for _, r := range []*roller{ann, bob, cat} {
		r.shows(thing, "remark", schema.Text("明天的一栏。又一句。"))
		r.shows(thing, "name", schema.Text("改名"))
		r.shows(thing, "total", schema.Int(1111))
		r.shows(thing, "high", schema.Int(counted.Load()))
		kept, root, err := r.Kept(t.Context())
		must(t, err)
		if syncproto.DigestRoot(kept) != root {
			t.Errorf("%s: the digests differ from the server's", r.name)
		}
	}
	proof, err := (&admin.Desk{E: mustOpenVersion(t, 3, w), As: "root"}).Verify(t.Context(), true)
	must(t, err)
	if !proof.Sound() || proof.Chains.Records == 0 {
		t.Errorf("the history after the upgrade: %+v", proof)
	}

	// Two versions behind is too far.
	cfg := versionConfig(1, w.dir, w.dsn)
	cfg.Serve = false
	_, err = engine.Open(t.Context(), cfg)
	if !errors.As(err, &e) || e.Code != syncproto.CodeUpgrade || !strings.Contains(e.Message, "3") || !strings.Contains(e.Hint, "新版") {
		t.Errorf("a server two versions older gave %v", err)
	}
}

func mustOpenVersion(t testing.TB, version int, w *rolling) *engine.Engine {
	t.Helper()
	cfg := versionConfig(version, w.dir, w.dsn)
	cfg.Serve = false
	e, err := engine.Open(context.Background(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, e.Close()) })
	return e
}

// A commit in one server process wakes a device that listens at another: PostgreSQL carries the news between them.
func TestEventsAcrossServerProcesses(t *testing.T) {
	w := mustRolling(t, 3)
	here, there := mustServeVersion(t, 3, w.dir, w.dsn), mustServeVersion(t, 3, w.dir, w.dsn)
	ann, bob := w.enrol("ann", 3, here), w.enrol("bob", 3, there)
	bob.sync(there)
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	synced, ended := make(chan syncer.Report, 100), make(chan error, 1)
	watcher := syncer.New(syncer.Options{Replica: ann.Replica, Transport: here, Rand: crand.Reader, Client: "roll"})
	go func() {
		ended <- watcher.Watch(ctx, nil, func(rep syncer.Report, err error) {
			if err != nil {
				t.Error(err)
			}
			synced <- rep
		})
	}()
	<-synced // the first comes at once
	bob.edit(w.id("t"), map[string]schema.Value{"newest": schema.Text("新的")})
	bob.sync(there)
	for found := false; !found; {
		select {
		case rep := <-synced:
			found = rep.Rows > 0
		case <-ctx.Done():
			t.Fatal("no event of the other process arrived")
		}
		if rec, _, err := ann.Record(ctx, "thing", syncproto.RowID(w.id("t"))); err != nil {
			t.Fatal(err)
		} else if !found || rec.Shown[1] == schema.Text("新的") {
			continue
		}
		found = false // what came was something else
	}
	ann.shows(w.id("t"), "newest", schema.Text("新的"))
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watching ended with %v", err)
	}
}
