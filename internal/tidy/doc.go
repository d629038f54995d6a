// Package tidy holds the house in order: its tests read every file git tracks and fail where a rule of the project is
// broken, naming the file, the line and what to do. The rules: imports go one way, the pure packages do no I/O and read
// no clock, files and functions stay short, no leftover marks, no dead exported names, errors speak both languages, every package says what it
// promises, and nothing of one machine (paths, registries) gets in.
//
// What is read is git's index, which is what the next commit would hold: a file somebody is in the middle of writing
// disturbs nobody else, and after mending a file it must be staged (git add) to be seen. Where a rule must yield, the
// exception stands in allow_test.go with its reason.
//
// There is no code outside the tests: no program needs these rules.
package tidy
