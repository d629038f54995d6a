package branch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Record is one journal as its reviewer reads it.
type Record struct {
	Journal    syncproto.RowID
	Base       syncproto.Base // what a decision about it has seen
	State      string
	Text       string
	Edits      map[string]*Edited // by table and column; what nobody edited since is not there
	Author     string
	AuthorPost string
	Day, Met   string
	Tasks      []string
	Received   time.Time
	Reviews    []Review // oldest first
	Photos     []syncproto.RowID
	Added      []syncproto.RowID // photos that came since
	PhotoEdits []*PhotoEdit
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
type Matter struct {
	ID, Title, State, Due string
	Edit                  *MatterEdit
}

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
	journals, err := rowsWhere(tx, "journal", "id", string(id))
	if err != nil || len(journals) == 0 {
		return nil, nil, err
	}
	j := journals[id]
	beneath, err := tx.Children([]string{j.text("visit")})
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(beneath, func(x *store.Row) bool { return x.ID == id })
	visits, err := rowsWhere(tx, "visit", "id", j.text("visit"))
	if err != nil {
		return nil, nil, err
	}
	v := visits[syncproto.RowID(j.text("visit"))]
	if v.t == nil || at < 0 {
		return nil, nil, nil
	}
	r := &Record{Journal: id, Base: syncproto.Base{Epoch: beneath[at].Label.Epoch, Rev: beneath[at].Label.Rev, Open: beneath[at].Open}, Text: j.text("text")}
	r.State = tx.Book().Table("journal").FlowColumn().Flow.State(j.value("state"))
	r.Day, r.Met, r.Tasks = v.text("day"), v.text("met"), v.value("tasks").Elements()
	people, err := namesOf(tx, []string{j.text("author")})
	if err != nil {
		return nil, nil, err
	}
	r.Author, r.AuthorPost = people[j.text("author")].name, people[j.text("author")].post
	if err := r.readReviews(tx, zone); err != nil {
		return nil, nil, err
	}
	matters, err := rowsWhere(tx, "matter", "household", v.text("household"))
	if err != nil {
		return nil, nil, err
	}
	edits, err := r.readHistory(tx, j, v, beneath, matters, zone)
	if err != nil {
		return nil, nil, err
	}
	if err := r.readPhotos(tx, beneath); err != nil {
		return nil, nil, err
	}
	a, err := around(tx, syncproto.RowID(v.text("household")), j.text("visit"), matters, edits, time.UnixMilli(tx.Now()).In(zone))
	return r, a, err
}

// readPhotos tells photos whose content has come from those that are still on their way.
func (r *Record) readPhotos(tx *store.Tx, beneath []*store.Row) error {
	var ids []string
	for _, x := range beneath {
		if x.Table == "attachment" && x.Dead == 0 {
			ids = append(ids, string(x.ID))
		}
	}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.RowID
		err := scan(&id)
		r.Photos = append(r.Photos, id)
		return err
	}, "SELECT row_id FROM mq_file WHERE row_id = ANY(?) ORDER BY row_id", ids)
	r.OnTheWay = len(ids) - len(r.Photos)
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

// readHistory finds when the newest words came, and what was edited since the journal was given back, or, where it never was, since it was first
// handed in: of the journal, its visit and the visit's photos, and, of what was given back and is not accepted yet, of the author's matters of
// the household, which he may have been asked to record or mend. All of it is one question.
func (r *Record) readHistory(tx *store.Tx, j, v row, beneath []*store.Row, matters map[syncproto.RowID]row, zone *time.Location) (map[syncproto.RowID]*MatterEdit, error) {
	visit := syncproto.RowID(j.text("visit"))
	ids := []string{string(r.Journal), string(visit)}
	photos := slices.DeleteFunc(slices.Clone(beneath), func(x *store.Row) bool { return x.Table != "attachment" })
	for _, x := range photos {
		ids = append(ids, string(x.ID))
	}
	var raised []syncproto.RowID
	var back int64
	for _, x := range r.Reviews {
		if x.Kind == "return" {
			back = x.At.UnixMilli()
		}
	}
	for id, m := range matters {
		if back > 0 && m.text("author") == j.text("author") && (r.State == StateSubmitted || r.State == StateReturned) {
			raised, ids = append(raised, id), append(ids, string(id))
		}
	}
	versions, err := tx.Versions("row_id = ANY(?) ORDER BY received, stream, seq, ord", ids)
	if err != nil {
		return nil, err
	}
	s := &since{tx: tx, zone: zone, past: make(map[syncproto.RowID][]*store.Version, len(ids))}
	for _, x := range versions {
		s.past[x.Row] = append(s.past[x.Row], x)
	}
	for _, x := range s.past[r.Journal] {
		r.Received = time.UnixMilli(x.Received).In(zone)
	}
	if s.cut = back; back == 0 {
		s.cut = handedIn(s.past[r.Journal])
	}
	if s.cut == 0 {
		return nil, nil
	}
	r.Edits = map[string]*Edited{}
	for _, x := range []struct {
		id   syncproto.RowID
		r    row
		name string
	}{{r.Journal, j, "text"}, {visit, v, "household"}, {visit, v, "day"}, {visit, v, "met"}, {visit, v, "tasks"}} {
		if e := s.edited(x.id, x.r, x.name); e != nil {
			r.Edits[x.r.t.Name+"."+x.name] = e
		}
	}
	if e := r.Edits["visit.household"]; e != nil {
		if err := e.headOf(tx); err != nil {
			return nil, err
		}
	}
	r.Added, r.PhotoEdits = s.photos(photos)
	edits := map[syncproto.RowID]*MatterEdit{}
	for _, id := range raised {
		edits[id] = s.matter(id, matters[id])
	}
	return edits, s.name()
}

// around reads a household beside a visit of it.
func around(tx *store.Tx, id syncproto.RowID, visit string, matters map[syncproto.RowID]row, edits map[syncproto.RowID]*MatterEdit, now time.Time) (*Around, error) {
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
	flow := tx.Book().Table("matter").FlowColumn().Flow
	for id, m := range matters {
		x := Matter{ID: string(id), Title: m.text("title"), State: flow.State(m.value("state")), Due: m.text("due"), Edit: edits[id]}
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
