package main

import (
	"syscall"
	"unsafe"
)

var diskFree = syscall.NewLazyDLL("kernel32.dll").NewProc("GetDiskFreeSpaceExW")

// freeSpace is how many bytes the disk of a folder has left for this program.
func freeSpace(dir string) (int64, error) {
	path, err := syscall.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var left uint64
	if ok, _, err := diskFree.Call(uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&left)), 0, 0); ok == 0 { // #nosec G103 -- how Windows is asked
		return 0, err
	}
	return int64(left), nil // #nosec G115 -- no disk has 2^63 bytes
}
