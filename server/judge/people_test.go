package judge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"minqing/server/judge"
	"minqing/syncproto"
)

// named pushes changes as a device that reads names, and gives those of each verdict: part, cell, name, role, when there is a time.
func (p *phone) named(changes ...*syncproto.Change) (out []string) {
	p.w.t.Helper()
	got, err := p.w.judge.Push(context.Background(), judge.Author{Device: p.id, User: p.user, Names: true}, changes)
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.w.now++
	for _, v := range got.Verdicts {
		var all []string
		for _, n := range v.People {
			s := fmt.Sprintf("%s %s %s %s", n.Part, n.Cell, n.Name, n.Role)
			if n.At != 0 {
				s += " timed"
			}
			all = append(all, s)
		}
		out = append(out, strings.Join(all, ", "))
	}
	return out
}

// An author reads who wrote beside him, who decides and who decided, as long as he sees the row, and nothing afterwards.
func TestVerdictsNamePeople(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		want := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		ann, bob := w.phone("ann"), w.phone("bob")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "old", "newest", "x", "story", "一句。"))
		before := ann.change(w.update("thing", "t", "newest", "before"))
		ann.push(before)
		a := ann.change(w.update("thing", "t", "name", "ann's", "newest", "a"))
		b := bob.change(w.update("thing", "t", "name", "bob's", "newest", "b"))
		seen := func(c *syncproto.Change) string { return ann.named(c)[0] }
		want("alone", seen(a), "")
		want("open, bob", bob.named(b)[0], "beside name ann cadre timed, decides name sec secretary, beside newest ann cadre timed")
		want("open, ann", seen(a), "beside name bob cadre timed, decides name sec secretary, beside newest bob cadre timed")
		want("what bob had seen", seen(before), "")
		if v := ann.verdict(a); v.People != nil {
			t.Errorf("a device that does not read names is told %+v", v.People)
		}
		w.resolve("sec", w.oneItem(syncproto.ItemCell).ID, judge.Decision{Pick: b.Identity()})
		want("decided", seen(a), "beside name bob cadre timed, decided name sec secretary timed, beside newest bob cadre timed")

		// Who closed what he edits.
		w.must("admin", w.update("thing", "t", "state", "doing"))
		w.must("admin", w.update("thing", "t", "state", "closed"))
		shut := ann.change(w.update("thing", "t", "name", "after the end"))
		want("refused by the state", seen(shut), "beside state admin admin timed")

		// The household leaves ann: of it she learns no name any more.
		w.must("admin", w.update("assignment", "ann-h1", "until", "2026-11-01"))
		want("no longer hers", seen(a), "")
		want("still bob's", bob.named(b)[0], "beside name ann cadre timed, decided name sec secretary timed, beside newest ann cadre timed")
	})
}
