package simdisk

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// sector is what a disk that reorders its writes writes whole or not at all.
const sector = 512

// Crash cuts the power. Every open handle fails from then on (close the databases, then open them anew); what was synced is
// there; of what was not, rng keeps a part. A fault injected stays until Heal.
func (d *Disk) Crash(rng *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Names: a journalling file system keeps a prefix of the changes.
	applyNames(d.durable, d.dirLog[:rng.IntN(len(d.dirLog)+1)])
	d.dirLog = d.dirLog[:0]

	d.boot++
	survived := make(map[string]*inode, len(d.durable))
	for _, name := range slices.Sorted(maps.Keys(d.durable)) {
		survived[name] = newInode(d.durable[name].afterCut(rng))
	}
	d.durable = survived
	d.files = maps.Clone(survived)
}

// afterCut decides what the file holds when the power returns, in one of four ways: nothing unsynced; all of it; everything
// up to some byte of one write; any subset of the writes, each with sectors missing.
func (f *inode) afterCut(rng *rand.Rand) content {
	out := f.durable.clone()
	whole := func() bool { return true }
	switch rng.IntN(4) {
	case 0:
	case 1:
		for _, o := range f.log {
			f.redo(&out, o, whole)
		}
	case 2:
		if len(f.log) == 0 {
			break
		}
		last := rng.IntN(len(f.log))
		for _, o := range f.log[:last] {
			f.redo(&out, o, whole)
		}
		o := f.log[last]
		if o.n > 0 {
			o.n = rng.IntN(o.n + 1)
		}
		f.redo(&out, o, whole)
	case 3:
		for _, o := range f.log {
			if rng.IntN(2) == 0 {
				f.redo(&out, o, func() bool { return rng.IntN(4) != 0 })
			}
		}
	}
	return out
}

// redo does an operation again on what was durable, asking keep for each sector of a write, or once for a truncation.
func (f *inode) redo(to *content, o op, keep func() bool) {
	if o.n < 0 {
		if keep() {
			to.truncate(o.off, f.durable)
		}
		return
	}
	for from, end := o.off, o.off+int64(o.n); from < end; {
		next := min((from/sector+1)*sector, end)
		if keep() {
			at := o.at + int(from-o.off)
			to.write(f.arena[at:at+int(next-from)], from, f.durable)
		}
		from = next
	}
}
