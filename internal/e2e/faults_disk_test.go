package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"minqing/internal/simdisk"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/judge"
	"minqing/syncproto"
)

func codeIs(err error, code syncproto.Code) bool {
	var e *syncproto.Error
	return errors.As(err, &e) && e.Code == code && e.Message != "" && e.Hint != ""
}

// fillUp has the disk run full at each write of an operation in turn until it gets by with what is left. Each time that it fails it
// must say so; then space returns, and heal must find everything as it should be. It gives how many writes were hit.
func fillUp(t *testing.T, disk *simdisk.Disk, what string, try func() error, heal func()) int {
	t.Helper()
	const most = 500
	for n := range most {
		disk.FailWritesAfter(n)
		err := try()
		disk.Heal()
		if err == nil {
			heal()
			return n
		}
		if !codeIs(err, syncproto.CodeFull) {
			t.Fatalf("%s: disk full at write %d: %v", what, n, err)
		}
		heal()
	}
	t.Fatalf("%s: still no room after %d writes", what, most)
	return 0
}

// The server's disk runs full at each write of a push, of a pull, of an administrator's change, of an enrolment, and of its own start.
func TestFaultsDiskFullOnTheServer(t *testing.T) {
	disk := simdisk.New()
	p := mustPairOn(t, schematest.Book(), disk, "")
	ann, bob := p.enrol("ann", "ann.db"), p.enrol("bob", "bob.db")
	ann.round()
	bob.round()
	total, hits := int64(0), map[string]int{}
	healthy := func() {
		ann.round()
		bob.round()
		if got := bob.shown("thing", "h0-thing")["total"].Num(); got != total {
			t.Fatalf("total is %d, want %d: each addition counts once", got, total)
		}
	}
	hits["push"] = fillUp(t, disk, "push", func() error {
		if len(entries(ann, replica.Pending)) == 0 {
			total++
			ann.edit("h0-thing", map[string]schema.Value{"total": schema.Int(ann.shown("thing", "h0-thing")["total"].Num() + 1)})
		}
		_, err := ann.sync.Sync(t.Context())
		return err
	}, healthy)
	hits["pull"] = fillUp(t, disk, "pull", func() error {
		disk.Heal() // another's word comes while there is room
		total++
		ann.edit("h0-thing", map[string]schema.Value{"total": schema.Int(ann.shown("thing", "h0-thing")["total"].Num() + 1)})
		ann.round()
		disk.FailWritesAfter(hits["pull"])
		hits["pull"]++
		_, err := bob.sync.Sync(t.Context())
		return err
	}, healthy)
	made := 0
	hits["submit"] = fillUp(t, disk, "submit", func() error {
		_, err := p.e.Judge.Submit(context.Background(), "", judge.Draft{Edits: []syncproto.Edit{p.create("thing", fmt.Sprint("new", made), "household", "@h0", "name", "新")}})
		if err == nil {
			made++
		}
		return err
	}, func() {
		healthy()
		if made == 1 && ann.shown("thing", "new0") == nil {
			t.Fatal("what the server called saved is not there")
		}
	})
	hits["enrol"] = fillUp(t, disk, "enrol", func() error {
		disk.Heal()
		code, _, err := p.e.Auth.Invite(context.Background(), syncproto.UserID(p.id("ann")))
		p.must(err)
		disk.FailWritesAfter(hits["enrol"])
		hits["enrol"]++
		return p.tryEnrol(code)
	}, healthy)
	hits["start"] = fillUp(t, disk, "start", func() error {
		disk.Heal()
		p.must(p.e.Close())
		disk.FailWritesAfter(hits["start"])
		hits["start"]++
		err := p.tryStart()
		disk.Heal()
		if err != nil {
			p.start()
		}
		return err
	}, healthy)
	t.Logf("writes hit: %v", hits)
}

func entries(ph *phone, states ...replica.State) []replica.Entry {
	list, err := ph.Entries(context.Background(), states...)
	ph.p.must(err)
	return list
}

// The device's disk runs full at each write of a save, of a sync that pushes and pulls, and of opening the file.
func TestFaultsDiskFullOnTheDevice(t *testing.T) {
	disk := simdisk.New()
	p := mustPair(t)
	bob := p.enrol("bob", "bob.db")
	ann := p.enrolOn(disk, "ann")
	ann.round()
	bob.round()
	total, saves, hits := int64(0), 0, map[string]int{}
	healthy := func() {
		ann.round()
		bob.round()
		for _, ph := range []*phone{ann, bob} {
			if got := ph.shown("thing", "h0-thing")["total"].Num(); got != total {
				t.Fatalf("total is %d, want %d: what was saved counts once, what was not does not", got, total)
			}
		}
	}
	plusOne := func(ph *phone) error {
		f, err := ph.Form(t.Context(), "thing", p.row("h0-thing"))
		if err != nil {
			return err
		}
		_, err = ph.Write(t.Context(), func(tx *replica.Tx) error {
			return tx.Update(f, map[string]schema.Value{"total": schema.Int(f.Values["total"].Num() + 1)})
		})
		if err == nil {
			total++
			saves++
		}
		return err
	}
	hits["save"] = fillUp(t, disk, "save", func() error { return plusOne(ann) }, healthy)
	if saves != 1 {
		t.Fatalf("%d saves, want the one that had room", saves)
	}
	hits["sync"] = fillUp(t, disk, "sync", func() error {
		disk.Heal()
		p.must(plusOne(bob))
		bob.round()
		p.must(plusOne(ann))
		disk.FailWritesAfter(hits["sync"])
		hits["sync"]++
		_, err := ann.sync.Sync(t.Context())
		return err
	}, healthy)
	hits["open"] = fillUp(t, disk, "open", func() error {
		disk.Heal()
		p.must(plusOne(ann))
		p.must(ann.Close())
		disk.FailWritesAfter(hits["open"])
		hits["open"]++
		r, err := replica.Open(t.Context(), ann.opt)
		disk.Heal()
		if err == nil {
			err = r.Close()
		}
		ann.reopen()
		return err
	}, healthy)
	t.Logf("writes hit: %v", hits)
}

