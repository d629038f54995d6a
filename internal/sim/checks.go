package sim

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"minqing/internal/sim/oracle"
	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// fingerprint is what the server holds, in short.
type fingerprint struct {
	rows, items, history, changes string
}

func (s *server) fingerprint() fingerprint {
	var f fingerprint
	s.w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		sum := func(query string) (string, error) {
			h := sha256.New()
			err := tx.Each(func(scan func(...any) error) error {
				var line sql.NullString
				err := scan(&line)
				fmt.Fprintln(h, line.String)
				return err
			}, query)
			return fmt.Sprintf("%x", h.Sum(nil)[:6]), err
		}
		var err error
		for _, part := range []struct {
			into  *string
			query string
		}{
			{&f.rows, "SELECT id || ' ' || scope || ' ' || rev || ' ' || seq || ' ' || dead || ' ' || state || ' ' || open FROM mq_row ORDER BY id"},
			{&f.items, "SELECT id || ' ' || closed_ms || ' ' || heads || ' ' || outcome FROM mq_item ORDER BY id"},
			{&f.history, "SELECT stream || ' ' || pos || ' ' || head FROM mq_chain ORDER BY stream, pos"},
			{&f.changes, "SELECT identity || ' ' || status || ' ' || verdict FROM mq_change ORDER BY identity"},
		} {
			if *part.into, err = sum(part.query); err != nil {
				return err
			}
		}
		return nil
	}), "fingerprint")
	return f
}

// tookOffer tells whether the server took a push of changes that it held already: their labels are then on record. A twin's offer may have brought
// them there; where it lacks one of the changes, it took none.
func (s *server) tookOffer(r *request) bool {
	took := false
	if slices.ContainsFunc(r.changes, func(c *syncproto.Change) bool { return !s.known[c.Identity()] }) {
		return false
	}
	s.w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		for _, c := range r.changes {
			for row, labels := range c.Labels {
				stored, err := tx.LabelsOf([]string{string(row)})
				if err != nil {
					return err
				}
				for _, l := range stored {
					took = took || l.Identity == c.Identity() && slices.Contains(labels, l.Label)
				}
			}
		}
		return nil
	}), "read labels")
	return took
}

// storedRow is a row as the server's database holds it.
type storedRow struct {
	store.Row
	values []schema.Value
}

// storedRows reads everything.
func (s *server) storedRows() map[syncproto.RowID]*storedRow {
	out := map[syncproto.RowID]*storedRow{}
	s.w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.RowsWhere("id <> '' ORDER BY id")
		if err != nil {
			return err
		}
		byTable := map[string][]string{}
		for _, r := range rows {
			out[r.ID] = &storedRow{Row: *r}
			if r.Dead == 0 {
				byTable[r.Table] = append(byTable[r.Table], string(r.ID))
			}
		}
		for _, table := range slices.Sorted(maps.Keys(byTable)) {
			values, err := tx.Values(table, byTable[table])
			if err != nil {
				return err
			}
			for id, v := range values {
				out[id].values = v
			}
		}
		return nil
	}), "read the rows")
	return out
}

// compareServer holds the server's database to the oracle.
func (w *world) compareServer() {
	view := w.oracle.View()
	stored := w.server.storedRows()
	for _, id := range view.Order {
		r, is := view.Rows[id], stored[id]
		if is == nil && r.Dead && w.swept {
			continue
		}
		if is == nil {
			w.violate(iNoLostEdit, "the server lacks the row %s %s", r.Table.Name, id)
		}
		w.compareRow(r, is)
	}
	for id, is := range stored {
		if view.Rows[id] == nil {
			w.violate(iNoPhantom, "the server holds the row %s %s, which nobody made", is.Table, id)
		}
	}
	w.compareItems(view)
	w.compareStreams(view)
	w.compareBuckets(stored)
}

// compareStreams wants every stream to have counted what took effect in it.
func (w *world) compareStreams(view *oracle.View) {
	var streams []store.StreamState
	w.must(w.server.eng.Store.Read(context.Background(), func(tx *store.Tx) (err error) {
		streams, err = tx.AllStreams()
		return err
	}), "read the streams")
	for _, st := range streams {
		if uint64(st.Seq) != view.Seqs[st.ID] {
			w.violate(iCausality, "the stream %s is at seq %d, must be at %d", st.ID, st.Seq, view.Seqs[st.ID])
		}
	}
}

func (w *world) compareRow(r *oracle.Row, is *storedRow) {
	name := r.Table.Name + " " + string(r.ID)
	switch {
	case r.Dead && is.Dead == 0:
		w.violate(iNoResurrection, "%s lives, and was deleted", name)
	case !r.Dead && is.Dead != 0:
		w.violate(iNoLostEdit, "%s is deleted, and nobody did that", name)
	case is.Scope != r.Scope:
		w.violate(iConfidentiality, "%s lies in %s %s, must lie in %s %s", name, is.Scope, is.Period, r.Scope, r.Period)
	case is.Period != r.Period:
		w.violate(iClocks, "%s lies in the period %s, must lie in %s by the server's time of its receipt", name, is.Period, r.Period)
	case is.Label != r.Label:
		w.violate(iCausality, "%s is at %v, must be at %v", name, is.Label, r.Label)
	}
	if r.Dead {
		return
	}
	if is.values == nil {
		w.violate(iNoLostEdit, "%s lives and has no values", name)
	}
	for i := range r.Table.Columns {
		column := r.Table.Columns[i].Name
		want, vague := r.Column(w.book, column)
		if got := is.values[i]; got != want {
			w.wrongValue(r, column, got, want, vague)
		}
	}
	w.compareOpen(r, is)
}

