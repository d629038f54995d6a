package oracle

import (
	"maps"
	"slices"
	"time"

	"minqing/schema"
	"minqing/syncproto"
)

// Options of an Oracle.
type Options struct {
	Book  *schema.Book
	Zone  *time.Location // of the city
	Grace int64          // how long late work is judged by the authority at capture, ms
}

// Oracle is the naive server. It is told what the server took, in that order, and says what must have come of it.
type Oracle struct {
	opt    Options
	log    []input
	epochs map[syncproto.EpochID]*epochInfo // all that ever were, those cut off by restores too
	st     *state
}

// input is one thing that happened to the server; applied in order, inputs make its state.
type input func(o *Oracle)

// state is what one line of inputs makes.
type state struct {
	line    []syncproto.EpochID // newest first
	streams map[string]uint64   // seq of each stream
	rows    map[syncproto.RowID]*row
	order   []syncproto.RowID // rows in the order of their birth
	changes map[ident]*Change
	came    []ident // changes in the order of receipt
	rights  []standingRights
	revoked map[syncproto.DeviceID]int64 // when devices were revoked
	swept   map[syncproto.RowID]*Row     // whose marks were dropped; never changed, but replaced
	erased  map[syncproto.RowID]bool     // by law; never changed, but replaced
	inbox   *inbox
	view    *View
}

// row is one row of the naive server.
type row struct {
	id       syncproto.RowID
	table    *schema.Table
	stream   string
	parent   syncproto.RowID
	lay      []former // beneath what it lay before
	month    string   // for tables with months
	versions []*version
	label    syncproto.Label
	alias    syncproto.RowID // the twin that it was merged into
	is       *Reckoned       // what follows from its versions
}

func (r *row) living() bool { return r.is != nil && !r.is.Dead }

// get is the value that a column shows.
func (r *row) get(book *schema.Book, column string) schema.Value {
	if r.is == nil {
		return schema.Null
	}
	for _, c := range book.Cells(r.table.Name) {
		for k := range c.Columns {
			if c.Columns[k].Name == column {
				return part(&c, r.is.Cells[c.Name].Value, k)
			}
		}
	}
	return schema.Null
}

// New makes the oracle of an empty server.
func New(opt Options) *Oracle {
	o := &Oracle{opt: opt, epochs: map[syncproto.EpochID]*epochInfo{}}
	o.st = emptyState()
	return o
}

func emptyState() *state {
	return &state{streams: map[string]uint64{}, rows: map[syncproto.RowID]*row{}, changes: map[ident]*Change{}, revoked: map[syncproto.DeviceID]int64{}, inbox: newInbox(), view: &View{Rows: map[syncproto.RowID]*Row{}}}
}

func (o *Oracle) do(in input) {
	o.log = append(o.log, in)
	in(o)
}

// Mark names the present state, for Restore.
func (o *Oracle) Mark() int { return len(o.log) }

// Restore goes back to a mark: the server's database was put back to what it then was.
func (o *Oracle) Restore(mark int) {
	log := o.log[:mark]
	o.st, o.log = emptyState(), slices.Clone(log)
	for _, in := range log {
		in(o)
	}
}

// Begin tells of a new epoch on what the server holds.
func (o *Oracle) Begin(id syncproto.EpochID) {
	o.do(func(o *Oracle) {
		info := &epochInfo{ID: id, Began: maps.Clone(o.st.streams)}
		if len(o.st.line) > 0 {
			info.Parent = o.st.line[0]
		}
		o.epochs[id] = info
		o.st.line = append([]syncproto.EpochID{id}, o.st.line...)
	})
}

// Revoked tells that a device was revoked: what it hands over afterwards is late.
func (o *Oracle) Revoked(device syncproto.DeviceID, at int64) {
	o.do(func(o *Oracle) { o.st.revoked[device] = at })
}

// Sweep tells that the marks of some dead rows were dropped, and that nobody knows any more where rows lay before a moment.
func (o *Oracle) Sweep(gone []syncproto.RowID, before int64) {
	o.do(func(o *Oracle) {
		s := o.st
		s.swept = maps.Clone(s.swept)
		if s.swept == nil {
			s.swept = map[syncproto.RowID]*Row{}
		}
		for _, id := range gone {
			s.swept[id] = s.view.Rows[id]
			delete(s.rows, id)
		}
		s.order = slices.DeleteFunc(slices.Clone(s.order), func(id syncproto.RowID) bool { return s.rows[id] == nil })
		for _, r := range s.rows {
			r.lay = slices.DeleteFunc(slices.Clone(r.lay), func(f former) bool { return f.until < before })
		}
		s.view = o.look()
	})
}

