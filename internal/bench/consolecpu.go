package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"minqing/server/store"
)

// work is processor time: this process's, and that of the processes of PostgreSQL.
type work struct{ own, db time.Duration }

// worked is the processor time that was taken so far. What PostgreSQL takes is told on Linux alone.
func (c *consoleRun) worked(ctx context.Context) (w work, err error) {
	if c.db == postgres {
		if w.db, err = c.postgresWorked(ctx); err != nil {
			return w, err
		}
	}
	w.own = cpu()
	return w, nil
}

// postgresWorked asks for the processes that there are: the store keeps its connections, so that hardly one ends meanwhile.
func (c *consoleRun) postgresWorked(ctx context.Context) (sum time.Duration, err error) {
	err = c.e.Store.Read(ctx, func(tx *store.Tx) error {
		sum = 0
		return tx.Each(func(scan func(...any) error) error {
			var pid int64
			if err := scan(&pid); err != nil {
				return err
			}
			said, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
			if os.IsNotExist(err) { // it has just ended, or this is no Linux
				return nil
			}
			if err != nil {
				return err
			}
			first, _, _ := strings.Cut(string(said), " ")
			ns, err := strconv.ParseInt(first, 10, 64)
			sum += time.Duration(ns)
			return err
		}, "SELECT pid FROM pg_stat_activity")
	})
	return sum, err
}

// since says what was taken since before, in ms for one of n.
func (w work) since(before work, n float64) string {
	out := fmt.Sprintf("cpu=%.1f", ms(w.own-before.own)/n)
	if w.db > 0 {
		out += fmt.Sprintf(" db=%.1f", ms(w.db-before.db)/n)
	}
	return out
}
