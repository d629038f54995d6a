package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// formDraft is what was typed into a form over the register, and not saved yet. It holds its author's own words alone: the fields that
// differ from what the form showed. So a household that is forgotten leaves nothing in it but those.
type formDraft struct {
	ID     string     `json:"id"`
	Path   string     `json:"path"`
	Page   string     `json:"tab"` // the page that wrote last
	Rev    int        `json:"rev"`
	At     int64      `json:"at"` // Unix ms
	Fields url.Values `json:"fields"`
	// Shown is, by field, a digest of what the form showed there: whether another wrote meanwhile is seen when the form opens again, and
	// both then stand on it.
	Shown map[string]string `json:"shown,omitempty"`
}

// keptForm is what a page says of its draft.
type keptForm struct {
	*formDraft
	Said string
	Note string
}

const (
	formDrafts = "draft/form/"
	draftPath  = "/draft"
)

var keepRoutes = []route{
	{pattern: "POST " + draftPath, do: keepForm, entry: true},
	{pattern: "POST " + draftPath + "/drop", do: dropForm, entry: true},
	{pattern: "POST " + draftPath + "/again", do: undropForm, entry: true},
	{pattern: "GET " + draftPath + "/{draft}", do: showWords},
}

var keepWords = words{
	"keep.meanwhile": {ZH: "这里后来有人改成：{0}", EN: "Meanwhile another changed this to: {0}"},
	"keep.emptied":   {ZH: "这里后来有人清空了", EN: "Meanwhile another emptied this"},
	"keep.other":     {ZH: "这一页还有 {0} 份草稿，在日志里。", EN: "There is {0} more draft of this page, under Journal.|There are {0} more drafts of this page, under Journal."},
	"keep.words":     {ZH: "您写了一半的", EN: "What you had begun"},
	"keep.words.t":   {ZH: "这一页现在打不开，没法接着存：那一户不在这部手机上了，或者事情已经了结。您写的字都在这里。", EN: "This page does not open any more: the home left this phone, or the matter is closed. All that you wrote is here."},
}

func (d *formDraft) key() string  { return formDrafts + d.Path + "#" + d.ID }
func (d *formDraft) link() string { return d.Path + "?draft=" + d.ID }

// ownNames are fields that the form itself needs.
var ownNames = []string{"draft", "tab", "rev", "base", "columns", "do", "undo"}