// Lawfully lists what goes when a row is erased by law: what lies beneath it, and twins that were merged into any of that with what lies beneath
// those, by id.
func (o *Oracle) Lawfully(id syncproto.RowID) []syncproto.RowID {
	all := map[syncproto.RowID]bool{id: true}
	for grown := true; grown; {
		grown = false
		for _, r := range o.st.rows {
			if !all[r.id] && (all[r.parent] || !r.living() && all[r.alias]) {
				all[r.id], grown = true, true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Erased tells that rows were erased by law, once they were deleted: nobody's words about them are taken or kept any more, and refused work that
// names one can neither be taken some day nor wait.
func (o *Oracle) Erased(rows []syncproto.RowID) {
	o.do(func(o *Oracle) {
		all := map[syncproto.RowID]bool{}
		maps.Copy(all, o.st.erased)
		for _, id := range rows {
			all[id] = true
		}
		o.st.erased = all
		o.dropHeld(func(h *held) bool { return all[h.row] })
		for _, of := range o.st.came {
			c := o.st.changes[of]
			if c.Status != syncproto.Refused && slices.Contains(rows, o.st.inbox.lates[of].row) {
				o.asked(of, false)
			}
			if c.Status == syncproto.Refused && slices.ContainsFunc(rows, c.names) {
				c.Code, c.Waits, c.WaitsRow = syncproto.CodeForbidden, "", ""
				o.asked(of, false)
				c.forgetWords()
				for _, r := range o.st.rows { // where it stood beside others, its mend stands for it
					r.versions = slices.DeleteFunc(r.versions, func(v *version) bool { return v.refused && v.id == of })
					o.addRefused(r)
				}
			}
		}
		o.st.view = o.look()
	})
}

// Knows tells whether an epoch ever began.
func (o *Oracle) Knows(id syncproto.EpochID) bool { return o.epochs[id] != nil }

func (o *Oracle) epoch() syncproto.EpochID { return o.st.line[0] }

func (o *Oracle) epochsNow() *epochs { return &epochs{all: o.epochs, line: o.st.line} }

// reckon makes a row anew from its versions.
func (o *Oracle) reckon(r *row) {
	r.is = newReckoning(o.opt.Book, r.table.Name, r.stream, o.epochsNow(), r.versions).row()
	if !r.is.Dead {
		r.alias = ""
	}
	o.sortHeld(r)
}

// scope is the unit of visibility that a row lies in: its own, its parent's, or one that narrows its parent's.
func (s *state) scope(r *row) string {
	if r.table.Scope == schema.ScopeOwn {
		return r.table.Name + ":" + string(r.id)
	}
	parent := s.rows[r.parent]
	if parent == nil {
		return ""
	}
	above := s.scope(parent)
	if r.table.Scope == schema.ScopeNarrow {
		return r.table.Name + ":" + scopeID(above)
	}
	return above
}

func scopeID(scope string) string {
	for i := range scope {
		if scope[i] == ':' {
			return scope[i+1:]
		}
	}
	return ""
}

func scopeTable(scope string) string {
	for i := range scope {
		if scope[i] == ':' {
			return scope[:i]
		}
	}
	return scope
}

// period is the month in which the server first received what made a row, its parent's, or "-".
func (s *state) period(r *row) string {
	switch r.table.Period {
	case schema.PeriodMonth:
		return r.month
	case schema.PeriodParent:
		if p := s.rows[r.parent]; p != nil {
			return s.period(p)
		}
	}
	return "-"
}

// children are the rows right beneath a row, by id.
func (s *state) children(r *row) []*row {
	var out []*row
	for _, id := range s.order {
		if c := s.rows[id]; c.parent == r.id {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *row) int { return compare(a.id, b.id) })
	return out
}

// Fork makes another oracle that was told the same.
func (o *Oracle) Fork() *Oracle {
	n := New(o.opt)
	for _, in := range o.log {
		n.do(in)
	}
	return n
}
