// Package testenv gives tests the real things they run against. For now that is PostgreSQL: MustPostgres starts one
// throw-away cluster for the test process and hands out a fresh database at each call.
//
// The cluster needs no TestMain and no cleanup by its users. A small shell script owns it and watches a pipe that the
// test process holds open; when that process ends in any way, the system closes the pipe and the script stops the
// server and removes its files. A TestMain would not do: it never runs after a panic, a timeout or kill -9, and a
// forgotten one leaks a server silently.
//
// What is missing on the machine fails the test and names the package to install. Nothing is ever skipped.
package testenv
