package judge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// A decision is taken back as it was made: by whoever decides, with a record of it, and in the order in which decisions were made. The last goes
// first, and the one before it counts again, with who decided it and when; where there is none before it, the item is open again. What the decision
// wrote goes by a change of its own, an undo of it: beside what others wrote since, that is an item as every undo is, and the same item then holds
// it. Otherwise nothing in the history says that somebody has to decide, so the item itself does: see held.

// back is what an item that is open again keeps of how it came to that.
type back struct {
	By syncproto.UserID `json:"by"`
	At int64            `json:"at"`
	// Change took back what was written; "" where nothing had to be.
	Change syncproto.Identity `json:"change,omitempty"`
}

// WordUndone is the word for a decision that was taken back.
const WordUndone = "undone"

// How late work was decided.
const (
	wordTaken   = "taken"
	wordRefused = "refused"
)

// UndoDecision takes back how an item was decided last. last names the decision that whoever asks was shown (Item.Last): another one is not
// taken back. "" is whatever stands.
func (j *Judge) UndoDecision(ctx context.Context, user syncproto.UserID, id, last string) (*Item, error) {
	var out *Item
	err := j.store.Write(ctx, func(tx *store.Tx) error {
		if err := j.undoDecision(tx, user, id, last); err != nil {
			return err
		}
		var err error
		out, err = j.itemIn(tx, user, id)
		return err
	})
	return out, err
}

func (j *Judge) undoDecision(tx *store.Tx, user syncproto.UserID, id, last string) error {
	device, err := serverDevice(tx)
	if err != nil {
		return err
	}
	if err := tx.LockPush(device); err != nil { // two at once: the second sees what the first left
		return err
	}
	d, err := j.newDesk(tx)
	if err != nil {
		return err
	}
	it, err := d.itemFor(user, id)
	if err != nil {
		return err
	}
	c, err := readClosing(it)
	if err != nil {
		return err
	}
	switch shown := lastOf(it, &c); {
	case it.Closed == 0 || shown == "":
		return cannotUndo(id, "这件事没有可以撤回的决定。", "There is no decision of this item to take back.")
	case last != "" && last != shown:
		return cannotUndo(id, "您看的时候别人改了这个决定，没有撤。请先看看现在定的是什么。", "Somebody has changed this decision meanwhile, and nothing was taken back. See first how it stands now.")
	case it.Kind == syncproto.ItemLate:
		return d.undoLate(user, it, &c)
	case c.Word == WordDistinct:
		return d.undoDistinct(user, it, &c)
	case it.Kind == syncproto.ItemTwin:
		if both, err := d.bothLive(it); err != nil || both {
			return errors.Join(err, cannotUndo(id, "合并已经撤回过了，两条都在。", "The merge was taken back already: the two are there."))
		}
		_, err := d.undo(user, c.Change, c.Also...)
		return err
	}
	return d.undoCells(user, it, &c)
}

// lastOf names the decision by which an item ended last; "" where there is none that could be taken back.
func lastOf(it *store.Item, c *closing) string {
	if it.Closed == 0 || c.Word == WordUndone || c.Change == "" && (c.Word == "" || c.Word == WordMoot) {
		return ""
	}
	name := string(c.Change) + string(c.Tip)
	return strconv.FormatInt(it.Closed, 36) + "-" + strconv.Itoa(len(c.Before)) + c.Word + name[:min(12, len(name))]
}

func cannotUndo(id, zh, en string) error {
	return &syncproto.Error{Code: syncproto.CodeConflict, Op: "undo the decision of " + id, Message: syncproto.Both(zh, en)}
}

// undoCells takes back the last decision about cells or the existence of a row.
func (d *desk) undoCells(user syncproto.UserID, it *store.Item, c *closing) error {
	if err := d.need(it.Row); err != nil {
		return err
	}
	r := d.rows[it.Row]
	if r == nil || r.Dead != 0 && it.Kind != syncproto.ItemDelete {
		return cannotUndo(it.ID, "这条记录后来删除了，决定没有什么可撤的。", "The row was deleted since: there is nothing of the decision to take back.")
	}
	open, err := d.openItems(r)
	if err != nil {
		return err
	}
	cells := strings.Split(it.Cell, ",")
	if slices.ContainsFunc(open, func(o *store.Item) bool { return sharesCell(o, cells) }) {
		return cannotUndo(it.ID, "这一栏后来又有人写，已经是另一件待定的事了，请到那一件里定。", "Somebody has written there since, and another item about it is open: decide that one.")
	}
	edits, err := d.backTo(it, c, r)
	if err != nil {
		return err
	}
	// Open before the change comes: it takes its rights from that, and an item that follows from it is this one.
	s, err := readSides(it)
	if err != nil {
		return err
	}
	s.Back = &back{By: user, At: d.tx.Now()}
	before, said := c.Before, c.Said
	it.Closed, it.By, it.Scope, it.Heads, it.Outcome = 0, "", r.Scope, mustJSON(s), outcomeOf(said)
	if err := d.tx.SaveItems([]*store.Item{it}); err != nil {
		return err
	}
	var by syncproto.Identity
	if len(edits) > 0 {
		if by, err = d.submitBack(user, it.ID, edits); err != nil {
			return err
		}
	}
	return d.settleBack(user, it.ID, by, c.Change, before, said)
}

