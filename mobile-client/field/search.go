package field

import (
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// Indexes are what the questions of this package go along, beside the schema's own: for replica.Options.
var Indexes = []string{
	`CREATE INDEX IF NOT EXISTS mq_ix_assignment_user ON assignment ("user", household)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_visit_author ON visit (author, day, household)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_visit_household ON visit (household, day)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_visit_next ON visit (next_day) WHERE next_day IS NOT NULL`,
	`CREATE INDEX IF NOT EXISTS mq_ix_matter_state ON matter (state, household)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_journal_state ON journal (author, state)`,
	`CREATE INDEX IF NOT EXISTS mq_ix_review_kind ON review (kind) WHERE kind = 'guide'`,
}

// Search is the index of households by head, people, address, phone, code, tag and pinyin initials: for replica.Options.
func Search() *replica.Search {
	return &replica.Search{Version: "1", Text: searchText, Watch: []replica.Watch{
		{Table: "household", Doc: "id", Columns: []string{"code", "head", "address", "phone", "tags"}},
		{Table: "resident", Doc: "household", Columns: []string{"name", "phone"}},
	}}
}

// searchText is what a household can be found by, a line each.
func searchText(v *replica.View, home syncproto.RowID) (string, error) {
	var code, head, address, phone, tags string
	found, err := v.One(`SELECT coalesce(code, ''), coalesce(head, ''), coalesce(address, ''), coalesce(phone, ''), coalesce(tags, '') FROM household WHERE id = ?`,
		[]any{string(home)}, &code, &head, &address, &phone, &tags)
	if err != nil || !found {
		return "", err
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
		return "", err
	}
	for _, e := range elements(tags) {
		lines = append(lines, e)
		if o := tagColumn.Option(e); o != nil {
			lines = append(lines, o.Label.ZH, o.Label.EN)
		}
	}
	for _, n := range names {
		lines = append(lines, initials(n)...)
	}
	return fold(strings.Join(lines, "\n")), nil
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

// matching are the households that have every word of a query.
func matching(v *replica.View, q string) (map[string]bool, error) {
	words := queryWords(q)
	args := make([]any, maxWords)
	for i := range args {
		args[i] = ""
		if i < len(words) {
			args[i] = words[i]
		}
	}
	out := map[string]bool{}
	var row string
	err := v.Each(`SELECT row FROM mq_find WHERE instr(text, ?) > 0 AND instr(text, ?) > 0 AND instr(text, ?) > 0 AND instr(text, ?) > 0 AND instr(text, ?) > 0 AND instr(text, ?) > 0`,
		args, []any{&row}, func() error {
			out[row] = true
			return nil
		})
	return out, err
}
