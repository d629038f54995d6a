package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// enrolAt enrols a phone whose program knows another version of the rule book.
func (p *pair) enrolAt(user string, book *schema.Book) *phone {
	p.t.Helper()
	template := p.enrol(user, fmt.Sprintf("%s-template-%d.db", user, p.clock()))
	d, err := template.Device(p.t.Context())
	p.must(err)
	p.must(template.Close())
	ph := &phone{p: p, opt: replica.Options{Path: fmt.Sprintf("%s/%s-%d.db", p.dir, user, p.clock()), Book: book, Now: p.clock, Rand: p.rand}}
	ph.reopen()
	p.t.Cleanup(func() { ph.Close() })
	p.must(ph.Enrol(p.t.Context(), d))
	return ph
}

// known proves that an older phone shows of every row of a table just what a newer one shows, column by column as far as it knows them.
func (ph *phone) known(newer *phone, table string) {
	t := ph.p.t
	t.Helper()
	rows := func(of *phone) map[syncproto.RowID]map[string]schema.Value {
		out := map[syncproto.RowID]map[string]schema.Value{}
		ph.p.must(of.Records(t.Context(), table, func(r replica.Record) error {
			if r.Shown != nil {
				out[r.Row] = map[string]schema.Value{}
				for i, c := range of.opt.Book.Table(table).Columns {
					out[r.Row][c.Name] = r.Shown[i]
				}
			}
			return nil
		}))
		return out
	}
	mine, theirs := rows(ph), rows(newer)
	if len(mine) == 0 {
		t.Errorf("the older phone shows no %s", table)
	}
	for id, row := range mine {
		for column, v := range row {
			if theirs[id][column] != v {
				t.Errorf("%s.%s is %v on the older phone, %v on the newer", table, column, v, theirs[id][column])
			}
		}
	}
}

// A phone two schema versions behind and one of today write into the same row, again and again: both go on syncing, and what the old
// one does not know survives everything that it does to the row.
func TestPhoneTwoVersionsBehindHarmsNothingItDoesNotKnow(t *testing.T) {
	p := mustPair(t)
	old, newer := p.enrolAt("bob", schematest.BookAt(1)), p.enrol("ann", "ann.db")
	for _, ph := range []*phone{old, newer} {
		ph.sync1()
	}
	unknown := map[string]schema.Value{"remark": schema.Text("头一句。"), "extra": schema.Text("第二版的"), "extra_count": schema.Int(3)}
	newer.edit("h0-thing", unknown)
	mark := p.row("a mark")
	_, err := newer.Write(t.Context(), func(tx *replica.Tx) error {
		return tx.Create("mark", mark, map[string]schema.Value{"thing": schema.Text(p.id("h0-thing")), "points": schema.Int(5), "label": schema.Text("新表")})
	})
	p.must(err)
	newer.round()
	total := int64(0)
	for i := range 4 {
		// Both write before either syncs: known cells meet, unknown ones do not even travel.
		old.edit("h0-thing", map[string]schema.Value{"total": schema.Int(old.shown("thing", "h0-thing")["total"].Num() + 1), "newest": schema.Text(fmt.Sprint("旧", i))})
		newer.edit("h0-thing", map[string]schema.Value{"total": schema.Int(newer.shown("thing", "h0-thing")["total"].Num() + 10), "extra_count": schema.Int(int64(3 + i + 1))})
		total += 11
		first, second := old, newer
		if i%2 == 1 {
			first, second = newer, old
		}
		for _, ph := range []*phone{first, second, first, second} {
			if rep := ph.sync1(); rep.Differs > 0 {
				t.Fatalf("round %d: %+v", i, rep)
			}
		}
		newer.equal()
		got := newer.shown("thing", "h0-thing")
		if got["remark"] != unknown["remark"] || got["extra"] != unknown["extra"] || got["extra_count"] != schema.Int(int64(3+i+1)) {
			t.Fatalf("round %d: what the old phone does not know is now %v", i, got)
		}
		if got["total"] != schema.Int(total) {
			t.Fatalf("round %d: total is %v, want %d", i, got["total"], total)
		}
		old.known(newer, "thing")
	}
	// The old phone reads its whole file anew, and deletes: the young table's row goes with its parent's, as for everybody.
	p.must(old.Close())
	old.reopen()
	thing := p.row("made by the old")
	_, err = old.Write(t.Context(), func(tx *replica.Tx) error {
		return tx.Create("thing", thing, map[string]schema.Value{"household": schema.Text(p.id("h0")), "name": schema.Text("旧手机记的")})
	})
	p.must(err)
	old.sync1()
	newer.round()
	newer.edit("made by the old", map[string]schema.Value{"remark": schema.Text("新手机补的。")})
	newer.round()
	old.sync1()
	old.edit("made by the old", map[string]schema.Value{"name": schema.Text("旧手机改的")})
	old.sync1()
	newer.round()
	if got := newer.shown("thing", "made by the old"); got["remark"] != schema.Text("新手机补的。") || got["name"] != schema.Text("旧手机改的") {
		t.Errorf("the row of the old phone shows %v", got)
	}
	if got := newer.shown("mark", "a mark"); got["points"] != schema.Int(5) {
		t.Errorf("the row of the young table shows %v", got)
	}
}

