package chart

import (
	"html"
	"html/template"
)

// Series is one row of bars.
type Series struct {
	Name   string
	Values []int
}

// Bars draws, for each label, a bar of each series side by side: told apart by fill, hatch and outline. href is where the bar of a
// series and a label leads.
func Bars(id, title, desc string, labels []string, series []Series, href func(s, i int) string) template.HTML {
	const width, height, left, right, top, bottom = 1120, 250, 40, 8, 40, 28
	most := 1
	for _, s := range series {
		for _, v := range s.Values {
			most = max(most, v)
		}
	}
	step := stepOf(most)
	topmost := (most + step - 1) / step * step
	y := func(v int) float64 { return top + float64(height-top-bottom)*(1-float64(v)/float64(topmost)) }
	var d drawing
	d.open(id, "bars", "group", title, desc, width, height)
	d.f(`<defs><pattern id="%s-h" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="p0" width="6" height="6"/><rect class="p1" width="3" height="6"/></pattern></defs>`, id)
	x := float64(left)
	for i, s := range series {
		d.f(`<g class="s%d"><rect class="bar" x="%.1f" y="6" width="14" height="14"%s/><text class="key" x="%.1f" y="18">%s</text></g>`, i, x, hatch(id, i), x+20, s.Name)
		x += 20 + wide(s.Name) + 28
	}
	for v := 0; v <= topmost; v += step {
		d.f(`<path class="grid" d="M%d %.1fH%d"/><text class="axis" x="%d" y="%.1f">%d</text>`, left, y(v), width-right, left-6, y(v)+4, v)
	}
	slot := float64(width-left-right) / float64(max(1, len(labels)))
	bar := min(26, slot*0.8/float64(max(1, len(series))))
	for i, label := range labels {
		from := float64(left) + slot*float64(i) + (slot-bar*float64(len(series)))/2
		for j, s := range series {
			if s.Values[i] == 0 {
				continue
			}
			at := from + bar*float64(j)
			d.f(`<a href="%s" class="s%d" aria-label="%s %s %d"><rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"%s/><text class="val" x="%.1f" y="%.1f">%d</text></a>`,
				href(j, i), j, label, s.Name, s.Values[i], at+1, y(s.Values[i]), bar-2, y(0)-y(s.Values[i]), hatch(id, j), at+bar/2, y(s.Values[i])-4, s.Values[i])
		}
		d.f(`<text class="tick" x="%.1f" y="%d">%s</text>`, float64(left)+slot*(float64(i)+0.5), height-8, label)
	}
	return d.close()
}

func hatch(id string, series int) template.HTMLAttr {
	if series == 1 {
		return template.HTMLAttr(` fill="url(#` + html.EscapeString(id) + `-h)"`) // #nosec G203 -- escaped
	}
	return ""
}

// stepOf is the distance of lines such that there are few, of round numbers.
func stepOf(most int) int {
	for unit := 1; ; unit *= 10 {
		for _, n := range []int{1, 2, 5} {
			if most <= n*unit*5 {
				return n * unit
			}
		}
	}
}
