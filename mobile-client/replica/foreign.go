package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"minqing/schema"
	"minqing/syncproto"
)

// SealForeign seals what other programs wrote to the tables and gives the change; nil when there was nothing. All of it is one
// change, since nothing tells where one of their transactions ended and the next began, and a change may not split one; only what is
// beyond the size of a change is split, and the last part is given.
func (r *Replica) SealForeign(ctx context.Context) (ch *syncproto.Change, err error) {
	err = r.write(ctx, func() error {
		ch, err = r.sealForeign()
		return err
	})
	return ch, err
}

// touched is what the log tells of one row.
type touched struct {
	t  *schema.Table
	id syncproto.RowID
	// existed tells that the row was there before; old are the values it had then, as far as the log has them: a column that it does not
	// have is as it is now.
	existed bool
	full    bool
	old     map[string]schema.Value
}

func (r *Replica) sealForeign() (*syncproto.Change, error) {
	rows, last, at, err := r.w.readLog()
	if err != nil || last == 0 {
		return nil, err
	}
	var edits []syncproto.Edit
	for _, w := range rows {
		e, err := r.capture(w)
		if err != nil {
			return nil, err
		}
		if e != nil {
			edits = append(edits, *e)
		}
	}
	if err := r.w.exec(`DELETE FROM mq_log WHERE ord <= ? AND CAST(substr(what, 2) AS INTEGER) <= ?`, last, r.book.Version); err != nil {
		return nil, err
	}
	// A time ahead of what the clock says now was read off a clock that has been mended since.
	var ch *syncproto.Change
	for part := range slices.Chunk(edits, syncproto.MaxEdits) {
		if ch, err = r.seal(part, seal{at: min(at, r.opt.Now()), outside: true}); err != nil {
			return nil, err
		}
	}
	l := newLayer(r.w)
	for _, w := range rows {
		if err := l.relay(w.t, w.id); err != nil {
			return nil, err
		}
	}
	return ch, nil
}

// readLog gathers the log by row, in the order in which rows were first touched. What a newer program captured stays for it.
func (c *conn) readLog() (rows []*touched, last, at int64, err error) {
	by := map[syncproto.RowID]*touched{}
	books := map[int]*schema.Book{}
	var ord, when int64
	var book int
	var op, tbl, id string
	var mask *int64
	var old *string
	err = c.each(`SELECT ord, CAST(round((at - 2440587.5) * 86400000) AS INTEGER), substr(what, 1, 1), CAST(substr(what, 2) AS INTEGER), substr(what, instr(what, ':') + 1),
		row, old, mask FROM mq_log WHERE CAST(substr(what, 2) AS INTEGER) <= ? ORDER BY ord`, []any{c.book.Version},
		[]any{&ord, &when, &op, &book, &tbl, &id, &old, &mask}, func() error {
			last, at = ord, max(at, when)
			t := c.book.Table(tbl)
			if t == nil {
				return broken("log", "no table %s", tbl)
			}
			if books[book] == nil {
				was, err := c.book.At(book)
				if err != nil {
					return err
				}
				books[book] = was
			}
			w := by[syncproto.RowID(id)]
			if w == nil {
				w = &touched{t: t, id: syncproto.RowID(id), existed: op != "c", full: op == "c", old: map[string]schema.Value{}}
				by[w.id] = w
				rows = append(rows, w)
			}
			return w.recall(books[book].Table(tbl), mask, old)
		})
	return rows, last, at, err
}

// recall takes what one log row says of the values before it: the first word on each column counts.
func (w *touched) recall(t *schema.Table, mask *int64, old *string) error {
	if w.full || old == nil {
		return nil
	}
	var values []any
	d := json.NewDecoder(bytes.NewReader([]byte(strings.ToValidUTF8(*old, "\uFFFD"))))
	d.UseNumber()
	if err := d.Decode(&values); err != nil || len(values) != len(t.Columns) {
		return broken("log", "%d old values of %s: %w", len(values), t.Name, err)
	}
	for i, v := range values {
		c := &t.Columns[i]
		if _, known := w.old[c.Name]; known || (mask != nil && *mask>>i&1 == 0) {
			continue
		}
		if n, ok := v.(json.Number); ok {
			whole, err := n.Int64()
			if err != nil {
				return broken("log", "%s.%s: %w", t.Name, c.Name, err)
			}
			v = whole
		}
		w.old[c.Name], _ = c.FromDriver(v) // what cannot be read was not acknowledged either
	}
	w.full = w.full || mask == nil
	return nil
}

