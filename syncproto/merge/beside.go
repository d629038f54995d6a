package merge

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// Beside lists the accepted versions of a cell that a version of it was made beside: neither had seen the other. It is empty for a
// version that did not write the cell, or was refused. Bytewise ascending.
func Beside(book *schema.Book, table string, versions []RowVersion, epochs Epochs, cell string, id syncproto.Identity) []syncproto.Identity {
	if book.Table(table) == nil {
		return nil
	}
	v := newView(newHistory(book, table, versions, epochs), cell)
	self, found := v.node[id]
	if !found || self >= len(v.w) {
		return nil
	}
	var out []syncproto.Identity
	for i := range v.w {
		if i != self && !v.seenAt(self).has(i) && !v.seenAt(i).has(self) {
			out = append(out, v.w[i].by.ID)
		}
	}
	slices.Sort(out)
	return out
}
