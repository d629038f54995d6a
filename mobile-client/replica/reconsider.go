package replica

import (
	"encoding/json"
	"maps"
	"slices"

	"minqing/schema"
	"minqing/syncproto"
)

// standing is a change whose edits may be laid over their rows.
type standing struct {
	ord      int64
	identity syncproto.Identity
	mends    syncproto.Identity
	state    State
	verdict  *string // of a refused one
	off      bool
}

// standsIn tells whether the server says that another change stands in for a refused one: its author's from elsewhere, or that of whoever let it in.
func (s *standing) standsIn() (bool, error) {
	if s.verdict == nil {
		return false, nil
	}
	var v syncproto.Verdict
	if err := json.Unmarshal([]byte(*s.verdict), &v); err != nil {
		return false, broken("reconsider", "verdict of %s: %w", s.identity, err)
	}
	return v.MendedBy != "", nil
}

// reconsider lays edits over their rows, and takes them off, as their changes now stand: off is what was refused, and what is
// pending and builds on something that is off. A refused change that a standing one mends holds nobody up any more.
func (r *Replica) reconsider(l *layer) error {
	off, err := r.offs(l)
	if err != nil {
		return err
	}
	type flip struct {
		t    *schema.Table
		row  syncproto.RowID
		ord  int64
		laid bool
	}
	var flips []flip
	var row, tbl string
	var ord int64
	look := func(query string, args []any, laid bool) error {
		return r.w.each(query, args, []any{&row, &tbl, &ord}, func() error {
			if off[ord] == laid {
				return nil
			}
			t := r.book.Table(tbl)
			if t == nil {
				return nil // of a newer program
			}
			flips = append(flips, flip{t, syncproto.RowID(row), ord, laid})
			return nil
		})
	}
	if err := look(`SELECT row, tbl, change FROM mq_edit WHERE laid = 0 AND settled = 0 AND away = 0`, nil, true); err != nil {
		return err
	}
	for _, o := range slices.Sorted(maps.Keys(off)) {
		if err := look(`SELECT row, tbl, change FROM mq_edit WHERE change = ? AND laid = 1`, []any{o}, false); err != nil {
			return err
		}
	}
	for _, f := range flips {
		if err := r.w.exec(`UPDATE mq_edit SET laid = ? WHERE row = ? AND change = ?`, f.laid, string(f.row), f.ord); err != nil {
			return err
		}
	}
	for _, f := range flips {
		if err := l.relay(f.t, f.row); err != nil {
			return err
		}
	}
	return nil
}

// offs gives the changes whose edits show nowhere.
func (r *Replica) offs(l *layer) (map[int64]bool, error) {
	off := map[int64]bool{}
	var s standing
	var dark []standing // refused and not mended
	dest := []any{&s.ord, &s.identity, &s.mends, &s.state}
	err := r.w.each(`SELECT ord, identity, mends, state, verdict FROM mq_change WHERE state IN ('refused', 'withdrawn') ORDER BY ord`, nil, append(slices.Clone(dest), &s.verdict), func() error {
		off[s.ord] = true
		stands, err := s.standsIn()
		if !stands {
			dark = append(dark, s)
		}
		return err
	})
	if err != nil || len(dark) == 0 {
		return off, err
	}
	var waiting []standing
	mended := map[syncproto.Identity]bool{}
	err = r.w.each(`SELECT ord, identity, mends, state FROM mq_change WHERE state IN ('pending', 'accepted') AND (state = 'pending' OR mends <> '') ORDER BY ord`, nil, dest, func() error {
		if s.state == Pending {
			waiting = append(waiting, s)
		}
		if s.mends != "" {
			mended[s.mends] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, w := range waiting {
		ch, err := l.change(w.ord)
		if err != nil {
			return nil, err
		}
		for _, d := range dark {
			if d.identity == w.mends || mended[d.identity] || d.ord > w.ord {
				continue
			}
			on, err := l.change(d.ord)
			if err != nil {
				return nil, err
			}
			if dependsOn(r.book, ch, on, d.identity) {
				off[w.ord] = true
				w.off = true
				dark = append(dark, w)
				break
			}
		}
	}
	return off, nil
}
