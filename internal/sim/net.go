package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"minqing/internal/sim/oracle"
	"minqing/server/store"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

var (
	errLink = errors.New("sim: the link broke")
	errDead = errors.New("sim: this process was killed")
)

// request is a sync request as the server got it.
type request struct {
	phone   *phone
	hello   syncproto.Hello
	changes []*syncproto.Change
	sealed  bool // some of them came for the server's eyes only
	settled bool
}

// readRequest takes the body of a sync request apart; nil for one that did not come whole.
func (w *world) readRequest(g *ghost) *request {
	return w.readFrames(g.phone, g.device(), g.header.Get("Content-Encoding"), bytes.NewReader(g.body))
}

// readFrames reads what a device says in the body of a sync request, by whatever way it came.
func (w *world) readFrames(p *phone, device syncproto.DeviceID, encoding string, body io.Reader) *request {
	plain, err := codec.Decompress(encoding, body, syncproto.MaxRequestBytes)
	if err != nil {
		return nil
	}
	defer plain.Close()
	in := codec.NewReader(plain, w.book, codec.Limits{})
	in.ForDevice(device)
	r := &request{phone: p}
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			return nil
		}
		switch f := f.(type) {
		case syncproto.Hello:
			r.hello = f
		case *syncproto.Change:
			if f.Sealed != nil {
				r.sealed = true
				f = w.unsealed(p, f)
			}
			r.changes = append(r.changes, f)
		}
	}
}

// unsealed is what a phone once made and can no longer read itself: its scope was forgotten, and the server alone can open it.
func (w *world) unsealed(p *phone, c *syncproto.Change) *syncproto.Change {
	for _, m := range p.mine {
		if m.First == c.First {
			opened := *m.Change
			opened.Name, opened.Labels = c.Name, c.Labels
			return &opened
		}
	}
	w.violate(iNoPhantom, "%s sends a sealed change that it never made: %v", p.name, c.First)
	return nil
}

// settle tells the oracle that the server took this push. group are the changes of it that are new.
func (r *request) settle(s *server, group []*store.Change) {
	r.settled = true
	w := s.w
	p := oracle.Push{User: syncproto.UserID(r.phone.user), Device: r.hello.Device, Offer: r.hello.Offer != "", Received: w.now}
	for _, c := range group {
		p.Received = c.Received
	}
	for _, c := range r.changes {
		w.arrived(r.phone, c)
		t := oracle.Taken{Change: c, ID: c.Identity()}
		if c.Cursor != "" {
			cursor, err := s.eng.Exchange.Sealer.OpenCursor(c.Cursor)
			w.must(err, "open the cursor of a change")
			t.Captured = min(cursor.Now, p.Received)
		}
		w.trace.aside("      %s captured %d received %d", t.ID[:8], t.Captured, p.Received)
		p.Changes = append(p.Changes, t)
		for _, e := range c.Edits {
			w.born(e.Table, e.Row)
		}
	}
	for _, c := range group {
		if c.Received < w.now-60_000 || c.Received > w.now+1000 {
			w.violate(iClocks, "a change received at %d is on record as of %d", w.now, c.Received)
		}
		if m := w.made[c.Identity]; m != nil && !bytes.Equal(m.Content, c.Body) && !(c.Status == syncproto.Refused && len(c.Body) == 0 && w.ofErased(m.Edits)) {
			w.violate(iNoLostEdit, "the server keeps change %s in other words: %s", c.Identity, c.Body)
		}
	}
	w.oracle.Push(p)
	w.lookAround()
	for _, c := range group {
		w.tally(w.oracle.Change(c.Identity))
	}
}

// link is the way from one phone's process to the server. It is bad in the ways of its weather.
type link struct {
	w      *world
	phone  *phone
	boot   int // of the phone's process that uses it
	d      *dice
	rough  bool
	nested bool     // other things happen meanwhile
	failed bool     // the server's disk failed under one of its requests
	plan   []script // what a directed history has in store for the next sync requests
}

// fault is what happens to one request.
type fault struct {
	loseRequest, delay, loseAnswer, twice bool
	cutRequest, cutAnswer                 int // byte, -1: not
	crashAnswer                           int // byte of the answer at which the server dies, -1: not
	crashDisk                             int // write of the server's disk at which it dies, -1: not
	killAt                                int // byte of the answer at which the phone dies, -1: not
	script                                *script
}

var noFault = fault{cutRequest: -1, cutAnswer: -1, crashAnswer: -1, crashDisk: -1, killAt: -1}

