package schema

import "time"

// streamLevels are the values of a place table's level column whose places have a stream (DESIGN section 2); the rows of
// every other place lie in the stream of the nearest place above it that has one.
var streamLevels = []string{"city", "township", "village"}

// PlaceLevel is the column of a place table that streamLevels speaks of.
const PlaceLevel = "level"

// Lookup finds a row and gives its columns; ok is false when there is none.
type Lookup func(table, id string) (get func(column string) Value, ok bool)

// ScopeFrom is the scope of a row whose parent lies in parentScope ("" for a row without parent). A narrow scope hangs on the
// id of the scope that it narrows, so that all of a household's identities lie in one.
func (t *Table) ScopeFrom(id, parentScope string) string {
	switch t.Scope {
	case ScopeOwn:
		return t.Name + ":" + id
	case ScopeNarrow:
		_, of := SplitScope(parentScope)
		return t.Name + ":" + of
	default:
		return parentScope
	}
}

// SplitScope takes a scope apart: the table it is named after, and the id.
func SplitScope(scope string) (table, id string) {
	for i := 0; i < len(scope); i++ {
		if scope[i] == ':' {
			return scope[:i], scope[i+1:]
		}
	}
	return scope, ""
}

// ScopeOf derives the scope of a row from its parents; ok is false when one of them is not found, or when parents go round.
func (b *Book) ScopeOf(table, id string, lookup Lookup) (scope string, ok bool) {
	return b.scopeOf(table, id, lookup, maxParents)
}

// maxParents bounds every walk up the parents: the deepest chain (an answer under a matter of a household in a natural village
// of a district) has about ten; a circle of places, made by two administrators at once, must not hang the server.
const maxParents = 32

func (b *Book) scopeOf(table, id string, lookup Lookup, left int) (string, bool) {
	t := b.Table(table)
	if t == nil || left == 0 {
		return "", false
	}
	if t.Scope == ScopeOwn {
		return t.ScopeFrom(id, ""), true
	}
	get, ok := lookup(table, id)
	if !ok {
		return "", false
	}
	above, ok := b.scopeOf(t.Column(t.Parent).Ref, get(t.Parent).Str(), lookup, left-1)
	if !ok {
		return "", false
	}
	return t.ScopeFrom(id, above), true
}

// StreamOf derives the stream of a row at its birth: the nearest place up its parents, itself included, whose level has a
// stream. A row keeps it for ever, so ask only once. ok is false when a parent is not found or no such place is above.
func (b *Book) StreamOf(table, id string, lookup Lookup) (place string, ok bool) {
	for range maxParents {
		t := b.Table(table)
		if t == nil || id == "" {
			return "", false
		}
		get, found := lookup(table, id)
		if !found {
			return "", false
		}
		if t.Place && HasStream(get(PlaceLevel).Str()) {
			return id, true
		}
		if t.Parent == "" {
			return "", false
		}
		table, id = t.Column(t.Parent).Ref, get(t.Parent).Str()
	}
	return "", false
}

// HasStream tells whether places of a level have a stream.
func HasStream(level string) bool {
	for _, l := range streamLevels {
		if l == level {
			return true
		}
	}
	return false
}

// CityZone is the time zone by which days and months are counted, on servers and on phones alike: on a phone that went by a zone of its own,
// west of the city's, a household assigned this morning would not be assigned yet, and a visit of today would be yesterday's.
var CityZone = time.FixedZone("Asia/Shanghai", 8*60*60)

// NoPeriod is the period of rows that phones hold however old they are.
const NoPeriod = "-"

// PeriodOf is the period of a row at its birth, from the server's time at the first receipt of the change that makes it (Unix ms), the
// time zone of the city and the period of its parent. No phone's clock has a say in it: a slow one would lay a visit of today into a month
// that phones have let go. It never changes afterwards, except that a row under PeriodParent goes where its parent goes.
func (t *Table) PeriodOf(firstReceipt int64, zone *time.Location, parentPeriod string) string {
	switch t.Period {
	case PeriodMonth:
		return time.UnixMilli(firstReceipt).In(zone).Format("2006-01")
	case PeriodParent:
		return parentPeriod
	default:
		return NoPeriod
	}
}

// ScopeTable is the table that scopes of a table's rows are named after.
func (b *Book) ScopeTable(t *Table) string {
	for t.Scope == ScopeParent {
		t = b.Table(t.Column(t.Parent).Ref)
	}
	return t.Name
}

// Keep is how many months phones hold the periods of a scope, 0 for ever. All tables with periods in one scope agree on it (a
// law), for a bucket is kept or forgotten whole.
func (b *Book) Keep(scope string) int {
	of, _ := SplitScope(scope)
	for _, t := range b.tables {
		if t.Period != PeriodNone && b.ScopeTable(t) == of {
			return t.Keep
		}
	}
	return 0
}

// Kept tells whether phones hold a bucket, given the local time that is now. A month that has not come yet (the server's clock
// was mended) is held.
func (b *Book) Kept(scope, period string, now time.Time) bool {
	keep := b.Keep(scope)
	if keep == 0 || period == NoPeriod {
		return true
	}
	oldest := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, 1-keep, 0)
	return period >= oldest.Format("2006-01")
}
