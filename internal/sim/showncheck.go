package sim

import (
	"context"
	"maps"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// checkShown holds what the phone shows to what is acknowledged and its own edits that wait: for a verdict, or for the row in which they
// stand.
func (p *phone) checkShown(held map[syncproto.RowID]*replica.Record) {
	own, err := p.rep.Entries(context.Background(), replica.Pending, replica.Accepted)
	p.w.must(err, "entries of "+p.name)
	refused, err := p.rep.Entries(context.Background(), replica.Refused, replica.Withdrawn)
	p.w.must(err, "entries of "+p.name)
	over := map[syncproto.RowID][]*syncproto.Edit{}
	unsure := map[syncproto.RowID]bool{}
	for _, e := range own {
		if m := p.w.made[e.Identity]; m != nil && len(e.Change.Edits) == 0 { // its words went into the hand-over box with one of its rows; over the others they may stand
			for _, x := range m.Edits {
				unsure[x.Row] = true
			}
		}
		for i := range e.Change.Edits {
			x := &e.Change.Edits[i]
			waits, sure := p.waits(&e, held[x.Row])
			if waits {
				over[x.Row] = append(over[x.Row], x)
			}
			unsure[x.Row] = unsure[x.Row] || !sure
		}
	}
	for _, id := range slices.Sorted(maps.Keys(held)) {
		r := held[id]
		if over[id] != nil && len(refused) > 0 || unsure[id] {
			continue // what builds on something refused shows nowhere; what does not is reckoned by the replica's own tests
		}
		want := slices.Clone(r.Acked)
		for _, x := range over[id] {
			want = overlaid(p.rep.Book(), r.Table, want, x)
		}
		for i, c := range p.rep.Book().Table(r.Table).Columns { // to a sum that nobody added to, nothing was added: so says who added and took away again
			if len(over[id]) > 0 && c.Rule == schema.RuleSum && i < min(len(want), len(r.Shown)) && want[i].IsNull() && r.Shown[i] == schema.Int(0) {
				want[i] = r.Shown[i]
			}
		}
		if !slices.Equal(want, r.Shown) {
			p.explain(id)
			p.w.violate(iCausality, "%s shows %s %s as %v, must show %v (acknowledged is %v)", p.name, r.Table, id, r.Shown, want, r.Acked)
		}
	}
}

// waits tells whether an own edit of a row still lies over it: the row that came is older than the number that the edit was given. It is
// not sure across a restore: numbers of two epochs cannot be compared, and the row may hold what is offered again.
func (p *phone) waits(e *replica.Entry, row *replica.Record) (waits, sure bool) {
	if e.State == replica.Pending {
		return true, row == nil || len(e.Change.Labels[row.Row]) == 0
	}
	if row == nil || e.Verdict == nil {
		return false, true
	}
	labelled := false
	for _, l := range e.Verdict.Labels {
		labelled = labelled || l.Row == row.Row
		// A row that has not come yet stands at no number at all: the verdict came, and the link broke before the checkpoint.
		if l.Row == row.Row && l.Label.Rev > row.Label.Rev {
			return true, p.w.count[cRestores] == 0
		}
	}
	// A verdict without a number for the row says that the row is not held any more. A receipt may say so before the phone hears of it, and
	// so may a sync that breaks off behind the verdict: until one has gone well since, its author's words may stand.
	return false, labelled || row.Acked == nil && p.through[e.Identity]
}

// checkForm holds a form to what the phone shows as it is rendered: what is saved from it must be able to say what its author saw, the words
// that stand in the inbox among them.
func (p *phone) checkForm(f replica.Form) {
	r, ok, err := p.rep.Record(context.Background(), f.Table, f.Row)
	p.w.must(err, "read "+f.Table+" on "+p.name)
	if !ok || r.Acked == nil {
		return
	}
	if f.Base.Epoch != r.Label.Epoch || f.Base.Rev != r.Label.Rev || !maps.EqualFunc(f.Base.Open, r.Open, slices.Equal[[]syncproto.Identity]) {
		p.w.violate(iShown, "%s renders a form of %s %s over %v, and shows the row at %v with %v open", p.name, f.Table, f.Row, f.Base, r.Label, r.Open)
	}
}
