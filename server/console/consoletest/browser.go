package consoletest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"minqing/internal/webpage/reader"
)

// MustOpen opens a city for a test and serves it; everything ends with the test.
func MustOpen(tb testing.TB, opt Options) (*City, string) {
	tb.Helper()
	if opt.Dir == "" {
		opt.Dir = tb.TempDir()
	}
	c, err := Open(context.Background(), opt)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	base, ended, err := c.Serve(ctx)
	if err != nil {
		stop()
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
		if err := c.Engine.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c, base
}

// Browser looks at pages without a browser: it follows links and sends forms, and asks pages by CSS selector.
type Browser struct {
	tb      testing.TB
	base    string
	city    *City
	cookies map[string]string
	// Header goes along with every request.
	Header http.Header
}

// NewBrowser makes one for somebody, signed in; "" is nobody.
func (c *City) NewBrowser(tb testing.TB, base, who string) *Browser {
	tb.Helper()
	b := &Browser{tb: tb, base: base, city: c, cookies: map[string]string{}, Header: http.Header{}}
	if who != "" {
		token, err := c.Session(context.Background(), who)
		if err != nil {
			tb.Fatal(err)
		}
		b.cookies["__Host-mq-session"] = token
	}
	return b
}

// Page is one answer.
type Page struct {
	Status int
	Path   string // where redirects led
	Raw    string
	Sent   int // bytes of the body as they were sent: compressed, where the server compresses
	Header http.Header
	*reader.Reader
	b *Browser
}

// client follows no redirect by itself, as cookies are kept by hand: a jar would not send a secure one over the loopback interface, as
// browsers do.
var client = sync.OnceValue(func() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
})

// Get opens a page, and follows redirects.
func (b *Browser) Get(path string) *Page {
	b.tb.Helper()
	return b.follow(b.Do(http.MethodGet, path, nil))
}

// Post sends fields to a path, as a form of our own page does, and follows redirects.
func (b *Browser) Post(path string, fields url.Values) *Page {
	b.tb.Helper()
	return b.follow(b.Do(http.MethodPost, path, fields))
}

func (b *Browser) follow(p *Page) *Page {
	b.tb.Helper()
	for range 5 {
		to := p.Header.Get("Location")
		if p.Status != http.StatusSeeOther || !strings.HasPrefix(to, "/") {
			return p
		}
		p = b.Do(http.MethodGet, to, nil)
	}
	b.tb.Fatalf("%s leads in a circle", p.Path)
	return nil
}

// Do sends one request and follows nothing.
func (b *Browser) Do(method, path string, fields url.Values) *Page {
	b.tb.Helper()
	return b.send(method, path, "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()))
}

func (b *Browser) send(method, path, kind string, body io.Reader) *Page {
	b.tb.Helper()
	path = b.city.At(path)
	req, err := http.NewRequest(method, b.base+path, body)
	if err != nil {
		b.tb.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip") // as every browser does; what came is unpacked here, to be weighed before
	for name, values := range b.Header {
		req.Header[name] = values
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", kind)
		if req.Header.Get("Origin") == "" {
			req.Header.Set("Origin", b.base)
		}
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := client().Do(req)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	sent := len(raw)
	if err == nil && resp.Header.Get("Content-Encoding") == "gzip" {
		var zip *gzip.Reader
		if zip, err = gzip.NewReader(bytes.NewReader(raw)); err == nil {
			raw, err = io.ReadAll(zip)
		}
	}
	if err != nil {
		b.tb.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
			b.tb.Errorf("a cookie that another host could set or a script read: %v", c)
		}
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return &Page{Status: resp.StatusCode, Path: path, Raw: string(raw), Sent: sent, Header: resp.Header, Reader: reader.MustRead(b.tb, fmt.Sprintf("%s (%d)", path, resp.StatusCode), string(raw)), b: b}
}

// Upload sends a file with fields to a path, as a form of our own page does, and follows redirects.
func (b *Browser) Upload(path string, fields url.Values, field, name string, content []byte) *Page {
	b.tb.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, values := range fields {
		for _, v := range values {
			if err := w.WriteField(k, v); err != nil {
				b.tb.Fatal(err)
			}
		}
	}
	part, err := w.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		b.tb.Fatal(err)
	}
	return b.follow(b.send(http.MethodPost, path, w.FormDataContentType(), &body))
}

// Forget drops a cookie of the browser that got the page.
func (p *Page) Forget(cookie string) { p.b.Drop(cookie) }

// Drop forgets a cookie, as when a session ends.
func (b *Browser) Drop(name string) { delete(b.cookies, name) }

// Cookie is what a cookie holds.
func (b *Browser) Cookie(name string) string { return b.cookies[name] }

// Weight is what a browser that has nothing yet takes for the page, its style sheet and its scripts, in bytes: as sent, and unpacked.
func (p *Page) Weight() (sent, plain int) {
	p.b.tb.Helper()
	sent, plain = p.Sent, len(p.Raw)
	for _, n := range p.All("link[rel=stylesheet], script[src]") {
		part := p.b.Get(reader.Attr(n, "href") + reader.Attr(n, "src")).Want(http.StatusOK)
		sent, plain = sent+part.Sent, plain+len(part.Raw)
	}
	return sent, plain
}

// Want fails the test unless the status is the one wanted.
func (p *Page) Want(status int) *Page {
	p.b.tb.Helper()
	if p.Status != status {
		p.b.tb.Fatalf("%s: %d, want %d: %q", p.Path, p.Status, status, p.Texts("main"))
	}
	return p
}

// Send sends the form that a selector finds, with fields in place of its own of those names.
func (p *Page) Send(selector string, fields url.Values) *Page {
	p.b.tb.Helper()
	values := p.Fields(selector)
	for name, list := range fields {
		values[name] = list
	}
	action := reader.Attr(p.One(selector), "action")
	if action == "" {
		action = p.Path
	}
	return p.b.Post(action, values)
}
