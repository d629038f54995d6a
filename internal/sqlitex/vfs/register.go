package vfs

import (
	"fmt"
	"runtime"
	"sync"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// registry keeps what C memory points to alive. It is touched when a VFS is registered or released and when a file is
// opened or closed; reads and writes go straight through the address.
var registry struct {
	sync.Mutex
	next  uint64
	live  map[*registration]struct{}
	files map[*handle]struct{}
}

type registration struct {
	impl     VFS
	cvfs     uintptr
	cname    uintptr
	pin      runtime.Pinner
	open     int  // files open; under registry
	released bool // under registry
}

// handle is what an open sqlite3_file refers to.
type handle struct {
	File
	reg *registration
	pin runtime.Pinner
}

// cFile is the sqlite3_file SQLite allocates for us.
type cFile struct {
	methods uintptr
	handle  uintptr
}

const (
	cFileSize   = 16 // two pointers, on every target at most eight bytes each
	maxPathname = 4096
)

// Register makes v known to SQLite under a fresh name, for the vfs parameter of a DSN. After release nothing can be opened
// under that name; files still open go on working and the memory goes with the last of them.
func Register(v VFS) (name string, release func(), err error) {
	tls := libc.NewTLS()
	defer tls.Close()
	base := sqlite3.Xsqlite3_vfs_find(tls, 0)
	if base == 0 {
		return "", nil, fmt.Errorf("vfs: SQLite has no file system on this platform")
	}
	r := &registration{impl: v}
	registry.Lock()
	registry.next++
	name = fmt.Sprintf("minqing-%d", registry.next)
	registry.Unlock()

	r.cvfs = alloc(tls, int(sizeofVFS))
	r.cname, _ = cName(tls, name)
	if r.cvfs == 0 || r.cname == 0 {
		free(tls, r.cvfs)
		free(tls, r.cname)
		return "", nil, fmt.Errorf("vfs: out of memory")
	}
	r.pin.Pin(r)
	fillVFS(at[sqlite3.Tsqlite3_vfs](r.cvfs), at[sqlite3.Tsqlite3_vfs](base), r)
	registry.Lock()
	if registry.live == nil {
		registry.live, registry.files = map[*registration]struct{}{}, map[*handle]struct{}{}
	}
	registry.live[r] = struct{}{}
	registry.Unlock()
	if rc := sqlite3.Xsqlite3_vfs_register(tls, r.cvfs, 0); rc != sqlite3.SQLITE_OK {
		r.drop(tls)
		return "", nil, fmt.Errorf("vfs: SQLite refused to register %s (code %d)", name, rc)
	}
	return name, r.release, nil
}

func (r *registration) release() {
	tls := libc.NewTLS()
	defer tls.Close()
	registry.Lock()
	again := r.released
	r.released = true
	idle := r.open == 0
	registry.Unlock()
	if again {
		return
	}
	sqlite3.Xsqlite3_vfs_unregister(tls, r.cvfs)
	if idle {
		r.drop(tls)
	}
}

func (r *registration) drop(tls *TLS) {
	registry.Lock()
	delete(registry.live, r)
	registry.Unlock()
	r.pin.Unpin()
	free(tls, r.cvfs)
	free(tls, r.cname)
}

// opened stores f behind the address SQLite holds.
func (r *registration) opened(pFile uintptr, f File) {
	h := &handle{File: f, reg: r}
	h.pin.Pin(h)
	registry.Lock()
	registry.files[h] = struct{}{}
	r.open++
	registry.Unlock()
	*at[cFile](pFile) = cFile{methods: addrOfMethods(), handle: addrOf(h)}
}

// closed is its inverse. The database file is the last a connection closes, and SQLite does not touch the VFS after it.
func (h *handle) closed(tls *TLS) {
	registry.Lock()
	delete(registry.files, h)
	h.reg.open--
	last := h.reg.released && h.reg.open == 0
	registry.Unlock()
	h.pin.Unpin()
	if last {
		h.reg.drop(tls)
	}
}
