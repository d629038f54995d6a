package entitle

import (
	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Watchers lists the users to whom news in some scopes may matter now: those who hold the households, the users themselves and the
// contacts of the same households, whoever works beneath the places. It is for hints only: it may name a user too many, and
// leaves out those far away (all who see a user by his role over their place), whom the next sync tells.
func Watchers(tx *store.Tx, scopes []string) ([]syncproto.UserID, error) {
	var households, narrow, users, places []string
	for _, s := range scopes {
		named, id := schema.SplitScope(s)
		t := tx.Book().Table(named)
		switch {
		case t == nil:
		case t.Place:
			places = append(places, id)
		case named == tableUser:
			users = append(users, id)
		case named == tableHousehold:
			households = append(households, s)
		case t.Scope == schema.ScopeNarrow && tx.Book().ScopeTable(tx.Book().Table(t.Column(t.Parent).Ref)) == tableHousehold:
			narrow = append(narrow, householdScope(id))
		case t.Scope == schema.ScopeNarrow:
			users = append(users, id)
		}
	}
	out := append([]string(nil), users...)
	for _, q := range []struct {
		query string
		among []string
	}{
		{"SELECT DISTINCT user_id FROM mq_grant WHERE scope = ANY(?) AND since_ms <= ? AND until_ms > ?", households},
		{"SELECT DISTINCT user_id FROM mq_grant WHERE scope = ANY(?) AND since_ms <= ? AND until_ms > ? AND source IN (SELECT id FROM role)", narrow},
		{`SELECT DISTINCT b.user_id FROM mq_grant a JOIN mq_grant b ON b.scope = a.scope AND b.until_ms > a.since_ms
			WHERE a.user_id = ANY(?) AND a.scope LIKE '` + tableHousehold + `:%' AND b.since_ms <= ? AND b.until_ms > ?`, users},
	} {
		if len(q.among) == 0 {
			continue
		}
		found, err := texts(tx, q.query, q.among, tx.Now(), tx.Now())
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	near, err := workingBeneath(tx, places)
	if err != nil {
		return nil, err
	}
	ids := unique(append(out, near...))
	list := make([]syncproto.UserID, len(ids))
	for i, id := range ids {
		list[i] = syncproto.UserID(id)
	}
	return list, nil
}

// workingBeneath are the users at home in places or beneath them, with a role there, or with a household there.
func workingBeneath(tx *store.Tx, places []string) ([]string, error) {
	if len(places) == 0 {
		return nil, nil
	}
	all, err := beneath(tx, places)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, query := range []string{`SELECT id FROM "user" WHERE place = ANY(?)`, `SELECT DISTINCT "user" FROM role WHERE place = ANY(?)`,
		`SELECT DISTINCT a."user" FROM assignment a JOIN household h ON h.id = a.household WHERE h.place = ANY(?)`} {
		found, err := texts(tx, query, all)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
