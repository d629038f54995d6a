package vfs

import (
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// OS returns the file system SQLite uses by default. Its files pass every call on, locks and shared memory included, so a
// wrapper keeps what the operating system gives: many connections, many processes, one file.
//
// Buffers handed to its files must come from SQLite or from Alloc: transpiled code does arithmetic on their addresses.
func OS() VFS {
	tls := libc.NewTLS()
	defer tls.Close()
	return osVFS{base: sqlite3.Xsqlite3_vfs_find(tls, 0)}
}

type osVFS struct{ base uintptr }

func (o osVFS) table() *sqlite3.Tsqlite3_vfs { return at[sqlite3.Tsqlite3_vfs](o.base) }

func (o osVFS) Open(tls *TLS, name string, flags int32) (File, int32, Code) {
	f := &osFile{}
	if name != "" {
		var z uintptr
		if f.nameMem, z = cName(tls, name); z == 0 {
			return nil, 0, NoMem
		}
		f.name = z
	}
	// One allocation holds the platform's file and, before it, the word for the flags it reports.
	const word = 8
	f.mem = alloc(tls, word+int(o.table().FszOsFile))
	if f.mem == 0 {
		f.free(tls)
		return nil, 0, NoMem
	}
	f.file = f.mem + word
	flags &^= sqlite3.SQLITE_OPEN_URI // the copy of the name has no parameters
	open := funcAt[func(*TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](o.table().FxOpen)
	if rc := open(tls, o.base, f.name, f.file, flags, f.mem); rc != sqlite3.SQLITE_OK {
		if at[sqlite3.Tsqlite3_file](f.file).FpMethods != 0 {
			f.closeBase(tls)
		}
		f.free(tls)
		return nil, 0, Code(rc)
	}
	return f, *at[int32](f.mem), OK
}

func (o osVFS) Delete(tls *TLS, name string, syncDir bool) Code {
	mem, z := cName(tls, name)
	if z == 0 {
		return NoMem
	}
	defer free(tls, mem)
	del := funcAt[func(*TLS, uintptr, uintptr, int32) int32](o.table().FxDelete)
	return Code(del(tls, o.base, z, bool32(syncDir)))
}

func (o osVFS) Access(tls *TLS, name string, how int32) (bool, Code) {
	mem, z := cName(tls, name)
	if z == 0 {
		return false, NoMem
	}
	defer free(tls, mem)
	out := tls.Alloc(8)
	defer tls.Free(8)
	*at[int32](out) = 0
	access := funcAt[func(*TLS, uintptr, uintptr, int32, uintptr) int32](o.table().FxAccess)
	rc := access(tls, o.base, z, how, out)
	return *at[int32](out) != 0, Code(rc)
}

func (o osVFS) FullPath(tls *TLS, name string) (string, Code) {
	mem, z := cName(tls, name)
	if z == 0 {
		return "", NoMem
	}
	defer free(tls, mem)
	n := o.table().FmxPathname + 1
	out := alloc(tls, int(n))
	if out == 0 {
		return "", NoMem
	}
	defer free(tls, out)
	full := funcAt[func(*TLS, uintptr, uintptr, int32, uintptr) int32](o.table().FxFullPathname)
	rc := full(tls, o.base, z, n, out)
	// The platform says by a positive code that it followed a symbolic link; that is success.
	if rc == sqlite3.SQLITE_OK_SYMLINK {
		rc = sqlite3.SQLITE_OK
	}
	return goName(out), Code(rc)
}

// osFile owns a sqlite3_file of the platform's VFS. The name must outlive it: the platform keeps the pointer.
type osFile struct {
	file, mem     uintptr
	name, nameMem uintptr
}

func (f *osFile) table() *sqlite3.Tsqlite3_io_methods {
	return at[sqlite3.Tsqlite3_io_methods](at[sqlite3.Tsqlite3_file](f.file).FpMethods)
}

func (f *osFile) free(tls *TLS) {
	free(tls, f.mem)
	free(tls, f.nameMem)
}

func (f *osFile) closeBase(tls *TLS) Code {
	return Code(funcAt[func(*TLS, uintptr) int32](f.table().FxClose)(tls, f.file))
}

func (f *osFile) Close(tls *TLS) Code {
	rc := f.closeBase(tls)
	f.free(tls)
	return rc
}

func (f *osFile) ReadAt(tls *TLS, p []byte, off int64) (int, Code) {
	read := funcAt[func(*TLS, uintptr, uintptr, int32, int64) int32](f.table().FxRead)
	rc := Code(read(tls, f.file, addrOfBytes(p), int32(len(p)), off))
	if rc == OK {
		return len(p), OK
	}
	if rc != IOErrShort {
		return 0, rc
	}
	// The platform filled up with zeros and does not say how much was there.
	size, rc := f.Size(tls)
	return int(min(max(size-off, 0), int64(len(p)))), rc
}

func (f *osFile) WriteAt(tls *TLS, p []byte, off int64) Code {
	write := funcAt[func(*TLS, uintptr, uintptr, int32, int64) int32](f.table().FxWrite)
	return Code(write(tls, f.file, addrOfBytes(p), int32(len(p)), off))
}

func (f *osFile) Truncate(tls *TLS, size int64) Code {
	return Code(funcAt[func(*TLS, uintptr, int64) int32](f.table().FxTruncate)(tls, f.file, size))
}

func (f *osFile) Sync(tls *TLS, flags int32) Code {
	time.Sleep(syncDelay)
	return Code(funcAt[func(*TLS, uintptr, int32) int32](f.table().FxSync)(tls, f.file, flags))
}

func (f *osFile) Size(tls *TLS) (int64, Code) {
	out := tls.Alloc(8)
	defer tls.Free(8)
	*at[int64](out) = 0
	rc := funcAt[func(*TLS, uintptr, uintptr) int32](f.table().FxFileSize)(tls, f.file, out)
	return *at[int64](out), Code(rc)
}

func (f *osFile) Lock(tls *TLS, level int32) Code {
	return Code(funcAt[func(*TLS, uintptr, int32) int32](f.table().FxLock)(tls, f.file, level))
}

func (f *osFile) Unlock(tls *TLS, level int32) Code {
	return Code(funcAt[func(*TLS, uintptr, int32) int32](f.table().FxUnlock)(tls, f.file, level))
}

func (f *osFile) CheckReserved(tls *TLS) (bool, Code) {
	out := tls.Alloc(8)
	defer tls.Free(8)
	*at[int32](out) = 0
	rc := funcAt[func(*TLS, uintptr, uintptr) int32](f.table().FxCheckReservedLock)(tls, f.file, out)
	return *at[int32](out) != 0, Code(rc)
}

func (f *osFile) Control(tls *TLS, op int32, arg uintptr) Code {
	return Code(funcAt[func(*TLS, uintptr, int32, uintptr) int32](f.table().FxFileControl)(tls, f.file, op, arg))
}

func (f *osFile) SectorSize(tls *TLS) int32 {
	return funcAt[func(*TLS, uintptr) int32](f.table().FxSectorSize)(tls, f.file)
}

func (f *osFile) Characteristics(tls *TLS) int32 {
	return funcAt[func(*TLS, uintptr) int32](f.table().FxDeviceCharacteristics)(tls, f.file)
}

func (f *osFile) ShmMap(tls *TLS, region, size int32, extend bool) ([]byte, Code) {
	out := tls.Alloc(8)
	defer tls.Free(8)
	*at[uintptr](out) = 0
	shmMap := funcAt[func(*TLS, uintptr, int32, int32, int32, uintptr) int32](f.table().FxShmMap)
	rc := shmMap(tls, f.file, region, size, bool32(extend), out)
	p := *at[uintptr](out)
	if p == 0 {
		return nil, Code(rc)
	}
	return bytesAt(p, size), Code(rc)
}

func (f *osFile) ShmLock(tls *TLS, slot, n, flags int32) Code {
	return Code(funcAt[func(*TLS, uintptr, int32, int32, int32) int32](f.table().FxShmLock)(tls, f.file, slot, n, flags))
}

func (f *osFile) ShmBarrier(tls *TLS) {
	funcAt[func(*TLS, uintptr)](f.table().FxShmBarrier)(tls, f.file)
}

func (f *osFile) ShmUnmap(tls *TLS, remove bool) Code {
	return Code(funcAt[func(*TLS, uintptr, int32) int32](f.table().FxShmUnmap)(tls, f.file, bool32(remove)))
}

func bool32(v bool) int32 {
	if v {
		return 1
	}
	return 0
}
