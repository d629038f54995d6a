package field

import (
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// Household is one household whole, as its contact needs it at the door.
type Household struct {
	Home
	Mine    bool // the user contacts it
	Address string
	Phone   string
	Tags    []string // values of the schema's options, or free words
	Note    string
	Promise string // the day promised by the user's last visit, "" if none
	Made    string
	People  []Person
	Gone    []Person // moved away or died
	Open    []Matter
	Told    []Matter // answered, newest first
	Visits  []Visit  // newest first, as many as were asked for
	Number  int      // visits there are
	Year    int      // visits of this year
	Cards   []Card   // newest first
	Words   []Word   // that it said by its card, newest first
	Reminds []Remind // of the user, that no visit of his has answered; newest first
}

// Word is what a household said by its card: of the answer to a matter, or without one to those who contact it.
type Word struct {
	ID, Matter             syncproto.RowID
	Title, Mark, Text, Day string // Title is the matter's
	Fresh                  bool   // not looked at yet
}

// Remind is a word of the branch that the household waits for its contact.
type Remind struct{ By, Day, Text string }

// Person is one of a household.
type Person struct {
	ID                                   syncproto.RowID
	Name, Relation, Birth, Phone         string
	Away, Disability, Work, Masked, Life string
	Party                                bool
	Age                                  int // -1 when the birth date is not known
}

// Matter is one matter in a list.
type Matter struct {
	ID    syncproto.RowID
	Title string
	State string // of the schema's flow
	Word  string // what the last step says
	Day   string // of the last step
}

// Visit is one visit with what was written about it.
type Visit struct {
	ID, Journal syncproto.RowID // Journal is "" when none was written
	Day         string
	Author      syncproto.UserID
	By, Post    string
	Met, Text   string
	State       string // of the journal
	Where       replica.Whereabouts
}

// Card is one contact card.
type Card struct {
	Serial, Issued string
}

// OneHousehold answers all about a household on a day; ok is false when it does not show.
func OneHousehold(v *replica.View, me syncproto.UserID, id syncproto.RowID, day string, visits int) (h *Household, ok bool, err error) {
	p, err := loadPlaces(v)
	if err != nil {
		return nil, false, err
	}
	h = &Household{Home: Home{ID: id}}
	var tags string
	ok, err = v.One(`SELECT coalesce(code, ''), coalesce(head, ''), coalesce(address, ''), coalesce(place, ''), coalesce(phone, ''), coalesce(tags, ''), coalesce(note, '')
		FROM household WHERE id = ?`, []any{string(id)}, &h.Code, &h.Head, &h.Address, &h.place, &h.Phone, &tags, &h.Note)
	if err != nil || !ok {
		return nil, ok, err
	}
	h.Group, h.Door, h.Tags = p.group(h.place), p.door(h.place, h.Address), elements(tags)
	for _, step := range []func() error{
		func() error { return h.loadPeople(v, day) },
		func() error { return h.loadMatters(v) },
		func() error { return h.loadVisits(v, me, day, visits) },
		func() error { return h.loadCards(v) },
		func() error { return h.loadReminds(v, me) },
		func() (err error) {
			h.Words, err = Words(v, id, mostWords)
			return err
		},
		func() (err error) {
			h.Mine, err = v.One(`SELECT 1 FROM assignment WHERE household = ? AND "user" = ? AND (until IS NULL OR until >= ?)`, []any{string(id), string(me), day}, new(int))
			return err
		},
	} {
		if err := step(); err != nil {
			return nil, false, err
		}
	}
	return h, true, nil
}

func (h *Household) loadPeople(v *replica.View, day string) error {
	var x Person
	var party int
	return v.Each(`SELECT id, coalesce(name, ''), coalesce(relation, ''), coalesce(birth, ''), coalesce(phone, ''), coalesce(away, ''), coalesce(disability, ''),
		coalesce(work, ''), coalesce(id_masked, ''), coalesce(life, 'living'), coalesce(party_member, 0) FROM resident WHERE household = ?
		ORDER BY CASE relation WHEN '户主' THEN 0 ELSE 1 END, coalesce(birth, '9'), id`,
		[]any{string(h.ID)}, []any{&x.ID, &x.Name, &x.Relation, &x.Birth, &x.Phone, &x.Away, &x.Disability, &x.Work, &x.Masked, &x.Life, &party}, func() error {
			x.Party, x.Age = party != 0, age(x.Birth, day)
			if x.Life == "living" {
				h.People = append(h.People, x)
			} else {
				h.Gone = append(h.Gone, x)
			}
			return nil
		})
}

// age is how many birthdays somebody has had by a day; -1 when that cannot be told.
func age(birth, day string) int {
	if len(birth) != len("2006-01-02") || len(day) != len(birth) || birth > day {
		return -1
	}
	years := func(s string) (n int) {
		for _, c := range s[:4] {
			n = 10*n + int(c-'0')
		}
		return n
	}
	n := years(day) - years(birth)
	if day[5:] < birth[5:] {
		n--
	}
	return n
}

func (h *Household) loadMatters(v *replica.View) error {
	flow := schema.Minqing().Table("matter").FlowColumn().Flow
	var m Matter
	return v.Each(`SELECT m.id, coalesce(m.title, ''), coalesce(m.state, ?2), coalesce(s.text, ''), coalesce(s.day, '') FROM matter m
		LEFT JOIN matter_step s ON s.id = (SELECT id FROM matter_step WHERE matter = m.id ORDER BY day DESC, id DESC LIMIT 1) WHERE m.household = ?1 ORDER BY m.id DESC`,
		[]any{string(h.ID), flow.Initial}, []any{&m.ID, &m.Title, &m.State, &m.Word, &m.Day}, func() error {
			switch m.State {
			case "answered":
				h.Told = append(h.Told, m)
			case "withdrawn":
			default:
				h.Open = append(h.Open, m)
			}
			return nil
		})
}

func (h *Household) loadVisits(v *replica.View, me syncproto.UserID, day string, most int) error {
	var x Visit
	err := v.Each(`SELECT v.id, coalesce(j.id, ''), coalesce(v.day, ''), coalesce(v.author, ''), coalesce(u.name, ''), coalesce(u.post, ''), coalesce(v.met, ''), coalesce(j.text, ''), coalesce(j.state, '')
		FROM visit v LEFT JOIN journal j ON j.id = (SELECT id FROM journal WHERE visit = v.id ORDER BY id LIMIT 1) LEFT JOIN "user" u ON u.id = v.author
		WHERE v.household = ? ORDER BY v.day DESC, v.id DESC LIMIT ?`,
		[]any{string(h.ID), most}, []any{&x.ID, &x.Journal, &x.Day, &x.Author, &x.By, &x.Post, &x.Met, &x.Text, &x.State}, func() error {
			h.Visits = append(h.Visits, x)
			return nil
		})
	if err != nil {
		return err
	}
	for i := range h.Visits {
		if h.Visits[i].Where, err = v.Where("visit", h.Visits[i].ID); err != nil {
			return err
		}
	}
	if _, err := v.One(`SELECT count(*), count(CASE WHEN day >= ? THEN 1 END) FROM visit WHERE household = ?`, []any{day[:5] + "01-01", string(h.ID)}, &h.Number, &h.Year); err != nil {
		return err
	}
	_, err = v.One(`SELECT coalesce(next_day, ''), day FROM visit WHERE household = ? AND author = ? AND day <= ? ORDER BY day DESC, id DESC LIMIT 1`,
		[]any{string(h.ID), string(me), day}, &h.Promise, &h.Made)
	return err
}

func (h *Household) loadCards(v *replica.View) error {
	var c Card
	return v.Each(`SELECT coalesce(serial, ''), coalesce(issued, '') FROM contact_card WHERE household = ? ORDER BY issued DESC, id DESC`, []any{string(h.ID)},
		[]any{&c.Serial, &c.Issued}, func() error {
			h.Cards = append(h.Cards, c)
			return nil
		})
}

// mostWords are how many of a household's words its page shows.
const mostWords = 20

// Words are what a household said by its card, newest first and at most so many.
func Words(v *replica.View, home syncproto.RowID, most int) (out []Word, err error) {
	var w Word
	var fresh int
	err = v.Each(`SELECT w.id, coalesce(w.matter, ''), coalesce(m.title, ''), coalesce(w.mark, ''), coalesce(w.text, ''), w.day,
		NOT EXISTS (SELECT 1 FROM mq_local l WHERE l.key = 'seen/' || w.id) FROM household_word w LEFT JOIN matter m ON m.id = w.matter WHERE w.household = ? ORDER BY w.id DESC LIMIT ?`,
		[]any{string(home), most}, []any{&w.ID, &w.Matter, &w.Title, &w.Mark, &w.Text, &w.Day, &fresh}, func() error {
			w.Fresh = fresh != 0
			out = append(out, w)
			return nil
		})
	return out, err
}

func (h *Household) loadReminds(v *replica.View, me syncproto.UserID) error {
	var r Remind
	return v.Each(`SELECT coalesce(u.name, ''), r.day, coalesce(r.text, '') FROM reminder r LEFT JOIN "user" u ON u.id = r.author WHERE r.household = ?1 AND r."user" = ?2
		AND NOT EXISTS (SELECT 1 FROM visit v WHERE v.household = r.household AND v.author = ?2 AND v.day >= r.day) ORDER BY r.id DESC`,
		[]any{string(h.ID), string(me)}, []any{&r.By, &r.Day, &r.Text}, func() error {
			h.Reminds = append(h.Reminds, r)
			return nil
		})
}

// Contact is somebody who calls on a household.
type Contact struct {
	User              syncproto.UserID
	Name, Post, Phone string
	Team              string // of the schema's options
}

// Contacts are who contacts a household on a day, in the order of the teams.
func Contacts(v *replica.View, home syncproto.RowID, day string) (out []Contact, err error) {
	var c Contact
	err = v.Each(`SELECT u.id, coalesce(u.name, ''), coalesce(u.post, ''), coalesce(u.phone, ''), coalesce(a.team, '') FROM assignment a JOIN "user" u ON u.id = a."user"
		WHERE a.household = ?1 AND coalesce(a.since, '') <= ?2 AND (a.until IS NULL OR a.until >= ?2)
		ORDER BY CASE a.team WHEN 'member' THEN 1 WHEN 'cadre' THEN 2 ELSE 3 END, u.name, u.id`,
		[]any{string(home), day}, []any{&c.User, &c.Name, &c.Post, &c.Phone, &c.Team}, func() error {
			out = append(out, c)
			return nil
		})
	return out, err
}

// Roles are what a user is, over whatever place: what he may change is judged by the server, and asked beforehand by forms. Who
// contacts a household is a cadre to it.
func Roles(v *replica.View, me syncproto.UserID, day string) (out []schema.Role, err error) {
	out = []schema.Role{schema.RoleCadre}
	var r schema.Role
	err = v.Each(`SELECT DISTINCT role FROM role WHERE "user" = ? AND (until IS NULL OR until >= ?) AND role IS NOT NULL`, []any{string(me), day}, []any{&r}, func() error {
		out = append(out, r)
		return nil
	})
	return out, err
}
