package judge

import (
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// merge computes what each edit makes of its row, and judges state rules and row rules at what its author saw.
func (h *hearing) merge() (*refusal, error) {
	for _, e := range h.edits {
		if no, err := h.mergeEdit(e); no != nil || err != nil {
			return no, err
		}
		if no, err := h.keepTree(e); no != nil || err != nil {
			return no, err
		}
	}
	return nil, nil
}

func (h *hearing) mergeEdit(e *edit) (*refusal, error) {
	d := h.d
	if e.op == syncproto.OpUpdate && len(e.Cells) == 0 && len(e.Decides) == 0 && e.UndoOf == "" {
		return refuseInvalid("改动里什么也没有。", "The change edits nothing."), nil
	}
	if e.Base.Epoch == d.epoch.ID && e.Base.Rev > e.row.Label.Rev {
		return refuseInvalid("改动的依据比服务器还新。", "The base of the edit is newer than the server."), nil
	}
	epochs, err := d.lineOf(e.row.Stream)
	if err != nil {
		return nil, err
	}
	e.version = h.versionOf(e)
	state := e.row.State
	get := func(cell string) schema.Value { return e.row.cell(d.book, cell) }
	var ok bool
	if e.changed, e.next, ok = merge.Fast(d.book, e.table.Name, state, get, e.version, epochs); ok {
		e.result, e.from = nil, map[string]schema.Value{}
		for cell := range e.changed {
			e.from[cell] = get(cell)
		}
		if no := h.judgeView(e, get, false); no == nil || e.Base.Epoch == "" || e.Base.Epoch == d.epoch.ID {
			return no, nil
		} // else the history tells whether its author saw more than is left
	}
	return h.mergeLong(e, epochs)
}

// mergeLong asks the row's history.
func (h *hearing) mergeLong(e *edit, epochs merge.Epochs) (*refusal, error) {
	d := h.d
	if err := d.loadHistory(e.row); err != nil {
		return nil, err
	}
	if err := d.loadRefused(e.row, &e.version); err != nil {
		return nil, err
	}
	// Heard again, the change itself may be among the refused ones that others were made over.
	others := slices.DeleteFunc(slices.Clone(e.row.versions), func(v merge.RowVersion) bool { return v.ID == e.version.ID })
	versions := h.withMend(append(others, e.version))
	view := merge.View(d.book, e.table.Name, versions, epochs, e.version)
	saw := func(cell string) schema.Value {
		if c := view.Cell(cell); c != nil {
			return c.Value
		}
		return schema.Null
	}
	e.changed, e.from = nil, map[string]schema.Value{}
	for i := range e.Cells {
		e.from[e.Cells[i].Cell] = saw(e.Cells[i].Cell)
	}
	if no := h.judgeView(e, saw, h.baseLost(e, epochs)); no != nil {
		return no, nil
	}
	result := merge.Row(d.book, e.table.Name, versions, epochs)
	e.result, e.next = &result, result.State
	return nil, nil
}

// withMend lets the versions know that the refused one now has a mend.
func (h *hearing) withMend(versions []merge.RowVersion) []merge.RowVersion {
	if h.mends == nil {
		return versions
	}
	for i := range versions {
		if versions[i].ID == h.mends.Identity {
			versions[i].MendedBy = h.rec.Identity
		}
	}
	return versions
}

func (h *hearing) versionOf(e *edit) merge.RowVersion {
	d := h.d
	labels := []syncproto.Label{{Epoch: d.epoch.ID, Rev: e.row.Label.Rev + 1}}
	labels = append(labels, h.c.Labels[e.Row]...)
	v := merge.RowVersion{ID: h.rec.Identity, Op: e.op, Cells: e.Cells, Base: e.Base, Corrected: h.rec.Corrected, Labels: labels,
		Seq: uint64(d.tx.Stream(e.row.Stream).Seq + 1), Decides: e.Decides, UndoOf: e.UndoOf, Roles: e.roles, DependsOn: e.depends}
	if e.server {
		v.Roles = []schema.Role{schema.RoleServer}
	}
	if h.mends != nil {
		v.Mends = h.mends.Identity
	}
	return v
}

// baseLost tells that part of what the author saw was swallowed by a fork: then state rules refuse nothing, since nobody can say what the
// state was. A row that stood at a rev has an accepted version of that number.
func (h *hearing) baseLost(e *edit, epochs merge.Epochs) bool {
	if h.offered {
		for _, id := range e.Base.Over {
			if h.d.records[id] == nil {
				return true
			}
		}
	}
	if e.Base.Epoch == "" || e.Base.Rev == 0 || e.Base.Epoch == h.d.epoch.ID {
		return false
	}
	known := map[syncproto.EpochID]bool{}
	for at := e.Base.Epoch; at != "" && !known[at]; at = epochs.All[at].Parent {
		known[at] = true
	}
	for i := range e.row.versions {
		for _, l := range e.row.versions[i].Labels {
			if l.Rev == e.Base.Rev && known[l.Epoch] {
				return false
			}
		}
	}
	return true
}

// judgeView judges the edit at what its author saw: may the state go there, does it allow the edit, and is the row that he had before him
// afterwards a sound one.
func (h *hearing) judgeView(e *edit, saw func(cell string) schema.Value, lost bool) *refusal {
	if !e.server && !lost && h.rec.User != "" && e.UndoOf == "" {
		if no := h.judgeState(e, saw); no != nil {
			return no
		}
	}
	if e.op == syncproto.OpDelete || e.server {
		return nil
	}
	after := map[string]schema.Value{}
	for i := range e.Cells {
		c := h.d.book.Cell(e.table.Name, e.Cells[i].Cell)
		v := merge.Apply(c, saw(c.Name), e.Cells[i])
		for k, col := range c.Columns {
			after[col.Name] = c.Part(v, k)
		}
	}
	get := func(column string) schema.Value {
		if v, wrote := after[column]; wrote {
			return v
		}
		c := h.d.book.CellOf(e.table.Name, column)
		if c == nil {
			return schema.Null
		}
		v := saw(c.Name)
		for k, col := range c.Columns {
			if col.Name == column {
				return c.Part(v, k)
			}
		}
		return schema.Null
	}
	return h.judgeRow(e, get, after)
}

// judgeRow judges the cells written, the required ones, and the row rules over them.
func (h *hearing) judgeRow(e *edit, get func(string) schema.Value, wrote map[string]schema.Value) *refusal {
	for i := range e.table.Columns {
		col := &e.table.Columns[i]
		if _, w := wrote[col.Name]; !w && !(e.op == syncproto.OpCreate && col.Required) {
			continue
		}
		if err := col.Check(get(col.Name)); err != nil {
			return refuseValue(err)
		}
	}
	for _, r := range e.table.Rules {
		touched := slices.ContainsFunc(r.Columns, func(c string) bool { _, w := wrote[c]; return w })
		if touched && !r.Holds(get) {
			return refuseInvalid(r.Label.ZH, r.Label.EN)
		}
	}
	return nil
}

// judgeState judges at the state that the author saw.
func (h *hearing) judgeState(e *edit, saw func(cell string) schema.Value) *refusal {
	flow := e.table.FlowColumn()
	state := ""
	if flow != nil {
		state = flow.Flow.State(saw(flow.Name))
	}
	b := h.d.book
	forbidden := &refusal{code: syncproto.CodeState, message: syncproto.Both("记录所处的状态不允许这样修改。", "The state of the row forbids it."), hint: syncproto.Both("撤回，或请有权限的人处理。", "Withdraw it, or ask who may.")}
	switch e.op {
	case syncproto.OpCreate:
		// Made and moved on in one tap: a journal written and submitted, a matter handled on the spot.
		if flow != nil && h.rec.User != "" && !flow.Flow.MayMove(e.roles, flow.Flow.Initial, flow.Flow.State(e.value(flow.Name))) {
			return forbidden
		}
		return nil
	case syncproto.OpDelete:
		if !e.decides[syncproto.ExistenceCell] && !b.MayDelete(e.table, e.roles, e.own, state) {
			return forbidden
		}
		return nil
	}
	for i := range e.Cells {
		cell := e.Cells[i].Cell
		if e.decides[cell] || b.Cell(e.table.Name, cell).Rule == schema.RuleServer {
			continue // who decides an item sees both sides of it; what the server derives no state forbids
		}
		if flow != nil && cell == flow.Name {
			if to := flow.Flow.State(e.Cells[i].Value); !flow.Flow.MayMove(e.roles, state, to) && e.UndoOf == "" {
				return forbidden
			}
			if state == flow.Flow.State(e.Cells[i].Value) {
				continue
			}
		}
		if !b.MayChange(e.table, e.roles, e.own, cell, state) {
			return forbidden
		}
	}
	return nil
}

// loadHistory reads all accepted versions of a row.
func (d *desk) loadHistory(r *row) error {
	if r.hasVerses {
		return nil
	}
	r.hasVerses = true
	accepted, err := d.tx.Versions("row_id = ? ORDER BY seq, ord", string(r.ID))
	if err != nil {
		return err
	}
	for _, v := range d.versions { // of this transaction, not written yet
		if v.Row == r.ID {
			accepted = append(accepted, v)
		}
	}
	if len(accepted) == 0 {
		return nil
	}
	further, err := d.labelsOf(r.ID)
	if err != nil {
		return err
	}
	for _, v := range accepted {
		rv := asVersion(v)
		rv.Labels = append(rv.Labels, further[v.Identity]...)
		r.versions = append(r.versions, rv)
	}
	return nil
}

func (d *desk) labelsOf(id syncproto.RowID) (map[syncproto.Identity][]syncproto.Label, error) {
	list, err := d.tx.LabelsOf([]string{string(id)})
	out := map[syncproto.Identity][]syncproto.Label{}
	for _, l := range append(list, d.labels...) {
		if l.Row == id && !slices.Contains(out[l.Identity], l.Label) {
			out[l.Identity] = append(out[l.Identity], l.Label)
		}
	}
	return out, err
}

// asVersion is a record of the history as merge takes it.
func asVersion(v *store.Version) merge.RowVersion {
	out := merge.RowVersion{ID: v.Identity, Op: v.Op, Base: v.Base, Corrected: v.Corrected, Labels: []syncproto.Label{v.Label}, Seq: uint64(v.Seq),
		Decides: v.Decides, UndoOf: v.UndoOf, Roles: v.Roles, DependsOn: v.Depends}
	for _, c := range v.Cells {
		out.Cells = append(out.Cells, c.CellEdit)
	}
	return out
}

// loadRefused adds the refused versions that those of a row, and one that comes to them, were made over or depend on, and tells whose
// mend stands in for them.
func (d *desk) loadRefused(r *row, with *merge.RowVersion) error {
	byID := map[syncproto.Identity]int{}
	for i := range r.versions {
		byID[r.versions[i].ID] = i
	}
	ask := append(slices.Clone(with.Base.Over), with.DependsOn...)
	for i := range r.versions {
		ask = append(append(ask, r.versions[i].Base.Over...), r.versions[i].DependsOn...)
	}
	for len(ask) > 0 {
		if err := d.loadRecords(ask); err != nil {
			return err
		}
		var more []syncproto.Identity
		for _, id := range ask {
			rec := d.records[id]
			if _, have := byID[id]; have || rec == nil || rec.Status != syncproto.Refused {
				continue
			}
			v, ok, err := d.refusedVersion(rec, r)
			if err != nil {
				return err
			}
			if !ok {
				if v, ok, err = d.erasedVersion(rec, r); err != nil {
					return err
				}
			}
			if !ok {
				continue
			}
			byID[id] = len(r.versions)
			r.versions = append(r.versions, v)
			more = append(append(more, v.Base.Over...), rec.MendedBy)
			if i, have := byID[rec.MendedBy]; have {
				r.versions[i].Mends = id
			}
		}
		ask = more
	}
	return nil
}

func (d *desk) refusedVersion(rec *record, r *row) (merge.RowVersion, bool, error) {
	c, err := d.change(rec)
	if err != nil {
		return merge.RowVersion{}, false, err
	}
	for i := range c.Edits {
		if e := &c.Edits[i]; e.Row == r.ID && e.Table == r.Table {
			return merge.RowVersion{ID: rec.Identity, Op: e.Op, Cells: e.Cells, Base: e.Base, Corrected: rec.Corrected, Decides: e.Decides, UndoOf: e.UndoOf,
				Refused: true, MendedBy: rec.MendedBy}, true, nil
		}
	}
	return merge.RowVersion{}, false, nil
}

// erasedVersion is the version of a refused change whose words went with another row that it named, which was erased by law. What its mend did to
// this row tells what it was about: whoever built on it goes on standing over the mend.
func (d *desk) erasedVersion(rec *record, r *row) (merge.RowVersion, bool, error) {
	by, err := d.mendOfErased(rec)
	if by == nil || err != nil {
		return merge.RowVersion{}, false, err
	}
	i := slices.IndexFunc(r.versions, func(v merge.RowVersion) bool { return v.ID == by.Identity && !v.Refused })
	if i < 0 {
		return merge.RowVersion{}, false, nil
	}
	mend := &r.versions[i]
	return merge.RowVersion{ID: rec.Identity, Op: mend.Op, Cells: mend.Cells, Base: mend.Base, Corrected: rec.Corrected, Refused: true, MendedBy: rec.MendedBy}, true, nil
}

// mendOfErased is the accepted mend of a refused change whose words were erased, nil where it has words or no such mend.
func (d *desk) mendOfErased(rec *record) (*record, error) {
	if rec.parsed != nil || len(rec.Body) > 0 {
		return nil, nil
	}
	for seen := map[syncproto.Identity]bool{}; rec != nil && rec.Status == syncproto.Refused && !seen[rec.Identity]; {
		seen[rec.Identity] = true
		if rec.MendedBy == "" {
			return nil, nil
		}
		if err := d.loadRecords([]syncproto.Identity{rec.MendedBy}); err != nil {
			return nil, err
		}
		rec = d.records[rec.MendedBy]
	}
	if rec != nil && rec.Status == syncproto.Refused {
		return nil, nil
	}
	return rec, nil
}
