package judge

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// derivation is a cell that the server writes into the parent of a row from one of the row's own: what many may see of what few may.
type derivation struct {
	table, column string
	target        string // column of the parent
	of            func(string) string
}

// derivations of the product's rule book. A book without the tables has none.
var derivations = []derivation{{table: "identity", column: "id_number", target: "id_masked", of: schema.MaskIDNumber}}

// derive adds the cells that the server writes along with the change, in the same transaction and under the same identity.
func (h *hearing) derive() (*refusal, error) {
	if h.derived {
		return nil, nil
	}
	h.derived = true
	for _, dv := range derivations {
		for _, e := range slices.Clone(h.edits) {
			if e.table.Name != dv.table || h.d.book.Cell(dv.table, dv.column) == nil {
				continue
			}
			if no, err := h.deriveFrom(dv, e); no != nil || err != nil {
				return no, err
			}
		}
	}
	return nil, nil
}

// deriveFrom writes into the parent of an edit's row what follows there; of one that moves, into the parent that it leaves as well.
func (h *hearing) deriveFrom(dv derivation, e *edit) (*refusal, error) {
	value := schema.Null
	if shown := e.shown(h.d.book, dv.column); e.op != syncproto.OpDelete && !shown.IsNull() {
		value = schema.Text(dv.of(shown.Str()))
	}
	to := syncproto.RowID(e.shown(h.d.book, e.table.Parent).Str())
	if e.op == syncproto.OpDelete || to == "" {
		to = e.row.Parent
	}
	if to != e.row.Parent {
		if no, err := h.deriveInto(dv, h.row(e.row.Parent), schema.Null); no != nil || err != nil {
			return no, err
		}
	}
	return h.deriveInto(dv, h.row(to), value)
}

func (h *hearing) deriveInto(dv derivation, parent *row, value schema.Value) (*refusal, error) {
	if parent == nil || parent.Dead != 0 || h.d.book.Cell(parent.table.Name, dv.target) == nil {
		return nil, nil
	}
	for _, other := range h.edits {
		if other.Row != parent.ID {
			continue
		}
		if other.op == syncproto.OpDelete {
			return nil, nil
		}
		clone := *other.Edit
		clone.Cells = append(slices.Clone(other.Cells), syncproto.CellEdit{Cell: dv.target, Value: value})
		other.Edit = &clone
		return h.mergeEdit(other)
	}
	if err := h.d.loadValues([]syncproto.RowID{parent.ID}); err != nil {
		return nil, err
	}
	if parent.get(dv.target) == value {
		return nil, nil
	}
	made := &edit{Edit: &syncproto.Edit{Table: parent.table.Name, Row: parent.ID, Op: syncproto.OpUpdate,
		Base:  syncproto.Base{Epoch: h.d.epoch.ID, Rev: parent.Label.Rev},
		Cells: []syncproto.CellEdit{{Cell: dv.target, Value: value}}},
		op: syncproto.OpUpdate, row: parent, table: parent.table, server: true, roles: []schema.Role{schema.RoleServer}}
	h.edits = append(h.edits, made)
	return h.mergeEdit(made)
}

// shown is the value that a cell will show once the edit took effect.
func (e *edit) shown(b *schema.Book, cell string) schema.Value {
	if e.result != nil {
		if c := e.result.Cell(cell); c != nil {
			return c.Value
		}
		return schema.Null
	}
	if v, wrote := e.changed[cell]; wrote {
		return v
	}
	if e.row == nil {
		return merge.Unwritten(b.Cell(e.table.Name, cell))
	}
	return e.row.cell(b, cell)
}
