// Package vfs lets Go code be the file system under SQLite. It promises three things and no more: [Register] hands a [VFS]
// to SQLite's own registry under a fresh name; [OS] is the file system SQLite would use anyway, seen through the same
// interface, so that it can be wrapped (locks and shared memory stay those of the operating system, and several processes
// may share a file); and [SeedRandom] makes SQLite's generator repeatable for a simulator.
//
// All calls come from the goroutine that runs the statement and carry its [TLS], which a wrapper passes on untouched:
// SQLite's C heap, errno and recursive mutexes hang on it. There is no memory mapping of the database (xFetch), because a
// wrapper that changes bytes could not honour it.
package vfs

import (
	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// TLS is the C thread state of the goroutine that runs the statement.
type TLS = libc.TLS

// Code is a result code of SQLite. It is no error value: it travels on paths taken for each page, and costs no allocation.
type Code int32

// The codes implementations need to tell apart; any other code of SQLite may be returned as well.
const (
	OK           Code = sqlite3.SQLITE_OK
	Busy         Code = sqlite3.SQLITE_BUSY
	Full         Code = sqlite3.SQLITE_FULL
	CantOpen     Code = sqlite3.SQLITE_CANTOPEN
	NotADB       Code = sqlite3.SQLITE_NOTADB
	NotFound     Code = sqlite3.SQLITE_NOTFOUND
	NoMem        Code = sqlite3.SQLITE_NOMEM
	IOErr        Code = sqlite3.SQLITE_IOERR
	IOErrWrite   Code = sqlite3.SQLITE_IOERR_WRITE
	IOErrShort   Code = sqlite3.SQLITE_IOERR_SHORT_READ
	IOErrLock    Code = sqlite3.SQLITE_IOERR_LOCK
	IOErrShmMap  Code = sqlite3.SQLITE_IOERR_SHMMAP
	DeleteNoFile Code = sqlite3.SQLITE_IOERR_DELETE_NOENT
)

// VFS opens, finds and deletes files. Names are full paths as FullPath returned them, with SQLite's suffixes (-wal,
// -journal) appended; the empty name asks for a temporary file that vanishes when closed.
type VFS interface {
	// Open takes SQLITE_OPEN_* flags and returns those in force (a file asked for read-write may come back read-only).
	Open(tls *TLS, name string, flags int32) (f File, outFlags int32, rc Code)
	// Delete answers DeleteNoFile for a missing file; syncDir asks that the deletion survive a power cut.
	Delete(tls *TLS, name string, syncDir bool) Code
	// Access takes one SQLITE_ACCESS_* value.
	Access(tls *TLS, name string, how int32) (bool, Code)
	FullPath(tls *TLS, name string) (string, Code)
}

// clocked is a VFS that brings the clock SQLite reads (unixepoch(), CURRENT_TIMESTAMP), for a simulator; without it that is the
// operating system's. Clock gives Unix ms, or is nil when there is none.
type clocked interface{ Clock() func() int64 }

// File is one handle on a file. SQLite calls a handle from one goroutine at a time; several handles on one file are the
// normal case. Buffers are only valid during the call. Lock levels and Shm calls are those of sqlite3_io_methods.
type File interface {
	Close(tls *TLS) Code
	// ReadAt returns how many bytes the file had; fewer than asked for is no error, the caller fills the rest with zeros.
	ReadAt(tls *TLS, p []byte, off int64) (int, Code)
	WriteAt(tls *TLS, p []byte, off int64) Code
	Truncate(tls *TLS, size int64) Code
	Sync(tls *TLS, flags int32) Code
	Size(tls *TLS) (int64, Code)

	Lock(tls *TLS, level int32) Code
	Unlock(tls *TLS, level int32) Code
	CheckReserved(tls *TLS) (bool, Code)

	// Control answers NotFound for what it does not know.
	Control(tls *TLS, op int32, arg uintptr) Code
	SectorSize(tls *TLS) int32
	Characteristics(tls *TLS) int32

	// ShmMap returns a region's memory, which is not Go's (see Alloc), or nil when there is none and extend is false.
	ShmMap(tls *TLS, region, size int32, extend bool) ([]byte, Code)
	ShmLock(tls *TLS, slot, n, flags int32) Code
	ShmBarrier(tls *TLS)
	ShmUnmap(tls *TLS, remove bool) Code
}

// SeedRandom makes SQLite's generator (salts of the WAL, random(), randomblob()) start again from seed; zero goes back to
// the operating system's entropy. It holds for the whole process, so it is for a program that runs one history at a time.
// Seed once, at the start: a seed repeated in mid-history would repeat WAL salts, and stale frames could pass as new.
func SeedRandom(seed uint32) {
	tls := libc.NewTLS()
	defer tls.Close()
	sqlite3.Xsqlite3_initialize(tls)
	args := libc.NewVaList(int32(seed), uintptr(0))
	defer libc.Xfree(tls, args)
	sqlite3.Xsqlite3_test_control(tls, sqlite3.SQLITE_TESTCTRL_PRNG_SEED, args)
	sqlite3.Xsqlite3_randomness(tls, 0, 0)
}
