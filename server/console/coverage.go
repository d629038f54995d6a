package console

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/console/assign"
	"minqing/server/console/branch"
	"minqing/server/store"
)

// coveragePage is every household of a place in one picture, and under it a part of the table of those that were asked for.
type coveragePage struct {
	frame
	Chips    []coverChip
	Groups   []coverGroup
	Group    *coverGroup // the one that the table is about, nil for all
	All      string      // address of the table of all groups
	Rows     []coverRow
	Total    int    // of the table
	Before   int    // of the table, ahead of this part
	First    string // address of the first part
	More     string // and of the next
	Export   string
	Show     string
	Cadre    string // only his households, and Name is his
	Name     string
	Whose    string    // address of everybody's
	Empty    bool      // no households at all
	Large    bool      // the picture would be too large
	AtOnce   int       // of how many households one press reminds there
	Under    []wideRow // and this is the picture of it, a mark a village or group
	Counting int       // villages that were never counted
	Counted  time.Time // when the oldest of what shows was
	Most     int       // how many households a picture shows
	Remind   *coverRemind
}

// Assigns tells whether a row leads to where somebody is assigned.
func (p *coveragePage) Assigns() bool {
	return slices.ContainsFunc(p.Rows, func(r coverRow) bool { return r.Assign != "" })
}

// Look is how many households a part of a large place's table looks through.
func (p *coveragePage) Look() int { return branch.LookHomes }

// Shares are the marks of the picture of a large place.
func (p *coveragePage) Shares() []string { return shares }

// Upto is the last row of this part of the table.
func (p *coveragePage) Upto() int { return p.Before + len(p.Rows) }

type coverChip struct {
	Standing branch.Standing
	Label    string
	N        int
	On       bool
	Path     string
}

type coverGroup struct {
	*branch.CoverGroup
	Marks template.HTML // a household each, which leads to its row
	Path  string
	On    bool
}

type coverRow struct {
	*branch.Home
	Text     string
	Tags     []string
	Contacts []string
	On       bool
	Assign   string // where somebody is assigned to it, for those who may
	Waits    bool   // for a contact, who can be reminded
	Ticked   bool
	Reminded string // who was reminded last, by whom and when
}

var coverageHandlers = map[string]handler{
	"GET /at/{place}/coverage":         showCoverage,
	"POST /at/{place}/coverage/remind": remindCoverage,
	"POST /at/{place}/coverage/export": exportCoverage,
}

