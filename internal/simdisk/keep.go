package simdisk

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"minqing/internal/sqlitex/vfs"
)

// keeper holds the connections of a disk that keeps them.
type keeper struct {
	name   string             // of the database
	base   content            // what every history begins with
	schema string             // of it
	idle   map[string][]*kept // for whoever opens next, by how they were opened
	aside  []*kept            // closed since the disk was last rewound
	out    int                // open now
	vfs    string             // what SQLite knows the disk by
	end    func()             // makes it forget that
}

// Keep puts the image of a database that was closed properly in place at name, as Restore does, and keeps connections from then on: one that
// its program closes is put aside with all that SQLite parsed and compiled for it, and is given to a program that opens the database the same
// way after the next Rewind. It is for many short histories that all begin with one image and end without a power cut, of which parsing the
// schema and compiling statements anew would be a great part. To the disk a connection put aside is a process that has the database open and
// does nothing. What a program set by PRAGMA stays set. Discard ends it.
func (d *Disk) Keep(name string, img Image) error {
	d.Restore(name, img)
	known, end, err := vfs.Register(fileSystem{d})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keep = &keeper{name: fullPath(name), base: contentOf(img[""]), idle: map[string][]*kept{}, vfs: known, end: end}
	return nil
}

// Rewind puts the image given to Keep in place of all files, beneath the connections put aside, and hands those out from then on. The next
// to read finds no index of the log, reckons it anew as after a crash, and forgets the pages that it remembers. The number by which SQLite
// tells one schema from the next is not put back: a connection might remember another schema under it. Rewind gives false, and the disk is of
// no more use, when somebody has the database open still or is amid a transaction, and when the power was cut.
func (d *Disk) Rewind() bool {
	k := d.keep
	if k == nil || len(k.aside) == 0 || k.out != 0 || d.boot != 0 {
		return false
	}
	if err := k.renumber(); err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		if f.locks.writer != nil || f.shm != nil && f.shm.busy() {
			return false
		}
	}
	d.faults, d.stats, d.dirLog = nil, Stats{}, d.dirLog[:0]
	clear(d.durable)
	for _, name := range d.names() {
		f := d.files[name]
		f.log, f.arena = f.log[:0], f.arena[:0]
		switch name {
		case k.name:
			f.data.copyFrom(k.base)
			f.durable.copyFrom(k.base)
			d.durable[name] = f
		case k.name + "-wal": // as one that was made and not yet synced
			f.data, f.durable, f.newLog = content{}, content{}, true
			d.dirLog = append(d.dirLog, dirChange{name, f})
		default:
			delete(d.files, name)
		}
		if f.shm != nil {
			for _, region := range f.shm.regions {
				clear(region)
			}
		}
	}
	for _, c := range k.aside {
		k.idle[c.how] = append(k.idle[c.how], c)
	}
	k.aside = nil
	return true
}

// renumber brings the number of the image's schema up to what a history made of it. One that wrote the file anew, and came to the very tables
// and places of the image, leaves connections knowing the schema of the next history already; any other makes them parse it anew.
func (k *keeper) renumber() error {
	const at = 40 // of the number in a database's header
	var number [4]byte
	k.base.read(number[:], at)
	version, err := k.aside[0].first("PRAGMA schema_version")
	if err != nil {
		return err
	}
	now, ok := version.(int64)
	if !ok || now == int64(binary.BigEndian.Uint32(number[:])) {
		return nil
	}
	schema, err := k.aside[0].schema()
	if err != nil {
		return err
	}
	if schema != k.schema {
		now++
	}
	binary.BigEndian.PutUint32(number[:], uint32(now))
	k.base.write(number[:], at, k.base.clone())
	return nil
}

// Discard closes the connections that were put aside. The disk keeps none from then on.
func (d *Disk) Discard() {
	d.mu.Lock()
	k := d.keep
	d.keep = nil
	d.mu.Unlock()
	if k == nil {
		return
	}
	for _, how := range slices.Sorted(maps.Keys(k.idle)) {
		k.aside = append(k.aside, k.idle[how]...)
	}
	for _, c := range k.aside {
		c.end()
	}
	k.end()
}

