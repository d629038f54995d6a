package conflict

import (
	"slices"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// readAround reads the row as it shows.
func (d *Desk) readAround(tx *store.Tx, v *View) error {
	t := tx.Book().Table(v.item.Table)
	if t == nil {
		return nil
	}
	around := v.item.Around
	if !slices.ContainsFunc(around, func(x schema.Value) bool { return !x.IsNull() }) { // it is deleted: whoever decides whether it stays sees what it was
		var err error
		if around, err = lastValues(tx, t, v.item.Row); err != nil {
			return err
		}
	}
	for i, value := range around {
		c := &t.Columns[i]
		cell := &schema.Cell{Name: c.Name, Columns: []*schema.Column{c}, Rule: c.Rule}
		asked := slices.Contains(v.item.Cells, c.Name) || c.Group != "" && slices.Contains(v.item.Cells, c.Group)
		text := d.show(cell, value)
		if c.Type == schema.TypeRef {
			if text == "" {
				continue
			}
			var err error
			if text, err = nameOf(tx, c.Ref, text); err != nil {
				return err
			}
		}
		if text != "" || asked {
			v.Row = append(v.Row, Field{c.Label.In(d.Lang), text, asked})
		}
	}
	return nil
}

// lastValues are what was written last into the plain columns of a row that is gone.
func lastValues(tx *store.Tx, t *schema.Table, id syncproto.RowID) ([]schema.Value, error) {
	versions, err := tx.Versions("row_id = ? ORDER BY seq, ord", string(id))
	if err != nil {
		return nil, err
	}
	out := make([]schema.Value, len(t.Columns))
	for _, v := range versions {
		for _, c := range v.Cells {
			for i := range t.Columns {
				if col := &t.Columns[i]; col.Name == c.Cell && col.Group == "" && col.Rule != schema.RuleSet && col.Rule != schema.RuleSum {
					out[i] = c.Value
				}
			}
		}
	}
	return out, nil
}

// nameOf is what people call a row that another refers to; "" when it has no name of its own.
func nameOf(tx *store.Tx, table, id string) (s string, err error) {
	column := map[string]string{"place": "name", "user": "name", "household": "head", "resident": "name", "visit": "day", "matter": "title"}[table]
	if column == "" {
		return "", nil
	}
	_, err = tx.One("SELECT COALESCE("+column+", '') FROM "+schema.Quote(table)+" WHERE id = ?", []any{id}, &s)
	return s, err
}

// mostEvents bounds what is told of a row's past.
const mostEvents = 8

// readBefore tells what happened to the row, newest first.
func (d *Desk) readBefore(tx *store.Tx, v *View) error {
	if v.item.Row == "" {
		return nil
	}
	versions, err := tx.Versions("row_id = ? ORDER BY received DESC, seq DESC, ord LIMIT ?", string(v.item.Row), int64(mostEvents))
	if err != nil {
		return err
	}
	var ids, changes []string
	for _, x := range versions {
		ids, changes = append(ids, string(x.Author)), append(changes, string(x.Identity))
	}
	behalf, err := tx.OnBehalf(changes)
	if err != nil {
		return err
	}
	for _, user := range behalf {
		ids = append(ids, string(user))
	}
	names := map[syncproto.UserID]string{}
	if err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.UserID
		var n string
		err := scan(&id, &n)
		names[id] = n
		return err
	}, `SELECT id, COALESCE(name, '') FROM "user" WHERE id = ANY(?)`, ids); err != nil {
		return err
	}
	deciders, err := decidersOf(tx, versions)
	if err != nil {
		return err
	}
	for _, x := range versions {
		e := Event{At: time.UnixMilli(x.Received).In(d.Zone), Who: names[x.Author], Op: x.Op, Undo: x.UndoOf != ""}
		if user := behalf[x.Identity]; user != "" {
			e.Who += d.text("（替"+names[user]+"收下）", " (let in for "+names[user]+")")
		}
		var cells []string
		if x.Author == "" {
			e.Who = deciders[x.Identity]
		}
		for _, c := range x.Cells {
			if cell := tx.Book().Cell(v.item.Table, c.Cell); cell != nil {
				cells = append(cells, d.label(cell))
			}
		}
		e.Cells = d.Lang.Join(cells)
		for _, s := range v.Sides {
			if s.change == x.Identity {
				e.Side = s.Mark
			}
		}
		v.Before = append(v.Before, e)
	}
	return nil
}

