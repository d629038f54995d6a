package exchange_test

import (
	"errors"
	"fmt"
	"testing"

	"minqing/syncproto"
)

func TestFirstSyncThenChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := w.phone("ann")
		p.must()
		for h, want := range map[string]bool{"h0": true, "h3": true, "h4": false, "h5-thing": false, "h0-thing": true, "v": true, "ann": true} {
			if p.holds(h) != want {
				t.Errorf("after the first sync: holds %s = %v", h, !want)
			}
		}
		p.must()
		if len(p.got) != 3 {
			t.Errorf("nothing new, yet %d frames: %v", len(p.got), p.got)
		}
		w.do(w.update("household", "h1", "address", "elsewhere"))
		w.do(w.update("household", "h5", "address", "elsewhere"))
		p.must()
		if n := count[*syncproto.Row](p.got); n != 1 {
			t.Errorf("one row of theirs changed, %d travelled", n)
		}
		w.do(syncproto.Edit{Table: "thing", Row: syncproto.RowID(w.id("h1-thing")), Op: syncproto.OpDelete})
		p.must()
		if p.holds("h1-thing") || count[syncproto.Gone](p.got) != 1 {
			t.Errorf("a deleted row stayed: %v", p.got)
		}
	})
}

// TestALongListStaysKnown: the list of a phone with many buckets is written only when it is new; the phone's cursor names one that is kept,
// whether buckets came, stayed or went.
func TestALongListStaysKnown(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for i := range 20 {
			h := fmt.Sprintf("many%d", i)
			w.do(w.create("household", h, "place", "@v", "code", h, "address", h))
			w.assign("ann", h)
		}
		p := w.phone("ann")
		p.must()
		for _, address := range []string{"one", "two"} {
			w.do(w.update("household", "many7", "address", address))
			p.must()
			if n := count[*syncproto.Row](p.got); n != 1 {
				t.Errorf("one row changed, %d travelled", n)
			}
		}
		w.assign("ann", "h4")
		p.must()
		w.do(w.update("assignment", "annmany3", "until", "2026-10-31"))
		p.must()
		if !p.holds("h4") || p.holds("many3") || !p.holds("many7") {
			t.Error("the phone does not hold what is granted now")
		}
		w.do(w.update("household", "many7", "address", "three"))
		p.must()
		if n := count[*syncproto.Row](p.got); n != 1 {
			t.Errorf("one row changed after buckets came and went, %d travelled", n)
		}
	})
}

// TestAnOlderDeviceCountsWhatItKnows: rows of a table from after its schema do not travel to a device, and are not counted to it either:
// else its buckets would differ for ever, and be repaired at every sync.
func TestAnOlderDeviceCountsWhatItKnows(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.do(w.create("mark", "mark-of-today", "thing", "@h0-thing", "label", "new"))
		old, new := w.phone("ann"), w.phone("bob")
		old.schema = 1
		for range 2 {
			old.must()
			new.must()
		}
		if old.holds("mark-of-today") || !new.holds("mark-of-today") || !old.holds("h0-thing") {
			t.Errorf("the older device holds %d rows, the newer %d", len(old.rows), len(new.rows))
		}
		w.do(w.create("mark", "mark-of-tomorrow", "thing", "@h0-thing", "label", "newer"), w.update("household", "h0", "address", "elsewhere"))
		old.must()
		new.must()
		if !new.holds("mark-of-tomorrow") {
			t.Error("the newer device lacks what came")
		}
	})
}

func TestReassignmentTakesAndGives(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.must()
		bob.must()
		w.do(w.update("assignment", "annh1", "until", "2026-10-31"))
		w.assign("bob", "h1")
		w.do(w.update("household", "h1", "address", "new secret"))
		ann.must()
		bob.must()
		if ann.holds("h1") || ann.holds("h1-thing") || count[*syncproto.Row](ann.got) != 0 {
			t.Errorf("ann keeps a household that is not hers: %v", ann.got)
		}
		if !bob.holds("h1") || !bob.holds("h1-thing") {
			t.Error("bob misses his new household")
		}
	})
}

