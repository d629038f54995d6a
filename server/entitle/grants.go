package entitle

import (
	"slices"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Touch is a row that a transaction changed: its values in schema order before and after, nil where it did not live.
type Touch struct {
	Table         string
	ID            syncproto.RowID
	Before, After []schema.Value
}

// Concerns tells whether rights can follow from rows of a table.
func Concerns(table string) bool {
	switch table {
	case tablePlace, tableUser, tableRole, tableHousehold, tableAssignment:
		return true
	}
	return false
}

// Touched brings the grants up to what the rows touched now say; call it after the rows were saved. What was granted until now stays
// on record. It tells whether anything changed for whom: the users that gained or lost.
func Touched(tx *store.Tx, zone *time.Location, touches []Touch) (users []syncproto.UserID, err error) {
	k := &keeper{tx: tx, book: tx.Book(), zone: zone, want: map[key]span{}}
	if err := k.gather(touches); err != nil {
		return nil, err
	}
	if len(k.sources) == 0 && len(k.households) == 0 {
		return nil, nil
	}
	if err := k.desire(); err != nil {
		return nil, err
	}
	return k.settle()
}

// keeper is one call of Touched.
type keeper struct {
	tx   *store.Tx
	book *schema.Book
	zone *time.Location
	// sources are assignments and roles whose grants are to be reckoned anew, households those to be matched with the roles that hold all.
	assignments, roles, sources []string
	households                  []string
	want                        map[key]span
}

// key names a series of grants, span the interval that it should go on with.
type key struct {
	user   syncproto.UserID
	scope  string
	source syncproto.RowID
}

type span struct{ since, until int64 }

func (k *keeper) get(t Touch, values []schema.Value, column string) schema.Value {
	if values == nil {
		return schema.Null
	}
	for i := range k.book.Table(t.Table).Columns {
		if k.book.Table(t.Table).Columns[i].Name == column {
			return values[i]
		}
	}
	return schema.Null
}

// changed tells whether a column differs before and after, or the row came or went.
func (k *keeper) changed(t Touch, column string) bool {
	return (t.Before == nil) != (t.After == nil) || k.get(t, t.Before, column) != k.get(t, t.After, column)
}

func (k *keeper) gather(touches []Touch) error {
	var users, trees []string
	for _, t := range touches {
		switch t.Table {
		case tableAssignment:
			k.assignments = append(k.assignments, string(t.ID))
		case tableRole:
			k.roles = append(k.roles, string(t.ID))
		case tableHousehold:
			if k.changed(t, "place") {
				k.households = append(k.households, string(t.ID))
			}
		case tablePlace:
			if t.Before != nil && k.changed(t, "parent") {
				trees = append(trees, string(t.ID))
			}
		case tableUser:
			if k.changed(t, "ended") {
				users = append(users, string(t.ID))
			}
		}
	}
	if len(trees) > 0 {
		places, err := beneath(k.tx, trees)
		if err != nil {
			return err
		}
		moved, err := texts(k.tx, "SELECT id FROM household WHERE place = ANY(?)", places)
		if err != nil {
			return err
		}
		k.households = append(k.households, moved...)
	}
	if len(users) > 0 {
		for table, into := range map[string]*[]string{tableAssignment: &k.assignments, tableRole: &k.roles} {
			more, err := texts(k.tx, `SELECT id FROM `+table+` WHERE "user" = ANY(?)`, users)
			if err != nil {
				return err
			}
			*into = append(*into, more...)
		}
	}
	k.assignments, k.roles, k.households = unique(k.assignments), unique(k.roles), unique(k.households)
	k.sources = unique(append(slices.Clone(k.assignments), k.roles...))
	return nil
}

// settle compares what is on record with what should be, and writes the difference.
func (k *keeper) settle() ([]syncproto.UserID, error) {
	have, err := k.tx.Grants("source = ANY(?) ORDER BY user_id, scope, source, since_ms", k.sources)
	if err != nil {
		return nil, err
	}
	if len(k.households) > 0 {
		var scopes []string
		for _, id := range k.households {
			scopes = append(scopes, householdScope(id))
		}
		more, err := k.tx.Grants("scope = ANY(?) AND source IN (SELECT id FROM role) ORDER BY user_id, scope, source, since_ms", scopes)
		if err != nil {
			return nil, err
		}
		for _, g := range more {
			if !slices.Contains(k.sources, string(g.Source)) {
				have = append(have, g)
			}
		}
	}
	series := map[key][]store.Grant{}
	for _, g := range have {
		at := key{g.User, g.Scope, g.Source}
		series[at] = append(series[at], g)
	}
	for at := range k.want {
		if series[at] == nil {
			series[at] = nil // nothing on record yet
		}
	}
	now := k.tx.Later()
	var save []store.Grant
	users := map[syncproto.UserID]bool{}
	for at, grants := range series {
		want, wanted := k.want[at]
		if !wanted {
			want = span{now, now}
		}
		if next := regrant(at, grants, want, now); len(next) > 0 {
			save = append(save, next...)
			users[at.user] = true
		}
	}
	slices.SortFunc(save, compareGrants)
	out := make([]syncproto.UserID, 0, len(users))
	for u := range users {
		out = append(out, u)
		k.tx.Touch(tableUser + ":" + string(u))
	}
	slices.Sort(out)
	return out, k.tx.SaveGrants(save)
}

// regrant gives the records of one series to write, so that from now on it holds just during want. What lies before now is left as it
// was: it says what was open then. A record that ends where it begins is to be removed.
func regrant(at key, have []store.Grant, want span, now int64) []store.Grant {
	want.since = max(want.since, now)
	open := want.until > want.since
	var save []store.Grant
	for _, g := range have {
		switch {
		case g.Until <= now:
			if !open || g.Until != now || want.since != now {
				continue
			}
			// It ended at this very moment and goes on: one record.
			g.Until, open = want.until, false
			save = append(save, g)
		case g.Since <= now && open && want.since == now: // goes on
			open = false
			if g.Until != want.until {
				g.Until = want.until
				save = append(save, g)
			}
		case g.Since < now: // ends now
			g.Until = now
			save = append(save, g)
		case open && g.Since == want.since: // was to begin then anyway
			open = false
			if g.Until != want.until {
				g.Until = want.until
				save = append(save, g)
			}
		default: // was to begin, and will not
			g.Until = g.Since
			save = append(save, g)
		}
	}
	if open {
		save = append(save, store.Grant{User: at.user, Scope: at.scope, Source: at.source, Since: want.since, Until: want.until})
	}
	return save
}
