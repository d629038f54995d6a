package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// ItemView is an inbox item in words.
type ItemView struct {
	*judge.Item
	What  string   // which row
	Why   string   // why a human must decide
	Cells []string // labels of the cells in question
	Shows []string // what shows meanwhile, cell by cell: what all sides had seen
	Sides []SideView
	By    string
	Namer string // of twins: who says that they are one, "" where a value of theirs tells
}

// SideView is one side of an item in words.
type SideView struct {
	Who     string
	When    time.Time // corrected
	Says    string
	Outcome string // "" while open
}

// why says in words why an item needs a human.
var why = map[syncproto.ItemKind]schema.Label{
	syncproto.ItemCell:    {ZH: "同一栏写得不一样，没有规则能定", EN: "different words in one place, and no rule decides"},
	syncproto.ItemState:   {ZH: "改动遇上了不允许它的状态", EN: "an edit met a state that forbids it"},
	syncproto.ItemRowRule: {ZH: "合起来不合规矩", EN: "together they break a rule"},
	syncproto.ItemDelete:  {ZH: "一个删了，一个还在改", EN: "one deleted what another was editing"},
	syncproto.ItemTwin:    {ZH: "像是同一个（户号或身份证号相同）", EN: "two that look like one"},
	syncproto.ItemLate:    {ZH: "迟到太久的改动", EN: "work that came after the grace period"},
}

// Inbox lists what the one who acts may decide, oldest first; closed lists what was decided instead.
func (d *Desk) Inbox(ctx context.Context, closed bool) ([]*ItemView, error) {
	by, err := d.actorNow(ctx)
	if err != nil {
		return nil, err
	}
	items, err := d.E.Judge.Inbox(ctx, judge.Filter{User: by, Closed: closed})
	if err != nil {
		return nil, err
	}
	return d.itemViews(ctx, items...)
}

// Item shows one item; its id may be cut short as far as it is clear.
func (d *Desk) Item(ctx context.Context, id string) (*ItemView, error) {
	by, err := d.actorNow(ctx)
	if err != nil {
		return nil, err
	}
	if id, err = d.wholeItem(ctx, id); err != nil {
		return nil, err
	}
	item, err := d.E.Judge.ItemByID(ctx, by, id)
	if err != nil {
		return nil, err
	}
	views, err := d.itemViews(ctx, item)
	if err != nil {
		return nil, err
	}
	return views[0], nil
}

func (d *Desk) actorNow(ctx context.Context) (by syncproto.UserID, err error) {
	err = d.E.Store.Read(ctx, func(tx *store.Tx) error {
		by, err = d.actor(tx)
		return err
	})
	return by, err
}

// wholeItem completes an id. Whether the item may be seen is judged afterwards.
func (d *Desk) wholeItem(ctx context.Context, id string) (string, error) {
	var found []*store.Item
	err := d.E.Store.Read(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.Items("id >= ? AND id < ? ORDER BY id LIMIT 2", id, id+"~")
		return err
	})
	if err != nil {
		return "", err
	}
	if len(found) != 1 || id == "" {
		return "", notFound("inbox item", "没有唯一的待定事项以“"+id+"”开头。", "No single item begins with that.", syncproto.Both("用 minqing inbox list 看看。", "See minqing inbox list."))
	}
	return found[0].ID, nil
}

