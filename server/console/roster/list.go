package roster

import (
	"cmp"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Home is a household of a list.
type Home struct {
	ID               syncproto.RowID
	Code, Head       string
	Group, Address   string
	People, Contacts int
}

// Person is somebody of a list.
type Person struct {
	ID                   syncproto.RowID
	Name, Birth, Masked  string
	Relation, Life, Head string
	Code, Group          string
}

// Account is a user of a list.
type Account struct {
	ID                syncproto.UserID
	Login, Name, Post string
	Home, Ended       string
	Roles             []Role
	Homes             int
}

// Role is one that somebody holds.
type Role struct {
	ID                   syncproto.RowID
	Role, Place, PlaceID string
	Until                string
	Ended                bool
}

// listed is how many rows a part of a list holds.
const listed = 50

// beyond is behind every text that begins in some way.
const beyond = "\U0010FFFF"

// Ground is where a list looks: a place and all below it, or everything.
type Ground struct {
	Root   bool // the place is above all others
	Few    bool // so few places that theirs are found by place, and not by what is listed
	places []string
}

// fewPlaces is a village with its groups, at most.
const fewPlaces = 120

// Under reads what lies under a place.
func Under(tx *store.Tx, place string) (*Ground, error) {
	g := &Ground{}
	up := ""
	if _, err := tx.One("SELECT COALESCE(parent, '') FROM place WHERE id = ?", []any{place}, &up); err != nil {
		return nil, err
	}
	if g.Root = up == ""; g.Root {
		return g, nil
	}
	places, err := tx.PlacesBeneath(place)
	g.places, g.Few = places, len(places) <= fewPlaces
	return g, err
}

// in is the condition that a column names a place of the ground; an index of it is used only where the places are few.
func (g *Ground) in(column string) (string, []any) {
	switch {
	case g.Root:
		return "1 = 1", nil
	case g.Few:
		return column + " = ANY(?)", []any{g.places}
	}
	return "(" + column + " || '') = ANY(?)", []any{g.places}
}

// by is a column that is ranged over: without its index where the places are few.
func (g *Ground) by(column string) string {
	if g.Few {
		return "(" + column + " || '')"
	}
	return column
}

// key is a place in a list: what it is ordered by, and the id.
func key(text string) (string, string) {
	id, value, _ := strings.Cut(text, ".")
	return value, id
}

// Key is where a list goes on behind a row.
func Key(value, id string) string { return id + "." + value }

const homeColumns = "h.id, COALESCE(h.code, ''), COALESCE(h.head, ''), COALESCE(h.address, ''), COALESCE(h.place, '')"

// Homes lists households in the order of their codes, from behind a key; with find those whose head or code begins so, fewer of them.
func Homes(tx *store.Tx, g *Ground, find, after string) (out []*Home, more bool, err error) {
	where, args := g.in("h.place")
	most, order := listed, "h.code, h.id"
	if find != "" {
		most = listed / 2
		column, prefix := "h.head", find
		if code := schema.NormalizeCode(find); code != "" && code[0] < 0x80 {
			column, prefix = "h.code", code
		}
		where += " AND " + g.by(column) + " >= ? AND " + g.by(column) + " < ?"
		args, order = append(args, prefix, prefix+beyond), column+", h.id"
	} else {
		value, id := key(after)
		where += " AND (" + g.by("h.code") + ", h.id) > (?, ?)"
		args = append(args, value, id)
	}
	err = tx.Each(func(scan func(...any) error) error {
		h := &Home{}
		err := scan(&h.ID, &h.Code, &h.Head, &h.Address, &h.Group)
		out = append(out, h)
		return err
	}, "SELECT "+homeColumns+" FROM household h WHERE "+where+" ORDER BY "+order+" LIMIT ?", append(args, int64(most+1))...)
	if err != nil {
		return nil, false, err
	}
	if more = len(out) > most; more {
		out = out[:most]
	}
	return out, more, detail(tx, out)
}

func detail(tx *store.Tx, homes []*Home) error {
	byID, ids := map[string]*Home{}, make([]string, len(homes))
	for i, h := range homes {
		ids[i], byID[string(h.ID)] = string(h.ID), h
	}
	if err := namePlaces(tx, homes, func(h *Home) *string { return &h.Group }); err != nil {
		return err
	}
	return tx.Each(func(scan func(...any) error) error {
		var id string
		var people, contacts int64
		err := scan(&id, &people, &contacts)
		byID[id].People, byID[id].Contacts = int(people), int(contacts)
		return err
	}, `SELECT h.id, (SELECT COUNT(*) FROM resident r WHERE r.household = h.id), (SELECT COUNT(DISTINCT a."user") FROM assignment a WHERE a.household = h.id AND a.until IS NULL)
		FROM household h WHERE h.id = ANY(?)`, ids)
}

// namePlaces puts names in the place of ids.
func namePlaces[T any](tx *store.Tx, list []T, of func(T) *string) error {
	var ids []string
	for _, x := range list {
		ids = append(ids, *of(x))
	}
	slices.Sort(ids)
	names := map[string]string{}
	err := tx.Each(func(scan func(...any) error) error {
		var id, name string
		err := scan(&id, &name)
		names[id] = name
		return err
	}, "SELECT id, COALESCE(name, '') FROM place WHERE id = ANY(?)", slices.Compact(ids))
	for _, x := range list {
		*of(x) = names[*of(x)]
	}
	return err
}

const personColumns = "r.id, COALESCE(r.name, ''), COALESCE(r.birth, ''), COALESCE(r.id_masked, ''), COALESCE(r.relation, ''), COALESCE(r.life, ''), COALESCE(h.head, ''), COALESCE(h.code, ''), COALESCE(h.place, '')"

// People lists people whose name begins so, by name, from behind a key; a whole ID number finds its one.
func People(tx *store.Tx, g *Ground, find, after string) (out []*Person, more bool, err error) {
	where, args := g.in("h.place")
	if id, err := schema.CheckIDNumber(find); err == nil {
		where, args = where+" AND r.id IN (SELECT resident FROM identity WHERE id_number = ?)", append(args, id.Number)
	} else {
		value, id := key(after)
		name := g.by("r.name")
		where += " AND " + name + " >= ? AND " + name + " < ? AND (" + name + ", r.id) > (?, ?)"
		args = append(args, find, find+beyond, value, id)
	}
	out, err = people(tx, where+" ORDER BY r.name, r.id LIMIT ?", append(args, int64(listed+1))...)
	if more = len(out) > listed; more {
		out = out[:listed]
	}
	return out, more, err
}

// IsTail tells whether a text is the end of an ID number, as people write it down when they keep the rest to themselves.
func IsTail(find string) bool {
	digits := strings.TrimRight(strings.ToUpper(find), "X")
	return len(find) >= 4 && len(find) < 18 && len(find)-len(digits) <= 1 && strings.Trim(digits, "0123456789") == ""
}

// Numbered lists the people of a ground of few places whose ID number ends so, by name.
func Numbered(tx *store.Tx, g *Ground, tail string) (out []*Person, more bool, err error) {
	where, args := g.in("h.place")
	out, err = people(tx, where+" AND EXISTS (SELECT 1 FROM identity i WHERE i.resident = r.id AND i.id_number LIKE ?) ORDER BY r.name, r.id LIMIT ?", append(args, "%"+strings.ToUpper(tail), int64(listed+1))...)
	if more = len(out) > listed; more {
		out = out[:listed]
	}
	return out, more, err
}

// Members are the people of a household.
func Members(tx *store.Tx, home syncproto.RowID) ([]*Person, error) {
	return people(tx, "r.household = ? ORDER BY CASE r.relation WHEN '户主' THEN 0 WHEN '本人' THEN 0 ELSE 1 END, r.birth, r.id", string(home))
}

func people(tx *store.Tx, where string, args ...any) (out []*Person, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		p := &Person{}
		err := scan(&p.ID, &p.Name, &p.Birth, &p.Masked, &p.Relation, &p.Life, &p.Head, &p.Code, &p.Group)
		out = append(out, p)
		return err
	}, "SELECT "+personColumns+" FROM resident r JOIN household h ON h.id = r.household WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	return out, namePlaces(tx, out, func(p *Person) *string { return &p.Group })
}

