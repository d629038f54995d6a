//go:build !slowdisk

package vfs

// syncDelay is how much longer than the platform's own every sync takes: nothing, but in a build with the tag slowdisk.
const syncDelay = 0
