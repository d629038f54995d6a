package judge

import (
	"encoding/json"
	"fmt"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// checkTwins looks, for rows touched whose twin column changed, for others that live with the same value. Two rows for one person or
// household are an item for those who may see both; the authors are not told, as the other may lie where they may not look.
func (d *desk) checkTwins() error {
	wanted := map[string]map[string]bool{} // table → values
	want := func(r *row) {
		v := r.get(r.table.Twin)
		if v.IsNull() {
			return
		}
		if wanted[r.Table] == nil {
			wanted[r.Table] = map[string]bool{}
		}
		wanted[r.Table][v.Str()] = true
	}
	for _, r := range d.touchedRows() {
		if err := d.sortNamed(r, want); err != nil {
			return err
		}
		if r.table.Twin == "" {
			continue
		}
		if err := d.closeTwins(r); err != nil {
			return err
		}
		if r.Dead == 0 && r.get(r.table.Twin) != r.wasValue(r.table.Twin) {
			want(r)
		}
	}
	for _, t := range d.book.Tables() {
		if len(wanted[t.Name]) == 0 {
			continue
		}
		if err := d.findTwins(t, wanted[t.Name]); err != nil {
			return err
		}
	}
	return nil
}

// wasValue is a column as it was when the row was loaded.
func (r *row) wasValue(column string) schema.Value {
	if i := columnIndex(r.table, column); i >= 0 && r.wasValues != nil {
		return r.wasValues[i]
	}
	return schema.Null
}

func (d *desk) findTwins(t *schema.Table, values map[string]bool) error {
	var ask []string
	for v := range values {
		ask = append(ask, v)
	}
	slices.Sort(ask)
	stored, err := d.tx.ValuesWhere(t.Name, t.Twin, ask)
	if err != nil {
		return err
	}
	var ids []syncproto.RowID
	for id := range stored {
		ids = append(ids, id)
	}
	if err := d.loadRows(ids); err != nil {
		return err
	}
	if err := d.loadValues(ids); err != nil {
		return err
	}
	of := map[string][]*row{}
	for _, r := range d.rows {
		if r != nil && r.table.Name == t.Name && r.Dead == 0 && r.loaded && values[r.get(t.Twin).Str()] {
			v := r.get(t.Twin).Str()
			of[v] = append(of[v], r)
		}
	}
	for _, v := range ask {
		rows := of[v]
		slices.SortFunc(rows, func(a, b *row) int { return compareText(a.ID, b.ID) })
		for i := range rows {
			for k := i + 1; k < len(rows); k++ {
				if err := d.openTwin(rows[i], rows[k]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// openTwin opens the item of a pair, unless there is one, or somebody said that they are two.
func (d *desk) openTwin(a, b *row) error {
	known, err := d.twinItems(a)
	if err != nil {
		return err
	}
	for _, it := range known {
		if it.Other == b.ID && (it.Closed == 0 || wordOf(it) == WordDistinct) {
			return nil
		}
	}
	if named, err := d.namedAbove(a, b); named || err != nil {
		return err
	}
	id, err := d.tx.NewID()
	if err != nil {
		return err
	}
	d.addTwin(id, a, b, nil)
	return nil
}

// addTwin opens an item about two rows; named is on whose word, nil where what they hold tells that they may be one.
func (d *desk) addTwin(id string, a, b *row, named *naming) *store.Item {
	base := map[string]json.RawMessage{}
	if a.table.Twin != "" {
		base[a.table.Twin] = a.get(a.table.Twin).AppendJSON(nil)
	}
	it := &store.Item{ID: id, Kind: syncproto.ItemTwin, Table: a.Table, Row: a.ID, Other: b.ID, Scope: a.Scope, Stream: a.Stream, Opened: d.tx.Now(),
		Heads: mustJSON(sides{Heads: append(makers(a), makers(b)...), Named: named}), Base: mustJSON(base)}
	d.addItem(it)
	d.changedItems(it)
	return it
}

// makers are the versions at the head of a row's existence: who made it, or brought it back, or deleted it.
func makers(r *row) []syncproto.Identity {
	var out []syncproto.Identity
	for _, h := range r.State.Heads {
		if slices.Contains(h.Cells, syncproto.ExistenceCell) {
			out = append(out, h.ID)
		}
	}
	return out
}

// The words of decisions that are no edits.
const (
	WordDistinct = "distinct" // two after all
	WordMerged   = "merged"
	WordMoot     = "moot" // one of them is no more, or its value has changed: nobody need decide
)

func wordOf(it *store.Item) string {
	var c closing
	if len(it.Outcome) == 0 || json.Unmarshal(it.Outcome, &c) != nil {
		return ""
	}
	return c.Word
}

// twinItems are the twin items of a row, closed ones too.
func (d *desk) twinItems(r *row) ([]*store.Item, error) {
	stored, err := d.tx.Items("kind = ? AND (row_id = ? OR other = ?)", string(syncproto.ItemTwin), string(r.ID), string(r.ID))
	if err != nil {
		return nil, err
	}
	for _, it := range stored {
		d.addItem(it)
	}
	var out []*store.Item
	for _, it := range d.items {
		if it.Kind == syncproto.ItemTwin && (it.Row == r.ID || it.Other == r.ID) {
			out = append(out, it)
		}
	}
	slices.SortFunc(out, func(a, b *store.Item) int { return compareText(a.ID, b.ID) })
	return out, nil
}

// closeTwins closes the items of a row that is a twin no more. Those that somebody named do not hang on what it holds.
func (d *desk) closeTwins(r *row) error {
	before := r.wasValue(r.table.Twin)
	if !r.wasThere || before.IsNull() || (r.Dead == 0 && r.get(r.table.Twin) == before) {
		return nil
	}
	items, err := d.twinItems(r)
	if err != nil {
		return err
	}
	for _, it := range items {
		s, err := readSides(it)
		if err != nil {
			return err
		}
		if it.Closed == 0 && s.Named == nil {
			if err := d.moot(it); err != nil {
				return err
			}
		}
	}
	return nil
}

// moot closes an item about which nobody need decide any more.
func (d *desk) moot(it *store.Item) error {
	was, err := readClosing(it)
	if err != nil {
		return err
	}
	it.Closed, it.By, it.Outcome = d.tx.Now(), "", mustJSON(closing{Word: WordMoot, Said: was.Said})
	d.changedItems(it)
	return nil
}

// resolveTwin says that two rows are two, or merges one into the other: what lies beneath the loser moves to the winner, the loser is
// deleted and leaves an alias, under which later edits of it find the winner. The changes themselves record what moved, so undoing them undoes
// that.
func (j *Judge) resolveTwin(tx *store.Tx, user syncproto.UserID, it *store.Item, decision Decision) (*Outcome, error) {
	if decision.Winner == "" {
		return j.decideDistinct(tx, user, it)
	}
	loser := it.Other
	if decision.Winner == it.Other {
		loser = it.Row
	} else if decision.Winner != it.Row {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "resolve " + it.ID, Message: syncproto.Both("所选的记录不在这一对里。", "The row chosen is none of the two.")}
	}
	pairs, err := twinsMerged(tx, it.Table, loser, decision.Winner)
	if err != nil {
		return nil, err
	}
	var edits, gone []syncproto.Edit
	for _, p := range pairs {
		children, err := tx.Children([]string{string(p.loser)})
		if err != nil {
			return nil, err
		}
		for _, c := range children {
			if c.Dead != 0 || slices.ContainsFunc(pairs, func(x twinPair) bool { return x.loser == c.ID }) {
				continue
			}
			parent := tx.Book().Table(c.Table).Parent
			edits = append(edits, syncproto.Edit{Table: c.Table, Row: c.ID, Op: syncproto.OpUpdate,
				Cells: []syncproto.CellEdit{{Cell: parent, Value: schema.Text(string(p.winner))}}})
		}
		if !p.gone {
			gone = append(gone, syncproto.Edit{Table: p.table, Row: p.loser, Op: syncproto.OpDelete})
		}
	}
	last := pairs[len(pairs)-1]
	for i, p := range pairs {
		if p != last && tx.Book().Table(it.Table).TwinAbove || slices.ContainsFunc(pairs[:i], func(x twinPair) bool { return x.winner == p.winner }) {
			continue // of two with one number, the numbers are the same; of several numbers, one is chosen
		}
		if e := takenOver(tx.Book(), p.table, p.winner, decision); len(e.Cells) > 0 {
			edits = append(edits, e)
		}
	}
	edits = append(edits, gone...)
	if len(edits) > mostMerged {
		return nil, tooManyMerged(it.ID, len(edits))
	}
	if err := tx.LockStreams(it.Stream); err != nil {
		return nil, err
	}
	// A change touches so many rows and no more: what is beyond goes in others before it, of the same transaction. All of them are there or none,
	// and phones get them in one, as no pull ends within a transaction. The loser goes with the last.
	var drafts []Draft
	for part := range slices.Chunk(edits, syncproto.MaxEdits) {
		drafts = append(drafts, Draft{Edits: part})
	}
	// The rights are the user's, judged where twins are decided; the edits are the server's own, as parents are otherwise written once.
	out, err := j.SubmitIn(tx, "", drafts...)
	if err != nil {
		return nil, err
	}
	var done []syncproto.Identity
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return nil, &syncproto.Error{Code: v.Code, Op: "merge twins " + it.ID, Message: v.Message}
		}
		done = append(done, v.Identity)
	}
	for _, p := range pairs {
		if p.gone { // for another reason: what comes for it stands against that deletion, and undoing the merge must leave no alias
			continue
		}
		if err := tx.SetAlias(p.loser, p.winner); err != nil {
			return nil, err
		}
	}
	was, err := readClosing(it)
	if err != nil {
		return nil, err
	}
	it.Outcome = mustJSON(closing{Word: WordMerged, Change: done[len(done)-1], Also: done[:len(done)-1], Said: was.Said})
	return out, j.finishTwin(tx, user, it, WordMerged, done...)
}

// mostMerged bounds the rows that merging twins writes itself (what lies beneath a child goes along): it is one transaction, for which phones wait.
// No household has so many; a list of another kind that was taken for one may.
const mostMerged = 5000

func tooManyMerged(item string, rows int) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "merge twins " + item, Message: syncproto.Both(
		fmt.Sprintf("要移过去的有 %d 条，一次最多 %d 条，什么都没有动。", rows, mostMerged),
		fmt.Sprintf("%d rows would have to move, and %d at most can at once; nothing was done.", rows, mostMerged)),
		Hint: syncproto.Both("请选条目多的那一条留下，或先把里面的人移到该在的户。", "Let the one that has more of them stay, or first move people in it to the household where they belong.")}
}

// twinPair are two rows of a table of which one stays.
type twinPair struct {
	table         string
	loser, winner syncproto.RowID
	gone          bool // the loser was deleted before
}

// twinsMerged are the rows that merging twins makes one: the two themselves, and where their value tells that the rows above them are one (an ID
// number, that two people are), those as well. Of two people that somebody named, the ID numbers become one likewise: nobody has two. What stands
// last is what people mean by them.
func twinsMerged(tx *store.Tx, table string, loser, winner syncproto.RowID) ([]twinPair, error) {
	out := []twinPair{{table: table, loser: loser, winner: winner}}
	t := tx.Book().Table(table)
	if !t.TwinAbove {
		below, err := tellersMerged(tx, t, loser, winner)
		return append(below, out...), err
	}
	rows, err := tx.Rows([]string{string(loser), string(winner)})
	if err != nil {
		return nil, err
	}
	above := map[syncproto.RowID]syncproto.RowID{}
	for _, r := range rows {
		above[r.ID] = r.Parent
	}
	if above[loser] == above[winner] || above[loser] == "" || above[winner] == "" {
		return out, nil
	}
	over, err := tx.Rows([]string{string(above[loser]), string(above[winner])})
	if err != nil {
		return nil, err
	}
	dead := map[syncproto.RowID]bool{}
	for _, r := range over {
		dead[r.ID] = r.Dead != 0
	}
	if dead[above[winner]] && !dead[above[loser]] {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "merge twins " + string(loser),
			Message: syncproto.Both("所选记录上面的人已经删除，合并会把还在的人也删掉。", "The person whose record was chosen is deleted: merging would delete the one who is there as well."),
			Hint:    syncproto.Both("请选另一条，或先恢复已删除的人。", "Choose the other one, or first bring back the one who was deleted.")}
	}
	return append(out, twinPair{t.Column(t.Parent).Ref, above[loser], above[winner], dead[above[loser]]}), nil
}