// decidersOf tells of changes that the server made by itself who had decided that.
func decidersOf(tx *store.Tx, versions []*store.Version) (map[syncproto.Identity]string, error) {
	var ids, users []string
	for _, x := range versions {
		if x.Author == "" {
			ids = append(ids, string(x.Identity))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	told, err := tx.Decisions(ids)
	if err != nil {
		return nil, err
	}
	by := map[syncproto.Identity]syncproto.UserID{}
	for id, kinds := range told {
		_, _, by[id] = judge.ReadDecision(kinds[0])
		users = append(users, string(by[id]))
	}
	names, _, err := people(tx, users, nil)
	out := map[syncproto.Identity]string{}
	for id, user := range by {
		out[id] = names[user].name
	}
	return out, err
}

// holder is somebody whose phone holds a household.
type holder struct {
	id        syncproto.UserID
	who, role string
	contact   bool // as its contact
}

// Others are those besides the authors who see what is decided. Of two that look like one it notes for each whose phones hold it.
func (d *Desk) Others(tx *store.Tx, v *View) (out []Seen, err error) {
	if v.Kind == syncproto.ItemTwin {
		for i, id := range []syncproto.RowID{v.item.Row, v.Other} {
			above, err := tx.RowsAbove([]string{string(id)})
			if err != nil {
				return nil, err
			}
			for _, r := range above {
				if r.Table == "household" {
					if v.Sides[i].holders, err = d.holders(tx, r.ID); err != nil {
						return nil, err
					}
				}
			}
		}
		return nil, nil
	}
	if v.home == "" {
		return nil, nil
	}
	all, err := d.holders(tx, v.home)
	for _, h := range all {
		if v.SideOf(h.id) == "" {
			out = append(out, Seen{Who: h.who, Role: h.role, Text: d.text("只看到定下来的内容", "sees only what is decided")})
		}
	}
	return out, err
}

// holders are those whose phones hold a household: its contacts, and the secretary, whose phone holds every household of the village.
func (d *Desk) holders(tx *store.Tx, home syncproto.RowID) (out []holder, err error) {
	today := time.UnixMilli(tx.Now()).In(d.Zone).Format(time.DateOnly)
	team := tx.Book().Table("assignment").Column("team")
	err = tx.Each(func(scan func(...any) error) error {
		var id syncproto.UserID
		var who, t string
		if err := scan(&id, &who, &t); err != nil {
			return err
		}
		out = append(out, holder{id, who, team.Show(schema.Text(t), d.Lang, nil), true})
		return nil
	}, `SELECT u.id, COALESCE(u.name, ''), COALESCE(a.team, '') FROM assignment a JOIN "user" u ON u.id = a."user" WHERE a.household = ? AND (a."until" IS NULL OR a."until" >= ?) ORDER BY u.name, u.id`,
		string(home), today)
	if err != nil {
		return nil, err
	}
	above, err := tx.RowsAbove([]string{string(home)})
	if err != nil {
		return nil, err
	}
	var places []string
	for _, r := range above {
		if r.Table == "place" {
			places = append(places, string(r.ID))
		}
	}
	err = tx.Each(func(scan func(...any) error) error {
		var id syncproto.UserID
		var who string
		if err := scan(&id, &who); err != nil {
			return err
		}
		out = append(out, holder{id, who, schema.RoleLabel(schema.RoleSecretary).In(d.Lang), false})
		return nil
	}, `SELECT DISTINCT u.id, COALESCE(u.name, '') FROM role r JOIN "user" u ON u.id = r."user" WHERE r.role = ? AND r.place = ANY(?) AND (r."until" IS NULL OR r."until" >= ?)
		AND (u.ended IS NULL OR u.ended >= ?) ORDER BY 2, 1`, string(schema.RoleSecretary), places, today, today)
	return out, err
}
