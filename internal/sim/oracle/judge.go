package oracle

import (
	"maps"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// Push is what the server took in one transaction from one author.
type Push struct {
	User     syncproto.UserID // "": the server itself
	Device   syncproto.DeviceID
	Server   bool // made on the server: judged by the rights of now
	Offer    bool // answers a fork
	Received int64
	Changes  []Taken // in the order of their numbers
}

// Taken is one change of a push.
type Taken struct {
	*syncproto.Change
	ID ident
	// Captured is the server time of the cursor that it was captured under, 0 when there was none.
	Captured int64
}

// Change is one change as the server must know it.
type Change struct {
	ID        ident
	User      syncproto.UserID
	First     syncproto.Name
	Edits     []syncproto.Edit
	Labels    map[syncproto.RowID][]syncproto.Label // given elsewhere, as offered
	At        int64
	Corrected int64
	Received  int64
	Captured  int64
	Mends     ident
	MendedBy  ident
	Server    bool
	Offered   bool

	Status   syncproto.Status
	Code     syncproto.Code
	Late     bool
	Waits    ident
	WaitsRow syncproto.RowID
	Merges   map[Spot]MergeNote
	Items    map[Spot]syncproto.ItemKind // every item that ever held it, by where it is
	Given    map[syncproto.RowID]syncproto.Label
	Unsure   bool // it once stood in a cell that its rule could have merged in more than one way, or not at all
	defect   syncproto.Code
	erased   bool // its words are gone
}

// Spot is one cell of one row.
type Spot struct {
	Row  syncproto.RowID
	Cell string
}

// MergeNote says by which rule a cell was merged and whether the author's value shows.
type MergeNote struct {
	Rule  schema.Rule
	Shows bool
	Vague bool
}

// refusal is why a change does not take effect.
type refusal struct {
	code  syncproto.Code
	waits ident
	row   syncproto.RowID
}

// hearing is one change being judged, before anything of it holds.
type hearing struct {
	o     *Oracle
	c     *Change
	now   int64
	mends *Change
	// behalf is whose refused change it lets in at the desk, "" when it is nobody else's.
	behalf syncproto.UserID
	made   map[syncproto.RowID]*row
	edits  []*edit
	late   bool
	// device is whose push brought the change, "" for one that is heard again.
	device syncproto.DeviceID
	// pardon tells that somebody took the change although it came too late.
	pardon bool
}

type edit struct {
	*syncproto.Edit
	op      syncproto.Op
	table   *schema.Table
	row     *row
	roles   []schema.Role
	own     bool
	twice   bool
	depends []ident
	// deciding are the cells of open items that the edit decides.
	deciding map[string]bool
}

// Push takes a push: every change that is new is judged in order, then those that waited for what came, round after round.
func (o *Oracle) Push(p Push) {
	o.do(func(o *Oracle) {
		before := o.rightsInputs()
		came := map[ident]bool{}
		rows := map[syncproto.RowID]bool{}
		for _, t := range p.Changes {
			if c := o.st.changes[t.ID]; c != nil {
				continue
			}
			c := &Change{ID: t.ID, User: p.User, First: t.First, Edits: t.Edits, Labels: t.Labels, At: t.At, Received: p.Received, Captured: t.Captured,
				Mends: t.Mends, Server: p.Server, Offered: p.Offer, Merges: map[Spot]MergeNote{}, Items: map[Spot]syncproto.ItemKind{}}
			c.Corrected = max(t.Captured, min(t.At+t.Offset, p.Received))
			if t.Defect != nil {
				c.defect = t.Defect.Code
			}
			o.st.changes[c.ID] = c
			o.st.came = append(o.st.came, c.ID)
			o.hear(&hearing{o: o, c: c, now: p.Received, device: p.Device}, came, rows)
		}
		learnt := map[syncproto.RowID]bool{}
		for _, t := range p.Changes {
			o.relabel(t, learnt)
		}
		for _, id := range slices.Sorted(maps.Keys(learnt)) {
			r := o.st.rows[id]
			o.st.streams[r.stream]++
			o.reckon(r)
			o.tell(r)
		}
		o.finish(p.Received, before, o.wake(p.Received, came, rows))
	})
}

// finish brings rights and view up to what was done.
func (o *Oracle) finish(now int64, before int, accepted map[ident]bool) {
	if o.rightsInputs() != before || len(o.st.rights) == 0 {
		o.standRights(now + 1)
	}
	o.sortInbox(accepted)
	o.st.view = o.look()
}

// rightsInputs counts the versions of rows that rights follow from: when it moves, they are read anew.
func (o *Oracle) rightsInputs() int {
	n := 0
	for _, r := range o.st.rows {
		switch r.table.Name {
		case "place", "user", "role", "household", "assignment":
			n += len(r.versions)
		}
	}
	return n
}

// wake hears those again that waited for a change or a row that came; it gives all that took effect.
func (o *Oracle) wake(now int64, came map[ident]bool, rows map[syncproto.RowID]bool) map[ident]bool {
	all := map[ident]bool{}
	for len(came)+len(rows) > 0 {
		maps.Copy(all, came)
		var again []*Change
		for _, id := range o.st.came {
			c := o.st.changes[id]
			if c.Status == syncproto.Refused && c.MendedBy == "" && c.Code == syncproto.CodeWaits && (c.Waits != "" && came[c.Waits] || c.WaitsRow != "" && rows[c.WaitsRow]) {
				again = append(again, c)
			}
		}
		slices.SortStableFunc(again, func(a, b *Change) int {
			if a.Received != b.Received {
				return int(a.Received - b.Received)
			}
			if a.First.Device != b.First.Device {
				return compare(a.First.Device, b.First.Device)
			}
			return int(a.First.Number) - int(b.First.Number)
		})
		came, rows = map[ident]bool{}, map[syncproto.RowID]bool{}
		for _, c := range again {
			o.hear(&hearing{o: o, c: c, now: now}, came, rows)
		}
	}
	return all
}

// hear judges a change and lets it take effect, or refuses it.
func (o *Oracle) hear(h *hearing, came map[ident]bool, rows map[syncproto.RowID]bool) {
	if no := h.judge(); no != nil {
		h.c.Status, h.c.Code, h.c.Waits, h.c.WaitsRow, h.c.Late = syncproto.Refused, no.code, no.waits, no.row, false
		if no.code == syncproto.CodeLate {
			o.st.inbox.lates[h.c.ID] = lateWork{h.edits[0].Row, true}
		}
		return
	}
	for _, e := range h.edits {
		if h.made[e.Row] != nil {
			rows[e.Row] = true
		}
	}
	came[h.c.ID] = true
	if h.mends != nil {
		came[h.mends.ID] = true
	}
	h.accept()
}

func (h *hearing) judge() *refusal {
	h.made, h.edits = map[syncproto.RowID]*row{}, nil
	for _, step := range []func() *refusal{h.admit, h.findMended, h.placeAll, h.dependAll, h.entitle, h.links, h.view} {
		if no := step(); no != nil {
			return no
		}
	}
	return nil
}

func invalid() *refusal { return &refusal{code: syncproto.CodeInvalid} }

// admit refuses what is wrong by itself.
func (h *hearing) admit() *refusal {
	if slices.ContainsFunc(h.c.Edits, func(e syncproto.Edit) bool { return h.o.st.erased[e.Row] }) {
		h.c.forgetWords()
		return &refusal{code: syncproto.CodeForbidden}
	}
	if h.c.defect != "" {
		return &refusal{code: h.c.defect}
	}
	seen := map[syncproto.RowID]bool{}
	for i := range h.c.Edits {
		e := &h.c.Edits[i]
		t := h.o.opt.Book.Table(e.Table)
		switch {
		case t == nil:
			return &refusal{code: syncproto.CodeUnknown}
		case seen[e.Row], e.Op == syncproto.OpDelete && len(e.Cells) > 0, e.Op != syncproto.OpCreate && e.Base.Epoch == "" && len(e.Base.Over) == 0 && !h.c.Server:
			return invalid()
		}
		seen[e.Row] = true
		for k := range e.Cells {
			c := h.cell(t, e.Cells[k].Cell)
			if c == nil {
				return &refusal{code: syncproto.CodeUnknown}
			}
			if !soundEdit(c, &e.Cells[k]) {
				return invalid()
			}
		}
		h.edits = append(h.edits, &edit{Edit: e, op: e.Op, table: t})
	}
	return nil
}

// forgetWords keeps nothing of a change but which rows it would have made.
func (c *Change) forgetWords() {
	c.erased = true
	var made []syncproto.Edit
	for _, e := range c.Edits {
		if e.Op == syncproto.OpCreate {
			made = append(made, syncproto.Edit{Table: e.Table, Row: e.Row, Op: e.Op})
		}
	}
	c.Edits = made
}

// names tells whether a change names a row, in whatever words.
func (c *Change) names(id syncproto.RowID) bool {
	return slices.ContainsFunc(c.Edits, func(e syncproto.Edit) bool {
		return e.Row == id || slices.ContainsFunc(e.Cells, func(x syncproto.CellEdit) bool {
			return strings.Contains(x.Value.Str(), string(id)) || strings.Contains(string(x.Raw), string(id))
		})
	})
}

func (h *hearing) cell(t *schema.Table, name string) *schema.Cell {
	cells := h.o.opt.Book.Cells(t.Name)
	for i := range cells {
		if cells[i].Name == name {
			return &cells[i]
		}
	}
	return nil
}

// findMended finds the refused change that this one stands in for: the first mend by the same person does, or by somebody at the desk.
func (h *hearing) findMended() *refusal {
	h.mends, h.behalf = nil, ""
	m := h.o.st.changes[h.c.Mends]
	if h.c.Mends == "" || m == nil || m == h.c || m.Status != syncproto.Refused || m.MendedBy != "" && m.MendedBy != h.c.ID {
		return nil
	}
	if m.User == h.c.User {
		h.mends = m
	} else if h.c.Server && h.c.User != "" {
		h.mends, h.behalf = m, m.User
	}
	return nil
}

// whose are the words that the change brings.
func (h *hearing) whose() string {
	if h.behalf != "" {
		return string(h.behalf)
	}
	return string(h.c.User)
}

// find is a row as this change sees it.
func (h *hearing) find(id syncproto.RowID) *row {
	if r := h.made[id]; r != nil {
		return r
	}
	return h.o.st.rows[id]
}

// parent is the parent that an edit gives its row; given is false when it gives none.
func (e *edit) parent() (id syncproto.RowID, given bool) {
	for i := range e.Cells {
		if e.table.Parent != "" && e.Cells[i].Cell == e.table.Parent {
			return syncproto.RowID(e.Cells[i].Value.Str()), true
		}
	}
	return "", false
}

func (e *edit) value(column string) schema.Value {
	for i := range e.Cells {
		if e.Cells[i].Cell == column {
			return e.Cells[i].Value
		}
	}
	return schema.Null
}

// accept lets the change take effect.
func (h *hearing) accept() {
	o, c := h.o, h.c
	seqs := map[string]bool{}
	c.Status, c.Code, c.Late, c.Waits, c.WaitsRow = syncproto.Applied, "", h.late, "", ""
	c.Given = map[syncproto.RowID]syncproto.Label{}
	if h.mends != nil {
		h.mends.MendedBy = c.ID
		o.asked(h.mends.ID, false) // what it was asked about came after all
		for _, r := range o.st.rows {
			for _, v := range r.versions {
				if v.id == h.mends.ID {
					v.mendedBy = c.ID
				}
			}
		}
	}
	for _, e := range h.edits {
		r := e.row
		if h.made[r.id] == r && o.st.rows[r.id] == nil {
			o.st.rows[r.id] = r
			o.st.order = append(o.st.order, r.id)
		}
		if !seqs[r.stream] {
			seqs[r.stream] = true
			o.st.streams[r.stream]++
		}
		r.label = syncproto.Label{Epoch: o.epoch(), Rev: r.label.Rev + 1}
		c.Given[r.id] = r.label
		r.versions = slices.DeleteFunc(r.versions, func(v *version) bool { return v.id == c.ID })
		r.versions = append(r.versions, h.version(e))
		o.addRefused(r)
		o.reckon(r)
		o.decideHeld(e)
		h.follow(r, seqs)
	}
	for _, e := range h.edits {
		o.tell(e.row)
	}
}

// version is the edit as part of its row's history.
func (h *hearing) version(e *edit) *version {
	c := h.c
	return &version{id: c.ID, op: e.op, cells: e.Cells, base: e.Base, decides: e.Decides, undo: e.UndoOf, corrected: c.Corrected, roles: e.roles,
		depends: e.depends, labels: append([]syncproto.Label{e.row.label}, c.Labels[e.Row]...), seq: h.o.st.streams[e.row.stream]}
}

// addRefused puts the refused changes that a row's versions were made over beside them: they pass on what they had seen.
func (o *Oracle) addRefused(r *row) {
	for i := 0; i < len(r.versions); i++ {
		v := r.versions[i]
		for _, id := range append(slices.Clone(v.base.Over), append(slices.Clone(v.depends), v.mendedBy)...) {
			c := o.st.changes[id]
			if c == nil || c.Status != syncproto.Refused || slices.ContainsFunc(r.versions, func(w *version) bool { return w.id == id }) {
				continue
			}
			edits := c.Edits
			if c.erased {
				edits = o.mendOfErased(c)
			}
			for k := range edits {
				if e := &edits[k]; e.Row == r.id {
					r.versions = append(r.versions, &version{id: id, op: e.Op, cells: e.Cells, base: e.Base, decides: e.Decides, undo: e.UndoOf,
						corrected: c.Corrected, refused: true, mendedBy: c.MendedBy})
				}
			}
		}
	}
}

// mendOfErased is what stands for a refused change whose words are gone: what its accepted mend did.
func (o *Oracle) mendOfErased(c *Change) []syncproto.Edit {
	for range o.st.changes {
		if c = o.st.changes[c.MendedBy]; c == nil {
			return nil
		}
		if c.Status != syncproto.Refused {
			return c.Edits
		}
	}
	return nil
}

// follow lets a row, dead or alive, go where its parent now is; what lies beneath it in another scope than before gets the seq of the move.
func (h *hearing) follow(r *row, seqs map[string]bool) {
	s := h.o.st
	if r.table.Parent == "" {
		return
	}
	parent := syncproto.RowID(r.get(h.o.opt.Book, r.table.Parent).Str())
	if parent == r.parent {
		return
	}
	before := map[syncproto.RowID]string{}
	var beneath func(x *row)
	beneath = func(x *row) {
		before[x.id] = s.scope(x) + " " + s.period(x)
		for _, c := range s.children(x) {
			if c != r {
				beneath(c)
			}
		}
	}
	beneath(r)
	r.lay = append(r.lay, former{r.parent, h.now})
	r.parent = parent
	for id, was := range before {
		x := s.rows[id]
		if s.scope(x)+" "+s.period(x) != was && !seqs[x.stream] {
			seqs[x.stream] = true
			s.streams[x.stream]++
		}
	}
}

// tell writes what became of everybody in a row into their changes. What was once said of a cell stays said.
func (o *Oracle) tell(r *row) {
	for name, c := range r.is.Cells {
		for _, id := range c.Heads {
			ch := o.st.changes[id]
			if ch == nil {
				continue
			}
			ch.Unsure = ch.Unsure || c.Vague
			if c.By != "" {
				ch.Merges[Spot{r.id, name}] = MergeNote{Rule: c.By, Shows: slices.Contains(c.winners, id), Vague: c.Vague}
			}
		}
	}
	for _, item := range r.is.Items {
		for _, id := range append(slices.Clone(item.Heads), item.Against...) {
			if ch := o.st.changes[id]; ch != nil {
				for _, cell := range item.Cells {
					ch.Items[Spot{r.id, cell}] = item.Kind
				}
			}
		}
	}
}

// restate derives what became of each change from what was said of it.
func (o *Oracle) restate() {
	for _, id := range o.st.came {
		c := o.st.changes[id]
		if c.Status == syncproto.Refused {
			continue
		}
		switch {
		case len(c.Items) > 0:
			c.Status = syncproto.Conflicted
		case len(c.Merges) > 0:
			c.Status = syncproto.Merged
		default:
			c.Status = syncproto.Applied
		}
	}
}

// relabel adds the numbers that a change which the server holds was given before a fork.
func (o *Oracle) relabel(t Taken, learnt map[syncproto.RowID]bool) {
	c := o.st.changes[t.ID]
	if c == nil || len(t.Labels) == 0 {
		return
	}
	if c.Status == syncproto.Refused { // they count when it takes effect after all
		all := maps.Clone(c.Labels)
		if all == nil {
			all = map[syncproto.RowID][]syncproto.Label{}
		}
		for id, given := range t.Labels {
			for _, l := range given {
				if !slices.Contains(all[id], l) {
					all[id] = append(slices.Clone(all[id]), l)
				}
			}
		}
		c.Labels = all
		return
	}
	for _, id := range slices.Sorted(maps.Keys(t.Labels)) {
		r := o.st.rows[id]
		if r == nil {
			continue
		}
		for _, v := range r.versions {
			if v.id != t.ID {
				continue
			}
			for _, l := range t.Labels[id] {
				if !slices.Contains(v.labels, l) {
					v.labels, learnt[id] = append(v.labels, l), true
				}
			}
		}
	}
}
