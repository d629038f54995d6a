package branch

import (
	"cmp"
	"slices"

	"minqing/server/register"
	"minqing/server/store"
)

// Stand is how the households of a village, or of one of its groups, stood when they were last counted.
type Stand struct {
	Place, Village string
	Counts         map[Standing]int
	Day            string
	At             int64 // Unix ms
}

// Needs is how many are to be seen to, Total how many there are.
func (t *Stand) Needs() (n int) {
	for s, k := range t.Counts {
		if s.Needs() {
			n += k
		}
	}
	return n
}

// Total is how many households there are.
func (t *Stand) Total() (n int) {
	for _, k := range t.Counts {
		n += k
	}
	return n
}

// freshFor is for how long a count stands: one of a place of a hundred thousand households takes seconds, so it is not made for each look at it.
const freshFor = 60 * 60 * 1000

// Wide is the picture of a place that is too large for a mark a household: a row for each place right below it, a mark for each village in it,
// or each group where the row is a village.
type Wide struct {
	Rows   []*WideRow
	Counts map[Standing]int // of all that was counted
	Oldest int64            // when the count was made that is the oldest of those shown; 0 for none
	Stale  []string         // villages that are to be counted (anew)
	Never  int              // of which were never counted
}

// WideRow is a place right below.
type WideRow struct {
	ID, Name string
	Stand
	Cells []WideCell
}

// WideCell is a village or a group. Never counted, it has no tally.
type WideCell struct {
	ID, Name, Village string
	*Stand
}

// someVillages is how many villages a picture shows group by group; of more it shows one mark each.
const someVillages = 80

// ReadWide reads the picture of a place on a day.
func ReadWide(tx *store.Tx, place, day string) (*Wide, error) {
	villages, in, err := villagesOf(tx, place)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(villages))
	for i, v := range villages {
		ids[i] = v.ID
	}
	tallies, err := standsOf(tx, ids, len(ids) <= someVillages)
	if err != nil {
		return nil, err
	}
	w := &Wide{Counts: map[Standing]int{}}
	rows := map[string]*WideRow{}
	for _, v := range villages {
		r := rows[in[v.ID].ID]
		if r == nil {
			r = &WideRow{ID: in[v.ID].ID, Name: in[v.ID].Name, Stand: Stand{Counts: map[Standing]int{}}}
			rows[r.ID], w.Rows = r, append(w.Rows, r)
		}
		t := tallies[v.ID]
		if t == nil || t.Day != day || tx.Now()-t.At >= freshFor {
			w.Stale = append(w.Stale, v.ID)
		}
		if t == nil {
			w.Never++
		} else {
			for s, n := range t.Counts {
				r.Counts[s] += n
				w.Counts[s] += n
			}
			if w.Oldest == 0 || t.At < w.Oldest {
				w.Oldest = t.At
			}
		}
		if r.ID != v.ID || t == nil {
			r.Cells = append(r.Cells, WideCell{v.ID, v.Name, v.ID, t})
		}
	}
	return w, w.groups(tx, rows, tallies)
}

// groups gives the rows that are villages a mark for each of their groups.
func (w *Wide) groups(tx *store.Tx, rows map[string]*WideRow, tallies map[string]*Stand) error {
	var ids []string
	for id, t := range tallies {
		if id != t.Village && rows[t.Village] != nil {
			ids = append(ids, id)
		}
	}
	var groups []register.Place
	err := tx.Each(func(scan func(...any) error) error {
		var p register.Place
		err := scan(&p.ID, &p.Name, &p.Code)
		groups = append(groups, p)
		return err
	}, "SELECT id, COALESCE(name, ''), COALESCE(code, '') FROM place WHERE id = ANY(?)", ids)
	sortPlaces(groups)
	for _, g := range groups {
		t := tallies[g.ID]
		rows[t.Village].Cells = append(rows[t.Village].Cells, WideCell{g.ID, g.Name, t.Village, t})
	}
	slices.SortStableFunc(w.Rows, func(a, b *WideRow) int { return cmp.Compare(register.SortKey(a.Name), register.SortKey(b.Name)) })
	return err
}

