package replica

import (
	"encoding/json"

	"minqing/schema"
	"minqing/syncproto"
)

// seal is what a change says beside its edits.
type seal struct {
	at      int64
	mends   syncproto.Identity
	outside bool // captured from another program
}

// seal gives the edits their number and makes them one change; nil when there are none. The domain rows show them already, and
// mq_under has what they showed before.
func (r *Replica) seal(edits []syncproto.Edit, s seal) (*syncproto.Change, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	if len(edits) > syncproto.MaxEdits {
		return nil, invalid("seal", "一次最多改 %d 条记录，请分几次保存。", "One change may touch %d rows; save in parts.", syncproto.MaxEdits)
	}
	m := &meta{c: r.w}
	own, err := device(r.w)
	if err != nil {
		return nil, err
	}
	if own.ID == "" {
		return nil, &syncproto.Error{Code: syncproto.CodeAuth, Op: "replica.seal", Message: syncproto.Both("这台设备还没有登记。", "This device is not enrolled yet."),
			Hint: syncproto.Both("请先用登记码登记。", "Enrol it with a code first.")}
	}
	next, err := m.num("next")
	if err != nil {
		return nil, err
	}
	offset, err := m.num("offset")
	if err != nil {
		return nil, err
	}
	cursor, err := m.text("capture")
	if err != nil {
		return nil, err
	}
	name := syncproto.Name{Device: own.ID, Number: uint64(next)}
	ch := &syncproto.Change{Name: name, First: name, At: s.at, Offset: offset, Cursor: cursor, Mends: s.mends, Edits: edits}
	if err := ch.Seal(); err != nil {
		return nil, err
	}
	id := ch.Identity()
	ord, err := r.w.insert(`INSERT INTO mq_change (device, number, identity, first_device, first_number, content, need, state, mends, outside)
		VALUES (?, ?, ?, ?, ?, ?, 1, 'pending', ?, ?)`, string(own.ID), next, string(id), string(own.ID), next, string(ch.Content), string(s.mends), s.outside)
	if err != nil {
		return nil, err
	}
	for i := range edits {
		if err := r.w.exec(`INSERT INTO mq_edit (row, change, tbl, laid, settled) VALUES (?, ?, ?, 1, 0)`, string(edits[i].Row), ord, edits[i].Table); err != nil {
			return nil, err
		}
	}
	if err := m.setNum("next", next+1); err != nil {
		return nil, err
	}
	return ch, r.reconsider(newLayer(r.w))
}

// change reads a change by its place in the file.
func (c *conn) change(ord int64) (*syncproto.Change, error) {
	e, err := c.entry(ord)
	if err != nil {
		return nil, err
	}
	return e.Change, nil
}

// entry reads a change and where it stands.
func (c *conn) entry(ord int64) (*Entry, error) {
	e, err := c.entryBy(`ord`, ord)
	if err == nil && e == nil {
		err = broken("change", "no change at %d", ord)
	}
	return e, err
}

// entryBy is entry for the change that has a value in a column of its own; nil when none has.
func (c *conn) entryBy(column string, value any) (*Entry, error) {
	ch := &syncproto.Change{}
	e := &Entry{Change: ch}
	var content string
	var labels, verdict *string
	var sealed []byte
	found, err := c.one(`SELECT ord, told, identity, device, number, first_device, first_number, content, state,
		EXISTS (SELECT 1 FROM mq_edit WHERE change = ord AND away = 1), outside, labels, verdict, sealed FROM mq_change WHERE `+column+` = ?`, []any{value},
		&e.ord, &e.told, &e.Identity, &ch.Name.Device, &ch.Name.Number, &ch.First.Device, &ch.First.Number, &content, &e.State, &e.Boxed, &e.Outside, &labels, &verdict, &sealed)
	if err != nil || !found {
		return nil, err
	}
	ch.Sealed = sealed
	if content != "" { // what was accepted in a scope forgotten since is for the server's eyes only
		// A defect is the server's to judge: a newer program on this file may have written what this one does not know.
		if e.Change, err = syncproto.ParseContent(c.book, ch.Name, ch.First, content); err != nil {
			return nil, broken("change", "%s: %w", e.Identity, err)
		}
		ch = e.Change
	}
	if labels != nil {
		if err := json.Unmarshal([]byte(*labels), &ch.Labels); err != nil {
			return nil, broken("change", "labels of %s: %w", e.Identity, err)
		}
	}
	if verdict != nil {
		e.Verdict = &syncproto.Verdict{}
		if err := json.Unmarshal([]byte(*verdict), e.Verdict); err != nil {
			return nil, broken("change", "verdict of %s: %w", e.Identity, err)
		}
	}
	return e, nil
}

// dependsOn tells whether a change builds on another of the same author: on a row that it made (itself, or as the parent of one
// made under it), or on a state that it brought about.
func dependsOn(book *schema.Book, ch, on *syncproto.Change, onID syncproto.Identity) bool {
	for i := range ch.Edits {
		e := &ch.Edits[i]
		t := book.Table(e.Table)
		if t == nil {
			continue
		}
		for j := range on.Edits {
			o := &on.Edits[j]
			switch {
			case o.Row == e.Row && o.Op == syncproto.OpCreate:
				return true
			case o.Op == syncproto.OpCreate && parentIs(book, t, e, o.Row):
				return true
			case o.Row == e.Row && contains(e.Base.Over, onID) && movesFlow(book, t, o):
				return true
			}
		}
	}
	return false
}

func contains(ids []syncproto.Identity, id syncproto.Identity) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}

// parentIs tells whether an edit puts its row under a parent.
func parentIs(book *schema.Book, t *schema.Table, e *syncproto.Edit, parent syncproto.RowID) bool {
	if t.Parent == "" {
		return false
	}
	cell := book.CellOf(t.Name, t.Parent)
	for i := range e.Cells {
		if e.Cells[i].Cell == cell.Name {
			return getter(t, overlay(book, t, make([]schema.Value, len(t.Columns)), e))(t.Parent).Str() == string(parent)
		}
	}
	return false
}

func movesFlow(book *schema.Book, t *schema.Table, e *syncproto.Edit) bool {
	flow := t.FlowColumn()
	if flow == nil {
		return false
	}
	for i := range e.Cells {
		if e.Cells[i].Cell == book.CellOf(t.Name, flow.Name).Name {
			return true
		}
	}
	return false
}
