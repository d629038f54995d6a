package assign

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"minqing/server/engine"
	"minqing/server/store"
	"minqing/syncproto"
)

// Plan is what an order would do.
type Plan struct {
	Order  Order
	Homes  []*Home // that change hands
	Count  int     // how many those are
	Left   int     // of those chosen, how many stay as they are
	People []*Person
	Nobody []*Home // that would be left to nobody
	Alone  int     // how many those are
	Unsent int     // edits that wait on the phones of those who lose, as they last said
	Digest string

	from, to user
}

// namedNobody is how many households left to nobody a kept plan names.
const namedNobody = 12

// Short is the plan without its households, to be kept.
func (p *Plan) Short() *Plan {
	out := *p
	out.Homes, out.Alone = nil, max(out.Alone, len(out.Nobody))
	out.Nobody = out.Nobody[:min(len(out.Nobody), namedNobody)]
	return &out
}

// Person is somebody who gains or loses households.
type Person struct {
	Name, Login  string
	Gains, Loses Sum
	Has, Number  int // households in the team after it, and how many he is to have
	Over         bool
	Phones       []Phone

	id syncproto.UserID
}

// Sum is how much a phone gains or loses.
type Sum struct{ Homes, Rows int }

// Phone is one of somebody's phones, as it last said.
type Phone struct {
	ID      syncproto.DeviceID
	Label   string
	Waiting int
	Contact int64 // Unix ms, 0: never
}

// Preview reckons an order. A *Problem says what of it cannot be done.
func Preview(tx *store.Tx, place, today string, o Order) (*Plan, error) {
	p, err := newPlanner(tx, place, today)
	if err != nil {
		return nil, err
	}
	return p.plan(o)
}

func (p *planner) plan(o Order) (*Plan, error) {
	if len(p.homes) > MostHomes {
		return nil, problem("how", "这里户太多，请到村里去派。", "There are too many households here; do it in the village.")
	}
	out := &Plan{Order: o}
	var problems []error
	var err error
	keep := func(err error) {
		var bad *Problem
		if errors.As(err, &bad) {
			problems = append(problems, bad)
		}
	}
	fatal := func(err error) bool { var bad *Problem; return err != nil && !errors.As(err, &bad) }
	if o.Way == Take || o.Way == Move {
		if out.from, err = p.findUser("from", o.From, true); fatal(err) {
			return nil, err
		}
		keep(err)
	}
	if o.Way == Give || o.Way == Move {
		if out.to, err = p.findUser("to", o.To, false); fatal(err) {
			return nil, err
		}
		keep(err)
	}
	if o.Way != Give && o.Way != Take && o.Way != Move {
		keep(problem("way", "请选要做什么。", "Choose what to do."))
	}
	if o.Way == Move && out.from.id == out.to.id && out.from.id != "" {
		keep(problem("to", "两边是同一个人。", "Both are the same person."))
	}
	if p.tx.Book().Table("assignment").Column("team").Option(o.Team) == nil && !(o.Way == Take && o.Team == "") {
		keep(problem("team", "请选队伍。", "Choose the team."))
	}
	if _, err := time.Parse(time.DateOnly, o.Since); o.Since != "" && (err != nil || o.Since < p.today) {
		keep(problem("since", "日期写成 2026-12-01 这样，不能早于今天。", "Write the date like 2026-12-01, and not before today."))
	}
	if len(problems) > 0 {
		return out, errors.Join(problems...)
	}
	chosen, err := p.choose(&o, out.from)
	if err != nil {
		return out, err
	}
	for _, h := range chosen {
		if o.Way == Give && has(h, string(out.to.id), o.Team) {
			out.Left++
			continue
		}
		out.Homes = append(out.Homes, h)
	}
	if len(out.Homes) == 0 {
		return out, problem("how", "这样选，没有一户要变。", "So chosen, nothing would change.")
	}
	out.Digest = digest(&o, out.Homes)
	step := step{}
	for _, h := range out.Homes {
		for _, r := range h.running {
			if out.from.id != "" && r.user == string(out.from.id) && (o.Team == "" || r.team == o.Team) {
				step.ends = append(step.ends, change{h, r})
			}
		}
		if out.to.id != "" && !has(h, string(out.to.id), o.Team) {
			step.begins = append(step.begins, change{h, running{user: string(out.to.id), team: o.Team}})
		}
	}
	return out, p.effects(out, step)
}

