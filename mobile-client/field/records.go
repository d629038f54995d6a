package field

import (
	"encoding/json"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// Record is one journal or matter in a list, or whole.
type Record struct {
	ID, Visit                      syncproto.RowID
	Home                           Home
	Author                         syncproto.UserID
	By, Post                       string
	Day, Met, Text, State, Comment string
	Kind, What, Detail, RaisedBy   string
	Due                            string
	Urgency, Tasks                 string
	Guided                         bool // with guidance that was not looked at yet
	Where                          replica.Whereabouts
}

// fewJournals is how many of one's own are put in order whole. A page of more is found by going back along the days of the visits, which on
// a phone that holds so many are nearly all one's own.
const fewJournals = 500

// Journals are a user's own, those that came back first, then by the day of the visit, the newest first, and of one day as they were written;
// from one on and at most so many of all. Sorting all of them would read every visit of a year for a page of fifty: those that came back are
// few and have an index, and the others lie along the days of the visits. Last come those whose visit was deleted beside them. (The pluses and
// CROSS keep SQLite from gathering all of an author's first.)
func Journals(v *replica.View, me syncproto.UserID, from, most int) (out []Record, all int, err error) {
	back := 0
	if _, err := v.One(`SELECT count(*) FROM journal WHERE author = ?`, []any{string(me)}, &all); err != nil {
		return nil, 0, err
	}
	if _, err := v.One(`SELECT count(*) FROM journal WHERE author = ? AND state = 'returned'`, []any{string(me)}, &back); err != nil {
		return nil, 0, err
	}
	const (
		own     = `journal j LEFT JOIN visit v ON v.id = j.visit WHERE j.author = ? AND `
		came    = own + `j.state = 'returned'`
		others  = own + `+j.state IS NOT 'returned'`
		dated   = `visit v CROSS JOIN journal j ON j.visit = v.id WHERE v.day IS NOT NULL AND +j.author = ? AND +j.state IS NOT 'returned'`
		undated = others + ` AND v.day IS NULL`
	)
	var ids []syncproto.RowID
	part := func(which string, skip int) error {
		var id syncproto.RowID
		return v.Each(`SELECT j.id FROM `+which+` ORDER BY v.day DESC, j.id DESC LIMIT ? OFFSET ?`, []any{string(me), most - len(ids), max(0, skip)}, []any{&id}, func() error {
			ids = append(ids, id)
			return nil
		})
	}
	if from < back {
		err = part(came, from)
	}
	switch skip := from - back; {
	case err != nil || len(ids) == most:
	case all <= fewJournals:
		err = part(others, skip)
	default:
		if err = part(dated, skip); err == nil && len(ids) < most {
			n := 0
			if _, err = v.One(`SELECT count(*) FROM `+undated, []any{string(me)}, &n); err == nil && n > 0 {
				err = part(undated, skip-(all-back-n))
			}
		}
	}
	if err == nil {
		out, err = journals(v, ids)
	}
	if err == nil {
		err = whereabouts(v, "journal", out)
	}
	return out, all, err
}

// journals are journals as lists show them, in the order given.
func journals(v *replica.View, ids []syncproto.RowID) (out []Record, err error) {
	raw, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	var r Record
	err = v.Each(`SELECT j.id, coalesce(v.id, ''), coalesce(v.day, ''), coalesce(j.text, ''), coalesce(j.state, 'draft'), coalesce(h.id, ''), coalesce(h.head, ''), coalesce(h.code, ''),
		coalesce((SELECT r.comment FROM review r WHERE r.journal = j.id AND r.comment IS NOT NULL ORDER BY r.id DESC LIMIT 1), ''),
		EXISTS (SELECT 1 FROM review r WHERE r.journal = j.id AND r.kind = 'guide' AND NOT EXISTS (SELECT 1 FROM mq_local l WHERE l.key = 'seen/' || r.id))
		FROM json_each(?) x CROSS JOIN journal j ON j.id = x.value LEFT JOIN visit v ON v.id = j.visit LEFT JOIN household h ON h.id = v.household ORDER BY x.key`,
		[]any{string(raw)}, []any{&r.ID, &r.Visit, &r.Day, &r.Text, &r.State, &r.Home.ID, &r.Home.Head, &r.Home.Code, &r.Comment, &r.Guided}, func() error {
			out = append(out, r)
			return nil
		})
	return out, err
}

func whereabouts(v *replica.View, table string, list []Record) (err error) {
	for i := range list {
		if list[i].Where, err = v.Where(table, list[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// Step is one entry of the story of a record: a review of a journal, a step of a matter.
type Step struct {
	ID       syncproto.RowID
	Kind     string // of the schema's options
	Day      string // "" for a review, whose id says when
	Text     string
	Author   syncproto.UserID
	By, Post string
	Mark     string // of the household's own word: what it thinks, of the schema's options
	Own      bool   // the household said it itself, by its card
}

// OneJournal is a journal with what was written under it, oldest first, and the photos of its visit.
func OneJournal(v *replica.View, id syncproto.RowID) (r Record, steps []Step, photos []syncproto.RowID, ok bool, err error) {
	ok, err = v.One(`SELECT j.id, v.id, coalesce(v.day, ''), coalesce(v.met, ''), coalesce(v.tasks, ''), coalesce(j.text, ''), coalesce(j.state, 'draft'), coalesce(j.author, ''), coalesce(u.name, ''), coalesce(u.post, ''),
		coalesce(h.id, ''), coalesce(h.head, ''), coalesce(h.code, '') FROM journal j JOIN visit v ON v.id = j.visit LEFT JOIN household h ON h.id = v.household
		LEFT JOIN "user" u ON u.id = j.author WHERE j.id = ?`, []any{string(id)}, &r.ID, &r.Visit, &r.Day, &r.Met, &r.Tasks, &r.Text, &r.State, &r.Author, &r.By, &r.Post, &r.Home.ID, &r.Home.Head, &r.Home.Code)
	if err != nil || !ok {
		return r, nil, nil, ok, err
	}
	if r.Where, err = v.Where("journal", id); err != nil {
		return r, nil, nil, ok, err
	}
	var s Step
	if err := v.Each(`SELECT r.id, coalesce(r.kind, ''), coalesce(r.comment, ''), coalesce(r.author, ''), coalesce(u.name, ''), coalesce(u.post, '') FROM review r LEFT JOIN "user" u ON u.id = r.author
		WHERE r.journal = ? ORDER BY r.id`, []any{string(id)}, []any{&s.ID, &s.Kind, &s.Text, &s.Author, &s.By, &s.Post}, func() error {
		steps = append(steps, s)
		return nil
	}); err != nil {
		return r, nil, nil, ok, err
	}
	var photo syncproto.RowID
	err = v.Each(`SELECT id FROM attachment WHERE visit = ? ORDER BY id`, []any{string(r.Visit)}, []any{&photo}, func() error {
		photos = append(photos, photo)
		return nil
	})
	return r, steps, photos, ok, err
}

// Matters are those of the households on this phone: answers to deliver first, then the open ones by urgency and age, then the closed; from
// one on and at most so many of all.
func Matters(v *replica.View, from, most int) (out []Record, all int, err error) {
	if _, err := v.One(`SELECT count(*) FROM matter`, nil, &all); err != nil {
		return nil, 0, err
	}
	var r Record
	err = v.Each(`SELECT m.id, coalesce(m.title, ''), coalesce(m.state, 'recorded'), coalesce(m.due, ''), coalesce(m.urgency, 0), coalesce(m.kind, ''), coalesce(h.id, ''), coalesce(h.head, ''), coalesce(h.code, '')
		FROM matter m LEFT JOIN household h ON h.id = m.household
		ORDER BY CASE m.state WHEN 'handled' THEN 0 WHEN 'answered' THEN 2 WHEN 'withdrawn' THEN 2 ELSE 1 END, coalesce(m.urgency, 0) DESC, m.id DESC LIMIT ? OFFSET ?`,
		[]any{most, from}, []any{&r.ID, &r.What, &r.State, &r.Due, &r.Urgency, &r.Kind, &r.Home.ID, &r.Home.Head, &r.Home.Code}, func() error {
			out = append(out, r)
			return nil
		})
	if err == nil {
		err = whereabouts(v, "matter", out)
	}
	return out, all, err
}

// OneMatter is a matter with its steps, newest first, and among them what the household said itself.
func OneMatter(v *replica.View, id syncproto.RowID) (r Record, steps []Step, ok bool, err error) {
	ok, err = v.One(`SELECT m.id, coalesce(m.title, ''), coalesce(m.state, 'recorded'), coalesce(m.due, ''), coalesce(m.urgency, 0), coalesce(m.kind, ''), coalesce(m.detail, ''), coalesce(m.raised_by, ''),
		coalesce(m.author, ''), coalesce(u.name, ''), coalesce(u.post, ''), coalesce(h.id, ''), coalesce(h.head, ''), coalesce(h.code, '')
		FROM matter m LEFT JOIN household h ON h.id = m.household LEFT JOIN "user" u ON u.id = m.author WHERE m.id = ?`, []any{string(id)},
		&r.ID, &r.What, &r.State, &r.Due, &r.Urgency, &r.Kind, &r.Detail, &r.RaisedBy, &r.Author, &r.By, &r.Post, &r.Home.ID, &r.Home.Head, &r.Home.Code)
	if err != nil || !ok {
		return r, nil, ok, err
	}
	if r.Where, err = v.Where("matter", id); err != nil {
		return r, nil, ok, err
	}
	var s Step
	var own int
	err = v.Each(`SELECT s.id, coalesce(s.kind, ''), coalesce(s.day, ''), coalesce(s.text, ''), coalesce(s.author, ''), coalesce(u.name, ''), coalesce(u.post, ''), '', 0 FROM matter_step s
		LEFT JOIN "user" u ON u.id = s.author WHERE s.matter = ?1 UNION ALL
		SELECT w.id, 'word', w.day, coalesce(w.text, ''), '', '', '', coalesce(w.mark, ''), 1 FROM household_word w WHERE w.matter = ?1 ORDER BY 3 DESC, 1 DESC`,
		[]any{string(id)}, []any{&s.ID, &s.Kind, &s.Day, &s.Text, &s.Author, &s.By, &s.Post, &s.Mark, &own}, func() error {
			s.Own = own != 0
			steps = append(steps, s)
			return nil
		})
	return r, steps, ok, err
}
