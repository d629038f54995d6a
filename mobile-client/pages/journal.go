package pages

import (
	"strconv"
	"time"

	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// journalsPage is 日志: drafts, then what came back, then the newest.
type journalsPage struct {
	frame
	Drafts []draftRow
	Rows   []recordRow
	All    int
	Next   string
	Rest   int
}

// draftRow is a draft in the list; What says what it is, "" for a visit.
type draftRow struct{ Name, What, Text, Path, At string }

// recordRow is a journal or a matter in a list.
type recordRow struct {
	field.Record
	Name, Icon, Line, Class string
	Chip                    replica.Whereabouts
}

// journalPage is one journal with what the reviewers wrote under it.
type journalPage struct {
	frame
	field.Record
	Name     string
	Chip     replica.Whereabouts
	StateN   string
	Recorded string // the day on which it was written, when that is not the day of the visit
	Doing    []string
	Reviews  []stepRow
	Pics     []journalPic
	Mine     bool
	Fresh    bool // with guidance that was not noted yet
	Edit     bool // its words may still be changed
	Words    []earlier
}

type stepRow struct {
	field.Step
	Who, KindN string
}

// earlier is what the user wrote before.
type earlier struct{ At, Text string }

// rewordPage is the form over the text of a record.
type rewordPage struct {
	frame
	Sheet *sheet
	Note  string
	Verb  string
}

var journalRoutes = []route{
	{pattern: "GET " + journalsPath, do: showJournals},
	{pattern: "GET /j/{id}", do: showJournal},
	{pattern: "GET /j/{id}/edit", do: editJournal},
	{pattern: "POST /j/{id}/edit", do: saveJournal, keeps: true},
	{pattern: "POST /j/{id}/seen", do: noteGuidance, entry: true},
	{pattern: "GET /photo/{id}", do: showPhoto},
	{pattern: "GET /photo/{id}/whole", do: showWhole},
	{pattern: "GET /photo/{id}/content", do: photoContent},
}

var journalWords = words{
	"journal.drafts":    {ZH: "草稿", EN: "Drafts"},
	"journal.draft.at":  {ZH: "{0}存的，接着写", EN: "kept {0}; go on writing"},
	"journal.gone":      {ZH: "已不在本机的户", EN: "a home no longer here"},
	"journal.yours":     {ZH: "写过的", EN: "Written"},
	"journal.n":         {ZH: "{0} 篇", EN: "{0}"},
	"journal.more":      {ZH: "更早的 {0} 篇", EN: "{0} earlier"},
	"journal.blank":     {ZH: "还没有日志", EN: "No journal yet"},
	"journal.blank.t":   {ZH: "走访时写下的话，都在这里。", EN: "What you write on visits is kept here."},
	"journal.recorded":  {ZH: "{0}补记", EN: "recorded {0}"},
	"journal.met":       {ZH: "见到", EN: "Met"},
	"journal.did":       {ZH: "做了", EN: "Did"},
	"journal.by":        {ZH: "谁写的", EN: "By"},
	"journal.reviews":   {ZH: "审阅和指导", EN: "Review and guidance"},
	"journal.edit":      {ZH: "改文字", EN: "Change the text"},
	"journal.complete":  {ZH: "补写", EN: "Complete"},
	"journal.submit":    {ZH: "补好，重新提交", EN: "Submit again"},
	"journal.words":     {ZH: "看原来写的", EN: "See what was written before"},
	"journal.photo":     {ZH: "照片 {0}", EN: "Photo {0}"},
	"journal.saved":     {ZH: "补好了，重新提交。已存在本机，有网自动上传。", EN: "Completed and submitted again. Saved on this phone; it goes up by itself."},
	"journal.no":        {ZH: "这一篇已经审阅，不能再改。", EN: "This journal was accepted and cannot be changed."},
	"journal.no.hint":   {ZH: "有新情况，请再记一次走访。", EN: "If there is news, record another visit."},
	"journal.seen":      {ZH: "看到了", EN: "Noted"},
	"journal.guided":    {ZH: "有新的指导：{0}", EN: "New guidance: {0}"},
	"journal.back":      {ZH: "退回：{0}", EN: "Returned: {0}"},
	"journal.back.bare": {ZH: "退回，请补写", EN: "Returned, to be completed"},
}

// listed is how many records a list shows at once.
const listed = 50

// skip is how many records of a list stand on the pages before.
func (rq *request) skip() int {
	n, err := strconv.Atoi(rq.FormValue("from"))
	if err != nil {
		return 0
	}
	return max(n, 0)
}

func showJournals(rq *request) error {
	me, err := rq.me()
	if err != nil {
		return err
	}
	if err := rq.sweepPhotos(); err != nil {
		return err
	}
	l := rq.words
	p := &journalsPage{frame: frame{Title: l.say("tab.journal"), Tab: "journal"}}
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		list, err := drafts(v, "")
		if err != nil {
			return err
		}
		for _, d := range list {
			var h field.Home
			r := draftRow{Name: l.say("journal.gone"), Text: d.Text, Path: d.path(), At: l.moment(time.UnixMilli(d.At).In(rq.app.opt.Zone), rq.now)}
			if found, err := v.One(`SELECT coalesce(head, ''), coalesce(code, '') FROM household WHERE id = ?`, []any{string(d.Home)}, &h.Head, &h.Code); err != nil {
				return err
			} else if found {
				r.Name, r.Text = l.home(h), brief(d.Text)
			}
			p.Drafts = append(p.Drafts, r)
		}
		forms, err := allFormDrafts(v, "")
		if err != nil {
			return err
		}
		for _, d := range forms {
			r, err := rq.formDraftRow(v, d)
			if err != nil {
				return err
			}
			p.Drafts = append(p.Drafts, r)
		}
		rows, all, err := field.Journals(v, me, rq.skip(), listed)
		p.All = all
		for _, r := range rows {
			p.Rows = append(p.Rows, rq.journalRow(r))
		}
		return err
	}); err != nil {
		return err
	}
	if p.Rest = p.All - rq.skip() - len(p.Rows); p.Rest > 0 {
		p.Next = journalsPath + "?from=" + strconv.Itoa(rq.skip()+len(p.Rows))
	}
	return rq.show("journals", p)
}