func (d *Desk) itemViews(ctx context.Context, items ...*judge.Item) ([]*ItemView, error) {
	var out []*ItemView
	err := d.E.Store.Read(ctx, func(tx *store.Tx) error {
		out = nil
		for _, it := range items {
			v, err := d.itemView(tx, it)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

func (d *Desk) itemView(tx *store.Tx, it *judge.Item) (*ItemView, error) {
	v := &ItemView{Item: it, Why: why[it.Kind].ZH + "（" + why[it.Kind].EN + "）"}
	if it.Kind == syncproto.ItemLate && len(it.Sides) > 0 && it.Sides[0].Code != "" && it.Sides[0].Code != syncproto.CodeLate {
		v.Why = "没有通过的改动（refused work）"
	}
	var err error
	if v.What, err = d.rowName(tx, it.Table, it.Row); err != nil {
		return nil, err
	}
	ids := []string{string(it.By)}
	for _, s := range it.Sides {
		ids = append(ids, string(s.User))
	}
	if it.Named != nil {
		ids = append(ids, string(it.Named.User))
	}
	names, err := userNames(tx, ids)
	if err != nil {
		return nil, err
	}
	if it.By != "" {
		v.By = names[it.By]
	}
	if it.Named != nil {
		v.Namer = names[it.Named.User]
		v.Why = v.Namer + "说是同一个（said to be one）：" + it.Named.Text
	}
	for _, name := range it.Cells {
		if c := tx.Book().Cell(it.Table, name); c != nil {
			v.Cells = append(v.Cells, cellLabel(c))
			v.Shows = append(v.Shows, orBlank(d.showCell(c, it.Shows[name], false)))
		}
	}
	if it.Kind == syncproto.ItemTwin {
		return v, d.twinSides(tx, v)
	}
	for _, s := range it.Sides {
		v.Sides = append(v.Sides, SideView{Who: names[s.User], When: d.instant(s.Corrected), Says: d.says(tx.Book(), it, &s), Outcome: outcomeWords[it.Outcome[s.Change]]})
	}
	return v, nil
}

var outcomeWords = map[string]string{"kept": "取了这个", "outvoted": "没取", "third": "另写了一个"}

// twinSides are the two rows themselves: which of them is to stay is the question.
func (d *Desk) twinSides(tx *store.Tx, v *ItemView) error {
	for _, id := range []syncproto.RowID{v.Row, v.Other} {
		name, err := d.rowName(tx, v.Table, id)
		if err != nil {
			return err
		}
		v.Sides = append(v.Sides, SideView{Says: name})
	}
	return nil
}

// says is what a side wrote, in words.
func (d *Desk) says(b *schema.Book, it *judge.Item, s *judge.Side) string {
	switch {
	case s.Op == syncproto.OpDelete:
		return "删除这条记录"
	case s.Op == syncproto.OpCreate && len(s.Cells) == 0:
		return "新建这条记录"
	}
	var parts []string
	inQuestion := slices.ContainsFunc(s.Cells, func(c store.CellChange) bool { return slices.Contains(it.Cells, c.Cell) })
	for i := range s.Cells {
		c := b.Cell(it.Table, s.Cells[i].Cell)
		if c == nil || inQuestion && !slices.Contains(it.Cells, c.Name) {
			continue // what else the change wrote is not in question
		}
		parts = append(parts, cellLabel(c)+"："+d.editWords(c, &s.Cells[i].CellEdit, false))
	}
	return strings.Join(parts, "；")
}

// editWords is what a cell edit does, in words.
func (d *Desk) editWords(c *schema.Cell, e *syncproto.CellEdit, whole bool) string {
	switch c.Rule {
	case schema.RuleSum:
		return fmt.Sprintf("%+d", e.Delta)
	case schema.RuleSet:
		var parts []string
		if len(e.Add) > 0 {
			parts = append(parts, "加 "+d.showCell(c, schema.Set(e.Add...), whole))
		}
		if len(e.Del) > 0 {
			parts = append(parts, "去 "+d.showCell(c, schema.Set(e.Del...), whole))
		}
		return strings.Join(parts, "，")
	}
	return orBlank(d.showCell(c, e.Value, whole))
}

func orBlank(s string) string {
	if s == "" {
		return "（空）"
	}
	return s
}

// Choice is how an item is to be decided: the words of one side by its number as Item lists them, or other words, or for twins that they
// are two, or for late work that it stays refused.
type Choice struct {
	Keep     int
	Write    map[string]string // column → what to write
	Distinct bool
	Refuse   bool
}

// Resolve decides an item in the name of the one who acts.
func (d *Desk) Resolve(ctx context.Context, id string, c Choice) (*ItemView, error) {
	by, err := d.actorNow(ctx)
	if err != nil {
		return nil, err
	}
	v, err := d.Item(ctx, id)
	if err != nil {
		return nil, err
	}
	decision, err := d.decision(v, c)
	if err != nil {
		return nil, err
	}
	// What was listed is what is decided about: words that came in meanwhile keep the item open.
	decision.Base = v.Base
	if _, err := d.E.Judge.Resolve(ctx, by, v.ID, decision); err != nil {
		return nil, err
	}
	return d.Item(ctx, v.ID)
}

func (d *Desk) decision(v *ItemView, c Choice) (judge.Decision, error) {
	var out judge.Decision
	if c.Keep < 0 || c.Keep > len(v.Sides) {
		return out, wrong("resolve", fmt.Sprintf("这件事只有 1 到 %d。", len(v.Sides)), "There is no such side.", syncproto.Both("用 minqing inbox show 看看各是什么。", "See minqing inbox show."))
	}
	undecided := wrong("resolve", "没有写明怎么定。", "How to decide is not said.", syncproto.Both("用 --keep 写明取第几个，或者用 --write 栏=内容 另写一个。", "Choose a side with --keep, or write with --write."))
	switch v.Kind {
	case syncproto.ItemTwin:
		if c.Keep == 0 && !c.Distinct {
			return out, wrong("resolve", "没有写明怎么定。", "How to decide is not said.", syncproto.Both("用 --keep 写明留第几个，或者用 --distinct 说明是两个。", "Say which stays with --keep, or --distinct."))
		}
		if c.Keep > 0 {
			out.Winner = []syncproto.RowID{v.Row, v.Other}[c.Keep-1]
		}
	case syncproto.ItemLate:
		if c.Keep == 0 && !c.Refuse {
			return out, wrong("resolve", "没有写明收不收。", "Whether to take it is not said.", syncproto.Both("用 --keep 1 收下，或者用 --refuse 不收。", "Take it with --keep 1, or --refuse."))
		}
		out.Keep = c.Keep > 0 && !c.Refuse
	case syncproto.ItemDelete:
		if c.Keep == 0 {
			return out, undecided
		}
		s := v.Item.Sides[c.Keep-1]
		out.Keep = s.Op != syncproto.OpDelete && !s.Against
	default:
		if c.Keep == 0 && len(c.Write) == 0 {
			return out, undecided
		}
		if c.Keep > 0 {
			out.Pick = v.Item.Sides[c.Keep-1].Change
		}
		values, err := d.written(v, c.Write)
		if err != nil {
			return out, err
		}
		out.Values = values
	}
	return out, nil
}

// written reads what somebody typed for the cells in question.
func (d *Desk) written(v *ItemView, typed map[string]string) (map[string]schema.Value, error) {
	out := map[string]schema.Value{}
	t := d.E.Book.Table(v.Table)
	for name, text := range typed {
		col := t.Column(name)
		if col == nil {
			col = t.ByHeader(name)
		}
		if col == nil || !slices.Contains(v.Item.Cells, col.Name) {
			return nil, wrong("resolve", "“"+name+"”不是这里要定的栏。", "This is no column in question.", syncproto.Both("要定的是："+strings.Join(v.Cells, "、")+"。", "See minqing inbox show."))
		}
		value, err := col.Normalize(text)
		if err != nil {
			return nil, badValue(t.Name, err)
		}
		out[col.Name] = value
	}
	return out, nil
}

// UndoDecision takes back how an item was decided last, and gives it as it stands now: the decision before it counts again, or it is open.
func (d *Desk) UndoDecision(ctx context.Context, id string) (*ItemView, error) {
	by, err := d.actorNow(ctx)
	if err != nil {
		return nil, err
	}
	v, err := d.Item(ctx, id)
	if err != nil {
		return nil, err
	}
	if _, err := d.E.Judge.UndoDecision(ctx, by, v.ID, v.Last); err != nil {
		return nil, err
	}
	return d.Item(ctx, v.ID)
}

// UndoLate takes back that late work was taken, or returned to its author. The change is named by the beginning of its identity.
func (d *Desk) UndoLate(ctx context.Context, id string) (*ItemView, error) {
	item := ""
	err := d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) error {
		found, err := tx.Changes("(status = 'refused' OR late = 1) AND identity >= ? AND identity < ? ORDER BY identity LIMIT 2", id, id+"~")
		if err != nil {
			return err
		}
		if len(found) != 1 || id == "" {
			return noSingleRefused()
		}
		var v syncproto.Verdict
		if err := json.Unmarshal(found[0].Verdict, &v); err != nil {
			return fmt.Errorf("admin: verdict of %s: %w", found[0].Identity, err)
		}
		for _, n := range v.Items {
			if n.Kind == syncproto.ItemLate {
				item = n.Item
			}
		}
		return nil
	})
	if err == nil && item == "" {
		err = wrong("undo", "这条改动没有人定过，没有可撤的。", "Nobody has decided about this change: there is nothing to take back.", "")
	}
	if err != nil {
		return nil, err
	}
	return d.UndoDecision(ctx, item)
}
