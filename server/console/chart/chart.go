// Package chart draws on the server: pictures that a page shows beside the table of the same figures.
//
// It promises: a picture says what it is in words (title and desc); nothing is told by colour alone; it needs no script and no style but
// classes, which also print; and what goes in comes out escaped.
package chart

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"time"
	"unicode/utf8"
)

// drawing collects SVG.
type drawing struct{ strings.Builder }

func (d *drawing) f(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(&d.Builder, format, args...)
}

// open begins a picture: an image, or a group where it holds links. id tells the pictures of one page apart.
func (d *drawing) open(id, class, role, title, desc string, width, height int) {
	d.f(`<svg class="chart %s" viewBox="0 0 %d %d" role="%s" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, class, width, height, role, id, id, id, title, id, desc)
}

func (d *drawing) close() template.HTML {
	d.WriteString("</svg>")
	return template.HTML(d.String()) // #nosec G203 -- every text went through f
}

// wide is about how wide a text is, in units of a size of 12.
func wide(s string) float64 {
	n := 0.0
	for _, r := range s {
		if r < 0x2000 {
			n += 6.7
		} else {
			n += 12
		}
	}
	return n
}

// Stop is where the course of something turned.
type Stop struct {
	At    time.Time
	Level int
	Label string
}

// Course is the way of a matter through the levels, lowest first.
type Course struct {
	ID, Title, Desc string
	Levels          []string
	Stops           []Stop // oldest first; the first begins the line
	Now             time.Time
	Today           string
	Due             time.Time // zero: none
	Late            string    // said where it is overdue
	Done            bool      // the line ends at its last stop
	Month           func(time.Time) string
}

// Lanes draws a course: a lane for each level, the line of the matter over the days, today as a line across.
func Lanes(c Course) template.HTML {
	const width, left, right, top, lane = 1120, 64, 40, 30, 48
	if len(c.Stops) == 0 {
		return ""
	}
	height := top + lane*len(c.Levels) + 14
	from, to := c.Stops[0].At, c.Now
	if c.Done {
		to = c.Stops[len(c.Stops)-1].At
	}
	if c.Due.After(to) && !c.Done {
		to = c.Due
	}
	span := max(to.Sub(from).Hours(), 24)
	x := func(t time.Time) float64 { return left + 24 + (width-left-right-48)*t.Sub(from).Hours()/span }
	y := func(level int) float64 { return float64(top + lane*(len(c.Levels)-1-level) + lane/2) }
	var d drawing
	d.open(c.ID, "lanes", "img", c.Title, c.Desc, width, height)
	for i, name := range c.Levels {
		d.f(`<text class="lane" x="0" y="%.1f">%s</text><path class="grid" d="M%d %.1fH%d"/>`, y(i)+5, name, left, y(i), width)
	}
	for m := time.Date(from.Year(), from.Month()+1, 1, 0, 0, 0, 0, from.Location()); m.Before(to) && span < 24*800; m = m.AddDate(0, 1, 0) {
		d.f(`<path class="month" d="M%.1f %dV%d"/><text class="axis start" x="%.1f" y="14">%s</text>`, x(m), top-8, height-14, x(m)+4, c.Month(m))
	}
	d.line(c, x, y)
	if !c.Done {
		d.f(`<path class="now" d="M%.1f %dV%d"/><text class="tick" x="%.1f" y="%d">%s</text>`, x(c.Now), top-8, height-16, x(c.Now), height-2, c.Today)
	}
	d.labels(c, x, y)
	return d.close()
}

// line draws the way itself, and where it is late.
func (d *drawing) line(c Course, x func(time.Time) float64, y func(int) float64) {
	at, level := x(c.Stops[0].At), c.Stops[0].Level
	d.f(`<path class="way" d="M%.1f %.1f`, at, y(level))
	for _, s := range c.Stops[1:] {
		next := x(s.At)
		if s.Level != level {
			bend := min(36, next-at)
			d.f(`H%.1fC%.1f %.1f %.1f %.1f %.1f %.1f`, next-bend, next-bend/2, y(level), next-bend/2, y(s.Level), next, y(s.Level))
		} else {
			d.f(`H%.1f`, next)
		}
		at, level = next, s.Level
	}
	if !c.Done {
		d.f(`H%.1f`, max(at, x(c.Now)))
	}
	d.WriteString(`"/>`)
	if !c.Done && !c.Due.IsZero() {
		if c.Due.Before(c.Now) {
			from := max(x(c.Due), x(c.Stops[0].At))
			for at := from; at < x(c.Now); at += 6 {
				d.f(`<path class="late" d="M%.1f %.1fl6 -12"/>`, at, y(level)+6)
			}
			d.f(`<text class="lateword" x="%.1f" y="%.1f">%s</text>`, from, y(level)+20, c.Late)
		} else {
			d.f(`<path class="toward" d="M%.1f %.1fH%.1f"/><circle class="goal" cx="%.1f" cy="%.1f" r="6"/>`, x(c.Now), y(level), x(c.Due)-6, x(c.Due), y(level))
		}
	}
	for _, s := range c.Stops {
		d.f(`<circle class="stop" cx="%.1f" cy="%.1f" r="5"/>`, x(s.At), y(s.Level))
	}
}

// labels writes beside each stop what happened, where there is room: the table says it all.
func (d *drawing) labels(c Course, x func(time.Time) float64, y func(int) float64) {
	taken := map[int]float64{} // right end of the last text above and below each lane
	for _, s := range c.Stops {
		at, room := x(s.At), wide(s.Label)
		class := "said"
		if at+room > 1120 {
			at, class = at-room, "said"
		}
		for side, dy := range []float64{-11, 22} {
			key := s.Level*2 + side
			if taken[key] > at-4 || utf8.RuneCountInString(s.Label) == 0 {
				continue
			}
			taken[key] = at + room
			d.f(`<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, at, y(s.Level)+dy, s.Label)
			break
		}
	}
}
