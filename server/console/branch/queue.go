package branch

import (
	"slices"
	"time"

	"minqing/server/store"
	"minqing/syncproto"
)

// Group is why a journal stands where it stands in the queue.
type Group string

// The groups, in the order in which they are to be read.
const (
	Returned Group = "returned" // was given back, and is here again
	Urgent   Group = "urgent"   // the household has an urgent matter open
	Long     Group = "long"     // nobody had called for two months
	First    Group = "first"    // the first visit of all
	Rest     Group = "rest"
)

var groups = []Group{Returned, Urgent, Long, First, Rest}

// Waiting is one journal of the queue.
type Waiting struct {
	Journal   syncproto.RowID
	Household string
	Head      string
	Author    string // name
	Group     Group
	Matter    string   // Urgent: the matter's title
	Days      int      // Long: since the visit before
	Tasks     []string // of the visit, as stored
	Received  time.Time
	visit     string
	user      string
	key       queueKey
}

// queueKey is a journal's place in the queue.
type queueKey struct {
	rank         int64
	day, journal string
}

// Line is the part of a queue around one journal: that asked for, or the first. What stands before and behind is counted, up to Most.
type Line struct {
	Waiting []Waiting
	At      int // the journal asked for, -1 where it is not in the queue
	Counts  map[Group]int
	Total   int
	Behind  int
}

// longAway is how many days without a visit are long.
const longAway = 60

// The states whose journals stand in a queue: handed in, or given back to be mended.
const (
	StateSubmitted = "submitted"
	StateReturned  = "returned"
)

