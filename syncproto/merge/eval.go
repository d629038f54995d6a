package merge

import (
	"slices"
	"unicode/utf8"

	"minqing/schema"
	"minqing/syncproto"
)

// outcome is what a closed set of versions makes of a cell.
type outcome struct {
	value   schema.Value
	heads   []int // in canonical order
	open    bool  // no rule decides among the heads
	by      schema.Rule
	winners []int // heads whose own value shows
	shown   set   // the versions out of which value is made: the set itself, or if open what all heads had seen, and so on down
	shows   []int // the heads of shown
}

// textBudget bounds the text merged for one cell in one computation, in bytes. Two people who write the same note at once, day after
// day, each time over the merge of the day before, cost one merge a day; this is room for years of them. A history that goes
// beyond it (it takes malice) becomes an inbox item.
const textBudget = 32 << 20

// eval merges the heads of a closed set of versions by the rule of the cell.
func (v *view) eval(s *set) *outcome {
	key := s.key()
	if o := v.memo[key]; o != nil {
		return o
	}
	o := &outcome{heads: v.heads(s), shown: *s}
	v.memo[key] = o
	o.shows, o.winners = o.heads, o.heads
	v.decide(o, s)
	if o.open {
		common := v.common(o.heads)
		below := v.eval(&common)
		o.value, o.shown, o.shows, o.winners, o.by = below.value, below.shown, below.shows, nil, ""
	}
	return o
}

// common is what all of these versions had seen.
func (v *view) common(heads []int) set {
	s := v.seenAt(heads[0]).clone()
	for _, h := range heads[1:] {
		s = s.and(v.seenAt(h))
	}
	return s
}

// decide applies the rule: it sets value, by and winners, or open.
func (v *view) decide(o *outcome, s *set) {
	if len(o.heads) == 0 {
		o.value = v.made()
		return
	}
	if len(o.heads) > 1 {
		o.by = v.cell.Rule
	}
	switch v.cell.Rule {
	case schema.RuleSum:
		o.value = v.sum(s)
		return
	case schema.RuleSet:
		o.value = v.union(s)
		return
	}
	o.value = v.valueOf(o.heads[0])
	if !slices.ContainsFunc(o.heads, func(h int) bool { return v.valueOf(h) != o.value }) {
		o.by = "" // the same value from all sides is no conflict
		return
	}
	if slices.ContainsFunc(o.heads, func(h int) bool { return v.undoes(h) }) {
		o.open = true // an undo beside a different head is never decided by time or size
		return
	}
	switch v.cell.Rule {
	case schema.RuleLatest, schema.RuleServer:
		// Only the server writes RuleServer: its heads differ after a restore at most, and then the newer derivation is right.
		v.choose(o, func(a, b int) bool {
			return v.eff[a] < v.eff[b] || v.eff[a] == v.eff[b] && v.w[a].by.ID < v.w[b].by.ID
		})
		o.winners = slices.DeleteFunc(slices.Clone(o.heads), func(h int) bool { return v.valueOf(h) != o.value })
	case schema.RuleMax:
		v.choose(o, func(a, b int) bool { return v.compare(v.valueOf(a), v.valueOf(b)) < 0 })
	case schema.RuleMin:
		v.choose(o, func(a, b int) bool { return v.least(v.valueOf(a), v.valueOf(b)) })
	case schema.RuleText:
		v.fold(o)
	case schema.RuleFlow:
		v.flow(o)
	default: // once, manual
		o.open = true
	}
}

// choose takes the greatest head by less.
func (v *view) choose(o *outcome, less func(a, b int) bool) {
	best := o.heads[0]
	for _, h := range o.heads[1:] {
		if less(best, h) {
			best = h
		}
	}
	v.win(o, v.valueOf(best))
}

func (v *view) win(o *outcome, value schema.Value) {
	o.value = value
	o.winners = nil
	for _, h := range o.heads {
		if v.valueOf(h) == value {
			o.winners = append(o.winners, h)
		}
	}
}

func (v *view) valueOf(i int) schema.Value { return v.w[i].edit.Value }

// undoes tells whether a head is an undo of another version of this cell.
func (v *view) undoes(i int) bool {
	_, ok := v.node[v.w[i].by.UndoOf]
	return ok
}

// least is the order of RuleMin: a cleared cell loses against any value there too.
func (v *view) least(best, other schema.Value) bool {
	if best.IsNull() || other.IsNull() {
		return best.IsNull() && !other.IsNull()
	}
	return v.compare(other, best) < 0
}

// compare orders the values of a cell: null first, integers by size, texts (dates) bytewise, tuples column by column.
func (v *view) compare(a, b schema.Value) int {
	if v.cell.Group() {
		return slices.CompareFunc(v.cell.Split(a), v.cell.Split(b), compareSimple)
	}
	return compareSimple(a, b)
}

func compareSimple(a, b schema.Value) int {
	if a.IsNull() || b.IsNull() || a.Kind() == schema.KindInt {
		switch {
		case a == b:
			return 0
		case a.IsNull() || !b.IsNull() && a.Num() < b.Num():
			return -1
		default:
			return 1
		}
	}
	switch {
	case a.Str() < b.Str():
		return -1
	case a.Str() > b.Str():
		return 1
	default:
		return 0
	}
}

