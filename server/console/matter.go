package console

import (
	"html/template"
	"time"

	"minqing/schema"
	"minqing/server/console/branch"
	"minqing/server/console/chart"
	"minqing/server/store"
)

// matterPage is one matter with its whole life.
type matterPage struct {
	frame
	Row      matterRow
	Life     *branch.Life
	Fours    []four
	Lanes    template.HTML
	Events   []lifeEvent
	Home     string // address of its household in the coverage
	Journal  string // and of the journal of the visit
	Waits    string
	Since    int // days in this state
	Conflict string
	Opened   int
	Left     int // days until it is due
}

// four is one of record, discussion, handling and answer.
type four struct {
	N         int
	Name, Say string
	Day       string
	Done, Now bool
}

type lifeEvent struct {
	*branch.Event
	Icon, Tone string
	Title      string
	Level      string
	Path       string
}

var matterWords = words{
	"matter.sub":          {ZH: "{0}家", EN: "{0}'s home"},
	"matter.four":         {ZH: "一事四步", EN: "The four steps"},
	"matter.done":         {ZH: "做了", EN: "done"},
	"matter.todo":         {ZH: "还没有", EN: "not yet"},
	"matter.lanes":        {ZH: "事项走到了哪一级", EN: "At what level the matter is"},
	"matter.lanes.d":      {ZH: "从 {0}到今天，经过 {1} 站，现在在{2}。", EN: "From {0} until today, by {1} stops; now at {2}."},
	"matter.level.0":      {ZH: "户", EN: "Home"},
	"matter.level.1":      {ZH: "村", EN: "Village"},
	"matter.level.2":      {ZH: "镇", EN: "Town"},
	"matter.level.3":      {ZH: "市", EN: "City"},
	"matter.today":        {ZH: "今天", EN: "today"},
	"matter.now":          {ZH: "现在", EN: "Now"},
	"matter.life":         {ZH: "经过", EN: "What became of it"},
	"matter.day":          {ZH: "日期", EN: "Day"},
	"matter.level":        {ZH: "哪一级", EN: "Level"},
	"matter.who":          {ZH: "谁", EN: "Who"},
	"matter.what":         {ZH: "做了什么", EN: "What"},
	"matter.move":         {ZH: "{0} → {1}", EN: "{0} → {1}"},
	"matter.up":           {ZH: "上报：{0} → {1}", EN: "Handed up: {0} → {1}"},
	"matter.edit":         {ZH: "改了“{0}”", EN: "Changed “{0}”"},
	"matter.conflict":     {ZH: "“{0}”两个人写得不一样，等管理员定", EN: "“{0}” was written in two ways; the administrator decides"},
	"matter.conflict.old": {ZH: "“{0}”两个人写得不一样", EN: "“{0}” was written in two ways"},
	"matter.decided":      {ZH: "“{0}”定下来了", EN: "“{0}” was decided"},
	"matter.made":         {ZH: "记下", EN: "Written down"},
	"matter.visit":        {ZH: "{0}走访时记下", EN: "raised on the visit of {0}"},
	"matter.novisit":      {ZH: "不是走访那天记下的", EN: "not written down on a visit"},
	"matter.journal":      {ZH: "看那天的日志", EN: "the journal of that day"},
	"matter.waits":        {ZH: "在等", EN: "Waits for"},
	"matter.waitdays":     {ZH: "等了", EN: "For"},
	"matter.due":          {ZH: "期限", EN: "Due"},
	"matter.nodue":        {ZH: "没有定期限", EN: "no day was set"},
	"matter.left":         {ZH: "还有 {0} 天", EN: "{0} day left|{0} days left"},
	"matter.age":          {ZH: "已历时", EN: "Age"},
	"matter.raised":       {ZH: "谁反映", EN: "Raised by"},
	"matter.home":         {ZH: "哪一户", EN: "Household"},
	"matter.by":           {ZH: "谁记的", EN: "Written by"},
	"matter.from":         {ZH: "怎么来的", EN: "How"},
	"matter.detail":       {ZH: "详情", EN: "Details"},
	"matter.supporters":   {ZH: "附议", EN: "Supporters"},
	"matter.supporters.n": {ZH: "{0} 人", EN: "{0} person|{0} people"},
	"matter.itself":       {ZH: "群众本人（联系卡）", EN: "The household itself (card)"},
	"matter.answer":       {ZH: "答复", EN: "Answer"},
	"matter.word":         {ZH: "群众评价", EN: "Their word"},
	"matter.open":         {ZH: "有 {0} 处等管理员定", EN: "{0} place waits for the administrator|{0} places wait for the administrator"},
	"matter.open.go":      {ZH: "去定", EN: "Decide"},
	"matter.nothing":      {ZH: "还没有人接手", EN: "Nobody has taken it up yet"},
	"month":               {ZH: "2006年1月", EN: "Jan 2006"},
}

