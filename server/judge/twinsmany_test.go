package judge_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// A household merged away may have more beneath it than one change touches: all of it moves, and all of it comes back.
func TestTwinsOfMany(t *testing.T) {
	const many = syncproto.MaxEdits + 200
	onBoth(t, func(t *testing.T, w *world) {
		w.must("admin", w.create("household", "stays", "place", "@v1g", "code", "九"))
		w.must("admin", w.create("household", "goes", "place", "@v1g", "code", "九", "note", "集体户"))
		item := w.oneItem(syncproto.ItemTwin)
		lodgers(w, "goes", many)
		w.must("sec", w.create("note", "n", "thing", "@lodger 1100", "author", "@sec", "text", "x"))
		w.assign("ann", "goes")
		ann := w.phone("ann")
		late := ann.change(w.update("thing", "lodger 7", "name", "renamed meanwhile"))
		out := w.resolve("admin", item.ID, judge.Decision{Winner: w.rowID("stays"), Why: "同一户"})
		w.noItem()
		if n := beneath(w, "goes"); len(out.Verdicts) != 2 || n != 0 || beneath(w, "stays") != many+1 {
			t.Fatalf("merged by %d changes, %d lie where they were and %d beneath the other", len(out.Verdicts), n, beneath(w, "stays"))
		}
		if r := w.row("goes"); r.Dead == 0 || r.Alias != w.rowID("stays") || w.row("n").Scope != "household:"+w.id("stays") {
			t.Errorf("after merging: %+v, %+v", r, w.row("n"))
		}
		w.assign("ann", "stays")
		ann.wants(ann.push(late)[0], syncproto.Applied, "")
		// Who asks for it is on record for each of the changes, and each can be read as any other.
		w.read(func(tx *store.Tx) error {
			for i, v := range out.Verdicts {
				changes, err := tx.Changes("identity = ?", string(v.Identity))
				if err != nil || len(changes) != 1 {
					return errors.Join(err, fmt.Errorf("%d changes of that name", len(changes)))
				}
				if c, err := syncproto.ParseContent(tx.Book(), changes[0].First, changes[0].First, string(changes[0].Body)); err != nil || len(c.Edits) > syncproto.MaxEdits {
					t.Errorf("change %d: %v", i, err)
				}
				var told int64
				if _, err := tx.One("SELECT COUNT(*) FROM mq_chain WHERE identity = ? AND kind = ?", []any{string(v.Identity), "decided merged by " + w.id("admin")}, &told); err != nil || told != 1 {
					t.Errorf("change %d is on record %d times (%v)", i, told, err)
				}
			}
			return nil
		})
		last := len(out.Verdicts) - 1
		var also []syncproto.Identity
		for _, v := range out.Verdicts[:last] {
			also = append(also, v.Identity)
		}
		if _, err := w.judge.Undo(t.Context(), w.user("bob"), out.Verdicts[last].Identity, also...); stops(err) != syncproto.CodeForbidden {
			t.Errorf("undone by who does not decide: %v", err)
		}
		if _, err := w.judge.Undo(t.Context(), w.user("admin"), out.Verdicts[last].Identity, also...); err != nil {
			t.Fatal(err)
		}
		if n := beneath(w, "goes"); n != many+1 || w.row("goes").Dead != 0 || w.row("goes").Alias != "" || w.row("n").Scope != "household:"+w.id("goes") {
			t.Errorf("after undoing it %d lie there: %+v %+v", n, w.row("goes"), w.row("n"))
		}
		w.shows("thing", "lodger 7", "name", "renamed meanwhile")
		w.oneItem(syncproto.ItemTwin)
		if w.opt.DSN != "" {
			return
		}
		// More than may go at once are told of, with what to do, and nothing is done.
		lodgers(w, "goes", 5000-many)
		_, err := w.judge.Resolve(t.Context(), w.user("admin"), w.oneItem(syncproto.ItemTwin).ID, judge.Decision{Winner: w.rowID("stays")})
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Code != syncproto.CodeInvalid || !strings.Contains(e.Message, "一次最多") || e.Hint == "" || w.row("goes").Dead != 0 {
			t.Errorf("with too many: %v", err)
		}
	})
}

// lodgers adds so many rows right beneath a household.
func lodgers(w *world, home string, n int) {
	w.t.Helper()
	for had, part := beneath(w, home), []syncproto.Edit(nil); n > 0; n-- {
		part = append(part, w.create("thing", fmt.Sprintf("lodger %d", had), "household", "@"+home, "name", fmt.Sprintf("住户 %d", had)))
		if had++; len(part) == 500 || n == 1 {
			w.must("admin", part...)
			part = nil
		}
	}
}

// beneath counts the living rows right beneath one.
func beneath(w *world, name string) (n int) {
	w.t.Helper()
	w.read(func(tx *store.Tx) error {
		children, err := tx.Children([]string{w.id(name)})
		n = 0
		for _, c := range children {
			if c.Dead == 0 {
				n++
			}
		}
		return err
	})
	return n
}
