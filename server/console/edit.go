package console

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/console/roster"
	"minqing/server/store"
	"minqing/syncproto"
)

// editor is a form of one row as pages show it, to be embedded.
type editor struct {
	Form *roster.Form
	Post string
	unmasking
	Error   string
	Written time.Time
	Saving  string // what the button says
}

// unmasking is what a page says of what is masked on it, to be embedded.
type unmasking struct {
	Unmask string // where a form goes that asks to see what is masked; "" when nothing is
	Whole  bool   // and it is shown
	Why    string // typed
	WhyBad string
}

var editWords = words{
	"edit.save":      {ZH: "保存", EN: "Save"},
	"edit.make":      {ZH: "建立", EN: "Make it"},
	"edit.saved":     {ZH: "已保存。", EN: "Saved."},
	"edit.made":      {ZH: "已建立。", EN: "Made."},
	"edit.same":      {ZH: "没有改动。", EN: "Nothing was changed."},
	"edit.beside":    {ZH: "已保存。同时{0}改了“{1}”，也在。", EN: "Saved. {0} changed “{1}” meanwhile; that stands too."},
	"edit.version":   {ZH: "第 {0} 版，{1} {2} 改", EN: "Version {0}, by {1}, {2}"},
	"edit.optional":  {ZH: "可不填", EN: "optional"},
	"edit.met":       {ZH: "您填的时候别人也改了，还没有保存。您写的都在下面；标出来的几栏看一看，再按保存。", EN: "Somebody else wrote here while you did, and nothing was saved. All that you typed is below; look at what is marked, and save again."},
	"edit.met.who":   {ZH: "谁", EN: "Who"},
	"edit.met.what":  {ZH: "哪一栏", EN: "What"},
	"edit.met.from":  {ZH: "您看到的", EN: "You saw"},
	"edit.met.to":    {ZH: "现在是", EN: "It is now"},
	"edit.open":      {ZH: "这一栏在冲突处理里等着定。", EN: "This waits on the conflict desk."},
	"edit.blank":     {ZH: "（空）", EN: "(empty)"},
	"edit.look":      {ZH: "有几栏没写对，看看标出来的。", EN: "Some of it is not right yet; look at what is marked."},
	"unmask.do":      {ZH: "看完整的号码", EN: "Show the whole numbers"},
	"unmask.why":     {ZH: "为什么要看", EN: "Why"},
	"unmask.why.t":   {ZH: "会记下来：谁、什么时候、看了谁、为什么", EN: "who looked, when, at whom and why goes on record"},
	"unmask.say":     {ZH: "请写明为什么要看，至少两个字。", EN: "Say why, in two characters at least."},
	"unmask.shown":   {ZH: "下面是完整的号码，已经记下来了。", EN: "The whole numbers are below; that you saw them is on record."},
	"unmask.confirm": {ZH: "看", EN: "Show"},
}

// clerk edits in the place of the request.
func (rq *request) clerk(tx *store.Tx) *roster.Clerk {
	return &roster.Clerk{Tx: tx, Lang: schema.Lang(rq.words), Zone: rq.app.zone, Place: rq.place.ID}
}

// readEditor reads the form of the row that the address names, which lives at an address.
func (rq *request) readEditor(tx *store.Tx, at string, whole bool) (editor, error) {
	f, err := rq.clerk(tx).Read(rq.row.Table, rq.row.ID, whole)
	if err != nil {
		return editor{}, err
	}
	return rq.editorOf(f, at, whole), nil
}

func (rq *request) editorOf(f *roster.Form, at string, whole bool) editor {
	e := editor{Form: f, Post: at, unmasking: unmasking{Whole: whole}, Saving: rq.words.say("edit.save")}
	if f.At > 0 {
		e.Written = time.UnixMilli(f.At).In(rq.app.zone)
	}
	if f.Masked && f.ID != "" {
		e.Unmask = at + "/unmask"
	}
	for _, x := range f.Fields {
		if x.Error != "" {
			e.Error = rq.words.say("edit.look")
		}
	}
	return e
}

