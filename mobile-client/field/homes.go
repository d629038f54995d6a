package field

import (
	"cmp"
	"slices"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// Line is a household in the list of all. Team is "" where the user does not contact it.
type Line struct {
	Home
	Last string // the day of its last visit, by whoever; "" if there was none
	Did  int    // days of this month on which the user was there
	Lack int    // visits still to be made this month
}

// List is a part of the households on this phone.
type List struct {
	All   int
	Found int // of them, what the query finds
	Lines []Line
}

// Homes lists the households on this phone that a query finds (all of them for ""), by place and code, from one on and at most so many.
func Homes(v *replica.View, me syncproto.UserID, day, query string, from, most int) (*List, error) {
	p, err := loadPlaces(v)
	if err != nil {
		return nil, err
	}
	list, err := homes(v, held, p, string(me), day)
	if err != nil {
		return nil, err
	}
	out := &List{All: len(list)}
	if len(queryWords(query)) > 0 {
		found, err := matching(v, query)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(h Home) bool { return !found[string(h.ID)] })
	}
	out.Found = len(list)
	slices.SortFunc(list, func(a, b Home) int {
		if a.place != b.place {
			return p.byPlace(a.place, b.place)
		}
		return cmp.Or(natural(a.Code, b.Code), cmp.Compare(a.ID, b.ID))
	})
	list = list[min(max(0, from), len(list)):]
	quota, err := quotas(v)
	if err != nil {
		return nil, err
	}
	for _, h := range list[:min(most, len(list))] {
		l := Line{Home: h}
		if _, err := v.One(`SELECT coalesce(max(day), ''), count(DISTINCT CASE WHEN author = ?2 AND day >= ?4 THEN day END) FROM visit WHERE household = ?1 AND day <= ?3`,
			[]any{string(h.ID), string(me), day, day[:8] + "01"}, &l.Last, &l.Did); err != nil {
			return nil, err
		}
		l.Lack = max(0, quota[h.team]-l.Did)
		out.Lines = append(out.Lines, l)
	}
	return out, nil
}
