package branch

import "minqing/server/store"

// Tally is what people report upward (DOMAIN B4): opinions collected, which are all matters written down; difficulties solved and disputes
// settled, which are those of their kind that were handled.
type Tally struct{ Collected, Solved, Settled int }

func (t *Tally) add(measure string, n int) {
	switch measure {
	case "difficulty":
		t.Solved += n
	case "dispute":
		t.Settled += n
	default:
		t.Collected += n
	}
}

// PlaceTally is that of a place right below the one asked for.
type PlaceTally struct {
	Named
	Tally
}

// Numbers are the figures of a place and below it over some months.
type Numbers struct {
	Months  []string
	Total   Tally
	ByMonth map[string]*Tally
	ByTeam  map[string]*Tally // "" for what was written down by somebody of no team
	ByPlace []PlaceTally
	Here    Tally // of households that lie in none of the places below
	Undated int   // matters of which nobody wrote down when they were raised; they are in no month
}

// ReadNumbers counts, months given from oldest to newest without a gap.
func ReadNumbers(tx *store.Tx, place string, months []string) (*Numbers, error) {
	n := &Numbers{Months: months, ByMonth: map[string]*Tally{}, ByTeam: map[string]*Tally{}}
	for _, m := range months {
		n.ByMonth[m] = &Tally{}
	}
	from, to := months[0], months[len(months)-1]
	under, err := Under(tx, place)
	if err != nil {
		return nil, err
	}
	ids, at := []string{}, map[string]int{}
	for i, u := range under {
		ids, at[u.ID] = append(ids, u.ID), i
		n.ByPlace = append(n.ByPlace, PlaceTally{Named: u})
	}
	if err := tx.Each(func(scan func(...any) error) error {
		var month, team, measure string
		var k int64
		if err := scan(&month, &team, &measure, &k); err != nil {
			return err
		}
		if n.ByTeam[team] == nil {
			n.ByTeam[team] = &Tally{}
		}
		n.ByTeam[team].add(measure, int(k))
		n.Total.add(measure, int(k))
		if t := n.ByMonth[month]; t != nil {
			t.add(measure, int(k))
		}
		return nil
	}, "SELECT month, team, measure, CAST(SUM(n) AS BIGINT) FROM mq_matter_sum WHERE above = ? AND month >= ? AND month <= ? GROUP BY 1, 2, 3 HAVING SUM(n) <> 0", place, from, to); err != nil {
		return nil, err
	}
	if err := tx.Each(func(scan func(...any) error) error {
		var id, measure string
		var k int64
		err := scan(&id, &measure, &k)
		n.ByPlace[at[id]].add(measure, int(k))
		return err
	}, "SELECT above, measure, CAST(SUM(n) AS BIGINT) FROM mq_matter_sum WHERE above = ANY(?) AND month >= ? AND month <= ? GROUP BY 1, 2", ids, from, to); err != nil {
		return nil, err
	}
	n.Here = n.Total
	for _, p := range n.ByPlace {
		n.Here.Collected, n.Here.Solved, n.Here.Settled = n.Here.Collected-p.Collected, n.Here.Solved-p.Solved, n.Here.Settled-p.Settled
	}
	var undated int64
	_, err = tx.One("SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM mq_matter_sum WHERE above = ? AND month = '' AND measure = 'collected'", []any{place}, &undated)
	n.Undated = int(undated)
	return n, err
}
