package oracle

import (
	"minqing/schema"
	"minqing/syncproto"
)

// former is a parent that a row had until a moment of server time.
type former struct {
	parent syncproto.RowID
	until  int64
}

// parentAt is what a row lay beneath at a moment; before it was there, beneath what it was born.
func (r *row) parentAt(at int64) syncproto.RowID {
	for _, f := range r.lay {
		if at < f.until {
			return f.parent
		}
	}
	return r.parent
}

// place is a scope in which the author must be entitled, and the places over it.
type place struct {
	scope string
	over  []string
}

// over are the places over a row as it lay at a moment, itself included when it is one.
func (h *hearing) over(r *row, at int64) []string {
	var out []string
	for n := 0; r != nil && n < 40; n++ {
		if r.table.Place {
			out = append(out, string(r.id))
		}
		r = h.find(r.parentAt(at))
	}
	return out
}

// scopeOf is the scope of a row beneath a parent, as that lay at a moment.
func (h *hearing) scopeOf(t *schema.Table, id syncproto.RowID, parent *row, at int64) string {
	if t.Scope == schema.ScopeOwn {
		return t.Name + ":" + string(id)
	}
	if parent == nil {
		return ""
	}
	above := h.scopeOf(parent.table, parent.id, h.find(parent.parentAt(at)), at)
	if t.Scope == schema.ScopeNarrow {
		return t.Name + ":" + scopeID(above)
	}
	return above
}

// reach is what the author of an edit must be entitled to at a moment: where the row lay then, and where the edit takes it.
func (h *hearing) reach(e *edit, at int64) []place {
	whole := func(r *row) place {
		return place{h.scopeOf(r.table, r.id, h.find(r.parentAt(at)), at), h.over(r, at)}
	}
	under := e.row.parentAt(at)
	from := whole(e.row)
	if e.op == syncproto.OpCreate {
		if e.table.Scope != schema.ScopeOwn {
			return []place{from}
		}
		parent := h.find(under)
		if parent == nil {
			return nil
		}
		// Nobody can be entitled to a scope that is only being made: who sees the row above may make it.
		return []place{{whole(parent).scope, from.over}}
	}
	id, given := e.parent()
	parent := h.find(id)
	if !given || id == under || parent == nil {
		return []place{from}
	}
	to := place{h.scopeOf(e.table, e.Row, parent, at), h.over(parent, at)}
	switch {
	case to.scope != from.scope:
		return []place{from, to}
	case e.table.Scope == schema.ScopeOwn:
		return []place{from, whole(parent)}
	}
	return []place{from}
}
