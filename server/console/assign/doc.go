// Package assign plans who contacts which households, shows what that would do before it is done, does it, and takes it back.
//
// It promises: a preview names every phone that would gain or lose something, with how many households and rows, and how many edits wait
// on it, as it last said; every household that would be left to nobody, and everybody who would have more than his number. What is done is
// what was shown: when anything that the preview was reckoned from has changed since, nothing is done and the new preview is shown. It is
// done by admin.Reassign, as the command does it, in one transaction; so is taking it back, which has the same preview.
//
// What was done stands in mq_work, so that the same administrator or another finds it and can take it back.
package assign
