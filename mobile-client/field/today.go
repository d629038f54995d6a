package field

import (
	"cmp"
	"slices"
	"time"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// Home is a household in a list.
type Home struct {
	ID    syncproto.RowID
	Head  string // "" when nobody is named
	Code  string
	Group string // “第7组 上湾”
	Door  string // the part of the address that tells it from its neighbours
	place string
	team  string
}

// Reason is why a household is due, the most urgent first.
type Reason int

// The reasons.
const (
	Promised Reason = iota + 1 // a return was promised for Day, today or before
	Answer                     // the answer to a matter has to be brought
	Mend                       // the journal of a visit came back for completion
	Guided                     // the secretary wrote guidance that was not looked at yet
	Quota                      // Lack visits of this month are still to be made
)

// Due is one household that needs a hand, and why: the most urgent of its reasons.
type Due struct {
	Home
	Why  Reason
	Row  syncproto.RowID // of the matter or the journal
	Text string          // the matter's title, what the secretary wrote
	Day  string          // the day promised; for Quota the last visit, "" if there was none
	Made string          // the day on which the promise was made
	Lack int
	Did  int // visits of this month
}

// Group is the households of one place.
type Group struct {
	Name string
	Due  []Due
}

// Day is what a cadre is to see on a day.
type Day struct {
	Total  int  // households he contacts
	Done   int  // those whose visits of the month are made
	Twice  bool // some household wants more than one visit a month
	Left   int  // days left in the month after today
	Groups []Group
	Next   string // the next day that was promised after today, "" if none
}

// Today tells who is due on a day (local, YYYY-MM-DD).
func Today(v *replica.View, me syncproto.UserID, day string) (*Day, error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, err
	}
	t := &looker{v: v, me: string(me), day: day, first: day[:8] + "01", out: &Day{Left: at.AddDate(0, 1, 1-at.Day()).AddDate(0, 0, -1).Day() - at.Day()},
		homes: map[string]*Home{}, due: map[string]*Due{}, did: map[string]int{}}
	for _, step := range []func() error{t.load, t.month, t.promises, t.answers, t.returned, t.guidance, t.lacking, t.last} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	t.order()
	return t.out, nil
}

// looker gathers what is due.
type looker struct {
	v      *replica.View
	me     string
	day    string
	first  string // of the month
	places places
	quotas map[string]int
	homes  map[string]*Home
	did    map[string]int
	due    map[string]*Due
	out    *Day
}

// load reads the households that are assigned on the day.
func (t *looker) load() (err error) {
	if t.places, err = loadPlaces(t.v); err != nil {
		return err
	}
	if t.quotas, err = quotas(t.v); err != nil {
		return err
	}
	list, err := homes(t.v, assigned, t.places, t.me, t.day)
	for i := range list {
		t.homes[string(list[i].ID)] = &list[i]
		t.out.Twice = t.out.Twice || t.quotas[list[i].team] > 1
	}
	t.out.Total = len(list)
	return err
}

// assigned lists the households of a user on a day, each once; held lists all on this phone (a secretary's has those of his village),
// with the user's team where he contacts one.
const (
	assigned = `SELECT h.id, coalesce(h.head, ''), coalesce(h.code, ''), coalesce(h.address, ''), coalesce(h.place, ''), min(coalesce(a.team, ''))
		FROM assignment a JOIN household h ON h.id = a.household
		WHERE a."user" = ?1 AND coalesce(a.since, '') <= ?2 AND (a.until IS NULL OR a.until >= ?2) GROUP BY h.id`
	held = `SELECT h.id, coalesce(h.head, ''), coalesce(h.code, ''), coalesce(h.address, ''), coalesce(h.place, ''), coalesce((SELECT min(a.team) FROM assignment a
		WHERE a.household = h.id AND a."user" = ?1 AND coalesce(a.since, '') <= ?2 AND (a.until IS NULL OR a.until >= ?2)), '') FROM household h`
)

func homes(v *replica.View, query string, p places, me, day string) (out []Home, err error) {
	var h Home
	var address string
	err = v.Each(query, []any{me, day}, []any{&h.ID, &h.Head, &h.Code, &address, &h.place, &h.team}, func() error {
		h.Group, h.Door = p.group(h.place), p.door(h.place, address)
		out = append(out, h)
		return nil
	})
	return out, err
}

// mark notes a reason, unless a more urgent one is there.
func (t *looker) mark(home string, d Due) {
	h := t.homes[home]
	if h == nil {
		return
	}
	if have := t.due[home]; have == nil || d.Why < have.Why {
		d.Home, d.Did = *h, t.did[home]
		t.due[home] = &d
	}
}

// month counts the days of this month on which each household was visited.
func (t *looker) month() error {
	var home string
	var n int
	return t.v.Each(`SELECT household, count(DISTINCT day) FROM visit WHERE author = ? AND day BETWEEN ? AND ? GROUP BY household`,
		[]any{t.me, t.first, t.day}, []any{&home, &n}, func() error {
			t.did[home] = n
			return nil
		})
}

// stale is how many days an old promise is still shown for: after that the quota speaks.
const stale = 60

