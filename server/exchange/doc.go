// Package exchange runs one sync: it reads what the device says of itself, finds out whether the file was copied or the server
// went back, pushes what the device brings, and pulls what is true after the push's last commit (DESIGN section 4).
//
// It promises that nothing is taken from a push before the whole request was found to be the device's own, and that every
// verdict leaves after the commit it reports.
package exchange
