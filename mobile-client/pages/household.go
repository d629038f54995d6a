package pages

import (
	"html/template"
	"strconv"
	"strings"

	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/schema"
)

// householdPage is one household, as its contact needs it at the door.
type householdPage struct {
	frame
	*field.Household
	TagWords []string
	Promised string // what was promised, "" if nothing stands
	PeopleN  string
	Persons  []personRow
	Left     []personRow // moved away or died
	Matters  []matterRow
	Answers  []field.Matter
	Story    []storyRow
	Spoken   []spokenRow
	Fresh    bool // some of it was not looked at yet
	Today    string
	Rest     int    // visits before those of the story
	Older    string // the address with more of the story, "" when it is all there
	Dial     string // the number that 打电话 dials
}

// personRow is one of the household: facts parted by dots, and a number to dial.
type personRow struct {
	field.Person
	Facts []string
	State string
}

type matterRow struct {
	field.Matter
	Icon, Text, Class string
}

// spokenRow is what the household said by its card.
type spokenRow struct {
	field.Word
	Said string
}

type storyRow struct {
	field.Visit
	Chip replica.Whereabouts
	Who  string
	Mine bool
	Late string // the day on which it was written, when that is not the day of the visit
}

var householdRoutes = []route{{pattern: "GET /h/{id}", do: showHousehold}, {pattern: "POST /h/{id}/seen", do: noteWords, entry: true}}

var householdWords = words{
	"home.promised":   {ZH: "约好今天上门。", EN: "Promised for today."},
	"home.overdue":    {ZH: "约好 {0}上门，还没去。", EN: "Promised for {0}, not kept yet."},
	"home.upcoming":   {ZH: "约好 {0}上门。", EN: "Promised for {0}."},
	"home.made":       {ZH: "{0}定的", EN: "made on {0}"},
	"home.words":      {ZH: "这户来的话", EN: "Words from this home"},
	"home.words.by":   {ZH: "用联系卡说的", EN: "by the contact card"},
	"home.words.on":   {ZH: "说的是：{0}", EN: "about: {0}"},
	"home.words.seen": {ZH: "看到了", EN: "Noted"},
	"word.itself":     {ZH: "群众本人（联系卡）", EN: "The household itself (card)"},
	"home.reminded":   {ZH: "{0} {1}提醒：{2}", EN: "{0} reminded you on {1}: {2}"},
	"home.open":       {ZH: "没办完的事", EN: "Open matters"},
	"home.matters":    {ZH: "{0} 件", EN: "{0}"},
	"home.answer":     {ZH: "办好了，答复还没送到", EN: "Handled; the answer is still to be brought"},
	"home.people":     {ZH: "家里人", EN: "People"},
	"home.people.n":   {ZH: "{0} 人，在家 {1} 人", EN: "{0}, {1} at home"},
	"home.people.all": {ZH: "{0} 人", EN: "{0}"},
	"home.nobody":     {ZH: "还没有登记家里人。", EN: "Nobody is on the register here yet."},
	"home.left":       {ZH: "已不在册 {0} 人", EN: "{0} no longer here"},
	"home.age":        {ZH: "{0} 岁", EN: "aged {0}"},
	"home.away":       {ZH: "外出{0}", EN: "away: {0}"},
	"home.party":      {ZH: "党员", EN: "Party member"},
	"home.dial":       {ZH: "打给{0}", EN: "Call {0}"},
	"home.call":       {ZH: "打电话", EN: "Call"},
	"home.card":       {ZH: "联系卡", EN: "Card"},
	"home.edit":       {ZH: "更正这一户", EN: "Correct this home"},
	"home.add":        {ZH: "加一口人", EN: "Add a person"},
	"home.story":      {ZH: "走访记录", EN: "Visits"},
	"home.year":       {ZH: "今年 {0} 次", EN: "{0} this year"},
	"home.unvisited":  {ZH: "还没有走访记录。", EN: "No visit yet."},
	"home.me":         {ZH: "我", EN: "Me"},
	"home.by":         {ZH: "{0}（{1}）", EN: "{0} ({1})"},
	"home.met":        {ZH: "见到：{0}", EN: "Met: {0}"},
	"home.older":      {ZH: "更早的 {0} 次", EN: "{0} earlier"},
	"home.read":       {ZH: "看 {0}的日志", EN: "Read the journal of {0}"},
	"home.told":       {ZH: "答复过的事", EN: "Answered before"},
}

// The story shows the last visits first, and grows when asked.
const (
	firstVisits = 5
	moreVisits  = 50
	mostVisits  = 2000
	// linkedVisits lead to their journals: more than a year of the busiest household. Beyond it a page would weigh too much.
	linkedVisits = 100
)

func showHousehold(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	me, err := rq.me()
	if err != nil {
		return err
	}
	most := firstVisits
	if n, err := strconv.Atoi(rq.FormValue("visits")); err == nil {
		most = min(max(n, firstVisits), mostVisits)
	}
	var h *field.Household
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		found, ok, err := field.OneHousehold(v, me, id, rq.today(), most)
		if err == nil && !ok {
			err = errNotFound
		}
		h = found
		return err
	}); err != nil {
		return err
	}
	l := rq.words
	p := &householdPage{frame: frame{Title: l.home(h.Home), Sub: h.Group, Back: rq.from(householdsPath)}, Household: h, Answers: h.Told}
	p.tell(rq)
	for i, v := range h.Visits {
		row := rq.storyRow(v)
		if i >= linkedVisits {
			row.Journal = ""
		}
		p.Story = append(p.Story, row)
	}
	for _, w := range h.Words {
		p.Spoken, p.Fresh = append(p.Spoken, spokenRow{w, rq.spoken(w.Mark, w.Text)}), p.Fresh || w.Fresh
	}
	p.Today, p.Rest = rq.today(), h.Number-len(h.Visits)
	if p.Rest > 0 {
		p.Older = householdPath(id) + "?visits=" + strconv.Itoa(len(h.Visits)+moreVisits) + "#story"
	}
	return rq.show("household", p)
}

