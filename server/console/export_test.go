package console

import (
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

// Catalogue is every text.
func Catalogue() map[string]schema.Label { return catalogue }
