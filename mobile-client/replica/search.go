package replica

import (
	"context"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// Search is what the app wants to look rows up by and list them in: an entry for each document, kept in mq_find in the replica's own
// file.
//
// The text is plain and is looked through as it stands (instr). An inverted index answers in a tenth of the time, but this takes
// milliseconds for all a phone holds, finds any part of a word, in any script, and what is deleted is gone: the segments of a full-text
// index keep the terms of deleted documents until they are merged, and a forgotten household may not stay in one.
//
// Triggers in pure SQL note which documents are stale, whoever writes. Every write transaction of this package ends by making them
// anew, so that what a sync forgets leaves mq_find in the same transaction; what other programs wrote is made up for by Reindex.
type Search struct {
	Version string // of what Make makes: another one makes all entries anew
	Watch   []Watch
	// Make makes the entry of a document, the zero Entry when there is none. It runs inside a write transaction.
	Make func(v *View, doc syncproto.RowID) (Found, error)
}

// Found is what mq_find has of a document: the text to find it by, the group it is listed in, and its order there, bytewise.
type Found struct{ Text, Group, Order string }

// Watch names a table whose rows are, or belong to, documents: the column that names the document (“id” for the document itself), and
// the columns that its entry is made of.
type Watch struct {
	Table   string
	Doc     string
	Columns []string
}

// prepareSearch makes the index fit what the app wants. Run in a write transaction.
func (r *Replica) prepareSearch(m *meta) error {
	for _, q := range r.opt.Indexes {
		if err := r.w.exec(q); err != nil {
			return err
		}
	}
	if r.opt.Search == nil {
		return nil
	}
	want := map[string]string{}
	for _, w := range r.opt.Search.Watch {
		want["mqx_i_"+w.Table] = w.trigger("i", "INSERT", "NEW")
		want["mqx_d_"+w.Table] = w.trigger("d", "DELETE", "OLD")
		want["mqx_u_"+w.Table] = w.trigger("u", "UPDATE OF "+quoted(append([]string{w.Doc}, w.Columns...)), "NEW", "OLD")
	}
	var name, text string
	var drop []string
	err := r.w.each(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'mqx_*'`, nil, []any{&name, &text}, func() error {
		if want[name] != text {
			drop = append(drop, name)
		} else {
			delete(want, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range drop {
		if err := r.w.exec("DROP TRIGGER " + name); err != nil {
			return err
		}
	}
	for _, q := range want {
		if err := r.w.exec(q); err != nil {
			return err
		}
	}
	made, err := m.text("search")
	if err != nil {
		return err
	}
	if made != r.opt.Search.Version || len(want) > 0 {
		for _, w := range r.opt.Search.Watch {
			if w.Doc != "id" {
				continue
			}
			if err := r.w.exec(`INSERT OR IGNORE INTO mq_find_stale (row) SELECT id FROM ` + schema.Quote(w.Table)); err != nil {
				return err
			}
		}
		if err := r.w.exec(`INSERT OR IGNORE INTO mq_find_stale (row) SELECT row FROM mq_find`); err != nil {
			return err
		}
		if err := m.set("search", r.opt.Search.Version); err != nil {
			return err
		}
	}
	return r.reindex()
}

func (w *Watch) trigger(kind, event string, sides ...string) string {
	var b strings.Builder
	b.WriteString("CREATE TRIGGER mqx_" + kind + "_" + w.Table + " AFTER " + event + " ON " + schema.Quote(w.Table) + " BEGIN ")
	for _, side := range sides {
		doc := side + "." + schema.Quote(w.Doc)
		// Not OR IGNORE: inside a trigger, the conflict clause of the statement that fired it takes its place.
		b.WriteString("INSERT INTO mq_find_stale (row) SELECT " + doc + " WHERE " + doc + " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM mq_find_stale WHERE row = " + doc + "); ")
	}
	b.WriteString("END")
	return b.String()
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = schema.Quote(n)
	}
	return strings.Join(out, ", ")
}

// reindex makes stale documents anew. A program that opened the file without a Search only takes them out: what was forgotten goes,
// and the others are made by the next that knows how.
func (r *Replica) reindex() error {
	var stale []syncproto.RowID
	var row syncproto.RowID
	err := r.w.each(`SELECT row FROM mq_find_stale`, nil, []any{&row}, func() error {
		stale = append(stale, row)
		return nil
	})
	if err != nil || len(stale) == 0 {
		return err
	}
	if r.opt.Search == nil {
		return r.w.exec(`DELETE FROM mq_find WHERE row IN (SELECT row FROM mq_find_stale)`)
	}
	for _, row := range stale {
		e, err := r.opt.Search.Make(&View{r.w}, row)
		if err == nil && e == (Found{}) {
			err = r.w.exec(`DELETE FROM mq_find WHERE row = ?`, string(row))
		} else if err == nil {
			err = r.w.exec(`INSERT INTO mq_find (row, grp, ord, text) VALUES (?, ?, ?, ?) ON CONFLICT (row) DO UPDATE SET grp = excluded.grp, ord = excluded.ord, text = excluded.text`,
				string(row), e.Group, e.Order, e.Text)
		}
		if err != nil {
			return err
		}
	}
	return r.w.exec(`DELETE FROM mq_find_stale`)
}

// Reindex brings the index up to what other programs wrote to the tables; it does nothing, quickly, when they wrote nothing.
func (r *Replica) Reindex(ctx context.Context) error {
	stale := false
	err := r.read(ctx, func(c *conn) (err error) {
		stale, err = c.one(`SELECT 1 FROM mq_find_stale LIMIT 1`, nil, new(int))
		return err
	})
	if err != nil || !stale {
		return err
	}
	return r.write(ctx, func() error { return nil }) // every write ends so
}
