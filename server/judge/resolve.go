package judge

import (
	"context"
	"fmt"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// Decision is what somebody makes of an inbox item. Which fields count depends on its kind.
type Decision struct {
	// Base is what the one who decides was shown (Item.Base): whoever comes in later keeps the item open. Zero: as it stands now.
	Base syncproto.Base
	// Pick takes the words of one side; Values writes others, by cell. For cells, states and row rules.
	Pick   syncproto.Identity
	Values map[string]schema.Value
	// Keep lets the row live (kind delete) or takes the late work (kind late); otherwise the deletion stands, the work stays refused.
	Keep bool
	// Why is what whoever decides says about it; it is kept beside the outcome, and hashed by the chain.
	Why string
	// Winner is the twin that stays; "" says that they are two. For kind twin. Values are then cells of the other that it takes over;
	// where the rows above them are the twins that people mean, cells of those.
	Winner syncproto.RowID
}

// Resolve decides an item by a change of its own, attributed to the user.
func (j *Judge) Resolve(ctx context.Context, user syncproto.UserID, id string, decision Decision) (*Outcome, error) {
	var out *Outcome
	err := j.store.Write(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		it, err := d.itemFor(user, id)
		if err != nil {
			return err
		}
		if it.Closed != 0 {
			return &syncproto.Error{Code: syncproto.CodeConflict, Op: "resolve " + id, Message: syncproto.Both("这件事已经有人处理了。", "Somebody has decided this already."),
				Hint: syncproto.Both("刷新后查看结果。", "Look at the outcome.")}
		}
		out, err = d.resolve(user, it, decision)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// resolve decides an open item, and keeps why.
func (d *desk) resolve(user syncproto.UserID, it *store.Item, decision Decision) (out *Outcome, err error) {
	switch it.Kind {
	case syncproto.ItemLate:
		out, err = d.j.resolveLate(d.tx, user, it, decision)
	case syncproto.ItemTwin:
		out, err = d.j.resolveTwin(d.tx, user, it, decision)
	default:
		out, err = d.resolveCells(user, it, decision)
	}
	if err != nil || decision.Why == "" {
		return out, err
	}
	return out, d.j.keepSaying(d.tx, user, it.ID, out, decision.Why, false)
}

// resolveCells decides about cells or the existence of a row.
func (d *desk) resolveCells(user syncproto.UserID, it *store.Item, decision Decision) (*Outcome, error) {
	item, err := d.showItem(it)
	if err != nil {
		return nil, err
	}
	edit := syncproto.Edit{Table: it.Table, Row: it.Row, Op: syncproto.OpUpdate, Base: decision.Base, Decides: item.Cells}
	if edit.Base.Epoch == "" {
		edit.Base = item.Base
	}
	if it.Kind == syncproto.ItemDelete {
		if !decision.Keep {
			edit.Op = syncproto.OpDelete
		}
	} else if edit.Cells, err = decidedCells(d.book, item, decision); err != nil {
		return nil, err
	}
	out, err := d.j.SubmitIn(d.tx, user, Draft{Edits: []syncproto.Edit{edit}})
	if err != nil {
		return nil, err
	}
	if v := out.Verdicts[0]; v.Status == syncproto.Refused {
		return nil, &syncproto.Error{Code: v.Code, Op: "resolve " + it.ID, Message: v.Message}
	}
	return out, nil
}

// decidedCells are the cells that a decision writes: of a side, others, and for those that neither names what shows.
func decidedCells(b *schema.Book, item *Item, decision Decision) ([]syncproto.CellEdit, error) {
	picked := map[string]syncproto.CellEdit{}
	if decision.Pick != "" {
		i := slices.IndexFunc(item.Sides, func(s Side) bool { return s.Change == decision.Pick })
		if i < 0 {
			return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "resolve " + item.ID, Message: syncproto.Both("所选的一方不在其中。", "The change picked is not a side of this item.")}
		}
		for _, c := range item.Sides[i].Cells {
			picked[c.Cell] = c.CellEdit
		}
	}
	var out []syncproto.CellEdit
	for _, c := range b.Cells(item.Table) {
		if !slices.Contains(item.Cells, c.Name) {
			continue
		}
		v, given := decision.Values[c.Name]
		if x, ok := picked[c.Name]; !given {
			if v = item.Shows[c.Name]; ok {
				v = merge.Apply(&c, v, x)
			}
		}
		out = append(out, decidedAs(&c, item, v))
	}
	if decision.Pick == "" && len(decision.Values) == 0 {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "resolve " + item.ID, Message: syncproto.Both("没有写明取哪一个。", "The decision names no value."),
			Hint: syncproto.Both("选一方的值，或写一个新的。", "Pick a side or write a value.")}
	}
	return out, nil
}

// decidedAs is the edit by which a cell comes to a value. What is gathered keeps all that its sides added, unless that is taken out; and of what is
// added up nothing is held back but by an item that is open again.
func decidedAs(c *schema.Cell, item *Item, v schema.Value) syncproto.CellEdit {
	out := syncproto.CellEdit{Cell: c.Name}
	switch c.Rule {
	case schema.RuleSum:
		if item.Back != "" {
			out.Delta = v.Num() - item.Shows[c.Name].Num()
		}
	case schema.RuleSet:
		all := item.Shows[c.Name].Elements()
		for _, s := range item.Sides {
			for _, x := range s.Cells {
				if x.Cell == c.Name {
					all = append(all, x.Add...)
				}
			}
		}
		slices.Sort(all)
		out.Add, out.Del = v.Elements(), without(slices.Compact(all), v.Elements())
	default:
		out.Value = v
	}
	return out
}

// hears has the verdict of a refused change tell how the item about it was decided.
func (rec *record) hears(it *store.Item, fate string) {
	note := syncproto.ItemNote{Item: it.ID, Table: it.Table, Row: it.Row, Kind: it.Kind, Outcome: fate}
	isIt := func(n syncproto.ItemNote) bool { return n.Item == it.ID }
	if i := slices.IndexFunc(rec.verdict.Items, isIt); i >= 0 {
		note.Row = rec.verdict.Items[i].Row
	}
	rec.verdict.Items = append(slices.DeleteFunc(rec.verdict.Items, isIt), note)
	rec.dirty, rec.news = true, true
}

// resolveLate takes late work after all, or leaves it refused.
func (j *Judge) resolveLate(tx *store.Tx, user syncproto.UserID, it *store.Item, decision Decision) (*Outcome, error) {
	sides, err := readSides(it)
	if err != nil || len(sides.Heads) != 1 {
		return nil, fmt.Errorf("judge: late item %s names %d changes: %w", it.ID, len(sides.Heads), err)
	}
	was, err := readClosing(it)
	if err != nil {
		return nil, err
	}
	id, end := sides.Heads[0], closing{Fates: map[syncproto.Identity]string{sides.Heads[0]: fateOutvoted}, Word: wordRefused, Said: was.Said}
	if decision.Keep {
		end.Fates[id], end.Word = fateKept, wordTaken
		if end.Tip, err = j.takeBack(tx, it, &sides); err != nil {
			return nil, err
		}
	}
	d, err := j.newDesk(tx)
	if err != nil {
		return nil, err
	}
	if err := d.loadRecords([]syncproto.Identity{id}); err != nil {
		return nil, err
	}
	rec := d.records[id]
	if rec == nil {
		return nil, fmt.Errorf("judge: late change %s is gone", id)
	}
	c, err := d.labelled(rec)
	if err != nil {
		return nil, err
	}
	d.addItem(it)
	if decision.Keep && rec.Status == syncproto.Refused { // else it took effect already, and counts again
		h := &hearing{d: d, c: c, rec: rec, pardon: true}
		if err := d.load([]*hearing{h}); err != nil {
			return nil, err
		}
		if err := d.hear(h); err != nil {
			return nil, err
		}
	}
	if err := d.tx.LockStreams(it.Stream); err != nil {
		return nil, err
	}
	rec.hears(it, end.Fates[id])
	it.Closed, it.By, it.Outcome = tx.Now(), user, mustJSON(end)
	d.changedItems(it)
	p := &push{by: Author{Server: true, User: user}, ids: []syncproto.Identity{id}, numbers: []uint64{rec.First.Number}}
	for _, about := range []syncproto.Identity{id, end.Tip} {
		if about == "" {
			continue
		}
		if err := d.recordDecision(it.Stream, user, end.Word, about, nil); err != nil {
			return nil, err
		}
	}
	return d.finish(p)
}
