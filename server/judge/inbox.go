package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Item is an inbox item as somebody who decides sees it: whole.
type Item struct {
	ID      string
	Kind    syncproto.ItemKind
	Table   string
	Row     syncproto.RowID
	Other   syncproto.RowID // the other of two twins, the dead row above a living one
	Cells   []string        // the cells in question; “.” is whether the row lives
	Rule    string          // the row rule that is broken
	Scope   string
	Opened  int64
	Closed  int64 // 0: open
	Shows   map[string]schema.Value
	Sides   []Side
	Around  []schema.Value // the row as it shows, in schema order; nil when it is dead
	Base    syncproto.Base // what a decision made now has seen
	By      syncproto.UserID
	Outcome map[syncproto.Identity]string // kept, outvoted or third, for each side
	Word    string                        // how late work or twins were decided
	Said    []Saying                      // why, in the words of who decided, oldest first
	Last    string                        // names the last decision, for whoever takes it back or decides once more; "" where there is none
	Earlier syncproto.UserID              // who made the decision before it, which counts again when it is taken back
	Back    syncproto.UserID              // who took a decision back, of an item that is open again
	Named   *Saying                       // of twins: who says that they are one, and why; nil where a value of theirs tells
}

// Side is one of those who stand in an item.
type Side struct {
	Change    syncproto.Identity
	Against   bool // it stands against the others: a move into a state that forbids them, a deletion
	User      syncproto.UserID
	Device    syncproto.DeviceID
	Op        syncproto.Op
	At        int64 // by the clock of the device
	Corrected int64
	Received  int64
	Code      syncproto.Code     // why it is refused, "" when it is not
	Late      bool               // it was captured while its author was entitled, and came after
	Cells     []store.CellChange // what it wrote into the row, and over what
}

// Filter says which items Inbox lists.
type Filter struct {
	User   syncproto.UserID // only what this user may decide; "": all
	Closed bool             // those decided, instead of those open
	Limit  int              // 0: 200
	// Streams, if set, are where the items were opened; Table and Cell what they are about. AfterOpened and AfterID name an item: those
	// open ones that come after it are listed.
	Streams     []string
	Table, Cell string
	AfterOpened int64
	AfterID     string
}

// where is the condition of a filter over mq_item.
func (f *Filter) where() (string, []any) {
	where, args := "closed_ms = 0", []any(nil)
	if f.Closed {
		where = "closed_ms > 0"
	}
	if f.Streams != nil {
		where, args = where+" AND stream = ANY(?)", append(args, f.Streams)
	}
	if f.Table != "" {
		where, args = where+" AND tbl = ? AND cell = ?", append(args, f.Table, f.Cell)
	}
	if f.Closed {
		return where + " ORDER BY closed_ms DESC, id", args
	}
	if f.AfterID != "" {
		where, args = where+" AND (opened_ms > ? OR opened_ms = ? AND id > ?)", append(args, f.AfterOpened, f.AfterOpened, f.AfterID)
	}
	return where + " ORDER BY opened_ms, id", args
}

// Inbox lists items, oldest first.
func (j *Judge) Inbox(ctx context.Context, f Filter) ([]*Item, error) {
	if f.Limit == 0 {
		f.Limit = 200
	}
	var out []*Item
	err := j.store.Read(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		// Part by part, as not all may be the user's: a list of thousands is never read whole.
		out = nil
		for f := f; ; {
			where, args := f.where()
			part := f.Limit + inboxSpare
			if f.Closed { // has no key to go on from
				part = math.MaxInt32
			}
			stored, err := tx.Items(where+" LIMIT ?", append(args, int64(part))...)
			if err != nil {
				return err
			}
			if out, err = d.mine(out, f, stored); err != nil {
				return err
			}
			if len(stored) < part || len(out) >= f.Limit {
				break
			}
			f.AfterOpened, f.AfterID = stored[part-1].Opened, stored[part-1].ID
		}
		return nil
	})
	return out, err
}

