package replica_test

import (
	"slices"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// started is a phone that holds a household and one thing of it at rev 1.
func started(t *testing.T) (*phone, *cloud, syncproto.RowID) {
	t.Helper()
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, schematest.Book())
	c.house()
	c.set("thing", otherID, houseBucket, 1, "household", houseID, "name", "井", "newest", "a", "grade", "a", "total", 10, "state", "open")
	p.pull(c)
	return p, c, otherID
}

func TestEditLiesOverTheRowUntilItArrives(t *testing.T) {
	p, c, id := started(t)
	ch := p.update(id, "grade", "b", "total", 12)
	wantCells(t, p.shown("thing", id), "grade", "b", "total", 12, "newest", "a")
	wantCells(t, p.acked("thing", id), "grade", "a", "total", 10)
	if got := ch.Edits[0].Base; got.Epoch != epochA || got.Rev != 1 || len(got.Over) != 0 {
		t.Errorf("base %+v", got)
	}
	// Somebody else's edit comes first: the own one stays over it.
	c.set("thing", id, houseBucket, 2, "newest", "others", "total", 15)
	p.pull(c)
	wantCells(t, p.shown("thing", id), "grade", "b", "newest", "others", "total", 17)
	// Accepted, but the row has not come with it.
	p.take(c, c.accept(ch, 3))
	wantCells(t, p.shown("thing", id), "grade", "b", "total", 17)
	c.set("thing", id, houseBucket, 3, "grade", "b", "total", 17)
	p.pull(c)
	wantCells(t, p.shown("thing", id), "grade", "b", "total", 17)
	if f, err := p.Form(ctx(), "thing", id); err != nil || len(f.Base.Over) != 0 || f.Base.Rev != 3 {
		t.Errorf("the form is based on %+v, %v", f.Base, err)
	}
}

func TestMergeHistory01OwnChangeThenRowThenBoth(t *testing.T) {
	p, c, id := started(t)
	first := p.update(id, "grade", "b")
	c.set("thing", id, houseBucket, 7, "grade", "c", "newest", "others")
	p.pull(c)
	second := p.update(id, "grade", "c", "newest", "mine")
	base := second.Edits[0].Base
	if base.Rev != 7 || base.Epoch != epochA || !slices.Equal(base.Over, []syncproto.Identity{first.Identity()}) {
		t.Errorf("base %+v, want rev 7 with the own change over it", base)
	}
	if got := describe(second.Edits[0]); got != `u thing newest="mine" grade="c"` {
		t.Errorf("sealed %s", got)
	}
}

func TestMergeHistory12ReceiptOvertakesAnAnswer(t *testing.T) {
	p, c, id := started(t)
	ch := p.update(id, "grade", "b")
	made := p.thing("newest", "new")
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	created := entries[1].Change
	// The answer was computed before the courier's bundle was taken in, and arrives after its receipt.
	s, err := p.Begin(ctx())
	p.must(err)
	p.must(s.Take(ctx(), c.welcome()))
	c.set("thing", id, houseBucket, 2, "newest", "others")
	p.must(p.Receipt(ctx(), c.now+5000, []syncproto.Head{{Epoch: epochA, Seal: "h"}}, []*syncproto.Verdict{c.accept(ch, 3), c.accept(created, 1)}))
	for _, f := range c.frames() {
		p.must(s.Take(ctx(), f))
		wantCells(t, p.shown("thing", id), "grade", "b")
		wantCells(t, p.shown("thing", made), "newest", "new")
	}
	p.must(s.Close(ctx()))
	c.set("thing", id, houseBucket, 3, "grade", "b")
	c.set("thing", made, houseBucket, 1, "household", houseID, "name", "甲", "newest", "new", "state", "open")
	p.pull(c)
	wantCells(t, p.shown("thing", id), "grade", "b", "newest", "others")
	wantCells(t, p.shown("thing", made), "newest", "new")
}

func TestMergeHistory14FormRenderedBeforeASync(t *testing.T) {
	p, c, id := started(t)
	f, err := p.Form(ctx(), "thing", id)
	p.must(err)
	c.set("thing", id, houseBucket, 2, "newest", "others", "grade", "c", "total", 20)
	p.pull(c)
	ch := p.write(func(tx *replica.Tx) error {
		// The whole form comes back, only the grade and the total were touched.
		f.Values["grade"], f.Values["total"] = value("b"), value(11)
		shown, err := p.rendered(id, c)
		if err != nil {
			return err
		}
		shown.Values["grade"], shown.Values["total"] = value("a"), value(10)
		shown.Base = f.Base
		return tx.Update(shown, f.Values)
	})
	if got := describe(ch.Edits[0]); got != `u thing total+1 grade="b"` {
		t.Errorf("sealed %s", got)
	}
	if base := ch.Edits[0].Base; base.Rev != 1 {
		t.Errorf("based on rev %d, want what the form showed", base.Rev)
	}
	wantCells(t, p.shown("thing", id), "grade", "b", "newest", "others", "total", 21)
}

