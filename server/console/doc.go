// Package console is the web consoles of the server: pages for secretaries, administrators and residents, rendered here and served on the
// port that phones sync over.
//
// It promises:
//
//   - Every page works by plain links and forms; the one script only saves reaching for the mouse.
//   - A route that is not in the authorization table (table.go) cannot be registered, and one of the table that nobody serves does not
//     start. Who may call it follows from the permission matrix of the rule book and from the roles that the caller holds over the place
//     in the address, read anew for every request. What is foreign and what is missing get the same answer, byte for byte.
//   - Domain data is written by the one path that pushes take, in the name of who is signed in, based on what his form showed him.
//   - A session that ends amid a form loses nothing: the sign-in page carries what was typed, and gives it back.
//   - What was typed stands in the form again whenever it could not be saved, with the sentence that says why.
//   - No cookie but `__Host-` ones, no script but our file, by nonce; forwarded headers count only from proxies that are named.
//
// # Adding a page
//
//  1. One line in table.go: the pattern, who may (rights of the rule book), and what row the address names. Addresses begin with
//     /at/{place}: what a page shows lies in that place or below it.
//  2. One handler file: words (named in catalogue, words.go), a page struct that embeds frame, and handlers func(*request) error, listed
//     in handlers (app.go). When a handler runs, rq.place, rq.roles and the row of the address are proven to be the caller's.
//     A GET ends in rq.show("name", &page{…}); a POST in rq.see(path) after rq.toast, or in rq.again for a form to be mended.
//  3. One template, html/name.html, with {{define "main"}}, and where the page has them “head” (the right end of the header) and “side”
//     (the column beside). Parts of LOOK are classes of internal/look/css/parts.css and desk.css; html/_parts.html has those with structure.
//  4. A line in nav (frame.go) when the page has a place in the rail: it shows to those who may open it.
//  5. A line in Screens (consoletest/screens.go) for each state worth a look: tests render it in both languages, the authorization test
//     calls it as everybody, `./task screenshots` draws it.
//
// Questions to the register stand in package branch, not in handlers. Who somebody is: package account.
package console
