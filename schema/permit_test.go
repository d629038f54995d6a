package schema_test

import (
	"slices"
	"testing"

	"minqing/schema"
	"minqing/schema/schematest"
)

func roles(r ...schema.Role) []schema.Role { return r }

func TestRightsOfTheProduct(t *testing.T) {
	b := schema.Minqing()
	const change, create, remove = schema.OpChange, schema.OpCreate, schema.OpDelete
	for _, c := range []struct {
		who   schema.Role
		op    schema.Op
		table string
		cell  string
		state string
		own   bool
		want  bool
	}{
		{schema.RoleCadre, change, "household", "low_income", "", false, true},
		{schema.RoleCadre, change, "household", "position", "", false, true},
		{schema.RoleCadre, change, "household", "place", "", false, false},
		{schema.RoleCadre, change, "household", "nosuch", "", false, false},
		{schema.RoleAdmin, change, "household", "place", "", false, true},
		{schema.RoleHandler, change, "household", "note", "", false, false},
		{schema.RoleCadre, create, "household", "", "", false, false},
		{schema.RoleCadre, create, "resident", "name", "", false, true},
		{schema.RoleCadre, create, "resident", "id_masked", "", false, false},
		{schema.RoleServer, create, "resident", "id_masked", "", false, true},
		{schema.RoleServer, change, "resident", "id_masked", "living", false, true},
		{schema.RoleAdmin, change, "resident", "id_masked", "living", false, false},
		{schema.RoleCadre, change, "resident", "phone", "living", false, true},
		{schema.RoleCadre, change, "resident", "phone", "died", false, false},
		{schema.RoleAdmin, change, "resident", "phone", "died", false, true},
		{schema.RoleCadre, create, "identity", "id_number", "", false, false},
		{schema.RoleSecretary, create, "identity", "id_number", "", false, true},
		{schema.RoleCadre, create, "visit", "day", "", true, true},
		{schema.RoleCadre, create, "visit", "day", "", false, false},
		{schema.RoleMediator, create, "visit", "day", "", true, false},
		{schema.RoleAdmin, change, "visit", "day", "", true, false},
		{schema.RoleServer, change, "visit", "day", "", true, false},
		{schema.RoleCadre, remove, "visit", "", "", true, true},
		{schema.RoleCadre, remove, "visit", "", "", false, false},
		{schema.RoleAdmin, remove, "visit", "", "", false, true},
		{schema.RoleCadre, change, "journal", "text", "draft", true, true},
		{schema.RoleCadre, change, "journal", "text", "draft", false, false},
		{schema.RoleCadre, change, "journal", "text", "accepted", true, false},
		{schema.RoleSecretary, change, "journal", "state", "submitted", false, true},
		{schema.RoleSecretary, change, "journal", "text", "submitted", false, false},
		{schema.RoleAdmin, change, "journal", "author", "draft", false, false},
		{schema.RoleTownship, change, "matter", "kind", "discussing", false, true},
		{schema.RoleTownship, change, "matter", "kind", "answered", false, false},
		{schema.RoleTownship, change, "matter", "author", "discussing", false, false},
		{schema.RoleCadre, create, "user", "name", "", false, false},
	} {
		var got bool
		table := b.Table(c.table)
		switch c.op {
		case create:
			var cells []string
			if c.cell != "" {
				cells = append(cells, c.cell)
			}
			got = b.MayCreate(table, roles(c.who), c.own, cells...)
		case change:
			got = b.MayChange(table, roles(c.who), c.own, c.cell, c.state)
		case remove:
			got = b.MayDelete(table, roles(c.who), c.own, c.state)
		}
		if got != c.want {
			t.Errorf("%s may %s %s.%s in state %q, own %v: %v", c.who, c.op, c.table, c.cell, c.state, c.own, got)
		}
	}
}

func TestRolesAddUp(t *testing.T) {
	b := schema.Minqing()
	journal := b.Table("journal")
	both := roles(schema.RoleHandler, schema.RoleSecretary)
	if !b.MayChange(journal, both, false, "state", "submitted") || b.MayChange(journal, nil, true, "text", "draft") || b.MayCreate(journal, nil, true) {
		t.Error("any one of the roles gives the right, and none gives none")
	}
	if b.Locked(b.Table("resident"), "phone", "died", roles(schema.RoleCadre, schema.RoleAdmin)) {
		t.Error("a lock spares whoever holds one of its exceptions")
	}
}

