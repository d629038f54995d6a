package console

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/auth"
	"minqing/server/console/branch"
	"minqing/server/console/compare"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// reviewPage is the queue of journals with one of them open, and the household beside it.
type reviewPage struct {
	frame
	Groups   []reviewGroup
	Show     string      // the state whose journals are listed
	Tabs     []facetLink // the lists there are
	Today    int         // reviewed today, by whoever looks
	State    string      // of the record, in words
	Total    string
	More     string // of the queue, beyond what is listed
	Record   *branch.Record
	Around   *branch.Around
	Chip     string // why this one is where it is
	ChipIcon string
	Comment  string // typed and not taken
	Error    string
	Base     string
	Changed  bool // somebody wrote on since the page before was shown
	Prev     string
	Next     string
	Post     string
	Photos   string
	Tasks    []reviewTask
	Last     *branch.Review // the word that gave it back
	Edits    int            // of the text
	Shots    []reviewShot
	Matters  string // address that a matter's id follows
}

// Waits tells whether the record waits for a verdict, or one was just tried.
func (p *reviewPage) Waits() bool { return p.Record.State == branch.StateSubmitted || p.Error != "" }

type reviewGroup struct {
	Name string
	N    string
	Rows []reviewRow
}

type reviewRow struct {
	branch.Waiting
	Path    string
	Current bool
	Why     string
	Icon    string
}

type reviewTask struct {
	Icon, Label string
	Done        bool
	New, Gone   bool // since the journal was given back, or handed in
}

type reviewShot struct {
	syncproto.RowID
	New bool
}

// Edit is what became of a field of the record, nil for nothing.
func (p *reviewPage) Edit(name string) *branch.Edited { return p.Record.Edits[name] }

var reviewHandlers = map[string]handler{
	"GET /at/{place}/review":        showQueue,
	"GET /at/{place}/review/{row}":  showReview,
	"POST /at/{place}/review/{row}": doReview,
	"GET /at/{place}/photo/{row}":   showPhoto,
}

