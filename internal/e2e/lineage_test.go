package e2e_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stowed closes a phone, so that its file is whole, and copies it.
func (ph *phone) stowed(to string) {
	ph.p.must(ph.Close())
	copyFile(ph.p.t.(*testing.T), ph.opt.Path, filepath.Join(ph.p.dir, to))
	ph.reopen()
}

func TestEveryCutOfAnAnswerHeals(t *testing.T) {
	p := mustPair(t)
	ann := p.enrol("ann", "ann.db")
	ann.round()
	for cut := 0; cut < 900; cut += 7 {
		ann.edit("h0-thing", map[string]schema.Value{"total": schema.Int(int64(cut + 1))})
		p.do(syncproto.Edit{Table: "thing", Row: p.row("h1-thing"), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: "total", Delta: 1}}})
		p.cut = cut
		if _, err := ann.sync.Sync(context.Background()); err != nil && !strings.Contains(err.Error(), string(syncproto.CodeUnavailable)) {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
		if got := ann.shown("thing", "h0-thing")["total"]; got != schema.Int(int64(cut+1)) {
			t.Fatalf("cut after %d bytes: own words went, total is %v", cut, got)
		}
		if rep := ann.round(); rep.Waiting > 0 {
			t.Fatalf("cut after %d bytes: %+v", cut, rep)
		}
	}
}

func TestCopiesOfOneFileAreToldApartAndCountedOnce(t *testing.T) {
	p := mustPair(t)
	ann := p.enrol("ann", "ann.db")
	ann.round()
	ann.edit("h0-thing", map[string]schema.Value{"total": schema.Int(1)})
	ann.stowed("twin.db")
	twin := p.open("twin.db")
	ann.edit("h0-thing", map[string]schema.Value{"total": schema.Int(11)})
	twin.edit("h0-thing", map[string]schema.Value{"total": schema.Int(101)})
	rep := ann.round()
	rep2 := twin.round()
	if rep.Copied || !rep2.Copied {
		t.Errorf("told apart: %v %v", rep.Copied, rep2.Copied)
	}
	for range 3 { // they take turns
		ann.edit("h1-thing", map[string]schema.Value{"high": schema.Int(ann.shown("thing", "h1-thing")["high"].Num() + 1)})
		ann.round()
		twin.edit("h1-thing", map[string]schema.Value{"high": schema.Int(twin.shown("thing", "h1-thing")["high"].Num() + 1)})
		twin.round()
	}
	ann.round()
	twin.round()
	for _, ph := range []*phone{ann, twin} {
		if got := ph.shown("thing", "h0-thing")["total"]; got != schema.Int(111) {
			t.Errorf("total is %v, want 111: the shared +1 counts once", got)
		}
		if pending, err := ph.Entries(t.Context(), replica.Pending); err != nil || len(pending) > 0 {
			t.Errorf("pending: %+v %v", pending, err)
		}
	}
}

func TestServerRestoredFromABackupGetsEverythingBack(t *testing.T) {
	p := mustPair(t)
	ann, bob := p.enrol("ann", "ann.db"), p.enrol("bob", "bob.db")
	ann.edit0(t)
	ann.round()
	bob.round()
	p.must(p.e.Close())
	backup := t.TempDir()
	p.copyServer(p.dir, backup)
	p.start()
	ann.round()
	ann.edit("h0-thing", text("name", "后来"))
	ann.edit("h1-thing", map[string]schema.Value{"total": schema.Int(7)})
	var bad *syncproto.Change
	bad, err := ann.Write(t.Context(), func(tx *replica.Tx) error {
		id, err := tx.NewID()
		if err != nil {
			return err
		}
		return tx.Create("secret", id, map[string]schema.Value{"thing": schema.Text(p.id("h0-thing")), "id_number": schema.Text("99999919900101001" + string(schema.IDCheckDigit("99999919900101001")))})
	})
	p.must(err)
	ann.round()
	bob.round()
	if got := bob.shown("thing", "h0-thing")["name"]; got != schema.Text("后来") {
		t.Fatalf("bob sees %v before the restore", got)
	}
	p.must(p.e.Close())
	p.copyServer(backup, p.dir)
	p.start()
	rep := ann.round()
	if !rep.Forked {
		t.Errorf("the fork was not found: %+v", rep)
	}
	bob.round()
	ann.round()
	for _, ph := range []*phone{ann, bob} {
		if got := ph.shown("thing", "h0-thing")["name"]; got != schema.Text("后来") {
			t.Errorf("name is %v after the restore", got)
		}
		if got := ph.shown("thing", "h0-thing")["newest"]; got != schema.Text("vorher") {
			t.Errorf("newest is %v after the restore", got)
		}
	}
	if got := ann.shown("thing", "h1-thing")["total"]; got != schema.Int(7) {
		t.Errorf("total is %v after the restore", got)
	}
	refused, err := ann.Entries(t.Context(), replica.Refused)
	p.must(err)
	if len(refused) != 1 || refused[0].Identity != bad.Identity() {
		t.Errorf("refused: %+v", refused)
	}
}

func (ph *phone) edit0(t *testing.T) {
	ph.round()
	ph.edit("h0-thing", text("newest", "vorher"))
}

func (p *pair) copyServer(from, to string) {
	p.t.Helper()
	names, err := filepath.Glob(filepath.Join(from, "minqing.db*"))
	p.must(err)
	for _, stale := range []string{"minqing.db", "minqing.db-wal", "minqing.db-shm"} {
		if err := os.Remove(filepath.Join(to, stale)); err != nil && !os.IsNotExist(err) {
			p.t.Fatal(err)
		}
	}
	for _, name := range append(names, filepath.Join(from, "secret.key")) {
		in, err := os.Open(name)
		p.must(err)
		out, err := os.Create(filepath.Join(to, filepath.Base(name)))
		p.must(err)
		_, err = io.Copy(out, in)
		p.must(err)
		p.must(in.Close())
		p.must(out.Close())
	}
}
