package conflict

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Can is what whoever looks can do about a refused change.
type Can struct {
	Return bool
	Take   bool // it can be let in as it is, or late work be taken
	Mend   bool // it can be let in when what is wrong is put right
	No     string
	Seen   string // the rows as they were shown, for the form to carry
	Sees   []Seen // who will see what
}

// letIn tells whether what stands in for a refused change is not its author's.
func letIn(tx *store.Tx, r *Refused) (bool, error) {
	if r.mend == "" {
		return false, nil
	}
	behalf, err := tx.OnBehalf([]string{string(r.mend)})
	return behalf[r.mend] != "", err
}

// weigh finds out what whoever looks can do about a refused change, and makes the form of it.
func (d *Desk) weigh(ctx context.Context, r *Refused) error {
	w, err := d.Judge.Weigh(ctx, d.User, r.ID, judge.Letting{})
	if err != nil {
		return err
	}
	r.Item = w.Item
	r.Can = Can{Return: w.Return == nil, Take: w.No == nil, Mend: w.Mending}
	if w.No != nil {
		r.Can.No = strings.TrimSpace(d.of(w.No.Message) + d.gap() + d.of(w.No.Hint))
	}
	if r.Hidden > 0 && w.Item == "" { // nobody lets in what he is not shown
		r.Can.Take, r.Can.Mend = false, false
		r.Can.No = d.text("里面有您看不到的记录，您收不了；请上一级的管理员来收。", "There are rows in it that you may not see, so you cannot let it in; ask an administrator above.")
	}
	if !r.Can.Take && !r.Can.Mend {
		return nil
	}
	seen, err := json.Marshal(w.Seen)
	if err != nil {
		return err
	}
	r.Can.Seen = string(seen)
	return d.Store.Read(ctx, func(tx *store.Tx) error {
		for i := range r.Rows {
			n := slices.IndexFunc(r.change.Edits, func(e syncproto.Edit) bool { return e.Row == r.Rows[i].row })
			d.lettingRow(tx.Book(), &r.Rows[i], n, &r.change.Edits[n], w, r.Can.Mend)
			if slices.ContainsFunc(r.Rows[i].Cells, func(x RefusedCell) bool { return x.Error != "" }) {
				r.Can.No = "" // it stands at its field
			}
		}
		return d.lettingSees(tx, r)
	})
}

func (d *Desk) of(both string) string {
	return schema.ReadBoth(both).In(d.Lang)
}

// gap stands between two sentences.
func (d *Desk) gap() string { return d.text("", " ") }

// lettingRow says of each cell of a row how it can be let in.
func (d *Desk) lettingRow(b *schema.Book, row *RefusedRow, n int, e *syncproto.Edit, w *judge.Weighed, mending bool) {
	t := b.Table(e.Table)
	if t == nil {
		return
	}
	_, there := w.Seen[e.Row] // made some other way meanwhile, or to be changed
	for i := range row.Cells {
		x := &row.Cells[i]
		c := b.Cell(e.Table, x.name)
		k := slices.IndexFunc(e.Cells, func(o syncproto.CellEdit) bool { return o.Cell == x.name })
		if c == nil || k < 0 {
			continue
		}
		x.Key = strconv.Itoa(n) + "." + c.Name
		plain := c.Rule != schema.RuleSum && c.Rule != schema.RuleSet && c.Rule != schema.RuleServer
		if saw, known := w.Saw[e.Row][c.Name]; known && plain && c.Columns[0].Type != schema.TypeRef {
			x.Saw = d.show(c, saw)
			x.Moved = x.Saw != x.Now && x.Now != x.Text
		}
		if mending {
			x.Error = d.wrong(c, &e.Cells[k])
			if plain && !c.Group() && c.Columns[0].Type != schema.TypeRef {
				x.Field, x.Masked = d.mended(c, e.Cells[k].Value), hides(c)
			}
		}
		x.Leaves = there && (x.Moved || x.Error != "" && x.Field == nil)
	}
	if !mending || there || e.Op != syncproto.OpCreate {
		return
	}
	for _, c := range b.Cells(e.Table) { // what it must have, and its author did not write
		lacks := c.Columns[0].Required && !slices.ContainsFunc(e.Cells, func(o syncproto.CellEdit) bool { return o.Cell == c.Name })
		if lacks && !c.Group() && c.Columns[0].Type != schema.TypeRef && c.Rule != schema.RuleServer {
			x := RefusedCell{SideCell: SideCell{Label: d.label(&c), name: c.Name}, Key: strconv.Itoa(n) + "." + c.Name, Field: d.mended(&c, schema.Null)}
			x.Error = d.of(schema.Words(c.Columns[0].Check(schema.Null)))
			row.Cells = append(row.Cells, x)
		}
	}
}

