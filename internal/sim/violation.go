package sim

import "fmt"

// The invariants of DESIGN section 7, by number and name.
const (
	iConvergence     = "I1 Convergence"
	iNoLostEdit      = "I2 No lost edit"
	iAckDurable      = "I3 Ack means durable"
	iAtomicity       = "I4 Atomicity"
	iIdempotence     = "I5 Idempotence"
	iOrder           = "I6 Order independence"
	iCausality       = "I7 Causality"
	iNoResurrection  = "I8 No resurrection"
	iNoPhantom       = "I9 No phantom"
	iConflicts       = "I10 Conflict completeness"
	iFinality        = "I11 Finality"
	iConfidentiality = "I12 Confidentiality"
	iForgetting      = "I13 Forgetting is not deleting"
	iLiveness        = "I14 Liveness"
	iClocks          = "I15 Clock independence"
	iEpochs          = "I16 Epoch safety"
	iAudit           = "I17 Audit completeness"
	iShown           = "I18 What was shown"
	// iSound is no invariant of DESIGN: the production code must not panic, and must not call its own state broken.
	iSound = "S Soundness"
)

// violation is an invariant found broken.
type violation struct {
	Invariant string
	Text      string
}

// Error names the invariant first.
func (v *violation) Error() string { return v.Invariant + ": " + v.Text }

// violate ends the history. Code between here and the run loop may recover from the panic (HTTP handlers do), so it is kept as well.
func (w *world) violate(invariant, format string, args ...any) {
	v := &violation{invariant, fmt.Sprintf(format, args...)}
	if w.broken == nil {
		w.broken = v
	}
	panic(w.broken)
}

// must is for what the simulator itself relies on.
func (w *world) must(err error, what string) {
	if err != nil {
		w.violate(iSound, "%s: %v", what, err)
	}
}
