package vfs

import (
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// C memory comes as uintptr, which neither moves nor is looked at by the collector. The helpers below are the only place
// that turns one into a Go view.

func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

func bytesAt(p uintptr, n int32) []byte { return unsafe.Slice(at[byte](p), int(n)) }

// funcAt makes a C function pointer callable; addrOf is its inverse for a top-level function. In transpiled code a function
// pointer is the address of a Go func value's closure.
func funcAt[F any](p uintptr) F    { return *(*F)(unsafe.Pointer(&p)) }
func addrOf[F any](f F) uintptr    { return *(*uintptr)(unsafe.Pointer(&f)) }
func addrOfBytes(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }

// alloc returns n zeroed bytes of SQLite's heap, or 0.
func alloc(tls *TLS, n int) uintptr {
	p := sqlite3.Xsqlite3_malloc64(tls, uint64(n))
	if p != 0 {
		clear(bytesAt(p, int32(n)))
	}
	return p
}

func free(tls *TLS, p uintptr) { sqlite3.Xsqlite3_free(tls, p) }

// Alloc gives implementations n zeroed bytes outside of Go's heap, for regions of a wal-index and for buffers handed to
// files of OS; nil when there is no memory.
func Alloc(tls *TLS, n int) []byte {
	p := alloc(tls, n)
	if p == 0 {
		return nil
	}
	return bytesAt(p, int32(n))
}

// Free returns what Alloc gave; nil is fine.
func Free(tls *TLS, p []byte) { free(tls, addrOfBytes(p)) }

// nameGuard is how many zero bytes SQLite wants on both sides of a file name: its own VFS looks behind the name for URI
// parameters and before it for the start of the database's name.
const nameGuard = 4

// cName copies a name into C memory; the result is the allocation and the name inside it.
func cName(tls *TLS, s string) (mem, name uintptr) {
	mem = alloc(tls, len(s)+2*nameGuard)
	if mem == 0 {
		return 0, 0
	}
	name = mem + nameGuard
	copy(bytesAt(name, int32(len(s))), s)
	return mem, name
}

func goName(p uintptr) string {
	if p == 0 {
		return ""
	}
	return libc.GoString(p)
}
