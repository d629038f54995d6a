package exchange_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"minqing/schema/schematest"
	"minqing/server/engine"
	"minqing/server/store"
	"minqing/syncproto"
)

// same wants that the phone holds, row by row, what a new phone of the same user gets, which is remembered nowhere.
func (p *phone) same(user, after string) {
	p.w.t.Helper()
	fresh := p.w.phone(user)
	fresh.schema = p.schema
	fresh.must()
	for id, r := range fresh.rows {
		if have := p.rows[id]; have == nil || have.Label != r.Label || !slices.Equal(have.Values, r.Values) || have.Bucket != r.Bucket {
			p.w.t.Errorf("after %s: %s %s is %+v, a new phone has %+v", after, r.Table, id, have, r)
		}
	}
	for id, r := range p.rows {
		if fresh.rows[id] == nil {
			p.w.t.Errorf("after %s: the phone holds %s %s, which a new phone does not get", after, r.Table, id)
		}
	}
	if p.root != fresh.root {
		p.w.t.Errorf("after %s: root %s, a new phone's is %s", after, p.root, fresh.root)
	}
}

// TestARememberedDeviceHoldsWhatANewOneGets: whatever happened since a device's last sync, what the server remembers of it makes no
// difference to what it is given, and takes.
func TestARememberedDeviceHoldsWhatANewOneGets(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.do(w.create("place", "v2", "parent", "@city", "level", "village", "name", "外村"))
		w.do(w.create("household", "far", "place", "@v2", "code", "far", "address", "canary-far"), w.create("thing", "far-thing", "household", "@far", "name", "far"))
		p, old := w.phone("ann"), w.phone("ann")
		old.schema = 1
		day := func(days int) string {
			return time.UnixMilli(w.now).UTC().AddDate(0, 0, days).Format(time.DateOnly)
		}
		n := 0
		note := func(thing string) {
			n++
			w.do(w.create("note", fmt.Sprint("note", n), "thing", "@"+thing, "author", "@ann", "text", "words"))
		}
		steps := []struct {
			what string
			do   func()
		}{
			{"nothing", func() {}},
			{"a change of its own", func() { w.do(w.update("thing", "h1-thing", "name", "new")) }},
			{"a change of others'", func() { w.do(w.update("thing", "h5-thing", "name", "new")) }},
			{"a first note, so a new bucket", func() { note("h0-thing") }},
			{"a second note", func() { note("h0-thing") }},
			{"a row moves within what is held", func() { w.do(w.update("thing", "h0-thing", "household", "@h1")) }},
			{"it moves out", func() { w.do(w.update("thing", "h0-thing", "household", "@h5")) }},
			{"it changes there", func() { w.do(w.update("thing", "h0-thing", "name", "secret")) }},
			{"it comes back", func() { w.do(w.update("thing", "h0-thing", "household", "@h0")) }},
			{"a row of another village's stream moves in", func() { w.do(w.update("thing", "far-thing", "household", "@h2")) }},
			{"it changes", func() { w.do(w.update("thing", "far-thing", "name", "nearer")) }},
			{"an assignment ends", func() { w.do(w.update("assignment", "annh3", "until", day(-1))) }},
			{"what it opened changes", func() { w.do(w.update("household", "h3", "address", "canary, new")) }},
			{"an assignment begins", func() { w.assign("ann", "h4") }},
			{"an assignment is to begin", func() {
				w.do(w.create("assignment", "later", "household", "@h5", "user", "@ann", "team", "cadre", "since", day(3)))
			}},
			{"time passes up to it", func() { w.now += 4 * 24 * time.Hour.Milliseconds() }},
			{"an assignment is to end", func() { w.do(w.update("assignment", "annh4", "until", day(3))) }},
			{"time passes beyond it", func() { w.now += 5 * 24 * time.Hour.Milliseconds() }},
			{"a colleague joins", func() { w.assign("bob", "h1") }},
			{"a colleague is named", func() { w.do(w.update("user", "bob", "name", "Robert")) }},
			{"a colleague leaves", func() { w.do(w.update("user", "bob", "ended", day(-1))) }},
			{"a household moves to another village", func() { w.do(w.update("household", "h2", "place", "@v2")) }},
			{"the user moves", func() { w.do(w.update("user", "ann", "place", "@v2")) }},
			{"a role opens a village", func() {
				w.do(w.create("role", "ann-head", "user", "@ann", "role", "secretary", "place", "@v"))
			}},
			{"a household comes", func() {
				w.do(w.create("household", "new", "place", "@v", "code", "new", "address", "new"))
			}},
			{"a household goes", func() {
				w.do(syncproto.Edit{Table: "household", Row: syncproto.RowID(w.id("new")), Op: syncproto.OpDelete})
			}},
			{"a village moves", func() {
				w.do(w.create("place", "city2", "level", "city", "name", "他市"))
				w.do(w.update("place", "v2", "parent", "@city2"))
			}},
			{"the role ends", func() { w.do(w.update("role", "ann-head", "until", day(-1))) }},
			{"words are erased", func() {
				if _, err := w.e.Judge.Erase(t.Context(), "", syncproto.RowID(w.id("h0-thing")), "at her word"); err != nil {
					t.Fatal(err)
				}
			}},
			{"months pass", func() { w.now += 100 * 24 * time.Hour.Milliseconds() }},
			{"the account ends", func() { w.do(w.update("user", "ann", "ended", day(-1))) }},
		}
		for _, step := range steps {
			step.do()
			for _, p := range []*phone{p, old} {
				p.must()
				p.same("ann", step.what)
			}
		}
		if p.holds("h0") || p.holds("h1") {
			t.Error("who left still holds households")
		}
	})
}

