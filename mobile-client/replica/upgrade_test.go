package replica_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"minqing/internal/sqlitex"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// A file of the first version goes on: what was captured and not sealed, edits laid over, the app's own; and its tables are then those of
// a file that begins anew.
func TestFileOfVersion1GoesOn(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	fresh := p.tables()
	p.must(p.Close())
	p.must(os.Remove(p.opt.Path))
	old, err := os.ReadFile("testdata/version1.sql")
	p.must(err)
	p.shell(string(old))
	p.open()
	const well, pond = otherID, syncproto.RowID("01900000-0000-7000-8000-0000000000c2")
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	if len(entries) != 2 || entries[0].Outside || !entries[1].Outside || entries[1].Change.Name.Number != 3 || entries[1].Change.At > p.now || len(entries[1].Change.Edits) != 2 {
		t.Fatalf("pending: %+v", entries)
	}
	for i, want := range []string{`u thing newest="shell again" total+5`, `u thing name="埂"`} {
		if got := describe(entries[1].Change.Edits[i]); got != want {
			t.Errorf("sealed %s, want %s", got, want)
		}
	}
	wantCells(t, p.shown("thing", well), "grade", "b", "newest", "shell again", "total", 17)
	wantCells(t, p.acked("thing", well), "grade", "a", "newest", "a", "total", 10)
	wantCells(t, p.shown("thing", pond), "name", "埂")
	p.must(p.View(ctx(), func(v *replica.View) error {
		draft, err := v.Local("draft")
		if string(draft) != "typed" {
			t.Errorf("the draft is %q", draft)
		}
		return err
	}))
	kept, root, err := p.Kept(ctx())
	p.must(err)
	reckoned, err := p.Digests(ctx())
	p.must(err)
	if root != syncproto.DigestRoot(reckoned) || fmt.Sprint(kept) != fmt.Sprint(reckoned) || len(kept) != 1 || kept[0].Rows != 3 {
		t.Errorf("kept %v, root %v; reckoned %v", kept, root, reckoned)
	}
	if notices, err := p.Notices(ctx(), false); err != nil || len(notices) != 0 {
		t.Errorf("notices %+v, %v", notices, err)
	}
	p.shell("UPDATE thing SET newest = 'shell' WHERE id = '" + string(pond) + "'")
	p.reopen()
	if got := p.sealed(); !slices.Equal(got, []string{`u thing newest="shell"`}) {
		t.Errorf("captured after the upgrade: %q", got)
	}
	if upgraded := p.tables(); !slices.Equal(fresh, upgraded) {
		t.Errorf("the tables of an upgraded file are %q\nand of a new one %q", upgraded, fresh)
	}
}

// lived is a phone with a past, the same each time: rows in buckets of several kinds, two whose ids differ in the middle alone, two epochs, an
// open item; and of its own an edit that was accepted and has not come, one of a row that was deleted since, an edit, a deletion and a creation
// that nobody has seen, and what a shell did after them.
func lived(p *phone, c *cloud) {
	p.tb.Helper()
	month := syncproto.BucketID{Scope: houseBucket.Scope, Period: "2026-11"}
	town := syncproto.BucketID{Scope: "place:town", Period: schema.NoPeriod}
	thing := func(n string, rev uint64) syncproto.RowID {
		id := syncproto.RowID("01900000-0000-7000-8000-" + n)
		c.set("thing", id, houseBucket, rev, "household", houseID, "name", n, "newest", "a", "total", 3, "state", "open")
		return id
	}
	c.house()
	a, b, d, e, f := thing("0000000000c1", 1), thing("1111110000c1", 2), thing("0000000000c3", 3), thing("0000000000c4", 400), thing("0000000000c5", 1)
	c.set("note", "01900000-0000-7000-8000-0000000000d1", month, 1, "thing", a, "author", string(userID), "text", "听说")
	c.set("place", placeID, town, 1, "name", "东村", "level", "village")
	c.epoch = epochB
	thing("0000000000c6", 7)
	c.epoch = epochA
	c.rows[d].Open = map[string][]syncproto.Identity{"name": {"4b36f42f254f75d695eb874169490c41"}}
	p.pull(c)
	sent := p.update(a, "newest", "sent")
	p.update(f, "newest", "over")
	c.gone(f, true, 2)
	p.pull(c, c.accept(sent, 9))
	p.update(b, "newest", "unsent", "total", 5)
	form, err := p.Form(ctx(), "thing", d)
	p.must(err)
	p.write(func(tx *replica.Tx) error { return tx.Delete(form) })
	p.thing("newest", "new")
	p.shell("UPDATE thing SET newest = 'shell' WHERE id = '"+string(b)+"'", "DELETE FROM thing WHERE id = '"+string(e)+"'",
		"INSERT INTO thing (id, household, name) VALUES ('01900000-0000-7000-8000-0000000000c9', '"+string(houseID)+"', 'shell')")
}

