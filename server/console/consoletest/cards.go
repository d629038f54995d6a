package consoletest

import (
	"context"
	"fmt"
	"time"

	"minqing/server/admin"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// cards issues contact cards: to a household that three contact, to one whom nobody does, and to the one of the other village, where a matter
// was answered.
func (c *City) cards(ctx context.Context) error {
	for _, home := range []string{"ou", "nobody", "foreign"} {
		var code string
		if err := c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
			_, err := tx.One("SELECT code FROM household WHERE id = ?", []any{string(c.Rows[home])}, &code)
			return err
		}); err != nil {
			return err
		}
		made, err := (&admin.Desk{E: c.Engine}).IssueCards(ctx, admin.Cards{Households: []string{code}})
		if err != nil {
			return err
		}
		if len(made) != 1 {
			return fmt.Errorf("%d cards for %s", len(made), home)
		}
		c.Serials[home] = made[0].Serial
	}
	if c.State == Many {
		if err := c.manyMatters(ctx); err != nil {
			return err
		}
	}
	return c.answered(ctx)
}

// answered is a matter with its whole life.
func (c *City) answered(ctx context.Context) error {
	c.at(8, 12, 9, 0)
	author := string(c.Users["othercadre"])
	m, err := c.Create(ctx, "othercadre", "matter", Vals{"household": string(c.Rows["foreign"]), "author": author, "kind": "difficulty", "title": c.text("门前水渠堵塞，雨天进水", 40),
		"detail": c.text("白立春说，水漫到灶台边。", 4000), "raised_by": c.name("白立春")})
	if err != nil {
		return err
	}
	c.Rows["matter.foreign"] = m
	for _, s := range []struct {
		month     time.Month
		day       int
		who, kind string
		text      string
		state     string
	}{
		{8, 12, "othercadre", "record", "白立春家门前水渠堵了。", ""},
		{9, 30, "othersecretary", "discuss", "村里议定改道。", ""},
		{11, 18, "othercadre", "handle", "施工队是贺家兄弟。", "handled"},
		{11, 20, "othercadre", "answer", "水渠改道 86 米，11月18日完工。有事打 13500007702。", "answered"},
	} {
		c.at(s.month, s.day, 9, 0)
		if _, err := c.Create(ctx, s.who, "matter_step", Vals{"matter": string(m), "author": string(c.Users[s.who]), "kind": s.kind, "day": c.Now().Format(time.DateOnly), "text": c.text(s.text, 4000)}); err != nil {
			return err
		}
		if s.state != "" {
			if err := c.Update(ctx, s.who, "matter", m, syncproto.Base{}, Vals{"state": s.state}); err != nil {
				return err
			}
		}
	}
	return nil
}

// manyMatters are a thousand that the household of the other village raised.
func (c *City) manyMatters(ctx context.Context) error {
	c.at(7, 1, 9, 0)
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		var drafts []judge.Draft
		author := string(c.Users["othercadre"])
		for i := range 1000 {
			m, err := c.creation(tx, "matter", Vals{"household": string(c.Rows["foreign"]), "author": author, "kind": "opinion", "title": fmt.Sprintf("第 %d 条意见", i+1)})
			if err != nil {
				return err
			}
			s, err := c.creation(tx, "matter_step", Vals{"matter": string(m.Row), "author": author, "kind": "record", "day": "2026-07-01", "text": "记下了。"})
			if err != nil {
				return err
			}
			drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{m, s}})
		}
		_, err := c.Engine.Judge.SubmitIn(tx, c.Users["othercadre"], drafts...)
		return err
	})
}
