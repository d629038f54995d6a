package simdisk

import (
	"math/bits"

	sqlite3 "modernc.org/sqlite/lib"

	"minqing/internal/sqlitex/vfs"
)

// lockState is the file lock of rollback mode (WAL mode uses it at opening and closing): any number of readers, one of them
// reserved to write, pending while it waits for the rest to leave, exclusive then.
type lockState struct {
	readers int   // handles at SHARED or above
	writer  *file // the one above SHARED
}

func (h *file) Lock(_ *vfs.TLS, level int32) vfs.Code {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return vfs.IOErrLock
	}
	if h.lock >= level {
		return vfs.OK
	}
	l := &h.f.locks
	if level == sqlite3.SQLITE_LOCK_SHARED {
		if l.writer != nil && l.writer.lock >= sqlite3.SQLITE_LOCK_PENDING {
			return vfs.Busy
		}
		l.readers++
		h.lock = level
		return vfs.OK
	}
	if l.writer != nil && l.writer != h {
		return vfs.Busy
	}
	l.writer = h
	if level == sqlite3.SQLITE_LOCK_EXCLUSIVE && l.readers > 1 {
		h.lock = sqlite3.SQLITE_LOCK_PENDING
		return vfs.Busy
	}
	h.lock = level
	return vfs.OK
}

func (h *file) Unlock(_ *vfs.TLS, level int32) vfs.Code {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.lock <= level {
		return vfs.OK
	}
	if h.f.locks.writer == h {
		h.f.locks.writer = nil
	}
	if level == sqlite3.SQLITE_LOCK_NONE {
		h.f.locks.readers--
	}
	h.lock = level
	return vfs.OK
}

func (h *file) CheckReserved(*vfs.TLS) (bool, vfs.Code) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return h.f.locks.writer != nil, vfs.OK
}

const shmSlots = sqlite3.SQLITE_SHM_NLOCK

// shm is the wal-index of one database: memory shared by its handles, gone with the last of them, rebuilt from the log by
// the next.
type shm struct {
	handles   int
	regions   [][]byte
	shared    [shmSlots]int
	exclusive [shmSlots]bool
}

func (h *file) ShmMap(tls *vfs.TLS, region, size int32, extend bool) ([]byte, vfs.Code) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return nil, vfs.IOErrShmMap
	}
	if h.f.shm == nil {
		h.f.shm = &shm{}
	}
	s := h.f.shm
	if !h.shmMapped {
		h.shmMapped = true
		s.handles++
	}
	for extend && int(region) >= len(s.regions) {
		p := vfs.Alloc(tls, int(size))
		if p == nil {
			return nil, vfs.NoMem
		}
		s.regions = append(s.regions, p)
	}
	if int(region) >= len(s.regions) {
		return nil, vfs.OK
	}
	return s.regions[region], vfs.OK
}

func (h *file) ShmLock(_ *vfs.TLS, slot, n, flags int32) vfs.Code {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	s := h.f.shm
	mask := uint8(1<<n-1) << slot
	if flags&sqlite3.SQLITE_SHM_UNLOCK != 0 {
		if s != nil {
			h.shmUnlock(s, mask)
		}
		return vfs.OK
	}
	if h.dead() || s == nil {
		return vfs.IOErrLock
	}
	for m := mask &^ (h.shmShared | h.shmExclusive); m != 0; m &= m - 1 {
		i := bits.TrailingZeros8(m)
		if s.exclusive[i] || flags&sqlite3.SQLITE_SHM_EXCLUSIVE != 0 && s.shared[i] > 0 {
			return vfs.Busy
		}
	}
	for m := mask &^ (h.shmShared | h.shmExclusive); m != 0; m &= m - 1 {
		i := bits.TrailingZeros8(m)
		if flags&sqlite3.SQLITE_SHM_EXCLUSIVE != 0 {
			s.exclusive[i] = true
			h.shmExclusive |= 1 << i
		} else {
			s.shared[i]++
			h.shmShared |= 1 << i
		}
	}
	return vfs.OK
}

func (h *file) shmUnlock(s *shm, mask uint8) {
	for m := mask & (h.shmShared | h.shmExclusive); m != 0; m &= m - 1 {
		i := bits.TrailingZeros8(m)
		if h.shmExclusive&(1<<i) != 0 {
			s.exclusive[i] = false
		} else {
			s.shared[i]--
		}
	}
	h.shmShared &^= mask
	h.shmExclusive &^= mask
}

// ShmBarrier orders memory between goroutines, as a mutex taken and released does.
func (h *file) ShmBarrier(*vfs.TLS) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
}

func (h *file) ShmUnmap(tls *vfs.TLS, _ bool) vfs.Code {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	s := h.f.shm
	if !h.shmMapped {
		return vfs.OK
	}
	h.shmMapped = false
	h.shmUnlock(s, 1<<shmSlots-1)
	if s.handles--; s.handles > 0 {
		return vfs.OK
	}
	for _, p := range s.regions {
		vfs.Free(tls, p)
	}
	h.f.shm = nil
	return vfs.OK
}