// inboxSpare is how many items more than asked for are read at once.
const inboxSpare = 20

// mostLooked bounds the open items among which Alike looks, lookedAtOnce those that it reads at once. Who stands in them is asked of all of these
// together, and only those found are shown.
const (
	mostLooked   = 300
	lookedAtOnce = 100
)

// Alike lists other open items that are as one is, oldest first: of its kind, about the same cells, between the same people. more tells that there
// are others, or may be: behind the limit, or behind as many as are looked at.
func (j *Judge) Alike(ctx context.Context, f Filter, like *Item) (out []*Item, more bool, err error) {
	var people []syncproto.UserID
	for _, s := range like.Sides {
		people = append(people, s.User)
	}
	f.Table, f.Cell = like.Table, strings.Join(like.Cells, ",")
	err = j.store.Read(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		out, more = nil, false
		limit, looked := f.Limit, 0
		f := f
		f.Limit++ // one more tells that there are more
		for {
			where, args := f.where()
			stored, err := tx.Items(where+" LIMIT ?", append(args, int64(lookedAtOnce))...)
			if err != nil {
				return err
			}
			if looked += len(stored); len(stored) == lookedAtOnce {
				f.AfterOpened, f.AfterID = stored[lookedAtOnce-1].Opened, stored[lookedAtOnce-1].ID
			}
			last := len(stored) < lookedAtOnce
			stored = slices.DeleteFunc(stored, func(it *store.Item) bool { return it.ID == like.ID || it.Kind != like.Kind })
			if stored, err = d.between(stored, people); err != nil {
				return err
			}
			for part := range slices.Chunk(stored, f.Limit) {
				if out, err = d.mine(out, f, part); err != nil {
					return err
				}
				if len(out) > limit {
					out, more = out[:limit], true
					return nil
				}
			}
			if more = !last && looked >= mostLooked; last || more {
				break
			}
		}
		return nil
	})
	return out, more, err
}

// between keeps of items those in which the same people stand, each as often.
func (d *desk) between(stored []*store.Item, people []syncproto.UserID) (out []*store.Item, err error) {
	var changes []syncproto.Identity
	of := make([][]syncproto.Identity, len(stored))
	for i, it := range stored {
		s, err := readSides(it)
		if err != nil {
			return nil, err
		}
		of[i] = append(s.Heads, s.Against...)
		changes = append(changes, of[i]...)
	}
	authors := map[syncproto.Identity]syncproto.UserID{}
	if err := d.tx.Each(func(scan func(...any) error) error {
		var id syncproto.Identity
		var user syncproto.UserID
		err := scan(&id, &user)
		authors[id] = user
		return err
	}, "SELECT identity, user_id FROM mq_change WHERE identity = ANY(?)", asTexts(changes)); err != nil {
		return nil, err
	}
	people = slices.Sorted(slices.Values(people))
	for i, it := range stored {
		var who []syncproto.UserID
		for _, id := range of[i] {
			if user, known := authors[id]; known {
				who = append(who, user)
			}
		}
		if slices.Sort(who); slices.Equal(who, people) {
			out = append(out, it)
		}
	}
	return out, nil
}

