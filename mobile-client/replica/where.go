package replica

import (
	"context"

	"minqing/schema"
	"minqing/syncproto"
)

// Whereabouts is where a record has got to: what every page shows beside it.
type Whereabouts string

// The whereabouts. OnPhone covers a record of which any edit has no verdict yet.
const (
	OnPhone  Whereabouts = "phone"
	OnServer Whereabouts = "server"
	Read     Whereabouts = "read"    // somebody else has written under it: a review of a journal, a step of a matter
	Nowhere  Whereabouts = "nowhere" // the file knows nothing of it
)

// Where tells where a record has got to.
func (r *Replica) Where(ctx context.Context, table string, id syncproto.RowID) (w Whereabouts, err error) {
	err = r.read(ctx, func(c *conn) error {
		t, err := c.table("Where", table)
		if err != nil {
			return err
		}
		w, err = c.where(t, id)
		return err
	})
	return w, err
}

func (c *conn) where(t *schema.Table, id syncproto.RowID) (Whereabouts, error) {
	st, err := c.load(t, id)
	if err != nil {
		return Nowhere, err
	}
	waits, err := c.one(`SELECT 1 FROM mq_edit e JOIN mq_change c ON c.ord = e.change WHERE e.row = ? AND c.state = 'pending'`, []any{string(id)}, new(int))
	switch {
	case err != nil:
		return Nowhere, err
	case waits:
		return OnPhone, nil
	case st.acked == nil && st.shown == nil:
		return Nowhere, nil
	}
	me, err := (&meta{c: c}).text("user")
	if err != nil {
		return Nowhere, err
	}
	read, err := c.answered(t, id, me, maxBelow)
	if err != nil || !read {
		return OnServer, err
	}
	return Read, nil
}

// maxBelow bounds how deep answers are looked for: visit, journal, review.
const maxBelow = 3

// answered tells whether somebody else has written a row under a row.
func (c *conn) answered(t *schema.Table, id syncproto.RowID, me string, depth int) (bool, error) {
	if depth == 0 {
		return false, nil
	}
	for _, child := range c.book.Tables() {
		if child.Parent == "" || child.Column(child.Parent).Ref != t.Name || child.Author == "" {
			continue
		}
		by := schema.Quote(child.Author)
		query := c.text(child, "answers", 1, func() string {
			return "SELECT id, coalesce(" + by + ", '') FROM " + schema.Quote(child.Name) + " WHERE " + schema.Quote(child.Parent) + " = ?"
		})
		var below []syncproto.RowID
		var row, author string
		others := false
		err := c.each(query, []any{string(id)}, []any{&row, &author}, func() error {
			others = others || author != me
			below = append(below, syncproto.RowID(row))
			return nil
		})
		if err != nil || others {
			return others, err
		}
		for _, b := range below {
			if read, err := c.answered(child, b, me, depth-1); err != nil || read {
				return read, err
			}
		}
	}
	return false, nil
}
