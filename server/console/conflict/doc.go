// Package conflict puts what lies in the inbox into the words of the conflict desk: what is at stake in one line, the base, what each side
// wrote, whether its clock can be trusted, the row around it, what came before and after, and who will see what for each way to decide.
// So it does with changes that were refused or came late: each whole, field by field, beside what the row holds now.
//
// It promises: it reads and writes nothing itself; deciding is the judge's, by a Decision that a Choice names. What is masked leaves it
// masked.
package conflict
