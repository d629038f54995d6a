package crypt_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"minqing/internal/simdisk"
	"minqing/internal/sqlitex/crypt"
	"minqing/internal/sqlitex/vfs"
)

const (
	create    = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE
	openMain  = create | sqlite3.SQLITE_OPEN_MAIN_DB
	openWAL   = create | sqlite3.SQLITE_OPEN_WAL
	journal   = create | sqlite3.SQLITE_OPEN_MAIN_JOURNAL
	temporary = create | sqlite3.SQLITE_OPEN_TEMP_DB
)

func mustOpen(tb testing.TB, tls *vfs.TLS, v vfs.VFS, name string, flags int32) vfs.File {
	tb.Helper()
	f, _, rc := v.Open(tls, name, flags)
	if rc != vfs.OK {
		tb.Fatalf("open %s: code %d", name, rc)
	}
	return f
}

func wrap(tb testing.TB, d *simdisk.Disk, key byte) vfs.VFS {
	tb.Helper()
	v, err := crypt.Wrap(d.VFS(), bytes.Repeat([]byte{key}, crypt.KeySize))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// Reads, writes and cuts at any offset and length agree with a plain slice of bytes, through two handles on one file.
func TestAnyAccessAgreesWithPlainBytes(t *testing.T) {
	tls := libc.NewTLS()
	defer tls.Close()
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		v := wrap(t, simdisk.New(), 1)
		a, b := mustOpen(t, tls, v, "/j", journal), mustOpen(t, tls, v, "/j", journal)
		var model []byte
		for range 400 {
			f := []vfs.File{a, b}[rng.IntN(2)]
			off, n := rng.IntN(700), 1+rng.IntN(80)
			switch rng.IntN(6) {
			case 0:
				size := rng.IntN(len(model) + 1)
				if rc := f.Truncate(tls, int64(size)); rc != vfs.OK {
					t.Fatal(rc)
				}
				// What is left of the last block stays readable; SQLite never looks.
				model = model[:min(len(model), (size+15)&^15)]
			case 1, 2:
				if off > len(model) {
					off = len(model) // bytes never written are anything; SQLite never looks at those either
				}
				p := make([]byte, n)
				for i := range p {
					p[i] = byte(rng.Uint32())
				}
				if rc := f.WriteAt(tls, p, int64(off)); rc != vfs.OK {
					t.Fatal(rc)
				}
				if grown := (off + n + 15) &^ 15; grown > len(model) {
					model = append(model, make([]byte, grown-len(model))...)
				}
				copy(model[off:], p)
			default:
				p := make([]byte, n)
				got, rc := f.ReadAt(tls, p, int64(off))
				want := model[min(off, len(model)):min(off+n, len(model))]
				if rc != vfs.OK || !bytes.Equal(p[:got], want) {
					t.Fatalf("seed %d: read %d at %d: code %d, %d bytes, want %d", seed, n, off, rc, got, len(want))
				}
			}
			if size, rc := f.Size(tls); rc != vfs.OK || size != int64(len(model)) {
				t.Fatalf("seed %d: size %d, want %d (code %d)", seed, size, len(model), rc)
			}
		}
	}
}

