//go:build !unix

package merge

import (
	"testing"
	"time"
)

var began = time.Now()

// processor is the clock on this system, which tells no more than that.
func processor(*testing.T) time.Duration { return time.Since(began) }
