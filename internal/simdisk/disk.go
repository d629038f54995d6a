// Package simdisk is a disk for the simulator: a file system for SQLite that lives in memory, forgets what was not synced
// when the power is cut, runs full and fails on command, and does all of that the same way each time.
//
// It promises that what a Sync covered survives every [Disk.Crash], that nothing else has to (which of it does, and how
// torn, the generator decides), and that the same calls with the same generator leave the same bytes. It starts no
// goroutine, sleeps never, reads no clock and shares nothing between disks. It is safe for concurrent use, which SQLite's
// WAL readers need; determinism is then up to the caller's order of calls.
//
// DESIGN.md says what the model of a power cut is and why.
package simdisk

import (
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"

	"minqing/internal/sqlitex/vfs"
)

// Disk is one device's disk with a name space of its own. Names are slash-separated; there are no folders to make.
type Disk struct {
	// Now is the clock that SQLite reads (Unix ms), nil for the operating system's; set it before VFS is asked for.
	Now func() int64

	mu      sync.Mutex
	files   map[string]*inode // what running programs see
	durable map[string]*inode // what a power cut leaves of the names
	dirLog  []dirChange       // the difference, in order
	boot    int               // counts power cuts
	faults  []Fault
	stats   Stats
	keep    *keeper // nil: connections end when they are closed
	room    []byte  // for Walk
}

// dirChange is one name made (f set) or removed (f nil), not yet synced.
type dirChange struct {
	name string
	f    *inode
}

// Stats counts what SQLite asked of the disk since it was made.
type Stats struct {
	Reads, Writes, Syncs int
	BytesWritten         int64
}

// New returns an empty disk.
func New() *Disk { return &Disk{files: map[string]*inode{}, durable: map[string]*inode{}} }

// VFS is what SQLite opens files of the disk through.
func (d *Disk) VFS() vfs.VFS { return fileSystem{d} }

// Stats returns the counters as they stand.
func (d *Disk) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}

// Image is a database with the files beside it (log, journal) as they were at one instant, by suffix.
type Image map[string][]byte

// Clone copies the database at name and the files beside it: as programs see them, or only what is durable by now (what a
// copy pulled from the powered-off device would hold).
func (d *Disk) Clone(name string, durableOnly bool) Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	img := Image{}
	files := d.files
	if durableOnly {
		files = d.durable
	}
	for n, f := range files {
		suffix, ok := beside(fullPath(name), n)
		if !ok {
			continue
		}
		if durableOnly {
			img[suffix] = f.durable.bytes()
		} else {
			img[suffix] = f.data.bytes()
		}
	}
	return img
}

// Restore puts an image in place of the database at name, durably. Handles still open keep the old files, as after a rename.
func (d *Disk) Restore(name string, img Image) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name = fullPath(name)
	for _, n := range d.names() {
		if _, ok := beside(name, n); ok {
			d.link(n, nil)
		}
	}
	for _, suffix := range slices.Sorted(maps.Keys(img)) {
		d.link(name+suffix, newInode(contentOf(img[suffix])))
	}
	d.syncNames()
}

// Walk calls fn with every file as programs see it, by name. What it is given is its own till it returns.
func (d *Disk) Walk(fn func(name string, data []byte)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.names() {
		data := &d.files[n].data
		d.room = slices.Grow(d.room[:0], int(data.size))[:data.size]
		data.read(d.room, 0)
		fn(n, d.room)
	}
}

// beside says whether file belongs to the database at name, and by which suffix: "", "-wal", "-journal" and their like.
func beside(name, file string) (suffix string, ok bool) {
	suffix, ok = strings.CutPrefix(file, name)
	return suffix, ok && (suffix == "" || suffix[0] == '-' && !strings.ContainsAny(suffix, "./"))
}

func fullPath(name string) string { return path.Clean("/" + name) }

func (d *Disk) names() []string { return slices.Sorted(maps.Keys(d.files)) }

// link makes name point to f, or to nothing.
func (d *Disk) link(name string, f *inode) {
	if f == nil {
		delete(d.files, name)
	} else {
		d.files[name] = f
	}
	d.dirLog = append(d.dirLog, dirChange{name, f})
}

// syncNames makes all changes of names durable: a file system's journal of metadata is one for all folders, in order.
func (d *Disk) syncNames() {
	applyNames(d.durable, d.dirLog)
	d.dirLog = d.dirLog[:0]
}

func applyNames(to map[string]*inode, log []dirChange) {
	for _, c := range log {
		if c.f == nil {
			delete(to, c.name)
		} else {
			to[c.name] = c.f
		}
	}
}

// fileSystem is the disk as SQLite sees it.
type fileSystem struct{ d *Disk }

// Clock is the disk's.
func (fs fileSystem) Clock() func() int64 { return fs.d.Now }

func (fs fileSystem) Open(_ *vfs.TLS, name string, flags int32) (vfs.File, int32, vfs.Code) {
	d := fs.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if rc := d.fail(OpOpen); rc != vfs.OK {
		return nil, 0, rc
	}
	if name == "" { // temporary: no name, gone with its handle
		return &file{d: d, f: newInode(content{}), boot: d.boot}, flags, vfs.OK
	}
	f := d.files[name]
	if f == nil {
		if flags&sqlite3.SQLITE_OPEN_CREATE == 0 {
			return nil, 0, vfs.CantOpen
		}
		f = newInode(content{})
		f.newLog = flags&(sqlite3.SQLITE_OPEN_WAL|sqlite3.SQLITE_OPEN_MAIN_JOURNAL|sqlite3.SQLITE_OPEN_SUPER_JOURNAL) != 0
		d.link(name, f)
	}
	h := &file{d: d, f: f, boot: d.boot}
	if flags&sqlite3.SQLITE_OPEN_DELETEONCLOSE != 0 {
		h.removeOnClose = name
	}
	return h, flags, vfs.OK
}

func (fs fileSystem) Delete(_ *vfs.TLS, name string, syncDir bool) vfs.Code {
	d := fs.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		return vfs.DeleteNoFile
	}
	if rc := d.fail(OpDelete); rc != vfs.OK {
		return rc
	}
	d.link(name, nil)
	if syncDir {
		d.syncNames()
	}
	return vfs.OK
}

// Access counts an empty file as missing where SQLite asks for existence, as the platforms' own do.
func (fs fileSystem) Access(_ *vfs.TLS, name string, how int32) (bool, vfs.Code) {
	fs.d.mu.Lock()
	defer fs.d.mu.Unlock()
	f := fs.d.files[name]
	return f != nil && (how != sqlite3.SQLITE_ACCESS_EXISTS || f.data.size > 0), vfs.OK
}

func (fs fileSystem) FullPath(_ *vfs.TLS, name string) (string, vfs.Code) {
	return fullPath(name), vfs.OK
}
