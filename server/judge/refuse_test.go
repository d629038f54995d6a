package judge_test

import (
	"context"
	"errors"
	"testing"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// TestRefusals is a table of changes that must be refused, each with its reason, and leave no trace in the row.
func TestRefusals(t *testing.T) {
	cases := []struct {
		name string
		user string
		edit func(w *world) []syncproto.Edit
		code syncproto.Code
	}{
		{"unknown table", "ann", func(w *world) []syncproto.Edit {
			return []syncproto.Edit{{Table: "tomorrow", Row: w.rowID("x"), Op: syncproto.OpCreate, Cells: []syncproto.CellEdit{{Cell: "a", Value: schema.Text("b")}}}}
		}, syncproto.CodeUnknown},
		{"unknown cell", "ann", func(w *world) []syncproto.Edit {
			e := w.update("thing", "t")
			e.Cells = []syncproto.CellEdit{{Cell: "nowhere", Value: schema.Text("b")}}
			return []syncproto.Edit{e}
		}, syncproto.CodeUnknown},
		{"value out of bounds", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("thing", "t", "high", 2000)} }, syncproto.CodeInvalid},
		{"not an option", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("thing", "t", "grade", "z")} }, syncproto.CodeInvalid},
		{"required emptied", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("thing", "t", "name", nil)} }, syncproto.CodeInvalid},
		{"required missing", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.create("thing", "t2", "household", "@h1")} }, syncproto.CodeInvalid},
		{"row rule broken by one author", "ann", func(w *world) []syncproto.Edit {
			return []syncproto.Edit{w.update("thing", "t", "begins", "2026-02-02", "ends", "2026-01-01")}
		}, syncproto.CodeInvalid},
		{"two edits of one row", "ann", func(w *world) []syncproto.Edit {
			return []syncproto.Edit{w.update("thing", "t", "high", 1), w.update("thing", "t", "low", "2026-01-01")}
		}, syncproto.CodeInvalid},
		{"a row that is there already", "ann", func(w *world) []syncproto.Edit {
			return []syncproto.Edit{w.create("thing", "t", "household", "@h1", "name", "again")}
		}, syncproto.CodeInvalid},
		{"base ahead of the server", "ann", func(w *world) []syncproto.Edit {
			e := w.update("thing", "t", "high", 1)
			e.Base.Rev = 1 << 40
			return []syncproto.Edit{e}
		}, syncproto.CodeInvalid},
		{"no parent", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.create("thing", "t2", "name", "n")} }, syncproto.CodeInvalid},
		{"a cell of the server's", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("thing", "t", "stamp", 5)} }, syncproto.CodeForbidden},
		{"an append-only row", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("note", "n", "text", "other")} }, syncproto.CodeForbidden},
		{"another's name under it", "ann", func(w *world) []syncproto.Edit {
			return []syncproto.Edit{w.create("note", "n2", "thing", "@t", "author", "@bob", "text", "x")}
		}, syncproto.CodeForbidden},
		{"a table of secretaries", "ann", func(w *world) []syncproto.Edit {
			return []syncproto.Edit{w.create("household", "h9", "place", "@v1g", "code", "9")}
		}, syncproto.CodeForbidden},
		{"an undeclared move", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("thing", "t", "state", "closed")} }, syncproto.CodeState},
		{"a row that is not there", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("thing", "nowhere", "high", 1)} }, syncproto.CodeWaits},
		{"a foreign row", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("thing", "foreign", "high", 1)} }, syncproto.CodeWaits},
		{"a row under a foreign household", "ann", func(w *world) []syncproto.Edit {
			return []syncproto.Edit{w.create("thing", "t2", "household", "@h2", "name", "n")}
		}, syncproto.CodeWaits},
		{"what is narrower than the household", "ann", func(w *world) []syncproto.Edit {
			return []syncproto.Edit{w.create("secret", "s2", "thing", "@t", "id_number", "110000190001010012")}
		}, syncproto.CodeWaits},
		{"a move to a foreign household", "ann", func(w *world) []syncproto.Edit { return []syncproto.Edit{w.update("thing", "t", "household", "@h2")} }, syncproto.CodeWaits},
		{"a decision without the right", "ann", func(w *world) []syncproto.Edit {
			e := w.update("thing", "t", "name", "mine")
			e.Decides = []string{"name"}
			return []syncproto.Edit{e}
		}, syncproto.CodeForbidden},
	}
	onBoth(t, func(t *testing.T, w *world) {
		ann, admin := w.phone("ann"), w.phone("admin")
		ann.wants(ann.do(w.create("thing", "t", "household", "@h1", "name", "n")), syncproto.Applied, "")
		ann.wants(ann.do(w.create("note", "n", "thing", "@t", "author", "@ann", "text", "x")), syncproto.Applied, "")
		admin.wants(admin.do(w.create("thing", "foreign", "household", "@h2", "name", "n")), syncproto.Applied, "")
		before := w.row("t")
		var absent, foreign *syncproto.Verdict
		for _, c := range cases {
			v := ann.do(c.edit(w)...)
			if v.Status != syncproto.Refused || v.Code != c.code || v.Message == "" {
				t.Errorf("%s: %s %s %s, want %s", c.name, v.Status, v.Code, v.Message, c.code)
			}
			switch c.name {
			case "a row that is not there":
				absent = v
			case "a foreign row":
				foreign = v
			}
		}
		if after := w.row("t"); after.Label != before.Label || after.Seq != before.Seq {
			t.Errorf("a refused change left a trace: %+v, was %+v", after, before)
		}
		if absent.Message != foreign.Message || absent.Waits != foreign.Waits {
			t.Errorf("a missing and a foreign row are told apart: %+v %+v", absent, foreign)
		}
	})
}

