package console

import (
	"bytes"
	"slices"
	"strings"

	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// auditDecisions are the words of the chain for decisions that the page tells of beside the change they are about.
var auditDecisions = []string{"taken", "refused", "undone", "merged", "named", "distinct", "retaken"}

// auditDecided says who decided what about changes without writing a row himself, in the order in which that was done: late work taken, returned, and
// either taken back. What a change took back it says itself.
func (rq *request) auditDecided(tx *store.Tx, changes []*store.Change, people *auditNames) (map[syncproto.Identity]string, error) {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = string(c.Identity)
	}
	told, err := tx.Decisions(ids)
	if err != nil {
		return nil, err
	}
	var deciders []*store.Change
	for _, kinds := range told {
		for _, kind := range kinds {
			_, _, by := judge.ReadDecision(kind)
			deciders = append(deciders, &store.Change{User: by})
		}
	}
	if err := people.read(tx, deciders, nil); err != nil {
		return nil, err
	}
	out := map[syncproto.Identity]string{}
	for _, c := range changes {
		var parts []string
		if bytes.Contains(c.Body, []byte(`,"undo":"`)) { // quotes within what people wrote are escaped there
			parts = append(parts, rq.words.say("audit.undo"))
		}
		for _, kind := range told[c.Identity] {
			if word, _, by := judge.ReadDecision(kind); slices.Contains(auditDecisions, word) {
				parts = append(parts, rq.words.say("audit.by."+word, people.name[by]))
			}
		}
		if len(parts) > 0 {
			out[c.Identity] = rq.words.say("audit.by", strings.Join(parts, rq.words.say("audit.by.and")))
		}
	}
	return out, nil
}