// TestAWideLifeOfARememberedDevice: so it is for a device of so many scopes that each look reads all that moved, beside one that is asked about by
// its own, in a city of few streams and in one of many; and for one that holds nothing at all.
func TestAWideLifeOfARememberedDevice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const houses = 160 // each with a narrow scope beside it: more scopes than are asked about by name
		var made []syncproto.Edit
		for i := range houses {
			made = append(made, w.create("household", fmt.Sprint("w", i), "place", "@v", "code", fmt.Sprint("w", i), "address", "wide"))
		}
		w.do(made...)
		w.do(w.create("role", "bob-head", "user", "@bob", "role", "secretary", "place", "@v"))
		w.do(w.create("place", "v2", "parent", "@city", "level", "village", "name", "外村"))
		w.do(w.create("household", "far", "place", "@v2", "code", "far", "address", "far"))
		bob, ann := w.phone("bob"), w.phone("ann")
		nobody := w.phone("nobody that the register knows")
		both := func(what string) {
			for _, p := range []*phone{bob, ann, nobody} {
				p.must()
			}
			bob.same("bob", what)
			ann.same("ann", what)
			if len(nobody.rows) > 0 {
				t.Errorf("after %s, nobody holds %d rows", what, len(nobody.rows))
			}
		}
		life := func(round string) {
			strange := "strange" + round
			both(round + " began")
			both("nothing")
			w.do(w.create("thing", strange, "household", "@far", "name", "far"))
			both("something elsewhere")
			w.do(w.update("thing", strange, "household", "@h0")) // of another village's stream, into what both hold
			both("it moved in")
			w.do(w.update("thing", strange, "name", "nearer"))
			both("it changed")
			w.do(w.update("thing", strange, "household", "@w59"))
			both("it moved where only one holds it")
			before := *bob
			before.rows = maps.Clone(bob.rows)
			w.do(w.update("thing", strange, "name", "lost"), w.update("household", "w7", "address", "lost"))
			bob.must()
			*bob = before
			both("an answer was lost")
			w.do(w.update("thing", strange, "household", "@far"))
			both("it moved out")
			w.do(w.create("thing", strange+"-late", "household", "@w58", "name", "late"))
			both("something of its own came")
		}
		life("few streams")
		var places, things []syncproto.Edit
		for i := range 120 {
			v := fmt.Sprint("village", i)
			places = append(places, w.create("place", v, "parent", "@city", "level", "village", "name", v))
		}
		w.do(places...)
		for i := range 3 { // of streams of their own, each in another scope of the device
			h := fmt.Sprint("away", i)
			w.do(w.create("household", h, "place", fmt.Sprintf("@village%d", i), "code", h, "address", h), w.create("thing", h+"-thing", "household", "@"+h, "name", h))
			things = append(things, w.update("thing", h+"-thing", "household", fmt.Sprintf("@w%d", 10*i)))
		}
		life("many streams")
		w.do(w.update("user", "bob", "name", "Robert"), w.update("role", "bob-head", "until", "2099-01-01"))
		life("many streams, and everything was looked up")
		w.do(things...)
		both("rows of three streams moved in at once")
		w.do(w.update("thing", "away1-thing", "name", "changed"))
		both("one of them changed")
		if c := nobody.streams(); len(c) > 0 {
			t.Errorf("the cursor of a device that holds nothing names %d streams: %v", len(c), c)
		}
	})
}

