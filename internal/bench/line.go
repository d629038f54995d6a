package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"
)

// sense tells which way a figure is better, so that a ratio always says how many times the floor's price was paid.
type sense uint8

const (
	less sense = iota // times, bytes: ratio = value / floor
	more              // rates: ratio = floor / value
)

// budget is what a line should reach. The zero value is a line that only informs.
type budget struct {
	bound   float64
	times   bool // the bound is on the ratio to the floor, not on the value
	present bool
}

func reach(bound float64) budget { return budget{bound: bound, present: true} }

func timesFloor(bound float64) budget { return budget{bound: bound, times: true, present: true} }

func (b budget) text() string {
	switch {
	case !b.present:
		return "-"
	case b.times:
		return number(b.bound) + "x"
	}
	return number(b.bound)
}

// line is one figure beside its floor.
type line struct {
	name   string
	value  float64
	unit   string
	floor  float64
	sense  sense
	budget budget
	cpu    time.Duration // processor time of this process (device and server, not PostgreSQL) for one of what is counted; 0: not measured
}

func (l line) ratio() float64 {
	a, b := l.value, l.floor
	if l.sense == more {
		a, b = b, a
	}
	if b == 0 {
		return 1
	}
	return a / b
}

func (l line) met() string {
	if !l.budget.present {
		return "-"
	}
	ok := l.value <= l.budget.bound
	switch {
	case l.budget.times:
		ok = l.ratio() <= l.budget.bound
	case l.sense == more:
		ok = l.value >= l.budget.bound
	}
	if ok {
		return "yes"
	}
	return "no"
}

func (l line) print(w io.Writer) error {
	text := fmt.Sprintf("bench %s %s %s floor=%s ratio=%.2f budget=%s met=%s", l.name, number(l.value), l.unit, number(l.floor), l.ratio(), l.budget.text(), l.met())
	if l.cpu > 0 {
		text += " cpu=" + number(float64(l.cpu)/float64(time.Microsecond)) + "us"
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// number writes a figure with three digits that mean something.
func number(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// quantile gives the value below which a part q of the values lies; 0 without values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return s[max(0, int(math.Ceil(q*float64(len(s))))-1)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// cheapest is the lower of two prices; what else the machine does can only add to one.
func cheapest(had, now time.Duration) time.Duration {
	if had == 0 {
		return now
	}
	return min(had, now)
}

// ms gives durations as milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
