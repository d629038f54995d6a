package schema_test

import (
	"slices"
	"strings"
	"testing"

	"minqing/schema"
)

// sound is a table that holds every law; each case below breaks one.
func sound() *schema.Table {
	roles := []schema.Role{schema.RoleCadre}
	return &schema.Table{
		Name: "item", Label: label("item"), Parent: "household", Scope: schema.ScopeParent, Author: "author",
		Create: []schema.Permit{{Roles: roles, Own: true}}, Change: []schema.Permit{{Roles: roles}}, Delete: []schema.Permit{{Roles: roles}},
		Columns: []schema.Column{
			{Name: "household", Label: label("household"), Type: schema.TypeRef, Ref: "household", Required: true, Rule: schema.RuleManual},
			{Name: "author", Label: label("author"), Type: schema.TypeRef, Ref: "user", Required: true, Rule: schema.RuleOnce},
			{Name: "text", Label: label("text"), Type: schema.TypeText, Rule: schema.RuleManual},
			{Name: "count", Label: label("count"), Type: schema.TypeInt, Max: 9, Rule: schema.RuleManual},
			{Name: "x", Label: label("x"), Type: schema.TypeInt, Max: 9, Rule: schema.RuleManual, Group: "spot"},
			{Name: "y", Label: label("y"), Type: schema.TypeInt, Max: 9, Rule: schema.RuleManual, Group: "spot"},
			{Name: "stamp", Label: label("stamp"), Type: schema.TypeInstant, Max: 9, Rule: schema.RuleServer},
			{Name: "state", Label: label("state"), Type: schema.TypeFlow, Rule: schema.RuleFlow, Flow: &schema.Flow{Initial: "open",
				States: []schema.Option{{Value: "open", Label: label("open")}, {Value: "shut", Label: label("shut")}},
				Moves:  []schema.Move{{From: "open", To: "shut", Roles: roles}}}},
		},
		Locks: []schema.Lock{{States: []string{"shut"}, Columns: []string{"text"}}},
		Rules: []schema.RowRule{{Name: "few", Label: label("few"), Columns: []string{"count", "x"}, Holds: func(get func(string) schema.Value) bool {
			return get("count").Num() <= get("x").Num()
		}}},
	}
}

type lawCase struct {
	name  string
	spoil func(*schema.Table)
	want  string
}

// on breaks a law in one column.
func on(name string, change func(*schema.Column)) func(*schema.Table) {
	return func(t *schema.Table) { change(t.Column(name)) }
}

var cadre = []schema.Role{schema.RoleCadre}

