package conflict

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/console/compare"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// View is one item in words.
type View struct {
	ID     string
	Base   syncproto.Base // what a decision made now has seen
	What   string
	Stake  string
	Kind   syncproto.ItemKind
	Opened time.Time
	Closed bool
	By     string // who decided
	// Last names the decision that stands, for whoever takes it back; Earlier made the one before it. Back took one back, so that it is open again.
	Last, Earlier, Back string
	Said                []Saying
	// Decided is what was decided, in a sentence; "" where the sides do not tell.
	Decided string
	Shows   []Value
	Sides   []Side
	// Differ and Same are the columns of two that look like one, side by side; empty for any other item.
	Differ, Same []TwinLine
	Named        *Naming // nil where a value of theirs tells that they may be one
	// Masked tells that what is in question stands behind a mask; Hidden names cells of which two values that differ read the same there.
	Masked bool
	Hidden string
	Other  syncproto.RowID // of two that look like one, the second row
	Row    []Field
	Before []Event
	home   syncproto.RowID
	item   *judge.Item
	names  map[syncproto.UserID]name
}

type name struct{ name, post string }

// Saying is why it was decided so, in the words of who decided; Again tells that he decided it once more.
type Saying struct {
	Who, Text string
	Again     bool
	Back      bool // that decision was taken back
}

// Naming is who said that two are one, why and when.
type Naming struct {
	Who, Text string
	At        time.Time
}

// Value is what a cell holds, with its label.
type Value struct{ Label, Text string }

// Side is one of those who stand in an item.
type Side struct {
	Mark      string // 甲, 乙…; A, B…
	Who, Post string
	Does      string // deletes, makes; "" when it writes
	Cells     []SideCell
	Written   time.Time
	Received  time.Time
	Phone     string
	Clock     time.Duration // how far the phone's clock was off: positive when it was fast
	Trusted   bool
	Outcome   string // kept, outvoted, third
	Late      bool   // its author was entitled when he wrote it, and no more when it came
	Back      bool   // a restore took it away, and it was brought back since
	user      syncproto.UserID
	change    syncproto.Identity
	against   bool
	delete    bool
	holds     map[string]schema.Value // of a twin: its cells that the other may take over
	holders   []holder                // of a twin: those whose phones hold it
}

// SideCell is what a side wrote into a cell, against what all had seen.
type SideCell struct {
	Label string
	Text  string
	Parts []compare.Part
	name  string
}

// Field is a column of the row around.
type Field struct {
	Label, Text string
	Asked       bool // it is in question
}

// Event is something that happened to the row.
type Event struct {
	At    time.Time
	Who   string
	Cells string
	Side  string // the mark of the side that it is
	Op    syncproto.Op
	Undo  bool // it took something back
}

// mark names a side, as people number them.
func (d *Desk) mark(i int) string {
	of := []rune(d.text("甲乙丙丁戊己庚辛", "ABCDEFGH"))
	return string(of[i%len(of)])
}

// exact is how far a clock may be off to be trusted.
const exact = 2 * time.Minute

// Open reads one item; the error has CodeNotFound when there is none that the user may decide.
func (d *Desk) Open(ctx context.Context, id string) (*View, error) {
	it, err := d.Judge.ItemByID(ctx, d.User, id)
	if err != nil {
		return nil, err
	}
	var v *View
	err = d.Store.Read(ctx, func(tx *store.Tx) error {
		k, err := knownOf(tx, []*judge.Item{it})
		if err != nil {
			return err
		}
		if v, err = d.read(tx, k, it, true); err != nil {
			return err
		}
		if err := d.readAround(tx, v); err != nil {
			return err
		}
		return d.readBefore(tx, v)
	})
	return v, err
}

func (d *Desk) text(zh, en string) string { return schema.Label{ZH: zh, EN: en}.In(d.Lang) }

