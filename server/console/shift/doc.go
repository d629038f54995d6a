// Package shift plans what changes who sees what beside assignments: a place laid beneath another, and rows that are deleted (a place that is
// empty, an account without work, a household, a person). It shows what that would do to whom before it is done, does it, and takes it back.
//
// It promises: a preview names every phone that would gain or lose households, with how many and how many rows, and how many edits wait on it, as
// it last said; of a deletion, all that hangs on the row. What is done is what was shown: when anything that the preview was reckoned from has
// changed since, nothing is done and the new preview is shown. It is done by the one way in, in one transaction, in the name of who does it; a
// deletion says why, on record. One of more rows than phones can wait for goes part by part, each as it was shown; where it breaks off, what is left
// can be gone on with, under the same record, and what is gone taken back. So is taking it back, which is an undo like any other: beside what others wrote since, it waits on the conflict
// desk.
//
// What was done stands in mq_work, so that the same administrator or another finds it and can take it back.
package shift
