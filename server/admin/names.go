package admin

import (
	"strings"

	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// nameColumns say by which columns people know the rows of a table.
var nameColumns = map[string][]string{
	"place": {"name"}, "user": {"name", "login"}, "household": {"code", "head"}, "resident": {"name"}, "matter": {"title"}, "visit": {"day", "met"},
	"assignment": {"team", "since"}, "role": {"role"}, "device": {"label"}, "contact_card": {"serial"}, "journal": {"text"}, "own_export": {"day", "rows"}, "reminder": {"day", "text"}, "household_word": {"day", "mark"},
}

// rowName is what people call a row: the table's label, what they know it by, and the household that it belongs to. A dead row is known by
// its last words.
func (d *Desk) rowName(tx *store.Tx, table string, id syncproto.RowID) (string, error) {
	t := tx.Book().Table(table)
	if t == nil {
		return table + " " + string(id), nil
	}
	rows, err := rowsOf(tx, table, string(id))
	if err != nil {
		return "", err
	}
	r, lives := rows[id]
	parts := []string{t.Label.ZH}
	for _, c := range nameColumns[table] {
		if col := t.Column(c); lives && col != nil {
			if s := col.Show(r.value(c), schema.ZH, d.E.Zone); s != "" {
				parts = append(parts, clip(s))
			}
		}
	}
	if len(parts) == 1 {
		parts = append(parts, string(id))
	}
	name := strings.Join(parts, " ")
	stored, err := tx.Rows([]string{string(id)})
	if err != nil || len(stored) == 0 || table == "household" {
		return name, err
	}
	of, household := schema.SplitScope(stored[0].Scope)
	if of != "household" && of != "identity" {
		return name, nil
	}
	homes, err := rowsOf(tx, "household", household)
	if h, ok := homes[syncproto.RowID(household)]; ok {
		name += "（户 " + h.text("code") + "）"
	}
	return name, err
}

// clip keeps a name short.
func clip(s string) string {
	const most = 24
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// userNames are the names of users by id, with their posts.
func userNames(tx *store.Tx, ids []string) (map[syncproto.UserID]string, error) {
	rows, err := rowsOf(tx, "user", ids...)
	out := map[syncproto.UserID]string{"": "系统"}
	for id, r := range rows {
		name := r.text("name")
		if post := r.text("post"); post != "" {
			name += "（" + post + "）"
		}
		out[syncproto.UserID(id)] = name
	}
	return out, err
}

// findRow finds a row by what people call it: a household's code, a user's login, a place's code or name; of every table by its id.
func findRow(tx *store.Tx, table, ref string) (*schema.Table, syncproto.RowID, error) {
	t, err := findTable(tx.Book(), table)
	if err != nil {
		return nil, "", err
	}
	if schema.ValidID(ref) {
		stored, err := tx.Rows([]string{ref})
		if err != nil {
			return nil, "", err
		}
		if len(stored) == 1 && stored[0].Table == t.Name {
			return t, syncproto.RowID(ref), nil
		}
		return nil, "", notFound("find row", "没有这条记录。", "There is no such row.", syncproto.Both("请核对编号。", "Check the id."))
	}
	switch t.Name {
	case "household":
		ids, err := register.FindHouseholds(tx, "", []string{ref})
		if err != nil {
			return nil, "", err
		}
		return t, ids[0], nil
	case "user":
		u, err := findUser(tx, ref)
		return t, syncproto.RowID(u.ID), err
	case "place":
		p, err := register.FindPlace(tx, ref)
		return t, syncproto.RowID(p.ID), err
	}
	return nil, "", wrong("find row", "“"+ref+"”不是记录的编号。", "This is no id of a row.", syncproto.Both("编号像 01a20be2-6536-7311-a7dd-ade6136664d3 这样。", "Ids are UUIDs."))
}

// show is a value of a column as people read it, hidden behind its mask unless whole is set.
func (d *Desk) show(c *schema.Column, v schema.Value, whole bool) string {
	s := c.Show(v, schema.ZH, d.E.Zone)
	if !whole && c.Privacy == schema.Masked && s != "" {
		if c.Type == schema.TypeIDNumber {
			return schema.MaskIDNumber(s)
		}
		return schema.MaskPhone(s)
	}
	return s
}

// showCell is show for a cell, the columns of a group side by side.
func (d *Desk) showCell(c *schema.Cell, v schema.Value, whole bool) string {
	var parts []string
	for i, part := range c.Split(v) {
		parts = append(parts, d.show(c.Columns[i], part, whole))
	}
	return strings.Join(parts, "，")
}

// cellLabel is what people call a cell.
func cellLabel(c *schema.Cell) string {
	var parts []string
	for _, col := range c.Columns {
		parts = append(parts, col.Label.ZH)
	}
	return strings.Join(parts, "、")
}
