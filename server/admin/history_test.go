package admin_test

import (
	"strings"
	"testing"

	"minqing/server/admin"
	"minqing/server/console/consoletest"
	"minqing/syncproto"
)

// TestExportsStandInHistory: what somebody took out of his phone is his to put on record, wherever his roles are, and nobody else's; the history
// tells it, and the table can be had whole.
func TestExportsStandInHistory(t *testing.T) {
	c, err := consoletest.Open(t.Context(), consoletest.Options{State: consoletest.Full, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Engine.Close(); err != nil {
			t.Error(err)
		}
	})
	// At home in the town, with a role in a village of it.
	who, err := c.Create(t.Context(), "admin", "user", consoletest.Vals{"place": c.Places["town"], "login": "tang", "name": "唐梅"})
	if err == nil {
		_, err = c.Create(t.Context(), "admin", "role", consoletest.Vals{"user": string(who), "role": "cadre", "place": c.Places["village"]})
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Users["tang"] = syncproto.UserID(who)
	taken := consoletest.Vals{"user": string(who), "day": "2026-11-23", "rows": "37", "hash": strings.Repeat("ab", 32)}
	id, err := c.Create(t.Context(), "tang", "own_export", taken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), "cadre2", "own_export", taken); err == nil {
		t.Error("somebody puts an export of another on record")
	}
	d := &admin.Desk{E: c.Engine}
	name, entries, err := d.History(t.Context(), "own_export", string(id), false)
	if err != nil || len(entries) != 1 || !strings.Contains(entries[0].Who, "唐梅") || !strings.Contains(name, "37") {
		t.Errorf("the history of %s is %+v, %v", name, entries, err)
	}
}
