package field

import (
	"minqing/mobile-client/replica"
	"minqing/schema"
)

// quota knows how many visits a month a household is owed.
type quota struct {
	places places
	set    map[[2]string]int // by place and team
}

func loadQuota(v *replica.View, p places) (*quota, error) {
	q := &quota{places: p, set: map[[2]string]int{}}
	var place, team string
	var visits int
	err := v.Each(`SELECT coalesce(place, ''), coalesce(team, ''), visits FROM team_quota WHERE visits IS NOT NULL ORDER BY id`, nil, []any{&place, &team, &visits}, func() error {
		q.set[[2]string{place, team}] = visits // of two that were set apart, the younger
		return nil
	})
	return q, err
}

// of is what a team owes a household in a place: what the nearest place above it has set.
func (q *quota) of(team, place string) int {
	if len(q.set) > 0 {
		for range maxDepth {
			at, ok := q.places[place]
			if !ok {
				break
			}
			if n, ok := q.set[[2]string{place, team}]; ok {
				return n
			}
			place = at.parent
		}
	}
	return schema.UsualVisits(team)
}