// read puts an item into words; differences, which cost, only when it is read whole.
func (d *Desk) read(tx *store.Tx, k *known, it *judge.Item, whole bool) (*View, error) {
	v := &View{ID: it.ID, Base: it.Base, Kind: it.Kind, Other: it.Other, Opened: time.UnixMilli(it.Opened).In(d.Zone), Closed: it.Closed != 0, item: it}
	v.names = k.names
	v.By, v.Last, v.Earlier, v.Back = v.names[it.By].name, it.Last, v.names[it.Earlier].name, v.names[it.Back].name
	for _, s := range it.Said {
		v.Said = append(v.Said, Saying{Who: v.names[s.User].name, Text: s.Text, Again: s.Again, Back: s.Back})
	}
	if n := it.Named; n != nil {
		v.Named = &Naming{Who: v.names[n.User].name, Text: n.Text, At: time.UnixMilli(n.At).In(d.Zone)}
	}
	var hidden []string
	for _, name := range it.Cells {
		if c := tx.Book().Cell(it.Table, name); c != nil {
			v.Shows = append(v.Shows, Value{d.label(c), d.show(c, it.Shows[name])})
			if d.hidden(c, it) {
				hidden = append(hidden, d.label(c))
			}
		}
	}
	v.Hidden = d.Lang.Join(hidden)
	for i := range it.Sides {
		v.Sides = append(v.Sides, d.side(tx.Book(), v, i, k, whole))
	}
	// 甲 is who wrote first: the order of the item itself means nothing to people.
	slices.SortStableFunc(v.Sides, func(a, b Side) int { return a.Written.Compare(b.Written) })
	for i := range v.Sides {
		v.Sides[i].Mark = d.mark(i)
	}
	if it.Kind == syncproto.ItemTwin {
		if err := d.twins(tx, v, whole); err != nil {
			return nil, err
		}
	}
	var err error
	v.What, err = d.what(tx, k, v)
	if v.Stake = d.stake(v); v.Closed {
		v.Decided = d.decided(v)
	}
	return v, err
}

// decided says what was decided, as the outcomes of the sides tell it.
func (d *Desk) decided(v *View) string {
	var kept []string
	third, deletes, told := false, false, false
	for _, s := range v.Sides {
		told, third = told || s.Outcome != "", third || s.Outcome == "third"
		if s.Outcome == "kept" {
			kept, deletes = append(kept, s.Who), deletes || s.delete
		}
	}
	switch {
	case v.item.Word == judge.WordDistinct:
		return d.text("本来就是两个。", "They are two.")
	case v.item.Word == judge.WordMerged && v.Last == "":
		return d.text("合并过，又撤回了。", "They were merged, and that was taken back.")
	case v.item.Word == judge.WordMerged:
		return d.text("合并成一个了。", "They were merged into one.")
	case !told:
		return ""
	case v.Kind == syncproto.ItemLate && len(kept) > 0:
		return d.text("收下了。", "It was taken.")
	case v.Kind == syncproto.ItemLate:
		return d.text("没有收。", "It was left refused.")
	case v.Kind == syncproto.ItemDelete && deletes:
		return d.text("删掉了。", "It was deleted.")
	case v.Kind == syncproto.ItemDelete:
		return d.text("留下了。", "It was kept.")
	case third:
		return d.text("另写了一个。", "Something else was written.")
	case len(kept) == len(v.Sides):
		return d.text("都留着。", "The words of all are kept.")
	case len(kept) > 0:
		return d.text("采用了"+strings.Join(kept, "、")+"写的。", "What "+strings.Join(kept, ", ")+" wrote was taken.")
	}
	return ""
}

// people reads the names of users and the labels of phones.
func people(tx *store.Tx, users, devices []string) (names map[syncproto.UserID]name, labels map[string]string, err error) {
	names, labels = map[syncproto.UserID]name{}, map[string]string{}
	if err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.UserID
		var n name
		err := scan(&id, &n.name, &n.post)
		names[id] = n
		return err
	}, `SELECT id, COALESCE(name, ''), COALESCE(post, '') FROM "user" WHERE id = ANY(?)`, users); err != nil {
		return nil, nil, err
	}
	err = tx.Each(func(scan func(...any) error) error {
		var id, label string
		err := scan(&id, &label)
		labels[id] = label
		return err
	}, "SELECT id, COALESCE(label, '') FROM device WHERE id = ANY(?)", devices)
	return names, labels, err
}

// signed says who wrote, on what phone, when, and whether its clock can be trusted.
func (d *Desk) signed(n name, device syncproto.DeviceID, labels map[string]string, at, corrected, received int64) Side {
	out := Side{Who: n.name, Post: n.post, Written: time.UnixMilli(corrected).In(d.Zone), Received: time.UnixMilli(received).In(d.Zone), Clock: time.Duration(at-corrected) * time.Millisecond}
	out.Trusted = out.Clock.Abs() <= exact
	if label, ok := labels[string(device)]; ok {
		out.Phone = label + " " + d.text("尾号 ", "…") + strings.ToUpper(string(device[max(0, len(device)-4):]))
	} else {
		out.Phone = d.text("网页", "the consoles")
	}
	return out
}