var lawCases = []lawCase{
	{"table name", func(t *schema.Table) { t.Name = "Item" }, `table "Item": a name is`},
	{"table name of bookkeeping", func(t *schema.Table) { t.Name = "mq_item" }, `table "mq_item": a name is`},
	{"table label", func(t *schema.Table) { t.Label.EN = "" }, "table item has no label"},
	{"column name", on("text", func(c *schema.Column) { c.Name = `te"xt` }), `a name is lower-case`},
	{"column named id", on("text", func(c *schema.Column) { c.Name = "id" }), `column "id" of item`},
	{"column label", on("text", func(c *schema.Column) { c.Label.ZH = "" }), "item.text has no label"},
	{"column twice", on("count", func(c *schema.Column) { c.Name = "text" }), "item.text is declared twice"},
	{"no parent column", func(t *schema.Table) { t.Parent = "nosuch" }, "the parent column nosuch must be a ref"},
	{"parent not required", on("household", func(c *schema.Column) { c.Required = false }), "the parent column household must be a ref, and required"},
	{"parent after child", on("household", func(c *schema.Column) { c.Ref = "later" }), "must be declared after its parent later"},
	{"no parent, no scope", func(t *schema.Table) { t.Parent = "" }, "its scope must be its own"},
	{"unknown rule", on("text", func(c *schema.Column) { c.Rule = "newest" }), `unknown rule "newest"`},
	{"latest without why", on("text", func(c *schema.Column) { c.Rule = schema.RuleLatest }), "must say in both languages why"},
	{"max of a text", on("text", func(c *schema.Column) { c.Rule = schema.RuleMax }), "rule max does not merge type text"},
	{"sum of a text", on("text", func(c *schema.Column) { c.Rule = schema.RuleSum }), "rule sum does not merge type text"},
	{"text of a number", on("count", func(c *schema.Column) { c.Rule = schema.RuleText }), "rule text does not merge type int"},
	{"tags by manual", on("text", func(c *schema.Column) { c.Type = schema.TypeTags }), "rule manual does not merge type tags"},
	{"flow by manual", on("state", func(c *schema.Column) { c.Rule = schema.RuleManual }), "rule manual does not merge type flow"},
	{"flow without flow", on("state", func(c *schema.Column) { c.Flow = nil }), "a flow belongs to a column of type flow"},
	{"sum in a group", func(t *schema.Table) { t.Column("x").Rule, t.Column("y").Rule = schema.RuleSum, schema.RuleSum }, "rule sum merges single columns"},
	{"two rules in a group", on("x", func(c *schema.Column) { c.Rule = schema.RuleOnce }), "must name one rule and one since-version"},
	{"a group of one", on("x", func(c *schema.Column) { c.Group = "" }), "group spot needs a plain name and two columns"},
	{"a group named as a column", func(t *schema.Table) { t.Column("x").Group, t.Column("y").Group = "text", "text" }, "group text has the name of a column"},
	{"no bounds", on("count", func(c *schema.Column) { c.Max = 0 }), "item.count: bounds 0..0 must ascend"},
	{"bounds too wide", on("count", func(c *schema.Column) { c.Max = schema.MaxInt + 1 }), "must ascend within"},
	{"least length", on("text", func(c *schema.Column) { c.Min = 1 }), "a text has no least value"},
	{"enum without options", on("text", func(c *schema.Column) { c.Type = schema.TypeEnum }), "is an enum without options"},
	{"options of a text", on("text", func(c *schema.Column) { c.Options = []schema.Option{{Value: "a", Label: label("a")}} }), "a text has no options"},
	{"two options of one name", on("text", func(c *schema.Column) {
		c.Type, c.Options = schema.TypeEnum, []schema.Option{{Value: "a", Label: label("a")}, {Value: "b", Label: label("A")}}
	}), "means both a and b"},
	{"open phone", on("text", func(c *schema.Column) { c.Type = schema.TypePhone }), "a phone is personal data"},
	{"ID number in the open", on("text", func(c *schema.Column) { c.Type, c.Privacy = schema.TypeIDNumber, schema.Masked }), "ID numbers live in a narrow scope"},
	{"young and required", on("text", func(c *schema.Column) { c.Since, c.Required = 2, true }), "is younger than its table, so it cannot be required"},
	{"older than its table", func(t *schema.Table) {
		t.Since = 2
		for i := range t.Columns {
			t.Columns[i].Since = 2
		}
		t.Column("text").Since = 1
	}, "item.text is older than its table"},
	{"ref to nowhere", on("text", func(c *schema.Column) { c.Type, c.Ref = schema.TypeRef, "nosuch" }), `refers to table "nosuch", which is not in the book`},
	{"ref into another household", on("text", func(c *schema.Column) { c.Type, c.Ref = schema.TypeRef, "secret" }), "points into another scope"},
	{"a ref that is none", on("text", func(c *schema.Column) { c.Ref = "user" }), "refers to user, but is no ref"},
	{"author of another table", on("author", func(c *schema.Column) { c.Ref = "household" }), "the author column author must be"},
	{"no author column", func(t *schema.Table) { t.Author = "nosuch" }, "the author column nosuch must be"},
	{"no twin column", func(t *schema.Table) { t.Twin = "nosuch" }, "the twin column nosuch must be a text"},
	{"readers of a wide scope", func(t *schema.Table) { t.Readers = cadre }, "names readers, but its scope is not narrow"},
	{"a place that is none", func(t *schema.Table) { t.Place = true }, "must be a directory and a tree of its own kind"},
	{"a directory in a household", func(t *schema.Table) { t.Directory = true }, "a directory belongs to no household"},
	{"keep without period", func(t *schema.Table) { t.Keep = 3 }, "has no period, so phones keep it for ever"},
	{"period of a parent without", func(t *schema.Table) { t.Period = schema.PeriodParent }, "takes its parent's period, but the parent has none"},
	{"held longer than its parent", func(t *schema.Table) {
		t.Parent = "visit"
		c := t.Column("household")
		c.Name, c.Ref = "visit", "visit"
	}, "must take its parent's period: phones forget the parent by it"},
	{"keep of less than nothing", func(t *schema.Table) { t.Period, t.Keep = schema.PeriodMonth, -1 }, "keeps a negative number of months"},
	{"a tree within a household", func(t *schema.Table) { t.Column("household").Ref = "item" }, "is a tree of its own kind, so its scope must be its own"},
	{"two keeps in one scope", func(t *schema.Table) { t.Period, t.Keep = schema.PeriodMonth, 5 }, "a bucket is kept or forgotten whole"},
	{"permit for nobody", func(t *schema.Table) { t.Delete = []schema.Permit{{}} }, "a permit to delete names no role"},
	{"permit for a stranger", func(t *schema.Table) { t.Delete = []schema.Permit{{Roles: []schema.Role{"king"}}} }, `unknown role "king"`},
	{"permit of no column", func(t *schema.Table) {
		t.Change = append(t.Change, schema.Permit{Roles: cadre, Columns: []string{"nosuch"}})
	}, "names nosuch, which is no column"},
	{"permit of nothing", func(t *schema.Table) { t.Change = append(t.Change, schema.Permit{Roles: cadre, Columns: []string{}}) }, "has an empty list of columns"},
	{"permit of half a group", func(t *schema.Table) {
		t.Change = append(t.Change, schema.Permit{Roles: cadre, Columns: []string{"x"}})
	}, "names x without y"},
	{"permit of the server's", func(t *schema.Table) {
		t.Change = append(t.Change, schema.Permit{Roles: cadre, Columns: []string{"stamp"}})
	}, "which only the server writes"},
	{"permit in no state", func(t *schema.Table) {
		t.Change = append(t.Change, schema.Permit{Roles: cadre, States: []string{"gone"}})
	}, "names gone, which is no state"},
	{"create in a state", func(t *schema.Table) { t.Create[0].States = []string{"open"} }, "a new row has none yet"},
	{"delete of columns", func(t *schema.Table) { t.Delete[0].Columns = []string{"text"} }, "rows are deleted whole"},
	{"own without author", func(t *schema.Table) { t.Author = "" }, "the table has no author"},
	{"append and change", func(t *schema.Table) { t.Append = true }, "is append-only, so nobody may change it"},
	{"lock in no state", func(t *schema.Table) { t.Locks[0].States = []string{"gone"} }, "a lock names gone, which is no state"},
	{"lock without states", func(t *schema.Table) { t.Locks[0].States = nil }, "a lock needs a state column and states"},
	{"lock of the state", func(t *schema.Table) { t.Locks[0].Columns = []string{"state"} }, "moves are ruled by the flow"},
	{"lock of no column", func(t *schema.Table) { t.Locks[0].Columns = []string{"nosuch"} }, "a lock names nosuch, which is no column"},
	{"two flows", func(t *schema.Table) {
		second := *t.Column("state")
		second.Name, second.Label = "second", label("second")
		t.Columns = append(t.Columns, second)
	}, "has 2 state columns"},
	{"initial state", on("state", func(c *schema.Column) { c.Flow.Initial = "gone" }), `the initial state "gone" is not declared`},
	{"move to nowhere", on("state", func(c *schema.Column) {
		c.Flow.Moves = append(c.Flow.Moves, schema.Move{From: "open", To: "gone", Roles: cadre})
	}), "open → gone is not between two declared states"},
	{"move twice", on("state", func(c *schema.Column) { c.Flow.Moves = append(c.Flow.Moves, c.Flow.Moves[0]) }), "open → shut is declared twice"},
	{"move by nobody", on("state", func(c *schema.Column) { c.Flow.Moves[0].Roles = nil }), "the move open → shut names no role"},
	{"move by who may not change", on("state", func(c *schema.Column) { c.Flow.Moves[0].Roles = []schema.Role{schema.RoleCity} }), "city may move open → shut, but no permit lets it"},
	{"state out of reach", on("state", func(c *schema.Column) {
		c.Flow.States = append(c.Flow.States, schema.Option{Value: "lost", Label: label("lost")})
	}), "nothing leads to the state lost"},
	{"row rule of no column", func(t *schema.Table) { t.Rules[0].Columns = []string{"nosuch", "x"} }, "reads nosuch, which is no column"},
	{"row rule of one column", func(t *schema.Table) { t.Rules[0].Columns = []string{"x"} }, "is about one column"},
	{"row rule without condition", func(t *schema.Table) { t.Rules[0].Holds = nil }, "has no condition"},
	{"row rule against an empty row", func(t *schema.Table) { t.Rules[0].Holds = func(func(string) schema.Value) bool { return false } }, "must hold for a row with nothing in it"},
	{"row rule twice", func(t *schema.Table) { t.Rules = append(t.Rules, t.Rules[0]) }, `row rule "few" needs a plain name of its own`},
	{"one header, two columns", on("text", func(c *schema.Column) { c.Headers = []string{"Ｃount"} }), `means both`},
}

