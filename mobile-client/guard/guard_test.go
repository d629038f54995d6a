package guard_test

import (
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"minqing/mobile-client/guard"
)

// house is a guarded server with a page that tells who came.
type house struct {
	t    *testing.T
	g    *guard.Guard
	at   string // host:port
	base string
}

func mustHouse(t *testing.T) *house {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := guard.New(l.Addr(), rand.Reader, func(w http.ResponseWriter, r *http.Request, why guard.Reason) {
		w.WriteHeader(http.StatusForbidden)
		if _, err := io.WriteString(w, "refused: "+string(why)); err != nil {
			t.Error(err)
		}
	})
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.WriteString(w, "welcome"); err != nil {
			t.Error(err)
		}
	}))}}
	srv.Start()
	t.Cleanup(srv.Close)
	return &house{t: t, g: g, at: l.Addr().String(), base: "http://" + l.Addr().String()}
}

func (h *house) link() string {
	h.t.Helper()
	link, err := h.g.Link("/")
	if err != nil {
		h.t.Fatal(err)
	}
	return link
}

// ask sends a request with headers (a name that is "Host" sets the host) and gives status, body and cookies.
func (h *house) ask(method, target string, cookies []*http.Cookie, headers ...string) (int, string, *http.Response) {
	h.t.Helper()
	req, err := http.NewRequest(method, target, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	for _, c := range cookies {
		req.AddCookie(c)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp
}

func (h *house) open() []*http.Cookie {
	h.t.Helper()
	status, body, resp := h.ask("GET", h.link(), nil)
	if status != 200 || len(resp.Cookies()) != 1 {
		h.t.Fatalf("the link gave %d %q %v", status, body, resp.Cookies())
	}
	return resp.Cookies()
}

func (h *house) want(status int, words, method, target string, cookies []*http.Cookie, headers ...string) {
	h.t.Helper()
	got, body, _ := h.ask(method, target, cookies, headers...)
	if got != status || !strings.Contains(body, words) {
		h.t.Errorf("%s %s %q gave %d %q, want %d %q", method, target, headers, got, body, status, words)
	}
}

func TestSecretOpensOnce(t *testing.T) {
	h := mustHouse(t)
	h.want(403, "refused: session", "GET", h.base+"/", nil)
	h.want(403, "refused: spent", "GET", h.base+"/enter", nil)
	h.want(403, "refused: spent", "GET", h.base+"/enter?k=guess", nil)
	link := h.link()
	h.want(403, "", "HEAD", link, nil) // a look ahead takes nothing
	status, _, resp := h.ask("GET", link, nil)
	c := resp.Cookies()
	if status != 200 || len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || c[0].Domain != "" {
		t.Fatalf("the cookie is %d %v", status, c)
	}
	h.want(200, "welcome", "GET", h.base+"/", c)
	h.want(200, "民情通", "GET", link, c) // the page loaded again by its owner
	h.want(200, "welcome", "GET", h.base+"/", c)
	if u, err := url.Parse(link); err != nil || strings.Contains(c[0].Value, u.Query().Get("k")) {
		t.Error("the cookie holds the secret")
	}
}

func TestStolenLinkEndsWhatItOpened(t *testing.T) {
	h := mustHouse(t)
	other := h.open()
	link := h.link()
	_, _, resp := h.ask("GET", link, nil)
	thief := resp.Cookies()
	h.want(200, "welcome", "GET", h.base+"/", thief)
	h.want(403, "refused: spent", "GET", link, nil)
	h.want(403, "refused: session", "GET", h.base+"/", thief)
	h.want(200, "welcome", "GET", h.base+"/", other)
}

func TestLinksAndSessionsAreBounded(t *testing.T) {
	h := mustHouse(t)
	first := h.link()
	for range 4 {
		h.link()
	}
	h.want(403, "refused: spent", "GET", first, nil)
	oldest := h.open()
	for range 8 {
		h.open()
	}
	h.want(403, "refused: session", "GET", h.base+"/", oldest)
}

func TestWrongHostAndRebinding(t *testing.T) {
	h := mustHouse(t)
	c := h.open()
	_, port, _ := net.SplitHostPort(h.at)
	for _, host := range []string{"evil.example", "evil.example:" + port, "localhost:" + port, "127.0.0.1", "127.0.0.1:1", "[::1]:" + port, "127.0.0.1." + ":" + port} {
		h.want(403, "refused: host", "GET", h.base+"/", c, "Host", host)
		h.want(403, "refused: host", "GET", h.link(), nil, "Host", host)
		h.want(403, "refused: host", "GET", h.base+"/a/x.css", nil, "Host", host)
	}
}

func TestOtherOrigins(t *testing.T) {
	h := mustHouse(t)
	c := h.open()
	own := "http://" + h.at
	for _, headers := range [][]string{
		{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Origin", "http://127.0.0.1:1"}, {"Origin", "https://" + h.at}, {}, {"Sec-Fetch-Site", "none"},
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", own, "Sec-Fetch-Site", "same-site"}, {"Origin", "null", "Sec-Fetch-Site", "same-origin"},
	} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			h.want(403, "refused: foreign", method, h.base+"/", c, headers...)
		}
	}
	for _, headers := range [][]string{{"Origin", own}, {"Sec-Fetch-Site", "same-origin"}, {"Origin", own, "Sec-Fetch-Site", "same-origin"}} {
		h.want(200, "welcome", "POST", h.base+"/", c, headers...)
	}
	for _, site := range []string{"cross-site", "same-site"} { // an image, a frame, a script of another page, whatever the cookie
		h.want(403, "refused: foreign", "GET", h.base+"/", c, "Sec-Fetch-Site", site)
	}
	for _, site := range []string{"none", "same-origin"} {
		h.want(200, "welcome", "GET", h.base+"/", c, "Sec-Fetch-Site", site)
	}
	h.want(200, "民情通", "GET", h.link(), nil, "Sec-Fetch-Site", "cross-site") // started from a launcher or a mail
	h.want(403, "refused: foreign", "GET", h.link(), nil, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "iframe")
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	h := mustHouse(t)
	c := h.open()
	for _, target := range []string{"/", "/a/none.css", "/enter?k=x"} {
		for _, cookies := range [][]*http.Cookie{c, nil} {
			_, _, resp := h.ask("GET", h.base+target, cookies)
			csp := resp.Header.Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'", "script-src 'self'", "style-src 'self'"} {
				if !strings.Contains(csp, want) {
					t.Errorf("%s: the policy lacks %s: %q", target, want, csp)
				}
			}
			if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
				t.Errorf("%s: the policy is open: %q", target, csp)
			}
			for name, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: %s is %q", target, name, got)
				}
			}
		}
	}
}