// wrong says what is wrong with a cell by itself, "" when nothing is.
func (d *Desk) wrong(c *schema.Cell, e *syncproto.CellEdit) string {
	var err error
	switch {
	case c.Rule == schema.RuleSum:
		err = c.Columns[0].CheckDelta(e.Delta)
	case c.Rule == schema.RuleSet:
		err = c.Check(schema.Set(append(slices.Clone(e.Add), e.Del...)...))
	case !c.Group():
		err = c.Columns[0].Check(e.Value)
	case !e.Value.IsNull():
		err = c.Check(e.Value)
	}
	if err == nil {
		return ""
	}
	return d.of(schema.Words(err))
}

// mended is the field in which a cell is mended. What is masked is written anew or stays as it was written: it is not read here.
func (d *Desk) mended(c *schema.Cell, v schema.Value) *Third {
	col := c.Columns[0]
	x := &Third{Name: c.Name, Label: d.label(c), Text: col.Show(v, schema.ZH, d.Zone), Long: col.Type == schema.TypeLong, Value: v.Str()}
	switch {
	case col.Privacy == schema.Masked:
		x.Text = ""
	case col.Type == schema.TypeEnum:
		x.Options = col.Options
	case col.Flow != nil:
		x.Options = col.Flow.States
	}
	return x
}

// lettingSees says who will see what: the author, and those whose phones hold the households.
func (d *Desk) lettingSees(tx *store.Tx, r *Refused) error {
	r.Can.Sees = []Seen{{Who: r.Author.Who, Text: d.text("“管理员看过，替您收下了。”", "“An administrator has looked and let it in for you.”")}}
	if r.Item != "" {
		r.Can.Sees[0].Text = d.text("“到得晚，收下了，照样算数。”", "“It came late, was taken, and counts.”")
	}
	var ids []string
	for i := range r.change.Edits {
		ids = append(ids, namedIn(tx.Book(), &r.change.Edits[i])...)
	}
	k, err := d.kinOf(tx, ids)
	if err != nil {
		return err
	}
	var homes []syncproto.RowID
	for i := range r.change.Edits {
		if home := k.homeOf(k.under(&r.change.Edits[i])); home != "" && !slices.Contains(homes, home) {
			homes = append(homes, home)
		}
	}
	told := map[syncproto.UserID]bool{r.author: true}
	for _, home := range homes {
		all, err := d.holders(tx, home)
		if err != nil {
			return err
		}
		for _, h := range all {
			if !told[h.id] {
				told[h.id] = true
				r.Can.Sees = append(r.Can.Sees, Seen{Who: h.who, Role: h.role, Text: d.text("手机上会收到这些内容", "gets it on the phone")})
			}
		}
	}
	return nil
}

// Letting reads how a form would have a refused change let in, and puts what was typed back into it; ok is false when some of that is no value.
func (r *Refused) Letting(b *schema.Book, lang schema.Lang, f url.Values) (how judge.Letting, ok bool) {
	how.Why, ok = strings.TrimSpace(f.Get("why")), true
	if json.Unmarshal([]byte(f.Get("seen")), &how.Seen) != nil || how.Seen == nil {
		how.Seen = map[syncproto.RowID]syncproto.Base{}
	}
	how.Write, how.Leave = map[syncproto.RowID]map[string]schema.Value{}, map[syncproto.RowID][]string{}
	for i := range r.Rows {
		row := &r.Rows[i]
		for k := range row.Cells {
			x := &row.Cells[k]
			if x.Leaves && f.Get("leave."+x.Key) == "1" {
				x.Left = true
				how.Leave[row.row] = append(how.Leave[row.row], x.name)
			}
			typed, sent := f["write."+x.Key]
			if x.Field == nil || !sent || x.Left {
				continue
			}
			n, _, _ := strings.Cut(x.Key, ".")
			at, _ := strconv.Atoi(n)
			col := b.Cell(r.change.Edits[at].Table, x.name).Columns[0]
			x.Field.Text, x.Field.Value = typed[0], typed[0]
			if col.Privacy == schema.Masked && strings.TrimSpace(typed[0]) == "" {
				continue
			}
			v, err := col.Normalize(typed[0])
			if err == nil {
				err = col.Check(v)
			}
			if x.Error = ""; err != nil {
				x.Error, ok = schema.ReadBoth(schema.Words(err)).In(lang), false
				continue
			}
			if how.Write[row.row] == nil {
				how.Write[row.row] = map[string]schema.Value{}
			}
			how.Write[row.row][x.name] = v
		}
	}
	return how, ok
}
