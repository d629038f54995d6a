package sim

import (
	"fmt"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// author is who writes, for the canaries.
type author struct {
	user  syncproto.UserID
	phone *phone
}

// newValue makes something for a column that shows a value now. Texts are canaries, so that wherever they turn up is known.
func (w *world) newValue(d *dice, c *schema.Column, shown schema.Value, row syncproto.RowID, by author) schema.Value {
	if !c.Required && !shown.IsNull() && c.Rule != schema.RuleSum && c.Rule != schema.RuleFlow && c.Rule != schema.RuleSet && d.chance(12) {
		return schema.Null
	}
	switch c.Type {
	case schema.TypeInt:
		if c.Rule == schema.RuleSum {
			return schema.Int(shown.Num() + pick(d, []int64{1, 2, 5, -1, -3}))
		}
		return schema.Int(d.between(-40, 40))
	case schema.TypeDate:
		return schema.Text(fmt.Sprintf("2025-%02d-%02d", d.between(1, 12), d.between(1, 28)))
	case schema.TypeTags:
		return w.newTags(d, c, shown, row, by)
	case schema.TypeEnum:
		return schema.Text(pick(d, c.Options).Value)
	case schema.TypeFlow:
		return newState(d, c.Flow, shown)
	case schema.TypePhone:
		return schema.Text(fmt.Sprintf("138%08d", d.IntN(1e8)))
	case schema.TypeIDNumber:
		return schema.Text(pick(d, idNumbers))
	case schema.TypeLong:
		if c.Rule == schema.RuleText {
			return schema.Text(w.newText(d, shown.Str(), row, by))
		}
	}
	return schema.Text(w.word(row, by.user, by.phone))
}

// newState is mostly a move that is allowed, now and then one that is not.
func newState(d *dice, f *schema.Flow, shown schema.Value) schema.Value {
	from := f.Initial
	if !shown.IsNull() {
		from = shown.Str()
	}
	var to []string
	for _, m := range f.Moves {
		if m.From == from {
			to = append(to, m.To)
		}
	}
	if len(to) == 0 || d.chance(20) {
		return schema.Text(pick(d, f.States).Value)
	}
	return schema.Text(pick(d, to))
}

func (w *world) newTags(d *dice, c *schema.Column, shown schema.Value, row syncproto.RowID, by author) schema.Value {
	have := shown.Elements()
	if len(have) > 0 && d.chance(2) {
		have = slices.Delete(have, 0, 1)
	}
	if len(c.Options) > 0 {
		have = append(have, pick(d, c.Options).Value)
	} else {
		have = append(have, w.word(row, by.user, by.phone))
	}
	return schema.Set(have...)
}

// newText edits a text by the sentence; each sentence stands once in the whole history.
func (w *world) newText(d *dice, old string, row syncproto.RowID, by author) string {
	var list []string
	for _, s := range strings.SplitAfter(old, "。") {
		if s != "" {
			list = append(list, s)
		}
	}
	for range 1 + d.IntN(2) {
		sentence := "记" + w.word(row, by.user, by.phone) + "。"
		switch n := d.IntN(8); {
		case len(list) == 0 || n < 3:
			list = append(list, sentence)
		case n == 3:
			list = append([]string{sentence}, list...)
		case n < 6:
			list[d.IntN(len(list))] = sentence
		case n == 6:
			list = slices.Delete(list, 0, 1)
		default:
			list = slices.Insert(list, d.IntN(len(list)+1), sentence)
		}
	}
	return strings.Join(list, "")
}

// idNumbers are few, so that twins come about. Their region does not exist; their check characters are right.
var idNumbers = []string{idNumber("99000119900101001"), idNumber("99000119910202002"), idNumber("99000119920303003")}

func idNumber(first17 string) string {
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += w * int(first17[i]-'0')
	}
	return first17 + string("10X98765432"[sum%11])
}

// someValues enters new values for a few columns of a row, by what it shows.
func (w *world) someValues(d *dice, t *schema.Table, shown func(string) schema.Value, row syncproto.RowID, by author) map[string]schema.Value {
	out := map[string]schema.Value{}
	var names []string
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Rule != schema.RuleServer && c.Type != schema.TypeRef && c.Rule != schema.RuleOnce {
			names = append(names, c.Name)
		}
	}
	if c := t.Column("serial"); c != nil && (shown("serial").IsNull() || d.chance(8)) {
		names = append(names, "serial")
	}
	if len(names) == 0 {
		return out
	}
	for range 1 + d.IntN(3) {
		c := t.Column(pick(d, names))
		out[c.Name] = w.newValue(d, c, shown(c.Name), row, by)
	}
	// Two dates that make no sense together would be turned away on the phone; most people mend that.
	begins, ends := entered(out, shown, "begins"), entered(out, shown, "ends")
	if !begins.IsNull() && !ends.IsNull() && begins.Str() > ends.Str() && !d.chance(10) {
		out["begins"], out["ends"] = ends, begins
	}
	for _, r := range t.Rules {
		if _, graded := out["grade"]; graded && !r.Holds(func(column string) schema.Value { return entered(out, shown, column) }) && !d.chance(10) {
			out["grade"] = schema.Text("c")
		}
	}
	return out
}

func entered(values map[string]schema.Value, shown func(string) schema.Value, column string) schema.Value {
	if v, ok := values[column]; ok {
		return v
	}
	return shown(column)
}

// toEdits says what entering values does to the cells of a row, for the console.
func toEdits(book *schema.Book, table string, shown func(string) schema.Value, values map[string]schema.Value) []syncproto.CellEdit {
	var out []syncproto.CellEdit
	for _, c := range book.Cells(table) {
		old := c.Join(shown)
		now := c.Join(func(column string) schema.Value { return entered(values, shown, column) })
		if old == now {
			continue
		}
		e := syncproto.CellEdit{Cell: c.Name}
		switch c.Rule {
		case schema.RuleSum:
			e.Delta = now.Num() - old.Num()
		case schema.RuleSet:
			for _, x := range now.Elements() {
				if !slices.Contains(old.Elements(), x) {
					e.Add = append(e.Add, x)
				}
			}
			for _, x := range old.Elements() {
				if !slices.Contains(now.Elements(), x) {
					e.Del = append(e.Del, x)
				}
			}
		default:
			e.Value = now
		}
		out = append(out, e)
	}
	return out
}