// digestOf tells one showing of a field from another.
func digestOf(texts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// keepsDrafts tells whether a path is that of a form with drafts.
func (a *App) keepsDrafts(path string) bool {
	_, pattern := a.mux.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
	return slices.Contains(a.keeps, pattern)
}

// postedDraft makes a draft of what a form says; nil when the form has none.
func (rq *request) postedDraft(path string, f url.Values) (*formDraft, error) {
	rev, err := strconv.Atoi(f.Get("rev"))
	if !isToken(f.Get("draft")) || !isToken(f.Get("tab")) || err != nil {
		return nil, nil //nolint:nilerr // a form without these has no draft
	}
	if !rq.app.keepsDrafts(path) {
		return nil, errNotFound
	}
	d := &formDraft{ID: f.Get("draft"), Path: path, Page: f.Get("tab"), Rev: rev, Fields: url.Values{}, Shown: map[string]string{}}
	shown := url.Values{"how": {howVillage}} // what no column holds, and stands chosen from the start
	var base replica.Form
	if raw := f.Get("base"); raw != "" {
		if err := json.Unmarshal([]byte(raw), &base); err != nil {
			return nil, damagedForm(err)
		}
		if rq.replica.Book().Table(base.Table) == nil {
			return nil, damagedForm(nil)
		}
		for _, in := range rq.sheet("", base, strings.Split(f.Get("columns"), ",")...).Fields {
			shown[in.Name] = in.texts()
			if _, there := f[in.Name]; !there {
				f[in.Name] = nil // every tick was taken away
			}
		}
	}
	for name, typed := range f {
		if slices.Contains(ownNames, name) || sameTexts(typed, shown[name]) {
			continue
		}
		for i := range typed {
			typed[i] = strings.ReplaceAll(typed[i], "\r\n", "\n")
		}
		d.Fields[name], d.Shown[name] = typed, digestOf(shown[name])
	}
	return d, nil
}

// sameTexts compares what two showings of a field say.
func sameTexts(a, b []string) bool {
	say := func(list []string) []string {
		out := []string{}
		for _, s := range list {
			if s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")); s != "" {
				out = append(out, s)
			}
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(say(a), say(b))
}

// savedDrafts lists what became of drafts that were saved lately.
func savedDrafts(v *replica.View) (saved []savedVisit, err error) {
	_, err = localJSON(v, savedVisits, &saved)
	return saved, err
}

// keepFormDraft makes a draft durable. What another page wrote meanwhile stays, and this one is kept beside it. gone is true when this very
// page saved the form already.
func (rq *request) keepFormDraft(d *formDraft) (copied, gone bool, err error) {
	rq.app.drafting.Lock()
	defer rq.app.drafting.Unlock()
	var have formDraft
	var found bool
	var saved []savedVisit
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if found, err = localJSON(v, d.key(), &have); err != nil {
			return err
		}
		saved, err = savedDrafts(v)
		return err
	}); err != nil {
		return false, false, err
	}
	switch {
	case slices.ContainsFunc(saved, func(s savedVisit) bool { return s.ID == d.ID && s.Tab == d.Page }):
		return false, true, nil
	case found && reflect.DeepEqual(have.Fields, d.Fields):
		d.Rev, d.At = have.Rev, have.At
		return false, false, nil
	case !found && len(d.Fields) == 0:
		return false, false, nil
	case slices.ContainsFunc(saved, func(s savedVisit) bool { return s.ID == d.ID }), found && have.Page != d.Page && have.Rev != d.Rev:
		if d.ID, err = rq.app.token(); err != nil {
			return false, false, err
		}
		copied = true
	}
	if len(d.Fields) == 0 { // everything is as it was: there is no draft
		d.At = 0
		return copied, false, rq.replica.PutLocal(rq.Context(), d.key(), nil)
	}
	d.Rev, d.At = max(d.Rev, have.Rev)+1, rq.now.UnixMilli()
	raw, err := json.Marshal(d)
	if err == nil {
		err = rq.replica.PutLocal(rq.Context(), d.key(), raw)
	}
	return copied, false, err
}

// allFormDrafts lists the drafts of one path, or of all forms (""), the newest first.
func allFormDrafts(v *replica.View, path string) (out []*formDraft, err error) {
	prefix := formDrafts
	if path != "" {
		prefix += path + "#"
	}
	err = v.Locals(prefix, func(_ string, value []byte, _ int64) error {
		d := &formDraft{}
		if err := json.Unmarshal(value, d); err != nil {
			return err
		}
		out = append(out, d)
		return nil
	})
	slices.SortStableFunc(out, func(a, b *formDraft) int { return int(min(1, max(-1, b.At-a.At))) })
	return out, err
}

// resume gives a form its draft: the newest of its path, the one asked for, or a new one. What was typed stands in the fields again; where
// another wrote meanwhile, that is said at the field.
func (rq *request) resume(f *frame, s *sheet) (*formDraft, error) {
	var list []*formDraft
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		list, err = allFormDrafts(v, rq.URL.Path)
		return err
	}); err != nil {
		return nil, err
	}
	d := &formDraft{Path: rq.URL.Path, Fields: url.Values{}}
	others := len(list)
	for _, have := range list {
		if want := rq.URL.Query().Get("draft"); d.ID == "" && (want == "" || want == have.ID) {
			d, others = have, others-1
		}
	}
	var err error
	if d.ID == "" {
		if d.ID, err = rq.app.token(); err != nil {
			return nil, err
		}
	}
	if d.Page, err = rq.app.token(); err != nil {
		return nil, err
	}
	if s != nil {
		for _, in := range s.Fields {
			if typed, there := d.Fields[in.Name]; there {
				in.retype(s, typed, d.Shown[in.Name])
			}
		}
	}
	f.Draft = rq.keptForm(d)
	if others > 0 {
		f.Draft.Note = rq.words.say("keep.other", others)
	}
	return d, nil
}