// Queue reads the part of a place's queue around a journal (“” for its beginning): before and upTo at most of those before it and from it on.
// Journals stand in the order in which they need eyes; within a group the oldest visit first.
func Queue(tx *store.Tx, place, state string, open syncproto.RowID, before, upTo int, zone *time.Location) (*Line, error) {
	l := &Line{At: -1, Counts: map[Group]int{}}
	numbers := make([]int64, len(groups))
	var counts []func() error
	for rank := range groups {
		counts = append(counts, func() error {
			_, err := tx.One("SELECT COUNT(*) FROM (SELECT 1 FROM mq_unread WHERE above = ? AND state = ? AND rank = ? LIMIT ?) counted", []any{place, state, int64(rank), int64(Most + 1)}, &numbers[rank])
			return err
		})
	}
	if err := tx.Ahead(counts...); err != nil {
		return nil, err
	}
	for rank, g := range groups {
		if err := counts[rank](); err != nil {
			return nil, err
		}
		l.Counts[g], l.Total = int(numbers[rank]), l.Total+int(numbers[rank])
	}
	from, found := queueKey{rank: -1}, false
	if open != "" {
		var err error
		if found, err = tx.One("SELECT u.rank, u.day, u.journal FROM mq_unread_of o JOIN mq_unread u ON u.household = o.household WHERE o.journal = ? AND u.journal = o.journal AND u.above = ? AND u.state = ?",
			[]any{string(open), place, state}, &from.rank, &from.day, &from.journal); err != nil {
			return nil, err
		}
	}
	if found {
		if err := l.read(tx, place, state, "(rank, day, journal) < (?, ?, ?) ORDER BY rank DESC, day DESC, journal DESC", from, before); err != nil {
			return nil, err
		}
		slices.Reverse(l.Waiting)
		l.At = len(l.Waiting)
	}
	if err := l.read(tx, place, state, "(rank, day, journal) >= (?, ?, ?) ORDER BY rank, day, journal", from, upTo); err != nil || len(l.Waiting) == 0 {
		return l, err
	}
	last := l.Waiting[len(l.Waiting)-1].key
	var behind int64
	if _, err := tx.One("SELECT COUNT(*) FROM (SELECT 1 FROM mq_unread WHERE above = ? AND state = ? AND (rank, day, journal) > (?, ?, ?) LIMIT ?) counted",
		[]any{place, state, last.rank, last.day, last.journal, int64(Most + 1)}, &behind); err != nil {
		return nil, err
	}
	l.Behind = int(behind)
	q := &queue{tx: tx, zone: zone, out: l.Waiting}
	for _, step := range []func() error{q.rows, q.times, q.matters, q.visits, q.names} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// read adds a range of the queue.
func (l *Line) read(tx *store.Tx, place, state, where string, from queueKey, n int) error {
	return tx.Each(func(scan func(...any) error) error {
		var w Waiting
		if err := scan(&w.key.rank, &w.key.day, &w.key.journal); err != nil {
			return err
		}
		w.Journal, w.Group = syncproto.RowID(w.key.journal), groups[min(max(0, int(w.key.rank)), len(groups)-1)]
		l.Waiting = append(l.Waiting, w)
		return nil
	}, "SELECT rank, day, journal FROM mq_unread WHERE above = ? AND state = ? AND "+where+" LIMIT ?", place, state, from.rank, from.day, from.journal, int64(n))
}

// queue fills in what is shown of the journals of a part.
type queue struct {
	tx   *store.Tx
	zone *time.Location
	out  []Waiting
}

// of gives a text of each journal, of one group or (“”) of all.
func (q *queue) of(g Group, text func(Waiting) string) (out []string) {
	for _, w := range q.out {
		if g == "" || w.Group == g {
			out = append(out, text(w))
		}
	}
	return out
}

func (q *queue) rows() error {
	type found struct{ visit, home, head, user string }
	all := map[string]found{}
	err := q.tx.Each(func(scan func(...any) error) error {
		var id string
		var f found
		err := scan(&id, &f.visit, &f.home, &f.head, &f.user)
		all[id] = f
		return err
	}, `SELECT j.id, v.id, h.id, COALESCE(h.head, ''), COALESCE(j.author, '') FROM journal j JOIN visit v ON v.id = j.visit JOIN household h ON h.id = v.household WHERE j.id = ANY(?)`,
		q.of("", func(w Waiting) string { return string(w.Journal) }))
	for i := range q.out {
		w := &q.out[i]
		f := all[string(w.Journal)]
		w.visit, w.Household, w.Head, w.user = f.visit, f.home, f.head, f.user
	}
	return err
}

// times finds when the newest words of each journal came.
func (q *queue) times() error {
	at := map[syncproto.RowID]int64{}
	err := q.tx.Each(func(scan func(...any) error) error {
		var id syncproto.RowID
		var ms int64
		err := scan(&id, &ms)
		at[id] = ms
		return err
	}, "SELECT row_id, MAX(received) FROM mq_history WHERE row_id = ANY(?) GROUP BY row_id", q.of("", func(w Waiting) string { return string(w.Journal) }))
	for i := range q.out {
		q.out[i].Received = time.UnixMilli(at[q.out[i].Journal]).In(q.zone)
	}
	return err
}

func (q *queue) matters() error {
	homes := q.of(Urgent, func(w Waiting) string { return w.Household })
	if len(homes) == 0 {
		return nil
	}
	title, err := textOf(q.tx, "SELECT household, COALESCE(title, '') FROM matter WHERE household = ANY(?) AND urgency >= 2 AND (state IS NULL OR state NOT IN ('handled', 'answered', 'withdrawn')) ORDER BY id", homes)
	for i := range q.out {
		q.out[i].Matter = title[q.out[i].Household]
	}
	return err
}

// visits finds what each visit did, and how long before the last one was where that is why it is read.
func (q *queue) visits() error {
	done, err := q.tx.Values("visit", q.of("", func(w Waiting) string { return w.visit }))
	if err != nil {
		return err
	}
	before := map[string]string{}
	if long := q.of(Long, func(w Waiting) string { return w.visit }); len(long) > 0 {
		if before, err = textOf(q.tx, "SELECT v.id, COALESCE((SELECT MAX(p.day) FROM visit p WHERE p.household = v.household AND p.day < v.day), '') FROM visit v WHERE v.id = ANY(?)", long); err != nil {
			return err
		}
	}
	for i := range q.out {
		w := &q.out[i]
		w.Tasks = row{q.tx.Book().Table("visit"), done[syncproto.RowID(w.visit)]}.value("tasks").Elements()
		w.Days = daysBetween(before[w.visit], w.key.day)
	}
	return nil
}

func (q *queue) names() error {
	names, err := namesOf(q.tx, q.of("", func(w Waiting) string { return w.user }))
	for i := range q.out {
		q.out[i].Author = names[q.out[i].user].name
	}
	return err
}

// ReviewedSince counts the reviews that somebody wrote since a moment.
func ReviewedSince(tx *store.Tx, user syncproto.UserID, t time.Time) (int, error) {
	var n int64
	_, err := tx.One("SELECT COUNT(*) FROM review WHERE author = ? AND id >= ?", []any{string(user), idAt(t)}, &n)
	return int(n), err
}

func daysBetween(from, to string) int {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		return 0
	}
	return int(b.Sub(a).Hours() / 24)
}

type person struct{ name, post string }

func namesOf(tx *store.Tx, ids []string) (map[string]person, error) {
	out := map[string]person{}
	err := tx.Each(func(scan func(...any) error) error {
		var id string
		var p person
		err := scan(&id, &p.name, &p.post)
		out[id] = p
		return err
	}, `SELECT id, COALESCE(name, ''), COALESCE(post, '') FROM "user" WHERE id = ANY(?)`, ids)
	return out, err
}
