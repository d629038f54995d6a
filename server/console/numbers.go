package console

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"time"

	"minqing/schema"
	"minqing/server/console/branch"
	"minqing/server/console/chart"
	"minqing/server/store"
)

// numbersPage is what a place reports upward, by month, by place and by team: pictures, and under each the table of its figures.
type numbersPage struct {
	frame
	Form     string
	Export   string
	From, To string
	Spans    []facetLink
	Total    numberLine
	Parts    []numberPart
	Undated  int
	Without  string // address of those without a day
	Empty    bool
}

// numberPart is one way to divide the figures.
type numberPart struct {
	ID, Title, Of string
	Picture       template.HTML
	Lines         []numberLine
}

// numberLine is one line of a table; each figure has the address of the matters that it counts.
type numberLine struct {
	Name    string
	Figures [3]figure
}

type figure struct {
	N    int
	Path string
}

var numbersHandlers = map[string]handler{
	"GET /at/{place}/numbers":         showNumbers,
	"POST /at/{place}/numbers/export": exportNumbers,
}

var numbersWords = words{
	"nav.numbers":           {ZH: "报表", EN: "Numbers"},
	"numbers.sub":           {ZH: "{0}，{1} 到 {2}", EN: "{0}, {1} to {2}"},
	"numbers.0":             {ZH: "收集意见", EN: "Opinions collected"},
	"numbers.1":             {ZH: "解决困难", EN: "Difficulties solved"},
	"numbers.2":             {ZH: "化解矛盾", EN: "Disputes settled"},
	"numbers.total":         {ZH: "合计", EN: "In all"},
	"numbers.month":         {ZH: "按月", EN: "By month"},
	"numbers.month.of":      {ZH: "月份", EN: "Month"},
	"numbers.place":         {ZH: "按地方", EN: "By place"},
	"numbers.place.of":      {ZH: "地方", EN: "Place"},
	"numbers.team":          {ZH: "按队伍", EN: "By team"},
	"numbers.team.of":       {ZH: "队伍", EN: "Team"},
	"numbers.noteam":        {ZH: "不在队伍里的人记的", EN: "by people of no team"},
	"numbers.here":          {ZH: "{0}（不在下级的户）", EN: "{0} (homes in none of these)"},
	"numbers.desc":          {ZH: "{0}：收集意见 {1} 件，解决困难 {2} 件，化解矛盾 {3} 件。数字都在下面的表里。", EN: "{0}: {1} opinions collected, {2} difficulties solved, {3} disputes settled. The table below has every figure."},
	"numbers.how":           {ZH: "收集意见：这些月里记下的全部事项，按记下的日子。解决困难、化解矛盾：办结的困难、矛盾纠纷，按办结的日子。点数字看是哪些。", EN: "Opinions collected: all matters written down in these months, by that day. Difficulties solved and disputes settled: those of their kind that were handled, by that day. A figure opens what it counts."},
	"numbers.undated":       {ZH: "另有 {0} 件没写日期，不在各月里。", EN: "{0} more has no day and is in no month.|{0} more have no day and are in no month."},
	"numbers.undated.go":    {ZH: "看是哪些", EN: "See which"},
	"numbers.from":          {ZH: "从", EN: "From"},
	"numbers.to":            {ZH: "到", EN: "To"},
	"numbers.go":            {ZH: "看这些月", EN: "Show"},
	"numbers.span":          {ZH: "哪段时间", EN: "Months"},
	"numbers.span.month":    {ZH: "本月", EN: "this month"},
	"numbers.span.quarter":  {ZH: "本季", EN: "this quarter"},
	"numbers.span.year":     {ZH: "今年", EN: "this year"},
	"numbers.span.twelve":   {ZH: "近 12 个月", EN: "the last 12 months"},
	"numbers.empty":         {ZH: "这段时间没有事项", EN: "No matters in these months"},
	"numbers.empty.t":       {ZH: "换一段时间看看。", EN: "Try other months."},
	"numbers.by":            {ZH: "分法", EN: "Divided"},
	"numbers.what":          {ZH: "名称", EN: "Name"},
	"numbers.picture":       {ZH: "{0}的柱图", EN: "Bars {0}"},
	"numbers.places.behind": {ZH: "地方多，只列在表里。", EN: "Too many places for a picture; the table lists them."},
}