func (rq *request) keptForm(d *formDraft) *keptForm {
	return &keptForm{formDraft: d, Said: rq.saidAt(d.At)}
}

// retype puts what was typed into a field again. What is wrong with it is said when it is saved.
func (in *input) retype(s *sheet, typed []string, shown string) {
	now := in.texts()
	if digestOf(now) != shown && !sameTexts(now, typed) {
		in.Meanwhile = s.lang.say("keep.emptied")
		if text := in.column.Show(s.base.Values[in.Name], s.schemaLang(), nil); text != "" {
			in.Meanwhile = s.lang.say("keep.meanwhile", text)
		}
	}
	if err := in.read(s.lang, typed); err != nil && in.Options == nil {
		in.Value = strings.Join(typed, "")
	}
}

// keepPosted keeps what a form carried that could not be saved, and puts the draft on the page that answers it.
func (rq *request) keepPosted() error {
	if !rq.keeps || rq.replica == nil || rq.kept != nil || rq.PostForm == nil {
		return nil
	}
	d, err := rq.postedDraft(rq.URL.Path, cloneValues(rq.PostForm))
	if err != nil || d == nil {
		return err
	}
	copied, _, err := rq.keepFormDraft(d)
	if err != nil {
		return err
	}
	rq.kept = rq.keptForm(d)
	if copied {
		rq.kept.Note = rq.words.say("visit.draft.copied")
	}
	return nil
}

func cloneValues(f url.Values) url.Values {
	out := url.Values{}
	for name, list := range f {
		out[name] = slices.Clone(list)
	}
	return out
}

// keepForm keeps what the script sends after every change.
func keepForm(rq *request) error {
	if err := rq.ParseForm(); err != nil {
		return err
	}
	d, err := rq.postedDraft(rq.URL.Query().Get("of"), rq.PostForm)
	if err == nil && d == nil {
		err = damagedForm(nil)
	}
	if err != nil {
		return err
	}
	copied, gone, err := rq.keepFormDraft(d)
	if err != nil {
		return err
	}
	said, note := rq.saidAt(d.At), ""
	if gone {
		said = rq.words.say("saved")
	}
	if copied {
		note = rq.words.say("visit.draft.copied")
	}
	rq.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(rq.w).Encode(map[string]any{"draft": d.ID, "rev": d.Rev, "said": said, "note": note})
}

// namedDraft finds the draft that a request names, with its path or without.
func (rq *request) namedDraft(id string) (d *formDraft, err error) {
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		list, err := allFormDrafts(v, "")
		for _, have := range list {
			if have.ID == id {
				d = have
			}
		}
		return err
	})
	if err == nil && d == nil {
		err = errNotFound
	}
	return d, err
}

