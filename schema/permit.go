package schema

import "slices"

// Op is what somebody wants to do to a row.
type Op string

// The operations that permits speak of. OpMove is a change of the state column from one state to another.
const (
	OpCreate Op = "create"
	OpChange Op = "change"
	OpDelete Op = "delete"
	OpMove   Op = "move"
)

// State is the state that a value of the flow column stands for: a row made without one is in the initial state.
func (f *Flow) State(v Value) string {
	if v.IsNull() {
		return f.Initial
	}
	return v.Str()
}

// covers tells whether a permit is for one of roles, on a row that is their holder's own or not, in a state ("" on tables
// without state).
func (p *Permit) covers(roles []Role, own bool, state string) bool {
	return overlap(p.Roles, roles) && (own || !p.Own) && (p.States == nil || slices.Contains(p.States, state))
}

func overlap(a, b []Role) bool {
	return slices.ContainsFunc(a, func(r Role) bool { return slices.Contains(b, r) })
}

// MayCreate tells whether somebody who holds roles over the row's place may create it with values in cells; own tells whether
// the author column names him. The parent and the author come with every row and need no permit of their own; the flow
// column may be named when it holds the initial state. The server may always.
func (b *Book) MayCreate(t *Table, roles []Role, own bool, cells ...string) bool {
	if slices.Contains(roles, RoleServer) {
		return true
	}
	allowed := func(cell string) bool {
		return slices.ContainsFunc(t.Create, func(p Permit) bool {
			return p.covers(roles, own, "") && (cell == t.Parent || cell == t.Author || b.permits(&p, t, cell))
		})
	}
	for _, cell := range cells {
		if b.Cell(t.Name, cell) == nil || !allowed(cell) {
			return false
		}
	}
	return slices.ContainsFunc(t.Create, func(p Permit) bool { return p.covers(roles, own, "") })
}

// MayChange tells whether somebody may write a cell of a row in a state, locks included (see Locked). Nobody changes rows of
// append-only tables, nor who wrote a row. For the flow column ask MayMove as well.
func (b *Book) MayChange(t *Table, roles []Role, own bool, cell, state string) bool {
	if b.Cell(t.Name, cell) == nil || t.Append {
		return false
	}
	if slices.Contains(roles, RoleServer) {
		return true
	}
	return cell != t.Author && !b.Locked(t, cell, state, roles) && slices.ContainsFunc(t.Change, func(p Permit) bool {
		return p.covers(roles, own, state) && b.permits(&p, t, cell)
	})
}

// MayDelete tells whether somebody may delete a row in a state.
func (b *Book) MayDelete(t *Table, roles []Role, own bool, state string) bool {
	return slices.Contains(roles, RoleServer) || slices.ContainsFunc(t.Delete, func(p Permit) bool { return p.covers(roles, own, state) })
}

// MayMove tells whether one of roles may take the flow from a state into another. Staying is always allowed, as is what the
// server does along a declared move.
func (f *Flow) MayMove(roles []Role, from, to string) bool {
	return from == to || slices.ContainsFunc(f.Moves, func(m Move) bool {
		return m.From == from && m.To == to && (overlap(m.Roles, roles) || slices.Contains(roles, RoleServer))
	})
}

// Locked tells whether a state forbids edits of a cell to somebody who holds roles. It is judged at the state the author saw,
// and once more when a concurrent move into such a state is found (DESIGN section 3).
func (b *Book) Locked(t *Table, cell, state string, roles []Role) bool {
	if slices.Contains(roles, RoleServer) {
		return false
	}
	c := b.Cell(t.Name, cell)
	return c != nil && c.Rule != RuleFlow && slices.ContainsFunc(t.Locks, func(l Lock) bool {
		return slices.Contains(l.States, state) && !overlap(l.Except, roles) && (l.Columns == nil || slices.Contains(l.Columns, c.Columns[0].Name))
	})
}

