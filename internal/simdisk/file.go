package simdisk

import (
	"minqing/internal/sqlitex/vfs"

	sqlite3 "modernc.org/sqlite/lib"
)

// inode is a file apart from its names. data is what programs read; durable is what a power cut leaves for sure; log holds
// the operations between the two, their bytes in arena (one buffer, so that a write costs no allocation).
type inode struct {
	data, durable content
	log           []op
	arena         []byte
	locks         lockState
	shm           *shm
	newLog        bool // a log or journal never synced: its first sync covers the folder too, as SQLite's own VFS does
}

// op is an unsynced write of arena[at:at+n] at off, or (n < 0) a truncation to off.
type op struct {
	off   int64
	at, n int
}

// newInode is a file whose content is durable.
func newInode(c content) *inode { return &inode{data: c.clone(), durable: c} }

func (f *inode) write(p []byte, off int64) {
	f.data.write(p, off, f.durable)
	f.log = append(f.log, op{off: off, at: len(f.arena), n: len(p)})
	f.arena = append(f.arena, p...)
}

func (f *inode) truncate(size int64) {
	f.data.truncate(size, f.durable)
	f.log = append(f.log, op{off: size, n: -1})
}

func (f *inode) sync() {
	f.durable.copyFrom(f.data)
	f.log, f.arena = f.log[:0], f.arena[:0]
}

// file is one handle.
type file struct {
	d             *Disk
	f             *inode
	boot          int // of the disk when it was opened; after a power cut every call on it fails
	lock          int32
	shmShared     uint8 // slots of shared memory this handle holds
	shmExclusive  uint8
	shmMapped     bool
	removeOnClose string
}

func (h *file) dead() bool { return h.boot != h.d.boot }

// enter takes the disk's mutex and says whether the operation may go on.
func (h *file) enter(o Op) vfs.Code {
	h.d.mu.Lock()
	if h.dead() {
		return vfs.IOErr
	}
	return h.d.fail(o)
}

func (h *file) Close(tls *vfs.TLS) vfs.Code {
	h.ShmUnmap(tls, false)
	h.Unlock(tls, sqlite3.SQLITE_LOCK_NONE)
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.removeOnClose != "" && h.d.files[h.removeOnClose] == h.f {
		h.d.link(h.removeOnClose, nil)
	}
	return vfs.OK
}

func (h *file) ReadAt(_ *vfs.TLS, p []byte, off int64) (int, vfs.Code) {
	rc := h.enter(OpRead)
	defer h.d.mu.Unlock()
	if rc != vfs.OK {
		return 0, rc
	}
	h.d.stats.Reads++
	return h.f.data.read(p, off), vfs.OK
}

// WriteAt leaves half of its sectors behind when it fails: a full disk is met in the middle of a page.
func (h *file) WriteAt(_ *vfs.TLS, p []byte, off int64) vfs.Code {
	rc := h.enter(OpWrite)
	defer h.d.mu.Unlock()
	if h.dead() {
		return rc
	}
	if rc != vfs.OK {
		p = p[:len(p)/2/sector*sector]
	}
	h.d.stats.Writes++
	h.d.stats.BytesWritten += int64(len(p))
	if len(p) > 0 {
		h.f.write(p, off)
	}
	return rc
}

func (h *file) Truncate(_ *vfs.TLS, size int64) vfs.Code {
	rc := h.enter(OpTruncate)
	defer h.d.mu.Unlock()
	if rc == vfs.OK {
		h.f.truncate(size)
	}
	return rc
}

func (h *file) Sync(*vfs.TLS, int32) vfs.Code {
	rc := h.enter(OpSync)
	defer h.d.mu.Unlock()
	if rc != vfs.OK {
		return rc
	}
	h.d.stats.Syncs++
	h.f.sync()
	if h.f.newLog {
		h.d.syncNames()
		h.f.newLog = false
	}
	return vfs.OK
}

func (h *file) Size(*vfs.TLS) (int64, vfs.Code) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return 0, vfs.IOErr
	}
	return h.f.data.size, vfs.OK
}

// Control knows nothing; SQLite takes the defaults.
func (h *file) Control(*vfs.TLS, int32, uintptr) vfs.Code { return vfs.NotFound }

// SectorSize is what SQLite's own VFS says, so that the simulator sees the same layout of journals.
func (h *file) SectorSize(*vfs.TLS) int32 { return 4096 }

// Characteristics claims what Crash keeps: a write never damages bytes outside of it. SQLite's own VFS claims the same.
func (h *file) Characteristics(*vfs.TLS) int32 { return sqlite3.SQLITE_IOCAP_POWERSAFE_OVERWRITE }
