package console

import (
	"html/template"
	"time"

	"minqing/internal/webpage"
	"minqing/schema"
)

// words are texts of the consoles by key.
type words = webpage.Words

// catalogue is every text of the consoles. Each page keeps its own in its handler file and is named here.
var catalogue = webpage.Join(frameWords, errorWords, signinWords, meWords, reviewWords, coverageWords, remindWords, conflictWords, deviceWords, residentWords, refusedWords, assignWords, importWords, unimportWords,
	editWords, homeWords, twinWords, userWords, treeWords, shiftWords,
	mattersWords, matterWords, numbersWords, visitsWords, cadresWords,
	auditWords, auditRowWords, healthWords, settingsWords)

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
		return webpage.DayName(schema.Lang(l), at.Weekday())
	}
	return l.date(at.Format(time.DateOnly), now)
}

// mon writes a month (2026-06) where the year is plain: 6月.
func (l tongue) mon(m string) string {
	at, err := time.Parse("2006-01", m)
	switch {
	case err != nil:
		return m
	case l == tongue(schema.ZH):
		return at.Format("1月")
	}
	return at.Format("Jan")
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