// step is what would end and what would begin.
type step struct{ ends, begins []change }

type change struct {
	home *Home
	running
}

// effects fills in who gains and loses what.
func (p *planner) effects(out *Plan, s step) error {
	after := map[*Home][]running{}
	for _, c := range append(slices.Clone(s.ends), s.begins...) {
		if _, have := after[c.home]; !have {
			after[c.home] = slices.Clone(c.home.running)
		}
	}
	for _, c := range s.ends {
		after[c.home] = slices.DeleteFunc(after[c.home], func(r running) bool { return r.id == c.id })
	}
	for _, c := range s.begins {
		after[c.home] = append(after[c.home], c.running)
	}
	rows, err := p.rowsOf(after)
	if err != nil {
		return err
	}
	out.Count = len(out.Homes)
	people := map[string]*Person{}
	person := func(id string) *Person {
		if people[id] == nil {
			people[id] = &Person{id: syncproto.UserID(id), Name: p.users[id].name, Login: p.users[id].login}
			out.People = append(out.People, people[id])
		}
		return people[id]
	}
	for h, now := range after {
		who := map[string]bool{}
		for _, c := range append(slices.Clone(h.running), now...) {
			who[c.user] = true
		}
		for id := range who {
			before, then := has(h, id, ""), slices.ContainsFunc(now, func(r running) bool { return r.user == id })
			switch {
			case before && !then:
				person(id).Loses.Add(rows[h])
			case !before && then:
				person(id).Gains.Add(rows[h])
			}
		}
		if len(h.running) > 0 && !slices.ContainsFunc(now, func(r running) bool { return !r.ended }) {
			out.Nobody = append(out.Nobody, h)
		}
	}
	for _, c := range s.begins { // one who has the household in another team gains nothing, and yet is spoken of
		person(c.user)
	}
	for _, c := range s.ends {
		person(c.user)
	}
	out.Alone = len(out.Nobody)
	slices.SortFunc(out.Nobody, inOrder)
	slices.SortFunc(out.People, func(a, b *Person) int {
		return cmp.Or(-cmp.Compare(a.Loses.Homes, b.Loses.Homes), cmp.Compare(a.Name, b.Name), cmp.Compare(a.id, b.id))
	})
	if err := p.numbers(out, s); err != nil {
		return err
	}
	return p.phones(out)
}

// Add counts one household more, with its rows.
func (s *Sum) Add(rows int) { s.Homes, s.Rows = s.Homes+1, s.Rows+rows }

// rowsOf counts the rows that a phone holds of each household.
func (p *planner) rowsOf(homes map[*Home][]running) (map[*Home]int, error) {
	scopes, of := []string(nil), map[string]*Home{}
	for h := range homes {
		scope := "household:" + string(h.ID)
		scopes, of[scope] = append(scopes, scope), h
	}
	slices.Sort(scopes)
	out := map[*Home]int{}
	err := p.tx.Each(func(scan func(...any) error) error {
		var scope string
		var n int64
		err := scan(&scope, &n)
		out[of[scope]] = int(n)
		return err
	}, "SELECT scope, CAST(SUM(rows) AS BIGINT) FROM mq_bucket WHERE scope = ANY(?) GROUP BY scope", scopes)
	return out, err
}

