package sim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"minqing/internal/sim/oracle"
	"minqing/internal/simdisk"
	"minqing/internal/sqlitex/vfs"
)

// answer is what the server wrote, and what was true as it wrote it.
type answer struct {
	w         *world
	l         *link
	header    http.Header
	code      int
	buf       bytes.Buffer
	marks     []mark
	cuts      []*cut
	crashAt   int
	delivered int // bytes that reached the phone
	rows      int
	request   *request
	leave     func() // ends the request when its first part was sent; nil: it ends by itself
}

// mark says what held from a byte of the answer on.
type mark struct {
	at   int
	now  int64
	view *oracle.View
	can  map[string]bool // the scopes that the device may hold
}

// Header is that of http.ResponseWriter, as are WriteHeader, Write and Flush.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader takes the status.
func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
}

// Write takes bytes, until the server dies of it.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	s := a.w.server
	if a.crashAt >= 0 && a.buf.Len()+len(p) > a.crashAt {
		n := max(0, a.crashAt-a.buf.Len())
		a.buf.Write(p[:n])
		a.crashAt = -1
		s.crash(a.l.d)
		return n, errLink
	}
	a.buf.Write(p)
	return len(p), nil
}

// Flush is where the network takes time: other things may happen.
func (a *answer) Flush() {
	if a.leave != nil {
		a.leave()
	}
	if !a.l.nested || a.w.calm || a.w.depth >= 2 || !a.l.d.chance(6) || !a.w.server.up {
		return
	}
	a.w.server.settle()
	a.refresh()
	a.w.interlude(a.l.d)
	a.mark()
}

// refresh brings the newest mark up to the push that this very request brought.
func (a *answer) refresh() {
	m := &a.marks[len(a.marks)-1]
	m.view, m.can = a.w.oracle.View(), a.w.oracle.Entitled(a.l.phone.userID(), m.now)
}

// step is how far the server may have counted its clock on within one request: what a push changes holds from a moment later.
const step = 5

// mark notes what holds now.
func (a *answer) mark() {
	w := a.w
	now := w.now + step
	a.marks = append(a.marks, mark{at: a.buf.Len(), now: now, view: w.oracle.View(), can: w.oracle.Entitled(a.l.phone.userID(), now)})
}

// handle lets the server answer a request. It gives nil when the server did not live to give one.
func (s *server) handle(g *ghost, l *link, f fault) *answer {
	w := s.w
	if !s.up {
		s.open()
	}
	a := &answer{w: w, l: l, header: http.Header{}, crashAt: f.crashAnswer}
	sync := g.path == "/v1/sync"
	var byHand *bundle
	var whole *request
	if sync {
		whole = w.readRequest(g)
	}
	var body io.Reader = bytes.NewReader(g.body)
	if f.cutRequest >= 0 && f.cutRequest < len(g.body) {
		body = io.MultiReader(bytes.NewReader(g.body[:f.cutRequest]), broken{})
	} else if sync {
		a.request = whole
	} else if g.path == bundlePath {
		if byHand = w.handedIn(g); byHand != nil {
			a.request = w.readBundle(byHand)
		}
	}
	if a.request != nil {
		s.requests = append(s.requests, a.request)
	}
	switch {
	case g.path == bundlePath: // a box is another one each time
		w.trace.note("%s %s %d bytes", g.phone.name, g.path, len(g.body))
	case whole != nil && whole.sealed: // and so are its bytes, and how well they compress
		w.trace.note("%s %s %d changes, some sealed", g.phone.name, g.path, len(whole.changes))
	default:
		w.trace.bytes(g.phone.name+" "+g.path, g.body)
	}
	a.mark()
	if f.crashDisk >= 0 {
		s.disk.Inject(simdisk.Fault{Op: simdisk.OpWrite, Skip: f.crashDisk, Code: vfs.IOErr})
		s.failing = true
	}
	boot, recorded := s.eng, s.recording(g.device(), sync)
	u := &url.URL{Scheme: "https", Host: "minqing.example", Path: g.path}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	if g.path == eventsPath {
		a.leave = leave // it hears one event, and goes
	}
	s.eng.Handler().ServeHTTP(a, (&http.Request{Method: g.method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: g.header.Clone(),
		Body: io.NopCloser(body), ContentLength: int64(len(g.body)), Host: u.Host, RemoteAddr: "192.0.2.1:1", RequestURI: g.path}).WithContext(ctx))
	if w.broken != nil {
		panic(w.broken)
	}
	died := s.eng != boot || !s.up
	l.failed = l.failed || died || s.failing
	if !died && f.crashDisk >= 0 {
		s.crash(l.d)
		died = true
	}
	if !died && !s.failing && s.said != "" {
		w.violate(iSound, "the server says: %s", s.said)
	}
	if !s.up {
		s.open()
	}
	s.settle()
	s.finish(a)
	a.refresh()
	records := recorded()
	if byHand != nil && a.code == http.StatusOK {
		w.trace.note("receipt %d bytes", a.buf.Len())
	} else {
		w.trace.bytes("answer", a.buf.Bytes())
	}
	w.inspectPlain(a)
	if byHand != nil && a.code == http.StatusOK && !died {
		w.receiptSent(byHand, a.buf.Bytes())
	}
	if a.code == 0 || died && a.buf.Len() == 0 {
		return nil
	}
	if sync && a.code == http.StatusOK && strings.Contains(a.header.Get("Content-Type"), "ndjson") {
		w.inspect(a)
		if g.request == nil && a.request != nil && !died {
			g.request = a.request
			w.heard = append(w.heard, g)
		}
		if !died && a.rows > 0 && records != 1 {
			w.violate(iAudit, "%s is sent %d rows, and %d records were made of it", l.phone.name, a.rows, records)
		}
	}
	return a
}

// finish closes the request: whether the server took its push is known by now.
func (s *server) finish(a *answer) {
	r := a.request
	if r == nil {
		return
	}
	s.forget(r)
	if !r.settled && r.hello.Offer != "" && len(r.changes) > 0 && s.tookOffer(r) {
		r.settle(s, nil)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
