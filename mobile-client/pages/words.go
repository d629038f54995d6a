package pages

import (
	"html/template"
	"time"

	"minqing/internal/webpage"
	"minqing/schema"
)

// words are texts of the app by key.
type words = webpage.Words

// catalogue is every text of the app. Each page keeps its own in its handler file and is named here; a test holds pages and catalogue
// to each other.
var catalogue = webpage.Join(
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
	peopleWords,
	updateWords,
	journalWords,
	photoWords,
	matterWords,
	matterMoreWords,
)

// tongue is a language to speak.
type tongue schema.Lang

func (l tongue) say(key string, args ...any) string {
	return catalogue.Say(schema.Lang(l), key, args...)
}

func (l tongue) html(key string, args ...any) template.HTML {
	return catalogue.HTML(schema.Lang(l), key, args...)
}

func (l tongue) date(day string, now time.Time) string { return webpage.Date(schema.Lang(l), day, now) }

func (l tongue) weekday(day string, now time.Time) string {
	return webpage.Weekday(schema.Lang(l), day, now)
}

func (l tongue) of(both string) string { return schema.ReadBoth(both).In(schema.Lang(l)) }

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
