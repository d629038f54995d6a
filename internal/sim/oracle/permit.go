package oracle

import (
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// allowed asks the permits of the table, whatever state the row is in.
func (h *hearing) allowed(e *edit, roles []schema.Role) bool {
	states := []string{""}
	if f := e.table.FlowColumn(); f != nil {
		states = nil
		for _, s := range f.Flow.States {
			states = append(states, s.Value)
		}
	}
	if (len(e.Decides) > 0 || e.UndoOf != "" || h.behalf != "") && !slices.Contains(roles, schema.RoleAdmin) && !slices.Contains(roles, schema.RoleSecretary) {
		return false
	}
	if e.deciding[syncproto.ExistenceCell] {
		return true
	}
	inSome := func(may func(state string) bool) bool { return slices.ContainsFunc(states, may) }
	switch e.op {
	case syncproto.OpCreate:
		return h.mayCreate(e, roles)
	case syncproto.OpDelete:
		return inSome(func(s string) bool { return mayDelete(e, roles, s) })
	}
	for i := range e.Cells {
		if !e.deciding[e.Cells[i].Cell] && !inSome(func(s string) bool { return h.mayChange(e, roles, e.Cells[i].Cell, s) }) {
			return false
		}
	}
	if len(e.Cells) == 0 {
		return inSome(func(s string) bool { return mayDelete(e, roles, s) })
	}
	return true
}

// fits tells whether a permit is for one of roles, on this row, in a state.
func fits(p *schema.Permit, e *edit, roles []schema.Role, state string) bool {
	return slices.ContainsFunc(roles, func(r schema.Role) bool { return slices.Contains(p.Roles, r) }) && (e.own || !p.Own) &&
		(p.States == nil || slices.Contains(p.States, state))
}

// names tells whether a permit is for a cell.
func (h *hearing) names(p *schema.Permit, e *edit, cell string) bool {
	c := h.cell(e.table, cell)
	return c != nil && c.Rule != schema.RuleServer && (p.Columns == nil || slices.Contains(p.Columns, c.Columns[0].Name))
}

func (h *hearing) mayCreate(e *edit, roles []schema.Role) bool {
	some := false
	for i := range e.table.Create {
		some = some || fits(&e.table.Create[i], e, roles, "")
	}
	for k := range e.Cells {
		cell := e.Cells[k].Cell
		covered := false
		for i := range e.table.Create {
			p := &e.table.Create[i]
			covered = covered || fits(p, e, roles, "") && (cell == e.table.Parent || cell == e.table.Author || h.names(p, e, cell))
		}
		some = some && covered
	}
	return some
}

func (h *hearing) mayChange(e *edit, roles []schema.Role, cell, state string) bool {
	if e.table.Append || cell == e.table.Author || h.locked(e, cell, state, roles) {
		return false
	}
	for i := range e.table.Change {
		if p := &e.table.Change[i]; fits(p, e, roles, state) && h.names(p, e, cell) {
			return true
		}
	}
	return false
}

func mayDelete(e *edit, roles []schema.Role, state string) bool {
	for i := range e.table.Delete {
		if fits(&e.table.Delete[i], e, roles, state) {
			return true
		}
	}
	return false
}

func (h *hearing) locked(e *edit, cell, state string, roles []schema.Role) bool {
	c := h.cell(e.table, cell)
	if c == nil || c.Rule == schema.RuleFlow {
		return false
	}
	for _, l := range e.table.Locks {
		excepted := slices.ContainsFunc(roles, func(r schema.Role) bool { return slices.Contains(l.Except, r) })
		if slices.Contains(l.States, state) && !excepted && (l.Columns == nil || slices.Contains(l.Columns, c.Columns[0].Name)) {
			return true
		}
	}
	return false
}

// stateAllows judges the edit at the state that the author saw.
func (h *hearing) stateAllows(e *edit, saw func(string) schema.Value) *refusal {
	if h.c.User == "" || e.UndoOf != "" {
		return nil
	}
	no := &refusal{code: syncproto.CodeState}
	flow := e.table.FlowColumn()
	state := ""
	if flow != nil {
		state = stateOf(flow.Flow, saw(flow.Name))
	}
	switch e.op {
	case syncproto.OpCreate:
		if flow == nil {
			return nil
		}
		to := stateOf(flow.Flow, e.value(flow.Name))
		mayStart := to == flow.Flow.Initial || slices.ContainsFunc(flow.Flow.Moves, func(m schema.Move) bool {
			return m.From == flow.Flow.Initial && m.To == to && slices.ContainsFunc(e.roles, func(r schema.Role) bool { return slices.Contains(m.Roles, r) })
		})
		if !mayStart {
			return no
		}
		return nil
	case syncproto.OpDelete:
		if !e.deciding[syncproto.ExistenceCell] && !mayDelete(e, e.roles, state) {
			return no
		}
		return nil
	}
	for i := range e.Cells {
		cell := e.Cells[i].Cell
		if e.deciding[cell] {
			continue
		}
		if flow != nil && cell == flow.Name {
			to := stateOf(flow.Flow, e.Cells[i].Value)
			if to == state {
				continue
			}
			moved := slices.ContainsFunc(flow.Flow.Moves, func(m schema.Move) bool {
				return m.From == state && m.To == to && slices.ContainsFunc(e.roles, func(r schema.Role) bool { return slices.Contains(m.Roles, r) })
			})
			if !moved && e.UndoOf == "" {
				return no
			}
		}
		if !h.mayChange(e, e.roles, cell, state) {
			return no
		}
	}
	return nil
}
