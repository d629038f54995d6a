// Package pages is the field app: the pages that cadres use in the village, served to the phone's own browser over the replica.
//
// It promises:
//
//   - Every page works by plain links and forms; the one script only saves taps. Nothing here waits for the network.
//   - What a person wrote is saved before “saved” is shown, by the one way into the replica (Tx); a form carries the base it was
//     rendered from and writes only the cells that differ.
//   - An error is a sentence: what happened, what holds now, what to do; one of a value stands at its field, with what was typed
//     still there. What went wrong inside goes to the log, without personal data.
//   - Text of people reaches a page only through html/template; the policy of package guard lets no script run but our file.
//   - Time and randomness are handed in.
//
// # Adding a screen
//
//  1. The page is a struct that embeds frame (title, tab or way back), in a file of its own: visit.go. Its texts are a words map in
//     the same file, named in catalogue (words.go).
//  2. Its template is html/visit.html: {{define "main"}}, and if it needs them “right” (right end of the top bar), “bar” (action bar in
//     place of the tabs) and “head” (the whole top bar). The parts of LOOK are classes in internal/look/css/parts.css, and templates in
//     html/_parts.html where a part has structure: field, row, chip, blank, ticks. Functions: t (text), icon, date, weekday, count.
//  3. Its handlers are func(*request) error, listed as visitRoutes in the file and named in routes (app.go): patterns as in
//     net/http. A GET ends in rq.show("visit", &visitPage{…}); a POST in rq.see(path), after rq.toast or rq.undoable. An error is
//     returned as it is. Paths that pages of others link to are in paths.go.
//  4. Questions to the register go into package field, over one replica.View. Forms over columns of the schema are a sheet (form.go): it
//     renders, reads, checks and blames by the column's own rules.
//  5. A form that is typed into keeps a draft (keep.go): its POST is marked keeps, its GET calls rq.resume, its saving is rq.write, and its
//     template has the parts kept and drop. What a draft holds is its author's own words alone.
//  6. The tests: a line in screens (pagetest/screens.go) for each state worth a look. TestEveryScreen then renders it in both
//     languages and both sizes and holds it to the rules of every page; `./task screenshots` draws it.
//
// What is kept on this phone alone (a draft, what was looked at) goes through Replica.PutLocal and View.Local, under a prefix of the
// screen's own; “seen/” + the id of a review tells Today that its guidance was read. The state Hostile of pagetest has markup and
// script in every text: every screen of Full is opened with it by TestStoredScriptsAreInert.
package pages
