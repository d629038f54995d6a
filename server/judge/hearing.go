package judge

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// hearing is one change being judged. Until it is decided it writes nothing on the desk, so that a refusal leaves no trace of it.
type hearing struct {
	d       *desk
	c       *syncproto.Change
	rec     *record
	server  bool // made on the server
	offered bool // offered again after a fork
	revoked bool // handed over by a device after its revocation
	pardon  bool // somebody decided to take it although it came too late

	edits   []*edit
	made    map[syncproto.RowID]*row // rows that this change makes
	mends   *record                  // what it stands in for, nil when it is an edit like any other
	behalf  syncproto.UserID         // whose refused change it lets in, "" when it is nobody else's
	late    bool
	derived bool // the server's own cells were added
}

// edit is what the change does to one row.
type edit struct {
	*syncproto.Edit
	op      syncproto.Op // as it counts: a second mend of a creation is an update
	row     *row
	table   *schema.Table
	grounds []ground // those on which the author must be entitled; the row's own comes first
	roles   []schema.Role
	own     bool
	depends []syncproto.Identity
	decides map[string]bool // cells whose open item it decides
	twice   bool            // creates a row that is there
	server  bool            // made by the server itself along with the change

	version merge.RowVersion
	from    map[string]schema.Value // what the author saw in the cells he writes
	changed map[string]schema.Value // by the short way: the cells with their new values
	next    merge.State
	result  *merge.Result // by the long way
}

// mentions lists the rows that a change names: those it edits, their new parents, and what it links to.
func (h *hearing) mentions(b *schema.Book) []syncproto.RowID {
	var out []syncproto.RowID
	for i := range h.c.Edits {
		e := &h.c.Edits[i]
		out = append(out, e.Row)
		t := b.Table(e.Table)
		if t == nil {
			continue
		}
		for _, c := range e.Cells {
			if col := t.Column(c.Cell); col != nil && col.Type == schema.TypeRef && c.Value.Kind() == schema.KindText {
				out = append(out, syncproto.RowID(c.Value.Str()))
			}
		}
	}
	return out
}

// hear judges a change and lets it take effect, or refuses it.
func (d *desk) hear(h *hearing) error {
	no, err := h.judge()
	if err != nil {
		return err
	}
	if no != nil {
		return d.refuse(h, no)
	}
	return d.accept(h)
}

// judge goes through the questions in order; the first that is answered by no decides.
func (h *hearing) judge() (*refusal, error) {
	h.made, h.edits, h.derived = map[syncproto.RowID]*row{}, nil, false
	for _, step := range []func() (*refusal, error){h.admit, h.refuseRetaken, h.findMended, h.place, h.depend, h.entitle, h.merge, h.derive} {
		if no, err := step(); no != nil || err != nil {
			return no, err
		}
	}
	return nil, nil
}

// row finds a row as this change sees it.
func (h *hearing) row(id syncproto.RowID) *row {
	if r := h.made[id]; r != nil {
		return r
	}
	return h.d.rows[id]
}

// admit refuses what is wrong by itself.
func (h *hearing) admit() (*refusal, error) {
	if no := h.refuseErased(); no != nil {
		return no, nil
	}
	if def := h.c.Defect; def != nil {
		return &refusal{code: def.Code, message: def.Message, hint: def.Hint}, nil //nolint:nilerr // the defect is what is refused, no failure of ours
	}
	seen := map[syncproto.RowID]bool{}
	for i := range h.c.Edits {
		e := &h.c.Edits[i]
		t := h.d.book.Table(e.Table)
		if t == nil {
			return refuseUnknown(e.Table), nil
		}
		if seen[e.Row] {
			return refuseInvalid("同一改动两次修改同一条记录。", "One change edits a row twice."), nil
		}
		seen[e.Row] = true
		if no := h.admitEdit(t, e); no != nil {
			return no, nil
		}
		if no, err := h.refuseRevoking(e); no != nil || err != nil {
			return no, err
		}
		h.edits = append(h.edits, &edit{Edit: e, op: e.Op, table: t})
	}
	if len(h.edits) == 0 {
		return refuseInvalid("改动里什么也没有。", "The change edits nothing."), nil
	}
	return nil, nil
}

func (h *hearing) admitEdit(t *schema.Table, e *syncproto.Edit) *refusal {
	if e.Op == syncproto.OpDelete && len(e.Cells) > 0 {
		return refuseInvalid("删除不带内容。", "A deletion carries no cells.")
	}
	// Of a row that its author made and that is not acknowledged yet, the base is what was laid over nothing.
	if e.Op != syncproto.OpCreate && e.Base.Epoch == "" && len(e.Base.Over) == 0 && !h.server {
		return refuseInvalid("改动没有说明依据。", "The edit of a row names no base.")
	}
	for i := range e.Cells {
		c := &e.Cells[i]
		cell := h.d.book.Cell(t.Name, c.Cell)
		if cell == nil || c.Raw != nil {
			return refuseUnknown(t.Name + "." + c.Cell)
		}
		if slices.ContainsFunc(e.Cells[:i], func(o syncproto.CellEdit) bool { return o.Cell == c.Cell }) {
			return refuseInvalid("同一改动两次填写同一格。", "One change writes a cell twice.")
		}
		if no := checkCell(cell, c); no != nil {
			return no
		}
	}
	return nil
}

// checkCell judges one cell edit by itself.
func checkCell(cell *schema.Cell, c *syncproto.CellEdit) *refusal {
	switch cell.Rule {
	case schema.RuleSum:
		if err := cell.Columns[0].CheckDelta(c.Delta); err != nil {
			return refuseValue(err)
		}
	case schema.RuleSet:
		if err := cell.Check(schema.Set(append(slices.Clone(c.Add), c.Del...)...)); err != nil {
			return refuseValue(err)
		}
	default:
		if c.Value.IsNull() {
			return nil // whether it may be empty is judged on the row
		}
		if err := cell.Check(c.Value); err != nil {
			return refuseValue(err)
		}
	}
	return nil
}
