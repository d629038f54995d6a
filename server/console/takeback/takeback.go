package takeback

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Sum is what becomes of the rows of one table: of those that the import made how many are deleted again, left, or were deleted by others meanwhile;
// of the cells that it changed how many go back, and how many are left.
type Sum struct {
	Rows, Kept, Gone int
	Cells, Stand     int
}

// Tally has a sum for each table.
type Tally map[string]*Sum

func (t Tally) of(table string) *Sum {
	if t[table] == nil {
		t[table] = &Sum{}
	}
	return t[table]
}

// Add adds another.
func (t Tally) Add(other Tally) {
	for table, o := range other {
		s := t.of(table)
		s.Rows, s.Kept, s.Gone, s.Cells, s.Stand = s.Rows+o.Rows, s.Kept+o.Kept, s.Gone+o.Gone, s.Cells+o.Cells, s.Stand+o.Stand
	}
}

// Total is the sum over all tables.
func (t Tally) Total() Sum {
	all := Tally{}
	for _, s := range t {
		all.Add(Tally{"": s})
	}
	return *all.of("")
}

// Left is a row that is left as it is, with what the import made beneath it, or of which some cells are left.
type Left struct {
	Table string
	Row   syncproto.RowID
	Rows  int      // that the import made, the row among them; 0 where only cells are left
	Cells []string // that are left
	Whys  []Why
}

// Done is what came of a piece, or in a preview would.
type Done struct {
	Tally     Tally
	Left      []Left
	Conflicts int // met what others were writing just then, and wait on the conflict desk

	said  strings.Builder // what was decided, for the digest
	going map[lies]int
	moved map[syncproto.RowID]bool
}

// lies names rows of a table that lie in a place.
type lies struct {
	place syncproto.RowID
	table string
}

// Run is one going through an import's pieces.
type Run struct {
	judge   *judge.Judge
	by      syncproto.UserID
	preview bool
	ours    map[syncproto.Identity]struct{}
	sum     hash.Hash
	// Of a preview: how many rows would be gone from a place by now, and which rows would lie elsewhere again.
	going map[lies]int
	moved map[syncproto.RowID]bool
}

// New begins one. Of all that the import wrote it must be told by Own before the first piece.
func New(j *judge.Judge, by syncproto.UserID, preview bool) *Run {
	return &Run{judge: j, by: by, preview: preview, ours: map[syncproto.Identity]struct{}{}, sum: sha256.New(), going: map[lies]int{}, moved: map[syncproto.RowID]bool{}}
}

// Own says which changes the import made.
func (r *Run) Own(changes []syncproto.Identity) {
	for _, id := range changes {
		r.ours[id] = struct{}{}
	}
}

func (r *Run) own(v *store.Version) bool {
	_, ok := r.ours[v.Identity]
	return ok
}

// made tells whether the import made the row of a history.
func (r *Run) made(past []*store.Version) bool {
	return slices.ContainsFunc(past, func(v *store.Version) bool { return v.Op == syncproto.OpCreate && r.own(v) })
}

// Keep takes note of what came of a piece, after its commit.
func (r *Run) Keep(d *Done) {
	_, _ = r.sum.Write([]byte(d.said.String())) // a hash takes everything
	for k, n := range d.going {
		r.going[k] += n
	}
	for id := range d.moved {
		r.moved[id] = true
	}
}

// Digest is that of all that was decided so far.
func (r *Run) Digest() string { return hex.EncodeToString(r.sum.Sum(nil)) }

// piece is the work on one.
type piece struct {
	r    *Run
	tx   *store.Tx
	done *Done
	rows map[syncproto.RowID]*store.Row
	past map[syncproto.RowID][]*store.Version
}

// Piece takes back the changes that one transaction of the import made; a preview finds out what that would do.
func (r *Run) Piece(tx *store.Tx, changes []syncproto.Identity) (*Done, error) {
	p := &piece{r: r, tx: tx, rows: map[syncproto.RowID]*store.Row{}, past: map[syncproto.RowID][]*store.Version{},
		done: &Done{Tally: Tally{}, going: map[lies]int{}, moved: map[syncproto.RowID]bool{}}}
	texts := make([]string, len(changes))
	for i, id := range changes {
		texts[i] = string(id)
	}
	versions, err := tx.VersionsOf(texts, "stream, seq, ord")
	if err != nil {
		return nil, err
	}
	var made, edited, all []syncproto.RowID
	for _, v := range versions {
		all = append(all, v.Row)
		if v.Op == syncproto.OpCreate {
			made = append(made, v.Row)
		} else if !slices.Contains(edited, v.Row) {
			edited = append(edited, v.Row)
		}
	}
	if err := p.load(all); err != nil {
		return nil, err
	}
	if err := p.cells(edited, changes); err != nil {
		return nil, err
	}
	if err := p.units(made); err != nil {
		return nil, err
	}
	return p.done, p.places(made)
}

