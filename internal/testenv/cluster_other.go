//go:build !unix

package testenv

import (
	"fmt"
	"runtime"
)

// launch exists on Unix only: the server is owned by a shell script there. The store's tests run on Linux; elsewhere
// they say so instead of passing without having run.
func launch(string, string) (*cluster, error) {
	return nil, fmt.Errorf("a PostgreSQL for tests can be started on Unix only, not on %s; run these tests on Linux",
		runtime.GOOS)
}
