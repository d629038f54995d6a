package conflict

import (
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

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
			out = append(out, Choice{Key: marksKey(i), Label: d.text("合到", "Merge into ") + v.Sides[i].Mark, Fields: d.fields(b, v, i), Sees: d.phones(b, v, i)})
		}
		return append(out, Choice{Key: "distinct", Label: d.text("本来就是两个", "They are two"), Sees: d.phones(b, v, neither)})
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

func marksKey(i int) string { return string(rune('1' + i)) }

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
	about := d.Lang.Join(cells)
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
