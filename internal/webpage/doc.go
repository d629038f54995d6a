// Package webpage is what the pages of the field app and of the consoles have in common beside their looks (package look): texts in two
// languages, templates, and the answer to a browser.
//
// It promises:
//
//   - A text that a page says and the catalogue lacks fails when the page is first rendered, as tests do with every page.
//   - What varies in a text is escaped on a page; the catalogue's own <b> stays there and is dropped elsewhere.
//   - Nothing here reads the clock: “now” is handed in.
package webpage
