package admin

import (
	"context"
	"strconv"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// SetQuota says how many visits a month a team owes each of its households in a place, given by code, and below it.
func (d *Desk) SetQuota(ctx context.Context, place, team string, visits int) error {
	return d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) ([]judge.Draft, error) {
		at, err := register.FindPlace(tx, place)
		if err != nil {
			return nil, err
		}
		t := tx.Book().Table("team_quota")
		which, err := t.Column("team").Normalize(team)
		if err != nil {
			return nil, badValue(t.Name, err)
		}
		rows, err := tx.ValuesWhere(t.Name, "place", []string{at.ID})
		if err != nil {
			return nil, err
		}
		var mine syncproto.RowID // the youngest of several that were made apart
		for id, values := range rows {
			if (row{t, values}).value("team") == which && id > mine {
				mine = id
			}
		}
		var e syncproto.Edit
		if mine != "" {
			if (row{t, rows[mine]}).value("visits") == schema.Int(int64(visits)) {
				return nil, nil
			}
			e, err = set(tx, t.Name, mine, "visits", strconv.Itoa(visits))
		} else {
			_, e, err = create(tx, t.Name, pair{"place", at.ID}, pair{"team", team}, pair{"visits", strconv.Itoa(visits)})
		}
		return []judge.Draft{{Edits: []syncproto.Edit{e}}}, err
	})
}