// load reads rows, dead ones too, and all that became of them.
func (p *piece) load(ids []syncproto.RowID) error {
	var texts []string
	for _, id := range ids {
		if _, have := p.past[id]; !have && id != "" {
			p.past[id], texts = nil, append(texts, string(id))
		}
	}
	if len(texts) == 0 {
		return nil
	}
	slices.Sort(texts)
	rows, err := p.tx.Rows(texts)
	if err != nil {
		return err
	}
	for _, r := range rows {
		p.rows[r.ID] = r
	}
	versions, err := p.tx.Versions("row_id = ANY(?) ORDER BY row_id, seq, ord", texts)
	for _, v := range versions {
		p.past[v.Row] = append(p.past[v.Row], v)
	}
	return err
}

// alive tells whether a row is there.
func (p *piece) alive(id syncproto.RowID) bool { return p.rows[id] != nil && p.rows[id].Dead == 0 }

// note keeps a decision for the digest.
func (p *piece) note(parts ...any) { fmt.Fprintln(&p.done.said, parts...) }

// leave names a row that is left.
func (p *piece) leave(l Left) {
	p.done.Left = append(p.done.Left, l)
	p.note("left", l.Row, l.Rows, l.Cells)
	for _, w := range l.Whys {
		p.note(w.What, w.Table, w.N)
	}
}

// deed is a change to be made, with what to count when it is accepted and whom to name when it is not.
type deed struct {
	draft judge.Draft
	did   func()
	not   func(Why)
}

// act makes changes, or in a preview takes them for made.
func (p *piece) act(deeds []deed) error {
	if p.r.preview || len(deeds) == 0 {
		for _, d := range deeds {
			d.did()
		}
		return nil
	}
	drafts := make([]judge.Draft, len(deeds))
	for i, d := range deeds {
		drafts[i] = d.draft
	}
	out, err := p.r.judge.SubmitIn(p.tx, p.r.by, drafts...)
	if err != nil {
		return err
	}
	for i, v := range out.Verdicts {
		switch v.Status {
		case syncproto.Refused:
			deeds[i].not(Why{What: whyRefused, Said: v.Message})
			continue
		case syncproto.Conflicted:
			p.done.Conflicts++
		}
		deeds[i].did()
	}
	return nil
}

// existence stands for whether a row is there, among its cells.
const existence = syncproto.ExistenceCell

// writes tells whether a version wrote a cell.
func writes(v *store.Version, cell string) bool {
	if cell == existence {
		return v.Op == syncproto.OpDelete || v.Op == syncproto.OpUpdate && len(v.Cells) == 0
	}
	return at(v, cell) != nil
}

// at is what a version wrote to a cell, nil for nothing.
func at(v *store.Version, cell string) *store.CellChange {
	for i := range v.Cells {
		if v.Cells[i].Cell == cell {
			return &v.Cells[i]
		}
	}
	return nil
}

// standing tells which versions of a row count for a cell: what was undone does not, nor does the undo.
func standing(past []*store.Version, cell string) []bool {
	out, undone := make([]bool, len(past)), map[syncproto.Identity]bool{}
	for i, v := range slices.Backward(past) {
		switch {
		case !writes(v, cell) || undone[v.Identity]:
		case v.UndoOf != "":
			undone[v.UndoOf] = true
		default:
			out[i] = true
		}
	}
	return out
}

// touched is the last version of a row by somebody else that counts, nil for none.
func (p *piece) touched(id syncproto.RowID) *store.Version {
	past := p.past[id]
	names, last := map[string]bool{existence: true}, -1
	for _, v := range past {
		for _, c := range v.Cells {
			names[c.Cell] = true
		}
	}
	for name := range names {
		for i, ok := range standing(past, name) {
			if ok && !p.r.own(past[i]) {
				last = max(last, i)
			}
		}
	}
	if last < 0 {
		return nil
	}
	return past[last]
}

// parentOf is the column by which rows of a table lie beneath others, and the table of those.
func parentOf(b *schema.Book, table string) (column, above string) {
	t := b.Table(table)
	if t == nil || t.Parent == "" {
		return "", ""
	}
	return t.Parent, t.Column(t.Parent).Ref
}
