package branch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// MatterAsk is what a list of matters is to hold. Within is the place, or a group of it. What is empty asks nothing.
type MatterAsk struct {
	Within  string
	Open    bool   // neither answered nor withdrawn
	State   string // or one state
	Kind    string
	Urgent  int // at least so urgent
	Team    string
	Cadre   string
	Days    int  // written down at least so many days ago
	Overdue bool // its day is past, and it is open
	Still   bool // open, and nobody has taken a step since it was written down
	// Day bounds when it was first written down, Solved when it was handled: months, “2026-11”, from and to.
	Day, Solved [2]string
	// Answered are months in which By brought the answer.
	Answered [2]string
	By       string
	Undated  bool // nobody wrote down when
	// Newest lists the youngest first.
	Newest bool
}

// NoTeam asks for what was written down by people who called on the home by no team.
const NoTeam = "none"

// Turn is where a part of a list begins: behind a key, before one, or at the end.
type Turn struct {
	After, Before string
	Last          bool
}

// MatterLine is one line of the list.
type MatterLine struct {
	ID                 syncproto.RowID
	Title, Kind, State string
	Urgency            int
	Household          syncproto.RowID
	Head, Place        string
	Author, Team       string
	Due                string
	Day, Stepped       string // first written down, last step
	Steps              int
	Made               time.Time
	place, author      string
}

// MatterList is a part of a list. N counts all of it, at most Most.
type MatterList struct {
	Lines      []*MatterLine
	N          int
	Back, More bool // there is something before it, and behind
}

// Most is up to what number a list is counted.
const Most = 1000

// madeAt tells when a row was made: ids begin with it (UUIDv7).
func madeAt(id string, zone *time.Location) time.Time {
	ms, err := parseHex(strings.ReplaceAll(id, "-", ""))
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).In(zone)
}

func parseHex(id string) (ms int64, err error) {
	if len(id) < 12 {
		return 0, fmt.Errorf("no id")
	}
	_, err = fmt.Sscanf(id[:12], "%012x", &ms)
	return ms, err
}

// idAt is an id before which all lie that were made before a moment.
func idAt(t time.Time) string {
	h := fmt.Sprintf("%012x", max(0, t.UnixMilli()))
	return h[:8] + "-" + h[8:]
}

// where writes what is asked as SQL.
func (a MatterAsk) where(now time.Time) (string, []any) {
	parts, args := []string{"x.above = ?"}, []any{a.Within}
	add := func(sql string, values ...any) {
		parts, args = append(parts, sql), append(args, values...)
	}
	if a.Open || a.Overdue || a.Still {
		add("x.open = 1")
	}
	if a.State != "" {
		add("x.state = ?", a.State)
	}
	if a.Kind != "" {
		add("x.kind = ?", a.Kind)
	}
	if a.Urgent > 0 {
		add("x.urgency >= ?", int64(a.Urgent))
	}
	if a.Team != "" {
		add("x.team = ?", strings.TrimPrefix(a.Team, NoTeam))
	}
	if a.Cadre != "" {
		add("x.author = ?", a.Cadre)
	}
	if a.Days > 0 {
		add("x.id < ?", idAt(now.AddDate(0, 0, -a.Days)))
	}
	if a.Overdue {
		add("x.due > '' AND x.due < ?", now.Format(time.DateOnly))
	}
	if a.Still {
		add("x.steps <= 1")
	}
	for i, m := range [][2]string{a.Day, a.Solved} {
		if m[0] != "" {
			column := []string{"day", "solved"}[i]
			add("x."+column+" >= ? AND x."+column+" <= ?", m[0], m[1]+"-31")
		}
	}
	if a.By != "" && a.Answered[0] != "" {
		add("x.id IN (SELECT s.matter FROM matter_step s WHERE s.author = ? AND s.day >= ? AND s.day <= ? AND s.kind = 'answer')", a.By, a.Answered[0]+"-01", a.Answered[1]+"-31")
	}
	if a.Undated {
		add("x.day = ''")
	}
	return strings.Join(parts, " AND "), args
}

// from names the table, and the index by which the fewest matters are looked through: without being told, SQLite walks along the key for
// the sake of the order, past everything that is not asked for.
func (a MatterAsk) from() string {
	by := ""
	switch {
	case a.Cadre != "":
		by = "author"
	case a.Overdue:
		by = "due"
	case a.Still:
		by = "still"
	case a.State != "":
		by = "state"
	case a.Urgent > 0 && a.Open:
		by = "urgent"
	case a.Solved[0] != "":
		by = "solved"
	case a.Day[0] != "" || a.Undated:
		by = "day"
	case a.Kind != "":
		by = "kind"
	case a.Open:
		by = "open"
	}
	if by == "" || a.By != "" {
		return "mq_matter_at x"
	}
	return "mq_matter_at x INDEXED BY mq_matter_at_" + by
}

