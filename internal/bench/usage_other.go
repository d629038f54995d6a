//go:build !unix

package bench

import "time"

// cpu is not told on this system.
func cpu() time.Duration { return 0 }

// openFiles has nothing to raise on this system.
func openFiles(uint64) error { return nil }