// submitBack submits the edits that take something back, in the name of a user or as the server's own.
func (d *desk) submitBack(user syncproto.UserID, item string, edits []syncproto.Edit) (syncproto.Identity, error) {
	out, err := d.j.SubmitIn(d.tx, user, Draft{Edits: edits})
	if err != nil {
		return "", err
	}
	v := out.Verdicts[0]
	if v.Status == syncproto.Refused {
		return "", &syncproto.Error{Code: v.Code, Op: "undo the decision of " + item, Message: v.Message}
	}
	return v.Identity, nil
}

// settleBack brings an item that was opened up to what the undo made of its row, and puts on record that a decision was taken back.
func (d *desk) settleBack(user syncproto.UserID, id string, by, undone syncproto.Identity, before []closing, said []Saying) error {
	d, err := d.j.newDesk(d.tx)
	if err != nil {
		return err
	}
	found, err := d.tx.Items("id = ?", id)
	if err != nil {
		return err
	}
	it := found[0]
	if err := d.tx.LockStreams(it.Stream); err != nil {
		return err
	}
	s, err := readSides(it)
	if err != nil {
		return err
	}
	fates := map[syncproto.Identity]string{}
	for _, x := range slices.Concat(s.Heads, s.Against, s.Gone) {
		fates[x] = ""
	}
	switch n := len(before); {
	case s.Back == nil: // beside what somebody wrote since, it is an item by itself
	case n == 0:
		s.Back.Change = by
		it.Heads = mustJSON(s)
	default:
		s.Back = nil
		c := before[n-1]
		it.Heads, it.By, it.Closed = mustJSON(s), c.By, c.At
		c.By, c.At, c.Before, c.Said, c.Tip = "", 0, before[:n-1], said, by
		it.Outcome, fates = mustJSON(c), c.Fates
	}
	d.addItem(it)
	d.changedItems(it)
	if err := d.tellOutcome(it, fates); err != nil {
		return err
	}
	if err := d.recordDecision(it.Stream, user, WordUndone, undone, nil); err != nil {
		return err
	}
	return d.flush(&push{})
}

// outcomeOf is what an open item keeps of the decisions that were taken back: why they were made, which the chain tells of for ever.
func outcomeOf(said []Saying) []byte {
	if len(said) == 0 {
		return nil
	}
	return mustJSON(closing{Said: said})
}

// backTo are the edits that bring the cells of an item, or whether its row lives, back to before its last decision.
func (d *desk) backTo(it *store.Item, c *closing, r *row) ([]syncproto.Edit, error) {
	tip := c.Change
	if c.Tip != "" {
		tip = c.Tip
	}
	e := syncproto.Edit{Table: r.Table, Row: r.ID, Op: syncproto.OpUpdate, UndoOf: tip, Base: syncproto.Base{Epoch: r.Label.Epoch, Rev: r.Label.Rev, Open: r.Open},
		Decides: strings.Split(it.Cell, ",")}
	if it.Kind == syncproto.ItemDelete {
		if r.Dead != 0 { // a deletion stands while it waits for a decision
			return nil, nil
		}
		e.Op = syncproto.OpDelete
		return []syncproto.Edit{e}, nil
	}
	if err := d.loadRecords([]syncproto.Identity{c.Change}); err != nil {
		return nil, err
	}
	cells, err := d.inverse(r, c.Change)
	if err != nil {
		return nil, err
	}
	// What showed is on record: a row rule or a state may have held it back, which the history of one cell does not tell.
	raw := it.Base
	if n := len(c.Before); n > 0 {
		raw = mustJSON(c.Before[n-1].Values)
	}
	before, err := d.valuesIn(it, raw)
	if err != nil {
		return nil, err
	}
	after, err := d.valuesIn(it, mustJSON(c.Values))
	if err != nil {
		return nil, err
	}
	for _, x := range cells {
		if !slices.Contains(e.Decides, x.Cell) {
			continue
		}
		was, known := before[x.Cell]
		is, shows := after[x.Cell]
		switch rule := d.book.Cell(r.Table, x.Cell).Rule; {
		case !known || !shows:
		case rule == schema.RuleSum:
			x.Delta = was.Num() - is.Num()
		case rule == schema.RuleSet:
			x.Add, x.Del = without(was.Elements(), is.Elements()), without(is.Elements(), was.Elements())
		default:
			x.Value = was
		}
		e.Cells = append(e.Cells, x)
	}
	if len(e.Cells) == 0 {
		return nil, nil
	}
	return []syncproto.Edit{e}, nil
}