// tellersMerged pairs the rows beneath two that become one of which each has one alone, as a person has one ID number.
func tellersMerged(tx *store.Tx, t *schema.Table, loser, winner syncproto.RowID) (out []twinPair, err error) {
	of := twinsBelow(tx.Book(), t)
	if len(of) == 0 {
		return nil, nil
	}
	children, err := tx.Children([]string{string(loser), string(winner)})
	if err != nil {
		return nil, err
	}
	for _, below := range of {
		var stays syncproto.RowID
		for _, c := range children {
			if c.Table == below.Name && c.Dead == 0 && c.Parent == winner && stays == "" {
				stays = c.ID
			}
		}
		for _, c := range children {
			if c.Table == below.Name && c.Dead == 0 && c.Parent == loser && stays != "" {
				out = append(out, twinPair{table: below.Name, loser: c.ID, winner: stays})
			}
		}
	}
	return out, nil
}

// takenOver is the edit by which the twin that stays takes cells of the other: part of the change that merges them, and undone with it.
func takenOver(b *schema.Book, table string, winner syncproto.RowID, decision Decision) syncproto.Edit {
	e := syncproto.Edit{Table: table, Row: winner, Op: syncproto.OpUpdate}
	for _, c := range b.Cells(table) {
		if v, given := decision.Values[c.Name]; given {
			e.Cells = append(e.Cells, syncproto.CellEdit{Cell: c.Name, Value: v})
		}
	}
	return e
}

func (j *Judge) finishTwin(tx *store.Tx, user syncproto.UserID, it *store.Item, word string, about ...syncproto.Identity) error {
	if err := tx.LockStreams(it.Stream); err != nil {
		return err
	}
	d, err := j.newDesk(tx)
	if err != nil {
		return err
	}
	it.Closed, it.By = tx.Now(), user
	d.addItem(it)
	d.changedItems(it)
	for _, id := range about {
		if err := d.recordDecision(it.Stream, user, word, id, nil); err != nil {
			return err
		}
	}
	return d.flush(&push{by: Author{Server: true, User: user}})
}
