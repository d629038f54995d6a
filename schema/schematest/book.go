// Package schematest is a small synthetic rule book for tests of the engine: the product's tables that entitlement rests on
// (place, user, role, device, household, assignment), and beside them tables with one column for every merge rule, a group,
// a lock, row rules, an append-only child with months and a narrow scope. It promises that each corner of the engine can be
// reached in it without the product's many columns, and that it grew over three schema versions, so that old clients are
// tested for real.
//
// Only tests and the simulator import it.
package schematest

import "minqing/schema"

// Version is the newest schema version of the synthetic book.
const Version = 3

// Book is the synthetic book at its newest version.
func Book() *schema.Book { return BookAt(Version) }

// BookAt is the synthetic book as a client of an older schema version knows it: version 1 has thing, note and secret; version 2
// adds the columns thing.extra and thing.extra_count; version 3 adds thing.remark and the table mark. It panics on a version
// outside 1..Version, as a test that asks for one is wrong.
func BookAt(version int) *schema.Book { return with(version) }

// With is the newest synthetic book and further tables: what a test of “adding a table is one literal” begins with.
func With(extra ...*schema.Table) *schema.Book { return with(Version, extra...) }

func with(version int, extra ...*schema.Table) *schema.Book {
	if version < 1 || version > Version {
		panic("schematest: no such version of the book")
	}
	product := schema.Minqing()
	var tables []*schema.Table
	for _, name := range []string{"place", "user", "role", "device", "household", "assignment"} {
		tables = append(tables, product.Table(name))
	}
	tables = append(tables, thing(), note(), secret(), mark())
	b, err := schema.NewBook(version, append(tables, extra...)...)
	if err != nil {
		panic(err)
	}
	return b
}

func l(s string) schema.Label               { return schema.Label{ZH: "测试 " + s, EN: s} }
func opt(value, label string) schema.Option { return schema.Option{Value: value, Label: l(label)} }
func ref(name, table string) schema.Column {
	return schema.Column{Name: name, Label: l(name), Type: schema.TypeRef, Ref: table, Required: true, Rule: schema.RuleManual}
}

var harmless = schema.Label{ZH: "测试用，另一个值在历史里", EN: "a test's column; the other value stands in the history"}

// workers may do everything a field user may; only secretaries and administrators reopen or remove.
var (
	workers = []schema.Role{schema.RoleCadre, schema.RoleSecretary, schema.RoleAdmin}
	heads   = []schema.Role{schema.RoleSecretary, schema.RoleAdmin}
)

// thing has a cell for each of the ten rules; its flow goes open → doing → closed, with dropped beside closed, so that two
// concurrent moves can be incompatible.
func thing() *schema.Table {
	flow := &schema.Flow{Initial: "open",
		States: []schema.Option{opt("open", "open"), opt("doing", "doing"), opt("dropped", "dropped"), opt("closed", "closed")},
		Moves: []schema.Move{{From: "open", To: "doing", Roles: workers}, {From: "doing", To: "closed", Roles: workers},
			{From: "doing", To: "dropped", Roles: workers}, {From: "closed", To: "doing", Roles: heads}}}
	return &schema.Table{
		Name: "thing", Label: l("thing"), Parent: "household", Scope: schema.ScopeParent,
		Create: []schema.Permit{{Roles: workers}}, Change: []schema.Permit{{Roles: workers}}, Delete: []schema.Permit{{Roles: workers}},
		Columns: []schema.Column{
			ref("household", "household"),
			{Name: "newest", Label: l("newest"), Type: schema.TypeText, Rule: schema.RuleLatest, Why: harmless},
			{Name: "high", Label: l("high"), Type: schema.TypeInt, Min: -1000, Max: 1000, Rule: schema.RuleMax},
			{Name: "low", Label: l("low"), Type: schema.TypeDate, Rule: schema.RuleMin},
			{Name: "total", Label: l("total"), Type: schema.TypeInt, Min: -1000000, Max: 1000000, Rule: schema.RuleSum},
			{Name: "tags", Label: l("tags"), Type: schema.TypeTags, Rule: schema.RuleSet,
				Options: []schema.Option{opt("red", "red"), opt("green", "green"), opt("blue", "blue")}},
			{Name: "words", Label: l("words"), Type: schema.TypeTags, Max: 20, Rule: schema.RuleSet},
			{Name: "story", Label: l("story"), Type: schema.TypeLong, Max: 4000, Rule: schema.RuleText},
			{Name: "state", Label: l("state"), Type: schema.TypeFlow, Flow: flow, Rule: schema.RuleFlow},
			{Name: "serial", Label: l("serial"), Type: schema.TypeText, Max: 40, Rule: schema.RuleOnce},
			{Name: "name", Label: l("name"), Type: schema.TypeText, Max: 60, Required: true, Rule: schema.RuleManual, Privacy: schema.Personal},
			{Name: "stamp", Label: l("stamp"), Type: schema.TypeInstant, Max: schema.MaxInt, Rule: schema.RuleServer},
			{Name: "lon", Label: l("lon"), Type: schema.TypeInt, Min: -1800000000, Max: 1800000000, Group: "position",
				Rule: schema.RuleLatest, Why: harmless},
			{Name: "lat", Label: l("lat"), Type: schema.TypeInt, Min: -900000000, Max: 900000000, Group: "position",
				Rule: schema.RuleLatest, Why: harmless},
			{Name: "phone", Label: l("phone"), Type: schema.TypePhone, Rule: schema.RuleManual, Privacy: schema.Masked},
			{Name: "grade", Label: l("grade"), Type: schema.TypeEnum, Rule: schema.RuleManual,
				Options: []schema.Option{opt("a", "grade a"), opt("b", "grade b"), opt("c", "grade c")}},
			{Name: "begins", Label: l("begins"), Type: schema.TypeDate, Rule: schema.RuleManual},
			{Name: "ends", Label: l("ends"), Type: schema.TypeDate, Rule: schema.RuleManual},
			{Name: "extra", Label: l("extra"), Type: schema.TypeText, Rule: schema.RuleManual, Since: 2},
			{Name: "extra_count", Label: l("extra_count"), Type: schema.TypeInt, Min: -1000000, Max: 1000000, Rule: schema.RuleSum, Since: 2},
			{Name: "remark", Label: l("remark"), Type: schema.TypeLong, Max: 2000, Rule: schema.RuleText, Since: 3},
		},
		// total stays editable in a closed thing, so that a lock over some cells only is met too.
		Locks: []schema.Lock{{States: []string{"closed", "dropped"}, Except: []schema.Role{schema.RoleAdmin},
			Columns: []string{"newest", "high", "low", "tags", "story", "name", "lon", "lat", "grade"}}},
		Rules: []schema.RowRule{{Name: "ends_after_begins", Label: l("ends before it begins"), Columns: []string{"begins", "ends"},
			Holds: func(get func(string) schema.Value) bool {
				return get("begins").IsNull() || get("ends").IsNull() || get("begins").Str() <= get("ends").Str()
			}},
			// Over four cells of different rules, so that one who breaks it stands beside several others, and cells step back for both rules.
			{Name: "graded_between", Label: l("a grade a or b wants its low day between begin and end"), Columns: []string{"grade", "low", "begins", "ends"},
				Holds: func(get func(string) schema.Value) bool {
					low := get("low").Str()
					return get("grade").IsNull() || get("grade").Str() == "c" || low == "" || (get("begins").IsNull() || get("begins").Str() <= low) &&
						(get("ends").IsNull() || low <= get("ends").Str())
				}}},
	}
}

