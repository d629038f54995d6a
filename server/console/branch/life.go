package branch

import (
	"cmp"
	"slices"
	"time"

	"minqing/schema"
	"minqing/server/console/compare"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Life is a matter with everything that became of it.
type Life struct {
	MatterLine
	Detail, RaisedBy string
	Supporters       int
	Address, Post    string // of the household, of who wrote it down
	Since            time.Time
	Events           []*Event // newest first
	Open             []syncproto.RowID
	// Journal is that of the visit on which it was raised, "" for none; Visit is its day.
	Journal, Visit string
	Answer, Word   *Event // the newest of each
}

// The kinds of event beside those of steps (record, discuss, handle, answer, word).
const (
	EventMove     = "move"     // went from a state to another
	EventEdit     = "edit"     // words of it were changed
	EventConflict = "conflict" // two people wrote apart
	EventDecided  = "decided"  // and somebody decided
)

// Event is something that happened to a matter.
type Event struct {
	Kind      string
	Day       string
	At        time.Time
	Who, Post string
	Text      string
	From, To  string         // EventMove: states
	Column    *schema.Column // EventEdit, EventConflict, EventDecided
	Parts     []compare.Part // EventEdit
	Item      string         // EventConflict
	Own       bool           // the household said it itself, by its card
	Mark      string         // and what it thinks, of the schema's options
	author    string
}

// OneLife reads a matter that lives; nil when there is none.
func OneLife(tx *store.Tx, id syncproto.RowID, zone *time.Location) (*Life, error) {
	rows, err := rowsWhere(tx, "matter", "id", string(id))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	m := rows[id]
	l := &Life{MatterLine: MatterLine{ID: id, Title: m.text("title"), Kind: m.text("kind"), State: m.state("state"), Urgency: int(m.value("urgency").Num()), Household: syncproto.RowID(m.text("household")),
		Due: m.text("due"), Made: madeAt(string(id), zone), author: m.text("author")}, Detail: m.text("detail"), RaisedBy: m.text("raised_by"), Supporters: int(m.value("supporters").Num())}
	homes, err := rowsWhere(tx, "household", "id", m.text("household"))
	if err != nil {
		return nil, err
	}
	if h := homes[l.Household]; h.t != nil {
		l.place, l.Address = h.text("place"), h.text("address")
	}
	for _, step := range []func(*store.Tx, *time.Location) error{l.readSteps, l.readHistory, l.readItems} {
		if err := step(tx, zone); err != nil {
			return nil, err
		}
	}
	if err := detailMatters(tx, []*MatterLine{&l.MatterLine}); err != nil {
		return nil, err
	}
	if _, err := tx.One(`SELECT COALESCE(team, '') FROM assignment WHERE household = ? AND "user" = ? ORDER BY id DESC LIMIT 1`, []any{string(l.Household), l.author}, &l.Team); err != nil {
		return nil, err
	}
	if err := l.readVisit(tx); err != nil {
		return nil, err
	}
	return l, l.finish(tx)
}

// readSteps reads what people noted as steps, each under the day that they gave it.
func (l *Life) readSteps(tx *store.Tx, zone *time.Location) error {
	steps, err := rowsWhere(tx, "matter_step", "matter", string(l.ID))
	if err != nil {
		return err
	}
	for id, s := range steps {
		e := &Event{Kind: s.text("kind"), Day: s.text("day"), Text: s.text("text"), At: madeAt(string(id), zone), author: s.text("author")}
		l.Events = append(l.Events, e)
		if l.Day == "" || e.Day < l.Day {
			l.Day = e.Day
		}
		l.Stepped = max(l.Stepped, e.Day)
	}
	l.Steps = len(steps)
	own, err := rowsWhere(tx, "household_word", "matter", string(l.ID))
	for id, w := range own {
		l.Events = append(l.Events, &Event{Kind: "word", Day: w.text("day"), Text: w.text("text"), At: madeAt(string(id), zone), Own: true, Mark: w.text("mark")})
	}
	return err
}

// readHistory reads how its state moved and its words changed.
func (l *Life) readHistory(tx *store.Tx, zone *time.Location) error {
	versions, err := tx.Versions("row_id = ? ORDER BY seq, ord", string(l.ID))
	if err != nil {
		return err
	}
	table := tx.Book().Table("matter")
	slices.Reverse(versions) // of what happened at one moment, the later stands first; a step stands over the move that it explains
	l.Since = l.Made
	for _, v := range versions {
		if v.Op == syncproto.OpCreate {
			continue
		}
		at := time.UnixMilli(v.Corrected).In(zone)
		for _, c := range v.Cells {
			column := table.Column(c.Cell)
			if column == nil || c.Value.IsNull() && c.From.IsNull() {
				continue
			}
			e := &Event{Kind: EventEdit, Day: at.Format(time.DateOnly), At: at, author: string(v.Author), Column: column}
			if column.Type == schema.TypeFlow {
				e.Kind, e.From, e.To = EventMove, column.Flow.State(c.From), column.Flow.State(c.Value)
				if at.After(l.Since) {
					l.Since = at
				}
			} else {
				e.Parts = compare.Texts(shown(column, c.From, schema.ZH), shown(column, c.Value, schema.ZH))
			}
			l.Events = append(l.Events, e)
		}
	}
	return nil
}

// readItems reads what two people wrote apart about it, and what was decided.
func (l *Life) readItems(tx *store.Tx, zone *time.Location) error {
	items, err := tx.Items("row_id = ? ORDER BY opened_ms, id", string(l.ID))
	if err != nil {
		return err
	}
	for _, it := range items {
		at := time.UnixMilli(it.Opened).In(zone)
		e := &Event{Kind: EventConflict, Day: at.Format(time.DateOnly), At: at, Column: tx.Book().Table("matter").Column(it.Cell)}
		l.Events = append(l.Events, e)
		if it.Closed == 0 {
			e.Item = it.ID
			l.Open = append(l.Open, syncproto.RowID(it.ID))
			continue
		}
		at = time.UnixMilli(it.Closed).In(zone)
		l.Events = append(l.Events, &Event{Kind: EventDecided, Day: at.Format(time.DateOnly), At: at, Column: e.Column, author: string(it.By)})
	}
	return nil
}

// readVisit finds the visit on which it was raised: its author's, to this home, on the day of its first step.
func (l *Life) readVisit(tx *store.Tx) error {
	day := l.Day
	if day == "" {
		day = l.Made.Format(time.DateOnly)
	}
	_, err := tx.One(`SELECT v.day, COALESCE(j.id, '') FROM visit v LEFT JOIN journal j ON j.visit = v.id AND COALESCE(j.state, 'draft') <> 'draft'
		WHERE v.household = ? AND v.day = ? AND v.author = ? ORDER BY v.id LIMIT 1`, []any{string(l.Household), day, l.author}, &l.Visit, &l.Journal)
	return err
}

// finish names people, and puts the newest first.
func (l *Life) finish(tx *store.Tx) error {
	users := []string{l.author}
	for _, e := range l.Events {
		users = append(users, e.author)
	}
	names, err := namesOf(tx, users)
	l.Post = names[l.author].post
	for _, e := range l.Events {
		e.Who, e.Post = names[e.author].name, names[e.author].post
	}
	slices.SortStableFunc(l.Events, func(a, b *Event) int { return cmp.Or(cmp.Compare(b.Day, a.Day), b.At.Compare(a.At)) })
	for _, e := range l.Events {
		if e.Kind == "answer" && l.Answer == nil {
			l.Answer = e
		}
		if e.Kind == "word" && l.Word == nil {
			l.Word = e
		}
	}
	return err
}

func natural(codeA, nameA, idA, codeB, nameB, idB string) int {
	return cmp.Or(register.Natural(codeA, codeB), register.Natural(nameA, nameB), cmp.Compare(idA, idB))
}