func without(list, those []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(those, s) })
}

// held tells that an item stays open although nothing in the history of its row asks for it: its decision was taken back. It closes as any other
// when somebody decides it, and when there is nothing left to decide.
func (d *desk) held(o *store.Item, r *row, deleted bool, by *record) (bool, error) {
	s, err := readSides(o)
	if err != nil || s.Back == nil || (o.Kind == syncproto.ItemDelete) != deleted {
		return false, err
	}
	cells := strings.Split(o.Cell, ",")
	return by == nil || !slices.ContainsFunc(r.versions, func(v merge.RowVersion) bool {
		return v.ID == by.Identity && v.UndoOf == "" && slices.ContainsFunc(v.Decides, func(c string) bool { return slices.Contains(cells, c) })
	}), nil
}

// keepShown notes what the cells of items held open show as they are decided once more: taken back, that is to show again. Merging holds nothing
// back there, so that whoever wrote since the first decision was taken back shows.
func (d *desk) keepShown(r *row, cells []string) error {
	open, err := d.openItems(r)
	if err != nil {
		return err
	}
	for _, o := range open {
		s, err := readSides(o)
		if err != nil {
			return err
		}
		if s.Back != nil && sharesCell(o, cells) && d.showHeld(o, r) {
			d.changedItems(o)
		}
	}
	return nil
}

// showHeld lets an item held open say what shows in its cells now.
func (d *desk) showHeld(o *store.Item, r *row) bool {
	if o.Kind == syncproto.ItemDelete || r == nil || r.Dead != 0 {
		return false
	}
	base := map[string]json.RawMessage{}
	for name := range strings.SplitSeq(o.Cell, ",") {
		if d.book.Cell(r.Table, name) != nil {
			base[name] = r.cell(d.book, name).AppendJSON(nil)
		}
	}
	o.Base = mustJSON(base)
	return true
}

// closeHeld closes what was held open about a row that died by the short way.
func (d *desk) closeHeld(r *row, by *record) error {
	open, err := d.openItems(r)
	if err != nil {
		return err
	}
	for _, o := range open {
		if err := d.closeItem(o, r, &merge.Result{Deleted: true}, by); err != nil {
			return err
		}
	}
	return nil
}

// undoLate takes back that late work was taken, or returned to its author.
func (d *desk) undoLate(user syncproto.UserID, it *store.Item, c *closing) error {
	s, err := readSides(it)
	if err != nil {
		return err
	}
	if len(s.Heads) == 0 {
		return cannotUndo(it.ID, "内容已依法抹除，没有可撤的。", "Its words were erased by law: there is nothing to take back.")
	}
	id := s.Heads[0]
	if err := d.loadRecords([]syncproto.Identity{id}); err != nil {
		return err
	}
	rec := d.records[id]
	letIn, err := d.isLetIn(rec)
	if err != nil {
		return err
	}
	switch {
	case rec == nil || len(rec.Body) == 0:
		return cannotUndo(it.ID, "内容已依法抹除，没有可撤的。", "Its words were erased by law: there is nothing to take back.")
	case letIn:
		return d.undoRefusal(user, it, rec, c.Said)
	case rec.MendedBy != "":
		return cannotUndo(it.ID, "作者已经改好重传了，这个决定不撤：撤了，一件事会有两份。要改，请改他重传的那一条。", "Its author has mended it and sent it again, so this decision stays: otherwise there would be two of it. Correct what was sent again.")
	case c.Word == wordTaken && rec.Status == syncproto.Refused:
		return cannotUndo(it.ID, "收下以后它还没有生效，没有可撤的。", "It was taken and has not taken effect yet: there is nothing to take back.")
	case c.Word == wordRefused && rec.Status == syncproto.Refused && rec.Code != syncproto.CodeLate:
		return d.undoRefusal(user, it, rec, c.Said)
	case c.Word == wordRefused && rec.Status != syncproto.Refused && !rec.Late:
		return cannotUndo(it.ID, "这条后来已经收下了，没有可撤的。", "It took effect since: there is nothing to take back.")
	}
	was := s.Back
	s.Back = &back{By: user, At: d.tx.Now()}
	var taken syncproto.Identity
	switch {
	case c.Word == wordTaken:
		if taken, err = d.takeAway(it.ID, id, c.Tip); err != nil {
			return err
		}
		s.Back.Change = taken
	case was != nil: // it was taken before, and that was taken back
		s.Back.Change = was.Change
	}
	return d.reopenLate(user, it, id, taken, s, c.Said)
}

