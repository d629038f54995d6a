package oracle

import (
	"slices"
	"time"
	"unicode/utf8"

	"minqing/schema"
	"minqing/syncproto"
)

// placeAll finds or makes the row of each edit; a parent made by the same change may stand behind its child.
func (h *hearing) placeAll() *refusal {
	for _, e := range h.edits {
		h.redirect(e)
	}
	if !h.joinEdits() {
		return invalid()
	}
	todo := slices.Clone(h.edits)
	for len(todo) > 0 {
		var first *refusal
		var later []*edit
		for _, e := range todo {
			if no := h.placeOne(e); no != nil {
				later = append(later, e)
				if first == nil {
					first = no
				}
			}
		}
		if len(later) == len(todo) {
			return first
		}
		todo = later
	}
	return nil
}

// absent refuses what needs a row that is not there, and names the own refused change that would have made it.
func (h *hearing) absent(id syncproto.RowID) *refusal {
	no := &refusal{code: syncproto.CodeWaits, row: id}
	for _, of := range h.o.st.came {
		c := h.o.st.changes[of]
		if c != h.c && c.User == h.c.User && c.Status == syncproto.Refused && slices.ContainsFunc(c.Edits, func(e syncproto.Edit) bool {
			return e.Row == id && e.Op == syncproto.OpCreate
		}) {
			no.waits = of
		}
	}
	return no
}

func (h *hearing) placeOne(e *edit) *refusal {
	e.row = h.o.st.rows[e.Row]
	if e.row != nil && e.row.table != e.table {
		return &refusal{code: syncproto.CodeWaits, row: e.Row}
	}
	if e.row == nil {
		if e.op != syncproto.OpCreate {
			return h.absent(e.Row)
		}
		return h.birth(e)
	}
	if e.op == syncproto.OpCreate {
		e.twice = h.c.Mends == ""
		e.op = syncproto.OpUpdate
	}
	return h.move(e)
}

func (h *hearing) birth(e *edit) *refusal {
	if h.o.st.swept[e.Row] != nil {
		return invalid()
	}
	r := &row{id: e.Row, table: e.table}
	id, given := e.parent()
	var parent *row
	switch {
	case given && id != "":
		parent = h.find(id)
		if parent == nil || parent.table.Name != e.table.Column(e.table.Parent).Ref {
			return h.absent(id)
		}
		r.parent = id
	case e.table.Parent != "" && e.table.Column(e.table.Parent).Required:
		return invalid()
	}
	if e.table.Period == schema.PeriodMonth {
		r.month = time.UnixMilli(h.c.Received).In(h.o.opt.Zone).Format("2006-01")
	}
	if e.table.Place && hasStream(e.value("level").Str()) {
		r.stream = string(e.Row)
	}
	for p := parent; p != nil && r.stream == ""; p = h.find(p.parent) {
		if p.table.Place && hasStream(h.level(p)) {
			r.stream = string(p.id)
		}
	}
	if r.stream == "" {
		return invalid()
	}
	h.made[r.id] = r
	e.row = r
	return nil
}

func hasStream(level string) bool {
	return level == "city" || level == "township" || level == "village"
}

func (h *hearing) level(p *row) string {
	if p.is == nil {
		for i := range h.c.Edits {
			if e := &h.c.Edits[i]; e.Row == p.id {
				return (&edit{Edit: e}).value("level").Str()
			}
		}
		return ""
	}
	return p.get(h.o.opt.Book, "level").Str()
}

// move holds an edit that gives its row another parent to what there is.
func (h *hearing) move(e *edit) *refusal {
	id, given := e.parent()
	if !given || id == e.row.parent {
		return nil
	}
	if id == "" {
		if e.table.Column(e.table.Parent).Required {
			return invalid()
		}
		return nil
	}
	parent := h.find(id)
	if parent == nil || parent.table.Name != e.table.Column(e.table.Parent).Ref {
		return h.absent(id)
	}
	if slices.Contains(h.over(parent, h.now), string(e.Row)) {
		return invalid()
	}
	return nil
}

