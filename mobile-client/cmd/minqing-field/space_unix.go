//go:build !windows

package main

import "syscall"

// freeSpace is how many bytes the disk of a folder has left for this program.
func freeSpace(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // the fields have other types on other systems; no disk has 2^63 bytes
}
