package judge

import (
	"context"
	"errors"
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// Letting is how somebody lets in, on its author's behalf, what a refused change wrote. Rows go by the names that the change gives them.
type Letting struct {
	// Seen are the rows as he was shown them (Weighed.Seen): where one is another by now nothing is let in, and he looks again. Nil: as they stand.
	Seen map[syncproto.RowID]syncproto.Base
	// Write are values that he mends: of a sum what is added, of a set the elements added. Leave are cells that stay as they show.
	Write map[syncproto.RowID]map[string]schema.Value
	Leave map[syncproto.RowID][]string
	// Why is what he says about it; it is kept beside the decision, and hashed by the chain.
	Why string
}

// Weighed tells what somebody can do about a refused change.
type Weighed struct {
	Item    string // of late work that nobody has decided about: its item
	Return  *syncproto.Error
	No      *syncproto.Error // why it cannot be let in as it is; nil: it can
	Mending bool             // it could be, if he mended what it wrote
	Seen    map[syncproto.RowID]syncproto.Base
	Saw     map[syncproto.RowID]map[string]schema.Value // what its author had before him in the cells that he wrote
}

// Weigh tells what somebody can do about a refused change. It is judged as LetIn would have it judged, and nothing is written.
func (j *Judge) Weigh(ctx context.Context, user syncproto.UserID, id syncproto.Identity, how Letting) (*Weighed, error) {
	var out *Weighed
	err := j.store.Read(ctx, func(tx *store.Tx) error {
		out = &Weighed{}
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		rec, it, err := d.refusedFor(user, id)
		if err != nil {
			out.No, err = said(err)
			out.Return = out.No
			return err
		}
		if it != nil && it.Closed != 0 {
			out.Return, err = said(d.returned(it))
		} else if it != nil {
			out.Item = it.ID
			return nil
		}
		if err != nil {
			return err
		}
		var draft Draft
		if draft, out.Seen, err = d.letting(rec, how); err == nil {
			err = d.wouldRefuse(user, draft)
		}
		if out.No, err = said(err); err != nil || out.Seen == nil {
			return err
		}
		out.Mending = out.No != nil && out.No.Code == syncproto.CodeInvalid
		out.Saw, err = d.sawBefore(rec)
		return err
	})
	return out, err
}

// said tells a sentence for people from a failure.
func said(err error) (*syncproto.Error, error) {
	var e *syncproto.Error
	if errors.As(err, &e) && e.Message != "" && e.Code != syncproto.CodeInternal {
		return e, nil
	}
	return nil, err
}

// LetIn lets in, on its author's behalf, what a change wrote that was refused: by a change of whoever decides, which stands in for the refused one
// as its author's own mend does, and is judged anew by the rule book and by his own rights. What the author wrote stays whole. Late work that
// nobody has decided about is taken as it is (see Resolve).
func (j *Judge) LetIn(ctx context.Context, user syncproto.UserID, id syncproto.Identity, how Letting) (*Outcome, error) {
	var out *Outcome
	err := j.store.Write(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		rec, it, err := d.refusedFor(user, id)
		if err != nil {
			return err
		}
		if it != nil && it.Closed == 0 {
			out, err = d.resolve(user, it, Decision{Keep: true, Why: how.Why})
			return err
		}
		draft, _, err := d.letting(rec, how)
		if err != nil {
			return err
		}
		if out, err = j.SubmitIn(tx, user, draft); err != nil {
			return err
		}
		v := out.Verdicts[0]
		if v.Status == syncproto.Refused {
			return notLet(&refusal{code: v.Code, message: v.Message})
		}
		return j.endRefusal(tx, user, id, wordTaken, out, how.Why)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Return tells the author of a refused change that somebody has looked, has not let it in, and what he says about it. It stays refused, and whole.
func (j *Judge) Return(ctx context.Context, user syncproto.UserID, id syncproto.Identity, why string) error {
	return j.store.Write(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		_, it, err := d.refusedFor(user, id)
		if err != nil {
			return err
		}
		if it != nil && it.Closed == 0 {
			_, err := d.resolve(user, it, Decision{Why: why})
			return err
		}
		if it != nil {
			if err := d.returned(it); err != nil {
				return err
			}
		}
		return j.endRefusal(tx, user, id, wordRefused, &Outcome{}, why)
	})
}

// refusedFor finds a refused change about which somebody decides, and the item that holds, or held, a decision about it.
func (d *desk) refusedFor(user syncproto.UserID, id syncproto.Identity) (*record, *store.Item, error) {
	if err := d.loadRecords([]syncproto.Identity{id}); err != nil {
		return nil, nil, err
	}
	rec := d.records[id]
	refused := func(code syncproto.Code, zh, en string) error {
		return &syncproto.Error{Code: code, Op: "refused change " + string(id), Message: syncproto.Both(zh, en)}
	}
	switch {
	case rec == nil:
		return nil, nil, refused(syncproto.CodeNotFound, "没有这条改动。", "No such change.")
	case rec.Status != syncproto.Refused:
		return nil, nil, refused(syncproto.CodeConflict, "这条已经收下了。", "It took effect already.")
	case rec.MendedBy != "":
		return nil, nil, refused(syncproto.CodeConflict, "这条已经改好重传，或者已经有人收下了。", "Its author has mended it, or somebody has let it in already.")
	}
	c, err := d.change(rec)
	if err != nil {
		return nil, nil, err
	}
	about := &store.Item{Stream: rec.Stream}
	if len(c.Edits) > 0 {
		about.Row = c.Edits[0].Row
	}
	may, err := d.mayDecide(user, about)
	if err != nil {
		return nil, nil, err
	}
	if !may {
		return nil, nil, refused(syncproto.CodeForbidden, "这条写的不是您管的地方，要由那里的管理员来定。", "It is about a place that is not yours; an administrator there decides.")
	}
	it, err := d.itemOfRefused(rec)
	return rec, it, err
}

// itemOfRefused is the item that holds a decision about a refused change, or waits for one; nil when there is none.
func (d *desk) itemOfRefused(rec *record) (*store.Item, error) {
	for _, n := range rec.verdict.Items {
		if n.Kind != syncproto.ItemLate {
			continue
		}
		found, err := d.tx.Items("id = ?", n.Item)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		d.addItem(found[0])
		return d.items[found[0].ID], nil
	}
	return nil, nil
}

// returned tells whoever would return what was returned that it was.
func (d *desk) returned(it *store.Item) error {
	c, err := readClosing(it)
	if err != nil || c.Word != wordRefused {
		return err
	}
	return &syncproto.Error{Code: syncproto.CodeConflict, Op: "refused change", Message: syncproto.Both("这条已经有人看过，退回了。", "Somebody has looked and returned it already.")}
}

// letting is the change that lets a refused one in, based on the rows as they show, which it gives as well.
func (d *desk) letting(rec *record, how Letting) (draft Draft, seen map[syncproto.RowID]syncproto.Base, err error) {
	if err := d.beyondHelp(rec); err != nil {
		return draft, nil, err
	}
	c, err := d.change(rec)
	if err != nil {
		return draft, nil, err
	}
	var rows []syncproto.RowID
	for i := range c.Edits {
		rows = append(rows, c.Edits[i].Row)
	}
	if err := d.loadRows(rows); err != nil {
		return draft, nil, err
	}
	draft.Mends, seen = rec.Identity, map[syncproto.RowID]syncproto.Base{}
	for i := range c.Edits {
		e, err := d.lettingEdit(&c.Edits[i], how)
		if err != nil {
			return draft, nil, err
		}
		if r := d.rows[e.Row]; r != nil {
			e.Base = syncproto.Base{Epoch: d.epoch.ID, Rev: r.Label.Rev, Open: r.Open}
			if was, shown := how.Seen[c.Edits[i].Row]; how.Seen != nil && (!shown || was.Epoch != e.Base.Epoch || was.Rev != e.Base.Rev) {
				return draft, nil, &syncproto.Error{Code: syncproto.CodeConflict, Op: "let in", Message: syncproto.Both("您看的时候这里又有人改了，还没有收。", "Somebody wrote here while you looked; nothing was let in."),
					Hint: syncproto.Both("看看现在的内容，再定一次。", "Look at what shows now, and decide again.")}
			}
			seen[c.Edits[i].Row] = e.Base
		}
		if i := slices.IndexFunc(draft.Edits, func(o syncproto.Edit) bool { return o.Row == e.Row }); i >= 0 { // of two that were merged since
			cells, differs := foldCells(d.book.Cells(e.Table), draft.Edits[i].Cells, e.Cells)
			if differs != nil {
				return draft, nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "let in", Message: syncproto.Both(saidTwice(differs)),
					Hint: syncproto.Both("两处写成一样的再收。", "Write the same into both, then let it in.")}
			}
			draft.Edits[i].Cells = cells
			continue
		}
		if e.Op != syncproto.OpUpdate || len(e.Cells) > 0 {
			draft.Edits = append(draft.Edits, e)
		}
	}
	if len(draft.Edits) == 0 {
		return draft, nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "let in", Message: syncproto.Both("照这样没有什么可收的。", "So there is nothing to let in."), Hint: syncproto.Both("不收的话，退回给他。", "If it is not to be, return it.")}
	}
	return draft, seen, nil
}