var coverageWords = words{
	"nav.coverage":             {ZH: "联系覆盖", EN: "Coverage"},
	"coverage.sub":             {ZH: "{2} {0} 个组，{1} 户中 {3} 户有人联系", EN: "{2}: {3} of {1} households in {0} group have a contact|{2}: {3} of {1} households in {0} groups have a contact"},
	"coverage.at":              {ZH: "截至 {0}", EN: "As of {0}"},
	"coverage.is.nobody":       {ZH: "没有人联系", EN: "Nobody"},
	"coverage.is.overdue":      {ZH: "隔了 2 个月以上", EN: "Over two months"},
	"coverage.is.unvisited":    {ZH: "本月还没去", EN: "Not this month"},
	"coverage.is.short":        {ZH: "本月还差", EN: "More owed"},
	"coverage.is.enough":       {ZH: "本月已够", EN: "Done this month"},
	"coverage.brief.nobody":    {ZH: "没派人", EN: "nobody"},
	"coverage.brief.overdue":   {ZH: "{0}天", EN: "{0}d"},
	"coverage.brief.unvisited": {ZH: "没去", EN: "not yet"},
	"coverage.brief.short":     {ZH: "差{0}次", EN: "{0} owed"},
	"coverage.brief.enough":    {ZH: "已够", EN: "done"},
	"coverage.days":            {ZH: "隔了 {0} 天", EN: "{0} day ago|{0} days ago"},
	"coverage.never":           {ZH: "派了 {0} 天，还没去过", EN: "never visited, {0} day assigned|never visited, {0} days assigned"},
	"coverage.lack":            {ZH: "本月还差 {0} 次", EN: "{0} visit owed|{0} visits owed"},
	"coverage.filter":          {ZH: "表里列哪些户", EN: "What the table lists"},
	"coverage.picture":         {ZH: "一格一户，按户号排，位置不变", EN: "One mark a household, in the order of codes"},
	"coverage.needs":           {ZH: "要管 / 户数", EN: "To see to / all"},
	"coverage.skip":            {ZH: "跳到下面的表", EN: "Skip to the table"},
	"coverage.table":           {ZH: "户的情况", EN: "Households"},
	"coverage.standing":        {ZH: "情况", EN: "Standing"},
	"coverage.head":            {ZH: "户主", EN: "Head"},
	"coverage.code":            {ZH: "户号", EN: "Code"},
	"coverage.group":           {ZH: "组", EN: "Group"},
	"coverage.address":         {ZH: "住址", EN: "Address"},
	"coverage.tags":            {ZH: "标签", EN: "Tags"},
	"coverage.contacts":        {ZH: "联系人", EN: "Contacts"},
	"coverage.last":            {ZH: "上次走访", EN: "Last visit"},
	"coverage.month":           {ZH: "本月", EN: "This month"},
	"coverage.none":            {ZH: "没有记录", EN: "none on record"},
	"coverage.done":            {ZH: "{0} 次中 {1} 次", EN: "{1} of {0}"},
	"coverage.owed":            {ZH: "本月应走访", EN: "Owed this month"},
	"coverage.visited":         {ZH: "本月已走访", EN: "Done this month"},
	"coverage.mark":            {ZH: "导出", EN: "Exported"},
	"coverage.foot":            {ZH: "共 {0} 户，这里是第 {1} 到第 {2} 户，急的在前", EN: "{0} household, {1} to {2} here, the most urgent first|{0} households, {1} to {2} here, the most urgent first"},
	"coverage.first":           {ZH: "回到开头", EN: "From the beginning"},
	"coverage.more":            {ZH: "下一页", EN: "Next page"},
	"coverage.only":            {ZH: "表里只列{0}", EN: "The table lists {0} alone"},
	"coverage.whose":           {ZH: "图和表里只有{0}联系的户", EN: "Only the households of {0}"},
	"coverage.everybody":       {ZH: "看所有的户", EN: "Show all households"},
	"coverage.all":             {ZH: "列所有的组", EN: "List all groups"},
	"coverage.nothing":         {ZH: "这样的户一户也没有", EN: "No household stands so"},
	"coverage.nothing.t":       {ZH: "上面点别的情况，表里就列出来。", EN: "Choose another standing above to list those."},
	"coverage.assign":          {ZH: "分派", EN: "Assign"},
	"coverage.look":            {ZH: "一次看 {0} 户，按地方排，急的不一定在前", EN: "{0} households at a time, place by place, not the most urgent first"},
	"coverage.nothing.on":      {ZH: "这一段里没有，可以接着往下找。", EN: "None among these; look further."},
	"coverage.empty":           {ZH: "还没有户", EN: "No households yet"},
	"coverage.empty.t":         {ZH: "管理员导入花名册以后，每户在这里占一格。", EN: "Each household gets a mark here once the administrator has imported the register."},
	"coverage.cut":             {ZH: "后面的没有写完，请重新导出。", EN: "The rest is missing; export it again."},
	"coverage.wide":            {ZH: "一格一个村或一个组，点开就到那里", EN: "One mark a village or group; it opens there"},
	"coverage.share":           {ZH: "{0} {1}/{2}", EN: "{0} {1}/{2}"},
	"coverage.share.enough":    {ZH: "没有要管的", EN: "none to see to"},
	"coverage.share.short":     {ZH: "不到五分之一", EN: "less than a fifth"},
	"coverage.share.unvisited": {ZH: "不到一半", EN: "less than half"},
	"coverage.share.overdue":   {ZH: "一半以上", EN: "half and more"},
	"coverage.share.nobody":    {ZH: "都要管", EN: "all of them"},
	"coverage.shares":          {ZH: "要管的户（没有人联系、隔了 2 个月以上、本月还没去）占多少", EN: "How many are to be seen to (nobody, over two months, not this month)"},
	"coverage.uncounted":       {ZH: "{0} 还没数", EN: "{0}: not counted yet"},
	"coverage.counting":        {ZH: "还有 {0} 个村正在数，数好自己显示。", EN: "{0} village is being counted and shows by itself.|{0} villages are being counted and show by themselves."},
	"coverage.counted":         {ZH: "数于 {0} 以后，一小时内不重数。", EN: "Counted since {0}; not counted anew within the hour."},
}

