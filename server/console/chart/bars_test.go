package chart_test

import (
	"fmt"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/server/console/chart"
)

// TestBarsInRows draws the places of a large township: in rows of one scale, each with room for its names, and a bar that leads nowhere is no link.
func TestBarsInRows(t *testing.T) {
	var labels []string
	s := chart.Series{Name: "收集意见"}
	for i := range 45 {
		labels, s.Values = append(labels, fmt.Sprintf("第%d村", i)), append(s.Values, i+1)
	}
	href := func(_, i int) string {
		if i == 44 {
			return ""
		}
		return fmt.Sprint("/to/", i)
	}
	for abreast, rows := range map[int]int{24: 2, 45: 1, 15: 3} {
		p := reader.MustRead(t, "chart", string(chart.Bars("x", "按地方", "四十五个村", labels, []chart.Series{s}, abreast, href)))
		inRow, tall := map[string]int{}, map[string]bool{}
		for _, tick := range p.All("text.tick") {
			inRow[reader.Attr(tick, "y")]++
		}
		for _, bar := range p.All("rect.bar") {
			tall[reader.Attr(bar, "height")] = true
		}
		if len(inRow) != rows || len(tall) != 46 { // the legend's, and one of each value
			t.Errorf("%d abreast: rows %v, %d heights", abreast, inRow, len(tall))
		}
		for _, n := range inRow {
			if n > abreast || n < 45/rows-1 {
				t.Errorf("%d abreast: a row of %d", abreast, n)
			}
		}
		if a, g := p.All("a"), p.All(`g[role="img"]`); len(a) != 44 || len(g) != 1 || reader.Attr(g[0], "aria-label") != "第44村 收集意见 45" || strings.Contains(reader.Text(g[0]), "<") {
			t.Errorf("%d links, %d without", len(a), len(g))
		}
	}
}
