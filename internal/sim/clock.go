package sim

import "time"

// The world's time is the server's, in Unix ms. It begins on a Monday morning.
var (
	zone  = time.FixedZone("Asia/Shanghai", 8*60*60)
	dawn  = time.Date(2025, 3, 3, 8, 0, 0, 0, zone).UnixMilli()
	day   = int64(24 * 60 * 60 * 1000)
	hour  = int64(60 * 60 * 1000)
	year  = 365 * day
	grace = 30 * day // DESIGN section 4: how long late work is judged by the authority at capture
	// horizonMS is how long marks are kept, at the least (DESIGN section 4).
	horizonMS = 400 * day
)

// wallClock is the clock of a phone: it may be off, jump, or stand still.
type wallClock struct {
	offset int64
	frozen int64 // what it shows since it stands still, 0 while it goes
}

func (c *wallClock) read(now int64) int64 {
	if c.frozen != 0 {
		return c.frozen
	}
	return now + c.offset
}

// skew sets a clock wrong in one of the ways in which phones are found.
func (c *wallClock) skew(d *dice, now int64) string {
	c.frozen = 0
	switch d.IntN(6) {
	case 0:
		c.offset = d.between(-10*year, 10*year)
		return "years off"
	case 1:
		c.offset = d.between(-36*hour, 36*hour)
		return "hours off"
	case 2:
		c.frozen = now + c.offset
		return "frozen"
	case 3:
		c.offset += d.between(-90*day, 90*day)
		return "jumped"
	default:
		c.offset = 0
		return "right"
	}
}

func date(ms int64) string { return time.UnixMilli(ms).In(zone).Format(time.DateOnly) }
