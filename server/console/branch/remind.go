package branch

import (
	"slices"
	"time"

	"minqing/server/store"
)

// Reminder is a word to a contact that a household waits for him.
type Reminder struct {
	By, To string // names
	At     time.Time
	Text   string
}

// Late are those contacts who have not made their visits of the month, or, where all have and it waits all the same, all of them; only one, if so
// asked. A household that stands well waits for nobody.
func (h *Home) Late(only string) (users []string) {
	if h.Standing == Enough || h.Standing == Nobody {
		return nil
	}
	all := !slices.ContainsFunc(h.contacts, func(x contact) bool { return x.owes })
	for _, x := range h.contacts {
		if (all || x.owes) && (only == "" || only == x.user) && !slices.Contains(users, x.user) {
			users = append(users, x.user)
		}
	}
	return users
}

// HomesAmong are those of some households that lie in a place, as they stand on a day.
func HomesAmong(tx *store.Tx, place string, homes []string, day string) ([]*Home, error) {
	var within []string
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		within = append(within, id)
		return err
	}, "SELECT h.id FROM household h JOIN mq_above a ON a.place = h.place WHERE h.id = ANY(?) AND a.above = ?", homes, place); err != nil {
		return nil, err
	}
	r, err := standings(tx, "h.id", within, day)
	if err != nil {
		return nil, err
	}
	c, err := covered(tx, r, place)
	return c.List(Standings, ""), err
}

// Reminders reads the newest reminder of each household, and tells who was reminded of which since a moment.
func Reminders(tx *store.Tx, homes []*Home, since time.Time) (recent map[[2]string]*Reminder, err error) {
	of := map[string]*Home{}
	var ids []string
	for _, h := range homes {
		ids, of[string(h.ID)] = append(ids, string(h.ID)), h
		h.Reminded = nil
	}
	rows, err := rowsWhere(tx, "reminder", "household", ids...)
	if err != nil {
		return nil, err
	}
	recent = map[[2]string]*Reminder{}
	var users []string
	for _, r := range rows {
		users = append(users, r.text("author"), r.text("user"))
	}
	names, err := namesOf(tx, users)
	if err != nil {
		return nil, err
	}
	for id, r := range rows {
		h := of[r.text("household")]
		x := &Reminder{By: names[r.text("author")].name, To: names[r.text("user")].name, At: madeAt(string(id), since.Location()), Text: r.text("text")}
		if h.Reminded == nil || x.At.After(h.Reminded.At) {
			h.Reminded = x
		}
		key := [2]string{string(h.ID), r.text("user")}
		if x.At.After(since) && (recent[key] == nil || x.At.After(recent[key].At)) {
			recent[key] = x
		}
	}
	return recent, nil
}