// Registered is the name that SQLite knows the disk by while it keeps connections, "" otherwise.
func (fs fileSystem) Registered() string {
	if fs.d.keep == nil {
		return ""
	}
	return fs.d.keep.vfs
}

// busy tells whether anybody reads or writes.
func (s *shm) busy() bool {
	for i := range s.shared {
		if s.shared[i] > 0 || s.exclusive[i] {
			return true
		}
	}
	return false
}

// Connect gives a connection that was kept, or opens one. how says how it is opened: with which settings, for reading or writing.
func (fs fileSystem) Connect(how string, open func() (driver.Conn, error)) (driver.Conn, error) {
	d := fs.d
	d.mu.Lock()
	k := d.keep
	if k == nil {
		d.mu.Unlock()
		return open()
	}
	k.out++ // whoever fails here leaves a disk that is not rewound
	if n := len(k.idle[how]); n > 0 {
		c := k.idle[how][n-1]
		k.idle[how] = k.idle[how][:n-1]
		d.mu.Unlock()
		return c, nil
	}
	d.mu.Unlock()
	fresh, err := open()
	if err != nil {
		return nil, err
	}
	c := &kept{connection: fresh.(connection), d: d, how: how, stmts: map[string][]driver.Stmt{}}
	if k.schema == "" { // the first of all finds the image as it is
		k.schema, err = c.schema()
	}
	return c, err
}

// connection is what SQLite's driver gives.
type connection interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// kept is a connection that outlives its closing.
type kept struct {
	connection
	d     *Disk
	how   string
	stmts map[string][]driver.Stmt // compiled and not in use
	count int
}

// mostStmts bounds the statements that a connection keeps; there are some hundreds of them.
const mostStmts = 2000

// Close puts the connection aside; when the disk keeps none any more, it ends.
func (c *kept) Close() error {
	c.d.mu.Lock()
	k := c.d.keep
	if k != nil {
		k.out--
		k.aside = append(k.aside, c)
	}
	c.d.mu.Unlock()
	if k == nil {
		c.end()
	}
	return nil
}

// schema tells all tables and the like, and where in the file they lie.
func (c *kept) schema() (string, error) {
	list, err := c.first("SELECT group_concat(concat_ws(' ', type, name, tbl_name, rootpage, sql), char(10)) FROM (SELECT * FROM sqlite_schema ORDER BY rowid)")
	text, _ := list.(string)
	return text, err
}

// first gives the first value that the connection answers a question with.
func (c *kept) first(query string) (driver.Value, error) {
	s, err := c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	rows, err := s.(statement).QueryContext(context.Background(), nil)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	var row [1]driver.Value
	err = rows.Next(row[:])
	return row[0], errors.Join(err, rows.Close(), s.Close())
}

// end closes it for good.
func (c *kept) end() {
	for _, list := range c.stmts {
		for _, s := range list {
			_ = s.Close() // the connection goes with it
		}
	}
	_ = c.connection.Close() // nobody reads the file any more
}

// PrepareContext gives a statement that was compiled before, or compiles one.
func (c *kept) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if n := len(c.stmts[query]); n > 0 {
		s := c.stmts[query][n-1]
		c.stmts[query] = c.stmts[query][:n-1]
		c.count--
		return &keptStmt{statement: s.(statement), c: c, query: query}, nil
	}
	s, err := c.connection.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &keptStmt{statement: s.(statement), c: c, query: query}, nil
}

// statement is what SQLite's driver prepares.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type keptStmt struct {
	statement
	c     *kept
	query string
}

// Close keeps the statement for the next who asks the same.
func (s *keptStmt) Close() error {
	if s.c.count >= mostStmts {
		return s.statement.Close()
	}
	s.c.count++
	s.c.stmts[s.query] = append(s.c.stmts[s.query], s.statement)
	return nil
}
