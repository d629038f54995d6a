package oracle

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// outcome is what a set of versions makes of a cell.
type outcome struct {
	value   schema.Value
	shown   set   // the versions that value is made of
	shows   []int // their heads
	winners []int // heads whose own value shows
	by      schema.Rule
	open    bool
	// vague tells that the text could have been merged in more than one way by its rule; then only what it holds is certain.
	vague bool
}

// decide applies the rule of the cell to the heads of s.
func (r *reckoning) decide(c *schema.Cell, s set) outcome {
	heads := r.heads(s, c.Name)
	out := outcome{shown: s, shows: heads, winners: heads}
	if len(heads) == 0 {
		out.value = r.atFirst(c)
		return out
	}
	if len(heads) > 1 {
		out.by = c.Rule
	}
	value := func(i int) schema.Value { return r.vs[i].value(c.Name) }
	win := func(v schema.Value) {
		out.value = v
		out.winners = slices.DeleteFunc(slices.Clone(heads), func(i int) bool { return value(i) != v })
	}
	alike := !slices.ContainsFunc(heads, func(i int) bool { return value(i) != value(heads[0]) })
	switch {
	case c.Rule == schema.RuleSum:
		out.value = r.sum(c.Name, s)
	case c.Rule == schema.RuleSet:
		out.value = r.elements(c.Name, s)
	case alike:
		out.by, out.value = "", value(heads[0])
	case slices.ContainsFunc(heads, func(i int) bool { return r.undoes(i, c.Name) }):
		out.open = true
	case c.Rule == schema.RuleLatest || c.Rule == schema.RuleServer:
		best := heads[0]
		for _, i := range heads[1:] {
			if a, b := r.effective(i, c.Name), r.effective(best, c.Name); a > b || a == b && r.vs[i].id > r.vs[best].id {
				best = i
			}
		}
		win(value(best))
	case c.Rule == schema.RuleMax || c.Rule == schema.RuleMin:
		best := value(heads[0])
		for _, i := range heads[1:] {
			if best.IsNull() || !value(i).IsNull() && less(best, value(i)) == (c.Rule == schema.RuleMax) && best != value(i) {
				best = value(i)
			}
		}
		win(best)
	case c.Rule == schema.RuleFlow:
		if state := r.flow(c, heads); state != "" {
			win(schema.Text(state))
		} else {
			out.open = true
		}
	case c.Rule == schema.RuleText:
		r.text(c, heads, &out)
	default:
		out.open = true
	}
	if out.open {
		below := r.stepDown(c, heads)
		below.vague = below.vague || out.vague
		return below
	}
	return out
}

// stepDown shows what all heads had seen.
func (r *reckoning) stepDown(c *schema.Cell, heads []int) outcome {
	common := r.seen(r.vs[heads[0]], c.Name)
	for _, i := range heads[1:] {
		common = common.and(r.seen(r.vs[i], c.Name))
	}
	below := r.decide(c, common)
	below.open, below.by, below.winners = true, "", nil
	return below
}

// atFirst is what a cell holds where no version of it counts: what must be there is what the row was made with.
func (r *reckoning) atFirst(c *schema.Cell) schema.Value {
	must := slices.ContainsFunc(c.Columns, func(col *schema.Column) bool { return col.Required })
	if must && c.Rule != schema.RuleSum && c.Rule != schema.RuleSet && c.Rule != schema.RuleFlow {
		for _, i := range r.writers(c.Name).list() {
			if r.vs[i].op == syncproto.OpCreate {
				return r.vs[i].value(c.Name)
			}
		}
	}
	return unwritten(c)
}

func unwritten(c *schema.Cell) schema.Value {
	if c.Rule == schema.RuleFlow {
		return schema.Text(c.Columns[0].Flow.Initial)
	}
	return schema.Null
}

// undoes tells whether a version undoes another of the cell.
func (r *reckoning) undoes(i int, cell string) bool {
	u, ok := r.at[r.vs[i].undo]
	return ok && r.vs[i].undo != "" && r.wrote(r.vs[u], cell)
}

func (r *reckoning) sum(cell string, s set) schema.Value {
	var total int64
	for _, i := range s.list() {
		total += r.vs[i].edit(cell).Delta
	}
	return schema.Int(total)
}

// elements are those added by somebody and not removed by one who had seen that.
func (r *reckoning) elements(cell string, s set) schema.Value {
	var out []string
	for _, i := range s.list() {
		for _, tag := range r.vs[i].edit(cell).Add {
			removed := slices.ContainsFunc(s.list(), func(o int) bool {
				return slices.Contains(r.vs[o].edit(cell).Del, tag) && r.seen(r.vs[o], cell).has(i)
			})
			if !removed {
				out = append(out, tag)
			}
		}
	}
	return schema.Set(out...)
}

// less orders two values that are not null: integers by size, dates by text, groups part by part with null first.
func less(a, b schema.Value) bool {
	if a.Kind() == schema.KindInt {
		return a.Num() < b.Num()
	}
	if a.Kind() != schema.KindTuple {
		return a.Str() < b.Str()
	}
	pa, pb := a.Parts(), b.Parts()
	for i := range pa {
		switch {
		case pa[i] == pb[i]:
		case pa[i].IsNull() || pb[i].IsNull():
			return pa[i].IsNull()
		default:
			return less(pa[i], pb[i])
		}
	}
	return false
}

func stateOf(f *schema.Flow, v schema.Value) string {
	if v.IsNull() {
		return f.Initial
	}
	return v.Str()
}

// flow is the last of the heads' states, by priority, that all the others lead to; "" when there is none.
func (r *reckoning) flow(c *schema.Cell, heads []int) string {
	f := c.Columns[0].Flow
	for p := len(f.States) - 1; p >= 0; p-- {
		to := f.States[p].Value
		written, all := false, true
		for _, i := range heads {
			from := stateOf(f, r.vs[i].value(c.Name))
			written = written || from == to
			all = all && leads(f, from, to)
		}
		if written && all {
			return to
		}
	}
	return ""
}

// leads tells whether declared moves lead from one state to another.
func leads(f *schema.Flow, from, to string) bool {
	reached := []string{from}
	for i := 0; i < len(reached); i++ {
		if reached[i] == to {
			return true
		}
		for _, m := range f.Moves {
			if m.From == reached[i] && !slices.Contains(reached, m.To) {
				reached = append(reached, m.To)
			}
		}
	}
	return false
}

// text folds the heads by identity, each against what it shares with those folded.
func (r *reckoning) text(c *schema.Cell, heads []int, out *outcome) {
	merged := r.vs[heads[0]].value(c.Name)
	folded := r.upTo(r.vs[heads[0]], c.Name)
	for _, i := range heads[1:] {
		own := r.upTo(r.vs[i], c.Name)
		base := r.decide(c, folded.and(own))
		var ok, vague bool
		merged, ok, vague = mergeTexts(base.value, merged, r.vs[i].value(c.Name), c.Columns[0].Max)
		out.vague = out.vague || vague || base.vague
		if !ok {
			out.open = true
			return
		}
		folded.addAll(own)
	}
	out.value = merged
}
