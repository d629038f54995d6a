package schema

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Lang is a language of the interface.
type Lang string

// The languages.
const (
	ZH Lang = "zh"
	EN Lang = "en"
)

// Join makes a list of short things one text.
func (l Lang) Join(list []string) string {
	if l == EN {
		return strings.Join(list, ", ")
	}
	return strings.Join(list, "、")
}

// In gives the label in a language.
func (l Label) In(lang Lang) string {
	if lang == EN {
		return l.EN
	}
	return l.ZH
}

// RoleLabel is what people call a role (DOMAIN, people and roles).
func RoleLabel(r Role) Label {
	switch r {
	case RoleCadre:
		return Label{"包户干部", "Cadre"}
	case RoleSecretary:
		return Label{"支部书记", "Secretary"}
	case RoleTownship:
		return Label{"乡镇(街道)专员", "Township officer"}
	case RoleCity:
		return Label{"市级调度员", "City dispatcher"}
	case RoleHandler:
		return Label{"承办站所", "Handler"}
	case RoleMediator:
		return Label{"调解员", "Mediator"}
	case RoleAdmin:
		return Label{"系统管理员", "Administrator"}
	}
	return Label{"系统", "System"}
}

// AllHeaders lists the header names that imports accept for the column, the one that exports write in Chinese first.
func (c *Column) AllHeaders() []string {
	return append([]string{c.Label.ZH, c.Label.EN, c.Name}, c.Headers...)
}

// ByHeader finds the column that a header of a sheet means, nil if none. Case, spaces, line breaks, full-width forms and a note
// in brackets after the name (“电话（手机）”) do not matter.
func (t *Table) ByHeader(header string) *Column {
	for _, want := range []string{foldHeader(header), foldHeader(withoutNote(header))} {
		if want == "" {
			continue
		}
		for i := range t.Columns {
			if slices.ContainsFunc(t.Columns[i].AllHeaders(), func(h string) bool { return foldHeader(h) == want }) {
				return &t.Columns[i]
			}
		}
	}
	return nil
}

// foldHeader brings what people type for one header into one form.
func foldHeader(s string) string {
	return strings.Map(func(r rune) rune {
		r = narrow(r)
		if unicode.IsSpace(r) || r == '*' || r == ':' || r == '\uFEFF' || r == '\u200B' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// narrow maps full-width ASCII and the ideographic space to their plain forms.
func narrow(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFEE0
	case r == 0x3000:
		return ' '
	}
	return r
}

func withoutNote(header string) string {
	if i := strings.IndexAny(header, "(（"); i > 0 {
		return header[:i]
	}
	return header
}

// Option finds an option of an enum, a flow or a tag set by value, nil if there is none.
func (c *Column) Option(value string) *Option {
	options := c.options()
	for i := range options {
		if options[i].Value == value {
			return &options[i]
		}
	}
	return nil
}

func (c *Column) options() []Option {
	if c.Flow != nil {
		return c.Flow.States
	}
	return c.Options
}

// InstantForm is how Show writes an instant, in the zone that it is given.
const InstantForm = "2006-01-02 15:04"

// Show is a value as people read it: labels for options, 是/否, elements side by side, instants in the given zone to the minute.
// What is personal is shown whole; Mask hides it. A value that an older program does not know is shown as it is.
func (c *Column) Show(v Value, lang Lang, zone *time.Location) string {
	switch {
	case v.IsNull():
		return ""
	case c.Type == TypeBool:
		if v.Num() != 0 {
			return yes.In(lang)
		}
		return no.In(lang)
	case c.Type == TypeInstant:
		return time.UnixMilli(v.Num()).In(zone).Format(InstantForm)
	case v.Kind() == KindInt:
		return strconv.FormatInt(v.Num(), 10)
	case v.Kind() == KindSet:
		var words []string
		for _, e := range v.Elements() {
			words = append(words, c.optionLabel(e, lang))
		}
		return lang.Join(words)
	case len(c.options()) > 0:
		return c.optionLabel(v.Str(), lang)
	}
	return v.Str()
}

var yes, no = Label{"是", "Yes"}, Label{"否", "No"}

func (c *Column) optionLabel(value string, lang Lang) string {
	if o := c.Option(value); o != nil {
		return o.Label.In(lang)
	}
	return value
}
