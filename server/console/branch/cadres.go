package branch

import (
	"slices"
	"strings"
	"time"

	"minqing/server/store"
)

// Cadre is somebody who calls on households of a place, with what is counted of him there: work, never use of the app.
type Cadre struct {
	ID, Name, Post, Place string
	Visits                int // of the month
	Matters, Open         int // written down by him: in the month, and at any time and not done yet
	Overdue, Still        int // open: over their day; without a step since they were written down
	ToAnswer              int // handled, and he has to bring the answer
	Answers               int // matters answered by him in the month
	Wait                  int // days that his longest open matter waits
	Homes                 int
	Late, Due             int // households overdue; and not visited this month, or not often enough
	Returned              int // journals given back and not back again
	place                 string
}

// CadreList is a part of the cadres of a place, by the place of their role. After is the key behind which the next begins.
type CadreList struct {
	Cadres []*Cadre
	After  string
}

// Cadres lists a part of the cadres of a place, behind a key, with their figures of a month (“2026-11”) until a day.
func Cadres(tx *store.Tx, place, after, month string, n int, now time.Time) (*CadreList, error) {
	day := now.Format(time.DateOnly)
	atPlace, user, _ := strings.Cut(after, ".")
	out := &CadreList{}
	seen := map[string]bool{}
	err := tx.Each(func(scan func(...any) error) error {
		var c Cadre
		if err := scan(&c.place, &c.ID, &c.Name, &c.Post); err != nil {
			return err
		}
		if key := c.place + "." + c.ID; !seen[key] { // one of two roles
			seen[key] = true
			out.Cadres = append(out.Cadres, &c)
		}
		return nil
	}, `SELECT a.place, u.id, COALESCE(u.name, ''), COALESCE(u.post, '') FROM mq_above a JOIN role r ON r.place = a.place JOIN "user" u ON u.id = r."user"
		WHERE a.above = ? AND a.place >= ? AND (a.place > ? OR u.id > ?) AND r.role = 'cadre' AND (r.until IS NULL OR r.until >= ?) AND (u.ended IS NULL OR u.ended >= ?)
		ORDER BY a.place, u.id LIMIT ?`, place, atPlace, atPlace, user, day, day, int64(2*n+2))
	if err != nil {
		return nil, err
	}
	if len(out.Cadres) > n {
		out.Cadres = out.Cadres[:n]
		last := out.Cadres[n-1]
		out.After = last.place + "." + last.ID
	}
	if after == "" && out.After == "" {
		if err := out.strangers(tx, place, day); err != nil {
			return nil, err
		}
	}
	f := &figures{tx: tx, place: place, from: month + "-01", to: month + "-31", now: now, day: day, of: map[string][]*Cadre{}}
	for _, c := range out.Cadres {
		f.of[c.ID] = append(f.of[c.ID], c)
	}
	for id := range f.of {
		f.ids = append(f.ids, id)
	}
	slices.Sort(f.ids)
	for _, step := range []func() error{f.visits, f.matters, f.answers, f.journals, f.homes} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	names, err := textOf(tx, "SELECT id, COALESCE(name, '') FROM place WHERE id = ANY(?)", out.places())
	for _, c := range out.Cadres {
		c.Place = names[c.place]
	}
	return out, err
}

func (l *CadreList) places() (out []string) {
	for _, c := range l.Cadres {
		out = append(out, c.place)
	}
	return out
}

// strangers adds those who call on households of the place without a role in it, where the place is small.
func (l *CadreList) strangers(tx *store.Tx, place, day string) error {
	small, err := isSmall(tx, place)
	if err != nil || !small {
		return err
	}
	err = tx.Each(func(scan func(...any) error) error {
		c := &Cadre{}
		err := scan(&c.ID, &c.Name, &c.Post, &c.place)
		if !slices.ContainsFunc(l.Cadres, func(x *Cadre) bool { return x.ID == c.ID }) {
			l.Cadres = append(l.Cadres, c)
		}
		return err
	}, `SELECT DISTINCT u.id, COALESCE(u.name, ''), COALESCE(u.post, ''), COALESCE(u.place, '') FROM mq_above a CROSS JOIN household h CROSS JOIN assignment s CROSS JOIN "user" u
		WHERE a.above = ? AND h.place = a.place AND s.household = h.id AND u.id = s."user" AND COALESCE(s.since, '') <= ? AND (s.until IS NULL OR s.until >= ?) AND (u.ended IS NULL OR u.ended >= ?)`,
		place, day, day, day)
	slices.SortFunc(l.Cadres, func(a, b *Cadre) int { return natural("", a.Name, a.ID, "", b.Name, b.ID) })
	return err
}

