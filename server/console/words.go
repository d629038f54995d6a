package console

import (
	"fmt"
	"html/template"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"

	"minqing/schema"
)

// words are texts of the interface by key, Chinese first. {0}, {1}… stand for what varies. An English text may have two forms, “one|many”:
// the first argument, a number, chooses. <b> may mark what matters; say drops it.
type words map[string]schema.Label

// catalogue is every text of the consoles. Each page keeps its own in its handler file and is named here.
var catalogue = join(frameWords, errorWords, signinWords, meWords, reviewWords, coverageWords, conflictWords, deviceWords, residentWords, refusedWords)

func join(parts ...words) words {
	all := words{}
	for _, p := range parts {
		for k := range p {
			if _, twice := all[k]; twice {
				panic("console: the text " + k + " is there twice")
			}
		}
		maps.Copy(all, p)
	}
	return all
}

// tongue is a language to speak.
type tongue schema.Lang

// say gives a text, plain. It panics on an unknown key: pages are rendered by tests.
func (l tongue) say(key string, args ...any) string {
	return strings.NewReplacer("<b>", "", "</b>", "").Replace(l.fill(key, fmt.Sprint, args))
}

// html gives a text for a page: what varies is escaped, <b> in the catalogue stays.
func (l tongue) html(key string, args ...any) template.HTML {
	escape := func(a ...any) string {
		if h, ok := a[0].(template.HTML); ok {
			return string(h)
		}
		return template.HTMLEscapeString(fmt.Sprint(a...))
	}
	return template.HTML(l.fill(key, escape, args)) // #nosec G203 -- catalogue texts and escaped arguments
}

func (l tongue) fill(key string, show func(...any) string, args []any) string {
	label, ok := catalogue[key]
	if !ok {
		panic("console: no text " + key)
	}
	text := label.In(schema.Lang(l))
	if one, many, ok := strings.Cut(text, "|"); ok && len(args) > 0 {
		if text = many; fmt.Sprint(args[0]) == "1" {
			text = one
		}
	}
	for i, a := range args {
		if n, ok := a.(int); ok {
			a = count(n)
		}
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", show(a))
	}
	return text
}

// count writes a number with thousands apart.
func count(n int) string {
	s := strconv.Itoa(n)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

var weekdays = map[tongue][7]string{
	"zh": {"周日", "周一", "周二", "周三", "周四", "周五", "周六"},
	"en": {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
}

// date writes a day (YYYY-MM-DD): 11月23日, with its year when that is not this one. What is no day stays as it is.
func (l tongue) date(day string, now time.Time) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	form := map[tongue]string{"zh": "1月2日", "en": "2 Jan"}[l]
	if d.Year() != now.Year() {
		form = map[tongue]string{"zh": "2006年1月2日", "en": "2 Jan 2006"}[l]
	}
	return d.Format(form)
}

// weekday writes a day with its day of the week: 11月23日 周一.
func (l tongue) weekday(day string, now time.Time) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	if l == "en" {
		return weekdays[l][d.Weekday()] + " " + l.date(day, now)
	}
	return l.date(day, now) + " " + weekdays[l][d.Weekday()]
}

// moment writes an instant: 11月21日 周六 20:05.
func (l tongue) moment(at, now time.Time) string {
	return l.weekday(at.Format(time.DateOnly), now) + " " + at.Format("15:04")
}

// brief writes an instant where room is short: the time of today, yesterday, the weekday of the last six days, else the date.
func (l tongue) brief(at, now time.Time) string {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	switch n := int(day(now).Sub(day(at)).Hours() / 24); {
	case n == 0:
		return at.Format("15:04")
	case n == 1:
		return l.say("day.yesterday")
	case n > 1 && n < 7:
		return weekdays[l][at.Weekday()]
	}
	return l.date(at.Format(time.DateOnly), now)
}

// span writes how long something is.
func (l tongue) span(d time.Duration) string { return l.ago(time.Time{}, time.Time{}.Add(d.Abs())) }

// ago writes how long something has waited: 2 天 1 小时.
func (l tongue) ago(at, now time.Time) string {
	switch hours := int(now.Sub(at).Hours()); {
	case hours < 1:
		return l.say("ago.minutes", max(1, int(now.Sub(at).Minutes())))
	case hours < 24:
		return l.say("ago.hours", hours)
	case hours < 24*7 && hours%24 > 0:
		return l.say("ago.days", hours/24) + " " + l.say("ago.hours", hours%24)
	default:
		return l.say("ago.days", hours/24)
	}
}

// of picks the language out of a sentence that has both: “中文 / English” or “中文。 English.”.
func (l tongue) of(both string) string {
	zh, en, ok := strings.Cut(both, " / ")
	if !ok {
		zh, en = both, both
		runes := []rune(both)
		for i := 1; i+1 < len(runes); i++ { // Chinese ends with a full-width mark; what follows the blank begins in Latin
			if runes[i] == ' ' && strings.ContainsRune("。！？；：）”", runes[i-1]) && runes[i+1] < unicode.MaxLatin1 {
				zh, en = string(runes[:i]), string(runes[i+1:])
				break
			}
		}
	}
	if l == "en" {
		return en
	}
	return zh
}
