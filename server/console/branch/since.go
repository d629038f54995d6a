package branch

import (
	"slices"
	"time"

	"minqing/schema"
	"minqing/server/console/compare"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// Edited is what became of a field of a record since the journal was given back, or else since it was handed in: of one that was changed and
// changed back there is none.
type Edited struct {
	From, To schema.Value
	Parts    []compare.Part // of words
	Signed
}

// Signed is who edited something, and the newest time that one of them did. The server, which moves what two households hold when they are
// merged, is nobody.
type Signed struct {
	By []string
	At time.Time

	users []string
}

// sign adds somebody, as of the time when he did it.
func (s *Signed) sign(v *store.Version, zone *time.Location) {
	if !slices.Contains(s.users, string(v.Author)) {
		s.users = append(s.users, string(v.Author))
	}
	if at := time.UnixMilli(v.Corrected).In(zone); at.After(s.At) {
		s.At = at
	}
}

// PhotoEdit is that photos were added to the record, or taken from it, by the same person.
type PhotoEdit struct {
	Gone bool
	N    int
	Signed
}

// MatterEdit is what the author of a record did to a matter of the household since: he raised it, or wrote over what is shown of it.
type MatterEdit struct {
	New   bool
	Title []compare.Part // nil: as it was
	Due   *Edited
	State *Edited
	Signed
}

// since finds what was edited after a moment of server time: what arrived by then is what the reviewer saw. It works on history that it is given,
// so that the record costs one look into it, by rows (mq_history_row), whatever was edited.
type since struct {
	tx     *store.Tx
	zone   *time.Location
	cut    int64
	past   map[syncproto.RowID][]*store.Version
	signed []*Signed // whose people are still to be named
}

// handedIn is when a journal first arrived as handed in, 0 when it never did.
func handedIn(versions []*store.Version) int64 {
	for _, v := range versions {
		for _, c := range v.Cells {
			if c.Cell == "state" && c.Value.Str() == StateSubmitted {
				return v.Received
			}
		}
	}
	return 0
}

// after gives the versions of a row that count.
func (s *since) after(id syncproto.RowID) []*store.Version {
	past := s.past[id]
	if at := slices.IndexFunc(past, func(v *store.Version) bool { return v.Received > s.cut }); at >= 0 {
		return past[at:]
	}
	return nil
}

// made tells whether a row is there only since.
func (s *since) made(id syncproto.RowID) bool {
	past := s.past[id]
	return len(past) > 0 && past[0].Op == syncproto.OpCreate && past[0].Received > s.cut
}

// stood is what a cell held at the moment. Where the first who wrote it since had seen all that was there, his words say it exactly, whatever had
// been merged before; else it is reckoned from what was written.
func (s *since) stood(cell *schema.Cell, id syncproto.RowID) (was schema.Value) {
	was = merge.Unwritten(cell)
	var last *store.Version
	for _, v := range s.past[id] {
		for _, c := range v.Cells {
			switch {
			case c.Cell != cell.Name:
			case v.Received <= s.cut:
				was = merge.Apply(cell, was, c.CellEdit)
			case last != nil && v.Base.Epoch == last.Label.Epoch && v.Base.Rev >= last.Label.Rev:
				return c.From
			default:
				return was
			}
		}
		if v.Received <= s.cut {
			last = v
		}
	}
	return was
}

// edited tells what became of a cell of a row, nil for nothing.
func (s *since) edited(id syncproto.RowID, r row, name string) *Edited {
	cell := s.tx.Book().Cell(r.t.Name, name)
	e := &Edited{}
	for _, v := range s.after(id) {
		if slices.ContainsFunc(v.Cells, func(c store.CellChange) bool { return c.Cell == name }) {
			e.sign(v, s.zone)
		}
	}
	if cell == nil || len(e.users) == 0 {
		return nil
	}
	if e.From, e.To = s.stood(cell, id), r.value(name); e.From == e.To {
		return nil
	}
	switch cell.Columns[0].Type {
	case schema.TypeText, schema.TypeLong:
		e.Parts = compare.Texts(e.From.Str(), e.To.Str())
	}
	s.signed = append(s.signed, &e.Signed)
	return e
}

// headOf puts the head of the household from which a visit was moved in the place of its id: what was last written of it, as one that was merged
// away is gone. Of a household that lay elsewhere it says nothing.
func (e *Edited) headOf(tx *store.Tx) error {
	from := e.From.Str()
	e.From = schema.Null
	rows, err := tx.Rows([]string{from, e.To.Str()})
	if err != nil || len(rows) != 2 || rows[0].Stream != rows[1].Stream {
		return err
	}
	past, err := tx.Versions("row_id = ? ORDER BY received, stream, seq, ord", from)
	for _, v := range past {
		for _, c := range v.Cells {
			if c.Cell == "head" {
				e.From = c.Value
			}
		}
	}
	return err
}

// photos groups what was done to the photos of a visit, dead ones among them, by who did it.
func (s *since) photos(rows []*store.Row) (added []syncproto.RowID, out []*PhotoEdit) {
	of := func(gone bool, v *store.Version) {
		at := slices.IndexFunc(out, func(p *PhotoEdit) bool { return p.Gone == gone && p.users[0] == string(v.Author) })
		if at < 0 {
			at = len(out)
			out = append(out, &PhotoEdit{Gone: gone})
			s.signed = append(s.signed, &out[at].Signed)
		}
		out[at].sign(v, s.zone)
		out[at].N++
	}
	for _, r := range rows {
		past := s.after(r.ID)
		switch made := s.made(r.ID); {
		case len(past) == 0 || made && r.Dead != 0: // nobody who reviewed it saw what came and went meanwhile
		case r.Dead != 0:
			of(true, past[len(past)-1])
		case made:
			of(false, past[0])
			added = append(added, r.ID)
		}
	}
	slices.SortStableFunc(out, func(a, b *PhotoEdit) int { return a.At.Compare(b.At) })
	return added, out
}

// matter tells what became of a matter, nil for nothing.
func (s *since) matter(id syncproto.RowID, m row) *MatterEdit {
	e := &MatterEdit{New: s.made(id)}
	past := s.after(id)
	if e.New {
		e.sign(past[0], s.zone)
		s.signed = append(s.signed, &e.Signed)
		return e
	}
	if !slices.ContainsFunc(past, func(v *store.Version) bool { return string(v.Author) == m.text("author") }) {
		return nil // what becomes of it in other hands is its own life, not an edit of the record
	}
	for name, into := range map[string]**Edited{"due": &e.Due, "state": &e.State} {
		*into = s.edited(id, m, name)
	}
	title := s.edited(id, m, "title")
	if title != nil {
		e.Title = title.Parts
	}
	for _, x := range []*Edited{title, e.Due, e.State} {
		if x == nil {
			continue
		}
		for _, u := range x.users {
			if !slices.Contains(e.users, u) {
				e.users = append(e.users, u)
			}
		}
		if x.At.After(e.At) {
			e.At = x.At
		}
	}
	if len(e.users) == 0 {
		return nil
	}
	s.signed = append(s.signed, &e.Signed)
	return e
}

// name puts names to who edited.
func (s *since) name() error {
	var ids []string
	for _, x := range s.signed {
		ids = append(ids, x.users...)
	}
	if len(ids) == 0 {
		return nil
	}
	names, err := namesOf(s.tx, ids)
	for _, x := range s.signed {
		x.By = nil
		for _, u := range x.users {
			x.By = append(x.By, names[u].name)
		}
	}
	return err
}
