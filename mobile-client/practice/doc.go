// Package practice makes a phone on which nothing is real: a file of its own with invented households, for learning the app.
//
// It promises:
//
//   - The file stands beside the data file and shares nothing with it. It has a key that is kept nowhere, so what a crash leaves of it
//     can be read by nobody; Remove takes it away, and is run at every start.
//   - Its rows come in as a server's would, by a Cloud that is made by hand; there is no server, and nothing in it is ever sent.
//   - Names, addresses and phone numbers are invented (internal/register).
//
// Cloud serves the tests of the pages too, which fill their phones with it.
package practice