func dropForm(rq *request) error {
	if err := rq.ParseForm(); err != nil {
		return err
	}
	d, err := rq.namedDraft(rq.PostForm.Get("draft"))
	if err != nil {
		return err
	}
	rq.app.drafting.Lock()
	defer rq.app.drafting.Unlock()
	if err := rq.replica.PutLocal(rq.Context(), d.key(), nil); err != nil {
		return err
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	rq.undoable(draftPath+"/again", url.Values{"of": {string(raw)}}, "visit.discarded")
	return rq.see(journalsPath)
}

// undropForm puts a draft back that was just dropped.
func undropForm(rq *request) error {
	if err := rq.ParseForm(); err != nil {
		return err
	}
	var d formDraft
	if err := json.Unmarshal([]byte(rq.PostForm.Get("of")), &d); err != nil || !isToken(d.ID) || !isToken(d.Page) || !rq.app.keepsDrafts(d.Path) {
		return damagedForm(err)
	}
	if _, _, err := rq.keepFormDraft(&d); err != nil {
		return err
	}
	return rq.see(d.link())
}

// wordsPage shows a draft whose form does not open any more.
type wordsPage struct {
	frame
	ID    string
	Lines []string
}

func showWords(rq *request) error {
	d, err := rq.namedDraft(rq.PathValue("draft"))
	if err != nil {
		return err
	}
	return rq.show("words", &wordsPage{frame: frame{Title: rq.words.say("keep.words"), Back: journalsPath, Form: true}, ID: d.ID, Lines: d.lines()})
}

// wordsInstead answers for a form that does not open any more and has a draft: with the words of that.
func (rq *request) wordsInstead(cause error) error {
	var e *syncproto.Error
	if rq.replica == nil || !errors.As(cause, &e) || !rq.app.keepsDrafts(rq.URL.Path) {
		return cause
	}
	var list []*formDraft
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		list, err = allFormDrafts(v, rq.URL.Path)
		return err
	}); err != nil || len(list) == 0 {
		return errors.Join(cause, err)
	}
	return rq.see(draftPath + "/" + list[0].ID)
}

// lines are the words of a draft; what was only chosen is left out.
func (d *formDraft) lines() (out []string) {
	for _, list := range d.Fields {
		for _, s := range list {
			if s = strings.TrimSpace(s); s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
				out = append(out, s)
			}
		}
	}
	slices.Sort(out)
	return out
}

// saidAt says since when a draft is kept.
func (rq *request) saidAt(ms int64) string {
	if ms == 0 {
		return rq.words.say("visit.draft.none")
	}
	at := time.UnixMilli(ms).In(rq.app.opt.Zone)
	if at.Format(time.DateOnly) == rq.today() {
		return rq.words.say("visit.draft.saved", at.Format("15:04"))
	}
	return rq.words.say("visit.draft.saved", rq.words.moment(at, rq.now))
}

// formDraftRow puts a draft into the list of all: whose it is, what it is, and its first words.
func (rq *request) formDraftRow(v *replica.View, d *formDraft) (draftRow, error) {
	r := draftRow{Path: d.link(), At: rq.words.moment(time.UnixMilli(d.At).In(rq.app.opt.Zone), rq.now), Text: brief(strings.Join(d.lines(), " "))}
	parts := strings.Split(strings.Trim(d.Path, "/"), "/")
	if len(parts) < 3 || parts[0] == "sync" {
		r.Name = rq.words.say("sync.mend")
		return r, nil
	}
	query := map[string]string{"h": `SELECT coalesce(head, '') FROM household WHERE id = ?`,
		"r": `SELECT coalesce(h.head, '') FROM resident r JOIN household h ON h.id = r.household WHERE r.id = ?`,
		"m": `SELECT coalesce(h.head, '') FROM matter m JOIN household h ON h.id = m.household WHERE m.id = ?`,
		"j": `SELECT coalesce(h.head, '') FROM journal j JOIN visit v ON v.id = j.visit JOIN household h ON h.id = v.household WHERE j.id = ?`}[parts[0]]
	r.What = rq.words.say(map[string]string{"h/edit": "correct.title", "r/edit": "correct.title", "h/add": "correct.add", "h/matter": "matter.new", "m/answer": "matter.answer",
		"m/edit": "matter.edit", "j/edit": "journal.edit"}[parts[0]+"/"+parts[2]])
	var head string
	found, err := v.One(query, []any{parts[1]}, &head)
	if err != nil {
		return r, err
	}
	if r.Name = rq.words.say("home", head); !found {
		r.Name, r.Text, r.Path = rq.words.say("journal.gone"), strings.Join(d.lines(), " "), draftPath+"/"+d.ID
	}
	return r, nil
}