func TestNumbersAndNames(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob := w.phone("ann"), w.phone("bob")
		one := ann.change(w.create("thing", "t1", "household", "@h1", "name", "n", "total", 1))
		first := ann.push(one)[0]
		again := ann.push(one)[0]
		if again.Identity != first.Identity || again.Labels[0] != first.Labels[0] || again.Status != first.Status {
			t.Errorf("a repeated change got another verdict: %+v, then %+v", first, again)
		}
		w.shows("thing", "t1", "total", 1)

		ann.number = 3
		if _, err := ann.tryPush(ann.change(w.update("thing", "t1", "total", 1))); stops(err) != syncproto.CodeFork {
			t.Errorf("a gap in the numbers: %v", err)
		}
		ann.number = 1
		other := ann.change(w.update("thing", "t1", "total", 5))
		_, err := ann.tryPush(other)
		var stop *judge.Stop
		if stops(err) != syncproto.CodeCopied || !errors.As(err, &stop) || len(stop.Known) != 0 {
			t.Errorf("a number with other content: %v", err)
		}
		ann.number = 2
		old := ann.cursor
		ann.sync()
		ann.wants(ann.do(w.update("thing", "t1", "total", 1)), syncproto.Applied, "")
		ann.cursor = old
		if _, err := ann.tryPush(ann.change(w.update("thing", "t1", "total", 1))); stops(err) != syncproto.CodeCursor {
			t.Errorf("a cursor that went back: %v", err)
		}
		// Nobody speaks in another's name.
		stolen := bob.change(w.update("thing", "t1", "total", 1))
		stolen.First = syncproto.Name{Device: ann.id, Number: 9}
		if _, err := bob.tryPush(stolen); stops(err) != syncproto.CodeInvalid {
			t.Errorf("a first name of another user: %v", err)
		}
		// A device that a restore made unknown is nobody's: its owner has its changes still, whatever id he goes by now.
		stolen.First.Device = "01935b7e-0000-7000-8000-00000000dead"
		if _, err := bob.tryPush(stolen); err != nil {
			t.Errorf("a first name that nobody bears: %v", err)
		}
		w.shows("thing", "t1", "total", 3)
	})
}

// TestCopiesCountOnce is history 10 of MERGE: two copies of one file rename the same unsent +1.
func TestCopiesCountOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		ann.wants(ann.do(w.create("thing", "t1", "household", "@h1", "name", "n")), syncproto.Applied, "")
		plus := ann.change(w.update("thing", "t1", "total", 1))
		twins := []*phone{w.phone("ann"), w.phone("ann")}
		var verdicts []*syncproto.Verdict
		for _, p := range twins {
			renamed := *plus
			renamed.Name = syncproto.Name{Device: p.id, Number: 1}
			p.number = 2
			verdicts = append(verdicts, p.push(&renamed)[0])
		}
		w.shows("thing", "t1", "total", 1)
		if verdicts[0].Identity != verdicts[1].Identity || verdicts[1].Number != 1 {
			t.Errorf("the copies got %+v and %+v", verdicts[0], verdicts[1])
		}
		// One of them took number 2; the other's next change does not resolve to it.
		one, two := *twins[0], *twins[0]
		one.push(one.change(w.update("thing", "t1", "total", 1)))
		if _, err := two.tryPush(two.change(w.update("thing", "t1", "total", 5))); stops(err) != syncproto.CodeCopied {
			t.Errorf("copies that take turns: %v", err)
		}
		w.shows("thing", "t1", "total", 2)
	})
}

func TestNothingIsTakenWhenAdmissionFails(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		no := errors.New("stale nonce")
		_, err := w.judge.Push(context.Background(), judge.Author{Device: ann.id, User: ann.user, Admit: func(*store.Tx) error { return no }},
			[]*syncproto.Change{ann.change(w.create("thing", "t1", "household", "@h1", "name", "n"))})
		if !errors.Is(err, no) || w.row("t1") != nil {
			t.Errorf("got %v and a row %+v", err, w.row("t1"))
		}
	})
}
