// Package admin is what the administration commands do, apart from reading words and printing: founding a city, places, users,
// assignments, devices, the inbox, history, proof, export, backup and erasure. The console's pages will do the same through it.
//
// It promises: domain data is written only by the path that pushes take, in the name of the user who gave the command, judged by
// his rights of now; whoever is shown personal data, or takes it away in a file, is on record before he has it; a command that
// could not do all of what was asked did none of it, and says why and what to do.
package admin
