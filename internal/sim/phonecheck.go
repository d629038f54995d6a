package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"minqing/internal/sim/oracle"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// answered notes the checkpoints that are on their way to the phone.
func (p *phone) answered(a *answer) {
	p.last = a
	p.cuts = append(p.cuts, a.cuts...)
	if len(a.cuts) > 0 {
		p.sure = false
	}
}

// took notes the end of a sync. One that went well has applied every checkpoint that came.
func (p *phone) took(ok bool) {
	if !ok || len(p.cuts) == 0 {
		return
	}
	p.based = true
	p.cuts, p.sure = p.cuts[len(p.cuts)-1:], true
	all, err := p.rep.Entries(context.Background(), replica.Accepted)
	p.w.must(err, "entries of "+p.name)
	p.through = map[syncproto.Identity]bool{}
	for i := range all {
		p.through[all[i].Identity] = true
	}
}

// held reads what the phone holds of the server's, by row.
func (p *phone) held() map[syncproto.RowID]*replica.Record {
	out := map[syncproto.RowID]*replica.Record{}
	for _, t := range p.rep.Book().Tables() {
		p.w.must(p.rep.Records(context.Background(), t.Name, func(r replica.Record) error {
			if r.Acked != nil || r.Shown != nil {
				out[r.Row] = &r
			}
			return nil
		}), "records of "+p.name)
	}
	return out
}

// check holds the phone to the checkpoint that it last applied.
func (p *phone) check() {
	p.sealLoose()
	held := p.held()
	c := p.cuts[len(p.cuts)-1]
	if v := p.differs(held, c); v != nil {
		p.w.violate(v.Invariant, "%s", v.Text)
	}
	p.checkOrder(held, c)
	p.checkShown(held)
	p.checkFile(c)
}

// checkAfterCrash holds the phone to any of the checkpoints that it may have applied: one of them, whole.
func (p *phone) checkAfterCrash() {
	if len(p.cuts) == 0 || p.rotten {
		return
	}
	p.sealLoose()
	held := p.held()
	if !p.based && len(held) == 0 {
		return
	}
	var first *violation
	for i := len(p.cuts) - 1; i >= 0; i-- {
		v := p.differs(p.withoutPast(held, i), p.cuts[i])
		if v == nil {
			p.checkShown(held)
			return
		}
		if first == nil {
			first = v
		}
	}
	p.w.violate(iAtomicity, "after a crash %s is at none of the last %d checkpoints: %s", p.name, len(p.cuts), first.Text)
}

// withoutPast is what a phone will hold once it has compared buckets with a server that went back to a backup. The checkpoint that answers its
// offer brings every row anew and takes none away: one that only the past knew, which was cut off, stays till the repair behind it.
func (p *phone) withoutPast(held map[syncproto.RowID]*replica.Record, cut int) map[syncproto.RowID]*replica.Record {
	now := p.cuts[cut].view
	out := maps.Clone(held)
	for _, c := range p.cuts[:cut] {
		if c.view.Line[0] == now.Line[0] {
			continue
		}
		for id, is := range held {
			r, was := now.Rows[id], c.view.Rows[id]
			if was != nil && is.Acked != nil && is.Label == was.Label && !p.w.stood(now, r, was.Label) {
				delete(out, id)
			}
		}
	}
	return out
}

// sealLoose seals what tools wrote since the last sync, or amid it: until then it stands in the rows, and only then lies over them.
func (p *phone) sealLoose() {
	if p.loose {
		_, err := p.rep.SealForeign(context.Background())
		p.w.must(err, "seal on "+p.name)
		p.collect()
	}
}

// differs says what of the phone is not as a checkpoint has it.
func (p *phone) differs(held map[syncproto.RowID]*replica.Record, c *cut) *violation {
	w := p.w
	buckets := map[syncproto.BucketID]bool{}
	for _, r := range held {
		buckets[r.Bucket] = true
	}
	must := map[syncproto.RowID]bool{}
	for _, id := range c.view.Order {
		r := c.view.Rows[id]
		t := p.rep.Book().Table(r.Table.Name)
		bucket := syncproto.BucketID{Scope: r.Scope, Period: r.Period}
		if r.Dead || t == nil || !c.can[r.Scope] || !w.oracle.Kept(r.Scope, r.Period, c.now) || (c.more || !c.began[r.Scope]) && !buckets[bucket] {
			continue
		}
		must[id] = true
		is := held[id]
		if is == nil || is.Acked == nil {
			return &violation{iConvergence, fmt.Sprintf("%s lacks the row %s %s of %v", p.name, t.Name, id, bucket)}
		}
		if v := p.rowDiffers(r, t, is); v != nil {
			return v
		}
	}
	for _, id := range slices.Sorted(maps.Keys(held)) {
		r := c.view.Rows[id]
		if held[id].Acked == nil || must[id] {
			continue
		}
		switch {
		case r == nil:
			return &violation{iNoPhantom, fmt.Sprintf("%s holds the row %s %s, which the server never had", p.name, held[id].Table, id)}
		case r.Dead:
			return &violation{iNoResurrection, fmt.Sprintf("%s holds the row %s %s, which was deleted", p.name, held[id].Table, id)}
		case !c.can[r.Scope]:
			return &violation{iConfidentiality, fmt.Sprintf("%s holds the row %s %s of %s, which its user may not see", p.name, held[id].Table, id, r.Scope)}
		}
		return &violation{iConvergence, fmt.Sprintf("%s holds the row %s %s of %s %s, which it was to let go", p.name, held[id].Table, id, r.Scope, r.Period)}
	}
	return nil
}