// rendered is the form as it was shown at rev 1.
func (p *phone) rendered(id syncproto.RowID, c *cloud) (replica.Form, error) {
	return replica.Form{Table: "thing", Row: id, Values: values("household", houseID, "name", "井", "newest", "a", "grade", "a", "total", 10, "state", "open")}, nil
}

func TestRefusedEditLeavesTheRowWithANotice(t *testing.T) {
	p, c, id := started(t)
	bad := p.update(id, "grade", "b")
	good := p.update(id, "newest", "mine")
	p.take(c, refuse(bad, syncproto.CodeState), c.accept(good, 2))
	wantCells(t, p.shown("thing", id), "grade", "a", "newest", "mine")
	notices, err := p.Notices(ctx(), false)
	p.must(err)
	if len(notices) != 1 || notices[0].Kind != replica.NoticeRefused || notices[0].Identity != bad.Identity() || notices[0].Row != id {
		t.Errorf("notices %+v", notices)
	}
	refused, err := p.Entries(ctx(), replica.Refused)
	p.must(err)
	if len(refused) != 1 || describe(refused[0].Change.Edits[0]) != `u thing grade="b"` || refused[0].Verdict.Code != syncproto.CodeState {
		t.Errorf("refused: %+v", refused)
	}
	// A second telling of the same is no news.
	p.take(c, refuse(bad, syncproto.CodeState))
	if again, err := p.Notices(ctx(), false); err != nil || len(again) != 1 {
		t.Errorf("told twice: %+v %v", again, err)
	}
}

// A verdict lays its rows anew. What a tool wrote to them while the sync was under way, or before a courier's receipt, is sealed first.
func TestWhatAToolWroteOutlivesAVerdict(t *testing.T) {
	for _, way := range []string{"sync", "receipt"} {
		p, c, id := started(t)
		bad := p.update(id, "grade", "b")
		s, err := p.Begin(ctx())
		p.must(err)
		p.must(s.Take(ctx(), c.welcome()))
		p.shell("UPDATE thing SET newest = 'shell', total = total + 5 WHERE id = '" + string(id) + "'")
		if way == "sync" {
			p.must(s.Take(ctx(), refuse(bad, syncproto.CodeState)))
			p.must(s.Take(ctx(), syncproto.End{}))
		} else {
			p.must(p.Receipt(ctx(), c.now, nil, []*syncproto.Verdict{refuse(bad, syncproto.CodeState)}))
		}
		p.must(s.Close(ctx()))
		wantCells(t, p.shown("thing", id), "grade", "a", "newest", "shell", "total", 15)
		pending, err := p.Entries(ctx(), replica.Pending)
		p.must(err)
		if len(pending) != 1 || describe(pending[0].Change.Edits[0]) != `u thing newest="shell" total+5` {
			t.Errorf("%s: pending %+v", way, pending)
		}
	}
}

func TestDependentsOfARefusedChangeLeaveAndComeBackWithItsMend(t *testing.T) {
	p, c, _ := started(t)
	made := p.thing("newest", "x")
	p.update(made, "grade", "b")
	var note syncproto.RowID
	p.write(func(tx *replica.Tx) (err error) {
		if note, err = tx.NewID(); err != nil {
			return err
		}
		return tx.Create("note", note, values("thing", made, "author", syncproto.RowID(userID), "text", "见过"))
	})
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	p.take(c, refuse(entries[0].Change, syncproto.CodeForbidden))
	if p.shown("thing", made) != nil || p.shown("note", note) != nil {
		t.Error("what builds on a refused change still shows")
	}
	mend, err := p.Mend(ctx(), entries[0].Identity, func(tx *replica.Tx) error {
		return tx.Create("thing", made, values("household", houseID, "name", "改过", "newest", "y"))
	})
	p.must(err)
	if mend.Mends != entries[0].Identity || mend.Name.Number != 4 {
		t.Errorf("the mend is %+v", mend)
	}
	wantCells(t, p.shown("thing", made), "name", "改过", "grade", "b")
	wantCells(t, p.shown("note", note), "text", "见过")
	p.must(p.Withdraw(ctx(), entries[0].Identity))
	if err := p.Withdraw(ctx(), entries[0].Identity); err == nil {
		t.Error("withdrawn twice")
	}
}

