// Package takeback takes back what an import did: rows that it made are deleted again, as marks like any deletion, and cells that it changed go back
// to what they were, by changes of whoever takes it back.
//
// It promises: nothing that somebody wrote since is lost. A row that anybody changed, wrote beneath or decided about since is left whole, with what
// was made along with it, and so is an account that somebody used; a cell that was changed since is left. What is left is named, with why. It is
// decided row by row inside the transaction that does it, whatever a preview said before. A piece is taken back once, however often it is asked for:
// what is gone already is left alone.
//
// A household goes or stays with all that the import wrote beneath it, and an account with its roles. Pieces come the last first, so that what the
// import laid upon its own earlier pieces goes before them; places go last of a piece, those within others of it first, once nothing lies in them.
package takeback
