package console

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"minqing/internal/webpage"
	"minqing/schema"
	"minqing/server/console/branch"
	"minqing/server/store"
)

// mattersPage is a part of the list of matters, and what it may be narrowed by. Everything asked stands in the address.
type mattersPage struct {
	frame
	Quick  []facetLink
	Facets []facet
	Form   string // address of the form
	Kept   url.Values
	States []pick // of the form
	Groups []pick
	Cadres []pick
	Only   []facetLink // what the list is narrowed to beyond the form, each with the address without it
	Rows   []matterRow
	N      string
	Any    bool // something is asked for
	All    string
	turns
}

// Hidden is what the form keeps of the address beside its own fields.
func (p *mattersPage) Hidden() url.Values { return without(p.Kept, "state", "group", "cadre") }

func without(kept url.Values, names ...string) url.Values {
	out := maps.Clone(kept)
	for _, n := range names {
		out.Del(n)
	}
	return out
}

// turns are the links between the parts of a list.
type turns struct{ First, Prev, Next, Last string }

// facet is one row of links that narrow a list; facetLink one of them.
type facet struct {
	Label string
	Links []facetLink
}

type facetLink struct {
	Label, Path, Count string
	On                 bool
}

type pick struct {
	Value, Label string
	On           bool
}

type matterRow struct {
	*branch.MatterLine
	Path              string
	Kind, State, Icon string
	Tone              string // of the chip
	Urgent            string
	Team              string
	Waits             string
	Waited, Age       int // days
	Late              int // days over its day
}

var matterHandlers = map[string]handler{
	"GET /at/{place}/matters":       showMatters,
	"GET /at/{place}/matters/{row}": showMatter,
}

var mattersWords = words{
	"nav.matters":             {ZH: "事项", EN: "Matters"},
	"matters.quick":           {ZH: "先看哪些", EN: "What to look at"},
	"matters.q.open":          {ZH: "没办完", EN: "Open"},
	"matters.q.overdue":       {ZH: "逾期", EN: "Overdue"},
	"matters.q.urgent":        {ZH: "急事", EN: "Urgent"},
	"matters.q.still":         {ZH: "没人接手", EN: "Not taken up"},
	"matters.q.handled":       {ZH: "等送答复", EN: "To be answered"},
	"matters.q.all":           {ZH: "全部", EN: "All"},
	"matters.any":             {ZH: "全部", EN: "any"},
	"matters.kind":            {ZH: "类别", EN: "Kind"},
	"matters.urgency":         {ZH: "急不急", EN: "Urgency"},
	"matters.urgency.1":       {ZH: "较急以上", EN: "pressing or more"},
	"matters.urgency.2":       {ZH: "急事以上", EN: "urgent or more"},
	"matters.urgency.3":       {ZH: "特急", EN: "most urgent"},
	"matters.is.1":            {ZH: "较急", EN: "pressing"},
	"matters.is.2":            {ZH: "急", EN: "urgent"},
	"matters.is.3":            {ZH: "特急", EN: "most urgent"},
	"matters.team":            {ZH: "队伍", EN: "Team"},
	"matters.age":             {ZH: "记下多久", EN: "Age"},
	"matters.age.n":           {ZH: "满 {0} 天", EN: "{0} day or more|{0} days or more"},
	"matters.order":           {ZH: "顺序", EN: "Order"},
	"matters.order.old":       {ZH: "等得久的在前", EN: "longest waiting first"},
	"matters.order.new":       {ZH: "新记的在前", EN: "newest first"},
	"matters.state":           {ZH: "状态", EN: "State"},
	"matters.state.open":      {ZH: "没办完的", EN: "all open"},
	"matters.state.all":       {ZH: "所有状态", EN: "every state"},
	"matters.group":           {ZH: "地方", EN: "Place"},
	"matters.group.all":       {ZH: "{0}全部", EN: "all of {0}"},
	"matters.cadre":           {ZH: "谁记的", EN: "Written down by"},
	"matters.cadre.all":       {ZH: "所有人", EN: "anybody"},
	"matters.narrow":          {ZH: "筛选", EN: "Narrow"},
	"matters.drop":            {ZH: "去掉", EN: "without it"},
	"matters.only.day":        {ZH: "{0}记下的", EN: "written down {0}"},
	"matters.only.solved":     {ZH: "{0}办结的", EN: "handled {0}"},
	"matters.only.answered":   {ZH: "{0} {1}送到答复的", EN: "answered by {0} {1}"},
	"matters.only.none":       {ZH: "没写日期的", EN: "without a day"},
	"matters.only.to":         {ZH: "{0} 到 {1}", EN: "{0} to {1}"},
	"matters.n":               {ZH: "{0} 件", EN: "{0}"},
	"matters.many":            {ZH: "{0} 件以上", EN: "more than {0}"},
	"matters.what":            {ZH: "事项", EN: "Matter"},
	"matters.home":            {ZH: "哪一户", EN: "Household"},
	"matters.by":              {ZH: "谁记的", EN: "By"},
	"matters.waits":           {ZH: "在等什么", EN: "Waits for"},
	"matters.waited":          {ZH: "等了", EN: "Waiting"},
	"matters.total":           {ZH: "历时", EN: "Age"},
	"matters.due":             {ZH: "期限", EN: "Due"},
	"matters.days":            {ZH: "{0} 天", EN: "{0} day|{0} days"},
	"matters.late":            {ZH: "逾期 {0} 天", EN: "{0} day overdue|{0} days overdue"},
	"matters.wait.recorded":   {ZH: "村里议", EN: "the branch to take it up"},
	"matters.wait.discussing": {ZH: "议事定下来", EN: "the meeting's decision"},
	"matters.wait.assigned":   {ZH: "承办的接手", EN: "the handler to begin"},
	"matters.wait.handling":   {ZH: "承办的办完", EN: "the handler to finish"},
	"matters.wait.referred":   {ZH: "上级定", EN: "the level above"},
	"matters.wait.handled":    {ZH: "{0}送答复", EN: "{0} to bring the answer"},
	"matters.wait.none":       {ZH: "不等什么", EN: "nothing"},
	"matters.first":           {ZH: "第一页", EN: "First page"},
	"matters.prev":            {ZH: "上一页", EN: "Previous page"},
	"matters.next":            {ZH: "下一页", EN: "Next page"},
	"matters.last":            {ZH: "最后一页", EN: "Last page"},
	"matters.pages":           {ZH: "翻页", EN: "Pages of the list"},
	"matters.none":            {ZH: "没有这样的事项", EN: "No such matter"},
	"matters.none.t":          {ZH: "换一个条件看看。", EN: "Try other conditions."},
	"matters.blank":           {ZH: "还没有事项", EN: "No matters yet"},
	"matters.blank.t":         {ZH: "走访时记下的事会列在这里。", EN: "What is raised on visits is listed here."},
}