func TestCreationBringsParentAndAuthor(t *testing.T) {
	b := schema.Minqing()
	if !b.MayCreate(b.Table("matter"), roles(schema.RoleCadre), true, "household", "author", "title", "state") {
		t.Error("a cadre records a matter")
	}
	narrow := sound()
	narrow.Create = []schema.Permit{{Roles: roles(schema.RoleCadre), Columns: []string{"text"}}}
	nb, err := schema.NewBook(1, append(rootTables(), narrow)...)
	if err != nil {
		t.Fatal(err)
	}
	item := nb.Table("item")
	if !nb.MayCreate(item, roles(schema.RoleCadre), false, "household", "author", "text") {
		t.Error("a permit for one column lets it be written, with parent and author")
	}
	if nb.MayCreate(item, roles(schema.RoleCadre), false, "household", "author", "text", "count") {
		t.Error("a permit for one column lets no other be written")
	}
}

func TestMovesAndLocks(t *testing.T) {
	b := schematest.Book()
	thing := b.Table("thing")
	flow := thing.FlowColumn().Flow
	for _, c := range []struct {
		who      schema.Role
		from, to string
		want     bool
	}{
		{schema.RoleCadre, "open", "doing", true}, {schema.RoleCadre, "doing", "doing", true}, {schema.RoleCadre, "open", "closed", false},
		{schema.RoleCadre, "closed", "doing", false}, {schema.RoleSecretary, "closed", "doing", true}, {schema.RoleHandler, "open", "doing", false},
		{schema.RoleServer, "closed", "doing", true}, {schema.RoleServer, "open", "closed", false},
	} {
		if got := flow.MayMove(roles(c.who), c.from, c.to); got != c.want {
			t.Errorf("%s moves %s → %s: %v", c.who, c.from, c.to, got)
		}
	}
	for _, c := range []struct {
		cell, state string
		who         schema.Role
		want        bool
	}{
		{"name", "closed", schema.RoleCadre, true}, {"name", "dropped", schema.RoleCadre, true}, {"name", "doing", schema.RoleCadre, false},
		{"name", "closed", schema.RoleAdmin, false}, {"name", "closed", schema.RoleServer, false}, {"total", "closed", schema.RoleCadre, false},
		{"position", "closed", schema.RoleCadre, true}, {"state", "closed", schema.RoleCadre, false}, {"nosuch", "closed", schema.RoleCadre, false},
	} {
		if got := b.Locked(thing, c.cell, c.state, roles(c.who)); got != c.want {
			t.Errorf("%s is locked to %s in %s: %v", c.cell, c.who, c.state, got)
		}
	}
	if flow.State(schema.Null) != "open" || flow.State(schema.Text("doing")) != "doing" {
		t.Error("a row made without a state is in the initial one")
	}
	everything := sound()
	everything.Locks = []schema.Lock{{States: []string{"shut"}}}
	eb, err := schema.NewBook(1, append(rootTables(), everything)...)
	if err != nil {
		t.Fatal(err)
	}
	if item := eb.Table("item"); !eb.Locked(item, "text", "shut", roles(schema.RoleCadre)) || eb.Locked(item, "state", "shut", roles(schema.RoleCadre)) {
		t.Error("a lock without columns holds every cell but the state")
	}
}

// The matrix is read by consoles and people; it says just what the functions do.
func TestMatrixSaysWhatTheFunctionsDo(t *testing.T) {
	for _, b := range []*schema.Book{schema.Minqing(), schematest.Book()} {
		m := b.Matrix()
		granted := func(table string, who schema.Role, op schema.Op, own bool, cell, state string) bool {
			return slices.ContainsFunc(m, func(g schema.Grant) bool {
				return g.Table == table && g.Role == who && g.Op == op && (own || !g.Own) && (cell == "" || slices.Contains(g.Cells, cell)) &&
					(g.States == nil || slices.Contains(g.States, state))
			})
		}
		for _, table := range b.Tables() {
			states := []string{""}
			if f := table.FlowColumn(); f != nil {
				states = nil
				for _, s := range f.Flow.States {
					states = append(states, s.Value)
				}
			}
			for _, who := range append(slices.Clone(schema.Roles), schema.RoleServer) {
				for _, own := range []bool{false, table.Author != ""} {
					for _, cell := range b.Cells(table.Name) {
						if got, want := granted(table.Name, who, schema.OpCreate, own, cell.Name, ""), b.MayCreate(table, roles(who), own, cell.Name); got != want {
							t.Errorf("create %s.%s by %s, own %v: matrix %v, function %v", table.Name, cell.Name, who, own, got, want)
						}
						for _, s := range states {
							if got, want := granted(table.Name, who, schema.OpChange, own, cell.Name, s), b.MayChange(table, roles(who), own, cell.Name, s); got != want {
								t.Errorf("change %s.%s in %q by %s, own %v: matrix %v, function %v", table.Name, cell.Name, s, who, own, got, want)
							}
						}
					}
					for _, s := range states {
						if got, want := granted(table.Name, who, schema.OpDelete, own, "", s), b.MayDelete(table, roles(who), own, s); got != want {
							t.Errorf("delete %s in %q by %s, own %v: matrix %v, function %v", table.Name, s, who, own, got, want)
						}
					}
				}
			}
		}
	}
}
