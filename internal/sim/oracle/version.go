package oracle

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// ident is short for the name that the whole package is about.
type ident = syncproto.Identity

// version is what one change did to one row.
type version struct {
	id        ident
	op        syncproto.Op
	cells     []syncproto.CellEdit
	base      syncproto.Base
	decides   []string
	undo      ident
	corrected int64
	roles     []schema.Role
	depends   []ident
	labels    []syncproto.Label
	seq       uint64
	refused   bool
	mendedBy  ident // of a refused one: what stands in for it
}

func (v *version) edit(cell string) *syncproto.CellEdit {
	for i := range v.cells {
		if v.cells[i].Cell == cell {
			return &v.cells[i]
		}
	}
	return nil
}

// value is what v wrote into a cell.
func (v *version) value(cell string) schema.Value {
	if e := v.edit(cell); e != nil {
		return e.Value
	}
	return schema.Null
}

// decided tells whether v decides what is open about a cell. Who confirms a deletion decided about all of the row.
func (v *version) decided(cell string) bool {
	return slices.Contains(v.decides, cell) || v.op == syncproto.OpDelete && slices.Contains(v.decides, syncproto.ExistenceCell)
}

// epochInfo is one epoch of a server: where it branched off, and where each stream stood then.
type epochInfo struct {
	ID     syncproto.EpochID
	Parent syncproto.EpochID
	Began  map[string]uint64 // stream → seq
}

// epochs are all that ever were; line are those of the present server, newest first.
type epochs struct {
	all  map[syncproto.EpochID]*epochInfo
	line []syncproto.EpochID
}

func (e *epochs) up(id syncproto.EpochID) []syncproto.EpochID {
	var out []syncproto.EpochID
	for id != "" && !slices.Contains(out, id) {
		out = append(out, id)
		info := e.all[id]
		if info == nil {
			break
		}
		id = info.Parent
	}
	return out
}

// labelled tells whether somebody shown (base.Epoch, base.Rev) was shown v: it bears a number up to that in the same epoch, or one
// in an epoch before, given before the later epoch began. Of what a lost server took between the backup and the epoch that was cut off,
// nothing is assumed to have been seen.
func (e *epochs) labelled(v *version, base syncproto.Base, stream string) bool {
	if base.Epoch == "" {
		return false
	}
	began := func(id syncproto.EpochID) uint64 {
		if info := e.all[id]; info != nil {
			return info.Began[stream]
		}
		return 0
	}
	// inherited are the epochs of which the base's epoch took over what lay up to limit.
	var inherited []syncproto.EpochID
	var limit uint64
	climb := e.up(base.Epoch)
	for i, id := range climb {
		at := slices.Index(e.line, id)
		if at < 0 {
			continue
		}
		if i == 0 {
			inherited, limit = climb[1:], began(id)
		} else {
			inherited, limit = climb[i:], began(climb[i-1])
			if at > 0 {
				limit = min(limit, began(e.line[at-1]))
			}
		}
		break
	}
	for _, l := range v.labels {
		if l.Rev > base.Rev {
			continue
		}
		if l.Epoch == base.Epoch || v.seq <= limit && slices.Contains(inherited, l.Epoch) {
			return true
		}
	}
	return false
}