// Matters lists a part of the matters asked for, n of them at most.
func Matters(tx *store.Tx, a MatterAsk, turn Turn, n int, now time.Time) (*MatterList, error) {
	where, args := a.where(now)
	out := &MatterList{}
	var err error
	if out.N, err = CountMatters(tx, a, now); err != nil {
		return nil, err
	}
	// Parts before a key are read from there backwards, and turned round.
	backward := turn.Before != "" || turn.Last
	ascending := a.Newest == backward
	if key := turn.After + turn.Before; key != "" {
		where, args = where+" AND x.id "+map[bool]string{true: ">", false: "<"}[ascending]+" ?", append(args, key)
	}
	order := map[bool]string{true: "x.id", false: "x.id DESC"}[ascending]
	err = tx.Each(func(scan func(...any) error) error {
		var l MatterLine
		var urgency, steps int64
		if err := scan(&l.ID, &l.Kind, &l.State, &urgency, &l.Household, &l.place, &l.author, &l.Team, &l.Due, &l.Day, &l.Stepped, &steps); err != nil {
			return err
		}
		l.Urgency, l.Steps, l.Made = int(urgency), int(steps), madeAt(string(l.ID), now.Location())
		out.Lines = append(out.Lines, &l)
		return nil
	}, "SELECT x.id, x.kind, x.state, x.urgency, x.household, x.place, x.author, x.team, x.due, x.day, x.stepped, x.steps FROM "+a.from()+" WHERE "+where+" ORDER BY "+order+" LIMIT ?", append(args, int64(n+1))...)
	if err != nil {
		return nil, err
	}
	beyond := len(out.Lines) > n
	out.Lines = out.Lines[:min(n, len(out.Lines))]
	if out.Back, out.More = turn.After != "", beyond; backward {
		slices.Reverse(out.Lines)
		out.Back, out.More = beyond, turn.Before != ""
	}
	return out, detailMatters(tx, out.Lines)
}

// detailMatters fills in what only the lines shown need.
func detailMatters(tx *store.Tx, lines []*MatterLine) error {
	var ids, homes, places, users []string
	for _, l := range lines {
		ids, homes, places, users = append(ids, string(l.ID)), append(homes, string(l.Household)), append(places, l.place), append(users, l.author)
	}
	titles, err := textOf(tx, `SELECT id, COALESCE(title, '') FROM matter WHERE id = ANY(?)`, ids)
	if err != nil {
		return err
	}
	heads, err := textOf(tx, `SELECT id, COALESCE(head, '') FROM household WHERE id = ANY(?)`, homes)
	if err != nil {
		return err
	}
	named, err := textOf(tx, `SELECT id, COALESCE(name, '') FROM place WHERE id = ANY(?)`, places)
	if err != nil {
		return err
	}
	people, err := namesOf(tx, users)
	for _, l := range lines {
		l.Title, l.Head, l.Place, l.Author = titles[string(l.ID)], heads[string(l.Household)], named[l.place], people[l.author].name
	}
	return err
}

// textOf reads one text of each row asked for.
func textOf(tx *store.Tx, query string, args ...any) (map[string]string, error) {
	out := map[string]string{}
	err := tx.Each(func(scan func(...any) error) error {
		var id, text string
		err := scan(&id, &text)
		out[id] = text
		return err
	}, query, args...)
	return out, err
}

// Named is somebody or something to choose.
type Named struct{ ID, Name string }

// Inside tells whether a place lies in another, or is it.
func Inside(tx *store.Tx, place, above string) (bool, error) {
	return tx.One("SELECT 1 FROM mq_above WHERE place = ? AND above = ?", []any{place, above}, new(int))
}

// Under lists the places right below one.
func Under(tx *store.Tx, place string) (out []Named, err error) {
	type under struct {
		Named
		code string
	}
	var list []under
	err = tx.Each(func(scan func(...any) error) error {
		var u under
		err := scan(&u.ID, &u.Name, &u.code)
		list = append(list, u)
		return err
	}, "SELECT id, COALESCE(name, ''), COALESCE(code, '') FROM place WHERE parent = ?", place)
	slices.SortFunc(list, func(a, b under) int { return natural(a.code, a.Name, a.ID, b.code, b.Name, b.ID) })
	for _, u := range list {
		out = append(out, u.Named)
	}
	return out, err
}

// UserName is the name of a user.
func UserName(tx *store.Tx, id string) (string, error) {
	names, err := namesOf(tx, []string{id})
	return names[id].name, err
}

// state reads the state of a flow column.
func (r row) state(column string) string {
	return r.t.FlowColumn().Flow.State(r.value(column))
}

// shown is a value as people read it.
func shown(c *schema.Column, v schema.Value, lang schema.Lang) string { return c.Show(v, lang, nil) }

// CountMatters counts what is asked for, up to Most.
func CountMatters(tx *store.Tx, a MatterAsk, now time.Time) (int, error) {
	where, args := a.where(now)
	var n int64
	_, err := tx.One("SELECT COUNT(*) FROM (SELECT 1 FROM "+a.from()+" WHERE "+where+" LIMIT ?) counted", append(args, int64(Most+1)), &n)
	return int(n), err
}

// mostNames is how many people a choice offers.
const mostNames = 200

// CadreNames lists the cadres of a place by name, none where they are too many to choose from: of a city no more are looked at than would be.
func CadreNames(tx *store.Tx, place, day string) (out []Named, err error) {
	var ids []string
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT r."user" FROM mq_above a CROSS JOIN role r WHERE a.above = ? AND r.place = a.place AND r.role = 'cadre' AND (r.until IS NULL OR r.until >= ?) LIMIT ?`,
		place, day, int64(2*mostNames+1)); err != nil || len(ids) > 2*mostNames {
		return nil, err
	}
	err = tx.Each(func(scan func(...any) error) error {
		var n Named
		err := scan(&n.ID, &n.Name)
		out = append(out, n)
		return err
	}, `SELECT id, COALESCE(name, '') FROM "user" WHERE id = ANY(?) AND (ended IS NULL OR ended >= ?)`, ids, day)
	if err != nil || len(out) > mostNames {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Named) int { return natural("", a.Name, a.ID, "", b.Name, b.ID) })
	return out, nil
}
