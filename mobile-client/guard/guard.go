package guard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Reason is why a request was refused. Pages say it in words.
type Reason string

// The reasons.
const (
	WrongHost Reason = "host"    // not the address that was bound
	Foreign   Reason = "foreign" // another origin asks
	Spent     Reason = "spent"   // the launch secret is unknown, or was used before
	Stranger  Reason = "session" // no session
)

// enter is where a launch secret is exchanged for a session.
const enter = "/enter"

// Limits of what is kept: secrets not used yet, and sessions. The oldest gives way; a phone has one person.
const (
	maxLinks    = 4
	maxSessions = 8
	spentKept   = 64
)

// Guard stands before all pages of one server.
type Guard struct {
	host   string // host:port as bound
	rand   io.Reader
	refuse func(http.ResponseWriter, *http.Request, Reason)

	mu       sync.Mutex
	links    []digest
	spent    []spentLink
	sessions []*Session
}

type digest [sha256.Size]byte

type spentLink struct {
	link    digest
	session *Session
}

// Session is one browser that holds the cookie. Keep is for what the pages want to remember of it (a sentence to show once); it is
// gone with the process.
type Session struct {
	cookie digest
	mu     sync.Mutex
	kept   map[string]any
}

// New makes a guard for the address that was bound. refuse writes the whole answer to a refused request, with the
// status 403; only the headers that every answer has are set.
func New(bound net.Addr, rand io.Reader, refuse func(http.ResponseWriter, *http.Request, Reason)) *Guard {
	return &Guard{host: bound.String(), rand: rand, refuse: refuse}
}

// Link is an address with a new launch secret, which leads on to a path of these pages. Whoever opens it first gets a session.
func (g *Guard) Link(to string) (string, error) {
	secret, sum, err := g.secret()
	if err != nil {
		return "", err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.links = append(g.links, sum)
	g.links = g.links[max(0, len(g.links)-maxLinks):]
	link := "http://" + g.host + enter + "?k=" + secret
	if to != "/" {
		link += "&to=" + url.QueryEscape(to)
	}
	return link, nil
}

func (g *Guard) secret() (string, digest, error) {
	var raw [32]byte
	if _, err := io.ReadFull(g.rand, raw[:]); err != nil {
		return "", digest{}, err
	}
	text := base64.RawURLEncoding.EncodeToString(raw[:])
	return text, sha256.Sum256([]byte(text)), nil
}

// Wrap lets through to next what may pass; files under /a/ (style and script, the same on every phone) need no session, so that
// refusals can be legible.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		harden(w.Header())
		switch {
		case r.Host != g.host:
			g.deny(w, r, WrongHost)
		case !g.ours(r):
			g.deny(w, r, Foreign)
		case r.Method == http.MethodGet && r.URL.Path == enter:
			g.enter(w, r)
		case (r.Method == http.MethodGet || r.Method == http.MethodHead) && len(r.URL.Path) > 3 && r.URL.Path[:3] == "/a/":
			next.ServeHTTP(w, r)
		default:
			s := g.session(r)
			if s == nil {
				g.deny(w, r, Stranger)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, s)))
		}
	})
}

func (g *Guard) deny(w http.ResponseWriter, r *http.Request, why Reason) {
	w.Header().Set("Cache-Control", "no-store")
	g.refuse(w, r, why)
}

// harden sets the headers of every answer. The referrer policy is same-origin and not no-referrer: under the latter browsers send
// “Origin: null” with our own forms. No address of ours ever reaches another origin either way.
func harden(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob:; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Permissions-Policy", "geolocation=(self), camera=(self), microphone=(), usb=(), payment=()")
	h.Set("X-DNS-Prefetch-Control", "off")
	h.Set("Cache-Control", "no-store")
}

// ours tells whether a request comes from a page of this origin, from the address bar, or from no browser.
func (g *Guard) ours(r *http.Request) bool {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	if origin != "" && origin != "http://"+g.host {
		return false
	}
	if safe && r.URL.Path == enter && r.Header.Get("Sec-Fetch-Dest") != "iframe" {
		return true // whoever sends the person here, the secret decides
	}
	switch site {
	case "same-origin":
		return true
	case "none":
		return safe
	case "": // an old WebView, or no browser at all: writes must name their origin
		return safe || origin != ""
	}
	return false
}

// enter exchanges a launch secret for a session. It answers with a page and not with a redirect: a browser that came from elsewhere
// would not send a SameSite=Strict cookie along with the redirect.
func (g *Guard) enter(w http.ResponseWriter, r *http.Request) {
	sum := digest(sha256.Sum256([]byte(r.URL.Query().Get("k"))))
	cookie, session, ok := g.exchange(sum)
	switch {
	case ok:
		http.SetCookie(w, &http.Cookie{Name: g.cookie(), Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	case g.session(r) == nil:
		g.end(session)
		g.deny(w, r, Spent)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	to := html.EscapeString(within(r.URL.Query().Get("to")))
	_, err := io.WriteString(w, `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>民情通</title><meta http-equiv="refresh" content="0;url=`+to+`"><a href="`+to+`">民情通</a>`)
	if err != nil {
		return // the browser went away
	}
}

// within gives a path of these pages as it stands, and the first page for anything that could lead elsewhere: the address may come from
// anybody, and nothing in it is secret but the secret.
func within(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\;\r\n\t '\"") {
		return "/"
	}
	return to
}

// exchange takes a secret; for one used before it gives the session that it opened.
func (g *Guard) exchange(sum digest) (cookie string, old *Session, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.links {
		if subtle.ConstantTimeCompare(g.links[i][:], sum[:]) == 1 {
			text, hash, err := g.secret()
			if err != nil {
				return "", nil, false
			}
			s := &Session{cookie: hash, kept: map[string]any{}}
			g.links = append(g.links[:i], g.links[i+1:]...)
			g.sessions = append(g.sessions, s)
			g.sessions = g.sessions[max(0, len(g.sessions)-maxSessions):]
			g.spent = append(g.spent, spentLink{sum, s})
			g.spent = g.spent[max(0, len(g.spent)-spentKept):]
			return text, nil, true
		}
	}
	for _, s := range g.spent {
		if s.link == sum {
			return "", s.session, false
		}
	}
	return "", nil, false
}

// end closes a session; nil is none.
func (g *Guard) end(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.sessions {
		if g.sessions[i] == s {
			g.sessions = append(g.sessions[:i], g.sessions[i+1:]...)
			return
		}
	}
}

// cookie is the name of the cookie: browsers share cookies among the ports of a host.
func (g *Guard) cookie() string {
	_, port, err := net.SplitHostPort(g.host)
	if err != nil {
		return "minqing"
	}
	return "minqing-" + port
}

func (g *Guard) session(r *http.Request) *Session {
	c, err := r.Cookie(g.cookie())
	if err != nil {
		return nil
	}
	sum := sha256.Sum256([]byte(c.Value))
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sessions {
		if subtle.ConstantTimeCompare(s.cookie[:], sum[:]) == 1 {
			return s
		}
	}
	return nil
}

type sessionKey struct{}

// SessionOf gives the session of a request that came through Wrap, nil for others.
func SessionOf(ctx context.Context) *Session {
	s, _ := ctx.Value(sessionKey{}).(*Session)
	return s
}

// Keep remembers something for the session under a name.
func (s *Session) Keep(name string, v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[name] = v
}

// Take gives what was kept under a name, and forgets it; nil when there is nothing.
func (s *Session) Take(name string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.kept[name]
	delete(s.kept, name)
	return v
}
