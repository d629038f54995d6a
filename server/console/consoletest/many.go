package consoletest

import (
	"context"
	"fmt"
	"time"

	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/console/branch"
	"minqing/server/console/intake"
	"minqing/server/console/work"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// thousands are a thousand of what no ordinary day has so many of: people with a phone each, people of one household, groups of a village, steps
// of one matter, changes of one setting, conflicts, and households given at once.
func (c *City) thousands(ctx context.Context) error {
	c.at(11, 22, 20, 0)
	for _, x := range []struct {
		who  string
		make func(tx *store.Tx) ([]judge.Draft, error)
	}{
		{"admin", c.manyPeople}, {"otheradmin", c.manyGroups}, {"admin", c.manySettings}, {"cadre", c.manySteps},
		{"secretary", func(tx *store.Tx) ([]judge.Draft, error) { return c.manyApart(tx, "none") }},
		{"admin", func(tx *store.Tx) ([]judge.Draft, error) { return c.manyApart(tx, "ended") }},
	} {
		if err := c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
			drafts, err := x.make(tx)
			if err != nil {
				return err
			}
			out, err := c.Engine.Judge.SubmitIn(tx, c.Users[x.who], drafts...)
			if err != nil {
				return err
			}
			for _, v := range out.Verdicts {
				if v.Status == syncproto.Refused {
					return fmt.Errorf("one of a thousand: %s", v.Message)
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if err := c.manyBrought(ctx); err != nil {
		return err
	}
	return c.manyGiven(ctx)
}

// manySessions are browsers that the secretary is signed in with beside this one.
func (c *City) manySessions(ctx context.Context) error {
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		for i := range 1000 {
			if err := tx.Exec("INSERT INTO mq_session (hash, user_id, stage, made_ms, seen_ms, expires_ms, address, agent, how) VALUES (?, ?, 'full', ?, ?, ?, ?, ?, 'password')", fmt.Sprintf("%064d", i), string(c.Users["secretary"]),
				tx.Now(), tx.Now()+int64(i), tx.Now()+36_000_000, fmt.Sprintf("192.0.2.%d", i%250), "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"); err != nil {
				return err
			}
		}
		return nil
	})
}

// manyBrought are files that were brought and are done with.
func (c *City) manyBrought(ctx context.Context) error {
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		for i := range 1000 {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			if err := work.Add(tx, "import", id, c.Places["village"], c.Users["admin"], work.Done, intake.Body{Name: fmt.Sprintf("花名册 %d.xlsx", i+1), What: intake.Register, Wrote: true}); err != nil {
				return err
			}
		}
		return nil
	})
}

// counted has every village counted, as the consoles do in the background.
func (c *City) counted(ctx context.Context) error {
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		for _, v := range []string{c.Places["village"], c.Places["other"]} {
			stands, err := branch.CountVillage(tx, v, c.Now().Format(time.DateOnly))
			if err != nil {
				return err
			}
			if err := branch.KeepStands(tx, v, stands); err != nil {
				return err
			}
		}
		return nil
	})
}

// manyPeople are users of the village with a phone each, and the people of a household that a firm's hostel is.
func (c *City) manyPeople(tx *store.Tx) (drafts []judge.Draft, err error) {
	for i := range 1000 {
		u, err := c.creation(tx, "user", Vals{"place": c.Places["village"], "login": fmt.Sprintf("duiyuan%04d", i), "name": fmt.Sprint("队员", i), "post": "网格员"})
		if err != nil {
			return nil, err
		}
		r, err := c.creation(tx, "role", Vals{"user": string(u.Row), "role": "cadre", "place": c.Places["village"]})
		if err != nil {
			return nil, err
		}
		label := fmt.Sprint("手机 ", i)
		d, err := c.creation(tx, "device", Vals{"user": string(u.Row), "label": label, "platform": "android", "key": "ed25519 " + label})
		if err != nil {
			return nil, err
		}
		p, err := c.creation(tx, "resident", Vals{"household": string(c.Rows["ding"]), "name": fmt.Sprint("工友", i), "sex": "m", "relation": "其他"})
		if err != nil {
			return nil, err
		}
		if err := tx.SaveDevice(store.Device{ID: syncproto.DeviceID(d.Row), User: syncproto.UserID(u.Row), Key: "ed25519 " + label, Next: 1, Client: "minqing-field 0.1.0", LastContact: tx.Now(), Waiting: int64(i % 4)}); err != nil {
			return nil, err
		}
		drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{u, r, d, p}})
	}
	return drafts, nil
}

