package conflict

import (
	"context"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Desk reads the inbox of a place in the name of somebody who decides.
type Desk struct {
	Judge *judge.Judge
	Store *store.Store
	User  syncproto.UserID
	Place string
	Whole bool // the place is the city: nothing lies outside, and nobody need look what lies below
	Zone  *time.Location
	Lang  schema.Lang
	Bare  bool // what is masked is shown whole: whoever looks gave a reason, and that is on record

	beneath []string // the streams of the place, once they were read: a page asks several times
}

// Line is one item of the list.
type Line struct {
	ID     string
	What   string // whose, and which cells
	Stake  string // what is at stake, in one line
	Opened time.Time
}

// Page is a part of the list.
type Page struct {
	Lines []Line
	Total int
	After string // the item from which the next page begins; "" when there is none
}

// pageSize is how many items a page lists.
const pageSize = 50

// List lists the open items of the place from behind an item, oldest first.
func (d *Desk) List(ctx context.Context, after string) (*Page, error) {
	return d.part(ctx, after, pageSize)
}

// Next lists the few open items behind one.
func (d *Desk) Next(ctx context.Context, after string, n int) ([]Line, error) {
	p, err := d.part(ctx, after, n)
	if err != nil {
		return nil, err
	}
	return p.Lines, nil
}

func (d *Desk) part(ctx context.Context, after string, size int) (*Page, error) {
	f, total, err := d.filter(ctx, after, size == pageSize)
	if err != nil {
		return nil, err
	}
	f.Limit = size + 1
	items, err := d.Judge.Inbox(ctx, f)
	if err != nil {
		return nil, err
	}
	p := &Page{Total: total}
	if len(items) > size {
		items = items[:size]
		p.After = items[size-1].ID
	}
	p.Lines, err = d.lines(ctx, items)
	return p, err
}

// filter finds the streams of the place, and where a page begins; counted is how many items there are in all, where that is wanted.
func (d *Desk) filter(ctx context.Context, after string, counted bool) (f judge.Filter, total int, err error) {
	f = judge.Filter{User: d.User}
	err = d.Store.Read(ctx, func(tx *store.Tx) error {
		if f.Streams, err = d.streams(tx); err != nil {
			return err
		}
		if after != "" {
			items, err := tx.Items("id = ?", after)
			if err != nil {
				return err
			}
			if len(items) == 1 {
				f.AfterOpened, f.AfterID = items[0].Opened, items[0].ID
			}
		}
		if !counted {
			return nil
		}
		var n int64
		query, args := "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0", []any(nil)
		if !d.Whole {
			query, args = query+" AND stream = ANY(?)", []any{f.Streams}
		}
		_, err = tx.One(query, args, &n)
		total = int(n)
		return err
	})
	return f, total, err
}

func (d *Desk) lines(ctx context.Context, items []*judge.Item) (out []Line, err error) {
	err = d.Store.Read(ctx, func(tx *store.Tx) error {
		out = nil
		k, err := knownOf(tx, items)
		if err != nil {
			return err
		}
		for _, it := range items {
			v, err := d.read(tx, k, it, false)
			if err != nil {
				return err
			}
			out = append(out, v.line())
		}
		return nil
	})
	return out, err
}

// known is what people call those who stand in items, and what the items are about: read at once for all of a list.
type known struct {
	names    map[syncproto.UserID]name
	phones   map[string]string
	rows     map[syncproto.RowID]*store.Row
	homes    map[syncproto.RowID]string  // by household: its head, or its code
	children map[syncproto.RowID]string  // residents
	back     map[syncproto.Identity]bool // changes that a restore took away and their device brought again
	retaken  map[syncproto.RowID][]int64 // rows that were brought back after a restore as others had seen them: when
}

func knownOf(tx *store.Tx, items []*judge.Item) (*known, error) {
	k := &known{rows: map[syncproto.RowID]*store.Row{}, homes: map[syncproto.RowID]string{}, children: map[syncproto.RowID]string{}, back: map[syncproto.Identity]bool{}, retaken: map[syncproto.RowID][]int64{}}
	var users, devices, ids, homes, residents []string
	for _, it := range items {
		users, ids = append(users, string(it.By), string(it.Earlier), string(it.Back)), append(ids, string(it.Row))
		if it.Named != nil {
			users = append(users, string(it.Named.User))
		}
		for _, s := range it.Said {
			users = append(users, string(s.User))
		}
		for _, s := range it.Sides {
			users, devices = append(users, string(s.User)), append(devices, string(s.Device))
		}
		if it.Table == "resident" {
			residents = append(residents, string(it.Row))
		}
	}
	var err error
	if k.names, k.phones, err = people(tx, users, devices); err != nil {
		return nil, err
	}
	rows, err := tx.RowsAbove(ids)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if k.rows[r.ID] = r; r.Table == "household" {
			homes = append(homes, string(r.ID))
		}
	}
	read := func(into map[syncproto.RowID]string, query string, ids []string) error {
		return tx.Each(func(scan func(...any) error) error {
			var id syncproto.RowID
			var text string
			err := scan(&id, &text)
			into[id] = text
			return err
		}, query, ids)
	}
	if err := k.restored(tx, ids); err != nil {
		return nil, err
	}
	if err := read(k.homes, "SELECT id, COALESCE(NULLIF(head, ''), code, '') FROM household WHERE id = ANY(?)", homes); err != nil {
		return nil, err
	}
	return k, read(k.children, "SELECT id, COALESCE(name, '') FROM resident WHERE id = ANY(?)", residents)
}

// restored finds what of rows came back after this database had begun anew from a backup. A version has a number beside the one of its history only
// when its device offered it again with the number that it was given before.
func (k *known) restored(tx *store.Tx, rows []string) error {
	since, err := tx.WentBack()
	if err != nil || since == 0 {
		return err
	}
	labels, err := tx.LabelsOf(rows)
	if err != nil {
		return err
	}
	for _, l := range labels {
		k.back[l.Identity] = true
	}
	return tx.Each(func(scan func(...any) error) error {
		var id syncproto.RowID
		var at int64
		err := scan(&id, &at)
		k.retaken[id] = append(k.retaken[id], at)
		return err
	}, "SELECT row_id, closed_ms FROM mq_testimony WHERE row_id = ANY(?) AND outcome = ?", rows, store.TestimonyAccepted)
}

func (v *View) line() Line {
	return Line{ID: v.item.ID, What: v.What, Stake: v.Stake, Opened: v.Opened}
}

// Alike finds the other open items of the place that stand between the same people about the same cells; more tells that these are not all, or
// may not be.
func (d *Desk) Alike(ctx context.Context, v *View) (out []Line, more bool, err error) {
	if v.item.Kind != syncproto.ItemCell || v.Closed {
		return nil, false, nil
	}
	f, _, err := d.filter(ctx, "", false)
	if err != nil {
		return nil, false, err
	}
	f.Limit = mostAlike
	items, more, err := d.Judge.Alike(ctx, f, v.item)
	if err != nil {
		return nil, false, err
	}
	out, err = d.lines(ctx, items)
	return out, more, err
}

// mostAlike bounds what one decision reaches: the way back from it names each item, and travels in a cookie.
const mostAlike = 20