// save saves the form of the row that the address names. again is the form to be shown anew; nil when all is done and said.
func (rq *request) save(typed url.Values, at string) (again *editor, err error) {
	var f *roster.Form
	saved := false
	err = rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) (err error) {
		f, saved, err = rq.clerk(tx).Save(rq.app.opt.Engine.Judge, rq.user(), rq.row.Table, rq.row.ID, typed)
		return err
	})
	if again, err := rq.notSaved(f, at, err); again != nil || err != nil {
		return again, err
	}
	if !saved {
		e := rq.editorOf(f, at, false)
		return &e, nil
	}
	switch {
	case len(f.Since) > 0:
		rq.toast("edit.beside", f.Since[0].Who, f.Since[0].Label)
	default:
		rq.toast("edit.saved")
	}
	return nil, nil
}

// notSaved is the form again with the sentence of an error that is about what was typed.
func (rq *request) notSaved(f *roster.Form, at string, err error) (*editor, error) {
	if err == nil {
		return nil, nil
	}
	text, ok := rq.sentence(err)
	if !ok || f == nil {
		return nil, err
	}
	e := rq.editorOf(f, at, false)
	e.Error = text
	return &e, nil
}

// unmasked is the record of masked values that were shown whole.
type unmasked struct {
	What   string          `json:"what"`
	Table  string          `json:"table"`
	Row    syncproto.RowID `json:"row"`
	Within string          `json:"within"`
	Stream string          `json:"stream"`
	Whole  bool            `json:"whole"`
	Why    string          `json:"why"`
}

// editPage is a page with the form of a row.
type editPage interface {
	page
	edit() *editor
}

func (e *editor) edit() *editor { return e }

// oneRow answers for the page of one row: shows it, saves its form, unmasks it. at is its address before the row's id, below the place;
// read makes the page, with what is masked shown whole if so asked.
type oneRow[P editPage] struct {
	name, at string
	read     func(rq *request, whole bool) (P, error)
}

func (o oneRow[P]) show(rq *request) error {
	p, err := o.read(rq, false)
	if err != nil {
		return err
	}
	return rq.show(o.name, p)
}

func (o oneRow[P]) save(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	at := rq.at(o.at + string(rq.row.ID))
	again, err := rq.save(f, at)
	if err != nil {
		return err
	}
	if again == nil {
		return rq.see(at)
	}
	p, err := o.read(rq, false)
	if err != nil {
		return err
	}
	*p.edit() = *again
	return rq.again(o.name, p)
}

func (o oneRow[P]) unmask(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	why, ok, err := rq.unmask(f)
	if err != nil {
		return err
	}
	p, err := o.read(rq, ok)
	if err != nil {
		return err
	}
	rq.asked(&p.edit().unmasking, why, ok)
	if !ok {
		return rq.again(o.name, p)
	}
	return rq.show(o.name, p)
}

// leastWhy is how many characters a reason has at least.
const leastWhy = 2

// unmask is the one way to see masked values whole: it wants a reason, and puts on record who saw what of whom and why before it lets him: of
// the row that the address names, and of others that are shown with it. ok is false when no reason was given.
func (rq *request) unmask(f url.Values, others ...*store.Row) (why string, ok bool, err error) {
	why = strings.TrimSpace(f.Get("why"))
	if r := []rune(why); len(r) < leastWhy || len(r) > 200 {
		return why, false, nil
	}
	return why, true, rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		for _, r := range append([]*store.Row{rq.row}, others...) {
			record, err := json.Marshal(unmasked{What: "unmask", Table: r.Table, Row: r.ID, Within: rq.place.ID, Stream: r.Stream, Whole: true, Why: why})
			if err != nil {
				return err
			}
			if err := tx.Disclose("console "+string(rq.user()), "", rq.user(), record); err != nil {
				return err
			}
		}
		return nil
	})
}

// asked is what a page says after somebody asked to see what is masked.
func (rq *request) asked(e *unmasking, why string, ok bool) {
	e.Why = why
	if !ok {
		e.WhyBad = rq.words.say("unmask.say")
	}
}