var reviewWords = words{
	"nav.review":           {ZH: "审阅", EN: "Review"},
	"review.left":          {ZH: "还有 {0} 篇", EN: "{0} left"},
	"review.none":          {ZH: "都审完了", EN: "All reviewed"},
	"review.none.t":        {ZH: "新交上来的日志会出现在这里。", EN: "Journals appear here as they are handed in."},
	"review.of":            {ZH: "{0}家 · 走访日志", EN: "{0}'s home · journal"},
	"review.home":          {ZH: "{0}家", EN: "{0}'s home"},
	"review.returned":      {ZH: "退回后重交", EN: "Back after return"},
	"review.urgent":        {ZH: "紧急事项", EN: "Urgent matters"},
	"review.long":          {ZH: "久未走访", EN: "Long unvisited"},
	"review.first":         {ZH: "首次走访", EN: "First visits"},
	"review.rest":          {ZH: "其余", EN: "The rest"},
	"review.why.back":      {ZH: "改好又交了", EN: "mended and handed in again"},
	"review.why.long":      {ZH: "隔了 {0} 天才去", EN: "{0} day since the last visit|{0} days since the last visit"},
	"review.why.first":     {ZH: "第一次去", EN: "the first visit"},
	"review.today":         {ZH: "您今天审了 {0} 篇", EN: "{0} reviewed by you today"},
	"review.tabs":          {ZH: "哪些日志", EN: "Which journals"},
	"review.tab.submitted": {ZH: "待审", EN: "To read"},
	"review.tab.returned":  {ZH: "退回了", EN: "Returned"},
	"review.tab.accepted":  {ZH: "已通过", EN: "Accepted"},
	"review.tab.all":       {ZH: "全部", EN: "All"},
	"review.gone":          {ZH: "退回了，还没交回来", EN: "Returned, not back yet"},
	"review.gone.t":        {ZH: "等作者改", EN: "waits for its author"},
	"review.none.back":     {ZH: "没有退回未交的", EN: "None is out to be mended"},
	"review.none.back.t":   {ZH: "退回的日志改好交上来之前列在这里。", EN: "Returned journals are listed here until they come back."},
	"review.n":             {ZH: "{0} 篇", EN: "{0}"},
	"review.more":          {ZH: "后面还有 {0} 篇", EN: "{0} more after these"},
	"review.by":            {ZH: "谁写的", EN: "Written by"},
	"review.visit":         {ZH: "走访", EN: "Visited"},
	"review.met":           {ZH: "见到", EN: "Met"},
	"review.received":      {ZH: "收到", EN: "Received"},
	"review.did":           {ZH: "做了", EN: "Did"},
	"review.gaveback":      {ZH: "退回过：", EN: "Given back:"},
	"review.edits.in":      {ZH: "和交上来时比，改了 {0} 处", EN: "{0} change since it was handed in|{0} changes since it was handed in"},
	"review.edits":         {ZH: "和退回时比，改了 {0} 处", EN: "{0} change since it was given back|{0} changes since it was given back"},
	"review.moved":         {ZH: "户", EN: "Household"},
	"review.since":         {ZH: "退回后改的", EN: "since it was given back"},
	"review.since.in":      {ZH: "交上来后改的", EN: "since it was handed in"},
	"review.raised":        {ZH: "退回后记的", EN: "raised since it was given back"},
	"review.shot.new":      {ZH: "补了 {0} 张照片", EN: "{0} photo added|{0} photos added"},
	"review.shot.gone":     {ZH: "删去 {0} 张照片", EN: "{0} photo removed|{0} photos removed"},
	"review.shot.in":       {ZH: "照片 {0}，补的", EN: "Photo {0}, added"},
	"review.colon":         {ZH: "：", EN: ": "},
	"review.server":        {ZH: "服务器（合并时）", EN: "the server (in a merge)"},
	"review.nodue":         {ZH: "没有期限", EN: "no day"},
	"review.added":         {ZH: "补写", EN: "added"},
	"review.removed":       {ZH: "删去", EN: "removed"},
	"review.whole":         {ZH: "看现在的全文", EN: "Read it as it is now"},
	"review.empty":         {ZH: "（没有写内容）", EN: "(nothing was written)"},
	"review.guide":         {ZH: "指导意见", EN: "Guidance"},
	"review.guide.ph":      {ZH: "可不写；写了会到{0}手机上", EN: "optional; it reaches {0}'s phone"},
	"review.accept":        {ZH: "通过", EN: "Accept"},
	"review.acceptg":       {ZH: "通过并指导", EN: "Accept and guide"},
	"review.return":        {ZH: "退回", EN: "Return"},
	"review.next":          {ZH: "下一篇", EN: "Next"},
	"review.prev":          {ZH: "上一篇", EN: "Previous"},
	"review.accepted":      {ZH: "{0}家：通过了", EN: "{0}'s home: accepted"},
	"review.guided":        {ZH: "{0}家：通过了，意见会到手机上", EN: "{0}'s home: accepted, with guidance"},
	"review.gave":          {ZH: "{0}家：退回了", EN: "{0}'s home: returned"},
	"review.say":           {ZH: "退回要写明原因，指导要写明意见。", EN: "Say why it is returned, or what the guidance is."},
	"review.changed":       {ZH: "您看的时候，{0}又改了内容。请看看新的再定，您写的意见还在。", EN: "While you read, {0} wrote on. Look at it as it is now; what you typed is kept."},
	"review.over":          {ZH: "这篇已经有人审过了。", EN: "Somebody has reviewed this one already."},
	"review.photo":         {ZH: "照片 {0}", EN: "Photo {0}"},
	"review.ontheway":      {ZH: "还有 {0} 张照片没传到。", EN: "{0} photo is still on its way.|{0} photos are still on their way."},
	"review.address":       {ZH: "住址", EN: "Address"},
	"review.people":        {ZH: "家里人", EN: "People"},
	"review.people.n":      {ZH: "{0} 人，在家 {1} 人", EN: "{0} person, {1} at home|{0} people, {1} at home"},
	"review.phone":         {ZH: "电话", EN: "Phone"},
	"review.contacts":      {ZH: "谁在联系", EN: "Contacts"},
	"review.months":        {ZH: "近 6 个月走访次数", EN: "visits in the last 6 months"},
	"review.open":          {ZH: "没办完的事", EN: "Open matters"},
	"review.open.n":        {ZH: "{0} 件", EN: "{0}"},
	"review.due":           {ZH: "{0}前", EN: "due {0}"},
	"review.answers":       {ZH: "以前的答复", EN: "Answers before"},
	"review.spoken":        {ZH: "这户自己说的", EN: "In the household's own words"},
	"review.spoken.stop":   {ZH: "。", EN: ". "},
	"review.spoken.t":      {ZH: "用联系卡", EN: "by its card"},
	"review.before":        {ZH: "前几篇日志", EN: "Journals before"},
	"review.nocontact":     {ZH: "没有人联系", EN: "nobody"},
}