func (rq *request) journalRow(r field.Record) recordRow {
	l, row := rq.words, recordRow{Record: r, Name: rq.words.home(r.Home), Icon: "journal", Line: brief(r.Text), Chip: r.Where}
	switch {
	case r.State == "returned":
		row.Icon, row.Class, row.Chip, row.Line = "back2", "c-act", "returned", l.say("journal.back.bare")
		if r.Comment != "" {
			row.Line = l.say("journal.back", brief(r.Comment))
		}
	case r.Guided:
		row.Icon, row.Class, row.Line = "guide", "c-accent", l.say("journal.guided", brief(r.Comment))
	}
	return row
}

// bornOn is the local day on which a row was made: a UUIDv7 begins with the time.
func (rq *request) bornOn(id syncproto.RowID) string {
	const timeDigits = 12
	var hex string
	for _, c := range string(id) {
		if c != '-' && len(hex) < timeDigits {
			hex += string(c)
		}
	}
	ms, err := strconv.ParseInt(hex, 16, 64)
	if err != nil {
		return ""
	}
	return time.UnixMilli(ms).In(rq.app.opt.Zone).Format(time.DateOnly)
}

func showJournal(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	me, err := rq.me()
	if err != nil {
		return err
	}
	l, p := rq.words, &journalPage{}
	var steps []field.Step
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		var ok bool
		var pics []syncproto.RowID
		if p.Record, steps, pics, ok, err = field.OneJournal(v, id); err == nil && !ok {
			err = errNotFound
		}
		for _, pic := range pics {
			p.Pics = append(p.Pics, journalPic{ID: pic})
		}
		return err
	}); err != nil {
		return err
	}
	for i := range p.Pics {
		thumb, err := rq.replica.Thumb(rq.Context(), p.Pics[i].ID)
		if err != nil {
			return err
		}
		p.Pics[i].Here = len(thumb) > 0
	}
	p.frame = frame{Title: l.home(p.Home), Sub: l.weekday(p.Day, rq.now), Back: rq.from(journalsPath)}
	p.Mine, p.Chip = p.Author == me, p.Where
	p.Edit = p.Mine && p.State != "accepted"
	if p.State == "returned" {
		p.Chip = "returned"
	}
	p.StateN = rq.replica.Book().Table("journal").FlowColumn().Show(schema.Text(p.State), schema.Lang(l), nil)
	if born := rq.bornOn(p.Visit); born > p.Day {
		p.Recorded = l.say("journal.recorded", l.date(born, rq.now))
	}
	for _, o := range rq.replica.Book().Table("visit").Column("tasks").Options {
		if hasElement(p.Tasks, o.Value) {
			p.Doing = append(p.Doing, o.Label.In(schema.Lang(l)))
		}
	}
	p.Reviews = rq.steps("review", steps)
	if rq.FormValue("words") != "" {
		if p.Words, err = rq.earlierWords("journal", id, "text"); err != nil {
			return err
		}
	}
	if p.Mine {
		if p.Fresh, err = rq.unseen(steps); err != nil {
			return err
		}
	}
	return rq.show("journal", p)
}

// unseen tells whether some guidance was not noted yet.
func (rq *request) unseen(steps []field.Step) (fresh bool, err error) {
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		for _, s := range steps {
			seen, err := v.Local(seenStep + string(s.ID))
			if err != nil {
				return err
			}
			fresh = fresh || s.Kind == "guide" && seen == nil
		}
		return nil
	})
	return fresh, err
}

// seenStep is under which the phone keeps that a review was read.
const seenStep = "seen/"

// noteGuidance notes that what stands under a journal was read: the button does it, or the script as soon as the page shows. A GET
// changes nothing: a browser may fetch a page that nobody looks at.
func noteGuidance(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	var steps []field.Step
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		var ok bool
		if _, steps, _, ok, err = field.OneJournal(v, id); err == nil && !ok {
			err = errNotFound
		}
		return err
	}); err != nil {
		return err
	}
	for _, s := range steps {
		if err := rq.replica.PutLocal(rq.Context(), seenStep+string(s.ID), []byte{1}); err != nil {
			return err
		}
	}
	return rq.see(journalPath(id))
}

