package simdisk

import "minqing/internal/sqlitex/vfs"

// Op is something SQLite asks of a disk.
type Op int

// The operations a fault can hit.
const (
	OpRead Op = iota
	OpWrite
	OpTruncate
	OpSync
	OpOpen
	OpDelete
)

// Fault makes an operation answer Code: after it went well Skip times, and then Times times (0: until Heal).
type Fault struct {
	Op    Op
	Skip  int
	Times int
	Code  vfs.Code
}

// Inject adds a fault.
func (d *Disk) Inject(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, f)
}

// FailWritesAfter lets n more writes through and then the disk is full, until Heal.
func (d *Disk) FailWritesAfter(n int) { d.Inject(Fault{Op: OpWrite, Skip: n, Code: vfs.Full}) }

// Heal ends all faults.
func (d *Disk) Heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// fail says what the faults make of an operation; the mutex is held.
func (d *Disk) fail(o Op) vfs.Code {
	for i := range d.faults {
		f := &d.faults[i]
		if f.Op != o || f.Times < 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times == 1 {
			f.Times = -1 // spent
		} else if f.Times > 1 {
			f.Times--
		}
		return f.Code
	}
	return vfs.OK
}