// streams are those that the phone's cursor names.
func (p *phone) streams() (ids []string) {
	p.w.t.Helper()
	c, err := p.w.e.Exchange.Sealer.OpenCursor(p.cursor)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, s := range c.Streams {
		ids = append(ids, s.ID)
	}
	return ids
}

// TestARandomLifeOfARememberedDevice: the same, with pushes of its own, answers that were lost, and on PostgreSQL a neighbouring process
// that answers now and then and remembers other things.
func TestARandomLifeOfARememberedDevice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		engines := []*engine.Engine{w.e}
		if w.e.Store.Postgres() {
			beside, err := engine.Open(t.Context(), engine.Config{Dir: t.TempDir(), DSN: w.dsn, Keys: w.e.Keys, Book: schematest.Book(), Now: func() int64 { w.now++; return w.now },
				Rand: rand.NewChaCha8([32]byte{4})})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := beside.Close(); err != nil {
					t.Error(err)
				}
			})
			engines = append(engines, beside)
		}
		dice := rand.New(rand.NewPCG(1, 2))
		p := w.phone("ann")
		houses := []string{"h0", "h1", "h2", "h3", "h4", "h5"}
		for i := range 60 {
			h := houses[dice.IntN(len(houses))]
			what := "a change"
			w.e = engines[dice.IntN(len(engines))]
			switch dice.IntN(8) {
			case 0, 1, 2:
				w.do(w.update("thing", h+"-thing", "name", fmt.Sprint("name", i)))
			case 3:
				what = "a note"
				w.do(w.create("note", fmt.Sprint("note", i), "thing", "@"+h+"-thing", "author", "@bob", "text", "words"))
			case 4:
				what = "a move"
				w.do(w.update("thing", h+"-thing", "household", "@"+houses[dice.IntN(len(houses))]))
			case 5:
				what = "an assignment"
				w.do(w.create("assignment", fmt.Sprint("a", i), "household", "@"+h, "user", "@ann", "team", "cadre", "since", "2026-01-01"))
			case 6:
				what = "an end"
				if held := slices.Sorted(maps.Keys(w.ids)); i%2 == 0 {
					for _, name := range held {
						if len(name) > 4 && name[:4] == "annh" && dice.IntN(3) == 0 {
							w.do(w.update("assignment", name, "until", "2026-10-31"))
							break
						}
					}
				}
			case 7:
				what = "a push"
				if r := p.rows[syncproto.RowID(w.id(h))]; r != nil {
					edit := w.update("household", h, "address", fmt.Sprint("address", i))
					edit.Base = syncproto.Base{Epoch: r.Label.Epoch, Rev: r.Label.Rev}
					p.must(p.change(edit))
				}
			}
			w.e = engines[dice.IntN(len(engines))]
			if dice.IntN(5) == 0 {
				what += ", and a lost answer"
				before := *p
				before.rows = maps.Clone(p.rows)
				if err := p.sync(-1); err != nil {
					t.Fatal(err)
				}
				*p = before
			}
			p.must()
			p.same("ann", what)
		}
	})
}

// TestASyncLooksOnlyAtWhatChanged: what stands of a bucket that nobody touched is not read for one row elsewhere. So a sum that is wrong in
// the database shows only when something that rights rest on moved, and everything was looked up.
func TestASyncLooksOnlyAtWhatChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := w.phone("ann")
		p.must()
		miscount := func(by int64) {
			if err := w.e.Store.Write(t.Context(), func(tx *store.Tx) error {
				return tx.Exec("UPDATE mq_bucket SET rows = rows + ? WHERE scope = ?", by, "household:"+w.id("h2"))
			}); err != nil {
				t.Fatal(err)
			}
		}
		miscount(1)
		w.do(w.update("thing", "h1-thing", "name", "one"))
		p.must() // it reckons the root anew from its rows
		right := p.root
		w.do(w.update("user", "bob", "place", "@city"))
		w.do(w.update("thing", "h1-thing", "name", "two"))
		q := *p
		q.w = &world{t: &deaf{TB: t}, e: w.e, ids: w.ids}
		if err := q.sync(-1); err != nil {
			t.Fatal(err)
		}
		if !q.w.t.(*deaf).heard {
			t.Errorf("rights moved, and the wrong sum was not seen: root %s before, %s now", right, q.root)
		}
	})
}

// deaf hears of an error and does not fail.
type deaf struct {
	testing.TB
	heard bool
}

func (d *deaf) Errorf(string, ...any) { d.heard = true }