// month writes “2026-11” for people.
func (l tongue) month(m string) string {
	t, err := time.Parse("2006-01", m)
	if err != nil {
		return m
	}
	return t.Format(catalogue["month"].In(schema.Lang(l)))
}

// levels are those that a matter may climb to.
const levels = 4

func showMatter(rq *request) error {
	var p *matterPage
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		life, err := branch.OneLife(tx, rq.row.ID, rq.app.zone)
		if err != nil || life == nil {
			return errorOr(err, errNotFound)
		}
		p = rq.matterPage(life)
		return nil
	})
	if err != nil {
		return err
	}
	return rq.show("matter", p)
}

func (rq *request) matterPage(life *branch.Life) *matterPage {
	p := &matterPage{frame: frame{Title: life.Title, Nav: "matters", Back: rq.at("/matters"), Sub: rq.words.say("matter.sub", life.Head)}, Life: life, Row: rq.matterRow(&life.MatterLine), Opened: len(life.Open)}
	p.Waits = rq.waits(life.State, life.Author)
	p.Since = daysSince("", life.Since, rq.now)
	p.Home = rq.at("/coverage?at=" + string(life.Household) + "#r")
	if life.Journal != "" {
		p.Journal = rq.at("/review/" + life.Journal)
	}
	if p.Opened > 0 && rq.may("GET /at/{place}/conflicts/{row}") {
		p.Conflict = rq.at("/conflicts/" + string(life.Open[0]))
	}
	if d, err := time.ParseInLocation(time.DateOnly, life.Due, rq.app.zone); err == nil && p.Row.Waits != rq.words.say("matters.wait.none") {
		p.Left = max(0, int(d.Sub(rq.now).Hours()/24)+1)
	}
	p.Fours = rq.fours(life)
	stops := rq.course(p, life)
	p.Lanes = chart.Lanes(stops)
	return p
}

// fours are the four steps, with the newest word of each.
func (rq *request) fours(life *branch.Life) (out []four) {
	kinds := rq.app.opt.Engine.Book.Table("matter_step").Column("kind")
	open := true
	for i, kind := range []string{"record", "discuss", "handle", "answer"} {
		f := four{N: i + 1, Name: kinds.Option(kind).Label.In(schema.Lang(rq.words))}
		for _, e := range life.Events {
			if e.Kind == kind {
				f.Done, f.Day, f.Say = true, e.Day, e.Who
				break
			}
		}
		// What a state has passed is done, whether or not anybody wrote a step.
		if !f.Done {
			f.Done = i == 1 && (life.State == "assigned" || life.State == "handling") || i <= 2 && (life.State == "handled" || life.State == "answered") || i == 3 && life.State == "answered" || i == 0
		}
		if f.Now = !f.Done && open && life.State != "withdrawn"; f.Now {
			open = false
		}
		out = append(out, f)
	}
	return out
}

