package judge_test

import (
	"testing"

	"minqing/server/judge"
	"minqing/syncproto"
)

func TestOnePhoneWorks(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		v := ann.do(w.create("thing", "t1", "household", "@h1", "name", "门前路", "total", 3, "tags", []string{"red"}))
		ann.wants(v, syncproto.Applied, "")
		if len(v.Labels) != 1 || v.Labels[0].Label.Rev != 1 || len(w.last.Head.Streams) != 1 {
			t.Errorf("labels %v, head %v", v.Labels, w.last.Head)
		}
		w.shows("thing", "t1", "name", "门前路")
		w.shows("thing", "t1", "total", 3)
		w.shows("thing", "t1", "state", "open")
		ann.wants(ann.do(w.update("thing", "t1", "name", "门前的路", "total", 4)), syncproto.Applied, "")
		w.shows("thing", "t1", "name", "门前的路")
		w.shows("thing", "t1", "total", 7)
		ann.wants(ann.do(w.remove("thing", "t1")), syncproto.Applied, "")
		w.shows("thing", "t1", "name", nil)
		if r := w.row("t1"); r.Dead == 0 || r.Label.Rev != 3 {
			t.Errorf("the mark of the dead row is %+v", r)
		}
	})
}

// Who makes a household is granted it by that alone: the verdict names the number that its row has, as that on any other row he sees.
func TestHouseholdThatItsAuthorIsGranted(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		sec := w.phone("sec")
		made := sec.change(w.create("household", "h9", "place", "@v1g", "code", "H9"))
		for range 2 { // the second time it is known
			v := sec.push(made)[0]
			sec.wants(v, syncproto.Applied, "")
			if len(v.Labels) != 1 || v.Labels[0].Row != w.rowID("h9") || v.Labels[0].Label.Rev != 1 {
				t.Errorf("labels %v", v.Labels)
			}
		}
	})
}

// What a phone writes over a row that it made itself and that no server has acknowledged yet is based on its own changes alone.
func TestEditsOfAnUnacknowledgedRow(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		made := ann.change(w.create("thing", "t", "household", "@h1", "name", "门"))
		edit := func(op syncproto.Op, over []syncproto.Identity, pairs ...any) *syncproto.Change {
			return ann.change(syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: op, Base: syncproto.Base{Over: over}, Cells: w.cells("thing", pairs...)})
		}
		renamed := edit(syncproto.OpUpdate, []syncproto.Identity{made.Identity()}, "name", "窗", "total", 3)
		moved := edit(syncproto.OpUpdate, []syncproto.Identity{made.Identity(), renamed.Identity()}, "state", "doing")
		for _, v := range ann.push(made, renamed, moved) {
			ann.wants(v, syncproto.Applied, "")
		}
		w.shows("thing", "t", "name", "窗")
		w.shows("thing", "t", "total", 3)
		w.shows("thing", "t", "state", "doing")
		ann.wants(ann.do(syncproto.Edit{Table: "thing", Row: w.rowID("t"), Op: syncproto.OpUpdate, Cells: w.cells("thing", "name", "x")}), syncproto.Refused, syncproto.CodeInvalid)
	})
}

// A draft without a base is based on the rows as they stand when it is taken, each time: a transaction that lost a race takes it again.
func TestADraftIsBasedAnew(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.must("", w.create("thing", "t1", "household", "@h1", "name", "一"), w.create("thing", "t2", "household", "@h1", "name", "一"))
		edit := func(name string) syncproto.Edit {
			return syncproto.Edit{Table: "thing", Row: w.rowID(name), Op: syncproto.OpUpdate, Cells: w.cells("thing", "name", "二")}
		}
		drafts := []judge.Draft{{Edits: []syncproto.Edit{edit("t1")}}, {Edits: []syncproto.Edit{edit("t2")}}}
		for range 2 {
			out, err := w.judge.Submit(t.Context(), "", drafts...)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range out.Verdicts {
				if v.Status != syncproto.Applied {
					t.Errorf("draft %d is %s: %s", i, v.Status, v.Message)
				}
			}
			w.must("", syncproto.Edit{Table: "thing", Row: w.rowID("t1"), Op: syncproto.OpUpdate, Cells: w.cells("thing", "name", "三")},
				syncproto.Edit{Table: "thing", Row: w.rowID("t2"), Op: syncproto.OpUpdate, Cells: w.cells("thing", "name", "三")})
		}
		if base := drafts[0].Edits[0].Base; base.Epoch != "" {
			t.Errorf("the draft was given the base %+v", base)
		}
	})
}
