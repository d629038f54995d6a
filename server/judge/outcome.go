package judge

import (
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// outcome gathers the verdicts of a push as they stand at its end.
func (d *desk) outcome(p *push) (*Outcome, error) {
	out := &Outcome{Head: syncproto.ChainHead{Epoch: d.epoch.ID}}
	held, err := d.holds(p.by)
	if err != nil {
		return nil, err
	}
	for i, id := range p.ids {
		v, err := d.verdictFor(d.records[id], p.numbers[i], held, p.by.Names)
		if err != nil {
			return nil, err
		}
		out.Verdicts = append(out.Verdicts, v)
	}
	out.Head.Streams, err = d.headsOf(p)
	return out, err
}

// headsOf are where the streams stand that a push moved, and those that it told of again: whoever hears that the server holds his change must notice
// when a restore swallowed it, and the answer that said so first may never have reached him.
func (d *desk) headsOf(p *push) (out []syncproto.StreamAt, err error) {
	var all []store.StreamState
	moved := d.tx.Moved()
	for _, id := range moved {
		all = append(all, d.tx.Stream(id))
	}
	var known []string
	for _, id := range p.ids {
		if of := d.records[id].Stream; of != "" && !slices.Contains(moved, of) && !slices.Contains(known, of) {
			known = append(known, of)
		}
	}
	more, err := d.tx.Streams(known)
	all = append(all, more...)
	slices.SortFunc(all, func(a, b store.StreamState) int { return compareText(a.ID, b.ID) })
	for _, st := range all {
		out = append(out, syncproto.StreamAt{ID: st.ID, Seq: uint64(st.Seq), Pos: uint64(st.Pos), Head: st.Head})
	}
	return out, err
}

// holds gives what tells whether an author's device may hold a row now; the server's own may hold all.
func (d *desk) holds(by Author) (func(r *row) bool, error) {
	if by.Server {
		return func(*row) bool { return true }, nil
	}
	rights, err := d.rightsOf(by.User)
	return func(r *row) bool {
		named, id := schema.SplitScope(r.Scope)
		if t, over := d.book.Table(named), d.rows[syncproto.RowID(id)]; t != nil && t.Scope == schema.ScopeNarrow && (over == nil || over.Dead != 0) {
			return false // nobody has a post over a household that is gone, and without one no device holds what is narrower in it
		}
		return rights.Sees(d.book, r.Scope, d.tx.Now(), d.placesAbove(r, d.row))
	}, err
}

// verdictFor is a verdict as a device may hear it: a row that it no longer holds gets no label, and an item about a row that its user neither
// wrote nor sees is not named. What became of an edit in a twin that he does not see is told of the row that he wrote into. With names, it tells who
// else had to do with it.
func (d *desk) verdictFor(rec *record, number uint64, holds func(r *row) bool, names bool) (*syncproto.Verdict, error) {
	v := *rec.verdict
	v.Number, v.Identity, v.MendedBy = number, rec.Identity, rec.MendedBy
	v.Labels, v.Items, v.Merges = nil, nil, nil
	var rows []syncproto.RowID
	for _, l := range rec.verdict.Labels {
		rows = append(rows, l.Row)
	}
	for _, n := range rec.verdict.Items {
		rows = append(rows, n.Row)
	}
	for _, m := range rec.verdict.Merges {
		rows = append(rows, m.Row)
	}
	if err := d.loadRows(rows); err != nil {
		return nil, err
	}
	if len(rec.verdict.Items)+len(rec.verdict.Merges) > 0 {
		wrote, err := d.wroteAs(rec)
		if err != nil {
			return nil, err
		}
		tell := func(row *syncproto.RowID) bool { // what he deleted may have had something beneath it that he was never shown
			if r := d.rows[*row]; wrote[*row] == *row || r != nil && holds(r) {
				return true
			}
			as, ok := wrote[*row]
			*row = as
			return ok
		}
		for _, n := range rec.verdict.Items {
			if rec.Status == syncproto.Refused || tell(&n.Row) {
				v.Items = append(v.Items, n)
			}
		}
		for _, m := range rec.verdict.Merges {
			if tell(&m.Row) {
				v.Merges = append(v.Merges, m)
			}
		}
	}
	if err := d.returnedWith(&v, rec); err != nil {
		return nil, err
	}
	for _, l := range rec.verdict.Labels {
		if r := d.rows[l.Row]; r != nil && holds(r) {
			v.Labels = append(v.Labels, l)
		}
	}
	if names {
		return &v, d.people(&v, rec, holds)
	}
	return &v, nil
}

// wroteAs gives, for each row that an edit of a change came to, the one that its author wrote into: another one where that was merged away, and
// that again, whichever of them it came to.
func (d *desk) wroteAs(rec *record) (map[syncproto.RowID]syncproto.RowID, error) {
	c, err := d.change(rec)
	if err != nil {
		return nil, err
	}
	out := map[syncproto.RowID]syncproto.RowID{}
	var rows []syncproto.RowID
	for i := range c.Edits {
		rows = append(rows, c.Edits[i].Row)
	}
	if err := d.loadRows(rows); err != nil {
		return nil, err
	}
	for _, id := range rows {
		at := id
		for range maxAbove {
			out[at] = id
			r := d.rows[at]
			if r == nil || r.Dead == 0 || r.Alias == "" {
				break
			}
			at = r.Alias
		}
	}
	for _, id := range rows {
		out[id] = id
	}
	return out, nil
}

// returnedWith adds to why a change was refused what whoever returned it to its author said. His words stand beside the decision, where the chain
// vouches for them and an erasure finds them, and are told from there.
func (d *desk) returnedWith(v *syncproto.Verdict, rec *record) error {
	if rec.Status != syncproto.Refused || rec.MendedBy != "" {
		return nil
	}
	it, err := d.itemOfRefused(rec)
	if it == nil || it.Closed == 0 || err != nil {
		return err
	}
	c, err := readClosing(it)
	if err != nil || c.Word != wordRefused {
		return err
	}
	for i := len(c.Said) - 1; i >= 0; i-- {
		if s := &c.Said[i]; s.At == it.Closed {
			m := schema.ReadBoth(v.Message)
			v.Message = syncproto.Both(closed(m.ZH, "。")+"退回时说：“"+s.Text+"”。", closed(m.EN, ".")+" Returned with the words: “"+s.Text+"”.")
			break
		}
	}
	return nil
}

// Verdicts gives, for names of a device, the verdicts as they now stand and as it may hear them: what a pull carries down.
func (j *Judge) Verdicts(tx *store.Tx, by Author, names []store.Named) ([]*syncproto.Verdict, error) {
	d, err := j.newDesk(tx)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	ids := make([]syncproto.Identity, len(names))
	for i, n := range names {
		ids[i] = n.Identity
	}
	if err := d.loadRecords(ids); err != nil {
		return nil, err
	}
	held, err := d.holds(by)
	if err != nil {
		return nil, err
	}
	var out []*syncproto.Verdict
	for _, n := range names {
		rec := d.records[n.Identity]
		if rec == nil {
			continue
		}
		v, err := d.verdictFor(rec, n.Name.Number, held, by.Names)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
