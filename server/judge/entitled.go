package judge

import (
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/syncproto"
)

// entitle judges whether the author may make each edit: by the rights at capture, over where the row lay then, as long as the grace period
// runs, and by those of now, over where it lies. What only the rights at capture allow is late.
func (h *hearing) entitle() (*refusal, error) {
	if h.rec.User == "" { // the server's own
		for _, e := range h.edits {
			e.roles, e.own = []schema.Role{schema.RoleServer}, true
		}
		return h.checkLinks()
	}
	rights, err := h.d.rightsOf(h.rec.User)
	if err != nil {
		return nil, err
	}
	if err := h.findDecided(); err != nil {
		return nil, err
	}
	if h.late, err = h.handedOver(); err != nil {
		return nil, err
	}
	now, then := h.d.tx.Now(), h.rec.Captured
	overdue := (then > 0 || h.late) && h.rec.Received-then > h.d.j.grace.Load()
	for _, e := range h.edits {
		e.own = h.isOwn(e)
		var atCapture *refusal
		if then > 0 {
			lay, err := h.groundsAt(e, then)
			if err != nil {
				return nil, err
			}
			if atCapture = h.mayAt(e, lay, rights, then); atCapture == nil {
				e.roles = rights.RolesIn(h.d.book, lay[0].scope, then, lay[0].above)
			}
		}
		nowNo := h.mayAt(e, e.grounds, rights, now)
		switch {
		case nowNo == nil && (then == 0 || atCapture != nil):
			e.roles = rights.RolesIn(h.d.book, e.grounds[0].scope, now, e.grounds[0].above)
		case nowNo == nil: // both: by those at capture, which no reassignment changes
		case then == 0 || atCapture != nil:
			if atCapture != nil && atCapture.code != syncproto.CodeWaits {
				return atCapture, nil
			}
			return nowNo, nil
		default:
			h.late = true
		}
		if e.twice {
			return refuseInvalid("这条记录已经有了。", "There is such a row already."), nil
		}
	}
	if h.late && overdue && !h.pardon {
		return h.tooLate(), nil
	}
	return h.checkLinks()
}

// findDecided notes which cells of each edit lie in an open item that the edit decides. Who decides chooses between words that were
// written by right, so he needs no right of his own to write the cell; where nothing is open, a decision is an edit like any other.
func (h *hearing) findDecided() error {
	for _, e := range h.edits {
		e.decides = map[string]bool{}
		if len(e.Decides) == 0 || e.op == syncproto.OpCreate {
			continue
		}
		if err := h.d.loadItems(e.row); err != nil {
			return err
		}
		for _, it := range h.d.itemsOf[e.row.ID] {
			if it.Closed != 0 {
				continue
			}
			for _, cell := range strings.Split(it.Cell, ",") {
				if slices.Contains(e.Decides, cell) {
					e.decides[cell] = true
				}
			}
		}
	}
	return nil
}

// isOwn tells whether the row is that of whose words these are: made by him, or being made in his name.
func (h *hearing) isOwn(e *edit) bool {
	if e.table.Author == "" {
		return false
	}
	if e.op == syncproto.OpCreate {
		return e.value(e.table.Author).Str() == string(h.speaker())
	}
	return e.row.get(e.table.Author).Str() == string(h.speaker())
}

// speaker is whose words the change brings: its author's, or those of whom its author lets in.
func (h *hearing) speaker() syncproto.UserID {
	if h.behalf != "" {
		return h.behalf
	}
	return h.rec.User
}

// mayAt judges one edit by the rights of one moment; states are judged elsewhere, so any state in which the edit is allowed will do.
func (h *hearing) mayAt(e *edit, on []ground, rights *entitle.Rights, at int64) *refusal {
	for i, g := range on {
		if g.scope == "" || rights.Sees(h.d.book, g.scope, at, g.above) {
			continue
		}
		// A row that is not there and one that is not his look alike.
		if e.op == syncproto.OpCreate || i > 0 {
			if parent, given := e.parentOf(); given {
				return refuseAbsent(parent)
			}
		}
		return refuseAbsent(e.Row)
	}
	roles := rights.RolesIn(h.d.book, on[0].scope, at, on[0].above)
	if h.allowed(e, roles) {
		return nil
	}
	return notAllowed()
}

func notAllowed() *refusal {
	return &refusal{code: syncproto.CodeForbidden, message: syncproto.Both("您没有这项权限。", "You have no right to do this."), hint: syncproto.Both("需要时请联系管理员。", "Ask the administrator.")}
}

