package assign

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"minqing/server/register"
	"minqing/server/store"
)

// Ground is what there is to assign in a place: its groups, and who contacts how many households there.
type Ground struct {
	Homes, Nobody int
	Groups        []Group
	People        []Contact
	More          int // people beyond those listed
}

// Group is a group, building or street with its households; Nobody of them have no contact.
type Group struct {
	ID, Name      string
	Homes, Nobody int
}

// Contact is somebody of the place, and how many households he has there by team.
type Contact struct {
	Login, Name, Post string
	Homes             int
	Teams             map[string]int

	id string
}

// mostPeople bounds how many people are listed beside the form.
const mostPeople = 60

// Look reads the ground.
func Look(tx *store.Tx, place, today string) (*Ground, error) {
	p, err := newPlanner(tx, place, today)
	if err != nil {
		return nil, err
	}
	g := &Ground{Homes: len(p.homes)}
	groups, people := map[string]*Group{}, map[string]*Contact{}
	for _, h := range p.homes {
		if groups[h.Place] == nil {
			groups[h.Place] = &Group{ID: h.Place, Name: p.places[h.Place].Name}
		}
		groups[h.Place].Homes++
		if !slices.ContainsFunc(h.running, func(r running) bool { return !r.ended }) {
			groups[h.Place].Nobody++
			g.Nobody++
		}
		seen := map[string]bool{}
		for _, r := range h.running {
			c := people[r.user]
			if c == nil {
				c = &Contact{id: r.user, Teams: map[string]int{}}
				people[r.user] = c
			}
			c.Teams[r.team]++
			if !seen[r.user] {
				seen[r.user] = true
				c.Homes++
			}
		}
	}
	for _, x := range groups {
		g.Groups = append(g.Groups, *x)
	}
	slices.SortFunc(g.Groups, func(a, b Group) int { return cmp.Or(register.Natural(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return g, p.people(g, people)
}

// people names those who contact a household here, and those who could: at home here, in office.
func (p *planner) people(g *Ground, have map[string]*Contact) error {
	places := slices.Sorted(maps.Keys(p.places))
	err := p.tx.Each(func(scan func(...any) error) error {
		var id, login, name, post, ended string
		if err := scan(&id, &login, &name, &post, &ended); err != nil {
			return err
		}
		c := have[id]
		if c == nil {
			if ended != "" && ended < p.today {
				return nil
			}
			c = &Contact{Teams: map[string]int{}}
		}
		c.Login, c.Name, c.Post = login, name, post
		g.People = append(g.People, *c)
		return nil
	}, `SELECT id, COALESCE(login, ''), COALESCE(name, ''), COALESCE(post, ''), COALESCE(ended, '') FROM "user" WHERE id = ANY(?) OR place = ANY(?)`, slices.Sorted(maps.Keys(have)), places)
	slices.SortFunc(g.People, func(a, b Contact) int { return cmp.Or(-cmp.Compare(a.Homes, b.Homes), cmp.Compare(a.Login, b.Login)) })
	if g.More = max(0, len(g.People)-mostPeople); g.More > 0 {
		g.People = g.People[:mostPeople]
	}
	return err
}

// Problems are those of an order that an error of Preview or Do names; ok tells that it is nothing else.
func Problems(err error) (list []*Problem, ok bool) {
	if both, many := err.(interface{ Unwrap() []error }); many {
		for _, e := range both.Unwrap() {
			more, ok := Problems(e)
			if !ok {
				return nil, false
			}
			list = append(list, more...)
		}
		return list, len(list) > 0
	}
	var p *Problem
	if errors.As(err, &p) {
		return []*Problem{p}, true
	}
	return nil, false
}
