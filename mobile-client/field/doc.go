// Package field answers what a cadre asks in the village, over one snapshot of the replica: who is due and why, who lives in a
// household, what was said there before, what still has to be done.
//
// It promises:
//
//   - It gives facts, not sentences: the pages choose the words and the language.
//   - Days are local dates (YYYY-MM-DD) and come in as arguments, as does whose phone it is. Nothing is written here.
//   - An answer costs what it shows: questions go along indexes, a few statements each, however large the register is.
//   - Order respects where people live: by group, urgent first, then along the lane by household code.
package field