func TestOwnDeletionHidesTheRowAndComesBackWhenRefused(t *testing.T) {
	p, c, id := started(t)
	f, err := p.Form(ctx(), "thing", id)
	p.must(err)
	del := p.write(func(tx *replica.Tx) error { return tx.Delete(f) })
	if p.shown("thing", id) != nil {
		t.Fatal("a deleted row shows")
	}
	c.set("thing", id, houseBucket, 2, "newest", "later")
	p.pull(c)
	if p.shown("thing", id) != nil {
		t.Fatal("a deleted row shows after a pull")
	}
	p.pull(c, refuse(del, syncproto.CodeForbidden))
	wantCells(t, p.shown("thing", id), "newest", "later")
}

func TestRowDeletedByOthersGoesAndTheEditWaits(t *testing.T) {
	p, c, id := started(t)
	ch := p.update(id, "grade", "b")
	c.gone(id, true, 2)
	p.pull(c)
	if p.shown("thing", id) != nil {
		t.Error("the deletion stands, and the row shows")
	}
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	if len(entries) != 1 || entries[0].Identity != ch.Identity() || entries[0].Boxed {
		t.Errorf("pending: %+v", entries)
	}
	if _, err := p.Form(ctx(), "thing", id); err == nil {
		t.Error("a form of a row that does not show")
	}
}

func TestSeveralUpdatesOfARowInOneChangeAreOneEdit(t *testing.T) {
	p, _, id := started(t)
	ch := p.write(func(tx *replica.Tx) error {
		for _, v := range [][]any{{"total", 11, "tags", []string{"red"}}, {"total", 14, "newest", "n"}, {"tags", []string{"blue"}}} {
			f, err := tx.Form("thing", id)
			if err != nil {
				return err
			}
			if err := tx.Update(f, values(v...)); err != nil {
				return err
			}
		}
		return nil
	})
	if len(ch.Edits) != 1 || describe(ch.Edits[0]) != `u thing newest="n" total+4 tags+[blue]-[red]` {
		t.Errorf("sealed %+v", ch.Edits)
	}
	none := p.write(func(tx *replica.Tx) error {
		made, err := tx.NewID()
		if err != nil {
			return err
		}
		if err := tx.Create("thing", made, values("household", houseID, "name", "x")); err != nil {
			return err
		}
		f, err := tx.Form("thing", made)
		if err != nil {
			return err
		}
		return tx.Delete(f)
	})
	if none != nil {
		t.Errorf("made and deleted in one change: sealed %+v", none)
	}
}

func TestBadValuesAreRefusedWithTheirColumn(t *testing.T) {
	p, _, id := started(t)
	f, err := p.Form(ctx(), "thing", id)
	p.must(err)
	for name, c := range map[string]struct {
		values []any
		column string
	}{
		"beyond bounds":  {[]any{"high", 5000}, "high"},
		"no option":      {[]any{"grade", "z"}, "grade"},
		"required":       {[]any{"name", nil}, "name"},
		"row rule":       {[]any{"begins", "2026-05-02", "ends", "2026-05-01"}, "begins"},
		"half of a pair": {[]any{"lon", 1 << 40}, "lon"},
	} {
		_, err := p.Write(ctx(), func(tx *replica.Tx) error { return tx.Update(f, values(c.values...)) })
		problem := replica.ProblemOf(err)
		if problem == nil || !slices.Contains(problem.Columns, c.column) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := p.Write(ctx(), func(tx *replica.Tx) error { return tx.Update(f, values("state", "closed")) }); err == nil {
		t.Error("a move that the flow does not know was saved")
	}
	if _, err := p.Write(ctx(), func(tx *replica.Tx) error { return tx.Update(f, values("stamp", 5)) }); err == nil {
		t.Error("a column of the server's was saved")
	}
	if rest, err := p.Entries(ctx()); err != nil || len(rest) != 0 {
		t.Errorf("sealed in spite of errors: %+v %v", rest, err)
	}
	wantCells(t, p.shown("thing", id), "grade", "a", "name", "井")
}

// Saving a form that was not changed, or changed there and back in one transaction, lays nothing over the row: what comes later shows.
func TestASaveOfNothingLeavesTheRowOpenToWhatComes(t *testing.T) {
	p, c, id := started(t)
	f, err := p.rendered(id, c)
	p.must(err)
	if ch := p.write(func(tx *replica.Tx) error { return tx.Update(f, f.Values) }); ch != nil {
		t.Fatalf("sealed %+v", ch)
	}
	p.write(func(tx *replica.Tx) error {
		if err := tx.Update(f, values("total", 5)); err != nil {
			return err
		}
		again, err := tx.Form("thing", id)
		if err != nil {
			return err
		}
		return tx.Update(again, values("total", int(f.Values["total"].Num())))
	})
	c.set("thing", id, houseBucket, 9, "newest", "theirs")
	p.pull(c)
	wantCells(t, p.shown("thing", id), "newest", "theirs")
}
