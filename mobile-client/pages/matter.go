package pages

import (
	"slices"
	"strconv"
	"strings"

	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// mattersPage is 事项: answers to deliver first, then what is open.
type mattersPage struct {
	frame
	Groups []matterGroup
	All    int
	Next   string
	Rest   int
}

type matterGroup struct {
	Name string
	Rows []recordRow
}

// matterPage is one matter: its four, where it stands now, and its steps as a story.
type matterPage struct {
	frame
	field.Record
	Chip  replica.Whereabouts
	Facts []string
	Now   string
	Icon  string
	Class string
	Four  []fourth
	Steps []stepRow
	To    bool // the answer is to be delivered
	Edit  bool
	// Withdraw: its author may still take it back.
	Withdraw bool
}

// fourth is one of 一记 一议 一办 一馈.
type fourth struct {
	N     int
	Name  string
	Day   string
	State string // done, now or ""
}

// newMatterPage records a matter outside a visit.
type newMatterPage struct {
	frame
	Sheet *sheet
	Hows  []choice
}

// answerPage delivers the answer, and takes down the household's word on it.
type answerPage struct {
	frame
	Sheet *sheet // over no column of the matter: it carries the base
	About string
	Given string // what the handlers wrote
	Text  string
	Words []choice
	Said  string
	Bad   string
}

var matterRoutes = []route{
	{pattern: "GET " + mattersPath, do: showMatters},
	{pattern: "GET /h/{id}/matter", do: showNewMatter},
	{pattern: "POST /h/{id}/matter", do: saveNewMatter, keeps: true},
	{pattern: "GET /m/{id}", do: showMatter},
	{pattern: "GET " + mattersPath + "/new", do: chooseHome},
	{pattern: "GET /m/{id}/withdraw", do: askWithdraw},
	{pattern: "POST /m/{id}/withdraw", do: withdrawMatter},
	{pattern: "GET /m/{id}/answer", do: showAnswer},
	{pattern: "POST /m/{id}/answer", do: saveAnswer, keeps: true},
	{pattern: "GET /m/{id}/edit", do: editMatter},
	{pattern: "POST /m/{id}/edit", do: saveMatter, keeps: true},
}

var matterWords = words{
	"matter.deliver":        {ZH: "等送答复", EN: "Answers to deliver"},
	"matter.open":           {ZH: "没办完的", EN: "Open"},
	"matter.closed":         {ZH: "办完的", EN: "Closed"},
	"matter.n":              {ZH: "{0} 件", EN: "{0}"},
	"matter.more":           {ZH: "还有 {0} 件", EN: "{0} more"},
	"matter.blank":          {ZH: "还没有事项", EN: "No matters yet"},
	"matter.blank.t":        {ZH: "走访时记下的事、来访时说的事，办到哪一步都在这里看。", EN: "What is raised on visits or brought to you, and how far it has got."},
	"matter.late":           {ZH: "逾期，该 {0}办完", EN: "overdue since {0}"},
	"matter.by":             {ZH: "{0}前办完", EN: "due {0}"},
	"matter.urgent":         {ZH: "急事", EN: "urgent"},
	"matter.raised":         {ZH: "{0}反映", EN: "raised by {0}"},
	"matter.steps":          {ZH: "经过", EN: "What was done"},
	"matter.steps.none":     {ZH: "还没有人接手。", EN: "Nobody has taken it up yet."},
	"matter.answer":         {ZH: "送答复", EN: "Deliver the answer"},
	"matter.edit":           {ZH: "改文字", EN: "Change the text"},
	"matter.visit":          {ZH: "走访这一户", EN: "Visit this home"},
	"matter.new":            {ZH: "记一件事项", EN: "Raise a matter"},
	"matter.given":          {ZH: "办的结果", EN: "What was done"},
	"matter.told":           {ZH: "怎么答复的", EN: "What was answered"},
	"matter.told.none":      {ZH: "写一句怎么答复的。", EN: "Say in a sentence what was answered."},
	"matter.word":           {ZH: "这一户怎么说", EN: "The household’s word"},
	"matter.word.good":      {ZH: "满意", EN: "Satisfied"},
	"matter.word.fair":      {ZH: "基本满意", EN: "Fairly satisfied"},
	"matter.word.bad":       {ZH: "不满意", EN: "Not satisfied"},
	"matter.said":           {ZH: "原话", EN: "In their own words"},
	"matter.delivered":      {ZH: "答复送到了。已存在本机，有网自动上传。", EN: "Answer delivered. Saved on this phone; it goes up by itself."},
	"matter.not":            {ZH: "这件事现在不用送答复", EN: "There is no answer to deliver now"},
	"matter.not.hint":       {ZH: "办好了、还没答复的，才要送。", EN: "Only what is handled and not answered needs one."},
	"matter.locked":         {ZH: "这件事已经了结，不能再改", EN: "This matter is closed and cannot be changed"},
	"matter.locked.h":       {ZH: "有新情况，请另记一件。", EN: "If there is news, raise another."},
	"matter.now.recorded":   {ZH: "记下了，等村里议", EN: "Recorded; the village will discuss it"},
	"matter.now.discussing": {ZH: "正在议", EN: "Being discussed"},
	"matter.now.assigned":   {ZH: "交办了，等着办", EN: "Assigned, not begun"},
	"matter.now.handling":   {ZH: "正在办", EN: "Being handled"},
	"matter.now.referred":   {ZH: "村里办不了，报上去了", EN: "Referred to the level above"},
	"matter.now.handled":    {ZH: "办好了，答复还没送到", EN: "Handled; the answer is still to be brought"},
	"matter.now.withdrawn":  {ZH: "撤回了", EN: "Withdrawn"},
	"matter.now.answered":   {ZH: "答复送到了，办完了", EN: "Answered and closed"},
}

func showMatters(rq *request) error {
	l := rq.words
	p := &mattersPage{frame: frame{Title: l.say("tab.matters"), Tab: "matters"}}
	n := 0
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		list, all, err := field.Matters(v, rq.skip(), listed)
		p.All, n = all, len(list)
		for _, r := range list {
			name := "matter.open"
			switch r.State {
			case "handled":
				name = "matter.deliver"
			case "answered", "withdrawn":
				name = "matter.closed"
			}
			if k := len(p.Groups); k == 0 || p.Groups[k-1].Name != l.say(name) {
				p.Groups = append(p.Groups, matterGroup{Name: l.say(name)})
			}
			g := &p.Groups[len(p.Groups)-1]
			row := recordRow{Record: r, Name: l.home(r.Home), Chip: r.Where}
			row.Line, row.Icon, row.Class = rq.standing(r)
			g.Rows = append(g.Rows, row)
		}
		return err
	}); err != nil {
		return err
	}
	if p.Rest = p.All - rq.skip() - n; p.Rest > 0 {
		p.Next = mattersPath + "?from=" + strconv.Itoa(rq.skip()+n)
	}
	return rq.show("matters", p)
}

