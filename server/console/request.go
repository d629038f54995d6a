package console

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"minqing/internal/webpage"
	"minqing/schema"
	"minqing/server/console/account"
	"minqing/server/console/conflict"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// request is one request and what its handler needs to answer it.
type request struct {
	*http.Request
	app   *App
	w     http.ResponseWriter
	route *entry
	words tongue
	now   time.Time
	nonce string

	signed  bool // somebody is: session says who
	session account.Session
	rights  *entitle.Rights

	place place         // of the address; zero on routes without one
	roles []schema.Role // that the caller holds over it
	row   *store.Row    // that the address names
	body  io.ReadCloser // as it came, without a bound
}

// place is one of the places of the register, with those above it, itself first.
type place struct {
	ID, Name, Level string
	Above           []string
}

// maxBody bounds what is posted: the longest text of the schema fits many times over.
const maxBody = 1 << 20

// The cookies. Every one is __Host-: of this host alone, over TLS or the loopback interface alone.
const (
	cookieSession = "__Host-mq-session"
	cookieKnown   = "__Host-mq-known"
	cookieLang    = "__Host-mq-lang"
	cookieScheme  = "__Host-mq-scheme"
	cookieSaid    = "__Host-mq-said"
	cookieWay     = "__Host-mq-way"
)

// handle runs a route: it makes the request, proves that the caller may, and turns an error into a page.
func (a *App) handle(e *entry, do handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.ofRow() {
			r = r.WithContext(store.Keyed(r.Context()))
		} else {
			r = r.WithContext(store.Planned(r.Context()))
		}
		rq := &request{Request: r, app: a, w: w, route: e, words: tongue(schema.ZH), now: a.now(), body: r.Body}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if lang := rq.cookie(cookieLang); lang == string(schema.EN) {
			rq.words = tongue(schema.EN)
		}
		err := rq.policy()
		if err == nil {
			err = rq.serve(do)
		}
		if err != nil {
			rq.fail(err)
		}
	})
}

// ofRow tells that a page is about one row and what is around it, which is looked up by keys. What is about a place, be it a row, may be about a city.
func (e *entry) ofRow() bool { return e.of != "" && e.of != "place" }

