package schema

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// check holds a book to the laws that the engine relies on, and names every one that is broken.
func (b *Book) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("schema: "+format, args...)) }
	for i, t := range b.tables {
		b.checkTable(t, i, bad)
		names := map[string]bool{}
		for j := range t.Columns {
			c := &t.Columns[j]
			if names[c.Name] {
				bad("%s.%s is declared twice", t.Name, c.Name)
			}
			names[c.Name] = true
			b.checkColumn(t, c, bad)
		}
		for _, cell := range b.cells[t.Name] {
			for _, c := range cell.Columns {
				if c.Rule != cell.Rule || c.Since != cell.Columns[0].Since {
					bad("%s.%s: the columns of group %s must name one rule and one since-version", t.Name, c.Name, cell.Name)
				}
				if cell.Group() && c.Type.Kind() == KindSet {
					bad("%s.%s: a set cannot be part of a group", t.Name, c.Name)
				}
			}
			if cell.Group() && names[cell.Name] {
				bad("%s: group %s has the name of a column", t.Name, cell.Name)
			}
		}
	}
	return errors.Join(errs...)
}

func (b *Book) checkTable(t *Table, at int, bad func(string, ...any)) {
	if !nameForm.MatchString(t.Name) || len(t.Name) > 24 {
		bad("table %q: a name is lower-case letters, digits and _, at most 24", t.Name)
	}
	if t.Label.ZH == "" || t.Label.EN == "" {
		bad("table %s has no label in both languages", t.Name)
	}
	if t.Parent == "" {
		if t.Scope != ScopeOwn {
			bad("table %s has no parent, so its scope must be its own", t.Name)
		}
		return
	}
	c := t.Column(t.Parent)
	if c == nil || c.Type != TypeRef || (!c.Required && c.Ref != t.Name) {
		bad("table %s: the parent column %s must be a ref, and required unless it points to its own table", t.Name, t.Parent)
		return
	}
	if c.Ref != t.Name && slices.IndexFunc(b.tables, func(o *Table) bool { return o.Name == c.Ref }) > at {
		bad("table %s must be declared after its parent %s", t.Name, c.Ref)
	}
	if t.Author != "" {
		if a := t.Column(t.Author); a == nil || a.Ref != "user" {
			bad("table %s: the author column %s must be a ref to user", t.Name, t.Author)
		}
	}
}

func (b *Book) checkColumn(t *Table, c *Column, bad func(string, ...any)) {
	where := t.Name + "." + c.Name
	if !nameForm.MatchString(c.Name) || c.Name == "id" {
		bad("column %q: a name is lower-case letters, digits and _, and not id", where)
	}
	if c.Label.ZH == "" || c.Label.EN == "" {
		bad("%s has no label in both languages", where)
	}
	switch c.Rule {
	case RuleLatest:
		if c.Why == "" {
			bad("%s merges by latest and must say why hiding the other value is harmless", where)
		}
	case RuleMax, RuleMin:
		if c.Type != TypeInt && c.Type != TypeDate && c.Type != TypeInstant {
			bad("%s: max and min need an integer, a date or an instant", where)
		}
	case RuleSum:
		if c.Type != TypeInt {
			bad("%s: sum needs an integer", where)
		}
	case RuleSet:
		if c.Type != TypeTags {
			bad("%s: set needs tags", where)
		}
	case RuleText:
		if c.Type != TypeLong && c.Type != TypeText {
			bad("%s: text needs a text", where)
		}
	case RuleFlow:
		if c.Type != TypeFlow || c.Flow == nil {
			bad("%s: flow needs a flow", where)
		}
	case RuleOnce, RuleManual, RuleServer:
	default:
		bad("%s: unknown rule %q", where, c.Rule)
	}
	if c.Group != "" && (c.Rule == RuleSum || c.Rule == RuleSet || c.Rule == RuleText || c.Rule == RuleFlow) {
		bad("%s: rule %s merges single columns, not groups", where, c.Rule)
	}
	if (c.Type == TypeTags) != (c.Rule == RuleSet) && c.Rule != RuleServer {
		bad("%s: tags merge by set, and only they", where)
	}
	if c.Type == TypeRef && b.byName[c.Ref] == nil {
		bad("%s refers to table %q, which is not in the book", where, c.Ref)
	}
	if c.Type == TypeEnum && len(c.Options) == 0 {
		bad("%s is an enum without options", where)
	}
}
