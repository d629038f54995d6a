// Package roster lists households, people and users, and edits one row at a time by a form that the rule book draws up.
//
// It promises: a form carries what it was rendered from and saves only the cells that differ from it, as a change on that base, judged like
// any other. When somebody else wrote to one of those cells meanwhile, nothing is saved: the form comes back with what stands there now
// beside what was typed, and what was typed stands in it. Where he wrote to other cells, both stand. Masked values are shown whole only to
// whoever said why, once that is on record. Lists are ranges of an index, from behind a key.
package roster
