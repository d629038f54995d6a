package branch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/console/compare"
	"minqing/server/store"
	"minqing/syncproto"
)

// Record is one journal as its reviewer reads it.
type Record struct {
	Journal    syncproto.RowID
	Base       syncproto.Base // what a decision about it has seen
	State      string
	Text       string
	Since      []compare.Part // what changed since it was given back, or else since it was handed in; nil: nothing did
	Author     string
	AuthorPost string
	Day, Met   string
	Tasks      []string
	Received   time.Time
	Reviews    []Review // oldest first
	Photos     []syncproto.RowID
	OnTheWay   int // photos whose content has not come yet
}

// Review is a word of a reviewer.
type Review struct {
	Kind, Comment, By string
	At                time.Time
}

// Around is the household that a journal is about.
type Around struct {
	ID                  syncproto.RowID
	Head, Address, Code string
	Phone               string // masked
	Tags                []string
	Place               string
	People, AtHome      int
	Contacts            []Contact
	Months              []string // the last six, oldest first: “2026-06”
	Open, Answered      []Matter
	Before              []Before
	Words               []Spoken // newest first
}

// Spoken is what the household said itself, by its card: of the answer to a matter, or without one to those who contact it.
type Spoken struct{ ID, Day, Title, Mark, Text string }

// Contact is somebody who calls on the household, and how often in each month.
type Contact struct {
	Name, Team string
	Visits     []int
}

// Matter is a matter of the household.
type Matter struct{ ID, Title, State, Due string }

// Before is an earlier journal.
type Before struct{ Day, By, Text string }

// recent is how many months and earlier journals are shown.
const (
	recentMonths   = 6
	recentJournals = 3
	recentWords    = 5
)

// OneRecord reads a journal that lives.
func OneRecord(tx *store.Tx, id syncproto.RowID, zone *time.Location) (*Record, *Around, error) {
	stored, err := tx.Rows([]string{string(id)})
	if err != nil || len(stored) != 1 {
		return nil, nil, err
	}
	journals, err := rowsWhere(tx, "journal", "id", string(id))
	if err != nil || len(journals) == 0 {
		return nil, nil, err
	}
	j := journals[id]
	r := &Record{Journal: id, Base: syncproto.Base{Epoch: stored[0].Label.Epoch, Rev: stored[0].Label.Rev, Open: stored[0].Open}, Text: j.text("text")}
	r.State = tx.Book().Table("journal").FlowColumn().Flow.State(j.value("state"))
	visits, err := rowsWhere(tx, "visit", "id", j.text("visit"))
	if err != nil {
		return nil, nil, err
	}
	v := visits[syncproto.RowID(j.text("visit"))]
	if v.t == nil {
		return nil, nil, nil
	}
	r.Day, r.Met, r.Tasks = v.text("day"), v.text("met"), v.value("tasks").Elements()
	people, err := namesOf(tx, []string{j.text("author")})
	if err != nil {
		return nil, nil, err
	}
	r.Author, r.AuthorPost = people[j.text("author")].name, people[j.text("author")].post
	if err := r.readReviews(tx, zone); err != nil {
		return nil, nil, err
	}
	if err := r.readHistory(tx, zone); err != nil {
		return nil, nil, err
	}
	photos, err := rowsWhere(tx, "attachment", "visit", j.text("visit"))
	if err != nil {
		return nil, nil, err
	}
	if err := r.readPhotos(tx, photos); err != nil {
		return nil, nil, err
	}
	a, err := around(tx, syncproto.RowID(v.text("household")), j.text("visit"), time.UnixMilli(tx.Now()).In(zone))
	return r, a, err
}

// readPhotos tells photos whose content has come from those that are still on their way.
func (r *Record) readPhotos(tx *store.Tx, photos map[syncproto.RowID]row) error {
	ids := make([]string, 0, len(photos))
	for id := range photos {
		ids = append(ids, string(id))
	}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.RowID
		err := scan(&id)
		r.Photos = append(r.Photos, id)
		return err
	}, "SELECT row_id FROM mq_file WHERE row_id = ANY(?) ORDER BY row_id", ids)
	r.OnTheWay = len(photos) - len(r.Photos)
	return err
}

