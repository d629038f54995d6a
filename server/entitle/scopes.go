package entitle

import (
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Scopes lists, in bytewise order, every scope that the devices of a user may hold at the transaction's time: the households granted,
// what is narrower in them where his role reads it, the places above them and above his own, himself and his devices, and the
// colleagues of those households and places.
func Scopes(tx *store.Tx, user syncproto.UserID) ([]string, error) {
	r, err := For(tx, user)
	if err != nil {
		return nil, err
	}
	households := r.households(tx.Now())
	if err := r.locate(tx, households); err != nil {
		return nil, err
	}
	places, err := r.placesSeen(tx, households)
	if err != nil {
		return nil, err
	}
	out := []string{tableUser + ":" + string(user)}
	for _, t := range narrowTables(tx.Book(), tableUser) {
		out = append(out, t.Name+":"+string(user))
	}
	colleagues, err := colleagues(tx, households, places)
	if err != nil {
		return nil, err
	}
	for _, id := range colleagues {
		out = append(out, tableUser+":"+id)
	}
	for _, id := range places {
		out = append(out, tablePlace+":"+id)
	}
	narrow := narrowTables(tx.Book(), tableHousehold)
	for _, id := range households {
		out = append(out, householdScope(id))
		for _, t := range narrow {
			if r.reads(t, id, tx.Now()) {
				out = append(out, t.Name+":"+id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// narrowTables are the tables whose rows lie in a scope narrower than that of a table.
func narrowTables(b *schema.Book, of string) []*schema.Table {
	var out []*schema.Table
	for _, t := range b.Tables() {
		if t.Scope == schema.ScopeNarrow && b.ScopeTable(b.Table(t.Column(t.Parent).Ref)) == of {
			out = append(out, t)
		}
	}
	return out
}

// placesSeen are the places above the user's households, above his own and above those of his roles.
func (r *Rights) placesSeen(tx *store.Tx, households []string) ([]string, error) {
	var from []string
	for _, id := range households {
		from = append(from, r.placeOf[id])
	}
	for _, g := range r.roles {
		if g.holds(tx.Now()) {
			from = append(from, g.place)
		}
	}
	own, err := texts(tx, `SELECT place FROM "user" WHERE id = ?`, string(r.user))
	if err != nil {
		return nil, err
	}
	up, err := chains(tx, append(from, own...))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, chain := range up {
		all = append(all, chain...)
	}
	return unique(all), nil
}

// colleagues are the contacts of the same households, and who has a role over one of the places.
func colleagues(tx *store.Tx, households, places []string) ([]string, error) {
	var scopes []string
	for _, id := range households {
		scopes = append(scopes, householdScope(id))
	}
	for _, p := range places {
		for _, r := range schema.Roles {
			scopes = append(scopes, roleScope(r, p))
		}
	}
	if len(scopes) == 0 {
		return nil, nil
	}
	return texts(tx, "SELECT DISTINCT user_id FROM mq_grant WHERE scope = ANY(?) AND since_ms <= ? AND until_ms > ?", scopes, tx.Now(), tx.Now())
}

// households are those granted at a time, in order.
func (r *Rights) households(at int64) []string {
	var out []string
	for scope, grants := range r.granted {
		if slices.ContainsFunc(grants, func(g store.Grant) bool { return g.Since <= at && at < g.Until }) {
			out = append(out, strings.TrimPrefix(scope, tableHousehold+":"))
		}
	}
	slices.Sort(out)
	return out
}