func (d *Desk) side(b *schema.Book, v *View, i int, k *known, whole bool) Side {
	s := &v.item.Sides[i]
	out := d.signed(v.names[s.User], s.Device, k.phones, s.At, s.Corrected, s.Received)
	out.user, out.change, out.against, out.delete, out.Outcome = s.User, s.Change, s.Against, s.Op == syncproto.OpDelete, v.item.Outcome[s.Change]
	out.Late, out.Back = s.Late, k.back[s.Change]
	if s.User == "" && slices.Contains(k.retaken[v.item.Row], s.Received) { // on the word of phones that had seen it: nobody's own
		out.Back, out.Who = true, d.text("别人手机里的", "What other phones held")
	}
	if s.Op == syncproto.OpDelete {
		out.Does = d.text("删除了这条记录", "deleted this row")
	}
	asked := slices.ContainsFunc(s.Cells, func(c store.CellChange) bool { return slices.Contains(v.item.Cells, c.Cell) })
	for n := range s.Cells {
		c := b.Cell(v.item.Table, s.Cells[n].Cell)
		if c == nil || asked && !slices.Contains(v.item.Cells, c.Name) {
			continue // what else the change wrote is not in question
		}
		text := d.edit(c, &s.Cells[n].CellEdit)
		cell := SideCell{Label: d.label(c), Text: text, name: c.Name}
		if whole {
			cell.Parts = compare.Texts(d.show(c, v.item.Shows[c.Name]), text)
			if d.Bare && hides(c) { // a number is read whole: what it was stands above
				cell.Parts = slices.DeleteFunc(compare.Numbers(d.show(c, v.item.Shows[c.Name]), text), compare.Part.Gone)
			}
		}
		out.Cells = append(out.Cells, cell)
		v.Masked = v.Masked || text != "" && hides(c)
	}
	return out
}

// hides tells whether a cell is shown behind a mask.
func hides(c *schema.Cell) bool {
	return slices.ContainsFunc(c.Columns, func(col *schema.Column) bool { return col.Privacy == schema.Masked })
}

// hidden tells whether two of the values that an item holds of a cell differ where they are not shown.
func (d *Desk) hidden(c *schema.Cell, it *judge.Item) bool {
	values := []schema.Value{it.Shows[c.Name]}
	for i := range it.Sides {
		for k := range it.Sides[i].Cells {
			if e := &it.Sides[i].Cells[k]; e.Cell == c.Name {
				values = append(values, e.Value)
			}
		}
	}
	for i, a := range values {
		if hides(c) && slices.ContainsFunc(values[:i], func(b schema.Value) bool { return a != b && d.show(c, a) == d.show(c, b) }) {
			return true
		}
	}
	return false
}

// edit is what a cell edit makes of the cell, in words.
func (d *Desk) edit(c *schema.Cell, e *syncproto.CellEdit) string {
	switch c.Rule {
	case schema.RuleSum:
		return fmt.Sprintf("%+d", e.Delta)
	case schema.RuleSet:
		var parts []string
		if len(e.Add) > 0 {
			parts = append(parts, "+ "+d.show(c, schema.Set(e.Add...)))
		}
		if len(e.Del) > 0 {
			parts = append(parts, "- "+d.show(c, schema.Set(e.Del...)))
		}
		return strings.Join(parts, " ")
	}
	return d.show(c, e.Value)
}

// show is a value as people read it, behind its mask unless that is lifted.
func (d *Desk) show(c *schema.Cell, v schema.Value) string {
	var parts []string
	for i, part := range c.Split(v) {
		col := c.Columns[i]
		s := col.Show(part, d.Lang, d.Zone)
		if col.Privacy == schema.Masked && s != "" && !d.Bare {
			if s = schema.MaskPhone(s); col.Type == schema.TypeIDNumber {
				s = schema.MaskIDNumber(part.Str())
			}
		}
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, d.text("，", ", "))
}

func (d *Desk) label(c *schema.Cell) string {
	var parts []string
	for _, col := range c.Columns {
		parts = append(parts, col.Label.In(d.Lang))
	}
	return d.Lang.Join(parts)
}

// what names the row and the cells: “王桂芬家 · 低保”.
func (d *Desk) what(tx *store.Tx, k *known, v *View) (string, error) {
	for r := k.rows[v.item.Row]; r != nil; r = k.rows[r.Parent] {
		if r.Table == "household" {
			v.home = r.ID
		}
	}
	parts := []string{}
	if v.home != "" {
		parts = append(parts, k.homes[v.home]+d.text("家", "'s home"))
	}
	if v.item.Table == "resident" {
		n := k.children[v.item.Row]
		if n == "" {
			var err error
			if n, err = lastName(tx, v.item.Row); err != nil {
				return "", err
			}
		}
		parts = append(parts, n)
	} else if t := tx.Book().Table(v.item.Table); t != nil && v.item.Table != "household" {
		parts = append(parts, t.Label.In(d.Lang))
	}
	var cells []string
	for _, s := range v.Shows {
		cells = append(cells, s.Label)
	}
	if len(cells) > 0 {
		parts = append(parts, d.Lang.Join(cells))
	}
	return strings.Join(parts, " · "), nil
}

