// Package e2e holds the tests that need both sides for real: a server and devices, one against the other. It promises nothing to
// other packages; there is nothing in it but tests.
package e2e
