package entitle

import (
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Standing is what the devices of a user may hold, as one snapshot showed it: the households granted, what is narrower in them where his role
// reads it, the places above them and above his own, himself and his devices, and the colleagues of those households and places.
type Standing struct {
	// Scopes is every scope that they may hold, in bytewise order.
	Scopes []string

	user         syncproto.UserID
	among        map[string]bool
	version      int64 // of rights
	since, until int64 // server time: no grant that it rests on begins or ends between
}

// Stand gives what a user may hold at the transaction's time. It takes before for it, read in an earlier transaction, when that still holds;
// nil is none.
func Stand(tx *store.Tx, user syncproto.UserID, before *Standing) (*Standing, error) {
	version, err := tx.RightsVersion()
	if err != nil || before.holds(user, version, tx.Now()) {
		return before, err
	}
	s := &Standing{user: user, among: map[string]bool{}, version: version, since: tx.Now(), until: store.Forever}
	if err := s.reckon(tx); err != nil {
		return nil, err
	}
	for _, scope := range s.Scopes {
		s.among[scope] = true
	}
	return s, nil
}

// Same tells whether what an earlier transaction read still holds, without reading it anew.
func Same(tx *store.Tx, user syncproto.UserID, before *Standing) (bool, error) {
	version, err := tx.RightsVersion()
	return err == nil && before.holds(user, version, tx.Now()), err
}

// holds tells whether what an earlier snapshot showed is what one of this version and time shows.
func (s *Standing) holds(user syncproto.UserID, version, now int64) bool {
	return s != nil && s.user == user && s.version == version && s.since <= now && now < s.until
}

// Among is Scopes as a set, not to be changed.
func (s *Standing) Among() map[string]bool { return s.among }

// Scopes lists, in bytewise order, every scope that the devices of a user may hold at the transaction's time.
func Scopes(tx *store.Tx, user syncproto.UserID) ([]string, error) {
	s, err := Stand(tx, user, nil)
	if err != nil {
		return nil, err
	}
	return s.Scopes, nil
}

// rests notes that the standing rests on an interval, in force or to come.
func (s *Standing) rests(since, until int64) {
	for _, at := range []int64{since, until} {
		if at > s.since {
			s.until = min(s.until, at)
		}
	}
}

func (s *Standing) reckon(tx *store.Tx) error {
	r, err := For(tx, s.user)
	if err != nil {
		return err
	}
	for i := range r.roles {
		s.rests(r.roles[i].since, r.roles[i].until)
	}
	for _, grants := range r.granted {
		for _, g := range grants {
			s.rests(g.Since, g.Until)
		}
	}
	households := r.households(tx.Now())
	if err := r.locate(tx, households); err != nil {
		return err
	}
	places, err := r.placesSeen(tx, households)
	if err != nil {
		return err
	}
	out := []string{tableUser + ":" + string(s.user)}
	for _, t := range narrowTables(tx.Book(), tableUser) {
		out = append(out, t.Name+":"+string(s.user))
	}
	colleagues, err := s.colleagues(tx, households, places)
	if err != nil {
		return err
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
	s.Scopes = slices.Compact(out)
	return nil
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
func (s *Standing) colleagues(tx *store.Tx, households, places []string) ([]string, error) {
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
	var out []string
	err := tx.Each(func(scan func(...any) error) error {
		var id string
		var since, next int64
		if err := scan(&id, &since, &next); err != nil {
			return err
		}
		s.rests(since, next)
		if since <= tx.Now() {
			out = append(out, id)
		}
		return nil
	}, `SELECT user_id, MIN(since_ms), MIN(CASE WHEN since_ms > ? THEN since_ms ELSE until_ms END) FROM mq_grant
		WHERE scope = ANY(?) AND until_ms > ? GROUP BY user_id`, tx.Now(), scopes, tx.Now())
	return out, err
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
