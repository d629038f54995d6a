package replica

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// newHolder names a sync that begins. The name ends with the process, so that the next one need not wait out the lease of one that
// was killed: by a clock that stands still it would wait for ever.
func (r *Replica) newHolder(token string) string {
	switch {
	case r.opt.Process != "":
		return token + " " + r.opt.Process
	case r.opt.FS != nil:
		return token // on another disk than the system's there are no processes of the system's
	}
	return fmt.Sprintf("%s %d", token, os.Getpid())
}

// gone tells that a holder's sync, or the process behind it, has surely ended.
func (r *Replica) gone(holder string) bool {
	if over := r.over.Load(); over != nil && *over == holder {
		return true
	}
	if r.opt.Ended == nil {
		return ended(holder)
	}
	_, process, ok := strings.Cut(holder, " ")
	return ok && r.opt.Ended(process)
}

// ended is gone by the operating system's word. When in doubt it has not: then the lease runs out by itself. Should
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
	err = p.Signal(syscall.Signal(0))
	return errors.Is(errors.Join(err, p.Release()), os.ErrProcessDone)
}
