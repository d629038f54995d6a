package consoletest

import (
	"context"
	"fmt"

	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/console/shift"
	"minqing/server/store"
	"minqing/syncproto"
)

// orders are what administrators assigned, from December on: a household of the village, and the one of the other.
func (c *City) orders(ctx context.Context) error {
	for _, x := range []struct{ key, place, who, login, to, home string }{
		{"work", "village", "admin", founding.Login, "hanlijun", "he"},
		{"work.foreign", "other", "otheradmin", "guanlide", "baihe", "foreign"},
	} {
		if err := c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
			var code string
			if _, err := tx.One("SELECT code FROM household WHERE id = ?", []any{string(c.Rows[x.home])}, &code); err != nil {
				return err
			}
			o := assign.Order{Way: assign.Give, To: x.to, Team: "leading", Since: "2026-12-01", How: assign.List, Codes: code}
			today := c.Now().Format("2006-01-02")
			plan, err := assign.Preview(tx, c.Places[x.place], today, o)
			if err != nil {
				return err
			}
			id, _, err := assign.Do(tx, &admin.Desk{E: c.Engine, As: x.login}, c.Users[x.who], c.Places[x.place], today, o, plan.Digest)
			if err == nil && id == "" {
				err = fmt.Errorf("the order %s was not done", x.key)
			}
			c.Rows[x.key] = syncproto.RowID(id)
			return err
		}); err != nil {
			return err
		}
	}
	return c.shifts(ctx)
}

// shifts are what administrators deleted: a group of each village that was never needed.
func (c *City) shifts(ctx context.Context) error {
	for _, x := range []struct{ key, place, who string }{{"shift", "village", "admin"}, {"shift.foreign", "other", "otheradmin"}} {
		const name = "临时安置点"
		row, err := c.Create(ctx, x.who, "place", Vals{"parent": c.Places[x.place], "level": "group", "name": name})
		if err != nil {
			return err
		}
		if err := c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
			r, err := shift.PreviewRemoval(tx, "place", row)
			if err != nil {
				return err
			}
			id, err := shift.RemoveIn(tx, c.Engine.Judge, shift.Order{By: c.Users[x.who], Root: c.Places[x.place], Table: "place", Row: row, Name: name, Why: "安置点撤了", Shown: r.Digest})
			if err == nil && id == "" {
				err = fmt.Errorf("the group of %s was not deleted", x.key)
			}
			c.Rows[x.key] = syncproto.RowID(id)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
