package schema

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// broken collects the laws that a book breaks.
type broken []error

func (e *broken) say(format string, args ...any) {
	*e = append(*e, fmt.Errorf("schema: "+format, args...))
}

// check holds a book to the laws that the engine relies on, and names every one that is broken: those of names, columns and
// cells here, of parents, scopes and links in laws_links.go, of rights and states in laws_rights.go.
func (b *Book) check() error {
	var bad broken
	for i, t := range b.tables {
		checkNames(t, &bad)
		b.checkParent(t, i, &bad)
	}
	if len(bad) > 0 {
		return errors.Join(bad...) // the other laws walk up the parents and look columns up
	}
	for _, t := range b.tables {
		for j := range t.Columns {
			checkColumn(t, &t.Columns[j], &bad)
		}
		b.checkCells(t, &bad)
		b.checkShape(t, &bad)
		b.checkLinks(t, &bad)
		checkPermits(t, &bad)
		checkLocks(t, &bad)
		checkRowRules(t, &bad)
		checkHeaders(t, &bad)
	}
	return errors.Join(bad...)
}

func checkNames(t *Table, bad *broken) {
	if !nameForm.MatchString(t.Name) || len(t.Name) > 24 || strings.HasPrefix(t.Name, "mq_") {
		bad.say("table %q: a name is lower-case letters, digits and _, at most 24, and does not start with mq_", t.Name)
	}
	if t.Label.ZH == "" || t.Label.EN == "" {
		bad.say("table %s has no label in both languages", t.Name)
	}
	seen := map[string]bool{}
	for _, c := range t.Columns {
		if !nameForm.MatchString(c.Name) || c.Name == "id" {
			bad.say("column %q of %s: a name is lower-case letters, digits and _, and not id", c.Name, t.Name)
		}
		if seen[c.Name] {
			bad.say("%s.%s is declared twice", t.Name, c.Name)
		}
		seen[c.Name] = true
		if c.Label.ZH == "" || c.Label.EN == "" {
			bad.say("%s.%s has no label in both languages", t.Name, c.Name)
		}
	}
}

// Which rules may merge a column type. RuleOnce, RuleManual and RuleServer merge any but tags; RuleServer tags as well.
var rulesOf = map[Rule][]Type{
	RuleLatest: {TypeText, TypeLong, TypeInt, TypeBool, TypeDate, TypeInstant, TypeEnum, TypeRef, TypePhone, TypeIDNumber, TypeHash},
	RuleMax:    {TypeInt, TypeDate, TypeInstant},
	RuleMin:    {TypeInt, TypeDate, TypeInstant},
	RuleSum:    {TypeInt},
	RuleSet:    {TypeTags},
	RuleText:   {TypeText, TypeLong},
	RuleFlow:   {TypeFlow},
	RuleOnce:   {TypeText, TypeLong, TypeInt, TypeBool, TypeDate, TypeInstant, TypeEnum, TypeRef, TypePhone, TypeIDNumber, TypeHash},
	RuleManual: {TypeText, TypeLong, TypeInt, TypeBool, TypeDate, TypeInstant, TypeEnum, TypeRef, TypePhone, TypeIDNumber, TypeHash},
	RuleServer: {TypeText, TypeLong, TypeInt, TypeBool, TypeDate, TypeInstant, TypeEnum, TypeRef, TypePhone, TypeIDNumber, TypeHash, TypeTags},
}