// beyondHelp tells of a change that nobody can let in, whatever his rights, and why.
func (d *desk) beyondHelp(rec *record) error {
	no := func(code syncproto.Code, zh, en string) error {
		return &syncproto.Error{Code: code, Op: "let in", Message: syncproto.Both(zh, en)}
	}
	c, err := d.change(rec)
	if err != nil {
		return err
	}
	switch {
	case len(rec.Body) == 0:
		return no(syncproto.CodeForbidden, "内容已依法抹除，没有什么可收的。", "Its words were erased by law; there is nothing to let in.")
	case rec.Code == syncproto.CodeLate:
		return no(syncproto.CodeConflict, "已经有人看过，没有收。", "Somebody has looked and did not take it.")
	case rec.Code == syncproto.CodeConflict:
		return no(syncproto.CodeConflict, "内容已经补回，不用再收。", "Its words are back already; there is nothing to let in.")
	case c.Defect != nil && c.Defect.Code != syncproto.CodeInvalid:
		return refuseUnknownHere()
	case c.Defect != nil:
		return no(syncproto.CodeUnknown, "这条写得不全，服务器读不懂，只能退回。", "It is not whole, and the server cannot read it; it can only be returned.")
	}
	if rec.verdict.Waits == "" {
		return nil
	}
	if err := d.loadRecords([]syncproto.Identity{rec.verdict.Waits}); err != nil {
		return err
	}
	if on := d.records[rec.verdict.Waits]; on != nil && d.missing(on) {
		return no(syncproto.CodeWaits, "它依据的那一条还没有收。先定那一条，这条就自动重新处理。", "What it builds on was not taken yet. Decide about that one first; this one is then judged again by itself.")
	}
	return nil
}

