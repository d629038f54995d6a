package register

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Export is a register or a table to be written out. What is written of a register can be imported again, and changes nothing then.
type Export struct {
	Zone  *time.Location
	Whole bool // masked columns in full; whoever asks for it was put on record
}

// exportPage bounds the rows held in memory: households of a register, rows of a table.
const exportPage = 500

// Register writes the register under a place, one row a resident, households in the order of their groups and codes. A household without
// people has a row of its own. It gives the number of rows.
func (x Export) Register(tx *store.Tx, w *sheet.Writer, within Place) (int, error) {
	places, err := Beneath(tx, within.ID)
	if err != nil {
		return 0, err
	}
	byID := map[string]Place{}
	var ids []string
	for _, p := range places {
		byID[p.ID] = p
		ids = append(ids, p.ID)
	}
	households, err := tx.ValuesWhere(tableHousehold, "place", ids)
	if err != nil {
		return 0, err
	}
	t := tx.Book().Table(tableHousehold)
	order := slices.SortedFunc(maps.Keys(households), func(a, b syncproto.RowID) int {
		x, y := fields{t, households[a]}, fields{t, households[b]}
		return cmp.Or(Natural(byID[x.text("place")].Name, byID[y.text("place")].Name), Natural(x.text("code"), y.text("code")), cmp.Compare(a, b))
	})
	rows := 0
	for len(order) > 0 {
		n := min(len(order), exportPage)
		wrote, err := x.households(tx, w, within, byID, households, order[:n])
		if err != nil {
			return rows, err
		}
		rows, order = rows+wrote, order[n:]
	}
	return rows, nil
}

// Columns are the columns of an exported register: titles that imports know.
func Columns(b *schema.Book) []sheet.Column {
	var out []sheet.Column
	for _, h := range registerHeaders(b) {
		out = append(out, sheet.Column{Title: h.Names[0]})
	}
	return out
}

// registerHeaders are those of the form with people, the village first left out: a register is of one village.
func registerHeaders(b *schema.Book) []sheet.Header {
	return slices.DeleteFunc(layouts(b)[0].headers, func(h sheet.Header) bool { return h.Key == keyVillage })
}

func (x Export) households(tx *store.Tx, w *sheet.Writer, within Place, places map[string]Place, values map[syncproto.RowID][]schema.Value, order []syncproto.RowID) (int, error) {
	ids := make([]string, len(order))
	for i, id := range order {
		ids[i] = string(id)
	}
	people, err := tx.ValuesWhere(tableResident, "household", ids)
	if err != nil {
		return 0, err
	}
	b := tx.Book()
	members := map[syncproto.RowID][]syncproto.RowID{}
	var residents []string
	for _, id := range slices.SortedFunc(maps.Keys(people), byStanding(b.Table(tableResident), people)) {
		h := syncproto.RowID(fields{b.Table(tableResident), people[id]}.text("household"))
		members[h] = append(members[h], id)
		residents = append(residents, string(id))
	}
	identities, err := tx.ValuesWhere(tableIdentity, "resident", residents)
	if err != nil {
		return 0, err
	}
	numbers := map[string]string{}
	for _, v := range identities {
		f := fields{b.Table(tableIdentity), v}
		numbers[f.text("resident")] = f.text("id_number")
	}
	rows := 0
	for _, id := range order {
		house := fields{b.Table(tableHousehold), values[id]}
		group := places[house.text("place")].Name
		if house.text("place") == within.ID {
			group = ""
		}
		list := members[id]
		if len(list) == 0 {
			list = []syncproto.RowID{""}
		}
		for _, r := range list {
			person := fields{b.Table(tableResident), people[r]}
			if err := w.Row(x.registerRow(b, house, group, person, numbers[string(r)])...); err != nil {
				return rows, err
			}
			rows++
		}
	}
	return rows, nil
}

