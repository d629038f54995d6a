package branch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Standing is how a household stands with those who are to call on it.
type Standing string

// The standings, what needs a hand first.
const (
	Nobody    Standing = "nobody"    // nobody is assigned to it
	Overdue   Standing = "overdue"   // no visit for two months
	Unvisited Standing = "unvisited" // none this month
	Short     Standing = "short"     // visited this month, and more is owed
	Enough    Standing = "enough"
)

// Standings are all of them, in their order.
var Standings = []Standing{Nobody, Overdue, Unvisited, Short, Enough}

// Needs tells whether a household that stands so is to be seen to now.
func (s Standing) Needs() bool { return s == Nobody || s == Overdue || s == Unvisited }

// Home is one household of the picture.
type Home struct {
	ID         syncproto.RowID
	Head, Code string
	Standing   Standing
	Last       string // day of the last visit by anybody, "" for none on record
	Days       int    // since it; where there was none, since somebody was first assigned
	Owed, Done int    // visits of this month by its contacts: what their teams owe it, and what counts towards that
	Group      *CoverGroup

	// Filled in by Detail.
	Address  string
	Tags     []string // as stored
	Contacts []Contact
	Reminded *Reminder // filled in by Reminders: the newest

	place    string
	order    string // Code as it sorts
	from     string // what Days are counted from
	contacts []contact
}

type contact struct {
	user, team string
	owes       bool // visits of this month
}

// key is a household's place in the table: by standing, then who has waited longest, then in the order of codes.
type key struct {
	rank                  int
	from, order, code, id string // order is the code as it sorts
}

func (h *Home) key() key {
	return key{slices.Index(Standings, h.Standing), h.from, h.order, h.Code, string(h.ID)}
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.rank, o.rank), cmp.Compare(k.from, o.from), cmp.Compare(k.order, o.order), cmp.Compare(k.code, o.code), cmp.Compare(k.id, o.id))
}

// Key is what a page of the table begins behind. It names the place, not the household: one that comes to stand elsewhere meanwhile hides
// no other.
func (h *Home) Key() string {
	k := h.key()
	return fmt.Sprintf("%d.%s.%s.%s", k.rank, k.from, k.id, k.code)
}

// After gives what a list holds behind a key; everything behind a text that is none.
func After(list []*Home, text string) []*Home {
	parts := strings.SplitN(text, ".", 4)
	if len(parts) != 4 {
		return list
	}
	rank, err := strconv.Atoi(parts[0])
	if err != nil {
		return list
	}
	k := key{rank, parts[1], register.SortKey(parts[3]), parts[3], parts[2]}
	at, _ := slices.BinarySearchFunc(list, k, func(h *Home, k key) int {
		if h.key().compare(k) <= 0 {
			return -1
		}
		return 1
	})
	return list[at:]
}

// CoverGroup is a group, building or street with its households in the order of their codes.
type CoverGroup struct {
	ID, Name string
	Homes    []*Home
	Needs    int
}

// Coverage is who is called on, of one place and below it, on one day.
type Coverage struct {
	Groups []*CoverGroup
	Counts map[Standing]int
	Total  int
	// TooMany: there are more households than one picture shows, and none was read.
	TooMany bool
}

// ReadCoverage reads the households of a place, given with those above it, itself first; day is the local date. Of more than most it
// reads none.
func ReadCoverage(tx *store.Tx, above []string, day string, most int) (*Coverage, error) {
	c := &Coverage{Counts: map[Standing]int{}}
	few, err := fewHomes(tx, above[0], most)
	if err != nil {
		return nil, err
	}
	if c.TooMany = !few; c.TooMany {
		return c, nil
	}
	beneath, err := register.Beneath(tx, above[0])
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(beneath))
	for i, p := range beneath {
		ids[i] = p.ID
	}
	r, err := standings(tx, "h.place", ids, day)
	if err != nil {
		return nil, err
	}
	c.group(r, beneath, above[0])
	return c, nil
}

