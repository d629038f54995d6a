package console

import (
	"io"

	"minqing/internal/webpage"
	"minqing/schema"
)

// Line is a line of the authorization table, for the test that is generated from it.
type Line struct {
	Pattern string
	Access  int
	Needs   []Need
	Of      string
	Shows   bool // something of people in the register
}

// Need is a right that a line needs.
type Need struct {
	Table    string
	Op       schema.Op
	Cell     string
	From, To string
}

// Lines is the authorization table.
func Lines() (out []Line) {
	for _, e := range table {
		l := Line{Pattern: e.pattern, Access: int(e.access), Of: e.of, Shows: e.shows != nobody}
		for _, n := range e.needs {
			l.Needs = append(l.Needs, Need{n.table, n.op, n.cell, n.from, n.to})
		}
		out = append(out, l)
	}
	return out
}

// The accesses of a line.
const (
	ByRight  = int(byRight)
	Public   = int(public)
	HalfWay  = int(halfWay)
	SignedIn = int(signedIn)
)

// LargeCoverage writes the coverage of a place that is too large for one picture.
func LargeCoverage(w io.Writer, lang schema.Lang, place, below string) error {
	page, err := webpage.NewTemplates(pageFiles, funcs).Page(lang, "coverage")
	if err != nil {
		return err
	}
	return page.ExecuteTemplate(w, "layout", &coveragePage{frame: frame{Title: "-", Shell: shell{Place: place}}, Large: true, Below: []placeLink{{Name: below, Path: "/at/x/coverage"}}})
}

// Catalogue is every text.
func Catalogue() map[string]schema.Label { return catalogue }
