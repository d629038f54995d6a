package schema_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
)

// Every schema version that ever ran is frozen in testdata/books. A book may only add to them: phones hold rows of each, and some
// still run it. The file of the present version is rewritten by -update as long as it only adds; where a literal was wrong and
// no build with it has left the house, delete the file first.
func TestFrozenBooksAreOnlyAddedTo(t *testing.T) {
	now := schema.Minqing()
	for version := 1; version <= schema.Version; version++ {
		file := fmt.Sprintf("testdata/books/minqing-%d.json", version)
		dump, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) && version == schema.Version && *update {
			dump, err = now.Dump()
		}
		if err != nil {
			t.Fatal(err)
		}
		frozen, err := schema.Load(dump)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.CheckEvolution(frozen, now); err != nil {
			t.Errorf("version %d was changed after it was frozen; add a column or table since version %d instead:\n%v", version, schema.Version+1, err)
			continue
		}
		if version == schema.Version {
			present, err := now.Dump()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, file, string(present), "see that it only adds, and run go test ./schema -update")
		}
	}
}

func TestDumpAndLoadAgree(t *testing.T) {
	for _, b := range []*schema.Book{schema.Minqing(), schematest.BookAt(1), schematest.BookAt(2), schematest.Book()} {
		dump, err := b.Dump()
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := schema.Load(dump)
		if err != nil {
			t.Fatal(err)
		}
		again, err := loaded.Dump()
		if err != nil || string(again) != string(dump) {
			t.Errorf("version %d came back otherwise: %v\n%s", b.Version, err, again)
		}
		if err := errors.Join(schema.CheckEvolution(b, loaded), schema.CheckEvolution(loaded, b)); err != nil {
			t.Error(err)
		}
		for _, d := range []schema.Dialect{schema.SQLite, schema.Postgres} {
			for _, table := range b.Tables() {
				if !slices.Equal(schema.DDL(d, table), schema.DDL(d, loaded.Table(table.Name))) {
					t.Errorf("%s %s: the loaded book makes other tables", d, table.Name)
				}
			}
		}
	}
	for _, bad := range []string{"", "{", `{"Version":1,"Tables":[{"Name":"x"}]}`, `{"Version":1,"Tables":[{"Columns":[{"Type":"nosuch"}]}]}`} {
		if _, err := schema.Load([]byte(bad)); err == nil {
			t.Errorf("%q was loaded", bad)
		}
	}
}

// changed copies a table of the newest synthetic book and changes it.
func changed(name string, change func(*schema.Table)) []*schema.Table {
	var out []*schema.Table
	for _, table := range schematest.Book().Tables() {
		if table.Name == name {
			c := *table
			c.Columns = slices.Clone(table.Columns)
			for i := range c.Columns {
				if f := c.Columns[i].Flow; f != nil {
					copied := *f
					copied.States, copied.Moves = slices.Clone(f.States), slices.Clone(f.Moves)
					c.Columns[i].Flow = &copied
				}
			}
			change(&c)
			table = &c
		}
		out = append(out, table)
	}
	return out
}

func column(name string, change func(*schema.Column)) func(*schema.Table) {
	return func(t *schema.Table) { change(t.Column(name)) }
}

