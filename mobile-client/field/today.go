package field

import (
	"math/bits"
	"strconv"
	"strings"
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
	Spoke                      // the household said something by its card that was not looked at yet
	Guided                     // the secretary wrote guidance that was not looked at yet
	Reminded                   // the branch said that the household waits
	Quota                      // Lack visits of this month are still to be made
)

// Due is one household that needs a hand, and why: the most urgent of its reasons.
type Due struct {
	Home
	Why  Reason
	Row  syncproto.RowID // of the matter or the journal
	Text string          // the matter's title, what the secretary wrote
	By   string          // who reminded
	Mark string          // what the household thinks of an answer, of the schema's options
	Day  string          // the day promised; for Quota the last visit, "" if there was none
	Made string          // the day on which the promise was made
	Lack int
	Did  int // visits of this month
}

// Group is the households of one place that are due.
type Group struct {
	Name string
	N    int   // households due
	Due  []Due // those that fit
}

// Day is what a cadre is to see on a day.
type Day struct {
	Total  int  // households he contacts
	Done   int  // those whose visits of the month are made
	Twice  bool // some household wants more than one visit a month
	Left   int  // days left in the month after today
	Groups []Group
	Rest   int    // households due that did not fit
	Next   string // the next day that was promised after today, "" if none
}

// Today tells who is due on a day (local, YYYY-MM-DD), at most so many households.
func Today(v *replica.View, me syncproto.UserID, day string, most int) (*Day, error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, err
	}
	t := &looker{v: v, me: string(me), day: day, first: day[:8] + "01", most: most, mine: map[string]*mine{},
		out: &Day{Left: at.AddDate(0, 1, 1-at.Day()).AddDate(0, 0, -1).Day() - at.Day()}}
	for _, step := range []func() error{t.load, t.month, t.promises, t.answers, t.returned, t.spoken, t.guidance, t.reminders, t.order} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return t.out, nil
}

// looker gathers what is due. Households are known by id alone until it is clear which of them are shown.
type looker struct {
	v      *replica.View
	me     string
	day    string
	first  string // of the month
	most   int
	places places
	all    []entry          // the households on this phone
	mine   map[string]*mine // of them, those that the user contacts
	out    *Day
}

// mine is a household that the user contacts.
type mine struct {
	team string
	owed int    // visits a month
	days uint32 // of this month on which it was visited, a bit a day
	due  *Due   // the most urgent reason, the quota's left out
}

func (m *mine) did() int { return bits.OnesCount32(m.days) }

func (m *mine) lack() int { return max(0, m.owed-m.did()) }

// why is the reason for which it is shown, 0 if there is none.
func (m *mine) why() Reason {
	switch {
	case m == nil:
		return 0
	case m.due != nil:
		return m.due.Why
	case m.lack() > 0:
		return Quota
	}
	return 0
}

// load reads the households that are assigned on the day, each once.
func (t *looker) load() (err error) {
	if t.places, err = loadPlaces(t.v); err != nil {
		return err
	}
	quota, err := loadQuota(t.v, t.places)
	if err != nil {
		return err
	}
	if t.all, err = matching(t.v, ""); err != nil {
		return err
	}
	teams := make(map[string]string, len(t.all))
	err = pairs(t.v, `SELECT coalesce(group_concat(a.household || char(31) || coalesce(a.team, ''), char(30)), '') FROM assignment a WHERE a."user" = ?1
		AND coalesce(a.since, '') <= ?2 AND (a.until IS NULL OR a.until >= ?2) AND a.household IS NOT NULL`, []any{t.me, t.day}, func(home, team string) {
		if have, twice := teams[home]; !twice || team < have {
			teams[home] = team
		}
	})
	for _, e := range t.all {
		if team, ok := teams[e.row]; ok {
			m := &mine{team: team, owed: quota.of(team, e.group)}
			t.mine[e.row] = m
			t.out.Twice = t.out.Twice || m.owed > 1
		}
	}
	t.out.Total = len(t.mine)
	return err
}

// mark notes a reason, unless a more urgent one is there.
func (t *looker) mark(home string, d Due) {
	if m := t.mine[home]; m != nil && (m.due == nil || d.Why < m.due.Why) {
		m.due = &d
	}
}

// month notes the days of this month on which each household was visited.
func (t *looker) month() error {
	return pairs(t.v, `SELECT coalesce(group_concat(household || char(31) || day, char(30)), '') FROM visit WHERE author = ? AND day BETWEEN ? AND ? AND household IS NOT NULL`,
		[]any{t.me, t.first, t.day}, func(home, day string) {
			if m := t.mine[home]; m != nil {
				if n, err := strconv.Atoi(strings.TrimPrefix(day, t.first[:8])); err == nil {
					m.days |= 1 << n
				}
			}
		})
}