func (p *phone) rowDiffers(r *oracle.Row, t *schema.Table, is *replica.Record) *violation {
	name := p.name + ": " + t.Name + " " + string(r.ID)
	if is.Bucket != (syncproto.BucketID{Scope: r.Scope, Period: r.Period}) {
		return &violation{iConvergence, fmt.Sprintf("%s lies in %v, must lie in %s %s", name, is.Bucket, r.Scope, r.Period)}
	}
	if is.Label != r.Label {
		return &violation{iCausality, fmt.Sprintf("%s is at %v, must be at %v", name, is.Label, r.Label)}
	}
	for i := range t.Columns {
		column := t.Columns[i].Name
		want, vague := r.Column(p.w.book, column)
		if is.Acked[i] != want && !vague {
			return &violation{iConvergence, fmt.Sprintf("%s.%s is %v, must be %v", name, column, is.Acked[i], want)}
		}
	}
	for _, c := range p.rep.Book().Cells(t.Name) {
		cell := r.Cells[c.Name]
		shows, open := is.Open[c.Name]
		if !cell.Vague && (open != (cell.Open != "") || open && !slices.Equal(shows, cell.Shows)) {
			return &violation{iConflicts, fmt.Sprintf("%s.%s: open %v showing %v, must be %q showing %v", name, c.Name, open, shows, cell.Open, cell.Shows)}
		}
	}
	return nil
}

// stood tells whether a row, as a view shows it, had come to a label: what a restore swallowed may have been brought back since.
func (w *world) stood(view *oracle.View, r *oracle.Row, l syncproto.Label) bool {
	return r != nil && r.Label.Rev >= l.Rev && slices.Index(view.Line, r.Label.Epoch) <= slices.Index(view.Line, l.Epoch) && w.oracle.Gave(r, l)
}

// checkOrder wants that no row went back, save across a fork.
func (p *phone) checkOrder(held map[syncproto.RowID]*replica.Record, c *cut) {
	for _, id := range slices.Sorted(maps.Keys(held)) {
		is, was := held[id], p.labels[id]
		if is.Acked == nil {
			continue
		}
		older, newer := slices.Index(c.view.Line, was.Epoch), slices.Index(c.view.Line, is.Label.Epoch)
		if was.Rev > 0 && older >= 0 && p.w.stood(c.view, c.view.Rows[id], was) && (newer > older || is.Label.Rev < was.Rev) {
			p.w.violate(iCausality, "%s shows %s %s at %v, and showed it at %v before", p.name, is.Table, id, is.Label, was)
		}
		p.labels[id] = is.Label
	}
}

// overlaid is a row with one edit laid over it.
func overlaid(book *schema.Book, table string, values []schema.Value, e *syncproto.Edit) []schema.Value {
	t := book.Table(table)
	switch {
	case e.Op == syncproto.OpDelete:
		return nil
	case e.Op == syncproto.OpCreate && values == nil:
		values = make([]schema.Value, len(t.Columns))
		for i := range t.Columns {
			if f := t.Columns[i].Flow; f != nil {
				values[i] = schema.Text(f.Initial)
			}
		}
	case values == nil:
		return nil
	}
	values = slices.Clone(values)
	at := func(name string) int {
		return slices.IndexFunc(t.Columns, func(c schema.Column) bool { return c.Name == name })
	}
	for i := range e.Cells {
		c := book.Cell(table, e.Cells[i].Cell)
		if c == nil {
			continue
		}
		old := c.Join(func(name string) schema.Value { return values[at(name)] })
		now := e.Cells[i].Value
		switch c.Rule {
		case schema.RuleSum:
			now = schema.Int(old.Num() + e.Cells[i].Delta)
		case schema.RuleSet:
			kept := slices.DeleteFunc(old.Elements(), func(x string) bool { return slices.Contains(e.Cells[i].Del, x) })
			now = schema.Set(append(kept, e.Cells[i].Add...)...)
		}
		for k, v := range c.Split(now) {
			values[at(c.Columns[k].Name)] = v
		}
	}
	return values
}
