package oracle

import (
	"maps"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// View is what the server holds at one moment. It never changes.
type View struct {
	Rows  map[syncproto.RowID]*Row
	Order []syncproto.RowID // of birth
	Line  []syncproto.EpochID
	Seqs  map[string]uint64 // of each stream
	// Swept are the rows whose marks were dropped, as they last were.
	Swept map[syncproto.RowID]*Row
	// Erased are the rows that were erased by law.
	Erased map[syncproto.RowID]bool
}

// Row is one row of a view.
type Row struct {
	Table  *schema.Table
	ID     syncproto.RowID
	Scope  string
	Period string
	Stream string
	Label  syncproto.Label
	Alias  syncproto.RowID // the twin that it was merged into
	*Reckoned

	of *row
}

// Column is the value that a column shows; vague tells that another value would be right as well.
func (r *Row) Column(book *schema.Book, name string) (v schema.Value, vague bool) {
	for _, c := range book.Cells(r.Table.Name) {
		for k := range c.Columns {
			if c.Columns[k].Name == name {
				cell := r.Cells[c.Name]
				return part(&c, cell.Value, k), cell.Vague
			}
		}
	}
	return schema.Null, false
}

// look makes the view of the present state, sharing the rows that did not change with the view before.
func (o *Oracle) look() *View {
	was := o.st.view
	v := &View{Rows: make(map[syncproto.RowID]*Row, len(o.st.rows)), Order: slices.Clone(o.st.order), Line: slices.Clone(o.st.line), Seqs: maps.Clone(o.st.streams), Swept: o.st.swept, Erased: o.st.erased}
	for id, r := range o.st.rows {
		n := &Row{Table: r.table, ID: id, Scope: o.st.scope(r), Period: o.st.period(r), Stream: r.stream, Label: r.label, Alias: r.alias, Reckoned: r.is, of: r}
		if w := was.Rows[id]; w != nil && *w == *n {
			n = w
		}
		v.Rows[id] = n
	}
	return v
}

// View is what the server must hold now.
func (o *Oracle) View() *View { return o.st.view }

// Change finds a change that the server took, nil when it took none of that identity.
func (o *Oracle) Change(id ident) *Change { return o.st.changes[id] }

// Changes lists all that it took, in the order of receipt.
func (o *Oracle) Changes() []*Change {
	out := make([]*Change, 0, len(o.st.came))
	for _, id := range o.st.came {
		out = append(out, o.st.changes[id])
	}
	return out
}

// RefusedNames tells whether refused work names a row.
func (o *Oracle) RefusedNames(id syncproto.RowID) bool {
	return slices.ContainsFunc(o.Changes(), func(c *Change) bool { return c.Status == syncproto.Refused && c.names(id) })
}

// Gave tells whether versions of the row bear every number up to a label: those that a restore swallowed and nobody brought back they
// do not.
func (o *Oracle) Gave(r *Row, l syncproto.Label) bool {
	line := o.epochsNow().up(l.Epoch)
	bears := func(rev uint64) bool {
		return slices.ContainsFunc(r.of.versions, func(v *version) bool {
			return slices.ContainsFunc(v.labels, func(have syncproto.Label) bool {
				return have.Rev == rev && slices.Contains(line, have.Epoch) && (rev < l.Rev || have.Epoch == l.Epoch)
			})
		})
	}
	for rev := uint64(1); rev <= l.Rev; rev++ {
		if !bears(rev) {
			return false
		}
	}
	return true
}

// Writers are the accepted changes that wrote a word into the row, into whatever cell.
func (r *Row) Writers(word string) []syncproto.Identity {
	holds := func(s string) bool { return strings.Contains(s, word) }
	var out []syncproto.Identity
	for _, v := range r.of.versions {
		if !v.refused && slices.ContainsFunc(v.cells, func(e syncproto.CellEdit) bool {
			return holds(e.Value.Str()) || slices.ContainsFunc(e.Add, holds)
		}) {
			out = append(out, v.id)
		}
	}
	return out
}

// Words are all values that accepted versions ever wrote into a cell of a row.
func (r *Row) Words(cell string) []syncproto.CellEdit {
	var out []syncproto.CellEdit
	for _, v := range r.of.versions {
		if e := v.edit(cell); e != nil && !v.refused {
			out = append(out, *e)
		}
	}
	return out
}
