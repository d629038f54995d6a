package conflict

import (
	"context"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Desk reads the inbox of a place in the name of somebody who decides.
type Desk struct {
	Judge *judge.Judge
	Store *store.Store
	User  syncproto.UserID
	Place string
	Zone  *time.Location
	Lang  schema.Lang
}

// Line is one item of the list.
type Line struct {
	ID     string
	What   string // whose, and which cells
	Stake  string // what is at stake, in one line
	Opened time.Time
	kind   syncproto.ItemKind
	who    []syncproto.UserID
	key    string
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
	f, total, err := d.filter(ctx, after)
	if err != nil {
		return nil, err
	}
	f.Limit = pageSize + 1
	items, err := d.Judge.Inbox(ctx, f)
	if err != nil {
		return nil, err
	}
	p := &Page{Total: total}
	if len(items) > pageSize {
		items = items[:pageSize]
		p.After = items[pageSize-1].ID
	}
	p.Lines, err = d.lines(ctx, items)
	return p, err
}

// filter finds the streams of the place, and where a page begins.
func (d *Desk) filter(ctx context.Context, after string) (f judge.Filter, total int, err error) {
	f = judge.Filter{User: d.User}
	err = d.Store.Read(ctx, func(tx *store.Tx) error {
		f.Streams = nil
		places, err := register.Beneath(tx, d.Place)
		if err != nil {
			return err
		}
		for _, p := range places {
			f.Streams = append(f.Streams, p.ID)
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
		var n int64
		_, err = tx.One("SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0 AND stream = ANY(?)", []any{f.Streams}, &n)
		total = int(n)
		return err
	})
	return f, total, err
}

func (d *Desk) lines(ctx context.Context, items []*judge.Item) (out []Line, err error) {
	err = d.Store.Read(ctx, func(tx *store.Tx) error {
		out = nil
		for _, it := range items {
			v, err := d.read(tx, it, false)
			if err != nil {
				return err
			}
			out = append(out, v.line())
		}
		return nil
	})
	return out, err
}

func (v *View) line() Line {
	l := Line{ID: v.item.ID, What: v.What, Stake: v.Stake, Opened: v.Opened, kind: v.item.Kind, key: string(v.item.Kind) + " " + v.item.Table + " " + strings.Join(v.item.Cells, ",")}
	for _, s := range v.item.Sides {
		l.who = append(l.who, s.User)
	}
	slices.Sort(l.who)
	return l
}

// Alike finds the other open items of the place that stand between the same people about the same cells.
func (d *Desk) Alike(ctx context.Context, v *View) ([]Line, error) {
	if v.item.Kind != syncproto.ItemCell || v.Closed {
		return nil, nil
	}
	f, _, err := d.filter(ctx, "")
	if err != nil {
		return nil, err
	}
	f.Table, f.Cell = v.item.Table, strings.Join(v.item.Cells, ",")
	f.Limit = mostAlike + 1
	items, err := d.Judge.Inbox(ctx, f)
	if err != nil {
		return nil, err
	}
	lines, err := d.lines(ctx, items)
	me := v.line()
	var out []Line
	for _, l := range lines {
		if l.ID != me.ID && l.key == me.key && slices.Equal(l.who, me.who) {
			out = append(out, l)
		}
	}
	return out, err
}

// mostAlike bounds what one decision reaches.
const mostAlike = 20
