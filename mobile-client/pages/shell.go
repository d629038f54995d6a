package pages

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"minqing/mobile-client/field"
	"minqing/mobile-client/guard"
	"minqing/mobile-client/replica"
	"minqing/schema"
)

//go:embed html/*.html
var pageFiles embed.FS

//go:embed static/app.js
var script []byte

//go:embed static/visit.js
var visitScript []byte

// page is a struct that embeds frame.
type page interface{ framed() *frame }

// frame is what every page says of itself. A page of a tab has Tab set, stands under the tabs and has no way back; any other has
// Back, or Shut where leaving drops what was begun.
type frame struct {
	Title string
	Sub   any    // the second line of the top bar: text or HTML
	Tab   string // today, households, journal, matters, me
	Back  string
	Shut  bool
	Form  bool      // the page is a form: surface all over
	Draft *keptForm // of a form that keeps drafts
	Shell shell
}

func (f *frame) framed() *frame { return f }

// shell is what the layout adds to every page.
type shell struct {
	Tag     string // the language, as HTML names it
	Class   string
	CSS, JS string
	Now     time.Time
	Waiting int // changes not uploaded
	Badges  map[string]int
	Toast   *toast
	// Practice marks every page while nothing is real.
	Practice bool
}

// tabs are the five pages under the thumb, in their order.
var tabs = []struct{ Name, Path, Icon string }{
	{"today", todayPath, "today"}, {"households", householdsPath, "house"}, {"journal", journalsPath, "journal"},
	{"matters", mattersPath, "matter"}, {"me", mePath, "me"},
}

// fit puts a page into the shell.
func (rq *request) fit(f *frame) error {
	s := rq.app.settings.get()
	f.Shell = shell{Tag: map[tongue]string{"zh": "zh-CN", "en": "en"}[rq.words], Class: s.class(), CSS: rq.app.css.Path, JS: rq.app.js.Path,
		Now: rq.now, Practice: rq.practising()}
	if f.Shell.Practice {
		f.Shell.Class = strings.TrimSpace(f.Shell.Class + " practice")
	}
	if session := guard.SessionOf(rq.Context()); session != nil {
		f.Shell.Toast, _ = session.Take("toast").(*toast)
	}
	if rq.replica == nil || f.Tab == "" {
		return nil
	}
	me, err := rq.me()
	if err != nil {
		return err
	}
	return rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if f.Shell.Waiting, err = v.Waiting(); err != nil {
			return err
		}
		waiting, err := field.JournalsWaiting(v, me)
		f.Shell.Badges = map[string]int{"journal": waiting}
		return err
	})
}

// funcs are what templates can do in a language.
func funcs(lang schema.Lang) template.FuncMap {
	l := tongue(lang)
	return template.FuncMap{
		"t":       l.html,
		"date":    l.date,
		"weekday": l.weekday,
		"moment":  l.moment,
		"tabs":    func() any { return tabs },
		"clauses": clauses,
		"wrapped": wrapped,
		"facts":   facts,
		"paths":   func() pathFuncs { return pathFuncs{} },
	}
}

// clauses breaks a reason at its comma or colon, so that a narrow line breaks there and nowhere else.
func clauses(text string) []string {
	for _, mark := range []string{"：", "，", ": ", ", "} {
		if a, b, ok := strings.Cut(text, mark); ok && b != "" {
			return []string{a + mark, b}
		}
	}
	return []string{text}
}

// wrapped lets a text break after its marks before it breaks anywhere else. Text with marked parts stays as it is.
func wrapped(text any) template.HTML {
	whole := fmt.Sprint(text)
	if h, ok := text.(template.HTML); ok && strings.Contains(string(h), "<") {
		return h
	} else if !ok {
		whole = template.HTMLEscapeString(whole)
	}
	var b strings.Builder
	for whole != "" {
		n := len(whole)
		if at := strings.IndexAny(whole, "，。；："); at >= 0 {
			n = at + len("，")
		}
		b.WriteString(`<span class="ib">` + whole[:n] + `</span>`)
		whole = whole[n:]
	}
	return template.HTML(b.String()) // #nosec G203 -- escaped above
}

var shellRoutes = []route{
	{pattern: "GET /{$}", do: func(rq *request) error { return rq.see(todayPath) }},
}

// refuse writes the page of a request that the guard did not let through.
func (a *App) refuse(w http.ResponseWriter, r *http.Request, why guard.Reason) {
	rq := &request{Request: r, app: a, w: w, words: tongue(a.settings.get().Lang), now: a.now(), phone: a.phone()}
	a.opt.Log.WarnContext(r.Context(), "request refused", "reason", string(why), "method", r.Method)
	p := &errorPage{frame: frame{Title: rq.words.say("error.refused." + string(why)), Form: true}, Icon: "lock",
		Text: rq.words.say("error.refused." + string(why) + ".text")}
	if err := rq.answer(http.StatusForbidden, "error", p); err != nil {
		a.opt.Log.ErrorContext(r.Context(), "page failed", "err", err)
		w.WriteHeader(http.StatusForbidden)
	}
}