// listed bounds how much of the queue a page lists: the rest is counted.
const listed = 80

// readQueue reads the part of the queue around one of it, and opens that: the one named, or the first.
func (rq *request) readQueue(open syncproto.RowID) (*reviewPage, error) {
	p := &reviewPage{frame: frame{Title: rq.words.say("nav.review"), Nav: "review", Wide: true}, Show: branch.StateSubmitted}
	if rq.URL.Query().Get("show") == branch.StateReturned {
		p.Show = branch.StateReturned
	}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		queue, err := branch.Queue(tx, rq.place.ID, p.Show, open, listed/4, listed-listed/4, rq.app.zone)
		if err != nil {
			return err
		}
		midnight := time.Date(rq.now.Year(), rq.now.Month(), rq.now.Day(), 0, 0, 0, 0, rq.app.zone)
		if p.Today, err = branch.ReviewedSince(tx, rq.user(), midnight); err != nil {
			return err
		}
		p.Groups, p.Total = nil, upTo(queue.Total)
		open := open
		if open == "" && len(queue.Waiting) > 0 {
			open = queue.Waiting[0].Journal
		}
		if open == "" {
			return nil
		}
		rq.list(p, queue, open)
		if p.Record, p.Around, err = branch.OneRecord(tx, open, rq.app.zone); err != nil {
			return err
		}
		if p.Record == nil || p.Around == nil {
			return errNotFound
		}
		return nil
	})
	rq.reviewTabs(p)
	if err == nil && p.Record != nil {
		rq.open(p)
	}
	return p, err
}

// reviewTabs are the lists of journals: those that wait, those given back, and the past.
func (rq *request) reviewTabs(p *reviewPage) {
	p.Tabs = nil
	for _, x := range [][2]string{{branch.StateSubmitted, "/review"}, {branch.StateReturned, "/review?show=returned"}, {"accepted", "/visits?state=accepted"}, {"all", "/visits"}} {
		p.Tabs = append(p.Tabs, facetLink{Label: rq.words.say("review.tab." + x[0]), Path: rq.at(x[1]), On: p.Show == x[0]})
	}
}

// list puts the part of the queue around the open journal into groups.
func (rq *request) list(p *reviewPage, queue *branch.Line, open syncproto.RowID) {
	if p.More = ""; queue.Behind > 0 {
		p.More = upTo(queue.Behind)
	}
	at := max(0, queue.At)
	if at > 0 {
		p.Prev = rq.reviewPath(p, queue.Waiting[at-1].Journal)
	}
	if at+1 < len(queue.Waiting) {
		p.Next = rq.reviewPath(p, queue.Waiting[at+1].Journal)
	}
	for _, w := range queue.Waiting {
		name, n := rq.words.say("review."+string(w.Group)), upTo(queue.Counts[w.Group])
		if p.Show == branch.StateReturned {
			name, n = rq.words.say("review.gone"), p.Total
		}
		if k := len(p.Groups); k == 0 || p.Groups[k-1].Name != name {
			p.Groups = append(p.Groups, reviewGroup{Name: name, N: n})
		}
		r := reviewRow{Waiting: w, Path: rq.reviewPath(p, w.Journal), Current: w.Journal == open}
		switch {
		case p.Show == branch.StateReturned:
			r.Why, r.Icon = rq.words.say("review.gone.t"), "back2"
		case w.Group == branch.Returned:
			r.Why, r.Icon = rq.words.say("review.why.back"), "back2"
		case w.Group == branch.Urgent:
			r.Why, r.Icon = w.Matter, "alert"
		case w.Group == branch.Long:
			r.Why, r.Icon = rq.words.say("review.why.long", w.Days), "clock"
		case w.Group == branch.First:
			r.Why, r.Icon = rq.words.say("review.why.first"), "house"
		default:
			var did []string
			for _, t := range rq.tasks(w.Tasks) {
				if t.Done {
					did = append(did, t.Label)
				}
			}
			r.Why, r.Icon = schema.Lang(rq.words).Join(did), "journal"
		}
		if r.Current && w.Group != branch.Rest && p.Show == branch.StateSubmitted {
			p.Chip, p.ChipIcon = name, r.Icon
		}
		p.Groups[len(p.Groups)-1].Rows = append(p.Groups[len(p.Groups)-1].Rows, r)
	}
}

