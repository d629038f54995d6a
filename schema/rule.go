package schema

// Rule names how concurrent versions of one cell merge: a closed set, each with its laws tested in syncproto/merge.
type Rule string

// The merge rules (DESIGN section 3).
const (
	RuleLatest Rule = "latest" // the greatest effective time, ties by identity; the column says why hiding the others is harmless
	RuleMax    Rule = "max"    // the greatest integer or date
	RuleMin    Rule = "min"    // the least integer or date
	RuleSum    Rule = "sum"    // integer deltas travel; two equal deltas are two
	RuleSet    Rule = "set"    // elements added and removed travel; add wins
	RuleText   Rule = "text"   // three-way by line and sentence; overlap goes to the inbox
	RuleFlow   Rule = "flow"   // a state machine; incompatible concurrent moves go to the inbox
	RuleOnce   Rule = "once"   // written once; concurrent different values go to the inbox
	RuleManual Rule = "manual" // several different heads always go to the inbox
	RuleServer Rule = "server" // only the server writes it
)

// Flow is the state machine of a column merged by RuleFlow.
type Flow struct {
	// States in ascending priority: of two compatible concurrent moves the one into the later state stands.
	States []Option
	// Initial is the state of a row created without one.
	Initial string
	// Moves are the allowed transitions; what is not listed is refused.
	Moves []Move
}

// Move is one allowed transition and who may make it.
type Move struct {
	From, To string
	Roles    []Role
}

// Allows tells whether from → to is declared, whoever asks. Staying where one is always is.
func (f *Flow) Allows(from, to string) bool {
	if from == to {
		return true
	}
	for _, m := range f.Moves {
		if m.From == from && m.To == to {
			return true
		}
	}
	return false
}

// Reaches tells whether to can be reached from from by declared moves: then two concurrent moves into them are compatible,
// the one being a step on the way to the other.
func (f *Flow) Reaches(from, to string) bool {
	seen := map[string]bool{from: true}
	queue := []string{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at == to {
			return true
		}
		for _, m := range f.Moves {
			if m.From == at && !seen[m.To] {
				seen[m.To] = true
				queue = append(queue, m.To)
			}
		}
	}
	return false
}

// Priority is the position of a state, -1 for one that is not declared.
func (f *Flow) Priority(state string) int {
	for i, s := range f.States {
		if s.Value == state {
			return i
		}
	}
	return -1
}