// standing says where a matter stands, and how that is to be marked.
func (rq *request) standing(r field.Record) (text, icon, class string) {
	l := rq.words
	text, icon = r.State, "matter"
	if _, known := matterWords["matter.now."+r.State]; known {
		text = l.say("matter.now." + r.State)
	}
	open := true
	switch r.State {
	case "handled":
		icon, class, open = "answer", "c-act", false
	case "answered":
		icon, class, open = "check", "c-read", false
	case "withdrawn":
		icon, open = "undo", false
	}
	if open && r.Due != "" && r.Due < rq.today() {
		return l.say("matter.late", l.date(r.Due, rq.now)), "alert", "c-act"
	}
	return text, icon, class
}

func showMatter(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	l, p := rq.words, &matterPage{}
	var steps []field.Step
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		var ok bool
		if p.Record, steps, ok, err = field.OneMatter(v, id); err == nil && !ok {
			err = errNotFound
		}
		return err
	}); err != nil {
		return err
	}
	p.frame = frame{Title: l.say("tab.matters"), Sub: l.home(p.Home), Back: rq.from(mattersPath)}
	p.Chip = p.Where
	if o := rq.replica.Book().Table("matter").Column("kind").Option(p.Kind); o != nil {
		p.Facts = append(p.Facts, o.Label.In(schema.Lang(l)))
	}
	if p.Urgency >= "2" {
		p.Facts = append(p.Facts, l.say("matter.urgent"))
	}
	if p.RaisedBy != "" {
		p.Facts = append(p.Facts, l.say("matter.raised", p.RaisedBy))
	}
	if p.Due != "" {
		p.Facts = append(p.Facts, l.say("matter.by", l.date(p.Due, rq.now)))
	}
	p.Now, p.Icon, p.Class = rq.standing(p.Record)
	p.Steps, p.To = rq.steps("matter_step", steps), p.State == "handled"
	p.Edit = p.State != "answered" && p.State != "withdrawn"
	p.Withdraw = rq.mayWithdraw(p.Record)
	p.four(rq, steps)
	return rq.show("matter", p)
}