func refuseUnknownHere() error {
	return &syncproto.Error{Code: syncproto.CodeUnknown, Op: "let in", Message: syncproto.Both("这台服务器还不认识它写的内容，不知道是什么意思，收不了。升级服务器以后会自动重新处理。", "This server does not know what it wrote, nor what that means, and cannot let it in. It is judged again by itself when the server was upgraded.")}
}

// lettingEdit is an edit as it would be let in: of a twin that was merged away, to the one that stayed. What it would have decided or undone is
// left out, as whoever lets it in chooses among values; that is done at the conflict desk.
func (d *desk) lettingEdit(of *syncproto.Edit, how Letting) (syncproto.Edit, error) {
	e := syncproto.Edit{Table: of.Table, Row: d.mergedInto(of.Row), Op: of.Op}
	if d.book.Table(of.Table) == nil {
		return e, refuseUnknownHere()
	}
	r := d.rows[e.Row]
	switch {
	case r == nil && of.Op != syncproto.OpCreate:
		return e, &syncproto.Error{Code: syncproto.CodeWaits, Op: "let in", Message: syncproto.Both("服务器上还没有它要改的那条记录，等那条到了才能收。", "The row that it changes is not on the server yet; it can be let in when that has come.")}
	case r != nil && r.Dead != 0:
		return e, &syncproto.Error{Code: syncproto.CodeState, Op: "let in", Message: syncproto.Both("它要改的那条记录已经删了。要收，先把那条记录恢复回来。", "The row that it changes was deleted. To let it in, bring that row back first.")}
	case r != nil && of.Op == syncproto.OpCreate:
		e.Op = syncproto.OpUpdate // it has come some other way
	}
	for i := range of.Cells {
		x := of.Cells[i]
		cell := d.book.Cell(of.Table, x.Cell)
		v, mended := how.Write[of.Row][x.Cell]
		switch {
		case cell == nil || x.Raw != nil && !mended:
			return e, refuseUnknownHere()
		case slices.Contains(how.Leave[of.Row], x.Cell) && e.Op == syncproto.OpUpdate:
			continue
		case !mended:
		case cell.Rule == schema.RuleSum:
			x = syncproto.CellEdit{Cell: x.Cell, Delta: v.Num()}
		case cell.Rule == schema.RuleSet:
			x = syncproto.CellEdit{Cell: x.Cell, Add: v.Elements(), Del: slices.DeleteFunc(slices.Clone(x.Del), func(s string) bool { return slices.Contains(v.Elements(), s) })}
		default:
			x = syncproto.CellEdit{Cell: x.Cell, Value: v}
		}
		e.Cells = append(e.Cells, x)
	}
	if e.Op != syncproto.OpCreate {
		return e, nil
	}
	var cells []syncproto.CellEdit
	for _, c := range d.book.Cells(e.Table) { // with what a row must have, and its author did not write
		i := slices.IndexFunc(e.Cells, func(x syncproto.CellEdit) bool { return x.Cell == c.Name })
		if v := how.Write[of.Row][c.Name]; i >= 0 {
			cells = append(cells, e.Cells[i])
		} else if !v.IsNull() {
			cells = append(cells, syncproto.CellEdit{Cell: c.Name, Value: v})
		}
	}
	e.Cells = cells
	return e, nil
}