// Appending a frame to the log leaves every byte on disk of the frames before it as it was.
func TestAppendingToTheLogTouchesNoOtherFrame(t *testing.T) {
	tls := libc.NewTLS()
	defer tls.Close()
	for _, page := range []int{512, 4096, 65536} {
		d := simdisk.New()
		f := mustOpen(t, tls, wrap(t, d, 1), "/db-wal", openWAL)
		header := make([]byte, 32)
		copy(header, []byte{0x37, 0x7f, 0x06, 0x82})
		header[8], header[9], header[10], header[11] = byte(page>>24), byte(page>>16), byte(page>>8), byte(page)
		if rc := f.WriteAt(tls, header, 0); rc != vfs.OK {
			t.Fatal(rc)
		}
		var before, plain []byte
		for frame := range 5 {
			off := int64(32 + frame*(24+page))
			head, body := bytes.Repeat([]byte{byte(frame)}, 24), bytes.Repeat([]byte{0xa0 | byte(frame)}, page)
			if rc := f.WriteAt(tls, head, off); rc != vfs.OK {
				t.Fatal(rc)
			}
			if rc := f.WriteAt(tls, body, off+24); rc != vfs.OK {
				t.Fatal(rc)
			}
			plain = append(append(plain, head...), body...)
			after := d.Clone("/db", false)["-xwal"]
			if !bytes.Equal(after[:len(before)], before) {
				t.Fatalf("page %d: frame %d changed bytes of an earlier one", page, frame)
			}
			before = after
		}
		// Another process, which has not seen the header written, reads the same.
		g := mustOpen(t, tls, wrap(t, d, 1), "/db-wal", openWAL)
		if size, rc := g.Size(tls); rc != vfs.OK || size != int64(32+len(plain)) {
			t.Fatalf("page %d: size %d, want %d", page, size, 32+len(plain))
		}
		got := make([]byte, len(plain))
		if n, rc := g.ReadAt(tls, got, 32); n != len(got) || rc != vfs.OK || !bytes.Equal(got, plain) {
			t.Fatalf("page %d: what was read is not what was written", page)
		}
	}
}

func TestKeyIsCheckedBeforeAnythingElse(t *testing.T) {
	tls := libc.NewTLS()
	defer tls.Close()
	magic := []byte("SQLite format 3\x00")
	for _, c := range []struct {
		name  string
		write func(d *simdisk.Disk)
		want  vfs.Code
	}{
		{"no file", func(*simdisk.Disk) {}, vfs.OK},
		{"its own key", func(d *simdisk.Disk) { mustOpen(t, tls, wrap(t, d, 1), "/db", openMain).WriteAt(tls, magic, 0) }, vfs.OK},
		{"another key", func(d *simdisk.Disk) { mustOpen(t, tls, wrap(t, d, 2), "/db", openMain).WriteAt(tls, magic, 0) }, vfs.NotADB},
		{"a plain database", func(d *simdisk.Disk) { d.Restore("/db", simdisk.Image{"": append(magic, make([]byte, 4080)...)}) }, vfs.NotADB},
		{"a few stray bytes", func(d *simdisk.Disk) { d.Restore("/db", simdisk.Image{"": []byte("hello")}) }, vfs.NotADB},
		{"a creation cut short", func(d *simdisk.Disk) { d.Restore("/db", simdisk.Image{"": make([]byte, 4096)}) }, vfs.OK},
	} {
		d := simdisk.New()
		c.write(d)
		if _, _, rc := wrap(t, d, 1).Open(tls, "/db", openMain); rc != c.want {
			t.Errorf("%s: code %d, want %d", c.name, rc, c.want)
		}
	}
}

func TestNothingIsStoredInClear(t *testing.T) {
	tls := libc.NewTLS()
	defer tls.Close()
	canary := bytes.Repeat([]byte("canary-in-clear!"), 40)
	d := simdisk.New()
	v := wrap(t, d, 1)
	for name, flags := range map[string]int32{"/db": openMain, "/db-wal": openWAL, "/db-journal": journal, "/tmp": temporary} {
		f := mustOpen(t, tls, v, name, flags)
		for _, off := range []int64{0, 640, 1283} {
			if rc := f.WriteAt(tls, canary, off); rc != vfs.OK {
				t.Fatal(rc)
			}
		}
	}
	seen := map[string]string{}
	d.Walk(func(name string, data []byte) {
		if len(data) < 640 || bytes.Contains(data, canary[:8]) {
			t.Errorf("%s: %d bytes, in clear or missing", name, len(data))
		}
		if other, ok := seen[string(data[:16])]; ok {
			t.Errorf("%s and %s encrypt the same bytes alike", name, other)
		}
		seen[string(data[:16])] = name
	})
	if len(seen) != 4 {
		t.Errorf("%d files, want 4: %v", len(seen), seen)
	}
}