// mattersListed is how many matters a part of the list holds.
const mattersListed = 50

var aMonth = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])$`)

// months reads “2026-11” or “2026-01.2026-11”; nothing of what is neither.
func months(text string) (out [2]string) {
	if aMonth.MatchString(text) {
		return [2]string{text, text}
	}
	if len(text) == 15 && text[7] == '.' && aMonth.MatchString(text[:7]) && aMonth.MatchString(text[8:]) {
		return [2]string{text[:7], text[8:]}
	}
	return out
}

// matterAsk reads what the address asks. What it cannot mean is left out.
func (rq *request) matterAsk(tx *store.Tx, q url.Values) (a branch.MatterAsk, kept url.Values, err error) {
	kept = url.Values{}
	keep := func(name string) string {
		kept.Set(name, q.Get(name))
		return q.Get(name)
	}
	table := rq.app.opt.Engine.Book.Table("matter")
	a.Within = rq.place.ID
	if g := q.Get("group"); schema.ValidID(g) && g != rq.place.ID {
		in, err := branch.Inside(tx, g, rq.place.ID)
		if err != nil {
			return a, nil, err
		}
		if in {
			a.Within = keep("group")
		}
	}
	switch s := q.Get("state"); {
	case s == "all":
		keep("state")
	case table.FlowColumn().Option(s) != nil:
		a.State = keep("state")
	default:
		a.Open = true
	}
	if table.Column("kind").Option(q.Get("kind")) != nil {
		a.Kind = keep("kind")
	}
	if q.Get("team") == branch.NoTeam || rq.app.opt.Engine.Book.Table("assignment").Column("team").Option(q.Get("team")) != nil {
		a.Team = keep("team")
	}
	if n, err := strconv.Atoi(q.Get("urgency")); err == nil && n >= 1 && n <= 3 {
		a.Urgent, _ = strconv.Atoi(keep("urgency"))
	}
	if n, err := strconv.Atoi(q.Get("age")); err == nil && n > 0 && n < 10000 {
		a.Days, _ = strconv.Atoi(keep("age"))
	}
	if schema.ValidID(q.Get("cadre")) {
		a.Cadre = keep("cadre")
	}
	if a.Day = months(q.Get("day")); a.Day[0] != "" {
		keep("day")
	}
	if a.Undated = q.Get("day") == "none"; a.Undated {
		keep("day")
	}
	if a.Solved = months(q.Get("solved")); a.Solved[0] != "" {
		keep("solved")
	}
	if m := months(q.Get("answered")); m[0] != "" && schema.ValidID(q.Get("by")) {
		a.Answered, a.By = m, q.Get("by")
		keep("answered")
		keep("by")
	}
	if a.Overdue = q.Get("late") == "1"; a.Overdue {
		keep("late")
	}
	if a.Still = q.Get("still") == "1"; a.Still {
		keep("still")
	}
	if a.Newest = q.Get("order") == "new"; a.Newest {
		keep("order")
	}
	return a, kept, nil
}

// with is the list's address with other values; "" takes one away.
func with(path string, kept url.Values, pairs ...string) string {
	q := url.Values{}
	for name, v := range kept {
		q[name] = v
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// turn reads which part of a list is asked for.
func turn(q url.Values) (t branch.Turn) {
	switch {
	case schema.ValidID(q.Get("after")):
		t.After = q.Get("after")
	case schema.ValidID(q.Get("before")):
		t.Before = q.Get("before")
	case q.Get("end") == "1":
		t.Last = true
	}
	return t
}

// turnsOf are the links to the other parts of a list, given its first and last key.
func turnsOf(path string, kept url.Values, back, more bool, first, last string) (t turns) {
	if back {
		t.First, t.Prev = with(path, kept), with(path, kept, "before", first)
	}
	if more {
		t.Next, t.Last = with(path, kept, "after", last), with(path, kept, "end", "1")
	}
	return t
}

func showMatters(rq *request) error {
	p := &mattersPage{frame: frame{Title: rq.words.say("nav.matters"), Nav: "matters"}, Form: rq.at("/matters"), All: rq.at("/matters?state=all")}
	q := rq.URL.Query()
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		ask, kept, err := rq.matterAsk(tx, q)
		if err != nil {
			return err
		}
		list, err := branch.Matters(tx, ask, turn(q), mattersListed, rq.now)
		if err != nil {
			return err
		}
		p.Kept, p.Any, p.N = kept, len(kept) > 0, rq.words.say("matters.n", list.N)
		if list.N > branch.Most {
			p.N = rq.words.say("matters.many", branch.Most)
		}
		p.Sub, p.Rows = p.N, nil
		for _, l := range list.Lines {
			p.Rows = append(p.Rows, rq.matterRow(l))
		}
		if n := len(list.Lines); n > 0 {
			p.turns = turnsOf(p.Form, kept, list.Back, list.More, string(list.Lines[0].ID), string(list.Lines[n-1].ID))
		}
		if err := rq.matterQuick(tx, p, ask, kept); err != nil {
			return err
		}
		rq.matterFacets(p, ask, kept)
		return rq.matterForm(tx, p, ask, kept)
	})
	if err != nil {
		return err
	}
	return rq.show("matters", p)
}

// tones are the colours and icons of states.
var tones = map[string][2]string{"recorded": {"local", "journal"}, "discussing": {"sent", "board"}, "assigned": {"sent", "assign"}, "handling": {"sent", "sync"}, "referred": {"sent", "up"},
	"handled": {"act", "answer"}, "withdrawn": {"local", "x"}, "answered": {"read", "check2"}}

func daysSince(day string, made, now time.Time) int {
	from, err := time.ParseInLocation(time.DateOnly, day, now.Location())
	if err != nil {
		from = made
	}
	return max(0, int(now.Sub(from).Hours()/24))
}

func (rq *request) matterRow(l *branch.MatterLine) matterRow {
	lang, book := schema.Lang(rq.words), rq.app.opt.Engine.Book
	r := matterRow{MatterLine: l, Path: rq.at("/matters/" + string(l.ID)), Kind: book.Table("matter").Column("kind").Show(schema.Text(l.Kind), lang, nil),
		State: book.Table("matter").FlowColumn().Show(schema.Text(l.State), lang, nil), Tone: tones[l.State][0], Icon: tones[l.State][1], Waits: rq.waits(l.State, l.Author),
		Age: daysSince(l.Day, l.Made, rq.now)}
	if l.Team != "" {
		r.Team = book.Table("assignment").Column("team").Show(schema.Text(l.Team), lang, nil)
	}
	if l.Urgency > 0 && l.Urgency <= 3 {
		r.Urgent = rq.words.say("matters.is." + strconv.Itoa(l.Urgency))
	}
	if l.State != "answered" && l.State != "withdrawn" {
		r.Waited = daysSince(l.Stepped, l.Made, rq.now)
		if l.Due != "" && l.Due < rq.today() {
			r.Late = daysSince(l.Due, l.Made, rq.now)
		}
	}
	return r
}

// waits says what a matter in a state waits for.
func (rq *request) waits(state, author string) string {
	if state == "answered" || state == "withdrawn" {
		return rq.words.say("matters.wait.none")
	}
	return rq.words.say("matters.wait."+state, author)
}

// matterQuick counts what is looked at first, of the place that is asked for.
func (rq *request) matterQuick(tx *store.Tx, p *mattersPage, ask branch.MatterAsk, kept url.Values) error {
	place := url.Values{}
	if g := kept.Get("group"); g != "" {
		place.Set("group", g)
	}
	p.Quick = nil
	quick := []struct {
		key   string
		ask   branch.MatterAsk
		pairs []string
	}{
		{"open", branch.MatterAsk{Open: true}, nil}, {"overdue", branch.MatterAsk{Overdue: true}, []string{"late", "1"}}, {"urgent", branch.MatterAsk{Open: true, Urgent: 2}, []string{"urgency", "2"}},
		{"still", branch.MatterAsk{Still: true}, []string{"still", "1"}}, {"handled", branch.MatterAsk{State: "handled"}, []string{"state", "handled"}}, {"all", branch.MatterAsk{}, []string{"state", "all"}},
	}
	var counts []func() error
	for i := range quick {
		quick[i].ask.Within = ask.Within
		counts = append(counts, func() error { _, err := branch.CountMatters(tx, quick[i].ask, rq.now); return err })
	}
	if err := tx.Ahead(counts...); err != nil {
		return err
	}
	for _, x := range quick {
		n, err := branch.CountMatters(tx, x.ask, rq.now)
		if err != nil {
			return err
		}
		path := with(p.Form, place, x.pairs...)
		p.Quick = append(p.Quick, facetLink{Label: rq.words.say("matters.q." + x.key), Path: path, Count: upTo(n), On: path == with(p.Form, kept)})
	}
	return nil
}

// upTo writes a count that goes to a bound: 1,000+.
func upTo(n int) string {
	if n > branch.Most {
		return webpage.Count(branch.Most) + "+"
	}
	return webpage.Count(n)
}

// matterFacets are the conditions with few values: a link each.
func (rq *request) matterFacets(p *mattersPage, ask branch.MatterAsk, kept url.Values) {
	lang, book := schema.Lang(rq.words), rq.app.opt.Engine.Book
	p.Facets = nil
	add := func(label, name, now string, values []pick) {
		f := facet{Label: rq.words.say(label)}
		for _, v := range append([]pick{{"", rq.words.say("matters.any"), false}}, values...) {
			f.Links = append(f.Links, facetLink{Label: v.Label, Path: with(p.Form, kept, name, v.Value), On: v.Value == now})
		}
		p.Facets = append(p.Facets, f)
	}
	options := func(list []schema.Option) (out []pick) {
		for _, o := range list {
			out = append(out, pick{Value: o.Value, Label: o.Label.In(lang)})
		}
		return out
	}
	add("matters.kind", "kind", ask.Kind, options(book.Table("matter").Column("kind").Options))
	add("matters.team", "team", ask.Team, options(book.Table("assignment").Column("team").Options))
	var urgency, ages []pick
	for i := range 3 {
		urgency = append(urgency, pick{Value: strconv.Itoa(i + 1), Label: rq.words.say("matters.urgency." + strconv.Itoa(i+1))})
	}
	add("matters.urgency", "urgency", kept.Get("urgency"), urgency)
	for _, n := range []int{7, 30, 90} {
		ages = append(ages, pick{Value: strconv.Itoa(n), Label: rq.words.say("matters.age.n", n)})
	}
	add("matters.age", "age", kept.Get("age"), ages)
	p.Facets = append(p.Facets, facet{Label: rq.words.say("matters.order"), Links: []facetLink{
		{Label: rq.words.say("matters.order.old"), Path: with(p.Form, kept, "order", ""), On: !ask.Newest},
		{Label: rq.words.say("matters.order.new"), Path: with(p.Form, kept, "order", "new"), On: ask.Newest}}})
}

// matterForm are the conditions with many values, and those that only links from other pages set.
func (rq *request) matterForm(tx *store.Tx, p *mattersPage, ask branch.MatterAsk, kept url.Values) error {
	l, lang := rq.words, schema.Lang(rq.words)
	p.States = []pick{{"", l.say("matters.state.open"), ask.Open}, {"all", l.say("matters.state.all"), kept.Get("state") == "all"}}
	flow := rq.app.opt.Engine.Book.Table("matter").FlowColumn()
	for _, s := range flow.Flow.States {
		p.States = append(p.States, pick{s.Value, s.Label.In(lang), ask.State == s.Value})
	}
	under, err := branch.Under(tx, rq.place.ID)
	if err != nil {
		return err
	}
	p.Groups = []pick{{"", l.say("matters.group.all", rq.place.Name), ask.Within == rq.place.ID}}
	known := ask.Within == rq.place.ID
	for _, u := range under {
		p.Groups = append(p.Groups, pick{u.ID, u.Name, u.ID == ask.Within})
		known = known || u.ID == ask.Within
	}
	if !known { // a place further down
		down, err := placeOf(tx, ask.Within)
		if err != nil {
			return err
		}
		p.Groups = append(p.Groups, pick{down.ID, down.Name, true})
	}
	if p.Cadres, err = rq.cadreChoices(tx, ask.Cadre); err != nil {
		return err
	}
	p.Only = nil
	if ask.Team == branch.NoTeam {
		p.Only = append(p.Only, facetLink{Label: l.say("numbers.noteam"), Path: with(p.Form, kept, "team", "")})
	}
	if ask.Day[0] != "" {
		p.Only = append(p.Only, facetLink{Label: l.say("matters.only.day", rq.monthsText(ask.Day)), Path: with(p.Form, kept, "day", "")})
	}
	if ask.Undated {
		p.Only = append(p.Only, facetLink{Label: l.say("matters.only.none"), Path: with(p.Form, kept, "day", "")})
	}
	if ask.Solved[0] != "" {
		p.Only = append(p.Only, facetLink{Label: l.say("matters.only.solved", rq.monthsText(ask.Solved)), Path: with(p.Form, kept, "solved", "")})
	}
	if ask.By != "" {
		name, err := branch.UserName(tx, ask.By)
		if err != nil {
			return err
		}
		p.Only = append(p.Only, facetLink{Label: l.say("matters.only.answered", name, rq.monthsText(ask.Answered)), Path: with(p.Form, kept, "answered", "", "by", "")})
	}
	return nil
}

// cadreChoices are the cadres of the place to choose from, and the one who is chosen.
func (rq *request) cadreChoices(tx *store.Tx, chosen string) ([]pick, error) {
	cadres, err := branch.CadreNames(tx, rq.place.ID, rq.today())
	if err != nil {
		return nil, err
	}
	out := []pick{{"", rq.words.say("matters.cadre.all"), chosen == ""}}
	if chosen != "" && !slices.ContainsFunc(cadres, func(n branch.Named) bool { return n.ID == chosen }) {
		name, err := branch.UserName(tx, chosen)
		if err != nil {
			return nil, err
		}
		cadres = append(cadres, branch.Named{ID: chosen, Name: name})
	}
	for _, c := range cadres {
		out = append(out, pick{c.ID, c.Name, c.ID == chosen})
	}
	return out, nil
}

func (rq *request) monthsText(m [2]string) string {
	if m[0] == m[1] {
		return rq.words.month(m[0])
	}
	return rq.words.say("matters.only.to", rq.words.month(m[0]), rq.words.month(m[1]))
}
