package sim

import (
	"fmt"

	"minqing/schema"
	"minqing/syncproto"
)

// The cast is the same in every history: a city of two townships and three villages, four households, and the people who care for them.

func fixedID(n int) string { return fmt.Sprintf("018f0000-0000-7000-8000-%012x", n) }

// The places and people of the cast, by the ids that they have in every history.
var (
	city        = fixedID(0x10)
	townships   = []string{fixedID(0x11), fixedID(0x12)}
	villages    = []string{fixedID(0x21), fixedID(0x22), fixedID(0x23)}
	groups      = []string{fixedID(0x31), fixedID(0x32), fixedID(0x33), fixedID(0x34)}
	households  = []string{fixedID(0x41), fixedID(0x42), fixedID(0x43), fixedID(0x44)}
	adminUser   = fixedID(0x51)
	townUser    = fixedID(0x52)
	secretaries = []string{fixedID(0x53), fixedID(0x54)}
	cadres      = []string{fixedID(0x61), fixedID(0x62), fixedID(0x63), fixedID(0x64)}
)

// seedRow is one row of the cast.
type seedRow struct {
	table, id string
	cells     []any // pairs of column and value
}

// castRows lists the rows of the cast, parents first.
func castRows() []seedRow {
	out := []seedRow{{"place", city, []any{"level", "city", "name", "市"}}}
	for i, t := range townships {
		out = append(out, seedRow{"place", t, []any{"parent", city, "level", "township", "name", fmt.Sprint("镇", i+1)}})
	}
	for i, v := range villages {
		out = append(out, seedRow{"place", v, []any{"parent", townships[i/2], "level", "village", "name", fmt.Sprint("村", i+1)}})
	}
	for i, g := range groups {
		out = append(out, seedRow{"place", g, []any{"parent", villages[min(i, 2)], "level", "group", "name", fmt.Sprint("组", i+1)}})
	}
	role := 0x70
	person := func(id, place, name string, as schema.Role, over string) {
		out = append(out, seedRow{"user", id, []any{"place", place, "login", name, "name", name}},
			seedRow{"role", fixedID(role), []any{"user", id, "role", string(as), "place", over}})
		role++
	}
	person(adminUser, city, "admin", schema.RoleAdmin, city)
	person(townUser, townships[0], "town", schema.RoleTownship, townships[0])
	person(secretaries[0], villages[0], "sec1", schema.RoleSecretary, villages[0])
	person(secretaries[1], villages[1], "sec2", schema.RoleSecretary, villages[1])
	for i, c := range cadres {
		person(c, villages[min(i, 2)], fmt.Sprint("cadre", i+1), schema.RoleCadre, city)
	}
	for i, h := range households {
		out = append(out, seedRow{"household", h, []any{"place", groups[i], "code", fmt.Sprint("H", i+1), "note", canary(0x100 + i)}})
	}
	for i, pair := range [][2]int{{0, 0}, {0, 1}, {1, 1}, {1, 2}, {2, 2}, {2, 3}, {3, 0}, {3, 3}} {
		out = append(out, seedRow{"assignment", fixedID(0x80 + i), []any{"household", households[pair[1]], "user", cadres[pair[0]], "team", "cadre", "since", "2025-01-01"}})
	}
	for i, h := range households {
		out = append(out, seedRow{"thing", fixedID(0x90 + i), []any{"household", h, "name", canary(0x110 + i), "story", "初记" + canary(0x120+i) + "。"}})
	}
	return out
}

// canary is a word that stands in one place of the whole history: wherever it turns up, it came from there.
func canary(n int) string { return fmt.Sprintf("鸟%05x雀", n) }

// creation is the edit that makes a row.
func (r *seedRow) creation(book *schema.Book) syncproto.Edit {
	e := syncproto.Edit{Table: r.table, Row: syncproto.RowID(r.id), Op: syncproto.OpCreate}
	for _, c := range book.Cells(r.table) {
		for i := 0; i < len(r.cells); i += 2 {
			if r.cells[i] == c.Name {
				e.Cells = append(e.Cells, syncproto.CellEdit{Cell: c.Name, Value: schema.Text(r.cells[i+1].(string))})
			}
		}
	}
	return e
}