// told is all that a phone says of its rows and of its own changes.
func (p *phone) told() (out []string) {
	p.tb.Helper()
	for _, t := range p.opt.Book.Tables() {
		p.must(p.Records(ctx(), t.Name, func(rec replica.Record) error {
			out = append(out, fmt.Sprintf("%+v", rec))
			return nil
		}))
	}
	entries, err := p.Entries(ctx())
	p.must(err)
	for _, e := range entries {
		for i := range e.Change.Edits {
			out = append(out, fmt.Sprintf("%d %s %v %s %+v", e.Change.Name.Number, e.State, e.Outside, describe(e.Change.Edits[i]), e.Change.Edits[i].Base))
		}
	}
	return out
}

// A file of the second version, brought to this one, tells in every word what a phone tells that had its past in a file of this version;
// and both go on alike.
func TestFileOfVersion2GoesOn(t *testing.T) {
	p, fresh := mustPhone(t, schematest.Book()), mustPhone(t, schematest.Book())
	c, other := newCloud(t, schematest.Book()), newCloud(t, schematest.Book())
	lived(fresh, c)
	lived(mustPhone(t, schematest.Book()), other) // its cloud goes on with the old file
	p.must(p.Close())
	p.must(os.Remove(p.opt.Path))
	old, err := os.ReadFile("testdata/version2.sql")
	p.must(err)
	p.shell(string(old))
	p.open()
	alike := func(when string) {
		t.Helper()
		for _, x := range []*phone{p, fresh} {
			_, err := x.SealForeign(ctx())
			x.must(err)
		}
		fresh.equal(c)
		p.equal(other)
		if was, want := p.told(), fresh.told(); !slices.Equal(was, want) {
			t.Errorf("%s the old file tells\n%s\nand the new\n%s", when, strings.Join(was, "\n"), strings.Join(want, "\n"))
		}
	}
	alike("at first")
	if upgraded, want := p.tables(), fresh.tables(); !slices.Equal(upgraded, want) {
		t.Errorf("the tables of an upgraded file are %q\nand of a new one %q", upgraded, want)
	}
	for _, x := range []struct {
		p *phone
		c *cloud
	}{{p, other}, {fresh, c}} {
		x.p.now = 1800000000000
		const first, second = syncproto.RowID("01900000-0000-7000-8000-0000000000c1"), syncproto.RowID("01900000-0000-7000-8000-1111110000c1")
		x.c.set("thing", first, houseBucket, 9, "newest", "sent")
		x.c.set("thing", second, houseBucket, 3, "total", 40)
		x.c.gone("01900000-0000-7000-8000-0000000000c4", true, 401)
		x.p.pull(x.c)
	}
	alike("later")
	for _, x := range []struct {
		p *phone
		c *cloud
	}{{p, other}, {fresh, c}} {
		x.c.forget(houseBucket.Scope)
		x.p.pull(x.c)
	}
	alike("with the household forgotten")
}

// A file that a newer program has taken on is not touched, and whoever has it open when that happens is told so.
func TestFileOfANewerProgramIsLeftAlone(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	id := p.thing()
	p.shell("ALTER TABLE mq_held RENAME TO mq_held_4", "UPDATE mq_meta SET value = '4' WHERE key = 'file'")
	_, read := p.Form(ctx(), "thing", id)
	_, write := p.Write(ctx(), func(tx *replica.Tx) error {
		return tx.Create("thing", otherID, values("household", houseID, "name", "x"))
	})
	p.must(p.Close())
	_, open := replica.Open(ctx(), p.opt)
	for what, err := range map[string]error{"reading": read, "writing": write, "opening": open} {
		if known := (*syncproto.Error)(nil); !errors.As(err, &known) || known.Code != syncproto.CodeUpgrade {
			t.Errorf("%s: %v", what, err)
		}
	}
}

var blanks = regexp.MustCompile(`\s+`)

// tables tells what the file is made of.
func (p *phone) tables() (out []string) {
	p.tb.Helper()
	db, err := sqlitex.Open(sqlitex.Options{Path: p.opt.Path, MustExist: true, Readers: 1})
	p.must(err)
	rows, err := db.Read.QueryContext(ctx(), `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name`)
	p.must(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		p.must(rows.Scan(&text))
		out = append(out, regexp.MustCompile(`^CREATE TABLE "(mq_\w+)"`).ReplaceAllString(blanks.ReplaceAllString(text, " "), "CREATE TABLE $1"))
	}
	p.must(rows.Err())
	p.must(rows.Close())
	p.must(db.Close())
	return out
}