// A file is upgraded in place, one version after the other, with words in it that nobody has seen yet and a fill that is half there:
// everything is kept, and what the file could not hold comes by itself.
func TestUpgradeInPlaceKeepsEverything(t *testing.T) {
	p := mustPair(t)
	ph, other := p.enrolAt("ann", schematest.BookAt(1)), p.enrol("bob", "bob.db")
	ph.sync1()
	other.round()
	other.edit("h0-thing", map[string]schema.Value{"remark": schema.Text("先有的。"), "extra": schema.Text("e")})
	other.round()
	ph.edit("h0-thing", map[string]schema.Value{"story": schema.Text("旧版写的一句。")})
	ph.edit("h1-thing", map[string]schema.Value{"total": schema.Int(7)})
	p.cut = 300 // an answer that breaks off leaves its beginning in the file
	if _, err := ph.sync.Sync(t.Context()); err != nil && !linkBroke(err) {
		t.Fatal(err)
	}
	ph.edit("h1-thing", map[string]schema.Value{"name": schema.Text("升级前没传的")})
	before := entries(ph)
	for v := 2; v <= schematest.Version; v++ {
		p.must(ph.Close())
		ph.opt.Book = schematest.BookAt(v)
		ph.reopen()
		if now := entries(ph); len(now) != len(before) {
			t.Fatalf("version %d holds %d changes, want %d", v, len(now), len(before))
		}
		if got := ph.shown("thing", "h1-thing"); got["name"] != schema.Text("升级前没传的") || got["total"] != schema.Int(7) {
			t.Fatalf("version %d shows %v", v, got)
		}
		if v == 2 {
			ph.edit("h0-thing", map[string]schema.Value{"extra_count": schema.Int(2)}) // unsent, of a version between
		}
		before = entries(ph)
	}
	ph.edit("h0-thing", map[string]schema.Value{"remark": schema.Text("先有的。新版写的。")})
	ph.round()
	ph.round()
	other.round()
	for _, x := range []*phone{ph, other} {
		got := x.shown("thing", "h0-thing")
		if got["story"] != schema.Text("旧版写的一句。") || got["extra"] != schema.Text("e") || got["extra_count"] != schema.Int(2) {
			t.Errorf("%s shows %v", x.opt.Path, got)
		}
	}
	if n := len(entries(ph, replica.Pending, replica.Refused)); n > 0 {
		t.Errorf("%d changes wait or were refused", n)
	}
	if ph.notices(replica.NoticeCopied)+ph.notices(replica.NoticeTriggers)+ph.notices(replica.NoticeUnreadable) > 0 {
		t.Error("the upgrade was taken for something else")
	}
}

// younger is the synthetic book with further options: thing.tags and thing.grade as a later version has them.
func younger(t *testing.T) *schema.Book {
	t.Helper()
	tables := slices.Clone(schematest.Book().Tables())
	for i, table := range tables {
		if table.Name != "thing" {
			continue
		}
		changed := *table
		changed.Columns = slices.Clone(table.Columns)
		for j := range changed.Columns {
			c := &changed.Columns[j]
			if c.Name == "tags" || c.Name == "grade" {
				c.Options = append(slices.Clone(c.Options), schema.Option{Value: "late", Label: schema.Label{ZH: "后加的", EN: "late"}})
			}
		}
		tables[i] = &changed
	}
	b, err := schema.NewBook(schematest.Version+1, tables...)
	must(t, err)
	return b
}