// CoverageOf is that of the households of a place that one contact calls on, wherever there are more than one picture shows.
func CoverageOf(tx *store.Tx, place, user, day string) (*Coverage, error) {
	homes, err := homesOf(tx, place, []string{user}, day)
	if err != nil {
		return nil, err
	}
	r, err := standings(tx, "h.id", homes[user], day)
	if err != nil {
		return nil, err
	}
	return covered(tx, r, place)
}

// covered puts households into their places, given what is reckoned of them and the place that they are looked at from.
func covered(tx *store.Tx, r *coverage, top string) (*Coverage, error) {
	ids := map[string]bool{}
	for _, h := range r.homes {
		ids[h.place] = true
	}
	var beneath []register.Place
	err := tx.Each(func(scan func(...any) error) error {
		var p register.Place
		err := scan(&p.ID, &p.Parent, &p.Name, &p.Code)
		beneath = append(beneath, p)
		return err
	}, "SELECT p.id, COALESCE(p.parent, ''), COALESCE(p.name, ''), COALESCE(p.code, '') FROM place p WHERE p.id IN (SELECT a.above FROM mq_above a WHERE a.place = ANY(?))", slices.Sorted(maps.Keys(ids)))
	c := &Coverage{Counts: map[Standing]int{}}
	c.group(r, beneath, top)
	return c, err
}

// homesOf are the households of a place that people call on, by user.
func homesOf(tx *store.Tx, place string, users []string, day string) (map[string][]string, error) {
	out := map[string][]string{}
	err := tx.Each(func(scan func(...any) error) error {
		var user, home string
		if err := scan(&user, &home); err != nil {
			return err
		}
		if !slices.Contains(out[user], home) {
			out[user] = append(out[user], home)
		}
		return nil
	}, `SELECT s."user", s.household FROM assignment s CROSS JOIN household h CROSS JOIN mq_above a
		WHERE s."user" = ANY(?) AND h.id = s.household AND a.place = h.place AND a.above = ? AND COALESCE(s.since, '') <= ? AND (s.until IS NULL OR s.until >= ?)`, users, place, day, day)
	return out, err
}

// standings reckons how households stand: those whose place (“h.place”) or whose id (“h.id”) is among some.
func standings(tx *store.Tx, column string, among []string, day string) (*coverage, error) {
	r := &coverage{tx: tx, day: day, homes: map[string]*Home{}, parent: map[string]string{}, quota: map[[2]string]int{}, done: map[[2]string]int{}, month: map[string]int{}}
	if err := r.households(column, among); err != nil {
		return nil, err
	}
	for _, step := range []func() error{r.contacts, r.visits, r.quotas} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r.judge()
	return r, nil
}

// coverage reads what Coverage is reckoned from.
type coverage struct {
	tx     *store.Tx
	day    string
	homes  map[string]*Home
	ids    []string          // of the homes
	parent map[string]string // of places
	quota  map[[2]string]int // by place and team
	done   map[[2]string]int // days of this month by household and author
	month  map[string]int    // visits of this month by household
}

func (r *coverage) households(column string, among []string) error {
	err := r.tx.Each(func(scan func(...any) error) error {
		h := &Home{}
		err := scan(&h.ID, &h.Head, &h.Code, &h.place)
		h.order = register.SortKey(h.Code)
		r.homes[string(h.ID)] = h
		return err
	}, "SELECT h.id, COALESCE(h.head, ''), COALESCE(h.code, ''), h.place FROM household h WHERE "+column+" = ANY(?)", among)
	r.ids = slices.Sorted(maps.Keys(r.homes))
	return err
}

