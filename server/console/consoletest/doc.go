// Package consoletest gives tests, pictures and measurements of the consoles a city to look at: a real engine over a real database, filled
// by the one path that all changes take, with the consoles over it.
//
// States are what a page must be fit to show: a city where nothing has happened, an ordinary day, long names everywhere, a thousand rows of
// what a branch has, text that attacks, a day on which everything that an administrator has to decide came at once, and a thousand of what he keeps. Screens is the list of all pages in the states worth a look; tests render each, `./task screenshots`
// draws each. A new page is a line there.
//
// There are two villages, so that what is foreign can be asked for: 石桥村 is where the story plays. The clock stands on the morning of
// 23 November 2026 in Shanghai unless a test moves it, and randomness is seeded.
package consoletest