func TestEveryLawIsHeld(t *testing.T) {
	product := schema.Minqing()
	book := func(item *schema.Table) error {
		secret := &schema.Table{Name: "secret", Label: label("secret"), Parent: "household", Scope: schema.ScopeNarrow, Columns: []schema.Column{
			{Name: "household", Label: label("household"), Type: schema.TypeRef, Ref: "household", Required: true, Rule: schema.RuleOnce}}}
		later := &schema.Table{Name: "later", Label: label("later"), Scope: schema.ScopeOwn}
		_, err := schema.NewBook(2, append(rootTables(), product.Table("visit"), secret, item, later)...)
		return err
	}
	if err := book(sound()); err != nil {
		t.Fatal(err)
	}
	for _, c := range lawCases {
		t.Run(c.name, func(t *testing.T) {
			item := sound()
			item.Columns = slices.Clone(item.Columns)
			c.spoil(item)
			if err := book(item); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got %v", c.want, err)
			}
		})
	}
}

func TestATableIsDeclaredOnce(t *testing.T) {
	if _, err := schema.NewBook(1, append(rootTables(), rootTables()[0])...); err == nil || !strings.Contains(err.Error(), "place is declared twice") {
		t.Errorf("got %v", err)
	}
}

// The product's links, each with where it points: a link that changes its kind is a decision, not an accident.
func TestLinksOfTheProduct(t *testing.T) {
	b := schema.Minqing()
	within := []string{"household_word.card", "household_word.matter"} // what the household says is about its own matter, by its own card
	for _, table := range b.Tables() {
		for i := range table.Columns {
			c := &table.Columns[i]
			if c.Type != schema.TypeRef {
				continue
			}
			want := schema.LinkDirectory
			if c.Name == table.Parent {
				want = schema.LinkParent
			} else if slices.Contains(within, table.Name+"."+c.Name) {
				want = schema.LinkWithin
			}
			if got := b.Link(table, c); got != want {
				t.Errorf("%s.%s is of kind %d, want %d", table.Name, c.Name, got, want)
			}
		}
	}
}

