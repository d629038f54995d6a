package pages

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"time"

	"minqing/internal/webpage"
	"minqing/mobile-client/guard"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// request is one request and what its handler needs to answer it.
type request struct {
	*http.Request
	app     *App
	w       http.ResponseWriter
	phone   *phone.Phone     // that of practice, while somebody practises
	replica *replica.Replica // nil on open routes while there is none
	state   phone.State
	words   tongue
	now     time.Time // local
	device  *replica.Device
	keeps   bool      // it is a form of which drafts are kept
	kept    *keptForm // the draft of a form that could not be saved
}

// handle runs a route: it makes the request, and turns an error into a page.
func (a *App) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, max(maxBody, rt.body))
		rq := &request{Request: r, app: a, w: w, words: tongue(a.settings.get().Lang), now: a.now(), phone: a.phone()}
		if err := rq.serve(rt); err != nil {
			rq.fail(err)
		}
	})
}

// serve runs the handler of a route, or sends to where the way to it is opened.
func (rq *request) serve(rt route) error {
	rq.keeps = rt.keeps
	if rq.practising() && rt.outside() {
		return rq.show("practice", rq.practicePage())
	}
	file, state, release, err := rq.phone.Hold(rq.Context())
	if err != nil {
		release()
		return err
	}
	rq.state = state
	if rt.bare {
		release()
		return rt.do(rq)
	}
	defer release()
	if state == phone.Ready {
		rq.replica = file
	}
	switch {
	case state != phone.Ready && rq.practising():
		return rq.gone()
	case state != phone.Ready && !rt.open:
		return rq.shut(state)
	case state == phone.Ready && !rt.open && !rt.entry:
		if lapsed, err := rq.lapsed(); lapsed || err != nil {
			return err
		}
	}
	if rt.keeps {
		if done, err := rq.repeated(); done || err != nil {
			return err
		}
	}
	err = rt.do(rq)
	if err != nil && rq.Method == http.MethodGet {
		err = rq.wordsInstead(err)
	}
	if rt.keeps && err != nil {
		err = errors.Join(err, rq.keepPosted())
	}
	if rq.Method == http.MethodPost && !rt.entry && err == nil {
		rq.phone.Saved()
	}
	return err
}

// today is the local date.
func (rq *request) today() string { return rq.now.Format(time.DateOnly) }

// me is whose phone this is.
func (rq *request) me() (syncproto.UserID, error) {
	if rq.device == nil {
		d, err := rq.replica.Device(rq.Context())
		if err != nil {
			return "", err
		}
		rq.device = &d
	}
	return rq.device.User, nil
}

// id is a row named in the path: errNotFound when it is none.
func (rq *request) id(name string) (syncproto.RowID, error) {
	id := rq.PathValue(name)
	if !schema.ValidID(id) {
		return "", errNotFound
	}
	return syncproto.RowID(id), nil
}

// toast is a sentence to show once, above the next page. Undo is where a form goes that takes it back, Fields what it carries.
type toast struct {
	Text   string
	Undo   string
	Fields url.Values
}

// toast says a sentence on the next page.
func (rq *request) toast(key string, args ...any) { rq.keep(&toast{Text: rq.words.say(key, args...)}) }

// undoable says a sentence on the next page, with a button that posts fields to a path.
func (rq *request) undoable(path string, fields url.Values, key string, args ...any) {
	rq.keep(&toast{Text: rq.words.say(key, args...), Undo: path, Fields: fields})
}

func (rq *request) keep(t *toast) {
	if s := guard.SessionOf(rq.Context()); s != nil {
		s.Keep("toast", t)
	}
}

// see sends the browser on to a page of the app, by GET.
func (rq *request) see(path string) error {
	http.Redirect(rq.w, rq.Request, path, http.StatusSeeOther)
	return nil
}

// show answers with a page.
func (rq *request) show(name string, p page) error { return rq.answer(http.StatusOK, name, p) }

// again answers with a form whose values have to be mended.
func (rq *request) again(name string, p page) error {
	if err := rq.keepPosted(); err != nil {
		return err
	}
	return rq.answer(http.StatusUnprocessableEntity, name, p)
}

func (rq *request) answer(status int, name string, p page) error {
	f := p.framed()
	if f.Draft == nil && f.Form {
		f.Draft = rq.kept
	}
	if err := rq.fit(f); err != nil {
		return err
	}
	var body bytes.Buffer
	t, err := rq.app.pages.Page(schema.Lang(rq.words), name)
	if err != nil {
		return err
	}
	root := "layout"
	if rq.Header.Get("X-Part") == "main" { // the script wants to put it in the place of what stands there
		root = "main"
	}
	if err := t.ExecuteTemplate(&body, root, p); err != nil {
		return err
	}
	h := rq.w.Header()
	h.Set("Content-Language", f.Shell.Tag)
	rq.lost(webpage.Write(rq.w, rq.Request, status, body.Bytes()))
	return nil
}

// lost notes that a page did not get through: its browser went away, and nobody is left to be told.
func (rq *request) lost(err error) {
	if err != nil {
		rq.app.opt.Log.DebugContext(rq.Context(), "answer cut", "err", err)
	}
}