// mine adds to a list those items that the user may decide, up to the limit.
func (d *desk) mine(out []*Item, f Filter, stored []*store.Item) ([]*Item, error) {
	if err := d.loadListed(stored); err != nil {
		return nil, err
	}
	for _, it := range stored {
		if len(out) == f.Limit {
			break
		}
		may, err := d.mayDecide(f.User, it)
		if err != nil {
			return nil, err
		}
		if !may {
			continue
		}
		item, err := d.showItem(it)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

// loadListed reads at once what showing items asks for: their rows, and who stands in them with what words.
func (d *desk) loadListed(stored []*store.Item) error {
	var rows, own []syncproto.RowID
	var changes []syncproto.Identity
	for _, it := range stored {
		rows, own = append(rows, it.Row, syncproto.RowID(it.Stream)), append(own, it.Row)
		if it.Other != "" {
			rows = append(rows, it.Other)
		}
		s, err := readSides(it)
		if err != nil {
			return err
		}
		changes = append(append(changes, s.Heads...), s.Against...)
	}
	if err := d.loadRows(rows); err != nil {
		return err
	}
	if err := d.loadValues(own); err != nil {
		return err
	}
	if err := d.loadRecords(changes); err != nil {
		return err
	}
	versions, err := d.tx.VersionsOf(asTexts(changes), "stream, seq, ord")
	if err != nil {
		return err
	}
	d.words = map[syncproto.Identity][]*store.Version{}
	for _, id := range changes {
		d.words[id] = nil
	}
	for _, v := range versions {
		d.words[v.Identity] = append(d.words[v.Identity], v)
	}
	return nil
}

// wordsOf are the versions of changes, in the order of the history.
func (d *desk) wordsOf(ids []syncproto.Identity) (out []*store.Version, err error) {
	for _, id := range ids {
		have, loaded := d.words[id]
		if !loaded {
			return d.tx.VersionsOf(asTexts(ids), "stream, seq, ord")
		}
		out = append(out, have...)
	}
	return out, nil
}

// ItemByID shows one item; the error has CodeNotFound when there is none that the user may decide. Without a user all are shown.
func (j *Judge) ItemByID(ctx context.Context, user syncproto.UserID, id string) (*Item, error) {
	var out *Item
	err := j.store.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = j.itemIn(tx, user, id)
		return err
	})
	return out, err
}

// itemIn is ItemByID inside a transaction.
func (j *Judge) itemIn(tx *store.Tx, user syncproto.UserID, id string) (*Item, error) {
	d, err := j.newDesk(tx)
	if err != nil {
		return nil, err
	}
	it, err := d.itemFor(user, id)
	if err != nil {
		return nil, err
	}
	return d.showItem(it)
}

// itemFor finds an item that a user may decide.
func (d *desk) itemFor(user syncproto.UserID, id string) (*store.Item, error) {
	stored, err := d.tx.Items("id = ?", id)
	if err != nil {
		return nil, err
	}
	if len(stored) == 1 {
		may, err := d.mayDecide(user, stored[0])
		if may || err != nil {
			return stored[0], err
		}
	}
	return nil, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "inbox item " + id, Message: syncproto.Both("没有这件待办。", "No such item.")}
}

// mayDecide tells whether an item is one that a user decides: he has a deciding role over the place, and sees the rows.
func (d *desk) mayDecide(user syncproto.UserID, it *store.Item) (bool, error) {
	if user == "" {
		return true, nil
	}
	rights, err := d.rightsOf(user)
	if err != nil {
		return false, err
	}
	ids := []syncproto.RowID{it.Row}
	if it.Other != "" {
		ids = append(ids, it.Other)
	}
	if err := d.loadRows(append(slices.Clone(ids), syncproto.RowID(it.Stream))); err != nil {
		return false, err
	}
	for _, id := range ids {
		r := d.rows[id]
		if r == nil {
			continue
		}
		if !d.actsOn(rights, r, decides) {
			return false, nil
		}
	}
	return d.rows[it.Row] != nil || slices.ContainsFunc(rights.Roles(d.tx.Now(), d.placesAbove(d.rows[syncproto.RowID(it.Stream)], d.row)), decides), nil
}

