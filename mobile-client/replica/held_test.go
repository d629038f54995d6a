package replica_test

import (
	"strings"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// alike are ids of which the file keeps the same six bytes.
func alike(n string) syncproto.RowID {
	return syncproto.RowID("01900000-0000-7000-8000-" + n + n + n + "0000c1")
}

// held counts what the file keeps of rows that are held, and of those how many under their whole id.
func (p *phone) held() (all, whole int) {
	p.tb.Helper()
	p.must(p.View(ctx(), func(v *replica.View) error {
		_, err := v.One(`SELECT count(*), count(*) FILTER (WHERE length(id) = 16) FROM mq_held`, nil, &all, &whole)
		return err
	}))
	return all, whole
}

func (p *phone) wantHeld(all, whole int) {
	p.tb.Helper()
	if a, w := p.held(); a != all || w != whole {
		p.tb.Errorf("%d rows are held, %d of them under whole ids; want %d and %d", a, w, all, whole)
	}
}

// Rows whose ids are kept alike are told apart in everything: what the server sends, takes away and sends whole, what is written over them by
// forms and by other programs, what is forgotten, and what is lost.
func TestRowsWithTheSameShortKey(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, schematest.Book())
	a, b, own, d, never := alike("00"), alike("11"), alike("22"), alike("33"), alike("44")
	set := func(id syncproto.RowID, rev uint64, name string) {
		c.set("thing", id, houseBucket, rev, "household", houseID, "name", name, "total", 3, "state", "open")
	}
	comesWhole := func() {
		c.queue = append(c.queue, syncproto.Bucket{ID: houseBucket})
		c.house()
	}
	c.house()
	set(a, 1, "a")
	set(b, 5, "b")
	set(a, 2, "a again") // in the very answer that brings it first
	p.pull(c)
	p.wantHeld(3, 1)

	// A row of the device's own is not held because another is.
	p.shell("INSERT INTO thing (id, household, name) VALUES ('" + string(own) + "', '" + string(houseID) + "', 'own')")
	if _, err := p.SealForeign(ctx()); err != nil {
		t.Fatal(err)
	}
	p.equal(c)
	if rec, _, err := p.Record(ctx(), "thing", own); err != nil || rec.Acked != nil || rec.Label != (syncproto.Label{}) {
		t.Errorf("a row that nobody was told of is held: %+v, %v", rec, err)
	}
	entries, err := p.Entries(ctx())
	p.must(err)
	if e := entries[0].Change.Edits[0]; e.Op != syncproto.OpCreate || e.Base.Rev != 0 {
		t.Errorf("its creation is %+v", e)
	}

	// Edits stand on the rev of their own row, whoever writes them.
	for id, rev := range map[syncproto.RowID]uint64{a: 2, b: 5} {
		if e := p.update(id, "newest", "form").Edits[0]; e.Base.Rev != rev {
			t.Errorf("an edit of %s stands on %d, not on %d", id, e.Base.Rev, rev)
		}
	}
	p.shell("DELETE FROM thing WHERE id = '" + string(b) + "'")
	if ch, err := p.SealForeign(ctx()); err != nil || len(ch.Edits) != 1 || ch.Edits[0].Op != syncproto.OpDelete || ch.Edits[0].Base.Rev != 5 {
		t.Errorf("a shell's deletion: %+v, %v", ch, err)
	}
	set(b, 6, "b newer")
	set(own, 1, "own")
	p.pull(c, c.accept(entries[0].Change, 1))
	p.wantHeld(4, 2)

	// The first goes, and what stands under its whole id stays; a word on a row that never was here touches nothing.
	c.gone(a, true, 3)
	c.queue = append(c.queue, syncproto.Gone{Table: "thing", ID: never})
	p.pull(c)
	p.wantHeld(3, 2)
	set(d, 8, "d")
	c.queue = append(c.queue, syncproto.Gone{Table: "thing", ID: never}, syncproto.Gone{Table: "thing", ID: a})
	p.pull(c)
	p.wantHeld(4, 2)

	// A bucket that comes whole takes away what it does not bring.
	delete(c.rows, own)
	comesWhole()
	set(b, 7, "b whole")
	set(d, 9, "d whole")
	p.pull(c)
	p.wantHeld(3, 1)

	// What went while no trigger looked is let go of, and comes again.
	p.shell("DROP TRIGGER mq_d_thing", "DELETE FROM thing WHERE id = '"+string(d)+"'")
	p.reopen()
	p.wantHeld(2, 1)
	comesWhole()
	set(b, 7, "b whole")
	set(d, 9, "d whole")
	p.pull(c)
	p.wantHeld(3, 1)

	// What went while the guard was away, so that nothing tells of it, comes again with its bucket too.
	p.shell("DELETE FROM mq_guard", "DELETE FROM thing WHERE id = '"+string(d)+"'", "INSERT INTO mq_guard VALUES (1)")
	set(d, 10, "d newer")
	if res := p.take(c, c.frames()...); res.Differs != 1 {
		t.Errorf("a row went and nobody sees it: %+v", res)
	}
	comesWhole()
	set(b, 7, "b whole")
	set(d, 10, "d newer")
	p.pull(c)
	p.wantHeld(3, 2)

	// Forgetting takes both.
	p.must(p.Close())
	p.open()
	c.set("place", placeID, syncproto.BucketID{Scope: "place:town", Period: schema.NoPeriod}, 1, "name", "东村", "level", "village")
	c.forget(houseBucket.Scope)
	p.pull(c)
	p.wantHeld(1, 0)
	if in := p.find("d newer"); len(in) > 0 {
		t.Errorf("the file keeps what was forgotten: %s", strings.Join(in, ", "))
	}
}

// What a session took with one cut of a first sync it knows at the next: a row that comes again is the one that is held, and of two whose ids are
// kept alike each stays itself.
func TestRowsComeAgainAtTheNextCutOfAFirstSync(t *testing.T) {
	p, c := mustPhone(t, schematest.Book()), newCloud(t, schematest.Book())
	a, b := alike("00"), alike("11")
	set := func(id syncproto.RowID, rev uint64, name string) {
		c.set("thing", id, houseBucket, rev, "household", houseID, "name", name, "total", 3, "state", "open")
	}
	c.house()
	set(a, 1, "a")
	frames := c.frames()
	set(b, 5, "b")
	set(a, 2, "a again")
	frames = append(frames, c.frames()...)
	c.gone(a, true, 3)
	set(b, 6, "b again")
	if res := p.take(c, append(frames, c.frames()...)...); res.Checkpoints != 3 || res.Differs > 0 || res.Unknown {
		t.Errorf("after three cuts: %+v", res)
	}
	p.equal(c)
	p.wantHeld(2, 1)
}

// A scope whose rows lie in tables that only a newer program knows is left for that one to forget.
func TestForgettingWhatOnlyANewerProgramKnows(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, schematest.Book())
	c.house()
	c.set("mark", otherID, houseBucket, 1, "label", "new")
	p.pull(c)
	p.must(p.Close())
	p.opt.Book = schematest.BookAt(1)
	p.open()
	s, err := p.Begin(ctx())
	p.must(err)
	p.must(s.Take(ctx(), c.welcome()))
	p.must(s.Take(ctx(), syncproto.Forget{Scope: houseBucket.Scope}))
	if err = s.Take(ctx(), c.checkpoint()); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("the older program forgets: %v", err)
	}
	p.must(s.Close(ctx()))
	p.wantHeld(2, 0)
}
