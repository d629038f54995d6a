package conflict

import (
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// twins makes sides of two rows that look like one.
func (d *Desk) twins(tx *store.Tx, v *View) error {
	v.Sides = nil
	t := tx.Book().Table(v.item.Table)
	rows, err := tx.Values(t.Name, []string{string(v.item.Row), string(v.item.Other)})
	if err != nil {
		return err
	}
	meant := d.meant(tx.Book(), v) // what is merged, as people see it
	for i, id := range []syncproto.RowID{v.item.Row, v.item.Other} {
		s := Side{Mark: marks[i], Does: t.Label.In(d.Lang), holds: map[string]schema.Value{}}
		held := rows[id]
		if meant != t {
			above, err := tx.Values(meant.Name, []string{valueOf(rows[id], t, t.Parent).Str()})
			if err != nil {
				return err
			}
			held = above[syncproto.RowID(valueOf(rows[id], t, t.Parent).Str())]
		}
		for _, c := range tx.Book().Cells(meant.Name) {
			if !c.Group() && takesOver(meant, c.Columns[0]) {
				s.holds[c.Name] = valueOf(held, meant, c.Columns[0].Name)
			}
		}
		if t.Parent == "resident" { // a number alone tells nobody who they are
			of, err := d.kin(tx, id)
			if err != nil {
				return err
			}
			s.Cells = append(s.Cells, of...)
		}
		for k, value := range rows[id] {
			cell := &schema.Cell{Name: t.Columns[k].Name, Columns: []*schema.Column{&t.Columns[k]}, Rule: t.Columns[k].Rule}
			if text := d.show(cell, value); text != "" && t.Columns[k].Type != schema.TypeRef {
				s.Cells = append(s.Cells, SideCell{Label: t.Columns[k].Label.In(d.Lang), Text: text})
			}
		}
		v.Sides = append(v.Sides, s)
	}
	return nil
}

// meant is the table of the rows that become one: that of the twins, or of those above them.
func (d *Desk) meant(b *schema.Book, v *View) *schema.Table {
	t := b.Table(v.item.Table)
	if t.TwinAbove {
		return b.Table(t.Column(t.Parent).Ref)
	}
	return t
}

// kin is whose row below a person it is: the person, and the household with its group.
func (d *Desk) kin(tx *store.Tx, id syncproto.RowID) (out []SideCell, err error) {
	above, err := tx.RowsAbove([]string{string(id)})
	if err != nil {
		return nil, err
	}
	var person, head, group string
	for _, r := range above {
		switch r.Table {
		case "resident":
			_, err = tx.One("SELECT COALESCE(name, '') FROM resident WHERE id = ?", []any{string(r.ID)}, &person)
		case "household":
			_, err = tx.One("SELECT COALESCE(NULLIF(h.head, ''), h.code, ''), COALESCE(p.name, '') FROM household h LEFT JOIN place p ON p.id = h.place WHERE h.id = ?", []any{string(r.ID)}, &head, &group)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, x := range [][2]string{{"resident", person}, {"household", head + d.text("家", "'s home") + "，" + group}} {
		if t := tx.Book().Table(x[0]); t != nil && x[1] != "" {
			out = append(out, SideCell{Label: t.Label.In(d.Lang), Text: x[1]})
		}
	}
	return out, nil
}

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
	var ids []string
	for _, x := range versions {
		ids = append(ids, string(x.Author))
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
	for _, x := range versions {
		e := Event{At: time.UnixMilli(x.Received).In(d.Zone), Who: names[x.Author], Op: x.Op}
		var cells []string
		for _, c := range x.Cells {
			if cell := tx.Book().Cell(v.item.Table, c.Cell); cell != nil {
				cells = append(cells, d.label(cell))
			}
		}
		e.Cells = strings.Join(cells, "、")
		for _, s := range v.Sides {
			if s.change == x.Identity {
				e.Side = s.Mark
			}
		}
		v.Before = append(v.Before, e)
	}
	return nil
}

// Choice is a way to decide an item, by the key that the address and the form carry: a side’s number, both, third; keep and delete;
// distinct; take and refuse.
type Choice struct {
	Key    string
	Table  string
	Label  string
	Fields []Third // for third: what is to be written, with what shows
	Result []Value // what it comes to
	Sees   []Seen
}

// Third is a cell that somebody writes anew.
type Third struct {
	Name, Label, Text string
	Long              bool
	Options           []schema.Option
	Value             string
}

// Seen is what somebody will see.
type Seen struct{ Who, Role, Text string }

// Choices are the ways to decide an item.
func (d *Desk) Choices(b *schema.Book, v *View, others []Seen) (out []Choice) {
	take := func(i int) string { return d.text("采用", "Take ") + v.Sides[i].Mark }
	switch v.Kind {
	case syncproto.ItemDelete:
		out = []Choice{{Key: "keep", Label: d.text("留下", "Keep it")}, {Key: "delete", Label: d.text("删掉", "Delete it")}}
	case syncproto.ItemTwin:
		for i := range v.Sides {
			out = append(out, Choice{Key: marksKey(i), Label: d.text("合到", "Merge into ") + v.Sides[i].Mark, Fields: d.fields(b, v, i), Result: v.Sides[i].values()})
		}
		return append(out, Choice{Key: "distinct", Label: d.text("本来就是两个", "They are two")})
	case syncproto.ItemLate:
		out = []Choice{{Key: "take", Label: d.text("收下", "Take it")}, {Key: "refuse", Label: d.text("不收", "Leave it refused")}}
	default:
		for i := range v.Sides {
			out = append(out, Choice{Key: marksKey(i), Label: take(i), Result: d.resultOf(v, i)})
		}
		if text, ok := d.both(b, v); ok {
			out = append(out, Choice{Key: "both", Label: d.text("两者都留", "Keep both"), Result: []Value{{v.Shows[0].Label, text}}})
		}
		if third := d.third(b, v); len(third) > 0 {
			out = append(out, Choice{Key: "third", Table: v.item.Table, Label: d.text("另写", "Write another"), Fields: third})
		}
	}
	for i := range out {
		out[i].Sees = append(d.authors(v, &out[i]), others...)
	}
	return out
}

// takesOver tells whether a twin may take a column over: not what names it or where it lies, nor what merges by itself.
func takesOver(t *schema.Table, c *schema.Column) bool {
	return c.Name != t.Twin && c.Name != t.Parent && c.Type != schema.TypeRef && c.Flow == nil && c.Rule != schema.RuleSet && c.Rule != schema.RuleSum && c.Rule != schema.RuleServer && c.Rule != schema.RuleOnce
}

func valueOf(row []schema.Value, t *schema.Table, column string) schema.Value {
	for i := range t.Columns {
		if t.Columns[i].Name == column && i < len(row) {
			return row[i]
		}
	}
	return schema.Null
}

// fields are the cells in which two twins differ: of each, whose stays.
func (d *Desk) fields(b *schema.Book, v *View, keep int) (out []Third) {
	if len(v.Sides) != 2 {
		return nil
	}
	for _, c := range b.Cells(d.meant(b, v).Name) {
		mine, have := v.Sides[keep].holds[c.Name]
		other, there := v.Sides[1-keep].holds[c.Name]
		if !have || !there || mine == other {
			continue
		}
		x := Third{Name: c.Name, Label: d.label(&c), Value: marksKey(keep)}
		for i := range v.Sides {
			text := d.show(&c, v.Sides[i].holds[c.Name])
			if text == "" {
				text = d.text("（空）", "(empty)")
			}
			x.Options = append(x.Options, schema.Option{Value: marksKey(i), Label: schema.Label{ZH: v.Sides[i].Mark + "：" + text, EN: v.Sides[i].Mark + ": " + text}})
		}
		out = append(out, x)
	}
	return out
}

// TakenOver are the cells that the twin of a key takes over from the other, as a form says: by cell, whose stays.
func (v *View) TakenOver(key string, says func(cell string) string) map[string]schema.Value {
	out := map[string]schema.Value{}
	for i := range v.Sides {
		if marksKey(i) == key {
			continue
		}
		for cell, value := range v.Sides[i].holds {
			if says(cell) == marksKey(i) {
				out[cell] = value
			}
		}
	}
	return out
}

func marksKey(i int) string { return string(rune('1' + i)) }

func (s *Side) values() (out []Value) {
	for _, c := range s.Cells {
		out = append(out, Value{c.Label, c.Text})
	}
	return out
}

// resultOf is what taking a side comes to: its words, and for cells that it did not write what shows.
func (d *Desk) resultOf(v *View, side int) (out []Value) {
	for i, name := range v.item.Cells {
		if i >= len(v.Shows) {
			break
		}
		x := v.Shows[i]
		for _, c := range v.Sides[side].Cells {
			if c.name == name {
				x.Text = c.Text
			}
		}
		out = append(out, x)
	}
	return out
}

// both is the words of all sides one under the other, where the column can hold them.
func (d *Desk) both(b *schema.Book, v *View) (string, bool) {
	if len(v.item.Cells) != 1 || v.Kind != syncproto.ItemCell {
		return "", false
	}
	c := b.Cell(v.item.Table, v.item.Cells[0])
	if c == nil || c.Group() || c.Columns[0].Type != schema.TypeLong {
		return "", false
	}
	var parts []string
	for _, s := range v.Sides {
		for _, x := range s.Cells {
			if x.name == c.Name && x.Text != "" && !slices.Contains(parts, x.Text) {
				parts = append(parts, x.Text)
			}
		}
	}
	text := strings.Join(parts, "\n")
	most := c.Columns[0].Max
	return text, len(parts) > 1 && (most == 0 || int64(len([]rune(text))) <= most)
}

// third lists the cells to be written anew: none when one of them is a group.
func (d *Desk) third(b *schema.Book, v *View) (out []Third) {
	for _, name := range v.item.Cells {
		c := b.Cell(v.item.Table, name)
		if c == nil || c.Group() || c.Rule == schema.RuleSum || c.Rule == schema.RuleServer || c.Columns[0].Type == schema.TypeRef {
			return nil
		}
		col := c.Columns[0]
		value := v.item.Shows[name]
		x := Third{Name: name, Label: d.label(c), Text: col.Show(value, d.Lang, d.Zone), Long: col.Type == schema.TypeLong, Value: value.Str()}
		if col.Privacy == schema.Masked {
			x.Text = "" // it is written anew, not read here
		}
		if col.Type == schema.TypeEnum {
			x.Options = col.Options
		}
		if col.Flow != nil {
			x.Options = col.Flow.States
		}
		out = append(out, x)
	}
	return out
}

// authors are those who wrote, and what each is told.
func (d *Desk) authors(v *View, c *Choice) (out []Seen) {
	cells := make([]string, len(v.Shows))
	for i, s := range v.Shows {
		cells[i] = s.Label
	}
	about := strings.Join(cells, "、")
	for i := range v.Sides {
		s := &v.Sides[i]
		text := d.text("“采用了您写的。”", "“What you wrote was taken.”")
		switch {
		case c.Key == "third":
			text = d.text("“"+about+"另写了一个，您写的留着，点开能看。”", "“Something else was written for "+about+"; yours is kept.”")
		case c.Key == "both":
			text = d.text("“两人的话都留着。”", "“The words of both are kept.”")
		case c.Key == "keep" && s.delete, c.Key == "delete" && !s.delete, c.Key == "refuse":
			text = d.text("“没有照您写的办，您写的留着，点开能看。”", "“It was decided otherwise; what you wrote is kept.”")
		case len(c.Key) == 1 && c.Key != marksKey(i):
			other := v.Sides[int(c.Key[0]-'1')].Who
			text = d.text("“"+about+"采用了"+other+"写的，您写的留着，点开能看。”", "“For "+about+" what "+other+" wrote was taken; yours is kept.”")
		}
		out = append(out, Seen{Who: s.Who, Role: s.Mark, Text: text})
	}
	return out
}

// Decision is what a choice is to the judge. typed are the cells of a third, checked.
func (v *View) Decision(key string, base syncproto.Base, b *schema.Book, typed map[string]schema.Value) (out judge.Decision, ok bool) {
	out.Base = base
	switch {
	case v.Kind == syncproto.ItemTwin:
		if key == "1" || key == "2" {
			out.Winner = []syncproto.RowID{v.item.Row, v.item.Other}[key[0]-'1']
		}
		return out, out.Winner != "" || key == "distinct"
	case v.Kind == syncproto.ItemLate:
		out.Keep = key == "take"
		return out, out.Keep || key == "refuse"
	case v.Kind == syncproto.ItemDelete:
		out.Keep = key == "keep"
		return out, out.Keep || key == "delete"
	case key == "third":
		out.Values = typed
		return out, len(typed) > 0
	case key == "both":
		text, can := (&Desk{}).both(b, v)
		if can {
			out.Values = map[string]schema.Value{v.item.Cells[0]: schema.Text(text)}
		}
		return out, can
	}
	if len(key) == 1 && key[0] >= '1' && int(key[0]-'1') < len(v.Sides) {
		out.Pick = v.Sides[key[0]-'1'].change
		return out, true
	}
	return out, false
}

// Again is the edit that decides once more about an item that is closed, as after an undo: an ordinary one, over what the form showed.
func (v *View) Again(decision judge.Decision) (syncproto.Edit, bool) {
	e := syncproto.Edit{Table: v.item.Table, Row: v.item.Row, Op: syncproto.OpUpdate, Base: decision.Base}
	for _, name := range v.item.Cells {
		value, ok := decision.Values[name]
		for _, s := range v.item.Sides {
			for _, c := range s.Cells {
				if s.Change == decision.Pick && c.Cell == name {
					value, ok = c.Value, true
				}
			}
		}
		if ok {
			e.Cells = append(e.Cells, syncproto.CellEdit{Cell: name, Value: value})
		}
	}
	return e, v.Kind == syncproto.ItemCell && len(e.Cells) > 0
}

// SideOf is the key of the side that a user stands on, "" when he stands on none: how a decision carries over to an alike item.
func (v *View) SideOf(user syncproto.UserID) string {
	for i := range v.Sides {
		if v.Sides[i].user == user {
			return marksKey(i)
		}
	}
	return ""
}

// UserOf is who stands on the side of a key.
func (v *View) UserOf(key string) (syncproto.UserID, bool) {
	if len(key) != 1 || key[0] < '1' || int(key[0]-'1') >= len(v.Sides) {
		return "", false
	}
	return v.Sides[key[0]-'1'].user, true
}

// Others are those besides the authors who see what is decided: the household's contacts, and the secretary, whose phone holds every household
// of the village.
func (d *Desk) Others(tx *store.Tx, v *View) ([]Seen, error) {
	if v.home == "" {
		return nil, nil
	}
	today := time.UnixMilli(tx.Now()).In(d.Zone).Format(time.DateOnly)
	team := tx.Book().Table("assignment").Column("team")
	var out []Seen
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.UserID
		var who, t string
		if err := scan(&id, &who, &t); err != nil {
			return err
		}
		if v.SideOf(id) == "" {
			out = append(out, Seen{Who: who, Role: team.Show(schema.Text(t), d.Lang, nil), Text: d.text("只看到定下来的内容", "sees only what is decided")})
		}
		return nil
	}, `SELECT u.id, COALESCE(u.name, ''), COALESCE(a.team, '') FROM assignment a JOIN "user" u ON u.id = a."user" WHERE a.household = ? AND (a."until" IS NULL OR a."until" >= ?) ORDER BY u.name, u.id`,
		string(v.home), today)
	if err != nil {
		return nil, err
	}
	above, err := tx.RowsAbove([]string{string(v.home)})
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
		if v.SideOf(id) == "" {
			out = append(out, Seen{Who: who, Role: schema.RoleLabel(schema.RoleSecretary).In(d.Lang), Text: d.text("只看到定下来的内容", "sees only what is decided")})
		}
		return nil
	}, `SELECT DISTINCT u.id, COALESCE(u.name, '') FROM role r JOIN "user" u ON u.id = r."user" WHERE r.role = ? AND r.place = ANY(?) AND (r."until" IS NULL OR r."until" >= ?)
		AND (u.ended IS NULL OR u.ended >= ?) ORDER BY 2, 1`, string(schema.RoleSecretary), places, today, today)
	return out, err
}
