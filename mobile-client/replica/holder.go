package replica

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// newHolder names a sync that begins. On the operating system's file system the name ends with the process, so that the next one
// need not wait out the lease of one that was killed; on a simulated disk there are no processes, and histories stay the same.
func (r *Replica) newHolder(token string) string {
	if r.opt.FS != nil {
		return token
	}
	return fmt.Sprintf("%s %d", token, os.Getpid())
}

// ended tells that the process behind a holder has surely ended. When in doubt it has not: then the lease runs out by itself. Should
// it be wrong (a file shared by two machines), the older session notices at its next write that it was replaced.
func ended(holder string) bool {
	_, text, ok := strings.Cut(holder, " ")
	pid, err := strconv.Atoi(text)
	if !ok || err != nil || pid <= 0 {
		return false
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	return errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