// Users lists the users of a ground by login, from behind a key; with find those whose name or login begins so.
func Users(tx *store.Tx, g *Ground, find, after, today string) (out []*Account, more bool, err error) {
	where, args := g.in("u.place")
	if !g.Root && g.Few { // those who only have a role here, too
		where, args = "(u.place = ANY(?) OR u.id IN (SELECT \"user\" FROM role WHERE place = ANY(?)))", []any{g.places, g.places}
	}
	value, id := key(after)
	where += " AND (u.login, u.id) > (?, ?)"
	args = append(args, value, id)
	if find != "" {
		where += " AND (u.name >= ? AND u.name < ? OR u.login >= ? AND u.login < ?)"
		login := schema.NormalizeCode(find)
		args = append(args, find, find+beyond, login, login+beyond)
	}
	err = tx.Each(func(scan func(...any) error) error {
		a := &Account{}
		err := scan(&a.ID, &a.Login, &a.Name, &a.Post, &a.Home, &a.Ended)
		out = append(out, a)
		return err
	}, `SELECT u.id, COALESCE(u.login, ''), COALESCE(u.name, ''), COALESCE(u.post, ''), COALESCE(u.place, ''), COALESCE(u.ended, '') FROM "user" u WHERE `+where+` ORDER BY u.login, u.id LIMIT ?`, append(args, int64(listed+1))...)
	if err != nil {
		return nil, false, err
	}
	if more = len(out) > listed; more {
		out = out[:listed]
	}
	return out, more, Accounts(tx, out, today)
}

