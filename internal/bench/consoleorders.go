package bench

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/console/intake"
	"minqing/server/store"
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
		if found, err := tx.One("SELECT 1 FROM mq_work WHERE place = ?", []any{village}, new(int64)); err != nil || found {
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
