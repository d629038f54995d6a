package sim

import (
	"context"

	"minqing/internal/sqlitex"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// doSweep drops the marks of rows that died longer ago than the horizon, as the server does every day; mostly so long after that there are some.
func (w *world) doSweep(d *dice) {
	if d.chance(2) {
		w.tick(d.between(380, 460) * day)
	}
	if !w.server.up {
		w.server.open()
	}
	w.sweep()
}

// sweep drops old marks. Which rows went is the server's to say; that they had died, and that nothing hangs on them, is the oracle's.
func (w *world) sweep() {
	s := w.server
	s.settle()
	before := s.storedRows()
	w.must(s.eng.Sweep(context.Background()), "sweep")
	after := s.storedRows()
	var gone []syncproto.RowID
	for _, id := range sortedKeys(before) {
		if after[id] != nil {
			continue
		}
		r := w.oracle.View().Rows[id]
		switch {
		case r == nil || !r.Dead:
			w.violate(iNoLostEdit, "a sweep of old marks takes away the row %s %s, which lives", before[id].Table, id)
		case before[id].Dead > w.now-horizonMS:
			w.violate(iNoResurrection, "a sweep of old marks takes away that of %s %s, which died only at %d", before[id].Table, id, before[id].Dead)
		}
		gone = append(gone, id)
	}
	w.trace.note("old marks are swept: %d", len(gone))
	if len(gone) > 0 {
		w.count[cSwept]++
	}
	w.oracle.Sweep(gone, w.now-horizonMS)
	for _, p := range w.phones {
		p.rotten = true // the digests tell it of what no mark does any more
	}
}

// doChain writes something that the server must refuse and something else that builds on it, and mends the first: both must come back.
func (w *world) doChain(d *dice) {
	p := w.anyPhone(d)
	if p == nil || p.syncing || p.kind.encrypted {
		return
	}
	f, ok := p.formOf(d, "thing")
	if !ok || f.Values["state"].Str() != "open" {
		return
	}
	p.runTool("UPDATE thing SET state = 'doing', grade = 'zz' WHERE id = ?", string(f.Row))
	bad, err := p.rep.SealForeign(context.Background())
	w.must(err, "seal on "+p.name)
	p.collect()
	next, err := p.rep.Form(context.Background(), f.Table, f.Row)
	if err != nil || bad == nil {
		return // it does not show: something before it was refused as well
	}
	p.save(next, map[string]schema.Value{"state": schema.Text("closed")})
	if p.session(d, false) != nil || p.gone {
		return
	}
	if e := p.entries()[bad.Identity()]; e == nil || e.State != replica.Refused {
		return
	}
	c, err := p.rep.Mend(context.Background(), bad.Identity(), func(tx *replica.Tx) error {
		g, err := tx.Form(f.Table, f.Row)
		if err != nil {
			return err
		}
		return tx.Update(g, map[string]schema.Value{"state": schema.Text("doing"), "grade": schema.Text(pick(d, []string{"a", "b", "c"}))})
	})
	p.wrote(c, err)
}

// runTool lets a program of somebody's own write to a plain file: nothing checks what it writes but the server.
func (p *phone) runTool(query string, args ...any) {
	w := p.w
	db, err := sqlitex.Open(sqlitex.Options{Path: phonePath, FS: p.disk.VFS(), MustExist: true, Readers: 1})
	w.must(err, "a tool opens the file of "+p.name)
	_, err = db.Write.Exec(query, args...)
	w.must(err, "a tool writes to "+p.name)
	w.must(db.Close(), "a tool closes the file of "+p.name)
	p.loose = true
	w.count[cOutside]++
}
