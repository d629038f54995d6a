package consoletest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// formerly gives the home that is nobody's the contacts that it had: till September, and till the middle of November.
func (c *City) formerly(ctx context.Context) error {
	c.at(8, 30, 9, 0)
	for _, x := range [][3]string{{"cadre", "2026-09-01", "2026-09-30"}, {"cadre2", "2026-11-01", "2026-11-18"}} {
		if _, err := c.Create(ctx, "admin", "assignment", Vals{"household": string(c.Rows["nobody"]), "user": string(c.Users[x[0]]), "team": "cadre", "since": x[1], "until": x[2]}); err != nil {
			return err
		}
	}
	return nil
}

// refusals are what the server did not take: a phone number that is none, a row that waits for its visit, what nobody but an administrator
// may do, what came two months after; and what came late and counts.
func (c *City) refusals(ctx context.Context) error {
	c.at(11, 22, 18, 30)
	seals, err := syncproto.NewSealer(c.Engine.Keys.Derive("seal"), rand.NewChaCha8([32]byte{5}))
	if err != nil {
		return err
	}
	var epoch syncproto.EpochID
	if err := c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		e, err := tx.Epoch()
		epoch = e.ID
		return err
	}); err != nil {
		return err
	}
	for _, x := range []struct {
		key, who, phone, home string
		captured              time.Time // zero: under no cursor
		cells                 Vals
		more                  *syncproto.Edit
		want                  syncproto.Code
	}{
		{key: "change.toolate", who: "cadre", phone: "device", home: "nobody", captured: time.Date(2026, 9, 20, 17, 0, 0, 0, zone),
			cells: Vals{"note": c.text("冯颐 9月摔了一跤，在家养着，外甥每周来看一次。", 3999)}, want: syncproto.CodeLate},
		{key: "change.late", who: "cadre2", phone: "device.second", home: "nobody", captured: time.Date(2026, 11, 17, 15, 30, 0, 0, zone), cells: Vals{"low_income": "applied"}},
		{key: "change", who: "cadre", phone: "device", home: "ou", cells: Vals{"note": c.text("老两口在家，儿子在东莞打工，春节回来。享受低保，每月 860 元。", 3998)},
			more: &syncproto.Edit{Table: "household", Row: c.Rows["gu"], Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: "head", Value: schema.Text(longHead)}}}, want: syncproto.CodeInvalid},
		{key: "change.waits", who: "cadre", phone: "device", cells: Vals{"text": c.text("那天还去看了水渠。", 4000)}, want: syncproto.CodeWaits},
		{key: "change.forbidden", who: "cadre", phone: "device", more: &syncproto.Edit{Table: "matter", Row: c.Rows["matter"], Op: syncproto.OpUpdate,
			Cells: []syncproto.CellEdit{{Cell: "due", Value: schema.Text("2026-11-30")}}}, want: syncproto.CodeForbidden},
		{key: "change.foreign", who: "othercadre", phone: "device.foreign", home: "foreign",
			more: &syncproto.Edit{Table: "household", Row: c.Rows["foreign"], Op: syncproto.OpDelete}, want: syncproto.CodeForbidden},
	} {
		change, err := c.refusable(ctx, x.home, x.cells, x.more)
		if err != nil {
			return err
		}
		change.At = c.Now().Add(-time.Hour).UnixMilli()
		dev := syncproto.DeviceID(c.Rows[x.phone])
		if !x.captured.IsZero() {
			if change.Cursor, err = seals.SealCursor(syncproto.Cursor{Device: dev, Epoch: epoch, Now: x.captured.UnixMilli()}); err != nil {
				return err
			}
			change.At = x.captured.Add(time.Hour).UnixMilli()
		}
		out, err := c.pushAll(ctx, x.who, dev, change)
		if err != nil {
			return err
		}
		if v := out[0]; v.Code != x.want || v.Late != (x.want == "") {
			return fmt.Errorf("%s: %s %q %s", x.key, v.Status, v.Code, v.Message)
		}
		c.Rows[x.key] = syncproto.RowID(out[0].Identity)
	}
	if c.State != Many {
		return nil
	}
	return c.manyRefused(ctx)
}

// longHead is longer than a name may be.
const longHead = longName + longName + longName

// refusable makes a change of a home's cells and, if given, another edit; without a home, of a journal that is not there.
func (c *City) refusable(ctx context.Context, home string, v Vals, more *syncproto.Edit) (*syncproto.Change, error) {
	change := &syncproto.Change{}
	if len(v) > 0 {
		table, row := "household", c.Rows[home]
		if home == "" {
			table, row = "journal", "01935555-6666-7666-8666-666666666666"
		}
		base, err := c.Base(ctx, row)
		if err != nil {
			return nil, err
		}
		if base.Epoch == "" {
			if base, err = c.Base(ctx, c.Rows["ou"]); err != nil {
				return nil, err
			}
		}
		cs, err := cells(c.Engine.Book, table, v)
		if err != nil {
			return nil, err
		}
		change.Edits = append(change.Edits, syncproto.Edit{Table: table, Row: row, Op: syncproto.OpUpdate, Base: base, Cells: cs})
	}
	if more != nil {
		var err error
		if more.Base, err = c.Base(ctx, more.Row); err != nil {
			return nil, err
		}
		change.Edits = append(change.Edits, *more)
	}
	return change, nil
}

// manyRefused adds a thousand changes that were refused.
func (c *City) manyRefused(ctx context.Context) error {
	var changes []*syncproto.Change
	for i := range 1000 {
		change, err := c.refusable(ctx, "", Vals{"text": fmt.Sprintf("第 %d 条。", i+1)}, nil)
		if err != nil {
			return err
		}
		change.At = c.Now().UnixMilli()
		changes = append(changes, change)
	}
	_, err := c.pushAll(ctx, "cadre", syncproto.DeviceID(c.Rows["device"]), changes...)
	return err
}
