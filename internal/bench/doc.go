// Package bench measures the budgets of DESIGN section 9 that need no screen, and by RunApp what the field app must reach. Each line stands beside a floor measured in the
// same run on the same machine: the bare statements, or the same bytes bare over HTTP with zstd, without anything that Minqing
// does around them. It promises to measure the production code through its own doors (real files, real HTTP on loopback, a real
// PostgreSQL, durable commits, device and server on one machine), to print what it measured whether the budget was met or not,
// and to fail when an answer was wrong rather than slow.
//
// RunApp's floor is an empty page in the same browser; a person is a model there (so much a tap, a character, a choice), and pages,
// taps and keys are real.
//
// RunConsole measures the consoles over a whole city, planted by package county, by the server's own time.
//
// docs/BENCH.md tells what each line means.
package bench