// sawBefore is what the author of a refused change had before him in the cells that he wrote, of rows that are there.
func (d *desk) sawBefore(rec *record) (map[syncproto.RowID]map[string]schema.Value, error) {
	out := map[syncproto.RowID]map[string]schema.Value{}
	c, err := d.change(rec)
	if err != nil {
		return nil, err
	}
	for i := range c.Edits {
		e := &c.Edits[i]
		r := d.rows[e.Row]
		if r == nil || e.Op != syncproto.OpUpdate || r.Table != e.Table {
			continue
		}
		v := merge.RowVersion{ID: rec.Identity, Op: e.Op, Cells: e.Cells, Base: e.Base, Corrected: rec.Corrected, Refused: true}
		if err := d.loadHistory(r); err != nil {
			return nil, err
		}
		if err := d.loadRefused(r, &v); err != nil {
			return nil, err
		}
		epochs, err := d.lineOf(r.Stream)
		if err != nil {
			return nil, err
		}
		others := slices.DeleteFunc(slices.Clone(r.versions), func(o merge.RowVersion) bool { return o.ID == v.ID })
		view := merge.View(d.book, e.Table, append(others, v), epochs, v)
		out[e.Row] = map[string]schema.Value{}
		for _, x := range e.Cells {
			if c := view.Cell(x.Cell); c != nil {
				out[e.Row][x.Cell] = c.Value
			}
		}
	}
	return out, nil
}

