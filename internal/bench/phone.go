package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// phone is a device as people have it: a replica in a file, and its sync.
type phone struct {
	*replica.Replica
	sync *syncer.Syncer
	net  *network
	path string
}

// phone enrols a device of a user; with a key its file is encrypted.
func (r *run) phone(ctx context.Context, t *town, user syncproto.UserID, key []byte) (*phone, error) {
	dir, err := r.folder()
	if err != nil {
		return nil, err
	}
	p := &phone{net: newNetwork(), path: filepath.Join(dir, "phone.db")}
	dev, err := t.enrol(ctx, user, p.net)
	if err != nil {
		return nil, err
	}
	if p.Replica, err = replica.Open(ctx, replica.Options{Path: p.path, Key: key, Book: book, Now: nowMS, Rand: rand.Reader}); err != nil {
		return nil, err
	}
	r.after(func() error { p.net.base.CloseIdleConnections(); return p.Close() })
	p.sync = syncer.New(syncer.Options{Replica: p.Replica, Transport: p.net, Rand: rand.Reader, Client: "bench"})
	return p, p.Enrol(ctx, dev)
}

// synced syncs, and wants nothing left over.
func (p *phone) synced(ctx context.Context) (syncer.Report, error) {
	rep, err := p.sync.Sync(ctx)
	if err == nil && (rep.Waiting > 0 || rep.Differs > 0 || rep.Verdicts[syncproto.Refused] > 0) {
		err = errors.New("a sync left something over, or something was refused")
	}
	return rep, err
}

// network carries a phone's requests and counts what passes through its sockets.
type network struct {
	base    *http.Transport
	sent    atomic.Int64 // bytes, headers included
	got     atomic.Int64
	rounds  int
	hold    bool          // answers are handed over once they have come whole
	arrived time.Time     // of the last answer held
	used    time.Duration // processor time by then
	answer  []byte        // its body, as it came
	packed  bool          // by zstd
}

func newNetwork() *network {
	n := &network{base: newTransport()}
	var dialer net.Dialer
	n.base.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &counted{c, n}, nil
	}
	return n
}

// RoundTrip sends a request.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	n.rounds++
	resp, err := n.base.RoundTrip(req)
	if err != nil || !n.hold {
		return resp, err
	}
	n.answer, err = io.ReadAll(resp.Body)
	n.packed = resp.Header.Get("Content-Encoding") == codec.EncodingZstd
	err = errors.Join(err, resp.Body.Close())
	resp.Body = io.NopCloser(bytes.NewReader(n.answer))
	n.arrived, n.used = time.Now(), cpu()
	return resp, err
}

// bytes gives what passed both ways.
func (n *network) bytes() int64 { return n.sent.Load() + n.got.Load() }

type counted struct {
	net.Conn
	n *network
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.got.Add(int64(n))
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.sent.Add(int64(n))
	return n, err
}
