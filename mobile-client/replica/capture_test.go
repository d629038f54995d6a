package replica_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

const otherID = syncproto.RowID("01900000-0000-7000-8000-0000000000c1")

// describe tells an edit in one line.
func describe(e syncproto.Edit) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%c %s", e.Op, e.Table)
	for _, c := range e.Cells {
		fmt.Fprintf(&b, " %s", c.Cell)
		switch {
		case c.Delta != 0:
			fmt.Fprintf(&b, "%+d", c.Delta)
		case len(c.Add)+len(c.Del) > 0:
			fmt.Fprintf(&b, "+%v-%v", c.Add, c.Del)
		default:
			fmt.Fprintf(&b, "=%v", c.Value)
		}
	}
	return b.String()
}

func (p *phone) sealed() []string {
	p.tb.Helper()
	ch, err := p.SealForeign(ctx())
	p.must(err)
	if ch == nil {
		return nil
	}
	var out []string
	for _, e := range ch.Edits {
		out = append(out, describe(e))
	}
	return out
}

func TestShellWritesAreCaptured(t *testing.T) {
	insert := `INSERT INTO thing (id, household, name, total, tags) VALUES ('` + string(otherID) + `', '` + string(houseID) + `', '乙', 4, '["red","blue"]')`
	where := ` WHERE id = '` + string(otherID) + `'`
	const renamed = "01900000-0000-7000-8000-0000000000c2"
	for _, c := range []struct {
		name  string
		first []string // sealed before
		then  []string
		want  []string
	}{
		{"insert", nil, []string{insert}, []string{`c thing household="` + string(houseID) + `" total+4 tags+[blue red]-[] name="乙"`}},
		{"update of several rules at once", []string{insert}, []string{`UPDATE thing SET total = 9, tags = '["green","red"]', lon = 5, lat = 6, newest = 'x'` + where},
			[]string{`u thing newest="x" total+5 tags+[green]-[blue] position=[5,6]`}},
		{"several statements make one edit", []string{insert}, []string{"UPDATE thing SET newest = 'a'" + where, "UPDATE thing SET newest = 'b', total = 5" + where},
			[]string{`u thing newest="b" total+1`}},
		{"there and back is nothing", []string{insert}, []string{"UPDATE thing SET newest = 'a'" + where, "UPDATE thing SET newest = NULL" + where}, nil},
		{"delete", []string{insert}, []string{"DELETE FROM thing" + where}, []string{"d thing"}},
		{"made and gone is nothing", nil, []string{insert, "DELETE FROM thing" + where}, nil},
		{"replace", []string{insert}, []string{strings.Replace(strings.Replace(insert, "INSERT", "REPLACE", 1), "'乙', 4", "'丙', 6", 1)}, []string{`u thing total+2 name="丙"`}},
		{"insert or ignore of what is there", []string{insert}, []string{strings.Replace(insert, "INSERT", "INSERT OR IGNORE", 1)}, nil},
		{"upsert", []string{insert}, []string{insert + " ON CONFLICT (id) DO UPDATE SET name = '丁'"}, []string{`u thing name="丁"`}},
		{"update of the key", []string{insert}, []string{"UPDATE thing SET id = '" + renamed + "'" + where},
			[]string{"d thing", `c thing household="` + string(houseID) + `" total+4 tags+[blue red]-[] name="乙"`}},
		{"a set in no order", []string{insert}, []string{`UPDATE thing SET tags = '["blue", "green", "red"]'` + where}, []string{`u thing tags+[green]-[]`}},
		{"delete and make again", []string{insert}, []string{"DELETE FROM thing" + where, insert, "UPDATE thing SET total = 7" + where}, []string{"u thing total+3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustPhone(t, schematest.Book())
			if c.first != nil {
				p.shell(c.first...)
				p.sealed()
			}
			p.shell(c.then...)
			got := p.sealed()
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("sealed %q\nwant   %q", got, c.want)
			}
			if again := p.sealed(); again != nil {
				t.Errorf("sealed a second time: %q", again)
			}
		})
	}
}

