package consoletest

import (
	"context"
	"fmt"

	"minqing/server/admin"
	"minqing/server/store"
	"minqing/syncproto"
)

// knots are what an administrator meets on a bad day, beside the conflicts of any day: an edit beside an acceptance that forbids it, two
// households of one code, two people of one ID number, two households that somebody says are one, two telephone numbers that differ where they are masked, and a phone that was lost, was revoked and still handed over what it held.
func (c *City) knots(ctx context.Context) error {
	c.at(11, 23, 9, 0)
	journal, phone := c.Rows["journal.first"], syncproto.DeviceID(c.Rows["device"])
	base, err := c.Base(ctx, journal)
	if err != nil {
		return err
	}
	if err := c.review(ctx, "secretary", journal, "accept", "", "accepted"); err != nil {
		return err
	}
	text, err := cells(c.Engine.Book, "journal", Vals{"text": "第一次上门，认了门，孩子上学的事问清楚了，学校说 12月1日能办。"})
	if err != nil {
		return err
	}
	if _, err := c.push(ctx, "cadre", phone, c.Now(), 0, syncproto.Edit{Table: "journal", Row: journal, Op: syncproto.OpUpdate, Base: base, Cells: text}); err != nil {
		return err
	}
	twin, err := c.Create(ctx, "admin", "household", Vals{"place": c.Places["group8"], "code": "0814-003", "head": "蒋大毛", "address": "第8组下湾晒谷场东3号旁新楼", "note": "刚盖的楼，分了户口本。"})
	if err != nil {
		return err
	}
	c.Rows["twin"] = twin
	for _, resident := range []string{"ding.0", "he.0"} {
		if _, err := c.Create(ctx, "admin", "identity", Vals{"resident": string(c.Rows[resident]), "id_number": "990102195503020047"}); err != nil {
			return err
		}
	}
	if err := c.numbers(ctx, phone); err != nil {
		return err
	}
	named, _, err := (&admin.Desk{E: c.Engine, As: founding.Login}).NameTwins(ctx, c.Rows["wang"], c.Rows["gu"], "顾家的门牌是王桂芬家的后门，户口本上是同一户。")
	if err != nil {
		return err
	}
	c.Rows["item.named"] = syncproto.RowID(named)
	lost, err := c.phone(ctx, "cadre3", "小米 9", 0)
	if err != nil {
		return err
	}
	c.Rows["device.lost"] = syncproto.RowID(lost)
	if _, err := (&admin.Desk{E: c.Engine, As: founding.Login}).Revoke(ctx, string(lost)); err != nil {
		return err
	}
	c.at(11, 23, 10, 0)
	if err := c.HandIn(ctx, lost, "household", c.Rows["he"], Vals{"address": "第8组下湾老街17号后院"}); err != nil {
		return err
	}
	if err := c.secondThoughts(ctx); err != nil {
		return err
	}
	return c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		items, err := tx.Items("closed_ms = 0 ORDER BY opened_ms, id")
		for _, it := range items {
			switch {
			case it.Cell == "phone":
				c.Rows["item.phone"] = syncproto.RowID(it.ID)
			case it.Kind == syncproto.ItemTwin && it.ID != named:
				c.Rows["item."+it.Table] = syncproto.RowID(it.ID)
			case it.Kind != syncproto.ItemCell && it.Kind != syncproto.ItemDelete && c.Rows["item."+string(it.Kind)] == "":
				c.Rows["item."+string(it.Kind)] = syncproto.RowID(it.ID)
			}
		}
		for _, name := range []string{"item.late", "item.state", "item.household", "item.identity", "item.phone"} {
			if err == nil && c.Rows[name] == "" {
				err = fmt.Errorf("there is no %s among %d items", name, len(items))
			}
		}
		return err
	})
}

// numbers are two telephone numbers that two people wrote for one household.
func (c *City) numbers(ctx context.Context, dev syncproto.DeviceID) error {
	base, err := c.Base(ctx, c.Rows["gu"])
	if err != nil {
		return err
	}
	if err := c.Update(ctx, "secretary", "household", c.Rows["gu"], base, Vals{"phone": "13512347702"}); err != nil {
		return err
	}
	number, err := cells(c.Engine.Book, "household", Vals{"phone": "13556787702"})
	if err != nil {
		return err
	}
	_, err = c.push(ctx, "cadre", dev, c.Now(), 0, syncproto.Edit{Table: "household", Row: c.Rows["gu"], Op: syncproto.OpUpdate, Base: base, Cells: number})
	return err
}
