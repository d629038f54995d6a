package oracle

import (
	"slices"
	"time"

	"minqing/schema"
	"minqing/syncproto"
)

// standingRights are everybody's rights as rows gave them from a moment of server time on.
type standingRights struct {
	from   int64
	roles  []roleHeld
	houses []houseHeld
	homes  map[string]string   // user → place
	above  map[string][]string // household → places over it, nearest first
	up     map[string][]string // place → itself and those over it
}

type roleHeld struct {
	user  string
	role  schema.Role
	place string
	until int64
}

type houseHeld struct {
	user, household string
	since, until    int64
}

const forever = int64(1) << 62

// dayBegins is the first moment of a local day; dayEnds the first after it.
func (o *Oracle) dayBegins(v schema.Value) int64 {
	t, err := time.ParseInLocation("2006-01-02", v.Str(), o.opt.Zone)
	if err != nil {
		return 0
	}
	return t.UnixMilli()
}

func (o *Oracle) dayEnds(v schema.Value) int64 {
	t, err := time.ParseInLocation("2006-01-02", v.Str(), o.opt.Zone)
	if err != nil {
		return forever
	}
	return t.AddDate(0, 0, 1).UnixMilli()
}

// living are the living rows of a table, in the order of their birth.
func (o *Oracle) living(table string) []*row {
	var out []*row
	for _, id := range o.st.order {
		if r := o.st.rows[id]; r.table.Name == table && r.living() {
			out = append(out, r)
		}
	}
	return out
}

// standRights reads everybody's rights off the rows as they stand.
func (o *Oracle) standRights(from int64) {
	s := standingRights{from: from, homes: map[string]string{}, above: map[string][]string{}, up: map[string][]string{}}
	get := func(r *row, column string) string { return r.get(o.opt.Book, column).Str() }
	ends := map[string]int64{}
	for _, u := range o.living("user") {
		ends[string(u.id)] = o.dayEnds(u.get(o.opt.Book, "ended"))
		s.homes[string(u.id)] = get(u, "place")
	}
	parents := map[string]string{}
	for _, p := range o.living("place") {
		parents[string(p.id)] = get(p, "parent")
	}
	for p := range parents {
		for at := p; at != "" && !slices.Contains(s.up[p], at); at = parents[at] {
			if _, lives := parents[at]; lives {
				s.up[p] = append(s.up[p], at)
			}
		}
	}
	for _, h := range o.living("household") {
		s.above[string(h.id)] = s.up[get(h, "place")]
	}
	for _, r := range o.living("role") {
		held := roleHeld{get(r, "user"), schema.Role(get(r, "role")), get(r, "place"), min(o.dayEnds(r.get(o.opt.Book, "until")), ends[get(r, "user")])}
		s.roles = append(s.roles, held)
		if held.role != schema.RoleSecretary {
			continue
		}
		for h, places := range s.above {
			if slices.Contains(places, held.place) {
				s.houses = append(s.houses, houseHeld{held.user, h, 0, held.until})
			}
		}
	}
	for _, a := range o.living("assignment") {
		until := min(o.dayEnds(a.get(o.opt.Book, "until")), ends[get(a, "user")])
		s.houses = append(s.houses, houseHeld{get(a, "user"), get(a, "household"), o.dayBegins(a.get(o.opt.Book, "since")), until})
	}
	o.st.rights = append(o.st.rights, s)
}

// rightsAt are the rights that stood at a moment of server time.
func (s *state) rightsAt(at int64) *standingRights {
	var out *standingRights
	for i := range s.rights {
		if s.rights[i].from <= at {
			out = &s.rights[i]
		}
	}
	if out == nil {
		out = &standingRights{}
	}
	return out
}

// rolesOver are the roles that a user held at a moment over one of some places.
func (s *standingRights) rolesOver(user string, at int64, places []string) []schema.Role {
	var out []schema.Role
	for _, r := range s.roles {
		if r.user == user && at < r.until && slices.Contains(places, r.place) && !slices.Contains(out, r.role) {
			out = append(out, r.role)
		}
	}
	slices.Sort(out)
	return out
}

