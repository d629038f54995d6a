package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"minqing/schema"
)

// TestWrongClocksHideNothing runs histories twice, with right clocks and with wrong ones: what was made and refused, merged and put into the
// inbox is the same, and so is every value but those of cells in which the later word shows.
func TestWrongClocksHideNothing(t *testing.T) {
	compared, wrong := 0, 0
	for seed := uint64(5001); seed <= 5016; seed++ {
		right, rightMade, _ := clocked(t, seed, false)
		other, otherMade, skewed := clocked(t, seed, true)
		if !slices.Equal(rightMade, otherMade) {
			continue // another value showed, and somebody entered something else over it: two histories
		}
		compared++
		wrong += skewed
		if !slices.Equal(right, other) {
			is, was := difference(strings.Join(other, "\n"), strings.Join(right, "\n"))
			t.Errorf("%s: with wrong clocks it comes to %q, with right ones to %q", iClocks, is, was)
		}
	}
	t.Logf("%d histories compared, with %d clocks wrong at their end", compared, wrong)
	if compared < 6 || wrong < compared {
		t.Errorf("only %d histories compared, %d clocks wrong: nothing was tried", compared, wrong)
	}
}

// clocked runs a history in which clocks go wrong often, or never; it tells what it came to, what was made in it, and how many clocks are wrong
// at its end. No link breaks, as where it does hangs on the size of what travels; no months pass, as a phone's clock may say into which of two
// one falls; and nobody decides between twins, which are listed by their ids.
func clocked(t *testing.T, seed uint64, wrong bool) (outcome, made []string, skewed int) {
	h := plan(seed)
	h.Clocks = wrong
	for i := range h.Ops {
		h.Calm[i] = true
		switch h.Ops[i].Kind {
		case "days", "sweep", "twins", "decide", "undo", "orders", "rot", "chain":
			h.Ops[i].Kind = "sync"
		}
		if i%4 == 0 {
			h.Ops[i].Kind = "clock"
		}
	}
	w := newWorld(h, nil)
	if res := w.run(); res.Broken != nil {
		t.Errorf("seed %d, wrong clocks %v: %v", seed, wrong, res.Broken)
		return nil, nil, 0
	}
	names := map[string]string{}
	for i, r := range w.rows {
		names[string(r.id)] = fmt.Sprint("row ", i)
	}
	view := w.oracle.View() // the server was held to it
	for i, ref := range w.rows {
		r := view.Rows[ref.id]
		if r == nil {
			outcome = append(outcome, fmt.Sprintf("row %d %s is not there", i, ref.table))
			continue
		}
		line := fmt.Sprintf("row %d %s dead=%v", i, ref.table, r.Dead)
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
		outcome = append(outcome, line)
	}
	for _, p := range w.phones {
		if p.clock != (wallClock{}) {
			skewed++
		}
		for _, m := range p.mine {
			line := p.name + ":"
			for _, e := range m.Edits {
				line += fmt.Sprintf(" %c %s", e.Op, e.Table)
				for _, c := range e.Cells {
					line += " " + c.Cell
				}
			}
			made = append(made, line)
			if c := w.oracle.Change(m.id); c != nil {
				outcome = append(outcome, fmt.Sprintf("%s is %s %s late %v", line, c.Status, c.Code, c.Late))
			}
		}
	}
	return outcome, made, skewed
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