// Accounts fills in what users hold: their roles, and how many households.
func Accounts(tx *store.Tx, list []*Account, today string) error {
	byID, ids := map[string]*Account{}, make([]string, len(list))
	for i, a := range list {
		ids[i], byID[string(a.ID)] = string(a.ID), a
	}
	if err := namePlaces(tx, list, func(a *Account) *string { return &a.Home }); err != nil {
		return err
	}
	if err := tx.Each(func(scan func(...any) error) error {
		var of string
		var r Role
		if err := scan(&of, &r.ID, &r.Role, &r.PlaceID, &r.Place, &r.Until); err != nil {
			return err
		}
		r.Ended = r.Until != "" && r.Until < today
		byID[of].Roles = append(byID[of].Roles, r)
		return nil
	}, `SELECT r."user", r.id, COALESCE(r.role, ''), COALESCE(r.place, ''), COALESCE(p.name, ''), COALESCE(r.until, '') FROM role r LEFT JOIN place p ON p.id = r.place WHERE r."user" = ANY(?) ORDER BY r.id`, ids); err != nil {
		return err
	}
	return tx.Each(func(scan func(...any) error) error {
		var of string
		var n int64
		err := scan(&of, &n)
		byID[of].Homes = int(n)
		return err
	}, `SELECT "user", COUNT(DISTINCT household) FROM assignment WHERE "user" = ANY(?) AND (until IS NULL OR until >= ?) GROUP BY "user"`, ids, today)
}

// Place is a place of a list, with how many households lie right in it.
type Place struct {
	register.Place
	Homes int
}

// Places lists what lies right under a place, itself first.
func Places(tx *store.Tx, place string) ([]*Place, error) {
	var out []*Place
	err := tx.Each(func(scan func(...any) error) error {
		p := &Place{}
		var n int64
		err := scan(&p.ID, &p.Parent, &p.Level, &p.Name, &p.Code, &n)
		p.Homes = int(n)
		out = append(out, p)
		return err
	}, `SELECT p.id, COALESCE(p.parent, ''), COALESCE(p.level, ''), COALESCE(p.name, ''), COALESCE(p.code, ''), (SELECT COUNT(*) FROM household h WHERE h.place = p.id)
		FROM place p WHERE p.id = ? OR p.parent = ?`, place, place)
	slices.SortFunc(out, func(a, b *Place) int {
		self := func(p *Place) int {
			if p.ID == place {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(self(a), self(b)), register.Natural(a.Code, b.Code), register.Natural(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out, err
}

// Team is a team at a place: how often its people are to call on each household a month, where that was set, and who is in it here.
type Team struct {
	Team          string
	Visits        int
	From          string // name of the place that set it, "" where nobody has
	Own           bool   // this place has
	People, Homes int
}

// Teams reads the teams at a place, given with those above it, itself first; counts only where it is small.
func Teams(tx *store.Tx, above []string, today string) ([]*Team, error) {
	var out []*Team
	byName := map[string]*Team{}
	for _, o := range tx.Book().Table("assignment").Column("team").Options {
		t := &Team{Team: o.Value, Visits: schema.UsualVisits(o.Value)}
		out, byName[o.Value] = append(out, t), t
	}
	best := map[string]int{}
	if err := tx.Each(func(scan func(...any) error) error {
		var place, team, name string
		var visits int64
		if err := scan(&place, &team, &visits, &name); err != nil {
			return err
		}
		t, at := byName[team], slices.Index(above, place)
		if had, have := best[team]; t != nil && at >= 0 && (!have || at <= had) {
			best[team], t.Visits, t.From, t.Own = at, int(visits), name, at == 0
		}
		return nil
	}, "SELECT q.place, COALESCE(q.team, ''), COALESCE(q.visits, 0), COALESCE(p.name, '') FROM team_quota q JOIN place p ON p.id = q.place WHERE q.visits IS NOT NULL AND q.place = ANY(?) ORDER BY q.id", above); err != nil {
		return nil, err
	}
	g, err := Under(tx, above[0])
	if err != nil || !g.Few {
		return out, err
	}
	return out, tx.Each(func(scan func(...any) error) error {
		var team string
		var people, homes int64
		err := scan(&team, &people, &homes)
		if t := byName[team]; t != nil {
			t.People, t.Homes = int(people), int(homes)
		}
		return err
	}, `SELECT COALESCE(a.team, ''), COUNT(DISTINCT a."user"), COUNT(DISTINCT a.household) FROM household h JOIN assignment a ON a.household = h.id
		WHERE h.place = ANY(?) AND (a.until IS NULL OR a.until >= ?) GROUP BY a.team`, g.places, today)
}
