package merge

import (
	"cmp"
	"math/bits"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// view is the versions of one cell and who of them had seen which.
//
// Accepted versions have the indexes of sets, in the order of acceptance. The graph behind them has nodes: the accepted versions, then the
// refused ones (which are in no set, but pass on what they had seen), then one for each cut of the versions by a base
// (epoch, rev). Along it what a version has seen is closed transitively, one strongly connected component after the other.
// An honest history has no cycles. A hostile one may (two versions whose bases name each other); its members
// then count as concurrent, whatever the order in which they came.
type view struct {
	h       *history
	name    string
	cell    *schema.Cell // nil for “.”
	w       []write      // accepted
	refused []write
	node    map[syncproto.Identity]int
	labels  labels
	out     [][]int // edges of the graph
	comps   []component
	compOf  []int // by node
	eff     []int64
	all     set
	memo    map[string]*outcome
	spent   int // text merged so far, bytes
}

// component is a strongly connected component of the graph; nearly always it has one node.
type component struct {
	ext     set   // what its members have seen
	members []int // accepted versions in it: seen by whoever has seen the component
	latest  int64 // the greatest effective time in ext and members
	any     bool  // whether latest means something
}

func newView(h *history, name string) *view {
	v := &view{h: h, name: name, cell: h.book.Cell(h.table.Name, name), memo: map[string]*outcome{}}
	v.labels.v = v
	if len(h.writes[name]) == 0 {
		return v
	}
	v.node = make(map[syncproto.Identity]int, len(h.writes[name]))
	for _, w := range h.writes[name] {
		if w.by.Refused {
			v.refused = append(v.refused, w)
		} else {
			v.node[w.by.ID] = len(v.w)
			v.w = append(v.w, w)
		}
	}
	for i, w := range v.refused {
		v.node[w.by.ID] = len(v.w) + i
	}
	v.all = firstN(len(v.w))
	v.connect()
	v.close()
	return v
}

// source is what a version has seen of a cell, before closing: nodes, and all versions labelled up to a base, if there is one.
type source struct {
	nodes []int
	base  *syncproto.Base
}

// source follows MERGE.md line by line. by need not have written the cell (movers, deleters and the authors of other cells of a
// row rule are asked too), nor be part of the history.
func (v *view) source(by *RowVersion) source {
	if by.UndoOf != "" {
		if undone, ok := v.node[by.UndoOf]; ok && v.h.touches(by, v.name) {
			return source{nodes: []int{undone}}
		}
		if undone := v.h.byID[by.UndoOf]; undone != nil && undone != by && by.Op == syncproto.OpDelete && undone.UndoOf == "" {
			return v.source(undone) // undoing the creation of the row: cells it did not write are based on it too
		}
	}
	decides := decides(by, v.name)
	var s source
	for i := len(by.Base.Over) - 1; i >= 0 && len(s.nodes) == 0; i-- {
		over, ok := v.node[by.Base.Over[i]]
		if !ok {
			continue
		}
		s.nodes = append(s.nodes, over)
		if over >= len(v.w) && slices.Contains(by.DependsOn, by.Base.Over[i]) {
			if mend := v.h.standIn(v.refused[over-len(v.w)].by); mend != nil && !v.h.madeOver(mend, by) {
				if n, ok := v.node[mend.ID]; ok {
					s.nodes = append(s.nodes, n)
				}
			}
		}
	}
	if len(s.nodes) > 0 && !decides {
		return s
	}
	if named, ok := by.Base.Open[v.name]; ok && !decides {
		for _, id := range named {
			if n, ok := v.node[id]; ok {
				s.nodes = append(s.nodes, n)
			}
		}
		return s
	}
	s.base = &by.Base
	return s
}

// connect makes the nodes and edges.
func (v *view) connect() {
	writers := slices.Concat(v.w, v.refused)
	v.out = make([][]int, len(writers))
	seen := make([][]cut, len(writers))
	for i, w := range writers {
		s := v.source(w.by)
		v.out[i] = s.nodes
		if s.base != nil {
			seen[i] = v.labels.of(s.base)
		}
		for _, cut := range seen[i] {
			cut.c.at = append(cut.c.at, cut.at)
		}
	}
	for _, c := range v.labels.all() {
		slices.Sort(c.at)
		c.at = slices.Compact(c.at)
		before := 0
		for i, at := range c.at {
			c.nodes[at] = len(v.out)
			edges := c.versions(before, at)
			if i > 0 {
				edges = append(edges, c.nodes[before])
			}
			v.out = append(v.out, edges)
			before = at
		}
	}
	for i := range writers {
		for _, cut := range seen[i] {
			v.out[i] = append(v.out[i], cut.c.nodes[cut.at])
		}
	}
}

// addReach adds to s everything that seeing a node means.
func (v *view) addReach(s *set, node int) {
	c := &v.comps[v.compOf[node]]
	s.or(&c.ext)
	for _, m := range c.members {
		s.add(m)
	}
}

// seenAt is what the accepted version of that index has seen.
func (v *view) seenAt(i int) *set { return &v.comps[v.compOf[i]].ext }

// seenBy is what any version has seen of the cell, itself not counted.
func (v *view) seenBy(by *RowVersion) set {
	if n, ok := v.node[by.ID]; ok && v.h.byID[by.ID] == by {
		return v.comps[v.compOf[n]].ext
	}
	var s set
	if len(v.w) == 0 {
		return s
	}
	from := v.source(by)
	for _, n := range from.nodes {
		v.addReach(&s, n)
	}
	if from.base == nil {
		return s
	}
	for _, cut := range v.labels.of(from.base) {
		before := 0
		if i, found := slices.BinarySearch(cut.c.at, cut.at); found {
			before = cut.at
		} else if i > 0 {
			before = cut.c.at[i-1]
		}
		if before > 0 {
			v.addReach(&s, cut.c.nodes[before])
		}
		for _, n := range cut.c.versions(before, cut.at) {
			v.addReach(&s, n)
		}
	}
	return s
}

// closureBy is seenBy and the version itself, if it is an accepted one of the cell.
func (v *view) closureBy(by *RowVersion) set {
	s := v.seenBy(by)
	if n, ok := v.node[by.ID]; ok && n < len(v.w) {
		s = s.clone()
		s.add(n)
	}
	return s
}

// heads are the members of s that no other member has seen, by index. s is closed.
func (v *view) heads(s *set) []int {
	var found []int
	var covered set
	rest := s.dense()
	for w := len(rest) - 1; w >= 0; w-- {
		for rest[w] != 0 {
			i := w*wordBits + wordBits - 1 - bits.LeadingZeros64(rest[w])
			rest[w] &^= 1 << (i % wordBits)
			found = append(found, i)
			seen := v.seenAt(i)
			covered.or(seen)
			// What i has seen, and nothing beyond, i covers: it need not be looked at again.
			for k := 0; k < min(len(rest), seen.words()); k++ {
				rest[k] &^= seen.word(k)
			}
		}
	}
	heads := found[:0]
	for _, i := range found {
		if !covered.has(i) {
			heads = append(heads, i)
		}
	}
	slices.SortFunc(heads, func(a, b int) int { return cmp.Compare(v.w[a].by.ID, v.w[b].by.ID) })
	return heads
}

// ids turns indexes into identities, bytewise ascending; never nil.
func (v *view) ids(indexes []int) []syncproto.Identity {
	out := make([]syncproto.Identity, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, v.w[i].by.ID)
	}
	slices.Sort(out)
	return out
}