func (rq *request) reviewPath(p *reviewPage, id syncproto.RowID) string {
	path := rq.at("/review/" + string(id))
	if p.Show == branch.StateReturned {
		path += "?show=returned"
	}
	return path
}

// tasks are the three of a visit, done or not.
func (rq *request) tasks(done []string) (out []reviewTask) {
	for _, o := range rq.app.opt.Engine.Book.Table("visit").Column("tasks").Options {
		out = append(out, reviewTask{Icon: o.Value, Label: o.Label.In(schema.Lang(rq.words)), Done: slices.Contains(done, o.Value)})
	}
	return out
}

// open fills in what the record needs to be shown.
func (rq *request) open(p *reviewPage) {
	p.Title, p.Post, p.Photos = rq.words.say("review.of", p.Around.Head), rq.reviewPath(p, p.Record.Journal), rq.at("/photo/")
	p.State = rq.app.opt.Engine.Book.Table("journal").FlowColumn().Show(schema.Text(p.Record.State), schema.Lang(rq.words), nil)
	p.Matters = rq.at("/matters/")
	p.Tasks = rq.tasks(p.Record.Tasks)
	if e := p.Edit("visit.tasks"); e != nil {
		was := rq.tasks(e.From.Elements())
		for i := range p.Tasks {
			p.Tasks[i].New, p.Tasks[i].Gone = p.Tasks[i].Done && !was[i].Done, was[i].Done && !p.Tasks[i].Done
		}
	}
	if e := p.Edit("journal.text"); e != nil {
		p.Edits = compare.Edits(e.Parts)
	}
	p.Shots = nil
	for _, id := range p.Record.Photos {
		p.Shots = append(p.Shots, reviewShot{id, slices.Contains(p.Record.Added, id)})
	}
	for i := range p.Record.Reviews {
		if p.Record.Reviews[i].Kind == "return" {
			p.Last = &p.Record.Reviews[i]
		}
	}
	book, lang := rq.app.opt.Engine.Book, schema.Lang(rq.words)
	tags, teams, flow := book.Table("household").Column("tags"), book.Table("assignment").Column("team"), book.Table("matter").FlowColumn()
	for i, t := range p.Around.Tags {
		p.Around.Tags[i] = tags.Show(schema.Set(t), lang, nil)
	}
	for i := range p.Around.Contacts {
		p.Around.Contacts[i].Team = teams.Show(schema.Text(p.Around.Contacts[i].Team), lang, nil)
	}
	for i := range p.Around.Words {
		w := &p.Around.Words[i]
		w.Text = rq.spoken(w.Mark, w.Text)
	}
	for _, list := range [][]branch.Matter{p.Around.Open, p.Around.Answered} {
		for i := range list {
			list[i].State = flow.Show(schema.Text(list[i].State), lang, nil)
			if e := list[i].Edit; e != nil && e.State != nil {
				e.State.From = schema.Text(flow.Show(e.State.From, lang, nil))
			}
		}
	}
	base, err := json.Marshal(p.Record.Base)
	if err == nil {
		p.Base = string(base)
	}
}

// spoken puts what a household said itself into words: what it thinks, and its own words.
func (rq *request) spoken(mark, text string) string {
	if mark == "" {
		return text
	}
	mark = rq.app.opt.Engine.Book.Table("household_word").Column("mark").Show(schema.Text(mark), schema.Lang(rq.words), nil)
	if text == "" {
		return mark
	}
	return mark + rq.words.say("review.spoken.stop") + text
}

