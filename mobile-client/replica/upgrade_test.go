package replica_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"minqing/internal/sqlitex"
	"minqing/mobile-client/replica"
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
