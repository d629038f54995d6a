package sim

import (
	"context"
	"slices"

	"minqing/internal/sim/oracle"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// doErase erases a row with all that lies beneath it by law; every other time one that refused work names, if there is one.
func (w *world) doErase(d *dice) {
	rows := slices.Concat(w.livingRows("thing"), w.livingRows("note"), w.livingRows("mark"))
	if named := slices.DeleteFunc(slices.Clone(rows), func(r *oracle.Row) bool { return !w.oracle.RefusedNames(r.ID) }); len(named) > 0 && d.chance(2) {
		rows = named
	}
	if len(rows) == 0 {
		return
	}
	r := pick(d, rows)
	w.desk("erase "+r.Table.Name, func(j *judge.Judge) error {
		out, err := j.Erase(context.Background(), syncproto.UserID(adminUser), r.ID, "at the person's request")
		if err != nil {
			return err
		}
		w.count[cErasures]++
		if got, want := slices.Sorted(slices.Values(out.Rows)), w.oracle.Lawfully(r.ID); !slices.Equal(got, want) {
			w.violate(iConfidentiality, "with %s are erased %v, must be %v", r.ID, got, want)
		}
		if slices.ContainsFunc(out.Rows, w.oracle.RefusedNames) {
			w.count[cEnded]++
		}
		w.tellErased(out.Rows)
		return nil
	})
	w.checkErased()
}

// tellErased tells the oracle what was erased, those beneath first, and of the deletion that an erasure begins with, which also ends
// whatever asked whether a row is to stay deleted: its own words went with the others.
func (w *world) tellErased(rows []syncproto.RowID) {
	var list []*store.Change
	w.must(w.server.eng.Store.Read(context.Background(), func(tx *store.Tx) (err error) {
		list, err = tx.Changes("coalesce(length(body), 0) = 0 ORDER BY received")
		return err
	}), "read what was erased")
	for _, c := range list {
		if w.server.known[c.Identity] {
			continue
		}
		w.server.known[c.Identity] = true
		ch := &syncproto.Change{First: c.First, At: c.At}
		for _, id := range rows {
			if r := w.oracle.View().Rows[id]; !r.Dead || slices.ContainsFunc(r.Items, func(it oracle.Item) bool { return it.Kind == syncproto.ItemDelete }) {
				ch.Edits = append(ch.Edits, syncproto.Edit{Table: r.Table.Name, Row: id, Op: syncproto.OpDelete, Decides: []string{syncproto.ExistenceCell},
					Base: syncproto.Base{Epoch: r.Label.Epoch, Rev: r.Label.Rev}})
			}
		}
		w.oracle.Push(oracle.Push{Device: c.First.Device, Server: true, Received: c.Received, Changes: []oracle.Taken{{Change: ch, ID: c.Identity}}})
	}
	w.oracle.Erased(rows)
	w.lookAround()
}

// ofErased tells whether a change touches a row that was erased.
func (w *world) ofErased(edits []syncproto.Edit) bool {
	return slices.ContainsFunc(edits, func(e syncproto.Edit) bool { return w.oracle.View().Erased[e.Row] })
}

// checkErased looks in every byte of the server's files for words that were erased.
func (w *world) checkErased() {
	erased := w.oracle.View().Erased
	if len(erased) == 0 {
		return
	}
	w.server.disk.Walk(func(name string, data []byte) {
		for _, word := range canaries.FindAll(data, -1) {
			if t := w.tokens[string(word)]; t != nil && erased[t.row] {
				w.violate(iConfidentiality, "%s of the server holds the word %s of the row %s, which was erased by law", name, word, t.row)
			}
		}
	})
}