// mostHomes is how many households one picture shows: twice the largest community we know of (DOMAIN, sizes). Places above it choose.
const mostHomes = 4000

func (a *App) picture() int {
	if a.opt.Picture > 0 {
		return a.opt.Picture
	}
	return mostHomes
}

// coverageListed is how many households a part of the table holds.
const coverageListed = 50

// coverAsk is what the address asks of the table.
type coverAsk struct {
	show  []branch.Standing // empty: those that need a hand
	group string
	cadre string // only households that this one calls on
}

func (rq *request) coverAsk(q url.Values) (a coverAsk) {
	for _, s := range branch.Standings {
		if slices.Contains(strings.Split(q.Get("show"), "."), string(s)) {
			a.show = append(a.show, s)
		}
	}
	if schema.ValidID(q.Get("group")) {
		a.group = q.Get("group")
	}
	if schema.ValidID(q.Get("cadre")) {
		a.cadre = q.Get("cadre")
	}
	return a
}

// standings are those that the table lists.
func (a coverAsk) standings() []branch.Standing {
	if len(a.show) > 0 {
		return a.show
	}
	return slices.DeleteFunc(slices.Clone(branch.Standings), func(s branch.Standing) bool { return !s.Needs() })
}

// with gives the list with one more, or one fewer.
func (a coverAsk) with(s branch.Standing, on bool) coverAsk {
	list := slices.Clone(a.standings())
	if !on {
		a.show = slices.DeleteFunc(list, func(x branch.Standing) bool { return x == s })
		return a
	}
	if !slices.Contains(list, s) {
		list = append(list, s)
	}
	a.show = list
	return a
}

func (a coverAsk) words() string {
	parts := make([]string, len(a.show))
	for i, s := range a.show {
		parts[i] = string(s)
	}
	return strings.Join(parts, ".")
}

// query is the address's end, with what else it says.
func (a coverAsk) query(more ...string) string {
	var out []string
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+"="+url.QueryEscape(value))
		}
	}
	add("show", a.words())
	add("group", a.group)
	add("cadre", a.cadre)
	for i := 0; i+1 < len(more); i += 2 {
		add(more[i], more[i+1])
	}
	return "?" + strings.Join(out, "&")
}

// readCoverage reads the place, or of it what one cadre calls on.
func (rq *request) readCoverage(tx *store.Tx, ask coverAsk) (*branch.Coverage, error) {
	if ask.cadre != "" {
		return branch.CoverageOf(tx, rq.place.ID, ask.cadre, rq.today())
	}
	return branch.ReadCoverage(tx, rq.place.Above, rq.today(), rq.app.picture())
}

func (rq *request) today() string { return rq.now.Format(time.DateOnly) }

func showCoverage(rq *request) error {
	if _, _, place := markIn(rq.URL.Query()); place != "" {
		return rq.toMark(place)
	}
	p, err := rq.coveragePage(rq.URL.Query())
	if err != nil {
		return err
	}
	if p.Counting > 0 && p.Remind == nil { // a page follows without a script, unless somebody may be typing into it
		rq.w.Header().Set("Refresh", "3")
	}
	return rq.show("coverage", p)
}