func (r *Record) readReviews(tx *store.Tx, zone *time.Location) error {
	rows, err := rowsWhere(tx, "review", "journal", string(r.Journal))
	if err != nil {
		return err
	}
	var ids, by []string
	for id, x := range rows {
		ids, by = append(ids, string(id)), append(by, x.text("author"))
	}
	at := map[string]int64{}
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		var ms int64
		err := scan(&id, &ms)
		at[id] = ms
		return err
	}, "SELECT row_id, MIN(received) FROM mq_history WHERE row_id = ANY(?) GROUP BY row_id", ids); err != nil {
		return err
	}
	names, err := namesOf(tx, by)
	for id, x := range rows {
		r.Reviews = append(r.Reviews, Review{Kind: x.text("kind"), Comment: x.text("comment"), By: names[x.text("author")].name, At: time.UnixMilli(at[string(id)]).In(zone)})
	}
	slices.SortFunc(r.Reviews, func(a, b Review) int { return a.At.Compare(b.At) })
	return err
}

// readHistory finds when the newest words came, and what they changed since the journal was given back, or, where it never was, since it was
// first handed in.
func (r *Record) readHistory(tx *store.Tx, zone *time.Location) error {
	versions, err := tx.Versions("row_id = ? ORDER BY seq, ord", string(r.Journal))
	if err != nil {
		return err
	}
	var back time.Time
	for _, x := range r.Reviews {
		if x.Kind == "return" {
			back = x.At
		}
	}
	handed := false
	for _, v := range versions {
		came := time.UnixMilli(v.Received).In(zone)
		r.Received = came
		counts := came.After(back) && !back.IsZero() || back.IsZero() && handed
		for _, c := range v.Cells {
			if c.Cell == "text" && counts && r.Since == nil {
				r.Since = compare.Texts(c.From.Str(), r.Text)
			}
			handed = handed || c.Cell == "state" && c.Value.Str() == StateSubmitted
		}
	}
	if compare.Edits(r.Since) == 0 {
		r.Since = nil
	}
	return nil
}

// around reads a household beside a visit of it.
func around(tx *store.Tx, id syncproto.RowID, visit string, now time.Time) (*Around, error) {
	homes, err := rowsWhere(tx, "household", "id", string(id))
	if err != nil || len(homes) == 0 {
		return nil, err
	}
	h := homes[id]
	a := &Around{ID: id, Head: h.text("head"), Address: h.text("address"), Code: h.text("code"), Tags: h.value("tags").Elements()}
	if p := h.text("phone"); p != "" {
		a.Phone = schema.MaskPhone(p)
	}
	if _, err := tx.One("SELECT COALESCE(name, '') FROM place WHERE id = ?", []any{h.text("place")}, &a.Place); err != nil {
		return nil, err
	}
	people, err := rowsWhere(tx, "resident", "household", string(id))
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		if life := p.text("life"); life == "died" || life == "moved" {
			continue
		}
		a.People++
		if p.text("away") == "" {
			a.AtHome++
		}
	}
	if err := a.readVisits(tx, visit, now); err != nil {
		return nil, err
	}
	matters, err := rowsWhere(tx, "matter", "household", string(id))
	if err != nil {
		return nil, err
	}
	flow := tx.Book().Table("matter").FlowColumn().Flow
	for id, m := range matters {
		x := Matter{ID: string(id), Title: m.text("title"), State: flow.State(m.value("state")), Due: m.text("due")}
		switch x.State {
		case "withdrawn":
		case "answered":
			a.Answered = append(a.Answered, x)
		default:
			a.Open = append(a.Open, x)
		}
	}
	byTitle := func(x, y Matter) int { return cmp.Compare(x.Title, y.Title) }
	words, err := rowsWhere(tx, "household_word", "household", string(id))
	if err != nil {
		return nil, err
	}
	for id, w := range words {
		x := Spoken{ID: string(id), Day: w.text("day"), Mark: w.text("mark"), Text: w.text("text")}
		if m := matters[syncproto.RowID(w.text("matter"))]; m.t != nil {
			x.Title = m.text("title")
		}
		a.Words = append(a.Words, x)
	}
	slices.SortFunc(a.Words, func(x, y Spoken) int { return cmp.Compare(y.ID, x.ID) })
	a.Words = a.Words[:min(len(a.Words), recentWords)]
	slices.SortFunc(a.Open, byTitle)
	slices.SortFunc(a.Answered, byTitle)
	return a, nil
}

