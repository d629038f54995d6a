package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/console/intake"
	"minqing/server/console/shift"
	"minqing/server/store"
	"minqing/syncproto"
)

// How much an administrator has assigned by one order, and brought in one file.
const (
	orderedHomes = 20
	broughtRows  = 1000
)

// ordered has the administrator assign some households of a village, and bring a register with some bad rows, unless he has: so that their
// pages have something to show.
func (c *consoleRun) ordered(ctx context.Context, village string) error {
	today := time.UnixMilli(c.e.Now()).In(c.e.Zone).Format(time.DateOnly)
	boss, err := c.accounts.UserOf(ctx, "boss")
	if err != nil {
		return err
	}
	if err := c.e.Store.Write(ctx, func(tx *store.Tx) error {
		if found, err := tx.One("SELECT 1 FROM mq_work WHERE place = ? AND kind = 'assign'", []any{village}, new(int64)); err != nil || found {
			return err
		}
		var codes []string
		if err := tx.Each(func(scan func(...any) error) error {
			var code string
			err := scan(&code)
			codes = append(codes, code)
			return err
		}, "SELECT h.code FROM household h JOIN place p ON p.id = h.place WHERE p.parent = ? ORDER BY h.code LIMIT ?", village, int64(orderedHomes)); err != nil {
			return err
		}
		o := assign.Order{Way: assign.Give, To: "c0-0", Team: "leading", Since: today, How: assign.List, Codes: strings.Join(codes, " ")}
		plan, err := assign.Preview(tx, village, today, o)
		if err != nil {
			return err
		}
		if id, _, err := assign.Do(tx, &admin.Desk{E: c.e, As: "boss"}, boss.ID, village, today, o, plan.Digest); err != nil || id == "" {
			return fmt.Errorf("assigning %d households (%s): %w", len(codes), id, err)
		}
		var csv strings.Builder
		csv.WriteString("户号,组,姓名,与户主关系\r\n")
		for i := range broughtRows {
			name := "舒克勤"
			if i%50 == 0 {
				name = "" // a bad row
			}
			fmt.Fprintf(&csv, "9%03d-%04d,1组,%s,户主\r\n", i%1000, i, name)
		}
		_, err = intake.Save(tx, boss.ID, village, "register", "花名册.csv", int64(csv.Len()), strings.NewReader(csv.String()))
		return err
	}); err != nil {
		return err
	}
	intake.NewWorker(c.e, slog.New(slog.DiscardHandler)).Drain(ctx)
	return nil
}

// removed has the administrator delete a group that was never needed, unless he has deleted anything.
func (c *consoleRun) removed(ctx context.Context, village string) error {
	if id, err := c.rowOf(ctx, "shift", village); err != nil || id != "" {
		return err
	}
	boss, err := c.accounts.UserOf(ctx, "boss")
	if err != nil {
		return err
	}
	const name = "临时安置点"
	group := c.id()
	if err := c.submit(ctx, boss.ID, []syncproto.Edit{create("place", group, "parent", village, "level", "group", "name", name)}); err != nil {
		return err
	}
	return c.e.Store.Write(ctx, func(tx *store.Tx) error {
		r, err := shift.PreviewRemoval(tx, "place", group)
		if err != nil {
			return err
		}
		id, err := shift.RemoveIn(tx, c.e.Judge, shift.Order{By: boss.ID, Root: village, Table: "place", Row: group, Name: name, Why: "安置点撤了", Shown: r.Digest})
		if err == nil && id == "" {
			err = errors.New("a group that was just made changed before it was deleted")
		}
		return err
	})
}

// photoBytes is about what the field app makes of a photo.
const photoBytes = 180_000

// pictured has somebody add a photo to his latest visit in a village, unless there is one, and hands its content in.
func (c *consoleRun) pictured(ctx context.Context, village string) error {
	content := make([]byte, photoBytes)
	if _, err := rand.NewChaCha8([32]byte{4}).Read(content); err != nil { // the same whenever it is made
		return err
	}
	copy(content, "\xff\xd8\xff") // what it is told to be a JPEG by
	id, err := c.rowOf(ctx, "attachment", village)
	if err != nil {
		return err
	}
	if id == "" {
		var visit, author string
		if err := c.e.Store.Read(ctx, func(tx *store.Tx) error {
			_, err := tx.One(`SELECT v.id, v.author FROM mq_above u CROSS JOIN household h CROSS JOIN assignment s CROSS JOIN visit v
				WHERE u.above = ? AND h.place = u.place AND s.household = h.id AND v.household = h.id AND v.author = s."user" ORDER BY v.day DESC, v.id DESC LIMIT 1`, []any{village}, &visit, &author)
			return err
		}); err != nil {
			return err
		}
		row := c.id()
		id = string(row)
		if err := c.submit(ctx, syncproto.UserID(author), []syncproto.Edit{create("attachment", row, "visit", visit, "author", author, "hash", fmt.Sprintf("%x", sha256.Sum256(content)), "media", "image/jpeg", "bytes", strconv.Itoa(photoBytes))}); err != nil {
			return err
		}
	}
	return c.e.Files.HandIn(ctx, syncproto.RowID(id), content)
}
