package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

// pairEvery is how often a seed stands for a pair: beside its history it is run twice more, with right clocks and with wrong ones.
const pairEvery = 64

// paired tells whether a history is run as a pair as well.
func (h *history) paired() bool { return h.Seed%pairEvery == 0 && h.Clocks }

// pair runs a history twice, with right clocks and with wrong ones, and wants what was made and refused, merged and put into the inbox to be
// the same, and so every value but those of cells in which the later word shows. It gives what broke, nil when nothing did. Where another value
// showed, and somebody entered something else over it, they are two histories, and nothing is compared.
func (h *history) pair(count counters) *violation {
	right, broken := h.clocked(false)
	if broken != nil {
		return broken
	}
	wrong, broken := h.clocked(true)
	if broken != nil || !slices.Equal(right.made, wrong.made) {
		return broken
	}
	count[cPairs]++
	count[cSkewed] += wrong.skewed
	if slices.Equal(right.outcome, wrong.outcome) {
		return nil
	}
	is, was := difference(strings.Join(wrong.outcome, "\n"), strings.Join(right.outcome, "\n"))
	return &violation{iClocks, fmt.Sprintf("with wrong clocks it comes to %q, with right ones to %q", is, was)}
}

// half is what one of a pair came to, what was made in it, and how many clocks are wrong at its end.
type half struct {
	outcome, made []string
	skewed        int
}

// clocked runs a history in which clocks go wrong often, or never. No link breaks, as where it does hangs on the size of what travels; and
// whoever decides at the desk chooses by nothing that hangs on clocks. Months pass often in both: the server alone says in which of them a row
// lies.
func (h *history) clocked(wrong bool) (out half, broken *violation) {
	h = h.copy()
	h.Ops = slices.Clone(h.Ops)
	h.Clocks, h.Half = wrong, true
	for i := range h.Ops {
		h.Calm[i] = true
		switch h.Ops[i].Kind {
		case "orders", "rot", "chain":
			h.Ops[i].Kind = "sync"
		}
		switch i % 8 {
		case 0, 4:
			h.Ops[i].Kind = "clock"
		case 6:
			h.Ops[i].Kind = "days"
		}
	}
	w := newWorld(h, nil)
	if res := w.run(); res.Broken != nil {
		res.Broken.Text += fmt.Sprintf(" (as one of a pair, with wrong clocks %v)", wrong)
		return out, res.Broken
	}
	return w.half(), nil
}

// half tells in words what a history came to that do not hang on its clocks.
func (w *world) half() (out half) {
	names := map[string]string{}
	for i, r := range w.rows {
		names[string(r.id)] = fmt.Sprint("row ", i)
	}
	view := w.oracle.View() // the server was held to it
	for i, ref := range w.rows {
		r := view.Rows[ref.id]
		if r == nil {
			out.outcome = append(out.outcome, fmt.Sprintf("row %d %s is not there", i, ref.table))
			continue
		}
		line := fmt.Sprintf("row %d %s of %s dead=%v", i, ref.table, r.Period, r.Dead)
		for _, c := range w.book.Cells(ref.table) {
			cell := r.Cells[c.Name]
			line += fmt.Sprintf(" %s: %d heads, open %q", c.Name, len(cell.Heads), cell.Open)
			if v := told(&c, cell.Value); v != "" && !cell.Vague {
				line += " = " + v
			}
		}
		for _, item := range r.Items {
			line += fmt.Sprintf(" [%s %v %d against %d]", item.Kind, item.Cells, len(item.Heads), len(item.Against))
		}
		for id, name := range names {
			line = strings.ReplaceAll(line, id, name)
		}
		out.outcome = append(out.outcome, line)
	}
	for _, p := range w.phones {
		if p.clock != (wallClock{}) {
			out.skewed++
		}
		for _, m := range p.mine {
			line := p.name + ":"
			for _, e := range m.Edits {
				line += fmt.Sprintf(" %c %s", e.Op, e.Table)
				for _, c := range e.Cells {
					line += " " + c.Cell
				}
			}
			out.made = append(out.made, line)
			if c := w.oracle.Change(m.id); c != nil {
				out.outcome = append(out.outcome, fmt.Sprintf("%s is %s %s late %v", line, c.Status, c.Code, c.Late))
			}
		}
	}
	return out
}

// told is what is compared of a value: nothing where the later word shows, and the sentences of a text in no order, as that follows from names
// of changes.
func told(c *schema.Cell, v schema.Value) string {
	switch c.Rule {
	case schema.RuleLatest, schema.RuleServer:
		return ""
	case schema.RuleText:
		list := strings.SplitAfter(v.Str(), "。")
		slices.Sort(list)
		return strings.Join(list, "")
	}
	return v.String()
}

// The server lists what lies at the desk by names that hang on clocks. A change is named after everything in it, also after what the clock of its
// phone said; the sides of an item lie by those names, and twins by ids of rows that phones made. Whoever chose from such a list would choose one
// word with right clocks and another with wrong ones, and the two of a pair would be two histories. In a pair everything lies as it came.

// sidesOf are the sides of an item, to choose among.
func (w *world) sidesOf(it *judge.Item) []judge.Side {
	if !w.history.Half {
		return it.Sides
	}
	came := map[syncproto.Identity]int{}
	for i, c := range w.oracle.Changes() {
		came[c.ID] = i
	}
	return slices.SortedStableFunc(slices.Values(it.Sides), func(a, b judge.Side) int { return cmp.Compare(came[a.Change], came[b.Change]) })
}

// listed are items as the desk lists them, to choose among: those of one moment by their rows.
func (w *world) listed(items []*judge.Item) []*judge.Item {
	if w.history.Half {
		slices.SortStableFunc(items, func(a, b *judge.Item) int {
			return cmp.Or(cmp.Compare(b.Closed, a.Closed), cmp.Compare(a.Opened, b.Opened), cmp.Compare(w.rowAt(a.Row), w.rowAt(b.Row)),
				cmp.Compare(w.rowAt(a.Other), w.rowAt(b.Other)), cmp.Compare(a.Kind, b.Kind), slices.Compare(a.Cells, b.Cells))
		})
	}
	return items
}

// inOrder are two rows, to choose among.
func (w *world) inOrder(a, b syncproto.RowID) []syncproto.RowID {
	if w.history.Half && w.rowAt(b) < w.rowAt(a) {
		a, b = b, a
	}
	return []syncproto.RowID{a, b}
}

// rowAt is when a row was made: as which of all, by whoever made it.
func (w *world) rowAt(id syncproto.RowID) int {
	return slices.IndexFunc(w.rows, func(r rowRef) bool { return r.id == id })
}
