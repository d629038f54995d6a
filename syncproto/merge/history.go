package merge

import (
	"cmp"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// history is the versions of one row, sorted out for the computation.
type history struct {
	book    *schema.Book
	table   *schema.Table
	cells   []schema.Cell
	lineage *lineage
	all     []*RowVersion // by acceptance; refused ones among them
	byID    map[syncproto.Identity]*RowVersion
	writes  map[string][]write // by cell, in the order of all
}

// write is one version's edit of one cell; edit is nil for the existence of the row.
type write struct {
	by   *RowVersion
	edit *syncproto.CellEdit
}

func newHistory(book *schema.Book, table string, versions []RowVersion, epochs Epochs) *history {
	h := &history{book: book, table: book.Table(table), cells: book.Cells(table), lineage: newLineage(epochs),
		byID: map[syncproto.Identity]*RowVersion{}, writes: map[string][]write{}}
	for i := range versions {
		v := &versions[i]
		if h.byID[v.ID] == nil {
			h.byID[v.ID] = v
			h.all = append(h.all, v)
		}
	}
	// The order is that of acceptance for the sake of short sets only: no result depends on it.
	slices.SortFunc(h.all, func(a, b *RowVersion) int { return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID)) })
	for _, v := range h.all {
		if h.touchesExistence(v) {
			h.writes[syncproto.ExistenceCell] = append(h.writes[syncproto.ExistenceCell], write{v, nil})
		}
		for i := range v.Cells {
			e := &v.Cells[i]
			if slices.ContainsFunc(v.Cells[:i], func(o syncproto.CellEdit) bool { return o.Cell == e.Cell }) {
				continue // a cell named twice: the first counts
			}
			h.writes[e.Cell] = append(h.writes[e.Cell], write{v, e})
		}
	}
	return h
}

// touches tells whether v is a version of the cell. A deletion touches every cell.
func (h *history) touches(v *RowVersion, cell string) bool {
	if v.Op == syncproto.OpDelete || cell == syncproto.ExistenceCell && h.touchesExistence(v) {
		return true
	}
	return slices.ContainsFunc(v.Cells, func(e syncproto.CellEdit) bool { return e.Cell == cell })
}

// touchesExistence tells whether v is a version of “.”: it made, deleted or brought back the row.
func (h *history) touchesExistence(v *RowVersion) bool {
	if v.Op != syncproto.OpUpdate || slices.Contains(v.Decides, syncproto.ExistenceCell) {
		return true
	}
	undone := h.byID[v.UndoOf]
	return undone != nil && undone.Op == syncproto.OpDelete
}

// standIn is the accepted mend of a refused version, nil when there is none. A refused mend may itself have been mended.
func (h *history) standIn(refused *RowVersion) *RowVersion {
	for range len(h.all) { // a chain of mends is no longer than the history; hostile ones may be circular
		mend := h.byID[refused.MendedBy]
		if mend == nil || !mend.Refused {
			return mend
		}
		refused = mend
	}
	return nil
}

// madeOver tells whether the base of a version covers another of its row. What is let in once more, after that was taken back, is made over what was
// built on it the first time: it stands over that, and not beneath it as well.
func (h *history) madeOver(by, v *RowVersion) bool {
	rev, known := h.lineage.rev(by.Base.Epoch, v.Labels, v.Seq)
	return known && rev <= by.Base.Rev
}

// decides tells whether v decides what is open about a cell. Who confirms a deletion has decided about the row whole.
func decides(v *RowVersion, cell string) bool {
	return slices.Contains(v.Decides, cell) || v.Op == syncproto.OpDelete && slices.Contains(v.Decides, syncproto.ExistenceCell)
}