// An option that came with a later version reaches a phone that has never heard of it: it is kept, it survives the phone's edits of the
// same cell and row, and the phone goes on syncing.
func TestOptionsFromALaterVersionSurviveAnOldPhone(t *testing.T) {
	p := mustPairOf(t, younger(t))
	for _, version := range []int{1, schematest.Version} {
		old, newer := p.enrolAt("bob", schematest.BookAt(version)), p.enrol("ann", fmt.Sprintf("new-%d.db", version))
		old.sync1()
		newer.round()
		newer.edit("h0-thing", map[string]schema.Value{"grade": schema.Text("late"), "tags": schema.Set("late", "red")})
		newer.round()
		if rep := old.sync1(); rep.Differs > 0 {
			t.Fatalf("version %d: %+v", version, rep)
		}
		if got := old.shown("thing", "h0-thing"); got["grade"] != schema.Text("late") || got["tags"] != schema.Set("late", "red") {
			t.Errorf("version %d shows %v and %v", version, got["grade"], got["tags"])
		}
		old.edit("h0-thing", map[string]schema.Value{"tags": schema.Set("late", "blue"), "name": schema.Text(fmt.Sprint("改", version))})
		if rep := old.sync1(); rep.Differs > 0 {
			t.Fatalf("version %d: %+v", version, rep)
		}
		newer.round()
		got := newer.shown("thing", "h0-thing")
		if got["grade"] != schema.Text("late") || got["tags"] != schema.Set("blue", "late") || got["name"] != schema.Text(fmt.Sprint("改", version)) {
			t.Errorf("after the edit of version %d: grade %v, tags %v, name %v", version, got["grade"], got["tags"], got["name"])
		}
		newer.edit("h0-thing", map[string]schema.Value{"grade": schema.Text("a"), "tags": schema.Set()})
		newer.round()
		p.must(old.Close())
		p.must(newer.Close())
	}
}

// A phone of tomorrow meets a server of today: what the server does not know it refuses with words that say so and keeps whole, all
// else goes through, and the words come in once the server was brought up to date.
func TestPhoneFromTomorrowMeetsAServerOfToday(t *testing.T) {
	p := mustPairOf(t, schematest.BookAt(1))
	ph := p.enrolAt("ann", schematest.Book())
	ph.sync1()
	ph.edit("h0-thing", map[string]schema.Value{"total": schema.Int(1)})
	column := ph.edit("h0-thing", map[string]schema.Value{"remark": schema.Text("明天的栏。")})
	table, err := ph.Write(t.Context(), func(tx *replica.Tx) error {
		return tx.Create("mark", p.row("m"), map[string]schema.Value{"thing": schema.Text(p.id("h0-thing")), "points": schema.Int(1)})
	})
	p.must(err)
	ph.edit("h1-thing", map[string]schema.Value{"total": schema.Int(2)})
	if rep := ph.sync1(); rep.Differs > 0 || rep.Verdicts[syncproto.Applied] != 2 {
		t.Errorf("%+v", rep)
	}
	for _, e := range entries(ph) {
		if id := e.Identity; id != column.Identity() && id != table.Identity() {
			if e.State != replica.Accepted {
				t.Errorf("change %d is %s", e.Change.Name.Number, e.State)
			}
			continue
		}
		if e.Verdict == nil || e.Verdict.Status != syncproto.Refused || e.Verdict.Message == "" {
			t.Errorf("change %d from tomorrow: %s %+v", e.Change.Name.Number, e.State, e.Verdict)
			continue
		}
		t.Logf("%s %s", e.Verdict.Code, e.Verdict.Message)
	}
	p.must(p.e.Close())
	p.book = schematest.Book()
	p.start()
	ph.sync1()
	for _, x := range entries(ph, replica.Refused) {
		_, err := ph.Mend(t.Context(), x.Identity, func(tx *replica.Tx) error {
			for _, edit := range x.Change.Edits {
				v := map[string]schema.Value{}
				for _, c := range edit.Cells {
					v[c.Cell] = c.Value
					if c.Delta != 0 {
						v[c.Cell] = schema.Int(c.Delta)
					}
				}
				if edit.Op == syncproto.OpCreate {
					if err := tx.Create(edit.Table, edit.Row, v); err != nil {
						return err
					}
					continue
				}
				f, err := tx.Form(edit.Table, edit.Row)
				if err != nil {
					return err
				}
				if err := tx.Update(f, v); err != nil {
					return err
				}
			}
			return nil
		})
		p.must(err)
	}
	ph.round()
	if got := ph.shown("thing", "h0-thing"); got["remark"] != schema.Text("明天的栏。") || ph.shown("mark", "m") == nil {
		t.Errorf("after the server's upgrade: %v, %v", got["remark"], ph.shown("mark", "m"))
	}
}
