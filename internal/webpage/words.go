package webpage

import (
	"fmt"
	"html/template"
	"maps"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
)

// Words are texts of an interface by key, Chinese first. {0}, {1}… stand for what varies. An English text may have two forms, “one|many”:
// the first argument, a number, chooses. <b> may mark what matters; only pages show it, Say drops it.
type Words map[string]schema.Label

// Join makes one catalogue of several. It panics on a key that is there twice.
func Join(parts ...Words) Words {
	all := Words{}
	for _, p := range parts {
		for k := range p {
			if _, twice := all[k]; twice {
				panic("webpage: the text " + k + " is there twice")
			}
		}
		maps.Copy(all, p)
	}
	return all
}

// Say gives a text, plain. It panics on an unknown key: pages are rendered by tests.
func (w Words) Say(l schema.Lang, key string, args ...any) string {
	text := w.fill(l, key, fmt.Sprint, args)
	if !strings.Contains(text, "<") { // as nearly always
		return text
	}
	return unmarked.Replace(text)
}

// unmarked takes the marks of HTML out of a text.
var unmarked = strings.NewReplacer("<b>", "", "</b>", "")

// HTML gives a text for a page: what varies is escaped, <b> in the catalogue stays. It panics as Say does.
func (w Words) HTML(l schema.Lang, key string, args ...any) template.HTML {
	escape := func(a ...any) string {
		if h, ok := a[0].(template.HTML); ok {
			return string(h)
		}
		return template.HTMLEscapeString(fmt.Sprint(a...))
	}
	return template.HTML(w.fill(l, key, escape, args)) // #nosec G203 -- catalogue texts and escaped arguments
}

func (w Words) fill(l schema.Lang, key string, show func(...any) string, args []any) string {
	label, ok := w[key]
	if !ok {
		panic("webpage: no text " + key)
	}
	text := label.In(l)
	if one, many, ok := strings.Cut(text, "|"); ok && len(args) > 0 {
		if text = many; fmt.Sprint(args[0]) == "1" {
			text = one
		}
	}
	for i, a := range args {
		if n, ok := a.(int); ok {
			a = Count(n)
		}
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", show(a))
	}
	return text
}

// Count writes a number with thousands apart.
func Count(n int) string {
	s := strconv.Itoa(n)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// DayName writes a day of the week: 周一, Mon.
func DayName(l schema.Lang, d time.Weekday) string {
	if l == schema.EN {
		return d.String()[:3]
	}
	return "周" + string([]rune("日一二三四五六")[d])
}

// Date writes a day (YYYY-MM-DD): 11月23日, with its year when that is not now's. What is no day stays as it is.
func Date(l schema.Lang, day string, now time.Time) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	forms := [2]string{"1月2日", "2006年1月2日"}
	if l == schema.EN {
		forms = [2]string{"2 Jan", "2 Jan 2006"}
	}
	if d.Year() == now.Year() {
		return d.Format(forms[0])
	}
	return d.Format(forms[1])
}

// Weekday writes a day with its day of the week: 11月23日 周一.
func Weekday(l schema.Lang, day string, now time.Time) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	if l == schema.EN {
		return DayName(l, d.Weekday()) + " " + Date(l, day, now)
	}
	return Date(l, day, now) + " " + DayName(l, d.Weekday())
}
