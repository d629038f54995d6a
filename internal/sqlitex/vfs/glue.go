package vfs

import (
	"unsafe"

	sqlite3 "modernc.org/sqlite/lib"
)

const sizeofVFS = unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})

// methods is the table every file of ours points to. Version 2 has shared memory and lacks xFetch: no memory mapping.
var methods = sqlite3.Tsqlite3_io_methods{
	FiVersion:               2,
	FxClose:                 addrOf(xClose),
	FxRead:                  addrOf(xRead),
	FxWrite:                 addrOf(xWrite),
	FxTruncate:              addrOf(xTruncate),
	FxSync:                  addrOf(xSync),
	FxFileSize:              addrOf(xFileSize),
	FxLock:                  addrOf(xLock),
	FxUnlock:                addrOf(xUnlock),
	FxCheckReservedLock:     addrOf(xCheckReservedLock),
	FxFileControl:           addrOf(xFileControl),
	FxSectorSize:            addrOf(xSectorSize),
	FxDeviceCharacteristics: addrOf(xDeviceCharacteristics),
	FxShmMap:                addrOf(xShmMap),
	FxShmLock:               addrOf(xShmLock),
	FxShmBarrier:            addrOf(xShmBarrier),
	FxShmUnmap:              addrOf(xShmUnmap),
}

func addrOfMethods() uintptr { return uintptr(unsafe.Pointer(&methods)) }

// fillVFS sets our four methods and takes time, sleep, entropy and the rest from the platform's own VFS, whose
// implementations of those do not look at the VFS they are called with.
func fillVFS(v, base *sqlite3.Tsqlite3_vfs, r *registration) {
	*v = sqlite3.Tsqlite3_vfs{
		FiVersion:          2,
		FszOsFile:          cFileSize,
		FmxPathname:        maxPathname,
		FzName:             r.cname + nameGuard,
		FpAppData:          addrOf(r),
		FxOpen:             addrOf(xOpen),
		FxDelete:           addrOf(xDelete),
		FxAccess:           addrOf(xAccess),
		FxFullPathname:     addrOf(xFullPathname),
		FxDlOpen:           base.FxDlOpen,
		FxDlError:          base.FxDlError,
		FxDlSym:            base.FxDlSym,
		FxDlClose:          base.FxDlClose,
		FxRandomness:       base.FxRandomness,
		FxSleep:            base.FxSleep,
		FxCurrentTime:      base.FxCurrentTime,
		FxGetLastError:     base.FxGetLastError,
		FxCurrentTimeInt64: base.FxCurrentTimeInt64,
	}
	if c, ok := r.impl.(clocked); ok && c.Clock() != nil {
		v.FxCurrentTimeInt64 = addrOf(xCurrentTimeInt64)
	}
}

// unixEpoch is 1970-01-01 as SQLite counts: ms since noon of 24 November 4714 BC.
const unixEpoch = 210866760000000

func xCurrentTimeInt64(_ *TLS, pVfs, pOut uintptr) int32 {
	*at[int64](pOut) = regOf(pVfs).impl.(clocked).Clock()() + unixEpoch
	return sqlite3.SQLITE_OK
}

func regOf(pVfs uintptr) *registration {
	return at[registration](at[sqlite3.Tsqlite3_vfs](pVfs).FpAppData)
}

func fileOf(pFile uintptr) *handle { return at[handle](at[cFile](pFile).handle) }

func xOpen(tls *TLS, pVfs, zName, pFile uintptr, flags int32, pOut uintptr) int32 {
	*at[cFile](pFile) = cFile{} // no methods: SQLite must not close what did not open
	r := regOf(pVfs)
	f, out, rc := r.impl.Open(tls, goName(zName), flags)
	if rc != OK {
		return int32(rc)
	}
	if pOut != 0 {
		*at[int32](pOut) = out
	}
	r.opened(pFile, f)
	return sqlite3.SQLITE_OK
}

