package pages

import (
	"html/template"
	"strings"

	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
)

// todayPage is 今天: who is due and why, and nothing else.
type todayPage struct {
	frame
	Day    *field.Day
	Sum    template.HTML
	Blank  string // what to say when nobody is due
	Ticks  []bool // one a household, filled when its visits of the month are made; nil when they are too many to be counted
	Groups []todayGroup
	Low    string // said while the phone is nearly full
}

type todayGroup struct {
	Name string
	N    int
	Rows []todayRow
}

// todayRow is one household: its reason with an icon, and one verb.
type todayRow struct {
	field.Due
	Name              string
	Icon, Text, Class string
	Verb, Href        string
}

var todayRoutes = []route{{pattern: "GET " + todayPath, do: showToday}}

var todayWords = words{
	"today.visited":       {ZH: "{0} 户中已走访 <b>{1}</b> 户", EN: "<b>{1}</b> of {0} homes visited"},
	"today.visited.twice": {ZH: "{0} 户中已走访够 <b>{1}</b> 户", EN: "<b>{1}</b> of {0} homes visited in full"},
	"today.left":          {ZH: "本月还有 {0} 天", EN: "{0} day left this month|{0} days left this month"},
	"today.last":          {ZH: "今天是本月最后一天", EN: "last day of the month"},
	"today.homes":         {ZH: "{0} 户", EN: "{0} home|{0} homes"},
	"today.elsewhere":     {ZH: "没有写明小组", EN: "No group"},
	"today.rest":          {ZH: "还有 {0} 户，到联系户里看", EN: "{0} more under Homes"},
	"today.blank":         {ZH: "今天没有要办的", EN: "Nothing to do today"},
	"today.blank.text":    {ZH: "本月每户都去过了，答复也都送到了。", EN: "Every home was visited this month and every answer delivered."},
	"today.blank.next":    {ZH: "本月每户都去过了，答复也都送到了。下一户约在 {0}。", EN: "Every home was visited this month and every answer delivered. The next is promised for {0}."},
	"today.none":          {ZH: "还没有分到联系户", EN: "No homes are assigned to you yet"},
	"today.none.text":     {ZH: "分给您以后，同步一次就会出现在这里。", EN: "Once they are, one sync brings them here."},
	"today.see":           {ZH: "看看联系户", EN: "See the homes"},
	"today.sync":          {ZH: "去同步", EN: "Go and sync"},
	"why.promised":        {ZH: "约好今天上门，{0}定的", EN: "Promised for today, made on {0}"},
	"why.overdue":         {ZH: "约好 {0}上门，还没去", EN: "Promised for {0}, not kept yet"},
	"why.answer":          {ZH: "有答复要送：{0}", EN: "An answer to bring: {0}"},
	"why.mend":            {ZH: "日志退回：{0}", EN: "Journal returned: {0}"},
	"why.mend.bare":       {ZH: "日志退回，请补写", EN: "Journal returned, to be completed"},
	"why.guided":          {ZH: "书记有指导：{0}", EN: "Guidance: {0}"},
	"why.spoke":           {ZH: "这户来话：{0}", EN: "A word from this home: {0}"},
	"why.reminded":        {ZH: "{0}提醒：{1}", EN: "{0} reminds you: {1}"},
	"why.never":           {ZH: "还没有走访过", EN: "Not visited yet"},
	"why.not":             {ZH: "本月还没去，上次 {0}", EN: "Not this month, last {0}"},
	"why.lack":            {ZH: "本月还差 {0} 次，上次 {1}", EN: "{0} more this month, last {1}"},
	"verb.visit":          {ZH: "走访", EN: "Visit"},
	"verb.answer":         {ZH: "送答复", EN: "Answer"},
	"verb.mend":           {ZH: "补写", EN: "Complete"},
	"verb.look":           {ZH: "看看", EN: "Look"},
}

// What one page shows: ticks as many as can be counted, households as many as a person goes to in some days.
const (
	mostTicks = 60
	mostToday = 40
)

func showToday(rq *request) error {
	me, err := rq.me()
	if err != nil {
		return err
	}
	p := &todayPage{frame: frame{Title: rq.words.say("tab.today"), Sub: rq.words.weekday(rq.today(), rq.now), Tab: "today"}, Low: rq.lowSpace()}
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		p.Day, err = field.Today(v, me, rq.today(), mostToday)
		return err
	}); err != nil {
		return err
	}
	sum := "today.visited"
	if p.Day.Twice {
		sum = "today.visited.twice"
	}
	p.Sum, p.Blank = rq.words.html(sum, p.Day.Total, p.Day.Done), rq.words.say("today.blank.text")
	if p.Day.Next != "" {
		p.Blank = rq.words.say("today.blank.next", rq.words.weekday(p.Day.Next, rq.now))
	}
	if p.Day.Total <= mostTicks {
		for i := range p.Day.Total {
			p.Ticks = append(p.Ticks, i < p.Day.Done)
		}
	}
	for _, g := range p.Day.Groups {
		group := todayGroup{Name: g.Name, N: g.N}
		for _, d := range g.Due {
			group.Rows = append(group.Rows, rq.todayRow(d))
		}
		p.Groups = append(p.Groups, group)
	}
	return rq.show("today", p)
}

func (rq *request) todayRow(d field.Due) todayRow {
	l, r := rq.words, todayRow{Due: d, Name: rq.words.home(d.Home), Icon: "clock", Verb: rq.words.say("verb.visit"), Href: visitPath(d.ID)}
	date := func(day string) string { return l.date(day, rq.now) }
	switch d.Why {
	case field.Promised:
		r.Icon, r.Text = "calendar", l.say("why.promised", date(d.Made))
		if d.Day < rq.today() {
			r.Class, r.Text = "c-act", l.say("why.overdue", date(d.Day))
		}
	case field.Answer:
		r.Icon, r.Class, r.Text = "answer", "c-act", l.say("why.answer", d.Text)
		r.Verb, r.Href = l.say("verb.answer"), answerPath(d.Row)
	case field.Mend:
		r.Icon, r.Class, r.Text = "back2", "c-act", l.say("why.mend", brief(d.Text))
		if d.Text == "" {
			r.Text = l.say("why.mend.bare")
		}
		r.Verb, r.Href = l.say("verb.mend"), journalPath(d.Row)
	case field.Guided:
		r.Icon, r.Text = "guide", l.say("why.guided", brief(d.Text))
		r.Verb, r.Href = l.say("verb.look"), journalPath(d.Row)
	case field.Spoke:
		r.Icon, r.Class, r.Text = "listen", "c-act", l.say("why.spoke", brief(rq.spoken(d.Mark, d.Text)))
		r.Verb, r.Href = l.say("verb.look"), householdPath(d.ID)+"#words"
	case field.Reminded:
		r.Icon, r.Class, r.Text = "guide", "c-act", l.say("why.reminded", d.By, brief(d.Text))
	case field.Quota:
		switch {
		case d.Day == "":
			r.Text = l.say("why.never")
		case d.Did == 0:
			r.Text = l.say("why.not", date(d.Day))
		default:
			r.Text = l.say("why.lack", d.Lack, date(d.Day))
		}
	}
	return r
}

// home names a household by its head, or by its code while nobody is named.
func (l tongue) home(h field.Home) string {
	if h.Head == "" {
		return h.Code
	}
	return l.say("home", h.Head)
}

// brief is the beginning of what somebody wrote, for one line of a list; the whole is one tap away.
func brief(text string) string {
	const most = 24
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return strings.TrimRight(text, "。.")
}