// dependAll finds what each edit builds on: what made its row, and what reached the state that it moves on from.
func (h *hearing) dependAll() *refusal {
	for _, e := range h.edits {
		e.depends = nil
		flow := e.table.FlowColumn()
		moves := flow != nil && slices.ContainsFunc(e.Cells, func(c syncproto.CellEdit) bool { return c.Cell == flow.Name })
		for i := len(e.Base.Over) - 1; i >= 0; i-- {
			on := h.o.st.changes[e.Base.Over[i]]
			if on == nil || on == h.c {
				continue
			}
			made, moved := false, false
			edits := on.Edits
			if on.erased && on.MendedBy != "" {
				edits = h.o.mendOfErased(on)
			}
			for k := range edits {
				if o := &edits[k]; o.Row == e.Row {
					made = o.Op == syncproto.OpCreate
					moved = flow != nil && slices.ContainsFunc(o.Cells, func(c syncproto.CellEdit) bool { return c.Cell == flow.Name })
				}
			}
			if !made && !(moved && moves) {
				continue
			}
			if moved {
				moves = false
			}
			e.depends = append(e.depends, on.ID)
			if on.Status == syncproto.Refused && on.MendedBy == "" && !h.waitsForMended(on) {
				return &refusal{code: syncproto.CodeWaits, waits: on.ID}
			}
		}
		slices.Reverse(e.depends)
	}
	return nil
}

// waitsForMended tells whether a refused change waits, if only through others, for the very change that this one mends.
func (h *hearing) waitsForMended(c *Change) bool {
	for n := 0; h.mends != nil && c != nil && n < 40; n++ {
		if c == h.mends {
			return true
		}
		if c.Waits == "" {
			return false
		}
		c = h.o.st.changes[c.Waits]
	}
	return false
}

// entitle judges whether the author may: by the rights at capture, within the grace period, or by those of now.
func (h *hearing) entitle() *refusal {
	if h.c.User == "" {
		for _, e := range h.edits {
			e.roles, e.own = []schema.Role{schema.RoleServer}, true
		}
		return nil
	}
	h.late = h.handedOver()
	then := h.c.Captured
	for _, e := range h.edits {
		e.own = h.own(e)
		e.deciding = h.decided(e)
		var before *refusal
		if then > 0 {
			before = h.mayAt(e, then)
		}
		after := h.mayAt(e, h.now)
		if then > 0 && before == nil {
			e.roles = h.o.st.rightsAt(then).rolesOver(string(h.c.User), then, h.over(e.row, then))
			h.late = h.late || after != nil
		} else {
			if after != nil {
				if before != nil && before.code != syncproto.CodeWaits {
					return before
				}
				return after
			}
			e.roles = h.o.st.rightsAt(h.now).rolesOver(string(h.c.User), h.now, h.over(e.row, h.now))
		}
		if e.twice {
			return invalid()
		}
	}
	if h.late && h.c.Received-then > h.o.opt.Grace && !h.pardon {
		return &refusal{code: syncproto.CodeLate}
	}
	return nil
}

// handedOver tells whether a change came from a device that was revoked before: all that such a device hands over is late.
func (h *hearing) handedOver() bool {
	if h.device != "" {
		return h.o.st.revoked[h.device] != 0
	}
	at := h.o.st.revoked[h.c.First.Device]
	return at != 0 && h.c.Received > at
}

// decided are the cells of open items about a row that an edit decides: its author chooses between words that were written by right.
func (h *hearing) decided(e *edit) map[string]bool {
	out := map[string]bool{}
	if e.op == syncproto.OpCreate || e.row.is == nil {
		return out
	}
	for _, item := range e.row.is.Items {
		for _, cell := range item.Cells {
			out[cell] = slices.Contains(e.Decides, cell)
		}
	}
	for _, open := range h.o.st.inbox.held {
		for _, cell := range open.cells {
			if open.row == e.row.id && slices.Contains(e.Decides, cell) {
				out[cell] = true
			}
		}
	}
	if _, orphan := h.o.st.inbox.orphans[e.Row]; orphan && slices.Contains(e.Decides, syncproto.ExistenceCell) {
		out[syncproto.ExistenceCell] = true
	}
	return out
}