// capture makes the edit that takes a row from what it was to what it is; nil when nothing changed. Values that no change can carry
// are put back, with a notice that keeps them.
func (r *Replica) capture(w *touched) (*syncproto.Edit, error) {
	c := r.w
	raw, err := c.raw(w.t, w.id)
	if err != nil {
		return nil, err
	}
	now := make([]schema.Value, len(w.t.Columns))
	was := make([]schema.Value, len(w.t.Columns))
	unread := false
	for i := range w.t.Columns {
		col := &w.t.Columns[i]
		old, changed := w.old[col.Name]
		if raw != nil {
			v, bad := readable(col, raw[i])
			if bad && (changed || !w.existed) {
				unread = true
				v = old
				if err := r.notice(Notice{Kind: NoticeUnreadable, Table: w.t.Name, Row: w.id, Cell: col.Name, Text: printable(raw[i])}); err != nil {
					return nil, err
				}
			}
			now[i] = v
		}
		was[i] = now[i]
		if changed {
			was[i] = old
		}
	}
	if !w.existed {
		was = nil
	}
	if raw == nil {
		now = nil
	}
	if unread {
		if err := c.show(w.t, w.id, now); err != nil {
			return nil, err
		}
	}
	return r.difference(w, was, now)
}

// difference makes the edit from was to now (nil: no row) and keeps what was acknowledged.
func (r *Replica) difference(w *touched, was, now []schema.Value) (*syncproto.Edit, error) {
	e := &syncproto.Edit{Table: w.t.Name, Row: w.id}
	shown := was
	switch {
	case was == nil && now == nil:
		return nil, nil
	case was == nil:
		e.Op, shown = syncproto.OpCreate, blank(r.book, w.t)
	case now == nil:
		e.Op = syncproto.OpDelete
	default:
		e.Op = syncproto.OpUpdate
	}
	if now != nil {
		e.Cells = differingCells(r.book, w.t, shown, now)
		if e.Op == syncproto.OpUpdate && len(e.Cells) == 0 {
			return nil, nil
		}
	}
	st, err := r.w.load(w.t, w.id)
	if err != nil {
		return nil, err
	}
	if !st.under { // what was deleted is not there to say that it was held, and what came may have a key like another's
		st.held = st.found() && w.existed
	}
	if e.Op != syncproto.OpCreate {
		if e.Base, err = r.w.base(st); err != nil {
			return nil, err
		}
	}
	if !st.under {
		if !st.held {
			was = nil
		}
		err = r.w.setUnder(w.t, w.id, was)
	}
	return e, err
}

// differingCells is cellEdits for values that are judged by the server: whoever writes with a tool of his own gets its verdict.
func differingCells(book *schema.Book, t *schema.Table, was, now []schema.Value) []syncproto.CellEdit {
	var out []syncproto.CellEdit
	for _, cell := range book.Cells(t.Name) {
		old, new := cell.Join(getter(t, was)), cell.Join(getter(t, now))
		if means(&cell, old, new) {
			continue
		}
		e, err := cellEdit(&cell, old, new)
		if err != nil && cell.Rule != schema.RuleSum {
			e = syncproto.CellEdit{Cell: cell.Name, Value: new}
		}
		out = append(out, e)
	}
	return out
}

// readable reads a column; bad tells that no change can carry what stands there.
func readable(c *schema.Column, raw any) (v schema.Value, bad bool) {
	v, err := c.FromDriver(raw)
	if err != nil {
		return schema.Null, true
	}
	s, _ := raw.(string)
	return v, !utf8.ValidString(s) || strings.ContainsRune(s, 0)
}

func printable(raw any) string { return strings.ToValidUTF8(fmt.Sprint(raw), "\uFFFD") }
