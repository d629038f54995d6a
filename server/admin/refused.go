package admin

import (
	"encoding/json"
	"fmt"

	"minqing/server/store"
	"minqing/syncproto"
)

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