func (h *hearing) own(e *edit) bool {
	if e.table.Author == "" {
		return false
	}
	if e.op == syncproto.OpCreate {
		return e.value(e.table.Author).Str() == h.whose()
	}
	return e.row.living() && e.row.get(h.o.opt.Book, e.table.Author).Str() == h.whose()
}

func (h *hearing) mayAt(e *edit, at int64) *refusal {
	for i, p := range h.reach(e, at) {
		if h.o.sees(string(h.c.User), p.scope, at, p.over) {
			continue
		}
		if parent, given := e.parent(); given && (e.op == syncproto.OpCreate || i > 0) {
			return &refusal{code: syncproto.CodeWaits, row: parent}
		}
		return &refusal{code: syncproto.CodeWaits, row: e.Row}
	}
	if !h.allowed(e, h.o.st.rightsAt(at).rolesOver(string(h.c.User), at, h.over(e.row, at))) {
		return &refusal{code: syncproto.CodeForbidden}
	}
	return nil
}

// links holds references to what they may point to. Of the simulator's book only users and parents are referred to.
func (h *hearing) links() *refusal {
	for _, e := range h.edits {
		for i := range e.Cells {
			col := e.table.Column(e.Cells[i].Cell)
			if col == nil || col.Type != schema.TypeRef || col.Name == e.table.Parent || e.Cells[i].Value.IsNull() {
				continue
			}
			id := syncproto.RowID(e.Cells[i].Value.Str())
			if to := h.find(id); to == nil || to.table.Name != col.Ref {
				return h.absent(id)
			}
		}
		if e.op == syncproto.OpCreate && e.table.Author != "" && h.c.User != "" && !h.own(e) && !slices.Contains(e.roles, schema.RoleAdmin) {
			return invalid()
		}
	}
	return nil
}

// view judges states and row rules at what the author saw.
func (h *hearing) view() *refusal {
	for _, e := range h.edits {
		if e.op == syncproto.OpUpdate && len(e.Cells) == 0 && len(e.Decides) == 0 && e.UndoOf == "" {
			return invalid()
		}
		if e.Base.Epoch == h.o.epoch() && e.Base.Rev > e.row.label.Rev {
			return invalid()
		}
		saw := h.saw(e)
		if !h.baseLost(e) {
			if no := h.stateAllows(e, saw); no != nil {
				return no
			}
		}
		if e.op != syncproto.OpDelete && !h.rowSound(e, saw) {
			return invalid()
		}
	}
	return nil
}

// saw gives each cell as the author saw it.
func (h *hearing) saw(e *edit) func(cell string) schema.Value {
	probe := *e.row
	probe.versions = slices.Clone(e.row.versions)
	probe.label = syncproto.Label{Epoch: h.o.epoch(), Rev: e.row.label.Rev + 1}
	hidden := *e
	hidden.row = &probe
	v := h.version(&hidden)
	v.seq++
	if h.mends != nil {
		for i, w := range probe.versions {
			if w.id == h.mends.ID {
				mended := *w
				mended.mendedBy = h.c.ID
				probe.versions[i] = &mended
			}
		}
	}
	probe.versions = append(slices.DeleteFunc(probe.versions, func(w *version) bool { return w.id == v.id }), v)
	h.o.addRefused(&probe)
	r := newReckoning(h.o.opt.Book, e.table.Name, probe.stream, h.o.epochsNow(), probe.versions)
	return func(cell string) schema.Value {
		return r.decide(r.cell(cell), r.seen(v, cell)).value
	}
}

