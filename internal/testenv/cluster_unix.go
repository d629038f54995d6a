//go:build unix

package testenv

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

//go:embed cluster.sh
var script string

// clusterParent holds the clusters. It is not os.TempDir: a Unix socket's path may have about a hundred bytes, and
// TMPDIR may be closed to the user the server runs as.
const clusterParent = "/tmp"

// launch starts a cluster with the programs in bin and waits until it answers: a throw-away one, or the one that lasts in a folder.
func launch(bin, lasting string) (_ *cluster, err error) {
	credential, err := serverUser()
	if err != nil {
		return nil, err
	}
	dir, keep := lasting, "keep"
	if lasting == "" {
		keep = ""
		dir, err = os.MkdirTemp(clusterParent, "minqing-pg-")
	} else {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, err
	}
	gone := func() error {
		if lasting != "" {
			return nil
		}
		return os.RemoveAll(dir)
	}
	if credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return nil, errors.Join(err, gone())
		}
	}
	keepAlive, alive, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, gone())
	}
	out, said, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, keepAlive.Close(), alive.Close(), gone())
	}

	//nolint:noctx // the pipe ends it, not a context: it must outlive this process to clean up
	cmd := exec.Command("/bin/sh", "-c", script, "cluster.sh", bin, dir, keep)
	cmd.Dir = dir
	// None of the caller's PG… variables may reach the server's programs.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = keepAlive, said, said
	// A session of its own, so that Ctrl-C on a terminal ends the tests and the script outlives them long enough to
	// clean up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: credential}
	err = cmd.Start()
	if err = errors.Join(err, keepAlive.Close(), said.Close()); err != nil {
		return nil, errors.Join(err, alive.Close(), out.Close(), gone())
	}
	if err = errors.Join(awaitReady(out), out.Close()); err != nil {
		return nil, errors.Join(err, alive.Close(), cmd.Wait())
	}
	return &cluster{dir: dir, alive: alive, ended: cmd.Wait}, nil
}

// serverUser says as whom to run the server. PostgreSQL refuses to run as root; nil means the present user.
func serverUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres to run it as; "+
			"on Debian: apt-get install postgresql: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the id of user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the group of user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