func checkColumn(t *Table, c *Column, bad *broken) {
	where := t.Name + "." + c.Name
	if types, ok := rulesOf[c.Rule]; !ok {
		bad.say("%s: unknown rule %q", where, c.Rule)
	} else if !slices.Contains(types, c.Type) {
		bad.say("%s: rule %s does not merge type %s", where, c.Rule, c.Type)
	}
	if c.Rule == RuleLatest && (c.Why.ZH == "" || c.Why.EN == "") {
		bad.say("%s merges by latest and must say in both languages why hiding the other value is harmless", where)
	}
	if c.Group != "" && slices.Contains([]Rule{RuleSum, RuleSet, RuleText, RuleFlow}, c.Rule) {
		bad.say("%s: rule %s merges single columns, not groups", where, c.Rule)
	}
	switch c.Type {
	case TypeInt, TypeInstant:
		if c.Min >= c.Max || c.Min < MinInt || c.Max > MaxInt {
			bad.say("%s: bounds %d..%d must ascend within ±(2^53-1)", where, c.Min, c.Max)
		}
	case TypeEnum:
		checkOptions(where, c.Options, 1, bad)
	case TypeTags:
		checkOptions(where, c.Options, 0, bad)
	case TypeFlow:
		checkFlow(where, c.Flow, bad)
	case TypePhone, TypeIDNumber:
		if c.Privacy == Open {
			bad.say("%s: a %s is personal data and must say so", where, c.Type)
		}
	}
	if c.Type != TypeInt && c.Type != TypeInstant && (c.Min != 0 || c.Max < 0) {
		bad.say("%s: a %s has no least value, and no negative length", where, c.Type)
	}
	if len(c.Options) > 0 && c.Type != TypeEnum && c.Type != TypeTags {
		bad.say("%s: a %s has no options", where, c.Type)
	}
	if (c.Flow != nil) != (c.Type == TypeFlow) {
		bad.say("%s: a flow belongs to a column of type flow, and it needs one", where)
	}
	if c.Required && max(1, c.Since) > max(1, t.Since) {
		bad.say("%s is younger than its table, so it cannot be required: older clients make rows without it", where)
	}
	if max(1, c.Since) < max(1, t.Since) {
		bad.say("%s is older than its table", where)
	}
}

func checkOptions(where string, options []Option, least int, bad *broken) {
	if len(options) < least {
		bad.say("%s is an enum without options", where)
	}
	meaning := map[string]string{}
	for _, o := range options {
		if !nameForm.MatchString(o.Value) || o.Label.ZH == "" || o.Label.EN == "" {
			bad.say("%s: option %q needs a plain name and a label in both languages", where, o.Value)
		}
		own := map[string]bool{foldHeader(o.Value): true, foldHeader(o.Label.ZH): true, foldHeader(o.Label.EN): true}
		for word := range own {
			if other, ok := meaning[word]; ok {
				bad.say("%s: %q means both %s and %s", where, word, other, o.Value)
			}
			meaning[word] = o.Value
		}
	}
}

func (b *Book) checkCells(t *Table, bad *broken) {
	for _, cell := range b.cells[t.Name] {
		first := cell.Columns[0]
		for _, c := range cell.Columns {
			if c.Rule != cell.Rule || c.Since != first.Since {
				bad.say("%s.%s: the columns of group %s must name one rule and one since-version", t.Name, c.Name, cell.Name)
			}
			if cell.Group() && c.Type.Kind() == KindSet {
				bad.say("%s.%s: a set cannot be part of a group", t.Name, c.Name)
			}
		}
		if cell.Group() && (!nameForm.MatchString(cell.Name) || len(cell.Columns) < 2) {
			bad.say("%s: group %s needs a plain name and two columns", t.Name, cell.Name)
		}
	}
	for _, c := range t.Columns {
		if c.Group != "" && t.Column(c.Group) != nil {
			bad.say("%s: group %s has the name of a column", t.Name, c.Group)
		}
	}
}

// checkHeaders holds an import to one meaning for each header of a sheet.
func checkHeaders(t *Table, bad *broken) {
	of := map[string]string{}
	for i := range t.Columns {
		c := &t.Columns[i]
		for _, h := range c.AllHeaders() {
			if other, ok := of[foldHeader(h)]; ok && other != c.Name {
				bad.say("%s: the header %q means both %s and %s", t.Name, h, other, c.Name)
			}
			of[foldHeader(h)] = c.Name
		}
	}
}

func checkRowRules(t *Table, bad *broken) {
	seen := map[string]bool{}
	for _, r := range t.Rules {
		if !nameForm.MatchString(r.Name) || seen[r.Name] || r.Label.ZH == "" || r.Label.EN == "" {
			bad.say("%s: row rule %q needs a plain name of its own and a sentence in both languages", t.Name, r.Name)
		}
		seen[r.Name] = true
		if len(r.Columns) < 2 {
			bad.say("%s: row rule %s is about one column; let its type say it", t.Name, r.Name)
		}
		known := true
		for _, name := range r.Columns {
			if t.Column(name) == nil {
				known = false
				bad.say("%s: row rule %s reads %s, which is no column", t.Name, r.Name, name)
			}
		}
		switch {
		case r.Holds == nil:
			bad.say("%s: row rule %s has no condition", t.Name, r.Name)
		case known && !r.Holds(func(string) Value { return Null }):
			bad.say("%s: row rule %s must hold for a row with nothing in it: an empty column is judged by Required", t.Name, r.Name)
		}
	}
}