// figures counts for the cadres of a part.
type figures struct {
	tx            *store.Tx
	place         string
	from, to, day string
	now           time.Time
	ids           []string
	of            map[string][]*Cadre
}

func (f *figures) each(query string, set func(c *Cadre, kind string, n int), args ...any) error {
	return f.tx.Each(func(scan func(...any) error) error {
		var id, kind string
		var n int64
		err := scan(&id, &kind, &n)
		for _, c := range f.of[id] {
			set(c, kind, int(n))
		}
		return err
	}, query, args...)
}

// visits and journals go from what the cadres wrote to where it lies, row by row: that is what the subqueries in their lists are for. Left to
// itself PostgreSQL would rather begin with the households of the place, and all that was ever written of them grows by the year.
func (f *figures) visits() error {
	return f.each(`WITH x AS MATERIALIZED (SELECT y.author, y.n, (SELECT h.place FROM household h WHERE h.id = y.household) AS place FROM
			(SELECT v.author, v.household, COUNT(*) AS n FROM visit v WHERE v.author = ANY(?) AND v.day >= ? AND v.day <= ? GROUP BY v.author, v.household) y)
		SELECT x.author, '', CAST(SUM(x.n) AS BIGINT) FROM x CROSS JOIN mq_above a WHERE a.place = x.place AND a.above = ? GROUP BY x.author`,
		func(c *Cadre, _ string, n int) { c.Visits = n }, f.ids, f.from, f.to, f.place)
}

func (f *figures) matters() error {
	return f.tx.Each(func(scan func(...any) error) error {
		var id, oldest string
		var n [5]int64
		err := scan(&id, &n[0], &n[1], &n[2], &n[3], &n[4], &oldest)
		for _, c := range f.of[id] {
			c.Matters, c.Open, c.Overdue, c.Still, c.ToAnswer = int(n[0]), int(n[1]), int(n[2]), int(n[3]), int(n[4])
			if oldest != "" {
				c.Wait = int(f.now.Sub(madeAt(oldest, f.now.Location())).Hours() / 24)
			}
		}
		return err
	}, `SELECT x.author, COUNT(CASE WHEN x.day >= ? AND x.day <= ? THEN 1 END), COUNT(CASE WHEN x.open = 1 THEN 1 END), COUNT(CASE WHEN x.open = 1 AND x.due > '' AND x.due < ? THEN 1 END),
		COUNT(CASE WHEN x.open = 1 AND x.steps <= 1 THEN 1 END), COUNT(CASE WHEN x.state = 'handled' THEN 1 END), COALESCE(MIN(CASE WHEN x.open = 1 THEN x.id END), '')
		FROM mq_matter_at x WHERE x.above = ? AND x.author = ANY(?) GROUP BY x.author`, f.from, f.to, f.day, f.place, f.ids)
}

func (f *figures) answers() error {
	return f.each(`SELECT s.author, '', COUNT(DISTINCT s.matter) FROM matter_step s CROSS JOIN mq_matter_at x
		WHERE s.author = ANY(?) AND s.day >= ? AND s.day <= ? AND s.kind = 'answer' AND x.above = ? AND x.id = s.matter GROUP BY s.author`,
		func(c *Cadre, _ string, n int) { c.Answers = n }, f.ids, f.from, f.to, f.place)
}

func (f *figures) journals() error {
	return f.each(`WITH x AS MATERIALIZED (SELECT j.author, (SELECT h.place FROM visit v CROSS JOIN household h WHERE v.id = j.visit AND h.id = v.household) AS place
			FROM journal j WHERE j.author = ANY(?) AND j.state = ?)
		SELECT x.author, '', COUNT(*) FROM x CROSS JOIN mq_above a WHERE a.place = x.place AND a.above = ? GROUP BY x.author`,
		func(c *Cadre, _ string, n int) { c.Returned = n }, f.ids, StateReturned, f.place)
}

// homes counts how the households of each stand, as the coverage shows them.
func (f *figures) homes() error {
	homes, err := homesOf(f.tx, f.place, f.ids, f.day)
	if err != nil {
		return err
	}
	all := map[string]bool{}
	for _, list := range homes {
		for _, id := range list {
			all[id] = true
		}
	}
	ids := make([]string, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	r, err := standings(f.tx, "h.id", ids, f.day)
	if err != nil {
		return err
	}
	for user, list := range homes {
		for _, c := range f.of[user] {
			c.Homes = len(list)
			for _, id := range list {
				if h := r.homes[id]; h != nil {
					switch h.Standing {
					case Overdue:
						c.Late++
					case Unvisited, Short:
						c.Due++
					}
				}
			}
		}
	}
	return nil
}