// households are those that a user may see at a moment, in order.
func (s *standingRights) households(user string, at int64) []string {
	var out []string
	for _, h := range s.houses {
		if h.user == user && h.since <= at && at < h.until && !slices.Contains(out, h.household) {
			out = append(out, h.household)
		}
	}
	slices.Sort(out)
	return out
}

// sees tells whether a scope was open to a user at a moment; places are those over what the scope is named after, as it lies now.
func (o *Oracle) sees(user, scope string, at int64, places []string) bool {
	s := o.st.rightsAt(at)
	named := o.opt.Book.Table(scopeTable(scope))
	if named == nil {
		return false
	}
	if named.Directory {
		return true
	}
	roles := s.rolesOver(user, at, places)
	if named.Scope == schema.ScopeNarrow {
		wide := o.scopeTableOf(o.opt.Book.Table(named.Column(named.Parent).Ref))
		if wide == "user" && scopeID(scope) == user {
			return true
		}
		reader := slices.ContainsFunc(roles, func(r schema.Role) bool { return r == schema.RoleAdmin || slices.Contains(named.Readers, r) })
		return reader && o.sees(user, wide+":"+scopeID(scope), at, places)
	}
	for _, r := range roles {
		if r != schema.RoleCadre && r != schema.RoleSecretary {
			return true // the desks see all of their place
		}
	}
	return scopeTable(scope) == "household" && slices.Contains(s.households(user, at), scopeID(scope))
}

// scopeTableOf is the table that scopes of a table's rows are named after.
func (o *Oracle) scopeTableOf(t *schema.Table) string {
	for t.Scope == schema.ScopeParent {
		t = o.opt.Book.Table(t.Column(t.Parent).Ref)
	}
	return t.Name
}

// Entitled lists the scopes that the devices of a user may hold at a moment.
func (o *Oracle) Entitled(user syncproto.UserID, at int64) map[string]bool {
	s := o.st.rightsAt(at)
	out := map[string]bool{"user:" + string(user): true}
	households := s.households(string(user), at)
	places := map[string]bool{}
	see := func(list []string) {
		for _, p := range list {
			places[p] = true
		}
	}
	see(s.up[s.homes[string(user)]])
	for _, r := range s.roles {
		if r.user == string(user) && at < r.until {
			see(s.up[r.place])
		}
	}
	for _, t := range o.opt.Book.Tables() {
		if t.Scope == schema.ScopeNarrow && o.scopeTableOf(o.opt.Book.Table(t.Column(t.Parent).Ref)) == "user" {
			out[t.Name+":"+string(user)] = true
		}
	}
	for _, h := range households {
		see(s.above[h])
		out["household:"+h] = true
		for _, t := range o.opt.Book.Tables() {
			if t.Scope == schema.ScopeNarrow && o.scopeTableOf(o.opt.Book.Table(t.Column(t.Parent).Ref)) == "household" {
				for _, r := range s.rolesOver(string(user), at, s.above[h]) {
					if slices.Contains(t.Readers, r) {
						out[t.Name+":"+h] = true
					}
				}
			}
		}
	}
	for p := range places {
		out["place:"+p] = true
		for _, r := range s.roles {
			if r.place == p && at < r.until {
				out["user:"+r.user] = true
			}
		}
	}
	for _, h := range s.houses {
		if h.since <= at && at < h.until && slices.Contains(households, h.household) {
			out["user:"+h.user] = true
		}
	}
	return out
}

// Kept tells whether phones hold a bucket at a moment: everything without months, and of months the last few.
func (o *Oracle) Kept(scope, period string, at int64) bool {
	if period == "-" {
		return true
	}
	keep := 0
	for _, t := range o.opt.Book.Tables() {
		if t.Period != schema.PeriodNone && o.scopeTableOf(t) == scopeTable(scope) {
			keep = t.Keep
		}
	}
	if keep == 0 {
		return true
	}
	now := time.UnixMilli(at).In(o.opt.Zone)
	month, err := time.Parse("2006-01", period)
	if err != nil {
		return false
	}
	age := (now.Year()-month.Year())*12 + int(now.Month()) - int(month.Month())
	return age < keep
}
