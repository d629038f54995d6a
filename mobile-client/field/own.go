package field

import (
	"cmp"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// Own is one record that a user wrote himself.
type Own struct {
	ID    syncproto.RowID
	Table string
	Day   string // "" where the id alone says when
	Home  Home
	Kind  string // value of the schema's options
	State string
	Text  string
	More  string // who was met, the detail of a matter
	Next  string // the day promised
	Tasks string // JSON of a set
}

// OwnRecords are all visits, journals, matters and steps of a user that are on this phone, in the order in which they were written.
func OwnRecords(v *replica.View, me syncproto.UserID) (out []Own, err error) {
	for _, q := range []struct{ table, text string }{
		{"visit", `SELECT v.id, coalesce(v.day, ''), '', '', '', coalesce(v.met, ''), coalesce(v.next_day, ''), coalesce(v.tasks, ''), coalesce(h.head, ''), coalesce(h.code, '')
			FROM visit v LEFT JOIN household h ON h.id = v.household WHERE v.author = ?`},
		{"journal", `SELECT j.id, coalesce(v.day, ''), '', coalesce(j.state, 'draft'), coalesce(j.text, ''), '', '', '', coalesce(h.head, ''), coalesce(h.code, '')
			FROM journal j JOIN visit v ON v.id = j.visit LEFT JOIN household h ON h.id = v.household WHERE j.author = ?`},
		{"matter", `SELECT m.id, '', coalesce(m.kind, ''), coalesce(m.state, 'recorded'), coalesce(m.title, ''), coalesce(m.detail, ''), '', '', coalesce(h.head, ''), coalesce(h.code, '')
			FROM matter m LEFT JOIN household h ON h.id = m.household WHERE m.author = ?`},
		{"matter_step", `SELECT s.id, coalesce(s.day, ''), coalesce(s.kind, ''), '', coalesce(s.text, ''), coalesce(m.title, ''), '', '', coalesce(h.head, ''), coalesce(h.code, '')
			FROM matter_step s JOIN matter m ON m.id = s.matter LEFT JOIN household h ON h.id = m.household WHERE s.author = ?`},
	} {
		o := Own{Table: q.table}
		if err := v.Each(q.text, []any{string(me)}, []any{&o.ID, &o.Day, &o.Kind, &o.State, &o.Text, &o.More, &o.Next, &o.Tasks, &o.Home.Head, &o.Home.Code}, func() error {
			out = append(out, o)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b Own) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}
