package replica

import (
	"encoding/json"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// What another program wrote while the capture triggers were gone is found again as far as it can be, when they are put back: rows that
// came are captured now; rows whose values changed are found by their digests, and when the repair brings them as they were, what
// stands here becomes an edit of them; rows that went are fetched again.

// heal looks for what was not captured. What was is sealed first: only then do the tables tell what was acknowledged apart from it.
func (r *Replica) heal() error {
	own, err := device(r.w)
	if err != nil {
		return err
	}
	if own.ID != "" {
		if _, err := r.sealForeign(); err != nil {
			return err
		}
	}
	for _, t := range r.book.Tables() {
		if err := r.healTable(t); err != nil {
			return err
		}
	}
	if err := r.healLost(); err != nil {
		return err
	}
	is, err := r.w.reckon()
	if err != nil {
		return err
	}
	bs := newBuckets(r.w)
	tampered := false
	for _, s := range is {
		b, err := bs.find(s.ID)
		if err != nil {
			return err
		}
		if syncproto.DigestBucket(&s) == b.was {
			continue
		}
		b.state, b.dirty, tampered = s, true, true
		if err := r.w.exec(`UPDATE mq_bucket SET differs = 1 WHERE id = ?`, b.ord); err != nil {
			return err
		}
	}
	if !tampered {
		return nil
	}
	if err := bs.save(); err != nil {
		return err
	}
	return (&meta{c: r.w}).set("tampered", "1")
}

// healTable captures rows that nobody knows.
func (r *Replica) healTable(t *schema.Table) error {
	id := schema.Quote(t.Name) + ".id"
	return r.w.exec(`INSERT INTO mq_log (what, row) SELECT ?, id FROM `+schema.Quote(t.Name)+` WHERE id GLOB ? AND NOT EXISTS (SELECT 1 FROM mq_held WHERE id IN (unhex(`+id+
		`, '-'), `+shortOf(id)+`)) AND NOT EXISTS (SELECT 1 FROM mq_under WHERE row = `+id+`) AND NOT EXISTS (SELECT 1 FROM mq_log WHERE row = `+id+`)`,
		logged("c", r.book.Version, t.Name), idGlob)
}

// healLost lets go of rows that are held and not there.
func (r *Replica) healLost() error {
	var ords []int64
	var ord int64
	if err := r.w.each(`SELECT id FROM mq_bucket`, nil, []any{&ord}, func() error {
		ords = append(ords, ord)
		return nil
	}); err != nil {
		return err
	}
	left, err := r.w.rowsOf(ords, func(listed) error { return nil })
	if err != nil {
		return err
	}
	// What another program deleted and no seal has taken yet is not lost.
	waiting := map[string]bool{}
	var id syncproto.RowID
	if err := r.w.each(`SELECT row FROM mq_log`, nil, []any{&id}, func() error {
		if k, err := key(id); err == nil {
			s := short(k)
			waiting[string(k)], waiting[string(s[:])] = true, true
		}
		return nil
	}); err != nil {
		return err
	}
	for _, m := range left {
		if waiting[string(m.key)] {
			continue
		}
		if err := r.w.exec(`DELETE FROM mq_held WHERE id = ?`, m.key); err != nil {
			return err
		}
	}
	return nil
}

// uncaptured keeps what stands in a row that was changed while nobody looked: the row comes as it was acknowledged, at the label it
// is held at, and differs. What differs is written to the log as if a trigger had seen it.
func (a *apply) uncaptured(t *schema.Table, f *syncproto.Row, st stand, values []schema.Value) error {
	if !a.tampered || !st.held || st.rev != f.Label.Rev || a.under[f.ID] || a.edited[f.ID] {
		return nil
	}
	if name, err := a.c.epochName(st.epoch); err != nil || name != f.Label.Epoch {
		return err
	}
	local, err := a.c.domain(t, f.ID)
	if err != nil || local == nil || slices.Equal(local, values) {
		return err
	}
	old := make([]json.RawMessage, len(values))
	for i := range values {
		old[i] = asLogged(values[i])
	}
	text, err := json.Marshal(old)
	if err != nil {
		return wrap("uncaptured", err)
	}
	if err := a.c.setUnder(t, f.ID, values); err != nil {
		return err
	}
	a.under[f.ID] = true
	return a.c.exec(`INSERT INTO mq_log (what, row, old) VALUES (?, ?, ?)`, logged("u", a.r.book.Version, t.Name), string(f.ID), string(text))
}

// asLogged is a value as a trigger writes it: a set is the text that its column holds.
func asLogged(v schema.Value) json.RawMessage {
	if v.Kind() != schema.KindSet {
		return v.AppendJSON(nil)
	}
	return schema.Text(v.String()).AppendJSON(nil)
}