// wrongValue names the invariant that a wrong value breaks.
func (w *world) wrongValue(r *oracle.Row, column string, got, want schema.Value, vague bool) {
	name := r.Table.Name + " " + string(r.ID) + "." + column
	cell := w.book.CellOf(r.Table.Name, column)
	if cell.Rule == schema.RuleText {
		if !w.wordsWritten(r, cell.Name, got) {
			w.violate(iNoPhantom, "%s shows %v, which nobody wrote", name, got)
		}
		if vague {
			return
		}
	}
	if len(cell.Columns) == 1 && cell.Kind() != schema.KindSet && cell.Rule != schema.RuleSum && cell.Rule != schema.RuleText && !got.IsNull() && cell.Rule != schema.RuleFlow {
		if !slices.ContainsFunc(r.Words(cell.Name), func(e syncproto.CellEdit) bool { return e.Value == got }) {
			w.violate(iNoPhantom, "%s shows %v, which nobody wrote", name, got)
		}
	}
	if r.Cells[cell.Name].Open != "" || len(r.Cells[cell.Name].Heads) > 1 {
		w.violate(iConflicts, "%s shows %v, must show %v (%s, heads %v)", name, got, want, r.Cells[cell.Name].Open, r.Cells[cell.Name].Heads)
	}
	w.violate(iNoLostEdit, "%s shows %v, must show %v", name, got, want)
}

// wordsWritten tells whether every sentence of a text was written by somebody.
func (w *world) wordsWritten(r *oracle.Row, cell string, got schema.Value) bool {
	for _, s := range strings.SplitAfter(got.Str(), "。") {
		if s != "" && !slices.ContainsFunc(r.Words(cell), func(e syncproto.CellEdit) bool { return strings.Contains(e.Value.Str(), s) }) {
			return false
		}
	}
	return true
}

// compareOpen holds what a row carries about open items to the oracle.
func (w *world) compareOpen(r *oracle.Row, is *storedRow) {
	for name, c := range r.Cells {
		shows, open := is.Open[name]
		if c.Vague {
			continue
		}
		if open != (c.Open != "") || open && !slices.Equal(shows, c.Shows) {
			w.violate(iConflicts, "%s %s.%s: open %v showing %v, must be %q showing %v", r.Table.Name, r.ID, name, open, shows, c.Open, c.Shows)
		}
	}
}

// compareItems holds the inbox to the oracle.
func (w *world) compareItems(view *oracle.View) {
	open := map[string][]string{}
	for _, it := range w.server.openItems() {
		key := fmt.Sprintf("%s %s %s %s", it.Kind, it.Row, it.Cell, it.Other)
		var sides struct {
			Heads   []string `json:"heads"`
			Against []string `json:"against"`
		}
		w.must(json.Unmarshal(it.Heads, &sides), "heads of an item")
		if it.Kind == syncproto.ItemLate {
			key += strings.Join(sides.Heads, " ")
		}
		if open[key] != nil {
			w.violate(iConflicts, "the inbox holds %s twice", key)
		}
		open[key] = append([]string{}, sides.Heads...)
	}
	for _, id := range view.Order {
		r := view.Rows[id]
		vague := false
		for _, c := range r.Cells {
			vague = vague || c.Vague
		}
		for _, item := range r.Items {
			key := fmt.Sprintf("%s %s %s ", item.Kind, id, strings.Join(item.Cells, ","))
			heads, there := open[key]
			delete(open, key)
			if vague {
				continue
			}
			if !there {
				w.violate(iConflicts, "the inbox lacks %s of %s, heads %v", key, r.Table.Name, item.Heads)
			}
			if !slices.Equal(heads, texts(item.Heads)) {
				w.violate(iConflicts, "the item %s holds %v, must hold %v", key, heads, item.Heads)
			}
		}
		if vague {
			// Whether sentences overlap is not certain there; twins, orphans and late work are.
			maps.DeleteFunc(open, func(k string, _ []string) bool {
				part := strings.SplitN(k, " ", 4)
				return part[1] == string(id) && part[2] != "" && part[3] == ""
			})
		}
	}
	for _, extra := range w.oracle.Loose() {
		key := fmt.Sprintf("%s %s %s %s", extra.Kind, extra.Row, extra.Cell, extra.Other) + string(extra.About)
		if _, there := open[key]; !there && !extra.Vague {
			w.violate(iConflicts, "the inbox lacks %s", key)
		}
		delete(open, key)
	}
	for _, key := range slices.Sorted(maps.Keys(open)) {
		w.violate(iConflicts, "the inbox holds %s, heads %v, without a cause", key, open[key])
	}
}

func texts[T ~string](list []T) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

func (s *server) openItems() []*store.Item {
	var out []*store.Item
	s.w.must(s.eng.Store.Read(context.Background(), func(tx *store.Tx) (err error) {
		out, err = tx.Items("closed_ms = 0 ORDER BY id")
		return err
	}), "read the inbox")
	return out
}