func TestWhatEvolutionForbids(t *testing.T) {
	add := func(c schema.Column) func(*schema.Table) {
		return func(t *schema.Table) { c.Label = label(c.Name); t.Columns = append(t.Columns, c) }
	}
	text := schema.Column{Name: "fresh", Type: schema.TypeText, Rule: schema.RuleManual}
	since := func(v int) schema.Column { c := text; c.Since = v; return c }
	for _, c := range []struct {
		name   string
		table  string
		change func(*schema.Table)
		want   string // part of what must be said; "" where it is allowed
	}{
		{"type", "thing", column("newest", func(c *schema.Column) { c.Type = schema.TypeLong }), "thing.newest: type was text and is long"},
		{"rule", "thing", column("newest", func(c *schema.Column) { c.Rule = schema.RuleManual }), "thing.newest: rule was latest and is manual"},
		{"since", "thing", column("extra", func(c *schema.Column) { c.Since = 3 }), "thing.extra: since was 2 and is 3"},
		{"narrower", "thing", column("high", func(c *schema.Column) { c.Max = 10 }), "thing.high: bounds"},
		{"shorter", "thing", column("newest", func(c *schema.Column) { c.Max = 10 }), "thing.newest: bounds"},
		{"wider", "thing", column("newest", func(c *schema.Column) { c.Max = 201 }), ""},
		{"required", "thing", column("serial", func(c *schema.Column) { c.Required = true }), "thing.serial became required"},
		{"not required any more", "thing", column("name", func(c *schema.Column) { c.Required = false }), ""},
		{"group", "thing", func(t *schema.Table) { t.Column("lon").Group, t.Column("lat").Group = "spot", "spot" }, "thing.lon: group"},
		{"less private", "thing", column("phone", func(c *schema.Column) { c.Privacy = schema.Personal }), "thing.phone was masked and is personal"},
		{"option gone", "thing", column("grade", func(c *schema.Column) { c.Options = c.Options[1:] }), "option a is gone"},
		{"option added", "thing", column("grade", func(c *schema.Column) {
			c.Options = append(slices.Clone(c.Options), schema.Option{Value: "d", Label: label("d")})
		}), ""},
		{"words become options", "thing", column("words", func(c *schema.Column) { c.Options = []schema.Option{{Value: "d", Label: label("d")}} }), "takes options only"},
		{"state moved", "thing", column("state", func(c *schema.Column) { s := c.Flow.States; s[2], s[3] = s[3], s[2] }), "changed its priority"},
		{"move gone", "thing", column("state", func(c *schema.Column) { c.Flow.Moves = c.Flow.Moves[:3] }), "closed → doing is gone"},
		{"other roles move", "thing", column("state", func(c *schema.Column) { c.Flow.Moves[0].Roles = []schema.Role{schema.RoleAdmin} }), ""},
		{"column gone", "thing", func(t *schema.Table) { t.Columns = t.Columns[:len(t.Columns)-1] }, "thing.remark is gone"},
		{"column without since", "thing", add(text), "thing.fresh is new and must say since 4"},
		{"column of the past", "thing", add(since(2)), "thing.fresh is new and must say since 4"},
		{"column added", "thing", add(since(4)), ""},
		{"period", "note", func(t *schema.Table) { t.Period, t.Keep = schema.PeriodNone, 0 }, "table note: period was month and is none"},
		{"kept longer", "note", func(t *schema.Table) { t.Keep = 12 }, ""},
		{"no longer append-only", "note", func(t *schema.Table) { t.Append = false }, "table note: append was true and is false"},
		{"author gone", "note", func(t *schema.Table) {
			t.Author = ""
			t.Create, t.Delete = []schema.Permit{{Roles: schema.Roles}}, nil
		}, "table note: author was author"},
		{"twin gone", "secret", func(t *schema.Table) { t.Twin = "" }, "table secret: twin was id_number"},
		{"words and rights", "thing", func(t *schema.Table) { t.Label, t.Create, t.Locks, t.Rules = label("other"), nil, nil, nil }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, err := schema.NewBook(4, changed(c.table, c.change)...)
			if err != nil {
				t.Fatal(err)
			}
			err = schema.CheckEvolution(schematest.Book(), next)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("it is allowed, yet: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("want %q, got %v", c.want, err)
			case c.want != "" && c.name != "group" && strings.Contains(err.Error(), "\n"): // a group has two columns to change
				t.Errorf("one thing was changed, yet: %v", err)
			}
		})
	}
	without := schematest.Book().Tables()
	fewer, err := schema.NewBook(4, without[:len(without)-1]...)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.CheckEvolution(schematest.Book(), fewer); err == nil || !strings.Contains(err.Error(), "table mark is gone") {
		t.Errorf("a table went away: %v", err)
	}
	if err := schema.CheckEvolution(schematest.Book(), schematest.BookAt(2)); err == nil || !strings.Contains(err.Error(), "version 2 is older than 3") {
		t.Errorf("a book of the past: %v", err)
	}
}

// An old client's book is the new one without what came later, and holds the laws by itself.
func TestOlderBooksAreCutFromNewerOnes(t *testing.T) {
	newest := schematest.Book()
	for version := 1; version <= schematest.Version; version++ {
		cut, err := newest.At(version)
		if err != nil {
			t.Fatal(err)
		}
		a, err := cut.Dump()
		if err != nil {
			t.Fatal(err)
		}
		b, err := schematest.BookAt(version).Dump()
		if err != nil || string(a) != string(b) {
			t.Errorf("version %d: %v", version, err)
		}
		if err := schema.CheckEvolution(cut, newest); err != nil {
			t.Error(err)
		}
	}
	for _, version := range []int{0, -1, schematest.Version + 1} {
		if _, err := newest.At(version); err == nil {
			t.Errorf("there is no version %d", version)
		}
	}
}

// Permits, locks and row rules that speak of a younger column fall away with it, and with them what spoke of nothing else.
func TestOlderBooksForgetWhatSpokeOfYoungerColumns(t *testing.T) {
	tables := changed("thing", func(t *schema.Table) {
		t.Columns = append(t.Columns, schema.Column{Name: "late", Label: label("late"), Type: schema.TypeText, Rule: schema.RuleManual, Since: 4})
		t.Change = []schema.Permit{{Roles: schema.Roles, Columns: []string{"name", "late", "state"}}, {Roles: schema.Roles, Columns: []string{"late"}}}
		t.Locks = []schema.Lock{{States: []string{"closed"}, Columns: []string{"late"}}, {States: []string{"closed"}}}
		t.Rules = append(slices.Clone(t.Rules), schema.RowRule{Name: "late_named", Label: label("late"), Columns: []string{"late", "name"},
			Holds: func(func(string) schema.Value) bool { return true }})
		t.Twin = "late"
	})
	b, err := schema.NewBook(4, tables...)
	if err != nil {
		t.Fatal(err)
	}
	old, err := b.At(3)
	if err != nil {
		t.Fatal(err)
	}
	thing := old.Table("thing")
	if got := thing.Change; len(got) != 1 || !slices.Equal(got[0].Columns, []string{"name", "state"}) {
		t.Errorf("permits: %+v", got)
	}
	if got := thing.Locks; len(got) != 1 || got[0].Columns != nil {
		t.Errorf("locks: %+v", got)
	}
	if got := thing.Rules; slices.ContainsFunc(got, func(r schema.RowRule) bool { return r.Name == "late_named" }) || len(got) != len(b.Table("thing").Rules)-1 {
		t.Errorf("row rules: %+v", got)
	}
	if thing.Twin != "" {
		t.Errorf("twin: %s", thing.Twin)
	}
}
