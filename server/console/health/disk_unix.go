//go:build linux || darwin

package health

import "syscall"

// disk tells how large the file system of a folder is and what is left of it for us; ok is false where the system does not tell.
func disk(dir string) (size, free int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return int64(s.Blocks) * int64(s.Bsize), int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // an int64 on Linux only
}