// sum adds all deltas. What passes the exact integers of JSON stays at their bound; the halves keep the addition itself exact.
func (v *view) sum(s *set) schema.Value {
	var high, low int64
	s.each(func(i int) {
		d := v.w[i].edit.Delta
		high += d >> 32
		low += d & 0xffffffff
	})
	high += low >> 32
	low &= 0xffffffff
	switch {
	case high >= 1<<21:
		return schema.Int(schema.MaxInt)
	case high < -(1 << 21):
		return schema.Int(schema.MinInt)
	}
	return schema.Int(clampInt(high<<32 + low))
}

func clampInt(n int64) int64 { return min(max(n, schema.MinInt), schema.MaxInt) }

// union is the set of the elements that some version added and no version that had seen this addition removed.
func (v *view) union(s *set) schema.Value {
	adds := map[string][]int{}
	gone := map[string]*set{}
	s.each(func(i int) {
		for _, e := range v.w[i].edit.Add {
			adds[e] = append(adds[e], i)
		}
		for _, e := range v.w[i].edit.Del {
			if gone[e] == nil {
				gone[e] = &set{}
			}
			gone[e].or(v.seenAt(i))
		}
	})
	var elements []string
	for e, by := range adds {
		if g := gone[e]; g == nil || slices.ContainsFunc(by, func(i int) bool { return !g.has(i) }) {
			elements = append(elements, e)
		}
	}
	return schema.Set(elements...)
}

// flow takes the state that all other heads' states lead to, the one of highest priority if there are several.
func (v *view) flow(o *outcome) {
	f := v.cell.Columns[0].Flow
	state := func(h int) string {
		if value := v.valueOf(h); !value.IsNull() {
			return value.Str()
		}
		return f.Initial
	}
	best, found := "", false
	for _, h := range o.heads {
		to := state(h)
		reached := !slices.ContainsFunc(o.heads, func(from int) bool { return !f.Reaches(state(from), to) })
		if reached && (!found || f.Priority(to) > f.Priority(best)) {
			best, found = to, true
		}
	}
	if !found {
		o.open = true
		return
	}
	v.win(o, schema.Text(best))
}

// fold merges texts: heads in canonical order, each against the value of the versions that it shares with those already folded.
func (v *view) fold(o *outcome) {
	merged := v.valueOf(o.heads[0])
	folded := v.seenAt(o.heads[0]).clone()
	folded.add(o.heads[0])
	for _, h := range o.heads[1:] {
		own := v.seenAt(h).clone()
		own.add(h)
		shared := folded.and(&own)
		base := v.eval(&shared).value
		var ok bool
		if merged, ok = v.mergeText(base, merged, v.valueOf(h)); !ok {
			o.open = true
			return
		}
		folded.or(&own)
	}
	o.value = merged
}

func (v *view) mergeText(base, first, second schema.Value) (schema.Value, bool) {
	switch {
	case first == second || second == base:
		return first, true
	case first == base:
		return second, true
	}
	v.spent += len(base.Str()) + len(first.Str()) + len(second.Str())
	if v.spent > textBudget {
		return schema.Null, false
	}
	text, ok := mergeTexts(base.Str(), first.Str(), second.Str())
	most := int64(schema.DefaultTextMax)
	if m := v.cell.Columns[0].Max; m > 0 {
		most = m
	}
	if !ok || int64(utf8.RuneCountInString(text)) > most {
		return schema.Null, false
	}
	if text == "" && (first.IsNull() || second.IsNull()) {
		return schema.Null, true
	}
	return schema.Text(text), true
}

// Unwritten is the value of a cell that nobody wrote: null, or the initial state of a flow.
func Unwritten(cell *schema.Cell) schema.Value {
	if cell.Rule == schema.RuleFlow {
		return schema.Text(cell.Columns[0].Flow.Initial)
	}
	return schema.Null
}

// made is the value of the cell where nothing is left that all heads had seen: Unwritten, but of a required cell what the row was made with. An edit
// carried over from a merged twin has seen nothing, and a row without its required values would show half, or lie nowhere, until somebody decides.
func (v *view) made() schema.Value {
	if requires(v.cell) {
		for i := range v.w {
			if v.w[i].by.Op == syncproto.OpCreate {
				return v.valueOf(i)
			}
		}
	}
	return Unwritten(v.cell)
}

// requires tells whether a cell must hold something. Sums, sets and flows begin with something of themselves.
func requires(cell *schema.Cell) bool {
	switch cell.Rule {
	case schema.RuleSum, schema.RuleSet, schema.RuleFlow:
		return false
	}
	return slices.ContainsFunc(cell.Columns, func(c *schema.Column) bool { return c.Required })
}

// Apply is the value of a cell after an edit by somebody who saw old: the overlay of a device, and the step of Fast.
func Apply(cell *schema.Cell, old schema.Value, edit syncproto.CellEdit) schema.Value {
	switch cell.Rule {
	case schema.RuleSum:
		return schema.Int(clampInt(old.Num() + edit.Delta))
	case schema.RuleSet:
		elements := slices.DeleteFunc(old.Elements(), func(e string) bool { return slices.Contains(edit.Del, e) })
		return schema.Set(append(elements, edit.Add...)...)
	default:
		return edit.Value
	}
}