// stale is how many days an old promise is still shown for: after that the quota speaks.
const stale = 60

// promises are the last word of each household's last visit: one that was kept has a later visit. The plus keeps SQLite from going
// along the author, who wrote nearly all.
func (t *looker) promises() error {
	at, err := time.Parse(time.DateOnly, t.day)
	if err != nil {
		return err
	}
	var home, next, made string
	return t.v.Each(`SELECT v.household, v.next_day, v.day FROM visit v WHERE v.next_day >= ? AND +v.author = ? AND NOT EXISTS (SELECT 1 FROM visit w
		WHERE w.household = v.household AND w.author = v.author AND (w.day > v.day OR w.day = v.day AND w.id > v.id))`,
		[]any{at.AddDate(0, 0, -stale).Format(time.DateOnly), t.me}, []any{&home, &next, &made}, func() error {
			switch {
			case t.mine[home] == nil:
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

// spoken is what households said by their cards and was not looked at: the newest of each.
func (t *looker) spoken() error {
	words := map[string]Due{}
	var id, home, text, mark string
	err := t.v.Each(`SELECT w.id, w.household, coalesce(w.text, ''), coalesce(w.mark, '') FROM household_word w
		WHERE NOT EXISTS (SELECT 1 FROM mq_local l WHERE l.key = 'seen/' || w.id) ORDER BY w.id`, nil, []any{&id, &home, &text, &mark}, func() error {
		words[home] = Due{Why: Spoke, Row: syncproto.RowID(id), Text: text, Mark: mark}
		return nil
	})
	for home, d := range words {
		t.mark(home, d)
	}
	return err
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

// reminders are the newest word of the branch on each household that no visit has answered since.
func (t *looker) reminders() error {
	at, err := time.Parse(time.DateOnly, t.day)
	if err != nil {
		return err
	}
	said := map[string]Due{}
	var home, text, by, day string
	err = t.v.Each(`SELECT r.household, coalesce(r.text, ''), coalesce(u.name, ''), r.day FROM reminder r LEFT JOIN "user" u ON u.id = r.author
		WHERE r."user" = ?1 AND r.day >= ?2 AND NOT EXISTS (SELECT 1 FROM visit v WHERE v.household = r.household AND v.author = ?1 AND v.day >= r.day) ORDER BY r.id`,
		[]any{t.me, at.AddDate(0, 0, -stale).Format(time.DateOnly)}, []any{&home, &text, &by, &day}, func() error {
			said[home] = Due{Why: Reminded, Text: text, By: by, Day: day}
			return nil
		})
	for home, d := range said {
		t.mark(home, d)
	}
	return err
}

// order groups what is due by place, groups with something urgent first, and in each the urgent first, then as people live; and reads
// the households that fit.
func (t *looker) order() error {
	var due []entry
	counts := map[string]int{}
	for _, e := range t.all {
		m := t.mine[e.row]
		if m != nil && m.lack() == 0 {
			t.out.Done++
		}
		if m.why() != 0 {
			due = append(due, e)
			counts[e.group]++
		}
	}
	first := t.places.part(due, func(e entry) Reason { return t.mine[e.row].why() }, 0, t.most)
	t.out.Rest = len(due) - len(first)
	shown, err := lines(t.v, t.places, t.me, t.day, first)
	for i, l := range shown {
		m := t.mine[string(l.ID)]
		d := Due{Why: Quota, Lack: m.lack(), Day: l.Last}
		if m.due != nil {
			d = *m.due
		}
		d.Home, d.Did = l.Home, m.did()
		if i == 0 || l.place != shown[i-1].place {
			t.out.Groups = append(t.out.Groups, Group{Name: l.Group, N: counts[l.place]})
		}
		g := &t.out.Groups[len(t.out.Groups)-1]
		g.Due = append(g.Due, d)
	}
	return err
}

// JournalsWaiting counts one's own journals that want a look: returned for completion, or with new guidance.
func JournalsWaiting(v *replica.View, me syncproto.UserID) (n int, err error) {
	_, err = v.One(`SELECT (SELECT count(*) FROM journal WHERE author = ?1 AND state = 'returned') + (SELECT count(DISTINCT j.id) FROM review r JOIN journal j ON j.id = r.journal
		WHERE r.kind = 'guide' AND j.author = ?1 AND j.state IS NOT 'returned' AND NOT EXISTS (SELECT 1 FROM mq_local l WHERE l.key = 'seen/' || r.id))`,
		[]any{string(me)}, &n)
	return n, err
}