// villagesOf are the villages beneath a place, and of each the place right below it in which it lies. It goes no further down than to them: a city
// has fifteen times as many groups. It asks level by level: asked for all levels at once, PostgreSQL reads every place that there is for each.
func villagesOf(tx *store.Tx, place string) (villages []register.Place, in map[string]register.Place, err error) {
	in = map[string]register.Place{}
	var down []string // those of the level above that are no villages
	level := func(where string, args ...any) error {
		down = nil
		return tx.Each(func(scan func(...any) error) error {
			var p register.Place
			err := scan(&p.ID, &p.Parent, &p.Level, &p.Name, &p.Code)
			if _, known := in[p.ID]; known || err != nil {
				return err
			}
			if in[p.ID] = p; p.Parent != place && p.ID != place {
				in[p.ID] = in[p.Parent]
			}
			if p.Level == "village" {
				villages = append(villages, p)
			} else {
				down = append(down, p.ID)
			}
			return nil
		}, "SELECT id, COALESCE(parent, ''), COALESCE(level, ''), COALESCE(name, ''), COALESCE(code, '') FROM place WHERE "+where, args...)
	}
	for err = level("parent = ? OR id = ? AND level = 'village'", place, place); err == nil && len(down) > 0; {
		err = level("parent = ANY(?)", down)
	}
	sortPlaces(villages)
	return villages, in, err
}

func standsOf(tx *store.Tx, villages []string, groups bool) (map[string]*Stand, error) {
	out := map[string]*Stand{}
	where := " AND place = village"
	if groups {
		where = ""
	}
	return out, tx.Each(func(scan func(...any) error) error {
		t := &Stand{Counts: map[Standing]int{}}
		n := make([]int64, len(Standings))
		err := scan(&t.Place, &t.Village, &t.Day, &t.At, &n[0], &n[1], &n[2], &n[3], &n[4])
		for i, s := range Standings {
			t.Counts[s] = int(n[i])
		}
		out[t.Place] = t
		return err
	}, "SELECT place, village, day, at_ms, nobody, overdue, unvisited, short, enough FROM mq_cover WHERE village = ANY(?)"+where, villages)
}

// CountVillage counts how the households of a village stand on a day, and of each of its groups.
func CountVillage(tx *store.Tx, village, day string) ([]*Stand, error) {
	ids, err := tx.PlacesBeneath(village)
	if err != nil {
		return nil, err
	}
	r, err := standings(tx, "h.place", ids, day)
	if err != nil {
		return nil, err
	}
	of := map[string]*Stand{}
	var out []*Stand
	add := func(place string, s Standing, n int) {
		if of[place] == nil {
			of[place] = &Stand{Place: place, Village: village, Counts: map[Standing]int{}, Day: day, At: tx.Now()}
			out = append(out, of[place])
		}
		of[place].Counts[s] += n
	}
	add(village, Enough, 0)
	for _, h := range r.homes {
		add(village, h.Standing, 1)
		if h.place != village {
			add(h.place, h.Standing, 1)
		}
	}
	return out, nil
}

// KeepStands keeps the counts of a village instead of those before.
func KeepStands(tx *store.Tx, village string, list []*Stand) error {
	if err := tx.Exec("DELETE FROM mq_cover WHERE village = ?", village); err != nil {
		return err
	}
	for _, t := range list {
		args := []any{t.Place, t.Village, t.Day, t.At}
		for _, s := range Standings {
			args = append(args, int64(t.Counts[s]))
		}
		if err := tx.Exec(`INSERT INTO mq_cover (place, village, day, at_ms, nobody, overdue, unvisited, short, enough) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (place) DO NOTHING`, args...); err != nil {
			return err
		}
	}
	return nil
}