// hasElement tells whether the JSON of a set holds an element.
func hasElement(set, e string) bool {
	v, err := schema.ParseValue(schema.KindSet, []byte(set))
	if err != nil {
		return false
	}
	for _, x := range v.Elements() {
		if x == e {
			return true
		}
	}
	return false
}

// steps puts the entries of a story into words.
func (rq *request) steps(table string, list []field.Step) (out []stepRow) {
	me, err := rq.me()
	kinds := rq.replica.Book().Table(table).Column("kind")
	for _, s := range list {
		r := stepRow{Step: s, Who: s.By, KindN: s.Kind}
		if o := kinds.Option(s.Kind); o != nil {
			r.KindN = o.Label.In(schema.Lang(rq.words))
		}
		if r.Day == "" {
			r.Day = rq.bornOn(s.ID)
		}
		switch {
		case s.Own:
			r.Who, r.Text = rq.words.say("word.itself"), rq.spoken(s.Mark, s.Text)
		case err == nil && s.Author == me:
			r.Who = rq.words.say("home.me")
		case s.Post != "":
			r.Who = rq.words.say("home.by", s.By, s.Post)
		}
		out = append(out, r)
	}
	return out
}

// earlierWords are what this phone wrote into a cell, whole, oldest first: its own changes are kept for as long as they may be wanted.
func (rq *request) earlierWords(table string, id syncproto.RowID, column string) (out []earlier, err error) {
	all, err := rq.replica.Entries(rq.Context())
	for _, e := range all {
		for _, edit := range e.Change.Edits {
			if edit.Table != table || edit.Row != id {
				continue
			}
			for _, c := range edit.Cells {
				if c.Cell == column && !c.Value.IsNull() {
					out = append(out, earlier{rq.words.moment(time.UnixMilli(e.Change.At).In(rq.app.opt.Zone), rq.now), c.Value.Str()})
				}
			}
		}
	}
	return out, err
}

// journalSheet is the form over the text of one's own journal.
func (rq *request) journalSheet() (*rewordPage, replica.Form, error) {
	id, err := rq.id("id")
	if err != nil {
		return nil, replica.Form{}, err
	}
	me, err := rq.me()
	if err != nil {
		return nil, replica.Form{}, err
	}
	f, err := rq.replica.Form(rq.Context(), "journal", id)
	if err != nil {
		return nil, f, err
	}
	if f.Values["author"] != schema.Text(string(me)) || f.Values["state"] == schema.Text("accepted") {
		return nil, f, &syncproto.Error{Code: syncproto.CodeAuth, Op: "journal", Message: journalWords["journal.no"].Both(),
			Hint: journalWords["journal.no.hint"].Both()}
	}
	l := rq.words
	p := &rewordPage{frame: frame{Title: l.say("journal.edit"), Back: journalPath(id), Shut: true, Form: true}, Sheet: rq.sheet(rq.URL.Path, f, "text"), Verb: l.say("form.save")}
	if f.Values["state"] != schema.Text("returned") {
		return p, f, nil
	}
	p.Title, p.Verb = l.say("journal.complete"), l.say("journal.submit")
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		_, err := v.One(`SELECT coalesce(comment, '') FROM review WHERE journal = ? AND kind = 'return' ORDER BY id DESC LIMIT 1`, []any{string(id)}, &p.Note)
		return err
	})
	return p, f, err
}

func editJournal(rq *request) error {
	p, _, err := rq.journalSheet()
	if err != nil {
		return err
	}
	if _, err := rq.resume(&p.frame, p.Sheet); err != nil {
		return err
	}
	return rq.show("reword", p)
}

// saveJournal writes the text if it differs from what the form showed; one that was returned is submitted again.
func saveJournal(rq *request) error {
	p, f, err := rq.journalSheet()
	if err != nil {
		return err
	}
	s, values, ok, err := rq.posted(rq.URL.Path, "journal", f.Row, "text")
	if err != nil {
		return err
	}
	p.Sheet = s
	if text := s.Field("text"); ok && values["text"].IsNull() {
		text.Error, ok = rq.words.say("visit.nothing"), false
	}
	if !ok {
		return rq.again("reword", p)
	}
	said := "saved"
	if s.base.Values["state"] == schema.Text("returned") {
		values["state"] = schema.Text("submitted")
		said = "journal.saved"
	}
	wrote, err := rq.write(func(tx *replica.Tx) error { return tx.Update(s.base, values) })
	switch {
	case err != nil && s.blame(err):
		return rq.again("reword", p)
	case err != nil:
		return err
	case !wrote:
		said = "nothing"
	}
	rq.toast(said)
	return rq.see(p.Back)
}

func showPhoto(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	thumb, err := rq.replica.Thumb(rq.Context(), id)
	if err == nil && len(thumb) == 0 {
		err = errNotFound
	}
	if err != nil {
		return err
	}
	return rq.image(thumb)
}