// mostMonths bounds the months of a report, and how many stand abreast in its picture; placesAbreast are the places that have room for their names
// there, and mostPlaces those of a picture, in rows: a township of 45 villages has its picture, a table of hundreds says more than one.
const (
	mostMonths    = 36
	placesAbreast = 20
	mostPlaces    = 60
)

// reportMonths reads the months that the address asks for: the last twelve where it says nothing that can be meant.
func (rq *request) reportMonths(q url.Values) (out []string) {
	this := time.Date(rq.now.Year(), rq.now.Month(), 1, 0, 0, 0, 0, time.UTC)
	from, to := this.AddDate(0, -11, 0), this
	if t, err := time.Parse("2006-01", q.Get("to")); err == nil && t.Year() > 1949 {
		to, from = t, t.AddDate(0, -11, 0)
	}
	if t, err := time.Parse("2006-01", q.Get("from")); err == nil && t.Year() > 1949 && !t.After(to) {
		from = t
	}
	for m := from; !m.After(to); m = m.AddDate(0, 1, 0) {
		out = append(out, m.Format("2006-01"))
	}
	return out[max(0, len(out)-mostMonths):]
}

func (rq *request) numbers(q url.Values) (p *numbersPage, err error) {
	months := rq.reportMonths(q)
	err = rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		n, err := branch.ReadNumbers(tx, rq.place.ID, months)
		if err != nil {
			return err
		}
		p = rq.numbersPage(n)
		return nil
	})
	return p, err
}

// numberLine makes a line whose figures lead to what they count. span bounds the day on which a matter was raised or handled.
func (rq *request) numberLine(name string, t branch.Tally, span string, pairs ...string) numberLine {
	l := numberLine{Name: name}
	for i, n := range []int{t.Collected, t.Solved, t.Settled} {
		q := url.Values{"state": {"all"}, []string{"day", "solved", "solved"}[i]: {span}}
		if kind := []string{"", "difficulty", "dispute"}[i]; kind != "" {
			q.Set("kind", kind)
		}
		l.Figures[i] = figure{N: n, Path: with(rq.at("/matters"), q, pairs...)}
	}
	return l
}

