// Package mutants tests the simulator: it plants deliberate faults in the production code, one at a time, and wants the simulator to find
// each by an invariant of DESIGN section 7.
//
// It promises: no switch for a fault stands in production code, as faults are patches to the source that only a build with an overlay
// sees; every fault is one that could really be made, small, and wrong by the meaning of an invariant; what counts as found is a history
// that breaks a named invariant with the fault and none without it, never a panic, a server that calls its own state broken, or a build
// that fails. Beside the mutants some histories run on the code as it is, and must stay green.
//
// The faults are the files in faults, one for each room of the house, to be read like a review: see parse for their form. A patch whose old
// lines no longer stand exactly once in the source is an error that names the mutant: whoever changes the code finds the fault its new
// place. The histories told by hand that stand beside a mutant are known to kill it: they are tried first, and when they no longer do, the run looks for
// others, made from seeds, and prints them: which those are changes with everything that is added to the simulator, so they are not written down.
package mutants
