package pages

import (
	"fmt"
	"html/template"
	"maps"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
)

// words are texts of the interface by key, Chinese first. {0}, {1}… stand for what varies. An English text may have two forms, “one|many”:
// the first argument, a number, chooses. <b> may mark what matters; only pages show it, say drops it.
type words map[string]schema.Label

// catalogue is every text of the app. Each page keeps its own in its handler file and is named here; a test holds pages and catalogue
// to each other.
var catalogue = join(
	shellWords,
	errorWords,
	formWords,
	todayWords,
	householdsWords,
	householdWords,
	correctWords,
	cardWords,
	meWords,
	practiceWords,
	exportWords,
	diagnosticsWords,
	visitWords,
	keepWords,
	lockWords,
	enrolWords,
	firstWords,
	syncWords,
	carryWords,
	noticeWords,
	updateWords,
	journalWords,
	photoWords,
	matterWords,
	matterMoreWords,
)

func join(parts ...words) words {
	all := words{}
	for _, p := range parts {
		for k := range p {
			if _, twice := all[k]; twice {
				panic("pages: the text " + k + " is there twice")
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
		panic("pages: no text " + key)
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

// moment writes an instant: today 10:42, else its day and time.
func (l tongue) moment(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	day := at.Format(time.DateOnly)
	switch day {
	case now.Format(time.DateOnly):
		return l.say("day.today") + " " + at.Format("15:04")
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		return l.say("day.yesterday") + " " + at.Format("15:04")
	}
	return l.date(day, now) + " " + at.Format("15:04")
}

var shellWords = words{
	"app":            {ZH: "民情通", EN: "Minqing"},
	"skip":           {ZH: "跳到正文", EN: "Skip to the page"},
	"tabs":           {ZH: "主要页面", EN: "Main pages"},
	"tab.today":      {ZH: "今天", EN: "Today"},
	"tab.households": {ZH: "联系户", EN: "Homes"},
	"tab.journal":    {ZH: "日志", EN: "Journal"},
	"tab.matters":    {ZH: "事项", EN: "Matters"},
	"tab.me":         {ZH: "我的", EN: "Me"},
	"badge":          {ZH: "{0} 条待处理", EN: "{0} waiting"},
	"where.some":     {ZH: "{0} 条未上传", EN: "{0} not sent"},
	"where.none":     {ZH: "都已上传", EN: "All sent"},
	"back":           {ZH: "返回", EN: "Back"},
	"close":          {ZH: "关闭", EN: "Close"},
	"more":           {ZH: "更多", EN: "More"},
	"undo":           {ZH: "撤销", EN: "Undo"},
	"undone":         {ZH: "撤销了，和原来一样。", EN: "Undone; it is as it was."},
	"saved":          {ZH: "已存在本机，有网自动上传。", EN: "Saved on this phone; it goes up by itself."},
	"nothing":        {ZH: "和原来一样，没有要存的。", EN: "Nothing differs; nothing was saved."},
	"home":           {ZH: "{0}家", EN: "{0}'s home"},
	"day.today":      {ZH: "今天", EN: "today"},
	"day.yesterday":  {ZH: "昨天", EN: "yesterday"},
	"chip.phone":     {ZH: "未上传", EN: "Not sent"},
	"chip.server":    {ZH: "已上传", EN: "Sent"},
	"chip.read":      {ZH: "已阅", EN: "Read"},
	"chip.returned":  {ZH: "退回", EN: "Returned"},
}
