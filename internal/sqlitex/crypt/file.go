package crypt

import (
	sqlite3 "modernc.org/sqlite/lib"

	"minqing/internal/sqlitex/vfs"
)

// sqliteMagic are the first 16 bytes of every SQLite database: exactly one block, and the same one for ever.
const sqliteMagic = "SQLite format 3\x00"

// file encrypts and decrypts between SQLite and the file below. Its buffers live as long as the handle, which SQLite uses
// from one goroutine at a time.
type file struct {
	vfs.File
	xts  *xts
	wal  bool
	page int64 // of the WAL; 0 while no header was seen

	buf     []byte // handed to the file below, so it is C memory
	scratch []byte // for tweaks
}

func (f *file) Close(tls *vfs.TLS) vfs.Code {
	vfs.Free(tls, f.buf)
	f.buf = nil
	return f.File.Close(tls)
}

// checkKey refuses a database that does not decrypt to one. Zeros are let through: they are what a power cut leaves of a
// file that never was, and SQLite's journal settles that. The block never changes once written, so this neither sees a torn
// state nor races with a writer.
func (f *file) checkKey(tls *vfs.TLS) vfs.Code {
	head := f.room(tls, block)
	if head == nil {
		return vfs.NoMem
	}
	n, rc := f.File.ReadAt(tls, head, 0)
	if rc != vfs.OK || n == 0 || n == block && [block]byte(head) == [block]byte{} {
		return rc
	}
	f.xts.decrypt(head, head, f.tweakRoom(len(head)), 0)
	if n < block || string(head) != sqliteMagic {
		return vfs.NotADB
	}
	return vfs.OK
}

// room returns n bytes to work in, or nil; what they held is lost when they have to grow.
func (f *file) room(tls *vfs.TLS, n int) []byte {
	if len(f.buf) < n {
		vfs.Free(tls, f.buf)
		if f.buf = vfs.Alloc(tls, n); f.buf == nil {
			return nil
		}
	}
	return f.buf[:n]
}

// tweakRoom returns n bytes for tweaks.
func (f *file) tweakRoom(n int) []byte {
	if len(f.scratch) < n {
		f.scratch = make([]byte, n)
	}
	return f.scratch
}

// pos is walPos for a WAL, and for everything else the offset itself, in one part without end.
func (f *file) pos(tls *vfs.TLS, off int64) (disk, left int64, rc vfs.Code) {
	if !f.wal {
		return off, 1 << 62, vfs.OK
	}
	page, rc := f.pageSize(tls, off)
	disk, left = walPos(off, page)
	return disk, left, rc
}

// pageSize is needed behind the WAL's header only. It cannot change while a database is in WAL mode.
func (f *file) pageSize(tls *vfs.TLS, off int64) (int64, vfs.Code) {
	if f.page != 0 {
		return f.page, vfs.OK
	}
	if off < walHeader {
		return defaultPageSize, vfs.OK
	}
	head := f.room(tls, walHeader)
	if head == nil {
		return 0, vfs.NoMem
	}
	n, rc := f.File.ReadAt(tls, head, 0)
	if rc != vfs.OK {
		return 0, rc
	}
	if n == walHeader {
		f.xts.decrypt(head, head, f.tweakRoom(len(head)), 0)
		f.page = walPage(head)
	}
	if f.page == 0 {
		return defaultPageSize, vfs.OK // no valid header: SQLite will find nothing in it either
	}
	return f.page, vfs.OK
}

func (f *file) ReadAt(tls *vfs.TLS, p []byte, off int64) (int, vfs.Code) {
	done := 0
	for done < len(p) {
		disk, left, rc := f.pos(tls, off+int64(done))
		if rc != vfs.OK {
			return 0, rc
		}
		part := p[done : done+int(min(left, int64(len(p)-done)))]
		n, rc := f.readPart(tls, part, disk)
		if rc != vfs.OK {
			return 0, rc
		}
		done += n
		if n < len(part) {
			break
		}
	}
	return done, vfs.OK
}

