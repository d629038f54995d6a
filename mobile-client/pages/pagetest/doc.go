// Package pagetest gives tests, pictures and measurements a phone to look at: a real replica in a real file, filled the way a sync fills
// it, with an invented village, and the app over it.
//
// States are what a page must be fit to show: a phone with nothing on it, an ordinary day, one on which things went wrong, long names
// everywhere, and a register of a thousand households. Screens is the list of all pages in the states worth a look; the tests render
// each, `./task screenshots` draws each. A new page is a line there.
//
// The clock stands still on the afternoon of 23 November 2026, in Shanghai, and randomness is seeded: the same state is the same file.
package pagetest