// takeAway takes away what late work wrote, row by row, where the row is there still. The rights are those of whoever decides; his who wrote it are
// not the decider's own, so the server does it, and who asked for it is on record beside.
func (d *desk) takeAway(item string, id, tip syncproto.Identity) (syncproto.Identity, error) {
	if tip == "" {
		tip = id
	}
	edits, err := d.undoing(tip)
	if err != nil {
		return "", err
	}
	edits = slices.DeleteFunc(edits, func(e syncproto.Edit) bool {
		return d.rows[e.Row].Dead != 0 && (e.Op == syncproto.OpDelete || len(e.Cells) > 0)
	})
	if len(edits) == 0 {
		return "", nil
	}
	return d.submitBack("", item, edits)
}

// reopenLate opens an item about late work again; taken is the change that took its words away just now, if one had to.
func (d *desk) reopenLate(user syncproto.UserID, it *store.Item, id, taken syncproto.Identity, s sides, said []Saying) error {
	d, err := d.j.newDesk(d.tx)
	if err != nil {
		return err
	}
	if err := d.need(it.Row); err != nil {
		return err
	}
	if err := d.tx.LockStreams(it.Stream); err != nil {
		return err
	}
	if r := d.rows[it.Row]; r != nil {
		it.Scope = r.Scope
	}
	it.Closed, it.By, it.Heads, it.Outcome = 0, "", mustJSON(s), outcomeOf(said)
	d.addItem(it)
	d.changedItems(it)
	if err := d.tellOutcome(it, map[syncproto.Identity]string{id: ""}); err != nil {
		return err
	}
	about := []syncproto.Identity{id}
	if taken != "" {
		about = append(about, taken)
	}
	for _, x := range about {
		if err := d.recordDecision(it.Stream, user, WordUndone, x, nil); err != nil {
			return err
		}
	}
	return d.flush(&push{})
}

// takeBack lets late work count again of which it was taken back that it counts: what took it away is undone.
func (j *Judge) takeBack(tx *store.Tx, it *store.Item, s *sides) (tip syncproto.Identity, err error) {
	if s.Back == nil || s.Back.Change == "" {
		return "", nil
	}
	d, err := j.newDesk(tx)
	if err != nil {
		return "", err
	}
	return d.takeAway(it.ID, s.Back.Change, "")
}

// decidedAgain keeps beside an item that it was decided once more, by which change, and what went before: that counts again when this is taken back.
func (d *desk) decidedAgain(user syncproto.UserID, id string, change syncproto.Identity) error {
	d, err := d.j.newDesk(d.tx)
	if err != nil {
		return err
	}
	found, err := d.tx.Items("id = ?", id)
	if err != nil {
		return err
	}
	it := found[0]
	if err := d.need(it.Row); err != nil {
		return err
	}
	r := d.rows[it.Row]
	if r == nil || r.Dead != 0 || it.Closed == 0 {
		return nil
	}
	open, err := d.openItems(r)
	cells := strings.Split(it.Cell, ",")
	if err != nil || slices.ContainsFunc(open, func(o *store.Item) bool { return sharesCell(o, cells) }) {
		return err // beside what somebody wrote meanwhile it is another item
	}
	result, err := d.rowAsItStands(r)
	if err != nil {
		return err
	}
	was, err := readClosing(it)
	if err != nil {
		return err
	}
	s, err := readSides(it)
	if err != nil {
		return err
	}
	c := endOf(it, &result, change)
	c.Said, c.Before = was.Said, was.Before
	was.By, was.At, was.Said, was.Before = it.By, it.Closed, nil, nil
	c.Before = append(c.Before, was)
	d.fates(&c, it, s, r, &result, cells)
	it.By, it.Closed, it.Outcome = user, d.tx.Now(), mustJSON(c)
	d.addItem(it)
	d.changedItems(it)
	if err := d.tellOutcome(it, c.Fates); err != nil {
		return err
	}
	return d.flush(&push{})
}