// byStanding orders the people of a household: its head, then the older before the younger.
func byStanding(t *schema.Table, people map[syncproto.RowID][]schema.Value) func(a, b syncproto.RowID) int {
	return func(a, b syncproto.RowID) int {
		x, y := fields{t, people[a]}, fields{t, people[b]}
		if head := isHead(x.text("relation")); head != isHead(y.text("relation")) {
			if head {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(x.text("birth"), y.text("birth")), cmp.Compare(x.text("name"), y.text("name")), cmp.Compare(a, b))
	}
}

func (x Export) registerRow(b *schema.Book, house fields, group string, person fields, number string) []string {
	var out []string
	for _, h := range registerHeaders(b) {
		table, column, _ := strings.Cut(h.Key, ".")
		switch {
		case h.Key == keyGroup:
			out = append(out, group)
		case h.Key == keyID:
			out = append(out, x.show(b.Table(tableIdentity).Column("id_number"), schema.Text(number)))
		case h.Key == keyLon, h.Key == keyLat:
			out = append(out, degrees(house.value(column)))
		case table == tableHousehold:
			out = append(out, x.show(b.Table(table).Column(column), house.value(column)))
		default:
			out = append(out, x.show(b.Table(table).Column(column), person.value(column)))
		}
	}
	return out
}

// degrees writes a coordinate as people do.
func degrees(v schema.Value) string {
	if v.IsNull() {
		return ""
	}
	return strconv.FormatFloat(float64(v.Num())/1e7, 'f', 7, 64)
}

// show is a value as people read it, behind its mask unless whole.
func (x Export) show(c *schema.Column, v schema.Value) string {
	s := c.Show(v, schema.ZH, x.Zone)
	if x.Whole || c.Privacy != schema.Masked || s == "" {
		return s
	}
	if c.Type == schema.TypeIDNumber {
		return schema.MaskIDNumber(s)
	}
	return schema.MaskPhone(s)
}

// idTitle names the column of ids in an exported table.
const idTitle = "编号 id"

// TableColumns are the columns of an exported table: the id, then the columns of the rule book.
func TableColumns(t *schema.Table) []sheet.Column {
	out := []sheet.Column{{Title: idTitle, Width: 38}}
	for i := range t.Columns {
		out = append(out, sheet.Column{Title: t.Columns[i].Label.ZH})
	}
	return out
}

// Table writes the living rows of a table in the order of their ids; those within a place if ids of scopes are given. References to places,
// users and households are written as people call them.
func (x Export) Table(tx *store.Tx, w *sheet.Writer, t *schema.Table, scopes map[string]bool) (int, error) {
	rows := 0
	for after := ""; ; {
		stored, err := tx.RowsWhere("tbl = ? AND dead = 0 AND id > ? ORDER BY id LIMIT ?", t.Name, after, int64(exportPage))
		if err != nil {
			return rows, err
		}
		var ids []string
		for _, r := range stored {
			after = string(r.ID)
			if scopes == nil || scopes[r.Scope] {
				ids = append(ids, string(r.ID))
			}
		}
		values, err := tx.Values(t.Name, ids)
		if err != nil {
			return rows, err
		}
		names, err := namesOf(tx, t, values)
		if err != nil {
			return rows, err
		}
		for _, id := range ids {
			cells := []string{id}
			for i := range t.Columns {
				v := values[syncproto.RowID(id)][i]
				if name := names[v.Str()]; t.Columns[i].Type == schema.TypeRef && name != "" {
					cells = append(cells, name)
					continue
				}
				cells = append(cells, x.show(&t.Columns[i], v))
			}
			if err := w.Row(cells...); err != nil {
				return rows, err
			}
			rows++
		}
		if len(stored) < exportPage {
			return rows, nil
		}
	}
}

// calledBy are the columns whose values people call rows by, where others refer to them.
var calledBy = map[string]string{tablePlace: "name", "user": "login", tableHousehold: "code", tableResident: "name"}

// namesOf finds what people call the places, users and households that rows refer to.
func namesOf(tx *store.Tx, t *schema.Table, rows map[syncproto.RowID][]schema.Value) (map[string]string, error) {
	out := map[string]string{}
	for i := range t.Columns {
		column, named := calledBy[t.Columns[i].Ref]
		if !named || t.Columns[i].Type != schema.TypeRef {
			continue
		}
		var ids []string
		for _, v := range rows {
			if id := v[i].Str(); id != "" && out[id] == "" {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		found, err := tx.Values(t.Columns[i].Ref, slices.Compact(ids))
		if err != nil {
			return nil, err
		}
		for id, v := range found {
			out[string(id)] = fields{tx.Book().Table(t.Columns[i].Ref), v}.text(column)
		}
	}
	return out, nil
}

// Natural compares names with numbers in them as people do: 2组 before 10组, 一组 before 二组.
func Natural(a, b string) int {
	return cmp.Or(cmp.Compare(SortKey(a), SortKey(b)), cmp.Compare(a, b))
}

// keyDigits is the width to which numbers are brought for comparing.
const keyDigits = 20

// SortKey is a text that sorts bytewise as people count: numbers in it by size.
func SortKey(s string) string {
	var out strings.Builder
	digits := ""
	flush := func() {
		if digits != "" {
			out.WriteString(strings.Repeat("0", max(0, keyDigits-len(digits))) + digits)
			digits = ""
		}
	}
	for _, r := range FoldGroup(s) {
		if r >= '0' && r <= '9' {
			digits += string(r)
			continue
		}
		flush()
		out.WriteRune(r)
	}
	flush()
	return out.String()
}
