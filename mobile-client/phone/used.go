package phone

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
)

// Used is how many bytes went over the network in a month, as near as a program sees it: headers and bodies, without what the link
// itself adds.
type Used struct {
	Free    int64 `json:"free"`
	Metered int64 `json:"metered"` // while the network cost the person money
}

// Total is all of it.
func (u Used) Total() int64 { return u.Free + u.Metered }

// meter counts what goes over the network. What it counted is added to the month in the file after each sync: a kill loses the count of one.
type meter struct {
	mu      sync.Mutex
	pending Used
	start   int64 // since the start
}

func (m *meter) add(n int64, metered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.start += n
	if metered {
		m.pending.Metered += n
	} else {
		m.pending.Free += n
	}
}

func (m *meter) sinceStart() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.start
}

// usedPrefix is where the file keeps the months; they last as long as the file.
const usedPrefix = "used/"

func (p *Phone) month() string {
	zone := p.opt.Zone
	if zone == nil {
		zone = time.UTC
	}
	return time.UnixMilli(p.opt.Now()).In(zone).Format("2006-01")
}

// Used tells what this month took so far.
func (p *Phone) Used(v *replica.View) (Used, error) {
	p.used.mu.Lock()
	defer p.used.mu.Unlock()
	u, err := usedIn(v, p.month())
	u.Free += p.used.pending.Free
	u.Metered += p.used.pending.Metered
	return u, err
}

func usedIn(v *replica.View, month string) (u Used, err error) {
	raw, err := v.Local(usedPrefix + month)
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &u)
	}
	return u, err
}

// keepUsed adds what was counted to its month. A disk that is full costs nothing but the count, which is tried again.
func (p *Phone) keepUsed(ctx context.Context, r *replica.Replica) {
	p.used.mu.Lock()
	defer p.used.mu.Unlock()
	more := p.used.pending
	if more == (Used{}) {
		return
	}
	month := p.month()
	err := r.View(ctx, func(v *replica.View) error {
		u, err := usedIn(v, month)
		more.Free += u.Free
		more.Metered += u.Metered
		return err
	})
	var raw []byte
	if err == nil {
		raw, err = json.Marshal(more)
	}
	if err == nil {
		err = r.PutLocal(ctx, usedPrefix+month, raw)
	}
	if err != nil {
		p.opt.Log.Warn("the data used was not kept", "err", err)
		return
	}
	p.used.pending = Used{}
}

// counting counts what goes over a transport.
type counting struct {
	http.RoundTripper
	p *Phone
}

func (c counting) add(n int64) { c.p.used.add(n, c.p.network() == shell.Metered) }

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.add(int64(len(r.Method)+len(r.URL.RequestURI())) + headerBytes(r.Header) + max(r.ContentLength, 0))
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		c.add(headerBytes(resp.Header))
		resp.Body = &counted{resp.Body, c}
	}
	return resp, err
}

func headerBytes(h http.Header) (n int64) {
	for name, values := range h {
		for _, v := range values {
			n += int64(len(name) + len(": \r\n") + len(v))
		}
	}
	return n
}

type counted struct {
	io.ReadCloser
	c counting
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.c.add(int64(n))
	return n, err
}
