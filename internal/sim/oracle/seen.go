package oracle

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// reckoning is one row with all its versions; it answers who had seen what, and what that makes of the row.
type reckoning struct {
	table  *schema.Table
	cells  []schema.Cell
	stream string
	epochs *epochs
	vs     []*version // in the order in which they came
	at     map[ident]int
	known  map[string]map[*version]set
	times  map[string]map[int]int64
}

func newReckoning(book *schema.Book, table, stream string, e *epochs, vs []*version) *reckoning {
	r := &reckoning{table: book.Table(table), cells: book.Cells(table), stream: stream, epochs: e, vs: vs, at: map[ident]int{},
		known: map[string]map[*version]set{}, times: map[string]map[int]int64{}}
	for i, v := range vs {
		r.at[v.id] = i
	}
	return r
}

func (r *reckoning) cell(name string) *schema.Cell {
	for i := range r.cells {
		if r.cells[i].Name == name {
			return &r.cells[i]
		}
	}
	return nil
}

// wrote tells whether v is a version of the cell; of the existence are those that made, deleted or brought back the row.
func (r *reckoning) wrote(v *version, cell string) bool {
	if cell != syncproto.ExistenceCell {
		return v.edit(cell) != nil
	}
	if v.op != syncproto.OpUpdate || slices.Contains(v.decides, cell) {
		return true
	}
	i, ok := r.at[v.undo]
	return ok && r.vs[i].op == syncproto.OpDelete
}

// writers are the accepted versions of a cell.
func (r *reckoning) writers(cell string) set {
	out := newSet(len(r.vs))
	for i, v := range r.vs {
		if !v.refused && r.wrote(v, cell) {
			out.add(i)
		}
	}
	return out
}

// direct is what v has seen of a cell before closing; refused versions among it stand for what they had seen. A mend that was made over v (what was let
// in, taken back and let in again) is nothing that v has seen.
func (r *reckoning) direct(v *version, cell string) []int {
	wrote := func(id ident) (int, bool) {
		i, ok := r.at[id]
		return i, ok && r.wrote(r.vs[i], cell)
	}
	if u, ok := r.at[v.undo]; ok && v.undo != "" {
		undone := r.vs[u]
		if r.wrote(undone, cell) && (v.op == syncproto.OpDelete || r.wrote(v, cell)) {
			return []int{u}
		}
		if v.op == syncproto.OpDelete && undone != v && undone.undo == "" {
			return r.direct(undone, cell) // a creation undone: what it left unwritten is based on what it was based on
		}
	}
	var out []int
	decided := v.decided(cell)
	for i := len(v.base.Over) - 1; i >= 0 && len(out) == 0; i-- {
		if o, ok := wrote(v.base.Over[i]); ok {
			out = append(out, o)
			if m := r.mendOf(o); m >= 0 && slices.Contains(v.depends, v.base.Over[i]) && r.wrote(r.vs[m], cell) && !r.epochs.labelled(v, r.vs[m].base, r.stream) {
				out = append(out, m)
			}
		}
	}
	if len(out) > 0 && !decided {
		return out
	}
	if named, open := v.base.Open[cell]; open && !decided {
		for _, id := range named {
			if o, ok := wrote(id); ok {
				out = append(out, o)
			}
		}
		return out
	}
	for i, w := range r.vs {
		if !w.refused && r.wrote(w, cell) && r.epochs.labelled(w, v.base, r.stream) {
			out = append(out, i)
		}
	}
	return out
}

// mendOf is the accepted version that stands in for a refused one, -1 when there is none.
func (r *reckoning) mendOf(i int) int {
	for range r.vs {
		if !r.vs[i].refused {
			return -1
		}
		m, ok := r.at[r.vs[i].mendedBy]
		if !ok {
			return -1
		}
		if !r.vs[m].refused {
			return m
		}
		i = m
	}
	return -1
}

// seen is everything that v has seen of a cell, closed: v itself is not in it.
func (r *reckoning) seen(v *version, cell string) set {
	if s, ok := r.known[cell][v]; ok {
		return s
	}
	if r.known[cell] == nil {
		r.known[cell] = map[*version]set{}
	}
	out := newSet(len(r.vs))
	visited := newSet(len(r.vs))
	todo := r.direct(v, cell)
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if visited.has(i) || r.vs[i] == v {
			continue
		}
		visited.add(i)
		if !r.vs[i].refused {
			out.add(i)
		}
		todo = append(todo, r.direct(r.vs[i], cell)...)
	}
	r.known[cell][v] = out
	return out
}

// upTo is what v has seen of a cell, and v.
func (r *reckoning) upTo(v *version, cell string) set {
	s := r.seen(v, cell).clone()
	if i, ok := r.at[v.id]; ok && r.vs[i] == v && !v.refused && r.wrote(v, cell) {
		s.add(i)
	}
	return s
}

// heads are those of s that no other of s has seen, by identity.
func (r *reckoning) heads(s set, cell string) []int {
	members := s.list()
	covered := newSet(len(r.vs))
	for _, i := range members {
		covered.addAll(r.seen(r.vs[i], cell))
	}
	var out []int
	for _, i := range members {
		if !covered.has(i) {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b int) int { return compare(r.vs[a].id, r.vs[b].id) })
	return out
}

func compare[T ~string](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// effective is the time that counts for “latest”: the corrected time, but later than everything that was seen.
func (r *reckoning) effective(i int, cell string) int64 {
	if t, ok := r.times[cell][i]; ok {
		return t
	}
	if r.times[cell] == nil {
		r.times[cell] = map[int]int64{}
	}
	t := r.vs[i].corrected
	for _, p := range r.seen(r.vs[i], cell).list() {
		t = max(t, r.effective(p, cell)+1)
	}
	r.times[cell][i] = t
	return t
}

func (r *reckoning) ids(indexes []int) []ident {
	out := make([]ident, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, r.vs[i].id)
	}
	slices.Sort(out)
	return out
}
