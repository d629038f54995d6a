package schema_test

import (
	"testing"
	"time"

	"minqing/schema"
	"minqing/schema/schematest"
)

// world is a few rows: a city with a township, a village and a group in it, people, a household.
type world map[string]map[string]string

func (w world) lookup(table, id string) (func(string) schema.Value, bool) {
	row, ok := w[table+" "+id]
	return func(c string) schema.Value { return schema.Text(row[c]) }, ok
}

func village() world {
	return world{
		"place city":      {"level": "city"},
		"place town":      {"level": "township", "parent": "city"},
		"place district":  {"level": "district", "parent": "town"},
		"place vill":      {"level": "village", "parent": "district"},
		"place grp":       {"level": "group", "parent": "vill"},
		"place loop1":     {"level": "group", "parent": "loop2"},
		"place loop2":     {"level": "group", "parent": "loop1"},
		"place floating":  {"level": "group"},
		"user u":          {"place": "town"},
		"role r":          {"user": "u", "place": "vill"},
		"device d":        {"user": "u"},
		"household h":     {"place": "grp"},
		"household hd":    {"place": "district"},
		"household hl":    {"place": "loop1"},
		"household hf":    {"place": "floating"},
		"resident p":      {"household": "h"},
		"resident orphan": {"household": "gone"},
		"identity i":      {"resident": "p"},
		"visit v":         {"household": "h"},
		"journal j":       {"visit": "v"},
		"review w":        {"journal": "j"},
	}
}

func TestScopesAndStreams(t *testing.T) {
	b, w := schema.Minqing(), village()
	for _, c := range []struct{ table, id, scope, stream string }{
		{"place", "city", "place:city", "city"},
		{"place", "town", "place:town", "town"},
		{"place", "district", "place:district", "town"},
		{"place", "vill", "place:vill", "vill"},
		{"place", "grp", "place:grp", "vill"},
		{"place", "floating", "place:floating", ""},
		{"user", "u", "user:u", "town"},
		{"role", "r", "user:u", "town"},
		{"device", "d", "device:u", "town"},
		{"household", "h", "household:h", "vill"},
		{"household", "hd", "household:hd", "town"},
		{"household", "hl", "household:hl", ""},
		{"household", "hf", "household:hf", ""},
		{"resident", "p", "household:h", "vill"},
		{"resident", "orphan", "household:gone", ""}, // its own scope says nothing of whether the household is there
		{"resident", "nosuch", "", ""},
		{"identity", "i", "identity:h", "vill"},
		{"review", "w", "household:h", "vill"},
		{"nosuch", "x", "", ""},
	} {
		scope, ok := b.ScopeOf(c.table, c.id, w.lookup)
		if scope != c.scope || ok != (c.scope != "") {
			t.Errorf("scope of %s %s: %q, %v; want %q", c.table, c.id, scope, ok, c.scope)
		}
		stream, ok := b.StreamOf(c.table, c.id, w.lookup)
		if stream != c.stream || ok != (c.stream != "") {
			t.Errorf("stream of %s %s: %q, %v; want %q", c.table, c.id, stream, ok, c.stream)
		}
	}
	if table, id := schema.SplitScope("identity:h"); table != "identity" || id != "h" {
		t.Errorf("identity:h was split into %s and %s", table, id)
	}
	for table, want := range map[string]string{"review": "household", "identity": "identity", "device": "device", "role": "user", "place": "place"} {
		if got := b.ScopeTable(b.Table(table)); got != want {
			t.Errorf("scopes of %s are named after %s, want %s", table, got, want)
		}
	}
}

func TestPeriods(t *testing.T) {
	b := schema.Minqing()
	shanghai := time.FixedZone("CST", 8*3600)
	at := time.Date(2026, 10, 31, 16, 30, 0, 0, time.UTC).UnixMilli() // half past midnight on 1 November in Shanghai
	for _, c := range []struct {
		table, parent, want string
		zone                *time.Location
	}{
		{"visit", "-", "2026-11", shanghai}, {"visit", "-", "2026-10", time.UTC}, {"journal", "2025-02", "2025-02", shanghai},
		{"matter", "-", "-", shanghai}, {"household", "-", "-", shanghai},
	} {
		if got := b.Table(c.table).PeriodOf(at, c.zone, c.parent); got != c.want {
			t.Errorf("%s under %s: %s, want %s", c.table, c.parent, got, c.want)
		}
	}
}

func TestWhatPhonesKeep(t *testing.T) {
	b := schematest.Book() // notes are kept three months, this one included
	now := time.Date(2026, 2, 28, 23, 0, 0, 0, time.FixedZone("CST", 8*3600))
	for _, c := range []struct {
		scope, period string
		want          bool
	}{
		{"household:h", "2026-03", true}, {"household:h", "2026-02", true}, {"household:h", "2025-12", true}, {"household:h", "2025-11", false},
		{"household:h", "-", true}, {"user:u", "-", true}, {"nosuch:u", "2001-01", true},
	} {
		if got := b.Kept(c.scope, c.period, now); got != c.want {
			t.Errorf("%s of %s is kept: %v", c.period, c.scope, got)
		}
	}
	if b.Keep("household:h") != 3 || b.Keep("user:u") != 0 || schema.Minqing().Keep("household:h") != 13 {
		t.Error("months kept are those of the tables with periods")
	}
}

func TestFlowsReach(t *testing.T) {
	flow := schema.Minqing().Table("matter").FlowColumn().Flow
	if !flow.Reaches("recorded", "answered") || flow.Reaches("answered", "recorded") || !flow.Reaches("handled", "handled") || !flow.Allows("recorded", "discussing") ||
		flow.Allows("recorded", "answered") || !flow.Allows("nosuch", "nosuch") || flow.Priority("nosuch") != -1 || flow.Priority("recorded") != 0 {
		t.Error("reach, moves and priority follow from the declared moves")
	}
}
