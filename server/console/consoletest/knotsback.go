package consoletest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// secondThoughts are decisions that somebody thought better of: one that was taken back, so that it is open again, one that was made once more, late work that
// was taken, and some of which that was taken back.
func (c *City) secondThoughts(ctx context.Context) error {
	phone := syncproto.DeviceID(c.Rows["device"])
	for home, name := range map[string]string{"gu": "item.back", "wang": "item.again"} {
		base, err := c.Base(ctx, c.Rows[home])
		if err != nil {
			return err
		}
		if err := c.Update(ctx, "secretary", "household", c.Rows[home], base, Vals{"head": "户主的大名"}); err != nil {
			return err
		}
		written, err := cells(c.Engine.Book, "household", Vals{"head": "户主的小名"})
		if err != nil {
			return err
		}
		v, err := c.push(ctx, "cadre", phone, c.Now(), 0, syncproto.Edit{Table: "household", Row: c.Rows[home], Op: syncproto.OpUpdate, Base: base, Cells: written})
		if err != nil || len(v.Items) != 1 {
			return fmt.Errorf("two names of a head make no item: %+v: %w", v, err)
		}
		c.Rows[name] = syncproto.RowID(v.Items[0].Item)
		if _, err := c.Engine.Judge.Resolve(ctx, c.Users["admin"], v.Items[0].Item, judge.Decision{Pick: v.Identity, Why: "村里都这么叫"}); err != nil {
			return err
		}
	}
	if _, err := c.Engine.Judge.UndoDecision(ctx, c.Users["admin"], string(c.Rows["item.back"]), ""); err != nil {
		return err
	}
	base, err := c.Base(ctx, c.Rows["wang"])
	if err != nil {
		return err
	}
	edit := syncproto.Edit{Table: "household", Row: c.Rows["wang"], Op: syncproto.OpUpdate, Base: base, Cells: []syncproto.CellEdit{{Cell: "head", Value: schema.Text("王桂芬")}}}
	if _, err := c.Engine.Judge.Reconsider(ctx, c.Users["secretary"], string(c.Rows["item.again"]), "", edit, "户口本上是这个"); err != nil {
		return err
	}
	for name, v := range map[string]Vals{"change.back": {"head": c.text("冯怡", 60)}, "change.taken": {"address": c.text("第8组枫林头第1户，屋后的沟堵了，答应找人来清", 120)}} {
		id, item, err := c.tooLate(ctx, phone, v)
		if err != nil {
			return err
		}
		c.Rows[name] = id
		if _, err := c.Engine.Judge.Resolve(ctx, c.Users["admin"], item, judge.Decision{Keep: true}); err != nil {
			return err
		}
		if name == "change.back" {
			if _, err := c.Engine.Judge.UndoDecision(ctx, c.Users["admin"], item, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// tooLate is what somebody wrote of the home that nobody visits, two months before it came, and the item that asks whether it counts.
func (c *City) tooLate(ctx context.Context, phone syncproto.DeviceID, v Vals) (id syncproto.RowID, item string, err error) {
	seals, err := syncproto.NewSealer(c.Engine.Keys.Derive("seal"), rand.NewChaCha8([32]byte{6}))
	if err != nil {
		return "", "", err
	}
	change, err := c.refusable(ctx, "nobody", v, nil)
	if err != nil {
		return "", "", err
	}
	captured := time.Date(2026, 9, 21, 17, 0, 0, 0, zone)
	var epoch syncproto.EpochID
	if err := c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		e, err := tx.Epoch()
		epoch = e.ID
		return err
	}); err != nil {
		return "", "", err
	}
	if change.Cursor, err = seals.SealCursor(syncproto.Cursor{Device: phone, Epoch: epoch, Now: captured.UnixMilli()}); err != nil {
		return "", "", err
	}
	change.At = captured.Add(time.Hour).UnixMilli()
	out, err := c.pushAll(ctx, "cadre", phone, change)
	if err != nil || out[0].Code != syncproto.CodeLate || len(out[0].Items) != 1 {
		return "", "", fmt.Errorf("what came too late: %+v: %w", out[0], err)
	}
	return syncproto.RowID(out[0].Identity), out[0].Items[0].Item, nil
}
