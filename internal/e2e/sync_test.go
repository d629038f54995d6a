package e2e_test

import (
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

func TestTwoPhonesOneHousehold(t *testing.T) {
	p := mustPair(t)
	ann, bob := p.enrol("ann", "ann.db"), p.enrol("bob", "bob.db")
	if rep := ann.round(); rep.Rows < 8 || rep.Rounds != 1 {
		t.Errorf("first sync: %+v", rep)
	}
	bob.round()
	if bob.shown("thing", "h1-thing") != nil {
		t.Error("bob holds a household that is not his")
	}
	ann.edit("h0-thing", text("newest", "ann"))
	ann.edit("h0-thing", text("name", "甲"))
	bob.edit("h0-thing", map[string]schema.Value{"name": schema.Text("乙"), "total": schema.Int(3)})
	if rep := ann.round(); rep.Verdicts[syncproto.Applied] != 2 {
		t.Errorf("ann's push: %+v", rep)
	}
	if rep := bob.round(); rep.Verdicts[syncproto.Conflicted] != 1 {
		t.Errorf("bob's push: %+v", rep)
	}
	ann.round()
	for _, ph := range []*phone{ann, bob} {
		got := ph.shown("thing", "h0-thing")
		if got["newest"] != schema.Text("ann") || got["total"] != schema.Int(3) || got["name"] != schema.Text("canary-h0") {
			t.Errorf("shown: %v", got)
		}
	}
	if rep := bob.round(); rep.Rounds != 1 || rep.Rows != 0 {
		t.Errorf("a sync with nothing new: %+v", rep)
	}
	pending, err := bob.Entries(t.Context(), replica.Pending)
	p.must(err)
	if len(pending) != 0 {
		t.Errorf("still pending: %+v", pending)
	}
}