func TestShellIsToldOfABadID(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	err := p.tryShell(`INSERT INTO thing (id, name) VALUES ('7', 'x')`)
	if err == nil || !strings.Contains(err.Error(), "mq_new_id") {
		t.Errorf("got %v, want a hint of mq_new_id", err)
	}
	p.shell(`INSERT INTO thing (id, household, name) SELECT id, '` + string(houseID) + `', 'x' FROM mq_new_id`)
	if got := p.sealed(); len(got) != 1 {
		t.Errorf("sealed %q", got)
	}
}

func TestUnreadableValuesArePutBackWithANotice(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	id := p.thing("tags", []string{"red"}, "newest", "old")
	p.shell(`UPDATE thing SET tags = 'not a set', newest = 'new', story = CAST(x'ff41' AS TEXT) WHERE id = '` + string(id) + `'`)
	if got := p.sealed(); fmt.Sprint(got) != `[u thing newest="new"]` {
		t.Errorf("sealed %q", got)
	}
	wantCells(t, p.shown("thing", id), "tags", []string{"red"}, "newest", "new", "story", nil)
	notices, err := p.Notices(ctx(), false)
	p.must(err)
	if len(notices) != 2 || notices[0].Cell != "tags" || notices[0].Text != "not a set" || notices[1].Kind != replica.NoticeUnreadable {
		t.Errorf("notices: %+v", notices)
	}
}

func TestDroppedTriggersAreHealedAndTold(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	id := p.thing()
	p.shell("DROP TRIGGER mq_u_thing", "DROP TRIGGER mq_c_note", "CREATE TRIGGER mq_c_note AFTER INSERT ON note BEGIN SELECT 1; END")
	p.reopen()
	notices, err := p.Notices(ctx(), false)
	p.must(err)
	if len(notices) != 1 || notices[0].Kind != replica.NoticeTriggers || !strings.Contains(notices[0].Text, "mq_u_thing") || !strings.Contains(notices[0].Text, "mq_c_note") {
		t.Errorf("notices: %+v", notices)
	}
	p.shell("UPDATE thing SET newest = 'x' WHERE id = '" + string(id) + "'")
	if got := p.sealed(); len(got) != 1 {
		t.Errorf("not captured after healing: %q", got)
	}
	p.reopen()
	if again, err := p.Notices(ctx(), false); err != nil || len(again) != 1 {
		t.Errorf("healed twice: %+v %v", again, err)
	}
}

func TestWhatTheShellWroteComesBeforeTheProgramsChange(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	id := p.thing()
	p.shell("UPDATE thing SET newest = 'shell' WHERE id = '" + string(id) + "'")
	p.update(id, "story", "program")
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	if len(entries) != 3 || !entries[1].Outside || entries[2].Outside {
		t.Fatalf("entries: %+v", entries)
	}
	for i, e := range entries {
		if e.Change.Name.Number != uint64(i+1) {
			t.Errorf("change %d has number %d", i+1, e.Change.Name.Number)
		}
	}
	if over := entries[1].Change.Edits[0].Base.Over; len(over) != 1 || over[0] != entries[0].Identity {
		t.Errorf("the shell's edit lies over %v", over)
	}
}

// What a tool did a moment ago is no contradiction: the digests are those of the acknowledged state, whatever waits to be sealed.
func TestDigestsStandBesideUnsealedWrites(t *testing.T) {
	for _, write := range []string{"DELETE FROM thing", "UPDATE thing SET name = '乙', total = 99"} {
		p, c, _ := started(t)
		before, err := p.Digests(ctx())
		p.must(err)
		p.shell(write)
		after, err := p.Digests(ctx())
		p.must(err)
		if !slices.EqualFunc(before, after, func(a, b syncproto.BucketState) bool {
			return a.ID == b.ID && a.Rows == b.Rows && slices.Equal(a.Digests, b.Digests)
		}) {
			t.Errorf("%s: digests %+v\nwant %+v", write, after, before)
		}
		p.equal(c)
	}
}
