package schema

import "slices"

// Link tells how a reference may point (DESIGN section 2: within the scope or upward, never into another household). The
// server holds each kind to its row when it is written.
type Link uint8

// The kinds of link. LinkWithin and LinkUp need a look at the row: the table alone does not tell which household it means.
const (
	LinkNone      Link = iota // points where it must not
	LinkParent                // to the parent row
	LinkDirectory             // to a place or a user, which belong to no household
	LinkWithin                // to a row whose scope must be that of the row itself
	LinkUp                    // to a row whose scope must be that of one of the row's ancestors
)

// Link classifies a reference of a table.
func (b *Book) Link(t *Table, c *Column) Link {
	to := b.Table(c.Ref)
	switch {
	case c.Type != TypeRef || to == nil:
		return LinkNone
	case c.Name == t.Parent:
		return LinkParent
	case to.Directory:
		return LinkDirectory
	}
	scope := b.ScopeTable(to)
	if scope == b.ScopeTable(t) {
		if t.Scope == ScopeOwn && to.Scope == ScopeOwn {
			return LinkNone // another row of the same kind is another household
		}
		return LinkWithin
	}
	for at := b.parentTable(t); at != nil; at = b.parentTable(at) {
		if b.ScopeTable(at) == scope {
			return LinkUp
		}
	}
	return LinkNone
}

// parentTable is the table of the parent rows, nil for a root and for a tree of its own kind.
func (b *Book) parentTable(t *Table) *Table {
	if t.Parent == "" {
		return nil
	}
	if p := b.Table(t.Column(t.Parent).Ref); p != t {
		return p
	}
	return nil
}

// checkParent holds a table to those before it; once it holds for all, walks up the parents end.
func (b *Book) checkParent(t *Table, at int, bad *broken) {
	if t.Parent == "" {
		if t.Scope != ScopeOwn {
			bad.say("table %s has no parent, so its scope must be its own", t.Name)
		}
		return
	}
	c := t.Column(t.Parent)
	switch {
	case c == nil || c.Type != TypeRef || (!c.Required && c.Ref != t.Name):
		bad.say("table %s: the parent column %s must be a ref, and required unless it points to its own table", t.Name, t.Parent)
	case c.Ref == t.Name && t.Scope != ScopeOwn:
		bad.say("table %s is a tree of its own kind, so its scope must be its own", t.Name)
	case c.Ref != t.Name && slices.IndexFunc(b.tables[:at], func(o *Table) bool { return o.Name == c.Ref }) < 0:
		bad.say("table %s must be declared after its parent %s", t.Name, c.Ref)
	}
}

// checkShape holds scope, period, author, twin and the marks of a table together.
func (b *Book) checkShape(t *Table, bad *broken) {
	if t.Author != "" {
		if a := t.Column(t.Author); a == nil || a.Ref != "user" || !a.Required || a.Rule != RuleOnce {
			bad.say("table %s: the author column %s must be a required ref to user, merged by once", t.Name, t.Author)
		}
	}
	flows := 0
	for _, c := range t.Columns {
		if c.Type == TypeFlow {
			flows++
		}
	}
	if flows > 1 {
		bad.say("table %s has %d state columns; permits and locks need to know which one they speak of", t.Name, flows)
	}
	if t.Twin != "" {
		if c := t.Column(t.Twin); c == nil || c.Type.Kind() != KindText {
			bad.say("table %s: the twin column %s must be a text", t.Name, t.Twin)
		}
	}
	if len(t.Readers) > 0 && t.Scope != ScopeNarrow {
		bad.say("table %s names readers, but its scope is not narrow", t.Name)
	}
	for _, c := range t.Columns {
		if c.Type == TypeIDNumber && t.Scope != ScopeNarrow {
			bad.say("%s.%s: ID numbers live in a narrow scope, the row beside it carrying the masked form", t.Name, c.Name)
		}
	}
	if t.Place {
		level := t.Column(PlaceLevel)
		if !t.Directory || t.Scope != ScopeOwn || t.Parent == "" || t.Column(t.Parent).Ref != t.Name || level == nil || level.Type != TypeEnum {
			bad.say("table %s of places must be a directory and a tree of its own kind, with an enum %s", t.Name, PlaceLevel)
		} else {
			for _, want := range streamLevels {
				if !slices.ContainsFunc(level.Options, func(o Option) bool { return o.Value == want }) {
					bad.say("%s.%s has no option %s, which has a stream", t.Name, PlaceLevel, want)
				}
			}
		}
	}
	b.checkPeriod(t, bad)
}

func (b *Book) checkPeriod(t *Table, bad *broken) {
	above := b.parentTable(t)
	switch {
	case t.Period == PeriodParent && (above == nil || above.Period == PeriodNone):
		bad.say("table %s takes its parent's period, but the parent has none", t.Name)
	case t.Period != PeriodParent && above != nil && above.Period != PeriodNone:
		bad.say("table %s must take its parent's period: phones forget the parent by it", t.Name)
	case t.Period == PeriodNone && t.Keep != 0:
		bad.say("table %s has no period, so phones keep it for ever", t.Name)
	case t.Keep < 0:
		bad.say("table %s keeps a negative number of months", t.Name)
	}
	if t.Period == PeriodNone {
		return
	}
	if keep := b.Keep(b.ScopeTable(t)); keep != t.Keep {
		bad.say("table %s keeps %d months and another table of its scope %d: a bucket is kept or forgotten whole", t.Name, t.Keep, keep)
	}
}

func (b *Book) checkLinks(t *Table, bad *broken) {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Type != TypeRef {
			if c.Ref != "" {
				bad.say("%s.%s refers to %s, but is no ref", t.Name, c.Name, c.Ref)
			}
			continue
		}
		to := b.Table(c.Ref)
		switch {
		case to == nil:
			bad.say("%s.%s refers to table %q, which is not in the book", t.Name, c.Name, c.Ref)
		case t.Directory && !to.Directory:
			bad.say("%s.%s: a directory belongs to no household, so it cannot refer to %s", t.Name, c.Name, c.Ref)
		case b.Link(t, c) == LinkNone:
			bad.say("%s.%s points into another scope; links point within the scope, upward, or to a directory", t.Name, c.Name)
		}
	}
}
