package field

import (
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// Indexes are what the questions of this package go along, beside the schema's own: for replica.Options.
var Indexes = []string{
	`CREATE INDEX IF NOT EXISTS mq_ix_assignment_user ON assignment ("user", household, team, since, until)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_visit_author ON visit (author, day, household)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_visit_household ON visit (household, day, author)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_visit_day ON visit (day, id)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_visit_next ON visit (next_day) WHERE next_day IS NOT NULL`,
	`CREATE INDEX IF NOT EXISTS mq_ix_matter_state ON matter (state, household)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_journal_state ON journal (author, state)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_review_kind ON review (kind) WHERE kind = 'guide'`,
}

// Search is the index of households by head, people, address, phone, code, tag and pinyin initials, in the order in which they are
// listed: for replica.Options.
func Search() *replica.Search {
	return &replica.Search{Version: "1", Make: searchEntry, Watch: []replica.Watch{
		{Table: "household", Doc: "id", Columns: []string{"place", "code", "head", "address", "phone", "tags"}},
		{Table: "resident", Doc: "household", Columns: []string{"name", "phone"}},
	}}
}

// searchEntry is what a household can be found by, a line each, and its order: along the lane by its code.
func searchEntry(v *replica.View, home syncproto.RowID) (e replica.Found, err error) {
	var code, head, address, phone, tags string
	found, err := v.One(`SELECT coalesce(place, ''), coalesce(code, ''), coalesce(head, ''), coalesce(address, ''), coalesce(phone, ''), coalesce(tags, '') FROM household WHERE id = ?`,
		[]any{string(home)}, &e.Group, &code, &head, &address, &phone, &tags)
	if err != nil || !found {
		return replica.Found{}, err
	}
	lines := []string{head, code, address, phone}
	names := []string{head}
	var name string
	err = v.Each(`SELECT coalesce(name, ''), coalesce(phone, '') FROM resident WHERE household = ? ORDER BY id`, []any{string(home)}, []any{&name, &phone}, func() error {
		lines = append(lines, name, phone)
		if name != head {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return replica.Found{}, err
	}
	for _, tag := range elements(tags) {
		if o := tagColumn.Option(tag); o != nil {
			lines = append(lines, o.Label.ZH, o.Label.EN)
		} else {
			lines = append(lines, tag)
		}
	}
	for _, n := range names {
		lines = append(lines, initials(n)...)
	}
	e.Order, e.Text = sortKey(code), fold(strings.Join(lines, "\n"))
	return e, nil
}

var tagColumn = schema.Minqing().Table("household").Column("tags")

// elements reads a set as the tables have it.
func elements(text string) []string {
	if text == "" {
		return nil
	}
	v, err := schema.ParseValue(schema.KindSet, []byte(text))
	if err != nil {
		return nil // what another program left there: SealForeign looks at it
	}
	return v.Elements()
}

// fold brings what is written and what is typed into one form: lower case, full-width letters and digits made plain.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0xFF01 && r <= 0xFF5E {
			r -= 0xFEE0
		}
		return r
	}, strings.ToLower(s))
}

// maxWords bounds the words of a query that count; nobody types more to find a neighbour.
const maxWords = 6

// queryWords are the words to look for. Blanks and dashes between digits are how people write phone numbers.
func queryWords(q string) []string {
	q = strings.ReplaceAll(fold(q), "\u3000", " ")
	if digitsOnly := strings.NewReplacer(" ", "", "-", "").Replace(q); len(digitsOnly) > 3 && strings.Trim(digitsOnly, "0123456789") == "" {
		return []string{digitsOnly}
	}
	words := strings.Fields(q)
	return words[:min(len(words), maxWords)]
}

// entry is a household's place in the lists.
type entry struct{ row, group, order string }

// What stands between the parts of an entry, and between entries, where matching reads many as one text: the driver takes longer for each row and
// column than SQLite for looking through it. No id has these characters. Where a tool put one into a place or a code, its household stands
// elsewhere in the list, and no more.
const (
	nextPart  = "\x1f"
	nextEntry = "\x1e"
)

// pairs reads what a query gives as one text, a pair of values an entry.
func pairs(v *replica.View, query string, args []any, f func(a, b string)) error {
	var all string
	if _, err := v.One(query, args, &all); err != nil {
		return err
	}
	for text := range strings.SplitSeq(all, nextEntry) {
		if a, b, whole := strings.Cut(text, nextPart); whole {
			f(a, b)
		}
	}
	return nil
}

// matching are the households that have every word of a query, in no order; all for an empty one.
func matching(v *replica.View, q string) ([]entry, error) {
	words := queryWords(q)
	query := `SELECT coalesce(group_concat(row || char(31) || grp || char(31) || ord, char(30)), '') FROM mq_find`
	args := make([]any, len(words))
	for i, w := range words {
		query += []string{" WHERE", " AND"}[min(i, 1)] + " instr(text, ?) > 0"
		args[i] = w
	}
	var all string
	if _, err := v.One(query, args, &all); err != nil {
		return nil, err
	}
	out := make([]entry, 0, strings.Count(all, nextEntry)+1)
	for text := range strings.SplitSeq(all, nextEntry) {
		row, rest, whole := strings.Cut(text, nextPart)
		if !whole {
			continue
		}
		group, order, _ := strings.Cut(rest, nextPart)
		out = append(out, entry{row, group, order})
	}
	return out, nil
}
