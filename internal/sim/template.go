package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"minqing/internal/simdisk"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/server/keys"
	"minqing/syncproto"
)

// blank is what every history begins with: the file of a server that knows the cast, and empty files for phones. They are made by the
// production code once a process.
type blank struct {
	keys   *keys.Ring
	server simdisk.Image
	now    int64
	phones map[phoneKind]simdisk.Image
}

type phoneKind struct {
	version   int
	encrypted bool
}

const (
	serverDir  = "/server"
	serverPath = serverDir + "/" + engine.DatabaseName
	phonePath  = "/phone/replica.db"
)

// phoneKey is the key of encrypted phones; that keys differ is not what is tested here.
var phoneKey = []byte("0123456789abcdef0123456789abcdef")

var template = sync.OnceValue(func() *blank {
	t := &blank{now: dawn, phones: map[phoneKind]simdisk.Image{}}
	rand := newEntropy(0, 1)
	var err error
	if t.keys, err = keys.New(rand); err != nil {
		panic(err)
	}
	disk := simdisk.New()
	clock := func() int64 { return t.now }
	e, err := engine.Open(context.Background(), engine.Config{Dir: serverDir, FS: disk.VFS(), Keys: t.keys, Book: schematest.Book(), Now: clock, Rand: rand, Zone: zone})
	if err != nil {
		panic(err)
	}
	book := schematest.Book()
	for _, r := range castRows() {
		t.now += 1000
		out, err := e.Judge.Submit(context.Background(), "", judge.Draft{Edits: []syncproto.Edit{r.creation(book)}})
		if err == nil && out.Verdicts[0].Status == syncproto.Refused {
			err = fmt.Errorf("%s %s is refused: %s", r.table, r.id, out.Verdicts[0].Message)
		}
		if err != nil {
			panic(err)
		}
	}
	t.now += 60_000
	if err := e.Close(); err != nil {
		panic(err)
	}
	t.server = disk.Clone(serverPath, false)
	for version := 1; version <= schematest.Version; version++ {
		for _, encrypted := range []bool{false, true} {
			kind := phoneKind{version, encrypted}
			t.phones[kind] = blankPhone(kind, rand)
		}
	}
	return t
})

func blankPhone(kind phoneKind, rand *entropy) simdisk.Image {
	disk := simdisk.New()
	disk.Now = func() int64 { return dawn }
	r, err := replica.Open(context.Background(), phoneOptions(disk, kind, func() int64 { return dawn }, rand))
	if err != nil {
		panic(err)
	}
	if err := r.Close(); err != nil {
		panic(err)
	}
	return disk.Clone(phonePath, false)
}

// books are the rule books by version.
var books = sync.OnceValue(func() map[int]*schema.Book {
	out := map[int]*schema.Book{}
	for v := 1; v <= schematest.Version; v++ {
		out[v] = schematest.BookAt(v)
	}
	return out
})

func phoneOptions(disk *simdisk.Disk, kind phoneKind, now func() int64, rand *entropy) replica.Options {
	opt := replica.Options{Path: phonePath, FS: disk.VFS(), BusyTimeout: time.Millisecond, Book: books()[kind.version], Now: now, Rand: rand}
	if kind.encrypted {
		opt.Key = phoneKey
	}
	return opt
}
