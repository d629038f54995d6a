package pagetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
)

// Browser looks at the pages of a phone without a browser: it follows links and sends forms, and asks pages by CSS selector.
type Browser struct {
	*Phone
	tb     testing.TB
	client *http.Client
	base   string
}

// MustOpen makes a phone in a state, serves it and opens its launch link. Everything ends with the test.
func MustOpen(tb testing.TB, state State) *Browser {
	tb.Helper()
	p, err := Open(context.Background(), tb.TempDir(), state)
	if err != nil {
		tb.Fatal(err)
	}
	return browse(tb, p)
}

// MustReopen opens what a kill at this moment would leave of a phone.
func (b *Browser) MustReopen() *Browser {
	b.tb.Helper()
	p, err := b.Again(context.Background(), b.tb.TempDir())
	if err != nil {
		b.tb.Fatal(err)
	}
	return browse(b.tb, p)
}

func browse(tb testing.TB, p *Phone) *Browser {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	link, ended, err := p.Serve(ctx)
	if err != nil {
		stop()
		tb.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	base, _, _ := strings.Cut(link, "/enter")
	b := &Browser{Phone: p, tb: tb, client: &http.Client{Jar: jar}, base: base}
	tb.Cleanup(func() {
		b.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("the app ended with %v", err)
		}
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	b.do(http.MethodGet, strings.TrimPrefix(link, b.base), nil)
	return b
}

// Page is one answer.
type Page struct {
	Status int
	Path   string // where redirects led
	Raw    string
	*reader.Reader
	b *Browser
}

// Get opens a page, and follows redirects.
func (b *Browser) Get(path string) *Page {
	b.tb.Helper()
	return b.do(http.MethodGet, b.At(path), nil)
}

// Post sends fields to a path, as a form of the app's own page does.
func (b *Browser) Post(path string, fields url.Values) *Page {
	b.tb.Helper()
	return b.do(http.MethodPost, b.At(path), fields)
}

// Type sends what the script sends after every change of a form that keeps drafts.
func (p *Page) Type(fields url.Values) *Page {
	p.b.tb.Helper()
	form := p.One("form[data-draft]")
	values := p.Fields("form[data-draft]")
	for name, list := range fields {
		values[name] = list
	}
	return p.b.Post(reader.Attr(form, "data-draft"), values)
}

// PostFrom is Post from a page of another origin.
func (b *Browser) PostFrom(origin, path string, fields url.Values) *Page {
	b.tb.Helper()
	return b.from(origin, http.MethodPost, b.At(path), fields)
}

// Weight is how many bytes an answer has as it travels, compressed.
func (b *Browser) Weight(path string) int {
	b.tb.Helper()
	req, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	if err != nil {
		b.tb.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip") // said by hand, so that nothing unpacks it
	resp, err := b.client.Do(req)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.tb.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
	return int(n)
}

// Base is the origin of the app.
func (b *Browser) Base() string { return b.base }

func (b *Browser) do(method, path string, fields url.Values) *Page {
	b.tb.Helper()
	return b.from(b.base, method, path, fields)
}

// Part opens a page as the script does, which wants its main part alone.
func (b *Browser) Part(path string) *Page {
	b.tb.Helper()
	return b.from("part", http.MethodGet, b.At(path), nil)
}

func (b *Browser) from(origin, method, path string, fields url.Values) *Page {
	b.tb.Helper()
	return b.send(origin, method, path, "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()))
}

func (b *Browser) send(origin, method, path, media string, body io.Reader) *Page {
	b.tb.Helper()
	req, err := http.NewRequest(method, b.base+path, body)
	if err != nil {
		b.tb.Fatal(err)
	}
	if origin == "part" {
		req.Header.Set("X-Part", "main")
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", media)
		req.Header.Set("Origin", origin)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.tb.Fatal(err)
	}
	at := resp.Request.URL.RequestURI()
	return &Page{Status: resp.StatusCode, Path: at, Raw: string(raw), Reader: reader.MustRead(b.tb, fmt.Sprintf("%s (%d)", at, resp.StatusCode), string(raw)), b: b}
}

// Open shows a screen.
func (b *Browser) Open(s Screen) *Page {
	b.tb.Helper()
	p := b.Get(s.Path)
	if s.Post != nil {
		p = p.Send("main form", s.Post)
	}
	return p
}

// Send sends the form that a selector finds, with fields in place of its own of those names, and gives the page that comes of it.
func (p *Page) Send(selector string, fields url.Values) *Page {
	p.b.tb.Helper()
	form := p.One(selector)
	values := p.Fields(selector)
	for name, list := range fields {
		values[name] = list
	}
	action := reader.Attr(form, "action")
	if action == "" {
		action = p.Path
	}
	if !strings.EqualFold(reader.Attr(form, "method"), "post") {
		return p.b.Get(action + "?" + values.Encode())
	}
	return p.b.Post(action, values)
}

// SendFile is Send with a file chosen in a field.
func (p *Page) SendFile(selector, field, name string, content []byte, fields url.Values) *Page {
	p.b.tb.Helper()
	form := p.One(selector)
	values := p.Fields(selector)
	for name, list := range fields {
		values[name] = list
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, list := range values {
		for _, v := range list {
			if err := w.WriteField(name, v); err != nil {
				p.b.tb.Fatal(err)
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
		p.b.tb.Fatal(err)
	}
	return p.b.send(p.b.base, http.MethodPost, reader.Attr(form, "action"), w.FormDataContentType(), &body)
}

// Want fails the test unless the page has a status.
func (p *Page) Want(status int) *Page {
	p.b.tb.Helper()
	if p.Status != status {
		p.b.tb.Fatalf("%s gave %d, want %d: %s", p.Path, p.Status, status, strings.Join(p.Texts("main"), " "))
	}
	return p
}

// Has fails the test unless some element that a selector finds has a text.
func (p *Page) Has(selector, text string) {
	p.b.tb.Helper()
	texts := p.Texts(selector)
	for _, t := range texts {
		if strings.Contains(t, text) {
			return
		}
	}
	p.b.tb.Errorf("%s: no %s says %q; they say %s", p.Path, selector, text, fmt.Sprintf("%q", texts))
}