func showQueue(rq *request) error {
	p, err := rq.readQueue("")
	if err != nil {
		return err
	}
	if p.Record != nil { // the first of the queue is open beside it
		if err := rq.noteRow("journal", p.Record.Journal); err != nil {
			return err
		}
	}
	return rq.show("review", p)
}

func showReview(rq *request) error {
	p, err := rq.readQueue(rq.row.ID)
	if err != nil {
		return err
	}
	return rq.show("review", p)
}

// doReview accepts, returns or guides, and opens the next one.
func doReview(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := rq.readQueue(rq.row.ID)
	if err != nil {
		return err
	}
	p.Comment = strings.TrimSpace(f.Get("comment"))
	kind, next, said := "", "", ""
	switch f.Get("do") {
	case "accept":
		kind, next, said = "accept", "accepted", "review.accepted"
		if p.Comment != "" {
			kind, said = "guide", "review.guided" // words that were typed are never dropped
		}
	case "guide":
		kind, next, said = "guide", "accepted", "review.guided"
	case "return":
		kind, next, said = "return", "returned", "review.gave"
	}
	var base syncproto.Base
	switch {
	case p.Record.State != "submitted":
		p.Error = rq.words.say("review.over")
	case kind == "" || kind != "accept" && p.Comment == "":
		p.Error = rq.words.say("review.say")
	case json.Unmarshal([]byte(f.Get("base")), &base) != nil || base.Epoch != p.Record.Base.Epoch || base.Rev != p.Record.Base.Rev:
		p.Changed = true
	}
	if p.Error != "" || p.Changed {
		return rq.again("review", p)
	}
	if err := rq.review(p.Record, kind, next, p.Comment); err != nil {
		text, ok := rq.sentence(err)
		if !ok {
			return err
		}
		p.Error = text
		return rq.again("review", p)
	}
	rq.toast(said, p.Around.Head)
	if p.Next != "" {
		return rq.see(p.Next)
	}
	return rq.see(rq.at("/review"))
}

// review writes a review and moves the journal with it: one change, so that neither stands without the other. It is based on what was
// read: words that come in meanwhile are not accepted unseen.
func (rq *request) review(r *branch.Record, kind, state, comment string) error {
	return rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		id, err := tx.NewID()
		if err != nil {
			return err
		}
		words, err := tx.Book().Table("review").Column("comment").Normalize(comment)
		if err != nil {
			return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "review", Message: schema.Words(err), Err: err}
		}
		made := syncproto.Edit{Table: "review", Row: syncproto.RowID(id), Op: syncproto.OpCreate, Cells: []syncproto.CellEdit{
			{Cell: "journal", Value: schema.Text(string(r.Journal))}, {Cell: "author", Value: schema.Text(string(rq.user()))}, {Cell: "kind", Value: schema.Text(kind)}}}
		if !words.IsNull() {
			made.Cells = append(made.Cells, syncproto.CellEdit{Cell: "comment", Value: words})
		}
		moved := syncproto.Edit{Table: "journal", Row: r.Journal, Op: syncproto.OpUpdate, Base: r.Base, Cells: []syncproto.CellEdit{{Cell: "state", Value: schema.Text(state)}}}
		return submitted(rq.app.opt.Engine.Judge.SubmitIn(tx, rq.user(), judge.Draft{Edits: []syncproto.Edit{moved, made}}))
	})
}

// submitted makes an error of a change that was refused, so that nothing of it stands.
func submitted(out *judge.Outcome, err error) error {
	if err != nil {
		return err
	}
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return &syncproto.Error{Code: v.Code, Op: "console: submit", Message: v.Message}
		}
	}
	return nil
}

// showPhoto sends a photo of a visit; that it was shown is on record.
func showPhoto(rq *request) error {
	if rq.app.opt.Engine.Files == nil {
		return errNotFound
	}
	return rq.app.opt.Engine.Files.Serve(rq.w, rq.Request, auth.Who{User: rq.user()}, rq.row.ID)
}
