// Package merge is the merge model of Minqing (MERGE.md, DESIGN sections 2, 3 and 6): the pure function from the accepted
// versions of one row to its values, its heads and its inbox items.
//
// It promises: the result depends on the set of versions and on who had seen which, never on the order of arrival; a version
// is for ever an ancestor of what shows, or merged by a named rule, or held by an item; no value shows that nobody wrote, save
// the named merges (sum, set, text); nobody is held to have seen what he was not shown. DESIGN.md beside this file explains the
// model in plain words, the trade-offs and the costs.
//
// Row computes a row from its whole history. Fast computes the next state of a row from the state before and one new version,
// when that version has seen everything it touches; it agrees with Row wherever it applies. Text and Diff are the text merge and
// the diff that shows a conflict. There is no I/O here, no clock and no randomness.
package merge