func TestLinkKinds(t *testing.T) {
	ref := func(name, table string) schema.Column {
		return schema.Column{Name: name, Label: label(name), Type: schema.TypeRef, Ref: table, Rule: schema.RuleManual}
	}
	item := sound()
	item.Columns = append(item.Columns, ref("other", "item"), ref("home", "household"))
	inner := &schema.Table{Name: "inner", Label: label("inner"), Parent: "item", Scope: schema.ScopeNarrow, Columns: []schema.Column{
		ref("item", "item"), ref("beside", "inner"), ref("above", "item"), ref("house", "household"), ref("who", "user")}}
	inner.Columns[0].Required = true
	b, err := schema.NewBook(1, append(rootTables(), item, inner)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		table, column string
		want          schema.Link
	}{
		{"item", "household", schema.LinkParent}, {"item", "other", schema.LinkWithin}, {"item", "home", schema.LinkWithin}, {"item", "author", schema.LinkDirectory},
		{"item", "text", schema.LinkNone}, {"inner", "beside", schema.LinkWithin}, {"inner", "above", schema.LinkUp}, {"inner", "house", schema.LinkUp},
		{"inner", "who", schema.LinkDirectory},
	} {
		if got := b.Link(b.Table(c.table), b.Table(c.table).Column(c.column)); got != c.want {
			t.Errorf("%s.%s is of kind %d, want %d", c.table, c.column, got, c.want)
		}
	}
}