// course follows a matter through the levels, and gives each event its level.
func (rq *request) course(p *matterPage, life *branch.Life) chart.Course {
	l := rq.words
	level := 0
	c := chart.Course{ID: "lanes", Title: l.say("matter.lanes"), Now: rq.now, Today: l.say("matter.today"), Done: life.State == "answered" || life.State == "withdrawn",
		Month: func(t time.Time) string { return l.month(t.Format("2006-01")) }}
	for i := range levels {
		c.Levels = append(c.Levels, l.say("matter.level."+string(rune('0'+i))))
	}
	begin := life.Made
	if d, err := time.ParseInLocation(time.DateOnly, life.Day, rq.app.zone); err == nil {
		begin = d
	}
	c.Stops = []chart.Stop{{At: begin, Level: 0, Label: l.say("matter.made") + " " + l.date(begin.Format(time.DateOnly), rq.now)}}
	flow := rq.app.opt.Engine.Book.Table("matter").FlowColumn()
	say := func(state string) string { return flow.Show(schema.Text(state), schema.Lang(l), nil) }
	p.Events = make([]lifeEvent, len(life.Events))
	climbed := false
	for i := len(life.Events) - 1; i >= 0; i-- {
		e := life.Events[i]
		v := lifeEvent{Event: e}
		if e.Kind == branch.EventMove {
			switch {
			case e.To == "referred":
				climbed = true
			case e.To == "answered":
				level = 0
			case climbed:
				level, climbed = min(level+1, levels-1), false
			case level == 0 && e.To != "withdrawn" && e.To != "handled":
				level = 1
			}
			c.Stops = append(c.Stops, chart.Stop{At: e.At, Level: level, Label: say(e.To) + " " + l.date(e.Day, rq.now)})
		}
		rq.sayEvent(&v, say)
		v.Level = c.Levels[level]
		if e.Kind == "record" || e.Kind == "answer" || e.Kind == "word" {
			v.Level = c.Levels[0]
		}
		p.Events[i] = v
	}
	c.Desc = l.say("matter.lanes.d", l.date(begin.Format(time.DateOnly), rq.now), len(c.Stops), c.Levels[level])
	if d, err := time.ParseInLocation(time.DateOnly, life.Due, rq.app.zone); err == nil {
		c.Due, c.Late = d.AddDate(0, 0, 1), l.say("matters.late", p.Row.Late)
	}
	return c
}

// sayEvent says what happened.
func (rq *request) sayEvent(v *lifeEvent, say func(string) string) {
	l, lang := rq.words, schema.Lang(rq.words)
	column := ""
	if v.Column != nil {
		column = v.Column.Label.In(lang)
	}
	switch v.Kind {
	case branch.EventMove:
		v.Icon, v.Tone, v.Title = "next", "", l.say("matter.move", say(v.From), say(v.To))
		if v.To == "referred" {
			v.Icon, v.Title = "up", l.say("matter.up", say(v.From), say(v.To))
		}
	case branch.EventEdit:
		v.Icon, v.Title = "edit", l.say("matter.edit", column)
	case branch.EventConflict:
		v.Icon, v.Title = "split", l.say("matter.conflict.old", column)
		if v.Item != "" {
			v.Tone, v.Title = "c-act", l.say("matter.conflict", column)
			if rq.may("GET /at/{place}/conflicts/{row}") {
				v.Path = rq.at("/conflicts/" + v.Item)
			}
		}
	case branch.EventDecided:
		v.Icon, v.Title = "check", l.say("matter.decided", column)
	default:
		o := rq.app.opt.Engine.Book.Table("matter_step").Column("kind").Option(v.Kind)
		v.Icon = map[string]string{"record": "journal", "discuss": "board", "handle": "sync", "answer": "answer", "word": "listen"}[v.Kind]
		if v.Own {
			v.Who, v.Text = l.say("matter.itself"), rq.spoken(v.Mark, v.Text)
		}
		if v.Title = v.Kind; o != nil {
			v.Title = o.Label.In(lang)
		}
		if v.Icon == "" {
			v.Icon = "journal"
		}
	}
}
