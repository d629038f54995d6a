package branch

import (
	"strings"
	"time"

	"minqing/server/store"
	"minqing/syncproto"
)

// VisitAsk is what a list of visits is to hold. State is that of the journal, StateNone where there is none; Month is “2026-11”.
type VisitAsk struct {
	Within, Cadre, State, Month string
}

// StateNone is that of a visit of which no journal was written.
const StateNone = "none"

// VisitLine is one visit.
type VisitLine struct {
	ID               syncproto.RowID
	Day, Head, Place string
	Author           string
	Tasks            []string
	Journal, State   string // "" and StateNone where none was written
	author, placeID  string
}

// VisitList is a part of a list of visits, the newest first. After is the key behind which the next begins, "" for none; it may be there
// though this part is short, where there was much to look through.
type VisitList struct {
	Lines []*VisitLine
	After string
}

// smallPlace is up to how many households a place is read home by home; of more, its visits are found among all, the newest first.
const smallPlace = 4000

// lookThrough bounds how many visits one part looks through in a large place.
const lookThrough = 4000

// isSmall tells whether a place is read home by home.
func isSmall(tx *store.Tx, place string) (bool, error) { return fewHomes(tx, place, smallPlace) }

// fewHomes tells whether no more than so many households lie in a place. It counts no further.
func fewHomes(tx *store.Tx, place string, most int) (bool, error) {
	var n int64
	_, err := tx.One("SELECT COUNT(*) FROM (SELECT 1 FROM mq_above a CROSS JOIN household h WHERE a.above = ? AND h.place = a.place LIMIT ?) counted", []any{place, int64(most + 1)}, &n)
	return n <= int64(most), err
}

const visitColumns = `SELECT v.id, COALESCE(v.day, ''), COALESCE(h.head, ''), COALESCE(h.place, ''), COALESCE(v.author, ''), COALESCE(j.id, ''), COALESCE(j.state, '')`

// CROSS JOIN has SQLite take the tables in this order; conditions make it an ordinary join on both databases.
const (
	byVisit = ` CROSS JOIN household h CROSS JOIN mq_above a LEFT JOIN journal j ON j.visit = v.id WHERE h.id = v.household AND a.place = h.place AND a.above = ?`
	byHome  = ` FROM mq_above a CROSS JOIN household h CROSS JOIN visit v LEFT JOIN journal j ON j.visit = v.id WHERE a.above = ? AND h.place = a.place AND v.household = h.id`
)

// Visits lists a part of the visits asked for, behind a key.
func Visits(tx *store.Tx, a VisitAsk, after string, n int, now time.Time) (*VisitList, error) {
	out := &VisitList{}
	small := a.Cadre != ""
	var err error
	if !small {
		if small, err = isSmall(tx, a.Within); err != nil {
			return nil, err
		}
	}
	if small {
		err = out.byDay(tx, a, after, n, now)
	} else {
		err = out.byID(tx, a, after, n, now)
	}
	if err != nil {
		return nil, err
	}
	return out, out.detail(tx)
}

func (a VisitAsk) state() (sql string, args []any) {
	switch a.State {
	case "":
		return "", nil
	case StateNone:
		return " AND j.id IS NULL", nil
	case "draft":
		return " AND j.id IS NOT NULL AND COALESCE(j.state, 'draft') = 'draft'", nil
	}
	return " AND j.state = ?", []any{a.State}
}

// span is the days that are asked for.
func (a VisitAsk) span() (from, to string) {
	if a.Month == "" {
		return "", "9999"
	}
	return a.Month + "-01", a.Month + "-31"
}