func (l *link) draw(size int) fault {
	f := noFault
	if !l.rough || l.w.calm || !l.d.chance(3) {
		return f
	}
	switch l.d.IntN(10) {
	case 0:
		f.loseRequest = true
	case 1:
		f.delay = true
	case 2:
		f.loseAnswer = true
	case 3:
		f.twice = true
	case 4:
		f.cutRequest = l.d.IntN(size + 1)
	case 5, 6:
		f.cutAnswer = l.d.IntN(1 + pick(l.d, []int{50, 400, 3000}))
	case 7:
		f.crashAnswer = l.d.IntN(1 + pick(l.d, []int{1, 300, 3000}))
	case 8:
		f.crashDisk = l.d.IntN(30)
	case 9:
		f.killAt = l.d.IntN(1 + pick(l.d, []int{50, 400, 3000}))
	}
	return f
}

// RoundTrip carries one request there and its answer back.
func (l *link) RoundTrip(req *http.Request) (*http.Response, error) {
	w, p := l.w, l.phone
	if p.boot != l.boot {
		return nil, errDead
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	w.tick(l.d.between(10, 900))
	f := l.draw(len(body))
	if len(l.plan) > 0 && req.URL.Path == "/v1/sync" {
		f = l.follow()
	}
	l.meanwhile(4)
	if p.boot != l.boot {
		return nil, errDead
	}
	g := &ghost{phone: p, method: req.Method, path: req.URL.RequestURI(), header: req.Header.Clone(), body: body}
	switch {
	case f.loseRequest:
		w.trace.note("%s: request lost", p.name)
		return nil, errLink
	case f.delay:
		w.trace.note("%s: request held back", p.name)
		w.ghosts = append(w.ghosts, g)
		return nil, errLink
	}
	ans := w.server.handle(g, l, f)
	if f.script != nil && ans != nil && ans.code == http.StatusUnauthorized {
		l.plan = append([]script{f.script.again()}, l.plan...) // it has to sign in first
		return l.deliver(ans, noFault), nil
	}
	if f.twice && ans != nil {
		w.count[cGhosts]++
		w.repeat(g)
	}
	if f.script != nil && f.script.cutBefore != "" && ans != nil {
		f.cutAnswer = ans.before(f.script.cutBefore, f.script.skip)
	}
	if f.cutRequest >= 0 || f.loseAnswer || ans == nil {
		w.count[cCuts]++
		return nil, errLink
	}
	if p.boot != l.boot {
		return nil, errDead
	}
	return l.deliver(ans, f), nil
}

// meanwhile lets something else happen, once in n times.
func (l *link) meanwhile(n int) {
	if l.nested && !l.w.calm && l.w.depth < 2 && l.d.chance(n) {
		l.w.interlude(l.d)
	}
}

// deliver is the answer on its way to the phone.
func (l *link) deliver(ans *answer, f fault) *http.Response {
	stream := &stream{l: l, left: ans.buf.Bytes(), cut: f.cutAnswer, kill: f.killAt, ans: ans}
	if f.script != nil {
		stream.coming = f.script.coming
	}
	l.phone.answered(ans)
	return &http.Response{StatusCode: ans.code, Header: ans.header, Body: stream, ContentLength: -1}
}

// stream is the body of an answer as it comes in.
type stream struct {
	l    *link
	left []byte
	done int
	cut  int
	kill int
	ans  *answer
	// coming, of a directed history, happens while the answer is on its way.
	coming func()
}

func (s *stream) Read(p []byte) (int, error) {
	w, phone := s.l.w, s.l.phone
	if phone.boot != s.l.boot {
		return 0, errDead
	}
	if s.cut >= 0 && s.done >= s.cut && len(s.left) > 0 {
		w.count[cCuts]++
		w.trace.note("%s: answer cut at byte %d", phone.name, s.done)
		return 0, errLink
	}
	if s.kill >= 0 && s.done >= s.kill {
		phone.crash(s.l.d)
		return 0, errDead
	}
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	s.l.meanwhile(12)
	if f := s.coming; f != nil {
		s.coming = nil
		f()
	}
	if phone.boot != s.l.boot {
		return 0, errDead
	}
	n := min(len(p), len(s.left), 1+s.l.d.IntN(4096))
	for _, at := range []int{s.cut, s.kill} {
		if at >= 0 {
			n = min(n, max(1, at-s.done))
		}
	}
	copy(p, s.left[:n])
	s.left = s.left[n:]
	s.done += n
	s.ans.delivered = s.done
	return n, nil
}

func (s *stream) Close() error { return nil }

// ghost is a request that can come again, or late.
type ghost struct {
	phone        *phone
	method, path string
	header       http.Header
	body         []byte
	request      *request // as the server read it, once it answered
}

// device is who sends the request, by its token.
func (g *ghost) device() syncproto.DeviceID {
	parts := strings.Split(g.header.Get("Authorization"), ".")
	if len(parts) != 3 {
		return ""
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	var who struct {
		Holder string `json:"cnf"`
	}
	if err != nil || json.Unmarshal(claims, &who) != nil {
		return ""
	}
	id, err := base64.RawURLEncoding.DecodeString(who.Holder)
	if err != nil || len(id) < 16 {
		return ""
	}
	return syncproto.DeviceID(fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16]))
}
