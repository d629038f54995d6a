package schema

import "slices"

// Roles lists every role that a person can hold, in the order of DOMAIN.
var Roles = []Role{RoleCadre, RoleSecretary, RoleTownship, RoleCity, RoleHandler, RoleMediator, RoleAdmin}

func checkRoles(where string, roles []Role, bad *broken) {
	if len(roles) == 0 {
		bad.say("%s names no role", where)
	}
	for _, r := range roles {
		if r != RoleServer && !slices.Contains(Roles, r) {
			bad.say("%s: unknown role %q", where, r)
		}
	}
}

func checkPermits(t *Table, bad *broken) {
	for _, set := range []struct {
		op      Op
		permits []Permit
	}{{OpCreate, t.Create}, {OpChange, t.Change}, {OpDelete, t.Delete}} {
		for _, p := range set.permits {
			where := t.Name + ": a permit to " + string(set.op)
			checkRoles(where, p.Roles, bad)
			checkColumns(t, where, p.Columns, bad)
			checkStates(t, where, p.States, bad)
			if p.Own && t.Author == "" {
				bad.say("%s is for one's own rows, but the table has no author", where)
			}
			if set.op == OpCreate && p.States != nil {
				bad.say("%s names states, but a new row has none yet", where)
			}
			if set.op == OpDelete && p.Columns != nil {
				bad.say("%s names columns, but rows are deleted whole", where)
			}
		}
	}
	if flow := t.FlowColumn(); flow != nil && flow.Flow != nil {
		for _, m := range flow.Flow.Moves {
			for _, r := range m.Roles {
				if r != RoleServer && !slices.ContainsFunc(t.Change, func(p Permit) bool {
					return slices.Contains(p.Roles, r) && (p.Columns == nil || slices.Contains(p.Columns, flow.Name))
				}) {
					bad.say("%s: %s may move %s → %s, but no permit lets it change %s", t.Name, r, m.From, m.To, flow.Name)
				}
			}
		}
	}
	if t.Append && len(t.Change) > 0 {
		bad.say("table %s is append-only, so nobody may change it", t.Name)
	}
}

func checkLocks(t *Table, bad *broken) {
	flow := t.FlowColumn()
	for _, l := range t.Locks {
		where := t.Name + ": a lock"
		if flow == nil || len(l.States) == 0 {
			bad.say("%s needs a state column and states", where)
			continue
		}
		checkStates(t, where, l.States, bad)
		checkColumns(t, where, l.Columns, bad)
		if slices.Contains(l.Columns, flow.Name) {
			bad.say("%s names the state column; moves are ruled by the flow", where)
		}
		if len(l.Except) > 0 {
			checkRoles(where, l.Except, bad)
		}
	}
}

// checkColumns holds a list of columns to real ones that people write, the groups whole.
func checkColumns(t *Table, where string, columns []string, bad *broken) {
	if columns != nil && len(columns) == 0 {
		bad.say("%s has an empty list of columns; leave it out for all of them", where)
	}
	for _, name := range columns {
		c := t.Column(name)
		if c == nil {
			bad.say("%s names %s, which is no column", where, name)
			continue
		}
		if c.Rule == RuleServer {
			bad.say("%s names %s, which only the server writes", where, name)
		}
		for _, other := range t.Columns {
			if c.Group != "" && other.Group == c.Group && !slices.Contains(columns, other.Name) {
				bad.say("%s names %s without %s of the same group", where, name, other.Name)
			}
		}
	}
}

func checkStates(t *Table, where string, states []string, bad *broken) {
	flow := t.FlowColumn()
	for _, s := range states {
		if flow == nil || flow.Flow == nil || flow.Flow.Priority(s) < 0 {
			bad.say("%s names %s, which is no state", where, s)
		}
	}
}

func checkFlow(where string, f *Flow, bad *broken) {
	if f == nil {
		return // said by checkColumn
	}
	checkOptions(where, f.States, 2, bad)
	if f.Priority(f.Initial) < 0 {
		bad.say("%s: the initial state %q is not declared", where, f.Initial)
	}
	type pair struct{ from, to string }
	seen := map[pair]bool{}
	for _, m := range f.Moves {
		at := where + ": the move " + m.From + " → " + m.To
		if f.Priority(m.From) < 0 || f.Priority(m.To) < 0 || m.From == m.To {
			bad.say("%s is not between two declared states", at)
		}
		if seen[pair{m.From, m.To}] {
			bad.say("%s is declared twice", at)
		}
		seen[pair{m.From, m.To}] = true
		checkRoles(at, m.Roles, bad)
	}
	for _, s := range f.States {
		if !f.Reaches(f.Initial, s.Value) {
			bad.say("%s: nothing leads to the state %s", where, s.Value)
		}
	}
}