// readPart decrypts p in place when it covers whole blocks, as nearly always; else it reads the blocks around it.
func (f *file) readPart(tls *vfs.TLS, p []byte, disk int64) (int, vfs.Code) {
	from, to := around(disk, len(p))
	if from == disk && to == disk+int64(len(p)) {
		return f.readBlocks(tls, p, from)
	}
	b := f.room(tls, int(to-from))
	if b == nil {
		return 0, vfs.NoMem
	}
	n, rc := f.readBlocks(tls, b, from)
	return copy(p, b[min(disk-from, int64(n)):n]), rc
}

// readBlocks reads and decrypts whole blocks; a block the file ends within is no block.
func (f *file) readBlocks(tls *vfs.TLS, p []byte, disk int64) (int, vfs.Code) {
	n, rc := f.File.ReadAt(tls, p, disk)
	n -= n % block
	if rc == vfs.OK && n > 0 {
		f.xts.decrypt(p[:n], p[:n], f.tweakRoom(n), disk/block)
	}
	return n, rc
}

func (f *file) WriteAt(tls *vfs.TLS, p []byte, off int64) vfs.Code {
	if f.wal && off == 0 {
		f.page = walPage(p)
	}
	for len(p) > 0 {
		disk, left, rc := f.pos(tls, off)
		if rc != vfs.OK {
			return rc
		}
		n := int(min(left, int64(len(p))))
		if rc := f.writePart(tls, p[:n], disk, f.wal && int64(n) == left); rc != vfs.OK {
			return rc
		}
		p, off = p[n:], off+int64(n)
	}
	return vfs.OK
}

// writePart encrypts p into a buffer of whole blocks. What it shares its first and last block with is read first, unless
// p ends its part: then only padding follows. Journals and temporary files alone have such writes (DESIGN.md, tearing).
func (f *file) writePart(tls *vfs.TLS, p []byte, disk int64, endsPart bool) vfs.Code {
	from, to := around(disk, len(p))
	b := f.room(tls, int(to-from))
	if b == nil {
		return vfs.NoMem
	}
	end := int(disk-from) + len(p)
	if disk > from {
		if rc := f.fetch(tls, b[:block], from); rc != vfs.OK {
			return rc
		}
	}
	if end < len(b) && (disk == from || len(b) > block) {
		last := b[len(b)-block:]
		if endsPart {
			clear(last)
		} else if rc := f.fetch(tls, last, to-block); rc != vfs.OK {
			return rc
		}
	}
	if disk == from && end == len(b) {
		f.xts.encrypt(b, p, f.tweakRoom(len(b)), from/block)
	} else {
		copy(b[disk-from:], p)
		f.xts.encrypt(b, b, f.tweakRoom(len(b)), from/block)
	}
	return f.File.WriteAt(tls, b, from)
}

// fetch reads one block for rewriting; behind the end of the file it is zeros.
func (f *file) fetch(tls *vfs.TLS, b []byte, disk int64) vfs.Code {
	n, rc := f.readBlocks(tls, b, disk)
	clear(b[n:])
	return rc
}

// Truncate and Size count whole blocks. SQLite depends on a size to the byte in super-journals only, which belong to
// transactions over several attached files in rollback mode.
func (f *file) Truncate(tls *vfs.TLS, size int64) vfs.Code {
	disk, _, rc := f.pos(tls, size)
	if rc != vfs.OK {
		return rc
	}
	_, to := around(disk, 0)
	return f.File.Truncate(tls, to)
}

func (f *file) Size(tls *vfs.TLS) (int64, vfs.Code) {
	disk, rc := f.File.Size(tls)
	if rc != vfs.OK || disk < block {
		return 0, rc
	}
	disk -= disk % block
	if !f.wal {
		return disk, vfs.OK
	}
	page, rc := f.pageSize(tls, walHeader)
	return walSize(disk, page), rc
}

// Control keeps the file below from mapping the database into memory behind our back.
func (f *file) Control(tls *vfs.TLS, op int32, arg uintptr) vfs.Code {
	if op == sqlite3.SQLITE_FCNTL_MMAP_SIZE {
		return vfs.NotFound
	}
	return f.File.Control(tls, op, arg)
}

// around is the range of whole blocks that holds n bytes at off.
func around(off int64, n int) (from, to int64) {
	return off &^ (block - 1), (off + int64(n) + block - 1) &^ (block - 1)
}
