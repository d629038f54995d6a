// Package schema is the rule book of Minqing: what is stored, who may see and change it, how concurrent edits of one
// cell merge, and what people call it. One Table literal says all of that for one table; DDL, capture triggers,
// validation, the permission matrix, import headers, labels and the reference page are derived from it and never written
// again by hand (DESIGN section 3).
//
// The package is pure: no I/O, no clock, no randomness. Everything else in the project imports it; it imports nothing of
// the project.
package schema