func (rq *request) coveragePage(q url.Values) (*coveragePage, error) {
	p := &coveragePage{frame: frame{Title: rq.words.say("nav.coverage"), Nav: "coverage"}, Export: rq.at("/coverage/export"), Most: rq.app.picture(), AtOnce: rq.app.remindedAtOnce()}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		ask := rq.coverAsk(q)
		c, err := rq.readCoverage(tx, ask)
		if err != nil {
			return err
		}
		if p.Large, p.Empty = c.TooMany, c.Total == 0 && !c.TooMany; c.TooMany {
			return nil
		}
		home, letter, _ := markIn(q)
		at := homeAt(c, home, q)
		if at != nil {
			ask = ask.said(letter, at.Group.ID)
		}
		if at != nil && !slices.Contains(ask.standings(), at.Standing) {
			ask = ask.with(at.Standing, true) // a mark leads to its row whatever is listed
		}
		if at != nil && ask.group != "" {
			ask.group = at.Group.ID
		}
		part := rq.coverTable(p, c, ask, at, q.Get("after"))
		if err := branch.Detail(tx, part); err != nil {
			return err
		}
		if err := rq.coverReminders(tx, p, ask, part, at, q); err != nil {
			return err
		}
		waiting := slices.DeleteFunc(c.List(ask.standings(), ask.group), func(h *branch.Home) bool { return len(h.Late(ask.cadre)) == 0 })
		if len(waiting) > 0 && p.Remind == nil { // in another part of the table
			p.Remind = rq.coverRemind(ask, q)
		}
		if p.Remind != nil {
			p.Remind.N = len(waiting)
		}
		rq.coverPicture(p, c, ask, at)
		if ask.cadre != "" {
			p.Name, err = branch.UserName(tx, ask.cadre)
		}
		return err
	})
	if err != nil || !p.Large {
		return p, err
	}
	return p, rq.readPart(func(tx *store.Tx) error { return rq.coverLarge(tx, p, rq.coverAsk(q), q) })
}

// readPart reads of a large place what one part of its table needs: look-ups by keys, as many for a city as for a township. Planned anew, the part
// would be read by walking through all households of the city.
func (rq *request) readPart(read func(*store.Tx) error) error {
	return rq.app.opt.Engine.Store.Read(store.Keyed(rq.Context()), read)
}

// coverLarge lists a part of a place that has no picture.
func (rq *request) coverLarge(tx *store.Tx, p *coveragePage, ask coverAsk, q url.Values) error {
	after := q.Get("after")
	if len(ask.show) == 0 {
		ask.show = []branch.Standing{branch.Nobody}
	}
	list, next, err := branch.CoverPart(tx, rq.place.ID, ask.show, after, rq.today(), coverageListed)
	if err != nil {
		return err
	}
	if err := branch.Detail(tx, list); err != nil {
		return err
	}
	if err := rq.coverReminders(tx, p, ask, list, nil, q); err != nil {
		return err
	}
	p.Chips, p.More, p.First = nil, "", ""
	for _, s := range branch.Standings {
		p.Chips = append(p.Chips, coverChip{Standing: s, Label: rq.words.say("coverage.is." + string(s)), On: slices.Contains(ask.show, s), Path: rq.at("/coverage" + coverAsk{show: []branch.Standing{s}}.query())})
	}
	if next != "" {
		p.More = rq.at("/coverage" + ask.query("after", next) + "#rows")
	}
	if after != "" {
		p.First = rq.at("/coverage" + ask.query() + "#rows")
	}
	p.Show = ask.words()
	w, err := branch.ReadWide(tx, rq.place.ID, rq.today())
	if err != nil {
		return err
	}
	rq.coverWide(p, w)
	if p.Remind != nil {
		p.Remind.Wide, p.Remind.N = true, 0
		for _, s := range ask.show {
			if w.Never == 0 && s != branch.Nobody && s != branch.Enough { // who calls on nobody is reminded of nothing
				p.Remind.N += w.Counts[s]
			}
		}
	}
	return nil
}

// coverTable finds the part of the table: from a household on, from behind a key, or the first.
func (rq *request) coverTable(p *coveragePage, c *branch.Coverage, ask coverAsk, at *branch.Home, after string) []*branch.Home {
	list := c.List(ask.standings(), ask.group)
	p.Total, p.Before, p.More, p.First = len(list), 0, "", ""
	from := 0
	switch {
	case at != nil:
		from = slices.Index(list, at)
	case after != "":
		from = len(list) - len(branch.After(list, after))
	}
	part := list[from:min(len(list), from+coverageListed)]
	if p.Before = from; from > 0 {
		p.First = rq.at("/coverage" + ask.query() + "#rows")
	}
	if from+len(part) < len(list) {
		p.More = rq.at("/coverage" + ask.query("after", part[len(part)-1].Key()) + "#rows")
	}
	return part
}