// note is append-only, signed, and lies in months of which phones keep three.
func note() *schema.Table {
	return &schema.Table{
		Name: "note", Label: l("note"), Parent: "thing", Scope: schema.ScopeParent, Period: schema.PeriodMonth, Keep: 3,
		Author: "author", Append: true,
		Create: []schema.Permit{{Roles: workers, Own: true}},
		Delete: []schema.Permit{{Roles: workers, Own: true}, {Roles: []schema.Role{schema.RoleAdmin}}},
		Columns: []schema.Column{
			{Name: "thing", Label: l("thing"), Type: schema.TypeRef, Ref: "thing", Required: true, Rule: schema.RuleOnce},
			{Name: "author", Label: l("author"), Type: schema.TypeRef, Ref: "user", Required: true, Rule: schema.RuleOnce},
			{Name: "text", Label: l("text"), Type: schema.TypeLong, Max: 4000, Required: true, Rule: schema.RuleOnce},
		},
	}
}

// secret is what only secretaries may see of a thing: a scope narrower than the household's, with twins that tell that the things are one.
func secret() *schema.Table {
	return &schema.Table{
		Name: "secret", Label: l("secret"), Parent: "thing", Scope: schema.ScopeNarrow, Twin: "id_number", TwinAbove: true,
		Readers: heads,
		Create:  []schema.Permit{{Roles: heads}}, Change: []schema.Permit{{Roles: heads}}, Delete: []schema.Permit{{Roles: heads}},
		Columns: []schema.Column{
			{Name: "thing", Label: l("thing"), Type: schema.TypeRef, Ref: "thing", Required: true, Rule: schema.RuleOnce},
			{Name: "id_number", Label: l("id_number"), Type: schema.TypeIDNumber, Required: true, Rule: schema.RuleManual, Privacy: schema.Masked},
		},
	}
}

// mark came with schema version 3: a table that older clients do not know.
func mark() *schema.Table {
	return &schema.Table{
		Name: "mark", Label: l("mark"), Since: 3, Parent: "thing", Scope: schema.ScopeParent,
		Create: []schema.Permit{{Roles: workers}}, Change: []schema.Permit{{Roles: workers}}, Delete: []schema.Permit{{Roles: workers}},
		Columns: []schema.Column{
			{Name: "thing", Label: l("thing"), Type: schema.TypeRef, Ref: "thing", Required: true, Rule: schema.RuleOnce, Since: 3},
			{Name: "points", Label: l("points"), Type: schema.TypeInt, Min: -1000, Max: 1000, Rule: schema.RuleSum, Since: 3},
			{Name: "label", Label: l("label"), Type: schema.TypeText, Rule: schema.RuleManual, Since: 3},
		},
	}
}
