package replica_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/internal/simdisk"
	"minqing/internal/sqlitex/vfs"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// answerOf gives the frames of an answer written by benchAnswer.
func answerOf(t testing.TB, raw []byte) (out []syncproto.Frame) {
	t.Helper()
	in := codec.NewReader(bytes.NewReader(raw), schematest.Book(), codec.Limits{})
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
}

// diskPhone is a phone on a simulated disk.
func diskPhone(t testing.TB, disk *simdisk.Disk) *phone {
	p := &phone{tb: t, now: 1700000000000, rand: rand.NewChaCha8([32]byte{1})}
	p.opt = replica.Options{Path: "/phone.db", FS: disk.VFS(), BusyTimeout: time.Millisecond, Book: schematest.Book(), Now: func() int64 { p.now++; return p.now }, Rand: p.rand}
	return p
}

// TestPowerCutAnywhereInAnApply cuts the power at every write of a sync that stages and applies, and while unsynced writes may come
// to the disk or not: what is found afterwards is the state before the checkpoint or after it, whole, with the own edit over it.
func TestPowerCutAnywhereInAnApply(t *testing.T) {
	first, second := newCloud(t, schematest.Book()), newCloud(t, schematest.Book())
	kept, _ := crowd(first, 30)
	old := first.frames()
	crowd(second, 30)
	for _, id := range kept {
		second.set("thing", id, houseBucket, 2, "newest", "neu")
	}
	second.gone(kept[29], true, 3)
	fresh := second.frames()
	for cut := 0; ; cut += 3 {
		disk := simdisk.New()
		p := diskPhone(t, disk)
		p.open()
		p.must(p.Enrol(ctx(), replica.Device{ID: deviceID, User: userID, Server: "http://server.invalid", Seed: make([]byte, 32)}))
		p.take(first, old...)
		p.update(kept[0], "grade", "b")
		writes := disk.Stats().Writes
		s, err := p.Begin(ctx())
		p.must(err)
		p.must(s.Take(ctx(), first.welcome()))
		disk.Inject(simdisk.Fault{Op: simdisk.OpWrite, Skip: cut, Times: 1 << 30, Code: vfs.IOErrWrite})
		err = takeAll(s, fresh)
		_ = p.Close() // the power is gone
		disk.Heal()
		disk.Crash(rand.New(rand.NewPCG(uint64(cut), 1)))
		p = diskPhone(t, disk)
		p.open()
		checkWhole(t, p, kept, cut)
		p.must(p.Close())
		if err == nil {
			if cut == 0 {
				t.Fatalf("no write was cut of %d", disk.Stats().Writes-writes)
			}
			t.Logf("cut at each third of %d writes", cut)
			return
		}
	}
}