func TestARowThatMovesFollowsItsHousehold(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.must()
		bob.must()
		w.do(w.update("thing", "h0-thing", "household", "@h1"))
		ann.must()
		bob.must()
		if !ann.holds("h0-thing") {
			t.Error("ann holds both households and lost the row")
		}
		if bob.holds("h0-thing") {
			t.Error("bob holds a row of a household that is not his")
		}
		w.do(w.update("thing", "h0-thing", "household", "@h5"))
		ann.must()
		if ann.holds("h0-thing") {
			t.Error("ann holds a row of a household that is not hers")
		}
	})
}

func TestEveryCutAnswerGoesOn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		whole := w.phone("ann")
		whole.must()
		resumed := 0
		for cut := range len(whole.got) {
			p := w.phone("ann")
			if err := p.sync(cut); !errors.Is(err, errCut) {
				t.Fatalf("cut after %d frames: %v", cut, err)
			}
			p.cutStage()
			w.do(w.update("household", "h2", "address", "changed between"))
			p.must()
			if welcome, ok := p.got[0].(syncproto.Welcome); ok && welcome.Resumed {
				resumed++
			}
			if len(p.rows) != len(whole.rows) {
				t.Errorf("cut after %d frames: %d rows, want %d", cut, len(p.rows), len(whole.rows))
			}
		}
		if resumed == 0 {
			t.Error("no answer went on from its mark")
		}
	})
}

func TestACopiedFileIsFoundOut(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := w.phone("ann")
		p.must()
		w.do(w.update("household", "h1", "address", "one"))
		p.must()
		twin := *p
		for _, address := range []string{"two", "three"} {
			w.do(w.update("household", "h1", "address", address))
			p.must()
		}
		err := twin.sync(-1)
		f, ok := twin.got[len(twin.got)-1].(syncproto.Failure)
		if err == nil || !ok || f.Code != syncproto.CodeCopied || f.Ticket == "" {
			t.Fatalf("the twin got %v, %v", twin.got, err)
		}
	})
}

func TestAPushIsAnsweredAfterItsCommit(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := w.phone("ann")
		p.must()
		base := syncproto.Base{}
		if r := p.rows[syncproto.RowID(w.id("h1"))]; r != nil {
			base = syncproto.Base{Epoch: r.Label.Epoch, Rev: r.Label.Rev}
		}
		edit := w.update("household", "h1", "address", "by ann")
		edit.Base = base
		foreign := w.update("household", "h5", "address", "by ann")
		foreign.Base = base
		p.must(p.change(edit), p.change(foreign))
		var got []syncproto.Status
		for _, f := range p.got {
			if v, ok := f.(*syncproto.Verdict); ok {
				got = append(got, v.Status)
			}
		}
		if len(got) != 2 || got[0] != syncproto.Applied || got[1] != syncproto.Refused {
			t.Fatalf("verdicts %v", got)
		}
		if r := p.rows[syncproto.RowID(w.id("h1"))]; r.Label.Rev != base.Rev+1 {
			t.Errorf("the own edit did not come back: %+v", r.Label)
		}
	})
}

func TestABucketThatDiffersIsRepaired(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := w.phone("ann")
		p.must()
		row := p.rows[syncproto.RowID(w.id("h2-thing"))]
		delete(p.rows, row.ID)
		p.root.Lo++ // what it reckons anew is not what its cursor says
		p.must(syncproto.Probe{ID: row.Bucket, Prefixes: []string{""}, Rows: []syncproto.RowRef{{Table: "thing", ID: row.ID}}})
		if !p.holds("h2-thing") || count[syncproto.Ranges](p.got) == 0 {
			t.Errorf("not repaired: %v", p.got)
		}
		p.must(syncproto.Probe{ID: row.Bucket, Refill: true})
		if count[syncproto.Bucket](p.got) != 1 {
			t.Errorf("asked for a bucket anew: %v", p.got)
		}
	})
}
