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
// series and a label leads, "" for nowhere. More labels than abreast stand in rows one below the other, evenly, to one scale.
func Bars(id, title, desc string, labels []string, series []Series, abreast int, href func(s, i int) string) template.HTML {
	const width, left, right, top, tall, bottom = 1120, 40, 8, 40, 182, 28
	rows := max(1, (len(labels)+abreast-1)/abreast)
	abreast = max(1, (len(labels)+rows-1)/rows)
	most := 1
	for _, s := range series {
		for _, v := range s.Values {
			most = max(most, v)
		}
	}
	step := stepOf(most)
	topmost := (most + step - 1) / step * step
	y := func(row, v int) float64 {
		return float64(top+row*(tall+bottom+20)) + tall*(1-float64(v)/float64(topmost))
	}
	var d drawing
	d.open(id, "bars", "group", title, desc, width, int(y(rows-1, 0))+bottom)
	d.f(`<defs><pattern id="%s-h" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="p0" width="6" height="6"/><rect class="p1" width="3" height="6"/></pattern></defs>`, id)
	x := float64(left)
	for i, s := range series {
		d.f(`<g class="s%d"><rect class="bar" x="%.1f" y="6" width="14" height="14"%s/><text class="key" x="%.1f" y="18">%s</text></g>`, i, x, hatch(id, i), x+20, s.Name)
		x += 20 + wide(s.Name) + 28
	}
	for row := range rows {
		for v := 0; v <= topmost; v += step {
			d.f(`<path class="grid" d="M%d %.1fH%d"/><text class="axis" x="%d" y="%.1f">%d</text>`, left, y(row, v), width-right, left-6, y(row, v)+4, v)
		}
	}
	slot := float64(width-left-right) / float64(abreast)
	bar := min(26, slot*0.8/float64(max(1, len(series))))
	for i, label := range labels {
		row, at := i/abreast, float64(left)+slot*float64(i%abreast)
		from := at + (slot-bar*float64(len(series)))/2
		for j, s := range series {
			if s.Values[i] == 0 {
				continue
			}
			tag, x, above, to := "a", from+bar*float64(j), y(row, s.Values[i]), href(j, i)
			if to == "" { // it only says what it is
				tag = "g"
				d.f(`<g role="img"`)
			} else {
				d.f(`<a href="%s"`, to)
			}
			d.f(` class="s%d" aria-label="%s %s %d"><rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"%s/><text class="val" x="%.1f" y="%.1f">%d</text></%s>`,
				j, label, s.Name, s.Values[i], x+1, above, bar-2, y(row, 0)-above, hatch(id, j), x+bar/2, above-4, s.Values[i], tag)
		}
		d.f(`<text class="tick" x="%.1f" y="%.1f">%s</text>`, at+slot/2, y(row, 0)+20, label)
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