// policy says what a browser may do with the answer.
func (rq *request) policy() error {
	var raw [18]byte
	if _, err := io.ReadFull(rq.app.rand(), raw[:]); err != nil {
		return err
	}
	rq.nonce = base64.StdEncoding.EncodeToString(raw[:])
	h := rq.w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; script-src 'nonce-"+rq.nonce+"'")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: with it, browsers that send no Sec-Fetch-Site post our own forms with “Origin: null”, which is refused.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
	if rq.secure() {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
	return nil
}

// serve proves who calls and that he may, and runs the handler.
func (rq *request) serve(do handler) error {
	if token := rq.cookie(cookieSession); token != "" {
		x, ok, err := rq.app.opt.Accounts.Session(store.Keyed(rq.Context()), token)
		if err != nil {
			return err
		}
		rq.session, rq.signed = x, ok && x.Stage == account.Full
		if rq.signed && x.Stale {
			// What is only read needs no disk that takes anything: the session ends sooner, at worst.
			if err := rq.app.opt.Accounts.Keep(rq.Context(), x); err != nil {
				rq.app.opt.Log.WarnContext(rq.Context(), "session not prolonged", "error", err.Error())
			}
		}
		if rq.route.access == halfWay && ok && x.Stage == account.NeedsCode {
			return do(rq)
		}
	}
	switch {
	case rq.route.access == halfWay:
		return rq.see("/signin")
	case rq.route.access == public && !rq.signed:
		return do(rq)
	case !rq.signed:
		return rq.askAgain()
	}
	if err := rq.prove(); err != nil {
		return err
	}
	if err := rq.note(); err != nil {
		return err
	}
	if rq.route.body > 0 {
		rq.Body = http.MaxBytesReader(rq.w, rq.body, rq.route.body)
	}
	err := do(rq)
	if rq.MultipartForm != nil {
		err = errors.Join(err, rq.MultipartForm.RemoveAll())
	}
	return err
}

// prove reads the rights of who is signed in, and holds the address against them.
func (rq *request) prove() error {
	return rq.app.opt.Engine.Store.Read(store.Keyed(rq.Context()), func(tx *store.Tx) (err error) {
		if at := rq.PathValue("place"); at != "" && schema.ValidID(at) {
			if err := tx.Ahead(func() error { _, err := tx.RowsAbove([]string{at}); return err },
				func() error { return nameOf(tx, at, &place{}) }, func() error { return rq.askRow(tx) }); err != nil {
				return err
			}
		}
		if rq.rights, err = entitle.For(tx, rq.session.User.ID); err != nil || rq.PathValue("place") == "" {
			return err
		}
		if rq.place, err = placeOf(tx, rq.PathValue("place")); err != nil {
			return err
		}
		rq.roles = rq.rights.Roles(tx.Now(), rq.place.Above)
		if rq.route.access == byRight {
			may := rq.app.roles[rq.route.pattern]
			if !slices.ContainsFunc(rq.roles, func(r schema.Role) bool { return slices.Contains(may, r) }) {
				return errNotFound
			}
		}
		if len(rq.roles) == 0 {
			return errNotFound
		}
		return rq.proveRow(tx)
	})
}

// askRow asks for the row that the address names, where that is its own id.
func (rq *request) askRow(tx *store.Tx) error {
	id := rq.PathValue("row")
	if rq.route.of == "" || works[rq.route.of] != "" || rq.route.of == changeRow || rq.route.of == itemRow || !schema.ValidID(id) {
		return nil
	}
	_, err := tx.RowsAbove([]string{id})
	return err
}

// proveRow finds the row that the address names: of the right table, alive, within the place.
func (rq *request) proveRow(tx *store.Tx) error {
	if rq.route.of == "" {
		return nil
	}
	id := rq.PathValue("row")
	if kind := works[rq.route.of]; kind != "" {
		place := ""
		if found, err := tx.One("SELECT place FROM mq_work WHERE id = ? AND kind = ?", []any{id, kind}, &place); err != nil || !found {
			return errorOr(err, errNotFound)
		}
		id = place
	} else if rq.route.of == changeRow { // its record lies in a stream
		found, err := conflict.Find(tx, id)
		if err != nil || found == nil {
			return errorOr(err, errNotFound)
		}
		id = found.Stream
	} else if rq.route.of == itemRow {
		items, err := tx.Items("id = ?", id)
		if err != nil || len(items) != 1 {
			return errorOr(err, errNotFound)
		}
		// An item of a dead row lies in the stream where it was opened.
		if id = string(items[0].Row); id == "" {
			id = items[0].Stream
		}
	} else if !schema.ValidID(id) {
		return errNotFound
	}
	above, err := tx.RowsAbove([]string{id})
	if err != nil {
		return err
	}
	within := false
	for _, r := range above {
		within = within || string(r.ID) == rq.place.ID
		if string(r.ID) == id {
			rq.row = r
		}
	}
	if !within || rq.row == nil || !slices.Contains([]string{itemRow, changeRow, orderRow, fileRow, shiftRow}, rq.route.of) && (rq.row.Table != rq.route.of || rq.row.Dead != 0) {
		return errNotFound
	}
	return nil
}

// itemRow is the of of routes about an item of the inbox, changeRow that of those about a change that was refused or came late, orderRow
// and fileRow those of routes about what an administrator assigned and about a file that he brought, shiftRow that of those about what he moved or
// deleted.
const (
	itemRow   = "item"
	changeRow = "change"
	orderRow  = "order"
	fileRow   = "file"
	shiftRow  = "shift"
)

// works are the kinds of records of mq_work that addresses name.
var works = map[string]string{orderRow: "assign", fileRow: "import", shiftRow: "shift"}

func errorOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// placeOf reads a place and the chain above it; errNotFound when there is none.
func placeOf(tx *store.Tx, id string) (place, error) {
	p := place{}
	if !schema.ValidID(id) {
		return p, errNotFound
	}
	rows, err := tx.RowsAbove([]string{id})
	if err != nil {
		return p, err
	}
	byID := map[string]*store.Row{}
	for _, r := range rows {
		if r.Table == "place" && r.Dead == 0 {
			byID[string(r.ID)] = r
		}
	}
	for at := id; byID[at] != nil && !slices.Contains(p.Above, at); at = string(byID[at].Parent) {
		p.Above = append(p.Above, at)
	}
	if len(p.Above) == 0 {
		return p, errNotFound
	}
	return p, nameOf(tx, id, &p)
}

func nameOf(tx *store.Tx, id string, p *place) error {
	_, err := tx.One("SELECT id, COALESCE(name, ''), COALESCE(level, '') FROM place WHERE id = ?", []any{id}, &p.ID, &p.Name, &p.Level)
	return err
}

// user is who is signed in.
func (rq *request) user() syncproto.UserID { return rq.session.User.ID }

// may tells whether the caller may call another route of the table in the same place.
func (rq *request) may(pattern string) bool {
	may := rq.app.roles[pattern]
	return slices.ContainsFunc(rq.roles, func(r schema.Role) bool { return slices.Contains(may, r) })
}

// at is an address in the place of this request.
func (rq *request) at(rest string) string { return "/at/" + rq.place.ID + rest }

// client is the browser as accounts see it.
func (rq *request) client() account.Client {
	return account.Client{Address: rq.address(), Agent: rq.UserAgent(), Known: rq.cookie(cookieKnown)}
}

// trusted tells whether a proxy that is named sent the request.
func (rq *request) trusted() (netip.Addr, bool) {
	at, err := netip.ParseAddrPort(rq.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	from := at.Addr().Unmap()
	return from, slices.ContainsFunc(rq.app.opt.Proxies, func(p netip.Prefix) bool { return p.Contains(from) })
}

// address is where the request came from: what the nearest named proxy saw, read from the right, as whatever stands left of it anybody can
// have written.
func (rq *request) address() string {
	from, trusted := rq.trusted()
	if !trusted {
		return from.String()
	}
	hops := strings.Split(strings.Join(rq.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		from = a.Unmap()
		if !slices.ContainsFunc(rq.app.opt.Proxies, func(p netip.Prefix) bool { return p.Contains(from) }) {
			break
		}
	}
	return from.String()
}

// secure tells whether the way to the browser is encrypted.
func (rq *request) secure() bool {
	_, trusted := rq.trusted()
	return rq.TLS != nil || trusted && rq.Header.Get("X-Forwarded-Proto") == "https"
}

// local tells whether the browser runs on this machine: it then keeps secure cookies without TLS.
func (rq *request) local() bool {
	a, err := netip.ParseAddr(rq.address())
	return err == nil && a.IsLoopback()
}

func (rq *request) cookie(name string) string {
	c, err := rq.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie for a time; 0 is as long as the browser runs, less takes it away.
func (rq *request) setCookie(name, value string, life time.Duration) {
	// Strict would leave out the session when somebody comes by a link or from his organisation's sign-in.
	http.SetCookie(rq.w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// toast is a sentence to show once, above the next page. Undo is where a form goes that takes it back.
type toast struct {
	Text string `json:"t"`
	Undo string `json:"u,omitempty"`
}

// toast says a sentence on the next page.
func (rq *request) toast(key string, args ...any) { rq.said(toast{Text: rq.words.say(key, args...)}) }

func (rq *request) said(t toast) {
	raw, err := json.Marshal(t)
	if err == nil {
		rq.setCookie(cookieSaid, base64.RawURLEncoding.EncodeToString(raw), time.Minute)
	}
}

// see sends the browser on to a page of the consoles, by GET.
func (rq *request) see(path string) error {
	http.Redirect(rq.w, rq.Request, path, http.StatusSeeOther)
	return nil
}

// show answers with a page.
func (rq *request) show(name string, p page) error { return rq.answer(http.StatusOK, name, p) }

// again answers with a form whose values have to be mended.
func (rq *request) again(name string, p page) error {
	return rq.answer(http.StatusUnprocessableEntity, name, p)
}

func (rq *request) answer(status int, name string, p page) error {
	if err := rq.fit(p.framed()); err != nil {
		return err
	}
	t, err := rq.app.pages.Page(schema.Lang(rq.words), name)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "layout", p); err != nil {
		return err
	}
	h := rq.w.Header()
	h.Set("Content-Language", p.framed().Shell.Tag)
	h.Set("Vary", "Accept-Encoding, Cookie")
	rq.lost(webpage.Write(rq.w, rq.Request, status, body.Bytes()))
	return nil
}

// lost notes that a page did not get through: its browser went away, and nobody is left to be told.
func (rq *request) lost(err error) {
	if err != nil {
		rq.app.opt.Log.DebugContext(rq.Context(), "answer cut", "err", err.Error())
	}
}

// form reads what was posted. A file that came along is in MultipartForm.
func (rq *request) form() (url.Values, error) {
	if !rq.multipart() {
		err := rq.ParseForm()
		return rq.PostForm, err
	}
	if err := rq.ParseMultipartForm(maxBody); err != nil {
		return nil, cutForm(err)
	}
	return rq.PostForm, nil
}

// multipart tells whether a form came that can carry files.
func (rq *request) multipart() bool {
	return strings.HasPrefix(rq.Header.Get("Content-Type"), "multipart/form-data")
}

// cutForm is the error of a form with files that did not arrive whole, or is too large.
func cutForm(err error) error {
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return err
	}
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "console: form", Message: syncproto.Both("表单没有传完整。", "The form did not arrive whole."), Hint: syncproto.Both("请再传一次。", "Send it again."), Err: err}
}