func (d *desk) showItem(it *store.Item) (*Item, error) {
	out := &Item{ID: it.ID, Kind: it.Kind, Table: it.Table, Row: it.Row, Other: it.Other, Scope: it.Scope, Opened: it.Opened, Closed: it.Closed, By: it.By}
	if it.Cell != "" {
		out.Cells = strings.Split(it.Cell, ",")
	}
	if err := d.loadRows([]syncproto.RowID{it.Row}); err != nil {
		return nil, err
	}
	if err := d.loadValues([]syncproto.RowID{it.Row}); err != nil {
		return nil, err
	}
	if r := d.rows[it.Row]; r != nil {
		out.Around = r.values
		out.Base = syncproto.Base{Epoch: r.Label.Epoch, Rev: r.Label.Rev}
	}
	if s, err := readSides(it); err != nil {
		return nil, err
	} else if it.Closed == 0 && s.Back != nil {
		d.showHeld(it, d.rows[it.Row])
	}
	var err error
	if out.Shows, err = d.valuesIn(it, it.Base); err != nil {
		return nil, err
	}
	end, err := readClosing(it)
	if err != nil {
		return nil, err
	}
	out.Outcome, out.Word, out.Said, out.Last = end.Fates, end.Word, end.Said, lastOf(it, &end)
	if end.Word == WordMerged {
		both, err := d.bothLive(it)
		if err != nil {
			return nil, err
		}
		if both { // it was taken back
			out.Last = ""
		}
	}
	if n := len(end.Before); n > 0 {
		out.Earlier = end.Before[n-1].By
	}
	for i := range out.Said {
		s := &out.Said[i]
		stands := s.Change == end.Change || slices.Contains(end.Also, s.Change) || slices.ContainsFunc(end.Before, func(b closing) bool { return b.Change == s.Change })
		if end.Change == "" && len(end.Before) == 0 { // of late work, and of two that are two, all are about one change: the last stands
			stands = s.At >= it.Closed
		}
		s.Back = it.Closed == 0 || !stands
	}
	return out, d.showSides(out, it)
}

// valuesIn are the values of cells that an item keeps.
func (d *desk) valuesIn(it *store.Item, text []byte) (map[string]schema.Value, error) {
	raw, out := map[string]json.RawMessage{}, map[string]schema.Value{}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("judge: values of item %s: %w", it.ID, err)
	}
	for name, text := range raw {
		if c := d.book.Cell(it.Table, name); c != nil {
			v, err := c.Parse(text)
			if err != nil {
				return nil, fmt.Errorf("judge: values of item %s: %w", it.ID, err)
			}
			out[name] = v
		}
	}
	return out, nil
}

// showSides finds the words of those in an item: in the history, or for refused work in the change itself.
func (d *desk) showSides(out *Item, it *store.Item) error {
	s, err := readSides(it)
	if err != nil {
		return err
	}
	out.Rule = s.Rule
	if s.Back != nil && it.Closed == 0 {
		out.Back = s.Back.By
	}
	if s.Named != nil {
		out.Named = &s.Named.Saying
	}
	ids := append(slices.Clone(s.Heads), s.Against...)
	if err := d.loadRecords(ids); err != nil {
		return err
	}
	versions, err := d.wordsOf(ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		rec := d.records[id]
		if rec == nil {
			continue
		}
		side := Side{Change: id, Against: i >= len(s.Heads), User: rec.User, Device: rec.First.Device, At: rec.At, Corrected: rec.Corrected, Received: rec.Received, Code: rec.Code, Late: rec.Late}
		for _, v := range versions {
			if v.Identity == id && v.Row == it.Row {
				side.Op, side.Cells = v.Op, v.Cells
			}
		}
		if rec.Status == syncproto.Refused {
			if err := d.showRefused(&side, rec, it.Row); err != nil {
				return err
			}
		}
		out.Sides = append(out.Sides, side)
	}
	return nil
}

func (d *desk) showRefused(side *Side, rec *record, row syncproto.RowID) error {
	c, err := d.change(rec)
	if err != nil {
		return err
	}
	for i := range c.Edits {
		if e := &c.Edits[i]; e.Row == row {
			side.Op = e.Op
			for _, cell := range e.Cells {
				change := store.CellChange{CellEdit: cell}
				if of := d.book.Cell(e.Table, cell.Cell); of != nil {
					change.Rule = of.Rule
				}
				side.Cells = append(side.Cells, change)
			}
		}
	}
	return nil
}