// numbers counts the households that people have in their team after it. A team owes ten each (DOMAIN A1), but who has a whole group has
// not too many.
func (p *planner) numbers(out *Plan, s step) error {
	teams := map[string]map[string]int{} // team, user: how many more
	note := func(c change, n int) {
		if teams[c.team] == nil {
			teams[c.team] = map[string]int{}
		}
		teams[c.team][c.user] += n
	}
	for _, c := range s.begins {
		note(c, 1)
	}
	for _, c := range s.ends {
		note(c, -1)
	}
	for _, x := range out.People {
		for team, more := range teams {
			n, moved := more[string(x.id)]
			if !moved {
				continue
			}
			var has int64
			if _, err := p.tx.One(`SELECT COUNT(DISTINCT household) FROM assignment WHERE "user" = ? AND team = ? AND (until IS NULL OR until >= ?)`, []any{string(x.id), team, p.today}, &has); err != nil {
				return err
			}
			usual, err := engine.UsualHomes(p.tx, team)
			if err != nil {
				return err
			}
			if x.Has, x.Number = max(x.Has, int(has)+n), usual; n <= 0 || int(has)+n <= usual {
				continue
			}
			whole, err := p.wholeGroup(s, string(x.id), team)
			if err != nil {
				return err
			}
			x.Over = x.Over || !whole
		}
	}
	return nil
}

// wholeGroup tells whether what somebody gets makes him the contact of every household of the groups concerned.
func (p *planner) wholeGroup(s step, user, team string) (bool, error) {
	groups, got := map[string]bool{}, map[syncproto.RowID]bool{}
	for _, c := range s.begins {
		if c.user == user && c.team == team {
			groups[c.home.Place], got[c.home.ID] = true, true
		}
	}
	if len(groups) != 1 || team != "cadre" {
		return false, nil
	}
	whole := true
	err := p.tx.Each(func(scan func(...any) error) error {
		var id syncproto.RowID
		err := scan(&id)
		whole = whole && got[id]
		return err
	}, `SELECT h.id FROM household h WHERE h.place = ANY(?) AND NOT EXISTS (SELECT 1 FROM assignment a WHERE a.household = h.id AND a."user" = ? AND a.team = ?
		AND (a.until IS NULL OR a.until >= ?))`, slices.Sorted(maps.Keys(groups)), user, team, p.today)
	return whole, err
}

func (p *planner) phones(out *Plan) error {
	byID := map[string]*Person{}
	var ids []string
	for _, x := range out.People {
		ids, byID[string(x.id)] = append(ids, string(x.id)), x
	}
	err := p.tx.Each(func(scan func(...any) error) error {
		var of, name, login string
		err := scan(&of, &name, &login)
		byID[of].Name, byID[of].Login = name, login
		return err
	}, `SELECT id, COALESCE(name, ''), COALESCE(login, '') FROM "user" WHERE id = ANY(?)`, ids)
	if err != nil {
		return err
	}
	phones, err := PhonesOf(p.tx, ids)
	if err != nil {
		return err
	}
	for _, x := range out.People {
		x.Phones = phones[x.id]
		for _, d := range x.Phones {
			if x.Loses.Homes > 0 {
				out.Unsent += d.Waiting
			}
		}
	}
	return nil
}

// PhonesOf are the phones of users, with what waits on them, as they last said.
func PhonesOf(tx *store.Tx, users []string) (map[syncproto.UserID][]Phone, error) {
	out := map[syncproto.UserID][]Phone{}
	return out, tx.Each(func(scan func(...any) error) error {
		var of syncproto.UserID
		var d Phone
		var waiting int64
		err := scan(&of, &d.ID, &d.Label, &waiting, &d.Contact)
		d.Waiting = int(waiting)
		out[of] = append(out[of], d)
		return err
	}, `SELECT d.user_id, d.id, COALESCE(r.label, ''), d.waiting, d.last_contact FROM mq_device d LEFT JOIN device r ON r.id = d.id
		WHERE d.user_id = ANY(?) AND d.revoked = 0 ORDER BY d.id`, users)
}