// wouldRefuse judges what LetIn would submit, and writes nothing.
func (d *desk) wouldRefuse(user syncproto.UserID, draft Draft) error {
	c := &syncproto.Change{Name: syncproto.Name{Device: noStream, Number: 1}, At: d.tx.Now(), Mends: draft.Mends, Edits: draft.Edits}
	c.First = c.Name
	if err := c.Seal(); err != nil {
		return err
	}
	h := &hearing{d: d, c: c, server: true, rec: &record{fresh: true, parsed: c, Change: store.Change{Identity: c.Identity(), First: c.First, User: user, Body: c.Content, At: c.At,
		Corrected: c.At, Received: c.At, Mends: c.Mends}}}
	if err := d.load([]*hearing{h}); err != nil {
		return err
	}
	no, err := h.judge()
	if no == nil || err != nil {
		return err
	}
	return notLet(no)
}

// notLet tells whoever would let a change in why the rule book does not let him.
func notLet(no *refusal) error {
	e := &syncproto.Error{Code: no.code, Op: "let in", Message: no.message}
	switch no.code {
	case syncproto.CodeForbidden:
		e.Message = syncproto.Both("您对这里也没有这项权限，收不了。", "You have no right to this here either, and cannot let it in.")
		e.Hint = syncproto.Both("可以退回给他，或者请有权限的人来收。", "Return it, or ask somebody who has.")
	case syncproto.CodeState:
		e.Message = syncproto.Both("记录现在的状态，您也改不了，收不了。", "In the state that the row is in now you may not make this change either.")
		e.Hint = syncproto.Both("等状态允许了再收，或者退回给他。", "Let it in when the state allows it, or return it.")
	case syncproto.CodeWaits:
		e.Message = syncproto.Both("里面有的记录服务器上还没有，或者不归您管，收不了。", "Some row in it is not on the server yet, or is not yours; it cannot be let in.")
		e.Hint = syncproto.Both("等记录到了再收，或者请那里的管理员来收。", "Let it in when the row has come, or ask an administrator of that place.")
	}
	return e
}

// endRefusal closes what was refused: it tells the author, puts on record who decided, and keeps why.
func (j *Judge) endRefusal(tx *store.Tx, user syncproto.UserID, id syncproto.Identity, word string, out *Outcome, why string) error {
	d, err := j.newDesk(tx)
	if err != nil {
		return err
	}
	if err := d.loadRecords([]syncproto.Identity{id}); err != nil {
		return err
	}
	rec := d.records[id]
	if word == wordTaken && rec.MendedBy != out.Verdicts[0].Identity { // somebody was faster
		return &syncproto.Error{Code: syncproto.CodeConflict, Op: "let in", Message: syncproto.Both("这条已经改好重传，或者已经有人收下了。", "Its author has mended it, or somebody has let it in already.")}
	}
	it, err := d.itemOfRefused(rec)
	if err != nil {
		return err
	}
	if it == nil {
		if it, err = d.newRefusedItem(rec); err != nil {
			return err
		}
	}
	was, err := readClosing(it)
	if err != nil {
		return err
	}
	fate := fateKept
	if word == wordRefused {
		fate = fateOutvoted
	}
	it.Closed, it.By = tx.Now(), user
	it.Outcome = mustJSON(closing{Fates: map[syncproto.Identity]string{id: fate}, Word: word, Said: was.Said})
	d.changedItems(it)
	rec.hears(it, fate)
	if err := tx.LockStreams(rec.Stream); err != nil {
		return err
	}
	if err := d.recordDecision(rec.Stream, user, word, id, nil); err != nil {
		return err
	}
	if err := d.flush(&push{}); err != nil || why == "" {
		return err
	}
	return j.keepSaying(tx, user, it.ID, out, why, false)
}