// permits tells whether the columns of a permit hold a cell; a group is there whole (a law).
func (b *Book) permits(p *Permit, t *Table, cell string) bool {
	c := b.Cell(t.Name, cell)
	return c != nil && c.Rule != RuleServer && (p.Columns == nil || slices.Contains(p.Columns, c.Columns[0].Name))
}

// Grant is one line of the permission matrix: what a role may do to a table.
type Grant struct {
	Table  string
	Role   Role
	Op     Op
	Cells  []string // for OpCreate and OpChange, in schema order
	From   string   // for OpMove
	To     string
	States []string // for OpChange and OpDelete: the states in which it is allowed; nil: in any
	Own    bool     // only rows that name the holder as author
}

// Matrix is the permission matrix as data, for consoles, the reference page and tests: table by table, role by role. Locks are
// already taken off: a state in which a cell is locked for the role is not among the States of its line.
func (b *Book) Matrix() []Grant {
	var out []Grant
	for _, t := range b.tables {
		for _, r := range append(slices.Clone(Roles), RoleServer) {
			out = append(out, b.grants(t, r)...)
		}
	}
	return out
}

func (b *Book) grants(t *Table, r Role) []Grant {
	roles := []Role{r}
	var out []Grant
	for _, own := range b.ownness(t) {
		var cells []string
		for _, c := range b.Cells(t.Name) {
			if b.MayCreate(t, roles, own, c.Name) && !(own && b.MayCreate(t, roles, false, c.Name)) {
				cells = append(cells, c.Name)
			}
		}
		if len(cells) > 0 {
			out = append(out, Grant{Table: t.Name, Role: r, Op: OpCreate, Cells: cells, Own: own})
		}
		out = append(out, b.changes(t, r, own)...)
		allowed := func(state string, own bool) bool { return b.MayDelete(t, roles, own, state) }
		if states, ok := t.statesWhere(own, allowed); ok {
			out = append(out, Grant{Table: t.Name, Role: r, Op: OpDelete, States: states, Own: own})
		}
	}
	if f := t.FlowColumn(); f != nil && !t.Append {
		for _, m := range f.Flow.Moves {
			if f.Flow.MayMove(roles, m.From, m.To) {
				out = append(out, Grant{Table: t.Name, Role: r, Op: OpMove, From: m.From, To: m.To})
			}
		}
	}
	return out
}

// ownness lists the cases to tell apart: any row, and on tables with an author one's own.
func (b *Book) ownness(t *Table) []bool {
	if t.Author == "" {
		return []bool{false}
	}
	return []bool{false, true}
}

// changes gives one line for all cells that a role may change in the same states.
func (b *Book) changes(t *Table, r Role, own bool) []Grant {
	var out []Grant
	for _, c := range b.Cells(t.Name) {
		states, ok := t.statesWhere(own, func(state string, own bool) bool { return b.MayChange(t, []Role{r}, own, c.Name, state) })
		if !ok {
			continue
		}
		i := slices.IndexFunc(out, func(g Grant) bool { return slices.Equal(g.States, states) })
		if i < 0 {
			i = len(out)
			out = append(out, Grant{Table: t.Name, Role: r, Op: OpChange, States: states, Own: own})
		}
		out[i].Cells = append(out[i].Cells, c.Name)
	}
	return out
}

// statesWhere lists the states in which something is allowed, nil when in all; for one's own rows only those states in which it
// is not allowed on any row. ok is false when there is none.
func (t *Table) statesWhere(own bool, allowed func(state string, own bool) bool) (states []string, ok bool) {
	flow := t.FlowColumn()
	if flow == nil {
		return nil, allowed("", own) && !(own && allowed("", false))
	}
	for _, s := range flow.Flow.States {
		if allowed(s.Value, own) && !(own && allowed(s.Value, false)) {
			states = append(states, s.Value)
		}
	}
	if len(states) == len(flow.Flow.States) {
		return nil, true
	}
	return states, len(states) > 0
}