// byDay lists by day: of one cadre, or home by home. It looks back first a fortnight, then further.
func (l *VisitList) byDay(tx *store.Tx, a VisitAsk, after string, n int, now time.Time) error {
	day, id, _ := strings.Cut(after, ".")
	from, to := a.span()
	if after == "" {
		day, id = "9999", ""
	}
	state, more := a.state()
	start := now
	if t, err := time.Parse(time.DateOnly, min(day, to)); err == nil {
		start = t
	} else if t, err := time.Parse(time.DateOnly, a.Month+"-28"); err == nil {
		start = t
	}
	backs := []int{14, 62, 100000}
	if a.Cadre != "" {
		backs = backs[2:]
	}
	for _, back := range backs {
		since := max(from, start.AddDate(0, 0, -min(back, 365*60)).Format(time.DateOnly))
		query, args := visitColumns+byHome, []any{a.Within}
		if a.Cadre != "" {
			query, args = visitColumns+" FROM visit v"+byVisit+" AND v.author = ?", []any{a.Within, a.Cadre}
		}
		args = append(args, since, min(to, day), day, id)
		l.Lines = nil
		if err := l.read(tx, query+" AND v.day >= ? AND v.day <= ? AND (v.day, v.id) < (?, ?)"+state+" ORDER BY v.day DESC, v.id DESC LIMIT ?", append(append(args, more...), int64(n+1))...); err != nil {
			return err
		}
		if len(l.Lines) > n || since == from {
			break
		}
	}
	if len(l.Lines) > n {
		l.Lines = l.Lines[:n]
		l.After = l.Lines[n-1].Day + "." + string(l.Lines[n-1].ID)
	}
	return nil
}

// byID lists by when visits were noted, among all there are.
func (l *VisitList) byID(tx *store.Tx, a VisitAsk, after string, n int, now time.Time) error {
	_, id, _ := strings.Cut(after, ".")
	if id == "" {
		id = "g" // behind every id
		if t, err := time.Parse("2006-01", a.Month); err == nil && t.AddDate(0, 2, 0).Before(now) {
			id = idAt(t.AddDate(0, 2, 0)) // what came later still is few
		}
	}
	from, to := a.span()
	state, more := a.state()
	args := append([]any{id, int64(lookThrough), a.Within, from, to}, more...)
	if err := l.read(tx, visitColumns+" FROM (SELECT * FROM visit WHERE id < ? ORDER BY id DESC LIMIT ?) v"+byVisit+" AND v.day >= ? AND v.day <= ?"+state+" ORDER BY v.id DESC LIMIT ?", append(args, int64(n+1))...); err != nil {
		return err
	}
	if len(l.Lines) > n {
		l.Lines = l.Lines[:n]
		l.After = "." + string(l.Lines[n-1].ID)
		return nil
	}
	var last string
	var seen int64
	if _, err := tx.One("SELECT COALESCE(MIN(id), ''), COUNT(*) FROM (SELECT id FROM visit WHERE id < ? ORDER BY id DESC LIMIT ?) x", []any{id, int64(lookThrough)}, &last, &seen); err != nil {
		return err
	}
	if seen == lookThrough {
		l.After = "." + last
	}
	return nil
}

func (l *VisitList) read(tx *store.Tx, query string, args ...any) error {
	return tx.Each(func(scan func(...any) error) error {
		var v VisitLine
		if err := scan(&v.ID, &v.Day, &v.Head, &v.placeID, &v.author, &v.Journal, &v.State); err != nil {
			return err
		}
		switch {
		case v.Journal == "":
			v.State = StateNone
		case v.State == "":
			v.State = "draft"
		}
		l.Lines = append(l.Lines, &v)
		return nil
	}, query, args...)
}

func (l *VisitList) detail(tx *store.Tx) error {
	var ids, users, places []string
	for _, v := range l.Lines {
		ids, users, places = append(ids, string(v.ID)), append(users, v.author), append(places, v.placeID)
	}
	done, err := tx.Values("visit", ids)
	if err != nil {
		return err
	}
	names, err := namesOf(tx, users)
	if err != nil {
		return err
	}
	named, err := textOf(tx, "SELECT id, COALESCE(name, '') FROM place WHERE id = ANY(?)", places)
	for _, v := range l.Lines {
		v.Author, v.Place = names[v.author].name, named[v.placeID]
		v.Tasks = row{tx.Book().Table("visit"), done[v.ID]}.value("tasks").Elements()
	}
	return err
}