// spoken puts what a household said into one line: what it thinks, and its own words.
func (rq *request) spoken(mark, text string) string {
	if mark == "" {
		return text
	}
	mark = rq.replica.Book().Table("household_word").Column("mark").Show(schema.Text(mark), schema.Lang(rq.words), nil)
	if text == "" {
		return mark
	}
	return mark + map[tongue]string{"zh": "。", "en": ". "}[rq.words] + text
}

// noteWords notes that what the household said was read.
func noteWords(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	var list []field.Word
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		list, err = field.Words(v, id, mostVisits)
		return err
	}); err != nil {
		return err
	}
	for _, w := range list {
		if w.Fresh {
			if err := rq.replica.PutLocal(rq.Context(), seenStep+string(w.ID), []byte{1}); err != nil {
				return err
			}
		}
	}
	return rq.see(householdPath(id))
}

// tell puts what is known of the household into words.
func (p *householdPage) tell(rq *request) {
	l, h := rq.words, p.Household
	tags := rq.replica.Book().Table("household").Column("tags")
	for _, tag := range h.Tags {
		word := tag
		if o := tags.Option(tag); o != nil {
			word = o.Label.In(schema.Lang(l))
		}
		p.TagWords = append(p.TagWords, word)
	}
	switch {
	case h.Promise == "":
	case h.Promise == rq.today():
		p.Promised = l.say("home.promised")
	case h.Promise < rq.today():
		p.Promised = l.say("home.overdue", l.date(h.Promise, rq.now))
	default:
		p.Promised = l.say("home.upcoming", l.weekday(h.Promise, rq.now))
	}
	home := 0
	p.Dial = h.Phone
	for _, x := range h.People {
		p.Persons = append(p.Persons, rq.personRow(x))
		if x.Away == "" {
			home++
		}
		if p.Dial == "" {
			p.Dial = x.Phone
		}
	}
	for _, x := range h.Gone {
		p.Left = append(p.Left, rq.personRow(x))
	}
	p.PeopleN = l.say("home.people.n", len(h.People), home)
	if home == len(h.People) {
		p.PeopleN = l.say("home.people.all", home)
	}
	flow := rq.replica.Book().Table("matter").FlowColumn()
	for _, m := range h.Open {
		r := matterRow{Matter: m, Icon: "matter", Text: flow.Show(schema.Text(m.State), schema.Lang(l), nil)}
		if m.State == "handled" {
			r.Icon, r.Class, r.Text = "answer", "c-act", l.say("home.answer")
		}
		p.Matters = append(p.Matters, r)
	}
}

func (rq *request) personRow(x field.Person) personRow {
	l, r := rq.words, personRow{Person: x}
	add := func(text string) {
		if text != "" {
			r.Facts = append(r.Facts, text)
		}
	}
	add(x.Relation)
	if x.Age >= 0 {
		add(l.say("home.age", x.Age))
	}
	if x.Party {
		add(l.say("home.party"))
	}
	add(x.Disability)
	if x.Away != "" {
		add(l.say("home.away", x.Away))
	}
	if x.Phone != "" {
		add(schema.MaskPhone(x.Phone))
	}
	if x.Life != "living" {
		r.State = rq.replica.Book().Table("resident").FlowColumn().Show(schema.Text(x.Life), schema.Lang(l), nil)
	}
	return r
}

func (rq *request) storyRow(v field.Visit) storyRow {
	l := rq.words
	me, err := rq.me()
	r := storyRow{Visit: v, Chip: v.Where, Who: v.By, Mine: err == nil && v.Author == me}
	switch {
	case r.Mine:
		r.Who = l.say("home.me")
	case v.Post != "":
		r.Who = l.say("home.by", v.By, v.Post)
	}
	if v.State == "returned" {
		r.Chip = "returned"
	}
	if born := rq.bornOn(v.ID); born > v.Day {
		r.Late = l.say("journal.recorded", l.date(born, rq.now))
	}
	if r.Text == "" && v.Met != "" {
		r.Text = l.say("home.met", v.Met)
	}
	return r
}

// from is where the way back leads: the page of this app that the person came from, if it is one that lists, else a page given.
func (rq *request) from(other string) string {
	_, path, ok := strings.Cut(rq.Referer(), rq.Host)
	if ok && (path == todayPath || strings.HasPrefix(path, householdsPath) || path == mattersPath || path == journalsPath) {
		return path
	}
	return other
}

// shortFact is how many characters surely fit a line beside a button.
const shortFact = 12

// facts parts facts by dots.
func facts(list []string) template.HTML {
	var b strings.Builder
	for i, f := range list {
		if i > 0 {
			b.WriteString(`<i class="dot"></i>`)
		}
		class := ` class="ib"` // a short fact breaks as a whole
		if len([]rune(f)) > shortFact {
			class = ""
		}
		b.WriteString(`<span` + class + `>` + template.HTMLEscapeString(f) + `</span>`)
	}
	return template.HTML(b.String()) // #nosec G203 -- escaped above
}
