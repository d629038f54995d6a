package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

const testkit = "../../syncproto/testkit/"

// node runs a script of the testkit and reads the JSON that it prints.
func node(t *testing.T, into any, args ...string) {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("this test needs Node 18 or newer (Debian: apt-get install nodejs): %v", err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("node %s printed %s: %v", strings.Join(args, " "), out, err)
	}
}

func TestStrangerReadsTheVectors(t *testing.T) {
	node(t, nil, testkit+"vectors.mjs")
}

// strangerSync is what the testkit prints of a sync. It exits with an error when any digest differs from the server's.
type strangerSync struct {
	Verdicts []struct {
		Status string `json:"status"`
		Code   string `json:"code"`
		Items  []struct {
			Item    string `json:"item"`
			Cell    string `json:"cell"`
			Outcome string `json:"outcome"`
		} `json:"items"`
	} `json:"verdicts"`
	Rows    int    `json:"rows"`
	Buckets int    `json:"buckets"`
	Root    string `json:"root"`
}

// A client in another language, written from PROTOCOL.md alone, enrols, pulls, pushes, meets a conflict, hears the decision and
// agrees on every digest with the real server.
func TestStranger(t *testing.T) {
	p := mustPair(t)
	server := httptest.NewServer(p.e.Handler())
	defer server.Close()
	file := filepath.Join(t.TempDir(), "stranger.json")
	run := func(into any, args ...string) {
		t.Helper()
		node(t, into, append([]string{testkit + "client.mjs", file}, args...)...)
	}
	code, _, err := p.e.Auth.Invite(context.Background(), syncproto.UserID(p.id("ann")))
	p.must(err)
	var who struct{ Device, Name string }
	run(&who, "enrol", server.URL, code)
	if who.Name != "ann" || who.Device == "" {
		t.Fatalf("enrolled as %+v", who)
	}
	var first strangerSync
	run(&first, "sync")
	if first.Rows < 6 || first.Buckets == 0 {
		t.Fatalf("the first sync gave %+v", first)
	}
	var rows []struct{ ID string }
	run(&rows, "rows")
	for _, r := range rows {
		if r.ID == p.id("h3") || r.ID == p.id("h3-thing") {
			t.Fatal("the stranger holds a household that is not its own")
		}
	}

	// Offline edits: one that nobody disputes, then one beside another's.
	thing := p.id("h0-thing")
	run(nil, "edit", "thing", thing, "high=3", `tags={"add":["red"]}`, `total={"delta":2}`)
	run(nil, "edit", "thing", thing, `grade="a"`)
	p.do(syncproto.Edit{Table: "thing", Row: p.row("h0-thing"), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: "grade", Value: schema.Text("b")}}})
	var pushed strangerSync
	run(&pushed, "sync")
	if len(pushed.Verdicts) != 2 || pushed.Verdicts[0].Status != "applied" || pushed.Verdicts[1].Status != "conflicted" || len(pushed.Verdicts[1].Items) != 1 {
		t.Fatalf("verdicts %+v", pushed.Verdicts)
	}

	// The decision reaches it, and what it shows is what the server holds.
	items, err := p.e.Judge.Inbox(context.Background(), judge.Filter{})
	p.must(err)
	if len(items) != 1 || items[0].ID != pushed.Verdicts[1].Items[0].Item {
		t.Fatalf("inbox %+v", items)
	}
	out, err := p.e.Judge.Resolve(context.Background(), "", items[0].ID, judge.Decision{Values: map[string]schema.Value{"grade": schema.Text("a")}})
	p.must(err)
	if out.Verdicts[0].Status == syncproto.Refused {
		t.Fatalf("the decision was refused: %+v", out.Verdicts[0])
	}
	var decided strangerSync
	run(&decided, "sync")
	if len(decided.Verdicts) != 1 || decided.Verdicts[0].Items[0].Outcome != "kept" {
		t.Fatalf("after the decision: %+v", decided.Verdicts)
	}
	var shown struct{ Values map[string]any }
	run(&shown, "show", "thing", thing)
	if shown.Values["grade"] != "a" || shown.Values["high"] != 3.0 || shown.Values["total"] != 2.0 {
		t.Fatalf("the stranger shows %v", shown.Values)
	}
	var idle strangerSync
	run(&idle, "sync")
	if idle.Root != decided.Root || len(idle.Verdicts) != 0 {
		t.Fatalf("a sync with nothing new gave %+v", idle)
	}
}
