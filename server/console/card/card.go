// Package card answers what a household's contact card opens: whom to call, and what became of what the household raised.
//
// It promises: whoever holds the card learns the names, posts and telephones of those who contact the household, and of each of its matters
// the title, the days, the stage and the answer that was delivered; nothing else of what was raised, nothing of its people, and nothing of any
// other household. What the household says through the card (say.go) goes to those who contact it, and is not shown here again. Of the village it tells how many matters of each kind were raised this year and what became of them, nothing of any one. Cards hang beside doors, so what they open is written for whoever walks by. Numbers that may be somebody's telephone or ID are
// masked in titles and answers.
package card

import (
	"regexp"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Card is what a card opens.
type Card struct {
	Serial   string
	id, home string // of its row and of the household
	village  string // id
	Town     string // with the village: 柳河镇 石桥村
	Village  string
	Group    string // "" where the household lies in the village itself
	Contacts []Contact
	Matters  []Matter // newest first
	Board    []Tally  // of the village, this year
	Messages int      // left by the household, and when the last of them was
	LastSaid string
	Next     string // where the next page begins, "" on the last
}

// Contact is somebody who contacts the household.
type Contact struct{ Name, Post, Phone, Team string }

// Matter is one matter: where it stands, and since when.
type Matter struct {
	State  string // of the flow
	Title  string
	Day    string // when it was noted down
	Four   [4]Stage
	Answer string // once it was delivered
	Code   string // by which the household says what it thinks of the answer
	Said   Said
}

// Stage is one of 一记 一议 一办 一馈. State is "done", "now" or "".
type Stage struct{ Kind, State, Day string }

// page is how many matters are shown at once.
const page = 20

// decoy is looked up for what is no serial, so that it costs what an unknown one costs. The form of serials has no such letter.
const decoy = "UUUU-UUUU-UUUU-UUUU"

// Home is the id of the household.
func (c *Card) Home() string { return c.home }

// Open reads the card of a serial on a day, from a matter on; nil when nothing is to be seen under it: it is no serial, it was never issued
// or was withdrawn, or the household is gone.
func Open(tx *store.Tx, typed, today, from string) (*Card, error) {
	serial, ok := syncproto.CardSerial(typed)
	if !ok {
		serial = decoy
	}
	c := &Card{Serial: serial}
	var place string
	found, err := tx.One("SELECT c.id, h.id, COALESCE(h.place, '') FROM contact_card c JOIN household h ON h.id = c.household WHERE c.serial = ? ORDER BY c.id LIMIT 1", []any{serial}, &c.id, &c.home, &place)
	if err != nil || !found {
		return nil, err
	}
	if err := c.readPlace(tx, place); err != nil {
		return nil, err
	}
	if err := c.readContacts(tx, c.home, today); err != nil {
		return nil, err
	}
	if from == "" { // the first part of the page has it
		if err := c.readBoard(tx, today); err != nil {
			return nil, err
		}
	}
	return c, c.readMatters(tx, c.home, from)
}

// deepest bounds how many places lie above one another.
const deepest = 8

func (c *Card) readPlace(tx *store.Tx, at string) error {
	for range deepest {
		var up, name, level string
		found, err := tx.One("SELECT COALESCE(parent, ''), COALESCE(name, ''), COALESCE(level, '') FROM place WHERE id = ?", []any{at}, &up, &name, &level)
		if err != nil || !found {
			return err
		}
		switch level {
		case "city":
			return nil
		case "township":
			c.Town = name
		case "village":
			c.Village, c.village = name, at
		case "district":
		default:
			if c.Group == "" {
				c.Group = name
			}
		}
		at = up
	}
	return nil
}

// readContacts finds who contacts the household on a day: those next door first. Who has left office cannot be reached.
func (c *Card) readContacts(tx *store.Tx, home, today string) error {
	return tx.Each(func(scan func(...any) error) error {
		var x Contact
		if err := scan(&x.Name, &x.Post, &x.Phone, &x.Team); err != nil {
			return err
		}
		c.Contacts = append(c.Contacts, x)
		return nil
	}, `SELECT COALESCE(u.name, ''), COALESCE(u.post, ''), COALESCE(u.phone, ''), COALESCE(a.team, '') FROM assignment a JOIN "user" u ON u.id = a."user"
		WHERE a.household = ? AND COALESCE(a.since, '') <= ? AND (a.until IS NULL OR a.until >= ?) AND (u.ended IS NULL OR u.ended >= ?)
		ORDER BY CASE a.team WHEN 'member' THEN 1 WHEN 'cadre' THEN 2 ELSE 3 END, u.name, u.id`, home, today, today, today)
}

// beyond is how many of the four lie behind a matter in a state.
var beyond = map[string]int{"recorded": 1, "discussing": 1, "referred": 1, "assigned": 2, "handling": 2, "handled": 3, "answered": 4, "withdrawn": 1}

var kinds = []string{"record", "discuss", "handle", "answer"}

func (c *Card) readMatters(tx *store.Tx, home, from string) error {
	if !schema.ValidID(from) {
		from = "g" // beyond every id
	}
	flow := tx.Book().Table("matter").FlowColumn().Flow
	var ids []string
	at := map[string]int{}
	err := tx.Each(func(scan func(...any) error) error {
		var id, state, title string
		if err := scan(&id, &state, &title); err != nil {
			return err
		}
		m := Matter{State: state, Title: masked(title), Code: c.code(id)}
		for i, kind := range kinds {
			m.Four[i].Kind = kind
			switch n := beyond[state]; {
			case i < n:
				m.Four[i].State = "done"
			case i == n && state != "withdrawn":
				m.Four[i].State = "now"
			}
		}
		at[id] = len(ids)
		ids, c.Matters = append(ids, id), append(c.Matters, m)
		return nil
	}, "SELECT id, COALESCE(state, ?), COALESCE(title, '') FROM matter WHERE household = ? AND id < ? ORDER BY id DESC LIMIT ?", flow.Initial, home, from, int64(page+1))
	if err != nil {
		return err
	}
	if len(ids) > page {
		ids, c.Matters = ids[:page], c.Matters[:page]
		c.Next = ids[page-1]
	}
	if err := c.readSaid(tx, at); err != nil {
		return err
	}
	return tx.Each(func(scan func(...any) error) error {
		var id, kind, day, text string
		if err := scan(&id, &kind, &day, &text); err != nil {
			return err
		}
		m := &c.Matters[at[id]]
		i := slices.Index(kinds, kind)
		if i < 0 {
			return nil
		}
		if kind == "record" && m.Day == "" {
			m.Day = day
		}
		// The first day of the note, the last of everything after it.
		if s := &m.Four[i]; s.State != "" && (i > 0 || s.Day == "") {
			s.Day = day
		}
		if kind == "answer" && m.State == "answered" {
			m.Answer = masked(text)
		}
		return nil
	}, "SELECT matter, COALESCE(kind, ''), COALESCE(day, ''), COALESCE(text, '') FROM matter_step WHERE matter = ANY(?) ORDER BY day, id", ids)
}

// Tally is how many matters of a kind were raised, and what became of them: no matter is told apart from another.
type Tally struct {
	Kind                      string
	Raised, Handled, Answered int
}

// readBoard counts the village's matters of this year by kind; those that were withdrawn are left out.
func (c *Card) readBoard(tx *store.Tx, today string) error {
	if c.village == "" {
		return nil
	}
	places, err := register.Beneath(tx, c.village)
	if err != nil {
		return err
	}
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	return tx.Each(func(scan func(...any) error) error {
		var t Tally
		var raised, handled, answered int64
		err := scan(&t.Kind, &raised, &handled, &answered)
		t.Raised, t.Handled, t.Answered = int(raised), int(handled), int(answered)
		c.Board = append(c.Board, t)
		return err
	}, `SELECT COALESCE(m.kind, ''), COUNT(DISTINCT m.id), COUNT(DISTINCT CASE WHEN m.state IN ('handled', 'answered') THEN m.id END), COUNT(DISTINCT CASE WHEN m.state = 'answered' THEN m.id END)
		FROM household h JOIN matter m ON m.household = h.id JOIN matter_step s ON s.matter = m.id
		WHERE h.place = ANY(?) AND s.kind = 'record' AND s.day >= ? AND COALESCE(m.state, '') <> 'withdrawn' GROUP BY m.kind ORDER BY COUNT(DISTINCT m.id) DESC, m.kind`, ids, today[:4]+"-01-01")
}

// numbers are what may be a telephone or an ID: seven digits and more in a row, or grouped as telephones are.
var numbers = regexp.MustCompile(`[0-9０-９]{7,}[XxＸｘ]?|1[0-9]{2}[ -][0-9]{4}[ -][0-9]{4}|0[0-9]{2,3}[ -][0-9]{3,4}[ -]?[0-9]{4}|[0-9]{6} [0-9]{4,8} ?[0-9]{0,4} ?[0-9]{2,3}[0-9Xx]`)

func masked(text string) string {
	return numbers.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("*", len([]rune(s))) })
}
