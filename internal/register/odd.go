package register

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Oddity is a kind of row that is not as it should be.
type Oddity string

// The rows that cannot be taken as they are. Each is a row more than the village has people, so that the village is whole
// without them.
const (
	OddCheckDigit Oddity = "wrong check digit"
	OddTwice      Oddity = "ID number of somebody else" // that person's row comes earlier
	OddNoName     Oddity = "no name"
	OddRelation   Oddity = "no such relation"
	OddDate       Oddity = "no such day"
	OddDigitsLost Oddity = "ID number kept as a number"
	OddNoCode     Oddity = "no household code"
)

// The rows whose meaning is plain all the same. They are rows of people of the village.
const (
	OddFifteen   Oddity = "15-digit ID number"
	OddFullWidth Oddity = "full-width digits"
	OddNoID      Oddity = "no ID number"
	OddSpaces    Oddity = "stray spaces"
	OddDateText  Oddity = "date as text"
	OddLowerX    Oddity = "lower-case x"
)

var refused = []Oddity{OddCheckDigit, OddTwice, OddNoName, OddRelation, OddDate, OddDigitsLost, OddNoCode}

var plain = []Oddity{OddFifteen, OddFullWidth, OddNoID, OddSpaces, OddDateText, OddLowerX}

// Plain tells whether the row is to be imported all the same.
func (o Oddity) Plain() bool { return slices.Contains(plain, o) }

// Odd is one row that is not as it should be.
type Odd struct {
	Line int // as a spreadsheet program counts
	Kind Oddity
	Name string // as written in the row
}

// line is one row of the workbook: a person, and what is written otherwise than it should be.
type line struct {
	household *Household
	person    Person
	odd       Oddity
	cells     map[string]any // by title
}

// layOut lists the rows, household by household.
func (g *generator) layOut() {
	r := g.register
	for i := range r.Households {
		h := &r.Households[i]
		for _, p := range h.People {
			r.lines = append(r.lines, line{household: h, person: p})
		}
	}
}

// makeOdd spoils rows and adds spoilt ones, each kind so many times, and lists them.
func (g *generator) makeOdd(each int) {
	r := g.register
	for _, kind := range plain {
		for range each {
			if at := g.suits(kind); at >= 0 {
				l := &r.lines[at]
				l.odd = kind
				l.cells = g.writePlain(kind, l)
			}
		}
	}
	for _, kind := range refused {
		for range each {
			if at := g.suits(kind); at >= 0 {
				r.lines = slices.Insert(r.lines, at+1, g.spoilt(kind, at))
			}
		}
	}
	for i, l := range r.lines {
		if l.odd != "" {
			r.Odd = append(r.Odd, Odd{Line: i + 1 + headLines, Kind: l.odd, Name: fmt.Sprint(l.cell(titleName))})
		}
	}
}

// suits finds a row that is as it should be and can be written in an odd way, or be followed by an odd one; -1 if there is none.
func (g *generator) suits(kind Oddity) int {
	r := g.register
	start := g.rng.IntN(len(r.lines))
	for i := range r.lines {
		at := (start + i) % len(r.lines)
		p := r.lines[at].person
		switch {
		case r.lines[at].odd != "":
		case kind == OddFifteen && p.ID[6:8] != "19", kind == OddLowerX && p.ID[17] != 'X':
		case kind == OddFullWidth && p.Phone == "":
		default:
			return at
		}
	}
	return -1
}

func (g *generator) writePlain(kind Oddity, l *line) map[string]any {
	p := l.person
	switch kind {
	case OddFifteen:
		return map[string]any{titleID: p.ID[:6] + p.ID[8:17]}
	case OddFullWidth:
		return map[string]any{titleID: wide(p.ID), titlePhone: wide(p.Phone), titleBirth: wide(p.Birth)}
	case OddNoID:
		return map[string]any{titleID: ""}
	case OddSpaces:
		name := []rune(p.Name)
		return map[string]any{titleName: " " + string(name[0]) + "\u3000" + string(name[1:]) + " ", titleID: p.ID[:6] + " " + p.ID[6:14] + " " + p.ID[14:] + "\u00a0",
			titleCode: l.household.Code + " "}
	case OddDateText:
		day, err := time.Parse(time.DateOnly, p.Birth)
		if err != nil {
			panic("register: a birth date of its own making: " + p.Birth)
		}
		return map[string]any{titleBirth: day.Format(pick(g.rng, []string{"2006年1月2日", "2006.1.2", "2006/1/2", "20060102", "2006年01月02日"}))}
	default: // OddLowerX
		return map[string]any{titleID: strings.ToLower(p.ID)}
	}
}

// wide writes digits, letters and signs in their full-width forms.
func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r + 0xFEE0
		}
		return r
	}, s)
}

// spoilt invents a row for a person too many of the household in row at.
func (g *generator) spoilt(kind Oddity, at int) line {
	h := g.register.lines[at].household
	sex := pick(g.rng, []string{"m", "f"})
	f := &familyMaker{g: g, name: surname(g.rng)}
	f.add("其他亲属", sex, f.name, between(g.rng, 20, 60))
	l := line{household: h, person: f.people[0], odd: kind}
	id := l.person.ID
	switch kind {
	case OddCheckDigit:
		wrong := '0' + (id[17]-'0'+1)%10
		if id[17] == 'X' {
			wrong = '0'
		}
		l.cells = map[string]any{titleID: id[:17] + string(wrong)}
	case OddTwice:
		l.cells = map[string]any{titleID: g.register.lines[at].person.ID}
	case OddNoName:
		l.cells = map[string]any{titleName: ""}
	case OddRelation:
		l.cells = map[string]any{titleRelation: pick(g.rng, []string{"？？", "第3个", "户主户主"})}
	case OddDate:
		l.cells = map[string]any{titleBirth: l.person.Birth[:5] + pick(g.rng, []string{"02-30", "13-01", "06-31"})}
	case OddDigitsLost:
		lost, err := strconv.ParseFloat(id[:15]+"000", 64)
		if err != nil {
			panic("register: an ID number of its own making: " + err.Error())
		}
		l.cells = map[string]any{titleID: lost}
	case OddNoCode:
		l.cells = map[string]any{titleCode: ""}
	}
	return l
}