func (rq *request) numbersPage(n *branch.Numbers) *numbersPage {
	l := rq.words
	from, to := n.Months[0], n.Months[len(n.Months)-1]
	span := from + "." + to
	if from == to {
		span = from
	}
	p := &numbersPage{frame: frame{Title: l.say("nav.numbers"), Nav: "numbers", Sub: l.say("numbers.sub", rq.place.Name, l.month(from), l.month(to))}, Form: rq.at("/numbers"), Export: rq.at("/numbers/export"),
		From: from, To: to, Total: rq.numberLine(l.say("numbers.total"), n.Total, span), Undated: n.Undated, Without: rq.at("/matters?state=all&day=none"), Empty: n.Total == branch.Tally{}}
	this := time.Date(rq.now.Year(), rq.now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for i, back := range []int{0, (int(this.Month()) - 1) % 3, int(this.Month()) - 1, 11} {
		f := this.AddDate(0, -back, 0).Format("2006-01")
		p.Spans = append(p.Spans, facetLink{Label: l.say("numbers.span." + []string{"month", "quarter", "year", "twelve"}[i]), Path: rq.at("/numbers?from=" + f + "&to=" + this.Format("2006-01")), On: f == from && to == this.Format("2006-01")})
	}
	month := numberPart{ID: "month", Title: l.say("numbers.month"), Of: l.say("numbers.month.of")}
	short := make([]string, len(n.Months))
	for i, m := range n.Months {
		month.Lines = append(month.Lines, rq.numberLine(l.month(m), *n.ByMonth[m], m))
		if short[i] = m[2:4] + "." + m[5:]; len(n.Months) <= 12 {
			short[i] = l.month(m)
		}
	}
	rq.draw(&month, short, mostMonths, n.Total)
	place := numberPart{ID: "place", Title: l.say("numbers.place"), Of: l.say("numbers.place.of")}
	var names []string
	for _, x := range n.ByPlace {
		place.Lines, names = append(place.Lines, rq.numberLine(x.Name, x.Tally, span, "group", x.ID)), append(names, x.Name)
	}
	if len(n.ByPlace) > 0 && n.Here != (branch.Tally{}) {
		place.Lines, names = append(place.Lines, numberLine{Name: l.say("numbers.here", rq.place.Name), Figures: [3]figure{{N: n.Here.Collected}, {N: n.Here.Solved}, {N: n.Here.Settled}}}), append(names, rq.place.Name)
	}
	if len(place.Lines) <= mostPlaces {
		rq.draw(&place, names, placesAbreast, n.Total)
	}
	team := numberPart{ID: "team", Title: l.say("numbers.team"), Of: l.say("numbers.team.of")}
	names = nil
	column := rq.app.opt.Engine.Book.Table("assignment").Column("team")
	for _, o := range append(slices.Clone(column.Options), schema.Option{}) {
		t, name, value := n.ByTeam[o.Value], o.Label.In(schema.Lang(l)), o.Value
		if o.Value == "" {
			name, value = l.say("numbers.noteam"), "none"
		}
		if t == nil {
			if t = (&branch.Tally{}); o.Value == "" {
				continue
			}
		}
		team.Lines, names = append(team.Lines, rq.numberLine(name, *t, span, "team", value)), append(names, name)
	}
	rq.draw(&team, names, mostMonths, n.Total)
	p.Parts = []numberPart{month}
	if len(place.Lines) > 0 {
		p.Parts = append(p.Parts, place)
	}
	p.Parts = append(p.Parts, team)
	return p
}

// draw draws a part as bars, so many places or months abreast.
func (rq *request) draw(p *numberPart, labels []string, abreast int, t branch.Tally) {
	if t == (branch.Tally{}) {
		return
	}
	var series []chart.Series
	for i := range 3 {
		s := chart.Series{Name: rq.words.say("numbers." + strconv.Itoa(i))}
		for _, line := range p.Lines {
			s.Values = append(s.Values, line.Figures[i].N)
		}
		series = append(series, s)
	}
	p.Picture = chart.Bars(p.ID, rq.words.say("numbers.picture", p.Title), rq.words.say("numbers.desc", p.Title, t.Collected, t.Solved, t.Settled), labels, series, abreast,
		func(s, i int) string { return p.Lines[i].Figures[s].Path })
}

func showNumbers(rq *request) error {
	p, err := rq.numbers(rq.URL.Query())
	if err != nil {
		return err
	}
	return rq.show("numbers", p)
}

// exportNumbers gives the tables as a file.
func exportNumbers(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := rq.numbers(f)
	if err != nil {
		return err
	}
	var rows [][]string
	add := func(by string, l numberLine) {
		rows = append(rows, []string{by, l.Name, strconv.Itoa(l.Figures[0].N), strconv.Itoa(l.Figures[1].N), strconv.Itoa(l.Figures[2].N)})
	}
	add(p.From+" - "+p.To, p.Total)
	for _, part := range p.Parts {
		for _, l := range part.Lines {
			add(part.Title, l)
		}
	}
	l := rq.words
	return rq.download("numbers", f.Get("as"), []string{l.say("numbers.by"), l.say("numbers.what"), l.say("numbers.0"), l.say("numbers.1"), l.say("numbers.2")}, rows)
}
