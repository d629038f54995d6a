package branch

import (
	"cmp"
	"slices"
	"time"

	"minqing/server/register"
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
	day       string
}

// longAway is how many days without a visit are long.
const longAway = 60

// urgentFrom is the urgency from which a matter is urgent.
const urgentFrom = 2

// Queue lists the submitted journals of a place and below it, in the order in which they need eyes; within a group the oldest first.
func Queue(tx *store.Tx, place string, zone *time.Location) ([]Waiting, error) {
	beneath, err := register.Beneath(tx, place)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(beneath))
	for i, p := range beneath {
		ids[i] = p.ID
	}
	var out []Waiting
	var journals []string
	homes := map[string]bool{}
	err = tx.Each(func(scan func(...any) error) error {
		var w Waiting
		if err := scan(&w.Journal, &w.visit, &w.Household, &w.Head, &w.day, &w.user); err != nil {
			return err
		}
		out, journals = append(out, w), append(journals, string(w.Journal))
		homes[w.Household] = true
		return nil
	}, `SELECT j.id, v.id, h.id, COALESCE(h.head, ''), COALESCE(v.day, ''), COALESCE(j.author, '') FROM household h JOIN visit v ON v.household = h.id JOIN journal j ON j.visit = v.id
		WHERE h.place = ANY(?) AND j.state = 'submitted'`, ids)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	q := &queue{tx: tx, zone: zone, homes: homes, out: out, journals: journals}
	for _, step := range []func() error{q.times, q.returned, q.matters, q.visits, q.names} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b Waiting) int {
		return cmp.Or(cmp.Compare(slices.Index(groups, a.Group), slices.Index(groups, b.Group)), a.Received.Compare(b.Received), cmp.Compare(a.Journal, b.Journal))
	})
	return out, nil
}

type queue struct {
	tx       *store.Tx
	zone     *time.Location
	homes    map[string]bool
	out      []Waiting
	journals []string
}

func (q *queue) households() (out []string) {
	for id := range q.homes {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
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
	}, "SELECT row_id, MAX(received) FROM mq_history WHERE row_id = ANY(?) GROUP BY row_id", q.journals)
	for i := range q.out {
		q.out[i].Received = time.UnixMilli(at[q.out[i].Journal]).In(q.zone)
	}
	return err
}

func (q *queue) group(i int, g Group) {
	if q.out[i].Group == "" {
		q.out[i].Group = g
	}
}

func (q *queue) returned() error {
	back := map[string]bool{}
	err := q.tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		back[id] = true
		return err
	}, "SELECT journal FROM review WHERE journal = ANY(?) AND kind = 'return'", q.journals)
	for i := range q.out {
		if back[string(q.out[i].Journal)] {
			q.group(i, Returned)
		}
	}
	return err
}

func (q *queue) matters() error {
	title := map[string]string{}
	err := q.tx.Each(func(scan func(...any) error) error {
		var home, t string
		err := scan(&home, &t)
		title[home] = t
		return err
	}, "SELECT household, COALESCE(title, '') FROM matter WHERE household = ANY(?) AND urgency >= ? AND (state IS NULL OR state NOT IN ('handled', 'answered', 'withdrawn')) ORDER BY id",
		q.households(), int64(urgentFrom))
	for i := range q.out {
		if t, ok := title[q.out[i].Household]; ok {
			q.out[i].Matter = t
			q.group(i, Urgent)
		}
	}
	return err
}

// visits finds the visit before each, and what this one did.
func (q *queue) visits() error {
	var ids []string
	before := map[string][]string{} // days by household
	for _, w := range q.out {
		ids = append(ids, w.visit)
	}
	err := q.tx.Each(func(scan func(...any) error) error {
		var home, day string
		err := scan(&home, &day)
		before[home] = append(before[home], day)
		return err
	}, "SELECT household, COALESCE(day, '') FROM visit WHERE household = ANY(?) ORDER BY day", q.households())
	if err != nil {
		return err
	}
	done, err := q.tx.Values("visit", ids)
	if err != nil {
		return err
	}
	for i := range q.out {
		w := &q.out[i]
		w.Tasks = row{q.tx.Book().Table("visit"), done[syncproto.RowID(w.visit)]}.value("tasks").Elements()
		last := ""
		for _, day := range before[w.Household] {
			if day < w.day {
				last = day
			}
		}
		if last == "" {
			q.group(i, First)
		} else if w.Days = daysBetween(last, w.day); w.Days >= longAway {
			q.group(i, Long)
		}
		q.group(i, Rest)
	}
	return nil
}

func daysBetween(from, to string) int {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		return 0
	}
	return int(b.Sub(a).Hours() / 24)
}

func (q *queue) names() error {
	var ids []string
	for _, w := range q.out {
		ids = append(ids, w.user)
	}
	names, err := namesOf(q.tx, ids)
	for i := range q.out {
		q.out[i].Author = names[q.out[i].user].name
	}
	return err
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
