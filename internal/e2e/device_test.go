package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// shell runs statements as a tool does that knows nothing of the replica.
func (ph *phone) shell(statements ...string) {
	ph.p.t.Helper()
	db, err := sql.Open("sqlite", "file:"+ph.opt.Path+"?_pragma=busy_timeout(5000)")
	ph.p.must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			ph.p.t.Fatalf("%s: %v", q, err)
		}
	}
}

func (ph *phone) notices(kind replica.NoticeKind) int {
	ph.p.t.Helper()
	all, err := ph.Notices(context.Background(), true)
	ph.p.must(err)
	n := 0
	for _, x := range all {
		if x.Kind == kind {
			n++
		}
	}
	return n
}

func TestShellWritesSyncLikeTheProgrammes(t *testing.T) {
	p := mustPair(t)
	ann, bob := p.enrol("ann", "ann.db"), p.enrol("bob", "bob.db")
	ann.round()
	ann.shell(`UPDATE thing SET newest = 'shell', total = 4 WHERE id = '`+p.id("h0-thing")+`'`,
		`INSERT INTO note (id, thing, author, text) SELECT id, '`+p.id("h0-thing")+`', '`+p.id("ann")+`', 'aus der Muschel' FROM mq_new_id`)
	if rep := ann.round(); rep.Verdicts[syncproto.Applied] != 1 {
		t.Errorf("%+v", rep)
	}
	bob.round()
	if got := bob.shown("thing", "h0-thing"); got["newest"] != schema.Text("shell") || got["total"] != schema.Int(4) {
		t.Errorf("bob sees %v", got)
	}
}

func TestWritesWithoutTriggersAreFoundAgain(t *testing.T) {
	p := mustPair(t)
	ann := p.enrol("ann", "ann.db")
	ann.round()
	ann.p.must(ann.Close())
	var drops []string
	for _, kind := range []string{"c", "r", "u", "k", "d"} {
		for _, table := range []string{"thing", "note"} {
			drops = append(drops, "DROP TRIGGER mq_"+kind+"_"+table)
		}
	}
	ann.shell(append(drops, `UPDATE thing SET newest = 'unseen' WHERE id = '`+p.id("h0-thing")+`'`, `DELETE FROM thing WHERE id = '`+p.id("h1-thing")+`'`,
		`INSERT INTO note (id, thing, author, text) SELECT id, '`+p.id("h0-thing")+`', '`+p.id("ann")+`', 'ungesehen' FROM mq_new_id`)...)
	ann.reopen()
	if ann.notices(replica.NoticeTriggers) != 1 {
		t.Error("nobody was told of the triggers")
	}
	rep := ann.round()
	rep2 := ann.round()
	if rep.Repaired+rep2.Repaired == 0 || rep2.Differs > 0 {
		t.Errorf("repair: %+v then %+v", rep, rep2)
	}
	p.must(p.server("thing", "h0-thing", "newest", schema.Text("unseen")))
	if ann.shown("thing", "h1-thing") == nil {
		t.Error("what went unseen did not come back")
	}
	entries, err := ann.Entries(t.Context(), replica.Accepted)
	p.must(err)
	if len(entries) != 2 {
		t.Errorf("accepted: %d changes, want the note and the edit", len(entries))
	}
}

// server tells whether the server holds a value.
func (p *pair) server(table, name, column string, want schema.Value) error {
	ph := p.enrol("ann", fmt.Sprintf("check-%d.db", p.clock()))
	ph.round()
	if got := ph.shown(table, name)[column]; got != want {
		return fmt.Errorf("the server holds %v, want %v", got, want)
	}
	return nil
}

func TestOldProgramOnANewServerAndItsUpgrade(t *testing.T) {
	p := mustPair(t)
	p.do(syncproto.Edit{Table: "thing", Row: p.row("h0-thing"), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: "remark", Value: schema.Text("von morgen")}}})
	ph := &phone{p: p}
	ph.opt = replica.Options{Path: p.dir + "/old.db", Book: schematest.BookAt(1), Now: p.clock, Rand: p.rand}
	ph.reopen()
	t.Cleanup(func() { ph.Close() })
	d := p.enrol("ann", "template.db")
	dev, err := d.Device(t.Context())
	p.must(err)
	p.must(ph.Enrol(t.Context(), dev))
	if rep := ph.sync1(); rep.Differs > 0 {
		t.Errorf("an old program differs: %+v", rep)
	}
	ph.edit("h0-thing", text("newest", "alt"))
	if rep := ph.sync1(); rep.Verdicts[syncproto.Applied] != 1 || rep.Differs > 0 {
		t.Errorf("%+v", rep)
	}
	p.must(ph.Close())
	p.do(p.create("mark", "h0-mark", "thing", "@h0-thing", "label", "neu"))
	ph.opt.Book = schematest.Book()
	ph.reopen()
	ph.sync1()
	ph.equal()
	if got := ph.shown("thing", "h0-thing"); got["remark"] != schema.Text("von morgen") || got["newest"] != schema.Text("alt") {
		t.Errorf("after the upgrade: %v", got)
	}
	if ph.notices(replica.NoticeCopied) != 0 {
		t.Error("the upgrade was taken for a copy")
	}
	if ph.shown("mark", "h0-mark") == nil {
		t.Error("the table from tomorrow did not come")
	}
}

// sync1 syncs without comparing all columns: an old program knows fewer.
func (ph *phone) sync1() (rep struct {
	Differs  int
	Verdicts map[syncproto.Status]int
}) {
	ph.p.t.Helper()
	r, err := ph.sync.Sync(context.Background())
	ph.p.must(err)
	rep.Differs, rep.Verdicts = r.Differs, r.Verdicts
	return rep
}

func TestReassignedHouseholdLeavesThePhone(t *testing.T) {
	p := mustPair(t)
	ann, sec := p.enrol("ann", "ann.db"), p.enrol("sec", "sec.db")
	ann.round()
	sec.round()
	ann.edit("h1-thing", text("newest", "noch"))
	p.do(syncproto.Edit{Table: "assignment", Row: p.row("ann-h1"), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: "until", Value: schema.Text("2026-11-01")}}})
	rep := ann.round()
	if !rep.Forgot || ann.shown("thing", "h1-thing") != nil {
		t.Errorf("not forgotten: %+v", rep)
	}
	sec.round()
	if got := sec.shown("thing", "h1-thing")["newest"]; got != schema.Text("noch") {
		t.Errorf("the late word is %v at the secretary's", got)
	}
	found := ann.search(t, "canary-h1")
	if len(found) > 0 {
		t.Errorf("the canary is still in %v", found)
	}
	entries, err := ann.Entries(t.Context())
	p.must(err)
	if len(entries) != 1 || entries[0].State != replica.Accepted || !entries[0].Verdict.Late {
		t.Errorf("%+v", entries)
	}
}

func (ph *phone) search(t *testing.T, what string) (in []string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		raw, err := readIfThere(ph.opt.Path + suffix)
		ph.p.must(err)
		if strings.Contains(string(raw), what) {
			in = append(in, suffix)
		}
	}
	return in
}
