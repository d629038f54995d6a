package simdisk

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// sector is what a disk writes whole or not at all.
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

// afterCut decides what the file holds when the power returns. Four ways, as real disks have been seen to do: nothing
// unsynced; all of it; everything up to a point within one write; any subset of writes, each torn anywhere.
func (f *inode) afterCut(rng *rand.Rand) content {
	out := f.durable.clone()
	all := func(int64) bool { return true }
	switch rng.IntN(4) {
	case 0:
	case 1:
		for _, o := range f.log {
			f.tear(&out, o, all)
		}
	case 2:
		if len(f.log) == 0 {
			break
		}
		last := rng.IntN(len(f.log))
		for _, o := range f.log[:last] {
			f.tear(&out, o, all)
		}
		f.tear(&out, f.log[last], linear(rng, f.log[last]))
	case 3:
		for _, o := range f.log {
			if rng.IntN(2) == 0 {
				f.tear(&out, o, func(int64) bool { return rng.IntN(4) != 0 })
			}
		}
	}
	return out
}

// linear keeps the sectors of a write up to one of them.
func linear(rng *rand.Rand, o op) func(int64) bool {
	if o.n < 0 {
		return func(int64) bool { return true }
	}
	sectors := (o.off+int64(o.n)-1)/sector - o.off/sector + 1
	end := o.off/sector + rng.Int64N(sectors+1)
	return func(s int64) bool { return s < end }
}

// tear applies those sectors of a write that keep accepts; a truncation happens or does not.
func (f *inode) tear(to *content, o op, keep func(sector int64) bool) {
	if o.n < 0 {
		if keep(o.off / sector) {
			to.truncate(o.off, f.durable)
		}
		return
	}
	for from, end := o.off, o.off+int64(o.n); from < end; {
		next := min((from/sector+1)*sector, end)
		if keep(from / sector) {
			at := o.at + int(from-o.off)
			to.write(f.arena[at:at+int(next-from)], from, f.durable)
		}
		from = next
	}
}
