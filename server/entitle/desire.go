package entitle

import (
	"cmp"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// desire fills want: what the sources say by themselves, regardless of what is on record.
func (k *keeper) desire() error {
	if err := k.desireAssignments(); err != nil {
		return err
	}
	roles, err := k.loadRoles("id = ANY(?)", k.roles)
	if err != nil {
		return err
	}
	if err := k.desireRoles(roles); err != nil {
		return err
	}
	return k.desireHouseholds()
}

func (k *keeper) desireAssignments() error {
	if len(k.assignments) == 0 {
		return nil
	}
	type row struct {
		id, user, household string
		since, until        *string
	}
	var rows []row
	var users []string
	err := k.tx.Each(func(scan func(...any) error) error {
		var r row
		if err := scan(&r.id, &r.user, &r.household, &r.since, &r.until); err != nil {
			return err
		}
		rows, users = append(rows, r), append(users, r.user)
		return nil
	}, `SELECT id, COALESCE("user", ''), COALESCE(household, ''), since, until FROM assignment WHERE id = ANY(?)`, k.assignments)
	if err != nil {
		return err
	}
	ends, err := k.accountEnds(users)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.user == "" || r.household == "" {
			continue
		}
		s := span{k.dayBegins(r.since), min(k.dayEnds(r.until), ends[r.user])}
		k.want[key{syncproto.UserID(r.user), householdScope(r.household), syncproto.RowID(r.id)}] = s
	}
	return nil
}

// roleRow is a living role row.
type roleRow struct {
	id, user, place string
	role            schema.Role
	span            span
}

func (k *keeper) loadRoles(where string, args ...any) ([]roleRow, error) {
	if list, ok := args[0].([]string); ok && len(list) == 0 {
		return nil, nil
	}
	var rows []roleRow
	var users []string
	err := k.tx.Each(func(scan func(...any) error) error {
		var r roleRow
		var role string
		var until *string
		if err := scan(&r.id, &r.user, &r.place, &role, &until); err != nil {
			return err
		}
		r.role, r.span = schema.Role(role), span{0, k.dayEnds(until)}
		rows, users = append(rows, r), append(users, r.user)
		return nil
	}, `SELECT id, COALESCE("user", ''), COALESCE(place, ''), COALESCE(role, ''), until FROM role WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	ends, err := k.accountEnds(users)
	for i := range rows {
		rows[i].span.until = min(rows[i].span.until, ends[rows[i].user])
	}
	return rows, err
}

func (k *keeper) desireRoles(roles []roleRow) error {
	for _, r := range roles {
		k.want[key{syncproto.UserID(r.user), roleScope(r.role, r.place), syncproto.RowID(r.id)}] = r.span
		if !HoldsAll(r.role) {
			continue
		}
		places, err := beneath(k.tx, []string{r.place})
		if err != nil {
			return err
		}
		households, err := texts(k.tx, "SELECT id FROM household WHERE place = ANY(?)", places)
		if err != nil {
			return err
		}
		for _, h := range households {
			k.want[key{syncproto.UserID(r.user), householdScope(h), syncproto.RowID(r.id)}] = r.span
		}
	}
	return nil
}

// desireHouseholds matches households that came, went or moved with the roles over their places.
func (k *keeper) desireHouseholds() error {
	placeOf, err := householdPlaces(k.tx, k.households)
	if err != nil {
		return err
	}
	var places []string
	for _, p := range placeOf {
		places = append(places, p)
	}
	above, err := chains(k.tx, places)
	if err != nil {
		return err
	}
	var all []string
	for _, chain := range above {
		all = append(all, chain...)
	}
	roles, err := k.loadRoles("place = ANY(?)", unique(all))
	if err != nil {
		return err
	}
	over := map[string][]roleRow{}
	for _, r := range roles {
		if HoldsAll(r.role) {
			over[r.place] = append(over[r.place], r)
		}
	}
	for _, h := range k.households {
		for _, place := range above[placeOf[h]] {
			for _, r := range over[place] {
				k.want[key{syncproto.UserID(r.user), householdScope(h), syncproto.RowID(r.id)}] = r.span
			}
		}
	}
	return nil
}

// accountEnds gives for users the moment their account ends. A user that is not there has none.
func (k *keeper) accountEnds(users []string) (map[string]int64, error) {
	out := map[string]int64{}
	err := k.tx.Each(func(scan func(...any) error) error {
		var id string
		var ended *string
		if err := scan(&id, &ended); err != nil {
			return err
		}
		out[id] = k.dayEnds(ended)
		return nil
	}, `SELECT id, ended FROM "user" WHERE id = ANY(?)`, unique(users))
	return out, err
}

// dayBegins is the first moment of a local date, 0 when there is none.
func (k *keeper) dayBegins(date *string) int64 {
	if date == nil {
		return 0
	}
	at, err := time.ParseInLocation(time.DateOnly, *date, k.zone)
	if err != nil {
		return 0 // values were checked when they were written
	}
	return at.UnixMilli()
}

// dayEnds is the first moment after a local date, Forever when there is none.
func (k *keeper) dayEnds(date *string) int64 {
	if date == nil {
		return store.Forever
	}
	at, err := time.ParseInLocation(time.DateOnly, *date, k.zone)
	if err != nil {
		return store.Forever
	}
	return at.AddDate(0, 0, 1).UnixMilli()
}

func compareGrants(a, b store.Grant) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Since, b.Since))
}
