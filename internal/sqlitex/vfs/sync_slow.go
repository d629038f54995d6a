//go:build slowdisk

package vfs

import "time"

// syncDelay makes the disk of this machine as slow as a cheap phone's: what internal/bench builds the program with to measure the field
// app. No other build has the tag.
const syncDelay = 20 * time.Millisecond