// promises are the last word of each household's last visit: one that was kept has a later visit.
func (t *looker) promises() error {
	at, err := time.Parse(time.DateOnly, t.day)
	if err != nil {
		return err
	}
	var home, next, made string
	return t.v.Each(`SELECT v.household, v.next_day, v.day FROM visit v WHERE v.next_day >= ? AND v.author = ? AND NOT EXISTS (SELECT 1 FROM visit w
		WHERE w.household = v.household AND w.author = v.author AND (w.day > v.day OR w.day = v.day AND w.id > v.id))`,
		[]any{at.AddDate(0, 0, -stale).Format(time.DateOnly), t.me}, []any{&home, &next, &made}, func() error {
			switch {
			case t.homes[home] == nil:
			case next <= t.day:
				t.mark(home, Due{Why: Promised, Day: next, Made: made})
			case t.out.Next == "" || next < t.out.Next:
				t.out.Next = next
			}
			return nil
		})
}

// answers are matters that were handled and whose household has not been told: by who recorded it, or by anybody when he no longer
// contacts the household.
func (t *looker) answers() error {
	var id, home, title string
	return t.v.Each(`SELECT m.id, m.household, coalesce(m.title, '') FROM matter m WHERE m.state = 'handled' AND (m.author = ?1 OR NOT EXISTS (
		SELECT 1 FROM assignment a WHERE a.household = m.household AND a."user" = m.author AND (a.until IS NULL OR a.until >= ?2))) ORDER BY m.id`,
		[]any{t.me, t.day}, []any{&id, &home, &title}, func() error {
			t.mark(home, Due{Why: Answer, Row: syncproto.RowID(id), Text: title})
			return nil
		})
}

// returned are one's own journals that came back, with what the reviewer wrote last.
func (t *looker) returned() error {
	var id, home, comment string
	return t.v.Each(`SELECT j.id, v.household, coalesce((SELECT r.comment FROM review r WHERE r.journal = j.id AND r.kind = 'return' ORDER BY r.id DESC LIMIT 1), '')
		FROM journal j JOIN visit v ON v.id = j.visit WHERE j.author = ? AND j.state = 'returned' ORDER BY j.id`,
		[]any{t.me}, []any{&id, &home, &comment}, func() error {
			t.mark(home, Due{Why: Mend, Row: syncproto.RowID(id), Text: comment})
			return nil
		})
}

// guidance is what reviewers wrote under one's own journals and was not looked at.
func (t *looker) guidance() error {
	var id, home, comment string
	return t.v.Each(`SELECT j.id, v.household, coalesce(r.comment, '') FROM review r JOIN journal j ON j.id = r.journal JOIN visit v ON v.id = j.visit
		WHERE r.kind = 'guide' AND j.author = ? AND NOT EXISTS (SELECT 1 FROM mq_local l WHERE l.key = 'seen/' || r.id) ORDER BY r.id`,
		[]any{t.me}, []any{&id, &home, &comment}, func() error {
			t.mark(home, Due{Why: Guided, Row: syncproto.RowID(id), Text: comment})
			return nil
		})
}

// lacking are the households whose visits of this month are not made.
func (t *looker) lacking() error {
	for id, h := range t.homes {
		lack := t.quotas[h.team] - t.did[id]
		if lack <= 0 {
			t.out.Done++
			continue
		}
		t.mark(id, Due{Why: Quota, Lack: lack})
	}
	return nil
}

// last finds the last visit to each household that the quota makes due.
func (t *looker) last() error {
	for id, d := range t.due {
		if d.Why != Quota {
			continue
		}
		if _, err := t.v.One(`SELECT coalesce(max(day), '') FROM visit WHERE household = ? AND day <= ?`, []any{id, t.day}, &d.Day); err != nil {
			return err
		}
	}
	return nil
}

// order groups what is due by place: urgent first, then as people live.
func (t *looker) order() {
	by := map[string][]Due{}
	for _, d := range t.due {
		by[d.place] = append(by[d.place], *d)
	}
	ids := make([]string, 0, len(by))
	for id, list := range by {
		slices.SortFunc(list, func(a, b Due) int {
			return cmp.Or(cmp.Compare(a.Why, b.Why), natural(a.Code, b.Code), cmp.Compare(a.ID, b.ID))
		})
		ids = append(ids, id)
	}
	urgent := func(id string) int { return min(int(by[id][0].Why), int(Quota)) }
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(urgent(a)/int(Quota), urgent(b)/int(Quota)), t.places.byPlace(a, b))
	})
	for _, id := range ids {
		t.out.Groups = append(t.out.Groups, Group{Name: t.places.group(id), Due: by[id]})
	}
}

// JournalsWaiting counts one's own journals that want a look: returned for completion, or with new guidance.
func JournalsWaiting(v *replica.View, me syncproto.UserID) (n int, err error) {
	_, err = v.One(`SELECT (SELECT count(*) FROM journal WHERE author = ?1 AND state = 'returned') + (SELECT count(DISTINCT j.id) FROM review r JOIN journal j ON j.id = r.journal
		WHERE r.kind = 'guide' AND j.author = ?1 AND j.state <> 'returned' AND NOT EXISTS (SELECT 1 FROM mq_local l WHERE l.key = 'seen/' || r.id))`,
		[]any{string(me)}, &n)
	return n, err
}