// standing says how a household stands.
func (rq *request) standing(h *branch.Home) string {
	switch {
	case h.Standing == branch.Overdue && h.Last == "":
		return rq.words.say("coverage.never", h.Days)
	case h.Standing == branch.Overdue:
		return rq.words.say("coverage.days", h.Days)
	case h.Standing == branch.Short:
		return rq.words.say("coverage.lack", h.Owed-h.Done)
	}
	return rq.words.say("coverage.is." + string(h.Standing))
}

func (rq *request) coverRows(p *coveragePage, part []*branch.Home, at *branch.Home) {
	tags := rq.app.opt.Engine.Book.Table("household").Column("tags")
	p.Rows = nil
	for _, h := range part {
		r := coverRow{Home: h, Text: rq.standing(h), On: h == at}
		if h.Standing == branch.Nobody && rq.may("GET /at/{place}/assign") {
			r.Assign = with(rq.coverNear("assign"), url.Values{"way": {assign.Give}, "how": {assign.List}, "codes": {h.Code}})
		}
		for _, t := range h.Tags {
			r.Tags = append(r.Tags, tags.Show(schema.Set(t), schema.Lang(rq.words), nil))
		}
		for _, x := range h.Contacts {
			r.Contacts = append(r.Contacts, x.Name)
		}
		p.Rows = append(p.Rows, r)
	}
}

// coverPicture draws every household, and what the table may be about.
func (rq *request) coverPicture(p *coveragePage, c *branch.Coverage, ask coverAsk, at *branch.Home) {
	p.Sub = rq.words.say("coverage.sub", len(c.Groups), c.Total, rq.place.Name, c.Total-c.Counts[branch.Nobody])
	if p.Cadre = ask.cadre; p.Cadre != "" {
		p.Whose = rq.at("/coverage" + coverAsk{show: ask.show, group: ask.group}.query())
	}
	p.Show, p.All = ask.words(), rq.at("/coverage"+coverAsk{show: ask.show, cadre: ask.cadre}.query())
	alike := ends{}
	p.Chips, p.Groups, p.Group = nil, nil, nil
	for _, s := range branch.Standings {
		on := slices.Contains(ask.standings(), s)
		p.Chips = append(p.Chips, coverChip{Standing: s, Label: rq.words.say("coverage.is." + string(s)), N: c.Counts[s], On: on, Path: rq.at("/coverage" + ask.with(s, !on).query())})
	}
	for _, g := range c.Groups {
		for _, h := range g.Homes {
			alike.add(string(h.ID), homeEnd)
		}
	}
	for _, g := range c.Groups {
		v := coverGroup{CoverGroup: g, On: g.ID == ask.group, Path: rq.coverNear("") + coverAsk{ask.show, g.ID, ask.cadre}.query(), Marks: rq.marksOf(g, alike, ask, at)}
		p.Groups = append(p.Groups, v)
		if v.On {
			p.Group = &p.Groups[len(p.Groups)-1]
		}
	}
}

// exportCoverage gives the table that was asked for as a file.
func exportCoverage(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	ask := rq.coverAsk(f)
	var p coveragePage
	many := false
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		c, err := rq.readCoverage(tx, ask)
		if err != nil {
			return err
		}
		many = c.TooMany
		list := c.List(ask.standings(), ask.group)
		if err := branch.Detail(tx, list); err != nil {
			return err
		}
		rq.coverRows(&p, list, nil)
		return nil
	}); err != nil {
		return err
	}
	if many {
		return rq.exportWide(ask, f)
	}
	var rows [][]string
	for _, r := range p.Rows {
		rows = append(rows, r.cells())
	}
	return rq.download("coverage", f.Get("as"), rq.coverTitles(), rows)
}

// coverTitles are the columns of the table as a file, and cells what a row has in them.
func (rq *request) coverTitles() (titles []string) {
	for _, key := range []string{"coverage.standing", "coverage.head", "coverage.code", "coverage.group", "coverage.address", "coverage.tags", "coverage.contacts", "coverage.last", "coverage.owed", "coverage.visited"} {
		titles = append(titles, rq.words.say(key))
	}
	return titles
}

func (r *coverRow) cells() []string {
	return []string{r.Text, r.Head, r.Code, r.Group.Name, r.Address, strings.Join(r.Tags, "、"), strings.Join(r.Contacts, "、"), r.Last, strconv.Itoa(r.Owed), strconv.Itoa(r.Done)}
}