// newRefusedItem makes the item of a refused change that had none. It is made when somebody has decided: what is refused lies on no desk.
func (d *desk) newRefusedItem(rec *record) (*store.Item, error) {
	c, err := d.change(rec)
	if err != nil {
		return nil, err
	}
	id, err := d.tx.NewID()
	if err != nil {
		return nil, err
	}
	it := &store.Item{ID: id, Kind: syncproto.ItemLate, Stream: rec.Stream, Opened: d.tx.Now(), Heads: mustJSON(sides{Heads: []syncproto.Identity{rec.Identity}}), Base: []byte("{}")}
	if len(c.Edits) > 0 {
		it.Table, it.Row = c.Edits[0].Table, c.Edits[0].Row
	}
	if err := d.loadRows([]syncproto.RowID{it.Row}); err != nil {
		return nil, err
	}
	if r := d.rows[it.Row]; r != nil {
		it.Scope = r.Scope
	}
	d.addItem(it)
	return it, nil
}

// isLetIn tells whether what stands in for a refused change is not its author's.
func (d *desk) isLetIn(rec *record) (bool, error) {
	if rec == nil || rec.MendedBy == "" {
		return false, nil
	}
	if err := d.loadRecords([]syncproto.Identity{rec.MendedBy}); err != nil {
		return false, err
	}
	mend := d.records[rec.MendedBy]
	return mend != nil && mend.User != rec.User, nil
}

// undoRefusal takes back that a refused change was let in, or returned: what stood in for it is undone, and it is refused as before, with nobody's
// decision about it. Its item stays closed and tells no more than that; a decision made later has another.
func (d *desk) undoRefusal(user syncproto.UserID, it *store.Item, rec *record, said []Saying) error {
	about := []syncproto.Identity{rec.Identity}
	if rec.MendedBy != "" {
		by, err := d.takeAway(it.ID, rec.MendedBy, "")
		if err != nil {
			return err
		}
		about = append(about, rec.MendedBy)
		if by != "" {
			about = append(about, by)
		}
	}
	d, err := d.j.newDesk(d.tx)
	if err != nil {
		return err
	}
	if err := d.loadRecords(about); err != nil {
		return err
	}
	rec = d.records[rec.Identity]
	if err := d.tx.LockStreams(it.Stream); err != nil {
		return err
	}
	if rec.MendedBy != "" {
		if err := d.unmend(rec); err != nil {
			return err
		}
	}
	rec.verdict.Items = slices.DeleteFunc(rec.verdict.Items, func(n syncproto.ItemNote) bool { return n.Item == it.ID })
	rec.dirty, rec.news = true, true
	it.Closed, it.By, it.Outcome = d.tx.Now(), user, mustJSON(closing{Word: WordUndone, Said: said})
	d.addItem(it)
	d.changedItems(it)
	for _, id := range about {
		if err := d.recordDecision(it.Stream, user, WordUndone, id, nil); err != nil {
			return err
		}
	}
	return d.flush(&push{})
}

// unmend lets nothing stand in for a refused change any more. Rows in which something was made over it are computed anew.
func (d *desk) unmend(rec *record) error {
	rec.MendedBy, rec.verdict.MendedBy = "", ""
	c, err := d.change(rec)
	if err != nil {
		return err
	}
	var rows []syncproto.RowID
	for i := range c.Edits {
		rows = append(rows, c.Edits[i].Row)
	}
	slices.Sort(rows)
	if err := d.need(rows...); err != nil {
		return err
	}
	for _, id := range slices.Compact(rows) {
		if r := d.rows[id]; r != nil {
			if err := d.recompute(r); err != nil {
				return err
			}
		}
	}
	return nil
}
