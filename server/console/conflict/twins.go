package conflict

import (
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// twins makes sides of two rows that look like one; who made each is told when the item is read whole.
func (d *Desk) twins(tx *store.Tx, v *View, whole bool) error {
	v.Sides = nil
	var makers [2]Side
	var err error
	if whole {
		if makers, err = d.makers(tx, v); err != nil {
			return err
		}
	}
	t := tx.Book().Table(v.item.Table)
	rows, err := tx.Values(t.Name, []string{string(v.item.Row), string(v.Other)})
	if err != nil {
		return err
	}
	meant := d.meant(tx.Book(), v) // what is merged, as people see it
	tellers := tellersOf(tx.Book(), t)
	compare := &twinTable{d: d, at: map[string]int{}}
	for i, id := range []syncproto.RowID{v.item.Row, v.Other} {
		s := makers[i]
		s.Mark, s.Does, s.holds = d.mark(i), t.Label.In(d.Lang), map[string]schema.Value{}
		held := rows[id]
		var cells []SideCell
		for _, of := range tellers {
			told, err := teller(tx, of, id)
			if err != nil {
				return err
			}
			if told != nil { // where one has none, that of the other is the one there is
				s.holds[of.Twin] = valueOf(told, of, of.Twin)
			}
			cells = append(cells, compare.add(of, told, i)...)
		}
		cells = append(cells, compare.add(t, rows[id], i)...)
		if meant != t {
			above, err := tx.Values(meant.Name, []string{valueOf(rows[id], t, t.Parent).Str()})
			if err != nil {
				return err
			}
			held = above[syncproto.RowID(valueOf(rows[id], t, t.Parent).Str())]
			compare.add(meant, held, i)
		}
		for _, c := range tx.Book().Cells(meant.Name) {
			if !c.Group() && takesOver(meant, c.Columns[0]) {
				s.holds[c.Name] = valueOf(held, meant, c.Columns[0].Name)
			}
		}
		if t.Parent == "resident" || t.Name == "resident" { // a number or a name alone tells nobody who they are
			of, err := d.kin(tx, id)
			if err != nil {
				return err
			}
			s.Cells = append(s.Cells, of...)
			for _, c := range of[min(1, len(of)):] { // the name stands among the columns
				compare.put(c.Label, c.Text, c.Text, i)
			}
		}
		s.Cells = append(s.Cells, cells...)
		v.Sides = append(v.Sides, s)
	}
	if rows[v.item.Row] != nil && rows[v.Other] != nil { // of one that is merged there is nothing to compare
		v.Differ, v.Same = compare.split()
	}
	var hidden []string
	for _, l := range v.Differ {
		if l.Text[0] == l.Text[1] {
			hidden = append(hidden, l.Label)
		}
	}
	v.Masked, v.Hidden = compare.masked, d.Lang.Join(hidden)
	return nil
}

// makers are who made each of two rows, with what, and when.
func (d *Desk) makers(tx *store.Tx, v *View) (out [2]Side, err error) {
	var made [2]*store.Version
	var users, devices []string
	for i, id := range []syncproto.RowID{v.item.Row, v.Other} {
		first, err := tx.Versions("row_id = ? ORDER BY received, seq, ord LIMIT 1", string(id))
		if err != nil {
			return out, err
		}
		if len(first) == 1 {
			made[i] = first[0]
			users, devices = append(users, string(first[0].Author)), append(devices, string(first[0].Device))
		}
	}
	names, phones, err := people(tx, users, devices)
	for i, m := range made {
		if m != nil {
			out[i] = d.signed(names[m.Author], m.Device, phones, m.At, m.Corrected, m.Received)
			out[i].change = m.Identity
		}
	}
	return out, err
}

// neither is the side that stays when both do.
const neither = -1

// phones tells on whose phones which of two that look like one will be, when the other is merged into the one that stays. Who contacts a household
// that goes contacts the other from then on; who held a person that goes need not hold the household of the other.
func (d *Desk) phones(b *schema.Book, v *View, stays int) (out []Seen) {
	home := d.meant(b, v).Name == "household"
	told := map[syncproto.UserID]bool{}
	for _, s := range v.Sides {
		for _, h := range s.holders {
			if told[h.id] {
				continue
			}
			told[h.id] = true
			var has []int
			for i := range v.Sides {
				if slices.ContainsFunc(v.Sides[i].holders, func(x holder) bool { return x.id == h.id }) {
					has = append(has, i)
				}
			}
			out = append(out, Seen{Who: h.who, Role: h.role, Text: d.phone(v, stays, has, home, home && h.contact)})
		}
	}
	return out
}

// phone tells what becomes of a phone that has one of the two, or both. laden tells that something lies beneath what goes, comes that whoever had
// it gets what stays.
func (d *Desk) phone(v *View, stays int, has []int, laden, comes bool) string {
	var marks []string
	for _, i := range has {
		marks = append(marks, v.Sides[i].Mark)
	}
	if stays == neither {
		return d.text("照旧看到"+strings.Join(marks, "、"), "sees "+strings.Join(marks, " and ")+" as before")
	}
	stay, goes := v.Sides[stays].Mark, v.Sides[1-stays].Mark
	switch {
	case len(has) == 2:
		return d.text("还看到"+stay+"，"+goes+"没有了", "keeps "+stay+", loses "+goes)
	case has[0] == stays && laden:
		return d.text("还看到"+stay+"，多出"+goes+"下面的", "keeps "+stay+", gains what lies beneath "+goes)
	case has[0] == stays:
		return d.text("照旧看到"+stay, "sees "+stay+" as before")
	case comes:
		return d.text("多出"+stay+"，"+goes+"没有了", "gains "+stay+", loses "+goes)
	}
	return d.text(goes+"没有了，也看不到"+stay, "loses "+goes+", and does not see "+stay)
}

// TwinLine is a column of two that look like one, with what each holds.
type TwinLine struct {
	Label string
	Text  [2]string
	holds [2]string
}

// twinTable lays two rows beside each other, column by column, in the order of the rule book.
type twinTable struct {
	d      *Desk
	lines  []TwinLine
	at     map[string]int
	masked bool // something stands behind a mask
}

func (x *twinTable) put(label, text, holds string, side int) {
	i, have := x.at[label]
	if !have {
		i = len(x.lines)
		x.at[label], x.lines = i, append(x.lines, TwinLine{Label: label})
	}
	x.lines[i].Text[side], x.lines[i].holds[side] = text, holds
}

// add takes the columns of a row that hold something, and gives them as a side lists them.
func (x *twinTable) add(t *schema.Table, row []schema.Value, side int) (out []SideCell) {
	for k, value := range row {
		c := &t.Columns[k]
		cell := &schema.Cell{Name: c.Name, Columns: []*schema.Column{c}, Rule: c.Rule}
		if text := x.d.show(cell, value); text != "" && c.Type != schema.TypeRef {
			x.put(c.Label.In(x.d.Lang), text, c.Show(value, schema.ZH, x.d.Zone), side)
			out = append(out, SideCell{Label: c.Label.In(x.d.Lang), Text: text})
			x.masked = x.masked || hides(cell)
		}
	}
	return out
}

// split parts what differs from what is the same. Two that are masked alike may differ all the same: what they hold decides.
func (x *twinTable) split() (differ, same []TwinLine) {
	for _, l := range x.lines {
		if l.holds[0] != l.holds[1] {
			differ = append(differ, l)
		} else {
			same = append(same, l)
		}
	}
	return differ, same
}

// meant is the table of the rows that become one: that of the twins, or of those above them.
func (d *Desk) meant(b *schema.Book, v *View) *schema.Table {
	t := b.Table(v.item.Table)
	if t.TwinAbove {
		return b.Table(t.Column(t.Parent).Ref)
	}
	return t
}

// tellersOf are the tables right beneath one whose values tell that two of its rows are one: of people, their ID numbers.
func tellersOf(b *schema.Book, t *schema.Table) (out []*schema.Table) {
	for _, of := range b.Tables() {
		if of.TwinAbove && of.Column(of.Parent).Ref == t.Name {
			out = append(out, of)
		}
	}
	return out
}

// teller reads the row of such a table beneath one, nil when there is none.
func teller(tx *store.Tx, of *schema.Table, id syncproto.RowID) ([]schema.Value, error) {
	var own string
	if found, err := tx.One("SELECT id FROM "+schema.Quote(of.Name)+" WHERE "+schema.Quote(of.Parent)+" = ? ORDER BY id LIMIT 1", []any{string(id)}, &own); err != nil || !found {
		return nil, err
	}
	rows, err := tx.Values(of.Name, []string{own})
	return rows[syncproto.RowID(own)], err
}

// Pair lays two rows side by side as an item about them would, before anybody is asked whether they are one: with what phones gain and lose.
func (d *Desk) Pair(tx *store.Tx, table string, a, b syncproto.RowID) (*View, []Choice, error) {
	it := &judge.Item{Kind: syncproto.ItemTwin, Table: table, Row: min(a, b), Other: max(a, b)}
	k, err := knownOf(tx, []*judge.Item{it})
	if err != nil {
		return nil, nil, err
	}
	v, err := d.read(tx, k, it, true)
	if err != nil {
		return nil, nil, err
	}
	others, err := d.Others(tx, v)
	return v, d.Choices(tx.Book(), v, others), err
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
	cells := slices.Clone(b.Cells(d.meant(b, v).Name))
	for _, of := range tellersOf(b, b.Table(v.item.Table)) {
		cells = append(cells, *b.Cell(of.Name, of.Twin))
	}
	for _, c := range cells {
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