// mustSmall mounts a small file system in memory on a new folder until the test ends.
func mustSmall(t *testing.T, dir string) string {
	t.Helper()
	must(t, os.Mkdir(dir, 0o700))
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatalf("this test mounts a small file system and needs root (the CI image runs as root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// says gives the status with which the server answers.
func (w *town) says(path string) int {
	w.t.Helper()
	res, err := http.Get("http://" + w.server.address + path)
	must(w.t, err)
	must(w.t, res.Body.Close())
	return res.StatusCode
}

// A real file system runs full under a running server: a small one in memory, mounted for the test, which takes root.
func TestFaultsDiskFullForReal(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	p := w.pocket("ann")
	small := mustSmall(t, filepath.Join(w.dir, "small"))
	// The server moves to the small disk.
	w.stop()
	for _, name := range []string{"minqing.db", "secret.key"} {
		raw, err := os.ReadFile(filepath.Join(w.data, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(small, name), raw, 0o600))
	}
	w.data = small
	w.start()
	ballast := filepath.Join(small, "ballast")
	full := 0
	for round := range 6 {
		for range 20 {
			p.matter(strings.Repeat("水", 1500))
		}
		must(t, fillRest(ballast, round*40<<10))
		_, err := p.sync.Sync(t.Context())
		switch {
		case codeIs(err, syncproto.CodeFull):
			full++
			if got := w.says("/readyz"); got != http.StatusServiceUnavailable {
				t.Errorf("with a full disk the server says %d to who asks whether it is ready", got)
			}
		case err != nil:
			t.Fatalf("round %d: %v", round, err)
		}
		if got := w.says("/healthz"); got != http.StatusOK {
			t.Fatalf("the server does not stand a full disk: %d", got)
		}
		must(t, os.Remove(ballast))
		p.through("space is back")
	}
	if full == 0 {
		t.Error("the disk was never full")
	}
	p.once()
	for deadline := time.Now().Add(time.Minute); w.says("/readyz") != http.StatusOK; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there is room, and the server is not ready")
		}
	}
	w.stop()
	sound(t, filepath.Join(small, "minqing.db"))
	t.Logf("full=%d of 6", full)
}

// A real file system runs full under a device's processes, at a save and at a sync that pushes and pulls, with ever more room left until both get
// by. Whoever is told that there is no room has lost nothing that was saved, what he was told is saved is, and with room all goes on.
func TestFaultsDiskFullForRealOnTheDevice(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.minqing("user", "add", "--login", "bob", "--name", "bob", "--role", "cadre", "--over", townVillage)
	w.minqing("assign", "--user", "bob", "--team", "member", "--households", house(0)+","+house(1)+","+house(2))
	bob, small := w.enrol("bob"), mustSmall(t, filepath.Join(w.dir, "small"))
	ann := w.enrolIn(small, "ann")
	k := &killing{w: w, fields: []*field{ann, bob}}
	ballast := filepath.Join(small, "ballast")
	// metFull tells whether a command of ann's met the full disk, which it then must say.
	metFull := func(what string, args ...string) bool {
		out, err := ann.try(args...)
		ann.note(out)
		if err != nil && !strings.Contains(out, "手机存储空间满了") {
			t.Fatalf("%s on a full disk: %v", what, err)
		}
		return err != nil
	}
	visit := func(n int, text string) []string {
		return []string{"visit", "--household", house(n % ownHouses), "--met", fmt.Sprintf("第%d次", n), "--text", strings.Repeat(text, 400), "--submit"}
	}
	const most = 200
	hits, step := map[string]int{}, full(64, 8)<<10
	for n := 0; ; n++ {
		if n > most {
			t.Fatalf("no room yet: %v", hits)
		}
		if metFull("a save with room", visit(n, "水沟堵了。")...) {
			t.Fatal("there was room")
		}
		must(t, bob.insert(n, 1, 30))
		bob.sync()
		must(t, fillRest(ballast, n*step))
		unsaved := metFull("a save", visit(n, "水沟又堵了。")...)
		unsynced := metFull("a sync", "sync")
		sound(t, ann.file)
		must(t, os.Remove(ballast))
		k.settle()
		if got := query(t, filepath.Join(w.data, "minqing.db"), "SELECT count(*) FROM visit")[0]; got != fmt.Sprint(len(ann.saved)) {
			t.Fatalf("%s visits on the server, and %d were called saved", got, len(ann.saved))
		}
		if !unsaved && !unsynced {
			break
		}
		if unsaved {
			hits["save"]++
		}
		if unsynced {
			hits["sync"]++
		}
	}
	if hits["save"] == 0 || hits["sync"] == 0 {
		t.Errorf("the disk was never full: %v", hits)
	}
	w.stop()
	sound(t, ann.file)
	t.Logf("met a full disk: %v", hits)
}

// fillRest writes a file until the disk is full, then gives left bytes back.
func fillRest(path string, left int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	buf := make([]byte, 4<<10)
	size := int64(0)
	for {
		n, err := f.Write(buf)
		size += int64(n)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(f.Truncate(max(0, size-int64(left))), f.Close())
}
