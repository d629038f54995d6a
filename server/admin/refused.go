package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Letting is how a refused change is to be let in: what is written otherwise, by column, and which columns stay as they show. Where several of
// its rows have a column, the number of the row as Refused lists them stands before it: 2.head.
type Letting struct {
	Write map[string]string
	Leave []string
	Why   string
}

// Weigh tells what can be done about a refused change.
func (d *Desk) Weigh(ctx context.Context, id syncproto.Identity) (*judge.Weighed, error) {
	by, err := d.actorNow(ctx)
	if err != nil {
		return nil, err
	}
	return d.E.Judge.Weigh(ctx, by, id, judge.Letting{})
}

// LetIn lets in, on its author's behalf, what was refused; late work is taken.
func (d *Desk) LetIn(ctx context.Context, id string, c Letting) (*RefusedChange, error) {
	by, err := d.actorNow(ctx)
	if err != nil {
		return nil, err
	}
	r, err := d.Refused(ctx, id)
	if err != nil {
		return nil, err
	}
	how, err := d.letting(r, c)
	if err != nil {
		return nil, err
	}
	_, err = d.E.Judge.LetIn(ctx, by, r.ID, how)
	return r, err
}

// Return gives a refused change back to its author, with words.
func (d *Desk) Return(ctx context.Context, id, why string) (*RefusedChange, error) {
	by, err := d.actorNow(ctx)
	if err != nil {
		return nil, err
	}
	r, err := d.Refused(ctx, id)
	if err != nil {
		return nil, err
	}
	return r, d.E.Judge.Return(ctx, by, r.ID, why)
}

// letting finds the rows and cells that columns name.
func (d *Desk) letting(r *RefusedChange, c Letting) (judge.Letting, error) {
	how := judge.Letting{Write: map[syncproto.RowID]map[string]schema.Value{}, Leave: map[syncproto.RowID][]string{}, Why: c.Why}
	for name, text := range c.Write {
		e, col, err := d.columnIn(r, name)
		if err != nil {
			return how, err
		}
		v, err := col.Normalize(text)
		if err != nil {
			return how, badValue(e.Table, err)
		}
		if how.Write[e.Row] == nil {
			how.Write[e.Row] = map[string]schema.Value{}
		}
		how.Write[e.Row][col.Name] = v
	}
	for _, name := range c.Leave {
		e, col, err := d.columnIn(r, name)
		if err != nil {
			return how, err
		}
		how.Leave[e.Row] = append(how.Leave[e.Row], d.E.Book.CellOf(e.Table, col.Name).Name)
	}
	return how, nil
}

// columnIn finds the one row of a change that has a column.
func (d *Desk) columnIn(r *RefusedChange, name string) (e *syncproto.Edit, col *schema.Column, err error) {
	rows, column := r.edits, name
	if n, rest, numbered := strings.Cut(name, "."); numbered {
		if at, err := strconv.Atoi(n); err == nil && at >= 1 && at <= len(rows) {
			rows, column = rows[at-1:at], rest
		}
	}
	found := 0
	for i := range rows {
		t := d.E.Book.Table(rows[i].Table)
		if t == nil {
			continue
		}
		c := t.Column(column)
		if c == nil {
			c = t.ByHeader(column)
		}
		if c == nil || c.Group != "" {
			continue
		}
		wrote := slices.ContainsFunc(rows[i].Cells, func(x syncproto.CellEdit) bool { return x.Cell == c.Name })
		if wrote || rows[i].Op == syncproto.OpCreate && c.Required {
			e, col, found = &rows[i], c, found+1
		}
	}
	if found != 1 {
		return nil, nil, wrong("refused "+string(r.ID), "“"+name+"”不是里面唯一的一栏。", "It has no single such column.", syncproto.Both("用 minqing refused show 看看；几条里都有的，写成 2.栏。", "See minqing refused show; where several rows have it, write 2.COLUMN."))
	}
	return e, col, nil
}

// readRefused puts what a refused change wanted into words.
func (d *Desk) readRefused(tx *store.Tx, r *RefusedChange, c *store.Change) error {
	var v syncproto.Verdict
	if err := json.Unmarshal(c.Verdict, &v); err != nil {
		return fmt.Errorf("admin: verdict of %s: %w", c.Identity, err)
	}
	r.Why, r.Waits = v.Message, v.Waits
	if len(c.Body) == 0 {
		r.Rows = []string{"（内容已依法抹除）"}
		return nil
	}
	change, err := syncproto.ParseContent(tx.Book(), c.First, c.First, string(c.Body))
	if err != nil {
		return fmt.Errorf("admin: body of %s: %w", c.Identity, err)
	}
	r.edits = change.Edits
	for i := range change.Edits {
		e := &change.Edits[i]
		name, err := d.rowName(tx, e.Table, e.Row)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, opWords[e.Op]+" "+name)
		for k := range e.Cells {
			cell := tx.Book().Cell(e.Table, e.Cells[k].Cell)
			if cell == nil || e.Cells[k].Raw != nil {
				r.Cells = append(r.Cells, CellEntry{Cell: e.Cells[k].Cell, To: string(e.Cells[k].Raw)})
				continue
			}
			r.Cells = append(r.Cells, CellEntry{Cell: cellLabel(cell), To: d.editWords(cell, &e.Cells[k], false), Rule: string(cell.Rule)})
		}
	}
	return nil
}
