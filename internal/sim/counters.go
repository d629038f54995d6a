package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// counters tell what a history, or many, held.
type counters map[string]int

// What is counted. A run of many histories fails when one of those in required was never met.
const (
	cOperations = "operations"
	cConflicts  = "conflicts"
	cMerges     = "merges"
	cRefusals   = "refusals"
	cLates      = "lates"
	cForgets    = "forgets"
	cRepairs    = "repairs"
	cRestores   = "restores"
	cOldEdits   = "old-schema edits"
	cCopies     = "copies"
	cCrashes    = "crashes"
	cCuts       = "cuts"
	cWaits      = "waits"
	cMends      = "mends"
	cLetIn      = "let in"
	cApartBack  = "twins that were two taken back"
	cLetInBack  = "let in and taken back"
	cMoves      = "moves"
	cDeletes    = "deletes"
	cTwins      = "twins"
	cForks      = "forks"
	cOutside    = "outside edits"
	cDecisions  = "decisions"
	cUndos      = "undos"
	cTakenBack  = "decisions taken back"
	cAgain      = "decided again"
	cLateBack   = "late decisions taken back"
	cRevivals   = "revivals"
	cOverdue    = "overdue"
	cGhosts     = "ghosts"
	cNested     = "nested"
	cResumes    = "resumes"
	cRevoked    = "revoked"
	cSyncs      = "syncs"
	cForms      = "old forms"
	cOrders     = "orders"
	cReplays    = "replays"
	cBundles    = "bundles"
	cHandedIn   = "bundles at the desk"
	cCarried    = "bundles carried"
	cReceipts   = "receipts"
	cEscrows    = "escrows"
	cEvents     = "events"
	cSwept      = "sweeps"
	cErasures   = "erasures"
	cPairs      = "clock pairs"
	cSkewed     = "wrong clocks in pairs"
	cStrangers  = "restores before an enrolment"
	cNames      = "people named"
	cPeople     = "people merged"
	cEnded      = "refused work erased"
	cNamed      = "twins named by hand"
)

// required must each be met in a run of at least requiredFrom histories.
var required = []string{cConflicts, cMerges, cRefusals, cLates, cForgets, cRepairs, cRestores, cOldEdits, cCopies, cCrashes, cCuts, cWaits, cMends, cMoves,
	cDeletes, cTwins, cForks, cOutside, cDecisions, cUndos, cRevivals, cOverdue, cGhosts, cNested, cResumes, cRevoked, cForms, cOrders, cReplays,
	cStrangers, cBundles, cHandedIn, cCarried, cReceipts, cEscrows, cEvents, cSwept, cNames, cPeople, cEnded, cNamed, cErasures, cPairs, cSkewed, cTakenBack, cAgain, cLateBack, cApartBack, cLetIn, cLetInBack}

// requiredFrom is how many histories are enough to meet everything.
const requiredFrom = 2000

// Add adds all of other.
func (c counters) Add(other counters) {
	for k, n := range other {
		c[k] += n
	}
}

// Missing lists what a run of so many histories must have met, and never did.
func (t total) Missing() []string {
	var out []string
	for _, name := range required {
		if t.Histories >= requiredFrom && t.Counters[name] == 0 {
			out = append(out, name)
		}
	}
	return out
}

// String lists the counters by name.
func (c counters) String() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(c)) {
		if k != cOperations {
			parts = append(parts, fmt.Sprintf("%s=%d", strings.ReplaceAll(k, " ", "-"), c[k]))
		}
	}
	return strings.Join(parts, " ")
}