// four tells how far the matter has got: a step of a kind, or a state that lies beyond it, means done.
func (p *matterPage) four(rq *request, steps []field.Step) {
	beyond := map[string]int{"recorded": 1, "discussing": 1, "referred": 1, "assigned": 2, "handling": 2, "handled": 3, "answered": 4, "withdrawn": 1}[p.State]
	kinds := rq.replica.Book().Table("matter_step").Column("kind")
	for i, kind := range []string{"record", "discuss", "handle", "answer"} {
		f := fourth{N: i + 1, Name: kinds.Option(kind).Label.In(schema.Lang(rq.words))}
		for _, s := range slices.Backward(steps) {
			if s.Kind == kind {
				f.Day = s.Day
			}
		}
		switch {
		case i < beyond:
			f.State = "done"
		case i == beyond && p.State != "withdrawn":
			f.State = "now"
		}
		p.Four = append(p.Four, f)
	}
}

// matterColumns are those that a form over a matter asks for.
var matterColumns = []string{"kind", "title", "raised_by", "detail"}

func (rq *request) newMatterPage() (*newMatterPage, error) {
	home, err := rq.id("id")
	if err != nil {
		return nil, err
	}
	h, err := rq.replica.Form(rq.Context(), "household", home)
	if err != nil {
		return nil, err
	}
	l := rq.words
	p := &newMatterPage{frame: frame{Title: l.say("matter.new"), Sub: l.home(field.Home{Head: h.Values["head"].Str(), Code: h.Values["code"].Str()}), Back: householdPath(home), Shut: true, Form: true},
		Sheet: rq.sheet(rq.URL.Path, replica.Form{Table: "matter"}, matterColumns...)}
	p.hows(l, howVillage)
	return p, nil
}

func (p *newMatterPage) hows(l tongue, on string) {
	p.Hows = nil
	for _, how := range []string{howVillage, howUrgent, howSpot} {
		p.Hows = append(p.Hows, choice{how, l.say("visit.how." + how), how == on})
	}
}

func showNewMatter(rq *request) error {
	p, err := rq.newMatterPage()
	if err != nil {
		return err
	}
	d, err := rq.resume(&p.frame, p.Sheet)
	if err != nil {
		return err
	}
	if how := d.Fields.Get("how"); how != "" {
		p.hows(rq.words, how)
	}
	return rq.show("matter-new", p)
}

func saveNewMatter(rq *request) error {
	p, err := rq.newMatterPage()
	if err != nil {
		return err
	}
	s, values, ok, err := rq.posted(rq.URL.Path, "matter", "", matterColumns...)
	if err != nil {
		return err
	}
	p.Sheet = s
	how := rq.PostForm.Get("how")
	p.hows(rq.words, how)
	if !ok {
		return rq.again("matter-new", p)
	}
	me, err := rq.me()
	if err != nil {
		return err
	}
	home, err := rq.id("id")
	if err != nil {
		return err
	}
	d := &visitDraft{Home: home, Day: rq.today()}
	var id syncproto.RowID
	if _, err = rq.write(func(tx *replica.Tx) (err error) {
		id, err = newMatter(tx, me, matterDraft{Home: home, Day: d.Day, Kind: values["kind"].Str(), Title: values["title"].Str(), Detail: values["detail"].Str(),
			Raised: values["raised_by"].Str(), How: how})
		return err
	}); err != nil {
		if s.blame(err) {
			return rq.again("matter-new", p)
		}
		return err
	}
	if how == howSpot {
		if err := rq.answeredOnTheSpot(id, d); err != nil {
			return err
		}
	}
	rq.toast("saved")
	return rq.see(matterPath(id))
}

// answerSheet is the form that delivers an answer.
func (rq *request) answerSheet() (*answerPage, replica.Form, error) {
	id, err := rq.id("id")
	if err != nil {
		return nil, replica.Form{}, err
	}
	f, err := rq.replica.Form(rq.Context(), "matter", id)
	if err != nil {
		return nil, f, err
	}
	if f.Values["state"] != schema.Text("handled") {
		return nil, f, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "answer", Message: matterWords["matter.not"].Both(),
			Hint: matterWords["matter.not.hint"].Both()}
	}
	l := rq.words
	p := &answerPage{frame: frame{Title: l.say("matter.answer"), Back: matterPath(id), Shut: true, Form: true}, Sheet: rq.sheet(rq.URL.Path, f), About: f.Values["title"].Str()}
	p.words(l, "")
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		r, steps, ok, err := field.OneMatter(v, id)
		if err != nil || !ok {
			return err
		}
		p.Sub = l.home(r.Home)
		for _, s := range steps {
			if p.Given == "" && s.Kind == "handle" {
				p.Given = s.Text
			}
		}
		return nil
	})
	return p, f, err
}