// contacts are those who are assigned today and still hold an account; from is when the first of them was.
func (r *coverage) contacts() error {
	return r.tx.Each(func(scan func(...any) error) error {
		var home, since string
		var x contact
		if err := scan(&home, &x.user, &x.team, &since); err != nil {
			return err
		}
		h := r.homes[home]
		if h == nil {
			return nil
		}
		if len(h.contacts) == 0 || since < h.from {
			h.from = since
		}
		h.contacts = append(h.contacts, x)
		return nil
	}, `SELECT a.household, a."user", COALESCE(a.team, ''), COALESCE(a.since, '') FROM assignment a JOIN "user" u ON u.id = a."user"
		WHERE a.household = ANY(?) AND COALESCE(a.since, '') <= ? AND (a.until IS NULL OR a.until >= ?) AND (u.ended IS NULL OR u.ended >= ?) ORDER BY a.id`, r.ids, r.day, r.day, r.day)
}

// visits finds who called when: the last of all, and those of this month. What is dated after today counts when its day comes, as on the phone.
func (r *coverage) visits() error {
	last, err := textOf(r.tx, "SELECT h.id, COALESCE((SELECT MAX(v.day) FROM visit v WHERE v.household = h.id AND v.day <= ?), '') FROM household h WHERE h.id = ANY(?)", r.day, r.ids)
	if err != nil {
		return err
	}
	for id, h := range r.homes {
		h.Last = last[id]
	}
	return r.tx.Each(func(scan func(...any) error) error {
		var home, author string
		var days int64
		if err := scan(&home, &author, &days); err != nil {
			return err
		}
		if r.homes[home] != nil {
			r.done[[2]string{home, author}] = int(days)
			r.month[home] += int(days)
		}
		return nil
	}, `SELECT x.household, x.author, COUNT(*) FROM (SELECT DISTINCT v.household, COALESCE(v.author, '') AS author, v.day FROM visit v
		WHERE v.household = ANY(?) AND v.day >= ? AND v.day <= ?) x GROUP BY x.household, x.author`, r.ids, r.day[:8]+"01", r.day)
}

// quotas reads what places have set, those of the households and all above them.
func (r *coverage) quotas() error {
	places := map[string]bool{}
	for _, h := range r.homes {
		places[h.place] = true
	}
	ids := slices.Sorted(maps.Keys(places))
	if err := r.tx.Each(func(scan func(...any) error) error {
		var id, parent string
		err := scan(&id, &parent)
		r.parent[id] = parent
		return err
	}, "SELECT p.id, COALESCE(p.parent, '') FROM place p WHERE p.id IN (SELECT a.above FROM mq_above a WHERE a.place = ANY(?))", ids); err != nil {
		return err
	}
	return r.tx.Each(func(scan func(...any) error) error {
		var place, team string
		var visits int64
		err := scan(&place, &team, &visits)
		r.quota[[2]string{place, team}] = int(visits) // of two that were set apart, the younger
		return err
	}, "SELECT place, COALESCE(team, ''), visits FROM team_quota WHERE visits IS NOT NULL AND place IN (SELECT a.above FROM mq_above a WHERE a.place = ANY(?)) ORDER BY id", ids)
}

// owes is what a team owes a household in a place: what the nearest place above it has set.
func (r *coverage) owes(team, place string) int {
	for range len(r.parent) + 1 {
		if n, ok := r.quota[[2]string{place, team}]; ok {
			return n
		}
		up, ok := r.parent[place]
		if !ok {
			break
		}
		place = up
	}
	return schema.UsualVisits(team)
}

// judge finds how each household stands.
func (r *coverage) judge() {
	for id, h := range r.homes {
		seen := map[string]bool{}
		for i, x := range h.contacts {
			owed := r.owes(x.team, h.place)
			h.contacts[i].owes = r.done[[2]string{id, x.user}] < owed
			if !seen[x.user] { // somebody assigned twice calls once
				seen[x.user] = true
				h.Owed += owed
				h.Done += min(owed, r.done[[2]string{id, x.user}])
			}
		}
		if h.Last != "" || len(h.contacts) == 0 {
			h.from = h.Last
		}
		h.Days = daysBetween(h.from, r.day)
		switch {
		case len(h.contacts) == 0:
			h.Standing = Nobody
		case h.Days >= longAway:
			h.Standing = Overdue
		case h.Owed > 0 && r.month[id] == 0:
			h.Standing = Unvisited
		case h.Done < h.Owed:
			h.Standing = Short
		default:
			h.Standing = Enough
		}
	}
}

