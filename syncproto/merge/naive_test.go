package merge

import (
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// naive computes a row straight from MERGE.md and DESIGN, with maps of identities, searches instead of indexes, and nothing
// remembered. It shares no function with the package but Text. Where the two differ, one of them is wrong.
type naive struct {
	book     *schema.Book
	versions map[syncproto.Identity]RowVersion
	epochs   Epochs
	known    map[string]idSet // seen, by cell and identity: the one thing remembered, for speed
	paths    map[string]idSet
}

type idSet map[syncproto.Identity]bool

func (s idSet) sorted() []syncproto.Identity {
	out := []syncproto.Identity{}
	for id := range s {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func both(a, b idSet) idSet {
	out := idSet{}
	for id := range a {
		if b[id] {
			out[id] = true
		}
	}
	return out
}

func with(s idSet, more ...syncproto.Identity) idSet {
	out := idSet{}
	for id := range s {
		out[id] = true
	}
	for _, id := range more {
		out[id] = true
	}
	return out
}

func newNaive(s *store) *naive {
	n := &naive{book: s.book, versions: map[syncproto.Identity]RowVersion{}, epochs: s.epochs, known: map[string]idSet{}, paths: map[string]idSet{}}
	for _, v := range s.versions {
		if _, twice := n.versions[v.ID]; !twice {
			n.versions[v.ID] = v
		}
	}
	return n
}

func (n *naive) wrote(v RowVersion, cell string) bool {
	if cell == syncproto.ExistenceCell {
		u, ok := n.versions[v.UndoOf]
		return v.Op == syncproto.OpCreate || v.Op == syncproto.OpDelete || slices.Contains(v.Decides, cell) || ok && u.Op == syncproto.OpDelete
	}
	for _, e := range v.Cells {
		if e.Cell == cell {
			return true
		}
	}
	return false
}

func (n *naive) edit(id syncproto.Identity, cell string) syncproto.CellEdit {
	for _, e := range n.versions[id].Cells {
		if e.Cell == cell {
			return e
		}
	}
	return syncproto.CellEdit{}
}

func (n *naive) line(e syncproto.EpochID) []syncproto.EpochID {
	var out []syncproto.EpochID
	for e != "" && !slices.Contains(out, e) {
		out = append(out, e)
		e = n.epochs.All[e].Parent
	}
	return out
}

// labelled tells whether w has a label at or below a base.
func (n *naive) labelled(w RowVersion, b syncproto.Base) bool {
	own := n.line(n.epochs.Current)
	line := n.line(b.Epoch)
	limit, from := n.epochs.All[b.Epoch].Began, 1
	for from-1 < len(line) && !slices.Contains(own, line[from-1]) { // climb to the store's own line
		limit = n.epochs.All[line[from-1]].Began
		from++
	}
	var held []syncproto.EpochID // what the ancestors held
	if slices.Contains(own, b.Epoch) {
		held, limit = line[1:], n.epochs.All[b.Epoch].Began
	} else if from-1 < len(line) {
		held = line[from-1:]
		if at := slices.Index(own, held[0]); at > 0 {
			limit = min(limit, n.epochs.All[own[at-1]].Began)
		}
	}
	for _, l := range w.Labels {
		if l.Rev <= b.Rev && b.Epoch != "" && (l.Epoch == b.Epoch || slices.Contains(held, l.Epoch) && w.Seq <= limit) {
			return true
		}
	}
	return false
}

// direct is what v has seen of a cell before closing, refused versions included (they stand for what they had seen).
func (n *naive) direct(v RowVersion, cell string) idSet {
	out := idSet{}
	writer := func(id syncproto.Identity) bool {
		w, ok := n.versions[id]
		return ok && n.wrote(w, cell)
	}
	if u, ok := n.versions[v.UndoOf]; ok {
		if n.wrote(u, cell) && (n.wrote(v, cell) || v.Op == syncproto.OpDelete) {
			out[u.ID] = true
			return out
		}
		if v.Op == syncproto.OpDelete && u.ID != v.ID && u.UndoOf == "" {
			return n.direct(u, cell)
		}
	}
	decides := slices.Contains(v.Decides, cell) || v.Op == syncproto.OpDelete && slices.Contains(v.Decides, syncproto.ExistenceCell)
	for _, id := range slices.Backward(v.Base.Over) {
		if !writer(id) {
			continue
		}
		out[id] = true
		w := n.versions[id]
		if w.Refused && slices.Contains(v.DependsOn, id) {
			mend, ok := n.versions[w.MendedBy]
			for tries := 0; ok && mend.Refused && tries < 50; tries++ {
				mend, ok = n.versions[mend.MendedBy]
			}
			if ok && !mend.Refused && writer(mend.ID) && !n.labelled(v, mend.Base) {
				out[mend.ID] = true
			}
		}
		break
	}
	if len(out) > 0 && !decides {
		return out
	}
	if named, ok := v.Base.Open[cell]; ok && !decides {
		for _, id := range named {
			if writer(id) {
				out[id] = true
			}
		}
		return out
	}
	for _, w := range n.versions {
		if !w.Refused && writer(w.ID) && n.labelled(w, v.Base) {
			out[w.ID] = true
		}
	}
	return out
}

// path is all that can be reached from v.
func (n *naive) path(v RowVersion, cell string) idSet {
	key := cell + " " + string(v.ID)
	if p := n.paths[key]; p != nil {
		return p
	}
	out := idSet{}
	todo := n.direct(v, cell).sorted()
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		if !out[at] {
			out[at] = true
			todo = append(todo, n.direct(n.versions[at], cell).sorted()...)
		}
	}
	n.paths[key] = out
	return out
}

// seen is what v has seen of a cell; two versions that claim to have seen each other have not.
func (n *naive) seen(v RowVersion, cell string) idSet {
	key := cell + " " + string(v.ID)
	if s := n.known[key]; s != nil {
		return s
	}
	out := idSet{}
	for id := range n.path(v, cell) {
		if w := n.versions[id]; !w.Refused && id != v.ID && !(n.wrote(v, cell) && n.path(w, cell)[v.ID]) {
			out[id] = true
		}
	}
	n.known[key] = out
	return out
}

func (n *naive) written(cell string) idSet {
	out := idSet{}
	for id, v := range n.versions {
		if !v.Refused && n.wrote(v, cell) {
			out[id] = true
		}
	}
	return out
}

func (n *naive) heads(s idSet, cell string) []syncproto.Identity {
	out := idSet{}
	for id := range s {
		seen := false
		for o := range s {
			seen = seen || n.seen(n.versions[o], cell)[id]
		}
		if !seen {
			out[id] = true
		}
	}
	return out.sorted()
}

func (n *naive) effective(id syncproto.Identity, cell string) int64 {
	v := n.versions[id]
	out := v.Corrected
	for p := range n.seen(v, cell) {
		out = max(out, n.effective(p, cell)+1)
	}
	return out
}

// naiveCell is what a set of versions makes of a cell.
type naiveCell struct {
	value schema.Value
	by    schema.Rule
	open  bool
	shows []syncproto.Identity
	shown idSet
}

func (n *naive) eval(cell *schema.Cell, s idSet) naiveCell {
	heads := n.heads(s, cell.Name)
	out := naiveCell{shows: heads, shown: s}
	if len(heads) > 1 {
		out.by = cell.Rule
	}
	if cell.Rule == schema.RuleSum && len(heads) > 0 {
		total := int64(0)
		for id := range s {
			total += n.edit(id, cell.Name).Delta
		}
		out.value = schema.Int(total)
		return out
	}
	if cell.Rule == schema.RuleSet && len(heads) > 0 {
		out.value = n.tags(s, cell.Name)
		return out
	}
	values := map[schema.Value]bool{}
	undo := false
	for _, h := range heads {
		values[n.edit(h, cell.Name).Value] = true
		u, ok := n.versions[n.versions[h].UndoOf]
		undo = undo || ok && n.wrote(u, cell.Name)
	}
	switch {
	case len(heads) == 0:
		if cell.Rule == schema.RuleFlow {
			out.value = schema.Text(cell.Columns[0].Flow.Initial)
		}
		for _, id := range n.written(cell.Name).sorted() {
			if n.versions[id].Op == syncproto.OpCreate && cell.Columns[0].Required {
				out.value = n.edit(id, cell.Name).Value
			}
		}
		return out
	case len(values) == 1:
		out.by, out.value = "", n.edit(heads[0], cell.Name).Value
		return out
	case undo:
		out.open = true
	default:
		out.value, out.open = n.choose(cell, heads)
	}
	if out.open {
		common := n.seen(n.versions[heads[0]], cell.Name)
		for _, h := range heads {
			common = both(common, n.seen(n.versions[h], cell.Name))
		}
		below := n.eval(cell, common)
		out.value, out.shows, out.shown, out.by = below.value, below.shows, below.shown, ""
	}
	return out
}

func (n *naive) tags(s idSet, cell string) schema.Value {
	var tags []string
	for id := range s {
		for _, tag := range n.edit(id, cell).Add {
			removed := false
			for o := range s {
				removed = removed || slices.Contains(n.edit(o, cell).Del, tag) && n.seen(n.versions[o], cell)[id]
			}
			if !removed {
				tags = append(tags, tag)
			}
		}
	}
	return schema.Set(tags...)
}

func (n *naive) choose(cell *schema.Cell, heads []syncproto.Identity) (value schema.Value, open bool) {
	val := func(id syncproto.Identity) schema.Value { return n.edit(id, cell.Name).Value }
	switch cell.Rule {
	case schema.RuleLatest, schema.RuleServer:
		best := heads[0]
		for _, h := range heads {
			if a, b := n.effective(h, cell.Name), n.effective(best, cell.Name); a > b || a == b && h > best {
				best = h
			}
		}
		return val(best), false
	case schema.RuleMax, schema.RuleMin:
		best := schema.Null
		for _, h := range heads {
			v := val(h)
			bigger := !v.IsNull() && !best.IsNull() && orderKey(v) > orderKey(best)
			if best.IsNull() || !v.IsNull() && v != best && bigger == (cell.Rule == schema.RuleMax) {
				best = v
			}
		}
		return best, false
	case schema.RuleFlow:
		return n.flow(cell, heads)
	case schema.RuleText:
		return n.text(cell, heads)
	}
	return schema.Null, true
}

// orderKey is a text that orders as the values do: numbers, shifted to be positive, padded.
func orderKey(v schema.Value) string {
	parts := v.Parts()
	if parts == nil {
		parts = []schema.Value{v}
	}
	var out strings.Builder
	for _, p := range parts {
		switch {
		case p.IsNull():
			out.WriteString("-")
		case p.Kind() == schema.KindInt:
			s := schema.Int(p.Num() + 1<<40).String()
			out.WriteString("1" + strings.Repeat("0", 20-len(s)) + s)
		default:
			out.WriteString("1" + p.Str())
		}
	}
	return out.String()
}

func (n *naive) flow(cell *schema.Cell, heads []syncproto.Identity) (schema.Value, bool) {
	f := cell.Columns[0].Flow
	leads := map[[2]string]bool{}
	for _, s := range f.States {
		leads[[2]string{s.Value, s.Value}] = true
	}
	for range f.States {
		for _, s := range f.States {
			for _, m := range f.Moves {
				if leads[[2]string{s.Value, m.From}] {
					leads[[2]string{s.Value, m.To}] = true
				}
			}
		}
	}
	state := func(h syncproto.Identity) string {
		if v := n.edit(h, cell.Name).Value; !v.IsNull() {
			return v.Str()
		}
		return f.Initial
	}
	for _, s := range slices.Backward(f.States) {
		written, all := false, true
		for _, h := range heads {
			written = written || state(h) == s.Value
			all = all && leads[[2]string{state(h), s.Value}]
		}
		if written && all {
			return schema.Text(s.Value), false
		}
	}
	return schema.Null, true
}

func (n *naive) text(cell *schema.Cell, heads []syncproto.Identity) (schema.Value, bool) {
	acc := n.edit(heads[0], cell.Name).Value
	folded := with(n.seen(n.versions[heads[0]], cell.Name), heads[0])
	for _, h := range heads[1:] {
		own := with(n.seen(n.versions[h], cell.Name), h)
		base := n.eval(cell, both(folded, own)).value
		v := n.edit(h, cell.Name).Value
		switch {
		case acc == v || v == base:
		case acc == base:
			acc = v
		default:
			merged, ok := mergeTexts(base.Str(), acc.Str(), v.Str())
			if !ok || len([]rune(merged)) > int(cell.Columns[0].Max) {
				return schema.Null, true
			}
			if merged == "" && (acc.IsNull() || v.IsNull()) {
				acc = schema.Null
			} else {
				acc = schema.Text(merged)
			}
		}
		folded = with(folded, own.sorted()...)
	}
	return acc, false
}
