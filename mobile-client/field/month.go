package field

import (
	"fmt"
	"time"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// Month is what a user did in a month, as counts: nothing here compares him with others, or counts how he uses the app (DESIGN
// section 8).
type Month struct {
	Visits   int // his own
	Homes    int // households that he reached
	Matters  int // that he recorded, withdrawn ones left out
	Answered int // matters whose answer he brought
}

// MonthOf counts the month of a local time, up to that day.
func MonthOf(v *replica.View, me syncproto.UserID, now time.Time) (m Month, err error) {
	day := now.Format(time.DateOnly)
	first := day[:8] + "01"
	if _, err := v.One(`SELECT count(*), count(DISTINCT household) FROM visit WHERE author = ? AND day BETWEEN ? AND ?`, []any{string(me), first, day}, &m.Visits, &m.Homes); err != nil {
		return m, err
	}
	start := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	if _, err := v.One(`SELECT count(*) FROM matter WHERE author = ? AND id >= ? AND state IS NOT 'withdrawn'`, []any{string(me), firstID(start)}, &m.Matters); err != nil {
		return m, err
	}
	_, err = v.One(`SELECT count(DISTINCT matter) FROM matter_step WHERE author = ? AND kind = 'answer' AND day BETWEEN ? AND ?`, []any{string(me), first, day}, &m.Answered)
	return m, err
}

// firstID is before every id made from an instant on, and after every earlier one: a UUIDv7 begins with the time.
func firstID(at time.Time) string {
	const timeDigits, low = 12, 8
	hex := fmt.Sprintf("%0*x", timeDigits, at.UnixMilli())
	return hex[:low] + "-" + hex[low:]
}