// sortPlaces sorts by code, then by name, as people count. The keys are made once, as of a city's places they are dear; those of names only where
// codes do not tell.
func sortPlaces(places []register.Place) {
	type keyed struct {
		code string
		register.Place
	}
	list := make([]keyed, len(places))
	for i, p := range places {
		list[i] = keyed{register.SortKey(p.Code), p}
	}
	names := map[string]string{}
	name := func(p *register.Place) string {
		key, known := names[p.ID]
		if !known {
			key = register.SortKey(p.Name)
			names[p.ID] = key
		}
		return key
	}
	slices.SortFunc(list, func(a, b keyed) int {
		if c := cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.Code, b.Code)); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(name(&a.Place), name(&b.Place)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	for i, k := range list {
		places[i] = k.Place
	}
}

// group puts the households into their places, and counts.
func (c *Coverage) group(r *coverage, beneath []register.Place, top string) {
	sortPlaces(beneath)
	byID, in := map[string]register.Place{}, map[string]*CoverGroup{}
	for _, p := range beneath {
		byID[p.ID] = p
	}
	for _, p := range beneath {
		g := &CoverGroup{ID: p.ID, Name: p.Name}
		up, ok := byID[p.Parent]
		for range len(beneath) { // a group alone does not say of which village it is
			if !ok || p.ID == top || up.ID == top {
				break
			}
			g.Name = up.Name + " " + g.Name
			up, ok = byID[up.Parent]
		}
		in[p.ID] = g
		c.Groups = append(c.Groups, g)
	}
	for _, h := range r.homes {
		h.Group = in[h.place]
		h.Group.Homes = append(h.Group.Homes, h)
		c.Total++
		c.Counts[h.Standing]++
		if h.Standing.Needs() {
			h.Group.Needs++
		}
	}
	c.Groups = slices.DeleteFunc(c.Groups, func(g *CoverGroup) bool { return len(g.Homes) == 0 })
	for _, g := range c.Groups {
		slices.SortFunc(g.Homes, func(a, b *Home) int {
			return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.Code, b.Code), cmp.Compare(a.ID, b.ID))
		})
	}
}

// Find finds a household of the picture by its id.
func (c *Coverage) Find(id string) *Home {
	for _, g := range c.Groups {
		for _, h := range g.Homes {
			if string(h.ID) == id {
				return h
			}
		}
	}
	return nil
}

// List is the table: the households that stand as asked, of one group or ("") of all, in the order of their keys.
func (c *Coverage) List(only []Standing, group string) (out []*Home) {
	for _, g := range c.Groups {
		for _, h := range g.Homes {
			if slices.Contains(only, h.Standing) && (group == "" || g.ID == group) {
				out = append(out, h)
			}
		}
	}
	slices.SortFunc(out, func(a, b *Home) int { return a.key().compare(b.key()) })
	return out
}

// Detail fills in what only the table shows.
func Detail(tx *store.Tx, homes []*Home) error {
	var ids, users []string
	for _, h := range homes {
		ids = append(ids, string(h.ID))
		for _, x := range h.contacts {
			users = append(users, x.user)
		}
	}
	rows, err := rowsWhere(tx, "household", "id", ids...)
	if err != nil {
		return err
	}
	names, err := namesOf(tx, users)
	for _, h := range homes {
		r := rows[h.ID]
		h.Contacts = nil
		if r.t != nil {
			h.Address, h.Tags = r.text("address"), r.value("tags").Elements()
		}
		for _, x := range h.contacts {
			h.Contacts = append(h.Contacts, Contact{Name: names[x.user].name, Team: x.team})
		}
	}
	return err
}