// readVisits counts who called when, and finds the journals before.
func (a *Around) readVisits(tx *store.Tx, but string, now time.Time) error {
	for i := recentMonths - 1; i >= 0; i-- {
		a.Months = append(a.Months, time.Date(now.Year(), now.Month()-time.Month(i), 1, 0, 0, 0, 0, time.UTC).Format("2006-01"))
	}
	visits, err := rowsWhere(tx, "visit", "household", string(a.ID))
	if err != nil {
		return err
	}
	counts := map[string][]int{}
	var days []syncproto.RowID
	for id, v := range visits {
		who := v.text("author")
		if counts[who] == nil {
			counts[who] = make([]int, recentMonths)
		}
		if at := slices.Index(a.Months, strings.TrimSuffix(v.text("day")[:min(7, len(v.text("day")))], "-")); at >= 0 {
			counts[who][at]++
		}
		if string(id) != but {
			days = append(days, id)
		}
	}
	slices.SortFunc(days, func(x, y syncproto.RowID) int {
		return cmp.Or(cmp.Compare(visits[y].text("day"), visits[x].text("day")), cmp.Compare(y, x))
	})
	if err := a.readContacts(tx, counts, now.Format(time.DateOnly)); err != nil {
		return err
	}
	return a.readBefore(tx, days[:min(len(days), 3*recentJournals)], visits)
}

func (a *Around) readContacts(tx *store.Tx, counts map[string][]int, today string) error {
	rows, err := rowsWhere(tx, "assignment", "household", string(a.ID))
	if err != nil {
		return err
	}
	var ids []string
	teams := map[string]string{}
	for _, x := range rows {
		if until := x.text("until"); until == "" || until >= today {
			teams[x.text("user")] = x.text("team")
			ids = append(ids, x.text("user"))
		}
	}
	names, err := namesOf(tx, ids)
	for id, team := range teams {
		c := Contact{Name: names[id].name, Team: team, Visits: counts[id]}
		if c.Visits == nil {
			c.Visits = make([]int, recentMonths)
		}
		a.Contacts = append(a.Contacts, c)
	}
	slices.SortFunc(a.Contacts, func(x, y Contact) int { return cmp.Or(cmp.Compare(y.Team, x.Team), cmp.Compare(x.Name, y.Name)) })
	return err
}

func (a *Around) readBefore(tx *store.Tx, days []syncproto.RowID, visits map[syncproto.RowID]row) error {
	ids := make([]string, len(days))
	for i, d := range days {
		ids[i] = string(d)
	}
	journals, err := rowsWhere(tx, "journal", "visit", ids...)
	if err != nil {
		return err
	}
	byVisit := map[string]row{}
	var users []string
	for _, j := range journals {
		if j.text("text") != "" && tx.Book().Table("journal").FlowColumn().Flow.State(j.value("state")) != "draft" {
			byVisit[j.text("visit")] = j
			users = append(users, j.text("author"))
		}
	}
	names, err := namesOf(tx, users)
	for _, d := range ids {
		if j, ok := byVisit[d]; ok && len(a.Before) < recentJournals {
			a.Before = append(a.Before, Before{Day: visits[syncproto.RowID(d)].text("day"), By: names[j.text("author")].name, Text: j.text("text")})
		}
	}
	return err
}
