// Package intake takes files that administrators bring to the consoles (registers, lists of places, of users, of who contacts whom): it keeps a file, finds out what an import of it would do, lists every
// row that would not be taken and why, and imports the others when it is told to.
//
// It promises: nothing is written to the register before somebody has seen what would be; the import is package register's, the one that the
// command uses, so a second import changes nothing and one that broke off is gone on with. A file lies in the database from its upload on:
// neither a session that ends nor a process that dies takes anything away. Run works on the files in pieces beside everything else, one
// process at a time for each file, and says after each piece how far it is. Files and the rows not taken are personal data: they are gone a
// week after, or when somebody drops them.
//
// What an import of a register, of places or of users wrote is kept by the names of its changes, in the transactions that write, and stays: it can be taken back
// (package takeback). What that would do is found out and shown first; it is done in pieces, each together with the note that it was done, so that
// nothing is done twice, whoever asks and whatever process dies.
package intake
