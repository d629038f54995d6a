package field

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// What counts as a phrase of one's own: a short sentence that stands in several of the latest journals.
const (
	latest      = 300
	longPhrase  = 18
	shortPhrase = 3
	oftenEnough = 2
)

// Phrases are the sentences that a user writes often, the most frequent first, at most so many. The plus makes SQLite go back along the
// ids: gathering all journals of an author to sort them reads a year of texts.
func Phrases(v *replica.View, me syncproto.UserID, most int) ([]string, error) {
	seen := map[string]int{}
	var text string
	err := v.Each(`SELECT coalesce(text, '') FROM journal WHERE +author = ? ORDER BY id DESC LIMIT ?`, []any{string(me), latest}, []any{&text}, func() error {
		here := map[string]bool{}
		for _, s := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("。！？!?\n", r) }) {
			s = strings.TrimSpace(s)
			if n := utf8.RuneCountInString(s); n >= shortPhrase && n <= longPhrase && !here[s] {
				here[s] = true
				seen[s]++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []string
	for s, n := range seen {
		if n >= oftenEnough {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(-cmp.Compare(seen[a], seen[b]), cmp.Compare(a, b)) })
	return out[:min(most, len(out))], nil
}