func takeAll(s *replica.Session, frames []syncproto.Frame) error {
	for i, f := range frames {
		if err := s.Take(ctx(), f); err != nil {
			return err
		}
		if i == len(frames)/2 {
			if err := s.Take(ctx(), syncproto.Mark{Resume: "m"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkWhole finds either the old state or the new one.
func checkWhole(t *testing.T, p *phone, kept []syncproto.RowID, cut int) {
	t.Helper()
	newer, rows := 0, 0
	p.must(p.Records(ctx(), "thing", func(r replica.Record) error {
		if r.Acked == nil {
			return nil
		}
		rows++
		if columns(p.opt.Book, "thing", r.Acked)["newest"] == schema.Text("neu") {
			newer++
		}
		return nil
	}))
	if !(newer == 0 && rows == 60 || newer == 29 && rows == 59) {
		t.Fatalf("cut at write %d: %d of %d rows are new", cut, newer, rows)
	}
	wantCells(t, p.shown("thing", kept[0]), "grade", "b")
	if p.shown("thing", kept[29]) == nil != (newer > 0) {
		t.Fatalf("cut at write %d: the deletion came without the rest, or the rest without it", cut)
	}
	pending, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	if len(pending) != 1 {
		t.Fatalf("cut at write %d: %d changes wait, want 1", cut, len(pending))
	}
	anew, err := p.Digests(ctx())
	p.must(err)
	if _, root, err := p.Kept(ctx()); err != nil || syncproto.DigestRoot(anew) != root {
		t.Fatalf("cut at write %d: the digests do not fit the rows: %v", cut, err)
	}
}

func TestBrokenAnswerGoesOnBehindItsMark(t *testing.T) {
	frames := answerOf(t, benchAnswer(t, 6000))
	cut := 0
	for i, f := range frames {
		if _, ok := f.(syncproto.Mark); ok && cut == 0 {
			cut = i + 500 // some of what follows the mark came too
		}
	}
	p := mustPhone(t, schematest.Book())
	s, err := p.Begin(ctx())
	p.must(err)
	for _, f := range frames[:cut] {
		p.must(s.Take(ctx(), f))
	}
	p.must(s.Break(ctx()))
	p.must(s.Close(ctx()))
	if p.acked("thing", frames[cut-1].(*syncproto.Row).ID) != nil {
		t.Error("half an answer was applied")
	}
	p.reopen() // the program ended meanwhile
	s, err = p.Begin(ctx())
	p.must(err)
	hello, err := s.Hello(ctx())
	p.must(err)
	if hello.Resume != "m" {
		t.Fatalf("resumes from %q", hello.Resume)
	}
	w := frames[0].(syncproto.Welcome)
	w.Resumed = true
	p.must(s.Take(ctx(), w))
	p.must(s.Take(ctx(), frames[1]))       // columns are named anew
	for _, f := range frames[cut-500+1:] { // behind the mark
		p.must(s.Take(ctx(), f))
	}
	if res := s.Result(); res.Differs > 0 || res.Unknown || res.Rows != 6000 {
		t.Errorf("after going on: %+v", res)
	}
	p.must(s.Close(ctx()))
	if hello, err = begun(p).Hello(ctx()); err != nil || hello.Resume != "" || hello.Cursor != "cursor-1" {
		t.Errorf("then: %+v %v", hello, err)
	}
}

func begun(p *phone) *replica.Session {
	s, err := p.Begin(ctx())
	p.must(err)
	p.tb.Cleanup(func() { s.Close(ctx()) })
	return s
}

func TestAnswerThatDoesNotGoOnDropsWhatWasStaged(t *testing.T) {
	p, c, id := started(t)
	s, err := p.Begin(ctx())
	p.must(err)
	p.must(s.Take(ctx(), c.welcome()))
	stale := *c.set("thing", id, houseBucket, 2, "newest", "verworfen")
	for _, f := range []syncproto.Frame{c.frames()[0], &stale, syncproto.Mark{Resume: "m"}} {
		p.must(s.Take(ctx(), f))
	}
	p.must(s.Break(ctx()))
	p.must(s.Close(ctx()))
	c.set("thing", id, houseBucket, 3, "newest", "gilt")
	p.pull(c)
	wantCells(t, p.shown("thing", id), "newest", "gilt")
}

func TestOneSyncAtATime(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	other, err := replica.Open(ctx(), p.opt)
	p.must(err)
	defer other.Close()
	s, err := p.Begin(ctx())
	p.must(err)
	_, err = other.Begin(ctx())
	var e *syncproto.Error
	if !errors.As(err, &e) || e.Code != syncproto.CodeBusy || e.RetryAfter == 0 {
		t.Fatalf("a second sync began: %v", err)
	}
	// The first falls silent for longer than its lease: the second takes over, and the first finds out.
	p.now += 200_000
	second, err := other.Begin(ctx())
	p.must(err)
	if err := s.Take(ctx(), syncproto.Welcome{Protocol: 1, Epoch: epochA, Now: 5}); !errors.As(err, &e) || e.Code != syncproto.CodeBusy {
		t.Errorf("the first went on: %v", err)
	}
	p.must(s.Close(ctx()))
	if _, err := p.Begin(ctx()); err == nil {
		t.Error("the first gave the second's lease away")
	}
	p.must(second.Close(ctx()))
	// A clock that went back does not lock the file for years.
	ahead, err := p.Begin(ctx())
	p.must(err)
	p.now -= 10 * 365 * 24 * 3600 * 1000
	again, err := other.Begin(ctx())
	p.must(err)
	p.must(again.Close(ctx()))
	p.must(ahead.Close(ctx()))
}

// TestTwoProcessesOnOneFile has another process of this very test write to the file while this one writes and syncs.
func TestTwoProcessesOnOneFile(t *testing.T) {
	const each = 40
	if path := os.Getenv("REPLICA_CHILD"); path != "" {
		childWrites(t, path, each)
		return
	}
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, schematest.Book())
	c.house()
	p.pull(c)
	child := exec.Command(os.Args[0], "-test.run", "^TestTwoProcessesOnOneFile$")
	child.Env = append(os.Environ(), "REPLICA_CHILD="+p.opt.Path)
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	p.must(child.Start())
	for i := range each {
		p.thing("serial", fmt.Sprint("parent", i))
		if i%10 == 0 {
			c.set("household", houseID, houseBucket, uint64(i+2), "note", fmt.Sprint(i))
			p.pull(c)
		}
	}
	if err := child.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	from := map[string]int{}
	for i, e := range entries {
		if e.Change.Name.Number != uint64(i+1) {
			t.Fatalf("change %d has number %d", i+1, e.Change.Name.Number)
		}
		for _, cell := range e.Change.Edits[0].Cells {
			if cell.Cell == "serial" {
				from[strings.TrimRight(cell.Value.Str(), "0123456789")]++
			}
		}
	}
	if from["parent"] != each || from["child"] != each {
		t.Errorf("changes: %v, want %d of each", from, each)
	}
}

func childWrites(t *testing.T, path string, n int) {
	p := &phone{tb: t, now: 1800000000000, rand: rand.NewChaCha8([32]byte{9})}
	p.opt = replica.Options{Path: path, Book: schematest.Book(), Now: func() int64 { p.now++; return p.now }, Rand: p.rand}
	p.open()
	defer p.Close()
	for i := range n {
		p.thing("serial", fmt.Sprint("child", i))
	}
}

func TestFileOfAnOlderProgramGrows(t *testing.T) {
	p := mustPhone(t, schematest.BookAt(1))
	c := newCloud(t, schematest.BookAt(1))
	c.house()
	c.set("thing", otherID, houseBucket, 1, "household", houseID, "name", "井", "total", 1, "state", "open")
	p.pull(c)
	p.update(otherID, "newest", "alt")
	p.shell(`UPDATE thing SET total = 5 WHERE id = '` + string(otherID) + `'`) // captured by the old triggers, sealed by the new program
	p.must(p.Close())
	p.opt.Book = schematest.Book()
	p.open()
	wantCells(t, p.shown("thing", otherID), "newest", "alt", "total", 5, "extra", nil)
	p.update(otherID, "extra", "neu", "total", 6)
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	if len(entries) != 3 || describe(entries[1].Change.Edits[0]) != "u thing total+4" || describe(entries[2].Change.Edits[0]) != `u thing total+1 extra="neu"` {
		for _, e := range entries {
			t.Errorf("%s", describe(e.Change.Edits[0]))
		}
	}
	if notices, err := p.Notices(ctx(), true); err != nil || len(notices) > 0 {
		t.Errorf("notices of an upgrade: %+v %v", notices, err)
	}
	// The old program on the new file leaves what it does not know alone.
	p.must(p.Close())
	p.opt.Book = schematest.BookAt(1)
	p.open()
	p.update(otherID, "newest", "älter")
	p.must(p.Close())
	p.opt.Book = schematest.Book()
	p.open()
	wantCells(t, p.shown("thing", otherID), "newest", "älter", "extra", "neu", "total", 6)
}

func TestOpenOfAnotherKeyLeavesTheFileAlone(t *testing.T) {
	dir := t.TempDir()
	opt := replica.Options{Path: filepath.Join(dir, "k.db"), Key: bytes.Repeat([]byte{1}, 32), Book: schematest.Book(), Now: func() int64 { return 1 }, Rand: rand.NewChaCha8([32]byte{2})}
	r, err := replica.Open(ctx(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, key := range [][]byte{nil, bytes.Repeat([]byte{2}, 32)} {
		wrong := opt
		wrong.Key = key
		_, err := replica.Open(ctx(), wrong)
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Code != syncproto.CodeInvalid || e.Hint == "" {
			t.Errorf("with key %v: %v", key != nil, err)
		}
	}
	if r, err = replica.Open(ctx(), opt); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// A clock that stands still never ends a lease: what does is that the process that took it has ended.
func TestKilledProcessLeavesNoLeaseForEver(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	running := map[string]bool{"first": true, "second": true}
	p.opt.Now = func() int64 { return 1700000000000 }
	open := func(process string) *replica.Replica {
		opt := p.opt
		opt.Process, opt.Ended = process, func(name string) bool { return !running[name] }
		r, err := replica.Open(ctx(), opt)
		p.must(err)
		t.Cleanup(func() { r.Close() })
		return r
	}
	_, err := open("first").Begin(ctx())
	p.must(err)
	second := open("second")
	var e *syncproto.Error
	if _, err := second.Begin(ctx()); !errors.As(err, &e) || e.Code != syncproto.CodeBusy {
		t.Fatalf("a sync began beside a living one: %v", err)
	}
	running["first"] = false
	s, err := second.Begin(ctx())
	p.must(err)
	p.must(s.Close(ctx()))
}

// A server that went back to before it knew the device asks for another code: what waits, and what was acknowledged, goes under the new name.
func TestFileEnrolledAnewSendsEverythingUnderItsNewName(t *testing.T) {
	p, c, id := started(t)
	done := p.update(id, "newest", "eins")
	p.pull(c, c.accept(done, 2))
	waiting := p.update(id, "newest", "zwei")
	const anew = syncproto.DeviceID("01900000-0000-7000-8000-00000000000e")
	p.must(p.Enrol(ctx(), replica.Device{ID: anew, User: userID, Server: "http://server.invalid", Seed: make([]byte, 32)}))
	entries, err := p.Entries(ctx())
	p.must(err)
	for _, e := range entries {
		if e.Change.Name.Device != anew || e.Change.First.Device != deviceID {
			t.Errorf("change %s is called %v, first %v", e.Identity, e.Change.Name, e.Change.First)
		}
	}
	next := p.update(id, "newest", "drei")
	if n := uint64(len(entries) + 1); next.Name != (syncproto.Name{Device: anew, Number: n}) {
		t.Errorf("the next change is called %v, want number %d", next.Name, n)
	}
	s, err := p.Begin(ctx())
	p.must(err)
	out, _, err := s.Outbox(ctx(), 10, 1<<20)
	p.must(err)
	p.must(s.Close(ctx()))
	if len(out) != len(entries)+1 || !slices.ContainsFunc(out, func(c *syncproto.Change) bool { return c.Identity() == waiting.Identity() }) {
		t.Errorf("%d changes are to be sent, want all %d", len(out), len(entries)+1)
	}
	if err := p.Enrol(ctx(), replica.Device{ID: anew, User: "01900000-0000-7000-8000-0000000000bb"}); err == nil {
		t.Error("the file changed hands")
	}
}
