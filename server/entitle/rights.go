package entitle

import (
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Rights are what one user may and might at any time, read once in a transaction.
type Rights struct {
	user    syncproto.UserID
	roles   []roleGrant
	granted map[string][]store.Grant // household scope → when
	placeOf map[string]string        // place of each household granted, by id; see locate
	chain   map[string][]string      // the places above those
}

type roleGrant struct {
	role  schema.Role
	place string
	since int64
	until int64
}

func (g *roleGrant) holds(at int64) bool { return g.since <= at && at < g.until }

// For reads the rights of a user.
func For(tx *store.Tx, user syncproto.UserID) (*Rights, error) {
	r := &Rights{user: user, granted: map[string][]store.Grant{}}
	grants, err := tx.Grants("user_id = ?", string(user))
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if role, place, ok := parseRole(g.Scope); ok {
			r.roles = append(r.roles, roleGrant{role, place, g.Since, g.Until})
			continue
		}
		r.granted[g.Scope] = append(r.granted[g.Scope], g)
	}
	return r, nil
}

// locate finds out where households lie. A push does without: it has the places of the rows it touches.
func (r *Rights) locate(tx *store.Tx, households []string) (err error) {
	if r.placeOf, err = householdPlaces(tx, households); err != nil {
		return err
	}
	var places []string
	for _, p := range r.placeOf {
		places = append(places, p)
	}
	r.chain, err = chains(tx, places)
	return err
}

// householdPlaces gives the place of each household that lives.
func householdPlaces(tx *store.Tx, ids []string) (map[string]string, error) {
	if len(ids) == 0 {
		return map[string]string{}, nil
	}
	return pairs(tx, "SELECT id, place FROM household WHERE id = ANY(?) AND place IS NOT NULL", ids)
}

// Roles are the roles that the user had at a time over one of the places of a chain (a place and those above it).
func (r *Rights) Roles(at int64, chain []string) []schema.Role {
	var out []schema.Role
	for i := range r.roles {
		g := &r.roles[i]
		if g.holds(at) && slices.Contains(chain, g.place) && !slices.Contains(out, g.role) {
			out = append(out, g.role)
		}
	}
	slices.Sort(out)
	return out
}

// RolesIn are the roles that count in a scope: those over the places of its chain, and in the user's own (his devices, what he took out of them)
// all that he has, wherever they are.
func (r *Rights) RolesIn(b *schema.Book, scope string, at int64, chain []string) []schema.Role {
	named, id := schema.SplitScope(scope)
	if t := b.Table(named); t != nil && t.Scope == schema.ScopeNarrow && id == string(r.user) && b.ScopeTable(b.Table(t.Column(t.Parent).Ref)) == tableUser {
		chain = append(r.Places(at), chain...)
	}
	return r.Roles(at, chain)
}

// Places are the places over which the user had a role at a time, sorted.
func (r *Rights) Places(at int64) []string {
	var out []string
	for i := range r.roles {
		if g := &r.roles[i]; g.holds(at) {
			out = append(out, g.place)
		}
	}
	return unique(out)
}

// Sees tells whether a scope was open to the user at a time; chain are the places above what the scope is named after.
func (r *Rights) Sees(b *schema.Book, scope string, at int64, chain []string) bool {
	named, id := schema.SplitScope(scope)
	t := b.Table(named)
	if t == nil {
		return false
	}
	if t.Directory {
		return true // known by name all over the city
	}
	roles := r.Roles(at, chain)
	if t.Scope == schema.ScopeNarrow {
		base := b.ScopeTable(b.Table(t.Column(t.Parent).Ref))
		if base == tableUser && id == string(r.user) {
			return true
		}
		return r.Sees(b, base+":"+id, at, chain) && (slices.ContainsFunc(t.Readers, func(x schema.Role) bool { return slices.Contains(roles, x) }) ||
			slices.Contains(roles, schema.RoleAdmin))
	}
	if slices.ContainsFunc(roles, overseer) {
		return true
	}
	return slices.ContainsFunc(r.granted[scope], func(g store.Grant) bool { return g.Since <= at && at < g.Until })
}

// reads tells whether a narrow table of a household granted is open to the user.
func (r *Rights) reads(t *schema.Table, household string, at int64) bool {
	roles := r.Roles(at, r.chain[r.placeOf[household]])
	return slices.ContainsFunc(t.Readers, func(x schema.Role) bool { return slices.Contains(roles, x) })
}

// Officers are the users who have one of some roles over a place itself now, sorted.
func Officers(tx *store.Tx, place string, among func(schema.Role) bool) ([]syncproto.UserID, error) {
	var scopes []string
	for _, r := range schema.Roles {
		if among(r) {
			scopes = append(scopes, roleScope(r, place))
		}
	}
	found, err := texts(tx, "SELECT DISTINCT user_id FROM mq_grant WHERE scope = ANY(?) AND since_ms <= ? AND until_ms > ? ORDER BY user_id", scopes, tx.Now(), tx.Now())
	out := make([]syncproto.UserID, len(found))
	for i, id := range found {
		out[i] = syncproto.UserID(id)
	}
	return out, err
}
