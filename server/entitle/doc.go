// Package entitle answers who may see what: the scopes a user's devices may hold now, and the roles and household scopes a user had at
// a past moment of server time, by which work that comes late is judged.
//
// Roles and assignments are rows like any other. What follows from them over time is kept in mq_grant, written by Touched in the
// transaction that changes such a row: one record for each household an assignment opens, each household under a secretary's
// place, and each role. Everything else a user sees (the places above, himself, his colleagues) is derived from those when
// asked. So a reassignment costs one record a household, however many rows the household has, and the past is answered by
// looking up an interval.
//
// Times are Unix ms of server time; a grant holds from Since up to, not including, Until. Dates in rows are local and include their
// last day.
package entitle

import (
	"strings"

	"minqing/schema"
)

// The tables that entitlement follows from.
const (
	tablePlace      = "place"
	tableUser       = "user"
	tableRole       = "role"
	tableHousehold  = "household"
	tableAssignment = "assignment"
)

// householdScope is the scope of a household and all beneath it that is not narrower.
func householdScope(id string) string { return tableHousehold + ":" + id }

// roleScope is the pseudo-scope under which mq_grant keeps that somebody has a role over a place.
func roleScope(r schema.Role, place string) string { return "role:" + string(r) + "@" + place }

// parseRole takes a roleScope apart.
func parseRole(scope string) (r schema.Role, place string, ok bool) {
	rest, ok := strings.CutPrefix(scope, "role:")
	if !ok {
		return "", "", false
	}
	name, place, ok := strings.Cut(rest, "@")
	return schema.Role(name), place, ok
}

// HoldsAll tells the roles that open every household under their place. Cadres see what they are assigned.
func HoldsAll(r schema.Role) bool { return r == schema.RoleSecretary }

// overseer tells the roles that look at households of their place from the console, without holding a replica.
func overseer(r schema.Role) bool { return r != schema.RoleCadre && r != schema.RoleSecretary }