// allowed asks the permission matrix, whatever the row's state.
func (h *hearing) allowed(e *edit, roles []schema.Role) bool {
	b := h.d.book
	decider := slices.ContainsFunc(roles, decides)
	if (len(e.Decides) > 0 || e.UndoOf != "" || h.behalf != "") && !decider {
		return false
	}
	if e.decides[syncproto.ExistenceCell] {
		return true // between a deletion and what stands against it, both made by right
	}
	switch e.op {
	case syncproto.OpCreate:
		cells := make([]string, len(e.Cells))
		for i := range e.Cells {
			cells[i] = e.Cells[i].Cell
		}
		return b.MayCreate(e.table, roles, e.own, cells...)
	case syncproto.OpDelete:
		return slices.ContainsFunc(states(e.table), func(s string) bool { return b.MayDelete(e.table, roles, e.own, s) })
	}
	for i := range e.Cells {
		if !e.decides[e.Cells[i].Cell] && !slices.ContainsFunc(states(e.table), func(s string) bool { return b.MayChange(e.table, roles, e.own, e.Cells[i].Cell, s) }) {
			return false
		}
	}
	if len(e.Cells) == 0 { // bringing a row back is a right like deleting it
		return slices.ContainsFunc(states(e.table), func(s string) bool { return b.MayDelete(e.table, roles, e.own, s) })
	}
	return true
}

// decides tells the roles that decide what lies in the inbox.
func decides(r schema.Role) bool {
	return r == schema.RoleAdmin || r == schema.RoleSecretary || r == schema.RoleServer
}

// states are the states a row of the table can be in; without a flow there is one, "".
func states(t *schema.Table) []string {
	c := t.FlowColumn()
	if c == nil {
		return []string{""}
	}
	out := make([]string, len(c.Flow.States))
	for i, s := range c.Flow.States {
		out[i] = s.Value
	}
	return out
}

// checkLinks holds references to what they may point to: rows that are there, in the scope of the row itself or of one above it.
func (h *hearing) checkLinks() (*refusal, error) {
	for _, e := range h.edits {
		for i := range e.Cells {
			col := e.table.Column(e.Cells[i].Cell)
			if col == nil || col.Type != schema.TypeRef || col.Name == e.table.Parent || e.Cells[i].Value.IsNull() {
				continue
			}
			id := syncproto.RowID(e.Cells[i].Value.Str())
			to := h.row(id)
			if to == nil || to.Table != col.Ref {
				return h.absent(id), nil
			}
			fits, err := h.linkFits(e, col, to)
			if err != nil {
				return nil, err
			}
			if !fits {
				return refuseAbsent(id), nil
			}
			if may, err := h.mayGrant(e, to); err != nil || !may {
				return notAllowed(), err
			}
		}
		if no := h.checkAuthor(e); no != nil {
			return no, nil
		}
	}
	return nil, nil
}

// mayGrant tells whether the author may give or change a role over a place: nobody gives a right that reaches further than his own, wherever
// he to whom he gives it is at home.
func (h *hearing) mayGrant(e *edit, over *row) (bool, error) {
	if h.rec.User == "" || e.table.Name != "role" || !over.table.Place || e.UndoOf != "" {
		return true, nil
	}
	rights, err := h.d.rightsOf(h.rec.User)
	if err != nil {
		return false, err
	}
	above := h.d.placesAbove(over, h.row)
	for _, at := range []int64{h.d.tx.Now(), h.rec.Captured} {
		if at > 0 && h.allowed(e, rights.Roles(at, above)) {
			return true, nil
		}
	}
	return false, nil
}

// linkFits tells whether a link may point to a row: as everything lies now, or lay as the author saw it. Whoever's edit arrives first, a link and a
// move that were made beside each other both stand.
func (h *hearing) linkFits(e *edit, col *schema.Column, to *row) (bool, error) {
	kind := h.d.book.Link(e.table, col)
	if kind == schema.LinkDirectory {
		return true, nil
	}
	for _, at := range []int64{h.d.tx.Now(), h.rec.Captured} {
		if at == 0 {
			continue // made on the server
		}
		from, _, err := h.lineAt(e.row, at)
		if err != nil {
			return false, err
		}
		there, _, err := h.lineAt(to, at)
		if err != nil {
			return false, err
		}
		scope := groundOf(there).scope
		for i := range from {
			if groundOf(from[i:]).scope == scope {
				return true, nil
			}
			if kind == schema.LinkWithin {
				break
			}
		}
	}
	return false, nil
}

// checkAuthor holds the author column of a new row to who made it.
func (h *hearing) checkAuthor(e *edit) *refusal {
	if e.op != syncproto.OpCreate || e.table.Author == "" || h.rec.User == "" {
		return nil
	}
	if e.value(e.table.Author).Str() != string(h.speaker()) && !slices.Contains(e.roles, schema.RoleAdmin) {
		return refuseInvalid("记录人不是本人。", "The row names somebody else as its author.")
	}
	return nil
}