// lastName is what a row that is gone was called.
func lastName(tx *store.Tx, id syncproto.RowID) (n string, err error) {
	versions, err := tx.Versions("row_id = ? ORDER BY seq, ord", string(id))
	if err != nil {
		return "", err
	}
	for _, v := range versions {
		for _, c := range v.Cells {
			if c.Cell == "name" {
				n = c.Value.Str()
			}
		}
	}
	return n, nil
}

// stake says in one line what is at stake. Conflicts that came of deletes, lateness and twins have their own words.
func (d *Desk) stake(v *View) string {
	side := func(i int) string {
		if i >= len(v.Sides) {
			return ""
		}
		var cells []string
		for k, c := range v.Sides[i].Cells {
			was := ""
			if k < len(v.Shows) {
				was = v.Shows[k].Text
			}
			cells = append(cells, clip(fromDifference(c.Text, was)))
		}
		return strings.Join(cells, "；")
	}
	who := func(i int) string {
		if i >= len(v.Sides) {
			return ""
		}
		return v.Sides[i].Who
	}
	switch v.Kind {
	case syncproto.ItemDelete:
		return d.text("一边删、一边改：删掉它，还是留下改过的？", "One deleted it while another wrote: is it to go, or to stay as written?")
	case syncproto.ItemTwin:
		if n := v.item.Named; n != nil {
			who := v.names[n.User].name
			return d.text(who+"说是同一个：合成一条，还是本来就是两个？", who+" says that these are one: merge them, or are they two?")
		}
		return d.text("可能是同一个：合成一条，还是本来就是两个？", "These look like one: merge them, or are they two?")
	case syncproto.ItemLate:
		if len(v.item.Sides) > 0 && v.item.Sides[0].Code != "" && v.item.Sides[0].Code != syncproto.CodeLate {
			return d.text(who(0)+"写的没有通过，有人看过。", "What "+who(0)+" wrote was refused, and somebody has looked at it.")
		}
		return d.text(who(0)+"写的到得太晚，要有人看过才能收。", "What "+who(0)+" wrote came too late, and waits for somebody to look at it.")
	case syncproto.ItemState:
		return d.text("改的时候，这条记录已经到了不许再改的状态。", "It was changed while its state came not to allow that any more.")
	case syncproto.ItemRowRule:
		return d.text("分别改都对，合起来就不合规矩了。", "Each change was right by itself; together they break a rule.")
	}
	says := func(i int) string {
		if i < len(v.Sides) && v.Sides[i].user == "" && v.Sides[i].Back {
			return who(i) + "是“" + side(i) + "”"
		}
		return who(i) + "说“" + side(i) + "”"
	}
	said := d.text(says(0)+"，"+says(1), who(0)+" says “"+side(0)+"”, "+who(1)+" says “"+side(1)+"”")
	if side(0) == side(1) && v.Hidden != "" {
		said = d.text(who(0)+"和"+who(1)+"写的“"+v.Hidden+"”不一样，不同的几位遮着", who(0)+" and "+who(1)+" wrote different values for “"+v.Hidden+"”; where they differ is masked")
	}
	return d.astray(v) + said
}

// astray begins what is at stake where words of one came by another way than words do: late, or back after a restore.
func (d *Desk) astray(v *View) string {
	var late, back []string
	for _, s := range v.Sides {
		switch {
		case s.Back:
			back = append(back, s.wrote(d))
		case s.Late:
			late = append(late, s.wrote(d))
		}
	}
	out := ""
	if len(back) > 0 {
		out += d.text(strings.Join(back, "、")+"在服务器恢复时丢过，后来补了回来：", strings.Join(back, " and ")+" was lost when the server was restored, and came back since: ")
	}
	if len(late) > 0 {
		out += d.text(strings.Join(late, "、")+"到得晚，写的时候还归他管，照样算数：", strings.Join(late, " and ")+" came late, and counts, having been in the author's charge when written: ")
	}
	return out
}

// wrote is what a side wrote, as a sentence begins with it.
func (s *Side) wrote(d *Desk) string {
	if s.user == "" {
		return s.Who
	}
	return d.text(s.Who+"写的", "What "+s.Who+" wrote")
}

// fromDifference leaves out of a text the sentences that it begins with as another does.
func fromDifference(text, was string) string {
	a, b := []rune(text), []rune(was)
	from := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if strings.ContainsRune("。！？；\n", a[i]) {
			from = i + 1
		}
	}
	if from == 0 || from == len(a) {
		return text
	}
	return "…" + string(a[from:])
}

// clip keeps a text to a line.
func clip(s string) string {
	const most = 28
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