// manyGroups are groups of the other village.
func (c *City) manyGroups(tx *store.Tx) (drafts []judge.Draft, err error) {
	for i := range 1000 {
		e, err := c.creation(tx, "place", Vals{"parent": c.Places["other"], "level": "group", "name": fmt.Sprintf("%d组", i+2), "code": fmt.Sprintf("9902%04d", i)})
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{e}})
	}
	return drafts, nil
}

// manySettings are changes of how often a team visits in the village.
func (c *City) manySettings(tx *store.Tx) ([]judge.Draft, error) {
	made, err := c.creation(tx, "team_quota", Vals{"place": c.Places["village"], "team": "cadre", "visits": "1"})
	if err != nil {
		return nil, err
	}
	drafts := []judge.Draft{{Edits: []syncproto.Edit{made}}}
	for i := range 999 {
		cs, err := cells(tx.Book(), "team_quota", Vals{"visits": fmt.Sprint(2 + i%3)})
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{{Table: "team_quota", Row: made.Row, Op: syncproto.OpUpdate, Cells: cs}}})
	}
	return drafts, nil
}

// manySteps are steps of one matter.
func (c *City) manySteps(tx *store.Tx) (drafts []judge.Draft, err error) {
	for i := range 1000 {
		day := time.Date(2026, 9, 6, 0, 0, 0, 0, zone).AddDate(0, 0, i%60).Format(time.DateOnly)
		e, err := c.creation(tx, "matter_step", Vals{"matter": string(c.Rows["matter"]), "author": string(c.Users["cadre"]), "kind": "record", "day": day, "text": fmt.Sprintf("第 %d 回去看水渠。", i+1)})
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{e}})
	}
	return drafts, nil
}

// manyApart is what one writes about the many households, having seen nothing of what others write.
func (c *City) manyApart(tx *store.Tx, value string) (drafts []judge.Draft, err error) {
	var ids []string
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT id FROM household WHERE place = ? AND head LIKE '户主%' ORDER BY code", c.Places["group8"]); err != nil {
		return nil, err
	}
	cs, err := cells(tx.Book(), "household", Vals{"low_income": value})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		rows, err := tx.Rows([]string{id})
		if err != nil {
			return nil, err
		}
		base := syncproto.Base{Epoch: rows[0].Label.Epoch, Rev: 1}
		drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{{Table: "household", Row: syncproto.RowID(id), Op: syncproto.OpUpdate, Base: base, Cells: cs}}})
	}
	return drafts, nil
}

// manyGiven gives the many households to somebody at once.
func (c *City) manyGiven(ctx context.Context) error {
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		o := assign.Order{Way: assign.Give, To: "chenxiulan", Team: "member", Since: "2026-12-01", How: assign.Nobody, N: 1000}
		today := c.Now().Format(time.DateOnly)
		plan, err := assign.Preview(tx, c.Places["village"], today, o)
		if err != nil {
			return err
		}
		id, _, err := assign.Do(tx, &admin.Desk{E: c.Engine, As: founding.Login}, c.Users["admin"], c.Places["village"], today, o, plan.Digest)
		if err == nil && id == "" {
			err = fmt.Errorf("a thousand households were not given")
		}
		c.Rows["work.many"] = syncproto.RowID(id)
		return err
	})
}