func xDelete(tls *TLS, pVfs, zName uintptr, syncDir int32) int32 {
	return int32(regOf(pVfs).impl.Delete(tls, goName(zName), syncDir != 0))
}

func xAccess(tls *TLS, pVfs, zName uintptr, how int32, pOut uintptr) int32 {
	ok, rc := regOf(pVfs).impl.Access(tls, goName(zName), how)
	setBool(pOut, ok)
	return int32(rc)
}

func xFullPathname(tls *TLS, pVfs, zName uintptr, nOut int32, zOut uintptr) int32 {
	full, rc := regOf(pVfs).impl.FullPath(tls, goName(zName))
	if rc != OK {
		return int32(rc)
	}
	out := bytesAt(zOut, nOut)
	if len(full) >= len(out) {
		return sqlite3.SQLITE_CANTOPEN
	}
	out[copy(out, full)] = 0
	return sqlite3.SQLITE_OK
}

func xClose(tls *TLS, pFile uintptr) int32 {
	h := fileOf(pFile)
	rc := h.Close(tls)
	*at[cFile](pFile) = cFile{}
	h.closed(tls)
	return int32(rc)
}

func xRead(tls *TLS, pFile, buf uintptr, n int32, off int64) int32 {
	p := bytesAt(buf, n)
	got, rc := fileOf(pFile).ReadAt(tls, p, off)
	if rc != OK {
		return int32(rc)
	}
	if got < len(p) {
		clear(p[got:])
		return int32(IOErrShort)
	}
	return sqlite3.SQLITE_OK
}

func xWrite(tls *TLS, pFile, buf uintptr, n int32, off int64) int32 {
	return int32(fileOf(pFile).WriteAt(tls, bytesAt(buf, n), off))
}

func xTruncate(tls *TLS, pFile uintptr, size int64) int32 {
	return int32(fileOf(pFile).Truncate(tls, size))
}

func xSync(tls *TLS, pFile uintptr, flags int32) int32 {
	return int32(fileOf(pFile).Sync(tls, flags))
}

func xFileSize(tls *TLS, pFile, pOut uintptr) int32 {
	size, rc := fileOf(pFile).Size(tls)
	*at[int64](pOut) = size
	return int32(rc)
}

func xLock(tls *TLS, pFile uintptr, level int32) int32 {
	return int32(fileOf(pFile).Lock(tls, level))
}

func xUnlock(tls *TLS, pFile uintptr, level int32) int32 {
	return int32(fileOf(pFile).Unlock(tls, level))
}

func xCheckReservedLock(tls *TLS, pFile, pOut uintptr) int32 {
	held, rc := fileOf(pFile).CheckReserved(tls)
	setBool(pOut, held)
	return int32(rc)
}

func xFileControl(tls *TLS, pFile uintptr, op int32, arg uintptr) int32 {
	return int32(fileOf(pFile).Control(tls, op, arg))
}

func xSectorSize(tls *TLS, pFile uintptr) int32 { return fileOf(pFile).SectorSize(tls) }

func xDeviceCharacteristics(tls *TLS, pFile uintptr) int32 {
	return fileOf(pFile).Characteristics(tls)
}

func xShmMap(tls *TLS, pFile uintptr, region, size, extend int32, pOut uintptr) int32 {
	p, rc := fileOf(pFile).ShmMap(tls, region, size, extend != 0)
	*at[uintptr](pOut) = addrOfBytes(p)
	return int32(rc)
}

func xShmLock(tls *TLS, pFile uintptr, slot, n, flags int32) int32 {
	return int32(fileOf(pFile).ShmLock(tls, slot, n, flags))
}

func xShmBarrier(tls *TLS, pFile uintptr) { fileOf(pFile).ShmBarrier(tls) }

func xShmUnmap(tls *TLS, pFile uintptr, remove int32) int32 {
	return int32(fileOf(pFile).ShmUnmap(tls, remove != 0))
}

func setBool(p uintptr, v bool) {
	*at[int32](p) = 0
	if v {
		*at[int32](p) = 1
	}
}