// baseLost tells that part of what the author saw was swallowed by a fork: nobody can say then in what state the row was.
func (h *hearing) baseLost(e *edit) bool {
	if h.c.Offered && slices.ContainsFunc(e.Base.Over, func(id ident) bool { return h.o.st.changes[id] == nil }) {
		return true
	}
	if e.Base.Epoch == "" || e.Base.Rev == 0 || e.Base.Epoch == h.o.epoch() {
		return false
	}
	line := h.o.epochsNow().up(e.Base.Epoch)
	for _, v := range e.row.versions {
		for _, l := range v.labels {
			if l.Rev == e.Base.Rev && slices.Contains(line, l.Epoch) {
				return false
			}
		}
	}
	return true
}

// rowSound judges what the author had before him after his edit: what he wrote, what must not be empty, and the row rules he touched.
func (h *hearing) rowSound(e *edit, saw func(string) schema.Value) bool {
	cells := h.o.opt.Book.Cells(e.table.Name)
	column := func(name string) (schema.Value, bool) {
		for i := range cells {
			for k := range cells[i].Columns {
				if cells[i].Columns[k].Name != name {
					continue
				}
				for j := range e.Cells {
					if e.Cells[j].Cell == cells[i].Name {
						return part(&cells[i], lay(&cells[i], saw(cells[i].Name), &e.Cells[j]), k), true
					}
				}
				return part(&cells[i], saw(cells[i].Name), k), false
			}
		}
		return schema.Null, false
	}
	for i := range e.table.Columns {
		c := &e.table.Columns[i]
		v, wrote := column(c.Name)
		if (wrote || e.op == syncproto.OpCreate && c.Required) && !sound(c, v) {
			return false
		}
	}
	for i := range e.table.Rules {
		r := &e.table.Rules[i]
		touched := slices.ContainsFunc(r.Columns, func(name string) bool { _, wrote := column(name); return wrote })
		if touched && !r.Holds(func(name string) schema.Value { v, _ := column(name); return v }) {
			return false
		}
	}
	return true
}

// lay is the value of a cell after an edit by somebody who saw old.
func lay(c *schema.Cell, old schema.Value, e *syncproto.CellEdit) schema.Value {
	switch c.Rule {
	case schema.RuleSum:
		return schema.Int(old.Num() + e.Delta)
	case schema.RuleSet:
		kept := slices.DeleteFunc(old.Elements(), func(x string) bool { return slices.Contains(e.Del, x) })
		return schema.Set(append(kept, e.Add...)...)
	}
	return e.Value
}

// soundEdit judges one cell edit by itself.
func soundEdit(c *schema.Cell, e *syncproto.CellEdit) bool {
	switch c.Rule {
	case schema.RuleSum:
		span := min(c.Columns[0].Max-c.Columns[0].Min, schema.MaxInt)
		return e.Delta <= span && -e.Delta <= span
	case schema.RuleSet:
		for _, x := range append(slices.Clone(e.Add), e.Del...) {
			if !isOption(c.Columns[0], x) {
				return false
			}
		}
		return true
	}
	for k, col := range c.Columns {
		if v := part(c, e.Value, k); !v.IsNull() && !sound(col, v) {
			return false
		}
	}
	return true
}

func isOption(c *schema.Column, s string) bool {
	options := c.Options
	if c.Flow != nil {
		options = c.Flow.States
	}
	return len(options) == 0 || slices.ContainsFunc(options, func(o schema.Option) bool { return o.Value == s })
}

// sound judges the value of a column, as far as the simulator writes wrong ones.
func sound(c *schema.Column, v schema.Value) bool {
	if v.IsNull() {
		return !c.Required
	}
	most := c.Max
	if most == 0 {
		most = 200
	}
	switch c.Type {
	case schema.TypeInt, schema.TypeInstant:
		return v.Num() >= c.Min && v.Num() <= c.Max
	case schema.TypeDate:
		_, err := time.Parse("2006-01-02", v.Str())
		return err == nil
	case schema.TypeEnum, schema.TypeFlow:
		return isOption(c, v.Str())
	case schema.TypeText, schema.TypeLong:
		return int64(utf8.RuneCountInString(v.Str())) <= most
	}
	return true
}