func (p *answerPage) words(l tongue, on string) {
	p.Words = nil
	for _, w := range []string{"good", "fair", "bad"} {
		p.Words = append(p.Words, choice{w, l.say("matter.word." + w), w == on})
	}
}

func showAnswer(rq *request) error {
	p, _, err := rq.answerSheet()
	if err != nil {
		return err
	}
	p.Text = p.Given
	d, err := rq.resume(&p.frame, nil)
	if err != nil {
		return err
	}
	if len(d.Fields) > 0 {
		p.Text, p.Said = d.Fields.Get("text"), d.Fields.Get("said")
		p.words(rq.words, d.Fields.Get("word"))
	}
	return rq.show("answer", p)
}

// saveAnswer writes the answer and the household's word as steps, and moves the matter on, in one change.
func saveAnswer(rq *request) error {
	p, f, err := rq.answerSheet()
	if err != nil {
		return err
	}
	s, _, _, err := rq.posted(rq.URL.Path, "matter", f.Row)
	if err != nil {
		return err
	}
	p.Sheet, p.Text, p.Said = s, strings.TrimSpace(rq.PostForm.Get("text")), strings.TrimSpace(rq.PostForm.Get("said"))
	p.words(rq.words, rq.PostForm.Get("word"))
	if p.Text == "" {
		p.Bad = rq.words.say("matter.told.none")
		return rq.again("answer", p)
	}
	me, err := rq.me()
	if err != nil {
		return err
	}
	word := p.Said
	if label, known := matterWords["matter.word."+rq.PostForm.Get("word")]; known {
		if word = label.ZH + "。"; p.Said != "" { // part of the record, whose language is Chinese
			word += "“" + p.Said + "”"
		}
	}
	if _, err := rq.write(func(tx *replica.Tx) error {
		if err := newStep(tx, me, f.Row, "answer", rq.today(), p.Text); err != nil {
			return err
		}
		if word != "" {
			if err := newStep(tx, me, f.Row, "word", rq.today(), word); err != nil {
				return err
			}
		}
		return tx.Update(s.base, map[string]schema.Value{"state": schema.Text("answered")})
	}); err != nil {
		if problem := replica.ProblemOf(err); problem != nil {
			p.Bad = problem.Text.In(schema.Lang(rq.words))
			return rq.again("answer", p)
		}
		return err
	}
	rq.toast("matter.delivered")
	return rq.see(p.Back)
}

// matterSheet is the form over the text of a matter, while it is open.
func (rq *request) matterSheet() (*rewordPage, replica.Form, []string, error) {
	id, err := rq.id("id")
	if err != nil {
		return nil, replica.Form{}, nil, err
	}
	f, err := rq.replica.Form(rq.Context(), "matter", id)
	if err != nil {
		return nil, f, nil, err
	}
	may, _, err := rq.writable(f, matterColumns)
	if err == nil && len(may) == 0 || slices.Contains([]string{"answered", "withdrawn"}, f.Values["state"].Str()) {
		err = &syncproto.Error{Code: syncproto.CodeAuth, Op: "matter", Message: matterWords["matter.locked"].Both(),
			Hint: matterWords["matter.locked.h"].Both()}
	}
	if err != nil {
		return nil, f, nil, err
	}
	l := rq.words
	return &rewordPage{frame: frame{Title: l.say("matter.edit"), Sub: f.Values["title"].Str(), Back: matterPath(id), Shut: true, Form: true},
		Sheet: rq.sheet(rq.URL.Path, f, may...), Verb: l.say("form.save")}, f, may, nil
}

func editMatter(rq *request) error {
	p, _, _, err := rq.matterSheet()
	if err != nil {
		return err
	}
	if _, err := rq.resume(&p.frame, p.Sheet); err != nil {
		return err
	}
	return rq.show("reword", p)
}

func saveMatter(rq *request) error {
	p, f, may, err := rq.matterSheet()
	if err != nil {
		return err
	}
	s, values, ok, err := rq.posted(rq.URL.Path, "matter", f.Row, may...)
	if err != nil {
		return err
	}
	if p.Sheet = s; !ok {
		return rq.again("reword", p)
	}
	wrote, err := rq.write(func(tx *replica.Tx) error { return tx.Update(s.base, values) })
	switch {
	case err != nil && s.blame(err):
		return rq.again("reword", p)
	case err != nil:
		return err
	case !wrote:
		rq.toast("nothing")
	default:
		rq.toast("saved")
	}
	return rq.see(p.Back)
}
